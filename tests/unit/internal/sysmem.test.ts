// Memory that is not collected: Go's accounting rule, byte for byte, and records that are recycled.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem, sysNames } from '../../../runtime/internal/sysmem.ts';
import { offHeap } from './support.ts';

const KiB = 1 << 10;
const chunk = 256 * KiB;
/** All statistics by name, those at 0 left out. */
const charged = (sys: SysMem) =>
  Object.fromEntries(sysNames.map((name, i) => [name, sys.bytes(i as Sys)]).filter(([, bytes]) => bytes !== 0));

describe('persistentAlloc charges as Go does', () => {
  test('a new chunk is OtherSys; each carve for another statistic moves its size there', () => {
    const { sys } = offHeap(100);
    expect(charged(sys)).toEqual({});
    const a = sys.persistentAlloc(100, 0, Sys.buckHash);
    expect(charged(sys)).toEqual({ BuckHashSys: 100, OtherSys: chunk - 100 });
    expect(a - sys.firstPage * pageSize).toBe(8); // the first word of a chunk is the chunk list's
    const b = sys.persistentAlloc(100, 0, Sys.gc);
    expect(charged(sys)).toEqual({ BuckHashSys: 100, GCSys: 100, OtherSys: chunk - 200 });
    expect(b - a).toBe(104); // padding to the default alignment of 8 is nobody's: it stays in OtherSys
    sys.persistentAlloc(100, 0, Sys.other);
    expect(charged(sys)).toEqual({ BuckHashSys: 100, GCSys: 100, OtherSys: chunk - 200 });
  });

  test('a piece that does not fit takes a new chunk; the tail of the old one is lost, in OtherSys', () => {
    const { sys } = offHeap(100);
    const at = Array.from({ length: 5 }, () => sys.persistentAlloc(60 * KiB, 0, Sys.gc));
    expect(at.slice(1).map((addr, i) => addr - at[i]!)).toEqual([60 * KiB, 60 * KiB, 60 * KiB, chunk - 180 * KiB]);
    expect(charged(sys)).toEqual({ GCSys: 300 * KiB, OtherSys: 2 * chunk - 300 * KiB });
    const next = sys.persistentAlloc(8, 0, Sys.gc); // would fit into the lost tail, but goes on in the new chunk
    expect(next).toBe(at[4]! + 60 * KiB);
  });

  test('from 64 KiB on a piece is obtained directly and charged at once, without a chunk', () => {
    const { sys } = offHeap(100);
    sys.persistentAlloc(64 * KiB, 0, Sys.buckHash);
    expect(charged(sys)).toEqual({ BuckHashSys: 64 * KiB });
    sys.persistentAlloc(64 * KiB - 1, 0, Sys.buckHash);
    expect(charged(sys)).toEqual({ BuckHashSys: 128 * KiB - 1, OtherSys: chunk - (64 * KiB - 1) });
  });

  test('sysAlloc charges the size asked for, not the pages: BuckHashSys of the table is 719,996', () => {
    const { sys } = offHeap(100);
    sys.sysAlloc(179999 * 4, Sys.buckHash);
    expect(sys.bytes(Sys.buckHash)).toBe(719_996);
    expect(sys.total()).toBe(sys.obtained());
    expect(sys.obtained()).toBe(88 * pageSize);
  });
});

describe('persistentAlloc refuses what Go refuses', () => {
  test.each([
    [0, 8, 'persistentalloc: size == 0'],
    [-8, 8, 'persistentalloc: size == 0'],
    [8, 3, 'persistentalloc: align is not a power of 2'],
    [8, 24, 'persistentalloc: align is not a power of 2'],
    [8, 2 * pageSize, 'persistentalloc: align is too large'],
  ])('%i bytes aligned to %i', (bytes, align, message) => {
    const { sys } = offHeap(100);
    expect(() => sys.persistentAlloc(bytes, align, Sys.gc)).toThrow(message);
    expect([charged(sys), sys.obtained()]).toEqual([{}, 0]);
  });

  test('when the off-heap area is used up, sysAlloc returns 0 and changes nothing; persistentAlloc throws', () => {
    const { sys } = offHeap(40); // room for one chunk of 32 pages and 8 more
    sys.persistentAlloc(8, 0, Sys.gc);
    const before = charged(sys);
    expect(sys.sysAlloc(9 * pageSize, Sys.gc)).toBe(0);
    expect(charged(sys)).toEqual(before);
    expect(() => sys.persistentAlloc(80 * KiB, 0, Sys.gc)).toThrow('runtime: cannot allocate memory');
    for (let i = 0; i < 4; i++) sys.persistentAlloc(60 * KiB, 0, Sys.gc);
    expect(() => sys.persistentAlloc(60 * KiB, 0, Sys.gc)).toThrow('runtime: cannot allocate memory');
    expect(sys.sysAlloc(8 * pageSize, Sys.gc)).not.toBe(0);
  });
});

