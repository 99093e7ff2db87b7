// chan: channels. An hchan is an object of the collected heap (Go's makechan); who waits stands in two FIFO queues of sudogs.
// See Go's chan.go, whose order of steps this keeps. select.ts waits on several at once.
//
// Invariants, as in chan.go:
//   K1  at least one of the two queues is empty, but for a goroutine that waits in both with one select
//   K2  a buffered channel with values has no waiting receiver; one with room has no waiting sender
//
// A value travels in one of three ways, by the channel's element: a pointer (a root wherever it is on its way: sudog.elem,
// gt.elem), a number, or anything else of JavaScript ("host"). Numbers lie behind the hchan in one object without pointers,
// as in Go; pointers in a buffer of their own; host values in an array of JavaScript.

import type { RType } from '../heap/types.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import { chanPanic, gopanic } from '../runtime/internal/throw.ts';
import { type G, WaitReason } from './g.ts';
import type { Op } from './op.ts';
import type { Sched } from './proc.ts';
import { HeapRecord } from './record.ts';
import { Sudog } from './sudog.ts';

/** How a channel's values travel. */
export const enum ElemKind {
  pointer,
  number,
  host,
}

/** Word offsets of an hchan. */
export const enum HChan {
  /** values in the buffer */
  qcount,
  /** capacity */
  dataqsiz,
  /** the buffer object of pointers; nil for other elements and without a capacity */
  buf,
  closed,
  sendx,
  recvx,
  /** first and last sudog of those who wait to receive and to send */
  recvq,
  recvqLast,
  sendq,
  sendqLast,
  /** numbers begin here */
  words,
}

/** Where a value that was received is put. */
export interface Received {
  value: unknown;
  /** It was sent, and is not the zero value of a closed channel. */
  ok: boolean;
}

/** Most values of JavaScript that a buffer holds; other buffers are limited by the heap. */
const maxHosts = 1 << 24;

/** What all channels of a machine share. */
export class Channels {
  /** Without and with a pointer to a buffer. */
  private readonly plain: RType;
  private readonly withBuf: RType;
  readonly pointerBuf: RType;
  readonly nil: NilChannel;

  constructor(
    readonly sched: Sched,
    /** As in 2014: who waits on a buffered channel is woken to try again, and panics are plain strings. */
    readonly era2014: boolean,
  ) {
    this.nil = new NilChannel(sched);
    const { types } = sched.heap;
    this.plain = types.define('runtime.hchan', HChan.words * 4, []);
    this.withBuf = types.define('runtime.hchan of pointers', HChan.words * 4, [HChan.buf]);
    this.pointerBuf = types.define('chan buffer of pointers', 4, [0]);
  }

  /** Source: makechan. Panics with Go's words when the capacity is out of range. */
  make(kind: ElemKind, capacity: number): HChannel {
    const { sched } = this;
    const most = kind === ElemKind.host ? maxHosts : Math.floor((sched.heap.pages.limit * pageSize) / (kind === ElemKind.number ? 8 : 4));
    if (!Number.isInteger(capacity) || capacity < 0 || capacity > most) gopanic('makechan: size out of range');
    const type = kind === ElemKind.pointer && capacity > 0 ? this.withBuf : this.plain;
    const bytes = HChan.words * 4 + (kind === ElemKind.number ? capacity * 8 : 0);
    const c = this.newChannel(type, bytes, kind, capacity);
    c.make();
    return c;
  }

  protected newChannel(type: RType, bytes: number, kind: ElemKind, capacity: number): HChannel {
    if (this.era2014 && capacity > 0) return new FutileChannel(this, type, bytes, kind, capacity);
    return new HChannel(this, type, bytes, kind, capacity);
  }
}

/** One channel: the untyped half that the public Chan wraps. Values are addresses, numbers or anything. */
export class HChannel extends HeapRecord {
  protected readonly f64: Float64Array;
  /** Buffered host values, by ring position. */
  private readonly hostBuf: unknown[];
  /** Root of a channel that has pointers in its buffer; 0: none. */
  private pinned = 0;
  /** What a receive from it gives when it is closed and empty. */
  protected readonly zero: unknown;

