// Maps: what is put in comes out, Go's zero values and panics, iteration, and what the collector keeps.
import { describe, expect, test } from 'vitest';
import {
  append,
  array,
  bool,
  f64,
  type Go,
  host,
  i8,
  i32,
  i64,
  map,
  ptr,
  self,
  slice,
  string,
  struct,
  u16,
  u32,
  u64,
} from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('maps.Node', { id: i32, next: self });

describe('the type', () => {
  test('is one for each pair, and its keys are integers or strings', () => {
    expect(map(i32, string)).toBe(map(i32, string));
    expect(map(string, slice(ptr(Node))).name).toBe('map[string][]*maps.Node');
    for (const key of [f64, bool, ptr(Node), Node, slice(i32), array(i32, 1), host()])
      expect(() => map(key as never, i32)).toThrow(/^map\[.*\]int32: a key is an integer or a string$/);
    expect(() => map(i32, array(f64, 1 << 20))).toThrow(RangeError);
    expect(() => map(undefined as never, i32)).toThrow('map: wanted a type such as i32');
  });
});

describe('a nil map', () => {
  test('can be read, and panics when it is written, in Go’s words', () => {
    run(function* main(go) {
      const f = go.locals({ m: map(string, i32) });
      expect([f.m.isNil, f.m.length, f.m.get('x'), f.m.get2('x'), f.m.has('x'), [...f.m]]).toEqual([true, 0, 0, [0, false], false, []]);
      f.m.delete('x');
      expect(() => f.m.set('x', 1)).toThrow(/^assignment to entry in nil map$/);
      expect(() => f.m.get(5 as never)).toThrow('a map with keys of type string takes a string, got number');
    });
  });
});

