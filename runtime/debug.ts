// debug: what a program may set while it runs: in the collector (go.setGCPercent, go.setMemoryLimit, go.freeOSMemory), and how far
// stacks and threads may grow. Source: package runtime/debug (garbage.go), and runtime/mgcpacer.go for the first two.
//
// Wrong values are the caller's fault: RangeError, and nothing has changed.
import { maxThreads } from '../sched/m.ts';
import type { Blocking } from '../sched/op.ts';
import type { Machine } from './machine.ts';
import { memoryLimitOf } from './options.ts';

/**
 * Sets GOGC and gives the old value; negative: off (-1 stands for it in the answer). Goal and trigger follow at once, and no
 * collection is forced. Switched off while a cycle is marking, it waits for the end of that, so that no collection runs when
 * it returns. In 2014 it called runtime.GC() instead. Source: debug.SetGCPercent.
 */
export function setGCPercent({ gc, sched, settings }: Machine, percent: number): Blocking<number> {
  if (!Number.isInteger(percent) || percent > 1_000_000) {
    throw new RangeError(`setGCPercent: got ${String(percent)}, wanted a whole number of percent up to 1000000, negative for off`);
  }
  return sched.blocking(function* () {
    const old = gc.setGCPercent(percent);
    if (settings.era === '2014') yield* sched.world.forceGC();
    else if (percent < 0) yield* sched.world.waitOnMark(gc.cycle);
    return old;
  });
}

/** Sets the memory limit in bytes ('off': none) and returns the old one, Infinity for none; a negative number only reads. */
export function setMemoryLimit({ gc, settings }: Machine, bytes: number | 'off'): number {
  if (settings.era === '2014') throw new RangeError('setMemoryLimit: Go had no memory limit in 2014');
  return gc.setMemoryLimit(typeof bytes === 'number' && bytes < 0 ? -1 : memoryLimitOf('setMemoryLimit', bytes));
}

/** Sets the size in bytes beyond which a goroutine's stack is Go's fatal error, and returns the old one. Source: debug.SetMaxStack. */
export function setMaxStack({ sched }: Machine, bytes: number): number {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > 1 << 30) {
    throw new RangeError(`setMaxStack: got ${String(bytes)}, wanted a whole number of bytes from 0 to ${1 << 30}`);
  }
  const old = sched.stacks.maxBytes;
  sched.stacks.maxBytes = bytes;
  return old;
}

/** Sets how many threads the program may have, sysmon's included, and returns the old number; more are fatal. Source: debug.SetMaxThreads. */
export function setMaxThreads({ sched: { ms } }: Machine, n: number): number {
  if (!Number.isInteger(n) || n > maxThreads) {
    throw new RangeError(`setMaxThreads: got ${String(n)}, wanted a whole number up to ${maxThreads}`);
  }
  const old = ms.max;
  ms.max = n;
  ms.checkCount(0);
  return old;
}

/** A collection, and all free memory goes back to the system. Source: debug.FreeOSMemory. */
export function freeOSMemory({ gc, sched }: Machine): Blocking<void> {
  return sched.blocking(function* () {
    yield* sched.world.forceGC();
    gc.scavengeAll();
  });
}
