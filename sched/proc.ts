// proc: the scheduler. Goroutines (generators) run on Ms (threads, m.ts) that have Ps (processors, p.ts); each P has a clock in
// virtual nanoseconds, and the P with the smallest clock goes next, so that GOMAXPROCS=4 is faster in virtual time. This is
// the overview of the folder. Source: proc.go.
//
// Who runs, when, on what:
//   g.ts, p.ts, m.ts   goroutines, processors and threads   parts.ts       their tables, and what a scheduler is made of
//   newproc.ts    rows, ids, continuations                  park.ts        waiting, waking, yield points
//   runq.ts       who waits to run                          steal.ts       looking for work elsewhere
//   stack.ts      frames, which root pointers               holds.ts       what the runtime itself roots for a while
//   sysmon.ts     preemption, the forced cycle              syscall.ts     leaving and coming back; promises of the host
//   lockthread.ts a goroutine with an M of its own          stw.ts         stopping the world, GOMAXPROCS
//   background.ts the collector's share of a P's time       helpers.ts     the runtime's own goroutines
//   schedtrace.ts, check.ts   what can be seen, and what must hold
//
// What they wait on:
//   op.ts, sudog.ts, record.ts   a goroutine that waits, a waiter, and what is waited on: in fields, and as records of the heap
//   chan.ts, channels.ts, futilechan.ts, select.ts   channels, who makes them, those of 2014, several at once
//   sync.ts       makes what follows: sema.ts, and on it mutex.ts, rwmutex.ts, waitgroup.ts, cond.ts, once.ts; pool.ts, cell.ts
//   timer.ts      sleeping and timers                       contention.ts  how long they wait, for the block and mutex profiles
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
import type { Heap } from '../heap/mheap.ts';
import { Choice } from '../runtime/internal/chooser.ts';
import { Ev } from '../runtime/internal/events.ts';
import { fatal } from '../runtime/internal/throw.ts';
import { Background } from './background.ts';
import { Contention } from './contention.ts';
import { type G, GStatus } from './g.ts';
import { Helpers } from './helpers.ts';
import { Holds } from './holds.ts';
import { ThreadLocks } from './lockthread.ts';
import { type M, MStatus, Ms, type MTable, type Threads } from './m.ts';
import { type Continuation, forgottenYield } from './newproc.ts';
import type { Op } from './op.ts';
import { type P, PStatus } from './p.ts';
import { Cost, Parking, Stop } from './park.ts';
import type { SchedParts, SchedTables } from './parts.ts';
import { HeapRecord } from './record.ts';
import { Thieves, thiefNap } from './steal.ts';
import { StoppedWorld } from './stw.ts';
import { Syscalls } from './syscall.ts';
import { Sysmon } from './sysmon.ts';
import { Timers } from './timer.ts';

/** A goroutine is paused for another P that is this far behind, in nanoseconds: less would be many turns for little truth. */
const pauseSlack = 1000;

/** The scheduler of one machine. */
export class Sched extends Parking implements CallStack, Threads {
  readonly mt: MTable;
  readonly heap: Heap;
  readonly mutators: Mutator[];
  private readonly makeMutator: (p: number) => Mutator;
  readonly ms: Ms;
  readonly timers: Timers;
  readonly holds: Holds;
  readonly world: StoppedWorld;
  readonly syscalls: Syscalls;
  readonly sysmon: Sysmon;
  readonly locks: ThreadLocks;
  readonly contention: Contention;
  readonly helpers: Helpers;
  private readonly background = new Background(this);
  /** Told when another P runs: handles above keep its mutator at hand. */
  onSwitch: ((mutator: Mutator) => void) | null = null;
  protected mainStarted = false;
  protected mainDone = false;
  /** What the program dies of when this turn ends, whatever it has caught; null: it goes on. */
  protected doomed: Error | null = null;
  /** main has called Goexit: the others go on without it. */
  mainExits = false;
  /** Not only one P runs, or something has changed since that was found: changed(). */
  private disturbed = false;
  /** When something else than the running P's own goroutines is due. */
  private horizon = 0;
  /** Records that lie off the heap: of who explores schedules. */
  readonly offHeap: HeapRecord[] = [];
  private readonly thieves = new Thieves(this);
  private readonly anyOrder: boolean;

  constructor(tables: SchedTables, parts: SchedParts) {
    super(tables, parts);
    this.mt = tables.mt;
    const { procs, heap, gc, mutators, makeMutator, events, chooser } = parts;
    this.heap = heap;
    this.mutators = mutators;
    this.makeMutator = makeMutator;
    this.ms = new Ms(this.mt, this.pt, events, this);
    const [wake, earlier] = [(g: G) => this.ready(this.ops[g]!, true), () => this.changed()];
    this.timers = new Timers(heap.sys, wake, earlier);
    this.holds = new Holds(heap.sys, gc);
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
  protected horizonOf(p: P): number {
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
    const quiet = !this.disturbed && gc.idle && ms.spinning === 0 && this.locks.count === 0;
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
    const { gt, pt, runq, queue, stacks, events, anyOrder, chooser } = this;
    this.until = this.horizon - pt.clock[p];
    this.setLimit(chooser.everyOperation ? -1 : this.until);
    this.roundsLimit = Math.ceil(this.spendable(this.until)) | 0;
    let op: Op | null = null;
    while (!this.disturbed && this.spent < this.roundsLimit) {
      op = anyOrder ? runq.getAny(p, chooser) : runq.next(p, queue);
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

  callers(pcs: Int32Array, max: number): number {
    return this.curg === 0 ? 0 : this.stacks.callers(this.curg, pcs, max);
  }
}
