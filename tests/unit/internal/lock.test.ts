// Lock ranks: what a real machine would meet as a deadlock is an error the first time it could happen.
import { describe, expect, test } from 'vitest';
import { LockOrder, LockRank, Mutex } from '../../../runtime/internal/lock.ts';
import { Throw } from '../../../runtime/internal/throw.ts';

function locks() {
  const order = new LockOrder();
  const make = (rank: LockRank, name: string) => new Mutex(order, rank, name);
  return { order, prof: make(LockRank.prof, 'proflock'), heap: make(LockRank.mheap, 'mheap'), heap2: make(LockRank.mheap, 'other heap') };
}

describe('locks taken in order', () => {
  test('nest, and are told outermost first', () => {
    const { order, prof, heap } = locks();
    prof.lock();
    heap.lock();
    expect(order.heldNames()).toEqual(['proflock', 'mheap']);
    expect([prof.locked, heap.locked]).toEqual([true, true]);
    heap.unlock();
    prof.unlock();
    expect(order.heldNames()).toEqual([]);
  });

  test('may be given back in another order', () => {
    const { order, prof, heap } = locks();
    prof.lock();
    heap.lock();
    prof.unlock();
    expect(order.heldNames()).toEqual(['mheap']);
    heap.unlock();
    prof.lock();
    expect(order.heldNames()).toEqual(['proflock']);
  });
});

describe('a broken order is a throw', () => {
  test('a lower rank under a higher one', () => {
    const { prof, heap } = locks();
    heap.lock();
    expect(() => prof.lock()).toThrow(new Throw('lock: proflock (rank 30) taken while holding mheap (rank 60)'));
    expect(prof.locked).toBe(false);
  });

  test('two locks of one rank: their order is not known', () => {
    const { heap, heap2 } = locks();
    heap.lock();
    expect(() => heap2.lock()).toThrow('lock: other heap (rank 60) taken while holding mheap (rank 60)');
  });

  test('a lock that this M holds: it would wait for itself for ever', () => {
    const { prof, heap } = locks();
    prof.lock();
    heap.lock();
    expect(() => prof.lock()).toThrow('lock: proflock is already held by this M: self-deadlock (held: proflock, mheap)');
  });

  test('giving back what is not held', () => {
    const { prof } = locks();
    expect(() => prof.unlock()).toThrow('unlock: proflock is not held');
  });
});
