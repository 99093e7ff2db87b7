// What each knob of GODEBUG does: the same small story with the knob off and on.
import { describe, expect, test } from 'vitest';
import { gcCost } from '../../../gc/gcclock.ts';
import { schemeNames } from '../../../profiler/schemes.ts';
import { Runtime } from '../../../runtime/index.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { readMemStats } from '../../../runtime/memstats.ts';
import { type SchemeReport, SkewMeter } from '../../../runtime/skew.ts';
import { i32, self, struct } from '../../../runtime/struct.ts';
import { HandMade } from '../../support/goroutine.ts';
import { graph } from '../../support/graph.ts';
import { testMachine } from '../../support/machine.ts';
import { releaseCaches } from '../heap/support.ts';

const Node = struct('main.Node', { value: i32, next: self });

/** A machine without any check but what the knobs ask for. */
const machine = (godebug: string): Machine => testMachine({ gogc: 'off', checkHeap: false, checkMark: false, godebug });

describe('gccheckmark=1: a marking that misses an object is caught at mark termination', () => {
  const story = (godebug: string) => {
    const m = machine(godebug);
    const g = new HandMade(m, 1);
    g.set(0, m.mutator.newObject(m.heap.types.define('main.Node', 16, [1])));
    m.heap.faults.skipStackScan = true;
    m.gc.collect();
  };
  test('off', () => expect(() => story('')).not.toThrow());
  test('on', () =>
    expect(() => story('gccheckmark=1')).toThrow(
      /at mark termination of cycle 1: S3: object 0x\w+ \(main.Node\) is reachable and not marked/,
    ));
});

describe('checkheap=1: a sweep that leaves mark bits is caught at the next phase', () => {
  const story = (godebug: string) => {
    const m = machine(godebug);
    const g = graph(m, 'root -> A');
    m.heap.faults.keepMarkBits = true;
    m.gc.wholeCycle(false);
    m.gc.start(false);
    return g.alive();
  };
  test('off', () => expect(story('')).toBe('A'));
  test('on', () => expect(() => story('checkheap=1')).toThrow(/at mark start of cycle 1: G1: mark bits in word/));
});

describe('gcstoptheworld', () => {
  /** root -> A -> B lives, C and D are garbage; a cycle is started and nothing else is done. */
  function started(godebug: string) {
    const m = machine(godebug);
    const g = graph(m, 'root -> A -> B; C -> D');
    releaseCaches(m); // a cached span is swept at once when marking ends
    m.gc.start(false);
    return { m, g, pause: readMemStats(m).pauseTotalNs };
  }

  test('0: start begins to mark', () => {
    const { m, pause } = started('');
    expect([m.gc.marking, m.gc.numGC, pause]).toEqual([true, 0, 0]);
  });

  test('1: start returns with the marking done, inside one pause; the sweep is left to do', () => {
    const { m, g, pause } = started('gcstoptheworld=1');
    expect([m.gc.marking, m.gc.numGC, m.gc.sweeper.isDone]).toEqual([false, 1, false]);
    expect(g.marked()).toBe('A B');
    expect(pause).toBeGreaterThan(2 * gcCost.stop + 2 * gcCost.perObject - 1);
    expect(m.profiler.records(true)[0]!.freeObjects).toBe(0);
  });

  test('2: the sweep is done as well, and the profile speaks of the mark termination that has just been', () => {
    const { m, g, pause } = started('gcstoptheworld=2');
    expect([m.gc.marking, m.gc.numGC, m.gc.sweeper.isDone]).toEqual([false, 1, true]);
    expect(g.alive()).toBe('A B');
    expect(pause).toBeGreaterThan(started('gcstoptheworld=1').pause);
    expect(m.profiler.records(true)).toMatchObject([{ allocObjects: 4, freeObjects: 2 }]);
  });

  test('a pause is lost by every P that runs', () => {
    const m = machine('gcstoptheworld=1');
    const { pt, ms } = m.sched;
    ms.start(ms.takeIdleP(), false, 0); // P1 runs as well; P2 is idle
    m.gc.start(false);
    const pause = readMemStats(m).pauseTotalNs;
    expect([m.mutator.nanos, pt.clock[1 as never], pt.clock[2 as never]]).toEqual([pause, pause, 0]);
  });

  test.each(['gcstoptheworld=0', 'gcstoptheworld=1', 'gcstoptheworld=2'])('%s: staged schemes publish the truth', (godebug) => {
    const rt = new Runtime({
      procs: 3,
      memProfileRate: 1,
      heapBytes: 32 << 20,
      gogc: 5,
      watch: schemeNames,
      oracle: true,
      godebug: `${godebug},checkheap=1,gccheckmark=1`,
    });
    const meter = new SkewMeter(rt.machine);
    const reports: SchemeReport[] = [];
    rt.run(function* main(go) {
      const f = go.locals({ head: Node });
      for (let i = 0; i < 200_000; i++) {
        const n = f.new(Node);
        if (i % 100 === 0) {
          n.next = i % 10_000 === 0 ? null : f.head;
          f.head = n;
        }
        if (i % 20_000 !== 19_999) continue;
        yield* go.gosched();
        // Before the first publication MemProfile publishes what it has, and is off by that once (docs: "no GC yet").
        if (rt.machine.gc.numGC >= 2) reports.push(...meter.report().filter((r) => r.scheme === 'three-stage' || r.scheme === 'cycle'));
      }
    });
    expect(reports.length).toBeGreaterThan(2);
    expect(reports.filter((r) => r.bucketsOff > 0)).toEqual([]);
  });
});

