// The marking loop in WebAssembly against its reference in TypeScript: the same heap, the same state after each run.
import { describe, expect, test } from 'vitest';
import { kernelBytes as markBytes, markKernel } from '../../../gc/markkernel.ts';
import { MarkState, oddMax } from '../../../gc/mgcwork.ts';
import { wordsPerPage } from '../../../heap/layout.ts';
import { heapStartPage } from '../../../heap/mheap.ts';
import { exchangeInScript } from '../../../heap/msweep.ts';
import { kernelBytes as sweepBytes } from '../../../heap/sweepkernel.ts';
import type { Options } from '../../../runtime/index.ts';
import { type Backing, pageSize } from '../../../runtime/internal/memory.ts';
import { Rand } from '../../../runtime/internal/rand.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { testMachine } from '../../support/machine.ts';

/** A heap with objects of every kind that the loop must tell apart, linked at random, rooted in one array. */
function tangled(seed: number, backing: Backing, options: Options = {}): Machine {
  const m = testMachine({ heapBytes: 1 << 20, memProfileRate: 0, backing, ...options });
  const rand = new Rand(seed, 'kernel');
  const { types } = m.heap;
  const kinds = [
    { type: types.define('t.pair', 8, [0, 1]), n: 1 },
    { type: types.define('t.sparse', 120, [0, 7, 29]), n: 1 },
    { type: types.define('t.other', 8, [1]), n: 1 }, // shares spans with pairs: mixed types
    { type: types.define('[]*t', 4, [0]), n: 90 }, // every word a pointer
    { type: types.define('t.long', 200, [3, 49]), n: 2 }, // longer than a mask
    { type: types.define('t.bytes', 48, []), n: 1 },
  ];
  const arrays = types.define('[]*t', 4, [0]);
  const roots = m.mutator.mallocgc(400 * 4, arrays);
  m.pin(roots);
  const huge = m.mutator.mallocgc(200 << 10, arrays); // two oblets
  m.mutator.storePointer(roots >>> 2, huge);
  const made: number[] = [huge];
  for (let i = 0; i < 3000; i++) {
    const { type, n } = kinds[rand.below(kinds.length)]!;
    const addr = m.mutator.mallocgc(type.size * n, type);
    for (let k = 0; k < n; k++) {
      for (const word of type.ptrWords) {
        const target = made[rand.below(made.length)]!;
        const inside = rand.below(8) === 0 ? 4 * rand.below(2) : 0; // an interior pointer now and then
        m.mutator.storePointer((addr >>> 2) + k * (type.size >>> 2) + word, rand.below(3) === 0 ? 0 : target + inside);
      }
    }
    made.push(addr);
    if (rand.below(6) === 0) m.mutator.storePointer((roots >>> 2) + 1 + rand.below(399), addr);
    if (rand.below(3) === 0) m.mutator.storePointer((huge >>> 2) + rand.below(51_200), addr + (rand.below(4) === 0 ? 4 : 0));
  }
  return m;
}

/** The state of the marker and all mark bits, as one list. */
function snapshot(m: Machine): number[] {
  const { w, markBits } = m.heap;
  const { state } = m.gc.work;
  return [...w.subarray(state, state + MarkState.odd + w[state + MarkState.oddCount]!), ...markBits];
}

describe('markkernel.wat and drainInScript', () => {
  for (const seed of [1, 2, 3]) {
    test(`leave the same state after every step: seed ${seed}`, () => {
      const [a, b] = [tangled(seed, 'wasm'), tangled(seed, 'shared')];
      expect(markKernel(a.heap, a.gc.work.state)).not.toBe(null);
      expect(markKernel(b.heap, b.gc.work.state)).toBe(null);
      a.gc.start(true);
      b.gc.start(true);
      let steps = 0;
      for (; a.gc.marking; steps++) {
        expect(a.gc.step(1 + (steps % 7))).toBe(b.gc.step(1 + (steps % 7)));
        expect(snapshot(a)).toEqual(snapshot(b));
      }
      expect(b.gc.marking).toBe(false);
      expect(steps).toBeGreaterThan(100);
      expect(a.gc.objectsMarked).toBeGreaterThan(1000);
    });
  }

  test('more pointers into the middle of objects than the state has room for', () => {
    for (const backing of ['wasm', 'shared'] as const) {
      const m = testMachine({ heapBytes: 1 << 20, memProfileRate: 0, backing });
      const inner = m.heap.types.define('t.inner', 16, [0]);
      const array = m.mutator.mallocgc(4 * 1000, m.heap.types.define('[]*t', 4, [0]));
      m.pin(array);
      for (let i = 0; i < 1000; i++) m.mutator.storePointer((array >>> 2) + i, m.mutator.newObject(inner) + 8);
      expect(oddMax).toBeLessThan(1000);
      m.gc.collect();
      expect(m.gc.objectsMarked).toBe(1001);
    }
  });

  test('pointers off the heap are nobody', () => {
    for (const backing of ['wasm', 'shared'] as const) {
      const m = testMachine({ heapBytes: 1 << 20, memProfileRate: 0, backing, checkMark: false });
      const obj = m.mutator.newObject(m.heap.types.define('t.pair', 8, [0, 1]));
      m.pin(obj);
      m.mutator.storePointer(obj >>> 2, m.heap.zeroBase);
      m.mutator.storePointer((obj >>> 2) + 1, m.heap.endPage * pageSize);
      m.gc.collect();
      expect(m.gc.objectsMarked).toBe(1);
    }
  });
});

describe('sweepkernel.wat and exchangeInScript', () => {
  test('exchange the same bits and count the same slots, or change nothing', () => {
    const m = testMachine({ heapBytes: 64 * pageSize, backing: 'wasm' });
    const { heap } = m;
    const rand = new Rand(5, 'sweep');
    const first = heapStartPage * wordsPerPage;
    const outcomes = { swept: 0, refused: 0 };
    for (let round = 0; round < 500; round++) {
      const end = first + wordsPerPage * (1 + rand.below(3));
      const cursor = first + rand.below(end - first + 1);
      const below = (1 << rand.below(32)) - 1;
      for (let i = first; i < end; i++) {
        heap.allocBits[i] = rand.next();
        const allocated = i < cursor ? -1 : heap.allocBits[i]! | (i === cursor ? below : 0);
        heap.markBits[i] = rand.next() & allocated & rand.next();
      }
      if (rand.below(4) === 0 && cursor < end) heap.markBits[end - 1]! |= 1 << rand.below(32); // perhaps a zombie
      const [allocs, marks] = [heap.allocBits.slice(), heap.markBits.slice()];
      const live = heap.exchange(first, end, cursor, below);
      expect(exchangeInScript(allocs, marks)(first, end, cursor, below)).toBe(live);
      expect([heap.allocBits.slice(first, end), heap.markBits.slice(first, end)]).toEqual([
        allocs.slice(first, end),
        marks.slice(first, end),
      ]);
      outcomes[live < 0 ? 'refused' : 'swept']++;
    }
    expect(Math.min(outcomes.swept, outcomes.refused)).toBeGreaterThan(20);
    heap.allocBits.fill(0);
    heap.markBits.fill(0);
  });
});

test('the checked-in kernels are what their texts assemble to', async () => {
  const { assemble, kernels } = (await import('../../../tools/kernel.mjs' as string)) as {
    assemble(kernel: string): Promise<number[]>;
    kernels: string[];
  };
  expect(kernels).toEqual(['gc/markkernel', 'heap/sweepkernel']);
  expect(markBytes).toEqual(await assemble('gc/markkernel'));
  expect(sweepBytes).toEqual(await assemble('heap/sweepkernel'));
});
