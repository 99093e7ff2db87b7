// Numbers of all widths, structs and arrays by value: where they lie, what they hold, and that they are copied.
import { describe, expect, test } from 'vitest';
import { array, bool, f64, i8, i16, i32, i64, ptr, self, struct, u8, u16, u32, u64 } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

describe('numbers', () => {
  const All = struct('numbers.All', { a: i8, b: u8, c: i16, d: u16, e: i32, f: u32, g: i64, h: u64, x: f64, y: bool });

  test('lie as Go lays them out, aligned to their size', () => {
    expect(All.offsetOf).toEqual({ a: 0, b: 1, c: 2, d: 4, e: 8, f: 12, g: 16, h: 24, x: 32, y: 40 });
    expect([All.bytes, All.align, All.ptrWords]).toEqual([48, 8, []]);
    expect(struct('numbers.Bytes', { a: u8, b: u8 }).bytes).toBe(4);
  });

  const widths: [key: 'a' | 'b' | 'c' | 'd' | 'e' | 'f', bits: number, signed: boolean][] = [
    ['a', 8, true],
    ['b', 8, false],
    ['c', 16, true],
    ['d', 16, false],
    ['e', 32, true],
    ['f', 32, false],
  ];
  for (const [key, bits, signed] of widths) {
    test(`${signed ? 'signed' : 'unsigned'} ones of ${bits} bits wrap and leave their neighbours alone`, () => {
      run(function* main(go) {
        const f = go.locals({ n: All });
        f.n = go.new(All);
        const { n } = f;
        const others = widths.map(([other]) => other).filter((other) => other !== key);
        for (const other of others) n[other] = 7;
        for (const v of [0, 1, -1, 127, 128, 255, 256, 32767, 65535, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1]) {
          n[key] = v;
          expect(n[key], `${v}`).toBe(Number(signed ? BigInt.asIntN(bits, BigInt(v)) : BigInt.asUintN(bits, BigInt(v))));
          for (const other of others) expect(n[other]).toBe(7);
        }
      });
    });
  }

  test('of 64 bits are bigints and wrap', () => {
    run(function* main(go) {
      const f = go.locals({ n: All });
      f.n = go.new(All);
      const { n } = f;
      for (const v of [0n, 1n, -1n, 2n ** 31n, 2n ** 32n + 5n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]) {
        n.g = v;
        n.h = v;
        expect([n.g, n.h]).toEqual([BigInt.asIntN(64, v), BigInt.asUintN(64, v)]);
      }
    });
  });

  test('take nothing else, and keep what they held', () => {
    run(function* main(go) {
      const f = go.locals({ n: All });
      f.n = go.new(All);
      const n = f.n as unknown as Record<string, unknown>;
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'x']) {
        n[key] = 3;
        for (const wrong of ['3', true, null, undefined, 3n, {}])
          expect(
            () => {
              n[key] = wrong;
            },
            `${key} = ${String(wrong)}`,
          ).toThrow(/takes a number, got/);
        expect(n[key]).toBe(3);
      }
      expect(() => {
        n.g = 3;
      }).toThrow('a value of type int64 takes a bigint, got number');
      expect(() => {
        n.y = 1;
      }).toThrow("struct numbers.All: field 'y' takes a truth value, got number");
    });
  });
});

describe('a struct in a struct', () => {
  const Point = struct('nested.Point', { x: i32, y: f64, tag: self });
  const Line = struct('nested.Line', { id: u8, from: Point, to: Point, next: self });

  test('lies inside, its pointers are the whole struct’s', () => {
    expect(Line.offsetOf).toEqual({ id: 0, from: 8, to: 32, next: 56 });
    expect([Point.bytes, Line.bytes, Line.ptrWords]).toEqual([24, 64, [6, 12, 14]]);
  });

  test('reads as a reference to its place, and is copied when it is assigned', () => {
    run(function* main(go) {
      const f = go.locals({ line: Line, p: Point });
      f.line = go.new(Line);
      f.p = go.new(Point);
      f.p.x = 1;
      f.p.y = 2.5;
      f.p.tag = f.p;
      f.line.from = f.p;
      f.p.x = 9;
      f.line.to.x = 4;
      expect([f.line.from.x, f.line.from.y, f.line.to.x]).toEqual([1, 2.5, 4]);
      expect(f.line.from.tag?.is(f.p)).toBe(true);
      expect(f.line.from.addr).toBe(f.line.addr + 8);
      f.line.to = f.line.from;
      expect([f.line.to.x, f.line.to.tag?.x]).toEqual([1, 9]);
    });
  });

  test('keeps the whole object alive by a reference to its inside, and what the inside points to', () => {
    run(function* main(go) {
      const f = go.locals({ line: Line, p: Point, inside: Point });
      f.line = go.new(Line);
      f.line.to.tag = go.new(Point);
      f.line.to.tag.x = 5;
      f.line.next = go.new(Line);
      f.line.next.id = 200;
      f.inside = f.line.to;
      const line = f.line;
      f.line = null;
      yield* go.gc();
      yield* go.gc();
      expect(f.inside.tag?.x).toBe(5);
      expect(line.next?.id).toBe(200); // checked mode would say if it were gone
      const { inside } = f;
      f.inside = null;
      yield* go.gc();
      expect(() => inside.x).toThrow(/stale reference/);
    });
  });
});

