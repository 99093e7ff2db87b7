// goprofile: the stacks of all goroutines at one moment. Source: GoroutineProfile of mprof.go.
//
// Go 1.19 stops the world for a moment and lets the scheduler record each goroutine before it runs again; here all goroutines
// but the caller stand at safepoints anyway, so one stop does it all. Goroutines of the runtime's own are left out, but for
// the finalizer goroutine while it runs the program's code; in 2014 they were in.

import { maxStack } from '../profiler/bucket.ts';
import { type ProfileAnswer, readAll, type StackRecord } from '../profiler/records.ts';
import type { G } from '../sched/g.ts';
import type { Machine } from './machine.ts';

/**
 * Go's GoroutineProfile: n records, one for each goroutine, the caller first and the others in the order of their rows; copied
 * into p if it has room (ok), else p is untouched. The world is stopped, or no goroutine runs.
 */
export function goroutineAnswer({ sched, settings }: Machine, p: StackRecord[]): ProfileAnswer {
  const own = settings.era === '2014';
  let n = 0;
  for (const _g of sched.goroutines(own)) n++;
  if (n > p.length) return { n, ok: false };
  const pcs = new Int32Array(maxStack);
  const record = (g: G) => ({ stack: Array.from(pcs.subarray(0, sched.stacks.callers(g, pcs, maxStack))) });
  let i = 0;
  if (sched.curg !== 0) p[i++] = record(sched.curg);
  for (const g of sched.goroutines(own)) if (g !== sched.curg) p[i++] = record(g);
  return { n, ok: true };
}

/** The same with enough room. */
export function goroutineProfile(m: Machine): StackRecord[] {
  return readAll((p: StackRecord[]) => goroutineAnswer(m, p));
}
