// helpers: the runtime's own goroutines, as they stand in the table of goroutines: forcegc (2), bgsweep (3), bgscavenge (4), and a
// mark worker for each P, made when a cycle begins. Go counts, dumps and profiles them apart from the program's.
// Source: proc.go main, forcegchelper; mgc.go gcenable, gcBgMarkStartWorkers; isSystemGoroutine of traceback.go.
//
// forcegc is a goroutine like any other, with a continuation. The rest have none: their work is done in slices, between two
// turns of a P's goroutines (background.ts). A slice takes its helper from waiting or runnable to running and back, so what
// reads the table or the events sees goroutines; but while such a helper is runnable it stands in no run queue.
//
//   bgsweep      a slice sweeps some spans; then it yields (runnable), or parks when the sweep is done ("GC sweep wait")
//   bgscavenge   a slice releases pages; then it sleeps, or parks when its goals are met ("GC scavenge wait")
//   mark worker  taken from a pool, last one in first out; fractional and idle ones go back after each slice, a dedicated
//                one when the marking ends ("GC worker (idle)")
//
// runfinq, the fifth, is made by the first finalizer (runtime/final.ts).

import type { WorkerMode } from '../gc/mgcworkers.ts';
import type { SymTab } from '../profiler/symtab.ts';
import { Ev } from '../runtime/internal/events.ts';
import { type G, GStatus, SystemG, WaitReason } from './g.ts';
import type { Continuation } from './newproc.ts';
import type { Op } from './op.ts';
import { maxProcs, noP, type P } from './p.ts';
import type { Sched } from './proc.ts';

/** Rows of the goroutine table that the program cannot use: the helpers above, and runfinq. */
export const helperRows = 4 + maxProcs;

/** The helpers of one machine. */
export class Helpers {
  /** 0 until main starts. */
  forceGC: G = 0 as G;
  sweeper: G = 0 as G;
  scavenger: G = 0 as G;
  /** Mark workers so far. Go's gcBgMarkWorkerCount. */
  private workers = 0;
  /** The last worker to go idle, linked by Op.link. Go's gcBgMarkWorkerPool. */
  private pool: Op | null = null;

  constructor(
    private readonly sched: Sched,
    private readonly symtab: SymTab,
  ) {}

  /** main is about to start: the three that are there from the beginning. */
  start(): void {
    this.forceGC = this.make(2, 'runtime.forcegchelper', 'proc.go', 293, SystemG.queued);
    this.sched.ops[this.forceGC]!.continuation = this.forcegchelper();
    this.sweeper = this.make(3, 'runtime.bgsweep', 'mgcsweep.go', 271, SystemG.sliced);
    this.scavenger = this.make(4, 'runtime.bgscavenge', 'mgcscavenge.go', 613, SystemG.sliced);
    this.runOnce(this.forceGC, WaitReason.forceGCIdle);
    this.runOnce(this.sweeper, WaitReason.gcSweepWait);
    this.runOnce(this.scavenger, WaitReason.gcScavengeWait);
  }

  private make(goid: number, name: string, file: string, line: number, kind: SystemG): G {
    const { sched } = this;
    const { gt, ops, events } = sched;
    const g = sched.newSystemG(this.symtab.pc(name, file, line), goid, kind);
    ops[g]!.status = GStatus.runnable;
    if (events.on) events.emit(Ev.goCreate, gt.goid[g], gt.parent[g], gt.goPc[g], 1);
    return g;
  }

  /** Between its start and its first wait a helper does nothing that anybody sees. */
  private runOnce(g: G, reason: WaitReason): void {
    this.begin(g, this.sched.curp);
    this.park(g, this.sched.curp, reason);
  }

  /** Two minutes without a collection: sysmon has woken it. Source: forcegchelper. */
  private *forcegchelper(): Continuation {
    for (;;) {
      this.sched.gc.periodic(this.sched.now());
      yield* this.sched.park(WaitReason.forceGCIdle);
    }
  }

