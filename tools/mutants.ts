// `make mutants`: the collector's proof put to the proof. Every mutant of the catalogue is hunted with hostile programs, with the
// runtime's own checks and without them, from several seeds; then a table says who noticed it and after how many schedules,
// with a string that brings one failure back. The catalogue is in tests/support/mutants, the programs in tests/support/hostile.
import { parseArgs } from 'node:util';
import { judge, parseReplay, replayText, shrink, type Verdict } from '../tests/support/hostile/case.ts';
import { absent, canary, mutants } from '../tests/support/mutants/catalogue.ts';
import { hunt, runWith } from '../tests/support/mutants/hunt.ts';
import { defaultWorkers, Progress, runJobs, serve, usage, whole } from './pool.ts';

const help = `usage: node tools/run.mjs mutants [MUTANT…] [--seeds N] [--most N] [--controls N] [--workers N] [--json]
       node tools/run.mjs mutants --replay STRING

Hunts every known bug of the catalogue with random programs under random schedules, and prints who noticed it.

  MUTANT        ids such as M06; all of them when none is given
  --seeds N     hunts from so many seeds; the figures are medians (default 3)
  --most N      schedules before a mutant counts as survivor (default 5000)
  --controls N  schedules of each control, in which nobody may notice anything (default 500)
  --workers N   threads (default: one for each processor)
  --json        one JSON document instead of the table
  --replay S    runs one failure again, from the table, from make fuzz or from a test, and says what is noticed
  --help        this text

Exit codes: 0; 1 a mutant survived, a control was noticed, or (--replay) something was noticed; 2 usage; 70 the canary ${canary}
survived, so that nothing else in the table means anything.`;

interface Job {
  readonly id: string;
  readonly seed: number;
  readonly checks: boolean;
  readonly most: number;
  /** Makes the failure small, for the table. */
  readonly small: boolean;
}

interface Result {
  readonly schedules: number;
  readonly verdict: Verdict;
  readonly replay: string;
}

function work({ id, seed, checks, most, small }: Job): Result | null {
  const mutant = mutants.find((m) => m.id === id)!;
  const kill = hunt(mutant, seed, checks, most);
  if (kill === null) return null;
  const run = runWith(mutant, checks);
  const smallest = small ? shrink(kill.case, run) : kill.case;
  const verdict = judge(smallest, run).verdict!;
  return { schedules: kill.schedules, verdict, replay: replayText({ mutant: id, checks, case: smallest }) };
}

/** A line of the table. */
interface Row {
  readonly mutant: string;
  readonly title: string;
  readonly control: boolean;
  readonly caughtBy: string;
  /** Median schedules with all checks and with the model alone; null: nobody noticed. */
  readonly withChecks: number | null;
  readonly model: number | null;
  readonly words: string;
  readonly replay: string;
}

function median(all: readonly (Result | null)[]): number | null {
  const sorted = all.map((r) => r?.schedules ?? Infinity).sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1]!;
  return middle === Infinity ? null : middle;
}

function rowOf(id: string, checked: readonly (Result | null)[], plain: readonly (Result | null)[]): Row {
  const { title, control = false } = mutants.find((m) => m.id === id)!;
  const oracles = new Set([...checked, ...plain].flatMap((r) => (r === null ? [] : [r.verdict.oracle])));
  const shown = checked.find((r) => r !== null) ?? plain.find((r) => r !== null);
  return {
    mutant: id,
    title,
    control,
    caughtBy: [...oracles].join(' '),
    withChecks: median(checked),
    model: median(plain),
    words: shown?.verdict.words ?? '',
    replay: shown?.replay ?? '',
  };
}

