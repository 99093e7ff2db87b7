// Slices: Go's rules for growing, sharing, copying and bounds, and what the collector keeps for their sake.
import { describe, expect, test } from 'vitest';
import { append, appendSlice, array, copy, f64, func, i32, i64, ptr, Slice, self, slice, struct, u8 } from '../../../runtime/index.ts';
import { grownCap } from '../../../runtime/slice.ts';
import { run } from '../../support/run.ts';

const Node = struct('slices.Node', { id: i32, next: self });
const Ints = slice(i32);
const Nodes = slice(ptr(Node));

describe('the type', () => {
  test('is one for each element type', () => {
    expect(slice(i32)).toBe(slice(i32));
    expect(slice(ptr(Node))).toBe(Nodes);
    expect([Ints.name, Nodes.name, slice(Node).name, slice(slice(array(u8, 3))).name]).toEqual([
      '[]int32',
      '[]*slices.Node',
      '[]slices.Node',
      '[][][3]uint8',
    ]);
    expect([Ints.bytes, Ints.ptrWords]).toEqual([12, [0]]);
  });

  test('of something that is no type is refused', () => {
    for (const wrong of [undefined, null, 5, 'i32', {}]) expect(() => slice(wrong as never)).toThrow(/^slice: wanted a type such as i32/);
  });
});

describe('make', () => {
  test('gives zeroed elements', () => {
    run(function* main(go) {
      const f = go.locals({ xs: Ints });
      f.xs = go.make(Ints, 3, 5);
      expect([f.xs.toArray(), f.xs.length, f.xs.capacity, f.xs.isNil]).toEqual([[0, 0, 0], 3, 5, false]);
      f.xs = go.make(Ints, 0);
      expect([f.xs.length, f.xs.capacity, f.xs.isNil]).toEqual([0, 0, false]);
      yield* go.gc();
    });
  });

  test('panics in Go’s words', () => {
    run(function* main(go) {
      const cases: [len: number, cap: number | undefined, words: string][] = [
        [-1, undefined, 'runtime error: makeslice: len out of range'],
        [2 ** 40, undefined, 'runtime error: makeslice: len out of range'],
        [0, -1, 'runtime error: makeslice: cap out of range'],
        [5, 4, 'runtime error: makeslice: cap out of range'],
        [0, 2 ** 30, 'runtime error: makeslice: cap out of range'],
      ];
      for (const [len, cap, words] of cases) expect(() => go.make(Ints, len, cap), `${len} ${cap}`).toThrow(words);
    });
  });
});

describe('a local or field', () => {
  const Holder = struct('slices.Holder', { xs: Ints, all: slice(self), more: slice(Ints) });

  test('is a nil slice at first, which append makes one of', () => {
    run(function* main(go) {
      const f = go.locals({ xs: Ints, h: Holder });
      f.h = go.new(Holder);
      expect([f.xs.isNil, f.xs.length, f.xs.capacity, f.h.xs.isNil, f.h.all.toArray()]).toEqual([true, 0, 0, true, []]);
      f.h.xs = append(f.xs, 1, 2);
      f.h.all = append(f.h.all, f.h, null);
      f.h.more = append(f.h.more, f.h.xs, go.make(Ints, 2));
      yield* go.gc();
      expect(f.h.xs.toArray()).toEqual([1, 2]);
      expect(f.h.all.get(0)?.is(f.h)).toBe(true);
      expect(f.h.all.get(1)).toBe(null);
      expect(f.h.more.toArray().map((xs) => xs.toArray())).toEqual([
        [1, 2],
        [0, 0],
      ]);
      f.xs = go.zero(Ints);
      expect(f.xs.isNil).toBe(true);
    });
  });

  test('takes only slices of its type', () => {
    run(function* main(go) {
      const f = go.locals({ xs: Ints, h: Holder });
      f.h = go.new(Holder);
      f.xs = append(f.xs, 5);
      const { h } = f;
      for (const wrong of [null, undefined, 5, [1], go.make(Nodes, 1), h]) {
        expect(() => {
          f.xs = wrong as never;
        }).toThrow('a value of type []int32 takes such a slice, got');
        expect(() => {
          h.xs = wrong as never;
        }).toThrow('a value of type []int32 takes such a slice, got');
      }
      expect([f.xs.toArray(), h.xs.isNil]).toEqual([[5], true]);
      expect(() => append(f.xs, 'x' as never)).toThrow('a value of type int32 takes a number, got string');
      expect(() => copy(f.xs, go.make(slice(f64), 1))).toThrow('copy to a []int32 takes such a slice');
    });
  });

  test('of a function is nil at each call, also a recursive one, whatever the frame held before', () => {
    const build = func('slices.build', { xs: Ints, ys: Nodes }, (f, depth: number): number => {
      expect([f.xs.isNil, f.ys.isNil]).toEqual([true, true]);
      f.xs = append(f.xs, depth, depth);
      f.ys = append(f.ys, f.new(Node));
      const below: number = depth === 0 ? 0 : again(f, depth - 1);
      return below + f.xs.get(0) + f.ys.length;
    });
    const again = build as (caller: Parameters<typeof build>[0], depth: number) => number;
    run(function* main(go) {
      for (let i = 0; i < 3; i++) expect(build(go, 4)).toBe(4 + 3 + 2 + 1 + 5);
      yield* go.gosched();
    });
  });
});

