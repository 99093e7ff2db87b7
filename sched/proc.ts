// proc: the scheduler. Goroutines (generators) run on Ps; each P's M has a clock in virtual nanoseconds, and the P with the
// smallest clock goes next, so that GOMAXPROCS=4 is faster in virtual time. Source: proc.go.
//
// One round of a P (step): fire due timers, mark if the P is a mark worker now, else findRunnable, run the goroutine until it
// yields, charge its time, sweep a little. findRunnable looks, in Go's order, at the global queue every 61st round, the local
// queue, the global queue, and then steals. A P that finds nothing marks or sweeps.
//
// A goroutine runs until it blocks, yields or ends: all others stand at safepoints meanwhile, so stopping the world is a
// matter of the state being written back. (Threads that run goroutines in parallel are left out: docs/faithful.md.)

import type { CallStack, Mutator } from '../gc/malloc.ts';
import type { GC } from '../gc/mgc.ts';
import type { GcWork } from '../gc/mgcwork.ts';
import { WorkerMode } from '../gc/mgcworkers.ts';
import type { World } from '../gc/world.ts';
import type { Heap } from '../heap/mheap.ts';
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { LockOrder } from '../runtime/internal/lock.ts';
import type { Addr, LinearAlloc } from '../runtime/internal/memory.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import { Background } from './background.ts';
import { type G, GStatus, type GTable, gTable, WaitReason } from './g.ts';
import { Holds } from './holds.ts';
import { type Blocking, Op } from './op.ts';
import { type P, PStatus, type PTable, pTable, RunQueues } from './p.ts';
import { Stacks } from './stack.ts';
import { Sudogs } from './sudog.ts';
import { Timers } from './timer.ts';

const forgottenYield = 'a blocking operation was called and not awaited: write `yield*` in front of it';

/** A goroutine's continuation. */
export type Continuation = Generator<void, unknown, void>;

/** `next` of every generator, fetched once: looking it up on each goroutine's own object is 10 times slower. */
const resume = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).next as () => IteratorResult<void, unknown>;

/** Virtual cost of one turn of a goroutine, in nanoseconds, on top of what it allocates. */
export const turnNanos = 100;
/** Goroutine ids 2 to 4 belong to Go's system goroutines (forcegc, bgsweep, bgscavenge), which are parts of our P's step. */
const firstUserGoid = 5;
const goidBatch = 16;

/** The columns of the scheduler. */
export interface SchedTables {
  readonly gt: GTable;
  readonly pt: PTable;
  readonly rows: number;
}

/** Carves the scheduler's tables; rows: goroutines at once, plus 1. */
export function schedTables(mem: LinearAlloc, rows: number, procs: number): SchedTables {
  return { gt: gTable(mem, rows), pt: pTable(mem, procs), rows };
}

/** What becomes of a goroutine whose function has ended: runtime/panic.ts, where deferred calls are kept. */
export interface Unwinder {
  /** It has returned, and calls are deferred: the continuation that makes them. */
  returned(g: G): Continuation;
  /** It has thrown: the continuation that makes its deferred calls; null: it ends. Throws what the program dies of. */
  threw(g: G, error: unknown): Continuation | null;
}

/** The scheduler of one machine. */
export class Sched implements World, CallStack {
  readonly gt: GTable;
  readonly pt: PTable;
  readonly runq: RunQueues;
  readonly stacks: Stacks;
  readonly timers: Timers;
  readonly sudogs: Sudogs;
  readonly holds: Holds;
  /** Runs what goroutines have deferred. */
  unwinder: Unwinder | null = null;
  private readonly background = new Background(this);
  /** The running goroutine and its P; 0 and the last P between turns. */
  curg: G = 0 as G;
  curp: P = 0 as P;
  /** The running P's side of allocation. */
  mutator: Mutator;
  /** Told when another P runs: handles above keep its mutator at hand. */
  onSwitch: ((mutator: Mutator) => void) | null = null;
  readonly ops: Op[] = [];
  private readonly continuations: (Continuation | null)[] = [];
  private readonly rows: number;
  private nextRow = 1;
  private freeRows: G = 0 as G;
  private readonly goidNext: Int32Array;
  private readonly goidEnd: Int32Array;
  private nextGoid = 1;
  /** Goroutines that are not dead. */
  live = 0;
  private mainDone = false;
  /** main has called Goexit: the others go on without it. */
  mainExits = false;
  private gcWaiters: G[] = [];
  /** Turns of goroutines so far. */
  turns = 0;
  private worldStopped = false;
  /** The P whose mark worker takes a slice now; -1 for none. */
  workerP = -1;

