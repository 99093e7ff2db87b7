// explain: everything that can be said about one address. Which span and which object it is in, what the object is, who
// points at it, why it is alive. It only looks; caches must be written back. See layout.ts for the ladder.
//
// The heap knows spans, objects and pointers. What lies above it (names of roots, fields and functions, which objects are
// grey) is asked for through Surroundings. One walk from the roots, breadth first, gives the shortest path and tells
// holders that are alive from holders that are garbage themselves.
import { type Addr, addressArgument } from '../runtime/internal/memory.ts';
import { plural } from '../runtime/internal/words.ts';
import { bitWordShift, granuleBytes, wordsPerPage } from './layout.ts';
import type { Heap } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { profileBucket, Special, SpecialKind } from './mspecial.ts';
import { allocatedIn } from './msweep.ts';
import type { RType } from './types.ts';

/** What the layers above know. */
export interface Surroundings {
  /** Calls back with every pointer that a root holds; name is called only when it is shown. */
  eachRoot(visit: (name: () => string, pointer: Addr) => void): void;
  readonly marking: boolean;
  /** Objects marked and not scanned yet; empty when nothing is being marked. */
  readonly grey: ReadonlySet<Addr>;
  /** Name of what is at a byte offset of an object of `size` bytes, `[3].next`; null when nobody named the type's parts. */
  partName(type: RType, offset: number, size: number): string | null;
  /** Size and stack (text, leaf first) of a bucket of the memory profile. */
  bucket(b: Addr): { bytes: number; stack: readonly string[] };
}

/** The span that covers an address. */
export interface SpanFacts {
  readonly id: MSpan;
  readonly state: 'in use' | 'managed by hand';
  readonly base: Addr;
  readonly npages: number;
  /** 0 for a large object's. */
  readonly sizeClass: number;
  readonly elemSize: number;
  readonly nelems: number;
  readonly allocCount: number;
  readonly noscan: boolean;
  readonly sweepGen: number;
  readonly heapSweepGen: number;
  /** sweepGen in words. */
  readonly sweep: string;
  /** The P whose cache holds it; -1 for none. */
  readonly cachedBy: number;
}

/** The object, or free slot, that an address is in. */
export interface ObjectFacts {
  readonly base: Addr;
  readonly size: number;
  readonly slot: number;
  /** Bytes from base to the address. */
  readonly offset: number;
  readonly allocated: boolean;
  /** While marking; else null. */
  readonly colour: 'white' | 'grey' | 'black' | null;
  /** The last marking did not reach it, and its span is not swept yet. */
  readonly awaitsSweep: boolean;
  /** Name of its type; empty for a free slot. */
  readonly type: string;
  /** What is at the offset: `.next`, `[3].next`, `.word2` where the type has no names; empty for a free slot. */
  readonly field: string;
}

/** Who points at the object. */
export interface Holder {
  /** Address of the holding object; 0 for a root. */
  readonly object: Addr;
  /** `goroutine 1, main.push, slot 0`, or the holding object's type and field: `main.Node 0xc010 .next`. */
  readonly text: string;
  /** False when no root reaches the holder: it is garbage itself. */
  readonly alive: boolean;
}

/** What is known of an address. */
export interface Explanation {
  readonly addr: Addr;
  readonly place: 'nil' | 'off the heap' | 'free page' | 'memory managed by hand' | 'tail of a span' | 'object' | 'free slot';
  readonly span: SpanFacts | null;
  readonly object: ObjectFacts | null;
  readonly holders: readonly Holder[];
  /** From a root to the object, in words; null when no root reaches it. */
  readonly path: readonly string[] | null;
  /** Its bucket when the memory profiler sampled it. */
  readonly sample: { readonly bucket: Addr; readonly bytes: number; readonly stack: readonly string[] } | null;
  /** All of it, for reading. */
  readonly text: string;
}

const hex = (addr: Addr) => `0x${addr.toString(16)}`;

/** Explains an address; any whole number will do. */
export function explain(heap: Heap, addr: Addr, around: Surroundings): Explanation {
  addressArgument('explain', addr);
  const s = addr > 0 && heap.isHeapAddr(addr) ? heap.spanOf(addr) : (0 as MSpan);
  const span = s === 0 ? null : spanFacts(heap, s);
  const object = s === 0 ? null : objectFacts(heap, s, addr, around);
  const facts = { addr, place: placeOf(heap, addr, s, object), span, object };
  if (object === null || !object.allocated) return finish({ ...facts, holders: [], path: null, sample: null });
  const { parents, rootsOf } = walk(heap, around, object.base);
  const holders = holdersOf(heap, around, object.base, rootsOf, (holder) => parents.has(holder));
  const b = profileBucket(heap, object.base);
  const sample = b === 0 ? null : { bucket: b, ...around.bucket(b) };
  return finish({ ...facts, holders, path: pathTo(heap, around, object.base, parents), sample });
}

