// memlimit: what counts against the memory limit (GOMEMLIMIT), and the scavenger over a real heap. mgcpacer.ts makes a heap
// goal of it, mgcscavenge.ts says what is given back and when.
import type { Heap } from '../heap/mheap.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import type { CycleClock } from './gcclock.ts';
import type { MemoryInUse } from './mgcpacer.ts';
import { releaseNanos, Scavenger } from './mgcscavenge.ts';

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

/** The scavenger of a machine: its pages are those of the heap. */
export class HeapScavenger extends Scavenger {
  constructor(
    private readonly heap: Heap,
    memory: MemoryInUse,
    clock: CycleClock,
  ) {
    super({
      release: (bytes) => heap.pages.release(Math.ceil(bytes / pageSize)) * pageSize,
      retained: () => heapRetained(heap),
      mappedReady: () => memory.mappedReady(),
      procs: () => clock.procs,
    });
  }

  /** Pages were taken: releases what that makes owed (see owed) and returns the cost. */
  assist(pagedIn: number, growth: number, memoryLimit: number): number {
    const bytes = this.owed(pagedIn * pageSize, growth * pageSize, memoryLimit);
    return bytes === 0 ? 0 : releaseNanos(this.heap.pages.release(Math.ceil(bytes / pageSize)) * pageSize);
  }

  /** Releases every free page; returns the bytes. */
  releaseAll(): number {
    const { pages } = this.heap;
    return pages.release(pages.grown) * pageSize;
  }
}
