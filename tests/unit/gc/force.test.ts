// runtime.GC(): everything that is garbage when it is called is free when it returns, and the profile as of its own mark
// termination is published, whoever else runs or collects meanwhile. Reference 2.4.
import { describe, expect, test } from 'vitest';
import { func, type Go, i32, type Options, Runtime, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { published } from '../../support/profile.ts';
import { checkedOptions } from '../../support/run.ts';

const Node = struct('force.Node', { id: i32, next: self });
const options: Options = { ...checkedOptions, heapBytes: 4 << 20, watch: ['cycle', 'naive'] };

const makeList = func('force.makeList', { head: Node, n: Node }, (f, length: number) => {
  for (let i = 0; i < length; i++) {
    f.n = f.new(Node);
    f.n.id = i;
    f.n.next = f.head;
    f.head = f.n;
  }
  return f.head;
});

/** Addresses of objects that were freed so far. */
const freedOf = (rt: Runtime) => {
  const freed: number[] = [];
  rt.machine.subscribe((kind, addr) => {
    if (kind === Ev.free) freed.push(addr);
  });
  return freed;
};

describe('what holds when runtime.GC() returns', () => {
  test('garbage at its start is freed: all of it, and nothing else', () => {
    const rt = new Runtime(options);
    const freed = freedOf(rt);
    rt.run(function* main(go) {
      const f = go.locals({ keep: Node });
      f.keep = makeList(go, 100);
      makeList(go, 250);
      yield* go.gc();
      expect(freed.length).toBe(250);
      expect(rt.machine.gc.idle).toBe(true);
      yield* go.gc();
      expect(freed.length).toBe(250);
    });
    expect([rt.stats().mallocs, rt.stats().frees, rt.stats().numGC]).toEqual([350, 250, 2]);
  });

  test('the profile is that of its own mark termination: one call is enough', () => {
    const rt = new Runtime(options);
    rt.run(function* main(go) {
      const f = go.locals({ keep: Node });
      f.keep = makeList(go, 100);
      makeList(go, 250);
      yield* go.gc();
      expect(go.memProfile()).toMatchObject([{ allocObjects: 350, freeObjects: 250, size: 8 }]);
      for (const scheme of ['three-stage', 'cycle', 'naive'] as const)
        expect(published(rt.machine, scheme), scheme).toEqual(rt.truth()!.buckets);
    });
  });

  test('allocation after it is not in the profile until the next one', () => {
    const rt = new Runtime(options);
    rt.run(function* main(go) {
      const f = go.locals({ keep: Node });
      f.keep = makeList(go, 10);
      yield* go.gc();
      f.keep = makeList(go, 20);
      expect(go.memProfile()).toMatchObject([{ allocObjects: 10, freeObjects: 0 }]);
      yield* go.gc();
      expect(go.memProfile()).toMatchObject([{ allocObjects: 30, freeObjects: 10 }]);
    });
  });

  test('called while a cycle is marking, it waits for that one and runs another: garbage made meanwhile is freed too', () => {
    const rt = new Runtime(options);
    const freed = freedOf(rt);
    rt.run(function* main(go) {
      const { gc } = rt.machine;
      const f = go.locals({ keep: Node });
      f.keep = makeList(go, 20_000); // too much for one assist
      gc.start(false);
      gc.step(1);
      makeList(go, 50); // black: this cycle keeps it
      expect(gc.marking).toBe(true);
      yield* go.gc();
      expect([gc.cycle, freed.length]).toEqual([2, 50]);
      expect(go.memProfile()).toMatchObject([{ allocObjects: 20_050, freeObjects: 50 }]);
    });
  });

  test('called while the last cycle is being swept, it finishes that sweep first', () => {
    const rt = new Runtime(options);
    const freed = freedOf(rt);
    rt.run(function* main(go) {
      const { gc } = rt.machine;
      makeList(go, 1000);
      gc.start(false);
      while (gc.marking) gc.step(1 << 20);
      makeList(go, 50);
      yield* go.gc();
      expect(freed.length).toBe(1050);
    });
  });
});

describe('several goroutines call it at once', () => {
  /** n goroutines: each drops `garbage` nodes, calls runtime.GC() and looks. */
  const crowd = (procs: number, n: number, rounds: number) => {
    const rt = new Runtime({ ...options, procs });
    const serialAt = new Map<number, number>(); // addresses are handed out again, serial numbers are not
    const alive = new Set<number>();
    let serial = 0;
    rt.machine.subscribe((kind, addr) => {
      if (kind === Ev.free) alive.delete(serialAt.get(addr)!);
      if (kind === Ev.malloc) alive.add(++serial);
      if (kind === Ev.malloc) serialAt.set(addr, serial);
    });
    const wrong: string[] = [];
    rt.run(function* main(go) {
      const done = go.waitGroup();
      done.add(n);
      function* caller(go: Go, me: number) {
        const f = go.locals({ n: Node });
        for (let round = 0; round < rounds; round++) {
          const mine: number[] = [];
          for (let i = 0; i < 20 + me; i++) {
            f.n = go.new(Node);
            mine.push(serial);
          }
          f.n = null;
          for (let i = 0; i < me; i++) yield* go.gosched();
          yield* go.gc();
          const left = mine.filter((n) => alive.has(n)).length;
          if (left > 0) wrong.push(`goroutine ${me}, round ${round}: ${left} of its garbage objects are left`);
        }
        done.done();
      }
      for (let me = 0; me < n; me++) go.go(caller, me);
      yield* done.wait();
    });
    return { rt, wrong };
  };

  for (const [procs, n] of [
    [1, 2],
    [2, 2],
    [4, 5],
  ] as const) {
    test(`${n} goroutines on ${procs} Ps: each finds its own garbage freed`, () => {
      const { rt, wrong } = crowd(procs, n, 5);
      expect(wrong).toEqual([]);
      expect(rt.stats().numGC).toBeGreaterThanOrEqual(5);
      expect(rt.stats().numGC, 'calls share cycles').toBeLessThanOrEqual(5 * n + 1);
    });
  }

  test('two that call at the same moment share one cycle', () => {
    const rt = new Runtime(options);
    rt.run(function* main(go) {
      const done = go.waitGroup();
      done.add(2);
      rt.machine.gc.start(false);
      function* caller(go: Go) {
        yield* go.gc();
        done.done();
      }
      go.go(caller);
      go.go(caller);
      yield* done.wait();
    });
    expect(rt.stats().numGC).toBe(2);
  });

  test('the published profile equals the truth as of one mark termination whenever a call returns', () => {
    const rt = new Runtime({ ...options, procs: 2 });
    const wrong: string[] = [];
    rt.machine.subscribe((kind, cycle, when) => {
      if (kind !== Ev.profileRotate || when === 0) return;
      const { numGC } = rt.machine.gc;
      const truth = rt.machine.oracle!.at(when === 2 ? numGC : numGC - 1)!;
      for (const scheme of ['three-stage', 'cycle'] as const) {
        const got = JSON.stringify([...published(rt.machine, scheme)].sort());
        if (got !== JSON.stringify([...truth.buckets].sort())) wrong.push(`${scheme}, cycle ${cycle}, ${when}: ${got}`);
      }
    });
    rt.run(function* main(go) {
      const done = go.waitGroup();
      done.add(3);
      function* caller(go: Go, me: number) {
        const f = go.locals({ keep: Node });
        for (let round = 0; round < 6; round++) {
          makeList(go, 10 * me);
          f.keep = makeList(go, 5 * me + round);
          yield* go.gc();
        }
        done.done();
      }
      for (let me = 1; me <= 3; me++) go.go(caller, me);
      yield* done.wait();
    });
    expect(wrong).toEqual([]);
  });
});
