// proc: the scheduler. Goroutines (generators) run on Ps; each P's M has a clock in virtual nanoseconds, and the P with the
// smallest clock goes next, so that GOMAXPROCS=4 is faster in virtual time. Source: proc.go.
//
// One round of a P (step): fire due timers, findRunnable, run the goroutine until it yields, charge its time, do the share
// of collector work that Go's background workers would have done meanwhile. findRunnable looks, in Go's order, at the
// global queue every 61st round, the local queue, the global queue, and then steals.
//
// A goroutine runs until it blocks, yields or ends: all others stand at safepoints meanwhile, so stopping the world is a
// matter of the state being written back. (Threads that run goroutines in parallel are left out: docs/faithful.md.)

import type { CallStack, Mutator } from '../gc/malloc.ts';
import type { GC } from '../gc/mgc.ts';
import type { GcWork } from '../gc/mgcwork.ts';
import type { World } from '../gc/world.ts';
import type { Heap } from '../heap/mheap.ts';
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { LockOrder } from '../runtime/internal/lock.ts';
import type { Addr, LinearAlloc } from '../runtime/internal/memory.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import { type G, GStatus, type GTable, gTable, WaitReason } from './g.ts';
import { type Blocking, Op } from './op.ts';
import { type P, PStatus, type PTable, pTable, RunQueues } from './p.ts';
import { Stacks } from './stack.ts';
import { Timers } from './timer.ts';

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
  readonly timers: Timers;
  readonly rows: number;
}

/** Carves the scheduler's tables; rows: goroutines at once, plus 1. */
export function schedTables(mem: LinearAlloc, rows: number, procs: number): SchedTables {
  return { gt: gTable(mem, rows), pt: pTable(mem, procs), timers: new Timers(mem, rows), rows };
}

/** The scheduler of one machine. */
export class Sched implements World, CallStack {
  readonly gt: GTable;
  readonly pt: PTable;
  readonly runq: RunQueues;
  readonly stacks: Stacks;
  readonly timers: Timers;
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
  private gcWaiters: G[] = [];
  /** Turns of goroutines so far. */
  turns = 0;
  private worldStopped = false;

  constructor(
    tables: SchedTables,
    readonly procs: number,
    private readonly heap: Heap,
    readonly gc: GC,
    readonly mutators: readonly Mutator[],
    private readonly events: Events,
    private readonly chooser: Chooser,
    private readonly order: LockOrder,
  ) {
    this.gt = tables.gt;
    this.pt = tables.pt;
    this.timers = tables.timers;
    this.rows = tables.rows;
    this.runq = new RunQueues(this.pt, this.gt.schedLink, procs);
    this.stacks = new Stacks(heap, this.gt);
    this.mutator = mutators[0]!;
    this.goidNext = new Int32Array(procs);
    this.goidEnd = new Int32Array(procs);
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
    gt.waitReason[g] = WaitReason.none;
    this.ops[g] ??= new Op(g);
    this.live++;
    return g;
  }

  /** Makes a new goroutine runnable: next of its P, as a `go` statement does. Source: newproc. */
  start(g: G, continuation: Continuation): void {
    this.continuations[g] = continuation;
    this.gt.status[g] = GStatus.runnable;
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
    gt.status[g] = GStatus.dead;
    if (this.events.on) this.events.emit(Ev.goEnd, gt.goid[g]);
    this.continuations[g] = null;
    this.stacks.freeAll(g);
    gt.elem[g] = 0;
    this.live--;
    if (gt.goid[g] === 1) this.mainDone = true;
    gt.schedLink[g] = this.freeRows;
    this.freeRows = g;
  }

  /** Parks the running goroutine for a reason; whoever wakes it calls ready. Returns its Op, to be yield*ed. Source: gopark. */
  park(reason: WaitReason): Op {
    const op = this.begin();
    this.gt.status[this.curg] = GStatus.waiting;
    this.gt.waitReason[this.curg] = reason;
    op.waiting = true;
    if (this.events.on) this.events.emit(Ev.goPark, this.gt.goid[this.curg], reason);
    return op;
  }

