// mgcpacer2014: when a cycle begins, by the rule of Go 1.4. See mgcpacer.ts for the rule of 1.19, which this replaces.
//
//   mark termination     next_gc = heap_alloc + heap_alloc * GOGC/100     nothing is swept yet, so all of it counts as live
//   each span swept      next_gc -= freed * (1 + GOGC/100)                as the sweep finds out what was not
//   a malloc             heap_alloc >= next_gc: collect
//
// There is no minimum and next_gc begins at 0, so a young heap is collected at 0, 8 KiB, 16 KiB, 32 KiB … There is no goal to
// reach either: marking is one pause, during which nobody allocates, so nobody is charged for it and the sweep is not hurried.
//
// heap_alloc is what was allocated and not yet swept. Both it and next_gc are worked out from the heap's counters when asked.
// Source: mgc0.c (gc, MSpan_Sweep), malloc.go (mallocgc) of Go 1.4.
import type { Heap } from '../heap/mheap.ts';
import { Pacer } from './mgcpacer.ts';

/** Threads that mark at most. Go's _MaxGcproc. */
export const maxGcProc = 32;

/** Decides when the collector of 2014 runs. Goal and trigger are one number: next_gc. */
export class Pacer2014 extends Pacer {
  /** Bytes taken for live at the last mark termination, and bytes freed before it. */
  private allocAtMark = 0;
  private freedAtMark = 0;

  constructor(
    gcPercent: number,
    private readonly counted: Heap,
  ) {
    super(gcPercent, counted.stats);
  }

  /** Bytes allocated and not swept yet. Go's memstats.heap_alloc. */
  get heapAlloc(): number {
    const { allocBytes, freeBytes } = this.counted.stats.totals();
    return allocBytes - freeBytes + this.counted.cachedBytes();
  }

  /** Go's memstats.next_gc; Infinity with GOGC=off. */
  override get goal(): number {
    if (this.gcPercent < 0) return Infinity;
    const freed = this.counted.stats.totals().freeBytes - this.freedAtMark;
    return Math.floor(((this.allocAtMark - freed) * (100 + this.gcPercent)) / 100);
  }

  override shouldTrigger(): boolean {
    return this.heapAlloc >= this.goal;
  }

  override resetLive(bytesMarked: number): void {
    super.resetLive(bytesMarked);
    this.allocAtMark = this.heapAlloc;
    this.freedAtMark = this.counted.stats.totals().freeBytes;
  }
}
