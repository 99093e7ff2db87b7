// The pacer in a machine: limits that hold, sweeps that end in time, workers that take the share that the table gives them.
import { describe, expect, test } from 'vitest';
import { WorkerMode } from '../../../gc/mgcworkers.ts';
import { f64, Runtime, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { testMachine } from '../../support/machine.ts';

const MiB = 1 << 20;
const big = { heapBytes: 64 * MiB, memProfileRate: 0, checkHeap: false, checkMark: false };

/** Keeps a list of `bytes` alive; returns what allocates 64 bytes of garbage. */
function load(m: Machine, bytes: number): () => void {
  const node = m.heap.types.define('test.Link', 64, [1]);
  const head = m.pin(0) >>> 2;
  for (let made = 0; made < bytes; made += 64) {
    const addr = m.mutator.newObject(node);
    m.mutator.storePointer((addr >>> 2) + 1, m.heap.w[head]!);
    m.mutator.storePointer(head, addr);
  }
  return () => void m.mutator.newObject(node);
}

const mapped = (m: Machine) => m.heap.pages.zeroedBase * pageSize + m.sys.obtained();

describe('TestMemoryLimit on a machine', () => {
  for (const [live, limit] of [
    [2, 12],
    [6, 20],
    [10, 32],
  ] as const) {
    test(`GOGC=off, ${live} MiB live, limit ${limit} MiB: memory stays below it`, () => {
      const m = testMachine({ ...big, gogc: 'off' });
      m.gc.setMemoryLimit(limit * MiB);
      const garbage = load(m, live * MiB);
      for (let made = 0; made < 100 * MiB; made += 64) garbage();
      expect(mapped(m)).toBeLessThan(limit * MiB);
      expect(mapped(m)).toBeGreaterThan((limit - 4) * MiB); // and what it allows is used
      expect(m.gc.numGC).toBeGreaterThan(3);
    });
  }

  test('GOGC=off without a limit: the same program fills the arena', () => {
    const m = testMachine({ ...big, gogc: 'off' });
    const garbage = load(m, 2 * MiB);
    for (let made = 0; made < 40 * MiB; made += 64) garbage();
    expect(m.gc.numGC).toBe(0);
    expect(mapped(m)).toBeGreaterThan(40 * MiB);
  });

  test('more lives than the limit allows: cycle after cycle, and the program goes on', () => {
    const cycles = [Infinity, 6 * MiB].map((limit) => {
      const m = testMachine(big);
      m.gc.setMemoryLimit(limit);
      const garbage = load(m, 10 * MiB);
      const before = m.gc.numGC;
      for (let made = 0; made < 4 * MiB; made += 64) garbage();
      if (limit !== Infinity) expect(m.gc.pacer.goal).toBe(m.gc.pacer.heapMarked);
      return m.gc.numGC - before;
    });
    expect(cycles[0]).toBeLessThan(2);
    expect(cycles[1]).toBeGreaterThan(2); // a tenth of the heap is allocated in each, whatever the goal
  });

  test('SetMemoryLimit returns the old one; a negative number only reads; a lower one moves the goal at once', () => {
    const { gc } = testMachine(big);
    expect(gc.setMemoryLimit(16 * MiB)).toBe(Infinity);
    expect(gc.setMemoryLimit(-1)).toBe(16 * MiB);
    expect(gc.setMemoryLimit(3 * MiB)).toBe(16 * MiB);
    expect(gc.pacer.goal).toBeLessThan(2 * MiB);
    expect(gc.setMemoryLimit(Infinity)).toBe(3 * MiB);
    expect(gc.pacer.goal).toBe(4 * MiB);
  });
});

describe('TestSetGCPercent on a machine', () => {
  test('the goal follows GOGC, of what is marked and of roots', () => {
    const m = testMachine(big);
    load(m, 8 * MiB);
    m.gc.collect();
    const { pacer } = m.gc;
    const roots = pacer.lastStackScan + pacer.globalsScan;
    expect(pacer.heapMarked).toBeGreaterThanOrEqual(8 * MiB);
    for (const percent of [50, 100, 300]) {
      m.gc.setGCPercent(percent);
      expect(pacer.goal).toBe(pacer.heapMarked + Math.floor(((pacer.heapMarked + roots) * percent) / 100));
    }
  });

  test('while marking, the price of allocation follows at once', () => {
    const m = testMachine({ ...big, gogc: 60 });
    load(m, 8 * MiB);
    m.gc.collect();
    m.gc.start(false);
    const dear = m.gc.pacer.assistWorkPerByte;
    m.gc.setGCPercent(400);
    expect(m.gc.pacer.assistWorkPerByte).toBeLessThan(dear / 3);
  });
});

test('heapScan counts what may hold pointers, and nothing else', () => {
  const m = testMachine({ ...big, gogc: 'off' });
  const link = m.heap.types.define('test.Link', 64, [1]);
  const plain = m.heap.types.define('test.Plain', 64, []);
  const { pacer } = m.gc;
  for (let i = 0; i < 1000; i++) m.mutator.newObject(plain);
  m.mutator.mallocgc(100_000, plain);
  expect(pacer.heapScan).toBe(0);
  for (let i = 0; i < 1280; i++) m.mutator.newObject(link); // ten spans
  expect(pacer.heapScan).toBe(10 * 8192);
  m.mutator.mallocgc(100_000, link);
  expect(pacer.heapScan).toBe(10 * 8192 + 106_496);
});

test('scan work of a cycle is what lives and may hold pointers: heap, stacks, globals each on its own', () => {
  const m = testMachine({ ...big, gogc: 'off' });
  const link = m.heap.types.define('test.Link', 64, [1]);
  const plain = m.heap.types.define('test.Plain', 128, []);
  for (let i = 0; i < 100; i++) m.pin(m.mutator.newObject(i % 2 === 0 ? link : plain));
  m.gc.collect();
  const { pacer } = m.gc;
  expect([pacer.lastHeapScan, pacer.lastStackScan, pacer.globalsScanWork]).toEqual([50 * 64, 0, pacer.globalsScan]);
  expect(pacer.heapMarked).toBe(50 * 64 + 50 * 128);
});

describe('assists', () => {
  /** A machine that has begun to mark 4 MiB of live objects, its roots done; garbage allocates. */
  const marking = () => {
    const m = testMachine({ ...big, procs: 1 });
    const garbage = load(m, 3 * MiB);
    m.gc.start(false);
    while (m.gc.pacer.heapScanWork === 0) m.gc.step(1);
    m.gc.catchUp();
    return { m, garbage, pacer: m.gc.pacer };
  };

  test("workers' scanning is credit, an assist's is not", () => {
    const { m, pacer } = marking();
    const before = { work: pacer.scanWork, credit: pacer.bgScanCredit };
    m.gc.workerStep(WorkerMode.dedicated, 100);
    expect(pacer.scanWork - before.work).toBe(6400);
    expect(pacer.bgScanCredit - before.credit).toBe(6400);
    m.gc.step(100);
    expect(pacer.scanWork - before.work).toBe(12_800);
    expect(pacer.bgScanCredit - before.credit).toBe(6400);
  });

  test('who finds credit scans nothing; who finds none does 64 KiB at least, and then lives on it for a while', () => {
    for (const credit of [0, 70_000]) {
      const { garbage, pacer } = marking();
      pacer.workers.fractionalGoal = 0; // nobody marks in the background
      pacer.bgScanCredit = credit;
      const before = pacer.scanWork;
      while (pacer.scanWork === before) garbage(); // until a new span is taken: that is what is paid for, and it is black
      expect(pacer.scanWork - before - pageSize).toBe(credit > 0 ? 0 : 65_536);
      expect(pacer.bgScanCredit).toBe(credit > 0 ? 70_000 - 65_536 : 0);
      const after = pacer.scanWork;
      for (let made = 0; made < pageSize; made += 64) garbage();
      expect(pacer.scanWork - after).toBe(pageSize);
    }
  });

  test('the CPU limiter stops them', () => {
    const { m, garbage, pacer } = marking();
    pacer.workers.fractionalGoal = 0;
    m.gc.limiter.limiting = true;
    for (let made = 0; made < MiB; made += 64) garbage();
    expect([m.gc.marking, pacer.assistTime]).toEqual([true, 0]);
    m.gc.limiter.limiting = false;
    garbage();
    expect(pacer.assistTime).toBeGreaterThan(0);
  });
});

describe('the sweep is paced', () => {
  test('allocation alone finishes it before the next cycle begins, bit by bit', () => {
    const m = testMachine(big);
    const garbage = load(m, 6 * MiB);
    while (m.gc.numGC < 4) garbage();
    const { stats } = m.heap;
    const from = stats.heapLive;
    const pages = stats.pagesInUse;
    let half = 0;
    let done = 0;
    let longest = 0;
    for (let before = stats.pagesSwept; m.gc.cycle === 4; before = stats.pagesSwept) {
      garbage();
      longest = Math.max(longest, stats.pagesSwept - before);
      if (half === 0 && stats.pagesSwept > pages / 2) half = stats.heapLive;
      if (done === 0 && m.gc.sweeper.isDone) done = stats.heapLive;
    }
    const trigger = stats.heapLive;
    expect(done).toBeGreaterThan(from + (trigger - from) / 3); // not at once
    expect(done).toBeLessThan(trigger - MiB / 2); // and not at the last moment
    expect(half).toBeLessThan(done);
    expect(longest).toBeLessThan(pages / 10); // a class may sweep 100 full spans in search of a slot
  });

  test('a forced cycle with GOGC=off has no trigger to be done before: allocation pays nothing', () => {
    const m = testMachine({ ...big, gogc: 'off' });
    load(m, 6 * MiB);
    m.gc.start(true);
    while (m.gc.marking) m.gc.step(4096);
    expect(m.gc.sweeper.owes(MiB, 0)).toBe(false);
    m.gc.setGCPercent(100);
    expect(m.gc.sweeper.owes(MiB, 0)).toBe(true);
    expect(m.gc.sweeper.owes(MiB, 10_000)).toBe(false);
  });
});

/** 64 bytes. */
const Node = struct('pacer.Node', { next: self, a: f64, b: f64, c: f64, d: f64, e: f64, f: f64, g: f64 });

describe('background workers', () => {
  /** Goroutines that yield often, on so many Ps, over a live list: the workers' share of the time of marking. */
  const shares = (procs: number) => {
    const goroutines = procs * 2;
    const rt = new Runtime({ ...big, procs, seed: 3 });
    const m = rt.machine;
    const cycles: number[] = [];
    m.subscribe((kind, phase) => {
      if (kind !== Ev.gcPhase || phase !== 2) return;
      const { workers, markStartTime } = m.gc.pacer;
      cycles.push((workers.dedicatedTime + workers.fractionalTime) / (procs * (m.gc.clock.markTerm - markStartTime)));
    });
    rt.run(function* main(go) {
      const f = go.locals({ keep: Node, n: Node });
      for (let i = 0; i < 100_000; i++) {
        f.n = go.new(Node);
        f.n.next = f.keep;
        f.keep = f.n;
      }
      const done = go.waitGroup();
      done.add(goroutines);
      for (let k = 0; k < goroutines; k++) {
        go.go(function* churn(g) {
          const l = g.locals({ n: Node });
          for (let i = 0; i < 400_000 / goroutines; i++) {
            l.n = g.new(Node);
            if (i % 100 === 0) yield* g.gosched();
          }
          done.done();
        });
      }
      yield* done.wait();
    });
    return cycles.slice(1);
  };

  for (const procs of [1, 2, 4, 6]) {
    test(`take a quarter of ${procs} busy Ps`, () => {
      const cycles = shares(procs);
      expect(cycles.length).toBeGreaterThan(0);
      const mean = cycles.reduce((sum, share) => sum + share, 0) / cycles.length;
      expect(mean).toBeGreaterThan(0.2);
      expect(mean).toBeLessThan(0.3);
    });
  }
});

describe('a turn that never ends', () => {
  /** Virtual time for garbage on top of 8 MiB of live objects, in one go. */
  const nanos = (procs: number) => {
    const rt = new Runtime({ ...big, procs });
    const m = rt.machine;
    let assist = 0;
    let idle = 0;
    let dedicated = 0;
    m.subscribe((kind, phase) => {
      if (kind !== Ev.gcPhase || phase !== 2) return;
      assist += m.gc.pacer.assistTime;
      idle += m.gc.pacer.workers.idleTime;
      dedicated += m.gc.pacer.workers.dedicatedTime;
    });
    rt.run(function* main(go) {
      const f = go.locals({ keep: Node, n: Node });
      for (let i = 0; i < 900_000; i++) {
        f.n = go.new(Node);
        if (i >= 130_000) continue;
        f.n.next = f.keep;
        f.keep = f.n;
      }
      if (m.gc.numGC === 0) yield* go.gosched();
    });
    return { time: m.sched.now(), assist, idle, dedicated, cycles: m.gc.numGC };
  };

  test('has the other Ps mark beside it: credit instead of assists, and less virtual time', () => {
    const one = nanos(1);
    const four = nanos(4);
    expect(one.cycles).toBeGreaterThan(2);
    expect(four.cycles).toBeGreaterThan(2);
    expect(four.assist).toBeLessThan(one.assist / 2);
    expect(four.time).toBeLessThan(one.time * 0.95);
    expect(four.idle / four.dedicated).toBeGreaterThan(1.2); // one P is dedicated, two have nothing else to do
    expect(four.idle / four.dedicated).toBeLessThan(2.5);
    expect([one.idle, one.dedicated]).toEqual([0, 0]);
  });
});
