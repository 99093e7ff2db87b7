// The measure of skew: what it says of schemes whose faults are known, of a machine on which there is nothing to be off, and of schemes
// that were made to lie.
import { describe, expect, test } from 'vitest';
import type { Measured, Sabotage } from '../../../experiment/measure.ts';
import { skew } from '../../../experiment/skew.ts';
import type { Point } from '../../../experiment/spec.ts';
import { schemeNames } from '../../../profiler/schemes.ts';

const point: Point = {
  ...{ program: 'generations', size: 5000, rate: 1, procs: 2, sweep: 'lazy', gogc: 20, era: '1.19', force: 0, seed: 1 },
  ...{ schemes: schemeNames, everyMicros: 20, course: false, clock: false },
};
const measure = (changes: Partial<Point> = {}, sabotage?: Sabotage) => skew.run({ ...point, ...changes }, sabotage);
const of = (measured: Measured, scheme: string) => measured.readings.find((r) => r.scheme === scheme)!.figures;

describe('what is known of the schemes', () => {
  const plain = measure();

  test('three-stage and cycle equal a live set at every look, one mark termination late', () => {
    for (const scheme of ['three-stage', 'cycle']) {
      expect(of(plain, scheme)).toMatchObject({
        skewBytesMax: 0,
        skewObjectsMax: 0,
        exactShare: 1,
        staleCyclesMax: 1,
        negativeBucketsMax: 0,
      });
      expect(of(plain, scheme).lagBytesMean).toBeGreaterThan(0);
    }
  });

  test('naive is skewed toward mallocs, and never late', () => {
    const naive = of(plain, 'naive');
    expect(naive.skewBytesMean).toBeGreaterThan(10_000);
    expect(naive.towardMallocsMean).toBeGreaterThan(0);
    expect(naive.exactShare).toBeLessThan(0.9);
    expect(naive.staleCyclesMean).toBeLessThan(0.2);
    expect(naive.lagBytesMean).toBeLessThan(of(plain, 'cycle').lagBytesMean!);
  });

  test('two-stage publishes garbage that nobody has swept yet', () => {
    expect(of(plain, 'two-stage').skewBytesMean).toBeGreaterThan(of(plain, 'naive').skewBytesMean!);
  });

  test('with everything swept inside the stop nobody is off', () => {
    const eager = measure({ sweep: 'eager' });
    for (const scheme of schemeNames) expect(of(eager, scheme).skewBytesMax).toBe(0);
  });

  test('seed has more frees than mallocs after runtime.GC(), the others never', () => {
    const forced = measure({ force: 500, sweep: 'go' });
    for (const scheme of schemeNames) {
      if (scheme === 'seed') expect(of(forced, scheme).negativeBucketsMax).toBeGreaterThan(0);
      else expect(of(forced, scheme).negativeBucketsMax).toBe(0);
    }
    expect(of(forced, 'seed').exactShare).toBeLessThan(0.9);
  });

  test('at a sampling rate it holds as well, of the samples', () => {
    const sampled = measure({ rate: 4096 });
    expect(of(sampled, 'cycle')).toMatchObject({ skewBytesMax: 0, exactShare: 1 });
    expect(of(sampled, 'naive').skewBytesMean).toBeGreaterThan(0);
  });
});

describe('a scheme that lies shows up', () => {
  const index = schemeNames.indexOf('cycle');
  const honest = of(measure(), 'cycle');
  const lying = (sabotage: Sabotage) => of(measure({}, sabotage), 'cycle');

  test('it forgets every tenth free', () => {
    let frees = 0;
    const figures = lying(({ profiler }) => {
      const scheme = profiler.schemes[index]!;
      const real = scheme.onSweepFree.bind(scheme);
      scheme.onSweepFree = (record, bytes) => void (++frees % 10 !== 0 && real(record, bytes));
    });
    expect(figures.exactShare).toBeLessThan(0.7);
    expect(figures.skewBytesMax).toBeGreaterThan(1000);
    expect(figures.towardMallocsMean).toBeGreaterThan(0);
  });

  test('it counts frees a cycle early, as mallocs', () => {
    const figures = lying(({ profiler }) => {
      const scheme = profiler.schemes[index]!;
      const slot = scheme as unknown as { future(ahead: number): number };
      const real = slot.future.bind(scheme);
      slot.future = (ahead) => real(ahead === 1 ? 0 : ahead);
    });
    expect(figures.exactShare).toBeLessThan(1);
  });

  test('the totals are right and two buckets are exchanged', () => {
    const figures = lying(({ profiler }) => {
      const real = profiler.eachPublished.bind(profiler);
      profiler.eachPublished = (scheme, visit) => {
        if (scheme !== index) return real(scheme, visit);
        const seen: [number, number, number][] = [];
        real(scheme, (...all) => seen.push(all));
        const swap = seen.length > 1 ? [seen[1]!, seen[0]!, ...seen.slice(2)] : seen;
        for (const [i, [b]] of seen.entries()) visit(b, swap[i]![1], swap[i]![2]);
      };
    });
    expect(figures.exactShare).toBeLessThan(1);
    expect(figures.skewObjectsMax).toBeGreaterThan(0);
  });

  test('it publishes nothing: what is stale becomes wrong', () => {
    const figures = lying(({ profiler }) => {
      const scheme = profiler.schemes[index]!;
      scheme.onMarkTermination = () => {};
      scheme.onWorldStarted = () => {};
    });
    expect(figures.staleCyclesMax).toBe(3); // as far back as the oracle remembers
    expect(figures.exactShare).toBeLessThan(0.9);
  });

  test('it is honest again when nothing is broken', () => expect(lying(() => {})).toEqual(honest));
});

test('a look more often changes nothing of what is seen, only how finely', () => {
  const [coarse, fine] = [measure({ everyMicros: 100 }), measure({ everyMicros: 10 })];
  const [a, b] = [of(coarse, 'two-stage').skewBytesMean!, of(fine, 'two-stage').skewBytesMean!];
  expect(Math.abs(a - b) / b).toBeLessThan(0.15);
  expect(of(fine, 'naive').looks).toBeGreaterThan(5 * of(coarse, 'naive').looks!);
});

test('the course of a run: as many values as times, times ascend, the last ones are the last look', () => {
  const { courses, readings } = measure({ course: true });
  expect(courses).toHaveLength(2 * readings.length);
  for (const { micros, values } of courses!) {
    expect(micros.length).toBe(values.length);
    expect(micros.length).toBeLessThanOrEqual(400);
    expect(micros.every((t, i) => i === 0 || t >= micros[i - 1]!)).toBe(true);
  }
});
