// mpallocbits_test.go: the bits and the summary of one chunk. Go has a type for them; here they are part of the page
// allocator, so each case is a heap of one chunk.
import { describe, expect, test } from 'vitest';
import { chunkPages as pages } from '../../heap/layout.ts';
import type { PageAlloc } from '../../heap/mpagealloc.ts';
import { Rand } from '../../runtime/internal/rand.ts';
import { chunksOf, complement, pageAlloc, type Run } from './pages.ts';

/** A chunk with these runs in use. Go's makePallocBits. */
const bits = (runs: readonly Run[]) => pageAlloc({ 0: runs });
const runsOf = (p: PageAlloc) => chunksOf(p, { 0: [] })[0]!;
/** Free pages at the start, the longest run of free pages, free pages at the end. */
const summaryOf = (p: PageAlloc) => {
  const { start, max, end } = p['summary'](0);
  return [start, max, end];
};

describe('TestPallocBitsAllocRange', () => {
  const ones = (n: number) => new Array<number>(n).fill(-1);
  const zeros = (n: number) => new Array<number>(n).fill(0);
  test.each<[name: string, first: number, n: number, words: number[]]>([
    ['OneLow', 0, 1, [1, ...zeros(15)]],
    ['OneHigh', pages - 1, 1, [...zeros(15), 1 << 31]],
    ['Inner', 129, 5, [...zeros(4), 0x3e, ...zeros(11)]],
    ['Aligned', 128, 128, [...zeros(4), ...ones(4), ...zeros(8)]],
    ['Begin', 0, 321, [...ones(10), 1, ...zeros(5)]],
    ['End', pages - 193, 193, [...zeros(9), 1 << 31, ...ones(6)]],
    ['All', 0, pages, ones(16)],
  ])('%s', (_, first, n, words) => {
    const p = bits([]);
    p['setRange'](first, n, true);
    expect([...(p['bits'] as unknown as Int32Array)]).toEqual(words);
  });
});

test('TestPallocBitsSummarizeRandom', () => {
  const rand = new Rand(1, 'bits');
  for (let round = 0; round < 300; round++) {
    const used = Array.from({ length: pages }, () => rand.below(1 + (round % 7)) === 0);
    const p = bits([]);
    for (const [page, is] of used.entries()) if (is) p['setRange'](page, 1, true);
    const runs = used
      .map((is) => (is ? '#' : '.'))
      .join('')
      .split('#')
      .map((run) => run.length);
    expect(summaryOf(p)).toEqual([runs[0], Math.max(...runs), runs.at(-1)]);
  }
});

// biome-ignore format: a table
test.each<[name: string, free: Run[], summary: number[]]>([
  ['NoneFree', [], [0, 0, 0]],
  ['OnlyStart', [[0, 10]], [10, 10, 0]],
  ['OnlyEnd', [[pages - 40, 40]], [0, 40, 40]],
  ['StartAndEnd', [[0, 11], [pages - 23, 23]], [11, 23, 23]],
  ['StartMaxEnd', [[0, 4], [50, 100], [pages - 4, 4]], [4, 100, 4]],
  ['OnlyMax', [[1, 20], [35, 241], [pages - 50, 30]], [0, 241, 0]],
  ['MultiMax', [[35, 2], [40, 5], [100, 5]], [0, 5, 0]],
  ['One', [[2, 1]], [0, 1, 0]],
  ['AllFree', [[0, pages]], [pages, pages, pages]],
])('TestPallocBitsSummarize/%s', (_, free, summary) => {
  expect(summaryOf(bits(complement(free)))).toEqual(summary);
});

const half = pages / 2;
const full: Run[] = [[0, pages]];

// biome-ignore format: a table
test.each<[name: string, npages: number, before: Run[], hits: number[], after: Run[]]>([
  ['AllFree1', 1, [], [0, 1, 2, 3, 4, 5], [[0, 6]]],
  ['AllFree2', 2, [], [0, 2, 4, 6, 8, 10], [[0, 12]]],
  ['AllFree5', 5, [], [0, 5, 10, 15, 20], [[0, 25]]],
  ['AllFree64', 64, [], [0, 64, 128], [[0, 192]]],
  ['AllFree65', 65, [], [0, 65, 130], [[0, 195]]],
  ['SomeFree64', 64, [[0, 32], [64, 32], [100, pages - 100]], [-1], [[0, 32], [64, 32], [100, pages - 100]]],
  ['NoneFree1', 1, full, [-1, -1], full],
  ['NoneFree2', 2, full, [-1, -1], full],
  ['NoneFree5', 5, full, [-1, -1], full],
  ['NoneFree65', 65, full, [-1, -1], full],
  ['ExactFit1', 1, [[0, half - 3], [half - 2, half + 2]], [half - 3, -1], full],
  ['ExactFit2', 2, [[0, half - 3], [half - 1, half + 1]], [half - 3, -1], full],
  ['ExactFit5', 5, [[0, half - 3], [half + 2, half - 2]], [half - 3, -1], full],
  ['ExactFit65', 65, [[0, half - 31], [half + 34, half - 34]], [half - 31, -1], full],
  ['SomeFree161', 161, [[0, 185], [331, 1]], [332], [[0, 185], [331, 162]]],
])('TestPallocBitsAlloc/%s', (_, npages, before, hits, after) => {
  const p = bits(before);
  expect(hits.map(() => p.alloc(npages))).toEqual(hits);
  expect(runsOf(p)).toEqual(after);
});

// biome-ignore format: a table
test.each<[name: string, npages: number, freeBefore: Run[], frees: number[], freeAfter: Run[]]>([
  ['SomeFree', 1, [[0, 32], [64, 32], [100, 1]], [32], [[0, 33], [64, 32], [100, 1]]],
  ['NoneFree1', 1, [], [0, 1, 2, 3, 4, 5], [[0, 6]]],
  ['NoneFree2', 2, [], [0, 2, 4, 6, 8, 10], [[0, 12]]],
  ['NoneFree5', 5, [], [0, 5, 10, 15, 20], [[0, 25]]],
  ['NoneFree64', 64, [], [0, 64, 128], [[0, 192]]],
  ['NoneFree65', 65, [], [0, 65, 130], [[0, 195]]],
])('TestPallocBitsFree/%s', (_, npages, freeBefore, frees, freeAfter) => {
  const p = bits(complement(freeBefore));
  for (const page of frees) p.free(page, npages);
  expect(complement(runsOf(p))).toEqual(freeAfter);
});

test('TestFindBitRange64', () => {
  /** Where n ones in a row begin in a word of 64 bits: there the ones are the free pages of a chunk that is full otherwise. */
  const find = (word: bigint, n: number): number => {
    const used: Run[] = [];
    for (let i = 0; i < 64; i++) if (((word >> BigInt(i)) & 1n) === 0n) used.push([i, 1]);
    return bits([...used, [64, pages - 64]])['find'](n);
  };
  const ones = (1n << 64n) - 1n;
  for (let n = 1; n <= 64; n++) expect([find(ones, n), find(0n, n)], `${n} ones`).toEqual([0, -1]);
  expect(find(0x8000000000000000n, 1)).toBe(63);
  expect(find(0xc000010001010000n, 2)).toBe(62);
  expect(find(0xc000010001030000n, 2)).toBe(16);
  expect(find(0xe000030001030000n, 3)).toBe(61);
  expect(find(0xe000030001070000n, 3)).toBe(16);
  expect(find(0xffff03ff01070000n, 16)).toBe(48);
  expect(find(0xffff03ff0107ffffn, 16)).toBe(0);
  expect(find(0x0fff03ff01079fffn, 16)).toBe(-1);
});
