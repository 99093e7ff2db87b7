// MemProfile(p, inuseZero) -> (n, ok): Go's contract to the letter, and what else reads the buckets.
import { describe, expect, test } from 'vitest';
import { BucketKind } from '../../../profiler/bucket.ts';
import type { MemProfiler } from '../../../profiler/mprof.ts';
import { inUseBytes, inUseObjects, type MemProfileRecord } from '../../../profiler/records.ts';
import { type SchemeName, Stage } from '../../../profiler/schemes.ts';
import { profilerOf, record } from './support.ts';

const site = (pc: number) => [0x401000 + pc];

/** Rotates so often that every scheme has published everything. */
function settle(p: MemProfiler): void {
  for (let i = 1; i <= 3; i++) {
    p.markTermination(i, false);
    p.worldStarted();
  }
}

/** A slice of n records that can be told from any other. */
const slice = (n: number): MemProfileRecord[] =>
  Array.from({ length: n }, (_, i) => ({ allocBytes: -1, freeBytes: -1, allocObjects: -1, freeObjects: i, size: -1, stack: [] }));

/** Three sites, published: 0 has 2 of 16 bytes in use, 1 has nothing in use, 2 has 3 of 32. */
function three(...schemes: SchemeName[]): MemProfiler {
  const { profiler } = profilerOf(...schemes);
  for (let i = 0; i < 2; i++) profiler.mProfMalloc(16, site(0), 1);
  profiler.mProfFree(profiler.mProfMalloc(64, site(1), 1), 64, true);
  for (let i = 0; i < 3; i++) profiler.mProfMalloc(32, site(2), 1);
  settle(profiler);
  return profiler;
}

const sites = (p: readonly MemProfileRecord[]) => p.map((r) => r.stack[0]! - 0x401000);

describe('n and ok', () => {
  test('when p is too short, n is what is needed, ok is false and p is untouched', () => {
    const profiler = three('three-stage');
    for (const [length, inuseZero, n] of [
      [0, false, 2],
      [1, false, 2],
      [0, true, 3],
      [2, true, 3],
    ] as const) {
      const p = slice(length);
      const same = [...p];
      expect(profiler.memProfile(p, inuseZero)).toEqual({ n, ok: false });
      expect(p.length).toBe(length);
      for (let i = 0; i < length; i++) expect(p[i]).toBe(same[i]);
      expect(p).toEqual(slice(length));
    }
  });

  test('when p has room, the first n records are filled and the others untouched', () => {
    const profiler = three('three-stage');
    const p = slice(4);
    expect(profiler.memProfile(p, true)).toEqual({ n: 3, ok: true });
    expect(p[3]).toEqual(slice(4)[3]);
    expect(p.slice(0, 3)).toEqual([
      { allocBytes: 96, freeBytes: 0, allocObjects: 3, freeObjects: 0, size: 32, stack: site(2) },
      { allocBytes: 64, freeBytes: 64, allocObjects: 1, freeObjects: 1, size: 64, stack: site(1) },
      { allocBytes: 32, freeBytes: 0, allocObjects: 2, freeObjects: 0, size: 16, stack: site(0) },
    ]);
    const exact = slice(2);
    expect(profiler.memProfile(exact, false)).toEqual({ n: 2, ok: true });
    expect(sites(exact)).toEqual([2, 0]);
  });

  test("a record that was handed out is the caller's: later events do not change it", () => {
    const profiler = three('three-stage');
    const [r] = profiler.records(false);
    profiler.mProfMalloc(32, site(2), 1);
    settle(profiler);
    expect([r!.allocObjects, profiler.records(false)[0]!.allocObjects]).toEqual([3, 4]);
  });

  test('without any bucket there is nothing, and that is ok', () => {
    const { profiler } = profilerOf('three-stage');
    expect([profiler.memProfile([], true), profiler.memProfile([], false)]).toEqual([
      { n: 0, ok: true },
      { n: 0, ok: true },
    ]);
  });
});

