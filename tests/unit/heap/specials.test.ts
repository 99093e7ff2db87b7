// Specials: records on single objects, sorted by (offset, kind), one of each kind; what the sweeper does with them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MSpan } from '../../../heap/mspan.ts';
import { addSpecial, attachSpecial, profileBucket, removeSpecial, Special, SpecialKind, setProfileBucket } from '../../../heap/mspecial.ts';
import { inUseObjects } from '../../../profiler/records.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { markOnly, pagesMachine, releaseCaches, sound, types } from './support.ts';

const kinds: Record<number, string> = {
  [SpecialKind.finalizer]: 'finalizer',
  [SpecialKind.weakHandle]: 'weakHandle',
  [SpecialKind.profile]: 'profile',
  [SpecialKind.cleanup]: 'cleanup',
};

/** The records of a span as `offset/kind`, front to back; checks that the tail is the last one. */
function list(m: Machine, s: MSpan): string[] {
  const { w, mspan } = m.heap;
  const out: string[] = [];
  let last = 0;
  for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
    out.push(`${w[(at >>> 2) + Special.offset]}/${kinds[w[(at >>> 2) + Special.kind]!]}`);
    last = at;
  }
  expect(mspan.specialsTail[s]).toBe(last);
  return out;
}

/** n nodes in one span, and a bucket to tie them to. */
function nodes(n: number): { m: Machine; at: number[]; s: MSpan; bucket: number } {
  const m = pagesMachine(7);
  const { node } = types(m);
  const at = Array.from({ length: n }, () => m.mutator.mallocgc(16, node));
  return { m, at, s: m.heap.spanOf(at[0]!), bucket: m.profiler.mProfMalloc(16, [0x401000], 1) };
}

describe('the list of a span', () => {
  test('is sorted by offset and kind, whatever the order in which records come', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ slot: fc.nat(40), finalizer: fc.boolean() }), { selector: (r) => `${r.slot} ${r.finalizer}` }),
        (records) => {
          const { m, at, s } = nodes(41);
          for (const { slot, finalizer } of records) {
            expect(attachSpecial(m.heap, at[slot]!, finalizer ? SpecialKind.finalizer : SpecialKind.profile, 0)).toBe(true);
          }
          const sorted = [...records].sort((a, b) => a.slot - b.slot || (a.finalizer ? -1 : 1));
          expect(list(m, s)).toEqual(sorted.map(({ slot, finalizer }) => `${slot * 16}/${finalizer ? 'finalizer' : 'profile'}`));
          sound(m);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('has one record of each kind for an object: a second one is refused and leaves the list as it is', () => {
    const { m, at, s, bucket } = nodes(5);
    for (const i of [2, 0, 4]) setProfileBucket(m.heap, at[i]!, bucket);
    const before = list(m, s);
    for (const i of [0, 2, 4]) expect(attachSpecial(m.heap, at[i]!, SpecialKind.profile, bucket)).toBe(false);
    expect(list(m, s)).toEqual(before);
    expect(m.heap.specials.inUse).toBe(3); // the refused records are recycled
    expect(() => setProfileBucket(m.heap, at[4]!, bucket)).toThrow('setprofilebucket: profile already set');
  });

  test('of cleanups an object may have any number', () => {
    const { m, at, s } = nodes(2);
    for (let i = 1; i <= 3; i++) expect(attachSpecial(m.heap, at[1]!, SpecialKind.cleanup, i)).toBe(true);
    expect(list(m, s)).toEqual(['16/cleanup', '16/cleanup', '16/cleanup']);
    sound(m);
  });

  test('loses the record that is removed, wherever it stands', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5]), (order) => {
        const { m, at, s } = nodes(6);
        const left = new Set([0, 1, 2, 3, 4, 5]);
        for (const i of left) attachSpecial(m.heap, at[i]!, SpecialKind.finalizer, i + 100);
        for (const i of order) {
          expect(removeSpecial(m.heap, at[i]!, SpecialKind.finalizer)).toBe(i + 100);
          expect(removeSpecial(m.heap, at[i]!, SpecialKind.finalizer)).toBe(0);
          left.delete(i);
          expect(list(m, s)).toEqual([...left].map((k) => `${k * 16}/finalizer`));
          sound(m);
        }
        expect(m.heap.specials.inUse).toBe(left.size);
      }),
      { numRuns: 20 },
    );
  });

  test('a record on no object of the collected heap is a throw', () => {
    const { m } = nodes(1);
    for (const addr of [0, 8192, m.heap.endPage * 8192 - 8]) {
      expect(() => addSpecial(m.heap, addr, SpecialKind.profile, m.heap.specials.alloc())).toThrow('addspecial on invalid pointer');
    }
  });
});

describe('the bucket of an object', () => {
  test('is found from its first address, and from no other', () => {
    const { m, at, bucket } = nodes(3);
    setProfileBucket(m.heap, at[1]!, bucket);
    expect([at[0]!, at[1]!, at[1]! + 8, at[2]!, 0].map((addr) => profileBucket(m.heap, addr))).toEqual([0, bucket, 0, 0, 0]);
  });

  test('is found behind a finalizer of the same object', () => {
    const { m, at, s, bucket } = nodes(2);
    setProfileBucket(m.heap, at[1]!, bucket);
    attachSpecial(m.heap, at[1]!, SpecialKind.finalizer, 1);
    expect(list(m, s)).toEqual(['16/finalizer', '16/profile']);
    expect(profileBucket(m.heap, at[1]!)).toBe(bucket);
  });
});

