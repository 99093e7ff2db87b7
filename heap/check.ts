// check: the heap walker. Every invariant of docs/invariants.md that speaks of the heap, under its number, found by looking
// at every span, bit and list. Slow and obvious on purpose. The world is stopped or the caller is at a safepoint.
import { popcount } from '../runtime/internal/bits.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { bitWordShift, wordsPerPage } from './layout.ts';
import { type Heap, heapStartPage, type Page } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { Special, SpecialKind } from './mspecial.ts';
import { allocatedIn } from './msweep.ts';
import { classSize, classSlots, numSpanClasses, tinySize } from './sizeclasses.ts';

/** What is wrong with the heap, one line each, `number: fact`; empty when nothing is. */
export function heapFindings(heap: Heap): string[] {
  heap.writeBack();
  const out: string[] = [...heap.pages.findings()];
  if (heap.sys.total() !== heap.sys.obtained()) {
    out.push(`S1: statistics sum to ${heap.sys.total()} bytes, ${heap.sys.obtained()} were obtained`);
  }
  out.push(...heap.profiler.buckets.findings());
  const inSet = setMembers(heap, out);
  checkPages(heap, out);
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (heap.mspan.state[s] !== SpanState.inUse) continue;
    checkSpan(heap, s, inSet, out);
    checkBits(heap, s, out);
    checkSpecials(heap, s, out);
  }
  const held = heap.order.heldNames();
  if (held.length !== 0) out.push(`L1: locks held at a safepoint: ${held.join(', ')}`);
  return out;
}

/** Throws with all findings when an invariant is broken. */
export function checkHeap(heap: Heap): void {
  const findings = heapFindings(heap);
  if (findings.length !== 0) gothrow(`checkheap: ${findings.length} broken invariants\n  ${findings.slice(0, 20).join('\n  ')}`);
}

/** C2: walks every set; returns the set (plus 1) in which each span was met. */
function setMembers(heap: Heap, out: string[]): Map<MSpan, number> {
  const { mspan } = heap;
  const seen = new Map<MSpan, number>();
  for (let set = 0; set < numSpanClasses * 4; set++) {
    let before = 0 as MSpan;
    for (let s = heap.central.first(set); s !== 0; s = mspan.next[s] as MSpan) {
      if (seen.has(s)) {
        out.push(`C2: span ${s} is in set ${set} and in set ${seen.get(s)! - 1}`);
        break;
      }
      seen.set(s, set + 1);
      if (mspan.state[s] !== SpanState.inUse) out.push(`C2: span ${s} is in set ${set} and not in use`);
      if (mspan.set[s] !== set + 1) out.push(`C2: span ${s} is linked in set ${set} but says ${mspan.set[s] - 1}`);
      if (mspan.prev[s] !== before) out.push(`C2: span ${s} has prev ${mspan.prev[s]}, wanted ${before}`);
      if (mspan.spanClass[s] !== set >>> 2) out.push(`C2: span ${s} of class ${mspan.spanClass[s]} is in a set of class ${set >>> 2}`);
      before = s;
    }
  }
  return seen;
}

/** One past the last page that the heap has grown to: nobody has ever been behind it, and a walk there would take most of the time. */
function grownEnd(heap: Heap): number {
  return heapStartPage + heap.pages.grown;
}

/** H1 and H4: pages, their spans and the page bits say the same; free pages have no bits. */
function checkPages(heap: Heap, out: string[]): void {
  const { mspan } = heap;
  for (let page = heapStartPage; page < grownEnd(heap); page++) {
    const s = heap.pageSpan[page as Page] as MSpan;
    const used = heap.pages.isInUse(page - heapStartPage);
    if (used !== (s !== 0)) out.push(`H1: page ${page} in use: ${used}, span ${s}`);
    if (s === 0) {
      for (let i = page * wordsPerPage; i < (page + 1) * wordsPerPage; i++) {
        if ((heap.allocBits[i]! | heap.markBits[i]! | heap.startBits[i]!) === 0) continue;
        out.push(`H4: free page ${page} has bits in word ${i}`);
        break;
      }
    } else if (mspan.state[s] === SpanState.dead || page < mspan.startPage[s] || page >= mspan.startPage[s] + mspan.npages[s]) {
      out.push(`H1: page ${page} names span ${s}, which does not cover it`);
    }
  }
}

