// The built-in programs: each runs in checked mode, does the same twice, and has the lifetimes that it was written to show.
import { describe, expect, test } from 'vitest';
import { programs } from '../../../examples/index.ts';
import { random } from '../../../examples/random.ts';
import { type Options, Runtime } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { checkedOptions } from '../../support/run.ts';

const small: Readonly<Record<string, number>> = {
  churn: 20_000,
  trees: 10,
  generations: 10_000,
  cache: 12_000,
  pipeline: 8000,
  waits: 20,
  search: 400,
  sites: 512,
};
/** Programs that make less garbage at this size than the smallest heap holds. */
const littleGarbage = ['waits', 'search'];
const names = Object.keys(programs);

function run(name: string, options: Options = {}, seed = 1) {
  const rt = new Runtime({ heapBytes: 32 << 20, procs: 2, seed, memProfileRate: 0, ...options });
  const digest = rt.machine.digest();
  return { rt, digest, stats: () => rt.run(programs[name]!.make(small[name]!, seed)) };
}

test('each has a small size here', () => expect(names).toEqual(Object.keys(small)));

describe.each(names)('%s', (name) => {
  test('runs in checked mode with every check of the heap', () => {
    const { stats } = run(name, { ...checkedOptions, heapBytes: 32 << 20, gogc: 10 });
    expect(stats().numGC).toBeGreaterThan(littleGarbage.includes(name) ? -1 : 0);
  });

  test('does the same twice', () => {
    const [a, b] = [run(name), run(name)];
    expect(a.stats()).toEqual(b.stats());
    expect(a.digest.toString()).toBe(b.digest.toString());
  });
});

test.each(['generations', 'cache', 'pipeline'])('%s draws from the seed', (name) => {
  const [a, b] = [run(name, {}, 1), run(name, {}, 2)];
  a.stats();
  b.stats();
  expect(a.digest.toString()).not.toBe(b.digest.toString());
});

/** Ages at death of the objects that are found dead, in collections, and how many outlive the program. */
function ages(name: string) {
  const { rt, stats } = run(name, { sweep: 'eager', gogc: 20 }); // swept at once: an object's age ends where it was found dead
  const { gc } = rt.machine;
  const born = new Map<number, number>();
  const died = new Map<number, number>();
  rt.machine.subscribe((kind, addr) => {
    if (kind === Ev.malloc) born.set(addr, gc.numGC);
    if (kind !== Ev.free || !born.has(addr)) return;
    const age = gc.numGC - born.get(addr)!;
    died.set(age, (died.get(age) ?? 0) + 1);
    born.delete(addr);
  });
  const { numGC } = stats();
  return { died, numGC };
}

test('generations: most die young, some in the middle', () => {
  const { died, numGC } = ages('generations');
  const total = [...died.values()].reduce((a, b) => a + b, 0);
  expect(numGC).toBeGreaterThan(3);
  expect(died.get(0)! / total).toBeGreaterThan(0.85);
  expect([...died.keys()].filter((age) => age >= 1).length).toBeGreaterThan(0);
});

test('cache: entries die at many ages', () => {
  const { died } = ages('cache');
  expect(died.size).toBeGreaterThan(2);
});

test('sites: a bucket for each call stack', () => {
  const { rt, stats } = run('sites', { memProfileRate: 1 });
  stats();
  expect(rt.memProfile(true).filter((r) => rt.machine.symtab.frame(r.stack[0]!).func === 'main.allocate')).toHaveLength(512);
});

test('random: whole numbers below n, evenly', () => {
  const rnd = random(7);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[rnd.below(10)]!++;
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});
