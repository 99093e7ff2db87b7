// mpagealloc_test.go: the page allocator's tables of inputs and outputs. Go says where each run must lie and which pages are in
// use afterwards, and how many of them the system has to back anew; -1 stands for its address 0, "there is none".
import { describe, expect, test } from 'vitest';
import { chunkPages as pages } from '../../heap/layout.ts';
import { PageAlloc } from '../../heap/mpagealloc.ts';
import { carved } from '../unit/internal/support.ts';
import { type Chunks, chunksOf, pageAlloc, pageAt, releaseRuns } from './pages.ts';

/** Chunks 0 to n-1, each with the same runs. */
const all = (n: number, runs: Chunks[number]): Chunks => Object.fromEntries(Array.from({ length: n }, (_, chunk) => [chunk, runs]));

test.each([
  ['One', 1],
  ['Contiguous2', 2],
  ['Contiguous5', 5],
])('TestPageAllocGrow/%s', (_, chunks) => {
  const p = carved((mem) => new PageAlloc(mem, 8 * pages)).tables;
  for (let i = 0; i < chunks; i++) {
    expect(p.grow(pages)).toBe(true);
    expect(p.grown).toBe((i + 1) * pages);
  }
  expect([p.inUse, p.alloc(chunks * pages), p.alloc(1), p.findings()]).toEqual([0, 0, -1, []]);
});

/** Runs to be allocated: pages, where the run must lie, and how many of its pages were released before. */
interface Alloc {
  name: string;
  before: Chunks;
  released: Chunks;
  after: Chunks;
  hits: readonly (readonly [npages: number, page: number, pagedIn: number])[];
}

const full = [[0, pages]] as const;

