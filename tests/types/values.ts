// Never run, only compiled: what the types of slices, arrays, strings, maps and pointers must refuse. See fields.ts.
import {
  type ArrayRef,
  addrOf,
  append,
  array,
  copy,
  type GoFunc,
  type GoMap,
  type GoString,
  host,
  i32,
  i64,
  map,
  type Ptr,
  ptr,
  type Ref,
  type Slice,
  self,
  slice,
  string,
  struct,
  u8,
} from 'gorena';

const Point = struct('types.Point', { x: i32, y: u8 });
const All = struct('types.All', {
  big: i64,
  at: Point,
  row: array(i32, 3),
  xs: slice(i32),
  all: slice(self),
  points: slice(Point),
  name: string,
  ages: map(string, i32),
  kin: map(i32, self),
  link: ptr(i32),
  run: host<() => number>(),
});

export const values: GoFunc<[]> = function* main(go) {
  const f = go.locals({ a: All, xs: slice(i32), s: string, m: map(string, i32), p: ptr(i32), row: array(i32, 3), ns: slice(ptr(All)) });
  f.a = go.new(All);

  // What is right must stay right.
  const big: bigint = f.a.big;
  const x: number = f.a.at.x + f.a.row.get(1) + f.a.xs.get(0) + (f.a.points.get(0).y as number);
  const kin: Ref<typeof All> | null = f.a.all.get(0);
  const other: Ref<typeof All> | null = f.a.kin.get(3);
  const name: GoString = f.a.name;
  const run: (() => number) | undefined = f.a.run;
  const link: Ptr<number> | null = f.a.link;
  f.xs = append(f.xs, 1, 2);
  f.xs = f.xs.slice(1);
  f.a.xs = f.xs;
  f.a.at = f.a.points.get(1);
  f.row = go.new(array(i32, 3));
  f.a.row = f.row;
  f.m = go.make(map(string, i32), 10);
  f.m.set('x', 1);
  f.m.set(f.s, 2);
  f.s = go.string('text').slice(1);
  f.p = addrOf(f.a, 'link').value;
  f.p = addrOf(f.xs, 1);
  f.ns = append(f.ns, f.a, null);
  const place: Ref<typeof Point> = addrOf(f.a, 'at');
  const inside: Ref<typeof Point> = addrOf(f.a.points, 2);
  const row: ArrayRef<number> = addrOf(f.a, 'row');
  const pointer: Ptr<Slice<number>> = addrOf(f.a, 'xs');
  const entries: [GoString, number][] = [...f.m];
  const made: Slice<number> = go.make(slice(i32), 2, 4);
  const ages: GoMap<GoString, number> = f.a.ages;

  // @ts-expect-error a 64-bit field takes a bigint
  f.a.big = 5;
  // @ts-expect-error a number field takes no bigint
  f.a.at.x = 5n;
  // @ts-expect-error an element of another type
  f.xs = append(f.xs, 'one');
  // @ts-expect-error a slice of another element
  f.a.xs = f.ns;
  // @ts-expect-error a local of another element
  f.ns = f.xs;
  // @ts-expect-error a slice is not null when it is nil
  f.a.xs = null;
  // @ts-expect-error no element is set by assignment
  f.xs[0] = 1;
  // @ts-expect-error the length is not to be changed
  f.xs.length = 0;
  // @ts-expect-error slices of different elements
  copy(f.xs, f.ns);
  // @ts-expect-error an element that may be nil must be looked at first
  f.ns.get(0).big;
  // @ts-expect-error a string of JavaScript is none of the heap
  f.a.name = 'name';
  // @ts-expect-error nor is it as a local
  f.s = 'name';
  // @ts-expect-error a string of the heap is none of JavaScript
  const text: string = f.a.name;
  // @ts-expect-error a key of another type
  f.m.set(1, 1);
  // @ts-expect-error a value of another type
  f.m.set('x', '1');
  // @ts-expect-error a map with other keys
  f.m = f.a.kin;
  // @ts-expect-error a pointer to another type
  f.p = addrOf(f.a, 'name');
  // @ts-expect-error no such field
  addrOf(f.a, 'nowhere');
  // @ts-expect-error a pointer may be nil
  f.p.value;
  // @ts-expect-error a pointer to a number points to a number
  addrOf(f.xs, 0).value = 'x';
  // @ts-expect-error a struct by value is never nil
  f.a.at = null;
  // @ts-expect-error another struct
  f.a.at = f.a;
  // @ts-expect-error a host value of another type
  f.a.run = 5;
  // @ts-expect-error a number is no local: it has no pointer
  go.locals({ n: i32 });
  // @ts-expect-error only slices and maps are made
  go.make(string, 3);
  // @ts-expect-error a slice needs a length
  go.make(slice(i32));
  // @ts-expect-error an element type, not a value
  slice(5);
  // @ts-expect-error an array needs a length
  array(i32);

  const ch = go.chan(slice(i32), 1);
  yield* ch.send(f.xs);
  f.xs = yield* ch.recv();
  // @ts-expect-error a channel of slices of numbers
  yield* ch.send(f.ns);
  // @ts-expect-error what it gives is a slice
  f.s = yield* ch.recv();

  void [big, x, kin, other, name, run, link, place, inside, row, pointer, entries, made, ages, text];
};
