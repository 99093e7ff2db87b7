// gc_test.go and testdata/testprog/gc.go: what a collection must leave alone, what it must find, and what it counts.
import { describe, expect, test } from 'vitest';
import { array, type Caller, type Field, func, i32, map, ptr, Runtime, self, slice, string, struct, u8 } from '../../runtime/index.ts';
import { countPagesInUse, readMemStatsSlow } from '../../runtime/memstats.ts';
import { testMachine } from '../support/machine.ts';
import { busy, goRun, isObject } from './support.ts';

const Int = struct('gc.int', { value: i32 });
const Boxed = struct('gc.boxed', { value: i32, pointer: ptr(Int) }); // with a pointer: an object of its own, in no tiny block

test('TestGcSys', () => {
  goRun(
    function* main(go) {
      const f = go.locals({ sink: slice(u8) });
      yield* go.gc();
      const before = go.readMemStats();
      for (let i = 0; i < 100_000; i++) f.sink = go.make(slice(u8), 1029);
      const after = go.readMemStats();
      expect(after.totalAlloc - before.totalAlloc).toBe(100_000 * 1152);
      expect(after.sys - before.sys).toBeLessThanOrEqual(16 << 20);
    },
    { ...busy, heapBytes: 256 << 20 },
  );
});

test('TestGcDeepNesting', () => {
  const two = <E extends Field<unknown>>(elem: E) => array(elem, 2);
  const T = two(two(two(two(two(two(two(two(two(two(ptr(Boxed))))))))))); // [2][2][2][2][2][2][2][2][2][2]*T
  goRun(function* main(go) {
    const f = go.locals({ a: T });
    f.a = go.new(T);
    const first = () => f.a!.get(0).get(0).get(0).get(0).get(0).get(0).get(0).get(0).get(0);
    first().set(0, go.new(Boxed));
    first().get(0)!.value = 13;
    yield* go.gc();
    expect(first().get(0)!.value).toBe(13);
    expect(first().get(1)).toBe(null);
  });
});

test('TestGcMapIndirection', () => {
  const T = struct('gc.T', { a: array(i32, 256) });
  const n = 300;
  const rt = goRun(
    function* main(go) {
      yield* go.setGCPercent(1);
      yield* go.gc();
      const f = go.locals({ m: map(string, T), v: T });
      const key = (i: number) => `${i}`.padStart(1024);
      f.m = go.make(map(string, T));
      for (let i = 0; i < n; i++) {
        f.v = go.new(T);
        f.v.a.set(255, i);
        f.m.set(key(i), f.v);
      }
      for (let i = 0; i < n; i++) expect(f.m.get(key(i)).a.get(255)).toBe(i);
      expect(f.m.length).toBe(n);
    },
    { checked: false, checkHeap: false },
  );
  expect(rt.stats().numGC).toBeGreaterThan(2);
});

test('TestGcArraySlice', () => {
  // buf is not the first field as in Go, so that a slice of it leads into the object
  const X = struct('gc.X', { next: self, nextbuf: slice(u8), buf: array(u8, 1) });
  goRun(function* main(go) {
    const f = go.locals({ head: X, p: X });
    for (let i = 0; i < 10; i++) {
      f.p = go.new(X);
      f.p.buf.set(0, 42);
      f.p.next = f.head;
      if (f.head !== null) f.p.nextbuf = f.head.buf.slice();
      f.head = f.p;
      yield* go.gc();
    }
    for (f.p = f.head; f.p !== null; f.p = f.p.next) expect(f.p.buf.get(0)).toBe(42);

    const last = f.head!.nextbuf; // now a slice alone holds the object
    f.head!.next = null;
    expect(isObject(go.runtime, last.addr)).toBe(false);
    yield* go.gc();
    expect([last.length, last.get(0)]).toEqual([1, 42]);
  });
});

test('TestGcRescan', () => {
  const Y = struct('gc.Y', { nextx: self, nexty: self, p: ptr(Boxed) });
  goRun(function* main(go) {
    const f = go.locals({ head: Y, p: Y });
    for (let i = 0; i < 10; i++) {
      f.p = go.new(Y);
      go.chan(Y);
      f.p.nextx = f.head;
      f.p.nexty = f.head;
      f.p.p = go.new(Boxed);
      f.p.p.value = 42;
      f.head = f.p;
      yield* go.gc();
    }
    let n = 0;
    for (f.p = f.head; f.p !== null; f.p = f.p.nexty, n++) {
      expect(f.p.p!.value).toBe(42);
      expect(f.p.nextx?.addr).toBe(f.p.nexty?.addr);
    }
    expect(n).toBe(10);
  });
});