  constructor(
    tables: SchedTables,
    readonly procs: number,
    readonly heap: Heap,
    readonly gc: GC,
    readonly mutators: readonly Mutator[],
    private readonly events: Events,
    readonly chooser: Chooser,
    private readonly order: LockOrder,
  ) {
    this.gt = tables.gt;
    this.pt = tables.pt;
    this.rows = tables.rows;
    this.runq = new RunQueues(this.pt, this.gt.schedLink, procs);
    this.stacks = new Stacks(heap, this.gt);
    this.timers = new Timers(heap.sys, (g) => this.ready(g, true));
    this.sudogs = new Sudogs(heap.sys, this.gt);
    this.holds = new Holds(heap.sys, gc);
    this.mutator = mutators[0]!;
    this.goidNext = new Int32Array(procs);
    this.goidEnd = new Int32Array(procs);
    for (let p = 0 as P; p < procs; p++) this.pt.schedTick[p] = 1; // before main, Go's own goroutines had their rounds
    for (const m of mutators) m.callStack = this;
    gc.attach(this);
  }

  // --- goroutines ------------------------------------------------------------------------------------------------------

  /**
   * Makes a goroutine with an empty stack, not yet queued. Throws RangeError when there are too many.
   * Source: newproc1.
   */
  newG(goPc: number): G {
    const { gt } = this;
    let g = this.freeRows;
    if (g !== 0) this.freeRows = gt.schedLink[g] as G;
    else if (this.nextRow < this.rows) g = this.nextRow++ as G;
    else throw new RangeError(`too many goroutines: ${this.live} (raise the option maxGoroutines)`);
    gt.schedLink[g] = 0;
    gt.goid[g] = this.takeGoid();
    gt.goPc[g] = goPc;
    gt.parent[g] = this.curg === 0 ? 0 : gt.goid[this.curg];
    gt.elem[g] = 0;
    gt.waiting[g] = 0;
    gt.deferring[g] = 0;
    gt.waitReason[g] = WaitReason.none;
    gt.system[g] = 0;
    this.ops[g] ??= new Op(g);
    this.live++;
    return g;
  }

  /** A goroutine of the runtime's own. Source: isSystemGoroutine. */
  newSystemG(goPc: number): G {
    const g = this.newG(goPc);
    this.gt.system[g] = 1;
    this.live--;
    return g;
  }

  /** Makes a new goroutine runnable: next of its P, as a `go` statement does. Source: newproc. */
  start(g: G, continuation: Continuation): void {
    this.continuations[g] = continuation;
    this.gt.status[g] = GStatus.runnable;
    this.gt.readyAt[g] = this.now();
    if (this.events.on) this.events.emit(Ev.goCreate, this.gt.goid[g], this.gt.parent[g], this.gt.goPc[g]);
    this.runq.put(this.curp, g, true);
    this.wakep();
  }

  private takeGoid(): number {
    if (this.nextGoid === 1) {
      this.goidNext[0] = firstUserGoid;
      this.goidEnd[0] = goidBatch + 1;
      this.nextGoid = goidBatch + 1;
      return 1; // main
    }
    const p = this.curp;
    if (this.goidNext[p]! === this.goidEnd[p]!) {
      this.goidNext[p] = this.nextGoid;
      this.nextGoid += goidBatch;
      this.goidEnd[p] = this.nextGoid;
    }
    return this.goidNext[p]!++;
  }