  // --- slices ----------------------------------------------------------------------------------------------------------

  /** A waiting helper is runnable; on p or, noP, on none. */
  wake(g: G, p: P): void {
    const { gt, ops, events } = this.sched;
    const op = ops[g]!;
    if (op.status !== GStatus.waiting) return;
    op.status = GStatus.runnable;
    op.waitSeen = false;
    if (events.on) events.emit(Ev.goReady, gt.goid[g], 0, p);
  }

  /** A slice of g begins on p. */
  begin(g: G, p: P): void {
    const { gt, ops, pt, events } = this.sched;
    this.wake(g, p);
    ops[g]!.status = GStatus.running;
    if (events.on) events.emit(Ev.goStart, gt.goid[g], pt.m[p], p);
  }

  /** The slice is over, and there is more to do. */
  yield(g: G, p: P): void {
    const { gt, ops, events } = this.sched;
    ops[g]!.status = GStatus.runnable;
    if (events.on) events.emit(Ev.goYield, gt.goid[g], 0, p);
  }

  /** The slice is over, and so is the work. */
  park(g: G, p: P, reason: WaitReason): void {
    const { gt, ops, events } = this.sched;
    const op = ops[g]!;
    op.status = GStatus.waiting;
    op.waitReason = reason;
    if (events.on) events.emit(Ev.goPark, gt.goid[g], reason, p);
  }

  // --- mark workers ----------------------------------------------------------------------------------------------------

  /** A cycle begins: there is a worker for each P, whose creator is the goroutine that begins it. Source: gcBgMarkStartWorkers. */
  startWorkers(): void {
    if (this.forceGC === 0) return; // somebody collects before main has started: no P runs goroutines
    while (this.workers < this.sched.procs) this.putIdle(this.makeWorker());
  }

  private makeWorker(): G {
    this.workers++;
    const g = this.make(0, 'runtime.gcBgMarkWorker', 'mgc.go', 1201, SystemG.sliced);
    this.runOnce(g, WaitReason.gcWorkerIdle);
    return g;
  }

  private putIdle(g: G): void {
    const op = this.sched.ops[g]!;
    op.link = this.pool;
    this.pool = op;
  }

  /** A worker marks on p from now on, if none does. */
  beginWorker(p: P, mode: WorkerMode): void {
    const { gt, pt, events } = this.sched;
    if (pt.worker[p] !== 0) return;
    const op = this.pool;
    const g = op === null ? this.makeWorker() : op.g; // none: GOMAXPROCS has grown since the cycle began
    if (op !== null) {
      this.pool = op.link;
      op.link = null;
    }
    pt.worker[p] = g;
    if (events.on) events.emit(Ev.workerStart, mode, gt.goid[g], p);
    this.begin(g, p);
  }

  /** p's worker, if it has one, goes back to the pool. */
  endWorker(p: P): void {
    const { gt, pt, events } = this.sched;
    const g = pt.worker[p] as G;
    if (g === 0) return;
    pt.worker[p] = 0;
    this.park(g, p, WaitReason.gcWorkerIdle);
    this.putIdle(g);
    if (events.on) events.emit(Ev.workerStop, 0, gt.goid[g], p);
  }

  // --- forcegc ---------------------------------------------------------------------------------------------------------

  /** sysmon wants a collection: the helper goes to the global queue, and an idle P comes to run it. */
  wakeForceGC(): void {
    const { sched, forceGC: g } = this;
    const { gt, ops, ms } = sched;
    if (g === 0 || ops[g]!.status !== GStatus.waiting) return; // it is on its way
    this.wake(g, noP);
    gt.readyAt[g] = sched.now();
    sched.runq.putGlobal(ops[g]!);
    const p = ms.takeIdleP();
    if (p !== noP) ms.start(p, false, sched.now());
  }
}
