// Fields that hold values of JavaScript: they are kept with their object, and let go with it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { append, array, host, i32, self, slice, struct } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Job = struct('host.Job', { id: i32, run: host<() => number>(), next: self });
const Tiny = struct('host.Tiny', { what: host<string>() });
const Many = struct('host.Many', { all: array(host<number>(), 4), job: Job });

describe('a host field', () => {
  test('holds any value, undefined at first, and not more than one', () => {
    const { rt } = run(function* main(go) {
      const f = go.locals({ j: Job });
      f.j = go.new(Job);
      const values = go.runtime.machine.heap.hostValues;
      expect([f.j.run, values.length]).toEqual([undefined, 0]);
      f.j.run = () => 1;
      f.j.run = () => 2;
      expect([f.j.run(), values.length, f.j.id, f.j.next]).toEqual([2, 1, 0, null]);
      f.j.run = undefined;
      expect(f.j.run).toBe(undefined);
    });
    expect(rt.machine.heap.hostValues.length).toBe(1);
  });

  test('is let go when its object dies, and the numbers are used again', () => {
    run(function* main(go) {
      const f = go.locals({ list: Job, j: Job });
      const values = go.runtime.machine.heap.hostValues;
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 100; i++) {
          f.j = go.new(Job);
          f.j.run = () => i;
          if (i % 10 !== 0) continue;
          f.j.next = f.list;
          f.list = f.j;
        }
        f.j = null;
        yield* go.gc();
        expect(values.length).toBe(10 * (round + 1));
      }
      let sum = 0;
      for (f.j = f.list; f.j !== null; f.j = f.j.next) sum += f.j.run!();
      expect(sum).toBe(5 * 450);
      f.list = null;
      yield* go.gc();
      expect(values.length).toBe(0);
      expect(values.capacity).toBeLessThan(160);
    });
  });

  test('the value itself is garbage for JavaScript then', async () => {
    let gone = new WeakRef({});
    const { rt } = run(function* main(go) {
      const f = go.locals({ j: Job });
      f.j = go.new(Job);
      const big = { bytes: new Uint8Array(1000) };
      gone = new WeakRef(big);
      f.j.run = () => big.bytes.length;
      f.j = null;
      yield* go.gc();
    });
    expect(rt.machine.heap.hostValues.length).toBe(0);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(gone.deref()).toBe(undefined);
  });

  test('works in objects that share a tiny block', () => {
    run(function* main(go) {
      const f = go.locals({ a: Tiny, b: Tiny, c: Tiny });
      f.a = go.new(Tiny);
      f.b = go.new(Tiny);
      f.c = go.new(Tiny);
      f.a.what = 'a';
      f.c.what = 'c';
      f.b.what = 'b';
      f.a = null;
      f.b = null;
      yield* go.gc();
      expect(f.c.what).toBe('c');
      f.c = null;
      yield* go.gc();
      expect(go.runtime.machine.heap.hostValues.length).toBe(0);
    });
  });

  test('is copied with the struct or array around it: each copy is let go by itself', () => {
    run(function* main(go) {
      const f = go.locals({ m: Many, n: Many, jobs: slice(Job) });
      const values = go.runtime.machine.heap.hostValues;
      f.m = go.new(Many);
      f.n = go.new(Many);
      for (let i = 0; i < 4; i++) f.m.all.set(i, i * i);
      f.m.job.run = () => 7;
      f.n.all = f.m.all;
      f.n.job = f.m.job;
      f.m.all.set(2, -1);
      f.jobs = append(f.jobs, f.m.job, f.n.job);
      f.jobs = append(f.jobs, f.m.job);
      expect([f.n.all.toArray(), f.m.all.get(2), f.jobs.toArray().map((j) => j.run!())]).toEqual([[0, 1, 4, 9], -1, [7, 7, 7]]);
      expect(values.length).toBeGreaterThanOrEqual(13);
      f.m = null;
      f.jobs = go.zero(slice(Job));
      yield* go.gc();
      expect(values.length).toBe(5);
      expect(f.n.job.run!()).toBe(7);
    });
  });

  test('survives its object being kept by a finalizer, and goes one collection later', () => {
    run(function* main(go) {
      const f = go.locals({ j: Job });
      const values = go.runtime.machine.heap.hostValues;
      let seen: number | undefined;
      f.j = go.new(Job);
      f.j.run = () => 3;
      go.setFinalizer(f.j, (j) => {
        seen = j.run!();
      });
      f.j = null;
      yield* go.gc();
      yield* go.sleep(1000);
      expect([seen, values.length]).toEqual([3, 1]);
      yield* go.gc();
      expect(values.length).toBe(0);
    });
  });

  test('is let go when its object is freed by hand', () => {
    run(function* main(go) {
      const f = go.locals({ j: Job });
      f.j = go.new(Job);
      f.j.run = () => 3;
      const { addr } = f.j;
      f.j = null;
      go.raw.free(addr);
      expect(go.runtime.machine.heap.hostValues.length).toBe(0);
    });
  });
});
