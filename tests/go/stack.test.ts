// stack_test.go: what stacks take, grow to and give back; what a deferred function still finds; and what goroutines print of them.
// Panics are in crash.test.ts.
import { describe, expect, test } from 'vitest';
import { checkHeap } from '../../heap/check.ts';
import { type Caller, type Chan, func, type Go, i32, type Machine, ptr, type Ref, struct } from '../../runtime/index.ts';
import { busy, collect, goRun } from './support.ts';

const Int = struct('stack.int', { value: i32 });
const Boxed = struct('stack.boxed', { value: i32, pointer: ptr(Int) });

/** Pushes n frames of about 1 KiB; returns what pops them. Go's useStackAndCall. */
function useStack({ raw }: Go, n: number): () => void {
  const pc = raw.pc('main.useStack');
  for (let i = 0; i < n; i++) raw.enter(pc, 254);
  return () => {
    for (let i = 0; i < n; i++) raw.leave();
  };
}

test('TestStackMem', () => {
  const [batchSize, batchCount, arraySize, recursionDepth] = [32, 8, 1024, 128];
  goRun(
    function* main(go) {
      const before = go.readMemStats();
      let deepest = 0;
      for (let b = 0; b < batchCount; b++) {
        const c = go.chan(i32, batchSize);
        for (let i = 0; i < batchSize; i++) {
          go.go(function* recurse(go) {
            const leave = useStack(go, recursionDepth);
            yield* go.sleep(1e6);
            deepest = Math.max(deepest, go.readMemStats().stackInuse);
            leave();
            yield* c.send(1);
          });
        }
        for (let i = 0; i < batchSize; i++) yield* c.recv();
        yield* go.sleep(10e6);
      }
      const after = go.readMemStats();
      expect(deepest - before.stackInuse).toBeGreaterThanOrEqual(batchSize * arraySize * recursionDepth);
      expect(after.stackSys - before.stackSys).toBeLessThanOrEqual(4 * batchSize * arraySize * recursionDepth);
      expect(after.stackInuse - before.stackInuse).toBeLessThanOrEqual(64 << 10); // Go: 4 MiB
    },
    { ...busy, procs: batchSize },
  );
});

describe('TestStackGrowth', () => {
  /** Calls itself n times; each call's variable is set by its callee. A collection at the bottom. Source: growStackIter. */
  const growStackIter: (caller: Caller, p: Ref<typeof Boxed>, n: number) => void = func(
    'main.growStackIter',
    { x: Boxed },
    (f, p: Ref<typeof Boxed>, n: number) => {
      p.value = n + 1;
      if (n === 0) {
        f.ctx.machine.gc.collect();
        return;
      }
      f.x = f.new(Boxed);
      growStackIter(f, f.x, n - 1);
      expect(f.x.value).toBe(n);
    },
  );
  const growStack = func('main.growStack', { x: Boxed }, (f) => {
    for (let i = 0; i < 1 << 7; i += 3) {
      f.x = f.new(Boxed);
      growStackIter(f, f.x, i);
      expect(f.x.value).toBe(i + 1);
    }
  });

  test('in a goroutine', () => {
    goRun(function* main(go) {
      const wg = go.waitGroup();
      wg.add(1);
      go.go(function* grow(go) {
        growStack(go);
        wg.done();
      });
      yield* wg.wait();
    });
  });

  test('in a finalizer', () => {
    let done = false;
    goRun(function* main(go) {
      go.setFinalizer(go.new(Boxed), () => {
        growStack(go);
        done = true;
      });
      yield* collect(go);
    });
    expect(done).toBe(true);
  });
});

test('TestStackGrowthCallback', () => {
  const down: (caller: Caller, n: number, callback: () => void) => void = func('main.f', { x: Boxed }, (f, n: number, callback) => {
    if (n === 0) return callback();
    f.x = f.new(Boxed);
    f.x.value = n;
    down(f, n - 1, callback);
    expect(f.x.value).toBe(n);
  });
  const seen: number[] = [];
  goRun(function* main(go) {
    const done = go.chan(i32, 1);
    for (let n = 0; n < 200; n++) {
      down(go, n, () => {
        go.go(function* start() {
          yield* done.send(n);
        });
        if (n % 20 === 19) go.runtime.machine.gc.collect(); // everybody's x must be found on the stack that has grown
      });
      seen.push(yield* done.recv());
    }
  });
  expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n));
});

test('TestStackCache', () => {
  const [rounds, goroutines, sizes] = [4, 50, 5];
  const inuse: number[] = [];
  const sys: number[] = [];
  const rt = goRun(function* main(go) {
    for (let round = 0; round < rounds; round++) {
      const done = go.chan(i32);
      const requests = Array.from({ length: goroutines }, () => go.chan(i32));
      for (const request of requests) {
        go.go(function* growing(go) {
          for (;;) {
            const [n, ok] = yield* request.recv2();
            if (ok) useStack(go, n)();
            yield* done.send(n);
            if (!ok) return;
          }
        });
      }
      for (let s = 0; s < sizes; s++) {
        for (const request of requests) yield* request.send(1 << s);
        for (let j = 0; j < goroutines; j++) expect(yield* done.recv()).toBe(1 << s);
      }
      const st = go.readMemStats();
      inuse.push(st.stackInuse);
      sys.push(st.heapSys + st.stackSys);
      for (const request of requests) request.close();
      for (let j = 0; j < goroutines; j++) yield* done.recv();
    }
  });
  checkHeap(rt.machine.heap);
  expect(inuse[0]).toBeGreaterThanOrEqual(goroutines * (1 << (sizes - 1)) * 1024);
  expect(Math.max(...inuse) - Math.min(...inuse), 'every round finds the stacks of the one before').toBeLessThan(64 << 10);
  expect(new Set(sys).size, 'and nothing is added').toBe(1);
});

