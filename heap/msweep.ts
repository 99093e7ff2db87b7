// msweep: sweeping one span. Which span is next is the collector's business (gc/mgcsweep.ts). See layout.ts for the ladder.
//
// The caller owns the span: it moved sweepGen from sg-2 (or sg+1) to sg-1 and took the span out of its set. Then, in
// Go's order (mgcsweep.go, sweepLocked.sweep):
//
//   1 specials of dead objects: the profiler hears of each sampled one while the slot still is what it was
//   2 who watches frees (events) hears of every dead object; clobberfree overwrites it
//   3 zombies: a marked slot that was never allocated means that somebody kept a pointer to a free object
//   4 allocBits = markBits, markBits = 0, counts
//   5 publish sweepGen = sg: whoever observes it may use the span
//   6 an empty span's pages go back to the heap, others into mcentral's swept sets
import { cas, publish } from '../runtime/internal/atomic.ts';
import { popcount } from '../runtime/internal/bits.ts';
import { Ev } from '../runtime/internal/events.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { bitWordShift, wordsPerPage } from './layout.ts';
import type { Heap } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { sweepSpecials } from './mspecial.ts';
import type { ExchangeBits } from './sweepkernel.ts';
import { zombieReport } from './zombies.ts';

/**
 * Sweeps a span that the caller owns. preserve: the caller keeps it (it will be cached), whatever is left in it.
 * Returns whether the span went back to the heap.
 */
export function sweepSpan(heap: Heap, s: MSpan, preserve: boolean): boolean {
  const { mspan, stats } = heap;
  if (mspan.state[s] !== SpanState.inUse || mspan.sweepGen[s] !== heap.sweepGen - 1) gothrow('mspan.sweep: bad span state');
  stats.pagesSwept += mspan.npages[s];
  if (mspan.specials[s] !== 0) sweepSpecials(heap, s);
  if (heap.events.on) reportDead(heap, s);
  if (heap.clobberFree) clobberDead(heap, s);
  const live = exchangeBits(heap, s);
  const freed = mspan.allocCount[s] - live;
  if (freed < 0) gothrow('sweep increased allocation count');
  mspan.allocCount[s] = live;
  mspan.freeAddr[s] = heap.base(s);
  if (freed > 0) mspan.needZero[s] = 1;
  publish(mspan.sweepGen, s, heap.sweepGen);
  if (heap.events.on) heap.events.emit(Ev.sweepSpan, s, freed, live);
  return recycle(heap, s, freed, live, preserve);
}

/** Steps 3 and 4; returns the number of live slots. */
function exchangeBits(heap: Heap, s: MSpan): number {
  const { startPage, npages, freeAddr } = heap.mspan;
  const first = startPage[s] * wordsPerPage;
  const end = first + npages[s] * wordsPerPage;
  const cursor = freeAddr[s] >>> bitWordShift;
  const below = (1 << ((freeAddr[s] >>> 3) & 31)) - 1; // granules before the cursor, slots or not: only slots are ever marked
  const live = heap.exchange(first, end, cursor, below);
  if (live < 0) zombie(heap, s, first, end);
  if (heap.faults.keepMarkBits) for (let i = first; i < end; i++) heap.markBits[i] = heap.allocBits[i]!;
  return live;
}

/** The reference of sweepkernel.wat, on bit maps of any memory: see ExchangeBits. */
export function exchangeInScript(allocBits: Int32Array, markBits: Int32Array): ExchangeBits {
  return (first, end, cursor, below) => {
    for (let i = cursor; i < end; i++) {
      if ((markBits[i]! & ~(allocBits[i]! | below)) !== 0) return -1;
      below = 0;
    }
    let live = 0;
    for (let i = first; i < end; i++) {
      const marked = markBits[i]!;
      markBits[i] = 0;
      allocBits[i] = marked;
      live += popcount(marked);
    }
    return live;
  };
}

