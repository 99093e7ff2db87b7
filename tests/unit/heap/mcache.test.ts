// Caches of the Ps and the sets behind them: the life of a span between allocation and sweep.
import { describe, expect, test } from 'vitest';
import { heapFindings } from '../../../heap/check.ts';
import type { AllocCache } from '../../../heap/mcache.ts';
import { tryAcquire } from '../../../heap/mcentral.ts';
import type { MSpan } from '../../../heap/mspan.ts';
import { ensureSwept, sweepSpan } from '../../../heap/msweep.ts';
import { classSize, classSlots, sizeClass } from '../../../heap/sizeclasses.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { drawing, markOnly, pagesMachine, releaseCaches, scan, slotBytes, sound, types } from './support.ts';

/** The P's cache of a class with pointers. */
const cacheOf = (m: Machine, sizeclass: number, p = 0): AllocCache => m.mutators[p]!.cache.alloc[scan(sizeclass)]!;

/** Allocates n arrays of nil pointers that fill a slot of a class, on a P. */
function fill(m: Machine, sizeclass: number, n: number, p = 0): number[] {
  const { ptrs } = types(m);
  return Array.from({ length: n }, () => m.mutators[p]!.mallocgc(slotBytes(sizeclass), ptrs));
}

/** The set that a span stands in, in words; '-' for none. */
function setName(m: Machine, s: MSpan): string {
  const set = m.heap.mspan.set[s] - 1;
  if (set < 0) return '-';
  return `${(set & 1) === ((m.heap.sweepGen >>> 1) & 1) ? 'swept' : 'unswept'} ${(set & 2) !== 0 ? 'full' : 'partial'} of ${set >>> 2}`;
}

/** sweepGen of a span as mspan.ts writes it, counted from the heap's. */
const gen = (m: Machine, s: MSpan) => m.heap.mspan.sweepGen[s] - m.heap.sweepGen;

describe('a span of 8-byte objects', () => {
  test('is used slot by slot in address order; after 1024 objects comes the next span', () => {
    const m = pagesMachine(7);
    const at = fill(m, 1, 1025);
    expect(at.slice(0, 1024)).toEqual(Array.from({ length: 1024 }, (_, i) => at[0]! + i * 8));
    expect([at[0]! % pageSize, m.heap.spanOf(at[1024]!) === m.heap.spanOf(at[1023]!)]).toEqual([0, false]);
    const s = m.heap.spanOf(at[0]!);
    expect([m.heap.mspan.allocCount[s], setName(m, s)]).toEqual([1024, `swept full of ${scan(1)}`]);
    sound(m);
  });

  test('has its cursor and count in the cache until they are written back', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 1, 100);
    const s = m.heap.spanOf(a!);
    const { mspan } = m.heap;
    expect([mspan.allocCount[s], mspan.freeAddr[s] - a!]).toEqual([0, 0]);
    m.heap.writeBack();
    expect([mspan.allocCount[s], mspan.freeAddr[s] - a!]).toEqual([100, 800]);
    expect([m.heap.cachedAllocs(), m.heap.stats.totals().mallocs]).toEqual([100, 0]);
    m.mutator.cache.releaseAll();
    expect([m.heap.cachedAllocs(), m.heap.stats.totals().mallocs]).toEqual([0, 100]);
  });
});

