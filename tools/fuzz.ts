// `make fuzz`: the shipped runtime against random programs under random schedules, with the collector between any two of their
// operations and all checks on. The programs, their shadow and their schedules are those of tests/support/hostile; case i of a
// seed is the same whoever runs it, so the answer does not depend on the number of threads.
import { parseArgs } from 'node:util';
import { caseOf, judge, replayText, shrink } from '../tests/support/hostile/case.ts';
import { mutants } from '../tests/support/mutants/catalogue.ts';
import { runWith } from '../tests/support/mutants/hunt.ts';
import { defaultWorkers, Progress, runJobs, serve, usage, whole } from './pool.ts';

const help = `usage: node tools/run.mjs fuzz [--n N] [--seed N] [--workers N] [--mutant ID]

Runs N random programs, each under a random schedule, and stops at the first in which something is wrong.

  --n N        programs (default 100000)
  --seed N     which programs (default 20140901)
  --workers N  threads (default: one for each processor)
  --mutant ID  with a known bug put in, to see that it is found
  --help       this text

Exit codes: 0; 1 something is wrong: the smallest case is printed as a replay string; 2 usage.`;

/** Cases of a job. */
const batch = 100;

interface Job {
  readonly seed: number;
  readonly from: number;
  readonly end: number;
  readonly mutant: string;
}

/** Index of the first failing case of a job, and what was noticed; null: nothing. */
type Result = { readonly index: number; readonly words: string; readonly replay: string } | null;

function work({ seed, from, end, mutant }: Job): Result {
  const broken = mutants.find((m) => m.id === mutant) ?? null;
  const run = runWith(broken, true);
  for (let index = from; index < end; index++) {
    const tried = caseOf(seed, index, broken ?? {});
    const { verdict } = judge(tried, run);
    if (verdict === null) continue;
    const smallest = shrink(tried, run);
    const { oracle, words } = judge(smallest, run).verdict!;
    return { index, words: `${oracle}: ${words}`, replay: replayText({ mutant, checks: true, case: smallest }) };
  }
  return null;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      n: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '20140901' },
      workers: { type: 'string', default: String(defaultWorkers) },
      mutant: { type: 'string', default: '-' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const n = whole('n', values.n, 1, 1 << 21);
  const seed = whole('seed', values.seed, 0, 2 ** 31);
  if (values.mutant !== '-' && !mutants.some((m) => m.id === values.mutant)) usage(`--mutant: there is no mutant ${values.mutant}`);
  const jobs: Job[] = [];
  for (let from = 0; from < n; from += batch) jobs.push({ seed, from, end: Math.min(from + batch, n), mutant: values.mutant });
  const progress = new Progress();
  let first: { job: number; result: NonNullable<Result> } | null = null as { job: number; result: NonNullable<Result> } | null;
  let finished = 0;
  await runJobs<Job, Result>(
    jobs,
    whole('workers', values.workers, 1, 256),
    (result, job) => {
      progress.update(`fuzz: ${++finished * batch} of ${n} programs`);
      if (result !== null && (first === null || job < first.job)) first = { job, result };
    },
    () => first === null, // jobs are handed out in order: what runs on is earlier or of no interest
  );
  progress.done();
  if (first === null) {
    console.log(`fuzz: ${n} programs under ${n} schedules, nothing wrong (seed ${seed})`);
    return 0;
  }
  const { index, words, replay } = first.result;
  console.log(`fuzz: program ${index} of seed ${seed}: ${words}`);
  console.log(`node tools/run.mjs mutants --replay '${replay}'`);
  return 1;
}

if (!serve(work)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    usage((error as Error).message);
  }
}
