// memstats: runtime.MemStats and debug.GCStats. Every figure is read from the tables, none is kept for this purpose only.
//
// Three groups, and the identities that hold between them at any time:
//
//   objects   mallocs - frees = heapObjects           tiny objects count in both, as in Go: their blocks are counted too
//             totalAlloc - bytes freed = alloc = heapAlloc          garbage that is not swept yet counts as allocated
//   heap      heapInuse + heapIdle = heapSys          heapReleased is the part of heapIdle that the host need not back
//   system    sys = heapSys + stackSys + mspanSys + mcacheSys + buckHashSys + gcSys + otherSys       exactly
//
// What "obtained from the system" means in an arena that is reserved at once: a table counts with the rows that were ever
// used, the page heap with the chunks that it has grown to. So the figures grow with the program, as Go's do.
//   mspan     rows of the span table: in use now, and ever used
//   mcache    the caches live in JavaScript fields (heap/mcache.ts); counted as what a record with their fields would take
//   gcSys     work buffers, and the bit maps and page tables of the pages that the heap has grown to
//   otherSys  all other tables: goroutines, Ps, timers, types, counters; and specials and the tails of off-heap chunks
//   heapReleased  pages that the heap has grown to and that were never used: the host gives them memory when touched
//
// Nothing is flushed: what Ps hold in their caches is written back and counted, and they keep their spans, so that looking
// does not change what the program does next (Go flushes). Times are virtual nanoseconds since the start.
// Source: mstats.go readmemstats_m, runtime/debug/garbage.go; ReadMemStatsSlow of export_test.go.
import { heapStartPage, type Page } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { pauseSlots } from '../heap/mstats.ts';
import { classSize, numSizeClasses, numSpanClasses } from '../heap/sizeclasses.ts';
import { maxProcs } from '../sched/p.ts';
import { pageSize } from './internal/memory.ts';
import { Sys } from './internal/sysmem.ts';
import type { Machine } from './machine.ts';

/** Entries of bySize: Go had 61 classes in 2014, and the array kept its length. */
export const bySizeEntries = 61;
/** Bytes that one span class's cache would take as a record: its 9 fields, a word each. */
const allocCacheBytes = 9 * 4;

/** Objects of one size class. */
export interface SizeStats {
  /** Bytes of a slot; 0 for entry 0, which stands for large objects and counts none. */
  readonly size: number;
  readonly mallocs: number;
  readonly frees: number;
}

/** Go's runtime.MemStats. Sizes in bytes, times in virtual nanoseconds. */
export interface MemStats {
  /** Bytes of allocated objects; the same as heapAlloc. */
  readonly alloc: number;
  /** Bytes allocated since the start, freed or not. */
  readonly totalAlloc: number;
  /** All memory obtained: the sum of the …Sys fields. */
  readonly sys: number;
  /** Always 0. */
  readonly lookups: number;
  readonly mallocs: number;
  readonly frees: number;
  readonly heapAlloc: number;
  readonly heapSys: number;
  readonly heapIdle: number;
  readonly heapInuse: number;
  readonly heapReleased: number;
  readonly heapObjects: number;
  readonly stackInuse: number;
  readonly stackSys: number;
  readonly mspanInuse: number;
  readonly mspanSys: number;
  readonly mcacheInuse: number;
  readonly mcacheSys: number;
  readonly buckHashSys: number;
  readonly gcSys: number;
  readonly otherSys: number;
  /** The heap size at which the next cycle's marking must be done; Infinity when collection is off (Go: 2^64-1). */
  readonly nextGC: number;
  /** When the last collection's pause ended; 0 before the first. */
  readonly lastGC: number;
  readonly pauseTotalNs: number;
  /** The last 256 collections' pauses; the most recent is at (numGC + 255) % 256. Both stops of a cycle are in one entry. */
  readonly pauseNs: readonly number[];
  readonly pauseEnd: readonly number[];
  readonly numGC: number;
  readonly numForcedGC: number;
  /** Share of the time of all Ps since the start that went to collections, 0 to 1. As of the last mark termination. */
  readonly gcCPUFraction: number;
  /** Always true, as in Go: GOGC=off does not change it. */
  readonly enableGC: boolean;
  /** Always false. */
  readonly debugGC: boolean;
  readonly bySize: readonly SizeStats[];
}