// biome-ignore format: a table
test.each<Alloc>([
  {
    name: 'AllFree1',
    before: { 0: [] },
    released: { 0: [[0, 1], [2, 2]] },
    hits: [[1, 0, 1], [1, 1, 0], [1, 2, 1], [1, 3, 1], [1, 4, 0]],
    after: { 0: [[0, 5]] },
  },
  {
    name: 'ManyArena1',
    before: { 0: full, 1: full, 2: [[0, pages - 1]] },
    released: all(3, full),
    hits: [[1, pageAt(2, pages - 1), 1]],
    after: all(3, full),
  },
  {
    name: 'NotContiguous1',
    before: { 0: full, 255: [] },
    released: { 0: full, 255: full },
    hits: [[1, pageAt(255, 0), 1]],
    after: { 0: full, 255: [[0, 1]] },
  },
  {
    name: 'AllFree2',
    before: { 0: [] },
    released: { 0: [[0, 3], [7, 1]] },
    hits: [[2, 0, 2], [2, 2, 1], [2, 4, 0], [2, 6, 1], [2, 8, 0]],
    after: { 0: [[0, 10]] },
  },
  {
    name: 'Straddle2',
    before: { 0: [[0, pages - 1]], 1: [[1, pages - 1]] },
    released: { 0: [[pages - 1, 1]] },
    hits: [[2, pages - 1, 1]],
    after: all(2, full),
  },
  {
    name: 'AllFree5',
    before: { 0: [] },
    released: { 0: [[0, 8], [9, 1], [17, 5]] },
    hits: [[5, 0, 5], [5, 5, 4], [5, 10, 0], [5, 15, 3], [5, 20, 2]],
    after: { 0: [[0, 25]] },
  },
  {
    name: 'AllFree64',
    before: { 0: [] },
    released: { 0: [[21, 1], [63, 65]] },
    hits: [[64, 0, 2], [64, 64, 64], [64, 128, 0]],
    after: { 0: [[0, 192]] },
  },
  {
    name: 'AllFree65',
    before: { 0: [] },
    released: { 0: [[129, 1]] },
    hits: [[65, 0, 0], [65, 65, 1], [65, 130, 0]],
    after: { 0: [[0, 195]] },
  },
  {
    name: 'ExhaustPallocChunkPages-3',
    before: { 0: [] },
    released: { 0: [[10, 1]] },
    hits: [[pages - 3, 0, 1], [pages - 3, -1, 0], [1, pages - 3, 0], [2, pages - 2, 0], [1, -1, 0], [pages - 3, -1, 0]],
    after: { 0: full },
  },
  {
    name: 'AllFreePallocChunkPages',
    before: { 0: [] },
    released: { 0: [[0, 1], [pages - 1, 1]] },
    hits: [[pages, 0, 2], [pages, -1, 0], [1, -1, 0]],
    after: { 0: full },
  },
  {
    name: 'StraddlePallocChunkPages',
    before: { 0: [[0, pages / 2]], 1: [[pages / 2, pages / 2]] },
    released: { 1: [[3, 100]] },
    hits: [[pages, pages / 2, 100], [pages, -1, 0], [1, -1, 0]],
    after: all(2, full),
  },
  {
    name: 'StraddlePallocChunkPages+1',
    before: { 0: [[0, pages / 2]], 1: [] },
    released: all(2, full),
    hits: [[pages + 1, pages / 2, pages + 1], [pages, -1, 0], [1, pageAt(1, pages / 2 + 1), 1]],
    after: { 0: full, 1: [[0, pages / 2 + 2]] },
  },
  {
    name: 'AllFreePallocChunkPages*2',
    before: { 0: [], 1: [] },
    released: {},
    hits: [[pages * 2, 0, 0], [pages * 2, -1, 0], [1, -1, 0]],
    after: all(2, full),
  },
  {
    name: 'NotContiguousPallocChunkPages*2',
    before: { 0: [], 64: [], 65: [] },
    released: { 0: full },
    hits: [[pages * 2, pageAt(64, 0), 0], [21, 0, 21], [1, 21, 1]],
    after: { 0: [[0, 22]], 64: full, 65: full },
  },
  {
    name: 'StraddlePallocChunkPages*2',
    before: { 0: [[0, pages / 2]], 1: [], 2: [[pages / 2, pages / 2]] },
    released: { 0: [[0, 7]], 1: [[3, 5], [121, 10]], 2: [[pages / 2 + 12, 2]] },
    hits: [[pages * 2, pages / 2, 15], [pages * 2, -1, 0], [1, -1, 0]],
    after: all(3, full),
  },
  {
    name: 'StraddlePallocChunkPages*5/4',
    before: { 0: full, 1: [[0, (pages * 3) / 4]], 2: [[0, (pages * 3) / 4]], 3: [] },
    released: { 0: full, 1: [[pages / 2, pages / 4 + 1]], 2: [[Math.floor(pages / 3), 1]], 3: [[Math.floor((pages * 2) / 3), 1]] },
    hits: [[(pages * 5) / 4, pageAt(2, (pages * 3) / 4), 1], [(pages * 5) / 4, -1, 0], [1, pageAt(1, (pages * 3) / 4), 1]],
    after: { 0: full, 1: [[0, (pages * 3) / 4 + 1]], 2: full, 3: full },
  },
  {
    name: 'AllFreePallocChunkPages*7+5',
    before: all(8, []),
    released: { 0: [[50, 1]], 1: [[31, 1]], 2: [[7, 1]], 3: [[200, 1]], 4: [[3, 1]], 5: [[51, 1]], 6: [[20, 1]], 7: [[1, 1]] },
    hits: [[pages * 7 + 5, 0, 8], [pages * 7 + 5, -1, 0], [1, pageAt(7, 5), 0]],
    after: { ...all(7, full), 7: [[0, 6]] },
  },
  {
    name: 'DiscontiguousBadSearchAddr', // what is left in the first two chunks must still be found after a run that passes them by
    before: { 0: [[0, pages - 1]], 83: [[0, pages - 10], [pages - 1, 1]], 255: [] },
    released: {},
    hits: [[1, pages - 1, 0], [100, pageAt(255, 0), 0], [9, pageAt(83, pages - 10), 0]],
    after: { 0: full, 83: full, 255: [[0, 100]] },
  },
])('TestPageAllocAlloc/$name', ({ before, released, hits, after }) => {
  const p = pageAlloc(before);
  releaseRuns(p, released);
  for (const [npages, page, pagedIn] of hits) {
    const were = p.released;
    expect([p.alloc(npages), were - p.released], `${npages} pages`).toEqual([page, pagedIn]);
  }
  expect(chunksOf(p, after)).toEqual(after);
  expect(p.findings()).toEqual([]);
});

