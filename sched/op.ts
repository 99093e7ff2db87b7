// op: how a blocking operation is written. `const v = yield* ch.recv()` is typed, allocates nothing and needs no generator:
// each goroutine owns one Op, an iterator that is its own iterable and its own result, and every blocking call of that
// goroutine returns it.
//
//   done            the operation needs no waiting: `yield*` takes `value` at once              (the common case: no switch)
//   not done        `yield*` hands the Op to the trampoline (advance, newproc.ts), and the turn ends. Before it resumes the
//                   goroutine, somebody has put the value into the Op, or the panic that it is woken with
//
// So next() has nothing to do: it is the function of JavaScript that returns its receiver. V8 calls next() of a `yield*`
// without inlining it, and a builtin is the shortest thing that it can call (docs/performance.md). What is left to do when the
// goroutine was woken (a mutex: compete for it; a pointer: make a reference of it) is done before it resumes, in `finish`.
//
// The Op is also what of a goroutine changes with every switch: its status, why it waits, what it brings and was brought. The
// columns of the goroutine table say the same after `save` (proc.ts, "what is in fields").
//
// A goroutine has one operation in flight, so one Op is enough. An Op that was made and never yield*ed is a bug of the
// program ("forgotten yield*"): the next operation of that goroutine finds it and says so.
import type { Addr } from '../runtime/internal/memory.ts';
import { type G, GStatus, type GTable, WaitReason } from './g.ts';
import type { Call, Continuation } from './newproc.ts';
import type { SelectCases } from './select.ts';
import { Sudog } from './sudog.ts';

/** What a blocking call returns: only `yield*` gives the value. */
export interface Blocking<T> {
  [Symbol.iterator](): Iterator<void, T, void>;
}

/** An operation that goes on when its goroutine runs again. */
export interface Resumable {
  /** The goroutine of op was woken. True: the operation is complete. False: it waits again, op is not done. */
  resume(op: Op): boolean;
}

/** Turns a value as it travels into what the program sees. */
export type Convert = (raw: unknown, op: Op) => unknown;

/** Every iterator of JavaScript returns itself when it is asked for an iterator: a builtin that returns its receiver. */
const itself = (function* () {})()[Symbol.iterator] as (this: unknown) => never;

/** The one iterator of a goroutine, and the goroutine as the scheduler sees it. Its inherited `value` is what the operation gives. */
export class Op extends Sudog implements Blocking<unknown>, Iterator<void, unknown, void> {
  // What every switch reads and writes comes first, so that of a goroutine as few cache lines as possible are touched.

  /**
   * 0 while the operation waits, 1 whenever its goroutine runs and no operation has blocked. `yield*` asks whether it is truthy,
   * which of a small integer is one comparison; a boolean in a field is compared with up to six values.
   */
  done: 0 | 1 = 1;
  /** Invariant Q5 says which changes there are. */
  status: GStatus = GStatus.idle;
  /** WaitReason while waiting, and the last one otherwise. */
  waitReason: WaitReason = WaitReason.none;
  /** True from the call of an operation until it is yield*ed: a second operation meanwhile is a forgotten yield*. */
  inFlight = false;
  /** `finish` has something to do before the goroutine resumes. */
  unfinished = false;
  /** Receives: the value was sent, and is not the zero value of a closed channel. */
  ok = false;
  /** The collector has seen it wait where it waits now: gt.waitSince. */
  waitSeen = false;
  /** Its stack's first byte: gt.stackLo. */
  stackLo: Addr = 0;
  /** How it goes on: the generator of its function, or of the innermost blocking function that it has called, which is `call`. */
  continuation: Continuation | null = null;
  /** Receives: what it gives when the channel is closed and empty. */
  ifClosed: unknown = undefined;
  /** The pointer that the last operation brought, until the next one begins. A root. */
  brought: Addr = 0;
  /** Next in the global run queue. */
  link: Op | null = null;
  /** Select: the case that fired; -1 while none has. */
  selected = -1;
  /** Select: the cases that it waits for. */
  cases: SelectCases | null = null;
  /** Locks: virtual time at which the waiting began, or -1. */
  since = -1;
  /** Locks: it has waited too long. */
  starving = false;
  /** Semaphores: it queues before the others; it was given the semaphore with the wake-up. */
  lifo = false;
  ticket = false;
  /** For the block profile: virtual time at which the goroutine began to wait and at which it was woken, or -1. */
  blockedAt = -1;
  releasedAt = -1;
  /** For the mutex profile: since when the wait for a lock is charged to whoever holds it, or -1. */
  acquiring = -1;
  /** What is left to do when the goroutine was woken; null: nothing. Set only on an operation that waits. */
  again: Resumable | null = null;
  /** Turns the raw value (an address, say) into what the program sees; null: it is that already. */
  private convert: Convert | null = null;
  /** Receives of [value, ok]: what turns the value into what the program sees; null: it is as it is. */
  from: ((raw: unknown) => unknown) | null = null;
  /** The sudogs of the select that it waits in. */
  selecting: Sudog | null = null;
  call: Call | null = null;
  /** Thrown into the goroutine instead of resuming it. */
  error: Error | null = null;