  constructor(
    protected readonly all: Channels,
    type: RType,
    bytes: number,
    readonly kind: ElemKind,
    readonly capacity: number,
  ) {
    super(all.sched, type, bytes);
    this.f64 = this.heap.arena.f64;
    this.hostBuf = kind === ElemKind.host ? new Array<unknown>(Math.min(capacity, 1024)) : noHosts;
    this.zero = kind === ElemKind.host ? undefined : 0;
  }

  protected override created(): void {
    const { w, i, capacity } = this;
    w[i + HChan.dataqsiz] = capacity;
    if (this.kind !== ElemKind.pointer || capacity === 0) return;
    w[i + HChan.buf] = 0;
    const { mutator, holds } = this.sched;
    const slot = holds.hold(i << 2); // the buffer's allocation may run the collector
    mutator.storePointer(i + HChan.buf, mutator.mallocgc(capacity * 4, this.all.pointerBuf));
    holds.drop(slot);
  }

  protected wordsInUse(): number {
    const { w, i } = this;
    if (w[i + HChan.qcount] === 0 && w[i + HChan.closed] === 0) return 0;
    if (this.kind !== ElemKind.number || w[i + HChan.qcount] === 0) return HChan.words;
    return HChan.words + this.capacity * 2;
  }

  protected waiters(): Addr {
    return this.w[this.i + HChan.recvq]! | this.w[this.i + HChan.sendq]!;
  }

  /** Values in the buffer. */
  get length(): number {
    this.touch();
    return this.w[this.i + HChan.qcount]!;
  }
  get closed(): boolean {
    this.touch();
    return this.w[this.i + HChan.closed] !== 0;
  }

  // --- operations ------------------------------------------------------------------------------------------------------

  /** Sends one value; waits for a receiver or for room. Source: chansend. */
  send(value: unknown): Op {
    const { sched } = this;
    this.touchToSend(value);
    this.mustBeOpen();
    const op = sched.begin();
    if (this.sendNow(value)) return sched.settled(op);
    sched.block(op, WaitReason.chanSend);
    this.enqueueSend(sched.curg, value, -1);
    return op;
  }

  /** Sends if that needs no waiting; says whether it did. Source: selectnbsend. */
  trySend(value: unknown): boolean {
    this.touchToSend(value);
    this.mustBeOpen();
    return this.sendNow(value);
  }

  /** Receives one value; waits for one. Source: chanrecv. */
  recv(): Op {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    if (this.recvNow(op)) return sched.settled(op);
    sched.block(op, WaitReason.chanReceive);
    this.enqueueRecv(sched.curg, -1);
    return op;
  }

  /** Receives if that needs no waiting; says whether it did. Source: selectnbrecv. */
  tryRecv(into: Received): boolean {
    this.touch();
    return this.recvNow(into);
  }

  /** Source: closechan: collects receivers, then senders, and readies them when all are collected. */
  close(): void {
    const { w, sched } = this;
    this.touch();
    const { i } = this;
    if (w[i + HChan.closed] !== 0) throw chanPanic('close of closed channel', this.all.era2014);
    w[i + HChan.closed] = 1;
    const woken: G[] = [];
    for (let sg = this.serve(HChan.recvq); sg !== 0; sg = this.serve(HChan.recvq)) {
      const op = this.opOf(sg);
      op.value = this.zero;
      op.ok = false;
      woken.push(op.g);
    }
    for (let sg = this.serve(HChan.sendq); sg !== 0; sg = this.serve(HChan.sendq)) {
      const op = this.opOf(sg);
      this.dropElem(sg);
      op.fails(chanPanic('send on closed channel', this.all.era2014));
      woken.push(op.g);
    }
    for (let g = woken.pop(); g !== undefined; g = woken.pop()) sched.ready(g, true); // Go's list is LIFO
  }

