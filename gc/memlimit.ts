// memlimit: what counts against the memory limit (GOMEMLIMIT). mgcpacer.ts makes a heap goal of it.
import type { Heap } from '../heap/mheap.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import type { MemoryInUse } from './mgcpacer.ts';

/**
 * What the memory limit counts: pages that were ever in use, and memory off the heap. The arena's tables are left out (they
 * have one size for good), and so are pages that no span has touched: the system gives those memory when they are.
 */
export function memoryInUse(heap: Heap, sys: SysMem): MemoryInUse {
  const { pages, stats } = heap;
  return {
    heapFree: () => (pages.zeroedBase - pages.inUse) * pageSize,
    heapAlloc: () => {
      const { allocBytes, freeBytes } = stats.totals();
      return allocBytes - freeBytes;
    },
    mappedReady: () => pages.zeroedBase * pageSize + sys.obtained(),
  };
}
