// chan: channels as a program sees them, typed all the way: what is sent, what is received, which direction may be used, and
// which case of a select brings what. What they do is in sched/chan.ts and sched/select.ts.

import type { HChannel } from '../sched/chan.ts';
import type { Channels, NilChannel } from '../sched/channels.ts';
import type { Blocking, Op } from '../sched/op.ts';
import type { SelectCase } from '../sched/select.ts';
import { type Elem, elemOf } from './chanelem.ts';
import type { Context } from './context.ts';
import type { Host } from './hostval.ts';
import { inspect } from './internal/look.ts';
import type { LocalValue } from './locals.ts';
import type { Field } from './struct.ts';

/** What a channel can carry: any value. A struct or an array stands for a pointer to one. */
export type ElemType = Field<unknown>;

/** What a receive of that element gives. A pointer is null when nil was sent; a closed channel gives the zero value. */
export type ElemValue<E extends ElemType> = E extends Host<infer T> ? T : LocalValue<E>;

/** A channel of which only the sending end may be used. Go's `chan<- T`. */
export interface SendChan<in T> {
  /** Sends a value; waits for room or a receiver. Panics on a closed channel. `yield*` it. */
  send(value: T): Blocking<void>;
  /**
   * `if (!ch.sendNow(v)) yield* ch.send(v)` does what `yield* ch.send(v)` does, in half the time when there is no waiting: a yield*
   * costs more than a send. Sends in the usual case; false: nothing has happened, which says nothing of the channel (it is not
   * trySend). Always false of elements other than numbers and host values, and while schedules are explored.
   */
  sendNow(value: T): boolean;
  /** Sends if that needs no waiting; says whether it did. Go's select with one send and a default. */
  trySend(value: T): boolean;
  /** The case of a select that sends a value. */
  sendCase(value: T): SendCase<T>;
  /** Closes it: receivers get zero values, senders panic. */
  close(): void;
  /** Values in the buffer. Go's len. */
  readonly length: number;
  /** Go's cap. */
  readonly capacity: number;
}

/** A channel of which only the receiving end may be used. Go's `<-chan T`. */
export interface RecvChan<out T> {
  /** Receives a value; waits for one. A closed, empty channel gives the zero value at once. `yield*` it. */
  recv(): Blocking<T>;
  /** Receives [value, ok]; ok is false when the channel is closed and empty. `yield*` it. */
  recv2(): Blocking<[value: T, ok: boolean]>;
  /**
   * Receives a value, or `closed` when the channel is closed and empty: the loop of Go's `for v := range ch` without an array a value.
   * `while ((v = yield* ch.recvOr(null)) !== null) …`
   */
  recvOr<C>(closed: C): Blocking<T | C>;
  /**
   * `ch.recvNow() ?? (yield* ch.recv())` does what `yield* ch.recv()` does, in half the time when there is no waiting. Receives in the
   * usual case a value that is not null; undefined: nothing has happened. See sendNow.
   */
  recvNow(): NonNullable<T> | undefined;
  /** Receives if that needs no waiting; null: it would have to wait. Go's select with one receive and a default. */
  tryRecv(): { value: T; ok: boolean } | null;
  /** The case of a select that receives. */
  recvCase(): RecvCase<T>;
  /** Values in the buffer. Go's len. */
  readonly length: number;
  /** Go's cap. */
  readonly capacity: number;
}

/** A channel of T. Go's `chan T`; it may be passed where one direction is wanted. */
export class Chan<in out T> implements SendChan<T>, RecvChan<T> {
  private readonly toRaw: Elem<T>['toRaw'];
  private readonly fromRaw: Elem<T>['fromRaw'];
  private readonly boxed: boolean;
  private receiving: RecvCase<T> | null = null;

  /** @internal */
  constructor(
    /** @internal */ readonly c: HChannel | NilChannel,
    elem: Elem<T>,
  ) {
    this.toRaw = elem.toRaw;
    this.fromRaw = elem.fromRaw;
    this.boxed = elem.boxed === true;
  }

  /** @internal In a console. */
  [inspect](): string {
    return `chan (${this.length} of ${this.capacity})`;
  }
  toJSON(): unknown {
    return { length: this.length, capacity: this.capacity };
  }

  send(value: T): Blocking<void> {
    return this.c.send(this.toRaw === null ? value : this.toRaw(value)) as Op as Blocking<void>;
  }

  trySend(value: T): boolean {
    return this.c.trySend(this.raw(value));
  }

  sendNow(value: T): boolean {
    return this.toRaw === null && this.c.sendNow(value);
  }

  recvNow(): NonNullable<T> | undefined {
    const raw = this.c.recvNow();
    return (raw === undefined || this.fromRaw === null ? raw : this.fromRaw(raw)) as NonNullable<T> | undefined;
  }

