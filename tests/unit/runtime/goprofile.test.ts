// GoroutineProfile: a record for each goroutine, under Go's contract of n and ok; and what a million of parked goroutines would
// cost, on a tenth of that.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { goroutineAnswer } from '../../../runtime/goprofile.ts';
import { type Go, gofunc, i32, type RecvChan, Runtime, self, struct } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('goprofile.Node', { next: self });

/** Function names of a record, leaf first. */
const names = ({ machine }: Runtime, stack: readonly number[]) => stack.map((pc) => machine.symtab.frame(pc).func);

const inner = gofunc('goprofile.inner', { n: Node }, function* (_go, _f, ch: RecvChan<number>) {
  return yield* ch.recv();
});

describe('GoroutineProfile', () => {
  test('the caller first, then the others with the stacks on which they are parked; goroutines that ended are gone', () => {
    run(function* main(go) {
      const ch = go.chan(i32);
      go.go(function* ends() {});
      go.go(function* waits(go) {
        yield* inner(go, ch);
      });
      go.go(function* sleeps(go) {
        yield* go.sleep(1e9);
      });
      yield* go.sleep(1e6);
      expect(go.goroutineProfile().map(({ stack }) => names(go.runtime, stack))).toEqual([
        ['main.main'],
        ['goprofile.inner', 'main.waits'],
        ['main.sleeps'],
      ]);
    });
  });

  test('n and ok: too little room leaves p as it was and says how much is wanted', () => {
    run(function* main(go) {
      for (let i = 0; i < 3; i++) go.go(function* worker(go) { yield* go.sleep(1e9); }); // biome-ignore format: one glance
      yield* go.sleep(1e6);
      const { machine } = go.runtime;
      const p = [{ stack: [7] }, { stack: [8] }, { stack: [9] }];
      expect(goroutineAnswer(machine, p)).toEqual({ n: 4, ok: false });
      expect(p).toEqual([{ stack: [7] }, { stack: [8] }, { stack: [9] }]);
      p.push({ stack: [] }, { stack: [10] });
      expect(goroutineAnswer(machine, p)).toEqual({ n: 4, ok: true });
      expect(names(go.runtime, p[0]!.stack)).toEqual(['main.main']);
      expect(p[4]).toEqual({ stack: [10] });
      expect(goroutineAnswer(machine, [])).toEqual({ n: 4, ok: false });
    });
  });

  test('the runtime’s own are left out, but for a finalizer that runs; in 2014 they were in', () => {
    const counts: number[] = [];
    for (const era of ['1.19', '2014'] as const) {
      run(
        function* main(go) {
          const f = go.locals({ n: Node });
          f.n = go.new(Node);
          go.setFinalizer(f.n, () => counts.push(go.goroutineProfile().length));
          counts.push(go.goroutineProfile().length);
          f.n = null;
          yield* go.gc();
          yield* go.sleep(1e6);
        },
        { era },
      );
    }
    expect(counts).toEqual([1, 2, 5, 5]); // main; and runfinq; in 2014 forcegc, bgsweep and bgscavenge as well
  });

  test('it stops the world', () => {
    run(
      function* main(go) {
        const before = go.now();
        go.goroutineProfile();
        expect(go.now()).toBeGreaterThan(before);
      },
      { procs: 3 },
    );
  });
});

// Source: runtime/pprof/pprof_test.go, testGoroutineProfileConcurrency.
test.each([1, 4])('TestGoroutineProfileConcurrency, %i Ps: whoever lives all the time is in every profile once', (procs) => {
  let profiles = 0;
  run(
    function* main(go) {
      let done = false;
      function* churn(go: Go): Generator<void, void, void> {
        yield* go.gosched();
        if (!done) go.go(churn); // one ends, the next one begins
      }
      const stays = Array.from({ length: 10 }, (_, i) =>
        gofunc(`main.stays${i}`, { n: Node }, function* (go) {
          while (!done) yield* go.sleep(1e4);
        }),
      );
      for (const fn of stays) go.go(function* worker(go) { yield* fn(go); }); // biome-ignore format: one glance
      for (let i = 0; i < 5; i++) go.go(churn);
      yield* go.sleep(1e5);
      for (; profiles < 20; profiles++) {
        const records = go.goroutineProfile().map(({ stack }) => names(go.runtime, stack));
        expect(records).toHaveLength(go.numGoroutine());
        for (let i = 0; i < 10; i++) expect(records.filter((r) => r[0] === `main.stays${i}`)).toHaveLength(1);
        expect(records.filter((r) => r[0] === 'main.main')).toHaveLength(1);
        yield* go.sleep(3e4);
      }
      done = true;
    },
    { procs },
  );
  expect(profiles).toBe(20);
});

test('100,000 parked goroutines: at most 1 KB each, all of them in the profile, and their memory is there for the next ones', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const n = 100_000;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const rt = new Runtime({ maxGoroutines: n + 1, heapBytes: 64 << 20 });
  rt.run(function* main(go) {
    function* waiter(_go: Go, gate: RecvChan<number>) {
      yield* gate.recv();
    }
    const { stats } = go.runtime.machine.heap;
    const [peaks, rests]: [number[], number[]] = [[], []];
    const [before, pagesBefore] = [used(), stats.manualPages];
    for (let round = 0; round < 2; round++) {
      const gate = go.chan(i32);
      for (let i = 0; i < n; i++) go.go(waiter, gate);
      yield* go.gosched();
      peaks.push(used() - before + (stats.manualPages - pagesBefore) * 8192);
      const records = go.goroutineProfile();
      expect(records).toHaveLength(n + 1);
      expect(new Set(records.map(({ stack }) => stack.join())).size).toBe(2);
      gate.close();
      while (go.numGoroutine() > 1) yield* go.gosched();
      yield* go.gc();
      rests.push(used() - before);
    }
    expect(peaks[0]! / n).toBeLessThan(1024);
    expect(peaks[1]! / n).toBeLessThan(1024); // nothing adds up
    expect(rests[1]! / n).toBeLessThan(400); // as in Go, descriptors stay for the next ones
    expect(rests[1]!).toBeLessThan(rests[0]! * 1.2);
  });
});
