// proc: the scheduler. Goroutines (generators) run on Ms (threads, m.ts) that have Ps (processors, p.ts); each P has a clock in
// virtual nanoseconds, and the P with the smallest clock goes next, so that GOMAXPROCS=4 is faster in virtual time. This is
// the overview of the folder. Source: proc.go.
//
//   newproc.ts    rows, ids, continuations          sysmon.ts      preemption, taking Ps from system calls, the forced cycle
//   runq.ts       who waits to run                  syscall.ts     leaving and coming back; promises of the host
//   steal.ts      looking for work elsewhere        lockthread.ts  a goroutine with an M of its own
//   m.ts          threads: waking, spinning
//   stw.ts        stopping the world, GOMAXPROCS    background.ts  the collector's share of a P's time
//   helpers.ts    the runtime's own goroutines      schedtrace.ts, check.ts   what can be seen, and what must hold
//
// One round of a P (step): fire due timers, mark if the P is a mark worker now, else findRunnable, run the goroutine until it
// yields (a turn), charge its time, sweep a little. findRunnable looks, in Go's order, at the global queue every 61st round,
// the local queue, the global queue, and then steals. A P that finds nothing marks or sweeps, or gives itself up.
//
// Besides the Ps there are things that happen at their own time: a system call ends, sysmon looks round, a timer wakes an idle
// P. Each of them happens when no P is behind it (nextEvent). `horizon` is the time of the next such thing or, with several
// Ps, of the next P: until then a P goes on alone. A goroutine that does not block gives way at yield points, which is every
// operation that could have blocked: when sysmon wants its P for others (it goes to the end of the global queue), and when
// another P is behind in time (it goes on afterwards: `paused`).
//
// A goroutine runs until it blocks, yields or ends: all others stand at safepoints meanwhile, so stopping the world is a
// matter of the state being written back. (Threads that run goroutines in parallel are left out: docs/faithful.md.)
//
// What is in fields. The state that every switch changes lives in fields of JavaScript objects, since V8 reads those faster
// than columns of the arena: of a goroutine its status, why it waits, and what it brings and was brought (Op), of a channel or a
// lock its few words and who waits on it (HeapRecord.save), of a P its run queue but the ring (RunQueues.save). The columns and
// records of the arena are written from them, all by writeBack, when the world stops and before anybody looks at the arena;
// the collector has a goroutine's part written when it scans its stack (Stacks.eachPointer). Invariant K6 says that nothing is
// forgotten. Everything below the sched folder reads the arena; what runs the machine reads the fields.

import type { CallStack, Mutator } from '../gc/malloc.ts';
import type { GC } from '../gc/mgc.ts';
import type { Heap } from '../heap/mheap.ts';
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import { fatal } from '../runtime/internal/throw.ts';
import { Background } from './background.ts';
import { Contention } from './contention.ts';
import { type G, GStatus, WaitReason } from './g.ts';
import { Helpers } from './helpers.ts';
import { Holds } from './holds.ts';
import { ThreadLocks } from './lockthread.ts';
import { type M, MStatus, Ms, type MTable, type Threads } from './m.ts';
import { type Continuation, forgottenYield, Goroutines } from './newproc.ts';
import type { Blocking, Op } from './op.ts';
import { type P, PStatus, type PTable } from './p.ts';
import type { SchedParts, SchedTables } from './parts.ts';
import { HeapRecord } from './record.ts';
import { type LocalQueue, RunQueues } from './runq.ts';
import { Stacks } from './stack.ts';
import { Thieves, thiefNap } from './steal.ts';
import { StoppedWorld } from './stw.ts';
import { Sudogs } from './sudog.ts';
import { Syscalls } from './syscall.ts';
import { Sysmon } from './sysmon.ts';
import { Timers } from './timer.ts';

/** Virtual costs in nanoseconds. */
export const enum Cost {
  /** of one turn of a goroutine, on top of what it allocates and does */
  turn = 100,
  /** of an operation that could have blocked and did not */
  operation = 15,
}
/** Most nanoseconds in `spent`: what is added to it goes on being a small integer. */
const mostSpent = 1 << 30;
/** A goroutine is paused for another P that is this far behind, in nanoseconds: less would be many turns for little truth. */
const pauseSlack = 1000;

/** Why a goroutine that did not block has stopped. */
const enum Stop {
  gosched,
  preempted,
  paused,
  yielded,
}