describe('append', () => {
  test('grows as Go 1.19 does', () => {
    // Printed by Go 1.19 for GOARCH=386: cap(s) after each growth while one element at a time is appended, by element size.
    const oneByOne: [elemBytes: number, caps: number[]][] = [
      [1, [8, 16, 32, 64, 128, 256, 512, 896, 1408, 2048, 3072]],
      [4, [2, 4, 8, 16, 32, 64, 128, 256, 512, 864, 1344, 2048, 3072]],
      [8, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 848, 1280, 1792, 2560, 3408]],
      [12, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 853, 1365, 2048, 3413]],
      [20, [1, 2, 4, 8, 16, 32, 64, 134, 268, 544, 921, 1363, 2048, 2867, 4096]],
    ];
    for (const [bytes, want] of oneByOne) {
      const caps: number[] = [];
      for (let cap = 0; cap < 3000; caps.push(cap)) cap = grownCap(cap, cap + 1, bytes);
      expect(caps, `${bytes} bytes`).toEqual(want);
    }
    // The same for several at once: [old length and capacity, new length], capacity for elements of 1, 4 and 12 bytes.
    const atOnce: [old: number, wanted: number, caps: number[]][] = [
      [5, 20, [24, 20, 20]],
      [3, 6, [8, 6, 6]],
      [3, 7, [8, 8, 8]],
      [0, 5, [8, 6, 5]],
      [100, 150, [208, 224, 224]],
      [300, 301, [576, 576, 576]],
      [300, 700, [704, 768, 789]],
      [1000, 1001, [1536, 1536, 1536]],
    ];
    for (const [old, wanted, caps] of atOnce)
      expect(
        [1, 4, 12].map((bytes) => grownCap(old, wanted, bytes)),
        `${old}`,
      ).toEqual(caps);
  });

  test('writes into the array while there is room, so that others who share it see it', () => {
    run(function* main(go) {
      const f = go.locals({ a: Ints, b: Ints, c: Ints });
      f.a = go.make(Ints, 2, 4);
      f.b = append(f.a, 7);
      f.c = append(f.a, 8);
      expect([f.a.toArray(), f.b.toArray(), f.c.toArray()]).toEqual([
        [0, 0],
        [0, 0, 8],
        [0, 0, 8],
      ]);
      f.c = append(f.c, 1, 2, 3);
      f.c.set(0, 99);
      expect([f.a.get(0), f.c.toArray()]).toEqual([0, [99, 0, 8, 1, 2, 3]]);
    });
  });

  test('of another slice, itself as well', () => {
    run(function* main(go) {
      const f = go.locals({ a: Nodes, b: Nodes });
      for (let i = 0; i < 5; i++) {
        f.a = append(f.a, go.new(Node));
        f.a.get(i)!.id = i;
      }
      f.b = appendSlice(f.a.slice(0, 3, 3), f.a.slice(1));
      expect(f.b.toArray().map((n) => n!.id)).toEqual([0, 1, 2, 1, 2, 3, 4]);
      f.b = appendSlice(f.b, f.b);
      expect(f.b.length).toBe(14);
      yield* go.gc();
      expect(f.b.get(13)!.is(f.a.get(4))).toBe(true);
    });
  });

  test('of more values than a frame has slots', () => {
    run(function* main(go) {
      const f = go.locals({ a: Nodes, n: Node });
      f.n = go.new(Node);
      f.n.id = 4;
      f.a = append(f.a, ...Array.from({ length: 3000 }, () => f.n));
      expect(f.a.toArray().every((n) => n!.id === 4)).toBe(true);
    });
  });

  test('keeps operands that nobody else holds, wherever the collector runs', () => {
    const build = func('slices.temps', { all: Nodes }, (f, n: number) => {
      for (let i = 0; i < n; i++) {
        const fresh = f.new(Node);
        fresh.id = i;
        f.all = append(f.all, fresh); // fresh is in no local
      }
      return f.all;
    });
    run(
      function* main(go) {
        const f = go.locals({ all: Nodes, one: Nodes });
        f.all = build(go, 40);
        f.one = append(f.one, null);
        let { all } = f;
        f.all = go.zero(Nodes); // now it is in no local either
        f.all = append(all.slice(0, 40, 40), null).slice(0, 40);
        ({ all } = f);
        f.all = go.zero(Nodes);
        f.all = appendSlice(all.slice(0, 40, 40), f.one).slice(0, 40);
        expect(f.all.toArray().map((n) => n!.id)).toEqual(Array.from({ length: 40 }, (_, i) => i));
      },
      { godebug: 'gceverymalloc=1,clobberfree=1' },
    );
  });
});

