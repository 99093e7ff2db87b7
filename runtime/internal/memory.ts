// memory: one buffer for everything that can be looked at, carved from the bottom up.
//
// An Arena is a fixed, shared buffer with one view of each width over all of it. A LinearAlloc cuts it once, at start,
// into the head, the page heap, the tables (struct of arrays: a column a field) and off-heap memory (persistentalloc).
// Layout is declared in code and never sent anywhere: who carves a fresh arena in the same order gets the same addresses,
// and the head (magic, version, geometry) lets a reader refuse memory of another build.
//
//   0        8 KiB    16 KiB                                              sizeBytes
//   +--------+--------+----------------+-----------------------+----------+
//   | never  | head   | page heap      | tables: columns       | off-heap |
//   | mapped |        |                | (mspan, g, p, types…) |          |
//   +--------+--------+----------------+-----------------------+----------+
//
// The heap lies lowest so that per-page and per-granule tables can be indexed by address without subtracting a base.
//
// Columns are staggered by a cache line: at a stride of a power of two, the same row of many columns falls into one
// cache set (measured 257 ns against 70 ns for twelve columns).

declare const brand: unique symbol;

/** A row number of the table named by Tag; 0 is nil. Erases to a number. */
export type Id<Tag extends string> = number & { readonly [brand]: Tag };
/** A column that is indexed by the ids of its own table only. A typed array at run time. */
export type Column<I extends number> = Record<I, number> & { readonly length: number };
/** A column of words that several Ms decide about: written through cas/publish of atomic.ts only. */
export type AtomicColumn<I extends number> = Readonly<Record<I, number>> & { readonly [brand]: 'atomic' };
/** A byte address in the arena; 0 is nil. A 32-bit uintptr below 2 GiB, so it is always a small int32. */
export type Addr = number;

/** What came in as an address, for `who`: any whole number will do. TypeError: no number; RangeError: no whole one. */
export function addressArgument(who: string, addr: Addr): void {
  if (typeof addr !== 'number') throw new TypeError(`${who}: got ${addr === null ? 'null' : typeof addr}, wanted an address`);
  if (!Number.isInteger(addr)) throw new RangeError(`${who}: got ${addr}, wanted an address`);
}

export const pageShift = 13;
/** Page size in bytes, Go's _PageSize. */
export const pageSize = 1 << pageShift;
/** First word that tells our memory from any other ("gorn", little endian). */
export const arenaMagic = 0x6e726f67;
/** Changes whenever a table, a record or the order of carving changes. */
export const layoutVersion = 6;

/** The head's words, at byte address headAddr. */
export const enum ArenaHead {
  magic,
  layoutVersion,
  sizePages,
  heapStartPage,
  heapPages,
  sysStartPage,
  sysPages,
  words,
}
/** Where the head stands: behind the page that is never mapped, so that a nil dereference hits no field. */
export const headAddr = pageSize;

/** Geometry of an arena, in pages of 8 KiB. */
export interface Geometry {
  readonly sizePages: number;
  readonly heapStartPage: number;
  readonly heapPages: number;
  readonly sysStartPage: number;
  readonly sysPages: number;
}

/** How the memory of an arena was obtained; the digest of a run is the same on all three. */
export type Backing = 'wasm' | 'shared' | 'plain';

/** What `zero` and `copy` are done with: a shared WebAssembly memory has memset speed, a SharedArrayBuffer has not. */
interface BulkKernel {
  fill(addr: number, bytes: number): void;
}

/** One buffer and its views. All views cover the whole buffer, so that an address means the same in each of them. */
export class Arena {
  readonly buffer: ArrayBufferLike;
  readonly i32: Int32Array;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly f64: Float64Array;
  readonly backing: Backing;
  private readonly bulk: BulkKernel | null;
  /** The WebAssembly memory behind the buffer; null with the other backings. */
  readonly memory: object | null = null;

