// support: arenas made by hand, without a machine around them.
import { LockOrder } from '../../../runtime/internal/lock.ts';
import { Arena, type Backing, LinearAlloc, pageSize } from '../../../runtime/internal/memory.ts';
import { SysMem } from '../../../runtime/internal/sysmem.ts';

/** Runs `carve` twice, as a machine does: over nothing, to learn the size, and over an arena of that size. */
export function carved<T>(carve: (mem: LinearAlloc, arena: Arena | null) => T, backing: Backing = 'plain') {
  const measure = new LinearAlloc(null);
  carve(measure, null);
  const arena = new Arena(Math.ceil(measure.used / pageSize) * pageSize, backing);
  const mem = new LinearAlloc(arena);
  const tables = carve(mem, arena);
  return { arena, mem, tables, measured: measure.layout };
}

/** Off-heap memory of `pages` pages and nothing else. */
export function offHeap(pages: number): { sys: SysMem; arena: Arena; order: LockOrder } {
  const order = new LockOrder();
  const { tables, arena } = carved((mem, into) => {
    if (into !== null) return new SysMem(into, mem, pages, order);
    SysMem.measure(mem, pages);
    return null;
  });
  return { sys: tables!, arena, order };
}
