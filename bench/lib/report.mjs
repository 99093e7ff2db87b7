// Preloaded (--import) into every node process that the harness starts: on exit it reports the CPU time and the peak resident
// set of the process on descriptor 3 (see child.mjs).

import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.env.GORENA_BENCH_REPORT === '3') {
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(3, JSON.stringify({ cpuMs: (user + system) / 1000, peakBytes: peakBytes() }));
  });
}

/** VmHWM where the system has it; else rusage's figure, which on Linux can include the parent's. */
function peakBytes() {
  try {
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