  constructor(
    readonly sizeBytes: number,
    backing: Backing = chooseBacking(sizeBytes),
  ) {
    let kernel: BulkKernel | null = null;
    if (backing === 'wasm') {
      const made = wasmMemory(sizeBytes);
      this.buffer = made.buffer;
      kernel = made.bulk;
      this.memory = made.memory;
    } else if (backing === 'shared') this.buffer = new SharedArrayBuffer(sizeBytes);
    else this.buffer = new ArrayBuffer(sizeBytes);
    this.backing = backing;
    this.bulk = kernel;
    this.i32 = new Int32Array(this.buffer, 0, sizeBytes >>> 2);
    this.u8 = new Uint8Array(this.buffer, 0, sizeBytes);
    this.u16 = new Uint16Array(this.buffer, 0, sizeBytes >>> 1);
    this.f64 = new Float64Array(this.buffer, 0, sizeBytes >>> 3);
  }

  /** Zeroes bytes [addr, addr+bytes); both multiples of 8. */
  zero(addr: Addr, bytes: number): void {
    if (bytes > 64 && this.bulk !== null) {
      this.bulk.fill(addr, bytes);
      return;
    }
    const f64 = this.f64; // a loop of stores: TypedArray.fill on shared memory runs at 2 to 14 GB/s with a 20 ns start
    for (let i = addr >>> 3, end = (addr + bytes) >>> 3; i < end; i++) f64[i] = 0;
  }
}

function chooseBacking(sizeBytes: number): Backing {
  // Each WebAssembly memory reserves guard pages of address space, so small arenas (tests make thousands) do without.
  if (sizeBytes >= 16 << 20 && wasmApi() !== null) return 'wasm';
  return typeof SharedArrayBuffer === 'undefined' ? 'plain' : 'shared';
}

interface WasmApi {
  Memory: new (options: { initial: number; maximum: number; shared: boolean }) => { buffer: ArrayBufferLike };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
}

function wasmApi(): WasmApi | null {
  return (globalThis as unknown as { WebAssembly?: WasmApi }).WebAssembly ?? null;
}

// (module (import "e" "m" (memory 1 32768 shared)) (func (export "f") (param i32 i32)
//   (memory.fill (local.get 0) (i32.const 0) (local.get 1))))
const bulkModule = [
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00, 0x02, 0x0b, 0x01, 0x01, 0x65, 0x01, 0x6d,
  0x02, 0x03, 0x01, 0x80, 0x80, 0x02, 0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20,
  0x00, 0x41, 0x00, 0x20, 0x01, 0xfc, 0x0b, 0x00, 0x0b,
];

function wasmMemory(sizeBytes: number): { memory: object; buffer: ArrayBufferLike; bulk: BulkKernel } {
  const api = wasmApi();
  if (api === null) throw new RangeError('arena: this host has no WebAssembly; use the backing "shared" or "plain"');
  const pages = Math.ceil(sizeBytes / 65536);
  const memory = new api.Memory({ initial: pages, maximum: pages, shared: true });
  const { f } = wasmExports(bulkModule, { m: memory });
  return { memory, buffer: memory.buffer, bulk: { fill: f as (a: number, n: number) => void } };
}

/** Exports of a small WebAssembly module, given as its bytes, whose imports all come from "e". The host has WebAssembly. */
export function wasmExports(bytes: readonly number[], e: Record<string, unknown>): Record<string, unknown> {
  const api = wasmApi()!;
  return new api.Instance(new api.Module(new Uint8Array(bytes)), { e }).exports;
}

/** One line of the printed layout. */
export interface LayoutRow {
  readonly table: string;
  readonly field: string;
  readonly offset: number;
  readonly elemBytes: number;
  readonly rows: number;
}

const lineBytes = 64;

/**
 * Cuts an arena from the bottom up. Run it twice: once over no memory to learn the size (`new LinearAlloc(null)`), once
 * over the arena to get the views; both runs must make the same calls in the same order.
 */
export class LinearAlloc {
  private nextAddr = headAddr + ArenaHead.words * 4;
  private tableName = '';
  readonly layout: LayoutRow[] = [];

  constructor(private readonly arena: Arena | null) {}

  /** Bytes carved so far, counted from address 0. */
  get used(): number {
    return this.nextAddr;
  }

  /** Names the table that the next columns belong to. */
  table(name: string): this {
    this.tableName = name;
    return this;
  }