/** Reads the statistics. The world is stopped, or the caller is at a safepoint. Source: readmemstats_m. */
export function readMemStats(m: Machine): MemStats {
  m.heap.writeBack();
  const objects = objectStats(m);
  const memory = memoryStats(m);
  const { stats } = m.heap;
  return {
    ...objects,
    ...memory,
    lookups: 0,
    nextGC: m.gc.pacer.goal,
    lastGC: stats.lastGC,
    pauseTotalNs: stats.pauseTotalNs,
    pauseNs: Array.from(stats.pauseNs as unknown as ArrayLike<number>),
    pauseEnd: Array.from(stats.pauseEnd as unknown as ArrayLike<number>),
    numGC: m.gc.numGC,
    numForcedGC: stats.numForcedGC,
    gcCPUFraction: m.gc.clock.cpuFraction,
    enableGC: true,
    debugGC: false,
  };
}

type ObjectStats = Pick<MemStats, 'alloc' | 'totalAlloc' | 'mallocs' | 'frees' | 'heapAlloc' | 'heapObjects' | 'bySize'>;

function objectStats(m: Machine): ObjectStats {
  const { stats, caches, mspan } = m.heap;
  const cached = new Float64Array(numSizeClasses); // allocated from spans that Ps hold: counted when they give them back
  for (const { alloc } of caches) {
    for (const c of alloc) if (c.span !== 0) cached[c.spanClass >>> 1]! += mspan.allocCount[c.span] - c.countBefore;
  }
  let { allocBytes: totalAlloc, freeBytes: totalFree, allocs: mallocs, frees } = stats.large;
  const bySize: SizeStats[] = [];
  for (let c = 0; c < numSizeClasses; c++) {
    const row = c as never;
    const size = classSize[c]!;
    const made = stats.smallAllocs[row]! + cached[c]!;
    const freed = stats.smallFrees[row]!;
    totalAlloc += made * size;
    totalFree += freed * size;
    mallocs += made;
    frees += freed;
    if (c < bySizeEntries) bySize.push({ size, mallocs: made, frees: freed });
  }
  mallocs += stats.tinyAllocs;
  frees += stats.tinyAllocs;
  const alloc = totalAlloc - totalFree;
  return { alloc, totalAlloc, mallocs, frees, heapAlloc: alloc, heapObjects: mallocs - frees, bySize };
}

function memoryStats(m: Machine) {
  const { heap, sys } = m;
  const { stats, pages } = heap;
  const heapInuse = stats.pagesInUse * pageSize;
  const stackInuse = stats.manualPages * pageSize;
  const heapSys = pages.grown * pageSize - stackInuse;
  const tables = tableBytes(m);
  const mcache = heap.caches.length * numSpanClasses * allocCacheBytes;
  const system = {
    heapSys,
    stackSys: stackInuse + sys.bytes(Sys.stacks),
    mspanSys: tables.mspan + sys.bytes(Sys.mspan),
    mcacheSys: mcache + sys.bytes(Sys.mcache),
    buckHashSys: sys.bytes(Sys.buckHash),
    gcSys: tables.pages + sys.bytes(Sys.gc),
    otherSys: tables.other + sys.bytes(Sys.other),
  };
  return {
    ...system,
    sys: Object.values(system).reduce((sum, bytes) => sum + bytes, 0),
    heapInuse,
    heapIdle: heapSys - heapInuse,
    heapReleased: pages.released * pageSize,
    stackInuse,
    mspanInuse: tables.mspanInuse,
    mcacheInuse: mcache,
  };
}

/** Tables whose rows describe pages of the heap, in gcSys. */
const pageTables = new Set(['page', 'granule', 'bitWord', 'pages']);
/** Tables whose rows are goroutines. */
const goroutineTables = new Set(['g', 'timer']);
/** Carved, but counted elsewhere: the page heap itself and the off-heap area. */
const areas = new Set(['heap', 'offHeap']);

/** Bytes of the carved tables with the rows that were ever used. */
function tableBytes(m: Machine): { mspan: number; mspanInuse: number; pages: number; other: number } {
  const { heap, sched } = m;
  let spanRow = 0;
  let pages = 0;
  let other = 0;
  for (const { table, field, elemBytes, rows } of m.layout) {
    if (areas.has(field)) continue;
    const bytes = elemBytes * rows;
    if (table === 'mspan') spanRow += elemBytes;
    else if (pageTables.has(table)) pages += Math.ceil((bytes * heap.pages.grown) / (heap.endPage - heapStartPage));
    else if (goroutineTables.has(table)) other += elemBytes * (sched.rowsUsed + 1);
    else if (table === 'm') other += elemBytes * (sched.ms.lastRow + 1);
    else if (table === 'p') other += (bytes / maxProcs) * sched.procs;
    else other += bytes;
  }
  let inUse = 0;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) if (heap.mspan.state[s] !== SpanState.dead) inUse++;
  return { mspan: spanRow * heap.spanRows, mspanInuse: spanRow * inUse, pages, other };
}

