// Large objects: over 32 KiB, whole pages, a span each.
import { describe, expect, test } from 'vitest';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { markOnly, noscan, pagesMachine, sound, types } from './support.ts';

describe('a large object', () => {
  test('begins at 32769 bytes and takes whole pages', () => {
    const m = pagesMachine(20);
    const { bytes } = types(m);
    const [small, large] = [m.mutator.mallocgc(32768, bytes), m.mutator.mallocgc(32769, bytes)];
    const { mspan, stats } = m.heap;
    const [a, b] = [m.heap.spanOf(small), m.heap.spanOf(large)];
    expect([mspan.spanClass[a], mspan.npages[a], mspan.spanClass[b], mspan.npages[b], mspan.elemSize[b]]).toEqual([
      noscan(67),
      4,
      noscan(0),
      5,
      40960,
    ]);
    expect([mspan.nelems[b], mspan.allocCount[b], mspan.freeAddr[b]]).toEqual([1, 1, large + 40960]);
    expect(stats.heapLive).toBe(32768 + 40960);
    sound(m);
  });

  test('is freed as a whole when nothing points to it, and its pages serve again', () => {
    const m = pagesMachine(20);
    const { bytes } = types(m);
    const a = m.mutator.mallocgc(50_000, bytes);
    const b = m.mutator.mallocgc(40_000, bytes);
    const pin = m.pin(b);
    m.gc.collect();
    sound(m);
    expect([m.heap.isObject(a), m.heap.isObject(b), m.heap.pages.inUse]).toEqual([false, true, 5]);
    expect(m.heap.stats.totals()).toEqual({ allocBytes: 7 * pageSize + 5 * pageSize, freeBytes: 7 * pageSize, mallocs: 2, frees: 1 });
    expect(m.mutator.mallocgc(57_344, bytes)).toBe(a); // first fit: the hole of 7 pages
    m.unpin(pin);
    m.gc.collect();
    expect([m.heap.pages.inUse, m.heap.stats.totals().frees]).toEqual([0, 3]);
    sound(m);
  });

  test('keeps what its pointers lead to: the pattern of its type repeats to its end', () => {
    const m = pagesMachine(60);
    const { mutator, heap } = m;
    const { bytes } = types(m);
    const pair = heap.types.define('main.Pair', 24, [1, 4]);
    const slice = mutator.mallocgc(24 * 2000, pair);
    m.pin(slice);
    const children = new Map<number, number>();
    for (const k of [0, 1, 777, 1999]) {
      for (let word = 0; word < 6; word++) {
        const child = mutator.mallocgc(112, bytes);
        children.set(child, word);
        m.arena.i32[(slice >>> 2) + k * 6 + word] = child;
      }
    }
    m.gc.collect();
    sound(m);
    for (const [child, word] of children) expect([word, heap.isObject(child)]).toEqual([word, word === 1 || word === 4]);
  });

  test('of pointers only is scanned to its last word', () => {
    const m = pagesMachine(20);
    const { bytes } = types(m);
    const pointers = m.heap.types.define('[]*T', 4, [0]);
    const slice = m.mutator.mallocgc(40_000, pointers);
    m.pin(slice);
    const last = m.mutator.mallocgc(8, bytes);
    m.mutator.storePointer((slice >>> 2) + 9_999, last);
    m.gc.collect();
    expect(m.heap.isObject(last)).toBe(true);
  });

  test('allocated while marking is black; allocated while sweeping it is left alone', () => {
    const m = pagesMachine(60);
    const { bytes, node } = types(m);
    let list = 0;
    for (let i = 0; i < 10_000; i++) {
      const cell = m.mutator.mallocgc(16, node); // 160 KB live: more than the allocation below must mark as its assist
      m.arena.i32[(cell >>> 2) + 1] = list;
      list = cell;
    }
    const pin = m.pin(list);
    m.gc.start(true);
    const black = m.mutator.mallocgc(40_000, bytes);
    expect([m.gc.marking, m.heap.isMarked(black)]).toEqual([true, true]);
    while (m.gc.marking) m.gc.step(100);
    const after = m.mutator.mallocgc(40_000, bytes);
    expect(m.heap.isMarked(after)).toBe(false);
    m.gc.sweeper.finish();
    expect([m.heap.isObject(black), m.heap.isObject(after)]).toEqual([true, true]);
    m.unpin(pin);
    m.gc.collect();
    expect(m.heap.pages.inUse).toBe(0);
    sound(m);
  });

  test('makes the sweeper free pages before it takes fresh ones', () => {
    const m = pagesMachine(1024); // grows in steps of 512 pages
    const { bytes } = types(m);
    for (let i = 0; i < 50; i++) m.mutator.mallocgc(80_000, bytes);
    expect([m.heap.pages.inUse, m.heap.pages.grown]).toEqual([500, 512]);
    markOnly(m);
    m.mutator.mallocgc(200_000, bytes); // 25 pages: 12 are left
    expect(m.heap.pages.grown).toBe(512);
    sound(m);
  });
});

test('allocating 0 bytes gives the address of zerobase, and counts nothing', () => {
  const m = pagesMachine(7, { memProfileRate: 1 });
  const { bytes, node } = types(m);
  const zerobase = m.mutator.mallocgc(0, bytes);
  expect(zerobase).not.toBe(0);
  expect(m.mutators[2]!.mallocgc(0, node)).toBe(zerobase);
  expect([m.heap.isObject(zerobase), m.heap.pages.inUse, m.profiler.records(true)]).toEqual([false, 0, []]);
});
