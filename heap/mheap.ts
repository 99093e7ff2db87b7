// mheap: runs of pages become spans, spans become runs of pages; and the tables that every other file of the heap reads.
// See layout.ts for the ladder. Source: mheap.go.
//
// Span life: allocSpan (pages taken, row filled, state published) -> cached by a P -> in a set of mcentral -> swept each
// cycle -> freeSpan when a sweep leaves no live slot (the row's sweepGen survives, as Go's comments demand).

import type { MemProfiler } from '../profiler/mprof.ts';
import { publish } from '../runtime/internal/atomic.ts';
import { popcount } from '../runtime/internal/bits.ts';
import type { Era } from '../runtime/internal/era.ts';
import type { Events } from '../runtime/internal/events.ts';
import type { Faults } from '../runtime/internal/faults.ts';
import { type LockOrder, LockRank, Mutex } from '../runtime/internal/lock.ts';
import { type Addr, type Arena, type Column, type Id, type LinearAlloc, pageShift, pageSize } from '../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import { HostValues } from './hostvals.ts';
import { bitWordShift, granuleBytes, wordsPerPage } from './layout.ts';
import { AllocBlack, type MCache } from './mcache.ts';
import { CentralSets } from './mcentral.ts';
import { FinalQueue } from './mfinal.ts';
import { Handles } from './mhandle.ts';
import { PageAlloc } from './mpagealloc.ts';
import { Reclaimer } from './mreclaim.ts';
import { type MSpan, type MSpanTable, mixedTypes, mspanTable, noTypeYet, SpanState } from './mspan.ts';
import { specialBytes } from './mspecial.ts';
import { HeapStats } from './mstats.ts';
import { exchangeInScript } from './msweep.ts';
import { classPages, classSize, classSlots, numSizeClasses, tinySize } from './sizeclasses.ts';
import type { SpecialIndex } from './specialindex.ts';
import { type ExchangeBits, sweepKernel } from './sweepkernel.ts';
import { noscanMask, type RType, type TypeId, TypeTable } from './types.ts';

/** Page number; the tables below are indexed by address >>> 13. */
export type Page = Id<'page'>;

/** First heap page: behind the page that is never mapped and the head's page. */
export const heapStartPage = 2;

/** The heap of one machine: tables, page allocator, span rows. One owner for all memory that is collected. */
export class Heap {
  readonly w: Int32Array;
  readonly types: TypeTable;
  /** Type of the blocks that the tiny allocator fills. */
  readonly tinyType: RType;
  readonly mspan: MSpanTable;
  /** Span of each heap page; 0 when free. Written under the heap lock. */
  readonly pageSpan: Column<Page>;
  /** Two words a page, what the marker must know of its objects: the mask of types.ts, and the bytes of a slot. */
  readonly pageInfo: Int32Array;
  /** Type id of each slot, at its first granule; meaningful in spans of mixed types only. */
  readonly slotType: Uint16Array;
  /** See layout.ts. */
  readonly startBits: Int32Array;
  readonly allocBits: Int32Array;
  readonly markBits: Int32Array;
  /** Step 4 of a span's sweep (msweep.ts). */
  exchange: ExchangeBits;
  readonly pages: PageAlloc;
  readonly central: CentralSets;
  readonly stats: HeapStats;
  /** FixAlloc of profile and finalizer records. */
  readonly specials: FixAlloc;
  /** Of spans with long lists of them; never of one that has none. See specialindex.ts. */
  readonly specialIndexes = new Map<MSpan, SpecialIndex>();
  readonly finalQueue = new FinalQueue();
  readonly reclaimer = new Reclaimer(this);
  readonly hostValues = new HostValues();
  /** What weak pointers hold, by the number in the object's record: WeakCell of mspecial.ts. */
  readonly weakCells = new HostValues();
  readonly handles = new Handles();
  readonly specialLock: Mutex;
  /** Stands for the special lock of each span: one thread runs the machine, so one is enough to check the order. */
  readonly spanSpecialLock: Mutex;
  readonly lock: Mutex;
  /** One past the last heap page. */
  readonly endPage: number;
  /** Caches of all Ps; registered by their constructor. */
  readonly caches: MCache[] = [];
  /** The scheduler writes back what it has in fields. */
  onWriteBack: (() => void) | null = null;
  /** Whether allocation is black now, and what it has blackened. */
  readonly allocBlack = new AllocBlack();
  /** The heap's sweep generation: up by 2 at each mark termination, world stopped. */
  sweepGen = 0;
  /** Whose rules are followed: see mspecial.ts. */
  era: Era = '1.19';
  /** Told when pages were taken: how many of them had been released, and how many the heap grew by. The scavenger listens. */
  onPagesTaken: ((pagedIn: number, growth: number) => void) | null = null;
  /** GODEBUG=clobberfree=1: the sweep overwrites what it frees. */
  clobberFree = false;
  /** Free rows of the span table, linked by mspan.next. */
  private freeRows: MSpan = 0 as MSpan;
  private nextRow = 1;
  private readonly rows: number;
  private readonly startPatterns: (Int32Array | undefined)[] = [];

