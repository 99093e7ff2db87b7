// Random programs under random schedules, with collector steps between any two operations, against a shadow of the heap:
// no live object is ever freed, every dead one soon is, and what the profiler publishes is the truth as of one mark
// termination in all buckets at once. The checks are in tests/support/hostile.ts, programs that break them in tests/stories.
//
// A failure prints the program, shrunk, and its schedule's seed. SEED=n runs other programs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { programs, runHostile } from '../support/hostile.ts';

const seed = Number(process.env.SEED ?? 20140901);

test('programs of two and three goroutines never lose an object, never keep one for long, and are profiled truly', ({ annotate }) => {
  const total = { runs: 0, cycles: 0, objects: 0, freed: 0, skew: 0 };
  fc.assert(
    fc.property(programs, fc.nat(), (program, schedule) => {
      const run = runHostile(program, { seed: schedule });
      total.runs++;
      for (const key of ['cycles', 'objects', 'freed', 'skew'] as const) total[key] += run[key];
    }),
    { seed, numRuns: 1500 },
  );
  // The runs were worth something: many cycles, much garbage, and a naive profile that lied.
  expect(total.cycles).toBeGreaterThan(total.runs * 4);
  expect(total.freed).toBeGreaterThan(total.runs * 10);
  expect(total.skew).toBeGreaterThan(0);
  return annotate(JSON.stringify(total));
});

test('nor do they in 2014, where every cycle is one pause', ({ annotate }) => {
  const total = { runs: 0, cycles: 0, freed: 0 };
  fc.assert(
    fc.property(programs, fc.nat(), (program, schedule) => {
      const run = runHostile(program, { seed: schedule, era: '2014' });
      total.runs++;
      for (const key of ['cycles', 'freed'] as const) total[key] += run[key];
    }),
    { seed, numRuns: 200 },
  );
  expect(total.cycles).toBeGreaterThan(total.runs * 4);
  expect(total.freed).toBeGreaterThan(total.runs * 10);
  return annotate(JSON.stringify(total));
});