/** The scheduler of one machine. */
export class Sched extends Goroutines implements CallStack, Threads {
  readonly pt: PTable;
  readonly mt: MTable;
  /** GOMAXPROCS. */
  procs: number;
  readonly heap: Heap;
  readonly gc: GC;
  readonly mutators: Mutator[];
  private readonly makeMutator: (p: number) => Mutator;
  readonly events: Events;
  readonly chooser: Chooser;
  readonly runq: RunQueues;
  readonly ms: Ms;
  readonly timers: Timers;
  readonly holds: Holds;
  readonly world: StoppedWorld;
  readonly syscalls: Syscalls;
  readonly sysmon: Sysmon;
  readonly locks: ThreadLocks;
  readonly contention: Contention;
  /** The block or the mutex profile is on: contention.ts hears of each wait. Written there. */
  timesWaits = false;
  /**
   * gc.cycle while nothing but goroutines needs looking after: one P, runNext, nobody marks, hears of events or times waits; else -2,
   * which is no cycle. What blocks and was used in this cycle takes its short road then (HeapRecord.seen, chan.ts).
   */
  usual = -2;
  readonly helpers: Helpers;
  private readonly background = new Background(this);
  /** The running P's queue, and its side of allocation. */
  private queue: LocalQueue;
  mutator: Mutator;
  /** Told when another P runs: handles above keep its mutator at hand. */
  onSwitch: ((mutator: Mutator) => void) | null = null;
  protected mainStarted = false;
  protected mainDone = false;
  /** What the program dies of when this turn ends, whatever it has caught; null: it goes on. */
  protected doomed: Error | null = null;
  /** main has called Goexit: the others go on without it. */
  mainExits = false;
  /** Turns of goroutines so far. */
  turns = 0;
  /** What now() is while something happens outside of the running P's time; -1: nothing does. */
  elsewhere = -1;
  /** Not only one P runs, or something has changed since that was found: changed(). */
  private disturbed = false;
  /** When something else than the running P's own goroutines is due. */
  private horizon = 0;
  /**
   * Virtual nanoseconds of turns and operations since they were last taken. A small integer, for every switch adds to it: what
   * allocation costs (mutator.nanos) may be a fraction, and V8 keeps those in boxes.
   */
  private spent = 0;
  /** Nanoseconds into its turn from which on the running goroutine asks at yield points whether to go on: see setLimit. */
  private limit = 0;
  /** The same of `spent`; -1: it asks at the next one. */
  private turnLimit = 0;
  /** Nanoseconds after which runAlone ends, and the same of `spent`. */
  private until = 0;
  private roundsLimit = 0;
  private stop = Stop.gosched;
  /** The turn in which its goroutine has handed something over: it yields at its next yield point. */
  private handedOverIn = -1;
  /** Records that lie off the heap: of who explores schedules. */
  readonly offHeap: HeapRecord[] = [];
  private readonly thieves = new Thieves(this);
  private readonly anyOrder: boolean;

  constructor(tables: SchedTables, parts: SchedParts) {
    super(tables.gt, new Stacks(parts.heap, tables.gt), new Sudogs(parts.heap.sys), tables.goroutines);
    this.pt = tables.pt;
    this.mt = tables.mt;
    const { procs, heap, gc, mutators, makeMutator, events, chooser } = parts;
    this.procs = procs;
    this.heap = heap;
    this.gc = gc;
    this.mutators = mutators;
    this.makeMutator = makeMutator;
    this.events = events;
    this.chooser = chooser;
    this.runq = new RunQueues(this.pt, procs, parts.era !== '2014');
    this.queue = this.runq.of(0 as P);
    this.ms = new Ms(this.mt, this.pt, events, this);
    const [wake, earlier] = [(g: G) => this.ready(this.ops[g]!, true), () => this.changed()];
    this.timers = new Timers(heap.sys, wake, earlier);
    this.holds = new Holds(heap.sys, gc);
    this.mutator = mutators[0]!;
    this.anyOrder = chooser.anyOrder ?? false;
    this.world = new StoppedWorld(this, parts.order);
    this.syscalls = new Syscalls(this);
    this.sysmon = new Sysmon(this);
    this.locks = new ThreadLocks(this);
    this.contention = new Contention(this, parts.blocks, parts.symtab);
    this.helpers = new Helpers(this, parts.symtab);
    const { ms } = this;
    for (let p = (procs - 1) as P; p > 0; p--) ms.putIdleP(p as P);
    ms.acquire(ms.create(MStatus.running), 0 as P, 0);
    ms.create(MStatus.sysmon);
    for (const m of mutators) this.owns(m);
    gc.attach(this.world);
    events.whenOn = () => this.findUsual();
    this.findUsual();
    heap.onWriteBack = () => this.writeBack();
  }

