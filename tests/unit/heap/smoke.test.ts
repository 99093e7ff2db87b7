// A first look: objects are found, kept while rooted, freed when not, and the profile agrees.
import { expect, test } from 'vitest';
import { check, testMachine } from '../../support/machine.ts';

test('a rooted object survives a collection and an unrooted one does not', () => {
  const m = testMachine();
  const node = m.heap.types.define('main.Node', 16, [1]);
  const a = m.mutator.newObject(node);
  const pin = m.pin(a);
  const b = m.mutator.newObject(node);
  m.mutator.storePointer((a >>> 2) + 1, b);
  const c = m.mutator.newObject(node);
  check(m);
  m.gc.collect();
  check(m);
  expect([a, b, c].map((x) => m.heap.isObject(x))).toEqual([true, true, false]);
  m.unpin(pin);
  m.gc.collect();
  check(m);
  expect([a, b, c].map((x) => m.heap.isObject(x))).toEqual([false, false, false]);
  expect(m.profiler.records(true)).toMatchObject([{ allocObjects: 3, freeObjects: 3 }]);
});

test('every size survives and dies', () => {
  const m = testMachine({ heapBytes: 8 << 20 });
  const bytes = m.heap.types.define('bytes', 4, []);
  const pins: number[] = [];
  for (let size = 1; size < 40000; size = Math.ceil(size * 1.07)) pins.push(m.pin(m.mutator.mallocgc(size, bytes)));
  m.gc.collect();
  check(m);
  for (const p of pins) m.unpin(p);
  m.gc.collect();
  check(m);
  const { mallocs, frees } = m.heap.stats.totals();
  expect(mallocs).toBe(pins.length - m.heap.stats.tinyAllocs); // below 16 bytes several share a block
  expect(frees).toBe(mallocs);
  expect(m.heap.stats.pagesInUse).toBe(0);
});

test('goroutines pass pointers over channels while collections run', () => {
  const m = testMachine();
  const { sched } = m;
  expect(sched.live).toBe(0);
});