describe('refill and release', () => {
  test('a cached span is in no set and has sweepgen sg+3; a released one goes to the set of its class', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 44, 1); // two slots of 4096
    const s = m.heap.spanOf(a!);
    expect([gen(m, s), setName(m, s)]).toEqual([3, '-']);
    m.mutator.cache.releaseAll();
    expect([gen(m, s), setName(m, s)]).toEqual([0, `swept partial of ${scan(44)}`]);
    expect(fill(m, 44, 1)).toEqual([a! + 4096]); // the same span again, with its room
    m.mutator.cache.releaseAll();
    expect(setName(m, s)).toBe(`swept full of ${scan(44)}`);
    sound(m);
  });

  test('heapLive takes the whole span when it is cached, and gives back what was not used', () => {
    const m = pagesMachine(7);
    const { stats } = m.heap;
    fill(m, 44, 1);
    expect(stats.heapLive).toBe(8192);
    m.mutator.cache.releaseAll();
    expect(stats.heapLive).toBe(4096);
    fill(m, 44, 1); // of a span that has one object already
    expect(stats.heapLive).toBe(8192);
  });

  test('heapLive is left alone by spans that were cached before the mark termination: marking has set it', () => {
    const m = pagesMachine(7);
    m.pin(fill(m, 44, 1)[0]!);
    m.gc.start(true);
    while (m.gc.marking) m.gc.step(1 << 20); // the stale span is given back at the end, half used
    expect(m.heap.stats.heapLive).toBe(4096);
  });

  test('a span with room is not exchanged', () => {
    const m = pagesMachine(7);
    fill(m, 44, 1);
    expect(() => m.mutator.cache.refill(cacheOf(m, 44))).toThrow('refill of span with free space remaining');
  });

  test('no two Ps share a span', () => {
    const m = pagesMachine(7);
    const at = [0, 1, 2].map((p) => fill(m, 5, 10, p));
    expect(new Set(at.map((list) => m.heap.spanOf(list[0]!))).size).toBe(3);
    sound(m);
  });

  test('what one P released another P goes on with', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 5, 10, 0);
    m.mutators[0]!.cache.releaseAll();
    expect(fill(m, 5, 1, 2)).toEqual([a! + 480]);
  });

  test('the fast road is open for one type, marking or not, and closed at mark termination', () => {
    const m = pagesMachine(7);
    const { node } = types(m);
    m.mutator.newObject(node);
    const c = m.mutator.cache.alloc[node.spanClass]!;
    expect(c.gate).toBe(node.id);
    const gates: number[] = [];
    m.gc.onMarkTermination(() => gates.push(c.gate));
    m.gc.start(true);
    expect(c.gate).toBe(node.id);
    while (m.gc.marking) m.gc.step(1 << 20);
    expect(gates).toEqual([-3]);
    m.mutator.newObject(node);
    expect(c.gate).toBe(node.id);
    m.mutator.newObject(m.heap.types.define('main.Other', 16, [0]));
    expect([node.id, -3].includes(c.gate)).toBe(false); // a mixed span
  });
});

describe('a span of at most 32 large slots is cached whole', () => {
  const bytes = 1024;
  const wideCache = (m: Machine) => m.mutator.cache.alloc[scan(sizeClass(bytes))]!;

  test('which classes are', () => {
    const m = pagesMachine(7);
    for (const c of m.mutator.cache.alloc.slice(2)) {
      const slots = classSlots[c.spanClass >>> 1]!;
      expect([c.wide, c.stride]).toEqual(c.elemSize >= 256 && slots <= 32 ? [true, c.elemSize] : [false, 8]);
    }
    expect(classSize.filter((size, sizeclass) => size >= 256 && classSlots[sizeclass]! > 32)).toEqual([]);
  });

  test('free slots between live ones are found, in order, and counted when the span is given back', () => {
    const m = pagesMachine(7);
    const made = fill(m, sizeClass(bytes), 8);
    for (const i of [1, 4, 6]) m.pin(made[i]!);
    m.gc.collect();
    m.mutator.mallocgc(bytes, types(m).ptrs); // takes the span: three live slots
    const c = wideCache(m);
    expect(c.span).toBe(m.heap.spanOf(made[0]!));
    expect(fill(m, sizeClass(bytes), 3)).toEqual([made[2], made[3], made[5]]);
    m.heap.writeBack();
    expect([m.heap.mspan.allocCount[c.span], m.heap.mspan.freeAddr[c.span]]).toEqual([7, made[7]]);
    expect(heapFindings(m.heap)).toEqual([]);
    m.gc.start(true); // the last free slot is marked ahead, and taken back
    expect(m.heap.isMarked(made[7]!)).toBe(true);
    while (m.gc.marking) m.gc.step(1 << 20);
    expect(m.heap.isMarked(made[7]!)).toBe(false);
    expect(m.gc.objectsMarked).toBe(3);
  });
});