  constructor(
    readonly arena: Arena,
    mem: LinearAlloc,
    /** Pages that the collected heap may use. */
    heapPages: number,
    readonly sys: SysMem,
    readonly order: LockOrder,
    readonly events: Events,
    readonly profiler: MemProfiler,
    readonly faults: Faults,
    tables: HeapTables,
  ) {
    this.w = arena.i32;
    this.endPage = heapStartPage + heapPages;
    this.rows = heapPages + 1;
    this.types = tables.types;
    this.tinyType = this.types.define('runtime.tinyBlock', tinySize, []);
    this.mspan = tables.mspan;
    this.pageSpan = tables.pageSpan;
    this.pageInfo = tables.pageInfo as unknown as Int32Array;
    this.slotType = tables.slotType as unknown as Uint16Array;
    this.startBits = tables.startBits as unknown as Int32Array;
    this.allocBits = tables.allocBits as unknown as Int32Array;
    this.markBits = tables.markBits as unknown as Int32Array;
    this.exchange = sweepKernel(arena.memory, tables) ?? exchangeInScript(this.allocBits, this.markBits);
    this.pages = tables.pages;
    this.stats = tables.stats;
    this.central = new CentralSets(this, mem, tables);
    this.lock = new Mutex(order, LockRank.mheap, 'mheap.lock');
    this.specialLock = new Mutex(order, LockRank.mheapSpecial, 'mheap.speciallock');
    this.spanSpecialLock = new Mutex(order, LockRank.spanSpecial, 'span.speciallock');
    this.specials = new FixAlloc(sys, specialBytes, Sys.other);
  }

  /** Address of every object without bytes: off the heap, so nobody counts or collects it. Go's zerobase. */
  get zeroBase(): Addr {
    if (this.zeroBaseAddr === 0) this.zeroBaseAddr = this.sys.persistentAlloc(8, 8, Sys.other);
    return this.zeroBaseAddr;
  }
  private zeroBaseAddr: Addr = 0;

  /** Whether addr is that of the objects without bytes. */
  isZeroBase(addr: Addr): boolean {
    return addr !== 0 && addr === this.zeroBaseAddr;
  }

  /** Base address of a span. */
  base(s: MSpan): Addr {
    return this.mspan.startPage[s] << pageShift;
  }

  /** The span that covers an address, in-use or manual; 0 for none. Source: spanOf. */
  spanOf(addr: Addr): MSpan {
    const page = addr >>> pageShift;
    return (page < this.endPage ? this.pageSpan[page as Page] : 0) as MSpan;
  }

  /** The span of collected objects that covers an address; 0 for none. Source: spanOfHeap. */
  spanOfHeap(addr: Addr): MSpan {
    const s = this.spanOf(addr);
    return s !== 0 && this.mspan.state[s] === SpanState.inUse ? s : (0 as MSpan);
  }

  /** Whether an address lies in the page heap. */
  isHeapAddr(addr: Addr): boolean {
    const page = addr >>> pageShift;
    return page >= heapStartPage && page < this.endPage;
  }

