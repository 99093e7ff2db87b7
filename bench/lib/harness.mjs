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
//   parse    (run, context) => value, or null when the run does not hold it (see child.mjs for a run)
//
// All sides of a group run in turn, A B C A B C …, for R rounds: what disturbs the machine for a while disturbs each of them.
// The ratio of a round is our value by the peer's in that round; reported is its median over the rounds. The values shown are
// medians too, so their quotient is only near the ratio.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { benchDir, runChild, waitForIdleCore } from './child.mjs';

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

/**
 * Runs the benchmarks. `progress(text)` hears of every process that starts.
 * @returns rows in table order, each {name, unit, ours, peer, peerValue, ratio, ratios, rounds, target, verdict, skipped, failed}: one for each
 * peer, one for each target that is a plain value, and one with no peer when there is neither. `skipped` and `failed` are lists of "side: reason".
 */
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
    for (const benchmark of members) rows.push(...rowsOf(benchmark, processes, context, rounds));
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

function rowsOf(benchmark, processes, context, rounds) {
  const skipped = [];
  const failed = [];
  const valuesOf = (side) => {
    const reason = side.available(context);
    if (reason !== null) {
      skipped.push(`${side.name}: ${reason}`);
      return null;
    }
    const process = processes.get(JSON.stringify(side.command(context)));
    if (process.failure !== null) {
      failed.push(`${side.name}: ${process.failure}`);
      return null;
    }
    const values = process.runs.map((run) => benchmark.parse(run, context));
    if (values.every((value) => Number.isFinite(value))) return values;
    failed.push(`${side.name}: it printed no such figure`);
    return null;
  };
  const ours = benchmark.ours === null ? null : valuesOf(benchmark.ours);
  const row = (fields) => ({
    name: benchmark.name,
    unit: benchmark.unit,
    ours: ours === null ? null : median(ours),
    peer: null,
    peerValue: null,
    ratio: null,
    rounds,
    target: null,
    ...fields,
  });
  const rows = [];
  for (const peer of benchmark.peers) {
    const values = valuesOf(peer);
    if (values === null) continue;
    const ratios = ours === null ? null : values.map((value, round) => ours[round] / value);
    const target = benchmark.targets.find((goal) => goal.peer === peer.name) ?? null;
    rows.push(row({ peer: peer.name, peerValue: median(values), ratio: ratios === null ? null : median(ratios), ratios, target }));
  }
  for (const target of benchmark.targets) if (target.peer === undefined) rows.push(row({ target }));
  if (rows.length === 0) rows.push(row({}));
  for (const one of rows) one.verdict = verdictOf(one, context.quick);
  return rows.map((one) => ({ ...one, skipped, failed }));
}

/** 'ok' or 'over' where a target can be judged; quick runs are too small for that. */
function verdictOf({ ours, ratio, target }, quick) {
  if (target === null) return '';
  const value = target.peer === undefined ? ours : ratio;
  if (value === null) return 'not measured';
  if (quick) return 'quick';
  return (target.atMost === undefined || value <= target.atMost) && (target.atLeast === undefined || value >= target.atLeast)
    ? 'ok'
    : 'over';
}

/** The middle of the list, or the mean of its two middles. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Parser: median of the "ns" of the lines called `b`, times the share of a core that the process got. The programs it is meant for never
 * wait, so the share takes out what other users of the machine took; more than one busy thread counts as a full share.
 */
export function nsOf(b) {
  return (run) => {
    const values = run.lines.filter((line) => line.b === b).map((line) => line.ns);
    return values.length === 0 ? null : median(values) * run.share;
  };
}

/** Parser: peak resident set in MB (10^6 bytes). */
export function peakMB(run) {
  return run.peakBytes === null ? null : run.peakBytes / 1e6;
}

/** Parser: wall time of the whole process in seconds, as it was. */
export function wallSeconds(run) {
  return run.wallMs / 1000;
}
