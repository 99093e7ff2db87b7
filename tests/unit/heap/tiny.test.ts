// The tiny allocator: objects below 16 bytes without pointers share blocks of 16.
import { describe, expect, test } from 'vitest';
import { inUseObjects } from '../../../profiler/records.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { noscan, pagesMachine, sound, types } from './support.ts';

/** Allocates tiny objects on a P; where each lies, as `block+offset` with blocks A, B, … in the order in which they appear. */
function place(m: Machine, sizes: readonly number[], p = 0, blocks: number[] = []): string[] {
  const { bytes } = types(m);
  return sizes.map((size) => {
    const addr = m.mutators[p]!.mallocgc(size, bytes);
    const block = m.heap.objectBase(addr);
    if (!blocks.includes(block)) blocks.push(block);
    return `${String.fromCharCode(65 + blocks.indexOf(block))}+${addr - block}`;
  });
}

describe('tiny objects', () => {
  test('fill blocks as in Go: 1, 1, 8, 4, 1 bytes take two, and the one with more room goes on', () => {
    const m = pagesMachine(7);
    expect(place(m, [1, 1, 8, 4, 1])).toEqual(['A+0', 'A+1', 'A+8', 'B+0', 'B+4']);
    expect(m.heap.stats.tinyAllocs).toBe(3); // only those that found room in a block
    m.heap.writeBack();
    expect(m.heap.cachedAllocs()).toBe(2);
    sound(m);
  });

  test.each([
    [
      [1, 8],
      ['A+0', 'A+8'],
    ],
    [
      [1, 12],
      ['A+0', 'B+0'],
    ], // 12 bytes are aligned to 8 on a 32-bit machine, so that a 64-bit word in them can be atomic
    [
      [4, 12],
      ['A+0', 'B+0'],
    ],
    [
      [1, 4, 2, 1],
      ['A+0', 'A+4', 'A+8', 'A+10'],
    ],
    [
      [1, 6, 6],
      ['A+0', 'A+2', 'A+8'],
    ],
    [
      [1, 3, 5, 7],
      ['A+0', 'A+1', 'A+4', 'A+9'],
    ],
    [
      [15, 1],
      ['A+0', 'A+15'],
    ],
    [
      [15, 2, 1],
      ['A+0', 'B+0', 'B+2'],
    ],
    [
      [2, 15, 2],
      ['A+0', 'B+0', 'A+2'],
    ], // the new block has less room left: the old one stays
  ])('of %j bytes lie at %j', (sizes, places) => {
    expect(place(pagesMachine(7), sizes)).toEqual(places);
  });

  test('of 16 bytes, and those with pointers, have slots of their own', () => {
    const m = pagesMachine(7);
    const { ptrs } = types(m);
    expect(place(m, [16, 16])).toEqual(['A+0', 'B+0']);
    const at = [8, 8].map((size) => m.mutator.mallocgc(size, ptrs));
    expect(at.map((addr) => m.heap.objectBase(addr))).toEqual(at);
    expect(m.heap.stats.tinyAllocs).toBe(0);
  });

  test('of two Ps share nothing', () => {
    const m = pagesMachine(7);
    const blocks: number[] = [];
    expect([0, 1, 0, 2, 1].map((p) => place(m, [2], p, blocks)[0])).toEqual(['A+0', 'B+0', 'A+2', 'C+0', 'B+2']);
  });

  test('live in spans of 16-byte slots without pointers', () => {
    const m = pagesMachine(7);
    const addr = m.mutator.mallocgc(3, types(m).bytes);
    expect(m.heap.mspan.spanClass[m.heap.spanOf(addr)]).toBe(noscan(2));
  });
});

describe('a tiny block', () => {
  test('lives as long as a pointer leads into it, and dies with the last one', () => {
    const m = pagesMachine(7);
    const { bytes } = types(m);
    const [a, b] = [m.mutator.mallocgc(4, bytes), m.mutator.mallocgc(4, bytes)];
    const pins = [m.pin(a), m.pin(b)];
    expect(b).toBe(a + 4);
    m.unpin(pins[0]!);
    m.gc.collect();
    m.gc.collect();
    expect(m.heap.isObject(a)).toBe(true); // b is inside it
    m.unpin(pins[1]!);
    m.gc.collect();
    expect([m.heap.isObject(a), m.heap.pages.inUse]).toEqual([false, 0]);
    sound(m);
  });

  test('that is being filled survives the collection that finds it, and the next object opens a new one', () => {
    const m = pagesMachine(7);
    const { bytes } = types(m);
    const a = m.mutator.mallocgc(2, bytes);
    m.gc.collect();
    m.heap.writeBack();
    expect(m.heap.isObject(a)).toBe(true);
    const b = m.mutator.mallocgc(2, bytes);
    expect(b).toBe(a + 16);
    m.gc.collect();
    m.heap.writeBack();
    expect([m.heap.isObject(a), m.heap.isObject(b)]).toEqual([false, true]);
  });

  test('is zero where nobody has written yet, also when its slot is used again', () => {
    const m = pagesMachine(7);
    const { bytes } = types(m);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) {
        const addr = m.mutator.mallocgc(3, bytes);
        expect([...m.arena.u8.subarray(addr, addr + 3)]).toEqual([0, 0, 0]);
        m.arena.u8.fill(0xff, addr, addr + 3);
      }
      m.gc.collect();
    }
  });

  test('is sampled as one object of 16 bytes; what is put into it later is not', () => {
    const m = pagesMachine(7, { memProfileRate: 1 });
    place(m, [1, 1, 8, 4, 1]);
    expect(m.profiler.records(true).map((r) => [r.size, r.allocObjects])).toEqual([[16, 2]]);
    m.gc.collect();
    m.gc.collect();
    expect(m.profiler.records(true).map(inUseObjects)).toEqual([0]);
  });
});
