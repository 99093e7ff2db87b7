// What callers get wrong beside options and types: each is one error that names the argument, what it got and what it wanted,
// and no error of V8's.
import { describe, expect, test } from 'vitest';
import { append, heapFindings, i32, map, ptr, Runtime, self, slice, slotMap, string, struct } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('badinput.Node', { v: i32, next: self });
const any = (value: unknown) => value as never;

describe('options', () => {
  test.each([
    ['null', null, 'options: got null, wanted an object'],
    ['a text', 'seed=1', 'options: got string, wanted an object'],
    ['a list', [], 'options: got a list, wanted an object'],
    ['a chooser of null', { chooser: null }, 'option chooser: got null, wanted an object with a method choose'],
  ])('%s', (_, options, message) => {
    expect(() => new Runtime(any(options))).toThrow(new TypeError(message));
  });
});

describe('types', () => {
  test.each([[5], [''], [null]])('a struct called %o', (name) => {
    expect(() => struct(any(name), { v: i32 })).toThrow(
      new TypeError(`struct name: got ${name === '' ? "''" : name}, wanted a text that is not empty`),
    );
  });

  test('a struct without a list of fields', () => {
    expect(() => struct('badinput.None', any(null))).toThrow(new TypeError('struct badinput.None: fields: got null, wanted an object'));
  });

  test('new of nothing', () => {
    run(function* main(go) {
      for (const wrong of [undefined, null]) {
        expect(() => go.new(any(wrong))).toThrow(new TypeError(`new: wanted a type such as i32 or a struct, got ${wrong}`));
      }
    });
  });
});

describe('addresses', () => {
  const rt = new Runtime({ heapBytes: 1 << 20 });
  const asks: [name: string, ask: (addr: number) => unknown][] = [
    ['explain', (addr) => rt.explain(addr)],
    ['slotMap', (addr) => rt.slotMap(addr)],
    ['slotMap', (addr) => slotMap(rt.machine.heap, addr)],
  ];
  test.each(asks)('%s', (name, ask) => {
    for (const [wrong, got] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['abc', 'string'],
    ]) {
      expect(() => ask(any(wrong))).toThrow(new TypeError(`${name}: got ${got}, wanted an address`));
    }
    for (const wrong of [NaN, 1.5]) expect(() => ask(wrong)).toThrow(new RangeError(`${name}: got ${wrong}, wanted an address`));
    expect(() => ask(-8)).not.toThrow();
  });
});

test('go.free of what is no struct says how it is freed', () => {
  run(function* main(go) {
    const f = go.locals({ xs: slice(i32), s: string, m: map(i32, i32), p: ptr(i32) });
    f.xs = go.make(slice(i32), 10);
    f.s = go.string('a text that is long enough');
    f.m = go.make(map(i32, i32));
    f.p = go.new(i32);
    const got = [
      [f.xs, 'a Slice'],
      [f.s, 'a GoString'],
      [f.m, 'a GoMap'],
      [f.p, 'a Ptr'],
      [null, 'null'],
    ] as const;
    for (const [value, text] of got) {
      const message = `go.free: got ${text}, wanted a reference to a struct; what else lies in the heap is freed by go.raw.free(x.addr)`;
      expect(() => go.free(any(value))).toThrow(new TypeError(message));
    }
    for (const value of [go.chan(i32, 1), go.mutex(), go.waitGroup()]) {
      const message = 'go.free: a channel, like a mutex and the rest of sync, is freed by the collector when nobody uses it any more';
      expect(() => go.free(any(value))).toThrow(new TypeError(message));
    }
    expect(go.raw.free(f.xs.addr)).toBe(true);
    f.xs = go.zero(slice(i32));
  });
});

test('go.make of what is no whole number', () => {
  run(function* main(go) {
    const [ints, ages] = [slice(i32), map(i32, i32)];
    for (const [wrong, Kind, got] of [
      [NaN, RangeError, 'NaN'],
      [1.5, RangeError, '1.5'],
      ['3', TypeError, 'string'],
      [null, TypeError, 'null'],
    ] as const) {
      expect(() => go.make(ages, any(wrong))).toThrow(new Kind(`make of map[int32]int32: hint: got ${got}, wanted a whole number`));
      expect(() => go.make(ints, any(wrong))).toThrow(new Kind(`make of []int32: len: got ${got}, wanted a whole number`));
      expect(() => go.make(ints, 0, any(wrong))).toThrow(new Kind(`make of []int32: cap: got ${got}, wanted a whole number`));
    }
    expect(go.make(ages, -1).length).toBe(0); // as in Go
  });
});

test('checked mode: a value of another Runtime is stored nowhere', () => {
  const Holder = struct('badinput.Holder', {
    node: Node,
    to: ptr(Node),
    later: ptr('badinput.Node'),
    xs: slice(i32),
    s: string,
    m: map(i32, i32),
  });

  run(function* main(go) {
    const h = go.new(Holder);
    h.to = go.new(Node);
    h.xs = go.make(slice(i32), 3);
    h.s = go.string('other');
    h.m = go.make(map(i32, i32));
    const there = { node: h.node, to: h.to, xs: h.xs, s: h.s, m: h.m };
    const { rt } = run(function* main(go) {
      const f = go.locals({ h: Holder, n: Node, xs: slice(i32), all: slice(ptr(Node)), m: map(i32, ptr(Node)) });
      f.h = go.new(Holder);
      f.all = go.make(slice(ptr(Node)), 1, 2);
      f.m = go.make(map(i32, ptr(Node)));
      const ch = go.chan(Node, 1);
      const stores: (() => void)[] = [
        () => (f.h!.node = there.node),
        () => (f.h!.to = there.to),
        () => (f.h!.later = there.to),
        () => (f.h!.xs = there.xs),
        () => (f.h!.s = there.s),
        () => (f.h!.m = there.m),
        () => (f.n = there.to),
        () => (f.xs = there.xs),
        () => f.all.set(0, there.to),
        () => append(f.all, there.to),
        () => f.m.set(1, there.to),
        () => ch.trySend(there.to),
        () => go.go(function* other(_go, _n: unknown) {}, there.to),
      ];
      for (const store of stores) {
        expect(store, String(store)).toThrow(
          /^a value of another Runtime \(address 0x[0-9a-f]+ there\): a value belongs to the runtime that it was made in$/,
        );
      }
      expect(f.m.length).toBe(0);
    });
    expect(heapFindings(rt.machine.heap)).toEqual([]);
  });
});
