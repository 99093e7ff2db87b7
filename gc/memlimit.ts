// memlimit: what counts against the memory limit (GOMEMLIMIT). mgcpacer.ts makes a heap goal of it.
import type { Heap } from '../heap/mheap.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import type { MemoryInUse } from './mgcpacer.ts';

/**
 * What the memory limit counts: pages of the heap that are in use or ready to be, and memory off the heap. The arena's tables
 * are left out (they have one size for good), and so are released pages: the system gives those memory when they are used.
 */
export function memoryInUse(heap: Heap, sys: SysMem): MemoryInUse {
  const { pages, stats } = heap;
  return {
    heapFree: () => (pages.grown - pages.released - pages.inUse) * pageSize,
    heapAlloc: () => {
      const { allocBytes, freeBytes } = stats.totals();
      return allocBytes - freeBytes;
    },
    mappedReady: () => (pages.grown - pages.released) * pageSize + sys.obtained(),
  };
}

/** Bytes of the heap that the system has given memory for, stacks left out: in use, or free and ready. Source: heapRetained. */
export function heapRetained({ pages, stats }: Heap): number {
  return (pages.grown - pages.released - stats.manualPages) * pageSize;
}
