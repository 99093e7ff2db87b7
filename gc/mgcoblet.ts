// mgcoblet: large objects are scanned in pieces, so that no step of the marker is long. See mgcmark.ts for the loop around it.
//
// A piece is an oblet: 128 KiB, counted from the object's beginning. Only the object itself is ever grey. Scanning it scans its
// first oblet and puts the next one into the work buffer, as an address inside the object, which does the same:
//
//   grey: obj        then: obj+128K        then: obj+256K        …
//
// Go queues all of them at once, for many workers. One after the other, and on top of what they point to, they keep marking
// in the order of the array, which is nearly always that of memory: 28 ns an object against 153 on a graph of a million nodes.
//
// An oblet's border may fall between two pointers of one element. So an oblet is the pointers that lie in it, and not the
// elements that begin in it. Source: scanobject of mgcmark.go.
import type { Heap } from '../heap/mheap.ts';
import type { MSpan } from '../heap/mspan.ts';
import type { RType } from '../heap/types.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import type { GcWork } from './mgcwork.ts';

/** Bytes of an object that one step scans at most. Go's maxObletBytes. */
export const maxObletBytes = 128 << 10;

/**
 * Scans the oblet of a large object (over maxObletBytes) that begins at addr, and queues the next one.
 * The caller has counted the whole object as scan work: what lies outside this oblet is taken back.
 */
export function scanOblet(heap: Heap, work: GcWork, addr: Addr, s: MSpan, type: RType): void {
  const obj = heap.base(s);
  const objectEnd = obj + heap.mspan.elemSize[s];
  const end = Math.min(addr + maxObletBytes, objectEnd);
  work.scanWork -= objectEnd - obj - (end - addr);
  if (type.size === 4) work.scanRange(addr, end);
  else greyRange(heap.w, work, obj >>> 2, objectEnd >>> 2, addr >>> 2, end >>> 2, type);
  if (end < objectEnd) work.put(end);
}

/** Greys the pointers in words [from, to) of an array of `type` that fills words [first, last). */
function greyRange(w: Int32Array, work: GcWork, first: number, last: number, from: number, to: number, type: RType): void {
  const step = type.size >>> 2;
  const { ptrWords } = type;
  const element = Math.floor((from - first) / step); // the one that the oblet's first word belongs to
  for (let base = first + element * step; base < to && base + step <= last; base += step) {
    for (let k = 0; k < ptrWords.length; k++) {
      const word = base + ptrWords[k]!;
      if (word >= from && word < to) work.grey(w[word]!);
    }
  }
}
