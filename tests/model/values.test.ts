// Slices, strings and maps of the heap against JavaScript's arrays, strings and Maps: random programs, with collections at random
// points: at every allocation, or between any two operations as a random schedule decides. What is freed is overwritten, the
// heap is walked and marked a second time at each phase change, and every handle knows whether its object is there.
//
// SEED=n runs other programs.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  append,
  appendSlice,
  array,
  copy,
  type Field,
  type Go,
  type GoFunc,
  type GoMap,
  type GoString,
  host,
  i8,
  i32,
  map,
  type Options,
  ptr,
  RandomChooser,
  type Ref,
  type Slice,
  self,
  slice,
  string,
  struct,
  u8,
} from '../../runtime/index.ts';
import { grownCap } from '../../runtime/slice.ts';
import { run } from '../support/run.ts';

const seed = Number(process.env.SEED ?? 20140901);
/** So many times the programs of a plain run: RUNS=100 make test T=model/values. */
const times = Number(process.env.RUNS ?? 1);
vi.setConfig({ testTimeout: 30_000 * times });
/** Variables of a program. */
const vars = 4;

/** Runs a program with the collector at every allocation, or wherever a schedule puts it; returns the number of cycles. */
function play(main: GoFunc<[]>, schedule: number): number {
  const where: Options =
    schedule % 4 === 0 ? { godebug: 'gceverymalloc=1,clobberfree=1' } : { godebug: 'clobberfree=1', chooser: new RandomChooser(schedule) };
  const { rt, stats } = run(main, { ...where, oracle: false, memProfileRate: 64, seed: schedule });
  expect(rt.machine.heap.hostValues.length).toBeLessThan(2000);
  return stats.numGC;
}

// --- what elements are -----------------------------------------------------------------------------------------------------------

const Node = struct('model.Node', { id: i32, next: self });
const Pair = struct('model.Pair', { n: u8, node: ptr(Node), label: host<number>(), name: string, two: array(ptr(Node), 2) });
type Scratch = { p: Ref<typeof Pair> | null };

/** An element type: a value that stands for k (0: the zero value), and the k that a value stands for. */
interface Elem {
  readonly type: Field<unknown>;
  make(go: Go, k: number, scratch: Scratch): unknown;
  read(value: never): number;
}

function node(go: Go, k: number): Ref<typeof Node> {
  const n = go.new(Node);
  n.id = k;
  return n;
}

/** Fills the scratch pair so that each of its parts stands for k. */
function fill(go: Go, k: number, scratch: Scratch): Ref<typeof Pair> {
  const p = scratch.p!;
  p.n = k;
  p.node = node(go, k);
  p.label = k;
  p.name = go.string(`${k}`);
  p.two.set(1, node(go, k));
  return p;
}

/** The k of a pair; -1 when its parts disagree. */
function ofPair(p: Ref<typeof Pair>): number {
  const k = p.node?.id ?? 0;
  const parts = [p.n, p.label ?? 0, Number(p.name.toString()), p.two.get(1)?.id ?? 0];
  return parts.every((part, i) => part === (i === 0 ? k & 255 : k)) && p.two.get(0) === null ? k : -1;
}

const elems: Readonly<Record<string, Elem>> = {
  int32: { type: i32, make: (_, k) => k, read: (v: number) => v },
  int8: { type: i8, make: (_, k) => k % 100, read: (v: number) => v },
  pointers: { type: ptr(Node), make: (go, k) => (k === 0 ? null : node(go, k)), read: (v: { id: number } | null) => v?.id ?? 0 },
  strings: { type: string, make: (go, k) => go.string(k === 0 ? '' : `${k}`), read: (v: object) => Number(v.toString()) },
  'host values': { type: host<number>(), make: (_, k) => (k === 0 ? undefined : k), read: (v: number | undefined) => v ?? 0 },
  'structs by value': { type: Pair, make: fill, read: ofPair },
};

// --- slices ----------------------------------------------------------------------------------------------------------------------

