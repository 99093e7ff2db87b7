// mpagealloc: which pages are in use. A bitmap (1: in use) in chunks of 512 pages, each with a summary (free run at the
// start, longest, at the end); the search is address-ordered first fit from searchPage on. See layout.ts for the ladder.
//
// Most spans are one page, so a single page is found from the bits alone, and a chunk's summary is only brought up to date
// when a longer run is looked for (stale). Go keeps a radix tree of summaries over 48 bits of address; an arena has at most
// 512 chunks (2 GiB), so one level is scanned. Pages are numbered from the heap's first page here. Source: mpagealloc.go, mpallocbits.go.
//
// A page is also released or not: given back to the system, as pages are that were never used. Taking it into use costs memory
// again. Which pages are released is gc/mgcscavenge.ts's business; here are the bits.
//
// Invariants: H1 a page is in use here iff exactly one span covers it.  H2 summaries agree with the bits.
//             H3 no free page lies before searchPage.   H5 no page in use is released, and released pages are counted.
import { ctz, popcount } from '../runtime/internal/bits.ts';
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { chunkPages } from './layout.ts';

type BitWord = Id<'pageBits'>;
type Chunk = Id<'chunk'>;

const chunkWords = chunkPages / 32;

/** The page allocator of one heap. */
export class PageAlloc {
  private readonly bits: Column<BitWord>;
  private readonly start: Column<Chunk>;
  private readonly max: Column<Chunk>;
  private readonly end: Column<Chunk>;
  private readonly stale: Column<Chunk>;
  /** Pages that exist so far; the heap grows in chunks. */
  grown = 0;
  /** Pages in use. */
  inUse = 0;
  /** Pages at or above this number were never in use, so they are zero. Only grows. Go's zeroedBase. */
  zeroedBase = 0;
  /** Free pages that are released: given back to the system, or never used yet. */
  released = 0;
  /** Pages that the last alloc took into use although they were released. */
  pagedIn = 0;
  private searchPage = 0;
  /** Every free page at or behind it is released. */
  private releaseTop = 0;
  private readonly scavenged: Column<BitWord>;

  constructor(
    mem: LinearAlloc,
    /** Pages that the heap may grow to. */
    readonly limit: number,
  ) {
    const chunks = Math.ceil(limit / chunkPages);
    mem.table('pages');
    this.bits = mem.i32<BitWord>('inUse', chunks * chunkWords); // 1: in use; under the heap lock
    this.scavenged = mem.i32<BitWord>('released', chunks * chunkWords); // 1: free and released; under the heap lock
    this.start = mem.u16<Chunk>('freeAtStart', chunks); // free pages at the chunk's start; under the heap lock
    this.max = mem.u16<Chunk>('longestFree', chunks); // longest free run inside the chunk
    this.end = mem.u16<Chunk>('freeAtEnd', chunks); // free pages at the chunk's end
    this.stale = mem.u8<Chunk>('stale', chunks); // 1: bits changed since the summary was made
  }

  /**
   * Makes more pages exist, in whole chunks, so that a run of n free ones ends the heap; the run may begin in the free pages
   * that end it now. False, and nothing changed, when the limit does not allow that. Source: mheap.grow.
   */
  grow(n: number): boolean {
    const want = Math.ceil(n / chunkPages) * chunkPages;
    const to = Math.min(this.grown + want, this.limit);
    let tail = 0;
    while (tail < this.grown && !this.isInUse(this.grown - tail - 1)) tail++;
    if (to === this.grown || tail + to - this.grown < n) return false;
    const from = this.grown;
    this.grown = to;
    setBits(this.scavenged, from, to - from, true);
    this.released += to - from;
    for (let c = Math.floor(from / chunkPages); c * chunkPages < to; c++) this.summarise(c as Chunk);
    return true;
  }