test('TestGcLastTime', () => {
  goRun(function* main(go) {
    const t0 = go.now();
    yield* go.gc();
    const t1 = go.now();
    const st = go.readMemStats();
    expect(st.lastGC).toBeGreaterThan(t0);
    expect(st.lastGC).toBeLessThanOrEqual(t1);
    const pause = st.pauseNs[(st.numGC + 255) % 256]!;
    expect(pause).toBeGreaterThan(0);
    expect(pause).toBeLessThan(10e9);
    expect(st.lastGC - t0).toBeGreaterThanOrEqual(pause);
  });
});

test('TestPeriodicGC', () => {
  goRun(function* main(go) {
    yield* go.gc();
    const before = go.readMemStats();
    yield* go.sleep(5 * 60e9); // Go sets forcegcperiod to 0 and sleeps for milliseconds; here time costs nothing
    const after = go.readMemStats();
    expect(after.numGC - before.numGC).toBeGreaterThanOrEqual(2);
    expect(after.numForcedGC).toBe(before.numForcedGC);
  });
});

test('TestGcZombieReporting', () => {
  const rt = new Runtime({ gogc: 'off', heapBytes: 1 << 20 });
  const program = () =>
    rt.run(function* main(go) {
      const { raw } = go;
      const bytes = raw.defineType('byte', 4, []);
      const count = Math.floor(8192 / 190);
      const frame = raw.enter(raw.pc('main.main'), count);
      const free: number[] = []; // addresses in JavaScript variables, as uintptrs in Go: no roots
      for (let i = 0; i < count; i++) {
        const obj = raw.mutator.mallocgc(190, bytes);
        if (i % 2 === 0) raw.set(frame, i, obj);
        else free.push(obj);
      }
      yield* go.gc();
      for (const [i, addr] of free.entries()) raw.set(frame, 2 * i + 1, addr);
      yield* go.gc();
    });
  let words = '';
  try {
    program();
  } catch (error) {
    words = (error as Error).message;
  }
  expect(words).toMatch(/^fatal error: found pointer to free object: /m);
  const slots = words.split('\n').filter((line) => /^0x[0-9a-f]+ (alloc|free )/.test(line));
  expect(words).toMatch(/^runtime: marked free object in span \d+, elemsize=192 freeindex=0 \(bad use of unsafe\.Pointer\?/);
  expect(slots).toHaveLength(42);
  expect(slots.filter((line) => line.endsWith(' free  marked   zombie'))).toHaveLength(21);
  expect(slots.filter((line) => line.endsWith(' alloc marked  '))).toHaveLength(21);
  expect(words).toMatch(/^[0-9a-f]{8}: ( [0-9a-f]{8} ){4}$/m); // what is in them
});

test('TestGCTestMoveStackOnNextCall', () => {
  /** The collector looks at the stack when it is a hundred frames deep: then at the latest it has grown. */
  const deep: (caller: Caller, n: number) => void = func('main.moveStackCheck', { onStack: Boxed }, (f, n: number) => {
    if (n === 0) f.ctx.machine.gc.collect();
    else deep(f, n - 1);
  });
  const check = func('main.TestGCTestMoveStackOnNextCall', { onStack: Boxed }, (f) => {
    const { stacks } = f.ctx.sched;
    const { machine } = f.ctx;
    const old = stacks.lo;
    f.onStack = f.new(Boxed);
    f.onStack.value = 1;
    const first = f.onStack.addr;
    deep(f, 100);
    expect(stacks.lo, 'the stack has moved').not.toBe(old);
    expect(f.onStack.value).toBe(1);
    expect(isObject({ machine }, first), 'held by the new stack').toBe(true);
    f.onStack = null;
    machine.gc.collect();
    expect(isObject({ machine }, first), 'held by nothing, not by the old stack').toBe(false);
  });
  goRun(function* main(go) {
    check(go);
  });
});

test('TestGCTestIsReachable', () => {
  goRun(function* main(go) {
    const half = go.raw.enter(go.raw.pc('main.main'), 16);
    const all = Array.from({ length: 16 }, (_, i) => {
      const p = go.new(Boxed);
      if (i % 2 === 0) go.raw.set(half, i, p.addr);
      return go.weak(p);
    });
    yield* go.gc();
    expect(all.map((p) => (p.value() === null ? 0 : 1))).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });
});

test('TestGCTestPointerClass', () => {
  goRun(function* main(go) {
    const { runtime } = go;
    const { machine } = runtime;
    const f = go.locals({ p: Boxed });
    f.p = go.new(Boxed);
    const classOf = (addr: number) => runtime.explain(addr).place;
    expect(classOf(machine.sched.stacks.lo)).toBe('memory managed by hand'); // stack
    expect(classOf(f.p.addr)).toBe('object'); // heap
    expect(classOf(machine.globals(1))).toBe('off the heap'); // bss, data
    expect(classOf(0)).toBe('nil'); // other
  });
});

test('TestPrintGC', () => {
  let printed = 0;
  const rt = goRun(
    function* main(go) {
      let done = false;
      go.go(function* collector(go) {
        while (!done) yield* go.gc();
      });
      for (let i = 0; i < 600; i++) {
        try {
          yield* go.gosched();
        } finally {
          printed += go.new(Boxed).value + 1;
        }
      }
      done = true;
    },
    { procs: 2 },
  );
  expect(printed).toBe(600);
  expect(rt.stats().numGC).toBeGreaterThan(10);
});

test('TestPageAccounting', () => {
  const m = testMachine({ heapBytes: 80 << 20, gogc: 'off', memProfileRate: 0, checkHeap: false });
  const bytes = m.heap.types.define('bytes', 4, []);
  for (let i = 0; i < 1024; i++) m.mutator.mallocgc(64 << 10, bytes);
  const { pagesInUse, counted } = countPagesInUse(m);
  expect(pagesInUse).toBe(counted);
  expect(pagesInUse).toBe(1024 * 8);
});

describe('TestReadMemStats', () => {
  test.each([1, 3])('GOMAXPROCS=%i', (procs) => {
    const rt = goRun(
      function* main(go) {
        const f = go.locals({ p: Boxed });
        for (let i = 0; i < 5000; i++) {
          const p = go.new(Boxed);
          if (i % 50 === 0) f.p = p;
          if (i % 500 === 0) yield* go.gosched();
        }
        yield* go.gc();
      },
      { procs },
    );
    const { base, slow } = readMemStatsSlow(rt.machine);
    expect(base).toEqual(slow);
  });

  test('a count that is wrong shows', () => {
    const m = testMachine();
    m.mutator.mallocgc(100, m.heap.types.define('bytes', 4, []));
    m.heap.stats.addSmallFrees(3, 1);
    const { base, slow } = readMemStatsSlow(m);
    expect(base.heapObjects).toBe(0);
    expect(slow).not.toEqual(base);
  });
});

test('TestUserForcedGC', () => {
  goRun(
    function* main(go) {
      const before = go.readMemStats();
      yield* go.gc();
      const after = go.readMemStats();
      expect([after.numGC - before.numGC, after.numForcedGC - before.numForcedGC]).toEqual([1, 1]);
      expect(after.nextGC).toBe(Infinity);
    },
    { gogc: 'off' },
  );
});

/** What is obtained and not given back stays within the limit, whatever lives. */
function limited(gogc: number | 'off'): void {
  const limit = 32 << 20; // Go has 256 MiB, and allows 16 MiB above it
  const unit = 8000;
  let collections = 0;
  let highest = 0;
  goRun(
    function* main(go) {
      expect([-1, limit, -1].map((bytes) => go.setMemoryLimit(bytes))).toEqual([Infinity, Infinity, limit]);
      const target = go.chan(i32, 1);
      go.go(function* worker(go) {
        const { raw } = go;
        const pointers = raw.defineType('*[8000]byte', 4, [0]);
        const bytes = raw.defineType('byte', 4, []);
        const sink = go.runtime.machine.globals(1);
        for (let size = yield* target.recv(); size >= 0; ) {
          const n = Math.floor(size / unit);
          raw.store(sink, 0, raw.array(pointers, n));
          for (let i = 0; i < n; i++) {
            raw.store(raw.load(sink, 0), i, raw.mutator.mallocgc(unit, bytes));
            if (i % 16 === 0) yield* go.gosched();
          }
          if (target.length > 0) size = yield* target.recv();
        }
      });
      for (let size = limit / 10; size < (limit / 10) * 8; size += limit / 10) {
        yield* target.send(Math.floor(size));
        const until = go.now() + 20e6;
        while (go.now() < until) {
          const st = go.readMemStats();
          const retained = st.heapSys - st.heapReleased + st.stackSys; // the arena's tables do not count: gc/memlimit.ts
          highest = Math.max(highest, retained);
          expect(retained).toBeLessThanOrEqual(limit + limit / 16);
          yield* go.sleep(50e3);
        }
      }
      yield* target.send(-1);
      collections = go.readMemStats().numGC;
      expect(go.setMemoryLimit('off')).toBe(limit);
    },
    { ...busy, gogc, procs: 4, heapBytes: 128 << 20 },
  );
  expect(highest, 'and the limit matters').toBeGreaterThan(limit * 0.8);
  expect(collections).toBeGreaterThan(4);
}

test('TestMemoryLimit', () => limited(100));
test('TestMemoryLimitNoGCPercent', () => limited('off'));