  recv(): Blocking<T> {
    const op = this.c.recv();
    if (this.fromRaw !== null) op.convertBy(this.fromRaw);
    return op as Op as Blocking<T>;
  }

  recv2(): Blocking<[value: T, ok: boolean]> {
    const op = this.c.recv();
    op.from = this.fromRaw;
    op.convertBy(pair);
    return op as Op as Blocking<[T, boolean]>;
  }

  recvOr<C>(closed: C): Blocking<T | C> {
    const op = this.c.recvOr(closed);
    if (this.fromRaw !== null) {
      op.from = this.fromRaw;
      op.convertBy(unlessClosed);
    }
    return op as Op as Blocking<T | C>;
  }

  tryRecv(): { value: T; ok: boolean } | null {
    const got = { value: undefined as unknown, ok: false };
    if (!this.c.tryRecv(got)) return null;
    if (this.fromRaw !== null) got.value = this.fromRaw(got.value);
    return got as { value: T; ok: boolean };
  }

  close(): void {
    this.c.close();
  }

  get length(): number {
    return this.c.length;
  }

  get capacity(): number {
    return this.c.capacity;
  }

  sendCase(value: T): SendCase<T> {
    if (this.boxed) throw new TypeError('a select cannot send a slice or a string; use a channel of pointers to them: ptr(T)');
    return new SendCase(this, value);
  }

  recvCase(): RecvCase<T> {
    return (this.receiving ??= new RecvCase(this.real, this.fromRaw));
  }

  /** @internal The channel; null: it is the nil channel. */
  get real(): HChannel | null {
    return 'addr' in this.c ? this.c : null;
  }

  /** @internal A value as it travels. */
  raw(value: T): unknown {
    return this.toRaw === null ? value : this.toRaw(value);
  }
}

/** What a receive of [value, ok] gives. */
function pair(raw: unknown, op: Op): [unknown, boolean] {
  return [op.from === null ? raw : op.from(raw), op.ok];
}

/** What a receive gives that has a value of its own for a closed channel. */
function unlessClosed(raw: unknown, op: Op): unknown {
  return op.ok ? op.from!(raw) : raw;
}

/** A case of a select that receives. It may be used again. */
export class RecvCase<out T> implements SelectCase {
  readonly sends = false;
  readonly raw = undefined;
  /** @internal */
  constructor(
    /** @internal */ readonly c: HChannel | null,
    /** @internal */ readonly convert: ((raw: unknown) => T) | null,
  ) {}
}

/** A case of a select that sends. It may be used again, with its value or another. */
export class SendCase<in T> implements SelectCase {
  readonly sends = true;
  /** @internal */
  readonly c: HChannel | null;
  /** @internal */
  readonly convert = null;
  private readonly chan: { raw(value: T): unknown };

  /** @internal */
  constructor(
    chan: { raw(value: T): unknown; readonly real: HChannel | null },
    /** What it sends. A reference is no root: what it leads to must live until the select. */
    private sent: T,
  ) {
    this.c = chan.real;
    this.chan = chan;
  }

  /** What it sends from now on. */
  set value(value: T) {
    this.sent = value;
  }

  /** @internal The value as it travels; in checked mode it throws when the object is gone. */
  get raw(): unknown {
    return this.chan.raw(this.sent);
  }
}

/** The cases of a select; null and undefined are cases of nil channels. */
// biome-ignore lint/suspicious/noExplicitAny: cases of any elements; the result's type is computed from each
export type SelectCases = readonly (RecvCase<any> | SendCase<any> | null | undefined)[];

/** What a case gives. */
type CaseValue<K> = NonNullable<K> extends RecvCase<infer T> ? T : undefined;

interface OneSelected<I extends number, V> {
  /** Which case it was, from 0. */
  readonly index: I;
  /** What it received; undefined for a send. */
  readonly value: V;
  /** A receive: the value was sent, and is not the zero value of a closed channel. */
  readonly ok: boolean;
}

/** What a select gives: one of its cases. Compare `index`, and `value` has that case's type. */
export type Selected<C extends SelectCases> = number extends C['length']
  ? OneSelected<number, CaseValue<C[number]>>
  : { [K in keyof C]: K extends `${infer I extends number}` ? OneSelected<I, CaseValue<C[K]>> : never }[number];

/** The same, or no case: index -1. */
export type TrySelected<C extends SelectCases> = Selected<C> | OneSelected<-1, undefined>;

/** @internal A channel of an element type; capacity null: the nil channel. */
export function makeChan(channels: Channels, ctx: Context, type: ElemType, capacity: number | null): Chan<unknown> {
  const elem = elemOf(ctx, type);
  return new Chan(capacity === null ? channels.nil : channels.make(elem.kind, capacity), elem);
}