  protected touchToSend(value: unknown): void {
    if (this.kind === ElemKind.pointer) this.touchWith(value as Addr);
    else this.touch();
  }

  protected mustBeOpen(): void {
    if (this.w[this.i + HChan.closed] !== 0) throw chanPanic('send on closed channel', this.all.era2014);
  }

  // --- what select needs -----------------------------------------------------------------------------------------------

  /** Whether a send would not wait (it may panic). */
  canSend(): boolean {
    this.touch();
    const { w, i } = this;
    return w[i + HChan.closed] !== 0 || w[i + HChan.recvq] !== 0 || w[i + HChan.qcount]! < w[i + HChan.dataqsiz]!;
  }

  /** Whether a receive would not wait. */
  canRecv(): boolean {
    this.touch();
    const { w, i } = this;
    return w[i + HChan.sendq] !== 0 || w[i + HChan.qcount]! > 0 || w[i + HChan.closed] !== 0;
  }

  /** g waits to send, as case k of a select or (-1) by itself. */
  enqueueSend(g: G, value: unknown, k: number): void {
    this.touch();
    const { sudogs } = this.sched;
    const sg = sudogs.wait(g, this.i << 2, this.i + HChan.sendq, k);
    if (this.kind === ElemKind.number) sudogs.setNumber(sg, value as number);
    else if (this.kind === ElemKind.host) sudogs.setHost(sg, value);
    else {
      this.shade(value as Addr);
      this.w[(sg >>> 2) + Sudog.elem] = value as Addr;
    }
  }

  /** g waits to receive. */
  enqueueRecv(g: G, k: number): void {
    this.touch();
    this.sched.sudogs.wait(g, this.i << 2, this.i + HChan.recvq, k);
  }

  // --- values ----------------------------------------------------------------------------------------------------------

  /** The channel is open: hands the value to a receiver or puts it into the buffer; false: neither is possible. */
  protected sendNow(value: unknown): boolean {
    const { w, i } = this;
    if (w[i + HChan.recvq] !== 0) {
      this.handTo(this.serve(HChan.recvq), value);
      return true;
    }
    if (w[i + HChan.qcount]! >= w[i + HChan.dataqsiz]!) return false;
    this.putBuf(value);
    return true;
  }

  /** Gives the value to a receiver that waits. */
  private handTo(sg: Addr, value: unknown): void {
    const op = this.opOf(sg);
    op.value = value;
    op.ok = true;
    if (this.kind === ElemKind.pointer) this.setElem(op.g, value as Addr);
    this.sched.ready(op.g, true);
  }

  protected recvNow(into: Received): boolean {
    const { w, i } = this;
    if (w[i + HChan.qcount]! > 0) {
      into.ok = true;
      into.value = this.takeBuf();
      if (w[i + HChan.sendq] !== 0) {
        const sender = this.serve(HChan.sendq);
        this.putBuf(this.takeElem(sender)); // full: the sender's value takes the free place
        this.wakeSender(sender);
      } else if (this.pinned !== 0) this.emptied();
      return true;
    }
    if (w[i + HChan.sendq] !== 0) {
      const sender = this.serve(HChan.sendq);
      into.ok = true;
      into.value = this.receive(this.takeElem(sender));
      this.wakeSender(sender);
      return true;
    }
    if (w[i + HChan.closed] === 0) return false;
    into.ok = false;
    into.value = this.zero;
    return true;
  }

  private wakeSender(sg: Addr): void {
    const op = this.opOf(sg);
    op.ok = true;
    this.sched.ready(op.g, true);
  }

  /** The Op of a sudog's goroutine; a select learns which of its cases it was. */
  protected opOf(sg: Addr): Op {
    const op = this.sched.ops[this.w[(sg >>> 2) + Sudog.g]!]!;
    op.selected = this.w[(sg >>> 2) + Sudog.selectCase]!;
    return op;
  }

