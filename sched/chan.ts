// chan: channels. An hchan is an object of the collected heap (Go's makechan); who waits stands in two FIFO queues of sudogs.
// See Go's chan.go, whose order of steps this keeps. channels.ts makes them, the nil one and those of 2014 (futilechan.ts) too; select.ts
// waits on several at once.
//
// Invariants, as in chan.go:
//   K1  at least one of the two queues is empty, but for a goroutine that waits in both with one select
//   K2  a buffered channel with values has no waiting receiver; one with room has no waiting sender
//
// A value travels in one of three ways, by the channel's element: a pointer (a root wherever it is on its way: sudog.elem,
// op.brought), a number, or anything else of JavaScript ("host"). Pointers lie in a buffer of their own. Other values are in an array of
// JavaScript, like all that changes with every operation; numbers have their place behind the hchan, in one object without
// pointers, as in Go, and `save` puts them there.

import type { RType } from '../heap/types.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { chanPanic } from '../runtime/internal/throw.ts';
import type { Channels } from './channels.ts';
import { WaitReason } from './g.ts';
import type { Op } from './op.ts';
import { HeapRecord } from './record.ts';
import { type Sudog, WaitQueue } from './sudog.ts';

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

/** One channel: the untyped half that the public Chan wraps. Values are addresses, numbers or anything. */
export class HChannel extends HeapRecord {
  /** Who waits to receive and to send. */
  readonly recvq = new WaitQueue(this, HChan.recvq);
  readonly sendq = new WaitQueue(this, HChan.sendq);
  /** It is closed, or carries pointers: no short roads. */
  private special = false;
  /** Values in the buffer, and where the next one is put and taken. */
  protected count = 0;
  private sendx = 0;
  private recvx = 0;
  /** Buffered values that are no pointers, by ring position. */
  private readonly buf: unknown[];
  protected isClosed = false;
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
    this.buf = kind === ElemKind.pointer || capacity === 0 ? noValues : new Array<unknown>(Math.min(capacity, 1024)).fill(undefined);
    this.special = kind === ElemKind.pointer;
    this.zero = kind === ElemKind.host ? undefined : 0;
  }

  protected override created(): void {
    const { w, i, capacity } = this;
    if (this.kind !== ElemKind.pointer || capacity === 0) return;
    w[i + HChan.buf] = 0;
    const { mutator, holds } = this.sched;
    const slot = holds.hold(i << 2); // the buffer's allocation may run the collector
    mutator.storePointer(i + HChan.buf, mutator.mallocgc(capacity * 4, this.all.pointerBuf));
    holds.drop(slot);
  }

  /** @internal */
  save(): void {
    const { w, i } = this;
    w[i + HChan.qcount] = this.count;
    w[i + HChan.dataqsiz] = this.capacity;
    w[i + HChan.closed] = this.isClosed ? 1 : 0;
    w[i + HChan.sendx] = this.sendx;
    w[i + HChan.recvx] = this.recvx;
    this.recvq.save(w);
    this.sendq.save(w);
    if (this.kind === ElemKind.number) this.saveNumbers();
  }

  private saveNumbers(): void {
    const { i, buf, capacity } = this;
    const { f64 } = this.heap.arena;
    const first = (i + HChan.words) >>> 1;
    for (let k = 0, at = this.recvx; k < this.count; k++, at = at + 1 === capacity ? 0 : at + 1) f64[first + at] = buf[at] as number;
  }

  protected hasWaiters(): boolean {
    return this.recvq.first !== null || this.sendq.first !== null;
  }

  /** Values in the buffer. */
  get length(): number {
    this.touch();
    return this.count;
  }
  get closed(): boolean {
    this.touch();
    return this.isClosed;
  }

  // --- operations ------------------------------------------------------------------------------------------------------

  /**
   * Sends one value; waits for a receiver or for room. This and sendNow are the short roads for what is usual (Sched.usual): short
   * enough that V8 inlines them into the program's own function. Source: chansend.
   */
  send(value: unknown): Op {
    const { sched } = this;
    const { cur: op } = sched;
    if (this.sendNow(value)) {
      op.inFlight = true;
      op.value = undefined;
      return op;
    }
    if (this.seen !== sched.usual || this.special || op.inFlight || this.recvq.first !== null || this.count < this.capacity) {
      return this.sendAnyhow(value);
    }
    op.inFlight = true;
    op.brought = 0;
    op.value = value;
    this.sendq.enqueue(op);
    return sched.blockUsually(op, WaitReason.chanSend);
  }

  /** Sends in the usual case, and counts as the operation that `send` would have been; false: nothing has happened. */
  sendNow(value: unknown): boolean {
    const { sched } = this;
    const receiver = this.recvq.first;
    if (this.seen !== sched.usual || this.special || sched.cur.inFlight || !sched.mayGoOn()) return false;
    if (receiver !== null) {
      if (receiver.op !== receiver) return false; // of a select
      this.recvq.shift(receiver);
      (receiver as Op).ok = true;
      receiver.value = value;
      sched.readyUsually(receiver as Op);
    } else if (this.count < this.capacity) this.putPlain(value);
    else return false;
    sched.wentOn();
    return true;
  }

  private sendAnyhow(value: unknown): Op {
    const { sched } = this;
    this.touchToSend(value);
    this.mustBeOpen();
    const op = sched.begin();
    if (this.offer(value)) return sched.settled(op);
    sched.block(op, WaitReason.chanSend);
    this.enqueueSend(op, value);
    return op;
  }

  /** Sends if that needs no waiting; says whether it did. Source: selectnbsend. */
  trySend(value: unknown): boolean {
    this.touchToSend(value);
    this.mustBeOpen();
    return this.offer(value);
  }

  /** Receives one value; waits for one. */
  recv(): Op {
    return this.recvOr(this.zero);
  }

  /** The same; closed: what it gives when the channel is closed and empty. Source: chanrecv. */
  recvOr(closed: unknown): Op {
    const { sched } = this;
    const { cur: op } = sched;
    const value = this.recvNow();
    if (value !== undefined) {
      op.inFlight = true;
      op.value = value;
      op.ok = true;
      return op;
    }
    if (this.seen !== sched.usual || this.special || op.inFlight || this.sendq.first !== null || this.count > 0) {
      return this.recvAnyhow(closed);
    }
    op.inFlight = true;
    op.brought = 0;
    op.value = undefined;
    op.ifClosed = closed;
    this.recvq.enqueue(op);
    return sched.blockUsually(op, WaitReason.chanReceive);
  }

  /** Receives in the usual case a value other than null and undefined; undefined: nothing has happened. As sendNow. */
  recvNow(): unknown {
    const { sched } = this;
    const sender = this.sendq.first;
    if (this.seen !== sched.usual || this.special || sched.cur.inFlight || !sched.mayGoOn()) return undefined;
    let value: unknown;
    if (this.count > 0) {
      if (sender !== null) return undefined; // its value takes the place: recvAnyhow
      value = this.peekPlain();
      if (value === undefined || value === null) return undefined;
      this.dropPlain();
    } else {
      if (sender === null || sender.op !== sender) return undefined;
      ({ value } = sender);
      if (value === undefined || value === null) return undefined;
      sender.value = undefined; // a send gives nothing
      this.sendq.shift(sender);
      sched.readyUsually(sender as Op);
    }
    sched.wentOn();
    return value;
  }

  private recvAnyhow(closed: unknown): Op {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    if (this.poll(op, closed)) return sched.settled(op);
    op.ifClosed = closed;
    sched.block(op, WaitReason.chanReceive);
    this.enqueueRecv(op);
    return op;
  }

  /** Receives if that needs no waiting; says whether it did. Source: selectnbrecv. */
  tryRecv(into: Received): boolean {
    this.touch();
    return this.poll(into, this.zero);
  }

  /** Source: closechan: collects receivers, then senders, and readies them when all are collected. */
  close(): void {
    const { sched } = this;
    this.touch();
    if (this.isClosed) throw chanPanic('close of closed channel', this.all.era2014);
    this.isClosed = true;
    this.special = true;
    const woken: Op[] = [];
    for (let sg = this.serve(this.recvq); sg !== null; sg = this.serve(this.recvq)) {
      const { op } = sg;
      op.value = sg === op ? op.ifClosed : this.zero;
      op.ok = false;
      woken.push(op);
    }
    for (let sg = this.serve(this.sendq); sg !== null; sg = this.serve(this.sendq)) {
      const { op } = sg;
      this.dropElem(sg);
      op.fails(chanPanic('send on closed channel', this.all.era2014));
      woken.push(op);
    }
    if (this.all.era2014) woken.reverse(); // there was no list: each was made ready in its turn
    for (let op = woken.pop(); op !== undefined; op = woken.pop()) sched.ready(op, true); // Go's list is LIFO
  }

  protected touchToSend(value: unknown): void {
    if (this.kind === ElemKind.pointer) this.touchWith(value as Addr);
    else this.touch();
  }

  protected mustBeOpen(): void {
    if (this.isClosed) throw chanPanic('send on closed channel', this.all.era2014);
  }

  // --- what select needs -----------------------------------------------------------------------------------------------

  /** Whether a send would not wait (it may panic). */
  canSend(): boolean {
    this.touch();
    return this.isClosed || this.recvq.first !== null || this.count < this.capacity;
  }

  /** Whether a receive would not wait. */
  canRecv(): boolean {
    this.touch();
    return this.sendq.first !== null || this.count > 0 || this.isClosed;
  }

  /** A goroutine waits to send: sg is the goroutine itself, or a case of its select. */
  enqueueSend(sg: Sudog, value: unknown): void {
    this.touch();
    this.sendq.enqueue(sg);
    if (this.kind !== ElemKind.pointer) sg.value = value;
    else {
      this.shade(value as Addr);
      sg.elem = value as Addr;
    }
  }

  /** A goroutine waits to receive. */
  enqueueRecv(sg: Sudog): void {
    this.touch();
    this.recvq.enqueue(sg);
  }

  // --- values ----------------------------------------------------------------------------------------------------------

  /** The channel is open: hands the value to a receiver or puts it into the buffer; false: neither is possible. */
  protected offer(value: unknown): boolean {
    const sg = this.serve(this.recvq);
    if (sg !== null) {
      const { op } = sg;
      op.value = value;
      op.ok = true;
      if (this.kind === ElemKind.pointer) this.bring(op, value as Addr);
      this.sched.ready(op, true);
      return true;
    }
    if (this.count >= this.capacity) return false;
    this.putBuf(value);
    return true;
  }

  protected poll(into: Received, closed: unknown): boolean {
    if (this.count > 0) {
      into.ok = true;
      into.value = this.takeBuf();
      const sender = this.serve(this.sendq);
      if (sender !== null) {
        this.putBuf(this.takeElem(sender)); // full: the sender's value takes the free place
        this.sched.ready(sender.op, true);
      } else if (this.pinned !== 0) this.emptied();
      return true;
    }
    const sender = this.serve(this.sendq);
    if (sender !== null) {
      into.ok = true;
      into.value = this.receive(this.takeElem(sender));
      this.sched.ready(sender.op, true);
      return true;
    }
    if (!this.isClosed) return false;
    into.ok = false;
    into.value = closed;
    return true;
  }

  /** What a waiting sender brings. */
  protected takeElem(sg: Sudog): unknown {
    if (this.kind !== ElemKind.pointer) {
      const { value } = sg;
      sg.value = undefined; // of an Op: a send gives nothing
      return value;
    }
    const { elem } = sg;
    sg.elem = 0;
    return elem;
  }

  /** What a sender brought in vain. Its stack keeps a pointer, as Go's would, until it does something else. */
  private dropElem(sg: Sudog): void {
    const elem = this.takeElem(sg);
    if (this.kind === ElemKind.pointer) this.bring(sg.op, elem as Addr);
  }

  protected shade(value: Addr): void {
    if (this.gc.marking && !this.heap.faults.noBarrier) this.gc.work.grey(value);
  }

  /**
   * A pointer that a goroutine has received. Its stack may be scanned already, so the pointer is shaded: the only store into
   * a stack that has a barrier, because it is not the owner who stores. Source: sendDirect's typeBitsBulkBarrier.
   */
  protected bring(op: Op, value: Addr): void {
    this.shade(value);
    op.brought = value;
  }

  /** The receiver's own copy of a value that it takes at once. */
  private receive(value: unknown): unknown {
    if (this.kind === ElemKind.pointer) this.bring(this.sched.cur, value as Addr);
    return value;
  }

  protected putBuf(value: unknown): void {
    const { w, i } = this;
    if (this.kind !== ElemKind.pointer) {
      this.putPlain(value);
      return;
    }
    if (this.pinned === 0) this.pinned = this.sched.holds.hold(i << 2);
    const at = this.sendx;
    this.sendx = at + 1 === this.capacity ? 0 : at + 1;
    this.count++;
    this.sched.mutator.storePointer((w[i + HChan.buf]! >>> 2) + at, value as Addr);
  }

  /** The same for what is no pointer. */
  private putPlain(value: unknown): void {
    const at = this.sendx;
    this.sendx = at + 1 === this.capacity ? 0 : at + 1;
    this.count++;
    this.buf[at] = value;
  }

  private peekPlain(): unknown {
    return this.buf[this.recvx];
  }

  private dropPlain(): void {
    const at = this.recvx;
    this.buf[at] = undefined;
    this.recvx = at + 1 === this.capacity ? 0 : at + 1;
    this.count--;
  }

  protected takeBuf(): unknown {
    if (this.kind !== ElemKind.pointer) {
      const value = this.peekPlain();
      this.dropPlain();
      return value;
    }
    const { w, i } = this;
    const at = this.recvx;
    this.recvx = at + 1 === this.capacity ? 0 : at + 1;
    this.count--;
    const slot = (w[i + HChan.buf]! >>> 2) + at;
    const value = this.receive(w[slot]!);
    this.sched.mutator.storePointer(slot, 0); // the buffer must not keep what was taken (typedmemclr)
    return value;
  }

  /** A value was taken out of the buffer. When it was the last, the channel's life is no longer its own business. */
  protected emptied(): void {
    const { pinned } = this;
    if (pinned === 0 || this.count !== 0) return;
    this.pinned = 0;
    this.sched.holds.drop(pinned);
  }

  /** The first waiter's sudog; its goroutine waits on nothing any more. null: nobody waits. */
  protected serve(queue: WaitQueue): Sudog | null {
    return queue.first === null ? null : this.sched.sudogs.serve(queue);
  }

  /** K1 and K2. */
  override findings(): string[] {
    const out: string[] = [];
    const { count, capacity: size } = this;
    const receivers = this.recvq.first;
    const senders = this.sendq.first;
    if (count < 0 || count > size) out.push(`K2: ${count} values in a buffer of ${size}`);
    if (this.all.era2014 && size > 0) return out; // who is woken looks again, and finds what it finds
    if (receivers !== null && senders !== null && receivers.op !== senders.op) out.push('K1: both queues of a channel have waiters');
    if (receivers !== null && count > 0) out.push(`K2: a receiver waits although ${count} values are in the buffer`);
    if (senders !== null && count < size) out.push(`K2: a sender waits although ${size - count} places are free`);
    return out;
  }
}

const noValues: unknown[] = [];