/** Step 6. */
function recycle(heap: Heap, s: MSpan, freed: number, live: number, preserve: boolean): boolean {
  const { mspan, stats } = heap;
  const sizeclass = mspan.spanClass[s] >>> 1;
  if (freed > 0) {
    if (sizeclass !== 0) stats.addSmallFrees(sizeclass, freed);
    else stats.addLargeFree(mspan.elemSize[s]);
  }
  if (live === 0) {
    heap.clearObjectType(s);
    if (!preserve) {
      heap.freeSpan(s);
      return true;
    }
  }
  if (!preserve) heap.central.push(s);
  return false;
}

/** Allocated slots in bit-map word i of span s: live at the last sweep, or handed out since. */
export function allocatedIn(heap: Heap, s: MSpan, i: number): number {
  const wordAddr = i << bitWordShift;
  const freeAddr = heap.mspan.freeAddr[s];
  const starts = heap.startBits[i]!;
  if (wordAddr + (1 << bitWordShift) <= freeAddr) return starts;
  const below = freeAddr > wordAddr ? (1 << ((freeAddr - wordAddr) >>> 3)) - 1 : 0;
  return starts & (heap.allocBits[i]! | below);
}

function reportDead(heap: Heap, s: MSpan): void {
  const { markBits, mspan } = heap;
  const first = mspan.startPage[s] * wordsPerPage;
  for (let i = first; i < first + mspan.npages[s] * wordsPerPage; i++) {
    for (let dead = allocatedIn(heap, s, i) & ~markBits[i]!; dead !== 0; dead &= dead - 1) {
      heap.events.emit(Ev.free, (i << bitWordShift) + (31 - Math.clz32(dead & -dead)) * 8, mspan.elemSize[s]);
    }
  }
}

/** Overwrites every dead object, so that whoever still reads it sees it. Source: clobberfree. */
function clobberDead(heap: Heap, s: MSpan): void {
  const { w, markBits, mspan } = heap;
  const first = mspan.startPage[s] * wordsPerPage;
  const words = mspan.elemSize[s] >>> 2;
  for (let i = first; i < first + mspan.npages[s] * wordsPerPage; i++) {
    for (let dead = allocatedIn(heap, s, i) & ~markBits[i]!; dead !== 0; dead &= dead - 1) {
      const at = ((i << bitWordShift) >>> 2) + (31 - Math.clz32(dead & -dead)) * 2;
      w.fill(deadBeef, at, at + words);
    }
  }
}

const deadBeef = 0xdeadbeef | 0;

function zombie(heap: Heap, s: MSpan, first: number, end: number): never {
  let i = first;
  while (i < end && (heap.markBits[i]! & ~allocatedIn(heap, s, i)) === 0) i++;
  const slots = heap.markBits[i]! & ~allocatedIn(heap, s, i);
  const addr = (i << bitWordShift) + (31 - Math.clz32(slots & -slots)) * 8;
  return gothrow(
    `found pointer to free object: 0x${addr.toString(16)} in span ${s} (elemsize ${heap.mspan.elemSize[s]})`,
    zombieReport(heap, s),
  );
}

/** Sweeps a span now if nobody has in this cycle. The caller is not the one that sweeps it. Source: mspan.ensureSwept. */
export function ensureSwept(heap: Heap, s: MSpan): void {
  const { mspan, sweepGen } = heap;
  const gen = mspan.sweepGen[s];
  if (gen === sweepGen || gen === sweepGen + 3) return;
  if (gen === sweepGen + 1 && heap.faults.specialOnUnswept) return;
  if (gen !== sweepGen - 2 || !cas(mspan.sweepGen, s, sweepGen - 2, sweepGen - 1)) {
    gothrow(`mspan.ensureSwept: span ${s} has sweepgen ${gen}, heap ${sweepGen}`); // one thread: nobody else can be sweeping it
  }
  heap.central.unlink(s);
  sweepSpan(heap, s, false);
}
