// Programs of Go's test folder about finalizers: of tiny objects, of chains, of what goroutines and deferred functions held.
import { expect, test } from 'vitest';
import { type Go, i32, inUseBytes, inUseObjects, ptr, type Ref, self, slice, struct } from '../../runtime/index.ts';
import { collect, goRun } from './support.ts';

/** Below 16 bytes and without pointers: shares tiny blocks. */
const Tiny = struct('main.int32', { value: i32 });
/** With a pointer: a slot of its own. */
const Boxed = struct('main.Boxed', { value: i32, pointer: self });

test('finprofiled.go', () => {
  const n = 1 << 15;
  const tinyBlock = 16;
  goRun(
    function* main(go) {
      const { raw } = go;
      const hold = go.runtime.machine.globals(Math.ceil(n / 3));
      let held = 0;
      for (let i = 0; i < n; i++) {
        const x = go.new(Tiny);
        if (i % 3 === 0) go.setFinalizer(x, (p) => raw.store(hold, held++, p.addr));
      }
      for (let i = 0; i < 5; i++) yield* collect(go);
      expect(held).toBe(Math.ceil(n / 3));
      let bytes = 0;
      for (const r of go.memProfile()) if (inUseBytes(r) / inUseObjects(r) === tinyBlock) bytes += inUseBytes(r);
      expect(bytes).toBeGreaterThanOrEqual(n * 4 - 2 * tinyBlock);
      expect(bytes).toBeLessThanOrEqual(n * 4 + 2 * tinyBlock);
    },
    { checked: false, checkHeap: false },
  );
});

test('tinyfin.go', () => {
  const n = 100;
  const done = new Array<number>(n).fill(0);
  goRun(function* main(go) {
    const finalized = go.chan(i32, n);
    for (let i = 0; i < n; i++) {
      const x = go.new(Tiny);
      x.value = i;
      go.setFinalizer(x, function* (p) {
        yield* finalized.send(p.value);
      });
    }
    yield* go.gc();
    for (let count = 0; count <= (n / 10) * 9; count++) done[yield* finalized.recv()]!++; // a deadlock if there are fewer
  });
  expect(done.filter((times) => times === 1).length).toBe((n / 10) * 9 + 1); // no value twice, none that was not there
});

test('deferfin.go', () => {
  const n = 10;
  let count = n;
  goRun(
    function* main(go) {
      const wg = go.waitGroup();
      wg.add(n);
      for (let i = 0; i < n; i++) {
        go.go(function* deferred(go) {
          const f = go.locals({ v: Boxed });
          f.v = go.new(Boxed);
          try {
            go.setFinalizer(f.v, () => count--);
            yield* go.gosched();
          } finally {
            expect(f.v.value).toBe(0);
            wg.done();
          }
        });
      }
      yield* wg.wait();
      for (let i = 0; i < 3; i++) {
        yield* go.sleep(10e6);
        yield* go.gc();
      }
      yield* go.sleep(10e6);
    },
    { procs: 2 },
  );
  expect(count).toBe(0);
});

test('mallocfin.go', () => {
  const n = 250;
  const B = Tiny;
  const A = struct('main.A', { b: ptr(B), n: i32 });
  const final = new Array<number>(n).fill(0);
  let finals = 0;
  goRun(
    function* main(go) {
      const f = go.locals({ a: A, b: B, c: B });
      for (let i = 0; i < n; i++) {
        f.b = go.new(B);
        f.b.value = i;
        f.a = go.new(A);
        f.a.b = f.b;
        f.a.n = i;
        f.c = go.new(B);
        go.setFinalizer(f.c, () => expect.unreachable('nofinalB run'));
        go.setFinalizer(f.b, (b) => {
          expect(final[b.value], 'the object that points to b was finalized before').toBe(1);
          final[b.value] = 2;
          finals++;
        });
        go.setFinalizer(f.a, (a) => {
          expect(final[a.n]).toBe(0);
          final[a.n] = 1;
        });
        go.setFinalizer(f.c, null);
      }
      for (let i = 0; i < n && finals < (n * 8) / 10; i++) yield* collect(go);
    },
    { procs: 4 },
  );
  expect(finals).toBeGreaterThanOrEqual((n * 8) / 10);
});

test('fixedbugs/issue5493.go', () => {
  const n = 10;
  let count = n;
  goRun(function* main(go) {
    const wg = go.waitGroup();
    wg.add(n);
    for (let i = 0; i < n; i++) {
      go.go(function* run(go) {
        const f = go.locals({ f1: Boxed });
        f.f1 = go.new(Boxed);
        f.f1.value = i;
        go.setFinalizer(f.f1, () => count--);
        go.go(function* f2(go, f1: Ref<typeof Boxed>) {
          yield* go.gc();
          expect(f1.value).toBe(i); // what a goroutine was started with lives until it ends
        }, f.f1);
        wg.done();
      });
    }
    yield* wg.wait();
    for (let i = 0; i < 3; i++) yield* collect(go);
  });
  expect(count).toBe(0);
});

test('fixedbugs/issue46725.go', () => {
  const jenny = 8675309;
  goRun(function* main(go) {
    const f = go.locals({ s: slice(ptr(Boxed)), h: slice(ptr(Boxed)) });
    let done = false;
    f.s = go.make(slice(ptr(Boxed)), 10);
    f.s.set(0, go.new(Boxed));
    f.s.get(0)!.value = jenny;
    go.setFinalizer(f.s.get(0)!, () => {
      done = true;
    });
    f.h = f.s;
    f.s = go.zero(slice(ptr(Boxed)));
    for (let i = 0; i < 10; i++) yield* collect(go);
    expect(done, "GC'd early").toBe(false);
    expect(f.h.get(0)!.value).toBe(jenny);
    f.h = f.s;
    yield* collect(go);
    expect(done).toBe(true);
  });
});

/** Three collections, in each of which finalizers may run. */
function* thrice(go: Go): Generator<void, void, void> {
  for (let i = 0; i < 3; i++) yield* collect(go);
}

test('fixedbugs/issue30476.go', () => {
  const T = struct('main.T', { x: ptr(Boxed), y: i32 });
  let ran = false;
  goRun(function* main(go) {
    const f = go.locals({ p: T });
    f.p = go.new(T);
    f.p.x = go.new(Boxed);
    go.setFinalizer(f.p.x, () => {
      ran = true;
    });
    yield* thrice(go);
    expect(ran).toBe(false);
    f.p = null;
    yield* thrice(go);
    expect(ran).toBe(true);
  });
});

test('stackobj.go', () => {
  const StkObj = struct('main.StkObj', { h: ptr(Boxed) });
  let n = 0;
  let c = -1;
  function* gc(go: Go): Generator<void, void, void> {
    yield* thrice(go);
    n++;
  }
  goRun(function* main(go) {
    const f = go.locals({ s: StkObj });
    f.s = go.new(StkObj);
    f.s.h = go.new(Boxed);
    go.setFinalizer(f.s.h, () => {
      c = n;
    });
    yield* gc(go); // still live here
    f.s = null; // in Go: nothing uses s below
    yield* gc(go); // collected here
    yield* gc(go);
  });
  expect(c).toBe(1);
});
