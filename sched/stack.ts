// stack: goroutine stacks. A stack holds what the collector must see and what a reader wants to see: frames with a pc and
// the declared pointer locals. Everything else of a running function is JavaScript's.
//
//   stackLo                                                                 sp            stackHi
//   +----+--------------+------------+----+--------------+------------------+-------------+
//   | pc | words, prev  | slots …    | pc | words, prev  | slots …          |             |
//   +----+--------------+------------+----+--------------+------------------+-------------+
//   ^ first frame                    ^ fp
//
// The head's second word has the frame's slots in the low half and the previous frame's size in words in the high half, so
// frames can be walked in both directions. Slots hold 0 or an object's address; they are zero when the frame is pushed.
//
// Stacks come from spans managed by hand, cut into powers of two from 256 bytes to 4 KiB, larger ones are spans of their
// own; a full stack is copied to one of twice the size. Nothing points into a stack by address (frames know their offset
// from stackLo), so copying adjusts nothing. Source: stack.go stackalloc, copystack. Go starts at 2 KiB; ours hold only
// declared pointers, so 256 bytes are many frames.

import type { GcWork } from '../gc/mgcwork.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import type { G, GTable } from './g.ts';

/** Word offsets of a frame's head. */
export const enum FrameHead {
  pc,
  /** slots | previous frame's words << 16 */
  shape,
  words,
}

const minStack = 256;
const poolOrders = 5; // 256, 512, 1K, 2K, 4K: cut from one page; larger stacks are whole spans
/** Bytes at which Go's 32-bit ports give up: `stack overflow`. */
export const maxStackBytes = 64 << 20;

/** The stacks of one machine's goroutines. */
export class Stacks {
  private readonly free: Addr[] = new Array<Addr>(poolOrders).fill(0);

  constructor(
    private readonly heap: Heap,
    private readonly gt: GTable,
  ) {}

  /** Pushes a frame of n zeroed slots for pc; returns its offset from stackLo in bytes. */
  push(g: G, pc: number, n: number): number {
    const { gt } = this;
    const bytes = (FrameHead.words + n) * 4;
    if (gt.sp[g] + bytes > gt.stackHi[g]) this.grow(g, bytes);
    const { w } = this.heap;
    const frame = gt.sp[g];
    const i = frame >>> 2;
    const prevWords = gt.fp[g] === 0 ? 0 : (frame - gt.fp[g]) >>> 2;
    w[i + FrameHead.pc] = pc;
    w[i + FrameHead.shape] = n | (prevWords << 16);
    for (let k = 0; k < n; k++) w[i + FrameHead.words + k] = 0;
    gt.fp[g] = frame;
    gt.sp[g] = frame + bytes;
    return frame - gt.stackLo[g];
  }

  /** Pops the innermost frame. */
  pop(g: G): void {
    const { gt } = this;
    const frame = gt.fp[g];
    const prevWords = this.heap.w[(frame >>> 2) + FrameHead.shape]! >>> 16;
    gt.sp[g] = frame;
    gt.fp[g] = prevWords === 0 ? 0 : frame - prevWords * 4;
  }

  /** Pops frames until the one at `offset` from stackLo is the innermost; -1: all of them. For unwinding a panic. */
  unwind(g: G, offset: number): void {
    const { gt } = this;
    while (gt.fp[g] !== 0 && gt.fp[g] - gt.stackLo[g] > offset) this.pop(g);
  }

  private grow(g: G, bytes: number): void {
    const { gt, heap } = this;
    const used = gt.sp[g] - gt.stackLo[g];
    let size = Math.max(minStack, (gt.stackHi[g] - gt.stackLo[g]) * 2);
    while (size < used + bytes) size *= 2;
    if (size > maxStackBytes) fatal('stack overflow');
    const lo = this.alloc(size);
    heap.w.copyWithin(lo >>> 2, gt.stackLo[g] >>> 2, gt.sp[g] >>> 2);
    if (gt.stackLo[g] !== 0) this.release(gt.stackLo[g], gt.stackHi[g] - gt.stackLo[g]);
    gt.fp[g] = gt.fp[g] === 0 ? 0 : lo + (gt.fp[g] - gt.stackLo[g]);
    gt.sp[g] = lo + used;
    gt.stackLo[g] = lo;
    gt.stackHi[g] = lo + size;
  }

  private alloc(size: number): Addr {
    const order = 31 - Math.clz32(size / minStack);
    if (order >= poolOrders) return this.spanFor(size);
    if (this.free[order] === 0) this.cut(order);
    const stack = this.free[order]!;
    this.free[order] = this.heap.w[stack >>> 2]!;
    return stack;
  }

  private spanFor(size: number): Addr {
    const s = this.heap.allocSpan(Math.ceil(size / pageSize), 1, SpanState.manual);
    if (s === 0) this.heap.outOfMemory(size);
    return this.heap.base(s);
  }

  private cut(order: number): void {
    const size = minStack << order;
    const page = this.spanFor(pageSize);
    for (let at = page + pageSize - size; at >= page; at -= size) this.put(at, order); // lowest address first out
  }

  private put(stack: Addr, order: number): void {
    this.heap.w[stack >>> 2] = this.free[order]!;
    this.free[order] = stack;
  }

  private release(stack: Addr, size: number): void {
    const order = 31 - Math.clz32(size / minStack);
    if (order < poolOrders) {
      this.put(stack, order);
      return;
    }
    const s: MSpan = this.heap.spanOf(stack);
    if (this.heap.mspan.state[s] !== SpanState.manual) gothrow(`stackfree: 0x${stack.toString(16)} is no stack`);
    this.heap.freeSpan(s);
  }

  /** Gives a dead goroutine's stack back. */
  freeAll(g: G): void {
    const { gt } = this;
    if (gt.stackLo[g] !== 0) this.release(gt.stackLo[g], gt.stackHi[g] - gt.stackLo[g]);
    gt.stackLo[g] = 0;
    gt.stackHi[g] = 0;
    gt.sp[g] = 0;
    gt.fp[g] = 0;
  }

  /** Greys what g's frames and its value in flight point to. Source: scanstack. */
  scan(g: G, work: GcWork): void {
    this.eachPointer(g, (addr) => work.grey(addr));
  }

  /** Visits every pointer slot of g. */
  eachPointer(g: G, visit: (addr: Addr) => void): void {
    const { gt } = this;
    const { w } = this.heap;
    visit(gt.elem[g]);
    const end = gt.sp[g] >>> 2;
    for (let i = gt.stackLo[g] >>> 2; i < end; ) {
      const n = w[i + FrameHead.shape]! & 0xffff;
      for (let k = 0; k < n; k++) visit(w[i + FrameHead.words + k]!);
      i += FrameHead.words + n;
    }
  }

  /** Writes g's pcs, leaf first, at most max; returns how many. Source: callers, gcallers. */
  callers(g: G, pcs: Int32Array, max: number): number {
    const { w } = this.heap;
    let n = 0;
    for (let fp = this.gt.fp[g]; fp !== 0 && n < max; ) {
      const i = fp >>> 2;
      pcs[n++] = w[i + FrameHead.pc]!;
      const prevWords = w[i + FrameHead.shape]! >>> 16;
      fp = prevWords === 0 ? 0 : fp - prevWords * 4;
    }
    return n;
  }
}
