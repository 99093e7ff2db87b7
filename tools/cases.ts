// `make cases`: the explorer put to the proof. Every known bug of tests/sim/cases is looked for by every strategy from many seeds,
// its first failing schedule is made small, and its fixed twin is watched for as long; then a table.
import { parseArgs } from 'node:util';
import { exploreSync, type Strategy, type Verdict } from '../sim/index.ts';
import { type Case, expected } from '../tests/sim/cases/case.ts';
import { caseNamed, cases } from '../tests/sim/cases/index.ts';
import { defaultWorkers, Progress, runJobs, serve, usage, whole } from './pool.ts';

const help = `usage: node tools/run.mjs cases [CASE…] [--seeds N] [--most N] [--workers N] [--json]

Looks for every known bug of tests/sim/cases with every strategy, and prints the first failing schedule of each (from 0).

  CASE          ids or names, such as B01, S01 or reorder_20; all of them when none is given
  --seeds N     from so many seeds; the figures are medians (default 20)
  --most N      schedules before a strategy has missed it (default 1000)
  --workers N   threads (default: one for each processor)
  --json        one JSON document instead of the table
  --help        this text

A figure with a cross, such as 240×3, is of a strategy that missed the bug from three seeds; - is one that missed it from most.

Exit codes: 0; 1 the portfolio missed a bug from every seed, found something else than expected, or a fixed twin was accused; 2 usage.`;

const strategies: readonly [name: string, strategy: Strategy][] = [
  ['portfolio', 'portfolio'],
  ['random', 'random'],
  ['pct(2)', { pct: 2 }],
  ['pct(3)', { pct: 3 }],
  ['pos', 'pos'],
  ['surw', 'surw'],
];

interface Job {
  readonly name: string;
  readonly seed: number;
  readonly most: number;
}

interface Result {
  /** By strategy: the first failing schedule; null: missed. */
  readonly first: readonly (number | null)[];
  /** Verdicts that nobody expected, with their messages. */
  readonly wrong: readonly string[];
  /** Of the first seed: preemptions and steps of the small schedule. */
  readonly small: { readonly preemptions: number; readonly steps: number } | null;
  readonly millis: number;
}

function work({ name, seed, most }: Job): Result {
  const c = caseNamed(name);
  const began = performance.now();
  const options = { seed, schedules: most, shrink: false, races: expected(c).includes('race') };
  const wrong: string[] = [];
  const first = strategies.map(([strategyName, strategy]) => {
    const { failure } = exploreSync(c.buggy, { ...options, strategy });
    if (failure === null) return null;
    if (!expected(c).includes(failure.verdict)) wrong.push(`${name}: ${strategyName}: ${said(failure)}`);
    return failure.schedule;
  });
  const alarm = exploreSync(c.fixed, { seed, schedules: most, shrink: false }).failure;
  if (alarm !== null) wrong.push(`${name}, the fixed twin: ${said(alarm)}`);
  const small = seed === 1 ? exploreSync(c.buggy, { ...options, shrink: true }).failure : null;
  return {
    first,
    wrong,
    small: small === null ? null : { preemptions: small.preemptions, steps: small.order.length },
    millis: performance.now() - began,
  };
}

const said = ({ verdict, message }: { verdict: Verdict; message: string }) => `${verdict}: ${message.split('\n')[0]}`;

/** A line of the table. */
interface Row {
  readonly case: Case;
  /** By strategy. */
  readonly median: readonly (number | null)[];
  readonly missed: readonly number[];
  readonly small: Result['small'];
  readonly millis: number;
}

function rowOf(c: Case, results: readonly Result[]): Row {
  const of = (s: number) => results.map(({ first }) => first[s] ?? Infinity).sort((a, b) => a - b);
  return {
    case: c,
    median: strategies.map((_, s) => {
      const middle = of(s)[results.length >> 1]!;
      return middle === Infinity ? null : middle;
    }),
    missed: strategies.map((_, s) => of(s).filter((n) => n === Infinity).length),
    small: results.find(({ small }) => small !== null)?.small ?? null,
    millis: results.reduce((sum, { millis }) => sum + millis, 0),
  };
}

function print(rows: readonly Row[], seeds: number, most: number): void {
  const head = ['id', 'case', 'verdict', ...strategies.map(([name]) => name), 'least', 'shrunk', 'steps', 'ms'];
  const lines = rows.map(({ case: c, median, missed, small, millis }) => [
    c.id,
    c.name,
    expected(c).join('/'),
    ...median.map((n, s) => (n === null ? '-' : `${n}${missed[s] === 0 ? '' : `×${missed[s]}`}`)),
    String(c.preemptions ?? '?'),
    String(small?.preemptions ?? '-'),
    String(small?.steps ?? '-'),
    String(Math.round(millis)),
  ]);
  const widths = head.map((h, i) => Math.max(h.length, ...lines.map((line) => line[i]!.length)));
  for (const line of [head, ...lines]) {
    console.log(
      line
        .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    );
  }
  const known = rows.filter(({ case: c, small }) => c.preemptions !== null && small !== null);
  const close = known.filter(({ case: c, small }) => small!.preemptions <= c.preemptions! + 1);
  const found = rows.filter(({ median }) => median[0] !== null).length;
  console.log(`\n${found} of ${rows.length} found by the portfolio from most of ${seeds} seeds within ${most} schedules`);
  console.log(`${close.length} of ${known.length} made as small as the least preemptions known, or one more`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '20' },
      most: { type: 'string', default: '1000' },
      workers: { type: 'string', default: String(defaultWorkers) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const named = (c: Case, name: string) => c.name === name || c.id === name || c.name.replace(/_\d+$/, '') === name;
  const unknown = positionals.find((name) => !cases.some((c) => named(c, name)));
  if (unknown !== undefined) usage(`there is no case ${unknown}; tests/sim/cases/README.md says where they are`);
  const chosen = positionals.length === 0 ? cases : cases.filter((c) => positionals.some((name) => named(c, name)));
  const seeds = whole('seeds', values.seeds, 1, 1000);
  const most = whole('most', values.most, 1, 1e6);
  const jobs = chosen.flatMap(({ name }) => Array.from({ length: seeds }, (_, i): Job => ({ name, seed: i + 1, most })));
  const results: Result[] = [];
  const progress = new Progress();
  let finished = 0;
  await runJobs<Job, Result>(jobs, whole('workers', values.workers, 1, 256), (result, i) => {
    results[i] = result;
    progress.update(`cases: ${++finished} of ${jobs.length} searches`);
  });
  progress.done();
  const rows = chosen.map((c, i) => rowOf(c, results.slice(i * seeds, (i + 1) * seeds)));
  const wrong = results.flatMap((r) => r.wrong);
  if (values.json) {
    const names = strategies.map(([name]) => name);
    const plain = rows.map(({ case: { id, name, verdict, preemptions }, ...rest }) => ({ id, name, verdict, preemptions, ...rest }));
    console.log(JSON.stringify({ seeds, most, strategies: names, cases: plain, wrong }, null, 2));
  } else print(rows, seeds, most);
  for (const words of wrong) process.stderr.write(`cases: ${words}\n`);
  const missed = rows.filter(({ case: c, missed }) => c.hard === undefined && missed[0] === seeds);
  for (const { case: c } of missed) process.stderr.write(`cases: ${c.name} was not found\n`);
  return wrong.length + missed.length > 0 ? 1 : 0;
}

if (!serve(work)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    usage((error as Error).message);
  }
}
