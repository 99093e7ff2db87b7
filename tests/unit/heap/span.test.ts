// Spans: runs of pages with a row in a table; finding objects in them; what an empty one forgets.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heapStartPage, type Page } from '../../../heap/mheap.ts';
import { type MSpan, mixedTypes, noTypeYet, SpanState } from '../../../heap/mspan.ts';
import { classPages, classSize, classSlots, makeSpanClass, numSizeClasses } from '../../../heap/sizeclasses.ts';
import { noscanMask } from '../../../heap/types.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { markOnly, noscan, pagesMachine, releaseCaches, sound, types } from './support.ts';

const firstHeapAddr = heapStartPage * pageSize;

describe('a fresh span', () => {
  test('fills its row, and its pages name it', () => {
    const { heap } = pagesMachine(7);
    const s = heap.allocSpan(2, makeSpanClass(35, false), SpanState.inUse);
    const { mspan } = heap;
    const row = Object.fromEntries(Object.entries(mspan).map(([field, column]) => [field, column[s]]));
    // biome-ignore format: a row
    expect(row).toEqual({
      state: SpanState.inUse, startPage: 2, npages: 2, spanClass: 70, elemSize: 1408, nelems: 11, allocCount: 0, freeAddr: firstHeapAddr,
      sweepGen: 0, needZero: 0, objType: noTypeYet, specials: 0, specialsTail: 0, finalizers: 0, next: 0, prev: 0, set: 0,
    });
    expect([1, 2, 3, 4].map((page) => heap.pageSpan[page as Page])).toEqual([0, s, s, 0]);
    expect(heap.pageInfo.subarray(4, 8)).toEqual(Int32Array.of(0, 1408, 0, 1408)); // mask 0: ask; bytes of a slot
    expect([heap.stats.pagesInUse, heap.pages.inUse]).toEqual([2, 2]);
  });

  test('of a class without pointers tells the marker so before any object is in it', () => {
    const { heap } = pagesMachine(7);
    heap.allocSpan(1, noscan(2), SpanState.inUse);
    expect([...heap.pageInfo.subarray(4, 6)]).toEqual([noscanMask, 16]);
  });

  test('is refused when no run of pages is left, and nothing changes', () => {
    const { heap } = pagesMachine(7);
    expect(heap.allocSpan(8, noscan(0), SpanState.inUse)).toBe(0);
    const s = heap.allocSpan(7, noscan(0), SpanState.inUse);
    expect([heap.mspan.elemSize[s], heap.mspan.nelems[s]]).toEqual([7 * pageSize, 1]);
    expect([heap.allocSpan(1, noscan(1), SpanState.inUse), heap.pages.inUse, heap.order.heldNames()]).toEqual([0, 7, []]);
  });

  test('managed by hand holds no objects of the collector', () => {
    const m = pagesMachine(7);
    const { heap } = m;
    const s = heap.allocSpan(2, 0, SpanState.manual);
    const addr = heap.base(s);
    expect([heap.spanOf(addr), heap.spanOfHeap(addr), heap.objectBase(addr), heap.isObject(addr)]).toEqual([s, 0, 0, false]);
    expect([heap.stats.manualPages, heap.stats.pagesInUse]).toEqual([2, 0]);
    m.gc.collect(); // the sweeper leaves it alone
    sound(m);
    heap.freeSpan(s);
    expect([heap.stats.manualPages, heap.pages.inUse, heap.spanOf(addr)]).toEqual([0, 0, 0]);
    sound(m);
  });
});

