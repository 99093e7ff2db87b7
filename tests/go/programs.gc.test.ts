// Programs of Go's test folder about the collector: what must survive, and what must not be left over.
import { describe, expect, test } from 'vitest';
import {
  bool, type Caller, type Field, f64, func, type Go, i32, ptr, RandomChooser, type Ref, Runtime, self, struct,
} from '../../runtime/index.ts'; // biome-ignore format: one glance
import { busy, collect, goRun } from './support.ts';

const Boxed = struct('main.Boxed', { value: i32, pointer: self });

test('gc.go', () => {
  const mk2 = func('main.mk2', {}, (f) => {
    const { machine } = f.ctx;
    machine.mutator.mallocgc(10_000, machine.heap.types.define('byte', 4, []));
  });
  const mk1 = func('main.mk1', {}, (f) => mk2(f));
  goRun(function* main(go) {
    for (let i = 0; i < 10; i++) {
      mk1(go);
      yield* go.gc();
      expect(go.readMemStats().heapObjects).toBe(0);
    }
  });
});

test('gc1.go', () => {
  const rt = goRun(
    function* main(go) {
      const bytes = go.raw.defineType('byte', 4, []);
      for (let i = 0; i < 100_000; i++) go.raw.mutator.mallocgc(1000, bytes);
    },
    { ...busy, heapBytes: 8 << 20 },
  );
  expect(rt.stats().numGC).toBeGreaterThan(20);
});

test('gc2.go', () => {
  const n = 1000;
  goRun(function* main(go) {
    const before = go.readMemStats();
    for (let i = 0; i < n; i++) {
      go.chan(i32, 10);
      if (i % 100 !== 0) continue;
      for (let j = 0; j < 4; j++) yield* collect(go);
    }
    expect(go.readMemStats().heapObjects - before.heapObjects).toBeLessThanOrEqual(n / 5);
  }, busy);
});

test('init1.go', () => {
  const n = 100;
  const MB = 1 << 20;
  const rt = new Runtime(busy);
  rt.init('main', function* init(go) {
    const c = go.chan(i32);
    go.go(function* send() {
      yield* c.send(1);
    });
    yield* c.recv();
    const { raw } = go;
    const bytes = raw.defineType('byte', 4, []);
    const x = go.runtime.machine.globals(1);
    const before = go.readMemStats();
    for (let i = 0; i < n; i++) raw.store(x, 0, raw.mutator.mallocgc(MB, bytes)); // garbage, all but one
    const after = go.readMemStats();
    expect(after.sys - before.sys).toBeLessThan((n * MB) / 4);
    expect(after.numGC).toBeGreaterThan(before.numGC);
  });
  let mainRan = false;
  rt.run(function* main() {
    mainRan = true;
  });
  expect(mainRan).toBe(true);
});

describe('gcgort.go', () => {
  const [goroutines, allocs, mods, length] = [2, 4, 8, 9];

  /** A type of Go's table: a struct with one such field, its first value, and the next one. */
  const types: { name: string; field: Field<number> | Field<boolean>; next: (v: never) => number | boolean }[] = [
    { name: 'bool', field: bool, next: (v) => !v },
    { name: 'int32', field: i32, next: (v) => v + 1 },
    { name: 'float64', field: f64, next: (v) => v * 1.5 + 1 },
  ];

  for (const { name, field, next } of types) {
    const T = struct(`gcgort.${name}`, { v: field as Field<number>, link: self });
    const step = next as (v: number) => number;
    const changed = (n: number, from: number): number => (n === 0 ? from : changed(n - 1, step(from)));

    /** A pointer to a value, changed again and again while others allocate. */
    function* pointerT(go: Go): Generator<void, void, void> {
      const f = go.locals({ a: T });
      f.a = go.new(T);
      const zero = f.a.v;
      for (let i = 0; i < mods; i++) {
        f.a.v = step(f.a.v);
        yield* go.gosched();
      }
      expect(f.a.v).toBe(changed(mods, zero));
    }

    /** As many values as Go's arrays and slices have, on a list. */
    function* sliceT(go: Go): Generator<void, void, void> {
      const f = go.locals({ head: T, at: T });
      const zero = go.new(T).v;
      for (let j = 0; j < length; j++) {
        f.at = go.new(T);
        f.at.link = f.head;
        f.head = f.at;
      }
      for (let i = 0; i < mods; i++) {
        for (f.at = f.head; f.at !== null; f.at = f.at.link) {
          f.at.v = step(f.at.v);
          yield* go.gosched();
        }
      }
      let n = 0;
      for (f.at = f.head; f.at !== null; f.at = f.at.link, n++) expect(f.at.v).toBe(changed(mods, zero));
      expect(n).toBe(length);
    }

    /** Pointers to values on their way through a channel, each from a goroutine of its own. */
    function* chanT(go: Go): Generator<void, void, void> {
      const f = go.locals({ a: T });
      const c = go.chan(T);
      for (let i = 0; i < mods; i++) {
        go.go(function* send(go) {
          const f = go.locals({ a: T });
          f.a = go.new(T);
          f.a.v = step(f.a.v);
          yield* go.gosched();
          yield* c.send(f.a);
        });
        f.a = yield* c.recv();
        expect(f.a!.v).toBe(step(go.new(T).v));
        yield* go.gosched();
      }
    }

    test(`${name}`, () => {
      let done = 0;
      const rt = goRun(
        function* main(go) {
          const wg = go.waitGroup();
          for (let i = 0; i < goroutines * allocs; i++) {
            for (const shape of [pointerT, sliceT, chanT]) {
              wg.add(1);
              go.go(function* modify(go) {
                yield* shape(go);
                done++;
                wg.done();
              });
            }
          }
          go.go(function* garbage(go) {
            const bytes = go.raw.defineType('byte', 4, []);
            while (done < goroutines * allocs * 3) {
              go.raw.mutator.mallocgc(64 << 10, bytes);
              yield* go.gosched();
            }
          });
          yield* wg.wait();
        },
        { procs: 4, gogc: 1, maxGoroutines: 1000, memProfileRate: 0, chooser: new RandomChooser(1) },
      );
      expect(done).toBe(goroutines * allocs * 3);
      expect(rt.stats().numGC).toBeGreaterThan(4);
    });
  }
});

