// An object is zero when it is allocated, whatever lay there before.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundUpSize } from '../../../heap/sizeclasses.ts';
import type { RType } from '../../../heap/types.ts';
import type { Backing } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { pagesMachine, sound, types } from './support.ts';

/** Allocates, checks that all bytes of the slot are zero, and soils them. A tiny object has its own bytes only. */
function soiled(m: Machine, bytes: number, type: RType, how: 'mallocgc' | 'newObject' = 'mallocgc'): number {
  const addr = how === 'newObject' ? m.mutator.newObject(type) : m.mutator.mallocgc(bytes, type);
  const size = bytes < 16 && type.noscan ? bytes : roundUpSize(bytes);
  const slot = m.arena.u8.subarray(addr, addr + size);
  const dirty = slot.findIndex((b) => b !== 0);
  if (dirty >= 0) throw new Error(`object of ${bytes} bytes at 0x${addr.toString(16)}: byte ${dirty} is ${slot[dirty]}`);
  slot.fill(0xff);
  return addr;
}

describe.each<Backing>(['wasm', 'shared', 'plain'])('zeroed on %s memory', (backing) => {
  test('objects in slots and pages that were used before, by any class', () => {
    const m = pagesMachine(40, { backing });
    const { bytes } = types(m);
    for (let round = 0; round < 4; round++) {
      for (let size = 1 + round; size <= 32768; size = Math.ceil(size * 1.6)) soiled(m, size, bytes);
      soiled(m, 40_000 + round, bytes);
      m.gc.collect();
      sound(m);
    }
    m.gc.collect(); // the tiny block being filled when a collection begins survives that one
    expect(m.heap.pages.inUse).toBe(0);
  });

  test('objects between living neighbours, on the fast road', () => {
    const m = pagesMachine(7, { backing });
    for (const type of [m.heap.types.define('main.Small', 48, []), m.heap.types.define('main.Long', 112, [])]) {
      const at = Array.from({ length: 60 }, () => soiled(m, type.size, type, 'newObject'));
      const pins = at.filter((_, i) => i % 3 === 0).map((addr) => m.pin(addr));
      m.gc.collect();
      for (let i = 0; i < 60; i++) soiled(m, type.size, type, 'newObject');
      for (const addr of at.filter((_, i) => i % 3 === 0))
        expect(m.arena.u8.subarray(addr, addr + type.size).every((b) => b === 0xff)).toBe(true);
      for (const pin of pins) m.unpin(pin);
      m.gc.collect();
    }
  });
});

test('zeroed while marking and while sweeping too, in any order of sizes', () => {
  const op = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ what: fc.constant('alloc' as const), bytes: fc.constantFrom(1, 8, 24, 64, 65, 72, 500, 1024, 4096, 9000) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constantFrom('step' as const, 'start' as const, 'collect' as const), bytes: fc.constant(0) }),
    },
  );
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60, size: 'max' }), (ops) => {
      const m = pagesMachine(31);
      const { bytes } = types(m);
      for (const op of ops) {
        if (op.what === 'alloc') {
          if (m.heap.pages.inUse > 26) m.gc.collect();
          soiled(m, op.bytes, bytes);
        } else if (op.what === 'start') m.gc.start(false);
        else if (op.what === 'step') m.gc.step(3);
        else m.gc.collect();
      }
      sound(m);
    }),
    { numRuns: 60 },
  );
});
