// The errors that Go had, beside the right schemes on the same events: each is wrong in its own way, and heals or does not.
import { describe, expect, test } from 'vitest';
import { OneLock } from '../../../profiler/bugschemes.ts';
import type { MemProfiler } from '../../../profiler/mprof.ts';
import { bugSchemeNames, type SchemeName } from '../../../profiler/schemes.ts';
import { func, type Go, type Machine, Runtime, self, struct } from '../../../runtime/index.ts';
import { SkewMeter } from '../../../runtime/skew.ts';
import { play } from '../../support/blocking.ts';
import { indexOf, inUse, profilerOf } from './support.ts';

const stk = [0x401000];

/** A profiler with the right schemes and all wrong ones, and what each has published of its one site. */
function site(): { p: MemProfiler; bucket: number; published: (name: SchemeName) => number; alloc: (n: number) => void } {
  const p = profilerOf('cycle', 'three-stage', ...bugSchemeNames).profiler;
  const bucket = p.mProfMalloc(16, stk, 1);
  p.mProfFree(bucket, 16, true); // the bucket exists, and nothing is in use
  return {
    p,
    bucket,
    published: (name) => inUse(p, bucket, indexOf(p, name)),
    alloc: (n) => {
      for (let i = 0; i < n; i++) p.mProfMalloc(16, stk, 1);
    },
  };
}

const free = (p: MemProfiler, bucket: number, n: number) => {
  for (let i = 0; i < n; i++) p.mProfFree(bucket, 16, false);
};

test('golang/go#19311: what is swept before the late rotation is freed a cycle early: negative, until the next cycle', () => {
  const { p, bucket, published, alloc } = site();
  const mt = (n: number) => {
    p.markTermination(n, false);
    p.worldStarted();
  };
  mt(1);
  alloc(100); // the rotation comes after 64 of them
  free(p, bucket, 0);
  mt(2);
  free(p, bucket, 30); // objects that lived for less than a cycle: garbage at MT 2
  alloc(40); // and now the rotation of MT 2 comes
  expect([published('three-stage'), published('bug-19311')]).toEqual([0, 64 - 30]);
  mt(3);
  alloc(70);
  expect(published('three-stage')).toBe(100 - 30);
  mt(4);
  alloc(70);
  mt(5);
  alloc(70);
  mt(6);
  alloc(70);
  expect(published('bug-19311') - published('three-stage'), 'mallocs of the gap, a cycle early').toBe(64);
});

test('golang/go#19311: objects that live for no cycle make in use negative', () => {
  const { p, bucket, published, alloc } = site();
  p.markTermination(1, false);
  p.worldStarted();
  alloc(64); // late: these are counted before the rotation of MT 1
  alloc(20); // and these behind it
  p.markTermination(2, false);
  p.worldStarted();
  free(p, bucket, 64); // all dead; counted before the rotation of MT 2, which publishes the frees
  expect([published('three-stage'), published('bug-19311')]).toEqual([0, 0]);
  p.markTermination(3, false);
  p.worldStarted();
  free(p, bucket, 20); // in the gap
  alloc(44);
  expect([published('three-stage'), published('bug-19311')]).toEqual([20, 0]);
});

test('golang/go#46500: the last free of a forced sweep comes too late, and is right in the next cycle', () => {
  const { p, bucket, published, alloc } = site();
  alloc(5);
  p.markTermination(1, true);
  p.worldStarted();
  free(p, bucket, 5);
  p.forcedSweepDone();
  expect([published('cycle'), published('bug-46500')]).toEqual([0, 1]);
  p.markTermination(2, false);
  p.worldStarted();
  expect([published('cycle'), published('bug-46500')]).toEqual([0, 0]);
});

test('golang/go#46500: a sweep whose last free was not found when the next cycle begins loses nothing', () => {
  const { p, bucket, published, alloc } = site();
  alloc(5);
  for (let n = 1; n <= 3; n++) {
    p.markTermination(n, false);
    p.worldStarted();
    if (n === 1) free(p, bucket, 5);
    expect(published('bug-46500')).toBe(published('cycle'));
  }
});

