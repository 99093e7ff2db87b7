// The worked timeline of one allocation site, line by line, under every scheme; and the corner cases that Go's history has.
//
//   10 alloc · MT1 (4 dead) · sweep frees 2 · alloc 5 · sweep frees 2 · MT2 (3 dead) · alloc 7 · sweep frees 3 · MT3 (6 dead)
//   · sweep frees 6 · MT4        truth: 6 live at MT1, 8 at MT2, 9 at MT3        (reference: section 2.5)
import { describe, expect, test } from 'vitest';
import { BucketKind } from '../../../profiler/bucket.ts';
import type { MemProfiler } from '../../../profiler/mprof.ts';
import { inUseObjects, type MemProfileRecord } from '../../../profiler/records.ts';
import { mProfCycleWrap, type SchemeName, schemeNames } from '../../../profiler/schemes.ts';
import { indexOf, inUse, profilerOf, stages } from './support.ts';

const bytes = 16;
const stk = [0x401000];

/** One site: n objects are allocated or found dead at a time. */
class Site {
  readonly p: MemProfiler;
  bucket = 0;
  private cycles = 0;
  constructor(...schemes: SchemeName[]) {
    this.p = profilerOf(...schemes).profiler;
    this.bucket = this.p.buckets.stkbucket(BucketKind.mem, bytes, stk, 1, true);
  }
  alloc(n: number): this {
    for (let i = 0; i < n; i++) this.p.mProfMalloc(bytes, stk, 1);
    return this;
  }
  sweep(n: number): this {
    for (let i = 0; i < n; i++) this.p.mProfFree(this.bucket, bytes, false);
    return this;
  }
  free(n: number): this {
    for (let i = 0; i < n; i++) this.p.mProfFree(this.bucket, bytes, true);
    return this;
  }
  /** Mark termination and start-the-world of a collection that began by itself. */
  mt(): this {
    this.p.markTermination(++this.cycles, false);
    this.p.worldStarted();
    return this;
  }
  /** runtime.GC(): mark termination, a sweep that frees n, publication. */
  forced(n: number): this {
    this.p.markTermination(++this.cycles, true);
    this.p.worldStarted();
    this.sweep(n);
    this.p.forcedSweepDone();
    return this;
  }
  /** Objects in use that a scheme has published. */
  published(scheme: SchemeName): number {
    return inUse(this.p, this.bucket, indexOf(this.p, scheme));
  }
  stages(scheme: SchemeName): [number, number][] {
    return stages(this.p, this.bucket, indexOf(this.p, scheme));
  }
  /** What MemProfile answers, as `allocs-frees`; '-' when it leaves the bucket out. */
  memProfile(scheme: SchemeName): string {
    const [r] = this.p.records(false, indexOf(this.p, scheme));
    return r === undefined ? '-' : `${r.allocObjects}-${r.freeObjects}`;
  }
  get cycle(): number {
    return (this.p.schemes[indexOf(this.p, 'cycle')] as unknown as { cycle: number }).cycle;
  }
}

/** One line of the table: naive; 2014's final, prev and recent; Go 1.9's active, C and future[0..2]. */
function line(what: string, s: Site): string {
  const [naive] = s.stages('naive');
  const [final, prev, recent] = s.stages('three-stage');
  const [active, ...future] = s.stages('cycle');
  const pair = ([a, f]: [number, number]) => (a === 0 && f === 0 ? '–' : `(${a},${f})`);
  return [
    what,
    `${naive![0]}−${naive![1]}=${naive![0] - naive![1]}`,
    `${final![0] - final![1]} ${pair(prev!)}${pair(recent!)}`,
    `${active![0] - active![1]}, C${s.cycle}, ${future.map(pair).join(',')}`,
  ].join(' | ');
}

