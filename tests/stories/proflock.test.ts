// The deadlock that setprofilebucket's comment warns of, step by step: "Setprofilebucket locks a bunch of other mutexes, so we
// call it outside of proflock." Why would it need one that the caller holds?
//
//   mProfMalloc, holding proflock ─> setprofilebucket ─> addspecial ─> ensureSwept (the object's span waits to be swept)
//     ─> sweep ─> a sampled object of that span is dead ─> mProfFree ─> lock(proflock)      held by this M: for ever
//
// The runtime attaches the special when mProfMalloc has returned. The mutants below attach it inside.
import { describe, expect, test } from 'vitest';
import { setProfileBucket } from '../../heap/mspecial.ts';
import type { Era } from '../../runtime/index.ts';
import type { Machine } from '../../runtime/machine.ts';
import { testMachine } from '../support/machine.ts';

/** A machine whose only span waits to be swept: it has a sampled dead object, and one alive that is not sampled. */
function beforeSweep(era: Era): { m: Machine; alive: number } {
  const m = testMachine({ era, procs: 1 });
  const node = m.heap.types.define('main.Node', 16, [1]);
  m.mutator.mallocgc(16, node); // sampled, and about to die
  m.setMemProfileRate(0);
  const alive = m.mutator.mallocgc(16, node);
  m.pin(alive);
  for (const cache of m.heap.caches) cache.releaseAll(); // what a P has cached is swept first
  m.gc.start(false);
  while (m.gc.marking) m.gc.step(1 << 20);
  const s = m.heap.spanOf(alive);
  expect(m.heap.mspan.sweepGen[s] - m.heap.sweepGen, 'it waits to be swept').toBe(-2);
  return { m, alive };
}

/** Attaches the special while mProfMalloc holds its lock: a scheme that is told of the malloc does it. */
function attachInside({ profiler, heap }: Machine, alive: number): void {
  const [scheme] = profiler.schemes;
  const right = scheme!.onMalloc.bind(scheme);
  scheme!.onMalloc = (record, bytes) => {
    right(record, bytes);
    setProfileBucket(heap, alive, profiler.buckets.first(1));
  };
}

describe('attaching the special inside mProfMalloc', () => {
  test('2014: locks proflock twice', () => {
    const { m, alive } = beforeSweep('2014');
    attachInside(m, alive);
    expect(() => m.profiler.mProfMalloc(16, [0x401000], 1)).toThrow(
      'lock: proflock is already held by this M: self-deadlock (held: proflock)',
    );
  });

  test('1.19: takes locks of the heap, and another one of its own rank', () => {
    const { m, alive } = beforeSweep('1.19');
    attachInside(m, alive);
    expect(() => m.profiler.mProfMalloc(16, [0x401000], 1)).toThrow(
      'lock: profMemFutureLock[2] (rank 34) taken while holding profMemFutureLock[0] (rank 34)',
    );
  });

  test.each(['2014', '1.19'] as const)('%s: behind it all is well, and the dead object is freed on the way', (era) => {
    const { m, alive } = beforeSweep(era);
    setProfileBucket(m.heap, alive, m.profiler.mProfMalloc(16, [0x401000], 1));
    const s = m.heap.spanOf(alive);
    expect(m.heap.mspan.sweepGen[s] - m.heap.sweepGen).toBe(0);
    expect(m.order.heldNames()).toEqual([]);
  });
});

describe('which locks are held while', () => {
  /** Names of the locks held at each call of a scheme's method. */
  function heldDuring(era: Era, method: 'onMalloc' | 'onSweepFree' | 'onWorldStarted' | 'onForcedSweepDone', cycles: number): string[] {
    const m = testMachine({ era, procs: 1, scheme: 'cycle' });
    const [scheme] = m.profiler.schemes;
    const held: string[] = [];
    const right = scheme![method].bind(scheme) as (...args: number[]) => void;
    scheme![method] = (...args: number[]) => {
      held.push(m.order.heldNames().join(' '));
      right(...args);
    };
    const node = m.heap.types.define('main.Node', 16, [1]);
    for (let i = 0; i < cycles; i++) {
      m.mutator.mallocgc(16, node);
      m.gc.collect();
    }
    return held;
  }

  test('1.19: a malloc holds the stage C+2, a free C+1, a flush the active stage and C', () => {
    const future = (...cs: number[]) => cs.map((c) => `profMemFutureLock[${c}]`);
    const flush = (...cs: number[]) => future(...cs).map((lock) => `profMemActiveLock ${lock}`);
    expect(heldDuring('1.19', 'onMalloc', 4)).toEqual(future(2, 0, 1, 2)); // C is 0, 1, 2, 0
    expect(heldDuring('1.19', 'onSweepFree', 4)).toEqual(future(2, 0, 1, 2)); // C is 1, 2, 0, 1
    expect(heldDuring('1.19', 'onWorldStarted', 4)).toEqual(flush(1, 2, 0, 1));
    expect(heldDuring('1.19', 'onForcedSweepDone', 2)).toEqual(flush(2, 0));
  });

  test.each(['onMalloc', 'onSweepFree', 'onWorldStarted'] as const)('2014: %s: proflock', (method) => {
    expect(new Set(heldDuring('2014', method, 2))).toEqual(new Set(['proflock']));
  });

  test('a bucket is put in under its own lock, the block profile counted under another', () => {
    const m = testMachine();
    const held: string[] = [];
    const right = m.sys.persistentAlloc.bind(m.sys);
    m.sys.persistentAlloc = (...args) => {
      held.push(m.order.heldNames().join(' '));
      return right(...args);
    };
    m.sched.contention.setBlockProfileRate(1);
    m.blocks.blockEvent(5, [0x401000], 1);
    expect(held).toEqual(['profInsertLock']);
    expect(() => {
      m.profiler.locks.block.lock();
      m.blocks.blockEvent(5, [0x401000], 1);
    }).toThrow('lock: profBlockLock is already held by this M');
  });
});
