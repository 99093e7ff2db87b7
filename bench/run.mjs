// `make bench`: runs benchmarks against their peers, prints a table, writes results.json.
//
// The benchmarks are in suites/, one file a topic; our programs in ours/; the peers' in peers/; the method is told at the head of
// lib/harness.mjs and, for people, in docs/performance.md.

import { renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { benchDir } from './lib/child.mjs';
import { loadBenchmarks, runBenchmarks, select } from './lib/harness.mjs';
import { parseOptions, usage } from './lib/options.mjs';
import { distDir } from './lib/side.mjs';
import { figure, progress, progressDone, rangeText, table } from './lib/table.mjs';

const help = `usage: node bench/run.mjs [NAME…] [--rounds N] [--quick] [--list]

Runs benchmarks of the built bundle, interleaved with their peers, prints a table and writes bench/results.json.

  NAME        a benchmark, a group or a suite (see --list); all of them when none is given
  --rounds N  how often each side runs (default 5; 3 with --quick)
  --quick     smaller sizes: to see that all works; targets are not judged
  --list      what there is, with units and targets
  --help      this text

GORENA_DIST names the folder of the bundle (default: dist next to bench).
A target is "ok" when every round reached it ("met" counts them), else "over", which is no failure.
Exit codes: 0, 1 when a side failed to run, 2 on a wrong option or name.`;

const options = parseOptions(help);
const benchmarks = await loadBenchmarks();

if (options.list) {
  list(benchmarks);
} else {
  let chosen;
  try {
    chosen = select(benchmarks, options.words);
  } catch (error) {
    usage(error.message);
  }
  const context = { quick: options.quick, dist: resolve(distDir()) };
  const rows = await runBenchmarks(chosen, { rounds: options.rounds, context, progress });
  progressDone();
  print(rows, options.quick);
  writeResults(rows);
  if (rows.some(({ failed }) => failed.length > 0)) process.exitCode = 1;
}

function list(all) {
  const columns = [
    { head: 'benchmark' },
    { head: 'group' },
    { head: 'suite' },
    { head: 'unit' },
    { head: 'targets' },
    { head: 'what it measures' },
  ];
  const rows = all.map((b) => [b.name, b.group, b.suite, b.unit, b.targets.map(targetText).join(', '), b.what]);
  console.log(table(columns, rows));
}

function print(rows, quick) {
  const right = true;
  const columns = [
    { head: 'benchmark' },
    { head: 'unit' },
    { head: 'ours', right },
    { head: 'peer' },
    { head: "peer's", right },
    { head: 'ratio', right },
    { head: 'range' },
    { head: 'target' },
    { head: 'met', right },
    { head: 'verdict' },
  ];
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    figure(row.ours),
    row.peer ?? '-',
    figure(row.peerValue),
    figure(row.ratio),
    rangeText(row),
    row.target === null ? '' : targetText(row.target),
    row.met === null ? '' : `${row.met}/${row.rounds}`,
    row.verdict,
  ]);
  console.log(table(columns, cells));
  if (quick) console.log('\nquick: the sizes are smaller than the benchmarks’ names say; targets are not judged');
  printReasons('skipped', rows, 'skipped');
  printReasons('FAILED', rows, 'failed');
}

/** "skipped go: go is not installed (trees-16-raw trees-16-typed)", one line a reason. */
function printReasons(title, rows, field) {
  const names = new Map();
  for (const row of rows) {
    for (const text of row[field]) {
      if (!names.has(text)) names.set(text, new Set());
      names.get(text).add(row.name);
    }
  }
  if (names.size > 0) console.log('');
  for (const [text, where] of names) console.log(`${title} ${text} (${[...where].join(' ')})`);
}

function targetText({ peer, atMost, atLeast }) {
  const bound = atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  return peer === undefined ? bound : `${bound} x ${peer}`;
}

/** The rows that were measured; a run of some benchmarks leaves only these. Written aside, then renamed. */
function writeResults(rows) {
  const path = join(benchDir, 'results.json');
  const results = rows.map(({ name, unit, ours, peer, peerValue, ratio, range, rounds, target, met, verdict }) => ({
    name,
    unit,
    ours,
    peer,
    peerValue,
    ratio,
    range,
    rounds,
    target: target === null ? null : targetText(target),
    met,
    verdict,
  }));
  writeFileSync(`${path}.tmp`, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