describe('which records', () => {
  test('newest bucket first', () => {
    const { profiler } = profilerOf('cycle');
    for (const pc of [5, 3, 9, 3, 5, 1]) profiler.mProfMalloc(16, site(pc), 1);
    settle(profiler);
    expect(sites(profiler.records(true))).toEqual([1, 9, 3, 5]);
  });

  test('inuseZero decides by bytes, not by objects', () => {
    const profiler = three('three-stage');
    const bucketOf = (pc: number, size: number) => profiler.buckets.stkbucket(BucketKind.mem, size, site(pc), 1, false);
    const [r0, r1] = [record(profiler, bucketOf(0, 16), 0), record(profiler, bucketOf(1, 64), 0)];
    profiler.f64[r0 + Stage.freeBytes] = 32; // all bytes freed, though both objects are there
    profiler.f64[r1 + Stage.freeBytes] = 60; // the object is freed, but not all of its bytes
    expect(sites(profiler.records(false))).toEqual([2, 1]);
    expect(sites(profiler.records(true))).toEqual([2, 1, 0]);
  });

  test('a bucket with more frees than mallocs is in use: negatively', () => {
    const { profiler } = profilerOf('seed');
    const b = profiler.mProfMalloc(16, site(0), 1);
    profiler.markTermination(1, true);
    profiler.worldStarted();
    profiler.mProfFree(b, 16, false);
    profiler.forcedSweepDone();
    expect(profiler.records(false).map((r) => [inUseObjects(r), inUseBytes(r)])).toEqual([[-1, -16]]);
  });

  test('each scheme answers for itself', () => {
    const { profiler } = profilerOf('three-stage', 'naive');
    profiler.mProfMalloc(16, site(0), 1);
    settle(profiler);
    profiler.mProfMalloc(16, site(0), 1);
    expect([0, 1].map((scheme) => profiler.records(false, scheme)[0]!.allocObjects)).toEqual([1, 2]);
    expect([0, 1].map((scheme) => profiler.publishedInUse(scheme))).toEqual([16, 32]);
  });
});

describe('when nothing was published yet', () => {
  test.each<SchemeName>(['two-stage', 'seed', 'three-stage', 'cycle'])('%s publishes what was counted so far, once', (name) => {
    const { profiler } = profilerOf(name);
    profiler.mProfMalloc(16, site(0), 1);
    expect(profiler.publishedInUse(0)).toBe(0);
    expect(profiler.memProfile([], false)).toEqual({ n: 1, ok: false }); // folds even when p is too short
    expect(profiler.publishedInUse(0)).toBe(16);
    profiler.mProfMalloc(16, site(0), 1);
    expect(profiler.records(false)[0]!.allocObjects).toBe(1); // the second one waits for a collection
    settle(profiler);
    expect(profiler.records(false)[0]!.allocObjects).toBe(2);
  });

  test('a bucket without any event is counted with inuseZero and left out without', () => {
    const { profiler } = profilerOf('three-stage');
    profiler.buckets.stkbucket(BucketKind.mem, 16, site(0), 1, true);
    expect([profiler.memProfile([], false), profiler.memProfile([], true)]).toEqual([
      { n: 0, ok: true },
      { n: 1, ok: false },
    ]);
    expect(profiler.records(true)).toEqual([{ allocBytes: 0, freeBytes: 0, allocObjects: 0, freeObjects: 0, size: 16, stack: site(0) }]);
  });

  test('mallocs and frees that cancel are published too, and end the rule', () => {
    const { profiler } = profilerOf('three-stage');
    profiler.mProfFree(profiler.mProfMalloc(16, site(0), 1), 16, true);
    expect(profiler.records(false)).toEqual([]);
    profiler.mProfMalloc(16, site(1), 1);
    expect(profiler.records(false)).toEqual([]); // finals are not all zero any more
  });

  test('one scheme that published says nothing about another', () => {
    const { profiler } = profilerOf('two-stage', 'three-stage');
    profiler.mProfMalloc(16, site(0), 1);
    profiler.markTermination(1, false);
    profiler.worldStarted();
    profiler.mProfMalloc(16, site(0), 1);
    expect([profiler.records(false, 0)[0]!.allocObjects, profiler.records(false, 1)[0]!.allocObjects]).toEqual([1, 2]);
  });
});

test('the retry loop of records gets everything, however many buckets there are', () => {
  const { profiler } = profilerOf('three-stage');
  for (let pc = 0; pc < 300; pc++) profiler.mProfMalloc(16, site(pc), 1);
  expect(profiler.records(false)).toHaveLength(300);
  expect(profiler.records(true)).toHaveLength(300);
});

test('iterateMemprof calls back newest first, under the lock, with what the first scheme published', () => {
  const { profiler, order } = profilerOf('three-stage', 'naive');
  for (let i = 0; i < 2; i++) profiler.mProfMalloc(16, site(0), 1);
  settle(profiler);
  profiler.mProfMalloc(32, [0x402000, 0x403000], 2);
  const seen: unknown[] = [];
  profiler.iterateMemprof((_b, stack, size, allocs, frees) => seen.push([order.heldNames(), stack, size, allocs, frees]));
  expect(seen).toEqual([
    [['profMemActiveLock'], [0x402000, 0x403000], 32, 0, 0],
    [['profMemActiveLock'], site(0), 16, 2, 0],
  ]);
  expect(order.heldNames()).toEqual([]);
});

test('rotations are events: at mark termination, when the world runs again, after a forced sweep', () => {
  const { profiler, events } = profilerOf('cycle');
  const seen: string[] = [];
  events.subscribe((kind, cycle, what) => seen.push(`${kind}: cycle ${cycle}, ${what}`));
  profiler.markTermination(7, true);
  profiler.worldStarted();
  profiler.forcedSweepDone();
  expect(seen).toEqual(['22: cycle 7, 0', '22: cycle 7, 1', '22: cycle 7, 2']);
});
