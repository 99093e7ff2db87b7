// gcclock: when the steps of a cycle happened, in virtual nanoseconds, and what share of the machine they took. gctrace,
// MemStats and the pause history read it. Source: the t… and pause… fields of work in mgc.go, and the end of gcMarkTermination.
//
//   sweepTerm   mark             markTerm   end
//       | stop 1 |   marking        | stop 2 |
//
// Ps have clocks of their own, so the two stops may be seen by different ones; a time is never before the one left of it.
// A stop lasts what gcCost says plus the work that is done in it, and every P that runs loses that time (gc/world.ts).
import type { HeapStats } from '../heap/mstats.ts';
import type { Pacer } from './mgcpacer.ts';

/** Virtual costs in nanoseconds: what a step of the collector takes on its M. Round figures near Go's on a plain machine. */
export const gcCost = { perObject: 12, perStack: 400, perGlobalWord: 2, stop: 8000, sweepSpan: 300 } as const;

/** The times of one machine's collections. */
export class CycleClock {
  sweepTerm = 0;
  mark = 0;
  markTerm = 0;
  end = 0;
  /** Bytes taken for live when the cycle began and when marking ended, and bytes marked. Go's heap0, heap1, heap2. */
  heap0 = 0;
  heap1 = 0;
  heap2 = 0;
  /** CPU time of the two stops: their length on every P. */
  sweepTermCpu = 0;
  markTermCpu = 0;
  /** Nanoseconds of marking that took place inside the stop (gcstoptheworld). */
  markInPause = 0;
  /** The collector's share of the time of all Ps so far. Idle workers are left out: theirs is free. */
  cpuFraction = 0;
  /** GOMAXPROCS; the machine says so once it has its Ps. */
  procs = 1;
  /** CPU time of all cycles. Go's work.totaltime. */
  private totalCpu = 0;
  private pause = 0;

  constructor(private readonly stats: HeapStats) {}

  /** Stop 1 begins; it will last `nanos`. */
  beginCycle(now: number, nanos: number, heapLive: number): void {
    this.sweepTerm = Math.max(now, this.end);
    this.mark = this.sweepTerm + nanos;
    this.pause = nanos;
    this.heap0 = heapLive;
    this.markInPause = 0;
  }

  /** Marking took place inside the stop and lasted `nanos` on one P. */
  markedInPause(nanos: number): void {
    this.pause += nanos;
    this.markInPause = nanos;
    this.markTerm = this.mark + nanos;
  }

  /** Stop 2 begins. */
  beginMarkTermination(now: number): void {
    this.markTerm = Math.max(now, this.mark);
  }

  /** Stop 2 ends after `nanos`: writes the pause history. numGC: cycles before this one. */
  endCycle(nanos: number, numGC: number, forced: boolean, pacer: Pacer): void {
    this.end = this.markTerm + nanos;
    this.pause += nanos;
    this.stats.addPause(numGC, this.pause, this.end, forced);
    const { procs } = this;
    const { dedicatedTime, fractionalTime } = pacer.workers;
    this.sweepTermCpu = procs * (this.mark - this.sweepTerm);
    this.markTermCpu = procs * nanos;
    const markCpu = pacer.assistTime + dedicatedTime + fractionalTime + procs * this.markInPause;
    this.totalCpu += this.sweepTermCpu + markCpu + this.markTermCpu;
    this.cpuFraction = this.end > 0 ? this.totalCpu / (procs * this.end) : 0;
  }
}
