// The page allocator: address-ordered first fit, over chunk borders, against an array of booleans.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkPages } from '../../../heap/layout.ts';
import { PageAlloc } from '../../../heap/mpagealloc.ts';
import { carved } from '../internal/support.ts';

const fresh = (limit: number) => carved((mem) => new PageAlloc(mem, limit)).tables;

/** A page allocator whose limit exists already. */
function grown(limit: number): PageAlloc {
  const pages = fresh(limit);
  if (!pages.grow(limit)) throw new Error('grow');
  return pages;
}

describe('first fit', () => {
  test('takes the lowest run that is long enough', () => {
    const p = grown(64);
    expect([p.alloc(3), p.alloc(2), p.alloc(1), p.alloc(4)]).toEqual([0, 3, 5, 6]);
    p.free(3, 2); // ...##.####
    expect(p.alloc(3)).toBe(10);
    expect([p.alloc(1), p.alloc(1), p.alloc(1)]).toEqual([3, 4, 13]);
    expect(p.findings()).toEqual([]);
  });

  test('joins freed neighbours', () => {
    const p = grown(64);
    for (let i = 0; i < 64; i++) p.alloc(1);
    expect(p.alloc(1)).toBe(-1);
    for (const page of [31, 33, 32]) p.free(page, 1); // over a word of the bitmap
    expect(p.alloc(3)).toBe(31);
    expect([p.inUse, p.findings()]).toEqual([64, []]);
  });

  test('crosses the border of two chunks', () => {
    const p = grown(2 * chunkPages);
    expect(p.alloc(500)).toBe(0);
    expect(p.alloc(100)).toBe(500);
    expect(p.alloc(1)).toBe(600);
    p.free(511, 2);
    expect(p.alloc(2)).toBe(511);
    expect(p.findings()).toEqual([]);
  });

  test('runs through whole free chunks', () => {
    const p = grown(4 * chunkPages + 7);
    expect(p.alloc(400)).toBe(0);
    expect(p.alloc(3 * chunkPages)).toBe(400);
    expect(p.alloc(112)).toBe(400 + 3 * chunkPages);
    expect([p.alloc(8), p.alloc(7)]).toEqual([-1, 4 * chunkPages]);
    expect(p.findings()).toEqual([]);
  });

  test('prefers a short run before the border to a longer one behind it', () => {
    const p = grown(2 * chunkPages);
    p.alloc(chunkPages - 2);
    const middle = p.alloc(4); // the last two pages of a chunk and the first two of the next
    p.alloc(6);
    p.free(middle, 4);
    expect(p.alloc(4)).toBe(chunkPages - 2);
  });
});

describe('growing', () => {
  test('goes in chunks of 512 pages, up to the limit', () => {
    const p = fresh(1300);
    const sizes: number[] = [];
    while (p.grow(1)) sizes.push(p.grown);
    expect(sizes).toEqual([512, 1024, 1300]);
    expect([p.grow(1), p.grown]).toEqual([false, 1300]);
  });

  test('a heap of 7 pages has 7 pages', () => {
    const p = fresh(7);
    expect([p.alloc(1), p.grow(8), p.grown]).toEqual([-1, false, 0]);
    expect([p.grow(7), p.grown, p.alloc(8), p.alloc(7), p.alloc(1)]).toEqual([true, 7, -1, 0, -1]);
    expect(p.findings()).toEqual([]);
  });

  test('takes several chunks at once for a long run', () => {
    const p = fresh(2000);
    expect([p.grow(513), p.grown, p.alloc(513)]).toEqual([true, 1024, 0]);
  });

  test('a run may begin in the free pages that end the heap now', () => {
    const p = fresh(2 * chunkPages);
    p.grow(1);
    p.alloc(1);
    expect(p.grow(2 * chunkPages - 1)).toBe(true); // 511 free pages are there, 512 more are to be had
    expect(p.alloc(2 * chunkPages - 1)).toBe(1);
    expect(p.findings()).toEqual([]);
  });

  test('an empty heap that has grown once can still be had as one run', () => {
    const p = fresh(2 * chunkPages);
    p.grow(1);
    p.free(p.alloc(1), 1);
    expect([p.grow(2 * chunkPages), p.alloc(2 * chunkPages)]).toEqual([true, 0]);
  });

  test('what cannot be had does not grow the heap', () => {
    const p = fresh(2 * chunkPages);
    p.grow(1);
    p.alloc(3);
    expect([p.grow(2 * chunkPages - 2), p.grown]).toEqual([false, chunkPages]);
  });
});

