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
// Stacks come from spans managed by hand, cut into powers of two from 64 bytes to 4 KiB, larger ones are spans of their
// own; a full stack is copied to one of twice the size. Nothing points into a stack by address (frames know their offset
// from stackLo), so copying adjusts nothing. Source: stack.go stackalloc, copystack. Go starts at 2 KiB; ours hold only
// declared pointers, so 64 bytes are a frame or two, and a parked goroutine is cheap. A dead goroutine keeps such a stack.
//
// The innermost frames of the running goroutine may still be in registers, that is in JavaScript fields of a layer above:
// a call that neither collects nor is sampled never touches the arena. While there may be such frames `limit` is 0, so
// that the next push takes its slow road and writes them first (as Go poisons the stack guard of a goroutine that it wants
// to stop), and whoever looks at the stack calls `save`.
//
// Most turns touch no stack at all: a goroutine takes a value and sends it on. So a switch reads none of the stack's registers
// but `lo`; the first push or pop reads the others, and only what was read is written back.

import type { GcWork } from '../gc/mgcwork.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import type { G, GTable } from './g.ts';
import type { Op } from './op.ts';
import { eachWaiting } from './sudog.ts';

/** Word offsets of a frame's head. */
export const enum FrameHead {
  pc,
  /** slots | previous frame's words << 16 */
  shape,
  words,
}

/** Most slots of one frame: what the low half of its shape counts. */
export const maxFrameSlots = 0xffff;

const minStack = 64;
/** In place of registers. */
const enum Register {
  /** `hi` and `limit` of a stack whose registers are in the table: below every address, so that a push takes its slow road. */
  unread = -1,
}
const poolOrders = 7; // 64, 128, … 4K: cut from one page; larger stacks are whole spans
/**
 * Largest stack; beyond it Go's `stack overflow`. Go's 32-bit ports allow 250 MB. Ours hold only declared pointers: a frame of
 * gofunc has some 500 bytes of JavaScript beside it, so the limit ends a program before the host's memory does.
 */
const defaultMaxBytes = 16 << 20;

/** Frames of the running goroutine whose words are in JavaScript fields. See the head of this file. */
export interface Registers {
  /** Pushes those frames that are in registers only. */
  spill(): void;
  /** Writes what the slots of the spilled frames hold now. */
  write(): void;
}

/** The stacks of one machine's goroutines. */
export class Stacks {
  private readonly free: Addr[] = new Array<Addr>(poolOrders).fill(0);
  private readonly w: Int32Array;
  /**
   * The running goroutine and its stack registers, in fields while it runs: `read` takes them from the table, `save` writes
   * them back (when it stops, and before anybody looks at its stack). 0: no goroutine runs.
   */
  running: G = 0 as G;
  /** First byte of the running stack; frames are known by their offset from it. */
  lo: Addr = 0;
  private hi: Addr = Register.unread;
  private sp: Addr = 0;
  /** 0 as well while the registers are unread. */
  private fp: Addr = 0;
  /** `hi`, or 0 while frames may be in registers only. */
  private limit: Addr = Register.unread;
  /** By row: what of the goroutines is in fields. */
  ops: readonly Op[] = [];
  /** The arena has no page for a stack: collects garbage if that is safe now, and says whether it was. null: it never is. */
  whenFull: (() => boolean) | null = null;
  /** Largest stack in bytes. Go's maxstacksize. */
  maxBytes = defaultMaxBytes;
  /** The typed layer's frames; null without one. */
  registers: Registers | null = null;

  constructor(
    private readonly heap: Heap,
    private readonly gt: GTable,
  ) {
    this.w = heap.w;
  }

  /** A goroutine runs from now on. */
  load(op: Op): void {
    this.running = op.g;
    this.lo = op.stackLo;
  }

  /** The first use of the stack in this turn. */
  private read(): void {
    const { gt, running: g } = this;
    this.hi = gt.stackHi[g];
    this.sp = gt.sp[g];
    this.fp = gt.fp[g];
    if (this.limit === Register.unread) this.limit = this.hi;
  }

  /** Writes all registers back; the goroutine may go on. */
  save(): void {
    this.spill();
    if (this.registers !== null) this.registers.write();
    this.saveRegisters();
  }