function placeOf(heap: Heap, addr: Addr, s: MSpan, object: ObjectFacts | null): Explanation['place'] {
  if (addr === 0) return 'nil';
  if (!(addr > 0) || !heap.isHeapAddr(addr)) return 'off the heap';
  if (s === 0) return 'free page';
  if (heap.mspan.state[s] === SpanState.manual) return 'memory managed by hand';
  if (object === null) return 'tail of a span';
  return object.allocated ? 'object' : 'free slot';
}

// --- span and object -----------------------------------------------------------------------------------------------------------

function spanFacts(heap: Heap, s: MSpan): SpanFacts {
  const { mspan, sweepGen: heapSweepGen } = heap;
  return {
    id: s,
    state: mspan.state[s] === SpanState.inUse ? 'in use' : 'managed by hand',
    base: heap.base(s),
    npages: mspan.npages[s],
    sizeClass: mspan.spanClass[s] >>> 1,
    elemSize: mspan.elemSize[s],
    nelems: mspan.nelems[s],
    allocCount: mspan.allocCount[s],
    noscan: (mspan.spanClass[s] & 1) !== 0,
    sweepGen: mspan.sweepGen[s],
    heapSweepGen,
    sweep: sweepWords(mspan.sweepGen[s] - heapSweepGen),
    cachedBy: heap.caches.findIndex((cache) => cache.alloc.some((c) => c.span === s)),
  };
}

/** mspan.ts's table. */
function sweepWords(behind: number): string {
  switch (behind) {
    case -2:
      return 'needs sweeping';
    case -1:
      return 'being swept';
    case 0:
      return 'swept';
    case 1:
      return 'cached since before the last marking ended, needs sweeping';
    case 3:
      return 'swept, then cached';
    default:
      return 'out of step with the heap';
  }
}

function objectFacts(heap: Heap, s: MSpan, addr: Addr, around: Surroundings): ObjectFacts | null {
  const base = heap.objectBase(addr);
  if (base === 0) return null;
  const { mspan } = heap;
  const size = mspan.elemSize[s];
  const allocated = heap.isAllocated(s, base);
  const marked = heap.isMarked(base);
  const type = heap.types.get(heap.typeOf(base));
  return {
    base,
    size,
    slot: (base - heap.base(s)) / size,
    offset: addr - base,
    allocated,
    colour: !allocated || !around.marking ? null : around.grey.has(base) ? 'grey' : marked ? 'black' : 'white',
    awaitsSweep: allocated && !around.marking && !marked && mspan.sweepGen[s] === heap.sweepGen - 2,
    type: allocated ? type.name : '',
    field: allocated ? fieldText(type, addr - base, size, around) : '',
  };
}

/** What is at an offset of an object; an object larger than its type is an array of it. */
function fieldText(type: RType, offset: number, size: number, around: Surroundings): string {
  const name = around.partName(type, offset, size);
  if (name !== null) return name;
  const index = Math.floor(offset / type.size);
  const inside = offset - index * type.size;
  if ((index + 1) * type.size > size) return ' (behind the last element)';
  const rest = inside % 4 === 0 ? '' : `+${inside % 4}`;
  return `${size >= 2 * type.size ? `[${index}]` : ''}.word${inside >>> 2}${rest}`;
}

// --- who points where ------------------------------------------------------------------------------------------------------------

/** Visits the pointers of an allocated object with the offset at which each stands. nil is left out. */
export function eachPointer(heap: Heap, obj: Addr, visit: (offset: number, pointer: Addr) => void): void {
  const type = heap.types.get(heap.typeOf(obj));
  if (type.ptrWords.length === 0) return;
  const size = heap.mspan.elemSize[heap.spanOf(obj)];
  for (let at = 0; at + type.size <= size; at += type.size) {
    for (const word of type.ptrWords) {
      const pointer = heap.w[((obj + at) >>> 2) + word]!;
      if (pointer !== 0) visit(at + word * 4, pointer);
    }
  }
}

/** Visits every allocated object. */
export function eachObject(heap: Heap, visit: (obj: Addr, s: MSpan) => void): void {
  const { mspan } = heap;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.state[s] !== SpanState.inUse) continue;
    const first = mspan.startPage[s] * wordsPerPage;
    for (let i = first; i < first + mspan.npages[s] * wordsPerPage; i++) {
      for (let bits = allocatedIn(heap, s, i); bits !== 0; bits &= bits - 1) {
        visit((i << bitWordShift) + (31 - Math.clz32(bits & -bits)) * granuleBytes, s);
      }
    }
  }
}

/** How the walk came to an object: from another one (and the offset of the pointer there) or from a root. */
interface Parent {
  readonly from: Addr;
  readonly offset: number;
  readonly root: (() => string) | null;
}

