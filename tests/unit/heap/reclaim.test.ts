// The reclaimer: before pages are taken, dead spans of that many pages are swept; what is found beyond is credit; chunk by chunk.
import { describe, expect, test } from 'vitest';
import { attachSpecial, SpecialKind } from '../../../heap/mspecial.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { markOnly, pagesMachine, sound, types } from './support.ts';

/** Spans of a class in use, by whether they are swept. */
const swept = (m: Machine) => {
  const { mspan, sweepGen, spanRows } = m.heap;
  let n = 0;
  for (let s = 1; s < spanRows; s++) if (mspan.state[s as never] === 1 && mspan.sweepGen[s as never] === sweepGen) n++;
  return n;
};

describe('a large object takes dead pages before fresh ones', () => {
  test('the dead spans of one chunk, and no others; those beyond what it needs are credit', () => {
    const m = pagesMachine(2048, { gogc: 'off' });
    const { bytes } = types(m);
    for (let i = 0; i < 100; i++) m.mutator.mallocgc(80_000, bytes); // 1000 pages, in chunks of 512
    markOnly(m);
    expect(m.heap.stats.pagesInUse).toBe(1000);
    m.mutator.mallocgc(200_000, bytes); // 25 pages
    expect(m.heap.stats.pagesInUse).toBe(1000 - 520 + 25); // the 52 objects that begin in the first chunk
    expect(m.heap.reclaimer.credit).toBe(520 - 25);
    m.mutator.mallocgc(200_000, bytes);
    expect(m.heap.reclaimer.credit).toBe(520 - 50); // paid from credit: nothing is swept
    expect(m.heap.stats.pagesInUse).toBe(1000 - 520 + 50);
    expect(m.heap.pages.grown).toBe(1024);
    sound(m);
  });

  test('spans with a live object are left to the ordinary sweep', () => {
    const m = pagesMachine(2048, { gogc: 'off' });
    const { bytes } = types(m);
    const pins = Array.from({ length: 20 }, (_, i) => ({ i, pin: m.pin(m.mutator.mallocgc(80_000, bytes)) }));
    for (const { i, pin } of pins) if (i % 2 === 0) m.unpin(pin);
    markOnly(m);
    m.mutator.mallocgc(4_000_000, bytes); // more than there is
    expect(m.heap.reclaimer.spansSwept).toBe(10);
    expect(m.gc.sweeper.isDone).toBe(false);
    m.gc.sweeper.finish();
    expect(m.heap.stats.pagesInUse).toBe(10 * 10 + Math.ceil(4_000_000 / 8192));
    sound(m);
  });

  test('small spans that are dead count as well', () => {
    const m = pagesMachine(512, { gogc: 'off' });
    const { bytes } = types(m);
    for (let i = 0; i < 128 * 40; i++) m.mutator.mallocgc(64, bytes); // 40 pages, the last one cached
    markOnly(m);
    m.mutator.mallocgc(100_000, bytes);
    expect(m.heap.reclaimer.spansSwept).toBeGreaterThan(30);
    expect(m.heap.pages.grown).toBe(512);
    sound(m);
  });

  test('a span whose only object is kept by a finalizer gives nothing', () => {
    const m = pagesMachine(512, { gogc: 'off' });
    const { bytes } = types(m);
    const addr = m.mutator.mallocgc(80_000, bytes);
    const { heap } = m;
    const n = heap.finalQueue.register(() => {});
    m.mutator.mallocgc(8, bytes);
    attachSpecial(heap, addr, SpecialKind.finalizer, n);
    markOnly(m);
    m.mutator.mallocgc(80_000, bytes);
    expect(heap.isObject(addr)).toBe(true);
    expect(heap.finalQueue.length).toBe(1);
    sound(m);
  });
});

describe('small spans', () => {
  test('take dead pages of another class before the heap grows', () => {
    const m = pagesMachine(1024, { gogc: 'off' });
    const { bytes } = types(m);
    for (let i = 0; i < 51; i++) m.mutator.mallocgc(80_000, bytes); // 510 of 512 pages
    markOnly(m);
    for (let i = 0; i < 20 * 128; i++) m.mutator.mallocgc(64, bytes); // 20 pages
    expect(m.heap.pages.grown).toBe(512);
    expect(m.heap.reclaimer.spansSwept).toBeGreaterThan(0);
    sound(m);
  });
});

test('it goes through the heap once a cycle, and rests when the sweep is done', () => {
  const m = pagesMachine(512, { gogc: 'off' });
  const { bytes } = types(m);
  for (let i = 0; i < 10; i++) m.mutator.mallocgc(80_000, bytes);
  m.mutator.mallocgc(80_000, bytes); // no sweep goes on
  expect(m.heap.reclaimer.spansSwept).toBe(0);
  markOnly(m);
  m.mutator.mallocgc(2_000_000, bytes);
  const before = swept(m);
  const spans = m.heap.reclaimer.spansSwept;
  m.mutator.mallocgc(2_000_000, bytes);
  expect([m.heap.reclaimer.spansSwept, swept(m)]).toEqual([spans, before + 1]);
  m.gc.sweeper.finish();
  markOnly(m);
  m.gc.sweeper.finish();
  m.mutator.mallocgc(80_000, bytes);
  expect(m.heap.reclaimer.spansSwept).toBe(spans);
});
