// mgclimit: keeps the collector from eating the program. A leaky bucket: time that the collector takes fills it, time that
// the program has drains it. A full bucket means more than half of the processors' time went to the collector for a while:
// then assists are skipped, and the heap grows past its goal instead of the program standing still. See mgcpacer.ts.
//
//   capacity   1 s for each P: so much collection above one half is tolerated in a burst
//   never below empty: hours without a collection buy no credit for a death spiral later
//
// While marking, workers are taken to have a quarter of all time; assists tell what they took; idle time, marking in it
// included, counts for neither side. A stopped world counts as collection on every P.
// Times in virtual nanoseconds. Source: mgclimit.go of Go 1.19.
import { gothrow } from '../runtime/internal/throw.ts';

/** Bucket of each P. Go's capacityPerProc. */
export const capacityPerProc = 1e9;
/** Longest time between two updates while somebody looks. Go's gcCPULimiterUpdatePeriod. */
export const limiterUpdatePeriod = 10e6;
const backgroundUtilization = 0.25;

/** The limiter of one machine. */
export class CPULimiter {
  fill = 0;
  capacity = 0;
  /** Collection beyond a full bucket, ever. */
  overflow = 0;
  /** True while assists should be skipped. */
  limiting = false;
  private marking = false;
  private transitioning = false;
  private assistPool = 0;
  private idlePool = 0;
  private lastUpdate: number;
  private procs = 0;

  constructor(now: number, procs: number) {
    this.lastUpdate = now;
    this.resetCapacity(now, procs);
  }

  /** The world has stopped to begin (or end) marking. Until finishTransition nobody else may update. */
  startTransition(marking: boolean, now: number): void {
    if (this.marking === marking) gothrow('transitioning GC to the same state as before?');
    this.update(now);
    this.marking = marking;
    this.transitioning = true;
  }

  /** The world is about to start again: the stop was collection on every P. */
  finishTransition(now: number): void {
    if (!this.transitioning) gothrow('finishGCTransition called without starting one?');
    this.transitioning = false;
    if (now < this.lastUpdate) return; // this P's clock is behind another's
    this.accumulate(0, (now - this.lastUpdate) * this.procs);
    this.lastUpdate = now;
  }

  needUpdate(now: number): boolean {
    return now - this.lastUpdate > limiterUpdatePeriod;
  }

  /** An assist took `nanos`. */
  addAssistTime(nanos: number): void {
    this.assistPool += nanos;
  }

  /** A P had nothing to do for `nanos`, or marked because of that. */
  addIdleTime(nanos: number): void {
    this.idlePool += nanos;
  }

  /** Accounts for the time since the last update. An earlier time than the last one's is ignored. */
  update(now: number): void {
    if (this.transitioning) gothrow('update during transition');
    if (now < this.lastUpdate) return;
    const total = (now - this.lastUpdate) * this.procs;
    this.lastUpdate = now;
    let gc = this.assistPool;
    if (this.marking) gc += Math.trunc(total * backgroundUtilization);
    const idle = this.idlePool;
    this.assistPool = 0;
    this.idlePool = 0;
    this.accumulate(total - idle - gc, gc);
  }

  private accumulate(mutator: number, gc: number): void {
    const change = gc - mutator;
    const headroom = this.capacity - this.fill;
    if (change > 0 && headroom <= change) {
      this.overflow += change - headroom;
      this.fill = this.capacity;
      this.limiting = true;
      return;
    }
    this.fill = Math.max(this.fill + change, 0);
    if (change !== 0) this.limiting = false; // exactly one half leaves things as they are
  }

  /** The number of Ps changed. */
  resetCapacity(now: number, procs: number): void {
    this.update(now);
    this.procs = procs;
    this.capacity = procs * capacityPerProc;
    if (this.fill > this.capacity) {
      this.fill = this.capacity;
      this.limiting = true;
    } else if (this.fill < this.capacity) this.limiting = false;
  }
}