  /** Writes what is in fields into the arena: goroutines, the records that they wait on, run queues. See the head of this file. */
  private writeBack(): void {
    const { ops, gt, heap } = this;
    const { w, arena } = heap;
    for (let g = 1 as G; g <= this.rowsUsed; g++) ops[g]!.save(w, arena.f64, gt);
    heap.handles.each((record) => {
      if (record instanceof HeapRecord) record.save();
    });
    for (const record of this.offHeap) record.save();
    this.runq.save();
  }

  // --- goroutines ------------------------------------------------------------------------------------------------------

  /** Makes a new goroutine runnable: next of its P, as a `go` statement does. Source: newproc. */
  start(g: G, continuation: Continuation): void {
    const op = this.ops[g]!;
    op.continuation = continuation;
    if (this.usual >= 0) this.readyUsually(op);
    else this.queueNew(op);
  }

  private queueNew(op: Op): void {
    const { gt } = this;
    const { g } = op;
    op.status = GStatus.runnable;
    gt.readyAt[g] = this.now();
    if (this.events.on) this.events.emit(Ev.goCreate, gt.goid[g], gt.parent[g], gt.goPc[g], gt.system[g]);
    this.runq.put(this.curp, op, true);
    if (this.mainStarted) this.wakep();
  }

  /** g's function has returned. Source: goexit0. */
  protected ended(op: Op): void {
    const { gt } = this;
    const { g } = op;
    if (op.inFlight) throw new TypeError(forgottenYield);
    if (this.events.on) this.events.emit(Ev.goEnd, gt.goid[g], 0, this.curp);
    if (gt.goid[g] === 1 && !this.mainExits) {
      this.mainDone = true;
      this.changed();
    }
    this.release(g);
  }

  /** Parks the running goroutine for a reason; whoever wakes it calls ready. Returns its Op, to be yield*ed. Source: gopark. */
  park(reason: WaitReason): Op {
    const op = this.begin();
    this.block(op, reason);
    return op;
  }

  /** The operation that has begun must wait. */
  block(op: Op, reason: WaitReason): void {
    op.status = GStatus.waiting;
    op.waitReason = reason;
    op.done = 0;
    if (this.timesWaits) this.contention.blocked(op, reason);
    if (this.events.on) this.events.emit(Ev.goPark, this.gt.goid[op.g], reason, this.curp);
  }

  /** The running goroutine's Op for an operation that is done at once: a yield point. */
  done(value: unknown): Op {
    const op = this.begin();
    op.value = value;
    return this.settled(op);
  }

  /** The operation that has begun needs no waiting. */
  settled(op: Op): Op {
    if ((this.spent += Cost.operation) > this.turnLimit) this.longTurn(op);
    return op;
  }

  /** The running goroutine's Op, for a new operation. TypeError when the last one was not awaited. */
  begin(): Op {
    const op = this.cur;
    if (op.inFlight) this.mustNotBegin();
    op.inFlight = true;
    op.value = undefined;
    op.brought = 0;
    return op;
  }