test('the worked timeline', () => {
  const s = new Site('naive', 'three-stage', 'cycle');
  const lines = [
    line('alloc 10', s.alloc(10)),
    line('MT1', s.mt()),
    line('sweep 2', s.sweep(2)),
    line('alloc 5', s.alloc(5)),
    line('sweep 2', s.sweep(2)),
    line('MT2', s.mt()),
    line('alloc 7', s.alloc(7)),
    line('sweep 3', s.sweep(3)),
    line('MT3', s.mt()),
    line('sweep 6', s.sweep(6)),
    line('MT4', s.mt()),
  ];
  expect(lines).toEqual([
    'alloc 10 | 10−0=10 | 0 –(10,0) | 0, C0, –,–,(10,0)',
    'MT1 | 10−0=10 | 0 (10,0)– | 0, C1, –,–,(10,0)',
    'sweep 2 | 10−2=8 | 0 (10,2)– | 0, C1, –,–,(10,2)',
    'alloc 5 | 15−2=13 | 0 (10,2)(5,0) | 0, C1, (5,0),–,(10,2)',
    'sweep 2 | 15−4=11 | 0 (10,4)(5,0) | 0, C1, (5,0),–,(10,4)',
    'MT2 | 15−4=11 | 6 (5,0)– | 6, C2, (5,0),–,–',
    'alloc 7 | 22−4=18 | 6 (5,0)(7,0) | 6, C2, (5,0),(7,0),–',
    'sweep 3 | 22−7=15 | 6 (5,3)(7,0) | 6, C2, (5,3),(7,0),–',
    'MT3 | 22−7=15 | 8 (7,0)– | 8, C3, –,(7,0),–',
    'sweep 6 | 22−13=9 | 8 (7,6)– | 8, C3, –,(7,6),–',
    'MT4 | 22−13=9 | 9 –– | 9, C4, –,–,–',
  ]);
});

test('the same run when MT2 belongs to runtime.GC(): the profile is as of MT2 at once', () => {
  const s = new Site('naive', 'three-stage', 'cycle');
  s.alloc(10).mt().sweep(2).alloc(5).sweep(2);
  s.p.markTermination(2, true);
  s.p.worldStarted();
  s.alloc(7).sweep(3); // others allocate while runtime.GC() sweeps
  s.p.forcedSweepDone();
  expect(line('PostSweep', s)).toBe('PostSweep | 22−7=15 | 8 –(7,0) | 8, C2, –,(7,0),–');
  expect(line('MT3', s.mt())).toBe('MT3 | 22−7=15 | 8 (7,0)– | 8, C3, –,(7,0),–');
  expect(line('MT4', s.sweep(6).mt())).toBe('MT4 | 22−13=9 | 9 –– | 9, C4, –,–,–');
});

test('two-stage was right while the sweep was inside the pause, and is skewed by what is not swept yet', () => {
  const s = new Site('two-stage');
  const seen: number[] = [];
  for (const step of [() => s.alloc(10), () => s.mt(), () => s.sweep(2), () => s.alloc(5), () => s.sweep(2), () => s.mt()]) {
    step();
    seen.push(s.published('two-stage'));
  }
  expect(seen).toEqual([0, 10, 10, 10, 10, 11]); // at MT1 10 for 6 live ones, at MT2 15 - 4 for 8
  const paused = new Site('two-stage'); // Go 1.2: marked and swept before the rotation
  expect([paused.alloc(10).sweep(4).mt().published('two-stage'), paused.alloc(5).sweep(3).mt().published('two-stage')]).toEqual([6, 8]);
});

