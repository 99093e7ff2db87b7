// chan: channels. An hchan is an object of the collected heap (Go's makechan), its buffer another; who waits stands in two
// FIFO queues of sudogs. See Go's chan.go, whose order of steps this keeps.
//
// Invariants, as in chan.go:
//   K1  at least one of the two queues is empty
//   K2  a buffered channel with values has no waiting receiver; with room it has no waiting sender
//
// A value travels in one of three ways, by the channel's element: a pointer through g.elem (a root), a number through
// g.elemNumber, anything else of JavaScript ("host") through the goroutine's Op.

import type { Heap } from '../heap/mheap.ts';
import type { RType } from '../heap/types.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { GoPanic, gopanic } from '../runtime/internal/throw.ts';
import { type G, WaitReason } from './g.ts';
import type { Op } from './op.ts';
import type { Sched } from './proc.ts';

/** How a channel's values travel. */
export const enum ElemKind {
  pointer,
  number,
  host,
}

/** Word offsets of an hchan. */
const enum HChan {
  /** values in the buffer */
  qcount,
  /** capacity */
  dataqsiz,
  /** the buffer object; nil when the capacity is 0 or the element is host */
  buf,
  closed,
  sendx,
  recvx,
  /** first and last sudog of those who wait to receive and to send */
  recvFirst,
  recvLast,
  sendFirst,
  sendLast,
  words,
}

/** Word offsets of a sudog: a goroutine waiting on a channel. */
const enum Sudog {
  g,
  next,
  /** 1: woken by a value, 0: woken by close */
  success,
  words,
}

/** What all channels of a machine share. */
export class Channels {
  readonly hchanType: RType;
  readonly pointerBuf: RType;
  readonly numberBuf: RType;
  readonly sudogs: FixAlloc;
  private readonly w: Int32Array;

  constructor(
    readonly sched: Sched,
    readonly heap: Heap,
    sys: SysMem,
    /** Keeps an object alive for a JavaScript handle: makes its address a root. */
    readonly pin: (addr: Addr) => void,
  ) {
    this.w = heap.w;
    this.hchanType = heap.types.define('runtime.hchan', HChan.words * 4, [HChan.buf]);
    this.pointerBuf = heap.types.define('chan buffer of pointers', 4, [0]);
    this.numberBuf = heap.types.define('chan buffer of numbers', 8, []);
    this.sudogs = new FixAlloc(sys, Sudog.words * 4, Sys.other);
  }

  /** Source: makechan. Panics with Go's words when the capacity is out of range. */
  make(kind: ElemKind, capacity: number): HChannel {
    if (!Number.isInteger(capacity) || capacity < 0 || capacity > 1 << 24) gopanic('makechan: size out of range');
    const { mutator } = this.sched;
    const c = mutator.newObject(this.hchanType);
    this.pin(c);
    const i = c >>> 2;
    this.w[i + HChan.dataqsiz] = capacity;
    if (capacity > 0 && kind !== ElemKind.host) {
      const type = kind === ElemKind.pointer ? this.pointerBuf : this.numberBuf;
      mutator.storePointer(i + HChan.buf, mutator.mallocgc(capacity * type.size, type));
    }
    return new HChannel(this, c, kind, capacity);
  }
}

/** One channel: the untyped half that the public Chan wraps. */
export class HChannel {
  private readonly w: Int32Array;
  private readonly f64: Float64Array;
  private readonly i: number;
  private readonly sched: Sched;
  /** Virtual time of the last operation. */
  private time = 0;
  /** Buffered host values, by ring position. */
  private readonly hostBuf: unknown[];

  constructor(
    private readonly all: Channels,
    readonly addr: Addr,
    private readonly kind: ElemKind,
    capacity: number,
  ) {
    this.w = all.heap.w;
    this.f64 = all.heap.arena.f64;
    this.i = addr >>> 2;
    this.sched = all.sched;
    this.hostBuf = kind === ElemKind.host ? new Array<unknown>(capacity) : noHosts;
  }

  get length(): number {
    return this.w[this.i + HChan.qcount]!;
  }
  get capacity(): number {
    return this.w[this.i + HChan.dataqsiz]!;
  }
  get closed(): boolean {
    return this.w[this.i + HChan.closed] !== 0;
  }

  /** Sends one value (an address, a number or anything). Source: chansend. */
  send(value: unknown): Op {
    const { w, i, sched } = this;
    this.time = sched.orderAfter(this.time);
    if (w[i + HChan.closed] !== 0) gopanic('send on closed channel');
    const sg = this.dequeue(HChan.recvFirst);
    if (sg !== 0) {
      this.handTo(sg, value, true);
      return sched.done(undefined);
    }
    if (w[i + HChan.qcount]! < w[i + HChan.dataqsiz]!) {
      this.putBuf(value);
      return sched.done(undefined);
    }
    const op = sched.park(WaitReason.chanSend);
    this.setElem(sched.curg, value);
    this.enqueue(HChan.sendFirst, sched.curg);
    return op;
  }

  /** Receives one value: [value, ok] lands as `{value, ok}` through take. Source: chanrecv. */
  recv(): Op {
    const { w, i, sched } = this;
    this.time = sched.orderAfter(this.time);
    if (w[i + HChan.qcount]! > 0) {
      const op = sched.done(undefined);
      op.value = this.takeBuf();
      const sender = this.dequeue(HChan.sendFirst);
      if (sender !== 0) {
        this.putBuf(this.getElem(w[(sender >>> 2) + Sudog.g] as G)); // full: the sender's value takes the free place
        this.wake(sender, true);
      }
      return op;
    }
    const sender = this.dequeue(HChan.sendFirst);
    if (sender !== 0) {
      const op = sched.done(undefined);
      op.value = this.receive(this.getElem(w[(sender >>> 2) + Sudog.g] as G));
      this.wake(sender, true);
      return op;
    }
    if (w[i + HChan.closed] !== 0) {
      const op = sched.done(undefined);
      op.value = closedValue;
      return op;
    }
    const op = sched.park(WaitReason.chanReceive);
    this.enqueue(HChan.recvFirst, sched.curg);
    return op;
  }

