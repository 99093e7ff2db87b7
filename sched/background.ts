// background: the share of the collector in a P's time. gc/mgcworkers.ts says how many Ps mark and for how long; here they do.
// Go's workers, its background sweeper and its scavenger are goroutines; ours are rows of the table of goroutines (helpers.ts) whose
// work is done in slices of a P's step, so that one thread runs the machine and the order of everything is that of the clocks.
// Source: findRunnableGCWorker, gcBgMarkWorker, bgsweep, bgscavenge.
import { WorkerMode } from '../gc/mgcworkers.ts';
import { type G, GStatus, WaitReason } from './g.ts';
import { type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';

/** Objects that a worker scans in one slice: 0.2 ms when each of them is a cache miss. */
const workerObjects = 512;
/** Spans that an idle P sweeps in one slice. Go's sweepBatchSize. */
const sweepBatch = 10;
/** A P owes the sweeper no more than this, so that one long turn is not followed by a long pause. */
const maxSweepDebt = 1e6;

/** The collector's slices of one machine's Ps. */
export class Background {
  constructor(private readonly sched: Sched) {}

  /**
   * Runs a slice of p's dedicated or fractional worker if it should mark now. A dedicated P marks until the marking ends and
   * gives its goroutines away first. Source: findRunnableGCWorker, gcBgMarkWorker.
   */
  markWorker(p: P): boolean {
    const { gc, pt } = this.sched;
    const { workers, markStartTime } = gc.pacer;
    const { clock, workerMode, fractionalTime } = pt;
    if (clock[p] < markStartTime && workerMode[p] === WorkerMode.none) return false; // this P has yet to come to that time
    gc.tickLimiter(clock[p]);
    if (workerMode[p] !== WorkerMode.dedicated && workers.takeDedicated()) this.dedicate(p);
    if (workerMode[p] === WorkerMode.dedicated) {
      this.markSlice(p, WorkerMode.dedicated);
      return true;
    }
    const elapsed = clock[p] - markStartTime;
    const goesOn = workerMode[p] === WorkerMode.fractional && workers.mayGoOn(fractionalTime[p], elapsed);
    if (!goesOn && !workers.wantsFractional(fractionalTime[p], elapsed)) {
      workerMode[p] = WorkerMode.none;
      return false;
    }
    workerMode[p] = WorkerMode.fractional;
    this.markSlice(p, WorkerMode.fractional);
    return true;
  }

  /** p's goroutines go to others; the one that runs on it, which is paused, is preempted for the worker. */
  private dedicate(p: P): void {
    const { runq, pt } = this.sched;
    pt.workerMode[p] = WorkerMode.dedicated;
    if (pt.paused[p] === 0 && runq.length(p) === 0) return;
    this.sched.preemptPaused(p);
    runq.giveAway(p);
    this.sched.wakep();
  }

  /** A slice of marking on p, on its clock. */
  private markSlice(p: P, mode: WorkerMode): void {
    const { sched } = this;
    const { clock, fractionalTime } = sched.pt;
    clock[p] = Math.max(clock[p], sched.gc.pacer.markStartTime); // a P whose clock is behind marks nothing before marking began
    if (p !== sched.curp) sched.elsewhere = clock[p];
    sched.helpers.beginWorker(p, mode);
    const cost = sched.gc.workerStep(mode, workerObjects);
    if (mode === WorkerMode.fractional) fractionalTime[p] += cost;
    clock[p] += cost;
    if (p === sched.curp) clock[p] += sched.takeNanos();
    else sched.elsewhere = clock[p];
    if (mode !== WorkerMode.dedicated) sched.helpers.endWorker(p); // a dedicated one goes on until the marking ends
    sched.elsewhere = -1;
  }

  /** Nothing to run on p: marks, or sweeps some spans. False: there is none of that either. */
  idleWork(p: P): boolean {
    const { gc } = this.sched;
    if (gc.marking) return this.markIdle(p);
    if (gc.sweeper.isDone || !gc.sweeper.mayRunBehind) {
      this.settleSweeper(p);
      return false;
    }
    const { helpers, pt } = this.sched;
    const g = helpers.sweeper;
    helpers.begin(g, p);
    let cost = 0;
    for (let spans = 0; spans < sweepBatch && !gc.sweeper.isDone; spans++) cost += gc.sweepStep();
    pt.clock[p] += cost + this.sched.takeNanos();
    this.endSweeping(g, p);
    return cost > 0;
  }

  private endSweeping(g: G, p: P): void {
    const { helpers, gc } = this.sched;
    if (gc.sweeper.isDone) helpers.park(g, p, WaitReason.gcSweepWait);
    else helpers.yield(g, p);
  }

  /** bgsweep is runnable and there is nothing for it to sweep, now or at all: it runs, sees that, and parks. */
  private settleSweeper(p: P): void {
    const { helpers, ops } = this.sched;
    const g = helpers.sweeper;
    if (ops[g]!.status !== GStatus.runnable) return;
    helpers.begin(g, p);
    helpers.park(g, p, WaitReason.gcSweepWait);
  }

  private markIdle(p: P): boolean {
    const { workers } = this.sched.gc.pacer;
    if (!workers.addIdle()) return false;
    const before = this.sched.pt.clock[p];
    this.markSlice(p, WorkerMode.idle);
    this.sched.gc.limiter.addIdleTime(this.sched.pt.clock[p] - before);
    workers.removeIdle();
    return true;
  }

  /**
   * What other Ps' workers did while the running goroutine used its turn, and this P's fractional worker, which Go would
   * have let in by preempting the goroutine. Turns are not cut here, so this is how a long one shares its time.
   */
  catchUp(): void {
    const { gc, pt, curp, mutator } = this.sched;
    if (this.sched.curg === 0) return; // somebody uses the machine without its scheduler: no other P has a clock
    const { workers, markStartTime } = gc.pacer;
    const { status, clock, workerMode, fractionalTime, paused } = pt;
    const now = this.sched.now();
    const nothingToRun = this.sched.runq.empty;
    for (let p = 0 as P; p < this.sched.procs; p++) {
      if (p === curp || status[p] !== PStatus.running) continue;
      while (gc.marking && clock[p] < now) {
        if (workerMode[p] !== WorkerMode.dedicated && this.mayDedicate(p) && workers.takeDedicated()) this.dedicate(p);
        if (workerMode[p] === WorkerMode.dedicated) this.markSlice(p, WorkerMode.dedicated);
        else if (!nothingToRun || paused[p] !== 0 || !this.markIdle(p)) break;
      }
    }
    const { helpers } = this.sched;
    while (gc.marking && workers.wantsFractional(fractionalTime[curp], this.sched.now() - markStartTime)) {
      helpers.beginWorker(curp, WorkerMode.fractional);
      const cost = gc.workerStep(WorkerMode.fractional, workerObjects);
      fractionalTime[curp] += cost;
      mutator.charge(cost);
      helpers.endWorker(curp);
    }
  }

  /** Not while p has paused a goroutine that is locked to its thread: nothing else runs on that. */
  private mayDedicate(p: P): boolean {
    return this.sched.gt.lockedM[this.sched.pt.paused[p] as G] === 0;
  }

  /** The background scavenger's rounds until now. Those that were due while all Ps were idle have cost nobody anything. */
  private scavenge(p: P): void {
    const { helpers } = this.sched;
    const { scavenger } = this.sched.gc;
    const { clock } = this.sched.pt;
    const now = clock[p];
    helpers.begin(helpers.scavenger, p);
    let cost = 0;
    while (scavenger.wakeAt <= now) cost = scavenger.step();
    clock[p] += cost;
    helpers.park(helpers.scavenger, p, scavenger.wakeAt === Infinity ? WaitReason.gcScavengeWait : WaitReason.sleep);
  }

  /** What the background sweeper did while goroutines ran for `nanos`: it has a turn of its own, here a fourth of the time. */
  sweep(p: P, nanos: number): void {
    const { gc, helpers } = this.sched;
    const { status, sweepDebt, clock } = this.sched.pt;
    const mayRun = status[p] === PStatus.running; // not while a system call may come back to it
    if (gc.scavenger.wakeAt <= clock[p] && mayRun) this.scavenge(p);
    if (gc.marking || gc.idle || !gc.sweeper.mayRunBehind) {
      sweepDebt[p] = 0;
      if (mayRun) this.settleSweeper(p);
      return;
    }
    sweepDebt[p] = Math.min(sweepDebt[p] + nanos / 3, maxSweepDebt);
    if (!mayRun || sweepDebt[p] <= 0) return;
    const g = helpers.sweeper;
    helpers.begin(g, p);
    while (sweepDebt[p] > 0) {
      const cost = gc.step(1);
      if (cost === 0) break;
      sweepDebt[p] -= cost;
      clock[p] += cost;
    }
    this.endSweeping(g, p);
  }
}
