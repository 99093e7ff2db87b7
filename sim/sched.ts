// sched: the scheduler of exploring. One P, no clock of its own, no queues: a set of goroutines that can go on, and somebody
// (loop.ts) who says which of them takes the next step.
//
// There is a point before each operation that is `yield*`ed: where production code would perform it at once, here it is
// announced (`announce`), the goroutine stops, and its next step performs it and runs on to the next. What is a plain call
// (unlock, close, done, signal) belongs to the step in which it is made. docs/exploring.md says what follows from that.
//
// Time stands still but for timers: the clock is the time of the last one that fired.
//
// A machine runs schedule after schedule; `forget` takes back what one has left behind. Locks, channels and their like have their
// records in memory that is handed out anew for each schedule (takeWords), so that most schedules touch no heap at all; of one
// that has, nothing is taken back: the machine is made anew (`touchedHeap`).

import { WorkerMode } from '../gc/mgcworkers.ts';
import { Ev } from '../runtime/internal/events.ts';
import { Sys } from '../runtime/internal/sysmem.ts';
import { type G, GStatus, SystemG, WaitReason } from '../sched/g.ts';
import type { Continuation } from '../sched/newproc.ts';
import type { Blocking, Op, Resumable } from '../sched/op.ts';
import type { P } from '../sched/p.ts';
import type { SchedParts, SchedTables } from '../sched/parts.ts';
import { Sched } from '../sched/proc.ts';
import type { Races } from './races.ts';
import { clockTask, type Listener, OpKind, Spin, type Task, type Thing } from './types.ts';

/** Something that goroutines operate on, and how an announced operation on it is performed. */
export interface Operand extends Thing {
  /** A lock: who has it; 0: nobody. */
  readonly holder?: Task;
  /** Digest of the order in which goroutines operated on it. */
  line: number;
  /** True: done. False: op waits. A step of the operation's goroutine. */
  perform(op: Op, kind: OpKind): boolean;
  /** Calls visit for each thing that the operation may use; left out: it is the operand itself. */
  eachThing?(op: Op, visit: (thing: Thing, sends: boolean) => void): void;
}

/** Something that must be true when a schedule ends. */
export interface Property {
  readonly name: string;
  readonly holds: () => boolean;
}

/** Objects that a mark worker scans at once. */
const markObjects = 1 << 16;
/** Questions (try-lock, select with a default) that may be asked in vain within one step. */
const mostQuestions = 100_000;
const neverYields = `a goroutine asked ${mostQuestions} times in vain in one step: its loop never yields; write \`yield* go.gosched()\` in it`;
/** Words of a block of records off the heap, at least. */
const blockWords = 4096;

/** The clock as a thing: setting a timer and firing one change it. */
const clockThing: Thing = { what: 'clock', name: '', id: 0 };

/** A goroutine that was woken has nothing left to do. */
const woken: Resumable = { resume: () => true };

/** A number for a value of JavaScript, the same for equal ones; objects are all alike. */
function numberFor(value: unknown): number {
  if (typeof value === 'number') return value | 0;
  if (typeof value === 'boolean') return value ? 1 : 2;
  if (typeof value === 'string') return [...value].reduce((h, c) => Math.imul(h, 31) + c.charCodeAt(0), 3);
  return 4;
}

