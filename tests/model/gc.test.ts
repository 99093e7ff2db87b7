// Random programs under random schedules, with collector steps between any two operations, against a shadow of the heap: no
// live object is ever freed, every dead one soon is, finalizers and weak pointers keep their promises, and what the profiler
// publishes is the truth as of one mark termination in all buckets at once. The oracles are in tests/support/hostile/run.ts,
// the mutants that they catch in tests/support/mutants. `make fuzz` runs 100,000 such programs, this file a few hundred.
//
// A failure prints a replay string. SEED=n runs other programs.
import { expect, test } from 'vitest';
import { caseOf, judge, replayText, shrink } from '../support/hostile/case.ts';
import { type HostileRun, runHostile } from '../support/hostile/run.ts';

const seed = Number(process.env.SEED ?? 20140901);
const programs = 400;

test('programs of two and three goroutines never lose an object, never keep one for long, and are profiled truly', ({ annotate }) => {
  const total: Record<keyof HostileRun, number> = { cycles: 0, objects: 0, freed: 0, finalized: 0, skew: 0 };
  for (let i = 0; i < programs; i++) {
    const tried = caseOf(seed, i);
    let figures: HostileRun | null = null;
    const run = (...args: Parameters<Parameters<typeof judge>[1]>) => {
      const [program, chooser, schedule] = args;
      figures = runHostile(program, { seed: schedule, chooser });
    };
    const { verdict } = judge(tried, run);
    if (verdict !== null) {
      const replay = replayText({ mutant: '-', checks: true, case: shrink(tried, run) });
      expect.fail(`program ${i} of seed ${seed}: ${verdict.words}\nnode tools/run.mjs mutants --replay '${replay}'`);
    }
    for (const key of Object.keys(total) as (keyof HostileRun)[]) total[key] += figures![key];
  }
  // The runs were worth something: many cycles, much garbage, finalizers, and a naive profile that lied.
  expect(total.cycles).toBeGreaterThan(programs * 4);
  expect(total.freed).toBeGreaterThan(programs * 10);
  expect(total.finalized).toBeGreaterThan(programs / 10);
  expect(total.skew).toBeGreaterThan(0);
  return annotate(JSON.stringify(total));
});

test('nor do they in 2014, where every cycle is one pause', () => {
  const total = { cycles: 0, freed: 0 };
  for (let i = 0; i < 150; i++) {
    const tried = caseOf(seed + 1, i, { avoid: ['weak', 'finalizers'] });
    const { verdict } = judge(tried, (program, chooser, schedule) => {
      const run = runHostile(program, { seed: schedule, chooser, era: '2014' });
      total.cycles += run.cycles;
      total.freed += run.freed;
    });
    expect(verdict, `program ${i} of seed ${seed + 1}`).toBe(null);
  }
  expect(total.cycles).toBeGreaterThan(150 * 4);
  expect(total.freed).toBeGreaterThan(150 * 10);
});