describe('corner cases (reference: 2.5)', () => {
  test('1: runtime.GC() under the seed publishes frees one cycle before their mallocs: 3 instead of 8', () => {
    const s = new Site('seed', 'three-stage', 'cycle');
    s.alloc(10).mt().sweep(2).alloc(5).sweep(2).forced(3);
    expect([s.published('seed'), s.published('three-stage'), s.published('cycle')]).toEqual([3, 8, 8]);
    s.alloc(7).mt();
    expect(s.published('seed')).toBe(8); // it heals itself
  });

  test('1: as the first collection after the mallocs it publishes -4', () => {
    const s = new Site('seed', 'three-stage', 'cycle');
    s.alloc(10).forced(4);
    expect(s.stages('seed')).toEqual([
      [0, 4],
      [10, 0],
      [0, 0],
    ]);
    expect([s.published('seed'), s.published('three-stage'), s.published('cycle')]).toEqual([-4, 6, 6]);
    const [r] = s.p.records(false);
    expect([inUseObjects(r!), r!.allocBytes - r!.freeBytes]).toEqual([-4, -64]);
    s.mt();
    expect(s.published('seed')).toBe(6);
  });

  test('2: what the background sweep had left is swept before the next mark termination, and counts there', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10).mt().sweep(1).sweep(3).mt(); // the last 3 in the next cycle's sweep termination
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([6, 6]);
  });

  test('3: an allocation needs two collections of their own to be published', () => {
    const s = new Site('naive', 'two-stage', 'seed', 'three-stage', 'cycle');
    s.alloc(10).mt();
    expect(schemeNames.map((name) => s.published(name))).toEqual([10, 10, 0, 0, 0]);
    s.mt();
    expect(schemeNames.map((name) => s.published(name))).toEqual([10, 10, 10, 10, 10]);
  });

  test('4: MemProfile before anything was published shows everything counted so far; the rest of the sweep is not lost', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10).mt().sweep(2);
    expect([s.memProfile('three-stage'), s.memProfile('cycle')]).toEqual(['10-2', '10-2']); // naive, over-reports 2
    s.sweep(2);
    expect([s.memProfile('three-stage'), s.memProfile('cycle')]).toEqual(['10-2', '10-2']); // never folded again
    s.mt();
    expect([s.memProfile('three-stage'), s.memProfile('cycle')]).toEqual(['10-4', '10-4']);
  });

  test('4: also after a real collection that published nothing', () => {
    const s = new Site('three-stage', 'cycle');
    s.mt();
    s.alloc(3).mt().sweep(1);
    expect([s.memProfile('three-stage'), s.memProfile('cycle')]).toEqual(['3-1', '3-1']);
  });

  test('5: an explicit free in the window of its malloc is published with it', () => {
    const s = new Site('naive', 'three-stage', 'cycle');
    s.alloc(10).free(4).mt();
    expect([s.published('naive'), s.published('three-stage'), s.published('cycle')]).toEqual([6, 0, 0]);
    s.mt();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([6, 6]);
  });

  test('6: an explicit free one window later is published one mark termination later', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10).mt().free(4).mt();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([10, 10]); // as of MT1
    s.mt();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([6, 6]); // as of MT2
  });

  test('9: MemProfile between the cycle count and the flush shows the profile of the new cycle', () => {
    const s = new Site('cycle', 'three-stage');
    s.alloc(10).mt().sweep(4).mt().alloc(5).mt().sweep(1);
    expect(s.published('cycle')).toBe(6);
    s.p.markTermination(4, false); // the world has not started again
    expect([s.published('cycle'), s.memProfile('cycle')]).toEqual([6, '15-5']);
    s.p.worldStarted(); // nothing is flushed a second time
    expect([s.memProfile('cycle'), s.memProfile('three-stage')]).toEqual(['15-5', '15-5']);
  });

  test('11: a bucket made since the last publication is an all-zero record', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10).mt().mt();
    s.p.mProfMalloc(48, [0x402000], 1);
    for (const name of ['three-stage', 'cycle'] as const) {
      const all: MemProfileRecord[] = s.p.records(true, indexOf(s.p, name));
      expect(all).toMatchObject([
        { allocObjects: 0, freeObjects: 0, allocBytes: 0, freeBytes: 0, size: 48, stack: [0x402000] },
        { allocObjects: 10, freeObjects: 0, size: 16 },
      ]);
      expect(s.p.records(false, indexOf(s.p, name))).toHaveLength(1);
    }
  });
});

describe('PostSweep', () => {
  test('is idempotent: a second one, and the next mark termination, add nothing', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10).mt().sweep(4).forced(2);
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([4, 4]);
    s.p.forcedSweepDone();
    s.p.forcedSweepDone();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([4, 4]);
    s.mt();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([4, 4]);
  });

  test('does not publish what was allocated since the mark termination', () => {
    const s = new Site('three-stage', 'cycle');
    s.alloc(10);
    s.p.markTermination(1, true);
    s.p.worldStarted();
    s.alloc(100).sweep(4);
    s.p.forcedSweepDone();
    expect([s.published('three-stage'), s.published('cycle')]).toEqual([6, 6]);
  });
});

test('the cycle count wraps at a multiple of 3: the ring of future slots does not slip', () => {
  expect([mProfCycleWrap, mProfCycleWrap % 3]).toEqual([100_663_296, 0]);
  for (const before of [1, 2, 3, 4]) {
    const s = new Site('cycle', 'three-stage');
    (s.p.schemes[0] as unknown as { cycle: number }).cycle = mProfCycleWrap - before;
    s.alloc(10).mt().sweep(2).alloc(5).sweep(2);
    s.mt();
    expect([s.published('cycle'), s.published('three-stage')]).toEqual([6, 6]);
    s.alloc(7).sweep(3).mt();
    expect([s.published('cycle'), s.published('three-stage')]).toEqual([8, 8]);
    s.sweep(6).mt();
    expect([s.published('cycle'), s.published('three-stage')]).toEqual([9, 9]);
    expect(s.cycle).toBe((4 - before + mProfCycleWrap) % mProfCycleWrap);
  }
});

test('schemes that watch one run do not disturb each other, in whatever order they are named', () => {
  const run = (...schemes: SchemeName[]) => {
    const s = new Site(...schemes);
    s.alloc(10).mt().sweep(2).alloc(5).free(1).sweep(2).forced(3).alloc(7).mt().sweep(4);
    return s;
  };
  const together = run(...schemeNames);
  const reversed = run(...[...schemeNames].reverse());
  for (const name of schemeNames) {
    expect(together.stages(name)).toEqual(run(name).stages(name));
    expect(reversed.stages(name)).toEqual(run(name).stages(name));
  }
});