describe('s[low:high:max]', () => {
  test('shares the array; a part without capacity does not lead behind it', () => {
    run(function* main(go) {
      const f = go.locals({ a: Ints, b: Ints });
      f.a = go.make(Ints, 4, 8);
      f.b = f.a.slice(1, 3);
      f.b.set(0, 5);
      expect([f.a.toArray(), f.b.length, f.b.capacity, f.b.addr - f.a.addr]).toEqual([[0, 5, 0, 0], 2, 7, 4]);
      f.b = f.a.slice(2, 6);
      expect(f.b.length).toBe(4);
      f.b = f.a.slice(1, 2, 3);
      expect([f.b.length, f.b.capacity]).toEqual([1, 2]);
      f.b = f.a.slice(8, 8);
      expect([f.b.length, f.b.capacity, f.b.addr]).toEqual([0, 0, f.a.addr]);
    });
  });

  test('panics in Go’s words and order', () => {
    run(function* main(go) {
      const f = go.locals({ s: Ints, a: array(i32, 3) });
      f.s = go.make(Ints, 3, 5);
      f.a = go.new(array(i32, 3));
      const cases: [() => unknown, string][] = [
        [() => f.s.get(3), 'index out of range [3] with length 3'],
        [() => f.s.set(-2, 0), 'index out of range [-2]'],
        [() => f.s.slice(0, 6), 'slice bounds out of range [:6] with capacity 5'],
        [() => f.s.slice(4, 2), 'slice bounds out of range [4:2]'],
        [() => f.s.slice(4), 'slice bounds out of range [4:3]'],
        [() => f.s.slice(-1), 'slice bounds out of range [-1:]'],
        [() => f.s.slice(0, -1), 'slice bounds out of range [:-1]'],
        [() => f.s.slice(0, 1, 6), 'slice bounds out of range [::6] with capacity 5'],
        [() => f.s.slice(0, 1, -6), 'slice bounds out of range [::-6]'],
        [() => f.s.slice(0, 3, 2), 'slice bounds out of range [:3:2]'],
        [() => f.s.slice(3, 2, 4), 'slice bounds out of range [3:2:]'],
        [() => f.a!.slice(0, 4), 'slice bounds out of range [:4] with length 3'],
        [() => f.a!.slice(0, 1, 4), 'slice bounds out of range [::4] with length 3'],
      ];
      for (const [wrong, words] of cases) expect(wrong).toThrow(new RegExp(`^runtime error: ${words.replace(/[[\]]/g, '\\$&')}$`));
    });
  });

  test('of an array leads into it, and keeps the object that it is in', () => {
    const Big = struct('slices.Big', { id: i32, row: array(i64, 4), next: self });
    run(function* main(go) {
      const f = go.locals({ s: slice(i64), b: Big });
      f.b = go.new(Big);
      f.b.next = go.new(Big);
      f.b.next.id = 6;
      f.s = f.b.row.slice(2);
      const { b } = f;
      f.b = null;
      yield* go.gc();
      f.s.set(1, -5n);
      expect([b.row.toArray(), b.next?.id, f.s.capacity]).toEqual([[0n, 0n, 0n, -5n], 6, 2]);
    });
  });
});