/** All objects that the roots reach, each with the way it was reached first; and the roots that hold `target`. */
function walk(heap: Heap, around: Surroundings, target: Addr): { parents: Map<Addr, Parent>; rootsOf: string[] } {
  const parents = new Map<Addr, Parent>();
  const rootsOf: string[] = [];
  const queue: Addr[] = [];
  const reach = (pointer: Addr, from: Addr, offset: number, root: (() => string) | null) => {
    const obj = heap.isHeapAddr(pointer) ? heap.objectBase(pointer) : 0;
    if (obj === 0) return;
    if (root !== null && obj === target) rootsOf.push(root());
    if (parents.has(obj)) return;
    parents.set(obj, { from, offset, root });
    queue.push(obj);
  };
  around.eachRoot((name, pointer) => reach(pointer, 0, 0, name));
  eachFinalizer(heap, (obj) => eachPointer(heap, obj, (_, pointer) => reach(pointer, 0, 0, () => `finalizer of ${hex(obj)}`)));
  for (let i = 0; i < queue.length; i++) {
    const obj = queue[i]!;
    eachPointer(heap, obj, (offset, pointer) => reach(pointer, obj, offset, null));
  }
  return { parents, rootsOf };
}

/** Visits the objects that have finalizers: what they point at is kept for the finalizer's sake, they themselves are not. */
export function eachFinalizer(heap: Heap, visit: (obj: Addr) => void): void {
  const { w, mspan } = heap;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.state[s] !== SpanState.inUse) continue;
    for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
      if (w[(at >>> 2) + Special.kind] === SpecialKind.finalizer) visit(heap.objectBase(heap.base(s) + w[(at >>> 2) + Special.offset]!));
    }
  }
}

function pointerText(heap: Heap, around: Surroundings, obj: Addr, offset: number): string {
  const type = heap.types.get(heap.typeOf(obj));
  return `${type.name} ${hex(obj)} ${fieldText(type, offset, heap.mspan.elemSize[heap.spanOf(obj)], around)}`;
}

function holdersOf(heap: Heap, around: Surroundings, target: Addr, roots: string[], alive: (obj: Addr) => boolean): Holder[] {
  const holders: Holder[] = roots.map((text) => ({ object: 0, text, alive: true }));
  eachObject(heap, (obj) => {
    eachPointer(heap, obj, (offset, pointer) => {
      if (!heap.isHeapAddr(pointer) || heap.objectBase(pointer) !== target) return;
      holders.push({ object: obj, text: pointerText(heap, around, obj, offset), alive: alive(obj) });
    });
  });
  return holders;
}

function pathTo(heap: Heap, around: Surroundings, target: Addr, parents: Map<Addr, Parent>): string[] | null {
  const path: string[] = [];
  for (let at = target; ; ) {
    const parent = parents.get(at);
    if (parent === undefined) return null;
    if (parent.root !== null) {
      path.push(parent.root());
      return path.reverse();
    }
    path.push(pointerText(heap, around, parent.from, parent.offset));
    at = parent.from;
  }
}

// --- text --------------------------------------------------------------------------------------------------------------------------

/** How many holders the text shows. */
const shownHolders = 10;

function finish(e: Omit<Explanation, 'text'>): Explanation {
  const lines = [firstLine(e)];
  const row = (head: string, text: string) => lines.push(`  ${head.padEnd(8)} ${text}`);
  if (e.object !== null) row('object', objectText(e.object));
  if (e.span !== null) row('span', spanText(e.span));
  if (e.object?.allocated) {
    row('sampled', e.sample === null ? 'no' : `bucket ${hex(e.sample.bucket)}, ${e.sample.bytes} bytes: ${e.sample.stack.join(' <- ')}`);
    if (e.holders.length === 0) row('held by', 'nobody');
    for (const [i, h] of e.holders.slice(0, shownHolders).entries())
      row(i === 0 ? 'held by' : '', h.alive ? h.text : `${h.text} (garbage)`);
    if (e.holders.length > shownHolders) row('', `and ${e.holders.length - shownHolders} more`);
    row('path', e.path === null ? 'no root reaches it' : `${e.path.join(' -> ')} -> ${hex(e.object.base)}`);
  }
  return { ...e, text: lines.join('\n') };
}

function firstLine(e: Omit<Explanation, 'text'>): string {
  if (e.object === null) return `${hex(e.addr)}: ${e.place}`;
  if (!e.object.allocated) return `${hex(e.addr)}: free slot`;
  return `${hex(e.addr)}: ${e.object.type}${e.object.field}`;
}

function objectText(o: ObjectFacts): string {
  const status = !o.allocated ? 'free' : o.awaitsSweep ? 'dead, awaits its sweep' : 'allocated';
  const colour = o.colour === null ? '' : `, ${o.colour}`;
  return `${hex(o.base)}${o.offset === 0 ? '' : ` + ${o.offset}`}, ${o.size} bytes, slot ${o.slot}, ${status}${colour}`;
}

function spanText(s: SpanFacts): string {
  const pages = `${hex(s.base)}, ${plural(s.npages, 'page')}`;
  if (s.state !== 'in use') return `${s.id}: ${pages}, ${s.state}`;
  const kind = s.sizeClass === 0 ? 'one large object' : `class ${s.sizeClass}, ${s.allocCount} of ${s.nelems} slots in use`;
  const cached = s.cachedBy < 0 ? '' : `, cached by P${s.cachedBy}`;
  return `${s.id}: ${pages}, ${kind}${s.noscan ? ', no pointers' : ''}, ${s.sweep} (sweepgen ${s.sweepGen}, heap ${s.heapSweepGen})${cached}`;
}