describe('allocation while marking is black', () => {
  /** A machine whose P has a half-used span of nodes, and the objects in it. */
  const halfUsed = () => {
    const m = pagesMachine(7);
    const { node } = types(m);
    const slots = classSlots[node.spanClass >>> 1]!;
    for (let i = 0; i < slots / 2; i++) m.mutator.newObject(node);
    const c = m.mutator.cache.alloc[node.spanClass]!;
    return { m, node, slots, c, s: c.span };
  };

  test('the free slots of cached spans are marked while marking is on, and only then', () => {
    const { m, slots, s } = halfUsed();
    expect(m.heap.markedCount(s)).toBe(0);
    m.gc.start(true);
    expect(m.heap.markedCount(s)).toBe(slots / 2);
    expect(m.mutator.cache.blackened(s)).toBe(true);
    expect(heapFindings(m.heap)).toEqual([]);
    const at: number[] = [];
    m.gc.onMarkTermination(() => at.push(m.heap.markedCount(s)));
    while (m.gc.marking) m.gc.step(1 << 20);
    expect(at).toEqual([0]);
    expect(m.mutator.cache.blackened(s)).toBe(false);
  });

  test('the accounts hold what was allocated, not what was marked ahead', () => {
    const { m, node, slots, c } = halfUsed();
    m.gc.start(true);
    for (let i = 0; i < slots / 4; i++) m.mutator.newObject(node);
    while (m.gc.marking) m.gc.step(1 << 20);
    expect(m.gc.objectsMarked).toBe(slots / 4);
    expect(m.gc.pacer.heapMarked).toBe((slots / 4) * c.elemSize);
    m.gc.collect();
    expect(m.gc.objectsMarked).toBe(0);
  });

  test('the walker tells marks ahead from marks on free slots (B2)', () => {
    const { m, c } = halfUsed();
    m.gc.start(true);
    c.blackFrom = -1; // as if nobody had blackened it
    expect(heapFindings(m.heap).some((f) => f.startsWith('B2'))).toBe(true);
  });
});