  /** The running goroutine's Op for an operation that is done at once (unless the chooser preempts here). */
  done(value: unknown): Op {
    const op = this.begin();
    op.value = value;
    if (this.chooser.everyOperation && this.chooser.choose(Choice.preempt, 2, 0) === 1) op.waiting = true;
    return op;
  }

  private begin(): Op {
    if (this.curg === 0) throw new TypeError('a blocking operation was called outside a goroutine');
    const op = this.ops[this.curg]!;
    if (op.inFlight) throw new TypeError('a blocking operation was called and not awaited: write `yield*` in front of it');
    op.inFlight = true;
    op.convert = null;
    this.gt.elem[this.curg] = 0; // what the last operation brought is a root no longer
    return op;
  }

  /** Makes a waiting goroutine runnable; next: before the others of this P. Source: ready, goready. */
  ready(g: G, next: boolean): void {
    const { gt } = this;
    if (gt.status[g] !== GStatus.waiting) gothrow(`ready: goroutine ${gt.goid[g]} has status ${gt.status[g]}`);
    gt.status[g] = GStatus.runnable;
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
    this.timers.add(this.curg, this.pt.clock[this.curp] + this.mutator.nanos + nanos);
    return this.park(WaitReason.sleep) as Blocking<void>;
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
    while (this.timers.earliest() <= clock[p]) this.ready(this.timers.pop(), true);
    const g = this.findRunnable(p);
    if (g !== 0) {
      const before = clock[p];
      this.execute(g);
      clock[p] += turnNanos + this.takeNanos();
      this.backgroundWork(p, clock[p] - before);
    } else {
      const cost = this.gc.step(idleObjects);
      if (cost > 0) clock[p] += cost + this.takeNanos();
      else this.pt.status[p] = PStatus.idle;
    }
  }

  private takeNanos(): number {
    const { nanos } = this.mutator;
    this.mutator.nanos = 0;
    return nanos;
  }

