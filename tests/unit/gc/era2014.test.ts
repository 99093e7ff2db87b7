// The collector of 2014: marking in one pause, the trigger of Go 1.4, the eager sweep of runtime.GC() and what it does to the
// profile of that year, and the error of tiny blocks with finalizers. Reference 2.2, 2.5, 5.5.
import { describe, expect, test } from 'vitest';
import { churn } from '../../../examples/churn.ts';
import type { Pacer2014 } from '../../../gc/mgcpacer2014.ts';
import { attachSpecial, SpecialKind } from '../../../heap/mspecial.ts';
import { type GoFunc, inUseObjects, type Options, Runtime, schemeNames, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { SkewMeter } from '../../../runtime/skew.ts';
import { check, testMachine } from '../../support/machine.ts';
import { published } from '../../support/profile.ts';
import { checkedOptions } from '../../support/run.ts';

const machine = (options: Options = {}) => testMachine({ era: '2014', procs: 1, heapBytes: 4 << 20, ...options });
const Node = struct('era.Node', { next: self });

/** n objects of 64 bytes without pointers, pinned. */
function pinned(m: Machine, n: number): number[] {
  const type = m.heap.types.define('test.Block', 64, []);
  return Array.from({ length: n }, () => m.pin(m.mutator.newObject(type)));
}

describe('marking is one pause', () => {
  test('a goroutine never sees it: no barrier, no assist, one stop', () => {
    const rt = new Runtime({ ...checkedOptions, era: '2014', heapBytes: 4 << 20, memProfileRate: 0 });
    const seen = { barriers: 0, phases: [] as number[] };
    rt.machine.subscribe((kind, a) => {
      if (kind === Ev.barrier) seen.barriers++;
      if (kind === Ev.gcPhase) seen.phases.push(a);
    });
    rt.run(function* main(go) {
      const f = go.locals({ n: Node, head: Node });
      for (let i = 0; i < 20_000; i++) {
        f.n = go.new(Node);
        f.n.next = f.head;
        f.head = i % 100 === 0 ? null : f.n;
        expect(rt.machine.gc.marking).toBe(false);
      }
      yield* go.gosched();
    });
    expect(rt.machine.gc.numGC).toBeGreaterThan(2);
    expect(seen.barriers).toBe(0);
    expect(seen.phases.join('').replaceAll('120', '')).toBe(''); // mark, mark termination, off, without a step between
    expect(rt.machine.gc.pacer.assistTime).toBe(0);
  });

  test('all Ps mark: the pause is shorter with more of them, down to a thirty-second', () => {
    const pause = (procs: number) => {
      const m = machine({ procs });
      pinned(m, 10_000);
      m.gc.collect();
      m.gc.collect();
      return m.heap.stats.pauseNs[1 as never]! - 3 * 8000; // without the stops themselves, roughly
    };
    expect(pause(4)).toBeLessThan(pause(1) / 2);
    expect(pause(64)).toBe(pause(32));
  });

  test('the last cycle’s leftovers are swept inside the pause, and gctrace counts them as that', () => {
    const lines: string[] = [];
    const m = machine({ godebug: 'gctrace=1', output: (line) => lines.push(line) });
    pinned(m, 1000);
    m.gc.collect();
    m.gc.start(false);
    const unswept = 8; // 1000 objects, 128 a span; the P holds none of them
    m.gc.start(false);
    const micros = Math.floor((8000 + unswept * 300) / 1000);
    expect(lines.at(-1)).toMatch(new RegExp(String.raw`^gc\d+\(1\): 0\+${micros}\+\d+\+\d+ us, .* 8/0/${unswept} sweeps, `));
  });
});

describe('the trigger', () => {
  test('next_gc is twice what was allocated at mark termination, and falls by twice what the sweep frees', () => {
    const m = machine();
    const pins = pinned(m, 1280);
    for (const pin of pins.slice(640)) m.unpin(pin); // half is garbage
    m.gc.start(false);
    const live = 1280 * 64;
    expect(m.gc.pacer.goal).toBe(2 * live - 2 * 8192); // nothing is swept yet but the span that the P held, all garbage
    let goal = m.gc.pacer.goal;
    while (!m.gc.sweeper.isDone) {
      m.gc.sweepStep();
      expect(m.gc.pacer.goal).toBeLessThanOrEqual(goal);
      goal = m.gc.pacer.goal;
    }
    expect(goal).toBe(2 * 640 * 64);
    expect(m.gc.pacer.goal).toBe(2 * m.heap.stats.totals().allocBytes - 2 * m.heap.stats.totals().freeBytes);
    check(m);
  });

  test('there is no minimum: the first malloc collects an empty heap, and the heap doubles from one cycle to the next', () => {
    const m = machine();
    const at: number[] = [];
    m.gc.onMarkTermination(() => at.push((m.gc.pacer as Pacer2014).heapAlloc));
    pinned(m, 16 << 10); // 1 MiB, all of it live
    expect(at.map((bytes) => bytes >> 10)).toEqual([0, 8, 16, 32, 64, 128, 256, 512]);
    const later = testMachine({ heapBytes: 4 << 20 }); // 1.19 waits for 4 MB
    pinned(later, 16 << 10);
    expect(later.gc.numGC).toBe(0);
  });

  test('the sweep is not hurried: an allocation sweeps for room, not for distance', () => {
    const m = machine();
    pinned(m, 1280);
    m.gc.start(false);
    expect(m.gc.sweeper.sweepPagesPerByte).toBe(0);
  });

  test('GOGC=off switches runtime.GC() off as well, and the clock; a full arena collects all the same', () => {
    const m = machine({ gogc: 'off', heapBytes: 256 << 10 });
    m.gc.collect();
    m.gc.start(true);
    expect(m.gc.numGC).toBe(0);
    const type = m.heap.types.define('test.Block', 64, []);
    for (let i = 0; i < 8192; i++) m.mutator.newObject(type); // twice the arena
    expect(m.gc.numGC).toBeGreaterThan(0);
    const rt = new Runtime({ ...checkedOptions, era: '2014', gogc: 'off' });
    rt.run(function* main(go) {
      yield* go.gc();
      yield* go.gc();
    });
    expect(rt.readMemStats().numGC).toBe(0);
  });

  test('SetGCPercent calls runtime.GC()', () => {
    const rt = new Runtime({ ...checkedOptions, era: '2014' });
    rt.run(function* main(go) {
      expect(yield* go.setGCPercent(50)).toBe(100);
      expect(go.readMemStats()).toMatchObject({ numGC: 1, numForcedGC: 1 });
      yield* go.setGCPercent(-1);
      expect(go.readMemStats().numGC).toBe(1); // off: that runtime.GC() does nothing
    });
  });
});

describe('runtime.GC() sweeps before the world goes on', () => {
  /** Ten objects from one place, four dropped, runtime.GC(): the records that each scheme publishes. */
  const afterForced = (rounds: number) => {
    const rt = new Runtime({ ...checkedOptions, era: '2014', watch: schemeNames });
    rt.run(function* main(go) {
      const f = go.locals({ kept: Node, n: Node });
      for (let i = 0; i < 10; i++) {
        f.n = go.new(Node);
        if (i >= 4) {
          f.n.next = f.kept;
          f.kept = f.n;
        }
      }
      f.n = null;
      for (let i = 0; i < rounds; i++) yield* go.gc();
      expect(rt.machine.gc.sweeper.isDone).toBe(true);
    });
    const inUse = (scheme: (typeof schemeNames)[number]) => [...published(rt.machine, scheme).values()].map((live) => live.objects);
    return { rt, inUse };
  };

  test('so the seed of 2014 counts its frees a collection ahead (golang/go#8867): minus four in use, and well after another', () => {
    const first = afterForced(1);
    expect(first.inUse('seed')).toEqual([-4]);
    for (const scheme of ['three-stage', 'cycle', 'naive'] as const) expect(first.inUse(scheme), scheme).toEqual([6]);
    expect(afterForced(2).inUse('seed')).toEqual([6]);
  });

  test('all of it is inside one stop: no span is left, and the pause holds the sweep', () => {
    const m = machine();
    pinned(m, 1000);
    const before = m.gc.numGC;
    m.gc.start(true);
    expect([m.gc.numGC, m.gc.sweeper.isDone]).toEqual([before + 1, true]);
    expect(m.gc.sweeper.sweptSinceLastTrace().pauseSwept).toBeGreaterThan(0);
    m.gc.start(false);
    expect([m.gc.numGC, m.gc.sweeper.isDone]).toEqual([before + 2, false]); // not asked for: swept while the program runs
  });
});

describe('staged profiles tell the truth in this era too', () => {
  test.each([1, 4])('churn on %i Ps: every scheme against the truth at each moment', (procs) => {
    const rt = new Runtime({ era: '2014', procs, memProfileRate: 1, oracle: true, watch: schemeNames, heapBytes: 64 << 20 });
    const meter = new SkewMeter(rt.machine);
    let worst = 0;
    rt.run(function* main(go) {
      const done = go.waitGroup();
      done.add(1);
      go.go(function* worker(go) {
        yield* churn()(go);
        done.done();
      });
      yield* done.wait();
      const off = (name: string) => meter.report().find((s) => s.scheme === name)!;
      expect(off('three-stage').bucketsOff).toBe(0);
      expect(off('cycle').bucketsOff).toBe(0);
      worst = Math.abs(off('naive').skewBytes);
      yield* go.gc();
      expect(off('three-stage').bucketsOff).toBe(0);
    });
    expect(rt.stats().numGC).toBeGreaterThan(5);
    expect(worst).toBeGreaterThan(0);
  });
});

describe('specials before Go 1.6', () => {
  /** A tiny block with a profile record at its beginning and finalizers on the objects inside; returns what a collection does. */
  const tinyBlock = (era: '2014' | '1.19', finalizers: number) => {
    const m = testMachine({ era, procs: 1, gogc: 100 });
    const type = m.heap.types.define('test.Tiny', 4, []);
    const addrs = Array.from({ length: 4 }, () => m.mutator.newObject(type));
    for (const addr of addrs.slice(4 - finalizers)) {
      attachSpecial(
        m.heap,
        addr,
        SpecialKind.finalizer,
        m.heap.finalQueue.register(() => {}),
      );
    }
    m.gc.collect(); // the block that is being filled is live
    m.gc.collect();
    m.heap.writeBack();
    const [record] = m.profiler.records(true);
    return {
      alive: m.heap.isObject(addrs[0]!),
      counted: record === undefined ? 0 : inUseObjects(record),
      queued: m.heap.finalQueue.length,
    };
  };

  test('the profile forgets a tiny block that an inner finalizer keeps alive; since 1.6 it does not (issue 13100)', () => {
    expect(tinyBlock('2014', 1)).toEqual({ alive: true, counted: 0, queued: 1 });
    expect(tinyBlock('1.19', 1)).toEqual({ alive: true, counted: 1, queued: 1 });
  });

  test('of several finalizers in a block one is queued a cycle', () => {
    expect(tinyBlock('2014', 3).queued).toBe(1);
    expect(tinyBlock('1.19', 3).queued).toBe(3);
  });

  test('finalizers run first to last', () => {
    const order = (era: '2014' | '1.19') => {
      const ran: number[] = [];
      const main: GoFunc<[]> = function* main(go) {
        const make = function* make(go: Parameters<GoFunc<[]>>[0]) {
          for (let i = 0; i < 3; i++) go.setFinalizer(go.new(Node), () => ran.push(i));
        };
        yield* make(go);
        yield* go.gc();
        yield* go.sleep(1e6);
      };
      new Runtime({ ...checkedOptions, era }).run(main);
      return ran;
    };
    expect(order('2014')).toEqual([0, 1, 2]);
    expect(order('1.19')).toEqual([2, 1, 0]);
  });
});

test('knobs that came later are refused', () => {
  expect(() => new Runtime({ era: '2014', godebug: 'gcpacertrace=1' })).toThrow(
    new RangeError('option godebug: gcpacertrace: Go had no such knob in 2014'),
  );
});
