// MemStats: Go's own tests under their names, each identity on random programs, and a counter that is broken on purpose.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Runtime } from '../../../runtime/index.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { countPagesInUse, type MemStats, readGCStats, readMemStats, readMemStatsSlow } from '../../../runtime/memstats.ts';
import { i32, self, struct } from '../../../runtime/struct.ts';
import { testMachine } from '../../support/machine.ts';

const Node = struct('main.Node', { value: i32, next: self });

/** A runtime whose program has allocated, blocked on a channel, and asked for two collections. */
function ran(procs = 1): Runtime {
  const rt = new Runtime({ procs, heapBytes: 16 << 20, memProfileRate: 512 });
  rt.run(function* main(go) {
    const f = go.locals({ head: Node });
    const ch = go.chan(Node, 1);
    for (let i = 0; i < 5000; i++) {
      const n = f.new(Node);
      if (i % 50 !== 0) continue;
      n.next = f.head;
      f.head = n;
    }
    yield* ch.send(f.head);
    yield* go.gc();
    yield* go.gc();
  });
  return rt;
}

/** What holds of any statistics at any time. */
function identities(st: MemStats): void {
  expect(st.sys).toBe(st.heapSys + st.stackSys + st.mspanSys + st.mcacheSys + st.buckHashSys + st.gcSys + st.otherSys);
  expect(st.heapIdle + st.heapInuse).toBe(st.heapSys);
  expect(st.heapReleased).toBeLessThanOrEqual(st.heapIdle);
  expect(st.alloc).toBe(st.heapAlloc);
  expect(st.alloc).toBeLessThanOrEqual(st.heapInuse);
  expect(st.heapObjects).toBe(st.mallocs - st.frees);
  expect(st.mspanInuse).toBeLessThanOrEqual(st.mspanSys);
  expect(st.mcacheInuse).toBeLessThanOrEqual(st.mcacheSys);
  expect(st.lastGC).toBe(st.pauseEnd[(st.numGC + 255) % 256]);
  expect(st.numForcedGC).toBeLessThanOrEqual(st.numGC);
  expect([st.lookups, st.enableGC, st.debugGC]).toEqual([0, true, false]);
  expect([st.pauseNs.length, st.pauseEnd.length, st.bySize.length]).toEqual([256, 256, 61]);
  if (st.numGC >= 256) return;
  expect(st.pauseNs.reduce((a, b) => a + b)).toBe(st.pauseTotalNs);
  expect(st.pauseNs.slice(st.numGC).every((ns) => ns === 0) && st.pauseEnd.slice(st.numGC).every((ns) => ns === 0)).toBe(true);
  for (const [name, value] of Object.entries(st)) if (typeof value === 'number') expect(value, name).toBeGreaterThanOrEqual(0);
}

describe('TestMemStats (malloc_test.go)', () => {
  const st = ran().readMemStats();

  test('the identities hold', () => identities(st));

  test('what cannot be zero is not', () => {
    const mayBeZero = ['lookups', 'heapIdle', 'heapReleased', 'debugGC', 'gcCPUFraction'];
    for (const [name, value] of Object.entries(st)) if (!mayBeZero.includes(name)) expect(value, name).not.toBe(0);
    expect(st.gcCPUFraction).toBeGreaterThan(0);
    expect(st.gcCPUFraction).toBeLessThan(0.99);
  });

  test('entry 1 of bySize has the 8-byte objects (nodes and the buffer of the channel); entry 0, large objects, counts none', () => {
    expect(st.bySize.map((c) => c.size).slice(0, 4)).toEqual([0, 8, 16, 24]);
    expect(st.bySize[1]!.mallocs).toBe(5001);
    expect(st.bySize[1]!.frees).toBeGreaterThan(4000);
    expect(st.bySize[0]).toEqual({ size: 0, mallocs: 0, frees: 0 });
  });
});

test('TestReadMemStats: the counters agree with a walk over all spans', () => {
  for (const procs of [1, 3]) {
    const { base, slow } = readMemStatsSlow(ran(procs).machine);
    expect(base).toEqual(slow);
  }
});

test('TestReadMemStats notices a count that is wrong', () => {
  const m = testMachine();
  m.mutator.mallocgc(100, m.heap.types.define('bytes', 4, []));
  m.heap.stats.addSmallFrees(3, 1);
  const { base, slow } = readMemStatsSlow(m);
  expect(base.heapObjects).toBe(0);
  expect(slow).not.toEqual(base);
});

test('the identities hold and the walk agrees after any program, also while marking and sweeping', () => {
  const op = fc.record({
    what: fc.constantFrom('new', 'large', 'tiny', 'pin', 'unpin', 'start', 'step', 'collect'),
    size: fc.integer({ min: 1, max: 40_000 }),
    p: fc.nat(2),
  });
  const property = fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
    const m = testMachine({ heapBytes: 8 << 20, checkHeap: false });
    const bytes = m.heap.types.define('bytes', 4, []);
    const node = m.heap.types.define('main.Node', 16, [1]);
    const pins: number[] = [];
    for (const { what, size, p } of ops) {
      const mutator = m.mutators[p]!;
      if (what === 'new') for (let i = 0; i < size % 700; i++) mutator.newObject(node);
      else if (what === 'large') mutator.mallocgc(size + 32_768, bytes);
      else if (what === 'tiny') for (let i = 0; i < size % 50; i++) mutator.mallocgc(1 + (size % 15), bytes);
      else if (what === 'pin') pins.push(m.pin(mutator.mallocgc(size, node)));
      else if (what === 'unpin' && pins.length > 0) m.unpin(pins.pop()!);
      else if (what === 'start') m.gc.start(false);
      else if (what === 'step') m.gc.step(size % 20);
      else if (what === 'collect') m.gc.collect();
      const { base, slow } = readMemStatsSlow(m);
      identities(base);
      expect(base).toEqual(slow);
    }
  });
  fc.assert(property, { numRuns: 60 });
});