  /** Source: findRunnable, without network and with workers as part of step. */
  private findRunnable(p: P): G {
    const { runq } = this;
    if (this.pt.schedTick[p] % 61 === 0) {
      const g = runq.getGlobal(p, 1);
      if (g !== 0) {
        this.pt.schedTick[p]++;
        return g;
      }
    }
    return runq.get(p) || runq.getGlobal(p, 0) || this.steal(p);
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
  private wakep(): void {
    const { status, clock } = this.pt;
    if (status[this.curp] === PStatus.idle) status[this.curp] = PStatus.running;
    for (let p = 0 as P; p < this.procs; p++) {
      if (status[p] !== PStatus.idle) continue;
      status[p] = PStatus.running;
      clock[p] = Math.max(clock[p], clock[this.curp]);
      return;
    }
  }

  private execute(g: G): void {
    const { gt } = this;
    gt.status[g] = GStatus.running;
    this.curg = g;
    this.turns++;
    if (this.events.on) this.events.emit(Ev.goStart, gt.goid[g], this.curp, this.curp);
    this.stacks.load(g);
    const { done } = resume.call(this.continuations[g]!);
    this.stacks.unload();
    if (done) this.goexit(g);
    else if (gt.status[g] === GStatus.running) {
      gt.status[g] = GStatus.runnable; // Gosched, preemption, or a bare yield
      if (this.events.on) this.events.emit(Ev.goYield, gt.goid[g]);
      this.runq.putGlobal(g);
    }
    this.curg = 0 as G;
  }

  /** What Go's dedicated and fractional workers and the background sweeper did while goroutines ran for `nanos`. */
  private backgroundWork(p: P, nanos: number): void {
    const { gc } = this;
    if (gc.idle) return;
    const { workerDebt, clock } = this.pt;
    workerDebt[p] = Math.min(workerDebt[p] + nanos / 3, maxWorkerDebt); // 25 % of all time is a third of the goroutines'
    while (workerDebt[p] > 0) {
      const cost = gc.step(workerObjects);
      if (cost === 0) break;
      workerDebt[p] -= cost;
      clock[p] += cost;
    }
  }

  /** Every P is idle: jump to the next timer, or nothing can ever happen again. Source: checkdead. */
  private allIdle(): void {
    const { clock, status } = this.pt;
    const when = this.timers.earliest();
    if (when !== Infinity) {
      this.curp = 0 as P;
      status[this.curp] = PStatus.running;
      clock[this.curp] = Math.max(clock[this.curp], when);
      return;
    }
    fatal(this.mainGone() ? 'no goroutines (main called runtime.Goexit) - deadlock!' : 'all goroutines are asleep - deadlock!');
  }

  private mainGone(): boolean {
    return this.live === 0;
  }

  /** Virtual nanoseconds on the clock of the running P. Source: nanotime. */
  now(): number {
    return this.pt.clock[this.curp] + this.mutator.nanos;
  }

  // --- what the collector asks for (gc/world.ts) -----------------------------------------------------------------------

  stopTheWorld(reason: string): void {
    if (this.worldStopped) gothrow(`stopTheWorld(${reason}): the world is stopped already`);
    const held = this.order.heldNames();
    if (held.length !== 0) gothrow(`stopTheWorld(${reason}) while holding ${held.join(', ')}`);
    this.worldStopped = true;
    this.heap.writeBack();
  }

  startTheWorld(): void {
    this.worldStopped = false;
  }

  stackCount(): number {
    return this.nextRow - 1;
  }

  scanStack(i: number, work: GcWork): void {
    const g = (i + 1) as G;
    if (this.gt.status[g] !== GStatus.dead && this.gt.status[g] !== GStatus.idle) this.stacks.scan(g, work);
  }

  eachStackPointer(visit: (addr: Addr) => void): void {
    for (let g = 1 as G; g < this.nextRow; g++) {
      if (this.gt.status[g] !== GStatus.dead && this.gt.status[g] !== GStatus.idle) this.stacks.eachPointer(g, visit);
    }
  }

  cycleChanged(): void {
    const waiters = this.gcWaiters;
    this.gcWaiters = [];
    for (const g of waiters) this.ready(g, false);
  }

  callers(pcs: Int32Array, max: number): number {
    return this.curg === 0 ? 0 : this.stacks.callers(this.curg, pcs, max);
  }

  /** Waits for the collector's next change of phase. */
  private waitForCycle(): Blocking<void> {
    this.gcWaiters.push(this.curg);
    return this.park(WaitReason.gcCycle) as Blocking<void>;
  }

  /**
   * A full cycle from its beginning to the end of its sweep; the profile as of its mark termination is published when it
   * returns. Concurrent callers may share one. Source: GC of mgc.go.
   */
  *forceGC(): Generator<void, void, void> {
    const { gc } = this;
    const n = gc.cycle;
    while (gc.marking && gc.cycle === n) yield* this.waitForCycle();
    if (gc.cycle === n) gc.start(true);
    while (gc.marking && gc.cycle === n + 1) yield* this.waitForCycle();
    while (gc.cycle === n + 1 && !gc.sweeper.isDone) {
      this.mutator.nanos += gc.sweepStep();
      yield* this.gosched();
    }
    // Cycle n+2 may be marking already: then sweep n+1 is complete and its slot is not rotated yet. Later is too late.
    if (gc.cycle === n + 1 || (gc.marking && gc.cycle === n + 2)) gc.forcedSweepDone();
  }

  /** Every goroutine that is not dead, oldest row first. */
  *goroutines(): Generator<G, void, void> {
    for (let g = 1 as G; g < this.nextRow; g++) {
      if (this.gt.status[g] !== GStatus.dead && this.gt.status[g] !== GStatus.idle) yield g;
    }
  }
}

const idleObjects = 4096;
const workerObjects = 1024;
/** A P owes the collector no more than this, so that one long turn is not followed by a long pause. */
const maxWorkerDebt = 1e6;
