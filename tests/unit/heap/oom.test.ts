// A full arena ends the program, not the heap: what is there stays whole, and a collection makes room again.
import { describe, expect, test } from 'vitest';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { Fatal } from '../../../runtime/internal/throw.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { pagesMachine, sound, types } from './support.ts';

/** Allocates and pins objects on one P until the arena is full; returns their pins and the error. */
function fillUp(m: Machine, bytes: number): { pins: number[]; error: unknown } {
  const { ptrs } = types(m);
  const pins: number[] = [];
  for (;;) {
    try {
      pins.push(m.pin(m.mutator.mallocgc(bytes, ptrs)));
    } catch (error) {
      return { pins, error };
    }
  }
}

describe('when the arena is full', () => {
  test.each([
    [8, 7 * 1024],
    [48, 7 * 170],
    [4096, 7 * 2],
    [9472, 6],
    [32768, 1],
    [40960, 1],
    [7 * pageSize, 1],
  ])('of objects of %i bytes, all %i that fit into 7 pages are there; one more is fatal and leaves the heap whole', (bytes, count) => {
    const m = pagesMachine(7);
    const { pins, error } = fillUp(m, bytes);
    expect(pins.length).toBe(count);
    expect(error).toBeInstanceOf(Fatal);
    expect(String(error)).toMatch(/^Fatal: .*out of memory/);
    expect(m.order.heldNames()).toEqual([]);
    sound(m);
  });

  test('the program that goes on anyway finds room after a collection', () => {
    const m = pagesMachine(7);
    const { ptrs } = types(m);
    const { pins } = fillUp(m, 48);
    m.gc.collect();
    sound(m);
    expect(() => m.mutator.mallocgc(8, ptrs)).toThrow(Fatal); // everything lives
    for (const pin of pins) m.unpin(pin);
    m.gc.collect();
    sound(m);
    expect(m.heap.pages.inUse).toBe(0);
    expect(m.heap.isObject(m.mutator.mallocgc(7 * pageSize, ptrs))).toBe(true);
  });

  test('garbage that is marked as such but not swept yet is swept first', () => {
    const m = pagesMachine(7);
    const { ptrs } = types(m);
    const { pins } = fillUp(m, 4096);
    for (const pin of pins) m.unpin(pin);
    m.gc.start(true);
    while (m.gc.marking) m.gc.step(1 << 20);
    const large = m.mutator.mallocgc(7 * pageSize, ptrs); // needs every page, all in unswept spans of another class
    expect([m.heap.pages.inUse, m.heap.spanOf(large) !== 0]).toEqual([7, true]);
    sound(m);
  });

  test('garbage is collected before the program is given up: a heap smaller than the first trigger (4 MiB) works', () => {
    const m = pagesMachine(7, { gogc: 100 });
    const { node } = types(m);
    for (let i = 0; i < 7 * 512 + 1; i++) m.mutator.mallocgc(16, node); // one more than fits, and nothing is kept
    sound(m);
  });
});

test('an object larger than the arena is fatal at once and takes nothing', () => {
  const m = pagesMachine(7);
  expect(() => m.mutator.mallocgc(7 * pageSize + 1, types(m).bytes)).toThrow(Fatal);
  expect(m.heap.pages.inUse).toBe(0);
  sound(m);
});

test('a run of pages that begins in the grown part of the heap and ends in the rest can be allocated', () => {
  const m = pagesMachine(1024);
  const { bytes } = types(m);
  m.mutator.mallocgc(8, types(m).ptrs);
  expect(m.heap.pages.grown).toBe(512);
  expect(m.heap.isObject(m.mutator.mallocgc(1000 * pageSize, bytes))).toBe(true);
  sound(m);
});

test('a program that is sampled at rate 1 fills its heap before it fails, and fails with "out of memory"', () => {
  const m = pagesMachine(1536, { memProfileRate: 1, checkHeap: false });
  const { ptrs } = types(m);
  const head = m.globals(1) >>> 2; // a list: each object leads to the one before it
  let objects = 0;
  const fill = () => {
    for (; ; objects++) {
      const obj = m.mutator.mallocgc(8, ptrs);
      m.mutator.storePointer(obj >>> 2, m.heap.w[head]!);
      m.mutator.storePointer(head, obj);
    }
  };
  expect(fill).toThrow(Fatal);
  expect(objects).toBe(1536 * 1024);
});