/** C1, C2, C4: the row fits its class; the span is where its state says. H1: nobody else has its pages. */
function checkSpan(heap: Heap, s: MSpan, inSet: Map<MSpan, number>, out: string[]): void {
  const { mspan, sweepGen } = heap;
  const sizeclass = mspan.spanClass[s] >>> 1;
  if (sizeclass !== 0 && (mspan.elemSize[s] !== classSize[sizeclass] || mspan.nelems[s] !== classSlots[sizeclass])) {
    out.push(`C1: span ${s} of class ${sizeclass} has slots of ${mspan.elemSize[s]} x ${mspan.nelems[s]}`);
  }
  for (let page = mspan.startPage[s]; page < mspan.startPage[s] + mspan.npages[s]; page++) {
    const other = heap.pageSpan[page as Page];
    if (other !== s) out.push(`H1: span ${s} covers page ${page}, which names span ${other}`);
  }
  const gen = mspan.sweepGen[s];
  const caching = heap.caches.filter((cache) => cache.alloc.some((c) => c.span === s)).length;
  const cached = caching > 0;
  const set = inSet.get(s) ?? 0;
  if (caching > 1) out.push(`C2: span ${s} is cached by ${caching} Ps`);
  if (cached && set !== 0) out.push(`C2: span ${s} is cached and in set ${set - 1}`);
  if (!cached && set === 0) out.push(`C2: span ${s} is in no set and not cached`);
  const wantGen = cached ? [sweepGen + 1, sweepGen + 3] : [sweepGen - 2, sweepGen];
  if (!wantGen.includes(gen)) out.push(`C3: span ${s} (cached: ${cached}) has sweepgen ${gen}, heap ${sweepGen}`);
  if (set === 0) return;
  const full = ((set - 1) & 2) !== 0;
  const sweptSet = ((set - 1) & 1) === ((sweepGen >>> 1) & 1);
  if (sweptSet !== (gen === sweepGen)) out.push(`C3: span ${s} with sweepgen ${gen} is in set ${set - 1}, heap ${sweepGen}`);
  if (gen === sweepGen && full !== (mspan.allocCount[s] === mspan.nelems[s])) {
    out.push(`C4: span ${s} has ${mspan.allocCount[s]} of ${mspan.nelems[s]} slots and is in a ${full ? 'full' : 'partial'} set`);
  }
}

/** Slot beginnings in bit-map word i of a span, counted from its first, by its class alone. */
function wantStarts(heap: Heap, s: MSpan, i: number): number {
  const sizeclass = heap.mspan.spanClass[s] >>> 1;
  return sizeclass === 0 ? Number(i === 0) : heap.startPattern(sizeclass)[i]!;
}

/**
 * B1, B2, B3: bits stand at slot beginnings, marked slots are allocated (or marked ahead: mcache.ts), the count is the number
 * of allocated slots.
 */
function checkBits(heap: Heap, s: MSpan, out: string[]): void {
  const { mspan } = heap;
  const first = mspan.startPage[s] * wordsPerPage;
  const blackened = heap.caches.some((cache) => cache.blackened(s));
  let allocated = 0;
  for (let i = first; i < first + mspan.npages[s] * wordsPerPage; i++) {
    const starts = heap.startBits[i]!;
    if (starts !== wantStarts(heap, s, i - first)) out.push(`B1: span ${s} has other start bits than its class, word ${i}`);
    const inUse = allocatedIn(heap, s, i);
    allocated += popcount(inUse);
    if ((heap.allocBits[i]! & ~starts) !== 0) out.push(`B1: span ${s} has alloc bits inside slots, word ${i}`);
    if ((heap.markBits[i]! & ~starts) !== 0) out.push(`B1: span ${s} has mark bits inside slots, word ${i}`);
    if ((heap.markBits[i]! & ~inUse) !== 0 && !blackened)
      out.push(`B2: span ${s} has marked free slots, word ${i} (0x${(i << bitWordShift).toString(16)})`);
  }
  if (allocated !== mspan.allocCount[s]) out.push(`B3: span ${s} counts ${mspan.allocCount[s]} slots in use, its bits say ${allocated}`);
}

