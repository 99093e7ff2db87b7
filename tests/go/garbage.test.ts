// runtime/debug/garbage_test.go: the history of pauses, GOGC at run time, memory given back.
import { describe, expect, test } from 'vitest';
import { slice, u8 } from '../../runtime/index.ts';
import type { Machine } from '../../runtime/machine.ts';
import { readGCStats, readMemStats } from '../../runtime/memstats.ts';
import { testMachine } from '../support/machine.ts';
import { identities } from '../support/memstats.ts';
import { busy, goRun } from './support.ts';

const MiB = 1 << 20;

describe('TestReadGCStats', () => {
  function compare(m: Machine): void {
    const stats = readGCStats(m, 10);
    const mem = readMemStats(m);
    expect([stats.numGC, stats.pauseTotal, stats.lastGC]).toEqual([mem.numGC, mem.pauseTotalNs, mem.lastGC]);
    const n = Math.min(mem.numGC, 256);
    expect([stats.pause.length, stats.pauseEnd.length]).toEqual([n, n]);
    let off = (mem.numGC + 255) % 256;
    for (let i = 0; i < n; i++, off = (off + 255) % 256) {
      expect([stats.pause[i], stats.pauseEnd[i]]).toEqual([mem.pauseNs[off], mem.pauseEnd[off]]);
    }
    const q = stats.pauseQuantiles;
    expect([q[0], q[9]]).toEqual(n === 0 ? [0, 0] : [Math.min(...stats.pause), Math.max(...stats.pause)]);
    for (let i = 0; i < 9; i++) expect(q[i]).toBeLessThanOrEqual(q[i + 1]!);
    for (let i = 0; i + 1 < n; i++) expect(stats.pauseEnd[i]).toBeGreaterThan(stats.pauseEnd[i + 1]!);
  }

  test('before any collection, after three, and when the ring has gone round', () => {
    const m = testMachine({ gogc: 'off', checkHeap: false, checkMark: false, heapBytes: 64 << 10 });
    compare(m);
    for (let i = 0; i < 3; i++) m.gc.collect();
    compare(m);
    for (let i = 0; i < 260; i++) m.gc.collect();
    compare(m);
    identities(readMemStats(m));
  });
});

test('TestSetGCPercent', () => {
  const baseline = 10 * MiB; // Go's test has 100 MB, and allows a fifth of it for what it does not know of
  const slack = baseline / 50;
  goRun(function* main(go) {
    const f = go.locals({ ballast: slice(u8), sink: slice(u8) });
    const make = (n: number) => go.make(slice(u8), n);

    expect([yield* go.setGCPercent(123), yield* go.setGCPercent(100)]).toEqual([100, 123]);

    yield* go.gc();
    f.ballast = make(baseline - go.readMemStats().alloc);
    yield* go.gc();
    expect(Math.abs(go.readMemStats().alloc - baseline)).toBeLessThan(slack);
    expect(Math.abs(go.readMemStats().nextGC - 2 * baseline)).toBeLessThan(slack);
    const before = go.readMemStats().numGC;
    for (let made = 0; made < baseline / 3; made += 1024) f.sink = make(1024);
    f.sink = go.zero(slice(u8));
    yield* go.setGCPercent(50);
    expect(Math.abs(go.readMemStats().nextGC - 1.5 * baseline)).toBeLessThan(slack);
    expect(go.readMemStats().numGC, 'some garbage, not enough for a collection').toBe(before);

    yield* go.setGCPercent(100);
    yield* go.gc();
    f.sink = make(baseline / 5);
    const live = go.readMemStats().numGC;
    yield* go.setGCPercent(10); // 120 % are allocated and 110 % allowed: the next allocation begins a cycle
    f.sink = make(MiB);
    yield* go.sleep(1e9);
    expect(go.readMemStats().numGC).toBe(live + 1);
  }, busy);
});

test('TestFreeOSMemory', () => {
  const bigBytes = 32 * MiB;
  goRun(function* main(go) {
    const { raw } = go;
    const big = go.runtime.machine.globals(1);
    raw.store(big, 0, raw.mutator.mallocgc(bigBytes, raw.defineType('byte', 4, [])));
    yield* go.gc();
    const before = go.readMemStats();
    raw.store(big, 0, 0);
    yield* go.freeOSMemory();
    const after = go.readMemStats();
    expect(after.heapReleased - before.heapReleased).toBeGreaterThanOrEqual(bigBytes);
    identities(after);
  }, busy);
});

test('TestSetMaxThreadsOvf: what the table of threads has no room for is refused', () => {
  goRun(function* main(go) {
    expect(() => go.setMaxThreads(2 ** 31)).toThrow(new RangeError('setMaxThreads: got 2147483648, wanted a whole number up to 10000'));
    expect(go.setMaxThreads(100)).toBe(10_000);
    expect(go.setMaxThreads(10_000)).toBe(100);
  });
});