type SliceOp =
  | { readonly op: 'append'; readonly to: number; readonly from: number; readonly values: readonly number[] }
  | { readonly op: 'join' | 'copy'; readonly to: number; readonly from: number }
  | { readonly op: 'set'; readonly to: number; readonly at: number; readonly value: number }
  | { readonly op: 'cut'; readonly to: number; readonly from: number; readonly low: number; readonly high: number; readonly max: number }
  | { readonly op: 'make'; readonly to: number; readonly len: number; readonly extra: number }
  | { readonly op: 'nil' | 'gc'; readonly to: number };

const v = fc.nat(vars - 1);
const k = fc.integer({ min: 1, max: 99 });
const sliceOp: fc.Arbitrary<SliceOp> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('append' as const), to: v, from: v, values: fc.array(k, { maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('join' as const, 'copy' as const), to: v, from: v }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('set' as const), to: v, at: fc.nat(), value: k }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('cut' as const), to: v, from: v, low: fc.nat(), high: fc.nat(), max: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('make' as const), to: v, len: fc.nat(6), extra: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('nil' as const, 'gc' as const), to: v }) },
);

/** Go's slice over an array of JavaScript. */
interface Model {
  readonly array: number[];
  readonly low: number;
  readonly len: number;
  readonly cap: number;
}
const nil: Model = { array: [], low: 0, len: 0, cap: 0 };
const valuesOf = (m: Model) => m.array.slice(m.low, m.low + m.len);

function appended(m: Model, values: readonly number[], bytes: number): Model {
  const len = m.len + values.length;
  if (len <= m.cap) {
    m.array.splice(m.low + m.len, values.length, ...values);
    return { ...m, len };
  }
  const cap = grownCap(m.cap, len, bytes);
  return { array: [...valuesOf(m), ...values, ...new Array<number>(cap - len).fill(0)], low: 0, len, cap };
}

function playSlices(elem: Elem, program: readonly SliceOp[], schedule: number): number {
  const Type = slice(elem.type);
  const Holder = struct('model.Holder', { vars: array(Type, vars) });
  const bytes = elem.type.bytes;
  return play(function* main(go) {
    const f = go.locals({ h: Holder, p: Pair, s: Type });
    f.h = go.new(Holder);
    f.p = go.new(Pair);
    const model: Model[] = new Array<Model>(vars).fill(nil);
    const get = (i: number) => f.h!.vars.get(i) as Slice<unknown>;
    const put = (i: number, s: Slice<unknown>, m: Model) => {
      f.h!.vars.set(i, s as never);
      model[i] = m;
    };
    for (const one of program) {
      switch (one.op) {
        case 'append': {
          f.s = get(one.from) as never;
          let m = model[one.from]!;
          for (const value of one.values) {
            f.s = append(f.s as Slice<unknown>, elem.make(go, value, f)) as never;
            m = appended(m, [value], bytes);
          }
          put(one.to, f.s as Slice<unknown>, m);
          break;
        }
        case 'join':
          put(one.to, appendSlice(get(one.to), get(one.from)), appended(model[one.to]!, valuesOf(model[one.from]!), bytes));
          break;
        case 'copy': {
          const [to, from] = [model[one.to]!, model[one.from]!];
          const n = Math.min(to.len, from.len);
          expect(copy(get(one.to), get(one.from))).toBe(n);
          to.array.splice(to.low, n, ...from.array.slice(from.low, from.low + n));
          break;
        }
        case 'set': {
          const m = model[one.to]!;
          if (m.len === 0) break;
          get(one.to).set(one.at % m.len, elem.make(go, one.value, f));
          m.array[m.low + (one.at % m.len)] = one.value;
          break;
        }
        case 'cut': {
          const m = model[one.from]!;
          const max = one.max % (m.cap + 1);
          const high = one.high % (max + 1);
          const low = one.low % (high + 1);
          put(one.to, get(one.from).slice(low, high, max), { array: m.array, low: m.low + low, len: high - low, cap: max - low });
          break;
        }
        case 'make': {
          const cap = one.len + one.extra;
          const array = new Array<number>(cap).fill(0);
          put(one.to, go.make(Type, one.len, cap) as Slice<unknown>, { array, low: 0, len: one.len, cap });
          break;
        }
        case 'nil':
          put(one.to, go.zero(Type) as Slice<unknown>, nil);
          break;
        case 'gc':
          yield* go.gc();
      }
      const s = get(one.to);
      expect([s.length, s.capacity], one.op).toEqual([model[one.to]!.len, model[one.to]!.cap]);
      for (let i = 0; i < vars; i++)
        expect(
          get(i)
            .toArray()
            .map((value) => elem.read(value as never)),
          `${one.op}, variable ${i}`,
        ).toEqual(valuesOf(model[i]!));
    }
  }, schedule);
}

