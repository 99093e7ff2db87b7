// mstats: counters of the heap. Doubles in the arena, so that an inspector sees them and they never wrap.
//
// Allocation counts are kept a span at a time: when a P takes a span it is assumed to use it up (heapLive), and what it
// did not use is corrected when the span is given back. Source: mstats.go, mcache.go refill/releaseAll.
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import { classSize, numSizeClasses } from './sizeclasses.ts';

type ClassRow = Id<'sizeClass'>;

const enum Row {
  heapLive,
  pagesInUse,
  manualPages,
  pagesSwept,
  largeAllocBytes,
  largeAllocCount,
  largeFreeBytes,
  largeFreeCount,
  tinyAllocs,
  pauseTotalNs,
  lastGC,
  numForcedGC,
  count,
}

type PauseSlot = Id<'pauseSlot'>;
/** Pauses that the history keeps. Go's len(MemStats.PauseNs). */
export const pauseSlots = 256;

/** Counters of one heap. */
export class HeapStats {
  private readonly rows: Column<Row>;
  /** Objects allocated / freed of each size class (class 0 unused). Written when spans change hands. */
  readonly smallAllocs: Column<ClassRow>;
  readonly smallFrees: Column<ClassRow>;
  /** Virtual nanoseconds of the last 256 cycles' pauses and when they ended, at numGC % 256. Written at mark termination. */
  readonly pauseNs: Column<PauseSlot>;
  readonly pauseEnd: Column<PauseSlot>;

  constructor(mem: LinearAlloc) {
    mem.table('heapStats');
    this.rows = mem.f64<Row>('counters', Row.count); // see the accessors below
    this.smallAllocs = mem.f64<ClassRow>('smallAllocs', numSizeClasses);
    this.smallFrees = mem.f64<ClassRow>('smallFrees', numSizeClasses);
    this.pauseNs = mem.f64<PauseSlot>('pauseNs', pauseSlots);
    this.pauseEnd = mem.f64<PauseSlot>('pauseEnd', pauseSlots);
  }

  /** Bytes that the pacer takes for allocated: live after the last marking plus allocated since, whole spans ahead. */
  get heapLive(): number {
    return this.rows[Row.heapLive];
  }
  set heapLive(bytes: number) {
    this.rows[Row.heapLive] = bytes;
  }
  /** Pages of spans of collected objects. */
  get pagesInUse(): number {
    return this.rows[Row.pagesInUse];
  }
  set pagesInUse(n: number) {
    this.rows[Row.pagesInUse] = n;
  }
  /** Pages of spans managed by hand (stacks). */
  get manualPages(): number {
    return this.rows[Row.manualPages];
  }
  set manualPages(n: number) {
    this.rows[Row.manualPages] = n;
  }
  /** Pages swept in this cycle; zeroed at mark termination. */
  get pagesSwept(): number {
    return this.rows[Row.pagesSwept];
  }
  set pagesSwept(n: number) {
    this.rows[Row.pagesSwept] = n;
  }
  /** Allocations that fitted into a tiny block. */
  get tinyAllocs(): number {
    return this.rows[Row.tinyAllocs];
  }
  set tinyAllocs(n: number) {
    this.rows[Row.tinyAllocs] = n;
  }

  /** Virtual nanoseconds that the world has stood still for collections. */
  get pauseTotalNs(): number {
    return this.rows[Row.pauseTotalNs];
  }
  /** When the last pause ended, in virtual nanoseconds; 0 before the first. */
  get lastGC(): number {
    return this.rows[Row.lastGC];
  }
  /** Cycles that runtime.GC() asked for. */
  get numForcedGC(): number {
    return this.rows[Row.numForcedGC];
  }

  /** A cycle's second stop ends: its pause goes into the history. numGC: cycles before this one. */
  addPause(numGC: number, nanos: number, end: number, forced: boolean): void {
    const slot = (numGC % pauseSlots) as PauseSlot;
    this.pauseNs[slot] = nanos;
    this.pauseEnd[slot] = end;
    this.rows[Row.pauseTotalNs] += nanos;
    this.rows[Row.lastGC] = end;
    if (forced) this.rows[Row.numForcedGC]++;
  }

  /** Counts n small objects allocated. */
  addSmallAllocs(sizeclass: number, n: number): void {
    this.smallAllocs[sizeclass as ClassRow] += n;
  }
  /** Counts n small objects freed. */
  addSmallFrees(sizeclass: number, n: number): void {
    this.smallFrees[sizeclass as ClassRow] += n;
  }
  /** Bytes of large objects allocated and freed, and how many. */
  get large(): { allocBytes: number; allocs: number; freeBytes: number; frees: number } {
    const { rows } = this;
    return {
      allocBytes: rows[Row.largeAllocBytes],
      allocs: rows[Row.largeAllocCount],
      freeBytes: rows[Row.largeFreeBytes],
      frees: rows[Row.largeFreeCount],
    };
  }
  addLargeAlloc(bytes: number): void {
    this.rows[Row.largeAllocBytes] += bytes;
    this.rows[Row.largeAllocCount]++;
  }
  addLargeFree(bytes: number): void {
    this.rows[Row.largeFreeBytes] += bytes;
    this.rows[Row.largeFreeCount]++;
  }

  /** Sums over all classes; MemStats' TotalAlloc, Mallocs, Frees without tiny allocations. Caches must be written back. */
  totals(): { allocBytes: number; freeBytes: number; mallocs: number; frees: number } {
    let allocBytes = this.rows[Row.largeAllocBytes];
    let freeBytes = this.rows[Row.largeFreeBytes];
    let mallocs = this.rows[Row.largeAllocCount];
    let frees = this.rows[Row.largeFreeCount];
    for (let c = 1; c < numSizeClasses; c++) {
      const row = c as ClassRow;
      allocBytes += this.smallAllocs[row] * classSize[c]!;
      freeBytes += this.smallFrees[row] * classSize[c]!;
      mallocs += this.smallAllocs[row];
      frees += this.smallFrees[row];
    }
    return { allocBytes, freeBytes, mallocs, frees };
  }
}
