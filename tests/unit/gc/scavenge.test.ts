// The scavenger in a machine: what counts as released and when, the two goals, who releases in whose time, and its trace.
import { describe, expect, test } from 'vitest';
import { physPageSize, releaseNanos, Scavenger } from '../../../gc/mgcscavenge.ts';
import { type GoFunc, type Options, Runtime } from '../../../runtime/index.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { readMemStats } from '../../../runtime/memstats.ts';
import { check, testMachine } from '../../support/machine.ts';

const MiB = 1 << 20;
const plain: Options = { heapBytes: 64 * MiB, memProfileRate: 0 };

/** A host with the given figures that releases whatever is asked. */
const figures = (retained: number, mappedReady = retained) => ({
  release: (bytes: number) => bytes,
  retained: () => retained,
  mappedReady: () => mappedReady,
  procs: () => 1,
});

describe('released, ready and in use', () => {
  test('pages that were never used are released; used once, they are ready until somebody releases them', () => {
    const m = testMachine({ heapBytes: 16 * MiB, procs: 1 });
    const type = m.heap.types.define('test.Block', 64, []);
    const pin = m.pin(m.mutator.mallocgc(MiB, type));
    const stats = () => {
      const { heapSys, heapInuse, heapIdle, heapReleased } = readMemStats(m);
      expect(heapSys).toBe(heapInuse + heapIdle);
      expect(heapReleased).toBeLessThanOrEqual(heapIdle);
      return { heapIdle, heapReleased };
    };
    expect(stats()).toEqual({ heapIdle: 3 * MiB, heapReleased: 3 * MiB });
    m.unpin(pin);
    m.gc.collect();
    expect(stats()).toEqual({ heapIdle: 4 * MiB, heapReleased: 3 * MiB });
    m.gc.scavengeAll();
    check(m);
    expect(stats()).toEqual({ heapIdle: 4 * MiB, heapReleased: 4 * MiB });
    m.mutator.mallocgc(MiB, type);
    check(m);
    expect(stats()).toEqual({ heapIdle: 3 * MiB, heapReleased: 3 * MiB });
  });

  test('released memory that is used again is zero, as all memory is', () => {
    const m = testMachine({ procs: 1 });
    const type = m.heap.types.define('test.Block', 64, []);
    const addr = m.mutator.mallocgc(100_000, type);
    m.heap.w.fill(-1, addr >>> 2, (addr + 100_000) >>> 2);
    m.gc.collect();
    m.gc.scavengeAll();
    expect(m.mutator.mallocgc(100_000, type)).toBe(addr);
    expect(m.heap.w.subarray(addr >>> 2, (addr + 100_000) >>> 2).every((word) => word === 0)).toBe(true);
  });

  test('the cost of giving back is on the clock of whoever asked', () => {
    const rt = new Runtime(plain);
    rt.run(function* main(go) {
      const type = go.raw.defineType('byte', 4, []);
      go.raw.mutator.mallocgc(8 * MiB, type);
      yield* go.gc();
      const before = go.now();
      go.runtime.machine.gc.scavengeAll();
      expect(go.now() - before).toBe(releaseNanos(8 * MiB));
    });
  });
});

describe('goals', () => {
  test('a tenth over what the heap will have in use at its goal, in whole system pages; none before the second cycle', () => {
    const s = new Scavenger(figures(100 * MiB));
    s.pace(Infinity, 8 * MiB, 0, 10 * MiB);
    expect(s.gcPercentGoal).toBe(Infinity);
    s.pace(Infinity, 8 * MiB, 4 * MiB, 10_000_000);
    expect(s.gcPercentGoal).toBe(Math.ceil(22_000_000 / physPageSize) * physPageSize);
  });

  test('nothing to do within one page of the goal', () => {
    const goal = 11 * MiB; // of 10 MiB in use
    const at = (retained: number) => {
      const s = new Scavenger(figures(retained));
      s.pace(Infinity, MiB, MiB, 10 * MiB);
      return s.gcPercentGoal;
    };
    expect([at(goal - 1), at(goal + physPageSize - 1), at(goal + physPageSize)]).toEqual([Infinity, Infinity, goal]);
  });

  test('the memory limit: 95 % of it, once that is exceeded', () => {
    const s = new Scavenger(figures(0, 96 * MiB));
    s.pace(100 * MiB, Infinity, MiB, MiB);
    expect(s.memoryLimitGoal).toBe(95 * MiB);
    s.pace(102 * MiB, Infinity, MiB, MiB);
    expect(s.memoryLimitGoal).toBe(Infinity);
  });

  test('who grows the heap beyond the first goal, or takes memory beyond the limit, releases as much', () => {
    const s = new Scavenger(figures(50 * MiB, 60 * MiB));
    expect(s.owed(MiB, 4 * MiB, Infinity)).toBe(0);
    s.gcPercentGoal = 51 * MiB;
    expect(s.owed(MiB, 4 * MiB, Infinity)).toBe(2 * MiB); // 49 were retained before, 53 would be
    expect(s.owed(MiB, 0, Infinity)).toBe(0);
    s.gcPercentGoal = 10 * MiB;
    expect(s.owed(MiB, 4 * MiB, Infinity)).toBe(4 * MiB); // not more than it grew
    expect(s.owed(MiB, 4 * MiB, 53 * MiB)).toBe(7 * MiB);
  });
});