  /** First page of a free run of n pages, now in use; -1 when there is none. Source: pageAlloc.alloc. */
  alloc(n: number): number {
    const page = n === 1 ? this.findOne() : this.find(n);
    if (page < 0) return -1;
    this.setRange(page, n, true);
    this.inUse += n;
    this.pageIn(page, n);
    if (page === this.searchPage) this.searchPage = page + n;
    if (page + n > this.zeroedBase) this.zeroedBase = page + n;
    return page;
  }

  /** Frees n pages from page on; all must be in use. Source: pageAlloc.free. */
  free(page: number, n: number): void {
    for (let i = page; i < page + n; i++) if (!this.isInUse(i)) gothrow(`pageAlloc.free: page ${i} is not in use`);
    this.setRange(page, n, false);
    this.inUse -= n;
    if (page < this.searchPage) this.searchPage = page;
    if (page + n > this.releaseTop) this.releaseTop = page + n;
  }

  /** Pages are in use, and so no longer released. */
  private pageIn(page: number, n: number): void {
    const { scavenged } = this;
    let count = 0;
    for (let i = page; i < page + n; i++) if (((scavenged[(i >>> 5) as BitWord] >>> (i & 31)) & 1) !== 0) count++;
    if (count > 0) setBits(scavenged, page, n, false);
    this.released -= count;
    this.pagedIn = count;
  }

  /** Releases up to n free pages, the highest first; returns how many. Source: pageAlloc.scavenge. */
  release(n: number): number {
    const { bits, scavenged } = this;
    let left = n;
    let word = Math.ceil(this.releaseTop / 32) - 1;
    for (; word >= 0 && left > 0; word--) {
      const id = word as BitWord;
      for (let ready = ~(bits[id] | scavenged[id]) & this.existing(word); ready !== 0 && left > 0; left--) {
        const bit = 31 - Math.clz32(ready);
        ready &= ~(1 << bit);
        scavenged[id] |= 1 << bit;
        this.releaseTop = word * 32 + bit;
      }
    }
    if (left > 0) this.releaseTop = 0;
    this.released += n - left;
    return n - left;
  }

  /** The bits of a word that stand for pages which exist. */
  private existing(word: number): number {
    const pages = this.grown - word * 32;
    return pages >= 32 ? -1 : pages <= 0 ? 0 : (1 << pages) - 1;
  }

  /** Whether a free page is released. */
  isReleased(page: number): boolean {
    return ((this.scavenged[(page >>> 5) as BitWord] >>> (page & 31)) & 1) !== 0;
  }

  /** Whether a page is in use. */
  isInUse(page: number): boolean {
    return ((this.bits[(page >>> 5) as BitWord] >>> (page & 31)) & 1) !== 0;
  }

  /** The first free page; -1 when there is none. */
  private findOne(): number {
    const { bits, grown } = this;
    for (let i = this.searchPage >>> 5; i << 5 < grown; i++) {
      const free = ~bits[i as BitWord]; // no page before searchPage is free (H3)
      if (free === 0) continue;
      const page = (i << 5) + ctz(free);
      return page < grown ? page : -1;
    }
    return -1;
  }

  /** Free run over chunk borders: the sum of one chunk's end, whole free chunks and the next one's start. */
  private find(n: number): number {
    let run = 0;
    let runStart = 0;
    const { start, max, end, grown } = this;
    for (let c = Math.floor(this.searchPage / chunkPages) as Chunk; c * chunkPages < grown; c++) {
      const size = Math.min(chunkPages, grown - c * chunkPages);
      if (this.stale[c] !== 0) this.summarise(c);
      if (run === 0) runStart = c * chunkPages;
      if (run + start[c] >= n) return runStart;
      if (max[c] >= n) return this.findInChunk(c, size, n);
      if (start[c] === size) run += size;
      else {
        run = end[c];
        runStart = c * chunkPages + size - run;
      }
    }
    return -1;
  }

