// MemStats: each identity on random programs, and looking changes nothing. Go's own tests of it are in tests/go.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMemStats, readMemStatsSlow } from '../../../runtime/memstats.ts';
import { testMachine } from '../../support/machine.ts';
import { identities } from '../../support/memstats.ts';

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

test('a collection that nobody asked for is not counted as forced', () => {
  const m = testMachine();
  m.gc.wholeCycle(false);
  expect(readMemStats(m)).toMatchObject({ numGC: 1, numForcedGC: 0 });
});
