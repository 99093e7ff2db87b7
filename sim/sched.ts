// sched: the scheduler of exploring. One P, no clock of its own, no queues: a set of goroutines that can go on, and somebody
// (loop.ts) who says which of them takes the next step.
//
// There is a point before each operation that is `yield*`ed: where production code would perform it at once, here it is
// announced (`announce`), the goroutine stops, and its next step performs it and runs on to the next. What is a plain call
// (unlock, close, done, signal) belongs to the step in which it is made. docs/exploring.md says what follows from that.
//
// Time stands still but for timers: the clock is the time of the last one that fired.

import { WorkerMode } from '../gc/mgcworkers.ts';
import { Ev } from '../runtime/internal/events.ts';
import { type G, GStatus, WaitReason } from '../sched/g.ts';
import type { Continuation } from '../sched/newproc.ts';
import type { Blocking, Op, Resumable } from '../sched/op.ts';
import { Sched, type SchedParts, type SchedTables } from '../sched/proc.ts';
import { clockTask, type Listener, OpKind, Spin, type Task, type Thing } from './types.ts';

/** Something that goroutines operate on, and how an announced operation on it is performed. */
export interface Operand extends Thing {
  /** True: done. False: op waits. A step of the operation's goroutine. */
  perform(op: Op, kind: OpKind): boolean;
  /** Digest of the order in which goroutines operated on it. */
  line: number;
  /** Calls visit for each thing that the operation may use; left out: it is the operand itself. */
  eachThing?(op: Op, visit: (thing: Thing, sends: boolean) => void): void;
}

/** A goroutine that was woken has nothing left to do. */
const woken: Resumable = { resume: () => true };

/** Objects that a mark worker scans at once. */
const markObjects = 1 << 16;

/** The scheduler of a machine whose schedules are explored. A goroutine's row is its task number: rows are not used again. */
export class ExploringSched extends Sched {
  /** Goroutines that can go on, who has been able to for longest first. */
  readonly enabled: Task[] = [];
  /** By task: what it is about to do, or waits in, and with what. */
  readonly kinds: OpKind[] = [];
  readonly operands: (Operand | null)[] = [];
  /** By task: it waited and was woken; its last step was one of a spinning loop. */
  readonly wasWoken: boolean[] = [];
  readonly spun: Spin[] = [];
  /** By task: when it became able to go on, in virtual nanoseconds. */
  readonly readySince: number[] = [];
  /** By task: what an operation needs to know besides its operand. */
  private readonly amounts: number[] = [];
  /** By task: the stack of JavaScript where the operation was announced; with details only. */
  readonly sites: string[] = [];
  details = false;
  listener: Listener | null = null;
  /** Number of things made so far. */
  things = 0;
  private readonly performer: Resumable = { resume: (op) => this.performed(op) };
  private announced = false;
  private time = 0;

  constructor(tables: SchedTables, parts: SchedParts) {
    super(tables, parts);
    this.mainStarted = true;
    this.enter(0 as never);
  }

  /** main has returned. */
  get mainReturned(): boolean {
    return this.mainDone;
  }

  override now(): number {
    return this.time;
  }

  // --- what goroutines do ----------------------------------------------------------------------------------------------

  override start(g: G, continuation: Continuation): void {
    const { gt } = this;
    this.continuations[g] = continuation;
    gt.status[g] = GStatus.runnable;
    if (this.events.on) this.events.emit(Ev.goCreate, gt.goid[g], gt.parent[g], gt.goPc[g], gt.system[g]);
    this.kinds[g] = OpKind.start;
    this.operands[g] = null;
    this.spun[g] = Spin.none;
    this.sites[g] = '';
    this.canGoOn(g, false);
    if (this.listener !== null) this.listener.started?.(this.curg, g);
  }

  private canGoOn(g: G, woken: boolean): void {
    this.wasWoken[g] = woken;
    this.readySince[g] = this.time;
    this.enabled.push(g);
  }

  override ready(g: G, _next: boolean): void {
    const { gt } = this;
    if (gt.status[g] !== GStatus.waiting) this.badStatus(g, GStatus.waiting);
    gt.status[g] = GStatus.runnable;
    if (this.events.on) this.events.emit(Ev.goReady, gt.goid[g], this.curg === 0 ? 0 : gt.goid[this.curg], this.curp);
    this.canGoOn(g, true);
    if (this.listener !== null) this.listener.woke?.(this.curg, g);
  }

  /** The operation that has begun is about to be performed, with the operand: a point. */
  announce(op: Op, kind: OpKind, operand: Operand | null): Op {
    const { g } = op;
    this.kinds[g] = kind;
    this.operands[g] = operand;
    op.done = false;
    op.goesOn(this.performer);
    this.announced = true;
    if (this.details) this.sites[g] = new Error().stack ?? '';
    return op;
  }

