// mcheckmark: a second marking with the world stopped, by other code, to check the first. It walks roots and objects with
// plain JavaScript sets and never looks at mark bits except to compare. Source: the idea of mcheckmark.go (Go 1.19's own
// checkmark checks nothing, see docs/faithful.md).

import type { Heap } from '../heap/mheap.ts';
import { mixedTypes } from '../heap/mspan.ts';
import type { Addr } from '../runtime/internal/memory.ts';

/** How roots are visited: calls back with every pointer that a root holds. */
export type RootVisitor = (visit: (addr: Addr) => void) => void;

/** A pointer that leads to no allocated object, and who holds it (0: a root). */
export interface Dangling {
  readonly holder: Addr;
  readonly pointer: Addr;
}

/** What an independent traversal found. */
export interface Reachable {
  readonly objects: Set<Addr>;
  readonly dangling: Dangling[];
}

/** All objects that the roots reach. Caches must be written back. */
export function reachable(heap: Heap, roots: RootVisitor): Reachable {
  const objects = new Set<Addr>();
  const dangling: Dangling[] = [];
  const todo: Addr[] = [];
  const visit = (holder: Addr, pointer: Addr) => {
    if (pointer === 0 || objects.has(pointer) || heap.isZeroBase(pointer)) return;
    const obj = heap.objectBase(pointer); // a pointer may lead inside
    if (obj === 0 || !heap.isObject(obj)) {
      dangling.push({ holder, pointer });
      return;
    }
    if (objects.has(obj)) return;
    objects.add(obj);
    todo.push(obj);
  };
  roots((addr) => visit(0, addr));
  for (let obj = todo.pop(); obj !== undefined; obj = todo.pop()) {
    const holder = obj;
    eachPointer(heap, holder, (pointer) => visit(holder, pointer));
  }
  return { objects, dangling };
}

/** Visits the pointers of an allocated object by its type, without the marker's tables. */
export function eachPointer(heap: Heap, obj: Addr, visit: (pointer: Addr) => void): void {
  const s = heap.spanOf(obj);
  const id = heap.mspan.objType[s] === mixedTypes ? heap.slotType[obj >>> 3]! : heap.mspan.objType[s];
  const type = heap.types.get(id as never);
  if (type.ptrWords.length === 0) return;
  const bytes = heap.mspan.elemSize[s];
  for (let at = 0; at + type.size <= bytes; at += type.size) {
    for (const word of type.ptrWords) visit(heap.w[((obj + at) >>> 2) + word]!);
  }
}

/**
 * S3: every reachable object is marked and no pointer dangles. Called at mark termination with the world stopped.
 * Returns findings as text.
 */
export function checkMarks(heap: Heap, roots: RootVisitor): string[] {
  const { objects, dangling } = reachable(heap, roots);
  const out = dangling.map(
    (d) =>
      `S3: ${d.holder === 0 ? 'a root' : `object 0x${d.holder.toString(16)}`} points to 0x${d.pointer.toString(16)}, which is no object`,
  );
  for (const obj of objects) {
    if (!heap.isMarked(obj))
      out.push(`S3: object 0x${obj.toString(16)} (${heap.types.get(heap.typeOf(obj)).name}) is reachable and not marked`);
  }
  return out;
}