  private findInChunk(c: Chunk, size: number, n: number): number {
    let run = 0;
    for (let i = 0; i < size; i++) {
      const page = c * chunkPages + i;
      if ((i & 31) === 0 && this.bits[(page >>> 5) as BitWord] === -1) {
        run = 0;
        i += 31;
        continue;
      }
      run = this.isInUse(page) ? 0 : run + 1;
      if (run === n) return page - n + 1;
    }
    return gothrow(`pageAlloc.find: chunk ${c} promised a run of ${n} pages`);
  }

  private setRange(page: number, n: number, used: boolean): void {
    setBits(this.bits, page, n, used);
    for (let c = Math.floor(page / chunkPages); c * chunkPages < page + n; c++) this.stale[c as Chunk] = 1;
  }

  private summarise(c: Chunk): void {
    const { start, max, end } = this;
    const s = this.summary(c);
    start[c] = s.start;
    max[c] = s.max;
    end[c] = s.end;
    this.stale[c] = 0;
  }

  /** Recomputes a chunk's summary from its bits. */
  private summary(c: number): { start: number; max: number; end: number } {
    const size = Math.min(chunkPages, this.grown - c * chunkPages);
    let start = -1;
    let max = 0;
    let run = 0;
    for (let i = 0; i < size; ) {
      const word = this.bits[(c * chunkWords + (i >>> 5)) as BitWord];
      const from = i & 31;
      const rest = word >>> from;
      const room = Math.min(32 - from, size - i);
      const free = Math.min(ctz(rest), room);
      run += free;
      i += free;
      if (run > max) max = run;
      if (free < room) {
        if (start < 0) start = run;
        run = 0;
        i += Math.min(ctz(~rest >>> free), room - free) || 1; // skip the pages in use
      }
    }
    return { start: start < 0 ? run : start, max, end: run };
  }

  /** What is wrong with bits and summaries, as text; empty when nothing is. For check.ts. */
  findings(): string[] {
    const out: string[] = [];
    let used = 0;
    for (let c = 0; c * chunkPages < this.grown; c++) {
      const size = Math.min(chunkPages, this.grown - c * chunkPages);
      for (let i = 0; i < size; i += 32) used += popcount(this.bits[(c * chunkWords + (i >>> 5)) as BitWord]);
      const want = this.summary(c);
      const id = c as Chunk;
      if (this.stale[id] !== 0) continue;
      if (this.start[id] !== want.start || this.max[id] !== want.max || this.end[id] !== want.end) {
        out.push(
          `H2: chunk ${c}: summary ${this.start[id]},${this.max[id]},${this.end[id]}, bits say ${want.start},${want.max},${want.end}`,
        );
      }
    }
    let released = 0;
    for (let i = 0; i < this.grown; i++) {
      if (!this.isReleased(i)) {
        if (i >= this.releaseTop && !this.isInUse(i)) out.push(`H5: page ${i} is ready behind releaseTop ${this.releaseTop}`);
        continue;
      }
      released++;
      if (this.isInUse(i)) out.push(`H5: page ${i} is in use and released`);
    }
    if (released !== this.released) out.push(`H5: ${this.released} pages counted as released, bits say ${released}`);
    if (used !== this.inUse) out.push(`H1: ${this.inUse} pages counted in use, bits say ${used}`);
    for (let i = 0; i < Math.min(this.searchPage, this.grown); i++) {
      if (!this.isInUse(i)) {
        out.push(`H3: page ${i} is free before searchPage ${this.searchPage}`);
        break;
      }
    }
    return out;
  }
}

/** Sets or clears n bits from bit `first` on. */
function setBits(bits: Column<BitWord>, first: number, n: number, on: boolean): void {
  for (let i = first; i < first + n; ) {
    const word = (i >>> 5) as BitWord;
    const from = i & 31;
    const len = Math.min(32 - from, first + n - i);
    const mask = (len === 32 ? -1 : (1 << len) - 1) << from;
    bits[word] = on ? bits[word] | mask : bits[word] & ~mask;
    i += len;
  }
}
