// gocontext: Go's package context: deadlines, cancellation and values that go along with a request. (runtime/context.ts is what
// typed handles share, and has nothing to do with it.) Source: context/context.go of Go 1.19.
//
//     const [ctx, cancel] = context.withTimeout(context.background(go), 5e6);
//     const r = yield* go.select([ch.recvCase(), ctx.done().recvCase()]);
//     if (r.index === 1) return ctx.err(); // context deadline exceeded
//     cancel();
//
// A context that is cancelled cancels those that were derived from it, the oldest first (Go's order is that of a map). Its Done
// channel is made when somebody first asks for it. Times are virtual nanoseconds.

import type { Chan, RecvChan } from './chan.ts';
import type { Go } from './go.ts';
import { panic } from './panic.ts';
import { bool } from './struct.ts';
import type { Timer } from './time.ts';

/** An error value: something with Go's method Error, or an error of JavaScript. */
export type GoError = { Error(): string } | Error;

/** An error that is its text, as errors.New makes it. */
class ErrorText {
  constructor(private readonly text: string) {}
  /** Go's Error method. */
  Error(): string {
    return this.text;
  }
  toString(): string {
    return this.text;
  }
}

/** What err() gives of a context that was cancelled. Go's context.Canceled. */
export const canceled: GoError = new ErrorText('context canceled');
/** What err() gives of a context whose deadline has passed. Go's context.DeadlineExceeded. */
export const deadlineExceeded: GoError = new ErrorText('context deadline exceeded');

/** Cancels a context; a second call does nothing. Go's CancelFunc. */
export type CancelFunc = () => void;

/** A deadline, a signal of cancellation, and values. Go's context.Context. */
export abstract class Context {
  /** @internal */
  constructor(
    /** @internal A goroutine of the runtime it belongs to. */
    readonly go: Go,
    private readonly parent: Context | null,
  ) {}

  /** Virtual time at which it is cancelled by itself; null: it never is. */
  deadline(): number | null {
    return this.parent?.deadline() ?? null;
  }

  /** A channel that is closed when the context is cancelled; the nil channel if it never can be. */
  done(): RecvChan<boolean> {
    return this.parent?.done() ?? this.go.nilChan(bool);
  }

  /** Why it was cancelled: canceled or deadlineExceeded; null: it was not. */
  err(): GoError | null {
    return this.parent?.err() ?? null;
  }

  /** The value of a key, from this context or the nearest that it was derived from; undefined: there is none. */
  value(key: unknown): unknown {
    return this.parent?.value(key);
  }

  /** @internal The nearest context that can be cancelled, this one included. */
  canceler(): Cancelable | null {
    return this.parent?.canceler() ?? null;
  }
}

/** Never cancelled, without deadline and values. */
class Background extends Context {
  constructor(go: Go) {
    super(go, null);
  }
}

/** Carries one value. Go's valueCtx. */
class WithValue extends Context {
  constructor(
    parent: Context,
    private readonly key: unknown,
    private readonly own: unknown,
  ) {
    super(parent.go, parent);
  }

  override value(key: unknown): unknown {
    return key === this.key ? this.own : super.value(key);
  }
}

/** Can be cancelled. Go's cancelCtx, and timerCtx when it has a deadline of its own. */
class Cancelable extends Context {
  private chan: Chan<boolean> | null = null;
  private reason: GoError | null = null;
  private readonly children = new Set<Cancelable>();
  private readonly above: Cancelable | null;
  private timer: Timer | null = null;

  constructor(
    parent: Context,
    private readonly ends: number | null,
  ) {
    super(parent.go, parent);
    this.above = parent.canceler();
    const reason = parent.err();
    if (reason !== null) this.cancel(reason);
    else this.above?.children.add(this);
  }

  override deadline(): number | null {
    return this.ends ?? super.deadline();
  }

  override done(): RecvChan<boolean> {
    if (this.chan === null) {
      this.chan = this.go.chan(bool);
      if (this.reason !== null) this.chan.close();
    }
    return this.chan;
  }

  override err(): GoError | null {
    return this.reason;
  }

  override canceler(): this {
    return this;
  }

  /** Source: cancelCtx.cancel, timerCtx.cancel. */
  cancel(reason: GoError): void {
    if (this.reason !== null) return;
    this.reason = reason;
    this.chan?.close();
    for (const child of this.children) child.cancel(reason);
    this.children.clear();
    this.above?.children.delete(this);
    this.timer?.stop();
    this.timer = null;
  }

  /** Cancels it after so many nanoseconds. */
  cancelAfter(nanos: number): void {
    const self = this;
    this.timer = this.go.afterFunc(nanos, function* deadline() {
      self.cancel(deadlineExceeded);
    });
  }
}

/** A context that is never cancelled and has no values: where a program begins. go: any goroutine's. Go's Background. */
export function background(go: Go): Context {
  return new Background(go);
}

/** A context that can be cancelled, and is when its parent is. Go's WithCancel. */
export function withCancel(parent: Context): [ctx: Context, cancel: CancelFunc] {
  mustBeContext(parent);
  const ctx = new Cancelable(parent, null);
  return [ctx, () => ctx.cancel(canceled)];
}

/** The same that is cancelled by itself at a virtual time, or when an earlier deadline of its parent passes. Go's WithDeadline. */
export function withDeadline(parent: Context, at: number): [ctx: Context, cancel: CancelFunc] {
  mustBeContext(parent);
  if (!(at > -Infinity)) throw new RangeError(`context.withDeadline: got ${String(at)}, wanted a virtual time in nanoseconds`);
  const earlier = parent.deadline();
  if (earlier !== null && earlier <= at) return withCancel(parent);
  const ctx = new Cancelable(parent, at);
  const left = at - parent.go.now();
  if (ctx.err() === null && left <= 0) ctx.cancel(deadlineExceeded);
  else if (ctx.err() === null && at < Infinity) ctx.cancelAfter(left);
  return [ctx, () => ctx.cancel(canceled)];
}

/** withDeadline, so many virtual nanoseconds from now. Go's WithTimeout. */
export function withTimeout(parent: Context, nanos: number): [ctx: Context, cancel: CancelFunc] {
  mustBeContext(parent);
  return withDeadline(parent, parent.go.now() + nanos);
}

/** A context with one more value. Go's WithValue. */
export function withValue(parent: Context, key: unknown, value: unknown): Context {
  mustBeContext(parent);
  if (key === null || key === undefined) panic('nil key');
  return new WithValue(parent, key, value);
}

function mustBeContext(parent: unknown): void {
  if (parent === null || parent === undefined) panic('cannot create context from nil parent');
  if (!(parent instanceof Context)) throw new TypeError(`context: got ${typeof parent}, wanted a context`);
}