  /** First address of the slot that holds addr; 0 when addr is in no slot of the collected heap. Source: findObject. */
  objectBase(addr: Addr): Addr {
    const s = this.spanOfHeap(addr);
    if (s === 0) return 0;
    const base = this.base(s);
    const slot = Math.floor((addr - base) / this.mspan.elemSize[s]);
    return slot < this.mspan.nelems[s] ? base + slot * this.mspan.elemSize[s] : 0;
  }

  /** Whether addr is the first address of an allocated object. Caches must be written back. */
  isObject(addr: Addr): boolean {
    const s = this.spanOfHeap(addr);
    return s !== 0 && this.objectBase(addr) === addr && this.isAllocated(s, addr);
  }

  /** Whether the slot at addr (a slot's first address in s) is allocated: see layout.ts. Caches must be written back. */
  isAllocated(s: MSpan, addr: Addr): boolean {
    return addr < this.mspan.freeAddr[s] || ((this.allocBits[addr >>> bitWordShift]! >>> ((addr >>> 3) & 31)) & 1) !== 0;
  }

  /** While nothing is marked: whether a span still has what the last marking found dead; mark bits tell which. See mspan.ts. */
  awaitsSweep(s: MSpan): boolean {
    const behind = this.mspan.sweepGen[s] - this.sweepGen;
    return behind === -2 || behind === 1;
  }

  /** Whether the marking has reached the object at addr. */
  isMarked(addr: Addr): boolean {
    return ((this.markBits[addr >>> bitWordShift]! >>> ((addr >>> 3) & 31)) & 1) !== 0;
  }

  /** Bit-map words (32 a page, bit at each slot's first granule) of a span of a size class. */
  startPattern(sizeclass: number): Int32Array {
    return (this.startPatterns[sizeclass] ??= makeStartPattern(sizeclass));
  }

  /** Writes the span's slot beginnings into the bit map. */
  private setStarts(s: MSpan): void {
    const { startBits, mspan } = this;
    const first = mspan.startPage[s] * wordsPerPage;
    const sizeclass = mspan.spanClass[s] >>> 1;
    if (sizeclass === 0) {
      startBits[first] = 1;
      return;
    }
    const pattern = this.startPattern(sizeclass);
    for (let i = 0; i < pattern.length; i++) startBits[first + i] = pattern[i]!;
  }

  private clearStarts(s: MSpan): void {
    const { startBits, mspan } = this;
    const first = mspan.startPage[s] * wordsPerPage;
    const end = (mspan.spanClass[s] >>> 1 === 0 ? 1 : mspan.npages[s] * wordsPerPage) + first;
    for (let i = first; i < end; i++) startBits[i] = 0;
  }

  /**
   * Takes npages and makes a span of them. spanClass >> 1 == 0 makes a large span of one object of elemBytes.
   * Returns 0 when the arena is full. Source: mheap.alloc, allocSpan.
   */
  allocSpan(npages: number, spanClass: number, state: SpanState.inUse | SpanState.manual): MSpan {
    this.lock.lock();
    const { pages, mspan, stats } = this;
    const zeroedBefore = pages.zeroedBase;
    const grownBefore = pages.grown;
    let page = pages.alloc(npages);
    if (page < 0 && pages.grow(npages)) page = pages.alloc(npages);
    if (page < 0) {
      this.lock.unlock();
      return 0 as MSpan;
    }
    const s = this.takeRow();
    const startPage = heapStartPage + page;
    const sizeclass = spanClass >>> 1;
    const large = sizeclass === 0;
    mspan.startPage[s] = startPage;
    mspan.npages[s] = npages;
    mspan.spanClass[s] = spanClass;
    mspan.elemSize[s] = large ? npages * pageSize : classSize[sizeclass]!;
    mspan.nelems[s] = large ? 1 : classSlots[sizeclass]!;
    mspan.allocCount[s] = 0;
    mspan.freeAddr[s] = startPage << pageShift;
    mspan.needZero[s] = page < zeroedBefore ? 1 : 0;
    mspan.objType[s] = noTypeYet;
    const mask = (spanClass & 1) !== 0 ? noscanMask : 0;
    for (let i = startPage; i < startPage + npages; i++) {
      this.pageSpan[i as Page] = s;
      this.pageInfo[i << 1] = mask;
      this.pageInfo[(i << 1) + 1] = mspan.elemSize[s];
    }
    if (state === SpanState.inUse) this.setStarts(s);
    publish(mspan.sweepGen, s, this.sweepGen);
    mspan.state[s] = state; // publication: who finds the span by address may trust the lines above
    if (state === SpanState.inUse) stats.pagesInUse += npages;
    else stats.manualPages += npages;
    this.lock.unlock();
    if (this.onPagesTaken !== null) this.onPagesTaken(pages.pagedIn, pages.grown - grownBefore);
    return s;
  }