  private goexit(g: G): void {
    const { gt } = this;
    if (this.events.on) this.events.emit(Ev.goEnd, gt.goid[g]);
    if (gt.goid[g] === 1 && !this.mainExits) this.mainDone = true;
    this.release(g);
  }

  /** Takes back the row and the stack of a goroutine that has ended, or that was made and never started. */
  release(g: G): void {
    const { gt } = this;
    gt.status[g] = GStatus.dead;
    this.continuations[g] = null;
    this.stacks.freeAll(g);
    gt.elem[g] = 0;
    if (gt.system[g] === 0) this.live--;
    gt.schedLink[g] = this.freeRows;
    this.freeRows = g;
  }

  /** Parks the running goroutine for a reason; whoever wakes it calls ready. Returns its Op, to be yield*ed. Source: gopark. */
  park(reason: WaitReason): Op {
    const op = this.begin();
    this.block(op, reason);
    return op;
  }

  /** The operation that has begun must wait. */
  block(op: Op, reason: WaitReason): void {
    this.gt.status[this.curg] = GStatus.waiting;
    this.gt.waitReason[this.curg] = reason;
    op.waiting = true;
    if (this.events.on) this.events.emit(Ev.goPark, this.gt.goid[this.curg], reason);
  }

  /** The running goroutine's Op for an operation that is done at once (unless the chooser preempts here). */
  done(value: unknown): Op {
    const op = this.begin();
    op.value = value;
    return this.settled(op);
  }

  /** The operation that has begun needs no waiting. */
  settled(op: Op): Op {
    if (this.chooser.everyOperation && this.chooser.choose(Choice.preempt, 2, 0) === 1) op.waiting = true;
    return op;
  }

  /** The running goroutine's Op, for a new operation. TypeError when the last one was not awaited. */
  begin(): Op {
    if (this.curg === 0) throw new TypeError('a blocking operation was called outside a goroutine');
    const op = this.ops[this.curg]!;
    if (op.inFlight) throw new TypeError(forgottenYield);
    op.inFlight = true;
    op.convert = null;
    op.again = null;
    this.gt.elem[this.curg] = 0; // what the last operation brought is a root no longer
    return op;
  }

  /** Makes a waiting goroutine runnable; next: before the others of this P. Source: ready, goready. */
  ready(g: G, next: boolean): void {
    const { gt } = this;
    if (gt.status[g] !== GStatus.waiting) gothrow(`ready: goroutine ${gt.goid[g]} has status ${gt.status[g]}`);
    gt.status[g] = GStatus.runnable;
    gt.readyAt[g] = Math.max(gt.readyAt[g], this.now());
    if (this.events.on) this.events.emit(Ev.goReady, gt.goid[g], this.curg === 0 ? 0 : gt.goid[this.curg]);
    this.runq.put(this.curp, g, next);
    this.wakep();
  }

  /** Lets another goroutine run: the running one goes to the global queue's tail. Source: Gosched. */
  gosched(): Blocking<void> {
    const op = this.begin();
    op.waiting = true; // status stays running: execute puts it into the global queue
    return op as Blocking<void>;
  }

  /** Sleeps for virtual nanoseconds; not positive: returns at once. Source: timeSleep. */
  sleep(nanos: number): Blocking<void> {
    if (!(nanos > 0)) return this.done(undefined) as Blocking<void>;
    const op = this.park(WaitReason.sleep);
    this.timers.sleep(this.curp, this.curg, this.now() + nanos);
    return op as Blocking<void>;
  }

  // --- the loop --------------------------------------------------------------------------------------------------------

  /** Runs until main has returned. Throws what a goroutine died of, or Go's deadlock. Source: schedule, runtime.main. */
  run(): void {
    while (!this.mainDone) {
      const p = this.pickP();
      if (p >= 0) this.step(p as P);
      else this.allIdle();
    }
    this.curg = 0 as G;
  }

