// mcheckcolours: M2, looked at between any two steps of a marking. What the barrier and black allocation are there for is one
// sentence, and this asks whether it holds now, long before an object is lost:
//
//   every white object that a black object or a root already scanned points to can also be reached from a grey one, or from
//   a root not scanned yet, through white objects only
//
// Grey is what waits in a work buffer or in a P's barrier buffer. Slow: it walks the heap. Knob checkColours.
// Source: the weak tricolour invariant of Pirinen; Go has no such check.
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { eachPointer } from './mcheckmark.ts';

/** A marking under way, as the check sees it. */
export interface Colours {
  /** Visits every grey object; a pointer may lead inside one, or be nil. */
  eachGrey(visit: (pointer: Addr) => void): void;
  /** Visits every root pointer, and says whether the marking has been there. */
  eachRootPointer(visit: (pointer: Addr, scanned: boolean) => void): void;
}

/** Findings of M2 as text; empty when the marking can still reach all that it must. Caches must be written back. */
export function colourFindings(heap: Heap, colours: Colours): string[] {
  const grey = new Set<Addr>();
  const hidden = new Map<Addr, string>(); // white objects that something black points to, and what
  const kept = new Set<Addr>(); // white objects that the marking will come to
  const todo: Addr[] = [];
  const keep = (pointer: Addr) => {
    const obj = whiteAt(heap, pointer);
    if (obj === 0 || kept.has(obj)) return;
    kept.add(obj);
    todo.push(obj);
  };
  colours.eachGrey((pointer) => {
    const obj = heap.objectBase(pointer);
    if (obj === 0) return;
    grey.add(obj);
    if (heap.isMarked(obj)) eachPointer(heap, obj, keep);
    else keep(obj); // in a barrier buffer: it will be shaded
  });
  colours.eachRootPointer((pointer, scanned) => {
    const obj = whiteAt(heap, pointer);
    if (obj === 0) return;
    if (scanned) hidden.set(obj, 'a root that was scanned');
    else keep(obj);
  });
  for (let obj = todo.pop(); obj !== undefined; obj = todo.pop()) eachPointer(heap, obj, keep);
  eachMarked(heap, (black) => {
    if (grey.has(black)) return;
    eachPointer(heap, black, (pointer) => {
      const obj = whiteAt(heap, pointer);
      if (obj !== 0) hidden.set(obj, `black object 0x${black.toString(16)}`);
    });
  });
  const out: string[] = [];
  for (const [obj, holder] of hidden) {
    if (!kept.has(obj)) out.push(`M2: ${holder} points to white 0x${obj.toString(16)}, and nothing grey leads there`);
  }
  return out;
}

/** The object that a pointer leads to if it is white; else 0. */
function whiteAt(heap: Heap, pointer: Addr): Addr {
  if (pointer === 0) return 0;
  const obj = heap.objectBase(pointer);
  return obj !== 0 && heap.isObject(obj) && !heap.isMarked(obj) ? obj : 0;
}

function eachMarked(heap: Heap, visit: (obj: Addr) => void): void {
  const { mspan } = heap;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.state[s] !== SpanState.inUse || heap.markedCount(s) === 0) continue;
    for (let i = 0, obj = heap.base(s); i < mspan.nelems[s]; i++, obj += mspan.elemSize[s]) {
      if (heap.isMarked(obj) && heap.isAllocated(s, obj)) visit(obj); // free slots may be marked ahead (heap/mcache.ts)
    }
  }
}