describe('copy', () => {
  test('moves as many as both have, in one array in either direction', () => {
    for (const kind of [i32, i64] as const) {
      run(function* main(go) {
        const T = slice(kind as typeof i32);
        const f = go.locals({ a: T });
        const n = (v: number) => (kind === (i64 as unknown) ? BigInt(v) : v) as number;
        f.a = append(f.a, ...[0, 1, 2, 3, 4, 5].map(n));
        expect(copy(f.a.slice(2), f.a)).toBe(4);
        expect(f.a.toArray()).toEqual([0, 1, 0, 1, 2, 3].map(n));
        expect(copy(f.a, f.a.slice(3))).toBe(3);
        expect(f.a.toArray()).toEqual([1, 2, 3, 1, 2, 3].map(n));
      });
    }
    run(function* main(go) {
      const f = go.locals({ a: Nodes });
      f.a = go.make(Nodes, 4);
      for (let i = 0; i < 4; i++) f.a.set(i, go.new(Node));
      for (let i = 0; i < 4; i++) f.a.get(i)!.id = i;
      copy(f.a.slice(1), f.a);
      expect(f.a.toArray().map((x) => x!.id)).toEqual([0, 0, 1, 2]);
      copy(f.a, f.a.slice(2));
      expect(f.a.toArray().map((x) => x!.id)).toEqual([1, 2, 1, 2]);
    });
  });
});

describe('structs as elements', () => {
  test('lie in the array; reading one gives its place, storing copies', () => {
    const Point = struct('slices.Point', { x: i32, tag: self });
    run(function* main(go) {
      const f = go.locals({ ps: slice(Point), p: Point });
      f.ps = go.make(slice(Point), 3);
      f.ps.get(1).x = 5;
      f.ps.get(1).tag = go.new(Point);
      f.p = f.ps.get(1);
      f.ps.set(2, f.p);
      f.ps.get(1).x = 6;
      expect([f.ps.toArray().map((p) => p.x), f.p.x]).toEqual([[0, 6, 5], 6]);
      expect(f.ps.get(2).tag!.is(f.p.tag)).toBe(true);
      const { ps } = f;
      f.ps = go.zero(slice(Point));
      yield* go.gc();
      expect(ps.get(2).x).toBe(5); // f.p leads into the array
      f.p = null;
      yield* go.gc();
      expect(() => ps.get(2)).toThrow(/stale reference/);
    });
  });
});

test('a slice is an argument of a goroutine, and is rooted as one', () => {
  let sum = 0;
  run(
    function* main(go) {
      const f = go.locals({ xs: Ints });
      f.xs = append(f.xs, 1, 2, 3, 4);
      go.go(function* child(go, xs: Slice<number>) {
        yield* go.gc();
        for (const x of xs) sum += x;
      }, f.xs.slice(1));
      f.xs = go.zero(Ints);
      yield* go.sleep(1e9);
    },
    { godebug: 'clobberfree=1' },
  );
  expect(sum).toBe(9);
});

test('a slice is no root: checked mode says so', () => {
  run(function* main(go) {
    const lost = go.make(Ints, 100);
    expect(lost).toBeInstanceOf(Slice);
    yield* go.gc();
    for (const use of [() => lost.get(0), () => lost.slice(1), () => append(lost, 1), () => lost.toArray()])
      expect(use).toThrow(/stale reference/);
  });
});

test('two slices, one of an array of many pages, are marked precisely', () => {
  const { rt } = run(function* main(go) {
    const f = go.locals({ big: Nodes });
    f.big = go.make(Nodes, 20_000);
    for (let i = 0; i < 20_000; i += 1999) {
      f.big.set(i, go.new(Node));
      f.big.get(i)!.id = i;
    }
    yield* go.gc();
    for (let i = 0; i < 20_000; i += 1999) expect(f.big.get(i)!.id).toBe(i);
  });
  expect(rt.stats().numGC).toBeGreaterThan(0);
});