  /** What a waiting sender brings. */
  protected takeElem(sg: Addr): unknown {
    if (this.kind === ElemKind.pointer) return this.w[(sg >>> 2) + Sudog.elem]!;
    const { sudogs } = this.sched;
    return this.kind === ElemKind.number ? sudogs.number(sg) : sudogs.takeHost(sg);
  }

  /** What a sender brought in vain. Its stack keeps a pointer, as Go's would, until it does something else. */
  private dropElem(sg: Addr): void {
    const elem = this.takeElem(sg);
    if (this.kind === ElemKind.pointer) this.setElem(this.w[(sg >>> 2) + Sudog.g] as G, elem as Addr);
  }

  protected shade(value: Addr): void {
    if (this.gc.marking && !this.heap.faults.noBarrier) this.gc.work.grey(value);
  }

  /**
   * A pointer that a goroutine has received. Its stack may be scanned already, so the pointer is shaded: the only store into
   * a stack that has a barrier, because it is not the owner who stores. Source: sendDirect's typeBitsBulkBarrier.
   */
  protected setElem(g: G, value: Addr): void {
    this.shade(value);
    this.sched.bring(g, value);
  }

  /** The receiver's own copy of a value that it takes at once. */
  private receive(value: unknown): unknown {
    if (this.kind === ElemKind.pointer) this.setElem(this.sched.curg, value as Addr);
    return value;
  }

  protected putBuf(value: unknown): void {
    const { w, i } = this;
    if (this.kind === ElemKind.pointer && this.pinned === 0) this.pinned = this.sched.holds.hold(i << 2);
    const at = w[i + HChan.sendx]!;
    w[i + HChan.sendx] = at + 1 === w[i + HChan.dataqsiz] ? 0 : at + 1;
    w[i + HChan.qcount]!++;
    if (this.kind === ElemKind.number) this.f64[((i + HChan.words) >>> 1) + at] = value as number;
    else if (this.kind === ElemKind.host) this.hostBuf[at] = value;
    else this.sched.mutator.storePointer((w[i + HChan.buf]! >>> 2) + at, value as Addr);
  }

  protected takeBuf(): unknown {
    const { w, i } = this;
    const at = w[i + HChan.recvx]!;
    w[i + HChan.recvx] = at + 1 === w[i + HChan.dataqsiz] ? 0 : at + 1;
    w[i + HChan.qcount]!--;
    if (this.kind === ElemKind.number) return this.f64[((i + HChan.words) >>> 1) + at]!;
    if (this.kind === ElemKind.host) {
      const value = this.hostBuf[at];
      this.hostBuf[at] = undefined;
      return value;
    }
    const slot = (w[i + HChan.buf]! >>> 2) + at;
    const value = this.receive(w[slot]!);
    this.sched.mutator.storePointer(slot, 0); // the buffer must not keep what was taken (typedmemclr)
    return value;
  }

  /** A value was taken out of the buffer. When it was the last, the channel's life is no longer its own business. */
  protected emptied(): void {
    const { pinned } = this;
    if (pinned === 0 || this.w[this.i + HChan.qcount] !== 0) return;
    this.pinned = 0;
    this.sched.holds.drop(pinned);
  }

  /** The first waiter's sudog; its goroutine waits on nothing any more. 0: nobody waits. */
  protected serve(queue: HChan.recvq | HChan.sendq): Addr {
    return this.sched.sudogs.serve(this.i + queue);
  }

  /** K1 and K2. */
  override findings(): string[] {
    const { w, i } = this;
    const out: string[] = [];
    if (i === 0) return out;
    const [count, size] = [w[i + HChan.qcount]!, w[i + HChan.dataqsiz]!];
    const receivers = w[i + HChan.recvq]!;
    const senders = w[i + HChan.sendq]!;
    const same = receivers !== 0 && w[(receivers >>> 2) + Sudog.g] === w[(senders >>> 2) + Sudog.g];
    if (count < 0 || count > size) out.push(`K2: ${count} values in a buffer of ${size}`);
    if (this.all.era2014 && size > 0) return out; // who is woken looks again, and finds what it finds
    if (receivers !== 0 && senders !== 0 && !same) out.push('K1: both queues of a channel have waiters');
    if (receivers !== 0 && count > 0) out.push(`K2: a receiver waits although ${count} values are in the buffer`);
    if (senders !== 0 && count < size) out.push(`K2: a sender waits although ${size - count} places are free`);
    return out;
  }
}

