// mgcworkers: who marks in the background. A quarter of the Ps, as nearly as whole Ps allow. See mgcpacer.ts.
//
//   dedicated    the P marks until the marking ends; its goroutines move to other Ps
//   fractional   the P marks while it is behind its share, where whole Ps would miss a quarter by more than 30 %
//   idle         the P has nothing else to do
//
//   Ps            1     2     3     4     5     6      7     8
//   dedicated     0     0     0     1     1     1      2     2
//   fractional   .25   .25   .25    0     0    .083    0     0     of the time of each P that is not dedicated
//
// This file decides; the scheduler (sched/proc.ts) runs the workers and tells how long they took.
// Source: startCycle, findRunnableGCWorker, markWorkerStop of mgcpacer.go.
import { gothrow } from '../runtime/internal/throw.ts';

/** What a P does for the collector. Go's gcMarkWorkerMode. */
export const enum WorkerMode {
  none = 0,
  dedicated = 1,
  fractional = 2,
  idle = 3,
}

/** Share of the processors for marking; more than this much off it asks for fractional workers. */
const backgroundUtilization = 0.25;
const maxUtilizationError = 0.3;
/** A fractional worker goes on until it is this much ahead of its share. Source: pollFractionalWorkerExit. */
const fractionalOvershoot = 1.2;

/** Dedicated workers, and the share of time of each other P's fractional worker. */
export function workerTable(procs: number): { dedicated: number; fractionalGoal: number } {
  const goal = procs * backgroundUtilization;
  let dedicated = Math.floor(goal + 0.5);
  if (Math.abs(dedicated / goal - 1) <= maxUtilizationError) return { dedicated, fractionalGoal: 0 };
  if (dedicated > goal) dedicated--;
  return { dedicated, fractionalGoal: (goal - dedicated) / procs };
}

/** The workers of one machine during a cycle. Times in virtual nanoseconds. */
export class MarkWorkers {
  /** Dedicated workers that no P has become yet. */
  dedicatedNeeded = 0;
  fractionalGoal = 0;
  /** Time that workers of each mode have taken in this cycle; zeroed when marking begins. */
  dedicatedTime = 0;
  fractionalTime = 0;
  idleTime = 0;
  private idleWorkers = 0;
  private maxIdle = 0;

  /** Marking begins. A periodic cycle leaves idle Ps idle, but somebody must be sure to mark. Source: startCycle. */
  start(procs: number, periodic: boolean): void {
    const { dedicated, fractionalGoal } = workerTable(procs);
    this.dedicatedNeeded = dedicated;
    this.fractionalGoal = fractionalGoal;
    this.dedicatedTime = 0;
    this.fractionalTime = 0;
    this.idleTime = 0;
    if (periodic) this.setMaxIdle(dedicated > 0 ? 0 : 1);
    else this.setMaxIdle(procs - dedicated);
  }

  /** True once for each dedicated worker that the table asks for: the caller's P is one from now on. */
  takeDedicated(): boolean {
    if (this.dedicatedNeeded <= 0) return false;
    this.dedicatedNeeded--;
    return true;
  }

  /** Whether a P whose fractional worker has marked for `marked` of `elapsed` ns should mark now. */
  wantsFractional(marked: number, elapsed: number): boolean {
    if (this.fractionalGoal === 0) return false;
    return elapsed <= 0 || marked / elapsed <= this.fractionalGoal;
  }

  /** Whether a fractional worker that is running may go on. */
  mayGoOn(marked: number, elapsed: number): boolean {
    return elapsed <= 0 || marked / elapsed <= fractionalOvershoot * this.fractionalGoal;
  }

  /** A worker has marked for `nanos`. Source: markWorkerStop. */
  charge(mode: WorkerMode, nanos: number): void {
    if (mode === WorkerMode.dedicated) this.dedicatedTime += nanos;
    else if (mode === WorkerMode.fractional) this.fractionalTime += nanos;
    else this.idleTime += nanos;
  }

  // --- idle workers: a count and a bound, which may be lowered below the count --------------------------------------------

  /** Bounds the idle workers; those beyond it stop by themselves. Source: setMaxIdleMarkWorkers. */
  setMaxIdle(max: number): void {
    this.maxIdle = max;
  }

  /** Whether another idle worker would be welcome. */
  needsIdle(): boolean {
    return this.idleWorkers < this.maxIdle;
  }

  /** Makes the caller an idle worker unless there are enough. */
  addIdle(): boolean {
    if (!this.needsIdle()) return false;
    this.idleWorkers++;
    return true;
  }

  /** The caller stops being an idle worker. */
  removeIdle(): void {
    if (this.idleWorkers === 0) gothrow('negative idle mark workers');
    this.idleWorkers--;
  }
}
