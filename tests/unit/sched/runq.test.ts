// The run queues: a ring of 256 a P with one place in front of it, and a list for all. Go's TestSchedLocalQueue,
// TestSchedLocalQueueSteal and TestSchedLocalQueueEmpty, and the numbers of reference 6.2.
import { describe, expect, test } from 'vitest';
import type { G } from '../../../sched/g.ts';
import { Op } from '../../../sched/op.ts';
import { type P, Ring } from '../../../sched/p.ts';
import type { RunQueues } from '../../../sched/runq.ts';
import { testMachine } from '../../support/machine.ts';

const p0 = 0 as P;
const p1 = 1 as P;
const runqSize = Ring.size as number;

/** Run queues, with goroutines as their rows; 0: none. */
class Rows {
  private readonly ops: Op[] = [];

  constructor(private readonly runq: RunQueues) {}

  private op(g: number): Op {
    return (this.ops[g] ??= new Op(g as G, 0));
  }
  put(p: P, g: number, next: boolean): void {
    this.runq.put(p, this.op(g), next);
  }
  putGlobal(g: number): void {
    this.runq.putGlobal(this.op(g));
  }
  get(p: P): number {
    return this.runq.get(p)?.g ?? 0;
  }
  getGlobal(p: P, max: number): number {
    return this.runq.getGlobal(p, max)?.g ?? 0;
  }
  steal(p: P, victim: P, nextToo: boolean): number {
    return this.runq.steal(p, victim, nextToo)?.g ?? 0;
  }
  length(p: P): number {
    return this.runq.length(p);
  }
  get globalSize(): number {
    return this.runq.globalSize;
  }
}
const queues = (procs = 3) => new Rows(testMachine({ procs, maxGoroutines: 2000 }).sched.runq);
const gs = (n: number, first = 1) => Array.from({ length: n }, (_, i) => (first + i) as G);

/** Everything that p would run, in order, the global queue not counted. */
const drain = (runq: ReturnType<typeof queues>, p: P) => {
  const out: number[] = [];
  for (let g = runq.get(p); g !== 0; g = runq.get(p)) out.push(g);
  return out;
};

describe('the local queue', () => {
  test('is first in, first out, for every length up to its size', () => {
    const runq = queues();
    for (const n of [0, 1, 2, 100, runqSize]) {
      for (const g of gs(n)) runq.put(p0, g, false);
      expect(runq.length(p0)).toBe(n);
      expect(drain(runq, p0)).toEqual(gs(n));
    }
  });

  test('goes round its ring any number of times', () => {
    const runq = queues();
    for (let round = 0; round < 1000; round++) {
      for (const g of gs(7)) runq.put(p0, g, false);
      expect(drain(runq, p0)).toEqual(gs(7));
    }
  });

  test('what is put next runs first, and kicks the one that was next to the end', () => {
    const runq = queues();
    runq.put(p0, 1 as G, false);
    runq.put(p0, 2 as G, true);
    runq.put(p0, 3 as G, true);
    expect(runq.length(p0)).toBe(3);
    expect(drain(runq, p0)).toEqual([3, 1, 2]);
  });

  test('when it is full, half of it and the new one go to the global queue, oldest first', () => {
    const runq = queues(1);
    for (const g of gs(runqSize + 1)) runq.put(p0, g, false);
    expect([runq.length(p0), runq.globalSize]).toEqual([runqSize / 2, runqSize / 2 + 1]);
    expect(drain(runq, p0)).toEqual(gs(runqSize / 2, runqSize / 2 + 1));
    const global: number[] = [];
    while (runq.globalSize > 0) global.push(runq.getGlobal(p0, 1));
    expect(global).toEqual([...gs(runqSize / 2), runqSize + 1]);
  });

  test('a kicked one overflows as well', () => {
    const runq = queues(1);
    for (const g of gs(runqSize)) runq.put(p0, g, false);
    runq.put(p0, 900 as G, true);
    expect(runq.globalSize).toBe(0);
    runq.put(p0, 901 as G, true);
    expect([runq.length(p0), runq.globalSize]).toEqual([runqSize / 2 + 1, runqSize / 2 + 1]);
    expect(runq.get(p0)).toBe(901);
  });
});

describe('the global queue', () => {
  test('gives one P its share: size / procs + 1, at most 128, and no more than asked for', () => {
    const shares = (
      [
        [1, 3, 0],
        [9, 3, 0],
        [9, 1, 0],
        [9, 3, 1],
        [1000, 2, 0],
      ] as const
    ).map(([size, procs, max]) => {
      const runq = queues(procs);
      for (const g of gs(size)) runq.putGlobal(g);
      expect(runq.getGlobal(p0, max)).toBe(1);
      expect(drain(runq, p0)).toEqual(gs(size - runq.globalSize - 1, 2));
      return size - runq.globalSize;
    });
    expect(shares).toEqual([1, 4, 9, 1, 128]);
  });

  test('of nothing gives nothing', () => {
    expect(queues().getGlobal(p0, 0)).toBe(0);
  });
});

describe('stealing', () => {
  test('takes n - n/2 of the ring, in order; the last of them runs now', () => {
    for (let n = 1; n <= runqSize; n++) {
      const runq = queues();
      for (const g of gs(n)) runq.put(p0, g, false);
      const stolen = runq.steal(p1, p0, true);
      const taken = n - (n >> 1);
      expect(stolen).toBe(taken);
      expect([...drain(runq, p1), stolen], `${n} in the ring`).toEqual(gs(taken));
      expect(drain(runq, p0)).toEqual(gs(n - taken, taken + 1));
    }
  });

  test('takes what is next only when the ring is empty', () => {
    const runq = queues();
    runq.put(p0, 1 as G, false);
    runq.put(p0, 2 as G, true);
    expect(runq.steal(p1, p0, true)).toBe(1);
    expect(runq.length(p0)).toBe(1);
    expect(runq.steal(p1, p0, true)).toBe(2);
    expect(runq.length(p0)).toBe(0);
    expect(runq.steal(p1, p0, true)).toBe(0);
  });

  test('back and forth loses nobody and shows nobody twice', () => {
    const runq = queues();
    for (const g of gs(200)) runq.put(p0, g, g % 3 === 0);
    const seen: number[] = [];
    for (let turn = 0; runq.length(p0) + runq.length(p1) > 0; turn++) {
      const [from, to] = turn % 2 === 0 ? [p0, p1] : [p1, p0];
      const g = runq.steal(to, from, true);
      if (g !== 0) seen.push(g);
      const own = runq.get(from);
      if (own !== 0) seen.push(own);
    }
    expect(seen.sort((a, b) => a - b)).toEqual(gs(200));
  });
});
