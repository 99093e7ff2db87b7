// mgcwork: the grey objects. Work buffers of 2 KiB lie off the heap; the holder pushes to and pops from one of its own and
// exchanges full ones over a common list. Source: mgcwork.go.
//
//   GcWork                               lists
//   +--------+                           full  -> [510] -> [510] -> …
//   | buffer |  pop when empty  <------  empty -> [0] -> …
//   +--------+  push when full  ------>
//
// All of it lies in the arena, in the record MarkState, because two loops work on it: drainInScript (mgcmark.ts) and its twin in
// WebAssembly (markkernel.wat). Both run until they cannot go on; what is rare is done here, between two of their runs.
//
// An object is in a buffer at most once a cycle: its mark bit is set when it is pushed. Objects without pointers are never
// pushed; marking makes them black at once. Of a large object, pieces may be in a buffer (mgcoblet.ts).
//
// Invariant M1: grey (in a buffer) implies marked; buffers are empty outside the mark phase.

import { bitWordShift } from '../heap/layout.ts';
import type { Heap } from '../heap/mheap.ts';
import { noscanMask } from '../heap/types.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { gothrow } from '../runtime/internal/throw.ts';

/** Word offsets of a work buffer. */
export const enum Workbuf {
  next,
  /** objects in it; for the buffer in use MarkState.count is right */
  count,
  objects,
}
/** Bytes of a work buffer, and how many objects it holds. Go's workbufAlloc pieces: 253 with 64-bit words, 510 here. */
const workbufBytes = 2048;
export const workbufObjects = workbufBytes / 4 - Workbuf.objects;

/** Pointers that are no slot's beginning: the loop stops when it has more than oddMax, and an object has 31 at most. */
export const oddMax = 256;
const oddSlots = oddMax + 32;

/** Word offsets of the marker's state. Buffers are word indexes, not addresses. markkernel.wat has the same numbers times 4. */
export const enum MarkState {
  /** lists of buffers, linked by Workbuf.next, and the length of the first */
  full,
  empty,
  fullCount,
  /** the buffer in use, and the objects in it */
  buffer,
  count,
  /** words of a long object to be scanned before the next object: addresses, equal when there are none */
  rangeFrom,
  rangeEnd,
  /** what the last run of the loop did: bytes and objects blackened, bytes and objects scanned */
  bytesMarked,
  objectsMarked,
  scanWork,
  scanned,
  /** pointers that were no slot's beginning, for greyInside */
  oddCount,
  odd,
}

/** Scans until maxObjects are done or it needs help (drainInScript says what for). Leaves its figures in the state. */
export type MarkLoop = (maxObjects: number) => void;

/** What mgcmark.ts does with the grey objects. */
export interface MarkLoops {
  readonly mark: MarkLoop;
  /** Scans an object that mark does not understand. */
  readonly scanSlow: (obj: Addr) => void;
}

/** The grey objects of one machine. */
export class GcWork {
  private readonly w: Int32Array;
  private readonly startBits: Int32Array;
  private readonly markBits: Int32Array;
  private readonly pageInfo: Int32Array;
  private readonly loops: MarkLoops;
  /** Word index of the record MarkState. */
  readonly state: number;
  /** Bytes of objects blackened in this cycle, and how many; zeroed when marking begins. */
  bytesMarked = 0;
  objectsMarked = 0;
  /** Bytes of objects scanned since the collector last took them to the pacer. Go's gcWork.heapScanWork. */
  scanWork = 0;

  constructor(
    private readonly heap: Heap,
    private readonly sys: SysMem,
    loops: (work: GcWork) => MarkLoops,
  ) {
    this.w = heap.w;
    this.startBits = heap.startBits;
    this.markBits = heap.markBits;
    this.pageInfo = heap.pageInfo;
    this.state = sys.persistentAlloc((MarkState.odd + oddSlots) * 4, 8, Sys.gc) >>> 2;
    this.w[this.state + MarkState.buffer] = this.newBuffer();
    this.loops = loops(this);
  }

  private newBuffer(): number {
    return this.sys.persistentAlloc(workbufBytes, 8, Sys.gc) >>> 2;
  }

  /**
   * Greys the object at addr, or the one that addr points into, unless it is marked; 0 is skipped.
   * Source: greyobject, and shade of mgcmark.go.
   */
  grey(addr: Addr): void {
    if (addr === 0) return;
    const word = addr >>> bitWordShift;
    const bit = 1 << ((addr >>> 3) & 31);
    const marks = this.markBits[word]!;
    if ((marks & bit) !== 0) return;
    if ((this.startBits[word]! & bit) === 0 || (addr & 7) !== 0) {
      this.greyInside(addr);
      return;
    }
    this.markBits[word] = marks | bit;
    const info = (addr >>> 13) << 1;
    this.bytesMarked += this.pageInfo[info + 1]!;
    this.objectsMarked++;
    if (this.pageInfo[info] !== noscanMask) this.put(addr);
  }