describe('a freed span', () => {
  test('gives its row to the next one; the sweep generation of the row survives', () => {
    const m = pagesMachine(7);
    const { heap } = m;
    m.mutator.mallocgc(8, types(m).ptrs);
    const s = heap.spanOf(firstHeapAddr);
    m.gc.collect();
    expect([heap.mspan.state[s], heap.mspan.sweepGen[s], heap.pageSpan[heapStartPage as Page]]).toEqual([SpanState.dead, 2, 0]);
    m.gc.collect();
    m.gc.collect();
    expect(heap.mspan.sweepGen[s]).toBe(2);
    expect(heap.allocSpan(3, noscan(0), SpanState.inUse)).toBe(s);
    expect([heap.mspan.sweepGen[s], heap.mspan.npages[s], heap.mspan.nelems[s]]).toEqual([6, 3, 1]);
  });

  test.each([
    ['it stands in a set', (m: ReturnType<typeof pagesMachine>, s: MSpan) => void (m.heap.mspan.set[s] = 5), 'is still in set 4'],
    ['it has specials', (m: ReturnType<typeof pagesMachine>, s: MSpan) => void (m.heap.mspan.specials[s] = 64), 'still has specials'],
    ['it has objects', (m: ReturnType<typeof pagesMachine>, s: MSpan) => void (m.heap.mspan.allocCount[s] = 2), 'has 2 allocated slots'],
  ])('cannot be freed while %s', (_why, spoil, message) => {
    const m = pagesMachine(7);
    const s = m.heap.allocSpan(1, noscan(1), SpanState.inUse);
    spoil(m, s);
    expect(() => m.heap.freeSpan(s)).toThrow(`mheap.freeSpan: span ${s} ${message}`);
    expect(m.heap.pages.inUse).toBe(1);
  });

  test('rows run out no sooner than pages do', () => {
    const { heap } = pagesMachine(7);
    for (let i = 0; i < 7; i++) expect(heap.allocSpan(1, noscan(1), SpanState.inUse)).toBe(i + 1);
    expect([heap.spanRows, heap.allocSpan(1, noscan(1), SpanState.inUse)]).toEqual([8, 0]);
  });
});

describe('finding an object', () => {
  test('any address inside a slot leads to its first one; the tail of a span leads to none; in every class', () => {
    const { heap } = pagesMachine(200);
    const spans = Array.from({ length: numSizeClasses - 1 }, (_, i) => heap.allocSpan(classPages[i + 1]!, noscan(i + 1), SpanState.inUse));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: numSizeClasses - 1 }), fc.nat(), (c, n) => {
        const offset = n % (classPages[c]! * pageSize);
        const slot = Math.floor(offset / classSize[c]!);
        const base = heap.base(spans[c - 1]!);
        expect(heap.objectBase(base + offset)).toBe(slot < classSlots[c]! ? base + slot * classSize[c]! : 0);
      }),
      { numRuns: 300 },
    );
  });

  test('nil, the head, tables, free pages and addresses beyond the arena lead to none', () => {
    const m = pagesMachine(7);
    const a = m.mutator.mallocgc(8, types(m).ptrs);
    m.heap.writeBack();
    const elsewhere = [
      0,
      4,
      pageSize,
      firstHeapAddr - 1,
      firstHeapAddr + pageSize,
      m.heap.endPage * pageSize,
      m.arena.sizeBytes,
      0x7ffffff8,
      -8,
    ];
    expect(elsewhere.map((addr) => m.heap.objectBase(addr))).toEqual(elsewhere.map(() => 0));
    expect(elsewhere.map((addr) => m.heap.isObject(addr))).toEqual(elsewhere.map(() => false));
    expect([a, a + 4, a + 8].map((addr) => m.heap.isObject(addr))).toEqual([true, false, false]);
  });

  test('inside a large object every address leads to its beginning', () => {
    const m = pagesMachine(7);
    const a = m.mutator.mallocgc(40_000, types(m).bytes);
    expect([0, 1, 8191, 8192, 40_959].map((offset) => m.heap.objectBase(a + offset))).toEqual([a, a, a, a, a]);
    expect(m.heap.objectBase(a + 40_960)).toBe(0);
  });
});