/** The scheduler of a machine whose schedules are explored. A goroutine's row is its task number: rows are not used again. */
export class ExploringSched extends Sched {
  /** Goroutines that can go on, who has been able to for longest first: enabled[0 … n-1]. */
  readonly enabled: Int32Array;
  n = 0;
  /** By task: what it is about to do, or waits in, and with what. */
  readonly kinds: OpKind[] = [OpKind.start];
  readonly operands: (Operand | null)[] = [null];
  /** By task: it waited and was woken; whether its last step was one of a spinning loop. */
  readonly wasWoken: boolean[] = [false];
  readonly spun: Spin[] = [Spin.none];
  /** By task: when it became able to go on, in virtual nanoseconds. */
  readonly readySince: Float64Array;
  /** By task: the stack of JavaScript where the operation was announced; with details only. */
  readonly sites: string[] = [''];
  /** By task: the same where it was started. */
  readonly births: string[] = [''];
  /** An async goroutine's step waits for microtasks: async.ts. */
  pumping: { readonly announced: boolean } | null = null;
  private pumpedFrom = 0;
  details = false;
  listener: Listener | null = null;
  races: Races | null = null;
  /** Number of things made so far. */
  things = 0;
  /** Cells and atomics made so far. */
  readonly variables: { peek(): unknown }[] = [];
  /** What must be true when a schedule ends: eventually(). */
  readonly properties: Property[] = [];
  /** The heap has other spans than it had at first. */
  touchedHeap = false;
  /** By task: what an operation needs to know besides its operand. */
  private readonly amounts: Float64Array;
  private readonly performer: Resumable = { resume: (op) => this.performed(op) };
  private announced = false;
  /** Questions that were asked in vain in this step. */
  private askedInVain = 0;
  private time = 0;
  /** Memory for records off the heap: blocks as [first word, end], the one in use, and its first free word. */
  private readonly blocks: number[] = [];
  private blockAt = -2;
  private freeWord = 0;
  private endWord = 0;

  constructor(tables: SchedTables, parts: SchedParts) {
    super(tables, parts);
    const rows = tables.gt.goid.length;
    this.enabled = new Int32Array(rows);
    this.readySince = new Float64Array(rows);
    this.amounts = new Float64Array(rows);
    this.mainStarted = true;
    this.enter(0 as P);
    const { onPagesTaken } = parts.heap;
    parts.heap.onPagesTaken = (pagedIn, growth) => {
      this.touchedHeap = true;
      onPagesTaken?.(pagedIn, growth);
    };
  }

  /** main has returned. */
  get mainReturned(): boolean {
    return this.mainDone;
  }

  override now(): number {
    return this.time;
  }

  /** Zeroed memory off the heap for a record; returns its word index, which is even. */
  takeWords(n: number): number {
    const words = (n + 1) & -2;
    while (this.freeWord + words > this.endWord) this.nextBlock(words);
    const i = this.freeWord;
    this.freeWord = i + words;
    const { w } = this.heap;
    for (let k = i; k < i + words; k++) w[k] = 0;
    return i;
  }

  private nextBlock(words: number): void {
    this.blockAt += 2;
    if (this.blockAt === this.blocks.length) {
      const size = Math.max(blockWords, words);
      const first = this.heap.sys.persistentAlloc(size * 4, 8, Sys.other) >>> 2;
      this.blocks.push(first, first + size);
    }
    this.freeWord = this.blocks[this.blockAt]!;
    this.endWord = this.blocks[this.blockAt + 1]!;
  }

  /** Mixes what the things hold into a digest: their records, and the values of variables. */
  digestThings(mix: (h: number, n: number) => number, h: number): number {
    const { w } = this.heap;
    for (const record of this.offHeap) record.save();
    for (let at = 0; at <= this.blockAt; at += 2) {
      const end = at === this.blockAt ? this.freeWord : this.blocks[at + 1]!;
      for (let i = this.blocks[at]!; i < end; i++) h = mix(h, w[i]!);
    }
    for (const variable of this.variables) h = mix(h, numberFor(variable.peek()));
    return h;
  }

  /** Forgets the schedule that has ended, as if it had never been. */
  forget(): void {
    const { stacks } = this;
    if (stacks.running !== 0) stacks.unload();
    if (this.timers.set > 0) this.timers.clear();
    this.forgetAll();
    this.pumping = null;
    this.offHeap.length = 0;
    this.n = 0;
    this.things = 0;
    if (this.variables.length > 0) this.variables.length = 0;
    if (this.properties.length > 0) this.properties.length = 0;
    this.time = 0;
    this.mainDone = false;
    this.mainExits = false;
    this.doomed = null;
    this.blockAt = -2;
    this.freeWord = this.endWord = 0;
  }