describe('entries', () => {
  test('are found, replaced and deleted; get2 tells a zero from nothing', () => {
    run(function* main(go) {
      const f = go.locals({ m: map(string, i32) });
      f.m = go.make(map(string, i32));
      f.m.set('a', 1);
      f.m.set(go.string('b'), 2);
      f.m.set('zero', 0);
      f.m.set('a', 10);
      expect([f.m.length, f.m.get('a'), f.m.get(go.string('b')), f.m.get('c')]).toEqual([3, 10, 2, 0]);
      expect([f.m.get2('zero'), f.m.get2('none'), f.m.has('zero'), f.m.has('')]).toEqual([[0, true], [0, false], true, false]);
      f.m.delete('a');
      f.m.delete('a');
      expect([f.m.length, f.m.has('a')]).toEqual([2, false]);
      f.m.set('', 5);
      f.m.set('日本', 6);
      yield* go.gc();
      expect([f.m.get(''), f.m.get('日本'), f.m.get('b')]).toEqual([5, 6, 2]);
    });
  });

  test('have integers of every width as keys, which wrap as when they are stored', () => {
    run(function* main(go) {
      const f = go.locals({ a: map(i8, i32), b: map(u16, i32), c: map(u32, i32), d: map(i64, i32), e: map(u64, i32) });
      f.a = go.make(map(i8, i32));
      f.b = go.make(map(u16, i32));
      f.c = go.make(map(u32, i32));
      f.d = go.make(map(i64, i32));
      f.e = go.make(map(u64, i32));
      f.a.set(-1, 1);
      f.b.set(65535, 2);
      f.c.set(2 ** 32 - 1, 3);
      f.d.set(-1n, 4);
      f.d.set(2n ** 32n - 1n, 5);
      f.e.set(2n ** 64n - 1n, 6);
      expect([f.a.get(255), f.b.get(-1), f.c.get(-1), f.d.get(-1n), f.d.get(2n ** 32n - 1n), f.e.get(-1n)]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([[...f.a], [...f.c], [...f.e]]).toEqual([[[-1, 1]], [[2 ** 32 - 1, 3]], [[2n ** 64n - 1n, 6]]]);
      for (const wrong of [1.5, NaN, '1', null])
        expect(() => f.a.set(wrong as never, 1)).toThrow('a map with keys of type int8 takes an integer');
      expect(() => f.d.set(1 as never, 1)).toThrow('a map with keys of type int64 takes a bigint, got number');
    });
  });

  test('hold values of every kind; a struct is copied in and out', () => {
    const Pair = struct('maps.Pair', { n: i32, node: ptr(Node), label: host<string>() });
    const All = struct('maps.All', {
      nodes: map(i32, ptr(Node)),
      slices: map(i32, slice(i32)),
      pairs: map(i32, Pair),
      maps: map(i32, map(string, i32)),
      rows: map(i32, array(i32, 2)),
      mine: map(string, self),
    });
    run(function* main(go) {
      const f = go.locals({ all: All, p: Pair });
      f.all = go.new(All);
      f.all.nodes = go.make(map(i32, ptr(Node)));
      f.all.slices = go.make(map(i32, slice(i32)));
      f.all.pairs = go.make(map(i32, Pair));
      f.all.maps = go.make(map(i32, map(string, i32)));
      f.all.rows = go.make(map(i32, array(i32, 2)));
      f.all.mine = go.make(map(string, ptr(All)));
      f.p = go.new(Pair);
      f.p.node = go.new(Node);
      f.p.node.id = 3;
      f.p.label = 'first';
      for (let i = 0; i < 40; i++) {
        f.p.n = i;
        f.all.pairs.set(i, f.p);
        f.all.nodes.set(i, go.new(Node));
        f.all.slices.set(i, append(f.all.slices.get(i), i, i));
        f.all.maps.set(i, go.make(map(string, i32)));
        f.all.maps.get(i).set('x', i);
      }
      f.all.mine.set('me', f.all);
      const pair = f.all.pairs.get(7);
      pair.n = 1000;
      expect([f.all.pairs.get(7).n, f.all.pairs.get(7).node?.id, f.all.pairs.get(8).label, f.all.pairs.get(99).n]).toEqual([
        7,
        3,
        'first',
        0,
      ]);
      expect(f.all.rows.get(5).toArray()).toEqual([0, 0]);
      yield* go.gc();
      expect([f.all.slices.get(9).toArray(), f.all.maps.get(11).get('x'), f.all.nodes.get(39)?.id]).toEqual([[9, 9], 11, 0]);
      expect(f.all.mine.get('me')?.is(f.all)).toBe(true);
    });
  });

  test('let go of what they held when they are deleted', () => {
    run(function* main(go) {
      const f = go.locals({ m: map(string, ptr(Node)), h: map(i32, host<object>()) });
      const { hostValues } = go.runtime.machine.heap;
      f.m = go.make(map(string, ptr(Node)));
      f.h = go.make(map(i32, host<object>()));
      f.m.set('a', go.new(Node));
      const node = f.m.get('a')!;
      for (let i = 0; i < 100; i++) f.h.set(i, { i });
      f.m.delete('a');
      for (let i = 0; i < 100; i++) f.h.delete(i);
      expect(f.h.get(3)).toBe(undefined);
      yield* go.gc();
      expect(() => node.id).toThrow(/stale reference/);
      f.h = go.zero(map(i32, host<object>()));
      yield* go.gc();
      expect(hostValues.length).toBe(0);
    });
  });

  test('of a wrong type change nothing', () => {
    run(function* main(go) {
      const f = go.locals({ m: map(string, ptr(Node)) });
      f.m = go.make(map(string, ptr(Node)));
      f.m.set('a', null);
      for (const wrong of [5, undefined, go.new(struct('maps.Other', { x: i32 }))]) {
        expect(() => f.m.set('new', wrong as never)).toThrow('a value of type *maps.Node takes such a pointer or null');
        expect(() => f.m.set('a', wrong as never)).toThrow(TypeError);
      }
      expect([f.m.length, f.m.has('new'), f.m.get2('a')]).toEqual([1, false, [null, true]]);
    });
  });
});

describe('iteration', () => {
  const fill = map(i32, i32);

  test('an iterator that is left alone keeps its map until the function ends that began it: a goroutine’s, or that of go.call', () => {
    run(function* main(go) {
      let it: Iterator<[number, number], void, void>;
      let addr = 0;
      const { heap } = go.runtime.machine;
      const exists = () => {
        heap.writeBack();
        return heap.isObject(addr);
      };
      function* leaves(go: Go): Generator<void, void, void> {
        const m = go.make(fill);
        addr = m.addr;
        for (let i = 0; i < 20; i++) m.set(i, i);
        it = m[Symbol.iterator]();
        it.next();
        for (const _ of m) break; // this one is over
        yield* go.gc();
        expect(exists()).toBe(true);
        expect(it.next().done).toBe(false);
      }
      go.go(leaves);
      yield* go.sleep(1e6);
      for (let way = 0; way < 2; way++) {
        yield* go.gc();
        expect(exists()).toBe(false);
        expect(() => it.next()).toThrow(new TypeError('an iterator of a map was used after the function that began it had ended'));
        if (way === 0) yield* go.call(leaves);
      }
    });
  });

  test('gives each entry once, in an order of its own each time that the seed repeats', () => {
    const orders = (seed: number) => {
      const seen: string[] = [];
      run(
        function* main(go) {
          const f = go.locals({ m: fill });
          f.m = go.make(fill);
          for (let i = 0; i < 50; i++) f.m.set(i, i * i);
          for (let round = 0; round < 5; round++) {
            const entries = [...f.m];
            expect(entries.map(([k]) => k).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
            expect(entries.every(([k, v]) => v === k * k)).toBe(true);
            seen.push(entries.map(([k]) => k).join());
          }
        },
        { seed },
      );
      return seen;
    };
    const first = orders(1);
    expect(new Set(first).size).toBeGreaterThan(2);
    expect(orders(1)).toEqual(first);
    expect(orders(2)).not.toEqual(first);
  });

  test('goes on while the map changes: deleted ones do not come, old ones come once', () => {
    run(function* main(go) {
      const f = go.locals({ m: fill });
      for (let round = 0; round < 10; round++) {
        f.m = go.make(fill);
        for (let i = 0; i < 30; i++) f.m.set(i, i);
        const seen: number[] = [];
        for (const [k, v] of f.m) {
          seen.push(k);
          if (k < 30) expect(v).toBe(k === 29 && seen.length > 3 ? -29 : k);
          if (seen.length === 3) {
            for (let i = 100; i < 300; i++) f.m.set(i, i); // grows
            for (let i = 0; i < 29; i += 2) f.m.delete(i);
            f.m.set(29, -29);
            yield* go.gc();
          }
        }
        const old = seen.slice(3).filter((k) => k < 30);
        expect(old.every((k) => k % 2 === 1)).toBe(true);
        expect(new Set(seen).size).toBe(seen.length);
        expect(new Set(seen.filter((k) => k % 2 === 1 && k < 30)).size).toBe(15);
      }
    });
  });

  test('keeps the map while it runs, and not after it was left', () => {
    run(
      function* main(go) {
        const f = go.locals({ m: map(string, i32) });
        f.m = go.make(map(string, i32));
        for (let i = 0; i < 20; i++) f.m.set(`key ${i} ${'x'.repeat(20)}`, i);
        const { m } = f;
        let n = 0;
        for (const [k, v] of f.m) {
          f.m = go.zero(map(string, i32));
          yield* go.gc();
          expect(k.toString().startsWith(`key ${v} `)).toBe(true);
          if (++n === 10) break;
        }
        yield* go.gc();
        expect(() => m.get('x')).toThrow(/stale reference/);
      },
      { godebug: 'clobberfree=1' },
    );
  });
});

test('a map that shrinks and fills again does not grow for ever', () => {
  run(function* main(go) {
    const f = go.locals({ m: map(i32, i32) });
    f.m = go.make(map(i32, i32), 100);
    for (let i = 0; i < 20_000; i++) {
      f.m.set(i, i);
      if (i >= 50) f.m.delete(i - 50);
    }
    expect(f.m.length).toBe(50);
    yield* go.gc();
    expect(go.readMemStats().heapAlloc).toBeLessThan(64 * 1024);
  });
});
