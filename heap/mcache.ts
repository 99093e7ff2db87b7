// mcache: a P's private spans, one of each span class. See layout.ts for the ladder. Source: mcache.go, malloc.go nextFreeFast.
//
// An AllocCache is a register file for the span it holds: `free` has the free granules of one bit-map word, `base` the
// address of that word's first granule. A slot is then
//
//     free = c.free;  c.free = free & (free - 1);  addr = c.base + (31 - clz32(free & -free)) * c.stride
//
// with a stride of 8, and only when the mask runs out does anyone look at the bit maps. Of large slots a word of the bit map
// holds one at most: where a span has no more than 32, `free` has a bit for each of them, and the stride is their size. `gate` is the id of the type that may take this road:
// the type of the cached span's objects, or `closed` when each allocation needs more than a slot (events are read, every
// operation is a choice point), so that the fast path has one comparison for all of these.
//
// Objects allocated while marking must be black. Go marks each of them; here the free slots of a cached span are marked
// all at once, when marking begins or the span is taken (blacken), and those still free when the marking ends or the span is
// given back are unmarked (whiten). So allocation takes the same road whether marking is on or not.
import { cas } from '../runtime/internal/atomic.ts';
import { ctz, popcount } from '../runtime/internal/bits.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { bitWordShift, granuleBytes, wordsPerPage } from './layout.ts';
import { spanBytes } from './mcentral.ts';
import type { Heap } from './mheap.ts';
import type { MSpan } from './mspan.ts';
import { classSize, classSlots, numSpanClasses } from './sizeclasses.ts';

/** `gate` that no type passes. */
export const closed = -3;

/**
 * The cached span of one span class. Plain fields: they are the hottest words of the runtime.
 *
 *              up to 32 slots of 256 bytes or more (wide)   all others
 *   free       all free slots of the span                   free granules of one bit-map word, where slots begin
 *   base       the span's first address                     address of that word's first granule
 *   stride     bytes of a slot                              8, bytes of a granule
 *   word       endWord: there is nothing further to see     that word; endWord when the span is used up
 */
export class AllocCache {
  /** Free slots not yet handed out: of the current bit-map word, at their first granules, or all of the span (wide). */
  free = 0;
  /** Address that bit 0 of free stands for. */
  base: Addr = 0;
  /** Id of the type that may allocate without further questions, or closed. */
  gate: number = closed;
  /** Bytes of a slot. */
  readonly elemSize: number;
  /** 1: slots must be zeroed. */
  needZero = 0;
  /** A bit of free stands for a slot of the span. */
  readonly wide: boolean;
  /** Bytes from one bit of free to the next. */
  readonly stride: number;
  /** Current word and end of the span in the bit maps; equal when free holds all there is. */
  word = 0;
  endWord = 0;
  span: MSpan = 0 as MSpan;
  /** Slots in use when the span was taken. */
  countBefore = 0;
  /** Slots in use when the free ones were blackened; -1: they are white. */
  blackFrom = -1;

  constructor(readonly spanClass: number) {
    this.elemSize = classSize[spanClass >>> 1]!;
    this.wide = this.elemSize >= 1 << bitWordShift && classSlots[spanClass >>> 1]! <= 32;
    this.stride = this.wide ? this.elemSize : granuleBytes;
  }
}

/** What allocation while marking has blackened, for the collector's accounts; it takes the figures and zeroes them. */
export class AllocBlack {
  /** Marking is on. */
  on = false;
  objects = 0;
  bytes = 0;
  /** Bytes in slots that may hold pointers: nothing is left to scan in them. */
  scanBytes = 0;

  /** Counts n slots of a small size class; negative: they were not used after all. */
  add(spanClass: number, n: number): void {
    this.count(n, n * classSize[spanClass >>> 1]!, (spanClass & 1) !== 0);
  }

  /** Counts a large object. */
  addLarge(noscan: boolean, bytes: number): void {
    this.count(1, bytes, noscan);
  }

  private count(objects: number, bytes: number, noscan: boolean): void {
    this.objects += objects;
    this.bytes += bytes;
    if (!noscan) this.scanBytes += bytes;
  }

  clear(): void {
    this.objects = 0;
    this.bytes = 0;
    this.scanBytes = 0;
  }
}

/** The caches of one P. */
export class MCache {
  readonly alloc: AllocCache[] = [];
  /** True while every allocation must take the slow road: see the head of this file. */
  private gatesClosed = false;
  /** Heap sweep generation at the last releaseAll. Go's flushGen. */
  flushGen: number;

  constructor(private readonly heap: Heap) {
    for (let c = 0; c < numSpanClasses; c++) this.alloc.push(new AllocCache(c));
    this.flushGen = heap.sweepGen;
    heap.caches.push(this);
  }

  /** Closes or opens the fast road of every class. */
  setGates(close: boolean): void {
    this.gatesClosed = close;
    for (const c of this.alloc) this.openGate(c);
  }

  /** Sets a class's gate to the type of its span's objects. */
  openGate(c: AllocCache): void {
    c.gate = this.gatesClosed || c.span === 0 ? closed : this.heap.mspan.objType[c.span];
  }

