// How many different numbers there were, and how many there are that did not come: against what is known.
import { describe, expect, test } from 'vitest';
import { Rand } from '../../../runtime/internal/rand.ts';
import { exploreSync, type Program } from '../../../sim/index.ts';
import { Tally } from '../../../sim/tally.ts';

/** n draws from k numbers, each as likely as the others. */
function draws(k: number, n: number, into = new Tally(), stream = 'a'): Tally {
  const rand = new Rand(1, stream);
  for (let i = 0; i < n; i++) into.add(Math.imul(1 + ((rand.next() >>> 0) % k), 0x9e3779b1));
  return into;
}

describe('the next one is new', () => {
  test.each([
    [1000, 500],
    [1000, 2000],
    [100_000, 100_000],
  ])('%d equally likely numbers, drawn %d times', (k, n) => {
    const tally = draws(k, n);
    const really = 1 - tally.count / k;
    expect(Math.abs(tally.unseen - really)).toBeLessThan(0.05);
  });

  test('with every number once, however many share a bit; and with every number twice', () => {
    const [once, twice] = [new Tally(), new Tally()];
    for (let i = 0; i < 4_000_000; i++) once.add(Math.imul(i, 0x9e3779b1));
    for (let i = 0; i < 2000; i++) twice.add(Math.imul(i >> 1, 0x9e3779b1));
    expect(once.unseen).toBeGreaterThan(0.98);
    expect(twice.unseen).toBe(0);
    expect(new Tally().unseen).toBe(1);
  });

  test('two that are merged say what one says that has seen it all', () => {
    const all = draws(5000, 3000, draws(5000, 4000), 'b');
    const merged = draws(5000, 4000);
    merged.merge(draws(5000, 3000, new Tally(), 'b').seen);
    expect([merged.count, merged.unseen]).toEqual([all.count, all.unseen]);
  });
});

test('a program with few schedules is seen whole soon; one with many is not; an exhaustive search draws nothing', () => {
  const shared = (steps: number): Program =>
    function* main(go) {
      const x = go.cell(0);
      for (let g = 0; g < 3; g++) {
        go.go(function* worker() {
          for (let i = 0; i < steps; i++) yield* x.set(i);
        });
      }
      yield* go.gosched();
    };
  const how = { strategy: 'random', schedules: 2000, races: false } as const;
  expect(exploreSync(shared(1), how).unseen).toBe(0);
  expect(exploreSync(shared(8), how).unseen).toBeGreaterThan(0.9);
  expect(exploreSync(shared(1), { strategy: 'exhaustive', races: false }).unseen).toBeNull();
});
