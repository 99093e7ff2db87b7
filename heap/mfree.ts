// mfree: giving one object back by hand, as a Go program could until 2014 (runtime·free). See layout.ts for the ladder.
//
// Nothing of the collector is asked: the program says that it is done with the object, and it is wrong at its own risk, since
// a pointer that is left somewhere now points to a free slot. In order:
//
//   1 the span is swept                  so that its bits speak of this cycle
//   2 the object's records go            the profiler hears of the free in real time, weak pointers read nil, cleanups are due
//   3 the slot is free                   in the P's cache if the span is cached: the next allocation of the class that comes by may
//                                        take it; else in the span, which goes to the sets with room, or back to the heap when empty
//
// An object that was not sampled has no record and is not counted, as in Go. Refused, with nothing changed, by a RangeError:
// whatever is not the first address of an allocated object; objects under 16 bytes and tiny blocks, which may be shared;
// objects with a finalizer. Source: free of malloc.goc, freeallspecials of mheap.c (Go 1.3).
import { Ev } from '../runtime/internal/events.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { bitWordShift } from './layout.ts';
import type { AllocCache, MCache } from './mcache.ts';
import type { Heap } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { freeSpecialsOf, hasFinalizerAt } from './mspecial.ts';
import { ensureSwept } from './msweep.ts';
import { tinySize } from './sizeclasses.ts';

/**
 * Frees the object at addr in span s, which checkFree has let pass. Not while marking: the object may wait in a work buffer.
 * Returns the bytes by which the heap became smaller, 0 when the slot stays in a P's cache (whose spans count as used up).
 */
export function freeObject(heap: Heap, s: MSpan, addr: Addr): number {
  const size = heap.mspan.elemSize[s];
  freeSpecialsOf(heap, s, addr);
  if (heap.events.on) heap.events.emit(Ev.free, addr, size, 1);
  if (heap.clobberFree) heap.w.fill(0xdeadbeef | 0, addr >>> 2, (addr + size) >>> 2);
  const sizeclass = heap.mspan.spanClass[s] >>> 1;
  if (sizeclass !== 0) heap.stats.addSmallFrees(sizeclass, 1);
  else heap.stats.addLargeFree(size);
  const held = cachedBy(heap, s);
  if (held !== null) {
    held.cache.takeBack(held.slots, addr);
    return 0;
  }
  freeSlot(heap, s, addr);
  heap.stats.heapLive -= size;
  return size;
}

/** The span of the object at addr, swept. Throws RangeError when the object cannot be freed by hand; nothing has changed then. */
export function checkFree(heap: Heap, addr: Addr): MSpan {
  const refuse = (why: string): never => {
    throw new RangeError(`free 0x${(addr >>> 0).toString(16)}: ${why}`);
  };
  if (!Number.isInteger(addr)) throw new TypeError(`free: got ${String(addr)}, wanted an object's address`);
  if (addr === 0) refuse('a nil pointer');
  if (!heap.isHeapAddr(addr)) refuse('not in the heap');
  const { mspan } = heap;
  const s = heap.spanOf(addr);
  if (s === 0) refuse('nothing is allocated there');
  if (mspan.state[s] === SpanState.manual) refuse('in a stack');
  const base = heap.objectBase(addr);
  if (base === 0) refuse('behind the last slot of its span');
  const object = base === addr ? 'already freed, or never allocated' : `inside the slot at 0x${base.toString(16)}`;
  if (base !== addr) refuse(object);
  if (mspan.elemSize[s] < tinySize) refuse('freeing too small block: objects under 16 bytes may be shared');
  if (heap.typeOf(addr) === heap.tinyType.id) refuse('freeing too small block: it is shared by several objects');
  ensureSwept(heap, s); // may give the object back, or the span
  const held = cachedBy(heap, s);
  held?.cache.writeBackOne(held.slots);
  if (heap.spanOfHeap(addr) !== s || !heap.isAllocated(s, addr)) refuse(object);
  if (hasFinalizerAt(heap, s, addr)) refuse("can't explicitly free an object with a finalizer");
  return s;
}

/** The cache that holds a span; null when none does. */
function cachedBy(heap: Heap, s: MSpan): { cache: MCache; slots: AllocCache } | null {
  const spanClass = heap.mspan.spanClass[s];
  if (spanClass >>> 1 === 0) return null;
  for (const cache of heap.caches) {
    const slots = cache.alloc[spanClass]!;
    if (slots.span === s) return { cache, slots };
  }
  return null;
}

/** Step 3 for a span that no P caches: it is in a set. */
function freeSlot(heap: Heap, s: MSpan, addr: Addr): void {
  const { mspan, allocBits, startBits, central } = heap;
  central.unlink(s);
  // Slots between the freed one and the cursor have been handed out, and from now on the bits must say so.
  const freeAddr = mspan.freeAddr[s];
  if (addr < freeAddr) {
    fillBits(allocBits, startBits, addr, freeAddr);
    mspan.freeAddr[s] = addr;
  }
  allocBits[addr >>> bitWordShift]! &= ~(1 << ((addr >>> 3) & 31));
  mspan.needZero[s] = 1;
  if (--mspan.allocCount[s] > 0) {
    central.push(s);
    return;
  }
  heap.clearObjectType(s);
  heap.freeSpan(s);
}

/** Sets the bits of all slots that begin in [from, to). */
function fillBits(bits: Int32Array, startBits: Int32Array, from: Addr, to: Addr): void {
  for (let i = from >>> bitWordShift; i << bitWordShift < to; i++) {
    const wordAddr = i << bitWordShift;
    let mask = startBits[i]!;
    if (from > wordAddr) mask &= -1 << ((from - wordAddr) >>> 3);
    if (to - wordAddr < 1 << bitWordShift) mask &= (1 << ((to - wordAddr) >>> 3)) - 1;
    bits[i]! |= mask;
  }
}