  /**
   * Moves to the next bit-map word of the cached span that has a free slot. False when the span is used up.
   * Source: mspan.nextFreeIndex, refillAllocCache.
   */
  nextWord(c: AllocCache): boolean {
    const { allocBits, startBits } = this.heap;
    for (let i = c.word + 1; i < c.endWord; i++) {
      const free = ~allocBits[i]! & startBits[i]!;
      if (free !== 0) {
        c.word = i;
        c.base = i << bitWordShift;
        c.free = free;
        return true;
      }
    }
    c.word = c.endWord;
    c.free = 0;
    return false;
  }

  /** Exchanges a used-up span for one with room. False when the arena is full. Source: mcache.refill. */
  refill(c: AllocCache): boolean {
    const { heap } = this;
    const { mspan, stats } = heap;
    if (c.free !== 0 || this.nextWord(c)) gothrow('refill of span with free space remaining');
    this.release(c);
    const s = heap.central.cacheSpan(c.spanClass);
    if (s === 0) return false;
    if (mspan.allocCount[s] === mspan.nelems[s]) gothrow('span has no free space');
    if (!cas(mspan.sweepGen, s, heap.sweepGen, heap.sweepGen + 3)) gothrow('bad sweepgen in refill');
    c.span = s;
    c.countBefore = mspan.allocCount[s];
    c.needZero = mspan.needZero[s];
    if (c.needZero !== 0 && c.countBefore === 0) {
      heap.arena.zero(heap.base(s), spanBytes(c.spanClass)); // all at once is several times faster than slot by slot
      c.needZero = 0;
    }
    c.endWord = (mspan.startPage[s] + mspan.npages[s]) * wordsPerPage;
    // Slots before freeAddr may have been handed out since the last sweep, and the bits do not know of them yet.
    const freeAddr = mspan.freeAddr[s];
    if (c.wide) this.takeSlots(c, freeAddr);
    else {
      c.word = freeAddr >>> bitWordShift;
      c.base = c.word << bitWordShift;
      c.free = ~heap.allocBits[c.word]! & heap.startBits[c.word]! & (-1 << ((freeAddr >>> 3) & 31));
    }
    // The whole span counts as allocated from here on; release gives back what was not used.
    stats.heapLive += spanBytes(c.spanClass) - c.countBefore * mspan.elemSize[s];
    this.openGate(c);
    if (c.free === 0 && !this.nextWord(c)) gothrow('mcache.refill: span has no free slot in its bits');
    if (heap.allocBlack.on) this.blacken(c);
    return true;
  }

  /** All free slots of a span with few of them, from freeAddr on. */
  private takeSlots(c: AllocCache, freeAddr: Addr): void {
    const { allocBits, mspan } = this.heap;
    c.word = c.endWord;
    c.base = this.heap.base(c.span);
    if (c.countBefore === 0 && freeAddr === c.base) {
      c.free = (-1 >>> (32 - mspan.nelems[c.span])) | 0; // nothing is in use: the bits need not be asked
      return;
    }
    c.free = 0;
    let slot = (freeAddr - c.base) / c.elemSize;
    for (let addr = freeAddr; slot < mspan.nelems[c.span]; slot++, addr += c.elemSize) {
      if (((allocBits[addr >>> bitWordShift]! >>> ((addr >>> 3) & 31)) & 1) === 0) c.free |= 1 << slot;
    }
  }

  /** Slots of the cached span in use now. */
  private countNow(c: AllocCache): number {
    const { allocBits, startBits, mspan } = this.heap;
    if (c.free === 0 && c.word === c.endWord) return mspan.nelems[c.span]; // used up: nearly always when a span is given back
    let free = popcount(c.free);
    for (let i = c.word + 1; i < c.endWord; i++) free += popcount(~allocBits[i]! & startBits[i]!);
    return mspan.nelems[c.span] - free;
  }

  private freeAddr(c: AllocCache): Addr {
    if (c.free !== 0) return c.base + ctz(c.free) * c.stride;
    return c.word < c.endWord ? (c.word + 1) << bitWordShift : c.endWord << bitWordShift;
  }

  /** Writes the cached span's cursor and count into the span table. */
  writeBackOne(c: AllocCache): void {
    const { mspan } = this.heap;
    mspan.freeAddr[c.span] = this.freeAddr(c);
    mspan.allocCount[c.span] = this.countNow(c);
  }

  /** Writes every cached cursor and count into the span table; the caches stay. */
  writeBack(): void {
    for (const c of this.alloc) if (c.span !== 0) this.writeBackOne(c);
  }

  /** Objects allocated from the cached spans since they were taken. */
  uncounted(): number {
    let n = 0;
    for (const c of this.alloc) if (c.span !== 0) n += this.countNow(c) - c.countBefore;
    return n;
  }

  /** Their bytes. */
  uncountedBytes(): number {
    let bytes = 0;
    for (const c of this.alloc) if (c.span !== 0) bytes += (this.countNow(c) - c.countBefore) * c.elemSize;
    return bytes;
  }