/**
 * The statistics, and the same with everything that can be counted anew counted by walking spans and pages: a check of the
 * counters. Source: ReadMemStatsSlow.
 */
export function readMemStatsSlow(m: Machine): { base: MemStats; slow: MemStats } {
  const base = readMemStats(m);
  const { heap } = m;
  const { mspan, stats } = heap;
  const live = new Float64Array(numSizeClasses);
  let mallocs = 0;
  let alloc = 0;
  let usedPages = 0;
  let stackPages = 0;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) {
    if (mspan.state[s] === SpanState.manual) stackPages += mspan.npages[s];
    if (mspan.state[s] !== SpanState.inUse) continue;
    usedPages += mspan.npages[s];
    mallocs += mspan.allocCount[s];
    alloc += mspan.allocCount[s] * mspan.elemSize[s];
    if (mspan.spanClass[s] >>> 1 !== 0) live[mspan.spanClass[s] >>> 1]! += mspan.allocCount[s];
  }
  let { frees, freeBytes: totalFree } = stats.large;
  const bySize: SizeStats[] = [];
  for (let c = 0; c < numSizeClasses; c++) {
    const freed = stats.smallFrees[c as never]!;
    frees += freed;
    totalFree += freed * classSize[c]!;
    if (c < bySizeEntries) bySize.push({ size: classSize[c]!, mallocs: live[c]! + freed, frees: freed });
  }
  frees += stats.tinyAllocs;
  mallocs += frees;
  const heapInuse = usedPages * pageSize;
  const heapIdle = freePages(m) * pageSize;
  const counted = { alloc, heapAlloc: alloc, totalAlloc: alloc + totalFree, mallocs, frees, heapObjects: mallocs - frees, bySize };
  return { base, slow: { ...base, ...counted, heapInuse, heapIdle, heapSys: heapInuse + heapIdle, stackInuse: stackPages * pageSize } };
}

/** Pages that the heap has grown to and that no span covers. */
function freePages({ heap }: Machine): number {
  let n = 0;
  for (let page = heapStartPage; page < heapStartPage + heap.pages.grown; page++) if (heap.pageSpan[page as Page] === 0) n++;
  return n;
}

/** Pages of spans in use as counted, and found by a walk. Source: CountPagesInUse. */
export function countPagesInUse({ heap }: Machine): { pagesInUse: number; counted: number } {
  let counted = 0;
  for (let s = 1 as MSpan; s < heap.spanRows; s++) if (heap.mspan.state[s] === SpanState.inUse) counted += heap.mspan.npages[s];
  return { pagesInUse: heap.stats.pagesInUse, counted };
}

/** Go's debug.GCStats. Virtual nanoseconds. */
export interface GCStats {
  readonly lastGC: number;
  readonly numGC: number;
  readonly pauseTotal: number;
  /** Pauses and when they ended, most recent first, at most 256. */
  readonly pause: readonly number[];
  readonly pauseEnd: readonly number[];
  /** Minimum, equal steps, maximum of `pause`: as many as asked for. */
  readonly pauseQuantiles: readonly number[];
}

/** Reads the pause history. quantiles: how many to compute, e.g. 5 for the quartiles. Source: debug.ReadGCStats. */
export function readGCStats(m: Machine, quantiles = 0): GCStats {
  const { stats } = m.heap;
  const { numGC } = m.gc;
  const n = Math.min(numGC, pauseSlots);
  const pause: number[] = [];
  const pauseEnd: number[] = [];
  for (let i = 0; i < n; i++) {
    const slot = ((numGC - 1 - i) % pauseSlots) as never;
    pause.push(stats.pauseNs[slot]!);
    pauseEnd.push(stats.pauseEnd[slot]!);
  }
  const sorted = [...pause].sort((a, b) => a - b);
  const last = quantiles - 1;
  const at = (i: number) => (n === 0 ? 0 : i === last ? sorted[n - 1]! : sorted[Math.floor((n * i) / last)]!);
  const pauseQuantiles = Array.from({ length: quantiles }, (_, i) => at(i));
  return { lastGC: stats.lastGC, numGC, pauseTotal: stats.pauseTotalNs, pause, pauseEnd, pauseQuantiles };
}
