// The block and the mutex profile by themselves: which events are kept, how they are counted, and the contract of reading them.
import { describe, expect, test } from 'vitest';
import { BlockProfiler } from '../../../profiler/blockprof.ts';
import type { BlockProfileRecord } from '../../../profiler/records.ts';
import type { Era } from '../../../runtime/internal/era.ts';
import { Rand } from '../../../runtime/internal/rand.ts';
import { Sys } from '../../../runtime/internal/sysmem.ts';
import { profilerOf } from './support.ts';

const a = [0x401000, 0x402000];
const b = [0x403000];

function blocksOf(era: Era = '1.19') {
  const { profiler, arena, sys, order } = profilerOf('three-stage');
  return { blocks: new BlockProfiler(arena, profiler, new Rand(7, 'blockprofile'), era), profiler, sys, order };
}

describe('which block events are kept', () => {
  test('none while the rate is 0, all at rate 1, and what took no time as one tick', () => {
    const { blocks, sys } = blocksOf();
    blocks.blockEvent(5, a, 2);
    expect([blocks.blockRecords(), sys.bytes(Sys.buckHash)]).toEqual([[], 0]);
    blocks.setBlockProfileRate(1);
    blocks.blockEvent(5, a, 2);
    blocks.blockEvent(0, a, 2);
    blocks.blockEvent(-3, b, 1);
    expect(blocks.blockRecords()).toEqual([
      { count: 1, cycles: 1, stack: b },
      { count: 2, cycles: 6, stack: a },
    ]);
  });

  test('a negative rate is off, and any positive one at least a tick', () => {
    const { blocks } = blocksOf();
    const rates = [-5, 0, 1, 2, 10_000].map((rate) => {
      blocks.setBlockProfileRate(rate);
      return blocks.blockRate;
    });
    expect(rates).toEqual([0, 0, 1, 2, 10_000]);
  });

  // golang.org/cl/299991: of two places that wait for the same time in all, the one with shorter waits was under-reported.
  test.each([
    ['2014', 0.1],
    ['1.19', 1],
  ] as const)('era %s: short waits weigh %d of long ones', (era, weight) => {
    const { blocks } = blocksOf(era);
    blocks.setBlockProfileRate(1000);
    for (let i = 0; i < 2000; i++) {
      blocks.blockEvent(1000, a, 2);
      for (let k = 0; k < 10; k++) blocks.blockEvent(100, b, 1);
    }
    const [short, long] = blocks.blockRecords();
    expect(long).toEqual({ count: 2000, cycles: 2_000_000, stack: a });
    expect(short!.cycles / long!.cycles).toBeCloseTo(weight, 1);
    expect(short!.count / 20_000).toBeCloseTo(weight, 1);
  });

  test('a count below one is reported as one', () => {
    const { blocks } = blocksOf();
    blocks.setBlockProfileRate(1);
    blocks.blockEvent(1, a, 2);
    blocks['save'](2, -0.5, 0, a, 2); // no event does that; Go guards against division by zero all the same
    expect(blocks.blockRecords()).toEqual([{ count: 1, cycles: 1, stack: a }]);
  });
});

describe('the mutex profile', () => {
  test('keeps one event of so many, counted as it is, in buckets of its own', () => {
    const { blocks } = blocksOf();
    for (const n of [1, 4]) {
      expect(blocks.setMutexProfileFraction(n)).toBe(n === 1 ? 0 : 1);
      for (let i = 0; i < 4000; i++) blocks.mutexEvent(10, n === 1 ? a : b, n === 1 ? 2 : 1);
    }
    const [fourth, all] = blocks.mutexRecords();
    expect(all).toEqual({ count: 4000, cycles: 40_000, stack: a });
    expect(fourth!.count / 1000).toBeCloseTo(1, 1);
    expect(fourth!.cycles).toBe(fourth!.count * 10);
    expect(blocks.blockRecords()).toEqual([]);
  });

  test('a negative fraction only asks, 0 switches off', () => {
    const { blocks } = blocksOf();
    expect([3, -1, 0, -1].map((n) => blocks.setMutexProfileFraction(n))).toEqual([0, 3, 3, 0]);
    blocks.mutexEvent(10, a, 2);
    expect(blocks.mutexRecords()).toEqual([]);
  });
});

describe('n and ok', () => {
  test.each(['blockProfile', 'mutexProfile'] as const)('%s', (profile) => {
    const { blocks } = blocksOf();
    blocks.setBlockProfileRate(1);
    blocks.setMutexProfileFraction(1);
    for (const stk of [a, b, a]) {
      blocks.blockEvent(2, stk, stk.length);
      blocks.mutexEvent(2, stk, stk.length);
    }
    const slice = (n: number) => Array.from({ length: n }, (): BlockProfileRecord => ({ count: -1, cycles: -1, stack: [] }));
    const short = slice(1);
    expect(blocks[profile](short)).toEqual({ n: 2, ok: false });
    expect(short).toEqual(slice(1));
    const long = slice(3);
    expect(blocks[profile](long)).toEqual({ n: 2, ok: true });
    expect(long).toEqual([{ count: 1, cycles: 2, stack: b }, { count: 2, cycles: 4, stack: a }, ...slice(1)]); // newest first
  });
});

test('stacks keep their 32 innermost frames', () => {
  const { blocks } = blocksOf();
  blocks.setBlockProfileRate(1);
  const deep = Array.from({ length: 40 }, (_, i) => 0x401000 + i);
  blocks.blockEvent(1, deep, 40);
  expect(blocks.blockRecords()[0]!.stack).toEqual(deep.slice(0, 32));
});