test('any mix of requests: aligned, zeroed, apart from each other, and S1: the statistics add up to what was obtained', () => {
  const request = fc.record({
    bytes: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 5000 }) }, fc.integer({ min: 1, max: 90 * KiB })),
    shift: fc.integer({ min: 0, max: 13 }),
    stat: fc.integer({ min: 0, max: Sys.count - 1 }),
    page: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const { sys, arena } = offHeap(800);
      const want = new Map<Sys, number>();
      for (const { bytes, shift, stat, page } of requests) {
        const align = 1 << shift;
        const addr = page ? sys.sysAlloc(bytes, stat) : sys.persistentAlloc(bytes, align, stat);
        expect(addr % (page ? pageSize : align)).toBe(0);
        expect(addr >= sys.firstPage * pageSize && addr + bytes <= sys.firstPage * pageSize + sys.obtained()).toBe(true);
        for (let i = addr; i < addr + bytes; i++) if (arena.u8[i] !== 0) throw new Error(`0x${i.toString(16)} was handed out before`);
        arena.u8.fill(1, addr, addr + bytes);
        if (stat !== Sys.other) want.set(stat, (want.get(stat) ?? 0) + bytes);
        expect(sys.total()).toBe(sys.obtained());
      }
      for (const [stat, bytes] of want) expect(sys.bytes(stat)).toBe(bytes);
    }),
    { numRuns: 60 },
  );
});

describe('FixAlloc', () => {
  test('records begin at multiples of 8, whatever their size: a double may be the first field', () => {
    const { sys } = offHeap(100);
    const fix = new FixAlloc(sys, 44, Sys.other);
    const made = Array.from({ length: 5 }, () => fix.alloc());
    expect(made.map((addr) => addr % 8)).toEqual([0, 0, 0, 0, 0]);
    for (let k = 1; k < 5; k++) expect(made[k]! - made[k - 1]!).toBeGreaterThanOrEqual(44);
  });

  test('takes chunks of 16 KiB, charged to its statistic, and cuts records from them', () => {
    const { sys } = offHeap(100);
    const fix = new FixAlloc(sys, 48, Sys.mspan);
    const records = Array.from({ length: 341 }, () => fix.alloc());
    expect(sys.bytes(Sys.mspan)).toBe(16 * KiB);
    expect(records.slice(1).every((r, i) => r - records[i]! === 48)).toBe(true);
    fix.alloc(); // 341 * 48 leaves 16 bytes: too few
    expect(sys.bytes(Sys.mspan)).toBe(32 * KiB);
    expect(fix.inUse).toBe(342);
  });

  test('gives the last released record out first, zeroed', () => {
    const { sys, arena } = offHeap(100);
    const fix = new FixAlloc(sys, 16, Sys.other);
    const [a, b, c] = [fix.alloc(), fix.alloc(), fix.alloc()];
    for (const r of [a, b, c]) arena.u8.fill(0xff, r, r + 16);
    fix.release(a);
    fix.release(c);
    expect(fix.inUse).toBe(1);
    expect([fix.alloc(), fix.alloc()]).toEqual([c, a]);
    expect([...arena.u8.subarray(a, a + 16), ...arena.u8.subarray(c, c + 16)].every((byte) => byte === 0)).toBe(true);
    expect(arena.u8.subarray(b, b + 16).every((byte) => byte === 0xff)).toBe(true);
    expect(fix.alloc()).toBe(c + 16);
  });
});
