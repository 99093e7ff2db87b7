// The harness: benchmarks, their sides in turn, and medians of per-round ratios.
//
// A benchmark is
//   name     what `make bench B=NAME` says
//   group    benchmarks of one group are run together and share processes: a command that several of them name runs once a round
//   unit     of every value, such as ns/node
//   what     one line: what it measures
//   ours     our side (see sides.mjs); null for none
//   peers    the sides it is compared with
//   targets  [{peer, atMost}] a ratio to that peer; [{atMost}] or [{atLeast}] a value of ours
//   better   'less' (the default) or 'more': which way is better (compare.mjs asks)
//   parse    (run, context) => value, or null when the run does not hold it (rows.mjs has the usual ones)
//
// All sides of a group run in turn, A B C A B C …, for R rounds: what disturbs the machine for a while disturbs each of them.
// The ratio of a round is our value by the peer's in that round; reported are its median over the rounds and its range. The values
// shown are medians too, so their quotient is only near the ratio. rows.mjs makes the rows.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { benchDir, runChild, waitForIdleCore } from './child.mjs';
import { rowsOf } from './rows.mjs';

const processLimitMs = 180_000;

/** All benchmarks of bench/suites/*.mjs, in the order of the file names; each gets the name of its suite. */
export async function loadBenchmarks() {
  const benchmarks = [];
  for (const file of readdirSync(join(benchDir, 'suites'))
    .filter((name) => name.endsWith('.mjs'))
    .sort()) {
    const { default: list } = await import(pathToFileURL(join(benchDir, 'suites', file)).href);
    for (const benchmark of list) {
      if (benchmarks.some(({ name }) => name === benchmark.name)) throw new Error(`two benchmarks are called ${benchmark.name}`);
      benchmarks.push({ group: benchmark.name, targets: [], ...benchmark, suite: file.slice(0, -'.mjs'.length) });
    }
  }
  return benchmarks;
}

/** The benchmarks that `names` mean: each a benchmark, a group or a suite. No names: all. Throws RangeError on an unknown name. */
export function select(benchmarks, names) {
  if (names.length === 0) return benchmarks;
  const chosen = new Set();
  for (const wanted of names) {
    const found = benchmarks.filter(({ name, group, suite }) => name === wanted || group === wanted || suite === wanted);
    if (found.length === 0)
      throw new RangeError(`no benchmark is called ${wanted}; there are: ${benchmarks.map(({ name }) => name).join(' ')}`);
    for (const benchmark of found) chosen.add(benchmark);
  }
  return benchmarks.filter((benchmark) => chosen.has(benchmark));
}

/** Runs the benchmarks; returns their rows (rows.mjs) in table order. `progress(text)` hears of every process that starts. */
export async function runBenchmarks(benchmarks, { rounds, context, progress }) {
  const rows = [];
  for (const [group, members] of groupsOf(benchmarks)) {
    const processes = await prepare(members, context);
    for (let round = 1; round <= rounds; round++) {
      for (const process of processes.values()) {
        if (process.failure !== null) continue; // it failed once: it would again
        progress(`${group}  round ${round}/${rounds}  ${process.name}`);
        await waitForIdleCore(context.quick ? 300 : 3000);
        const run = await runChild(process.command, processLimitMs);
        process.runs.push(run);
        process.failure = run.failure;
      }
    }
    for (const benchmark of members) {
      const outcomeOf = (side) => outcome(benchmark, side, processes, context);
      rows.push(...rowsOf(benchmark, outcomeOf, { rounds, quick: context.quick }));
    }
  }
  return rows;
}

function groupsOf(benchmarks) {
  const groups = new Map();
  for (const benchmark of benchmarks) {
    if (!groups.has(benchmark.group)) groups.set(benchmark.group, []);
    groups.get(benchmark.group).push(benchmark);
  }
  return groups;
}

/** The distinct commands of a group, by what they run: Map of key to {name, command, runs, failure}. Skipped sides are not in it. */
async function prepare(members, context) {
  const processes = new Map();
  for (const benchmark of members) {
    for (const side of sidesOf(benchmark)) {
      if ((await side.available(context)) !== null) continue;
      await side.prepare?.(context);
      const command = side.command(context);
      const key = JSON.stringify(command);
      if (!processes.has(key)) processes.set(key, { name: side.name, command, runs: [], failure: null });
    }
  }
  return processes;
}

function sidesOf({ ours, peers }) {
  return ours === null ? peers : [ours, ...peers];
}

/** What became of a side of a benchmark, for rowsOf. */
function outcome({ parse }, side, processes, context) {
  const reason = side.available(context);
  if (reason !== null) return { skipped: reason };
  const { runs, failure } = processes.get(JSON.stringify(side.command(context)));
  if (failure !== null) return { failed: failure };
  const values = runs.map((run) => parse(run, context));
  return values.every((value) => Number.isFinite(value)) ? { values } : { failed: 'it printed no such figure' };
}
