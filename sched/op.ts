// op: how a blocking operation is written. `const v = yield* ch.recv()` is typed, allocates nothing and needs no generator:
// each goroutine owns one Op, an iterator that is its own iterable, and every blocking call of that goroutine returns it.
//
//   first next()     the operation is done already: {done, value}          (the common case: no switch)
//                    it must wait: {not done}, and the trampoline of proc.ts parks the goroutine
//   next next()      the goroutine was resumed: {done, value}, or throws the panic that it was woken with. An operation that
//                    has more to do than to be woken (a mutex: compete for it) goes on in `again`, and may wait once more
//
// A goroutine has one operation in flight, so one Op is enough. An Op that was made and never yield*ed is a bug of the
// program ("forgotten yield*"): the next operation of that goroutine finds it and says so.
import type { G } from './g.ts';
import type { SelectCases } from './select.ts';

/** What a blocking call returns: only `yield*` gives the value. */
export interface Blocking<T> {
  [Symbol.iterator](): Iterator<void, T, void>;
}

/** An operation that goes on when its goroutine runs again. */
export interface Resumable {
  /** The goroutine of op was woken. True: the operation is complete. False: it waits again, op.waiting is set. */
  resume(op: Op): boolean;
}

/** What every operation that is done returns: `yield*` takes the value out before anybody else can look. */
const finished: { done: true; value: unknown } = { done: true, value: undefined };
const yielded: IteratorYieldResult<void> = { done: false, value: undefined };

/** The one iterator of a goroutine. */
export class Op implements Blocking<unknown>, Iterator<void, unknown, void> {
  /** True while the operation waits: the next next() yields. */
  waiting = false;
  /** True from the call of an operation until its value was taken: a second operation meanwhile is a forgotten yield*. */
  inFlight = false;
  value: unknown = undefined;
  /** Receives: the value was sent, and is not the zero value of a closed channel. */
  ok = false;
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
  /** Turns the raw value (an address, say) into what the program sees; null: as it is. */
  convert: ((raw: unknown, op: Op) => unknown) | null = null;
  /** Receives of [value, ok]: what turns the value into what the program sees; null: it is as it is. */
  from: ((raw: unknown) => unknown) | null = null;
  /** What is left to do when the goroutine runs again; null: nothing. Set only on an operation that waits. */
  again: Resumable | null = null;
  /** A pointer that it brought is in gt.elem. */
  broughtPointer = false;
  /** Thrown into the goroutine when it resumes. */
  error: Error | null = null;

  constructor(readonly g: G) {}

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<void, unknown> {
    if (this.waiting) {
      this.waiting = false;
      return yielded;
    }
    if (this.again !== null && !this.again.resume(this)) {
      this.waiting = false;
      return yielded;
    }
    this.inFlight = false;
    if (this.error !== null) this.fail();
    const raw = this.value;
    this.value = undefined;
    finished.value = this.convert === null ? raw : this.convert(raw, this);
    return finished;
  }

  private fail(): never {
    const { error } = this;
    this.error = null;
    throw error;
  }
}