/**
 * P3: specials are sorted, one a kind and object (of cleanups any number), on allocated objects, and the tail is the last.
 * Inside an object hang those of tiny blocks, but no profile; weak pointers to a part of it; a host value's, on the word that stands for
 * it. An index of them knows the first one of each block. P4: finalizers are counted. P5: that word has its number.
 */
function checkSpecials(heap: Heap, s: MSpan, out: string[]): void {
  const { w, mspan } = heap;
  const base: Addr = heap.base(s);
  const tiny = (mspan.spanClass[s] & 1) === 1 && mspan.elemSize[s] === tinySize;
  let before = -1;
  let last: Addr = 0;
  let finalizers = 0;
  const index = heap.specialIndexes.get(s);
  let block: Addr = 0; // first record of the last block
  for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
    const offset = w[(at >>> 2) + Special.offset]!;
    const kind = w[(at >>> 2) + Special.kind]!;
    const key = offset * 16 + kind;
    if (key < before || (key === before && kind !== SpecialKind.cleanup))
      out.push(`P3: span ${s} has specials out of order at offset ${offset}`);
    if (index !== undefined && (block === 0 || !index.sameBlock(offset, w[(block >>> 2) + Special.offset]!))) {
      if (index.firstAt(offset) !== at || index.firstBelow(offset) !== block) out.push(`P3: span ${s}: index is wrong at offset ${offset}`);
      block = at;
    }
    before = key;
    last = at;
    if (kind === SpecialKind.finalizer) finalizers++;
    const object = heap.objectBase(base + offset);
    if (kind === SpecialKind.host && w[(base + offset) >>> 2] !== w[(at >>> 2) + Special.value])
      out.push(`P5: span ${s} has the number of a host value at offset ${offset} that is not in the word there`);
    if (object === 0 || !heap.isAllocated(s, object)) out.push(`P3: span ${s} has a special on a free slot, offset ${offset}`);
    else if (object !== base + offset && !mayBeInside(kind, tiny)) {
      out.push(`P3: span ${s} has a special of kind ${kind} inside an object, offset ${offset}`);
    }
  }
  if (last !== mspan.specialsTail[s])
    out.push(`P3: span ${s}: last special 0x${last.toString(16)}, tail 0x${mspan.specialsTail[s].toString(16)}`);
  if (index !== undefined && (last === 0 || index.firstBelow(mspan.npages[s] * pageSize) !== block))
    out.push(`P3: span ${s}: index names a special behind the last`);
  if (finalizers !== mspan.finalizers[s]) out.push(`P4: span ${s} counts ${mspan.finalizers[s]} finalizers, its list has ${finalizers}`);
}

/** Whether a record of a kind may hang on a place inside an object: fields and elements have some of their own, tiny blocks are shared. */
function mayBeInside(kind: number, tiny: boolean): boolean {
  return kind === SpecialKind.host || kind === SpecialKind.weakHandle || (tiny && kind !== SpecialKind.profile);
}

/** W3: no span waits to be swept, neither in a set nor in a P's cache, as it must be when a sweep says that it is done. */
export function unsweptSpans(heap: Heap): string[] {
  const { mspan, sweepGen } = heap;
  const out: string[] = [];
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    const gen = mspan.sweepGen[s];
    if (mspan.state[s] === SpanState.inUse && gen !== sweepGen && gen !== sweepGen + 3) {
      out.push(`W3: span ${s} has sweepgen ${gen}, heap ${sweepGen}, and the sweep is done`);
    }
  }
  return out;
}

/** G1: no mark bit is set anywhere, as it must be when a marking begins. Findings as text. */
export function strayMarks(heap: Heap): string[] {
  const out: string[] = [];
  for (let page = heapStartPage; page < grownEnd(heap); page++) {
    for (let i = page * wordsPerPage; i < (page + 1) * wordsPerPage; i++) {
      if (heap.markBits[i] !== 0) {
        out.push(`G1: mark bits in word ${i} (0x${(i << bitWordShift).toString(16)}) before marking began`);
        break;
      }
    }
  }
  return out;
}