  /** Gives a span's pages back. It is in no set, has no specials and no allocated slot. Source: mheap.freeSpan. */
  freeSpan(s: MSpan): void {
    const { mspan, stats } = this;
    if (mspan.set[s] !== 0) gothrow(`mheap.freeSpan: span ${s} is still in set ${mspan.set[s] - 1}`);
    if (mspan.specials[s] !== 0) gothrow(`mheap.freeSpan: span ${s} still has specials`);
    if (mspan.allocCount[s] !== 0) gothrow(`mheap.freeSpan: span ${s} has ${mspan.allocCount[s]} allocated slots`);
    this.lock.lock();
    const startPage = mspan.startPage[s];
    const npages = mspan.npages[s];
    if (mspan.state[s] === SpanState.inUse) {
      stats.pagesInUse -= npages;
      this.clearStarts(s);
    } else stats.manualPages -= npages;
    mspan.state[s] = SpanState.dead;
    for (let i = startPage; i < startPage + npages; i++) {
      this.pageSpan[i as Page] = 0;
      this.pageInfo[i << 1] = 0;
      this.pageInfo[(i << 1) + 1] = 0;
    }
    this.pages.free(startPage - heapStartPage, npages);
    mspan.next[s] = this.freeRows;
    this.freeRows = s;
    this.lock.unlock();
  }

  private takeRow(): MSpan {
    const s = this.freeRows;
    if (s !== 0) {
      this.freeRows = this.mspan.next[s] as MSpan;
      this.mspan.next[s] = 0;
      return s;
    }
    if (this.nextRow >= this.rows) gothrow('mheap: span table is full'); // cannot be: a span has at least one page
    return this.nextRow++ as MSpan;
  }

  /** Number of rows of the span table that were ever used, plus one: the bound of a walk over all spans. */
  get spanRows(): number {
    return this.nextRow;
  }

  /** Ends the program: the arena has no room for npages. Nothing was changed. Source: throw("out of memory") of malloc.go. */
  outOfMemory(bytes: number): never {
    return fatal('out of memory', `runtime: out of memory: cannot allocate ${bytes}-byte block (${this.pages.inUse * pageSize} in use)`);
  }

  /**
   * Records that the slot at addr holds a value of `type`. The first type of an empty span becomes the type of its pages;
   * a second one turns it into a span of mixed types, once.
   */
  setObjectType(s: MSpan, addr: Addr, type: RType): void {
    const { mspan } = this;
    const known = mspan.objType[s];
    if (known === type.id) return;
    if (known === noTypeYet) {
      mspan.objType[s] = type.id;
      this.setPageMask(s, type.pageMask(mspan.elemSize[s]));
      return;
    }
    if (known !== mixedTypes) this.becomeMixed(s, known);
    this.slotType[addr >>> 3] = type.id;
  }

  private becomeMixed(s: MSpan, known: number): void {
    const { mspan } = this;
    const elemSize = mspan.elemSize[s];
    const base = this.base(s);
    for (let i = 0, addr = base; i < mspan.nelems[s]; i++, addr += elemSize) this.slotType[addr >>> 3] = known;
    mspan.objType[s] = mixedTypes;
    if ((mspan.spanClass[s] & 1) === 0) this.setPageMask(s, 0); // types without pointers stay unseen by the marker
  }

  /** Forgets the type of a span that has no live slot, so that any type may come next. */
  clearObjectType(s: MSpan): void {
    this.mspan.objType[s] = noTypeYet;
    if ((this.mspan.spanClass[s] & 1) === 0) this.setPageMask(s, 0);
  }