  /** Returns the Op: it is its own result. */
  declare readonly next: () => IteratorResult<void, unknown>;
  static {
    Object.defineProperty(Op.prototype, 'next', { value: itself });
  }

  constructor(
    readonly g: G,
    record: Addr,
  ) {
    super(record);
  }

  /** Writes what is in fields into the columns of the goroutine table and the records of its sudogs. */
  save(w: Int32Array, f64: Float64Array, gt: GTable): void {
    const { g } = this;
    gt.status[g] = this.status;
    gt.waitReason[g] = this.waitReason;
    gt.elem[g] = this.brought;
    gt.schedLink[g] = this.link === null ? 0 : this.link.g;
    gt.waiting[g] = this.queue !== null ? this.record : this.selecting === null ? 0 : this.selecting.record;
    if (this.queue !== null) this.write(w, f64, 0);
    for (let sg = this.selecting; sg !== null; sg = sg.waitLink) sg.write(w, f64, sg.waitLink === null ? 0 : sg.waitLink.record);
  }

  [Symbol.iterator](): this {
    this.inFlight = false;
    return this;
  }

  /** Where the goroutine waits, its panic begins. */
  throw(error: unknown): IteratorResult<void, unknown> {
    throw error;
  }

  /** When the goroutine was woken, `how` goes on. */
  goesOn(how: Resumable): void {
    this.again = how;
    this.unfinished = true;
  }

  /** The goroutine will be woken with a panic. */
  fails(error: Error): void {
    this.error = error;
    this.unfinished = true;
  }

  /** What the program sees is made of the value by `convert`, at once if it is there. */
  convertBy(convert: Convert): void {
    if (this.done === 1) {
      this.inFlight = false; // should it throw
      this.value = convert(this.value, this);
      this.inFlight = true;
    } else {
      this.convert = convert;
      this.unfinished = true;
    }
  }

  /** The goroutine was woken: does what is left. True: it resumes, with `value` or `error`. False: it waits again. */
  finish(): boolean {
    try {
      if (this.again !== null) {
        if (!this.again.resume(this)) return false;
        this.again = null;
      }
      if (this.convert !== null && this.error === null) this.value = this.convert(this.value, this);
    } catch (error) {
      this.error = error as Error;
    }
    this.again = null;
    this.convert = null;
    this.unfinished = false;
    return true;
  }
}

/** A call that may wait more than once, as a value: `yield*` begins its body. A forgotten yield* is noticed like that of any other. */
export class BlockingBody<T> implements Blocking<T> {
  constructor(
    private readonly op: Op,
    private readonly body: () => Generator<void, T, void>,
  ) {}

  [Symbol.iterator](): Generator<void, T, void> {
    this.op.inFlight = false;
    return this.body();
  }
}

/** Whether a function of the program has returned something to be yield*ed: a generator, or the operation of `() => ch.send(v)`. */
export function mayBlock(value: unknown): value is Blocking<unknown> {
  return value instanceof Op || value instanceof BlockingBody || Object.prototype.toString.call(value) === '[object Generator]';
}