  /** The P that goes next: the smallest clock, unless the chooser has other ideas; -1 when all are idle. */
  private pickP(): number {
    const { status, clock } = this.pt;
    let best = -1;
    let n = 0;
    let bestIndex = 0;
    for (let p = 0 as P; p < this.procs; p++) {
      if (status[p] !== PStatus.running) continue;
      if (best < 0 || clock[p] < clock[best as P]) {
        best = p;
        bestIndex = n;
      }
      n++;
    }
    if (n < 2) return best;
    let k = this.chooser.choose(Choice.nextM, n, bestIndex);
    if (k === bestIndex) return best;
    for (let p = 0 as P; p < this.procs; p++) if (status[p] === PStatus.running && k-- === 0) return p;
    return best;
  }

  private step(p: P): void {
    this.curp = p;
    const mutator = this.mutators[p]!;
    if (mutator !== this.mutator) {
      this.mutator = mutator;
      if (this.onSwitch !== null) this.onSwitch(mutator);
    }
    const { clock } = this.pt;
    if (this.timers.earliest() <= clock[p]) this.timers.run(clock[p]);
    if (this.gc.marking && this.background.markWorker(p)) return;
    const g = this.findRunnable(p);
    if (g !== 0) {
      const { readyAt } = this.gt;
      if (clock[p] < readyAt[g]) clock[p] = readyAt[g]; // another P, ahead in time, made it runnable or ran it last
      const before = clock[p];
      this.execute(g);
      clock[p] += turnNanos + this.takeNanos();
      readyAt[g] = clock[p];
      this.background.sweep(p, clock[p] - before);
    } else if (!this.background.idleWork(p)) {
      this.pt.status[p] = PStatus.idle;
      this.pt.idleFrom[p] = clock[p];
    }
  }

  /** @internal */
  takeNanos(): number {
    const { nanos } = this.mutator;
    this.mutator.nanos = 0;
    return nanos;
  }

  /** Source: findRunnable, without network and with workers as part of step. */
  private findRunnable(p: P): G {
    const { runq } = this;
    this.checkSlice(p);
    if (this.pt.schedTick[p] % 61 === 0) {
      const g = runq.getGlobal(p, 1);
      if (g !== 0) {
        this.pt.schedTick[p]++;
        return g;
      }
    }
    return runq.get(p) || runq.getGlobal(p, 0) || this.steal(p);
  }

  /** Goroutines that wake each other inherit one time slice; when it is used up, others come first. Source: sysmon's retake. */
  private checkSlice(p: P): void {
    const { schedTick, sliceTick, sliceStart, clock } = this.pt;
    if (sliceTick[p] !== schedTick[p]) {
      sliceTick[p] = schedTick[p];
      sliceStart[p] = clock[p];
    } else if (clock[p] - sliceStart[p] >= timeSlice) this.runq.expire(p);
  }

  /** Takes half of another P's queue, looking at all of them from a chosen one on. Source: stealWork. */
  private steal(p: P): G {
    const { procs } = this;
    if (procs === 1) return 0 as G;
    const first = this.chooser.choose(Choice.stealFrom, procs, -1);
    for (let i = 0; i < procs; i++) {
      const victim = ((first + i) % procs) as P;
      if (victim === p || this.runq.length(victim) === 0) continue;
      return this.runq.steal(p, victim);
    }
    return 0 as G;
  }

  /** One idle P, if any, comes to look for work, no earlier than now. Source: wakep. */
  wakep(): void {
    const { status, clock } = this.pt;
    if (status[this.curp] === PStatus.idle) this.wake(this.curp, clock[this.curp]);
    for (let p = 0 as P; p < this.procs; p++) {
      if (status[p] !== PStatus.idle) continue;
      this.wake(p, clock[this.curp]);
      return;
    }
  }

  /** An idle P is idle no longer, from `when` on. */
  private wake(p: P, when: number): void {
    const { status, clock, idleFrom } = this.pt;
    status[p] = PStatus.running;
    clock[p] = Math.max(clock[p], when);
    this.gc.limiter.addIdleTime(Math.max(clock[p] - idleFrom[p], 0));
  }

