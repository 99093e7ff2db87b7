// mgcmark: marking. Root jobs first, then grey objects until there are none. See mgc.ts for the cycle.
//
// drain is the hot loop of the collector: a popped object's page tells its pointers as a mask (heap/types.ts); each child
// costs a bit test, a bit set and a push. Everything it touches is a local. Objects of mixed or large types take
// scanObjectSlow; those over 128 KiB are scanned in pieces (mgcoblet.ts). Work is counted in bytes of scanned objects, as in Go.

import { bitWordShift } from '../heap/layout.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { Special, SpecialKind } from '../heap/mspecial.ts';
import { noscanMask } from '../heap/types.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { maxObletBytes, scanOblet } from './mgcoblet.ts';
import { type GcWork, workbufObjects } from './mgcwork.ts';

/**
 * Scans up to maxObjects grey objects of work and of the common list.
 * Returns the number scanned; less than maxObjects means that no grey object was left to this worker.
 * Source: gcDrain.
 */
export function drain(heap: Heap, work: GcWork, maxObjects: number): number {
  const { w, startBits, markBits, pageInfo } = heap;
  let { objects, count } = work;
  let bytesMarked = 0;
  let objectsMarked = 0;
  let scanWork = 0;
  let scanned = 0;
  while (scanned < maxObjects) {
    if (count === 0) {
      if (!work.takeFull()) break;
      objects = work.objects;
      count = work.count;
    }
    const obj = w[objects + --count]!;
    scanned++;
    const page = (obj >>> 13) << 1;
    let mask = pageInfo[page]!;
    scanWork += pageInfo[page + 1]!;
    if (mask <= 0) {
      work.count = count;
      scanObjectSlow(heap, work, obj);
      objects = work.objects;
      count = work.count;
      continue;
    }
    const base = obj >>> 2;
    do {
      const child = w[base + 31 - Math.clz32(mask & -mask)]!;
      mask &= mask - 1;
      if (child !== 0) {
        const word = child >>> bitWordShift;
        const bit = 1 << ((child >>> 3) & 31);
        const marks = markBits[word]!;
        if ((marks & bit) === 0) {
          if ((startBits[word]! & bit) === 0 || (child & 7) !== 0) {
            work.count = count;
            work.greyInside(child);
            objects = work.objects;
            count = work.count;
            continue;
          }
          markBits[word] = marks | bit;
          const info = (child >>> 13) << 1;
          bytesMarked += pageInfo[info + 1]!;
          objectsMarked++;
          if (pageInfo[info] !== noscanMask) {
            if (count === workbufObjects) {
              work.count = count;
              work.spill();
              objects = work.objects;
              count = 0;
            }
            w[objects + count++] = child;
          }
        }
      }
    } while (mask !== 0);
  }
  work.count = count;
  work.bytesMarked += bytesMarked;
  work.objectsMarked += objectsMarked;
  work.scanWork += scanWork;
  return scanned;
}

/** Greys what an object points to, whatever its colour: objects with finalizers keep what they hold. Source: scanobject. */
export function scanContents(heap: Heap, work: GcWork, obj: Addr): void {
  const page = (obj >>> 13) << 1;
  if (heap.pageInfo[page] === noscanMask) return;
  work.scanWork += heap.pageInfo[page + 1]!;
  scanObjectSlow(heap, work, obj);
}

/**
 * Root job: everything that an object with a finalizer points to is live, the object itself is not, so that its finalizer
 * finds it complete. Returns the number of objects scanned. Source: markrootSpans.
 */
export function markFinalizers(heap: Heap, work: GcWork): number {
  const { mspan, w } = heap;
  let n = 0;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.finalizers[s] === 0 || mspan.state[s] !== SpanState.inUse) continue;
    const base = heap.base(s);
    for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
      if (w[(at >>> 2) + Special.kind] !== SpecialKind.finalizer) continue;
      scanContents(heap, work, heap.objectBase(base + w[(at >>> 2) + Special.offset]!));
      n++;
    }
  }
  return n;
}

/** Scans an object whose pointers do not fit in its page's mask: long, large, or in a span of mixed types. */
function scanObjectSlow(heap: Heap, work: GcWork, obj: Addr): void {
  const { w, mspan } = heap;
  const type = heap.types.get(heap.typeOf(obj));
  const { ptrWords } = type;
  if (ptrWords.length === 0) return;
  const s = heap.spanOf(obj);
  if (mspan.elemSize[s] > maxObletBytes) {
    scanOblet(heap, work, obj, s, type);
    return;
  }
  const first = obj >>> 2;
  const end = first + (mspan.elemSize[s] >>> 2);
  const step = type.size >>> 2;
  if (step === 1) {
    for (let i = first; i < end; i++) work.grey(w[i]!); // an array of pointers
    return;
  }
  for (let base = first; base + step <= end; base += step) {
    for (let k = 0; k < ptrWords.length; k++) work.grey(w[base + ptrWords[k]!]!);
  }
}
