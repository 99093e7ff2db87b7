// Buckets: Go's hash, number for number; one bucket for each (kind, size, stack), newest first, charged to BuckHashSys.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bucket, BucketKind, BucketTable, buckHashSize, maxStack, stackHash } from '../../../profiler/bucket.ts';
import { ProfLocks } from '../../../profiler/proflock.ts';
import { Sys } from '../../../runtime/internal/sysmem.ts';
import { pagesMachine, types } from '../heap/support.ts';
import { offHeap } from '../internal/support.ts';
import { bucketList, profilerOf } from './support.ts';

describe('the hash of a stack', () => {
  test.each([
    [[0x401000, 0x402000, 0x403000], 1024, 0x60c4aa70, 90443],
    [[0x1000, 0x2000], 16, 0x4104a9ea, 30742],
    [[], 0, 0, 0],
  ])("%j with size %i is Go's on a 32-bit machine", (stk, size, hash, slot) => {
    expect([stackHash(stk, stk.length, size), hash % buckHashSize]).toEqual([hash, slot]);
  });

  test('wraps at 32 bits and shifts without sign', () => {
    const mask = 0xffffffffn;
    const step = (h: bigint, n: number) => {
      h = (h + BigInt(n >>> 0)) & mask;
      h = (h + (h << 10n)) & mask;
      return h ^ (h >> 6n);
    };
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 40 }), fc.nat(0x7fffffff), (stk, size) => {
        let h = step(stk.reduce(step, 0n), size);
        h = (h + (h << 3n)) & mask;
        h ^= h >> 11n;
        expect(stackHash(stk, stk.length, size)).toBe(Number(h));
      }),
    );
  });

  test('depends on the order of the pcs and on the size', () => {
    expect(new Set([stackHash([1, 2], 2, 8), stackHash([2, 1], 2, 8), stackHash([1, 2], 2, 16), stackHash([1, 2], 1, 8)]).size).toBe(4);
  });
});

describe('stkbucket', () => {
  test('makes a bucket for each kind, size and stack, and finds it again', () => {
    const { profiler } = profilerOf('three-stage');
    const { buckets } = profiler;
    const keys: [BucketKind, number, number[]][] = [
      [BucketKind.mem, 16, [0x401000, 0x402000]],
      [BucketKind.mem, 16, [0x402000, 0x401000]],
      [BucketKind.mem, 32, [0x401000, 0x402000]], // one line of source, two sizes: two buckets
      [BucketKind.mem, 16, [0x401000]],
      [BucketKind.mem, 16, []],
      [BucketKind.block, 0, [0x401000, 0x402000]],
      [BucketKind.mutex, 0, [0x401000, 0x402000]],
    ];
    const made = keys.map(([kind, size, stk]) => buckets.stkbucket(kind, size, stk, stk.length, true));
    expect(new Set(made).size).toBe(keys.length);
    expect(keys.map(([kind, size, stk]) => buckets.stkbucket(kind, size, stk, stk.length, true))).toEqual(made);
    expect(made.map((b) => buckets.stack(b))).toEqual(keys.map(([, , stk]) => stk));
    expect(made.map((b) => buckets.size(b))).toEqual(keys.map(([, size]) => size));
    expect([BucketKind.mem, BucketKind.block, BucketKind.mutex].map((kind) => buckets.count(kind))).toEqual([5, 1, 1]);
  });

  test('without alloc only looks', () => {
    const { profiler } = profilerOf('naive');
    expect(profiler.buckets.stkbucket(BucketKind.mem, 16, [1], 1, false)).toBe(0);
    const b = profiler.buckets.stkbucket(BucketKind.mem, 16, [1], 1, true);
    expect(profiler.buckets.stkbucket(BucketKind.mem, 16, [1], 1, false)).toBe(b);
  });

  test('reads the first nstk pcs of a longer array', () => {
    const { profiler } = profilerOf('naive');
    const b = profiler.buckets.stkbucket(BucketKind.mem, 16, [1, 2], 2, true);
    expect(profiler.buckets.stkbucket(BucketKind.mem, 16, Int32Array.of(1, 2, 99), 2, true)).toBe(b);
  });

  test('finds the bucket of a stack with a pc in the upper half of the address space', () => {
    const { profiler } = profilerOf('naive');
    const stk = [0xfffffff0, 0x401000]; // a uintptr; the arena's words are signed
    const b = profiler.buckets.stkbucket(BucketKind.mem, 16, stk, 2, true);
    expect(profiler.buckets.stkbucket(BucketKind.mem, 16, stk, 2, true)).toBe(b);
    expect(profiler.buckets.stack(b)).toEqual(stk);
  });

  test('tells stacks apart whose hashes fall into one slot', () => {
    const seen = new Map<number, number[][]>();
    for (let pc = 1; ; pc++) {
      const slot = stackHash([pc], 1, 16) % buckHashSize;
      const list = seen.get(slot) ?? [];
      seen.set(slot, [...list, [pc]]);
      if (list.length === 2) break;
    }
    const stacks = [...seen.values()].find((list) => list.length === 3)!;
    const { profiler } = profilerOf('naive');
    const made = stacks.map((stk) => profiler.buckets.stkbucket(BucketKind.mem, 16, stk, 1, true));
    expect(new Set(made).size).toBe(3);
    expect(stacks.map((stk) => profiler.buckets.stkbucket(BucketKind.mem, 16, stk, 1, false))).toEqual(made);
    expect(profiler.buckets.findings()).toEqual([]);
  });

  test('tells stacks of pc 0 apart: they all have the hash of the empty one', () => {
    const { profiler } = profilerOf('naive');
    const stacks = [[], [0], [0, 0], [0, 0, 0]];
    expect(new Set(stacks.map((stk) => stackHash(stk, stk.length, 16))).size).toBe(1);
    const made = [...stacks, ...stacks].map((stk) => profiler.buckets.stkbucket(BucketKind.mem, 16, stk, stk.length, true));
    expect(new Set(made).size).toBe(4);
    expect(profiler.buckets.findings()).toEqual([]);
  });

  test('a stack deeper than 32 keeps its innermost frames', () => {
    const { profiler } = profilerOf('naive');
    const deep = Array.from({ length: 40 }, (_, i) => 0x401000 + i);
    const b = profiler.mProfMalloc(16, deep, 40);
    expect(profiler.buckets.stack(b)).toEqual(deep.slice(0, maxStack));
    expect(profiler.mProfMalloc(16, [...deep.slice(0, 32), 7], 33)).toBe(b);
  });
});