test('freeing a page that is free is a throw that names it, and changes nothing', () => {
  const p = grown(100);
  p.alloc(10);
  p.free(4, 2);
  expect(() => p.free(3, 3)).toThrow('pageAlloc.free: page 4 is not in use');
  expect(() => p.free(200, 1)).toThrow('pageAlloc.free: page 200 is not in use');
  expect([p.isInUse(3), p.inUse, p.findings()]).toEqual([true, 8, []]);
});

test('zeroedBase is the high-water mark: it only grows', () => {
  const p = grown(100);
  const marks = [p.zeroedBase];
  for (const n of [5, 20, 3]) {
    p.alloc(n);
    marks.push(p.zeroedBase);
  }
  p.free(0, 28);
  p.alloc(9);
  marks.push(p.zeroedBase);
  expect(marks).toEqual([0, 5, 25, 28, 28]);
});

/** An array of booleans. */
class Model {
  used: boolean[] = [];

  firstFit(n: number): number {
    for (let from = 0, run = 0; from + run < this.used.length; ) {
      if (this.used[from + run]) {
        from += run + 1;
        run = 0;
      } else if (++run === n) return from;
    }
    return -1;
  }

  tail(): number {
    let n = 0;
    while (n < this.used.length && !this.used[this.used.length - n - 1]) n++;
    return n;
  }

  fill(page: number, n: number, used: boolean): void {
    this.used.fill(used, page, page + n);
  }
}

test('model: random allocations and frees agree with an array of booleans, page for page', () => {
  const size = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
    { weight: 3, arbitrary: fc.integer({ min: 13, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 301, max: 1100 }) },
  );
  const op = fc.oneof(
    { weight: 3, arbitrary: fc.record({ what: fc.constant('alloc' as const), n: size }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('free' as const), at: fc.nat(), part: fc.nat() }) },
  );
  const limit = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 500, max: 1700 }));
  fc.assert(
    fc.property(limit, fc.array(op, { maxLength: 60, size: 'max' }), (limit, ops) => {
      const p = fresh(limit);
      const model = new Model();
      const runs: { page: number; n: number }[] = [];
      for (const op of ops) {
        if (op.what === 'alloc') {
          const want = model.firstFit(op.n);
          let page = p.alloc(op.n);
          expect(page, `alloc(${op.n}) of ${model.used.length} pages`).toBe(want);
          if (page < 0) {
            const room = Math.min(limit - model.used.length, Math.ceil(op.n / chunkPages) * chunkPages);
            const enough = model.tail() + room >= op.n;
            expect(p.grow(op.n), `grow(${op.n})`).toBe(enough);
            if (enough) for (let i = 0; i < room; i++) model.used.push(false);
            expect(p.grown).toBe(model.used.length);
            page = p.alloc(op.n);
            expect(page).toBe(model.firstFit(op.n));
          }
          if (page < 0) continue;
          model.fill(page, op.n, true);
          runs.push({ page, n: op.n });
        } else if (runs.length > 0) {
          const run = runs.splice(op.at % runs.length, 1)[0]!;
          const from = op.part % run.n; // a part of a run may be freed, too: bits know no runs
          p.free(run.page + from, run.n - from);
          model.fill(run.page + from, run.n - from, false);
          if (from > 0) runs.push({ page: run.page, n: from });
        }
        expect(p.findings()).toEqual([]);
        expect(p.inUse).toBe(model.used.filter(Boolean).length);
      }
      expect(model.used.map((_, page) => p.isInUse(page))).toEqual(model.used);
    }),
    { numRuns: 150 },
  );
});