  /** A frame of the running goroutine is in registers only. */
  defer(): void {
    this.limit = 0;
  }

  private spill(): void {
    if (this.limit === this.hi) return;
    if (this.hi === Register.unread) this.read();
    this.limit = this.hi; // first: the frames are pushed by push
    try {
      if (this.registers !== null) this.registers.spill();
    } catch (error) {
      this.limit = 0; // the rest of them are in registers still
      throw error;
    }
  }

  private saveRegisters(): void {
    const { gt, running: g } = this;
    if (g === 0 || this.hi === Register.unread) return;
    gt.stackLo[g] = this.ops[g]!.stackLo = this.lo;
    gt.stackHi[g] = this.hi;
    gt.sp[g] = this.sp;
    gt.fp[g] = this.fp;
  }

  /** The running goroutine stops. It has no frames in registers: what can stop is a generator, and those have none. */
  unload(): void {
    if (this.limit !== Register.unread) this.forget();
    this.running = 0 as G;
    this.lo = 0;
  }

  private forget(): void {
    this.saveRegisters();
    this.hi = this.limit = Register.unread;
    this.fp = 0;
  }

  /**
   * Pushes a frame of n zeroed slots for pc on the running goroutine's stack; returns its offset from `lo` in bytes. As short as
   * Mutator.newObject, and for the same reason.
   */
  push(pc: number, n: number): number {
    const frame = this.sp;
    const i = frame >>> 2;
    const end = i + FrameHead.words + n;
    if (end << 2 > this.limit) return this.pushInNewRoom(pc, n);
    const { w, fp } = this;
    w[i + FrameHead.pc] = pc;
    w[i + FrameHead.shape] = fp === 0 ? n : n | (((frame - fp) >>> 2) << 16);
    for (let k = i + FrameHead.words; k < end; k++) w[k] = 0;
    this.fp = frame;
    this.sp = end << 2;
    return frame - this.lo;
  }

  /** Pops the innermost frame of the running goroutine. */
  pop(): void {
    if (this.fp === 0) this.read();
    const { fp } = this;
    const prevWords = this.w[(fp >>> 2) + FrameHead.shape]! >>> 16;
    this.sp = fp;
    this.fp = prevWords === 0 ? 0 : fp - (prevWords << 2);
  }

  /** Pops the frame at `offset` from `lo` and everything above it. For unwinding a panic. */
  popTo(offset: number): void {
    if (this.hi === Register.unread) this.read();
    while (this.fp !== 0 && this.fp - this.lo >= offset) this.pop();
  }

  /** Pc of the innermost function of the running goroutine; 0 when it has no frame. */
  innermost(): number {
    const { w } = this;
    this.spill();
    if (this.hi === Register.unread) this.read();
    for (let fp = this.fp; fp !== 0; ) {
      const i = fp >>> 2;
      const pc = w[i + FrameHead.pc]!;
      if (pc !== 0) return pc; // 0: more slots of the frame below
      const prevWords = w[i + FrameHead.shape]! >>> 16;
      fp = prevWords === 0 ? 0 : fp - (prevWords << 2);
    }
    return 0;
  }

  /** Offset from `lo` of the running goroutine's innermost frame; -1 when it has none. */
  innermostFrame(): number {
    if (this.hi === Register.unread) this.read();
    this.spill();
    return this.fp === 0 ? -1 : this.fp - this.lo;
  }

  /** Pushes the first frame of a goroutine that does not run yet; returns its offset, as push does. */
  pushFirst(g: G, pc: number, n: number): number {
    const { gt, ops, running } = this;
    if (gt.fp[g] === 0 && this.firstSlots(g, pc, n) !== 0) return 0;
    this.save();
    this.unload();
    this.load(ops[g]!);
    const offset = this.push(pc, n);
    this.unload();
    this.load(ops[running]!);
    return offset;
  }