test('P1 and P2 hold after any requests; the lists are newest first', () => {
  const request = fc.record({
    kind: fc.constantFrom(BucketKind.mem, BucketKind.block),
    size: fc.constantFrom(0, 8, 16),
    stk: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
      const { profiler } = profilerOf('cycle');
      const model = new Map<string, number>();
      const lists = new Map<BucketKind, number[]>();
      for (const { kind, size, stk } of requests) {
        const key = `${kind} ${size} ${stk}`;
        const b = profiler.buckets.stkbucket(kind, size, stk, stk.length, true);
        expect(b).toBe(model.get(key) ?? b);
        if (!model.has(key)) lists.set(kind, [b, ...(lists.get(kind) ?? [])]);
        model.set(key, b);
      }
      expect(new Set(model.values()).size).toBe(model.size);
      for (const kind of [BucketKind.mem, BucketKind.block]) expect(bucketList(profiler, kind)).toEqual(lists.get(kind) ?? []);
      expect(profiler.buckets.findings()).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

describe('the check of the table', () => {
  const table = () => {
    const { profiler, arena } = profilerOf('cycle');
    const a = profiler.mProfMalloc(16, [1, 2], 2);
    const b = profiler.mProfMalloc(32, [1, 2], 2);
    expect(profiler.buckets.findings()).toEqual([]);
    return { buckets: profiler.buckets, w: arena.i32, a: a >>> 2, b: b >>> 2 };
  };

  test.each<[string, RegExp, (t: ReturnType<typeof table>) => void]>([
    [
      'a bucket in no chain',
      /^P1: bucket \d+ is 0 times in the chain of hash/,
      (t) => (t.w[t.buckets.hashWords + ((t.w[t.b + Bucket.hash]! >>> 0) % buckHashSize)] = 0),
    ],
    ['a bucket with another hash', /^P1: bucket \d+ has hash 7, wanted \d+/, (t) => (t.w[t.a + Bucket.hash] = 7)],
    ['a bucket in no list', /^P1: 1 buckets of kind 1 are listed, 2 were made/, (t) => (t.w[t.b + Bucket.allNext] = 0)],
    ['a bucket twice in a list', /^P1: bucket \d+ is twice in the lists/, (t) => (t.w[t.a + Bucket.allNext] = t.b << 2)],
    [
      'a bucket in the list of another kind',
      /^P1: bucket \d+ of kind 2 is in the list of kind 1/,
      (t) => (t.w[t.a + Bucket.kind] = BucketKind.block),
    ],
    ['two buckets of one stack', /P2: two buckets of kind 1, size 16, stack 1 2$/, (t) => (t.w[t.b + Bucket.size] = 16)],
  ])('finds %s', (_, wanted, spoil) => {
    const t = table();
    spoil(t);
    expect(
      t.buckets.findings().some((f) => wanted.test(f)),
      t.buckets.findings().join('\n'),
    ).toBe(true);
  });
});

describe('BuckHashSys', () => {
  test('is 0 before the first event, and then the table of 179,999 words and the buckets', () => {
    const { profiler, sys } = profilerOf('three-stage');
    expect(sys.bytes(Sys.buckHash)).toBe(0);
    profiler.memProfile([], true); // reading makes no table
    profiler.markTermination(1, false);
    expect(sys.bytes(Sys.buckHash)).toBe(0);
    profiler.mProfMalloc(16, [1, 2], 2);
    const bucket = (6 + 2) * 4 + 3 * 4 * 8; // head, stack, three stages of four doubles
    expect(sys.bytes(Sys.buckHash)).toBe(719_996 + bucket);
    profiler.mProfMalloc(16, [1, 2], 2);
    expect(sys.bytes(Sys.buckHash)).toBe(719_996 + bucket);
    profiler.mProfMalloc(16, [1, 2, 3], 3); // one word more of stack and one of padding before the doubles
    expect(sys.bytes(Sys.buckHash)).toBe(719_996 + bucket + bucket + 8);
    expect(sys.total()).toBe(sys.obtained());
  });

  test('is still 0 on a machine on which nothing was sampled', () => {
    const m = pagesMachine(7);
    m.mutator.mallocgc(16, types(m).node);
    m.gc.collect();
    expect(m.sys.bytes(Sys.buckHash)).toBe(0);
    m.setMemProfileRate(1);
    m.mutator.mallocgc(16, types(m).node);
    expect(m.sys.bytes(Sys.buckHash)).toBeGreaterThan(719_996);
  });

  test('a table that does not fit into the off-heap area is a throw', () => {
    const { sys, arena, order } = offHeap(87); // it takes 88 pages
    expect(() => new BucketTable(sys, arena, 32, new ProfLocks(order, '1.19').insert).stkbucket(BucketKind.mem, 16, [], 0, true)).toThrow(
      'runtime: cannot allocate memory',
    );
  });
});
