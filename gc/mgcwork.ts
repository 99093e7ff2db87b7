// mgcwork: the grey objects. Work buffers of 2 KiB lie off the heap; each holder pushes to and pops from one of its own and
// exchanges full ones over a common list. Source: mgcwork.go.
//
//   GcWork (one a worker, mutator)       Workbufs (one a machine)
//   +--------+                           full  -> [510] -> [510] -> …
//   | buffer |  pop when empty  <------  empty -> [0] -> …
//   +--------+  push when full  ------>
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
const enum Workbuf {
  next,
  /** objects in it; the holder keeps the count in a field and writes it when the buffer changes hands */
  count,
  objects,
}
/** Bytes of a work buffer, and how many objects it holds. Go's workbufAlloc pieces: 253 with 64-bit words, 510 here. */
const workbufBytes = 2048;
export const workbufObjects = workbufBytes / 4 - Workbuf.objects;

/** The buffers of one machine. Word indexes, not addresses: i32[b + Workbuf.count]. */
export class Workbufs {
  private full = 0;
  private empty = 0;
  /** Full buffers waiting for a worker. */
  fullCount = 0;

  constructor(
    private readonly heap: Heap,
    private readonly sys: SysMem,
  ) {}

  getEmpty(): number {
    const { w } = this.heap;
    const b = this.empty;
    if (b === 0) return this.sys.persistentAlloc(workbufBytes, 8, Sys.gc) >>> 2;
    this.empty = w[b + Workbuf.next]!;
    w[b + Workbuf.count] = 0;
    return b;
  }
  putEmpty(b: number): void {
    this.heap.w[b + Workbuf.next] = this.empty;
    this.empty = b;
  }
  putFull(b: number): void {
    this.heap.w[b + Workbuf.next] = this.full;
    this.full = b;
    this.fullCount++;
  }
  /** Visits the objects in all full buffers; for looking. */
  eachQueued(visit: (addr: Addr) => void): void {
    const { w } = this.heap;
    for (let b = this.full; b !== 0; b = w[b + Workbuf.next]!) {
      for (let i = 0; i < w[b + Workbuf.count]!; i++) visit(w[b + Workbuf.objects + i]!);
    }
  }
  /** A buffer with work; 0 when there is none. */
  getFull(): number {
    const b = this.full;
    if (b !== 0) {
      this.full = this.heap.w[b + Workbuf.next]!;
      this.fullCount--;
    }
    return b;
  }
}

/** One holder's grey objects. */
export class GcWork {
  private readonly w: Int32Array;
  private readonly startBits: Int32Array;
  private readonly markBits: Int32Array;
  private readonly pageInfo: Int32Array;
  /** Word index of the first object of the buffer in use, and the objects in it. The drain loop keeps both in locals. */
  objects: number;
  count = 0;
  /** Bytes of objects blackened through this holder in this cycle; only grows, zeroed when marking begins. */
  bytesMarked = 0;
  objectsMarked = 0;
  /** Bytes of objects scanned since the collector last took them to the pacer. Go's gcWork.heapScanWork. */
  scanWork = 0;

  constructor(
    private readonly heap: Heap,
    readonly bufs: Workbufs,
  ) {
    this.w = heap.w;
    this.startBits = heap.startBits;
    this.markBits = heap.markBits;
    this.pageInfo = heap.pageInfo;
    this.objects = bufs.getEmpty() + Workbuf.objects;
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
  greyInside(addr: Addr): void {
    const base = this.heap.objectBase(addr);
    if (base !== 0) this.grey(base);
    else if (this.heap.isHeapAddr(addr) && this.heap.spanOf(addr) === 0) gothrow(`found bad pointer in Go heap: 0x${addr.toString(16)}`);
  }

  put(addr: Addr): void {
    if (this.count === workbufObjects) this.spill();
    this.w[this.objects + this.count++] = addr;
  }

  /** Gives the full buffer away and takes an empty one. */
  spill(): void {
    const b = this.objects - Workbuf.objects;
    this.w[b + Workbuf.count] = this.count;
    this.bufs.putFull(b);
    this.objects = this.bufs.getEmpty() + Workbuf.objects;
    this.count = 0;
  }

  /** Exchanges the empty buffer for one with work; false when there is none anywhere. */
  takeFull(): boolean {
    const b = this.bufs.getFull();
    if (b === 0) return false;
    this.bufs.putEmpty(this.objects - Workbuf.objects);
    this.objects = b + Workbuf.objects;
    this.count = this.w[b + Workbuf.count]!;
    return true;
  }

  /** Makes all work visible to others. Source: gcWork.dispose. */
  dispose(): void {
    if (this.count > 0) this.spill();
  }

  /** Visits every grey object, of this holder and of the common list; for looking. */
  eachQueued(visit: (addr: Addr) => void): void {
    for (let i = 0; i < this.count; i++) visit(this.w[this.objects + i]!);
    this.bufs.eachQueued(visit);
  }

  get empty(): boolean {
    return this.count === 0;
  }
}