test.each([
  [6, {}],
  [4, { godebug: 'clobberfree=1,gceverymalloc=1' }],
])('peano.go: up to %i!, %j', (max, options) => {
  const Num = struct('peano.Number', { n: self });
  type N = Ref<typeof Num> | null;
  const add1 = func('main.add1', { e: Num }, (f, x: N): N => {
    f.e = f.new(Num);
    f.e.n = x;
    return f.e;
  });
  const add: (c: Caller, x: N, y: N) => N = func('main.add', { s: Num }, (f, x: N, y: N): N => {
    if (y === null) return x;
    f.s = add1(f, x);
    return add(f, f.s, y.n);
  });
  const mul: (c: Caller, x: N, y: N) => N = func('main.mul', { p: Num }, (f, x: N, y: N): N => {
    if (x === null || y === null) return null;
    f.p = mul(f, x, y.n);
    return add(f, f.p, x);
  });
  const fact: (c: Caller, n: N) => N = func('main.fact', { p: Num }, (f, n: N): N => {
    if (n === null) return add1(f, null);
    f.p = fact(f, n.n);
    return mul(f, f.p, n);
  });
  const gen: (c: Caller, n: number) => N = func('main.gen', { x: Num }, (f, n: number): N => {
    if (n === 0) return null;
    f.x = gen(f, n - 1);
    return add1(f, f.x);
  });
  const count: (c: Caller, x: N) => number = func('main.count', {}, (f, x: N): number => (x === null ? 0 : count(f, x.n) + 1));

  goRun(
    function* main(go) {
      const f = go.locals({ x: Num, y: Num });
      const check = (x: N, expected: number) => {
        f.x = x;
        expect(count(go, f.x)).toBe(expected);
      };
      const binary = (op: typeof add, x: number, y: number) => {
        f.x = gen(go, x);
        f.y = gen(go, y);
        return op(go, f.x, f.y);
      };
      check(gen(go, 0), 0);
      check(gen(go, 10), 10);
      for (const [x, y] of [[3, 0], [0, 4], [3, 4]] as const) check(binary(add, x, y), x + y); // biome-ignore format: a table
      for (const [x, y] of [[0, 0], [3, 0], [0, 4], [3, 1], [1, 4], [3, 4]] as const) check(binary(mul, x, y), x * y); // biome-ignore format: a table
      for (const [n, factorial] of [1, 1, 2, 6, 24, 120, 720].slice(0, max + 1).entries()) {
        f.x = gen(go, n);
        check(fact(go, f.x), factorial);
      }
      yield* go.gc();
    },
    { heapBytes: 32 << 20, memProfileRate: 0, ...options },
  );
});

test('stackobj2.go', () => {
  const depth = 1000;
  const T = struct('stackobj2.T', { data: ptr(Boxed), next: self, next2: self });
  const makelist: (caller: Caller, x: Ref<typeof T> | null, n: number) => void = func(
    'main.makelist',
    { a: T, b: T },
    (f, x: Ref<typeof T> | null, n: number) => {
      if (n === 0) {
        f.ctx.machine.gc.collect();
        let i = 1;
        for (f.a = x; f.a !== null; f.a = f.a.next, i++) {
          expect(f.a.data!.value).toBe(i);
          expect(f.a.next2?.addr).toBe(f.a.next?.addr);
        }
        expect(i).toBe(depth + 1);
        return;
      }
      const put = (value: number, next: Ref<typeof T> | null) => {
        const t = f.new(T);
        t.data = f.new(Boxed);
        t.data.value = value;
        t.next = next;
        t.next2 = next;
        return t;
      };
      if (n % 3 === 0) {
        f.a = put(n, x);
        f.b = put(n - 1, f.a);
        makelist(f, f.b, n - 2);
      } else {
        f.b = put(n, x);
        f.a = put(n - 1, f.b);
        makelist(f, f.a, n - 2);
      }
    },
  );
  goRun(function* main(go) {
    makelist(go, null, depth);
  });
});

