// Programs of Go's test folder about the collector: what must survive, and what must not be left over.
import { describe, expect, test } from 'vitest';
import {
  append, array, bool, type Caller, type Field, f64, func, type Go, i8, i16, i32, i64, map, ptr, RandomChooser, type Ref, Runtime, self, slice, string, struct, u8, u16, u32, u64,
} from '../../runtime/index.ts'; // biome-ignore format: one glance
import { busy, collect, goRun, isObject } from './support.ts';

const Boxed = struct('main.Boxed', { value: i32, pointer: self });

test('gc.go', () => {
  const mk2 = func('main.mk2', { b: array(u8, 10_000) }, (f) => {
    f.b = f.new(array(u8, 10_000));
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
      for (let i = 0; i < 100_000; i++) go.make(slice(u8), 100);
    },
    { ...busy, heapBytes: 8 << 20 },
  );
  expect(rt.stats().numGC).toBeGreaterThan(1);
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
    const f = go.locals({ x: slice(u8) });
    const before = go.readMemStats();
    for (let i = 0; i < n; i++) f.x = go.make(slice(u8), MB); // garbage, all but one
    const after = go.readMemStats();
    expect(after.sys - before.sys).toBeLessThan((n * MB) / 4);
    expect(after.numGC).toBeGreaterThan(before.numGC);
  });
  let collections = 0;
  rt.run(function* main(go) {
    collections = go.readMemStats().numGC; // what init left behind
  });
  expect(collections).toBeGreaterThan(0);
});

describe('gcgort.go', () => {
  const [goroutines, allocs, mods, length] = [2, 2, 8, 9];

  /** A type of Go's table and how its values are changed: the value after n changes of the zero value. */
  interface Row {
    name: string;
    type: Field<unknown>;
    changed: (n: number, go: Go) => unknown;
  }
  const number = (name: string, type: Field<number>): Row => ({ name, type, changed: (n) => n });
  const types: Row[] = [
    { name: 'bool', type: bool, changed: (n) => n % 2 === 1 },
    number('uint8', u8),
    number('uint16', u16),
    number('uint32', u32),
    { name: 'uint64', type: u64, changed: (n) => BigInt(n) << 40n },
    number('int8', i8),
    number('int16', i16),
    number('int32', i32),
    { name: 'int64', type: i64, changed: (n) => BigInt(-n) },
    { name: 'float64', type: f64, changed: (n) => n * 1.01 },
    { name: 'string', type: string, changed: (n, go) => go.string(['Hello', 'world', '!'][n % 3]!) },
  ];

  /** Strings are the same when their bytes are. */
  const same = (a: unknown, b: unknown) => expect(String(a)).toBe(String(b));

  type Shape = (go: Go) => Generator<void, void, void>;

  function shapesOf({ name, type: elem, changed }: Row): Shape[] {
    const T = struct(`gcgort.${name}`, { v: elem, link: self });
    return [
      function* pointerT(go) {
        const f = go.locals({ a: T });
        f.a = go.new(T);
        for (let i = 1; i <= mods; i++) {
          f.a.v = changed(i, go);
          yield* go.gosched();
        }
        same(f.a.v, changed(mods, go));
      },
      function* arrayT(go) {
        const f = go.locals({ a: array(elem, length) });
        f.a = go.new(array(elem, length)) as typeof f.a;
        for (let i = 1; i <= mods; i++) {
          for (let j = 0; j < length; j++) {
            f.a!.set(j, changed(i, go));
            yield* go.gosched();
          }
        }
        for (const v of f.a!) same(v, changed(mods, go));
      },
      function* sliceT(go) {
        const f = go.locals({ a: slice(elem) });
        f.a = go.make(slice(elem), length);
        for (let i = 1; i <= mods; i++) {
          for (let j = 0; j < length; j++) {
            f.a.set(j, changed(i, go));
            yield* go.gosched();
          }
        }
        for (const v of f.a) same(v, changed(mods, go));
      },
      function* mapT(go) {
        const f = go.locals({ a: map(i32, elem) });
        f.a = go.make(map(i32, elem));
        for (let i = 1; i <= mods; i++) {
          for (let j = 0; j < length; j++) {
            f.a.set(j, changed(i, go));
            yield* go.gosched();
          }
        }
        expect(f.a.length).toBe(length);
        for (const [, v] of f.a) same(v, changed(mods, go));
      },
      function* listT(go) {
        const f = go.locals({ head: T, at: T });
        for (let j = 0; j < length; j++) {
          f.at = go.new(T);
          f.at.link = f.head;
          f.head = f.at;
        }
        for (let i = 1; i <= mods; i++) {
          for (f.at = f.head; f.at !== null; f.at = f.at.link) {
            f.at.v = changed(i, go);
            yield* go.gosched();
          }
        }
        let n = 0;
        for (f.at = f.head; f.at !== null; f.at = f.at.link, n++) same(f.at.v, changed(mods, go));
        expect(n).toBe(length);
      },
      function* chanT(go) {
        const f = go.locals({ a: T });
        const c = go.chan(T);
        for (let i = 1; i <= mods; i++) {
          go.go(function* send(go) {
            const f = go.locals({ a: T });
            f.a = go.new(T);
            f.a.v = changed(i, go);
            yield* go.gosched();
            yield* c.send(f.a);
          });
          f.a = yield* c.recv();
          same(f.a!.v, changed(i, go));
          yield* go.gosched();
        }
      },
    ];
  }

  test('GOGC=1, goroutines of all types and shapes, and a step of the collector between any two operations', () => {
    let started = 0;
    let done = 0;
    const rt = goRun(
      function* main(go) {
        const wg = go.waitGroup();
        for (let i = 0; i < goroutines * allocs; i++) {
          for (const shape of types.flatMap(shapesOf)) {
            started++;
            wg.add(1);
            go.go(function* modify(go) {
              yield* shape(go);
              done++;
              wg.done();
            });
          }
        }
        yield* wg.wait();
      },
      { procs: 4, gogc: 1, maxGoroutines: 1000, memProfileRate: 0, chooser: new RandomChooser(1) },
    );
    expect(done).toBe(started);
    expect(rt.stats().numGC).toBeGreaterThan(4);
  });
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
  const T = struct('main.T', { a: array(f64, 57), b: ptr(Boxed), c: array(f64, 57) });
  goRun(function* main(go) {
    const f = go.locals({ ts: slice(T) });
    f.ts = go.make(slice(T), 4);
    for (let i = 0; i < 4; i++) {
      f.ts.get(i).b = go.new(Boxed);
      f.ts.get(i).b!.value = 42 + i;
    }
    yield* go.gc();
    for (let i = 0; i < 4; i++) expect(f.ts.get(i).b!.value).toBe(42 + i);
  });
});

