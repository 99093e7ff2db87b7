// gctrace: what the collector says about itself under GODEBUG, byte for byte as Go prints it. Figures in, lines out: the
// formatters are pure functions; the trace… functions at the end take the figures from a collector and hand it the lines.
// Source: mgc.go gcMarkTermination (1.19), mgc0.c gc (1.4), mgcpacer.go, mgcsweep.go, mgcscavenge.go, print.go.

import type { Era } from '../runtime/internal/era.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import { heapRetained } from './memlimit.ts';
import type { GC } from './mgc.ts';

const mb = 2 ** 20;

// --- numbers as the runtime prints them --------------------------------------------------------------------------------------

/** Decimals of a whole number divided by 10^decimals, cut and not rounded. Source: itoaDiv. */
export function itoaDiv(value: number, decimals: number): string {
  const digits = String(value).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Nanoseconds as milliseconds with two digits that count: `0.085`, `1.8`, `12`. Source: fmtNSAsMS. */
export function fmtNSAsMS(nanos: number): string {
  if (nanos >= 10e6) return itoaDiv(Math.floor(nanos / 1e6), 0);
  let x = Math.floor(nanos / 1e3);
  if (x === 0) return '0';
  let decimals = 3;
  for (; x >= 100; decimals--) x = Math.floor(x / 10);
  return itoaDiv(x, decimals);
}

/** A float as the runtime's print shows it: `+1.079059e+000`. Source: printfloat of print.go, digit by digit. */
export function printFloat(v: number): string {
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? '+Inf' : '-Inf';
  const sign = v < 0 || Object.is(v, -0) ? '-' : '+';
  let x = Math.abs(v);
  let e = 0;
  if (x !== 0) {
    for (; x >= 10; e++) x /= 10;
    for (; x < 1; e--) x *= 10;
    let half = 5;
    for (let i = 0; i < 7; i++) half /= 10;
    x += half;
    if (x >= 10) {
      e++;
      x /= 10;
    }
  }
  let digits = '';
  for (let i = 0; i < 7; i++) {
    const digit = Math.trunc(x);
    digits += digit;
    x = (x - digit) * 10;
  }
  return `${sign}${digits[0]}.${digits.slice(1)}e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(3, '0')}`;
}

const inMb = (bytes: number) => Math.floor(bytes / mb);

// --- lines -------------------------------------------------------------------------------------------------------------------

/** Figures of one cycle, at its end. Times in nanoseconds, sizes in bytes. */
export interface CycleFigures {
  readonly numGC: number;
  /** Begin of sweep termination, of marking, of mark termination, and the end; since the start of the runtime. */
  readonly sweepTerm: number;
  readonly mark: number;
  readonly markTerm: number;
  readonly end: number;
  /** Share of all CPU time since the start that went to collections, 0 to 1. */
  readonly cpuFraction: number;
  /** CPU time: Ps times pause, assists, dedicated and fractional workers, idle workers. */
  readonly sweepTermCpu: number;
  readonly assistCpu: number;
  readonly workerCpu: number;
  readonly idleCpu: number;
  readonly markTermCpu: number;
  /** Heap at the start, at mark termination, and marked. */
  readonly heap0: number;
  readonly heap1: number;
  readonly heap2: number;
  readonly goal: number;
  readonly stacks: number;
  readonly globals: number;
  readonly procs: number;
  readonly forced: boolean;
}

/** gctrace=1 of Go 1.19: one line a cycle, without its newline. */
export function gctraceLine(c: CycleFigures): string {
  const clock = [c.mark - c.sweepTerm, c.markTerm - c.mark, c.end - c.markTerm].map(fmtNSAsMS).join('+');
  const cpu = `${fmtNSAsMS(c.sweepTermCpu)}+${[c.assistCpu, c.workerCpu, c.idleCpu].map(fmtNSAsMS).join('/')}+${fmtNSAsMS(c.markTermCpu)}`;
  const since = itoaDiv(Math.floor(c.sweepTerm / 1e6), 3);
  const sizes = `${inMb(c.heap0)}->${inMb(c.heap1)}->${inMb(c.heap2)} MB, ${inMb(c.goal)} MB goal`;
  const roots = `${inMb(c.stacks)} MB stacks, ${inMb(c.globals)} MB globals`;
  const head = `gc ${c.numGC} @${since}s ${Math.trunc(c.cpuFraction * 100)}%`;
  return `${head}: ${clock} ms clock, ${cpu} ms cpu, ${sizes}, ${roots}, ${c.procs} P${c.forced ? ' (forced)' : ''}`;
}

/** Figures of a cycle of Go 1.4. Times in nanoseconds, sizes in bytes. */
export interface CycleFigures14 {
  readonly numGC: number;
  /** Threads that marked. */
  readonly nproc: number;
  /** To stop the world; to finish the last sweep and prepare; to mark; and what came after it. */
  readonly stop: number;
  readonly sweep: number;
  readonly mark: number;
  readonly wait: number;
  /** Estimated live heap after the last collection, and the heap now. */
  readonly heap0: number;
  readonly heap1: number;
  readonly mallocs: number;
  readonly frees: number;
  readonly goroutines: number;
  /** Spans in all; swept in the background and swept in a pause since the last line. */
  readonly spans: number;
  readonly backgroundSwept: number;
  readonly pauseSwept: number;
  /** How the marking threads shared their work: handed over, stolen (times and items), and how often they yielded. */
  readonly handoff: number;
  readonly handoffCount: number;
  readonly steal: number;
  readonly stealCount: number;
  readonly procYield: number;
  readonly osYield: number;
  readonly sleep: number;
}

/** gctrace=1 of Go 1.4. */
export function gctraceLine14(c: CycleFigures14): string {
  const us = [c.stop, c.sweep, c.mark, c.wait].map((nanos) => Math.floor(nanos / 1000)).join('+');
  const objects = `${c.mallocs - c.frees} (${c.mallocs}-${c.frees}) objects`;
  const sweeps = `${c.spans}/${c.backgroundSwept}/${c.pauseSwept} sweeps`;
  const work = `${c.handoff}(${c.handoffCount}) handoff, ${c.steal}(${c.stealCount}) steal, ${c.procYield}/${c.osYield}/${c.sleep} yields`;
  return `gc${c.numGC}(${c.nproc}): ${us} us, ${inMb(c.heap0)} -> ${inMb(c.heap1)} MB, ${objects}, ${c.goroutines} goroutines, ${sweeps}, ${work}`;
}

/** gcpacertrace=1 when marking begins. Source: gcControllerState.startCycle. */
export function pacerStartLine(c: {
  assistRatio: number;
  heapScan: number;
  initialHeapLive: number;
  goal: number;
  dedicated: number;
  fractional: number;
}): string {
  const sizes = `scan ${inMb(c.heapScan)} MB in ${inMb(c.initialHeapLive)}->${inMb(c.goal)} MB`;
  return `pacer: assist ratio=${printFloat(c.assistRatio)} (${sizes}) workers=${c.dedicated}+${printFloat(c.fractional)}`;
}

/** gcpacertrace=1 when marking ends. utilization 0 to 1; work in bytes. Source: gcControllerState.endCycle. */
export function pacerEndLine(c: {
  utilization: number;
  heapWork: number;
  stackWork: number;
  globalsWork: number;
  expectedWork: number;
  triggered: number;
  heapLive: number;
  goal: number;
  consMark: number;
  reset: boolean;
}): string {
  const work = `${c.heapWork}+${c.stackWork}+${c.globalsWork} B work (${c.expectedWork} B exp.)`;
  const heap = `in ${c.triggered} B -> ${c.heapLive} B (∆goal ${c.heapLive - c.goal}, cons/mark ${printFloat(c.consMark)})`;
  return `pacer: ${Math.trunc(c.utilization * 100)}% CPU (25 exp.) for ${work} ${heap}${c.reset ? '[controller reset]' : ''}`;
}

/** gcpacertrace=1 when a sweep is complete. Source: activeSweep.end. */
export function pacerSweepLine(c: { heapLive: number; liveBasis: number; pagesSwept: number; pagesPerByte: number }): string {
  // Go subtracts unsigned numbers: a heap that shrank meanwhile would read as 17592186044415 MB. Ours shows 0.
  const allocated = Math.max(c.heapLive - c.liveBasis, 0);
  const done = `sweep done at heap size ${inMb(c.heapLive)}MB; allocated ${inMb(allocated)}MB during sweep`;
  return `pacer: ${done}; swept ${c.pagesSwept} pages at ${printFloat(c.pagesPerByte)} pages/byte`;
}

/** scavtrace=1. Bytes: returned to the system since the last line, in all, in use, and kept (in use or free). Source: printScavTrace. */
export function scavLine(c: { work: number; released: number; inUse: number; retained: number; forced: boolean; reset: boolean }): string {
  const util = c.retained === 0 ? 0 : Math.floor((c.inUse * 100) / c.retained);
  const kib = (bytes: number) => Math.floor(bytes / 1024);
  return `scav ${kib(c.work)} KiB work, ${kib(c.released)} KiB total, ${util}% util${c.forced ? ' (forced)' : c.reset ? ' [controller reset]' : ''}`;
}

/** inittrace=1: one package's initialization; times in nanoseconds. Source: doInit. */
export function initLine(c: { name: string; at: number; clock: number; bytes: number; allocs: number }): string {
  return `init ${c.name} @${fmtNSAsMS(c.at)} ms, ${fmtNSAsMS(c.clock)} ms clock, ${c.bytes} bytes, ${c.allocs} allocs`;
}

// --- where the figures come from ---------------------------------------------------------------------------------------------

/** The line of the cycle whose marking has ended, as that age of Go wrote it. */
export function traceCycle(gc: GC, era: Era): void {
  gc.print?.(era === '1.19' ? gctraceLine(cycleFigures(gc)) : gctraceLine14(cycleFigures14(gc)));
}

/** Figures of the cycle whose marking ended last. */
export function cycleFigures(gc: GC): CycleFigures {
  const { clock, pacer } = gc;
  const { sweepTerm, mark, markTerm, end, cpuFraction, sweepTermCpu, markTermCpu, heap0, heap1, heap2, procs } = clock;
  const { workers } = pacer;
  return {
    ...{ numGC: gc.numGC, sweepTerm, mark, markTerm, end, cpuFraction, sweepTermCpu, markTermCpu, heap0, heap1, heap2, procs },
    assistCpu: pacer.assistTime,
    workerCpu: workers.dedicatedTime + workers.fractionalTime + procs * clock.markInPause,
    idleCpu: workers.idleTime,
    goal: pacer.lastHeapGoal,
    stacks: pacer.maxStackScan,
    globals: pacer.globalsScan,
    forced: gc.forced,
  };
}

/** The same cycle as Go 1.4 would have counted it. Nobody hands over or steals: the collector is one thread at a time. */
function cycleFigures14(gc: GC): CycleFigures14 {
  const { clock, heap, pacer } = gc;
  const { mallocs, frees } = heap.stats.totals();
  const { tinyAllocs } = heap.stats;
  return {
    numGC: gc.numGC,
    nproc: clock.procs,
    stop: 0, // goroutines stand at safepoints whenever the collector runs
    sweep: clock.mark - clock.sweepTerm,
    mark: clock.markTerm - clock.mark,
    wait: clock.end - clock.markTerm,
    heap0: pacer.gcPercent < 0 ? 0 : (pacer.lastHeapGoal * 100) / (pacer.gcPercent + 100),
    heap1: clock.heap1,
    mallocs: mallocs + heap.cachedAllocs() + tinyAllocs,
    frees: frees + tinyAllocs,
    goroutines: gc.goroutineCount(),
    ...gc.sweeper.sweptSinceLastTrace(),
    ...{ handoff: 0, handoffCount: 0, steal: 0, stealCount: 0, procYield: 0, osYield: 0, sleep: 0 },
  };
}

/** gcpacertrace: marking begins. */
export function tracePacerStart(gc: GC): void {
  const { pacer, clock } = gc;
  const line = pacerStartLine({
    assistRatio: pacer.assistWorkPerByte,
    heapScan: pacer.heapScan,
    initialHeapLive: clock.heap0,
    goal: pacer.goal,
    dedicated: pacer.workers.dedicatedNeeded,
    fractional: pacer.workers.fractionalGoal,
  });
  gc.print?.(line);
}

/** gcpacertrace: marking has ended and the pacer has learned from it. */
export function tracePacerEnd(gc: GC): void {
  const { pacer } = gc;
  const last = pacer.lastCycle;
  if (last === null) return;
  const { heapScanWork: heapWork, stackScanWork: stackWork, globalsScanWork: globalsWork } = pacer;
  gc.print?.(pacerEndLine({ ...last, heapWork, stackWork, globalsWork }));
}

/** gcpacertrace and scavtrace: all spans of a cycle are swept. */
export function traceSweepDone(gc: GC): void {
  const { stats } = gc.heap;
  if (gc.knobs.pacerTrace) {
    const { heapLive, pagesSwept } = stats;
    const { liveBasis, sweepPagesPerByte: pagesPerByte } = gc.sweeper;
    gc.print?.(pacerSweepLine({ heapLive, liveBasis, pagesSwept, pagesPerByte }));
  }
  if (!gc.knobs.scavTrace) return;
  traceScavenge(gc, gc.scavenger.releasedSinceTrace, false);
}

/** scavtrace: `work` bytes were released since the last line, or just now by force. */
export function traceScavenge(gc: GC, work: number, forced: boolean): void {
  const { stats, pages } = gc.heap;
  const { scavenger } = gc;
  const reset = !forced && scavenger.controllerReset;
  const released = pages.released * pageSize;
  gc.print?.(scavLine({ work, released, inUse: stats.pagesInUse * pageSize, retained: heapRetained(gc.heap), forced, reset }));
  if (!forced) scavenger.traced();
}
