// time: what Go's package time has of timers, in virtual nanoseconds. Source: time/sleep.go, time/tick.go; sched/timer.ts.
//
// Channels of timers have room for one time. A timer sends without waiting: who does not receive in time misses it.

import type { TimerOwner } from '../sched/timer.ts';
import { type Chan, makeChan, type RecvChan } from './chan.ts';
import type { Context } from './context.ts';
import type { Addr } from './internal/memory.ts';
import { panic } from './panic.ts';
import type { Runtime } from './runtime.ts';
import { f64 } from './struct.ts';

/** @internal What is no time at all would lie anywhere among the timers. */
export function mustBeNanos(who: string, nanos: number): void {
  if (typeof nanos !== 'number' || Number.isNaN(nanos)) throw new RangeError(`${who}: got ${String(nanos)}, wanted virtual nanoseconds`);
}

/** What timers and tickers have in common. */
abstract class Clock implements TimerOwner {
  /** The timer that is set; 0: none is. */
  private timer: Addr = 0;

  constructor(protected readonly ctx: Context) {}

  /** @internal */
  fire(now: number, last: boolean): void {
    if (last) this.timer = 0;
    this.due(now);
  }

  protected abstract due(now: number): void;

  protected set(nanos: number, period: number): void {
    const { sched } = this.ctx;
    this.timer = sched.timers.start(sched.curp, this, sched.now() + Math.max(nanos, 0), period);
  }

  /** Takes it back; says whether it was set. */
  protected unset(): boolean {
    if (this.timer === 0) return false;
    this.ctx.sched.timers.stop(this.timer);
    this.timer = 0;
    return true;
  }
}

/** Something that happens once, later. Go's time.Timer. */
export class Timer extends Clock {
  private readonly chan: Chan<number> | null;
  private readonly call: (() => void) | null;

  /** @internal call: what to do when it fires; without one the time is sent. */
  constructor(runtime: Runtime, ctx: Context, nanos: number, call?: () => void) {
    super(ctx);
    mustBeNanos('a timer', nanos);
    this.call = call ?? null;
    this.chan = call === undefined ? (makeChan(runtime.channels, ctx, f64, 1) as Chan<number>) : null;
    this.set(nanos, 0);
  }

  /** Gets the time when it fires. Null for afterFunc. Go's C. */
  get c(): RecvChan<number> | null {
    return this.chan;
  }

  protected due(now: number): void {
    if (this.call !== null) this.call();
    else this.chan!.trySend(now);
  }

  /** Takes it back; false when it has fired or was stopped. A time that was sent stays in the channel. */
  stop(): boolean {
    return this.unset();
  }

  /** Sets it anew; says whether it was still set. Stop it and empty its channel first. */
  reset(nanos: number): boolean {
    mustBeNanos('Timer.reset', nanos);
    const was = this.unset();
    this.set(nanos, 0);
    return was;
  }
}

/** A timer whose time is sent: its channel is there. */
export type ChanTimer = Timer & { readonly c: RecvChan<number> };

/** Something that happens again and again. Go's time.Ticker. */
export class Ticker extends Clock {
  private readonly chan: Chan<number>;

  /** @internal */
  constructor(runtime: Runtime, ctx: Context, nanos: number) {
    super(ctx);
    if (!(nanos > 0)) panic(new TickerError('non-positive interval for NewTicker'));
    this.chan = makeChan(runtime.channels, ctx, f64, 1) as Chan<number>;
    this.set(nanos, nanos);
  }

  /** Gets the time of each tick; ticks that nobody receives in time are left out. Go's C. */
  get c(): RecvChan<number> {
    return this.chan;
  }

  protected due(now: number): void {
    this.chan.trySend(now);
  }

  /** No more ticks. The channel is not closed. */
  stop(): void {
    this.unset();
  }

  /** Ticks in another period from now on. */
  reset(nanos: number): void {
    if (!(nanos > 0)) panic('non-positive interval for Ticker.Reset');
    this.unset();
    this.set(nanos, nanos);
  }
}

/** An error value of Go's, as errors.New makes it. */
class TickerError {
  constructor(private readonly text: string) {}
  Error(): string {
    return this.text;
  }
}