describe('sweeping', () => {
  test('tells the profiler of each dead sampled object once, and recycles its record', () => {
    const m = pagesMachine(7, { memProfileRate: 1 });
    const { node } = types(m);
    const at = Array.from({ length: 20 }, () => m.mutator.mallocgc(16, node));
    const pins = at.filter((_, i) => i % 3 === 0).map((addr) => m.pin(addr));
    expect(m.heap.specials.inUse).toBe(20);
    m.gc.collect();
    sound(m);
    expect(m.heap.specials.inUse).toBe(7);
    expect(m.profiler.records(true)).toMatchObject([{ allocObjects: 20, freeObjects: 13, allocBytes: 320, freeBytes: 208, size: 16 }]);
    expect(list(m, m.heap.spanOf(at[0]!))).toEqual([0, 3, 6, 9, 12, 15, 18].map((i) => `${i * 16}/profile`));
    for (const pin of pins) m.unpin(pin);
    m.gc.collect();
    expect([m.heap.specials.inUse, ...m.profiler.records(true).map(inUseObjects)]).toEqual([0, 0]);
    sound(m);
  });

  test.each([
    ['the first', [1, 2, 3]],
    ['the last', [0, 1, 2]],
    ['the middle ones', [0, 3]],
    ['all but one', [2]],
    ['none', [0, 1, 2, 3]],
  ])('takes %s out of the list and keeps its tail right', (_which, live) => {
    const m = pagesMachine(7, { memProfileRate: 1 });
    const { node } = types(m);
    const at = Array.from({ length: 4 }, () => m.mutator.mallocgc(16, node));
    for (const i of live) m.pin(at[i]!);
    m.gc.collect();
    const s = m.heap.spanOf(at[0]!);
    expect(list(m, s)).toEqual(live.map((i) => `${i * 16}/profile`));
    const next = [0, 1, 2, 3, 4].find((i) => !live.includes(i))!; // the first free slot: goes into the list, not onto its end
    expect(m.mutator.mallocgc(16, node)).toBe(at[0]! + next * 16);
    expect(list(m, s)).toEqual([...live, next].sort((a, b) => a - b).map((i) => `${i * 16}/profile`));
    sound(m);
  });

  // Go: test/finprofiled.go. Before 1.6 the profile record was freed although the finalizer kept the object.
  test('a finalizer keeps its object for one more cycle, with all other records; weak pointers to it read nil at once', () => {
    const m = pagesMachine(7, { memProfileRate: 1 });
    const { heap } = m;
    const called: string[] = [];
    const addr = m.mutator.mallocgc(16, types(m).node);
    const s = heap.spanOf(addr);
    const weak = { addr };
    attachSpecial(
      heap,
      addr,
      SpecialKind.cleanup,
      heap.finalQueue.register(() => called.push('cleanup')),
    );
    attachSpecial(
      heap,
      addr,
      SpecialKind.finalizer,
      heap.finalQueue.register(() => called.push('finalizer')),
    );
    attachSpecial(heap, addr, SpecialKind.weakHandle, heap.weakCells.add(weak));
    expect(list(m, s)).toEqual(['0/finalizer', '0/weakHandle', '0/profile', '0/cleanup']);
    m.gc.collect();
    sound(m);
    expect([heap.isObject(addr), list(m, s), heap.finalQueue.length]).toEqual([true, ['0/profile', '0/cleanup'], 1]);
    expect([weak.addr, m.profiler.records(true).map(inUseObjects)]).toEqual([0, [1]]);
    const call = heap.finalQueue.take()!;
    expect(call.addr).toBe(addr);
    call.fn(call.addr);
    m.gc.collect();
    sound(m);
    expect([heap.isObject(addr), m.profiler.records(true).map(inUseObjects)]).toEqual([false, [0]]);
    heap.finalQueue.take()!.fn(0);
    expect([called, heap.specials.inUse, heap.finalQueue.length]).toEqual([['finalizer', 'cleanup'], 0, 0]);
  });

  test('an unsampled object dies without a word to the profiler', () => {
    const m = pagesMachine(7);
    m.mutator.mallocgc(16, types(m).node);
    m.gc.collect();
    expect([m.heap.stats.totals().frees, m.profiler.records(true), m.heap.specials.inUse]).toEqual([1, [], 0]);
  });

  test('a span is swept before a record is put on it: the mutator and the sweeper never meet in a list', () => {
    const m = pagesMachine(7, { memProfileRate: 1 });
    const { node } = types(m);
    const dead = m.mutator.mallocgc(16, node);
    m.setMemProfileRate(0);
    const unsampled = m.mutator.mallocgc(16, node);
    m.pin(unsampled);
    releaseCaches(m);
    markOnly(m);
    const s = m.heap.spanOf(dead);
    expect([m.heap.mspan.sweepGen[s] - m.heap.sweepGen, list(m, s)]).toEqual([-2, ['0/profile']]);
    setProfileBucket(m.heap, unsampled, m.profiler.mProfMalloc(16, [], 0));
    expect([m.heap.mspan.sweepGen[s] - m.heap.sweepGen, list(m, s)]).toEqual([0, ['16/profile']]);
    sound(m);
  });
});
