// The measure of the block profile's bias: the weights that theory gives for each age, and what a profile that lies looks like.
import { describe, expect, test } from 'vitest';
import { blockbias } from '../../../experiment/blockbias.ts';
import type { Sabotage } from '../../../experiment/measure.ts';
import type { Point } from '../../../experiment/spec.ts';

const point: Point = {
  ...{ program: 'waits', size: 300, rate: 100_000, procs: 4, sweep: 'go', gogc: 100, era: '1.19', force: 0, seed: 1 },
  ...{ schemes: [], everyMicros: 50, course: false, clock: false },
};
const measure = (changes: Partial<Point> = {}, sabotage?: Sabotage) =>
  blockbias.run({ ...point, ...changes }, sabotage).readings[0]!.figures as Record<string, number>;

/** Mean of a figure over ten seeds. */
const over = (figure: string, changes: Partial<Point> = {}, sabotage?: Sabotage) =>
  Array.from({ length: 10 }, (_, i) => measure({ seed: i + 1, ...changes }, sabotage)[figure]!).reduce((a, b) => a + b, 0) / 10;

describe.each(['2014', '1.19'] as const)('%s', (era) => {
  test('with every wait kept, reported and true times are the same nanoseconds', () => {
    const { shortWeight, longWeight, totalWeight, shortCountWeight, shortNanos } = measure({ era, rate: 1 });
    expect({ shortWeight, longWeight, totalWeight, shortCountWeight }).toEqual({
      shortWeight: 1,
      longWeight: 1,
      totalWeight: 1,
      shortCountWeight: 1,
    });
    expect(shortNanos).toBeGreaterThan(9000);
    expect(shortNanos).toBeLessThan(11_000);
  });
});

test('at ten times their length, short waits weigh a tenth in 2014 and all of it since', () => {
  expect(over('shortWeight', { era: '2014' })).toBeGreaterThan(0.08);
  expect(over('shortWeight', { era: '2014' })).toBeLessThan(0.12);
  expect(Math.abs(over('shortWeight') - 1)).toBeLessThan(0.1); // 300 samples a seed: a standard deviation of 0.02
});

test('a profile that lies shows up: waits that are kept no longer count for those that were not', () => {
  const lied = over('shortOverLong', {}, ({ sched }) => {
    const { profiles } = sched.contention;
    const calls = profiles as unknown as { save(kind: number, count: number, cycles: number, ...stack: unknown[]): void };
    const real = calls.save.bind(profiles);
    calls.save = (kind, count, cycles, ...stack) => real(kind, Math.min(count, 1), count > 1 ? cycles / count : cycles, ...stack);
  });
  expect(lied).toBeLessThan(0.2);
});
