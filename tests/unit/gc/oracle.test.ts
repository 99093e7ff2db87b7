// The oracle judges the profile, and one invariant by itself: W2, that a sweep frees only what its marking could have seen.
import { expect, test } from 'vitest';
import { removeSpecial, SpecialKind } from '../../../heap/mspecial.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { testMachine } from '../../support/machine.ts';

test('W2: a free of an object that was allocated after the mark termination is thrown out', () => {
  const m = testMachine({ oracle: true });
  const node = m.heap.types.define('test.Node', 16, [1]);
  m.gc.collect();
  const old = m.mutator.newObject(node);
  m.pin(old); // else the cycle frees it by itself
  m.gc.start(true);
  while (m.gc.marking) m.gc.step(100);
  const young = m.mutator.newObject(node); // allocated in the sweep of the cycle
  m.events.emit(Ev.free, old, 16); // as the sweeper would
  expect(() => m.events.emit(Ev.free, young, 16)).toThrow(/^W2: sweep 2 freed 0x[0-9a-f]+, which was allocated after mark termination 2$/);
});

test('P3: a sampled object without its special is thrown out at the next mark termination', () => {
  const m = testMachine({ oracle: true });
  const a = m.mutator.newObject(m.heap.types.define('test.Node', 16, [1]));
  m.pin(a);
  m.gc.collect();
  removeSpecial(m.heap, a, SpecialKind.profile);
  expect(() => m.gc.collect()).toThrow(/^P3: sampled object 0x[0-9a-f]+ of bucket \d+ has a special of bucket 0$/);
});

test('M1: a marking that ends with a grey object left is thrown out', () => {
  const m = testMachine();
  const node = m.heap.types.define('test.Node', 16, [1]);
  const a = m.mutator.newObject(node);
  m.gc.start(true);
  const stop = m.sched.world.stopTheWorld.bind(m.sched.world);
  m.sched.world.stopTheWorld = (reason) => {
    stop(reason);
    m.gc.work.put(a); // somebody greys an object when nothing was left
  };
  expect(() => {
    while (m.gc.marking) m.gc.step(100);
  }).toThrow('grey objects are left (M1)');
});
