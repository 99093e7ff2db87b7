// What a program gets wrong about types: layouts that cannot be, values of another type, writes through nil. Each is one error of
// the right kind that names the place; nothing has changed afterwards, and the heap walker finds nothing wrong.
import { afterEach, describe, expect, test } from 'vitest';
import {
  addrOf,
  append,
  array,
  deref,
  f64,
  func,
  type GoFunc,
  heapFindings,
  i32,
  map,
  ptr,
  type Ref,
  type Runtime,
  self,
  slice,
  string,
  struct,
  u8,
} from '../../../runtime/index.ts';
import { death, run as runChecked } from '../../support/run.ts';

let ran: Runtime | null = null;
const run = (main: GoFunc<[]>) => {
  ran = runChecked(main).rt;
};
afterEach(() => {
  if (ran !== null) expect(heapFindings(ran.machine.heap)).toEqual([]);
  ran = null;
});

const Node = struct('bad.Node', { id: i32, next: self });
const Other = struct('bad.Other', { id: i32, next: self, extra: i32 });

describe('a layout that cannot be', () => {
  const cases: [what: string, make: () => unknown, error: typeof TypeError | typeof RangeError, message: RegExp][] = [
    ['a struct of nothing', () => struct('bad.S', {}), TypeError, /^struct bad\.S: no fields$/],
    [
      'a field of no type',
      () => struct('bad.S', { a: i32, b: 'i32' as never }),
      TypeError,
      /^struct bad\.S: field 'b' has no type, got string$/,
    ],
    ['a field of null', () => struct('bad.S', { b: null as never }), TypeError, /^struct bad\.S: field 'b' has no type, got object$/],
    [
      'a struct inside itself',
      () => {
        const later: { S?: unknown } = {};
        later.S = struct('bad.S', { inside: later.S as never });
      },
      TypeError,
      /^struct bad\.S: field 'inside' has no type, got undefined; a struct that is not declared yet is named by self or ptr\(name\)$/,
    ],
    ['a reserved name', () => struct('bad.S', { addr: i32 }), TypeError, /^struct bad\.S: a field cannot be called 'addr'$/],
    [
      'a field that is too large',
      () => struct('bad.S', { a: u8, b: array(f64, 1 << 21) }),
      RangeError,
      /^struct bad\.S: field 'b' ends at byte 16777224, a struct has at most 16777216$/,
    ],
    [
      'an array that is too large',
      () => array(array(i32, 1 << 12), 1 << 12),
      RangeError,
      /^array \[4096\]\[4096\]int32: 67108864 bytes, a value has at most 16777216; use a slice$/,
    ],
    ['an array of -1', () => array(i32, -1), RangeError, /^array of int32: length -1, wanted a natural number$/],
    ['an array of 1.5', () => array(i32, 1.5), RangeError, /^array of int32: length 1\.5, wanted a natural number$/],
    ['an array of nothing', () => array(undefined as never, 1), TypeError, /^array: wanted a type such as i32 or a struct, got undefined$/],
    ['a pointer to nothing', () => ptr(5 as never), TypeError, /^ptr: wanted a type such as i32 or a struct, got number$/],
    [
      'a local of no type',
      () => func('bad.f', { x: undefined as never }, () => 0),
      TypeError,
      /^local 'x': wanted a type such as i32 or a struct, got undefined$/,
    ],
  ];
  for (const [what, make, error, message] of cases) {
    test(what, () => {
      expect(make).toThrow(error);
      expect(make).toThrow(message);
    });
  }

  test('self that stands for no struct, when it is used', () => {
    run(function* main(go) {
      expect(() => append(go.zero(slice(self)), null as never)).toThrow(
        'self stands for the struct that is being declared; here there is none, use ptr(T)',
      );
      yield* go.gc();
    });
  });

  test('two layouts under one name, when the second is used', () => {
    const first = struct('bad.Twice', { a: i32 });
    const second = struct('bad.Twice', { a: f64 });
    run(function* main(go) {
      go.new(first);
      expect(() => go.new(second)).toThrow(new RangeError('type bad.Twice is already defined with another layout'));
      yield* go.gc();
    });
  });
});