  /** Marks the free slots of a cached span, so that what is allocated in them is black. Source: gcmarknewobject. */
  private blacken(c: AllocCache): void {
    const { allocBits, startBits, markBits, allocBlack } = this.heap;
    c.blackFrom = this.countNow(c);
    for (let free = c.free; free !== 0; free &= free - 1) {
      const addr = c.base + ctz(free) * c.stride;
      markBits[addr >>> bitWordShift]! |= 1 << ((addr >>> 3) & 31);
    }
    for (let i = c.word + 1; i < c.endWord; i++) markBits[i]! |= ~allocBits[i]! & startBits[i]!;
    allocBlack.add(c.spanClass, this.heap.mspan.nelems[c.span] - c.blackFrom);
  }

  /** Takes back what blacken did to the slots that are still free. */
  private whiten(c: AllocCache): void {
    if (c.blackFrom < 0) return;
    const { allocBits, startBits, markBits, allocBlack } = this.heap;
    if (c.free !== 0 || c.word !== c.endWord) {
      for (let free = c.free; free !== 0; free &= free - 1) {
        const addr = c.base + ctz(free) * c.stride;
        markBits[addr >>> bitWordShift]! &= ~(1 << ((addr >>> 3) & 31));
      }
      for (let i = c.word + 1; i < c.endWord; i++) markBits[i]! &= ~(~allocBits[i]! & startBits[i]!);
      allocBlack.add(c.spanClass, this.countNow(c) - this.heap.mspan.nelems[c.span]);
    }
    c.blackFrom = -1;
  }

  /** Marking begins: what is allocated from now on is black. The world is stopped. */
  blackenAll(): void {
    for (const c of this.alloc) if (c.span !== 0) this.blacken(c);
  }

  /** Marking ends. The world is stopped. */
  whitenAll(): void {
    for (const c of this.alloc) this.whiten(c);
  }

  /** Whether this cache holds span s with its free slots marked. */
  blackened(s: MSpan): boolean {
    return this.alloc.some((c) => c.span === s && c.blackFrom >= 0);
  }

  /**
   * A slot of the cached span was freed by hand: the cursor goes back to it if it has passed it, and what was handed out
   * behind it stands in the alloc bits from now on. Source: free of malloc.goc, "we own the span".
   */
  takeBack(c: AllocCache, addr: Addr): void {
    const { allocBits, startBits, mspan } = this.heap;
    const word = addr >>> bitWordShift;
    const bit = 1 << ((addr >>> 3) & 31);
    if (c.wide) this.takeBackSlot(c, addr);
    else if (word <= c.word) {
      for (let i = word; i < c.word; i++) allocBits[i] = startBits[i]!;
      if (c.word < c.endWord) allocBits[c.word] = startBits[c.word]! & ~c.free;
      c.free = word === c.word ? c.free | bit : bit;
      c.word = word;
      c.base = word << bitWordShift;
    }
    allocBits[word]! &= ~bit;
    c.countBefore--; // so that the slot's next use counts as an allocation
    c.needZero = 1;
    mspan.needZero[c.span] = 1;
    this.writeBackOne(c);
  }

  /** takeBack where free holds all free slots: those that it does not hold are in use. */
  private takeBackSlot(c: AllocCache, addr: Addr): void {
    const { allocBits, mspan } = this.heap;
    c.free |= 1 << ((addr - c.base) / c.elemSize);
    for (let slot = 0, at = c.base; slot < mspan.nelems[c.span]; slot++, at += c.elemSize) {
      if (((c.free >>> slot) & 1) === 0) allocBits[at >>> bitWordShift]! |= 1 << ((at >>> 3) & 31);
    }
  }

  /** Gives one class's span back to mcentral and corrects the statistics. */
  private release(c: AllocCache): void {
    if (c.span === 0) return;
    this.whiten(c);
    const { heap } = this;
    const { mspan, stats } = heap;
    const s = c.span;
    this.writeBackOne(c);
    const now = mspan.allocCount[s];
    stats.addSmallAllocs(c.spanClass >>> 1, now - c.countBefore);
    if (mspan.sweepGen[s] !== heap.sweepGen + 1) {
      // Cached in this cycle: heapLive counted the whole span. (Spans cached before it were set right by the marking.)
      stats.heapLive -= (mspan.nelems[s] - now) * mspan.elemSize[s];
    }
    c.span = 0 as MSpan;
    c.free = 0;
    c.word = c.endWord;
    c.gate = closed;
    heap.central.uncacheSpan(s);
  }

  /** Gives all spans back. Source: mcache.releaseAll. */
  releaseAll(): void {
    for (const c of this.alloc) this.release(c);
  }

  /** Gives stale spans back once a cycle, so that they get swept. Source: mcache.prepareForSweep. */
  prepareForSweep(): void {
    if (this.flushGen === this.heap.sweepGen) return;
    if (this.flushGen !== this.heap.sweepGen - 2)
      gothrow(`bad flushGen ${this.flushGen} in prepareForSweep; sweepgen ${this.heap.sweepGen}`);
    this.releaseAll();
    this.flushGen = this.heap.sweepGen;
  }
}