describe('the type of a span', () => {
  test('is that of its first object, with its mask on every page', () => {
    const m = pagesMachine(7);
    const { heap } = m;
    const pair = m.heap.types.define('main.Pair', 16, [0, 3]);
    const a = m.mutator.mallocgc(16, pair);
    const s = heap.spanOf(a);
    expect([heap.mspan.objType[s], heap.pageInfo[(a >>> 13) << 1]]).toEqual([pair.id, 0b1001]);
    expect(heap.typeOf(a)).toBe(pair.id);
  });

  test('becomes mixed with the second one: every slot keeps its own, the mask says "ask"', () => {
    const m = pagesMachine(7);
    const { heap } = m;
    const { node } = types(m);
    const pair = heap.types.define('main.Pair', 16, [0, 3]);
    const order = [node, node, pair, node, pair, pair, node];
    const at = order.map((type) => m.mutator.mallocgc(16, type));
    const s = heap.spanOf(at[0]!);
    expect(at.every((addr) => heap.spanOf(addr) === s)).toBe(true);
    expect([heap.mspan.objType[s], heap.pageInfo[(at[0]! >>> 13) << 1]]).toEqual([mixedTypes, 0]);
    expect(at.map((addr) => heap.types.get(heap.typeOf(addr)).name)).toEqual(order.map((type) => type.name));
  });

  test('a mixed span is marked slot by slot: each type keeps its own children', () => {
    const m = pagesMachine(7);
    const { heap, mutator } = m;
    const { node, bytes } = types(m);
    const pair = heap.types.define('main.Pair', 16, [0, 3]);
    const holders = [node, pair, node, pair].map((type) => ({ type, addr: mutator.mallocgc(16, type) }));
    const kept: number[] = [];
    const dropped: number[] = [];
    for (const { type, addr } of holders) {
      m.pin(addr);
      for (let word = 0; word < 4; word++) {
        const child = mutator.mallocgc(100, bytes);
        if (type.ptrWords.includes(word)) mutator.storePointer((addr >>> 2) + word, child);
        else m.arena.i32[(addr >>> 2) + word] = child; // looks like a pointer, but the type knows better
        (type.ptrWords.includes(word) ? kept : dropped).push(child);
      }
    }
    m.gc.collect();
    sound(m);
    expect(kept.map((addr) => heap.isObject(addr))).toEqual(kept.map(() => true));
    expect(dropped.map((addr) => heap.isObject(addr))).toEqual(dropped.map(() => false));
  });

  test('without pointers never asks, however many types are mixed', () => {
    const m = pagesMachine(7);
    const { heap, mutator } = m;
    const [a, b] = [heap.types.define('[16]byte', 16, []), heap.types.define('[4]uint32', 16, [])];
    const at = [mutator.mallocgc(16, a), mutator.mallocgc(16, b)];
    expect(heap.pageInfo[(at[0]! >>> 13) << 1]).toBe(noscanMask);
    expect(at.map((addr) => heap.types.get(heap.typeOf(addr)).name)).toEqual(['[16]byte', '[4]uint32']);
  });

  test('is forgotten when a sweep leaves nothing in a span that stays cached', () => {
    const m = pagesMachine(1); // one page: the sweep of the allocation must take this very span
    const { heap, mutator } = m;
    const { node } = types(m);
    const pair = heap.types.define('main.Pair', 16, [0, 3]);
    const a = mutator.mallocgc(16, node);
    mutator.mallocgc(16, pair);
    const s = heap.spanOf(a);
    releaseCaches(m);
    markOnly(m);
    expect([heap.mspan.objType[s], heap.mspan.sweepGen[s] - heap.sweepGen]).toEqual([mixedTypes, -2]);
    expect(mutator.mallocgc(16, pair)).toBe(a);
    expect([heap.spanOf(a), heap.mspan.objType[s], heap.pageInfo[(a >>> 13) << 1]]).toEqual([s, pair.id, 0b1001]);
    sound(m);
  });
});