describe('sweepgen goes through the table of mspan.ts', () => {
  test('uncached: sg-2 needs sweeping, sg-1 being swept, sg swept', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 44, 2);
    const s = m.heap.spanOf(a!);
    m.heap.markBits[a! >>> 8]! |= 1; // as the marker would
    m.mutator.cache.releaseAll();
    expect([gen(m, s), setName(m, s)]).toEqual([0, `swept full of ${scan(44)}`]);
    m.gc.sweeper.begin();
    for (const { cache } of m.mutators) cache.prepareForSweep();
    expect([gen(m, s), setName(m, s)]).toEqual([-2, `unswept full of ${scan(44)}`]);
    expect([m.heap.central.nextUnswept(scan(44)), setName(m, s)]).toEqual([s, '-']);
    expect([tryAcquire(m.heap, s), gen(m, s), tryAcquire(m.heap, s)]).toEqual([true, -1, false]);
    expect(sweepSpan(m.heap, s, false)).toBe(false);
    expect([gen(m, s), setName(m, s), m.heap.mspan.allocCount[s]]).toEqual([0, `swept partial of ${scan(44)}`, 1]);
  });

  test('cached before the sweep began: sg+1, and given back it is swept at once', () => {
    const m = pagesMachine(7);
    const [a, b] = fill(m, 44, 2);
    m.mutator.cache.releaseAll();
    const [c] = fill(m, 1, 5);
    const s = m.heap.spanOf(c!);
    expect(gen(m, s)).toBe(3);
    m.gc.sweeper.begin();
    expect([gen(m, s), gen(m, m.heap.spanOf(a!))]).toEqual([1, -2]);
    sound(m);
    m.mutator.cache.prepareForSweep();
    expect(m.heap.spanOf(c!)).toBe(0); // nothing in it was marked: its page is free
    expect([m.heap.isObject(a!), m.heap.isObject(b!)]).toEqual([true, true]); // not met by a sweeper yet
    m.gc.sweeper.finish();
    expect(m.heap.pages.inUse).toBe(0);
  });

  test('stale spans are given back once a cycle', () => {
    const m = pagesMachine(7);
    fill(m, 1, 5);
    const { cache } = m.mutator;
    cache.prepareForSweep();
    expect(cacheOf(m, 1).span).not.toBe(0); // no cycle has ended: nothing is stale
    m.gc.sweeper.begin();
    cache.prepareForSweep();
    expect(cacheOf(m, 1).span).toBe(0);
    m.gc.sweeper.finish();
    m.gc.sweeper.begin();
    m.gc.sweeper.finish();
    m.gc.sweeper.begin();
    expect(() => cache.prepareForSweep()).toThrow('bad flushGen 2 in prepareForSweep; sweepgen 6');
  });

  test('a special may be put on a span of any state but "being swept"', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 44, 2);
    const s = m.heap.spanOf(a!);
    ensureSwept(m.heap, s); // sg+3
    m.mutator.cache.releaseAll();
    ensureSwept(m.heap, s); // sg
    m.heap.markBits[a! >>> 8]! |= 1;
    m.gc.sweeper.begin();
    ensureSwept(m.heap, s); // sg-2: sweeps it here
    expect([gen(m, s), setName(m, s)]).toEqual([0, `swept partial of ${scan(44)}`]);
    m.gc.sweeper.begin();
    tryAcquire(m.heap, s);
    expect(() => ensureSwept(m.heap, s)).toThrow(`mspan.ensureSwept: span ${s} has sweepgen 3, heap 4`);
  });
});

describe('a cache looks for a span', () => {
  /** A heap after a marking: class 44 (two slots) with a swept partial span and unswept spans, made to order. */
  function afterMarking(liveOf: number[][]): { m: Machine; spans: MSpan[] } {
    const m = pagesMachine(16);
    const spans: MSpan[] = [];
    for (const live of liveOf) {
      const at = fill(m, 44, 2);
      for (const i of live) m.pin(at[i]!);
      spans.push(m.heap.spanOf(at[0]!));
    }
    releaseCaches(m);
    markOnly(m);
    return { m, spans };
  }

  test('among swept spans with room first: nothing is swept for it', () => {
    const { m, spans } = afterMarking([[0], [1], [0]]);
    m.heap.central.unlink(spans[1]!);
    tryAcquire(m.heap, spans[1]!);
    sweepSpan(m.heap, spans[1]!, false); // by the background sweeper, say
    const [a] = fill(m, 44, 1);
    expect(m.heap.spanOf(a!)).toBe(spans[1]);
    expect([gen(m, spans[0]!), gen(m, spans[2]!)]).toEqual([-2, -2]);
  });

  test('then among unswept ones, which it sweeps: garbage before fresh pages', () => {
    const { m, spans } = afterMarking([[0, 1], [0], [0, 1]]);
    const grownBefore = m.heap.pages.inUse;
    const [a] = fill(m, 44, 1);
    expect(m.heap.spanOf(a!), drawing(m)).toBe(spans[1]);
    expect(m.heap.pages.inUse).toBe(grownBefore);
    expect(spans.map((s) => setName(m, s))).toEqual([expect.any(String), '-', `swept full of ${scan(44)}`]);
    sound(m);
  });

  test('takes an unswept span that turns out empty as it is', () => {
    const { m, spans } = afterMarking([[]]);
    const [a] = fill(m, 44, 1);
    expect([m.heap.spanOf(a!), m.heap.pages.inUse, m.heap.mspan.needZero[spans[0]!]]).toEqual([spans[0], 1, 1]);
    sound(m);
  });

  test('sweeps at most 100 spans in vain before it takes fresh pages', () => {
    const m = pagesMachine(200);
    for (const addr of fill(m, 51, 150)) m.pin(addr); // a page and an object each
    releaseCaches(m);
    markOnly(m);
    expect(m.heap.stats.pagesSwept).toBe(0);
    fill(m, 51, 1);
    expect([m.heap.stats.pagesSwept, m.heap.pages.inUse]).toEqual([100, 151]);
    sound(m);
  });

  test('full spans are swept before partial ones, class after class', () => {
    const m = pagesMachine(16);
    const [one] = fill(m, 44, 1); // partial
    fill(m, 44, 2, 1); // full
    fill(m, 1, 1, 1); // a smaller class
    releaseCaches(m);
    m.gc.sweeper.begin();
    for (const cache of m.heap.caches) cache.prepareForSweep();
    const order: string[] = [];
    for (let s = m.heap.spanOf(one!); m.heap.pages.inUse > 0; ) {
      const before = new Map([1, 2, 3].map((row) => [row, m.heap.mspan.state[row as MSpan]]));
      m.gc.sweeper.sweepOne();
      s = [1, 2, 3].find((row) => before.get(row) !== m.heap.mspan.state[row as MSpan]) as MSpan;
      order.push(`class ${m.heap.mspan.spanClass[s] >>> 1}, ${s}`);
    }
    expect(order).toEqual(['class 1, 3', 'class 44, 2', 'class 44, 1']);
    expect([m.gc.sweeper.isDone, m.gc.sweeper.sweepOne(), m.gc.sweeper.isDone]).toEqual([false, 0, true]);
  });
});

