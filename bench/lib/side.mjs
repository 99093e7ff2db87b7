// What a benchmark program in ours/ or peers/js/ needs: the line it prints, the random numbers that all peers share, and (ours)
// the built bundle under test.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Prints one result: `count` operations took `ms` milliseconds. `extra` are further fields for the reader of the raw lines. */
export function emit(b, ms, count, extra = {}) {
  console.log(JSON.stringify({ b, ns: (ms * 1e6) / count, n: count, ms, ...extra }));
}

/** CPU time of the process so far, in milliseconds: for comparing two things in one process, others on the machine left out. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Starts a stopwatch; calling it gives milliseconds since: real time, less what other processes on the machine took of it. For short
 * things in a process that is busy with nothing else; reading it takes about a microsecond.
 */
export function stopwatch() {
  const startCpu = cpuMs();
  const start = performance.now();
  return () => {
    const real = performance.now() - start;
    return Math.min(real, cpuMs() - startCpu);
  };
}

/** Prints a distribution of times in milliseconds: its 50th and 99th percentile (nearest rank) and its end. Sorts `times`. */
export function emitTimes(b, times) {
  times.sort((x, y) => x - y);
  const rank = (share) => times[Math.max(Math.ceil(times.length * share) - 1, 0)];
  console.log(JSON.stringify({ b, n: times.length, p50: rank(0.5), p99: rank(0.99), max: times.at(-1) }));
}

/** Xorshift with the seed that every peer uses, so that all build the same graphs. Returns uint32. */
export function xorshift(seed = 2463534242) {
  let x = seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** The folder of the bundle under test: GORENA_DIST, or dist/ next to bench/. */
export function distDir() {
  return process.env.GORENA_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
}

/** The runtime under test, imported from the built bundle. */
export function loadGorena() {
  return import(pathToFileURL(join(distDir(), 'index.js')).href);
}

/** Depth of the smallest full binary tree that has at least `n` nodes, counted as the peers do: 2^(depth+1) - 1 nodes. */
export function treeDepth(n) {
  let depth = 0;
  while (2 * 2 ** depth - 1 < n) depth++;
  return depth;
}