describe('clobberfree=1: freed objects read 0xdeadbeef', () => {
  function words(godebug: string): { dead: number[]; kept: number[]; fresh: number[]; large: number } {
    const m = machine(godebug);
    const node = m.heap.types.define('main.Node', 16, [1]);
    const bytes = m.heap.types.define('bytes', 4, []);
    const read = (addr: Addr) => Array.from(m.heap.w.subarray(addr >>> 2, (addr >>> 2) + 4));
    const [kept, dead] = [m.mutator.newObject(node), m.mutator.newObject(node)];
    const large = m.mutator.mallocgc(50_000, bytes);
    for (const addr of [kept, dead, large]) m.heap.w[addr >>> 2] = 77;
    m.heap.w[(large + 49_996) >>> 2] = 77;
    m.pin(kept);
    m.gc.collect();
    const before = read(dead);
    const last = m.heap.w[(large + 49_996) >>> 2]!;
    const fresh: number[] = [];
    for (let addr = 0; addr !== dead; fresh.push(...read(addr))) addr = m.mutator.newObject(node);
    return { dead: before, kept: read(kept), fresh, large: last };
  }
  const bad = 0xdeadbeef | 0;

  test('off: the old words are still there', () => {
    expect(words('')).toMatchObject({ dead: [77, 0, 0, 0], kept: [77, 0, 0, 0], large: 77 });
  });

  test('on: dead objects are overwritten to the last word, live ones and new ones are not', () => {
    const { dead, kept, fresh, large } = words('clobberfree=1');
    expect([dead, kept, large]).toEqual([[bad, bad, bad, bad], [77, 0, 0, 0], bad]);
    expect(new Set(fresh)).toEqual(new Set([0]));
  });
});

describe('sbrk=1: nothing is used twice', () => {
  function run(godebug: string) {
    const rt = new Runtime({ heapBytes: 16 << 20, godebug });
    const addresses: number[] = [];
    rt.run(function* main(go) {
      for (let i = 0; i < 600_000; i++) addresses.push(go.new(Node).addr);
      yield* go.gc();
    });
    return { different: new Set(addresses).size, numGC: rt.stats().numGC, frees: rt.stats().frees };
  }
  test('off: slots come back', () => expect(run('').different).toBeLessThan(600_000));
  test('on: every address is new, and neither the pacer nor runtime.GC() collects', () => {
    expect(run('sbrk=1')).toEqual({ different: 600_000, numGC: 0, frees: 0 });
  });
});

describe('gceverymalloc=1: a whole collection before every malloc', () => {
  /** Forgets to root its first node; whether that shows depends on when the collector comes. */
  function careless(godebug: string): Runtime {
    const rt = new Runtime({ heapBytes: 4 << 20, checked: true, godebug });
    rt.run(function* main(go) {
      const first = go.new(Node);
      const f = go.locals({ second: Node });
      f.second = go.new(Node);
      f.second.next = first;
    });
    return rt;
  }
  test('off: nobody notices', () => expect(careless('').machine.gc.numGC).toBe(0));
  test('on: the mistake is caught the first time', () =>
    expect(() => careless('gceverymalloc=1')).toThrow(/stale reference: the object at 0x\w+ was freed/));

  test('on: a careful program runs, with a collection for each malloc', () => {
    const rt = new Runtime({ heapBytes: 4 << 20, checked: true, godebug: 'gceverymalloc=1,checkheap=1,gccheckmark=1' });
    rt.run(function* main(go) {
      const f = go.locals({ head: Node });
      for (let i = 0; i < 50; i++) {
        const n = go.new(Node);
        n.next = f.head;
        f.head = n;
      }
      let length = 0;
      for (let n = f.head; n !== null; n = n.next) length++;
      expect(length).toBe(50);
    });
    expect(rt.machine.gc.numGC).toBe(50);
  });
});