describe('slices', () => {
  for (const [name, elem] of Object.entries(elems)) {
    test(`of ${name} hold what arrays would, wherever the collector runs`, () => {
      let cycles = 0;
      fc.assert(
        fc.property(fc.array(sliceOp, { minLength: 5, maxLength: 25 }), fc.nat(), (program, schedule) => {
          cycles += playSlices(elem, program, schedule);
        }),
        { seed, numRuns: 60 * times },
      );
      expect(cycles).toBeGreaterThan(30);
    });
  }
});

// --- strings ---------------------------------------------------------------------------------------------------------------------

type StringOp =
  | { readonly op: 'text'; readonly to: number; readonly text: string }
  | { readonly op: 'concat'; readonly to: number; readonly a: number; readonly b: number }
  | { readonly op: 'cut'; readonly to: number; readonly a: number; readonly low: number; readonly high: number };

const stringOp: fc.Arbitrary<StringOp> = fc.oneof(
  fc.record({ op: fc.constant('text' as const), to: v, text: fc.string({ unit: 'binary-ascii', maxLength: 30 }) }),
  fc.record({ op: fc.constant('concat' as const), to: v, a: v, b: v }),
  fc.record({ op: fc.constant('cut' as const), to: v, a: v, low: fc.nat(), high: fc.nat() }),
);

test('strings are cut, joined and compared as JavaScript’s are', () => {
  const Holder = struct('model.Strings', { vars: array(string, vars) });
  let cycles = 0;
  fc.assert(
    fc.property(fc.array(stringOp, { minLength: 5, maxLength: 30 }), fc.nat(), (program, schedule) => {
      cycles += play(function* main(go) {
        const f = go.locals({ h: Holder });
        f.h = go.new(Holder);
        const model = new Array<string>(vars).fill('');
        const get = (i: number): GoString => f.h!.vars.get(i);
        for (const one of program) {
          if (one.op === 'text') {
            f.h.vars.set(one.to, go.string(one.text));
            model[one.to] = one.text;
          } else if (one.op === 'concat') {
            if (model[one.a]!.length + model[one.b]!.length > 2000) continue;
            f.h.vars.set(one.to, get(one.a).concat(get(one.b)));
            model[one.to] = model[one.a]! + model[one.b]!;
          } else {
            const text = model[one.a]!;
            const high = one.high % (text.length + 1);
            const low = one.low % (high + 1);
            f.h.vars.set(one.to, get(one.a).slice(low, high));
            model[one.to] = text.slice(low, high);
          }
          for (let i = 0; i < vars; i++) {
            expect(get(i).toString()).toBe(model[i]);
            expect(Math.sign(get(i).compare(get(one.to)))).toBe(model[i]! < model[one.to]! ? -1 : model[i]! > model[one.to]! ? 1 : 0);
          }
        }
        yield* go.gosched();
      }, schedule);
    }),
    { seed, numRuns: 150 * times },
  );
  expect(cycles).toBeGreaterThan(100);
});

// --- maps ------------------------------------------------------------------------------------------------------------------------

type MapOp =
  | { readonly op: 'set'; readonly to: number; readonly key: number; readonly count: number; readonly value: number }
  | { readonly op: 'delete'; readonly to: number; readonly key: number; readonly count: number }
  | { readonly op: 'make' | 'share' | 'gc' | 'churn'; readonly to: number; readonly key: number };

const key = fc.nat(40);
const count = fc.integer({ min: 1, max: 12 });
const mapOp: fc.Arbitrary<MapOp> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('set' as const), to: v, key, count, value: k }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('delete' as const), to: v, key, count }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom('make' as const, 'share' as const, 'gc' as const, 'churn' as const), to: v, key }),
  },
);