describe('arrays', () => {
  const Cell = struct('arrays.Cell', { v: i32, next: self });
  const Board = struct('arrays.Board', {
    size: u8,
    row: array(u8, 5),
    cells: array(ptr(Cell), 3),
    grid: array(array(i16, 2), 2),
    by: array(self, 2),
  });

  test('lie inside their struct, with the pointers of their elements', () => {
    expect(Board.offsetOf).toEqual({ size: 0, row: 1, cells: 8, grid: 20, by: 28 });
    expect([Board.bytes, Board.ptrWords]).toEqual([36, [2, 3, 4, 7, 8]]);
  });

  test('hold elements, and panic out of range in Go’s words', () => {
    run(function* main(go) {
      const f = go.locals({ b: Board });
      f.b = go.new(Board);
      const { row, grid } = f.b;
      for (let i = 0; i < 5; i++) row.set(i, 250 + i * 2);
      expect([row.toArray(), [...row], row.length]).toEqual([[250, 252, 254, 0, 2], [250, 252, 254, 0, 2], 5]);
      grid.get(1).set(0, -7);
      expect(grid.toArray().map((g) => g.toArray())).toEqual([
        [0, 0],
        [-7, 0],
      ]);
      expect(f.b.size).toBe(0);
      expect(() => row.get(5)).toThrow('runtime error: index out of range [5] with length 5');
      expect(() => row.set(-1, 0)).toThrow('runtime error: index out of range [-1]');
      for (const wrong of [1.5, NaN, '1' as never, undefined as never]) expect(() => row.get(wrong)).toThrow(TypeError);
      f.b.by.set(1, f.b);
      expect(f.b.by.get(1)?.is(f.b)).toBe(true);
    });
  });

  test('are copied when they are assigned, on the heap as well', () => {
    run(function* main(go) {
      const Three = array(ptr(Cell), 3);
      const f = go.locals({ b: Board, three: Three });
      expect(f.three).toBe(null);
      f.b = go.new(Board);
      f.three = go.new(Three);
      f.three.set(1, go.new(Cell));
      f.three.get(1)!.v = 8;
      f.b.cells = f.three;
      f.three.set(1, null);
      yield* go.gc();
      expect(f.b.cells.get(1)?.v).toBe(8);
      expect(f.three.get(1)).toBe(null);
      const other = go.new(array(ptr(Cell), 2)) as never;
      const { b } = f;
      expect(() => {
        b.cells = other;
      }).toThrow('a value of type [3]*arrays.Cell takes such an array, got a ArrayRef');
      expect(() => {
        f.three = other;
      }).toThrow('a value of type *[3]*arrays.Cell takes such a pointer or null');
    });
  });

  test('of no elements take no room; at a struct’s end they take some, so that no pointer leads behind the object', () => {
    const None = array(i32, 0);
    expect(struct('arrays.First', { none: None, a: i32 }).bytes).toBe(4);
    expect(struct('arrays.Last', { a: i32, none: None }).bytes).toBe(8);
    run(function* main(go) {
      const f = go.locals({ a: None, b: None });
      f.a = go.new(None);
      f.b = go.new(None);
      expect([f.a.length, f.a.is(f.b)]).toEqual([0, true]);
      yield* go.gc();
      expect(() => f.a!.get(0)).toThrow('index out of range [0] with length 0');
    });
  });
});
