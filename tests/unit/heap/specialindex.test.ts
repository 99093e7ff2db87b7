// The index of a span's specials: it answers as a walk over the list does, and makes storing cost the same in a large span.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHeap, heapFindings } from '../../../heap/check.ts';
import { attachSpecial, findSpecial, removeSpecial, Special, SpecialKind } from '../../../heap/mspecial.ts';
import { SpecialIndex } from '../../../heap/specialindex.ts';
import { type Go, host, i32, map, Runtime, slice, struct, type Weak } from '../../../runtime/index.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { pagesMachine, sound, types } from './support.ts';

/** An object of 400 KiB, the only one of its span; a cell with a host value may be at any word. */
function large(): { m: Machine; addr: number; put(word: number): boolean; take(word: number): number } {
  const m = pagesMachine(60);
  const { heap } = m;
  const addr = m.mutator.mallocgc(400 << 10, types(m).bytes);
  m.pin(addr);
  return {
    m,
    addr,
    put(word) {
      const n = heap.hostValues.add(word);
      const added = attachSpecial(heap, addr + word * 4, SpecialKind.host, n);
      if (added) heap.w[(addr >>> 2) + word] = n;
      else heap.hostValues.release(n);
      return added;
    },
    take: (word) => removeSpecial(heap, addr + word * 4, SpecialKind.host),
  };
}

const words = (400 << 10) / 4;

/** Puts records at words 1 to 1001, the last one first: the others have to be walked to. */
function fill(put: (word: number) => boolean): void {
  put(1001);
  for (let word = 1; word <= 1000; word++) put(word);
}

test('of blocks that have a record the last one before another is found, near and far', () => {
  const index = new SpecialIndex(1600 * 64);
  const blocks = new Set<number>();
  const at = (block: number) => block * 64 + 4;
  fc.assert(
    fc.property(fc.nat(1599), fc.boolean(), fc.nat(1600), (block, set, asked) => {
      if (set) index.set(at(block), block + 1);
      else index.clear(at(block));
      if (set) blocks.add(block);
      else blocks.delete(block);
      expect(index.firstAt(block * 64 + 63)).toBe(set ? block + 1 : 0);
      expect(index.firstBelow(at(asked))).toBe(Math.max(-1, ...[...blocks].filter((b) => b < asked)) + 1);
    }),
    { numRuns: 2000 },
  );
});