function print(rows: readonly Row[]): void {
  const cells = rows.map((r) => [r.mutant, r.caughtBy || '-', String(r.withChecks ?? '-'), String(r.model ?? '-'), r.title]);
  const head = ['mutant', 'caught by', 'schedules', 'model alone', 'what is wrong'];
  const widths = head.map((h, i) => Math.max(h.length, ...cells.map((c) => c[i]!.length)));
  for (const row of [head, ...cells]) console.log(row.map((c, i) => (i === 4 ? c : c.padEnd(widths[i]!))).join('  '));
  console.log("\nto see one again: node tools/run.mjs mutants --replay '…'");
  for (const { mutant, replay } of rows) if (replay !== '') console.log(`  ${mutant.padEnd(widths[0]!)}  ${replay}`);
  console.log('\nnot in our runtime:');
  for (const { id, title, why } of absent) console.log(`  ${id.padEnd(widths[0]!)}  ${title}: ${why}`);
}

function replay(text: string): never {
  let parsed: ReturnType<typeof parseReplay>;
  try {
    parsed = parseReplay(text);
  } catch (error) {
    return usage(`--replay: ${(error as Error).message}`);
  }
  const mutant = parsed.mutant === '-' ? null : mutants.find((m) => m.id === parsed.mutant);
  if (mutant === undefined) return usage(`--replay: there is no mutant ${parsed.mutant}`);
  const { verdict } = judge(parsed.case, runWith(mutant, parsed.checks));
  console.log(`${mutant === null ? 'nothing broken' : `${mutant.id}: ${mutant.title}`}`);
  console.log(verdict === null ? 'nobody noticed anything' : `noticed by ${verdict.oracle}: ${verdict.words}`);
  process.exit(verdict === null ? 0 : 1);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '3' },
      most: { type: 'string', default: '5000' },
      controls: { type: 'string', default: '500' },
      workers: { type: 'string', default: String(defaultWorkers) },
      replay: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (values.replay !== undefined) replay(values.replay);
  const unknown = positionals.find((id) => !mutants.some((m) => m.id === id));
  if (unknown !== undefined) usage(`there is no mutant ${unknown}; there are ${mutants.map((m) => m.id).join(' ')}`);
  const chosen = positionals.length === 0 ? mutants : mutants.filter((m) => positionals.includes(m.id));
  const seeds = whole('seeds', values.seeds, 1, 1000);
  const [most, controls] = [whole('most', values.most, 0, 1e6), whole('controls', values.controls, 1, 1e6)];
  const jobs: Job[] = [];
  for (const { id, control } of chosen) {
    for (let seed = 1; seed <= (control ? 1 : seeds); seed++) {
      for (const checks of [true, false]) jobs.push({ id, seed, checks, most: control ? controls : most, small: checks && seed === 1 });
    }
  }
  const results: (Result | null)[] = new Array<null>(jobs.length).fill(null);
  const progress = new Progress();
  let finished = 0;
  await runJobs<Job, Result | null>(jobs, whole('workers', values.workers, 1, 256), (result, i) => {
    results[i] = result;
    progress.update(`mutants: ${++finished} of ${jobs.length} hunts`);
  });
  progress.done();
  const of = (id: string, checks: boolean) => results.filter((_, i) => jobs[i]!.id === id && jobs[i]!.checks === checks);
  const rows = chosen.map(({ id }) => rowOf(id, of(id, true), of(id, false)));
  if (values.json) console.log(JSON.stringify({ seeds, most, controls, rows, absent }, null, 2));
  else print(rows);
  const survivors = rows.filter((r) => !r.control && r.withChecks === null && r.model === null);
  const alarms = rows.filter((r) => r.control && r.caughtBy !== '');
  for (const { mutant } of survivors) process.stderr.write(`mutants: ${mutant} survived\n`);
  for (const { mutant, words } of alarms) process.stderr.write(`mutants: control ${mutant} was noticed, and it is safe: ${words}\n`);
  if (survivors.some((r) => r.mutant === canary)) return 70;
  return survivors.length + alarms.length > 0 ? 1 : 0;
}

if (!serve(work)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    usage((error as Error).message);
  }
}