  private execute(g: G): void {
    const { gt } = this;
    gt.status[g] = GStatus.running;
    this.curg = g;
    this.turns++;
    if (this.events.on) this.events.emit(Ev.goStart, gt.goid[g], this.curp, this.curp);
    this.stacks.load(g);
    const done = this.advance(g);
    this.stacks.unload();
    if (done) {
      if (this.ops[g]!.inFlight) throw new TypeError(forgottenYield);
      this.goexit(g);
    } else if (gt.status[g] === GStatus.running) {
      gt.status[g] = GStatus.runnable; // Gosched, preemption, or a bare yield
      if (this.events.on) this.events.emit(Ev.goYield, gt.goid[g]);
      this.runq.putGlobal(g);
    }
    this.curg = 0 as G;
  }

  /** Runs g until it yields (false) or has ended (true), its deferred calls included. */
  private advance(g: G): boolean {
    const { unwinder } = this;
    try {
      const { done } = resume.call(this.continuations[g]!);
      if (done !== true) return false;
      if (this.gt.deferring[g] === 0) return true;
      this.continuations[g] = unwinder!.returned(g);
    } catch (error) {
      if (unwinder === null) throw error;
      const rest = unwinder.threw(g, error);
      if (rest === null) return true;
      this.continuations[g] = rest;
    }
    return this.advance(g);
  }

  backgroundMark(): void {
    this.background.catchUp();
  }

  takeIdleTime(now: number): number {
    const { status, idleFrom } = this.pt;
    let nanos = 0;
    for (let p = 0 as P; p < this.procs; p++) {
      if (status[p] !== PStatus.idle || idleFrom[p] >= now) continue;
      nanos += now - idleFrom[p];
      idleFrom[p] = now;
    }
    return nanos;
  }

  /** Every P is idle: jump to the next timer, or nothing can ever happen again. Source: checkdead. */
  private allIdle(): void {
    const when = this.timers.earliest();
    if (when !== Infinity) {
      this.curp = 0 as P;
      this.wake(this.curp, when);
      return;
    }
    fatal(this.live === 0 ? 'no goroutines (main called runtime.Goexit) - deadlock!' : 'all goroutines are asleep - deadlock!');
  }

  /** Virtual nanoseconds on the clock of the running P, or of the one whose worker marks meanwhile. Source: nanotime. */
  now(): number {
    if (this.workerP >= 0 && this.workerP !== this.curp) return this.pt.clock[this.workerP as P];
    return this.pt.clock[this.curp] + this.mutator.nanos;
  }

  /**
   * Virtual time of an operation on something shared (a channel, a WaitGroup) that was last used at `last`: not before that,
   * whatever this P's clock says, as the thing's lock would have it.
   */
  orderAfter(last: number): number {
    const now = this.now();
    if (now >= last) return now;
    this.mutator.nanos += last - now;
    return last;
  }

  // --- what the collector asks for (gc/world.ts) -----------------------------------------------------------------------

  stopTheWorld(reason: string): void {
    if (this.worldStopped) gothrow(`stopTheWorld(${reason}): the world is stopped already`);
    const held = this.order.heldNames();
    if (held.length !== 0) gothrow(`stopTheWorld(${reason}) while holding ${held.join(', ')}`);
    this.worldStopped = true;
    this.heap.writeBack();
  }

  /** Stopping is instant here (all others stand at safepoints); what the stop lasts is charged when it ends. */
  charge(nanos: number): void {
    this.mutator.nanos += nanos;
  }

  startTheWorld(nanos: number): void {
    this.worldStopped = false;
    this.mutator.nanos += nanos; // the P that asked takes it to its clock with the rest of its turn
    const { status, clock } = this.pt;
    for (let p = 0 as P; p < this.procs; p++) if (p !== this.curp && status[p] === PStatus.running) clock[p] += nanos;
    if (!this.gc.marking) return;
    const now = this.now();
    for (let p = 0 as P; p < this.procs; p++) if (p !== this.curp && status[p] === PStatus.idle) this.wake(p, now); // work for all
  }