test('records come and go anywhere in a large span, and the list stays in order', () => {
  const near = fc.integer({ min: 50_000, max: 50_400 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(near, fc.nat(words - 1)), fc.nat(3)), { minLength: 100, maxLength: 400 }), (steps) => {
      const { m, addr, put, take } = large();
      const { heap } = m;
      const there = new Set<number>();
      for (let i = 0; i < 200; i++) there.add(50_100 + i);
      for (const word of [50_299, ...there]) put(word); // long enough for an index
      for (const [word, choice] of steps) {
        if (choice > 0) expect(put(word)).toBe(!there.has(word));
        else expect(take(word) !== 0).toBe(there.has(word));
        if (choice > 0) there.add(word);
        else there.delete(word);
        expect(findSpecial(heap, addr + word * 4, SpecialKind.host) !== 0).toBe(there.has(word));
      }
      expect(heap.specialIndexes.size).toBe(1);
      sound(m);
      const found: number[] = [];
      for (let at = heap.mspan.specials[heap.spanOf(addr)]; at !== 0; at = heap.w[(at >>> 2) + Special.next]!)
        found.push(heap.w[(at >>> 2) + Special.offset]! / 4);
      expect(found).toEqual([...there].sort((a, b) => a - b));
      for (const word of there) take(word);
      expect(heap.specialIndexes.size).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('the sweep throws an index away, and the next long walk makes another', () => {
  const { m, put } = large();
  fill(put);
  expect(m.heap.specialIndexes.size).toBe(1);
  m.gc.collect();
  expect(m.heap.specialIndexes.size).toBe(0);
  put(2000);
  put(1500);
  expect(m.heap.specialIndexes.size).toBe(1);
  sound(m);
});

test('freeing an object by hand takes its records out of the index', () => {
  const m = pagesMachine(7);
  const { node } = types(m);
  const at = Array.from({ length: 300 }, () => m.mutator.mallocgc(16, node));
  for (const addr of [at[299]!, ...at.slice(0, 299)])
    for (const n of [1, 2])
      attachSpecial(
        m.heap,
        addr,
        SpecialKind.cleanup,
        m.heap.finalQueue.register(() => n),
      );
  expect(m.heap.specialIndexes.size).toBe(1);
  for (let i = 0; i < 300; i += 3) {
    m.mutator.free(at[i]!);
    sound(m);
  }
  for (const addr of at) if (m.heap.isObject(addr)) m.mutator.free(addr);
  expect(m.heap.specialIndexes.size).toBe(0);
  sound(m);
});

test.each([
  ['a block’s first record is another', (index: SpecialIndex) => index.set(100 * 4, 8), /P3: span \d+: index is wrong at offset 384/],
  ['a block is missing', (index: SpecialIndex) => index.clear(100 * 4), /P3: span \d+: index is wrong at offset 384/],
  [
    'a block is named that has none',
    (index: SpecialIndex) => index.set(4000 * 4, 8),
    /P3: span \d+: index names a special behind the last/,
  ],
])('the heap walker sees that %s', (_what, spoil, finding) => {
  const { m, put } = large();
  fill(put);
  checkHeap(m.heap);
  spoil([...m.heap.specialIndexes.values()][0]!);
  expect(heapFindings(m.heap).join('\n')).toMatch(finding);
});

const Cell = struct('index.Cell', { value: host<number>(), at: i32 });

/** Milliseconds a value of a program that stores n of them, without collections. */
function perValue(n: number, program: (go: Go, n: number) => void): number {
  const times = [1, 2, 3].map(() => {
    const rt = new Runtime({ heapBytes: 64 << 20, gogc: 'off', memProfileRate: 0 });
    let took = 0;
    rt.run(function* main(go) {
      const begin = performance.now();
      program(go, n);
      took = performance.now() - begin;
      yield* go.gosched();
    });
    return took / n;
  });
  return Math.min(...times);
}

/** i of n in a scattered order: each once. */
const scattered = (i: number, n: number) => (i * 7919) % n;

describe('time for each value does not grow with the size of', () => {
  test.each<[string, (go: Go, n: number) => void]>([
    [
      'a map of host values',
      (go, n) => {
        const f = go.locals({ m: map(i32, host<number>()) });
        f.m = go.make(map(i32, host<number>()), n);
        for (let i = 0; i < n; i++) f.m.set(i, i);
      },
    ],
    [
      'a slice of host values, filled in a scattered order',
      (go, n) => {
        const f = go.locals({ xs: slice(host<number>()) });
        f.xs = go.make(slice(host<number>()), n);
        for (let i = 0; i < n; i++) f.xs.set(scattered(i, n), i);
      },
    ],
    [
      'a slice of host values, filled from its end',
      (go, n) => {
        const f = go.locals({ xs: slice(host<number>()) });
        f.xs = go.make(slice(host<number>()), n);
        for (let i = n - 1; i >= 0; i--) f.xs.set(i, i);
      },
    ],
    [
      'a slice with weak pointers to its elements',
      (go, n) => {
        const f = go.locals({ xs: slice(Cell) });
        f.xs = go.make(slice(Cell), n);
        const weak: Weak<typeof Cell>[] = [];
        for (let i = 0; i < n; i++) weak.push(go.weak(f.xs.get(scattered(i, n))));
      },
    ],
  ])('%s', (_what, program) => {
    perValue(2000, program); // compiled from here on
    // A few times as much by the caches of the machine; several hundred times when each value walks the list.
    expect(perValue(100_000, program) / perValue(10_000, program)).toBeLessThan(20);
  });
});
