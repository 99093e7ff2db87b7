// stw: stopping the world, what the collector wants of it (gc/world.ts), and GOMAXPROCS, which is changed while it stands.
// Source: proc.go stopTheWorldWithSema, startTheWorldWithSema, procresize; mgc.go GC.
//
// All goroutines but the running one stand at safepoints anyway, so a stop takes no time until it is over; what it lasts is
// charged to every P that runs. A P whose M is in a system call is taken away by the stop, as in Go.

import type { GcWork } from '../gc/mgcwork.ts';
import { WorkerMode } from '../gc/mgcworkers.ts';
import type { World } from '../gc/world.ts';
import { Ev, StopReason } from '../runtime/internal/events.ts';
import type { LockOrder } from '../runtime/internal/lock.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { type G, GStatus, WaitReason } from './g.ts';
import type { M } from './m.ts';
import type { Blocking, Op } from './op.ts';
import { noP, type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';

/** Spans that runtime.GC() sweeps before it lets others run. */
const spansPerTurn = 32;
/** Virtual nanoseconds of a stop that only reads or changes a few words. */
const shortStop = 8000;

const stopReasons: Readonly<Record<string, StopReason>> = {
  'GC sweep termination': StopReason.sweepTermination,
  'GC mark termination': StopReason.markTermination,
  GC: StopReason.markTermination, // 2014: the whole collection is one stop
};

/** The world of one machine, as whoever stops it sees it. */
export class StoppedWorld implements World {
  private stopped = false;
  private waiters: Op[] = [];

  constructor(
    private readonly sched: Sched,
    private readonly order: LockOrder,
  ) {}

  get procs(): number {
    return this.sched.procs;
  }

  get live(): number {
    return this.sched.live;
  }

  /** Whether the world stands now. Go's gcwaiting. */
  get isStopped(): boolean {
    return this.stopped;
  }

  now(): number {
    return this.sched.now();
  }

  // --- stop and start --------------------------------------------------------------------------------------------------

  stopTheWorld(reason: string): void {
    const { sched, order } = this;
    if (this.stopped) gothrow(`stopTheWorld(${reason}): the world is stopped already`);
    const held = order.heldNames();
    if (held.length !== 0) gothrow(`stopTheWorld(${reason}) while holding ${held.join(', ')}`);
    this.stopped = true;
    if (sched.events.on) sched.events.emit(Ev.stwStart, stopReasons[reason] ?? StopReason.other, 0, sched.curp);
    const { status } = sched.pt;
    for (let p = 0 as P; p < sched.procs; p++) {
      if (status[p] === PStatus.syscall) sched.syscalls.lose(p);
      status[p] = PStatus.gcstop;
    }
    sched.heap.writeBack();
  }

  charge(nanos: number): void {
    this.sched.mutator.charge(nanos);
  }

  startTheWorld(nanos: number): void {
    const { sched } = this;
    const { status, clock, m } = sched.pt;
    this.stopped = false;
    sched.changed();
    sched.mutator.charge(nanos); // the P that asked takes it to its clock with the rest of its turn
    sched.ms.eachIdleP((p) => {
      status[p] = PStatus.idle;
    });
    const taken: P[] = [];
    for (let p = 0 as P; p < sched.procs; p++) {
      if (status[p] === PStatus.idle) continue;
      status[p] = m[p] !== 0 ? PStatus.running : PStatus.idle;
      if (m[p] === 0) taken.push(p);
      else if (p !== sched.curp) clock[p] += nanos;
    }
    if (sched.events.on) sched.events.emit(Ev.stwDone, 0, nanos, sched.curp);
    const now = this.now();
    for (const p of taken) {
      if (sched.runq.length(p) > 0) sched.ms.start(p, false, now);
      else sched.ms.putIdleP(p);
    }
    if (this.sched.gc.marking) while (sched.ms.idlePs > 0) sched.ms.start(sched.ms.takeIdleP(), false, now); // work for all
  }

  /**
   * Changes GOMAXPROCS to n and returns the old value; less than 1 changes nothing. The goroutines of Ps that are no more go to
   * the global queue. Throws RangeError beyond the largest machine. Source: debug.go GOMAXPROCS, procresize.
   */
  gomaxprocs(n: number): number {
    const { sched } = this;
    const old = sched.procs;
    if (n < 1 || n === old) return old;
    this.stopTheWorld('GOMAXPROCS');
    this.resize(n);
    this.startTheWorld(shortStop);
    return old;
  }

  private resize(n: number): void {
    const { sched } = this;
    const { pt, ms, events } = sched;
    const old = sched.procs;
    let now = this.now();
    for (let p = 0 as P; p < old; p++) if (pt.m[p] !== 0) now = Math.max(now, pt.clock[p]);
    sched.orderAfter(now); // all Ps stand at one time: that of the last one to stop
    for (let p = old as P; p < n; p++) {
      sched.newMutator(p);
      pt.status[p] = PStatus.gcstop;
      if (pt.clock[p] < now) pt.clock[p] = now;
    }
    for (let p = n as P; p < old; p++) this.destroy(p);
    sched.procsChanged(n);
    sched.gc.clock.procs = n;
    if (sched.curp >= n) this.moveTo(0 as P, now);
    ms.clearIdlePs();
    for (let p = (n - 1) as P; p >= 0; p--) {
      if (pt.m[p] !== 0 || sched.runq.length(p) > 0) continue; // the latter start with the world
      ms.putIdleP(p);
    }
    if (events.on) events.emit(Ev.gomaxprocs, n);
  }

  /** P n is no more: what it has goes to all. Its M, unless it is the one that stopped the world, goes to sleep. Source: destroy. */
  private destroy(p: P): void {
    const { sched } = this;
    const { pt, runq, gc, mutators } = sched;
    if (p !== sched.curp && pt.m[p] !== 0) this.evict(p);
    runq.evacuate(p);
    if (pt.workerMode[p] === WorkerMode.dedicated) gc.pacer.workers.dedicatedNeeded++;
    pt.workerMode[p] = WorkerMode.none;
    mutators[p]!.retire();
    pt.status[p] = PStatus.dead;
  }

  /** p's M goes to sleep; the goroutine that it ran, which is paused, is preempted, and a mark worker goes back to the pool. */
  private evict(p: P): void {
    const { pt, mt, ms, locks } = this.sched;
    this.sched.preemptPaused(p);
    this.sched.helpers.endWorker(p);
    pt.status[p] = PStatus.running;
    const m = ms.release(p);
    if (mt.spinning[m] !== 0) ms.endSpinning(m);
    if (mt.lockedG[m] !== 0) locks.wait(m);
    else ms.stop(m);
  }

  /** The running goroutine's P is no more: its M takes another. */
  private moveTo(p: P, now: number): void {
    const { sched } = this;
    const { pt, mt, events, curg } = sched;
    const from = sched.curp;
    const m = pt.m[from] as M;
    const nanos = sched.takeNanos();
    if (pt.m[p] !== 0) this.evict(p);
    if (events.on && curg !== 0) events.emit(Ev.goYield, sched.gt.goid[curg], 0, from); // a reader sees no P change under it
    if (events.on) events.emit(Ev.procStop, m, 0, from);
    pt.m[from] = 0;
    mt.p[m] = noP;
    pt.status[p] = PStatus.idle;
    sched.ms.acquire(m, p, now - nanos);
    pt.status[p] = PStatus.gcstop;
    sched.enter(p);
    sched.mutator.charge(nanos);
    if (events.on && curg !== 0) events.emit(Ev.goStart, sched.gt.goid[curg], m, p);
  }

  // --- what the collector asks for -------------------------------------------------------------------------------------

  stackCount(): number {
    return this.sched.rowsUsed;
  }

  /** Whether g's stack may hold pointers: it lives, or its function is being called, with arguments that nothing else may keep. */
  private hasStack(g: G): boolean {
    const { gt, ops } = this.sched;
    const { status } = ops[g]!;
    return (status !== GStatus.dead && status !== GStatus.idle) || gt.sp[g] > gt.stackLo[g];
  }

  /** Also notes since when a goroutine waits, which is what dumps show. Source: markroot, scanstack. */
  scanStack(i: number, work: GcWork): number {
    const { sched } = this;
    const g = (i + 1) as G;
    const { sp, stackLo, waitSince } = sched.gt;
    const op = sched.ops[g]!;
    const { status } = op;
    if (!this.hasStack(g)) return 0;
    if (!op.waitSeen && (status === GStatus.waiting || status === GStatus.syscall)) {
      op.waitSeen = true;
      waitSince[g] = this.now();
    }
    sched.stacks.scan(g, work);
    return sp[g] - stackLo[g];
  }

  eachStackPointer(visit: (addr: Addr, stack: number) => void): void {
    const { sched } = this;
    for (let g = 1 as G; g <= sched.rowsUsed; g++) {
      if (!this.hasStack(g)) continue;
      sched.stacks.eachPointer(g, (addr) => visit(addr, g - 1)); // row g is stack g - 1
    }
  }

  startWorkers(): void {
    this.sched.helpers.startWorkers();
  }

  wakeSweeper(): void {
    const { helpers, curp } = this.sched;
    if (helpers.sweeper !== 0) helpers.wake(helpers.sweeper, curp);
  }

  backgroundMark(): void {
    this.sched.backgroundMark();
  }

  takeIdleTime(now: number): number {
    const { status, m, idleFrom } = this.sched.pt;
    let nanos = 0;
    for (let p = 0 as P; p < this.procs; p++) {
      const idle = status[p] === PStatus.idle || (status[p] === PStatus.gcstop && m[p] === 0);
      if (!idle || idleFrom[p] >= now) continue;
      nanos += now - idleFrom[p];
      idleFrom[p] = now;
    }
    return nanos;
  }

  cycleChanged(): void {
    const { sched } = this;
    sched.changed();
    sched.findUsual();
    for (let p = 0 as P; p < sched.procs; p++) {
      sched.helpers.endWorker(p);
      sched.pt.workerMode[p] = WorkerMode.none;
      sched.pt.fractionalTime[p] = 0;
    }
    const { waiters } = this;
    this.waiters = [];
    for (const op of waiters) sched.ready(op, false);
  }

  // --- runtime.GC ------------------------------------------------------------------------------------------------------

  /** Waits for the collector's next change of phase. */
  private waitForCycle(): Blocking<void> {
    const op = this.sched.park(WaitReason.gcCycle);
    this.waiters.push(op);
    return op as Blocking<void>;
  }

  /** runtime.GC. */
  collect(): Blocking<void> {
    return this.sched.blocking(() => this.forceGC());
  }

  /** Waits until the marking of cycle n has ended, if it is under way. Source: gcWaitOnMark. */
  *waitOnMark(n: number): Generator<void, void, void> {
    const { gc } = this.sched;
    while (gc.marking && gc.cycle === n) yield* this.waitForCycle();
  }

  /**
   * A full cycle from its beginning to the end of its sweep; the profile as of its mark termination is published when it
   * returns. Concurrent callers may share one. Source: GC of mgc.go.
   */
  *forceGC(): Generator<void, void, void> {
    const { sched } = this;
    const { gc } = sched;
    const n = gc.cycle;
    yield* this.waitOnMark(n);
    if (gc.cycle === n) gc.start(true);
    yield* this.waitOnMark(n + 1);
    while (gc.cycle === n + 1 && !gc.sweeper.isDone) {
      const spans = sched.chooser.everyOperation ? 1 : spansPerTurn; // Go yields after each span; a turn here costs ten
      for (let i = 0; i < spans && !gc.sweeper.isDone; i++) sched.mutator.charge(gc.sweepStep());
      yield* sched.gosched();
    }
    // Cycle n+2 may be marking already: then sweep n+1 is complete and its slot is not rotated yet. Later is too late.
    if (gc.cycle === n + 1 || (gc.marking && gc.cycle === n + 2)) gc.forcedSweepDone();
  }
}