test('tiny objects count in mallocs and in frees, their blocks once each', () => {
  const m = testMachine({ gogc: 'off' });
  const byte = m.heap.types.define('main.byte', 4, []);
  const before = readMemStats(m);
  for (let i = 0; i < 16; i++) m.mutator.mallocgc(1, byte);
  const after = readMemStats(m);
  expect(after.mallocs - before.mallocs).toBe(16);
  expect(after.frees - before.frees).toBe(15);
  expect(after.alloc - before.alloc).toBe(16);
});

test('looking changes nothing: the run with readings has the same events as the run without', () => {
  const digest = (look: boolean) => {
    const m = testMachine({ heapBytes: 4 << 20, gogc: 50 });
    const d = m.digest();
    const node = m.heap.types.define('main.Node', 16, [1]);
    for (let i = 0; i < 3000; i++) {
      m.mutator.newObject(node);
      if (look && i % 100 === 0) readMemStats(m);
    }
    m.gc.collect();
    return d.toString();
  };
  expect(digest(true)).toBe(digest(false));
});

test('TestGcLastTime: LastGC lies between the times before and after runtime.GC(), and its pause is not absurd', () => {
  const rt = new Runtime({ heapBytes: 4 << 20 });
  rt.run(function* main(go) {
    const t0 = go.now();
    yield* go.gc();
    const t1 = go.now();
    const st = go.readMemStats();
    expect(st.lastGC).toBeGreaterThan(t0);
    expect(st.lastGC).toBeLessThanOrEqual(t1);
    const pause = st.pauseNs[(st.numGC + 255) % 256]!;
    expect(pause).toBeGreaterThan(0);
    expect(pause).toBeLessThan(10e9);
    expect(st.lastGC - t0).toBeGreaterThanOrEqual(pause);
  });
});

test('TestUserForcedGC: with GOGC=off, runtime.GC() raises NumGC and NumForcedGC', () => {
  const rt = new Runtime({ gogc: 'off', heapBytes: 4 << 20 });
  rt.run(function* main(go) {
    const before = go.readMemStats();
    yield* go.gc();
    const after = go.readMemStats();
    expect([after.numGC - before.numGC, after.numForcedGC - before.numForcedGC]).toEqual([1, 1]);
    expect(after.nextGC).toBe(Infinity);
  });
});

test('a collection that nobody asked for is not counted as forced', () => {
  const m = testMachine();
  m.gc.wholeCycle(false);
  expect(readMemStats(m)).toMatchObject({ numGC: 1, numForcedGC: 0 });
});

test('TestPageAccounting: pagesInUse is the number of pages that spans cover', () => {
  const m = testMachine({ heapBytes: 80 << 20, gogc: 'off', memProfileRate: 0, checkHeap: false });
  const bytes = m.heap.types.define('bytes', 4, []);
  for (let i = 0; i < 1024; i++) m.mutator.mallocgc(64 << 10, bytes);
  const { pagesInUse, counted } = countPagesInUse(m);
  expect(pagesInUse).toBe(counted);
  expect(pagesInUse).toBe(1024 * 8);
});

describe('TestReadGCStats (runtime/debug)', () => {
  function compare(m: Machine): void {
    const stats = readGCStats(m, 10);
    const mem = readMemStats(m);
    expect([stats.numGC, stats.pauseTotal, stats.lastGC]).toEqual([mem.numGC, mem.pauseTotalNs, mem.lastGC]);
    const n = Math.min(mem.numGC, 256);
    expect([stats.pause.length, stats.pauseEnd.length]).toEqual([n, n]);
    let off = (mem.numGC + 255) % 256;
    for (let i = 0; i < n; i++, off = (off + 255) % 256) {
      expect([stats.pause[i], stats.pauseEnd[i]]).toEqual([mem.pauseNs[off], mem.pauseEnd[off]]);
    }
    const q = stats.pauseQuantiles;
    expect([q[0], q[9]]).toEqual(n === 0 ? [0, 0] : [Math.min(...stats.pause), Math.max(...stats.pause)]);
    for (let i = 0; i < 9; i++) expect(q[i]).toBeLessThanOrEqual(q[i + 1]!);
    for (let i = 0; i + 1 < n; i++) expect(stats.pauseEnd[i]).toBeGreaterThan(stats.pauseEnd[i + 1]!);
  }

  test('before any collection, after three, and when the ring has gone round', () => {
    const m = testMachine({ gogc: 'off', checkHeap: false, checkMark: false, heapBytes: 64 << 10 });
    compare(m);
    for (let i = 0; i < 3; i++) m.gc.collect();
    compare(m);
    for (let i = 0; i < 260; i++) m.gc.collect();
    compare(m);
    identities(readMemStats(m));
  });
});

test('TestGcZombieReporting: a pointer kept to a free object is reported by the sweep', () => {
  const m = testMachine({ gogc: 'off', checkHeap: false, checkMark: false });
  const node = m.heap.types.define('main.Node', 16, [1]);
  const objects = Array.from({ length: 8 }, () => m.mutator.newObject(node));
  m.pin(objects[0]!);
  m.gc.collect(); // frees all but the first
  const hidden = objects[5]!; // an address in a JavaScript variable, as a uintptr in Go
  m.pin(hidden);
  expect(() => m.gc.collect()).toThrow(/found pointer to free object/);
});