describe('in a program', () => {
  /** A heap of 16 MiB that shrinks to nothing, two cycles, and then `seconds` of sleep. */
  const shrink = (seconds: number): GoFunc<[]> =>
    function* main(go) {
      const type = go.raw.defineType('byte', 4, []);
      const sink = go.runtime.machine.globals(1);
      go.raw.store(sink, 0, go.raw.mutator.mallocgc(16 * MiB, type));
      yield* go.gc();
      yield* go.gc();
      go.raw.store(sink, 0, 0);
      yield* go.gc();
      yield* go.gc();
      for (let i = 0; i < seconds; i++) yield* go.sleep(1e9);
    };

  test('the background scavenger gives back what the heap will not need, over seconds and not at once', () => {
    const released = (seconds: number) => {
      const rt = new Runtime({ ...plain, checkHeap: true });
      rt.run(shrink(seconds));
      return rt.readMemStats().heapReleased;
    };
    const [none, some, more, all] = [released(0), released(2), released(3), released(200)];
    expect([none < some, some < more, more < all], [none, some, more, all].join()).toEqual([true, true, true]);
    expect(all).toBeGreaterThanOrEqual(15 * MiB);
  });

  test('what it does while everybody sleeps costs no goroutine any time', () => {
    const rt = new Runtime(plain);
    rt.run(shrink(20));
    expect(rt.stats().nanos).toBeLessThan(20.2e9);
  });

  test('freeOSMemory gives back everything free, after a collection of its own', () => {
    const rt = new Runtime(plain);
    rt.run(function* main(go) {
      const type = go.raw.defineType('byte', 4, []);
      go.raw.mutator.mallocgc(8 * MiB, type);
      yield* go.freeOSMemory();
      const { numForcedGC, heapIdle, heapReleased } = go.readMemStats();
      expect([numForcedGC, heapReleased]).toEqual([1, heapIdle]);
      expect(go.memProfile()).toEqual([]);
    });
  });

  test('a memory limit is kept by giving memory back as well', () => {
    const rt = new Runtime({ ...plain, gogc: 'off', memoryLimit: 12 * MiB });
    let most = 0;
    rt.run(function* main(go) {
      const type = go.raw.defineType('byte', 4, []);
      const { heap, sys } = go.runtime.machine;
      for (let i = 0; i < 200; i++) {
        go.raw.mutator.mallocgc(50_000 * (1 + (i % 7)), type); // pieces of all sizes: the heap is full of holes
        most = Math.max(most, (heap.pages.grown - heap.pages.released) * pageSize + sys.obtained());
        yield* go.gosched();
      }
    });
    expect(most).toBeLessThan(12 * MiB + MiB / 2);
    expect(rt.readMemStats().numGC).toBeGreaterThan(1);
  });

  test('scavtrace=1: a line when a sweep is done, and one for freeOSMemory', () => {
    const lines: string[] = [];
    const rt = new Runtime({ ...plain, godebug: 'scavtrace=1', output: (line) => lines.push(line) });
    rt.run(function* main(go) {
      yield* shrink(10)(go);
      yield* go.freeOSMemory();
    });
    for (const line of lines) expect(line).toMatch(/^scav \d+ KiB work, \d+ KiB total, \d+% util( \(forced\))?$/);
    expect(lines.at(-1)).toMatch(/ \(forced\)$/);
    expect(lines.filter((line) => line.endsWith('(forced)'))).toHaveLength(1);
    const work = lines.map((line) => Number(line.split(' ')[1]));
    expect(work.slice(0, 3)).toEqual([0, 0, 0]);
    expect(work.at(-2)).toBeGreaterThan(0); // of ten seconds of sleep
  });

  test('in 2014 nobody scavenges but freeOSMemory', () => {
    const rt = new Runtime({ ...plain, era: '2014' });
    rt.run(function* main(go) {
      yield* shrink(100)(go);
      const { heapReleased, heapIdle } = go.readMemStats();
      expect(heapReleased).toBeLessThan(heapIdle - 15 * MiB);
      yield* go.freeOSMemory();
      const after = go.readMemStats();
      expect(after.heapReleased).toBe(after.heapIdle);
    });
  });
});