test('golang/go#68136: nothing is ever published, whatever happens', () => {
  const { p, bucket, published, alloc } = site();
  for (let n = 1; n <= 4; n++) {
    alloc(5);
    p.markTermination(n, true);
    p.worldStarted();
    free(p, bucket, 2);
    p.forcedSweepDone();
  }
  expect([published('cycle'), published('bug-68136')]).toEqual([12, 0]);
  expect(p.records(true, indexOf(p, 'bug-68136')).map((r) => [r.allocObjects, r.freeObjects])).toEqual([[0, 0]]);
  expect(p.records(false, indexOf(p, 'bug-68136'))).toEqual([]);
});

describe('golang/go#45894: the flush keeps the others waiting', () => {
  const sites = Array.from({ length: 100 }, (_, i) =>
    func(`main.site${i}`, {}, (_, { mutator, heap }: Machine) => void mutator.mallocgc(2048, heap.types.define('byte', 4, []))),
  );

  function run(scheme: SchemeName, procs: number, watch: readonly SchemeName[] = []) {
    const rt = new Runtime({ procs, scheme, watch, memProfileRate: 1, heapBytes: 8 << 20, gogc: 20, oracle: true });
    const meter = new SkewMeter(rt.machine);
    const stats = rt.run(function* main(go) {
      const done = go.waitGroup();
      done.add(procs);
      for (let k = 0; k < procs; k++) {
        go.go(function* allocates(go: Go) {
          for (let i = 0; i < 6; i++) {
            for (const site of sites) site(go, rt.machine);
            yield* go.gosched();
          }
          done.done();
        });
      }
      yield* done.wait();
      yield* go.gc();
    });
    const found = rt.machine.profiler.schemes.find((s) => s.name === 'bug-45894');
    const { waits = 0, waitNanos = 0 } = found instanceof OneLock ? found : {};
    return { nanos: stats.nanos, numGC: stats.numGC, waits, waitNanos, report: meter.report().find((r) => r.scheme === scheme)! };
  }

  test('with several Ps mallocs and frees wait; the figures are right', () => {
    const convoy = run('bug-45894', 4);
    expect(convoy.numGC).toBeGreaterThan(2);
    expect(convoy.waits).toBeGreaterThan(0);
    expect(convoy.waitNanos).toBeGreaterThan(0);
    expect(convoy.report.bucketsOff).toBe(0);
    expect(convoy.nanos).toBeGreaterThan(run('cycle', 4).nanos);
  });

  test('with one P nobody is there to wait', () => {
    expect(run('bug-45894', 1).waits).toBe(0);
  });

  test('a scheme that only watches moves nothing', () => {
    const { nanos, numGC } = run('cycle', 4);
    const watched = run('cycle', 4, ['bug-45894']);
    expect([watched.nanos, watched.numGC, watched.waits]).toEqual([nanos, numGC, 0]);
  });
});

test('in whole runs each error shows as skew against the truth, and the right schemes have none', () => {
  const rt = play(
    function* main(go) {
      const f = go.locals({ list: Node });
      const make = func('main.make', { n: Node }, (f) => (f.n = f.new(Node)));
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 200; i++) {
          const n = make(go);
          n.next = i % 2 === 0 ? f.list : null;
          if (i % 2 === 0) f.list = n;
        }
        yield* go.gc();
        const off = Object.fromEntries(meter.report().map((r) => [r.scheme, r.skewObjects]));
        expect(off).toMatchObject({ cycle: 0, 'three-stage': 0, 'bug-45894': 0, 'bug-46500': 1 });
        expect(off['bug-68136']).toBe(-off['naive']! - (round + 1) * 100);
      }
    },
    0,
    { watch: ['cycle', 'naive', ...bugSchemeNames], heapBytes: 4 << 20, gogc: 'off' },
    (m) => {
      meter = new SkewMeter(m);
    },
  );
  expect(rt.machine.gc.numGC).toBe(3);
});
const Node = struct('main.Listed', { next: self });
let meter: SkewMeter;
