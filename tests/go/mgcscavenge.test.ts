// mgcscavenge_test.go, and what malloc_test.go says of the scavenger: which pages are released first, and that giving memory
// back takes one percent of the time.
import { expect, test } from 'vitest';
import { releaseNanos, Scavenger, scavengeShare } from '../../gc/mgcscavenge.ts';
import { chunkPages as pages } from '../../heap/layout.ts';
import type { PageAlloc } from '../../heap/mpagealloc.ts';
import { testMachine } from '../support/machine.ts';
import { type Chunks, pageAlloc, pageAt, type Run, releaseRuns } from './pages.ts';

/** The released runs of each chunk that `like` names. */
function releasedRuns(p: PageAlloc, like: Chunks): Chunks {
  const out: Record<number, Run[]> = {};
  for (const chunk of Object.keys(like).map(Number)) {
    const runs: [number, number][] = [];
    for (let i = 0; i < pages; i++) {
      if (!p.isReleased(pageAt(chunk, i))) continue;
      const last = runs.at(-1);
      if (last !== undefined && last[0] + last[1] === i) last[1]++;
      else runs.push([i, 1]);
    }
    out[chunk] = runs;
  }
  return out;
}

interface Case {
  name: string;
  alloc: Chunks;
  before: Chunks;
  /** Pages asked for, and pages released. */
  expects: readonly (readonly [asked: number, released: number])[];
  after: Chunks;
}

const most = Number.MAX_SAFE_INTEGER;
// biome-ignore format: a table
test.each<Case>([
  {
    name: 'AllFreeUnscavExhaust',
    alloc: { 0: [], 1: [], 2: [] }, before: {},
    expects: [[most, 3 * pages]],
    after: { 0: [[0, pages]], 1: [[0, pages]], 2: [[0, pages]] },
  },
  {
    name: 'NoneFreeUnscavExhaust',
    alloc: { 0: [[0, pages]], 1: [], 2: [[0, pages]] }, before: { 1: [[0, pages]] },
    expects: [[most, 0]],
    after: { 0: [], 1: [[0, pages]], 2: [] },
  },
  {
    name: 'ScavHighestPageFirst',
    alloc: { 0: [] }, before: { 0: [[1, pages - 2]] },
    expects: [[1, 1]],
    after: { 0: [[1, pages - 1]] },
  },
  {
    name: 'ScavMultiple',
    alloc: { 0: [] }, before: { 0: [[1, pages - 2]] },
    expects: [[1, 1], [1, 1]],
    after: { 0: [[0, pages]] },
  },
  {
    name: 'ScavMultiple2',
    alloc: { 0: [], 1: [] }, before: { 0: [[1, pages - 2]], 1: [[0, pages - 2]] },
    expects: [[2, 2], [1, 1], [1, 1]],
    after: { 0: [[0, pages]], 1: [[0, pages]] },
  },
  {
    name: 'ScavDiscontiguous',
    alloc: { 0: [], 14: [] }, before: { 0: [[1, pages - 2]], 14: [[2, pages - 2]] },
    expects: [[2, 2], [most, 2], [most, 0]],
    after: { 0: [[0, pages]], 14: [[0, pages]] },
  },
])('TestPageAllocScavenge/$name', ({ alloc, before, expects, after }) => {
  const p = pageAlloc(alloc);
  releaseRuns(p, before);
  for (const [asked, released] of expects) expect(p.release(asked)).toBe(released);
  expect(releasedRuns(p, after)).toEqual(after);
  expect(p.findings()).toEqual([]);
});

test('TestScavengedBitsCleared', () => {
  const m = testMachine({ heapBytes: 8 << 20, checkHeap: false, gogc: 'off' });
  const type = m.heap.types.define('test.Block', 64, []);
  for (const bytes of [64, 3000, 100_000, 64, 1 << 20]) {
    for (let i = 0; i < 40 && bytes * i < 2 << 20; i++) m.mutator.mallocgc(bytes, type);
    m.gc.collect();
    m.gc.scavengeAll();
    m.mutator.mallocgc(50_000, type);
    const { pages: p } = m.heap;
    for (let page = 0; page < p.grown; page++) expect(p.isInUse(page) && p.isReleased(page)).toBe(false);
    expect(p.findings()).toEqual([]);
  }
});

test('TestScavenger', () => {
  const totalWork = (64 << 20) - 3 * 4096;
  let [available, released, worked, slept, now] = [0, 0, 0, 0, 0];
  const s = new Scavenger({
    release: (bytes) => {
      const done = Math.min(bytes, available);
      available -= done;
      released += done;
      return done;
    },
    retained: () => available,
    mappedReady: () => 0,
    procs: () => 1,
  });
  s.gcPercentGoal = 0; // Go's test says when to stop; here it is the goal that says so
  const untilParked = () => {
    s.ready(now);
    while (s.wakeAt !== Infinity) {
      const began = s.wakeAt;
      const nanos = s.step();
      worked += nanos;
      now = began + nanos;
      if (s.wakeAt !== Infinity) slept += s.wakeAt - now;
    }
  };
  const verify = (work: number) => {
    expect(released).toBe(work);
    expect(worked).toBeCloseTo(releaseNanos(work), 0);
    expect(Math.abs(worked / (worked + slept) - scavengeShare)).toBeLessThan(0.005);
  };
  available = totalWork;
  untilParked();
  verify(totalWork);
  untilParked(); // nothing to do: it goes right back to sleep
  verify(totalWork);
  available = totalWork;
  untilParked();
  verify(2 * totalWork);
  const stoppingPoint = (1 << 20) - 3 * 4096;
  available = totalWork;
  s.gcPercentGoal = stoppingPoint;
  untilParked();
  verify(2 * totalWork + (totalWork - stoppingPoint));
});
