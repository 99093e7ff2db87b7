// The measure of sampling: theory says how large the error must be, so a sampler that is biased cannot hide.
import { describe, expect, test } from 'vitest';
import type { Sabotage } from '../../../experiment/measure.ts';
import { sampling } from '../../../experiment/sampling.ts';
import type { Point } from '../../../experiment/spec.ts';

const point: Point = {
  ...{ program: 'cache', size: 4000, rate: 4096, procs: 1, sweep: 'go', gogc: 100, era: '1.19', force: 0, seed: 1 },
  ...{ schemes: [], everyMicros: 50, course: false, clock: false },
};
const measure = (changes: Partial<Point> = {}, sabotage?: Sabotage) =>
  sampling.run({ ...point, ...changes }, sabotage).readings[0]!.figures;
const seeds = Array.from({ length: 30 }, (_, i) => i + 1);
const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

/** Mean of z and of z² over 30 seeds. Their standard deviations are 0.18 and 0.26: 4 of them are allowed. */
function overSeeds(changes: Partial<Point> = {}, sabotage?: Sabotage) {
  const z = seeds.map((seed) => measure({ seed, ...changes }, sabotage).z!);
  return { bias: mean(z), spread: mean(z.map((x) => x * x)) };
}

test('at rate 1 nothing is off', () => {
  expect(measure({ rate: 1 })).toMatchObject({
    errorBytesPercent: 0,
    errorObjectsPercent: 0,
    worstSizePercent: 0,
    liveErrorPercent: 0,
    z: 0,
  });
});

test.each([1024, 16384])('at rate %i the error is what theory expects', (rate) => {
  const { bias, spread } = overSeeds({ rate });
  expect(Math.abs(bias)).toBeLessThan(0.75);
  expect(spread).toBeGreaterThan(0.3);
  expect(spread).toBeLessThan(2.1);
});

test('a lower rate is more exact and takes more samples', () => {
  const [fine, coarse] = [measure({ rate: 512 }), measure({ rate: 65536 })];
  expect(fine.expectedPercent).toBeLessThan(coarse.expectedPercent! / 4);
  expect(fine.samples).toBeGreaterThan(10 * coarse.samples!);
  expect(fine.trueBytes).toBe(coarse.trueBytes);
});

describe('a sampler that lies shows up', () => {
  test('it samples more often than the scaling believes', () => {
    const { bias } = overSeeds({}, ({ profileRate }) => {
      profileRate.rate = 3700;
    });
    expect(bias).toBeGreaterThan(1);
  });

  test('every tenth sample is lost', () => {
    const { bias } = overSeeds({}, ({ profiler }) => {
      let n = 0;
      for (const scheme of profiler.schemes) {
        const real = scheme.onMalloc.bind(scheme);
        scheme.onMalloc = (record, bytes) => void (++n % 10 !== 0 && real(record, bytes));
      }
    });
    expect(bias).toBeLessThan(-1);
  });

  test('it counts down evenly instead of at random: too good to be true', () => {
    const { spread } = overSeeds({}, ({ mutators }) => {
      for (const m of mutators) Object.assign(m, { rand: { below: () => Math.floor((1 << 26) / Math.E) } });
    });
    expect(Math.abs(spread - 1)).toBeGreaterThan(0.8);
  });
});