  /**
   * addr is no slot's first address: greys the object around it. Addresses off the heap and in stacks are nobody's; one in a
   * free page means that somebody kept a pointer too long. Source: findObject, badPointer.
   */
  private greyInside(addr: Addr): void {
    const base = this.heap.objectBase(addr);
    if (base !== 0) this.grey(base);
    else if (this.heap.isHeapAddr(addr) && this.heap.spanOf(addr) === 0) gothrow(`found bad pointer in Go heap: 0x${addr.toString(16)}`);
  }

  /** Pushes an object, or a piece of one, that is marked. */
  put(addr: Addr): void {
    const { w, state } = this;
    if (w[state + MarkState.count] === workbufObjects) this.spill();
    w[w[state + MarkState.buffer]! + Workbuf.objects + w[state + MarkState.count]!] = addr;
    w[state + MarkState.count]!++;
  }

  /** Gives the full buffer away and takes an empty one. */
  private spill(): void {
    const { w, state } = this;
    this.supplyEmpty();
    const b = w[state + MarkState.buffer]!;
    const empty = w[state + MarkState.empty]!;
    w[b + Workbuf.count] = workbufObjects;
    w[b + Workbuf.next] = w[state + MarkState.full]!;
    w[state + MarkState.full] = b;
    w[state + MarkState.fullCount]!++;
    w[state + MarkState.empty] = w[empty + Workbuf.next]!;
    w[state + MarkState.buffer] = empty;
    w[state + MarkState.count] = 0;
  }

  /** Sees to it that there is an empty buffer. */
  private supplyEmpty(): void {
    const { w, state } = this;
    if (w[state + MarkState.empty] !== 0) return;
    const b = this.newBuffer();
    w[b + Workbuf.next] = 0;
    w[state + MarkState.empty] = b;
  }

  /** Scans pointers that lie one after the other, from one address to another. */
  scanRange(from: Addr, end: Addr): void {
    const { w, state } = this;
    w[state + MarkState.rangeFrom] = from;
    w[state + MarkState.rangeEnd] = end;
    do this.run(0);
    while (w[state + MarkState.rangeFrom] !== end);
  }

  /** Scans up to maxObjects grey objects. Returns the number scanned; less than maxObjects: none was left. Source: gcDrain. */
  drain(maxObjects: number): number {
    const { w, state } = this;
    let scanned = 0;
    while (true) {
      const helped = this.run(maxObjects - scanned);
      scanned += w[state + MarkState.scanned]!;
      if (helped) continue;
      if (scanned >= maxObjects || w[state + MarkState.count] === 0) return scanned;
      const obj = w[w[state + MarkState.buffer]! + Workbuf.objects - 1 + w[state + MarkState.count]!]!;
      w[state + MarkState.count]!--;
      scanned++;
      this.scanWork += this.pageInfo[((obj >>> 13) << 1) + 1]!;
      this.loops.scanSlow(obj);
    }
  }

  /** Runs the loop once and does what it left to do. False: it stopped at an object for scanSlow, or has no more to do. */
  private run(maxObjects: number): boolean {
    const { w, state } = this;
    this.supplyEmpty();
    this.loops.mark(maxObjects);
    this.bytesMarked += w[state + MarkState.bytesMarked]! >>> 0;
    this.objectsMarked += w[state + MarkState.objectsMarked]!;
    this.scanWork += w[state + MarkState.scanWork]! >>> 0;
    if (w[state + MarkState.oddCount] === 0) {
      return w[state + MarkState.rangeFrom] !== w[state + MarkState.rangeEnd] || w[state + MarkState.empty] === 0;
    }
    this.greyOdd();
    return true;
  }

  private greyOdd(): void {
    const { w, state } = this;
    const n = w[state + MarkState.oddCount]!;
    for (let i = 0; i < n; i++) this.greyInside(w[state + MarkState.odd + i]!);
    w[state + MarkState.oddCount] = 0;
  }

  /** Visits every grey object; for looking. */
  eachQueued(visit: (addr: Addr) => void): void {
    const { w, state } = this;
    const each = (b: number, n: number) => {
      for (let i = 0; i < n; i++) visit(w[b + Workbuf.objects + i]!);
    };
    each(w[state + MarkState.buffer]!, w[state + MarkState.count]!);
    for (let b = w[state + MarkState.full]!; b !== 0; b = w[b + Workbuf.next]!) each(b, w[b + Workbuf.count]!);
  }

  /** Nothing is grey. */
  get empty(): boolean {
    const { w, state } = this;
    return (
      w[state + MarkState.count] === 0 &&
      w[state + MarkState.full] === 0 &&
      w[state + MarkState.rangeFrom] === w[state + MarkState.rangeEnd]
    );
  }
}
