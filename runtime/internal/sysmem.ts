// sysmem: memory that is not collected, and who it is charged to.
//
// sysAlloc hands out whole pages of the off-heap area; persistentAlloc bumps small pieces out of 256 KiB chunks, never to
// be freed; FixAlloc recycles records of one size. Each byte is charged to one statistic, and the statistics add up:
// Sys is their exact sum. Source: malloc.go persistentalloc, mfixalloc.go, mem.go.
//
// Accounting rule of persistentAlloc: a new chunk adds 256 KiB to otherSys; each carve for another statistic moves its
// size there. Padding and the tail of an exhausted chunk stay in otherSys.
import { alignUp } from './bits.ts';
import { type LockOrder, LockRank, Mutex } from './lock.ts';
import { type Addr, type Arena, type Column, type LinearAlloc, pageShift, pageSize } from './memory.ts';
import { gothrow } from './throw.ts';

/** Statistics of memory obtained for the runtime itself, in bytes; columns of the `sys` table. */
export const enum Sys {
  /** MemStats.BuckHashSys */
  buckHash,
  mspan,
  mcache,
  gc,
  stacks,
  other,
  /** Number of statistics. */
  count,
}

/** Names as in MemStats. */
export const sysNames = ['BuckHashSys', 'MSpanSys', 'MCacheSys', 'GCSys', 'StackSys', 'OtherSys'] as const;

const chunkBytes = 256 << 10;
/** From this size on persistentAlloc asks sysAlloc directly. Go's persistentalloc1 maxBlock. */
const maxBlock = 64 << 10;

/** Off-heap memory of one machine. */
export class SysMem {
  private readonly stats: Column<Sys>;
  private readonly mutex: Mutex;
  private nextPage = 0;
  private endPage = 0;
  private chunkNext = 0;
  private chunkEnd = 0;
  private readonly startPage: number;

  constructor(
    private readonly arena: Arena,
    mem: LinearAlloc,
    pages: number,
    order: LockOrder,
  ) {
    const carved = SysMem.measure(mem, pages);
    this.stats = carved.stats;
    this.startPage = carved.startPage;
    this.nextPage = this.startPage;
    this.endPage = this.startPage + pages;
    this.mutex = new Mutex(order, LockRank.persistentAlloc, 'persistentalloc');
  }

  /** Carves the statistics and the area itself. */
  static measure(mem: LinearAlloc, pages: number): { stats: Column<Sys>; startPage: number } {
    return { stats: mem.table('sys').f64<Sys>('bytes', Sys.count), startPage: mem.pages('offHeap', pages) };
  }

  get firstPage(): number {
    return this.startPage;
  }

  /** Bytes charged to one statistic. */
  bytes(stat: Sys): number {
    return this.stats[stat];
  }

  /** Bytes charged to all statistics: equals the bytes of all pages handed out (invariant S1). */
  total(): number {
    let sum = 0;
    for (let i = 0; i < Sys.count; i++) sum += this.stats[i as Sys];
    return sum;
  }

  /** Bytes of pages handed out so far. */
  obtained(): number {
    return (this.nextPage - this.startPage) * pageSize;
  }

  /**
   * Whole pages for `bytes`, zeroed, charged to stat; the charge is the page-rounded size.
   * Returns 0 when the off-heap area is used up.
   */
  sysAlloc(bytes: number, stat: Sys): Addr {
    const pages = Math.ceil(bytes / pageSize);
    if (this.nextPage + pages > this.endPage) return 0;
    const addr = this.nextPage << pageShift;
    this.nextPage += pages;
    this.stats[stat] += bytes;
    this.stats[Sys.other] += pages * pageSize - bytes; // the page's tail belongs to nobody
    return addr;
  }

  /** A piece of memory that is never freed, zeroed. align: a power of two, at most a page; 0 means 8. */
  persistentAlloc(bytes: number, align: number, stat: Sys): Addr {
    if (bytes <= 0) gothrow('persistentalloc: size == 0');
    if (align !== 0) {
      if ((align & (align - 1)) !== 0) gothrow('persistentalloc: align is not a power of 2');
      if (align > pageSize) gothrow('persistentalloc: align is too large');
    }
    if (bytes >= maxBlock) return this.sysAlloc(bytes, stat) || gothrow('runtime: cannot allocate memory');
    this.mutex.lock();
    let addr = alignUp(this.chunkNext, align || 8);
    if (this.chunkNext === 0 || addr + bytes > this.chunkEnd) {
      const chunk = this.sysAlloc(chunkBytes, Sys.other);
      if (chunk === 0) gothrow('runtime: cannot allocate memory');
      this.chunkEnd = chunk + chunkBytes;
      addr = alignUp(chunk + 8, align || 8); // Go's first word links the chunk list; ours keeps address 0 of a chunk unused
    }
    this.chunkNext = addr + bytes;
    this.mutex.unlock();
    if (stat !== Sys.other) {
      this.stats[stat] += bytes;
      this.stats[Sys.other] -= bytes;
    }
    return addr;
  }

  /** Views for those who write into off-heap memory. */
  get memory(): Arena {
    return this.arena;
  }
}

/** Free list of off-heap records of one size. Go's fixalloc; chunks of 16 KiB. */
export class FixAlloc {
  private free: Addr = 0;
  private next: Addr = 0;
  private end: Addr = 0;
  /** Records in use. */
  inUse = 0;

  private readonly recordBytes: number;

  constructor(
    private readonly sys: SysMem,
    bytes: number,
    private readonly stat: Sys,
  ) {
    this.recordBytes = (bytes + 7) & -8; // a record may begin with a double
  }

  /** A zeroed record; its address is a multiple of 8. */
  alloc(): Addr {
    const w = this.sys.memory.i32;
    this.inUse++;
    if (this.free !== 0) {
      const record = this.free;
      this.free = w[record >>> 2]!;
      for (let i = record >>> 2, end = (record + this.recordBytes) >>> 2; i < end; i++) w[i] = 0;
      return record;
    }
    if (this.next + this.recordBytes > this.end) {
      this.next = this.sys.persistentAlloc(16 << 10, 0, this.stat);
      this.end = this.next + (16 << 10);
    }
    const record = this.next;
    this.next += this.recordBytes;
    return record;
  }

  /** Gives a record back; its first word becomes the link of the free list. */
  release(record: Addr): void {
    this.inUse--;
    this.sys.memory.i32[record >>> 2] = this.free;
    this.free = record;
  }
}