  // --- what goroutines do ----------------------------------------------------------------------------------------------

  override start(g: G, continuation: Continuation): void {
    const { gt } = this;
    const op = this.ops[g]!;
    op.continuation = continuation;
    op.status = GStatus.runnable;
    if (this.events.on) this.events.emit(Ev.goCreate, gt.goid[g], gt.parent[g], gt.goPc[g], gt.system[g]);
    this.kinds[g] = OpKind.start;
    this.operands[g] = null;
    this.spun[g] = Spin.none;
    if (this.details) {
      this.sites[g] = '';
      this.births[g] = new Error().stack ?? '';
    }
    this.canGoOn(g, false);
    if (this.listener !== null) this.listener.started?.(this.curg, g);
    if (this.races !== null) this.races.started(this.curg, g);
  }

  private canGoOn(g: G, wasWoken: boolean): void {
    this.wasWoken[g] = wasWoken;
    this.readySince[g] = this.time;
    this.enabled[this.n++] = g;
  }

  override ready(op: Op, _next: boolean): void {
    const { gt } = this;
    const { g } = op;
    if (op.status !== GStatus.waiting) this.badStatus(op, GStatus.waiting);
    op.status = GStatus.runnable;
    op.waitSeen = false;
    if (this.events.on) this.events.emit(Ev.goReady, gt.goid[g], this.curg === 0 ? 0 : gt.goid[this.curg], this.curp);
    this.canGoOn(g, true);
    if (this.races !== null) this.races.woken(g);
    if (this.listener === null) return;
    this.listener.woke?.(this.curg, g);
    const operand = this.operands[g]!;
    if (operand?.eachThing !== undefined) operand.eachThing(this.ops[g]!, this.leaves);
  }
  /** A select that is served leaves the queues of its other channels. */
  private readonly leaves = (thing: Thing): void => this.touched(thing, true);

  /** The operation that has begun is about to be performed, with the operand: a point. */
  announce(op: Op, kind: OpKind, operand: Operand | null): Op {
    const { g } = op;
    this.kinds[g] = kind;
    this.operands[g] = operand;
    op.done = 0;
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
    this.freeOps = null;
    this.free = 0;
  }

  // --- what the loop does ----------------------------------------------------------------------------------------------

  /** Task g takes a step. Throws what the program dies of. */
  stepOf(g: Task): void {
    const { gt, stacks, events } = this;
    const row = g as G;
    this.remove(g);
    const op = this.ops[row]!;
    op.status = GStatus.running;
    this.curg = row;
    this.cur = op;
    this.announced = false;
    this.askedInVain = 0;
    this.spun[g] = Spin.none;
    const timers = this.timers.changes;
    if (this.wasWoken[g]! && this.listener !== null) this.competes(g);
    if (events.on) events.emit(Ev.goStart, gt.goid[row], 0, 0);
    stacks.load(op);
    const ended = this.advance(op);
    if (this.pumping === null) this.endStep(op, ended, timers);
    else this.pumpedFrom = timers;
  }

  /** The goroutine has gone as far as it can go in this step. */
  private endStep(op: Op, ended: boolean, timers: number): void {
    this.stacks.unload();
    if (ended) this.ended(op);
    else if (op.status === GStatus.running) this.pause(op);
    if (this.timers.changes !== timers) this.touched(clockThing, true);
    this.nobodyRuns();
    this.mutator.nanos = 0;
    if (this.gc.marking) this.finishMarking();
    if (this.doomed !== null) throw this.doomed;
  }

  /** The step that waits for microtasks goes on: an operation was announced in them; or the goroutine's own generator has to act. */
  pumped(announced: boolean): void {
    const op = this.cur;
    this.pumping = null;
    const ended = announced ? false : this.advance(op);
    if (this.pumping === null) this.endStep(op, ended, this.pumpedFrom);
  }