  /** Source: closechan: collects receivers, then senders, and readies them when all are collected. */
  close(): void {
    const { w, i, sched } = this;
    this.time = sched.orderAfter(this.time);
    if (w[i + HChan.closed] !== 0) gopanic('close of closed channel');
    w[i + HChan.closed] = 1;
    const woken: Addr[] = [];
    for (let sg = this.dequeue(HChan.recvFirst); sg !== 0; sg = this.dequeue(HChan.recvFirst)) {
      sched.ops[w[(sg >>> 2) + Sudog.g]!]!.value = closedValue;
      woken.push(sg);
    }
    for (let sg = this.dequeue(HChan.sendFirst); sg !== 0; sg = this.dequeue(HChan.sendFirst)) {
      sched.ops[w[(sg >>> 2) + Sudog.g]!]!.error = new GoPanic('send on closed channel', 'send on closed channel', true);
      woken.push(sg);
    }
    for (let sg = woken.pop(); sg !== undefined; sg = woken.pop()) this.wake(sg, false); // Go's list is LIFO
  }

  // --- values ----------------------------------------------------------------------------------------------------------

  /** Gives a value to a waiting receiver's stack. Source: send, sendDirect. */
  private handTo(sg: Addr, value: unknown, success: boolean): void {
    const g = this.w[(sg >>> 2) + Sudog.g] as G;
    this.setElem(g, value);
    this.sched.ops[g]!.value = value;
    this.wake(sg, success);
  }

  private wake(sg: Addr, success: boolean): void {
    const g = this.w[(sg >>> 2) + Sudog.g] as G;
    this.w[(sg >>> 2) + Sudog.success] = success ? 1 : 0;
    this.all.sudogs.release(sg);
    this.sched.ready(g, true);
  }

  /** What a goroutine has in flight. */
  private getElem(g: G): unknown {
    const { gt } = this.sched;
    if (this.kind === ElemKind.pointer) return gt.elem[g];
    if (this.kind === ElemKind.number) return gt.elemNumber[g];
    const op = this.sched.ops[g]!;
    const { value } = op;
    op.value = undefined; // it is the receiver's now; the send itself gives nothing
    return value;
  }

  /**
   * Puts a value in flight at a goroutine. Its stack may be scanned already, so a pointer is shaded: the only store into a
   * stack that has a barrier, because it is not the owner who stores. Source: sendDirect's typeBulkBarrierPreWrite.
   */
  private setElem(g: G, value: unknown): void {
    const { gt, gc } = this.sched;
    if (this.kind === ElemKind.pointer) {
      if (gc.marking && !this.all.heap.faults.noBarrier) gc.work.grey(value as Addr);
      gt.elem[g] = value as Addr;
    } else if (this.kind === ElemKind.number) gt.elemNumber[g] = value as number;
    else this.sched.ops[g]!.value = value;
  }

  /** The receiver's own copy of a value that it takes at once. */
  private receive(value: unknown): unknown {
    if (this.kind === ElemKind.pointer) this.setElem(this.sched.curg, value);
    return value;
  }

  private putBuf(value: unknown): void {
    const { w, i } = this;
    const at = w[i + HChan.sendx]!;
    w[i + HChan.sendx] = at + 1 === w[i + HChan.dataqsiz] ? 0 : at + 1;
    w[i + HChan.qcount]!++;
    if (this.kind === ElemKind.pointer) this.sched.mutator.storePointer((w[i + HChan.buf]! >>> 2) + at, value as Addr);
    else if (this.kind === ElemKind.number) this.f64[(w[i + HChan.buf]! >>> 3) + at] = value as number;
    else this.hostBuf[at] = value;
  }

  private takeBuf(): unknown {
    const { w, i } = this;
    const at = w[i + HChan.recvx]!;
    w[i + HChan.recvx] = at + 1 === w[i + HChan.dataqsiz] ? 0 : at + 1;
    w[i + HChan.qcount]!--;
    if (this.kind === ElemKind.number) return this.f64[(w[i + HChan.buf]! >>> 3) + at]!;
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

  // --- wait queues -----------------------------------------------------------------------------------------------------

  private enqueue(queue: HChan.recvFirst | HChan.sendFirst, g: G): void {
    const { w, i } = this;
    const sg = this.all.sudogs.alloc();
    w[(sg >>> 2) + Sudog.g] = g;
    const last = w[i + queue + 1]!;
    if (last !== 0) w[(last >>> 2) + Sudog.next] = sg;
    else w[i + queue] = sg;
    w[i + queue + 1] = sg;
  }

  private dequeue(queue: HChan.recvFirst | HChan.sendFirst): Addr {
    const { w, i } = this;
    const sg = w[i + queue]!;
    if (sg === 0) return 0;
    const next = w[(sg >>> 2) + Sudog.next]!;
    w[i + queue] = next;
    if (next === 0) w[i + queue + 1] = 0;
    return sg;
  }
}

const noHosts: unknown[] = [];

/** What a receive from a closed, empty channel yields before the typed layer turns it into the zero value and ok = false. */
export const closedValue: unique symbol = Symbol('closed');