test('a span may be taken out of the middle of its set, as the first and as the last', () => {
  const m = pagesMachine(7);
  const spans = Array.from({ length: 5 }, (_, i) => {
    const s = m.heap.spanOf(fill(m, 44, 2)[0]!);
    m.heap.caches[i % 3]!.releaseAll();
    return s;
  });
  releaseCaches(m);
  const set = m.heap.mspan.set[spans[0]!] - 1;
  const members = () => {
    const out: MSpan[] = [];
    for (let s = m.heap.central.first(set); s !== 0; s = m.heap.mspan.next[s] as MSpan) out.push(s);
    return out;
  };
  const all = members();
  expect([...all].sort()).toEqual([...spans].sort());
  for (const i of [2, 0, 4]) {
    m.heap.central.unlink(all[i]!);
    m.heap.central.unlink(all[i]!); // in no set any more: nothing happens
    expect(m.heap.mspan.set[all[i]!]).toBe(0);
  }
  expect(members()).toEqual([all[1], all[3]]);
  for (const i of [0, 2, 4]) m.heap.central.push(all[i]!);
  sound(m);
  expect(() => m.heap.central.push(all[1]!)).toThrow(`mcentral: span ${all[1]} is already in set ${set}`);
});

describe('the sweeper of one span throws', () => {
  test('when it does not own the span', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 1, 1);
    m.mutator.cache.releaseAll();
    expect(() => sweepSpan(m.heap, m.heap.spanOf(a!), false)).toThrow('mspan.sweep: bad span state');
  });

  test('when a free slot is marked: somebody kept a pointer to a freed object', () => {
    const m = pagesMachine(7);
    const [a] = fill(m, 2, 3);
    m.mutator.cache.releaseAll();
    m.heap.markBits[a! >>> 8]! |= 1 << 6; // slot 3 of 16 bytes: the first one that was never allocated
    m.gc.sweeper.begin();
    expect(() => m.gc.sweeper.finish()).toThrow(`found pointer to free object: 0x${(a! + 48).toString(16)} in span 1 (elemsize 16)`);
  });
});