describe('a reference to another struct is refused in checked mode', () => {
  test('in a field, in a local, as an element, on a channel', () => {
    run(function* main(go) {
      const f = go.locals({ a: Node, b: Node, c: Node, d: Node, e: Node, o: Other, nodes: slice(ptr(Node)) });
      f.a = go.new(Node);
      f.o = go.new(Other);
      const { a, o: wrong } = f as unknown as { a: Ref<typeof Node>; o: never };
      expect(() => {
        a.next = wrong;
      }).toThrow(new TypeError("struct bad.Node: field 'next' takes a reference to bad.Node, got a reference to bad.Other"));
      for (const local of ['a', 'e'] as const)
        expect(() => {
          f[local] = wrong;
        }).toThrow(/^local \d takes a reference to bad\.Node, got a reference to bad\.Other$/);
      expect(() => append(f.nodes, wrong)).toThrow('a value of type *bad.Node takes such a pointer or null, got a reference to bad.Other');
      expect(() => go.chan(Node, 1).send(wrong)).toThrow('got a reference to bad.Other');
      expect(() => go.chan(Node, 1).send(addrOf(f.a!, 'id') as never)).toThrow('got a Ptr');
      expect([f.a?.is(a), f.e, a.next, f.nodes.length]).toEqual([true, null, null, 0]);
      yield* go.gc();
    });
  });

  test('in a pointer that names its struct', () => {
    const Holder = struct('bad.Holder', { node: ptr('bad.Node') });
    run(function* main(go) {
      const f = go.locals({ h: Holder });
      f.h = go.new(Holder);
      const { h } = f;
      expect(() => {
        h.node = go.new(Other);
      }).toThrow("struct bad.Holder: field 'node' takes a reference to bad.Node, got a reference to bad.Other");
      h.node = go.new(Node);
      yield* go.gc();
      expect(f.h.node.id).toBe(0);
    });
  });
});

test('a number that is no object, and everything else that is no reference, is refused by every pointer', () => {
  const All = struct('bad.All', { p: self, q: ptr(i32), xs: slice(i32), s: string, m: map(i32, i32), a: array(self, 2), n: Node });
  run(function* main(go) {
    const f = go.locals({ all: All, node: Node, xs: slice(i32), m: map(i32, i32), s: string, q: ptr(i32) });
    f.all = go.new(All);
    const all = f.all as unknown as Record<string, unknown>;
    const locals = f as unknown as Record<string, unknown>;
    for (const wrong of [4096, 0, 'x', true, {}, [], undefined, () => 0]) {
      for (const key of ['p', 'q', 'xs', 's', 'm', 'a', 'n'])
        expect(
          () => {
            all[key] = wrong;
          },
          `${key} = ${typeof wrong}`,
        ).toThrow(TypeError);
      for (const key of ['node', 'xs', 'm', 's', 'q'])
        expect(
          () => {
            locals[key] = wrong;
          },
          `local ${key} = ${typeof wrong}`,
        ).toThrow(TypeError);
      expect(() => f.all!.a.set(0, wrong as never)).toThrow(TypeError);
    }
    yield* go.gc();
    expect([f.all.p, f.all.q, f.all.xs.isNil, f.all.s.length, f.all.m.isNil, f.all.a.get(0), f.all.n.id]).toEqual([
      null,
      null,
      true,
      0,
      true,
      null,
      0,
    ]);
  });
});

describe('through nil', () => {
  test('a write panics in Go’s words, and may be recovered', () => {
    run(function* main(go) {
      const f = go.locals({ n: Node, m: map(string, i32), xs: slice(i32) });
      const words = 'runtime error: invalid memory address or nil pointer dereference';
      expect(() => {
        deref(f.n).id = 1;
      }).toThrow(words);
      expect(() => addrOf(f.n as never, 'id' as never)).toThrow(words);
      expect(() => f.m.set('x', 1)).toThrow('assignment to entry in nil map');
      expect(() => f.xs.set(0, 1)).toThrow('runtime error: index out of range [0] with length 0');
      yield* go.gc();
    });
  });

  test('an uncaught one ends the program with Go’s text', () => {
    const error = death(function* main(go) {
      go.locals({ m: map(string, i32) }).m.set('x', 1);
    });
    expect([error.kind, error.exitCode, error.message.split('\n')[0]]).toEqual(['panic', 3, 'panic: assignment to entry in nil map']);
    const index = death(function* main(go) {
      go.make(slice(i32), 3).get(5);
    });
    expect(index.message).toMatch(/^panic: runtime error: index out of range \[5\] with length 3\n\ngoroutine 1 /);
  });
});

test('too much memory ends the program as in Go, not the host', () => {
  const error = death(function* main(go) {
    go.make(slice(i32), 1 << 24);
  });
  expect([error.kind, error.message.includes('fatal error: out of memory')]).toEqual(['fatal', true]);
});

test('outside of a running program nothing is made', () => {
  let kept: { set(k: string, v: number): void } | null = null;
  const rt = runChecked(function* main(go) {
    const f = go.locals({ m: map(string, i32) });
    f.m = go.make(map(string, i32));
    kept = f.m;
    yield* go.gosched();
  }).rt;
  expect(() => kept!.set('x', 1)).toThrow('this needs a running goroutine');
  expect(heapFindings(rt.machine.heap)).toEqual([]);
});