  stackCount(): number {
    return this.nextRow - 1;
  }

  scanStack(i: number, work: GcWork): number {
    const g = (i + 1) as G;
    const { status, sp, stackLo } = this.gt;
    if (status[g] === GStatus.dead || status[g] === GStatus.idle) return 0;
    this.stacks.scan(g, work);
    return sp[g] - stackLo[g];
  }

  eachStackPointer(visit: (addr: Addr, stack: number) => void): void {
    for (let g = 1 as G; g < this.nextRow; g++) {
      if (this.gt.status[g] === GStatus.dead || this.gt.status[g] === GStatus.idle) continue;
      this.stacks.eachPointer(g, (addr) => visit(addr, g - 1)); // row g is stack g - 1
    }
  }

  cycleChanged(): void {
    for (let p = 0 as P; p < this.procs; p++) {
      this.pt.workerMode[p] = WorkerMode.none;
      this.pt.fractionalTime[p] = 0;
    }
    const waiters = this.gcWaiters;
    this.gcWaiters = [];
    for (const g of waiters) this.ready(g, false);
  }

  callers(pcs: Int32Array, max: number): number {
    return this.curg === 0 ? 0 : this.stacks.callers(this.curg, pcs, max);
  }

  /** Waits for the collector's next change of phase. */
  private waitForCycle(): Blocking<void> {
    const op = this.park(WaitReason.gcCycle);
    this.gcWaiters.push(this.curg);
    return op as Blocking<void>;
  }

  /** A call that may wait more than once: as a value to be yield*ed, so that a forgotten yield* is noticed like any other. */
  blocking<T>(body: () => Generator<void, T, void>): Blocking<T> {
    const op = this.begin();
    return {
      [Symbol.iterator]: () => {
        op.inFlight = false;
        return body();
      },
    };
  }

  /** runtime.GC. */
  collect(): Blocking<void> {
    return this.blocking(() => this.forceGC());
  }

  /** Waits until the marking of cycle n has ended, if it is under way. Source: gcWaitOnMark. */
  *waitOnMark(n: number): Generator<void, void, void> {
    while (this.gc.marking && this.gc.cycle === n) yield* this.waitForCycle();
  }

  /**
   * A full cycle from its beginning to the end of its sweep; the profile as of its mark termination is published when it
   * returns. Concurrent callers may share one. Source: GC of mgc.go.
   */
  *forceGC(): Generator<void, void, void> {
    const { gc } = this;
    const n = gc.cycle;
    yield* this.waitOnMark(n);
    if (gc.cycle === n) gc.start(true);
    yield* this.waitOnMark(n + 1);
    while (gc.cycle === n + 1 && !gc.sweeper.isDone) {
      const spans = this.chooser.everyOperation ? 1 : spansPerTurn; // Go yields after each span; a turn here costs ten
      for (let i = 0; i < spans && !gc.sweeper.isDone; i++) this.mutator.nanos += gc.sweepStep();
      yield* this.gosched();
    }
    // Cycle n+2 may be marking already: then sweep n+1 is complete and its slot is not rotated yet. Later is too late.
    if (gc.cycle === n + 1 || (gc.marking && gc.cycle === n + 2)) gc.forcedSweepDone();
  }

  /** Every goroutine of the program that is not dead, oldest row first. */
  *goroutines(): Generator<G, void, void> {
    for (let g = 1 as G; g < this.nextRow; g++) {
      const status = this.gt.status[g];
      if (status !== GStatus.dead && status !== GStatus.idle && this.gt.system[g] === 0) yield g;
    }
  }
}

/** Nanoseconds that goroutines which wake each other may use before others get a turn. Go's forcePreemptNS. */
const timeSlice = 10e6;
/** Spans that runtime.GC() sweeps before it lets others run. */
const spansPerTurn = 32;