test.each([1, 2, 3, 4, 5, 8, 16, 64, 1024, 1025, 2048, 2049])('TestPageAllocExhaust/%i', (npages) => {
  const p = pageAlloc(all(4, []));
  const runs = Math.floor((4 * pages) / npages);
  for (let i = 0; i < runs; i++) expect(p.alloc(npages)).toBe(i * npages);
  expect(p.alloc(npages)).toBe(-1);
  for (let page = 0; page < 4 * pages; page++) expect(p.isInUse(page)).toBe(page < runs * npages);
  expect(p.findings()).toEqual([]);
});

/** Runs of npages pages to be freed, by their first page. */
interface Free {
  name: string;
  npages: number;
  before: Chunks;
  frees: readonly number[];
  after: Chunks;
}

// biome-ignore format: a table
test.each<Free>([
  { name: 'Free1', npages: 1, before: { 0: full }, frees: [0, 1, 2, 3, 4], after: { 0: [[5, pages - 5]] } },
  {
    name: 'ManyArena1',
    npages: 1,
    before: all(3, full),
    frees: [pages / 2, pageAt(1, 0), pageAt(2, pages - 1)],
    after: { 0: [[0, pages / 2], [pages / 2 + 1, pages / 2 - 1]], 1: [[1, pages - 1]], 2: [[0, pages - 1]] },
  },
  { name: 'Free2', npages: 2, before: { 0: full }, frees: [0, 2, 4, 6, 8], after: { 0: [[10, pages - 10]] } },
  { name: 'Straddle2', npages: 2, before: { 0: [[pages - 1, 1]], 1: [[0, 1]] }, frees: [pages - 1], after: { 0: [], 1: [] } },
  { name: 'Free5', npages: 5, before: { 0: full }, frees: [0, 5, 10, 15, 20], after: { 0: [[25, pages - 25]] } },
  { name: 'Free64', npages: 64, before: { 0: full }, frees: [0, 64, 128], after: { 0: [[192, pages - 192]] } },
  { name: 'Free65', npages: 65, before: { 0: full }, frees: [0, 65, 130], after: { 0: [[195, pages - 195]] } },
  { name: 'FreePallocChunkPages', npages: pages, before: { 0: full }, frees: [0], after: { 0: [] } },
  {
    name: 'StraddlePallocChunkPages',
    npages: pages,
    before: { 0: [[pages / 2, pages / 2]], 1: [[0, pages / 2]] },
    frees: [pages / 2],
    after: { 0: [], 1: [] },
  },
  {
    name: 'StraddlePallocChunkPages+1',
    npages: pages + 1,
    before: all(2, full),
    frees: [pages / 2],
    after: { 0: [[0, pages / 2]], 1: [[pages / 2 + 1, pages / 2 - 1]] },
  },
  { name: 'FreePallocChunkPages*2', npages: pages * 2, before: all(2, full), frees: [0], after: all(2, []) },
  {
    name: 'StraddlePallocChunkPages*2',
    npages: pages * 2,
    before: all(3, full),
    frees: [pages / 2],
    after: { 0: [[0, pages / 2]], 1: [], 2: [[pages / 2, pages / 2]] },
  },
  {
    name: 'AllFreePallocChunkPages*7+5',
    npages: pages * 7 + 5,
    before: all(8, full),
    frees: [0],
    after: { ...all(7, []), 7: [[5, pages - 5]] },
  },
])('TestPageAllocFree/$name', ({ npages, before, frees, after }) => {
  const p = pageAlloc(before);
  for (const page of frees) p.free(page, npages);
  expect(chunksOf(p, after)).toEqual(after);
  expect(p.findings()).toEqual([]);
});

describe('TestPageAllocAllocAndFree', () => {
  test('Chunks8', () => {
    const p = pageAlloc(all(8, []));
    for (const npages of [8 * pages, 8 * pages, 8 * pages, 1, 8 * pages]) {
      expect(p.alloc(npages)).toBe(0);
      p.free(0, npages);
    }
    expect([p.inUse, p.findings()]).toEqual([0, []]);
  });
});
