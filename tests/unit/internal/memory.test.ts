// The arena: it says what it is, refuses what it is not, and looks the same whatever memory it lies in.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cas, observe, publish } from '../../../runtime/internal/atomic.ts';
import {
  Arena,
  ArenaHead,
  arenaMagic,
  type Backing,
  headAddr,
  type Id,
  layoutVersion,
  pageSize,
  readHead,
  writeHead,
} from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { testMachine } from '../../support/machine.ts';
import { carved } from './support.ts';

const backings: readonly Backing[] = ['wasm', 'shared', 'plain'];
const sevenPages = 7 * pageSize;

describe('the head', () => {
  test.each(backings)('of a %s arena gives the geometry back', (backing) => {
    const m = testMachine({ heapBytes: sevenPages, backing });
    expect(readHead(m.arena.buffer)).toEqual(m.geometry);
    expect(m.geometry).toMatchObject({ heapStartPage: 2, heapPages: 7 });
    expect(m.arena.backing).toBe(backing);
  });

  test('a copy of the buffer is a snapshot: it can be read on its own', () => {
    const m = testMachine({ heapBytes: sevenPages });
    expect(readHead(new Uint8Array(m.arena.u8).buffer)).toEqual(m.geometry);
  });

  test('stands behind the page that is never mapped, which stays zero', () => {
    const m = testMachine({ heapBytes: sevenPages });
    m.pin(m.mutator.mallocgc(100, m.heap.types.define('bytes', 4, [])));
    expect(headAddr).toBe(pageSize);
    expect(m.arena.i32.subarray(0, pageSize / 4).some((word) => word !== 0)).toBe(false);
    expect(m.arena.i32[headAddr / 4]).toBe(arenaMagic);
    expect(String.fromCharCode(...m.arena.u8.subarray(headAddr, headAddr + 4))).toBe('gorn');
  });

  test.each([
    ['a buffer that is too short', () => new ArrayBuffer(headAddr), 'arena: 8192 bytes are too few to hold an arena head'],
    ['an empty buffer', () => new ArrayBuffer(0), 'arena: 0 bytes are too few to hold an arena head'],
    ['foreign memory', () => new ArrayBuffer(1 << 20), 'arena: this buffer is no gorena arena (magic word is missing)'],
    [
      'another layout version',
      () => head({ [ArenaHead.layoutVersion]: layoutVersion + 1 }),
      `layout version ${layoutVersion + 1}, this build`,
    ],
    ['an arena that was cut off', () => head({ [ArenaHead.sizePages]: 1000 }), 'arena: head says 1000 pages, the buffer has 32'],
  ])('refuses %s with a RangeError that says why', (_what, buffer, message) => {
    expect(() => readHead(buffer())).toThrow(RangeError);
    expect(() => readHead(buffer())).toThrow(message);
  });

  /** A buffer of 32 pages with a good head but for some words. */
  function head(words: Record<number, number>): ArrayBufferLike {
    const arena = new Arena(32 * pageSize, 'plain');
    writeHead(arena, { sizePages: 32, heapStartPage: 2, heapPages: 7, sysStartPage: 16, sysPages: 16 });
    for (const [word, value] of Object.entries(words)) arena.i32[headAddr / 4 + Number(word)] = value;
    return arena.buffer;
  }
});

describe('carving', () => {
  test('the measuring run and the real one give the same addresses', () => {
    const { mem, measured } = carved((mem) => {
      mem.table('a').u8('bytes', 3);
      mem.table('b').f64('doubles', 5);
      mem.i32('words', 7);
      return mem.pages('area', 2);
    });
    expect(mem.layout).toEqual(measured);
  });

  test('columns follow each other, aligned, with a spare cache line against sharing a cache set', () => {
    const { mem, tables } = carved((mem) => [
      mem.table('t').u8('a', 3),
      mem.u16('b', 5),
      mem.i32('c', 1),
      mem.f64('d', 2),
      mem.atomic('e', 1),
    ]);
    const first = mem.layout[0]!.offset;
    expect(mem.layout.map((row) => `${row.table}.${row.field} +${row.offset - first} ${row.rows}x${row.elemBytes}`)).toEqual([
      't.a +0 3x1',
      't.b +72 5x2',
      't.c +152 1x4',
      't.d +224 2x8',
      't.e +304 1x4',
    ]);
    expect(tables.map((column) => (column as ArrayLike<number>).length)).toEqual([3, 5, 1, 2, 1]);
  });

  test.each([1, 3, 7, 128, 513])('no two tables of a machine with %i heap pages share a byte, and all lie inside it', (pages) => {
    const m = testMachine({ heapBytes: pages * pageSize, procs: 3, maxGoroutines: 5 });
    const rows = [...m.layout].sort((a, b) => a.offset - b.offset);
    let end = headAddr + ArenaHead.words * 4;
    for (const row of rows) {
      expect(row.offset, `${row.table}.${row.field} begins behind the one before`).toBeGreaterThanOrEqual(end);
      expect(row.offset % Math.min(row.elemBytes, 8), `${row.table}.${row.field} is aligned`).toBe(0);
      end = row.offset + row.rows * row.elemBytes;
    }
    expect(end).toBeLessThanOrEqual(m.arena.sizeBytes);
    expect(m.arena.sizeBytes).toBe(m.geometry.sizePages * pageSize);
    expect(rows[0]).toMatchObject({ table: 'arena', field: 'heap', offset: m.geometry.heapStartPage * pageSize, rows: pages });
  });

  test('an arena without room for its tables cannot be carved', () => {
    expect(() => carved((mem, arena) => mem.i32('c', arena === null ? 1 : 1 << 20))).toThrow(RangeError);
  });
});