  private mustNotBegin(): never {
    throw new TypeError(this.curg === 0 ? 'a blocking operation was called outside a goroutine' : forgottenYield);
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

  /**
   * A yield point after the turn's limit: sysmon may have looked round by now, and others may be behind in time. (When every
   * operation is a choice point, the limit is -1.)
   */
  private longTurn(op: Op): void {
    const { chooser, pt, curp } = this;
    if (this.spent > mostSpent) this.mutator.charge(this.takeSpent());
    const now = this.now();
    this.sysmon.lookUntil(now);
    if (this.handedOverIn === this.turns) {
      this.handedOverIn = -1;
      this.giveWay(op, Stop.yielded);
      return;
    }
    const horizon = this.horizonOf(curp);
    const chosen = chooser.everyOperation && chooser.choose(Choice.preempt, 2, 0) === 1;
    if (chosen || pt.preempt[curp] !== 0) this.giveWay(op, Stop.preempted);
    else if (horizon < now) this.giveWay(op, Stop.paused);
    else if (!chooser.everyOperation) this.setLimit(horizon - pt.clock[curp]);
  }

  /** The running goroutine goes on without questions until its turn has cost so many nanoseconds. */
  private setLimit(nanos: number): void {
    this.limit = nanos;
    this.turnLimit = Math.floor(this.spendable(nanos)) | 0;
  }

  /** What `spent` may grow to before the turn has cost so many nanoseconds; -1: nothing. */
  private spendable(nanos: number): number {
    return Math.max(-1, Math.min(nanos - this.mutator.nanos, mostSpent));
  }

  /** Allocation has cost time. */
  private charged(): void {
    if (this.turnLimit >= 0) this.setLimit(this.limit);
    this.roundsLimit = Math.ceil(this.spendable(this.until)) | 0;
  }

  /** The running goroutine has handed a lock to one that goes next on this P. In Go it yields at once; a plain call cannot. */
  handedOver(): void {
    this.handedOverIn = this.turns;
    this.turnLimit = -1;
  }

  private giveWay(op: Op, stop: Stop): void {
    op.done = 0;
    this.stop = stop;
  }

  /** Something that `usual` depends on is another. */
  findUsual(): void {
    const { gc, runq, events } = this;
    const usual = this.procs === 1 && runq.hasRunNext && !gc.marking && !events.on && !this.timesWaits;
    this.usual = usual ? gc.cycle : -2;
  }

  /** The short road of ready(op, true), while `usual` is a cycle. */
  readyUsually(op: Op): void {
    op.status = GStatus.runnable;
    op.waitSeen = false;
    this.runq.putNext(this.queue, op);
  }

  /** Makes a waiting goroutine runnable; next: before the others of this P. Source: ready, goready. */
  ready(op: Op, next: boolean): void {
    if (op.status !== GStatus.waiting) this.badStatus(op, GStatus.waiting);
    op.status = GStatus.runnable;
    op.waitSeen = false;
    const { g } = op;
    if (this.procs !== 1) this.readyFrom(g);
    if (this.timesWaits) this.contention.released(op, op.waitReason, this.now());
    if (this.events.on) this.events.emit(Ev.goReady, this.gt.goid[g], this.curg === 0 ? 0 : this.gt.goid[this.curg], this.curp);
    this.runq.put(this.curp, op, next);
    this.wakep();
  }

  /** g does not run before now, whatever the clock of the P that finds it says. (A single P's clock is never behind.) */
  private readyFrom(g: G): void {
    const { readyAt } = this.gt;
    const now = this.now();
    if (readyAt[g] < now) readyAt[g] = now;
  }

  /** Lets another goroutine run: the running one goes to the global queue's tail. Source: Gosched. */
  gosched(): Blocking<void> {
    const op = this.begin();
    op.done = 0; // status stays running: the end of the turn puts it into the global queue
    return op as Blocking<void>;
  }

  /** Lets those go first who are to run next on this P: the running goroutine goes to the local queue's tail. Source: goyield. */
  goyield(): Blocking<void> {
    const op = this.gosched();
    this.stop = Stop.yielded;
    return op;
  }

  /** Sleeps for virtual nanoseconds; not positive: returns at once. Source: timeSleep. */
  sleep(nanos: number): Blocking<void> {
    if (!(nanos > 0)) return this.done(undefined) as Blocking<void>;
    const op = this.park(WaitReason.sleep);
    this.timers.sleep(this.curp, this.curg, this.now() + nanos);
    return op as Blocking<void>;
  }

  // --- the loop --------------------------------------------------------------------------------------------------------

  /**
   * Runs until main has returned (true), or until nothing can go on before the host settles a promise (false).
   * Throws what a goroutine died of, or Go's deadlock. Source: schedule, runtime.main.
   */
  run(): boolean {
    if (!this.mainStarted) this.helpers.start();
    this.mainStarted = true;
    while (!this.mainDone && this.doomed === null) {
      const p = this.pickP();
      if (p >= 0) this.rounds(p as P);
      else if (!this.idle()) return false;
    }
    if (this.doomed !== null) throw this.doomed;
    this.nobodyRuns();
    return true;
  }

  /**
   * The P that goes next: the smallest clock, unless the chooser has other ideas; -1 when all are idle. What is due before
   * it happens first.
   */
  private pickP(): number {
    const { status, clock } = this.pt;
    for (;;) {
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
      if (best < 0) return best;
      const due = this.nextEvent();
      if (due <= clock[best as P]) {
        this.happen(due);
        continue;
      }
      this.disturbed = n !== 1;
      if (n === 1) return best;
      let k = this.chooser.choose(Choice.nextM, n, bestIndex);
      if (k === bestIndex) return best;
      for (let p = 0 as P; p < this.procs; p++) if (status[p] === PStatus.running && k-- === 0) return p;
    }
  }

  /** When the next thing happens that needs no running P; Infinity: never. */
  private nextEvent(): number {
    const { sysmon, syscalls } = this;
    const next = Math.min(sysmon.next, syscalls.next);
    return this.ms.idlePs === 0 ? next : Math.min(next, this.timers.earliest());
  }

  /** What is due at `when` happens. */
  private happen(when: number): void {
    this.elsewhere = when;
    if (this.syscalls.next <= when) this.syscalls.endFirst();
    else if (this.sysmon.next <= when) this.sysmon.look(when);
    else this.ms.start(this.ms.takeIdleP(), false, when); // comes to fire the timer. Source: findRunnable, after netpoll
    this.elsewhere = -1;
  }

  /** Until when p may go on without asking: the next event, or another P's clock. */
  private horizonOf(p: P): number {
    const { status, clock } = this.pt;
    let horizon = this.nextEvent();
    for (let q = 0 as P; q < this.procs; q++) {
      if (q !== p && status[q] === PStatus.running) horizon = Math.min(horizon, clock[q] + pauseSlack);
    }
    return horizon;
  }

  /** A round of p, or as many as fit before anything else is due. */
  private rounds(p: P): void {
    this.enter(p);
    const { pt, ms, gc } = this;
    this.horizon = Math.min(this.horizonOf(p), this.timers.earliest());
    const quiet = !this.disturbed && gc.idle && ms.spinning === 0 && this.locks.count === 0 && !this.anyOrder;
    if (quiet && pt.preempt[p] === 0 && pt.paused[p] === 0) {
      this.horizon = Math.min(this.horizon, gc.scavenger.wakeAt);
      if (pt.clock[p] < this.horizon && this.runAlone(p)) return;
    }
    this.step(p);
  }

  /**
   * Turns of p's goroutines until the horizon, without any of step's questions: whoever changes an answer to one of them calls
   * changed(), which ends this. What the turns cost adds up in the mutator until then. False: p has nothing left to run.
   */
  private runAlone(p: P): boolean {
    const { gt, pt, runq, queue, stacks, events } = this;
    this.until = this.horizon - pt.clock[p];
    this.setLimit(this.chooser.everyOperation ? -1 : this.until);
    this.roundsLimit = Math.ceil(this.spendable(this.until)) | 0;
    let op: Op | null = null;
    while (!this.disturbed && this.spent < this.roundsLimit) {
      op = runq.next(p, queue);
      if (op === null) break;
      const { g } = op;
      if (op.status !== GStatus.runnable) this.badStatus(op, GStatus.runnable);
      op.status = GStatus.running;
      this.curg = g;
      this.cur = op;
      this.turns++;
      if (events.on) events.emit(Ev.goStart, gt.goid[g], pt.m[p], p);
      stacks.load(op);
      const done = this.advance(op);
      stacks.unload();
      if (done) this.ended(op);
      else if (op.status === GStatus.running) {
        if (this.stop === Stop.gosched && this.usual >= 0) {
          op.status = GStatus.runnable;
          runq.putGlobal(op);
        } else this.stopped(this.curp, op);
      }
      this.spent += Cost.turn;
    }
    this.nobodyRuns();
    const q = this.curp; // GOMAXPROCS may have taken p
    pt.clock[q] += this.takeNanos();
    if (op === null) return false;
    const { g } = op;
    gt.readyAt[g] = pt.clock[q]; // a P that was woken in this turn may be behind its end; all that ran before it are not
    if (op.status === GStatus.syscall) this.syscalls.left(q);
    else if (this.locks.count !== 0) this.locks.turnEnded(q, g);
    return true;
  }

  /** p runs: it is the current one. */
  enter(p: P): void {
    this.curp = p;
    this.queue = this.runq.of(p);
    const mutator = this.mutators[p]!;
    if (mutator === this.mutator) return;
    this.mutator = mutator;
    if (this.onSwitch !== null) this.onSwitch(mutator);
  }

  private step(p: P): void {
    const { clock, paused } = this.pt;
    if (paused[p] !== 0) {
      const op = this.ops[paused[p]]!;
      paused[p] = 0;
      this.turn(p, op);
      return;
    }
    if (this.timers.earliest() <= clock[p]) this.timers.run(clock[p]);
    if (this.gc.marking && this.background.markWorker(p)) return;
    const op = this.findRunnable(p);
    if (op === null) {
      this.noWork(p);
      return;
    }
    if (this.ms.spinning !== 0) this.foundWork(p);
    if (this.locks.count !== 0) this.locks.handTo(p, op.g);
    this.execute(p, op);
  }

  /** @internal */
  takeNanos(): number {
    const { mutator } = this;
    const nanos = this.takeSpent() + mutator.nanos;
    mutator.nanos = 0;
    return nanos;
  }

  private takeSpent(): number {
    const { spent } = this;
    this.spent = 0;
    return spent;
  }

  /** Source: findRunnable, without network and with workers as part of step. */
  private findRunnable(p: P): Op | null {
    const { runq, pt } = this;
    if (pt.preempt[p] !== 0) {
      pt.preempt[p] = 0;
      runq.expire(p); // goroutines that wake each other inherit one time slice, and it is used up
    }
    if (this.anyOrder) return runq.getAny(p, this.chooser) ?? this.thieves.steal(p);
    return runq.next(p) ?? this.thieves.steal(p);
  }

  /** Nothing to run on p: it marks or sweeps, waits a moment for what it may steal then, or gives itself up. */
  private noWork(p: P): void {
    const { pt, mt, ms } = this;
    if (this.background.idleWork(p)) {
      if (ms.spinning !== 0) this.foundWork(p);
      return;
    }
    if (pt.napped[p] === 2) {
      pt.napped[p] = 1;
      pt.clock[p] += thiefNap;
      return;
    }
    pt.napped[p] = 0;
    const m = ms.release(p);
    if (mt.spinning[m] !== 0) ms.endSpinning(m); // nobody can have added work since it looked: a round is not interrupted
    ms.putIdleP(p);
    ms.stop(m);
  }

  /** p's M has work: if it was looking for some, the next one looks now. Source: resetspinning. */
  private foundWork(p: P): void {
    const m = this.pt.m[p] as M;
    this.pt.napped[p] = 0;
    if (this.mt.spinning[m] === 0) return;
    this.ms.endSpinning(m);
    this.wakep();
  }

  /** Runs op on p. Source: execute. */
  private execute(p: P, op: Op): void {
    const { gt } = this;
    const { clock, m } = this.pt;
    const { g } = op;
    if (op.status !== GStatus.runnable) this.badStatus(op, GStatus.runnable);
    if (clock[p] < gt.readyAt[g]) clock[p] = gt.readyAt[g]; // another P, ahead in time, made it runnable or ran it last
    op.status = GStatus.running;
    if (this.events.on) this.events.emit(Ev.goStart, gt.goid[g], m[p], p);
    this.turn(p, op);
  }

  /** op goes on until it yields. */
  private turn(on: P, op: Op): void {
    const { gt, stacks } = this;
    const { clock } = this.pt;
    const { g } = op;
    this.curg = g;
    this.cur = op;
    this.turns++;
    const before = clock[on];
    this.setLimit(this.chooser.everyOperation ? -1 : this.horizon - before);
    stacks.load(op);
    const done = this.advance(op);
    stacks.unload();
    const p = this.curp; // GOMAXPROCS may have taken the one it began on
    if (done) this.ended(op);
    else if (op.status === GStatus.running) this.stopped(p, op);
    this.nobodyRuns();
    const after = clock[p] + Cost.turn + this.takeNanos();
    clock[p] = after;
    gt.readyAt[g] = after;
    if (op.status === GStatus.syscall) this.syscalls.left(p);
    this.background.sweep(p, after - before);
    if (this.locks.count !== 0 && op.status !== GStatus.syscall) this.locks.turnEnded(p, g);
  }

  /** A turn ended, and the goroutine could go on: Gosched, preemption, a pause, or a bare yield. */
  private stopped(p: P, op: Op): void {
    const { gt, stop } = this;
    const { g } = op;
    this.stop = Stop.gosched;
    if (stop === Stop.paused) {
      this.pt.paused[p] = g;
      return;
    }
    if (stop === Stop.preempted) this.pt.preempt[p] = 0;
    op.status = GStatus.runnable;
    if (this.events.on) this.events.emit(stop === Stop.preempted ? Ev.goPreempt : Ev.goYield, gt.goid[g], 0, p);
    if (stop === Stop.yielded) this.runq.put(p, op, false);
    else this.runq.putGlobal(op);
  }

  /** The goroutine that p has paused, if any, loses it to somebody else. */
  preemptPaused(p: P): void {
    const { gt, ops, pt, events } = this;
    const g = pt.paused[p] as G;
    if (g === 0) return;
    pt.paused[p] = 0;
    const op = ops[g]!;
    op.status = GStatus.runnable;
    if (events.on) events.emit(Ev.goPreempt, gt.goid[g], 0, p);
    this.runq.putGlobal(op);
  }

  /**
   * Every P is idle or in a system call: jump to what happens next, or nothing can ever happen again. False: the host must
   * settle a promise first. Source: checkdead.
   */
  private idle(): boolean {
    const { syscalls, runq } = this;
    if (syscalls.pending > 0 && syscalls.next === Infinity && runq.empty) return false;
    if (this.timers.earliest() === Infinity && syscalls.next === Infinity && runq.empty) {
      fatal(this.live === 0 ? 'no goroutines (main called runtime.Goexit) - deadlock!' : 'all goroutines are asleep - deadlock!');
    }
    this.happen(this.nextEvent());
    return true;
  }

  // --- m.ts: Threads ---------------------------------------------------------------------------------------------------

  /** One idle P, if any, comes to look for work, no earlier than now. Source: wakep. */
  wakep(): void {
    if (this.ms.idlePs !== 0 && this.ms.spinning === 0) this.ms.wake(this.now());
  }

  woken(p: P, when: number): void {
    const { clock, idleFrom } = this.pt;
    if (clock[p] < when) clock[p] = when;
    this.gc.limiter.addIdleTime(Math.max(clock[p] - idleFrom[p], 0));
    idleFrom[p] = clock[p];
    this.sysmon.wake(when);
  }

  changed(): void {
    this.disturbed = true;
    this.turnLimit = -1; // the running goroutine looks again at its next yield point
  }

  hasWork(p: P): boolean {
    return this.runq.length(p) > 0 || this.runq.globalSize > 0 || this.gc.marking;
  }

  /** The program dies of an error that it cannot recover from, when this turn ends: at the next yield point, if not before. */
  doom(error: Error): void {
    this.doomed = error;
    this.pt.preempt[this.curp] = 1;
    this.changed();
  }

  /** GOMAXPROCS is another: stw.ts has made the Ps. */
  procsChanged(n: number): void {
    this.procs = n;
    this.runq.setProcs(n);
    this.findUsual();
    this.changed();
  }

  private owns(mutator: Mutator): void {
    mutator.callStack = this;
    mutator.onCharge = () => this.charged();
  }

  /** P p exists: it can allocate. */
  newMutator(p: P): void {
    const { mutators } = this;
    if (mutators[p] !== undefined) return; // it was there before
    const made = this.makeMutator(p);
    this.owns(made);
    made.onSample = mutators[0]!.onSample;
    mutators.push(made);
  }

  backgroundMark(): void {
    this.background.catchUp();
  }

  /** Virtual nanoseconds on the clock of the running P, or of what happens outside of its time. Source: nanotime. */
  now(): number {
    return this.elsewhere >= 0 ? this.elsewhere : this.pt.clock[this.curp] + this.mutator.nanos + this.spent;
  }

  /** What now() is, for the program. */
  readClock(): number {
    return this.now();
  }

  /**
   * Virtual time of an operation on something shared (a channel, a WaitGroup) that was last used at `last`: not before that,
   * whatever this P's clock says, as the thing's lock would have it.
   */
  orderAfter(last: number): number {
    const now = this.now();
    if (now >= last) return now;
    this.mutator.charge(last - now);
    return last;
  }

  callers(pcs: Int32Array, max: number): number {
    return this.curg === 0 ? 0 : this.stacks.callers(this.curg, pcs, max);
  }
}