test('fixedbugs/issue11286.go', () => {
  const d = 57 * 8; // [57]float64, a pointer, [57]float64
  goRun(function* main(go) {
    const { raw } = go;
    const T = raw.defineType('main.T', d + 8 + d, [d / 4]);
    const frame = raw.enter(raw.pc('main.main'), 1);
    raw.set(frame, 0, raw.array(T, 4));
    for (let i = 0; i < 4; i++) {
      const m = go.new(Boxed);
      m.value = 42 + i;
      raw.store(raw.get(frame, 0), (i * T.size + d) / 4, m.addr);
    }
    yield* go.gc();
    for (let i = 0; i < 4; i++) expect(raw.load(raw.load(raw.get(frame, 0), (i * T.size + d) / 4), 0)).toBe(42 + i);
  });
});

test('fixedbugs/issue14591.go', () => {
  goRun(function* main(go) {
    const out = go.locals({ r: Boxed, s: Boxed });
    function* f(go: Go): Generator<void, void, void> {
      out.r = go.new(Boxed);
      out.r.value = 0x31;
      yield* go.gc();
      out.s = go.new(Boxed);
      out.s.value = 0x41;
      yield* go.gc();
    }
    yield* f(go);
    expect([out.r!.value, out.s!.value]).toEqual([0x31, 0x41]);
  });
});

/** Bytes in use after a collection. */
function* inuse(go: Go): Generator<void, number, void> {
  yield* go.gc();
  return go.readMemStats().alloc;
}
const big = 10 << 20;

test('fixedbugs/issue15277.go', () => {
  goRun(
    function* main(go) {
      const { raw } = go;
      const bytes = raw.defineType('byte', 4, []);
      const start = yield* inuse(go);
      const frame = raw.enter(raw.pc('main.f'), 1);
      raw.set(frame, 0, raw.mutator.mallocgc(big, bytes));
      expect((yield* inuse(go)) - start).toBe(big);
      raw.set(frame, 0, 0);
      expect((yield* inuse(go)) - start).toBe(0);
      raw.set(frame, 0, raw.mutator.mallocgc(big, bytes));
      expect((yield* inuse(go)) - start).toBe(big);
    },
    { heapBytes: 32 << 20 },
  );
});

test('fixedbugs/issue15281.go', () => {
  goRun(
    function* main(go) {
      const Big = struct('main.Big', { data: ptr(Boxed) });
      const bytes = go.raw.defineType('byte', 4, []);
      const f = go.locals({ x: Big });
      const start = yield* inuse(go);
      const c = go.chan(Big, 10);
      f.x = go.new(Big);
      go.raw.store(f.x.addr, 0, go.raw.mutator.mallocgc(big, bytes));
      yield* c.send(f.x);
      f.x = null;
      c.close();
      expect((yield* inuse(go)) - start, 'in the channel').toBeGreaterThanOrEqual(big);
      for (;;) {
        const [x, ok] = yield* c.recv2();
        if (!ok) break;
        f.x = x;
        expect((yield* inuse(go)) - start, 'in the local').toBeGreaterThanOrEqual(big);
        f.x = null;
        expect((yield* inuse(go)) - start, 'nowhere').toBeLessThan(1 << 10);
      }
    },
    { heapBytes: 32 << 20 },
  );
});

test('fixedbugs/issue30977.go', () => {
  const [n, words] = [100, 5];
  const rt = goRun(
    function* main(go) {
      const { raw } = go;
      const { machine } = go.runtime;
      const [y, x] = [machine.globals(words), machine.globals(words)]; // in the order in which a marker looks at them
      let stop = false;
      go.go(function* collector(go) {
        while (!stop) yield* go.gc();
      });
      for (let i = 0; i < n; i++) {
        yield* go.gosched();
        for (let k = 0; k < words; k++) {
          const v = go.new(Boxed);
          v.value = i * words + k;
          raw.store(x, k, v.addr);
        }
        for (let k = 0; k < words; k++) {
          raw.store(y, k, raw.load(x, k));
          raw.store(x, k, 0); // y alone holds it now
        }
        yield* go.gosched();
        for (let k = 0; k < words; k++) expect(raw.load(raw.load(y, k), 0)).toBe(i * words + k);
      }
      stop = true;
    },
    { procs: 2, chooser: new RandomChooser(1) }, // a step of the collector between any two stores
  );
  expect(rt.stats().numGC).toBeGreaterThan(10);
});
