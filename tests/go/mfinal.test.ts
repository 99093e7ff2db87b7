// mfinal_test.go: finalizers of objects of several kinds. Go's finalizers differ in what they take and return; ours take a
// reference, and may be generators.
import { expect, test } from 'vitest';
import {
  array, bool, f64, func, type Go, GoString, host, i32, ptr, type Ref, type Slice, self, slice, string, struct, u8,
} from '../../runtime/index.ts'; // biome-ignore format: one glance
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

/** Whether y is finalized while `kept`, a part of the object before it, is all that is left of both. */
function isFinalized(kept: (go: Go) => { value: GoString | Slice<number>; y: Ref<typeof Obj> }): boolean {
  let fin = false;
  goRun(function* main(go) {
    const f = go.locals({ bytes: slice(u8), text: string });
    const { value, y } = kept(go);
    if (value instanceof GoString) f.text = value;
    else f.bytes = value;
    go.setFinalizer(y, () => {
      fin = true;
    });
    yield* collect(go);
    expect(f.text.length + f.bytes.length).toBe(value.length); // alive until here
  });
  return fin;
}

/** A part of an object, from a byte on, and the object that lies behind it. Go's adjChunks, adjStringChunk. */
const sliceBefore = (from: number) =>
  func('mfinal.adjChunks', { x: Obj, y: Obj }, (f) => {
    do {
      f.x = f.y;
      f.y = f.new(Obj);
    } while (f.x === null || f.y.addr !== f.x.addr + objsize);
    return { value: f.x.bytes.slice(from), y: f.y };
  });
const stringBefore = (from: number) =>
  func('mfinal.adjStringChunk', { b: slice(u8), s: string, y: Obj }, (f) => {
    f.b = f.make(slice(u8), objsize);
    do {
      f.s = f.string(f.b);
      f.y = f.new(Obj);
    } while (f.y.addr !== f.s.addr + objsize);
    return { value: f.s.slice(from), y: f.y };
  });

// What lies behind an object is not held by what is empty and begins at the object's end.
test('TestEmptySlice', () => {
  for (const from of [objsize - 1, objsize]) expect(isFinalized(sliceBefore(from))).toBe(true);
});

test('TestEmptyString', () => {
  for (const from of [objsize - 1, objsize]) expect(isFinalized(stringBefore(from))).toBe(true);
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