test('gcstring.go', () => {
  const T = struct('main.T', { ptr: ptr(Boxed), pad: array(u8, 120) });
  const n = 2000;
  goRun(
    function* main(go) {
      const f = go.locals({ things: slice(string), Ts: slice(ptr(T)), t: T, buf: slice(u8), s: string });
      f.buf = go.make(slice(u8), 128);
      for (let i = 0; i < n; i++) {
        f.s = go.string(f.buf);
        f.t = go.new(T);
        f.t.ptr = go.new(Boxed);
        go.setFinalizer(f.t.ptr, () => expect.unreachable('*int freed too early'));
        f.Ts = append(f.Ts, f.t);
        f.things = append(f.things, f.s.slice(f.s.length)); // may lead to the end of the block, where the next one begins
      }
      for (let i = 0; i < 4; i++) yield* collect(go);
      expect([f.Ts.length, f.things.length]).toEqual([n, n]);
    },
    { checkHeap: false, memProfileRate: 0 },
  );
});

test('fixedbugs/issue45045.go', () => {
  goRun(function* main(go) {
    const f = go.locals({ m: map(string, i32), buf: slice(u8), s: string });
    f.m = go.make(map(string, i32));
    f.buf = go.make(slice(u8), 1000);
    const keys: number[] = [];
    for (let i = 0; i < 2; i++) {
      f.s = go.string(f.buf);
      keys.push(f.s.addr);
      f.m.set(f.s, 0);
    }
    f.s = go.zero(string);
    yield* go.gc();
    expect(f.m.length).toBe(1);
    expect(keys.map((addr) => isObject(go.runtime, addr))).toEqual([false, true]);
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
      const f = go.locals({ x: slice(u8) });
      const start = yield* inuse(go);
      f.x = go.make(slice(u8), big);
      expect((yield* inuse(go)) - start).toBe(big);
      f.x = go.zero(slice(u8));
      expect((yield* inuse(go)) - start).toBe(0);
      f.x = go.make(slice(u8), big);
      expect((yield* inuse(go)) - start).toBe(big);
    },
    { heapBytes: 32 << 20 },
  );
});

test('fixedbugs/issue15281.go', () => {
  goRun(
    function* main(go) {
      const Big = struct('main.Big', { data: slice(u8) });
      const f = go.locals({ x: Big });
      const start = yield* inuse(go);
      const c = go.chan(Big, 10);
      f.x = go.new(Big);
      f.x.data = go.make(slice(u8), big);
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