const noHosts: unknown[] = [];

/**
 * A buffered channel of 2014: nothing is handed over. Who waits is woken when there may be something for it, and looks again;
 * somebody else may have been faster (a futile wake-up), and then it waits once more, at the end of the queue.
 * Source: chan.go of 2014-09, the asynchronous half of chansend and chanrecv.
 */
class FutileChannel extends HChannel {
  private readonly sending = { resume: (op: Op): boolean => this.sendAgain(op) };
  private readonly receiving = { resume: (op: Op): boolean => this.recvAgain(op) };

  override enqueueSend(g: G, value: unknown, k: number): void {
    super.enqueueSend(g, value, k);
    if (k < 0) this.sched.ops[g]!.goesOn(this.sending);
  }

  override enqueueRecv(g: G, k: number): void {
    super.enqueueRecv(g, k);
    if (k < 0) this.sched.ops[g]!.goesOn(this.receiving);
  }

  /** Who waits does not help: nothing is handed over. */
  override canSend(): boolean {
    this.touch();
    return this.w[this.i + HChan.closed] !== 0 || this.w[this.i + HChan.qcount]! < this.capacity;
  }

  override canRecv(): boolean {
    this.touch();
    return this.w[this.i + HChan.closed] !== 0 || this.w[this.i + HChan.qcount]! > 0;
  }

  protected override sendNow(value: unknown): boolean {
    const { w, i } = this;
    if (w[i + HChan.qcount]! >= w[i + HChan.dataqsiz]!) return false;
    this.putBuf(value);
    this.wakeOne(HChan.recvq);
    return true;
  }

  protected override recvNow(into: Received): boolean {
    const { w, i } = this;
    into.ok = w[i + HChan.qcount]! > 0;
    if (!into.ok) {
      into.value = this.zero;
      return w[i + HChan.closed] !== 0;
    }
    into.value = this.takeBuf();
    this.emptied();
    this.wakeOne(HChan.sendq);
    return true;
  }

  /** Wakes the first waiter, with what it brought: it has to try again. */
  private wakeOne(queue: HChan.recvq | HChan.sendq): void {
    const sg = this.serve(queue);
    if (sg === 0) return;
    const op = this.opOf(sg);
    op.selected = -1; // no case of a select has fired
    if (queue === HChan.sendq) {
      op.value = this.takeElem(sg);
      if (this.kind === ElemKind.pointer) this.setElem(op.g, op.value as Addr);
    }
    this.sched.ready(op.g, true);
  }

  private sendAgain(op: Op): boolean {
    this.touch();
    if (op.error !== null) return true; // closed meanwhile
    if (this.closed) op.fails(chanPanic('send on closed channel', true));
    else if (!this.sendNow(op.value)) {
      this.sched.block(op, WaitReason.chanSend);
      this.enqueueSend(op.g, op.value, -1);
      return false;
    }
    op.value = undefined;
    return true;
  }

  private recvAgain(op: Op): boolean {
    this.touch();
    if (this.recvNow(op)) return true;
    this.sched.block(op, WaitReason.chanReceive);
    this.enqueueRecv(op.g, -1);
    return false;
  }
}

/** The nil channel: nothing comes and nothing goes. */
export class NilChannel {
  readonly length = 0;
  readonly capacity = 0;

  constructor(private readonly sched: Sched) {}

  send(): Op {
    return this.sched.park(WaitReason.chanSendNil);
  }
  recv(): Op {
    return this.sched.park(WaitReason.chanReceiveNil);
  }
  trySend(): boolean {
    return false;
  }
  tryRecv(): boolean {
    return false;
  }
  close(): void {
    gopanic('close of nil channel');
  }
}