  /** The same on the empty stack that its row has; returns the word index of its slots, or 0: there is none, or it is too small. */
  firstSlots(g: G, pc: number, n: number): number {
    const { gt, w } = this;
    const lo = gt.stackLo[g];
    const end = lo + ((FrameHead.words + n) << 2);
    if (end > gt.stackHi[g]) return 0;
    const i = lo >>> 2;
    w[i + FrameHead.pc] = pc;
    w[i + FrameHead.shape] = n;
    for (let k = 0; k < n; k++) w[i + FrameHead.words + k] = 0;
    gt.sp[g] = end;
    gt.fp[g] = lo;
    return i + FrameHead.words;
  }

  private pushInNewRoom(pc: number, n: number): number {
    this.spill();
    if (this.hi === Register.unread) this.read();
    const bytes = (FrameHead.words + n) << 2;
    if (this.sp + bytes > this.hi) this.grow(bytes);
    return this.push(pc, n);
  }

  private grow(bytes: number): void {
    const { heap } = this;
    const used = this.sp - this.lo;
    let size = Math.max(minStack, (this.hi - this.lo) * 2);
    while (size < used + bytes) size *= 2;
    if (size > this.maxBytes) fatal('stack overflow', this.overflowWords);
    const lo = this.alloc(size);
    if (used > 0) heap.w.copyWithin(lo >>> 2, this.lo >>> 2, this.sp >>> 2);
    if (this.lo !== 0) this.release(this.lo, this.hi - this.lo);
    this.fp = this.fp === 0 ? 0 : lo + (this.fp - this.lo);
    this.sp = lo + used;
    this.lo = lo;
    this.hi = this.limit = lo + size;
  }

  /** The line that Go prints before `fatal error: stack overflow`, whichever stack has ended: this one, or JavaScript's. */
  get overflowWords(): string {
    return `runtime: goroutine stack exceeds ${this.maxBytes}-byte limit`;
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
    const npages = Math.ceil(size / pageSize);
    let s = this.heap.allocSpan(npages, 1, SpanState.manual);
    if (s === 0 && this.whenFull !== null && this.whenFull()) s = this.heap.allocSpan(npages, 1, SpanState.manual);
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

  /** g is dead: its stack is empty, and given back unless the row's next goroutine may begin with it. Source: gfput. */
  freeAll(g: G): void {
    const { gt } = this;
    const lo = gt.stackLo[g];
    const size = gt.stackHi[g] - lo;
    gt.sp[g] = lo;
    gt.fp[g] = 0;
    if (size <= minStack) return;
    this.release(lo, size);
    gt.stackLo[g] = this.ops[g]!.stackLo = 0;
    gt.stackHi[g] = 0;
    gt.sp[g] = 0;
  }

  /** Greys what g's frames and its value in flight point to. Source: scanstack. */
  scan(g: G, work: GcWork): void {
    this.eachPointer(g, (addr) => work.grey(addr));
  }

  /** Visits every pointer slot of g. */
  eachPointer(g: G, visit: (addr: Addr) => void): void {
    if (g === this.running) this.save();
    const { gt } = this;
    const { w, arena } = this.heap;
    this.ops[g]!.save(w, arena.f64, gt);
    visit(gt.elem[g]);
    eachWaiting(w, gt.waiting[g], visit);
    const end = gt.sp[g] >>> 2;
    for (let i = gt.stackLo[g] >>> 2; i < end; ) {
      const n = w[i + FrameHead.shape]! & 0xffff;
      for (let k = 0; k < n; k++) visit(w[i + FrameHead.words + k]!);
      i += FrameHead.words + n;
    }
  }

  /** Writes g's pcs, leaf first, at most max, and if asked the addresses of their frames; returns how many. Source: callers, gcallers. */
  callers(g: G, pcs: Int32Array, max: number, sps?: Int32Array): number {
    const { w } = this;
    if (g === this.running) {
      this.spill(); // for their pcs; what their slots hold is not asked
      this.saveRegisters();
    }
    let n = 0;
    for (let fp = this.gt.fp[g]; fp !== 0 && n < max; ) {
      const i = fp >>> 2;
      const pc = w[i + FrameHead.pc]!;
      if (pc !== 0) {
        if (sps !== undefined) sps[n] = fp;
        pcs[n++] = pc;
      } // else more slots of the frame below
      const prevWords = w[i + FrameHead.shape]! >>> 16;
      fp = prevWords === 0 ? 0 : fp - prevWords * 4;
    }
    return n;
  }
}