  private setPageMask(s: MSpan, mask: number): void {
    const { pageInfo, mspan } = this;
    const end = mspan.startPage[s] + mspan.npages[s];
    for (let i = mspan.startPage[s]; i < end; i++) pageInfo[i << 1] = mask;
  }

  /** Type id of the allocated object at addr (a slot's first address). */
  typeOf(addr: Addr): TypeId {
    const s = this.spanOf(addr);
    const known = this.mspan.objType[s] as TypeId;
    if (known === mixedTypes) return this.slotType[addr >>> 3] as TypeId;
    return known === noTypeYet ? (0 as TypeId) : known;
  }

  /** Writes what is in JavaScript fields back into the arena: done at each safepoint. */
  writeBack(): void {
    this.writeCaches();
    if (this.onWriteBack !== null) this.onWriteBack();
  }

  /** The Ps' caches alone. */
  writeCaches(): void {
    for (const cache of this.caches) cache.writeBack();
  }

  /** Objects allocated from cached spans that the statistics do not count yet. */
  cachedAllocs(): number {
    let n = 0;
    for (const cache of this.caches) n += cache.uncounted();
    return n;
  }

  /** Bytes of the objects that cachedAllocs counts. */
  cachedBytes(): number {
    let bytes = 0;
    for (const cache of this.caches) bytes += cache.uncountedBytes();
    return bytes;
  }

  /** Live slots of a span by its mark bits. */
  markedCount(s: MSpan): number {
    const first = this.mspan.startPage[s] * wordsPerPage;
    let n = 0;
    for (let i = first; i < first + this.mspan.npages[s] * wordsPerPage; i++) n += popcount(this.markBits[i]!);
    return n;
  }
}

/** The columns of the heap, carved before the heap object is made. */
export interface HeapTables {
  readonly types: TypeTable;
  readonly mspan: MSpanTable;
  readonly pageSpan: Column<Page>;
  readonly pageInfo: Column<Page>;
  readonly slotType: Column<Id<'granule'>>;
  readonly startBits: Column<Id<'bitWord'>>;
  readonly allocBits: Column<Id<'bitWord'>>;
  readonly markBits: Column<Id<'bitWord'>>;
  readonly pages: PageAlloc;
  readonly stats: HeapStats;
  readonly setHeads: Column<Id<'spanSet'>>;
}

/** Carves the heap's tables; heapPages as for Heap. Called once to measure and once over the arena. */
export function heapTables(mem: LinearAlloc, heapPages: number): HeapTables {
  const endPage = heapStartPage + heapPages;
  const types = new TypeTable(mem);
  const mspan = mspanTable(mem, heapPages + 1);
  mem.table('page');
  const pageSpan = mem.i32<Page>('span', endPage); // under the heap lock
  const pageInfo = mem.i32<Page>('maskAndElemSize', endPage * 2); // the P that types the span writes it; the marker reads it
  mem.table('granule');
  const slotType = mem.u16<Id<'granule'>>('slotType', endPage << (pageShift - 3)); // the allocating P writes it
  mem.table('bitWord');
  const startBits = mem.i32<Id<'bitWord'>>('startBits', endPage * wordsPerPage); // who makes or frees the span writes it
  const allocBits = mem.i32<Id<'bitWord'>>('allocBits', endPage * wordsPerPage); // the sweeper of the span writes it
  const markBits = mem.i32<Id<'bitWord'>>('markBits', endPage * wordsPerPage); // the marker; allocation while marking
  const pages = new PageAlloc(mem, heapPages);
  const stats = new HeapStats(mem);
  const setHeads = mem.table('spanSet').i32<Id<'spanSet'>>('head', numSizeClasses * 2 * 4); // under mcentral's lock
  return { types, mspan, pageSpan, pageInfo, slotType, startBits, allocBits, markBits, pages, stats, setHeads };
}

function makeStartPattern(sizeclass: number): Int32Array {
  const pattern = new Int32Array(classPages[sizeclass]! * wordsPerPage);
  for (let i = 0; i < classSlots[sizeclass]!; i++) {
    const granule = (i * classSize[sizeclass]!) / granuleBytes;
    pattern[granule >>> 5]! |= 1 << (granule & 31);
  }
  return pattern;
}
