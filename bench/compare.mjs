// `make bench-compare A=DIST B=DIST`: two builds of ours, pair by pair, interleaved; the peers are left out.
//
// A is the base, B the candidate. A build is a folder with index.js and cli.js, or a checkout that has one in dist/. B counts as slower
// when the median of the per-round quotients B / A is beyond 1.05 and every round agrees: one of the two alone is noise too often.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadBenchmarks, runBenchmarks, select } from './lib/harness.mjs';
import { parseOptions, usage } from './lib/options.mjs';
import { figure, progress, progressDone, rangeText, table } from './lib/table.mjs';

const help = `usage: node bench/compare.mjs A B [NAME…] [--rounds N] [--quick] [--list]

Runs our side of each benchmark with build A and build B in turn and prints B / A.

  A, B        folders that hold index.js and cli.js (or a checkout with dist/)
  NAME        a benchmark, a group or a suite; all of them when none is given
  --rounds N  how often each build runs (default 5; 3 with --quick)
  --quick     smaller sizes

Exit codes: 0, 1 when B is slower (by more than 5 %, in every round) or a side failed, 2 on a wrong option, name or folder.`;

const slowerBy = 1.05;

const options = parseOptions(help);
const benchmarks = await loadBenchmarks();
if (options.list) {
  for (const { name, what } of benchmarks.filter(({ ours }) => ours !== null)) console.log(`${name}  ${what}`);
  process.exit(0);
}
const [wordA, wordB, ...names] = options.words;
if (wordB === undefined) usage('compare wants two builds: node bench/compare.mjs A B [NAME…]');
const dists = [distOf(wordA), distOf(wordB)];
let chosen;
try {
  chosen = select(benchmarks, names).filter(({ ours }) => ours !== null);
} catch (error) {
  usage(error.message);
}

const pairs = chosen.map((benchmark) => ({
  ...benchmark,
  ours: withDist(benchmark.ours, dists[1], 'B'),
  peers: [withDist(benchmark.ours, dists[0], 'A')],
  targets: [],
}));
const rows = await runBenchmarks(pairs, { rounds: options.rounds, context: { quick: options.quick, dist: dists[0] }, progress });
progressDone();

const right = true;
const columns = [
  { head: 'benchmark' },
  { head: 'unit' },
  { head: 'A', right },
  { head: 'B', right },
  { head: 'B/A', right },
  { head: 'range' },
  { head: 'verdict' },
];
let bad = false;
const cells = rows.map((row) => {
  const verdict = verdictOf(
    row,
    chosen.find(({ name }) => name === row.name),
  );
  if (verdict === 'slower' || row.failed.length > 0) bad = true;
  return [row.name, row.unit, figure(row.peerValue), figure(row.ours), figure(row.ratio), rangeText(row), verdict];
});
console.log(table(columns, cells));
process.exitCode = bad ? 1 : 0;

function distOf(word) {
  const inside = join(resolve(word), 'dist');
  const dist = existsSync(join(inside, 'index.js')) ? inside : resolve(word);
  if (!existsSync(join(dist, 'index.js'))) usage(`${word} is no build: it has no index.js`);
  return dist;
}

/** Our side on that build. The name goes into the environment so that a build can be compared with itself: that shows the noise. */
function withDist(side, dist, name) {
  return {
    ...side,
    name,
    available: (context) => side.available({ ...context, dist }),
    command: (context) => {
      const { argv, env } = side.command({ ...context, dist });
      return { argv, env: { ...env, GORENA_BENCH_BUILD: name } };
    },
  };
}

/** For units where more is better (MB/s), slower is a quotient below 1. */
function verdictOf({ ratio, ratios, skipped, failed }, { better = 'less' }) {
  if (failed.length > 0) return `failed: ${failed.join('; ')}`;
  if (skipped.length > 0) return `skipped: ${skipped.join('; ')}`;
  const cost = (quotient) => (better === 'less' ? quotient : 1 / quotient);
  if (cost(ratio) > slowerBy && ratios.every((one) => cost(one) > 1)) return 'slower';
  if (cost(ratio) < 1 / slowerBy && ratios.every((one) => cost(one) < 1)) return 'faster';
  return 'same';
}
