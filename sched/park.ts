// park: how a goroutine stops and how it becomes runnable: gopark, goready, Gosched, and the yield points in between, with what
// they cost. What blocks (channels, locks, timers) is built on this. Source: proc.go gopark, goready, Gosched, goyield.
//
//   begin ──┬─> settled         it need not wait: a yield point, at which the turn may end all the same (longTurn)
//           └─> block ─> ready  it waits; somebody wakes it
//
// Most of what happens is the usual: one P, nobody marks, nobody listens. `usual` says so in one number, and the short roads of
// chan.ts, mutex.ts and of start (proc.ts) do then what the long ones would, without their questions.

import type { Mutator } from '../gc/malloc.ts';
import type { GC } from '../gc/mgc.ts';
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { Contention } from './contention.ts';
import { type G, GStatus, WaitReason } from './g.ts';
import { forgottenYield, Goroutines } from './newproc.ts';
import { type Blocking, BlockingBody, type Op } from './op.ts';
import type { P, PTable } from './p.ts';
import type { SchedParts, SchedTables } from './parts.ts';
import { type LocalQueue, RunQueues } from './runq.ts';
import { Stacks } from './stack.ts';
import { Sudogs } from './sudog.ts';
import type { Sysmon } from './sysmon.ts';
import type { Timers } from './timer.ts';

/** Virtual costs in nanoseconds. */
export const enum Cost {
  /** of one turn of a goroutine, on top of what it allocates and does */
  turn = 100,
  /** of an operation that could have blocked and did not */
  operation = 15,
}
/** Most nanoseconds in `spent`: what is added to it goes on being a small integer. */
const mostSpent = 1 << 30;
/** Why a goroutine that did not block has stopped. */
export const enum Stop {
  gosched,
  preempted,
  paused,
  yielded,
}

/** The half of the scheduler (proc.ts) that goroutines call. */
export abstract class Parking extends Goroutines {
  readonly pt: PTable;
  /** GOMAXPROCS. */
  procs: number;
  readonly gc: GC;
  readonly events: Events;
  readonly chooser: Chooser;
  readonly runq: RunQueues;
  abstract readonly timers: Timers;
  abstract readonly sysmon: Sysmon;
  abstract readonly contention: Contention;
  /** The block or the mutex profile is on: contention.ts hears of each wait. Written there. */
  timesWaits = false;
  /**
   * gc.cycle while nothing but goroutines needs looking after: one P, runNext, nobody marks, hears of events or times waits; else -2,
   * which is no cycle. What blocks and was used in this cycle takes its short road then (HeapRecord.seen, chan.ts).
   */
  usual = -2;
  /** The running P's queue, and its side of allocation. */
  protected queue: LocalQueue;
  mutator: Mutator;
  /** Turns of goroutines so far. */
  turns = 0;
  /** What now() is while something happens outside of the running P's time; -1: nothing does. */
  elsewhere = -1;
  /**
   * Virtual nanoseconds of turns and operations since they were last taken. A small integer, for every switch adds to it: what
   * allocation costs (mutator.nanos) may be a fraction, and V8 keeps those in boxes.
   */
  protected spent = 0;
  /** Nanoseconds into its turn from which on the running goroutine asks at yield points whether to go on: see setLimit. */
  private limit = 0;
  /** The same of `spent`; -1: it asks at the next one. */
  protected turnLimit = 0;
  /** Nanoseconds after which runAlone ends, and the same of `spent`. */
  protected until = 0;
  protected roundsLimit = 0;
  protected stop = Stop.gosched;
  /** The turn in which its goroutine has handed something over: it yields at its next yield point. */
  private handedOverIn = -1;

  constructor(tables: SchedTables, parts: SchedParts) {
    super(tables.gt, new Stacks(parts.heap, tables.gt), new Sudogs(parts.heap.sys), tables.goroutines);
    this.pt = tables.pt;
    this.procs = parts.procs;
    this.gc = parts.gc;
    this.events = parts.events;
    this.chooser = parts.chooser;
    this.runq = new RunQueues(this.pt, parts.procs, parts.era !== '2014');
    this.queue = this.runq.of(0 as P);
    this.mutator = parts.mutators[0]!;
  }

  /** When something else is due than p's goroutines. */
  protected abstract horizonOf(p: P): number;
  /** One idle P, if any, comes to look for work. */
  abstract wakep(): void;

  // --- waiting and waking ----------------------------------------------------------------------------------------------

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

  /** A call that may wait more than once. */
  blocking<T>(body: () => Generator<void, T, void>): Blocking<T> {
    return new BlockingBody(this.begin(), body);
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
  protected setLimit(nanos: number): void {
    this.limit = nanos;
    this.turnLimit = Math.floor(this.spendable(nanos)) | 0;
  }

  /** What `spent` may grow to before the turn has cost so many nanoseconds; -1: nothing. */
  protected spendable(nanos: number): number {
    return Math.max(-1, Math.min(nanos - this.mutator.nanos, mostSpent));
  }

  /** Allocation has cost time. */
  protected charged(): void {
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

  /** Whether an operation that needs no waiting may be done without asking whether the turn ends (settled). */
  mayGoOn(): boolean {
    return this.spent + Cost.operation <= this.turnLimit;
  }

  /** It was done. */
  wentOn(): void {
    this.cur.brought = 0;
    this.spent += Cost.operation;
  }

  /** The short road of block, while `usual` is a cycle. */
  blockUsually(op: Op, reason: WaitReason): Op {
    op.status = GStatus.waiting;
    op.waitReason = reason;
    op.done = 0;
    return op;
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

  // --- time ------------------------------------------------------------------------------------------------------------

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
}