  private carve(field: string, elemBytes: number, rows: number, align: number): Addr {
    this.nextAddr = Math.ceil(this.nextAddr / align) * align;
    const addr = this.nextAddr;
    this.nextAddr += elemBytes * rows + lineBytes; // the spare line is the stagger (head of this file)
    this.layout.push({ table: this.tableName, field, offset: addr, elemBytes, rows });
    return addr;
  }

  private column<I extends number>(field: string, elemBytes: number, rows: number, view: (arena: Arena, addr: Addr) => ArrayLike<number>) {
    const addr = this.carve(field, elemBytes, rows, 8);
    return (this.arena === null ? [] : view(this.arena, addr)) as unknown as Column<I>;
  }

  /** A column of int32, one a row. */
  i32<I extends number>(field: string, rows: number): Column<I> {
    return this.column<I>(field, 4, rows, (a, addr) => new Int32Array(a.buffer, addr, rows));
  }
  /** A column of uint16. */
  u16<I extends number>(field: string, rows: number): Column<I> {
    return this.column<I>(field, 2, rows, (a, addr) => new Uint16Array(a.buffer, addr, rows));
  }
  /** A column of bytes. */
  u8<I extends number>(field: string, rows: number): Column<I> {
    return this.column<I>(field, 1, rows, (a, addr) => new Uint8Array(a.buffer, addr, rows));
  }
  /** A column of doubles: counters that pass 2^31 stay exact up to 2^53. */
  f64<I extends number>(field: string, rows: number): Column<I> {
    return this.column<I>(field, 8, rows, (a, addr) => new Float64Array(a.buffer, addr, rows));
  }
  /** A column of int32 that is changed by cas and publish only. */
  atomic<I extends number>(field: string, rows: number): AtomicColumn<I> {
    return this.column<I>(field, 4, rows, (a, addr) => new Int32Array(a.buffer, addr, rows)) as unknown as AtomicColumn<I>;
  }
  /** Whole pages, for the off-heap area and the heap; returns the first page's number. */
  pages(field: string, count: number): number {
    return this.carve(field, pageSize, count, pageSize) >>> pageShift;
  }
}

/** Writes the head of a freshly carved arena. */
export function writeHead(arena: Arena, g: Geometry): void {
  const w = arena.i32;
  const h = headAddr >>> 2;
  w[h + ArenaHead.magic] = arenaMagic;
  w[h + ArenaHead.layoutVersion] = layoutVersion;
  w[h + ArenaHead.sizePages] = g.sizePages;
  w[h + ArenaHead.heapStartPage] = g.heapStartPage;
  w[h + ArenaHead.heapPages] = g.heapPages;
  w[h + ArenaHead.sysStartPage] = g.sysStartPage;
  w[h + ArenaHead.sysPages] = g.sysPages;
}

/**
 * Reads the geometry out of a buffer's head.
 * Throws RangeError when the buffer is no arena of this build.
 */
export function readHead(buffer: ArrayBufferLike): Geometry {
  if (buffer.byteLength < headAddr + ArenaHead.words * 4) {
    throw new RangeError(`arena: ${buffer.byteLength} bytes are too few to hold an arena head`);
  }
  const w = new Int32Array(buffer, headAddr, ArenaHead.words);
  if (w[ArenaHead.magic] !== arenaMagic) throw new RangeError('arena: this buffer is no gorena arena (magic word is missing)');
  if (w[ArenaHead.layoutVersion] !== layoutVersion) {
    throw new RangeError(`arena: layout version ${w[ArenaHead.layoutVersion]}, this build reads version ${layoutVersion}`);
  }
  const geometry = {
    sizePages: w[ArenaHead.sizePages]!,
    heapStartPage: w[ArenaHead.heapStartPage]!,
    heapPages: w[ArenaHead.heapPages]!,
    sysStartPage: w[ArenaHead.sysStartPage]!,
    sysPages: w[ArenaHead.sysPages]!,
  };
  if (geometry.sizePages * pageSize > buffer.byteLength) {
    throw new RangeError(`arena: head says ${geometry.sizePages} pages, the buffer has ${buffer.byteLength >>> pageShift}`);
  }
  return geometry;
}