test('TestDeferLiveness', () => {
  goRun(function* main(go) {
    const f = go.locals({ x: Boxed });
    f.x = go.new(Boxed);
    try {
      f.x.value = 42;
      for (let i = 0; i < 3; i++) yield* go.gc();
    } finally {
      expect(f.x.value).toBe(42);
    }
  });
});

test('TestDeferHeapAndStack', () => {
  const [goroutines, iterations, depth] = [4, 20, 60];
  const deferHeapAndStack: (caller: Caller, m: Machine, r: Ref<typeof Boxed>, n: number) => void = func(
    'main.deferHeapAndStack',
    { mine: Boxed },
    (f, m: Machine, r: Ref<typeof Boxed>, n: number) => {
      if (n === 0) return;
      f.mine = f.new(Boxed);
      try {
        deferHeapAndStack(f, m, f.mine, n - 1);
        m.mutator.mallocgc(1024, m.heap.types.define('byte', 4, []));
      } finally {
        r.value = f.mine.value + 2;
      }
    },
  );
  let done = 0;
  const rt = goRun(
    function* main(go) {
      const c = go.chan(i32);
      for (let p = 0; p < goroutines; p++) {
        go.go(function* calls(go) {
          const f = go.locals({ r: Boxed });
          for (let i = 0; i < iterations; i++) {
            f.r = go.new(Boxed);
            deferHeapAndStack(go, go.runtime.machine, f.r, depth);
            expect(f.r.value).toBe(2 * depth);
            done++;
            yield* go.gosched();
          }
          yield* c.send(1);
        });
      }
      for (let p = 0; p < goroutines; p++) yield* c.recv();
    },
    { procs: 4, gogc: 10, memProfileRate: 0 },
  );
  expect(done).toBe(goroutines * iterations);
  expect(rt.stats().numGC).toBeGreaterThan(3);
});

test('TestStackOutput', () => {
  goRun(function* main(go) {
    expect(go.stack()).toMatch(/^goroutine 1 \[running\]:\nmain\.main\(\.\.\.\)\n\t\S+:\d+\n$/);
  });
});

test('TestStackAllOutput', () => {
  goRun(function* main(go) {
    go.go(function* other(go) {
      yield* go.sleep(1e9);
    });
    yield* go.sleep(1e6);
    expect(go.stack(true)).toMatch(/^goroutine 1 \[running\]:\nmain\.main[\s\S]*\n\ngoroutine \d+ \[sleep\]:\nmain\.other/);
  });
});

describe('TestTracebackAncestors', () => {
  const numGoroutines = 3;
  const numFrames = 2;

  /** What a goroutine prints that waits at the end of a chain of goroutines, and main, which began the chain. */
  function chain(depth: number): string {
    const recurse = func('main.recurseThenCallGo', {}, (f, go: Go, w: Chan<number>, goroutines: number, frames: number): void => {
      if (frames > 0) recurse(f, go, w, goroutines, frames - 1);
      else go.go(recurseThenCallGo, w, goroutines - 1);
    });
    function* recurseThenCallGo(go: Go, w: Chan<number>, goroutines: number) {
      if (goroutines === 0) {
        yield* w.send(1);
        yield* w.recv();
      } else recurse(go, go, w, goroutines, numFrames - 1);
    }
    let text = '';
    goRun(
      function* main(go) {
        const w = go.chan(i32);
        recurse(go, go, w, numGoroutines, numFrames);
        yield* w.recv();
        text = go.stack(true);
        w.close();
      },
      { godebug: `tracebackancestors=${depth}` },
    );
    return text;
  }

  test.each([0, 1, 5, 50])('%d ancestors', (depth) => {
    const text = chain(depth);
    const ancestors = Math.min(depth, numGoroutines);
    expect(text.match(/^goroutine \d+ \[/gm)).toHaveLength(2);
    expect(text.match(/^\[originating from goroutine \d+\]:$/gm) ?? []).toHaveLength(ancestors);
    expect(text.match(/^main\.recurseThenCallGo\(\.\.\.\)$/gm)).toHaveLength(1 + ancestors * (numFrames + 1));
    expect(text.match(/^created by main\.recurseThenCallGo$/gm)).toHaveLength(1 + Math.min(ancestors, numGoroutines - 1));
    if (depth >= numGoroutines) expect(text).toMatch(/\[originating from goroutine 1\]:\n[^[]*\nmain\.main\(\.\.\.\)\n\t\S+\n$/);
  });
});