function playMaps(keyType: typeof i32 | typeof string, elem: Elem, program: readonly MapOp[], schedule: number): number {
  const Type = map(keyType as Field<unknown>, elem.type);
  const Holder = struct('model.Maps', { vars: array(Type, vars) });
  const keyOf = (n: number): unknown => (keyType === string ? `key ${n}` : n * 1_000_003);
  const back = (given: unknown): number => (keyType === string ? Number(`${given}`.slice(4)) : (given as number) / 1_000_003);
  return play(function* main(go) {
    const f = go.locals({ h: Holder, p: Pair, m: Type });
    f.h = go.new(Holder);
    f.p = go.new(Pair);
    const model: Map<number, number>[] = Array.from({ length: vars }, () => new Map<number, number>());
    const get = (i: number) => f.h!.vars.get(i) as GoMap<unknown, unknown>;
    for (let i = 0; i < vars; i++) f.h.vars.set(i, go.make(Type) as never);
    for (const one of program) {
      const want = model[one.to]!;
      switch (one.op) {
        case 'set':
          for (let n = one.key; n < one.key + one.count; n++) {
            get(one.to).set(keyOf(n), elem.make(go, one.value, f));
            want.set(n, one.value);
          }
          break;
        case 'delete':
          for (let n = one.key; n < one.key + one.count; n++) {
            get(one.to).delete(keyOf(n));
            want.delete(n);
          }
          break;
        case 'make':
          f.h.vars.set(one.to, go.make(Type, one.key) as never);
          model[one.to] = new Map();
          break;
        case 'share':
          f.h.vars.set(one.to, get(one.key % vars) as never);
          model[one.to] = model[one.key % vars]!;
          break;
        case 'churn': {
          // What is iterated over changes: each entry that stays comes once, none that is gone comes.
          const seen = new Set<number>();
          for (const [given] of get(one.to)) {
            const n = back(given);
            expect(seen.has(n), `key ${n} came twice`).toBe(false);
            expect(model[one.to]!.has(n), `key ${n} came and is not there`).toBe(true);
            seen.add(n);
            get(one.to).delete(keyOf(n + 1));
            model[one.to]!.delete(n + 1);
            get(one.to).set(keyOf(n + 100), elem.make(go, 5, f));
            model[one.to]!.set(n + 100, 5);
            if (seen.size > 30) break;
          }
          if (seen.size <= 30) for (const n of model[one.to]!.keys()) if (n < 100) expect(seen.has(n), `key ${n} did not come`).toBe(true);
          break;
        }
        case 'gc':
          yield* go.gc();
      }
      f.m = get(one.to) as never;
      const m = f.m as unknown as GoMap<unknown, unknown>;
      const now = model[one.to]!;
      expect(m.length).toBe(now.size);
      const entries = [...now].sort(([a], [b]) => a - b);
      const got: [number, number][] = [];
      for (const [given, value] of m) got.push([back(given), elem.read(value as never)]);
      expect(got.sort(([a], [b]) => a - b)).toEqual(entries);
      for (let n = one.key; n < one.key + 3; n++) {
        const [value, ok] = m.get2(keyOf(n));
        expect([elem.read(value as never), ok]).toEqual([now.get(n) ?? 0, now.has(n)]);
      }
    }
  }, schedule);
}

describe('maps', () => {
  const pairs: [keyType: typeof i32 | typeof string, elem: string][] = [
    [i32, 'int32'],
    [string, 'pointers'],
    [i32, 'strings'],
    [string, 'host values'],
    [string, 'structs by value'],
  ];
  for (const [keyType, elem] of pairs) {
    test(`from ${keyType === string ? 'strings' : 'integers'} to ${elem} hold what Maps would, wherever the collector runs`, () => {
      let cycles = 0;
      fc.assert(
        fc.property(fc.array(mapOp, { minLength: 5, maxLength: 16 }), fc.nat(), (program, schedule) => {
          cycles += playMaps(keyType, elems[elem]!, program, schedule);
        }),
        { seed, numRuns: 40 * times },
      );
      expect(cycles).toBeGreaterThan(30);
    });
  }
});
