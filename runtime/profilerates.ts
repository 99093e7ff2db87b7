// profilerates: what a program may set of the profiles of waiting while it runs, and the profile of threads, which nothing switches on or
// off. The profiler counts (profiler/blockprof.ts), the scheduler measures (sched/contention.ts); threads are the scheduler's.
//
// Wrong values are the caller's fault: RangeError, and nothing has changed.
import { type ProfileAnswer, readAll, type StackRecord } from '../profiler/records.ts';
import type { Machine } from './machine.ts';

/** See BlockProfiler.setBlockProfileRate. */
export function setBlockProfileRate({ sched }: Machine, nanos: number): void {
  if (!Number.isSafeInteger(nanos)) {
    throw new RangeError(`setBlockProfileRate: got ${String(nanos)}, wanted a whole number of nanoseconds, 0 or less for off`);
  }
  sched.contention.setBlockProfileRate(nanos);
}

/** See BlockProfiler.setMutexProfileFraction. */
export function setMutexProfileFraction({ sched, settings }: Machine, n: number): number {
  if (settings.era === '2014') throw new RangeError('setMutexProfileFraction: Go had no mutex profile in 2014');
  if (!Number.isSafeInteger(n)) {
    throw new RangeError(`setMutexProfileFraction: got ${String(n)}, wanted a whole number, 0 for off, negative to ask`);
  }
  return sched.contention.setMutexProfileFraction(n);
}

/**
 * Go's ThreadCreateProfile: n records, one for each thread, the newest first; copied into p if it has room (ok). Go takes the stack
 * of a thread's own g0 when it is made, and that is empty; so it is here.
 */
export function threadCreateAnswer({ sched }: Machine, p: StackRecord[]): ProfileAnswer {
  const n = sched.ms.count;
  const ok = n <= p.length;
  for (let i = 0; ok && i < n; i++) p[i] = { stack: [] };
  return { n, ok };
}

/** The same with enough room. */
export function threadCreateProfile(m: Machine): StackRecord[] {
  return readAll((p: StackRecord[]) => threadCreateAnswer(m, p));
}