describe('the three backings', () => {
  /** A little of everything: small, large, reused and zeroed memory, specials, buckets, a stack of pins. */
  function program(m: Machine): void {
    const node = m.heap.types.define('main.Node', 24, [0, 3]);
    const bytes = m.heap.types.define('bytes', 4, []);
    const pins: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 200; i++) {
        const a = m.mutators[i % 3]!.mallocgc(i % 7 === 0 ? 40_000 : 8 + i * 3, i % 2 === 0 ? node : bytes);
        m.arena.u8.fill(i, a + 16, a + 20);
        if (i % 5 === 0) pins.push(m.pin(a));
      }
      m.gc.collect();
      for (const pin of pins.splice(0, 20)) m.unpin(pin);
    }
  }

  test('hold the same bytes after the same program', () => {
    const arenas = backings.map((backing) => {
      const m = testMachine({ heapBytes: 4 << 20, backing });
      program(m);
      return { layout: m.layout, bytes: m.arena.u8 };
    });
    const [wasm, ...others] = arenas;
    for (const other of others) {
      expect(other.layout).toEqual(wasm!.layout);
      expect(Buffer.compare(other.bytes, wasm!.bytes)).toBe(0);
    }
  });

  test.each(backings)('zero exactly the bytes asked for (%s)', (backing) => {
    const arena = new Arena(4 * pageSize, backing);
    for (const bytes of [0, 8, 16, 56, 64, 72, 80, 128, 4096, 8200]) {
      arena.u8.fill(0xee);
      arena.zero(pageSize + 8, bytes);
      const dirty = (from: number, to: number) => arena.u8.subarray(from, to).every((b) => b === 0xee);
      expect(
        arena.u8.subarray(pageSize + 8, pageSize + 8 + bytes).every((b) => b === 0),
        `${bytes} bytes are zero`,
      ).toBe(true);
      expect(dirty(0, pageSize + 8) && dirty(pageSize + 8 + bytes, 4 * pageSize), `nothing beside the ${bytes} bytes was touched`).toBe(
        true,
      );
    }
  });

  afterEach(() => void vi.unstubAllGlobals());

  test('a host without WebAssembly gets a shared buffer, one without that a plain one, and asking for wasm is an error', () => {
    expect(new Arena(16 << 20).backing).toBe('wasm');
    expect(new Arena(1 << 20).backing).toBe('shared'); // small arenas do without the guard pages of a WebAssembly memory
    vi.stubGlobal('WebAssembly', undefined);
    expect(new Arena(16 << 20).backing).toBe('shared');
    expect(() => new Arena(1 << 20, 'wasm')).toThrow('arena: this host has no WebAssembly; use the backing "shared" or "plain"');
    vi.stubGlobal('SharedArrayBuffer', undefined);
    expect(new Arena(16 << 20).backing).toBe('plain');
  });
});

test('cas decides once, publish and observe hand a word over', () => {
  type Row = Id<'row'>;
  for (const backing of backings) {
    const { tables: word } = carved((mem) => mem.table('t').atomic<Row>('word', 3), backing);
    const row = 1 as Row;
    expect([cas(word, row, 0, 5), cas(word, row, 0, 6), cas(word, row, 5, 7)]).toEqual([true, false, true]);
    expect(observe(word, row)).toBe(7);
    publish(word, row, -2);
    expect([observe(word, 0 as Row), word[row], observe(word, 2 as Row)]).toEqual([0, -2, 0]);
  }
});