  /** The goroutine goes on: its operation is performed. */
  private performed(op: Op): boolean {
    op.goesOn(woken); // unless the operation has more to do then
    const operand = this.operands[op.g]!;
    return operand === null ? this.performAlone(op) : operand.perform(op, this.kinds[op.g]!);
  }

  private performAlone(op: Op): boolean {
    const { g } = op;
    const kind = this.kinds[g]!;
    if (kind === OpKind.gosched) this.spun[g] = Spin.yielded;
    if (kind !== OpKind.sleep && kind !== OpKind.syscall) return true;
    if (!(this.amounts[g]! > 0)) {
      this.spun[g] = Spin.yielded;
      return true;
    }
    this.block(op, WaitReason.sleep);
    this.timers.sleep(this.curp, g, this.time + this.amounts[g]!);
    return false;
  }

  override done(value: unknown): Op {
    const op = this.begin();
    op.value = value;
    return this.announce(op, OpKind.point, null);
  }

  override settled(op: Op): Op {
    return op;
  }

  override gosched(): Blocking<void> {
    return this.announce(this.begin(), OpKind.gosched, null) as Blocking<void>;
  }

  override sleep(nanos: number): Blocking<void> {
    return this.after(nanos, OpKind.sleep);
  }

  /** A wait of some nanoseconds. */
  after(nanos: number, kind: OpKind.sleep | OpKind.syscall): Blocking<void> {
    const op = this.begin();
    this.amounts[op.g] = nanos;
    return this.announce(op, kind, null) as Blocking<void>;
  }

  override wakep(): void {}

  /** A row is used once in a schedule. */
  override release(g: G): void {
    super.release(g);
    this.freeRows = 0 as G;
    this.free = 0;
  }

  // --- what the loop does ----------------------------------------------------------------------------------------------

  /** Task g takes a step. Throws what the program dies of. */
  stepOf(g: Task): void {
    const { gt, stacks, events } = this;
    const row = g as G;
    this.remove(g);
    gt.status[row] = GStatus.running;
    this.curg = row;
    this.turns++;
    this.announced = false;
    this.spun[g] = Spin.none;
    if (events.on) events.emit(Ev.goStart, gt.goid[row], 0, 0);
    stacks.load(row);
    const ended = this.advance(row);
    stacks.unload();
    if (ended) this.ended(row);
    else if (gt.status[row] === GStatus.running) this.pause(row);
    this.curg = 0 as G;
    this.mutator.nanos = 0;
    if (this.gc.marking) this.finishMarking();
    if (this.doomed !== null) throw this.doomed;
  }

  /** What became of a task in its step. */
  stateOf(g: G): 'ended' | 'waits' | 'goes on' {
    if (g === clockTask) return 'goes on';
    const status = this.gt.status[g];
    return status === GStatus.dead ? 'ended' : status === GStatus.waiting ? 'waits' : 'goes on';
  }

  private remove(g: Task): void {
    const list = this.enabled;
    let at = list.indexOf(g);
    for (; at < list.length - 1; at++) list[at] = list[at + 1]!;
    list.pop();
  }

  /** The step is over, and the goroutine could take another. */
  private pause(g: G): void {
    this.gt.status[g] = GStatus.runnable;
    if (!this.announced) {
      this.kinds[g] = OpKind.gosched; // a bare yield
      this.operands[g] = null;
      this.spun[g] = Spin.yielded;
    }
    this.canGoOn(g, false);
  }

  /** Nobody marks beside the goroutines: a cycle that began in a step is marked at its end. */
  private finishMarking(): void {
    const { gc } = this;
    while (gc.marking) {
      const { workers } = gc.pacer;
      if (workers.addIdle()) {
        gc.workerStep(WorkerMode.idle, markObjects);
        workers.removeIdle();
      } else gc.workerStep(WorkerMode.dedicated, markObjects);
    }
    this.mutator.nanos = 0;
  }

  /** The next timer fires. */
  fireTimer(): void {
    const { timers } = this;
    const when = timers.earliest();
    if (when > this.time) this.time = when;
    timers.fireNext();
    this.mutator.nanos = 0;
  }

  /** A task's step only asked, in vain. */
  spins(): void {
    this.spun[this.curg] = Spin.asked;
  }

  /** Told by things. writes: in a way that is not just looking. */
  touched(thing: Thing, writes: boolean): void {
    if (this.listener !== null) this.listener.touched?.(this.curg === 0 ? clockTask : this.curg, thing, writes);
  }
}
