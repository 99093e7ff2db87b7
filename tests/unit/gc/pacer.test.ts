// When a cycle begins, where it must end, and what allocation pays for it meanwhile. Numbers: reference 5.5 and 5.12.
import { describe, expect, test } from 'vitest';
import { tracePacerEnd } from '../../../gc/gctrace.ts';
import { Pacer } from '../../../gc/mgcpacer.ts';
import { Runtime, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { testMachine } from '../../support/machine.ts';

const MiB = 1 << 20;
const big = { heapBytes: 64 * MiB, memProfileRate: 0, checkHeap: false, checkMark: false };

/** Bytes that the pacer takes for allocated when each phase begins. */
const watchLive = (m: Machine) => {
  const at: { phase: number; live: number; goal: number }[] = [];
  m.subscribe((kind, phase) => {
    if (kind === Ev.gcPhase) at.push({ phase, live: m.heap.stats.heapLive, goal: m.gc.pacer.goal });
  });
  return at;
};

describe('goal and trigger', () => {
  const vectors: [marked: number, goal: number, trigger: number, lowest: number][] = [
    [0, 4194304, 3997696, 2949120],
    [1 * MiB, 4194304, 4046848, 3260416],
    [10 * MiB, 20971520, 20480000, 17858560],
    [100 * MiB, 209715200, 205520896, 178585600], // the last 4 MiB before the goal, not the last 64th
  ];
  for (const [marked, goal, trigger, lowest] of vectors) {
    test(`GOGC=100, ${marked} bytes marked: goal ${goal}, trigger ${trigger}`, () => {
      const pacer = new Pacer(100, { heapLive: 0 });
      pacer.resetLive(marked);
      pacer.commit(true);
      expect([pacer.goal, pacer.trigger]).toEqual([goal, trigger]);
      pacer.consMark = 1000; // allocates so fast that no runway would do
      pacer.lastHeapScan = 100 * MiB;
      pacer.commit(true);
      expect([pacer.goal, pacer.trigger]).toEqual([goal, lowest]);
    });
  }

  test('stacks and globals are scanned as well, so they move the goal', () => {
    const pacer = new Pacer(50, { heapLive: 0 });
    pacer.resetLive(10 * MiB);
    pacer.lastStackScan = MiB;
    pacer.globalsScan = 3 * MiB;
    pacer.commit(true);
    expect(pacer.goal).toBe(17 * MiB); // 10 + (10 + 1 + 3) / 2
  });

  test('an unfinished sweep has a megabyte at least: goal and trigger move', () => {
    const pacer = new Pacer(10, { heapLive: 0 });
    pacer.resetLive(5 * MiB);
    pacer.commit(false);
    expect([pacer.goal, pacer.trigger]).toEqual([6 * MiB, 6 * MiB]);
    pacer.commit(true);
    expect(pacer.goal).toBe(Math.floor(5.5 * MiB));
  });

  test('the goal of a running cycle is at least 64 KiB behind the point at which it began', () => {
    const heap = { heapLive: 4 * MiB };
    const pacer = new Pacer(100, heap);
    pacer.startCycle(0, 1);
    pacer.triggered = 4 * MiB;
    expect(pacer.goal).toBe(4 * MiB + (64 << 10));
  });

  test('the minimum goes with GOGC: 4 MiB * GOGC / 100', () => {
    expect([50, 100, 200, 400].map((percent) => new Pacer(percent, { heapLive: 0 }).goal / MiB)).toEqual([2, 4, 8, 16]);
  });

  test('GOGC=off: no goal', () => {
    const pacer = new Pacer(-1, { heapLive: 0 });
    pacer.resetLive(MiB);
    pacer.commit(true);
    expect([pacer.goal, pacer.shouldTrigger()]).toEqual([Infinity, false]);
  });

  test('setGCPercent returns the old value, moves the goal, takes every negative number for off, and forces no cycle', () => {
    const m = testMachine({ gogc: 80 });
    const { gc } = m;
    expect(gc.setGCPercent(200)).toBe(80);
    expect(gc.pacer.goal).toBe(8 * MiB);
    expect(gc.setGCPercent(-7)).toBe(200);
    expect(gc.pacer.goal).toBe(Infinity);
    expect(gc.setGCPercent(100)).toBe(-1);
    expect(gc.pacer.goal).toBe(4 * MiB);
    expect(m.gc.cycle).toBe(0);
  });

  test('after marking, the live heap is what was marked', () => {
    const m = testMachine();
    const node = m.heap.types.define('test.N', 64, []);
    for (let i = 0; i < 100; i++) {
      const addr = m.mutator.newObject(node);
      if (i < 10) m.pin(addr);
    }
    m.gc.collect();
    expect([m.gc.pacer.heapMarked, m.heap.stats.heapLive]).toEqual([640, 640]);
  });
});

describe('the heap triggers cycles', () => {
  test('the first one at 3,997,696 bytes, to within a span', () => {
    for (const [bytes, span] of [
      [64, 8192],
      [1024, 8192],
      [8192, 8192],
      [32768, 32768],
      [100_000, 106_496],
    ] as const) {
      const m = testMachine(big);
      const at = watchLive(m);
      const type = m.heap.types.define('test.B', 4, []);
      while (m.gc.cycle === 0) m.mutator.mallocgc(bytes, type);
      expect(at[0]!.live, `objects of ${bytes} bytes`).toBeGreaterThanOrEqual(3997696);
      expect(at[0]!.live, `objects of ${bytes} bytes`).toBeLessThan(3997696 + span);
    }
  });

  test('garbage of many times the heap fits into it', () => {
    const m = testMachine({ ...big, heapBytes: 8 * MiB });
    const type = m.heap.types.define('test.B', 1000, []);
    for (let i = 0; i < 100_000; i++) m.mutator.newObject(type);
    expect(m.gc.numGC).toBeGreaterThan(20);
  });

  test('GOGC=off: never, and runtime.GC() works all the same', () => {
    const m = testMachine({ ...big, gogc: 'off' });
    const type = m.heap.types.define('test.B', 1024, []);
    for (let i = 0; i < 20_000; i++) m.mutator.newObject(type);
    expect(m.gc.cycle).toBe(0);
    m.gc.collect();
    expect([m.gc.numGC, m.heap.stats.pagesInUse]).toEqual([1, 0]);
  });

  test('a smaller GOGC means more cycles', () => {
    const Node = struct('pacer.Node', { next: self });
    const cycles = [25, 100, 400].map((gogc) => {
      const rt = new Runtime({ heapBytes: 64 * MiB, gogc, memProfileRate: 0 });
      return rt.run(function* main(go) {
        const f = go.locals({ keep: Node, n: Node });
        for (let i = 0; i < 1_500_000; i++) {
          f.n = go.new(Node);
          if (i % 10 === 0) {
            f.n.next = f.keep;
            f.keep = f.n;
          }
          if (i % 10_000 === 0) yield* go.gosched();
        }
      }).numGC;
    });
    expect(cycles[0]).toBeGreaterThan(cycles[1]!);
    expect(cycles[1]).toBeGreaterThan(cycles[2]!);
    expect(cycles[2]).toBe(0);
  });
});

describe('assists', () => {
  /** Allocates garbage on top of a live list without any background marking: assists alone must end each cycle. */
  const churn = (liveBytes: number, gogc: number) => {
    const m = testMachine({ ...big, gogc });
    const at = watchLive(m);
    const node = m.heap.types.define('test.Link', 64, [1]);
    const head = m.pin(0) >>> 2;
    for (let made = 0; made < liveBytes; made += 64) {
      const addr = m.mutator.newObject(node);
      m.mutator.storePointer((addr >>> 2) + 1, m.heap.w[head]!);
      m.mutator.storePointer(head, addr);
    }
    for (let made = 0; made < 40 * MiB; made += 64) m.mutator.newObject(node);
    return { m, at };
  };

  for (const [live, gogc] of [
    [1, 100],
    [6, 100],
    [6, 50],
    [10, 200],
  ] as const) {
    test(`a cycle that starts during heavy allocation ends before twice the goal: ${live} MiB live, GOGC=${gogc}`, () => {
      const { m, at } = churn(live * MiB, gogc);
      const ends = at.filter((e) => e.phase === 2);
      expect(ends.length).toBeGreaterThan(2);
      console.log(JSON.stringify(ends.slice(0, 5).map((e) => [e.live, e.goal, (e.live / e.goal).toFixed(4)]))); // More to scan than expected moves the goal, in Go up to (1 + GOGC/100) times; a heap that grows meets that.
      for (const { live: bytes, goal } of ends) expect(bytes).toBeLessThan(goal * 1.2);
      expect(m.gc.numGC).toBe(ends.length);
    });
  }

  test('an allocation pays nothing while no cycle runs', () => {
    const m = testMachine(big);
    const node = m.heap.types.define('test.Link', 64, [1]);
    m.mutator.mallocgc(64, node);
    m.mutator.nanos = 0;
    for (let i = 0; i < 50; i++) m.mutator.mallocgc(64, node);
    expect(m.mutator.nanos).toBe(0);
  });
});

describe('the price of allocation', () => {
  /** A pacer in the middle of a cycle: 2 MiB must be scanned before the heap, now at its trigger, reaches the goal. */
  const marking = () => {
    const heap = { heapLive: 0 };
    const pacer = new Pacer(100, heap);
    pacer.heapScanWork = 2 * MiB;
    pacer.resetLive(4 * MiB);
    pacer.commit(true);
    heap.heapLive = 7 * MiB;
    pacer.startCycle(0, 4);
    return { heap, pacer };
  };

  test('is the work that is left over the bytes that are left, and its inverse', () => {
    const { heap, pacer } = marking();
    expect([pacer.assistWorkPerByte, pacer.assistBytesPerWork]).toEqual([2, 0.5]);
    pacer.heapScanWork = 1.5 * MiB;
    heap.heapLive = 7.75 * MiB;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBe(2);
  });

  test('of the last bytes never falls to nothing, and never divides by it', () => {
    const { heap, pacer } = marking();
    pacer.heapScanWork = 2 * MiB;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBe(1000 / MiB);
    heap.heapLive = 8 * MiB;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBe(1000);
  });

  test('stays the same for a heap that turns out larger: the goal moves away with the work, up to twice itself', () => {
    const { heap, pacer } = marking();
    pacer.triggered = 7 * MiB;
    pacer.heapScan = 3 * MiB;
    pacer.heapScanWork = 2 * MiB + 1;
    heap.heapLive = 8 * MiB; // on the line: as much allocated as scanned
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBeCloseTo(2, 4); // 1 MiB left to scan; the goal is 7 + 1 * 3/2 MiB now
    pacer.heapScan = 100 * MiB;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBeCloseTo((100 - 2) / (16 - 8), 4); // hard goal: twice 8 MiB
  });

  test('past the goal: a tenth more, and everything may be live', () => {
    const { heap, pacer } = marking();
    pacer.heapScan = 5 * MiB;
    heap.heapLive = 8.4 * MiB;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBeCloseTo(5 / (8.8 - 8.4), 4);
  });

  test('GOGC=off, a forced cycle: next to nothing, and still a number', () => {
    const heap = { heapLive: 50 * MiB };
    const pacer = new Pacer(-1, heap);
    pacer.startCycle(0, 1);
    pacer.heapScanWork = 1;
    pacer.revise();
    expect(pacer.assistWorkPerByte).toBeLessThan(1e-9);
    expect(Number.isFinite(pacer.assistBytesPerWork)).toBe(true);
    pacer.endCycle(1000, 1);
    pacer.resetLive(MiB);
    expect(pacer.consMark).toBe(0);
  });

  const credit = (bgScanCredit: number, debt: number) => {
    const { pacer } = marking();
    pacer.bgScanCredit = bgScanCredit;
    const account = { assistBytes: -debt };
    const left = pacer.payFromCredit(account);
    return { left, account: account.assistBytes, credit: pacer.bgScanCredit };
  };

  test('a small debt is priced at 64 KiB of work; credit of others pays all of it', () => {
    expect(credit(70_000, 100)).toEqual({ left: 0, account: -100 + 32_768, credit: 70_000 - 65_536 });
  });
  test('credit pays what it can, and the rest is left to do', () => {
    expect(credit(1000, 100)).toEqual({ left: 64_536, account: -100 + 501, credit: 0 });
    expect(credit(0, 100)).toEqual({ left: 65_536, account: -100, credit: 0 });
    expect(credit(-5, 100)).toEqual({ left: 65_536, account: -100, credit: -5 });
  });
  test('a large debt is priced as it is', () => {
    expect(credit(0, 1_000_000)).toEqual({ left: 2_000_000, account: -1_000_000, credit: 0 });
    expect(credit(3_000_000, 1_000_000)).toEqual({ left: 0, account: 0, credit: 1_000_000 });
  });
  test('work that was done pays one byte more than its worth', () => {
    const account = { assistBytes: -100 };
    marking().pacer.payWork(account, 65_536);
    expect(account.assistBytes).toBe(-100 + 32_769);
  });
  test('nobody is paid ahead for more than is left to the goal', () => {
    const { heap, pacer } = marking();
    heap.heapLive = 8 * MiB - 5000;
    pacer.heapScanWork = 2 * MiB - 1000; // the last thousand bytes: one is worth five
    pacer.revise();
    const account = { assistBytes: -100 };
    expect(pacer.payFromCredit(account)).toBe(65_536);
    pacer.payWork(account, 65_536);
    expect(account.assistBytes).toBe(5000);
    account.assistBytes = -1e6;
    pacer.bgScanCredit = 1e6;
    pacer.payFromCredit(account);
    expect(account.assistBytes).toBe(0); // and nobody is kept from paying a large debt
  });
});

describe('what a cycle teaches', () => {
  /** consMark after a first cycle of 1000 ns on 4 Ps that allocated 1 MiB and scanned 2. */
  const learnt = (assistTime: number, idleTime: number, allocated = MiB) => {
    const heap = { heapLive: 0 };
    const pacer = new Pacer(100, heap);
    pacer.startCycle(5000, 4);
    heap.heapLive = pacer.triggered + allocated;
    pacer.heapScanWork = 2 * MiB;
    pacer.assistTime = assistTime;
    pacer.workers.idleTime = idleTime;
    pacer.endCycle(6000, 4);
    return pacer.consMark;
  };
  const smoothed = 0.9; // the controller takes nine tenths of the first error

  test('bytes allocated per mutator time, over bytes scanned per marking time', () => {
    expect(learnt(0, 0)).toBeCloseTo((smoothed * (1 * 0.25)) / (2 * 0.75), 10);
  });
  test('assists are marking time, and no mutator time', () => {
    expect(learnt(1000, 0)).toBeCloseTo((smoothed * (1 * 0.5)) / (2 * 0.5), 10);
  });
  test('idle workers are marking time, and no mutator time lost', () => {
    expect(learnt(0, 1000)).toBeCloseTo((smoothed * (1 * 0.5)) / (2 * 0.75), 10);
  });
  test('a cycle in which nothing was allocated teaches nothing', () => {
    expect(learnt(0, 0, 0)).toBe(0);
  });
});

describe('TestMemoryLimit: the goal that a limit leaves', () => {
  const limited = (limit: number, memory: { ready: number; free?: number; objects?: number }, marked = 0, gcPercent = -1) => {
    const { ready, free = 0, objects = 0 } = memory;
    const pacer = new Pacer(
      gcPercent,
      { heapLive: 0 },
      { mappedReady: () => ready, heapFree: () => free, heapAlloc: () => objects },
      limit,
    );
    pacer.resetLive(marked);
    pacer.commit(true);
    return pacer;
  };

  test('what is neither objects nor room for them is taken off, and 1 MiB', () => {
    expect(limited(100 * MiB, { ready: 50 * MiB, free: 10 * MiB, objects: 30 * MiB }).goal).toBe(89 * MiB);
  });
  test('what exceeds the limit is taken off again', () => {
    expect(limited(100 * MiB, { ready: 110 * MiB, objects: 105 * MiB }).goal).toBe(84 * MiB);
  });
  test('never below what lives; then goal and trigger are the same', () => {
    const pacer = limited(100 * MiB, { ready: 110 * MiB, objects: 105 * MiB }, 90 * MiB);
    expect([pacer.goal, pacer.trigger]).toEqual([90 * MiB, 90 * MiB]);
  });
  test('a limit below what the runtime itself takes: collects all the time', () => {
    expect(limited(MiB, { ready: 5 * MiB }, 3 * MiB).goal).toBe(3 * MiB);
  });
  test('a small limit keeps a megabyte', () => {
    expect(limited(1.5 * MiB, { ready: 0 }).goal).toBe(MiB);
  });
  test('the lower of both goals counts', () => {
    expect(limited(1000 * MiB, { ready: 0 }, 10 * MiB, 100).goal).toBe(20 * MiB);
    expect(limited(18 * MiB, { ready: 0 }, 10 * MiB, 100).goal).toBe(17 * MiB);
  });
  test('GOGC=off and no limit: none', () => {
    expect(limited(Infinity, { ready: 5 * MiB }).goal).toBe(Infinity);
  });
});

test('a controller whose arithmetic overflows begins anew, and gcpacertrace says so', () => {
  const heap = { heapLive: 0 };
  const pacer = new Pacer(100, heap);
  pacer.startCycle(0, 1);
  heap.heapLive = pacer.triggered + 1000;
  pacer.endCycle(1000, 1); // nothing was scanned: the ratio is infinite
  expect([pacer.lastCycle!.reset, pacer.consMark]).toEqual([true, 0]);
  pacer.startCycle(2000, 1);
  pacer.heapScanWork = 500;
  heap.heapLive = pacer.triggered + 1000;
  pacer.endCycle(3000, 1);
  expect(pacer.lastCycle!.reset).toBe(false);

  const { gc } = testMachine();
  const lines: string[] = [];
  gc.print = (line) => lines.push(line);
  gc.collect();
  for (const reset of [false, true]) {
    gc.pacer.lastCycle = { ...gc.pacer.lastCycle!, reset };
    tracePacerEnd(gc);
  }
  expect(lines[1]).toBe(`${lines[0]}[controller reset]`);
});
