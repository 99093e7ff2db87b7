// The file of an experiment: each mistake is told with its key, what was there and what was wanted; the shipped ones have none.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { shipped } from '../../../experiment/shipped.ts';
import { experimentOf, pointId, pointsOf } from '../../../experiment/spec.ts';

const good = {
  schemaVersion: 1,
  name: 'good',
  question: 'Is it?',
  measure: 'skew',
  axes: { workload: ['churn', { program: 'cache', size: 5000 }], procs: [1, 2], seed: { from: 1, count: 3 } },
};
type File = Record<string, unknown> & { axes: Record<string, unknown> };

describe('a mistake is told with its key', () => {
  test.each<[string, (file: File) => unknown]>([
    ['axis: no such key, wanted one of schemaVersion, name, question, measure, axes, everyMicros, plots', (f) => (f.axis = {})],
    ['schemaVersion: got 2, wanted 1', (f) => (f.schemaVersion = 2)],
    ['name: got "a/b", wanted small letters, digits and dashes: it names files', (f) => (f.name = 'a/b')],
    ['question: got nothing, wanted a text', (f) => delete f.question],
    ['measure: got "sku", wanted one of skew, sampling, rotation, blockbias', (f) => (f.measure = 'sku')],
    ['axes: got a list, wanted an object', (f) => (f.axes = [1] as never)],
    ['axes.schemes: no such key, wanted one of scheme, workload, rate, procs, sweep, gogc, era, force, seed', (f) => (f.axes.schemes = [])],
    ['axes.scheme: got an empty list, wanted a list of at least one value', (f) => (f.axes.scheme = [])],
    [
      'axes.scheme[1]: got "none", wanted one of naive, two-stage, seed, three-stage, cycle, bug-19311, bug-45894, bug-46500, bug-68136',
      (f) => (f.axes.scheme = ['naive', 'none']),
    ],
    ['axes.scheme[1]: "naive" is there twice', (f) => (f.axes.scheme = ['naive', 'naive'])],
    ['axes.workload: got nothing, wanted a list of programs: churn, trees,', (f) => delete f.axes.workload],
    ['axes.workload[0]: got "chrun", wanted one of churn, trees,', (f) => (f.axes.workload = ['chrun'])],
    ['axes.workload[0].size: got 0, wanted a whole number from 1 to 100000000', (f) => (f.axes.workload = [{ program: 'churn', size: 0 }])],
    ['axes.rate: got 1, wanted a list of at least one value', (f) => (f.axes.rate = 1)],
    ['axes.rate[0]: got "1", wanted a whole number from 1 to 1073741823', (f) => (f.axes.rate = ['1'])],
    ['axes.procs[0]: got 0, wanted a whole number from 1 to 256', (f) => (f.axes.procs = [0])],
    ['axes.sweep[0]: got "never", wanted one of go, background,', (f) => (f.axes.sweep = ['never'])],
    ['axes.seed.count: got 0, wanted a whole number from 1 to 1000000', (f) => (f.axes.seed = { from: 1, count: 0 })],
    ['axes: 4000000 combinations, wanted at most 1000000', (f) => (f.axes.seed = { from: 1, count: 1_000_000 })],
    ['plots[0].y: got "beauty", wanted one of skewBytesMean,', (f) => (f.plots = [{ title: 't', x: 'scheme', y: 'beauty', by: 'procs' }])],
    ['axes.rate: the measure rotation has no such axis', (f) => Object.assign(f, { measure: 'rotation', axes: { ...f.axes, rate: [1] } })],
  ])('%s', (message, change) => {
    const file = structuredClone(good) as unknown as File;
    change(file);
    let told = 'nothing';
    try {
      experimentOf(file);
    } catch (error) {
      told = (error as Error).message;
      expect((error as Error).name).toBe('SpecError');
    }
    expect(told.slice(0, message.length)).toBe(message);
    expect(told).not.toContain('\n');
  });

  test.each([null, [], 'text', 7])('a file that is %j', (file) => {
    expect(() => experimentOf(file)).toThrow(/^the file: got .*, wanted an object$/);
  });
});

test('what is not said has the value that the page promises', () => {
  const e = experimentOf(good);
  expect(e).toMatchObject({
    rates: [1],
    sweeps: ['go'],
    gogc: [100],
    eras: ['1.19'],
    force: [0],
    seeds: [1, 2, 3],
    everyMicros: 50,
    clock: false,
  });
  expect(e.workloads).toEqual([
    { program: 'churn', size: 400_000 },
    { program: 'cache', size: 5000 },
  ]);
});

test('every combination is one run with an id of its own, the first seed of each keeps its course', () => {
  const points = pointsOf(experimentOf(good));
  expect(points).toHaveLength(2 * 2 * 3);
  expect(new Set(points.map(pointId)).size).toBe(12);
  expect(pointId(points[0]!)).toBe('churn 400000, rate 1, procs 1, sweep go, gogc 100, era 1.19, force 0, seed 1');
  expect(points.filter(({ course }) => course).map(({ seed }) => seed)).toEqual([1, 1, 1, 1]);
});

test('each shipped experiment is a file of its name, and reads', () => {
  const names = readdirSync('experiments').map((name) => name.replace('.json', ''));
  expect(Object.keys(shipped).sort()).toEqual(names.sort());
  for (const name of names) {
    const e = experimentOf(JSON.parse(readFileSync(`experiments/${name}.json`, 'utf8')));
    expect(e.name).toBe(name);
    expect(e.plots.length).toBeGreaterThan(0);
  }
});
