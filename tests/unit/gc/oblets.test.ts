// Oblets: a large object is marked in pieces of 128 KiB, each of its pointers once, and its bytes count once as scan work.
import { describe, expect, test } from 'vitest';
import { Phase } from '../../../gc/mgc.ts';
import { maxObletBytes } from '../../../gc/mgcoblet.ts';
import { attachSpecial, SpecialKind } from '../../../heap/mspecial.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { check, testMachine } from '../../support/machine.ts';

const machine = () => testMachine({ heapBytes: 8 << 20, procs: 1 });

/** An array of n values of a type with pointers at `ptrWords`, every pointer to a leaf of its own; returns array and leaves. */
function filled(m: Machine, size: number, ptrWords: readonly number[], n: number): { array: Addr; leaves: Addr[] } {
  const leaf = m.heap.types.define('test.Leaf', 16, []);
  const type = m.heap.types.define('test.Elem', size, ptrWords);
  const array = m.mutator.mallocgc(size * n, type);
  m.pin(array);
  const leaves: Addr[] = [];
  for (let i = 0; i < n; i++) {
    for (const word of ptrWords) {
      const addr = m.mutator.newObject(leaf);
      m.mutator.storePointer(((array + i * size) >>> 2) + word, addr);
      leaves.push(addr);
    }
  }
  return { array, leaves };
}

/** Begins a cycle and lets the roots be marked, so that only grey objects are left. */
function markRoots(m: Machine): void {
  m.gc.start(false);
  while (m.gc.greyObjects().size === 0) m.gc.step(1);
}

describe('every pointer of a large object is found', () => {
  // 12 does not divide 128 KiB: elements lie across the borders, with a pointer on each side
  const shapes: [what: string, size: number, ptrWords: readonly number[], n: number][] = [
    ['an array of pointers', 4, [0], 100_000],
    ['elements across the borders', 12, [0, 2], 25_000],
    ['exactly two oblets', 4, [0], (2 * maxObletBytes) / 4],
    ['one element longer than an oblet', 300_000, [0, 32_767, 32_768, 65_535, 65_536, 74_999], 2],
  ];
  test.each(shapes)('%s', (_, size, ptrWords, n) => {
    const m = machine();
    const { array, leaves } = filled(m, size, ptrWords, n);
    m.gc.collect(); // checkMark compares with a marking by other code
    m.heap.writeBack();
    expect(leaves.filter((addr) => !m.heap.isObject(addr))).toEqual([]);
    expect(m.heap.isObject(array)).toBe(true);
    check(m);
  });
});

test('a step scans at most one oblet: its pointers are grey or black, those of the next are white', () => {
  const m = machine();
  const { array, leaves } = filled(m, 4, [0], (3 * maxObletBytes) / 4);
  markRoots(m);
  const perOblet = maxObletBytes / 4;
  const marked = () => [0, 1, 2].map((i) => leaves.slice(i * perOblet, (i + 1) * perOblet).filter((a) => m.heap.isMarked(a)).length);
  expect(marked()).toEqual([0, 0, 0]);
  const steps: number[][] = [];
  while (m.gc.phase === Phase.mark && steps.length < 3) {
    m.gc.step(1);
    steps.push(marked());
  }
  // one piece after the other
  expect(steps).toEqual([
    [perOblet, 0, 0],
    [perOblet, perOblet, 0],
    [perOblet, perOblet, perOblet],
  ]);
  expect(m.heap.isMarked(array)).toBe(true);
});

test('while pieces of it wait, the object is grey under its own address', () => {
  const m = machine();
  const { array } = filled(m, 4, [0], (2 * maxObletBytes) / 4);
  markRoots(m);
  m.gc.step(1);
  expect([...m.gc.greyObjects()]).toEqual([array]);
});

test('scan work counts each byte once, however many pieces there are', () => {
  const m = machine();
  const { array } = filled(m, 4, [0], 100_000);
  m.gc.start(true);
  while (m.gc.marking) m.gc.step(3);
  const size = m.heap.mspan.elemSize[m.heap.spanOf(array)];
  expect(m.gc.pacer.lastHeapScan).toBe(size);
});

test('what a large object with a finalizer holds is kept, the object is not marked', () => {
  const m = machine();
  const leaf = m.heap.types.define('test.Leaf', 16, []);
  const type = m.heap.types.define('test.Word', 4, [0]);
  const array = m.mutator.mallocgc(3 * maxObletBytes, type);
  const leaves = [0, 1, 2].map((i) => {
    const addr = m.mutator.newObject(leaf);
    m.mutator.storePointer((array + (i + 1) * maxObletBytes - 4) >>> 2, addr);
    return addr;
  });
  attachSpecial(
    m.heap,
    array,
    SpecialKind.finalizer,
    m.heap.finalQueue.register(() => {}),
  );
  m.gc.start(true);
  while (m.gc.marking && m.gc.phase === Phase.mark && leaves.some((a) => !m.heap.isMarked(a))) m.gc.step(1);
  expect(leaves.every((a) => m.heap.isMarked(a))).toBe(true);
  expect(m.heap.isMarked(array)).toBe(false);
});
