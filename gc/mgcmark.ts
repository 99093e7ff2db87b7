// mgcmark: marking. Root jobs first, then grey objects until there are none. See mgc.ts for the cycle.
//
// drainInScript is the hot loop of the collector: a popped object's page tells its pointers as a mask (heap/types.ts); each child
// costs a bit test, a bit set and a push. Everything it touches is a local. Objects of mixed or long types take
// scanObjectSlow; those over 128 KiB are scanned in pieces (mgcoblet.ts). Work is counted in bytes of scanned objects, as in Go.

import { bitWordShift } from '../heap/layout.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { Special, SpecialKind } from '../heap/mspecial.ts';
import { maskWords, noscanMask, pointersMask } from '../heap/types.ts';
import { type Addr, pageShift } from '../runtime/internal/memory.ts';
import { markKernel } from './markkernel.ts';
import { maxObletBytes, scanOblet } from './mgcoblet.ts';
import { type GcWork, type MarkLoops, MarkState, oddMax, Workbuf, workbufObjects } from './mgcwork.ts';

/** The marking loop of a machine: WebAssembly where its arena has one, else the script below; both do the same. */
export function markLoops(heap: Heap): (work: GcWork) => MarkLoops {
  return (work) => ({
    mark: markKernel(heap, work.state) ?? ((maxObjects) => drainInScript(heap, work.state, maxObjects)),
    scanSlow: (obj) => scanObjectSlow(heap, work, obj),
  });
}

/**
 * Scans grey objects until maxObjects are done, or none is left, or the rest of the marker must help: with an object whose page
 * has no mask (it stays on top of the buffer), with more than oddMax pointers that are no slot's beginning, with an empty buffer.
 * The reference of markkernel.wat: whoever changes one changes both, and tests compare them.
 */
function drainInScript(heap: Heap, state: number, maxObjects: number): void {
  const { w, startBits, markBits, pageInfo } = heap;
  const heapEnd = heap.endPage << pageShift;
  let empty = w[state + MarkState.empty]!;
  let buffer = w[state + MarkState.buffer]!;
  let count = w[state + MarkState.count]!;
  let from = w[state + MarkState.rangeFrom]!;
  let end = w[state + MarkState.rangeEnd]!;
  let odd = w[state + MarkState.oddCount]!;
  let bytesMarked = 0;
  let objectsMarked = 0;
  let scanWork = 0;
  let scanned = 0;
  while (odd <= oddMax && empty !== 0) {
    let base: Addr;
    let mask: number;
    if (from !== end) {
      const words = Math.min((end - from) >>> 2, maskWords);
      base = from;
      mask = 0x7fffffff >>> (maskWords - words);
      from += words << 2;
    } else {
      if (scanned >= maxObjects) break;
      if (count === 0) {
        const b = w[state + MarkState.full]!;
        if (b === 0) break;
        w[state + MarkState.full] = w[b + Workbuf.next]!;
        w[state + MarkState.fullCount]!--;
        w[buffer + Workbuf.next] = empty;
        empty = buffer;
        buffer = b;
        count = w[b + Workbuf.count]!;
      }
      base = w[buffer + Workbuf.objects - 1 + count]!;
      const page = (base >>> 13) << 1;
      mask = pageInfo[page]!;
      if (mask <= 0) {
        if (mask !== pointersMask) break;
        from = base;
        end = base + pageInfo[page + 1]!;
      }
      count--;
      scanned++;
      scanWork += pageInfo[page + 1]!;
      if (from !== end) continue;
    }
    base >>>= 2;
    do {
      const child = w[base + 31 - Math.clz32(mask & -mask)]!;
      mask &= mask - 1;
      if (child === 0) continue;
      if (child >= heapEnd) {
        w[state + MarkState.odd + odd++] = child;
        continue;
      }
      const word = child >>> bitWordShift;
      const bit = 1 << ((child >>> 3) & 31);
      const marks = markBits[word]!;
      if ((marks & bit) !== 0) continue;
      if ((child & 7) !== 0 || (startBits[word]! & bit) === 0) {
        w[state + MarkState.odd + odd++] = child;
        continue;
      }
      markBits[word] = marks | bit;
      const info = (child >>> 13) << 1;
      bytesMarked += pageInfo[info + 1]!;
      objectsMarked++;
      if (pageInfo[info] === noscanMask) continue;
      if (count === workbufObjects) {
        w[buffer + Workbuf.count] = count;
        w[buffer + Workbuf.next] = w[state + MarkState.full]!;
        w[state + MarkState.full] = buffer;
        w[state + MarkState.fullCount]!++;
        buffer = empty;
        empty = w[buffer + Workbuf.next]!;
        count = 0;
      }
      w[buffer + Workbuf.objects + count++] = child;
    } while (mask !== 0);
  }
  w[state + MarkState.empty] = empty;
  w[state + MarkState.buffer] = buffer;
  w[state + MarkState.count] = count;
  w[state + MarkState.rangeFrom] = from;
  w[state + MarkState.rangeEnd] = end;
  w[state + MarkState.bytesMarked] = bytesMarked;
  w[state + MarkState.objectsMarked] = objectsMarked;
  w[state + MarkState.scanWork] = scanWork;
  w[state + MarkState.scanned] = scanned;
  w[state + MarkState.oddCount] = odd;
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
  let n = 0;
  eachFinalizable(heap, (obj) => {
    scanContents(heap, work, obj);
    n++;
  });
  return n;
}

/** Visits every object that has a finalizer. */
export function eachFinalizable(heap: Heap, visit: (obj: Addr) => void): void {
  const { mspan, w } = heap;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.finalizers[s] === 0 || mspan.state[s] !== SpanState.inUse) continue;
    const base = heap.base(s);
    for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
      if (w[(at >>> 2) + Special.kind] !== SpecialKind.finalizer) continue;
      visit(heap.objectBase(base + w[(at >>> 2) + Special.offset]!));
    }
  }
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
  for (let base = first; base + step <= end; base += step) {
    for (let k = 0; k < ptrWords.length; k++) work.grey(w[base + ptrWords[k]!]!);
  }
}
