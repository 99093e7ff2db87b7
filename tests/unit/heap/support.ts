// support: small heaps, objects by hand, and findings shown together with a drawing of the heap.
import { heapFindings } from '../../../heap/check.ts';
import { pageMap, slotMap } from '../../../heap/dump.ts';
import { type MSpan, SpanState } from '../../../heap/mspan.ts';
import { classSize, makeSpanClass } from '../../../heap/sizeclasses.ts';
import type { RType } from '../../../heap/types.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import type { Options } from '../../../runtime/options.ts';
import { testMachine } from '../../support/machine.ts';

/** A machine with 3 Ps and a heap of this many pages; nothing is sampled and no collection begins by itself. */
export function pagesMachine(pages: number, options: Options = {}): Machine {
  return testMachine({ heapBytes: pages * pageSize, gogc: 'off', memProfileRate: 0, ...options });
}

/**
 * The types that these tests need: bytes without pointers (below 16 of them share tiny blocks), arrays of pointers of any
 * length, and a list node of 16 bytes with a pointer in word 1.
 */
export function types(m: Machine): { bytes: RType; ptrs: RType; node: RType } {
  const { types: t } = m.heap;
  return { bytes: t.define('bytes', 4, []), ptrs: t.define('ptrs', 4, [0]), node: t.define('main.Node', 16, [1]) };
}

/** Span class of objects without pointers of a size class. */
export const noscan = (sizeclass: number) => makeSpanClass(sizeclass, true);
/** Span class of objects with pointers of a size class. */
export const scan = (sizeclass: number) => makeSpanClass(sizeclass, false);
/** Slot size of a class, for allocating in it. */
export const slotBytes = (sizeclass: number) => classSize[sizeclass]!;

/** The heap as text: its pages, then the slots of every span. For messages of failures. */
export function drawing(m: Machine): string {
  const { heap } = m;
  heap.writeBack();
  const spans = [...spansInUse(m)].map((s) => slotMap(heap, heap.base(s)));
  return [pageMap(heap), ...spans.slice(0, 12)].join('\n');
}

/** Rows of all spans of collected objects. */
export function* spansInUse(m: Machine): Generator<MSpan> {
  for (let s = 1 as MSpan; s < m.heap.spanRows; s++) if (m.heap.mspan.state[s] === SpanState.inUse) yield s;
}

/** Throws with findings and a drawing when an invariant of the heap is broken, or when the counters disagree with a walk. */
export function sound(m: Machine): void {
  const findings = [...heapFindings(m.heap), ...countFindings(m)];
  if (findings.length > 0) throw new Error(`${findings.join('\n')}\n${drawing(m)}`);
}

/** Counters against a walk over all spans (Go: TestPageAccounting, TestReadMemStats). */
export function countFindings(m: Machine): string[] {
  const { heap } = m;
  const { mspan, stats } = heap;
  let pages = 0;
  let live = 0;
  let bytes = 0;
  for (const s of spansInUse(m)) {
    pages += mspan.npages[s];
    live += mspan.allocCount[s];
    bytes += mspan.allocCount[s] * mspan.elemSize[s];
  }
  const { mallocs, frees, allocBytes, freeBytes } = stats.totals();
  const out: string[] = [];
  const counted = mallocs + heap.cachedAllocs() - frees;
  if (pages !== stats.pagesInUse) out.push(`pagesInUse ${stats.pagesInUse}, spans cover ${pages}`);
  if (pages + stats.manualPages !== heap.pages.inUse)
    out.push(`${heap.pages.inUse} pages in use, ${pages} + ${stats.manualPages} in spans`);
  if (counted !== live) out.push(`mallocs - frees = ${counted}, spans hold ${live} objects`);
  const cachedBytes = cachedAllocBytes(m);
  if (allocBytes + cachedBytes - freeBytes !== bytes) {
    out.push(`allocated - freed = ${allocBytes + cachedBytes - freeBytes} bytes, spans hold ${bytes}`);
  }
  return out;
}

function cachedAllocBytes(m: Machine): number {
  let bytes = 0;
  for (const { alloc } of m.heap.caches) {
    for (const c of alloc) if (c.span !== 0) bytes += (m.heap.mspan.allocCount[c.span] - c.countBefore) * c.elemSize;
  }
  return bytes;
}

/** Runs the marking of a cycle to its end and leaves its sweep to the test. */
export function markOnly(m: Machine): void {
  m.gc.start(true);
  while (m.gc.marking) m.gc.step(1 << 20);
}

/** Gives all cached spans back, so that they stand in mcentral's sets. */
export function releaseCaches(m: Machine): void {
  for (const cache of m.heap.caches) cache.releaseAll();
}
