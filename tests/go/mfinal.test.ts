// mfinal_test.go: finalizers of objects of several kinds. Go's finalizers differ in what they take and return; ours take a
// reference, and may be generators.
import { expect, test } from 'vitest';
import { array, bool, f64, type Go, host, i32, ptr, type Ref, self, slice, struct, u8 } from '../../runtime/index.ts';
import { collect, goRun, isObject } from './support.ts';

const T = struct('mfinal.T', { value: i32, pointer: self });
const Holder = struct('mfinal.Holder', { held: ptr(T) });

test.each<[kind: string, set: (go: Go, v: Ref<typeof T>, finalize: (v: Ref<typeof T>) => void) => void]>([
  ['a function', (go, v, finalize) => go.setFinalizer(v, finalize)],
  ['a function with a result', (go, v, finalize) => go.setFinalizer(v, (x) => [finalize(x), 0, 0, 0])],
  [
    'a generator function',
    (go, v, finalize) =>
      go.setFinalizer(v, function* (x) {
        yield* go.gosched();
        finalize(x);
      }),
  ],
  [
    'an object that was read from a field',
    (go, v, finalize) => {
      const holder = go.new(Holder);
      holder.held = v;
      go.setFinalizer(holder.held!, finalize);
    },
  ],
])('TestFinalizerType: %s', (_, set) => {
  let finalized = 0;
  goRun(function* main(go) {
    const ch = go.chan(host<boolean>(), 10);
    const done = go.chan(host<boolean>(), 1);
    go.go(function* allocate(go) {
      const f = go.locals({ v: T });
      f.v = go.new(T);
      f.v.value = 97531;
      set(go, f.v, (v) => {
        expect(v.value).toBe(97531);
        finalized++;
        ch.close();
      });
      f.v = null;
      yield* done.send(true);
    });
    yield* done.recv();
    yield* go.gc();
    yield* ch.recv();
  });
  expect(finalized).toBe(1);
});

test('TestFinalizerInterfaceBig', () => {
  const bigValue = struct('mfinal.bigValue', { fill: f64, it: bool, up: i32, down: ptr(T) });
  let seen: unknown;
  goRun(function* main(go) {
    const ch = go.chan(host<boolean>());
    const done = go.chan(host<boolean>(), 1);
    go.go(function* allocate(go) {
      const f = go.locals({ v: bigValue });
      f.v = go.new(bigValue);
      Object.assign(f.v, { fill: 0xdeadbeefdeadb, it: true, up: -1, down: go.new(T) });
      f.v.down!.value = 7;
      go.setFinalizer(f.v, (v) => {
        seen = [v.fill, v.it, v.up, v.down!.value];
        ch.close();
      });
      f.v = null;
      yield* done.send(true);
    });
    yield* done.recv();
    yield* go.gc();
    yield* ch.recv();
  });
  expect(seen).toEqual([0xdeadbeefdeadb, true, -1, 7]);
});

const objsize = 320;
const Obj = struct('mfinal.objtype', { bytes: array(u8, objsize) });

/** Of two objects that lie one behind the other, which is the second; a slice of the first that begins at `from` is kept. */
function keepsNeighbour(from: number): boolean {
  let fin = false;
  goRun(function* main(go) {
    const f = go.locals({ x: Obj, y: Obj, xs: slice(u8) });
    do {
      f.x = f.y;
      f.y = go.new(Obj);
    } while (f.x === null || f.y.addr !== f.x.addr + objsize);
    f.xs = f.x.bytes.slice(from);
    go.setFinalizer(f.y, () => {
      fin = true;
    });
    f.x = null;
    f.y = null;
    yield* collect(go);
    expect(f.xs.length).toBe(objsize - from); // alive until here
  });
  return !fin;
}

test('TestEmptySlice', () => {
  expect(keepsNeighbour(objsize - 1)).toBe(false);
  expect(keepsNeighbour(objsize), 'an empty slice at the end of an object does not hold the next one').toBe(false);
});

test('TestFinalizerOnGlobal', () => {
  const rt = goRun(function* main(go) {
    const { machine } = go.runtime;
    const foo1 = go.new(Holder);
    const foo2 = go.new(T);
    machine.pin(foo1.addr);
    machine.pin(foo2.addr);
    const fail = () => expect.unreachable('the finalizer of a global ran');
    go.setFinalizer(foo1, fail);
    go.setFinalizer(foo2, fail);
    yield* collect(go);
    go.setFinalizer(foo1, null);
    go.setFinalizer(foo2, null);
    go.setFinalizer(foo1, fail); // not "finalizer already set"
    go.setFinalizer(foo1, null);
    yield* collect(go);
    expect([isObject(go.runtime, foo1.addr), isObject(go.runtime, foo2.addr)]).toEqual([true, true]);
  });
  const { mspan, spanRows } = rt.machine.heap;
  for (let s = 1; s < spanRows; s++) expect(mspan.finalizers[s as never], 'records left').toBe(0);
});

test('TestDeferKeepAlive', () => {
  let finRun = false;
  goRun(function* main(go) {
    const f = go.locals({ x: T });
    f.x = go.new(T);
    go.setFinalizer(f.x, () => {
      finRun = true;
    });
    try {
      yield* go.gc();
      yield* go.sleep(1e9);
      expect(finRun).toBe(false);
    } finally {
      expect(f.x.value).toBe(0); // runtime.KeepAlive: a declared local lives until it is overwritten
    }
    f.x = null;
    yield* collect(go);
    expect(finRun).toBe(true);
  });
});
