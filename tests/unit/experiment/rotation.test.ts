// The measure of rotation: what each scheme walks, where, and that a scheme which walks more shows up.
import { expect, test } from 'vitest';
import type { Sabotage } from '../../../experiment/measure.ts';
import { rotation } from '../../../experiment/rotation.ts';
import type { Point } from '../../../experiment/spec.ts';
import { schemeNames } from '../../../profiler/schemes.ts';

const point: Point = {
  ...{ program: 'sites', size: 512, rate: 1, procs: 2, sweep: 'go', gogc: 100, era: '1.19', force: 0, seed: 1 },
  ...{ schemes: schemeNames, everyMicros: 50, course: false, clock: false },
};
const measure = (changes: Partial<Point> = {}, sabotage?: Sabotage) =>
  Object.fromEntries(rotation.run({ ...point, ...changes }, sabotage).readings.map((r) => [r.scheme, r.figures]));

test('every bucket is walked at each collection, in use or not; by cycle after the stop', () => {
  const all = measure();
  expect(all.cycle!.collections).toBeGreaterThan(3);
  expect(all.cycle!.bucketsInUse).toBeLessThan(all.cycle!.buckets! / 3);
  // the first collection may come before the last bucket
  for (const scheme of ['two-stage', 'seed', 'three-stage']) {
    expect(all[scheme]!.walkedInPause).toBeGreaterThan(0.8 * all[scheme]!.buckets!);
    expect(all[scheme]!.walkedAfterPause).toBe(0);
  }
  expect(all.cycle).toMatchObject({ walkedInPause: 0, walkedAfterPause: all['three-stage']!.walkedInPause });
  expect(all.naive).toMatchObject({ walkedInPause: 0, walkedAfterPause: 0 });
});

test('four times the call stacks are four times the walk', () => {
  const [small, large] = [measure(), measure({ size: 2048 })];
  const ratio = large['three-stage']!.walkedInPause! / small['three-stage']!.walkedInPause!;
  expect(ratio).toBeGreaterThan(3.5);
  expect(ratio).toBeLessThan(4.5);
});

test('the host’s time is there when it is asked for, and not otherwise', () => {
  expect(measure().cycle).not.toHaveProperty('hostMicrosInPause');
  const timed = measure({ clock: true });
  expect(timed['three-stage']!.hostMicrosInPause).toBeGreaterThan(0);
});

test('a scheme that walks twice shows up', () => {
  const index = schemeNames.indexOf('cycle');
  const honest = measure();
  const lying = measure({}, ({ profiler }) => {
    const scheme = profiler.schemes[index]!;
    const real = scheme.onMarkTermination.bind(scheme);
    scheme.onMarkTermination = (forced) => {
      profiler.moveStages(profiler['bases'][index]!, profiler['bases'][index]! + 4);
      real(forced);
    };
  });
  expect(lying.cycle!.walkedInPause).toBe(honest['three-stage']!.walkedInPause);
});
