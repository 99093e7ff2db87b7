// One measured process: start it, wait for it, and say what it printed and what it used.
//
// A benchmark process prints JSON lines {"b": name, "ns": nanoseconds per operation, …} on stdout; every other line is ignored.
// On file descriptor 3 it reports, as its last act, the CPU time and the peak memory of the whole process (report.mjs does that
// for node, report.go for Go). The process measures itself because its parent cannot: node does not hand out a child's rusage,
// and getrusage's ru_maxrss would not do either, for Linux carries the parent's resident set over exec into it. A process that
// was killed reports nothing; then these two are null.

import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const reportModule = new URL('./report.mjs', import.meta.url).href;

/** Folder of the benchmarks, `bench/`. */
export const benchDir = fileURLToPath(new URL('..', import.meta.url));

/** The argv of a node process that reports on descriptor 3: `nodeCommand(['file.mjs', 'arg'], ['--expose-gc'])`. */
export function nodeCommand(args, flags = []) {
  return [process.execPath, ...flags, '--import', reportModule, ...args];
}

/**
 * @typedef {object} Run
 * @property {object[]} lines the JSON lines, in order
 * @property {number} wallMs from spawn to exit
 * @property {number | null} cpuMs user and system time of the process
 * @property {number | null} peakBytes peak resident set
 * @property {number} share CPU time by wall time, at most 1: what a busy machine left to a process that never waits
 * @property {string | null} failure one line that says why it failed, or null
 */

/**
 * Run `argv` to its end.
 * @param {{argv: string[], env?: Record<string, string>}} command
 * @param {number} limitMs the process is killed after that long
 * @returns {Promise<Run>}
 */
export function runChild({ argv, env = {} }, limitMs) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(argv[0], argv.slice(1), {
      cwd: benchDir,
      env: { ...process.env, ...env, GORENA_BENCH_REPORT: '3' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const lines = [];
    let report = '';
    let errorTail = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, limitMs);
    eachLine(child.stdout, (line) => {
      const parsed = line.startsWith('{') ? parseLine(line) : null;
      if (parsed !== null) lines.push(parsed);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errorTail = (errorTail + text).slice(-2000);
    });
    child.stdio[3].setEncoding('utf8').on('data', (text) => {
      report += text;
    });
    let startError = null;
    let wallMs = 0;
    child.on('error', (error) => {
      startError = error;
    });
    child.on('exit', () => {
      wallMs = performance.now() - started;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const { cpuMs = null, peakBytes = null } = parseLine(report) ?? {};
      const share = cpuMs === null || wallMs === 0 ? 1 : Math.min(1, cpuMs / wallMs);
      let failure = null;
      if (startError !== null) failure = startError.message;
      else if (timedOut) failure = `killed after ${limitMs / 1000} s`;
      else if (code !== 0) failure = `${signal ?? `exit ${code}`}: ${errorLine(errorTail)}`;
      resolve({ lines, wallMs, cpuMs, peakBytes, share, failure });
    });
  });
}

/** Calls `take` with each full line of the stream; a long output is never held whole. */
function eachLine(stream, take) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const line of parts) take(line);
  });
  stream.on('end', () => take(rest));
}

function parseLine(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null; // not ours: a program's own output
  }
}

/** The line of an error text that says most: one that begins with an error's name, else the last. */
function errorLine(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(at |Node\.js v)/.test(line));
  return lines.find((line) => /^\w*(error|panic|fatal)\b/i.test(line)) ?? lines.at(-1) ?? 'no message';
}

/** Waits, at most `limitMs`, for a moment in which at least half a core was idle. */
export async function waitForIdleCore(limitMs) {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const before = cpuTimes();
    await new Promise((done) => setTimeout(done, 60));
    const after = cpuTimes();
    const total = after.total - before.total;
    if (total > 0 && ((after.idle - before.idle) / total) * cpus().length >= 0.9) return;
  }
}

function cpuTimes() {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}