  /** A goroutine that was woken for a lock competes for it: it uses it once more. */
  private competes(g: Task): void {
    const operand = this.operands[g]!;
    const kind = this.kinds[g]!;
    if (operand === null || kind < OpKind.lock || kind > OpKind.acquire) return;
    this.touched(operand, true);
    const { locker } = operand as { locker?: Operand }; // a Cond's
    if (locker !== undefined) this.touched(locker, true);
  }

  /** What became of a task in its step. */
  stateOf(g: G): 'ended' | 'waits' | 'goes on' {
    if (g === clockTask) return 'goes on';
    const { status } = this.ops[g]!;
    return status === GStatus.dead ? 'ended' : status === GStatus.waiting ? 'waits' : 'goes on';
  }

  /** Whether a task can go on. */
  canTask(g: Task): boolean {
    for (let k = 0; k < this.n; k++) if (this.enabled[k] === g) return true;
    return false;
  }

  /** Faults: the clock jumps ahead. */
  jump(nanos: number): void {
    this.time += nanos;
  }

  /** Faults: a goroutine is gone, between two steps. What it waits in or is about to do is given up; locks that it holds stay locked. */
  kill(g: Task): void {
    const row = g as G;
    const op = this.ops[row]!;
    if (op.status === GStatus.dead || op.status === GStatus.idle) return;
    this.gt.deferring[row] = 0;
    op.inFlight = false;
    op.again = null;
    op.call = null;
    if (this.canTask(g)) {
      this.remove(g);
      this.release(row);
      return;
    }
    op.continuation = (function* () {})(); // it stands in queues: whoever wakes it finds nobody
    this.disown(g);
  }

  /** Faults: a goroutine is no part of the program any more. */
  disown(g: Task): void {
    if (this.gt.system[g as G] !== SystemG.no) return;
    this.gt.system[g as G] = SystemG.queued;
    this.live--;
  }

  private remove(g: Task): void {
    const { enabled } = this;
    const last = --this.n;
    let at = 0;
    while (enabled[at] !== g) at++;
    for (; at < last; at++) enabled[at] = enabled[at + 1]!;
  }

  /** The step is over, and the goroutine could take another. */
  private pause(op: Op): void {
    const { g } = op;
    op.status = GStatus.runnable;
    if (this.events.on) this.events.emit(Ev.goYield, this.gt.goid[g], 0, this.curp);
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

  /** A program asks for the time. */
  override readClock(): number {
    this.touched(clockThing, false);
    return this.time;
  }

  /** The next timer fires. */
  fireTimer(): void {
    const { timers } = this;
    this.touched(clockThing, true);
    const when = timers.earliest();
    if (when > this.time) this.time = when;
    timers.fireNext();
    this.mutator.nanos = 0;
  }

  /** A task's step has asked for something, in vain. Throws when one step asks and asks: nobody else can ever change the answer. */
  spins(): void {
    this.spun[this.curg] = Spin.asked;
    if (this.curg !== 0 && ++this.askedInVain > mostQuestions) throw new Error(neverYields);
  }

  // --- what orders accesses (races.ts); without a race detector nothing happens --------------------------------------------

  /** The running task has got a lock, or what it waited for: it knows what those knew who gave it. */
  acquired(thing: Thing): true {
    if (this.races !== null) this.races.acquire(this.curg, thing);
    return true;
  }

  /** The running task is about to give a lock back, or to be done. */
  releases(thing: Thing): void {
    if (this.races !== null) this.races.release(this.curg, thing);
  }

  /** Between the two, who is woken knows what the running task knows. */
  wakes(thing: Thing): void {
    if (this.races !== null) this.races.wakes(this.curg, thing);
  }
  hasWoken(): void {
    if (this.races !== null) this.races.hasWoken();
  }

  /** Told by things. writes: in a way that is not just looking. */
  touched(thing: Thing, writes: boolean): void {
    if (this.listener !== null) this.listener.touched?.(this.curg === 0 ? clockTask : this.curg, thing, writes);
  }
}
