// spec: the file of an experiment, checked, and the runs that follow from it. docs/experiments.md describes the file for its writers.
//
// Every combination of the axes is a run, but for schemes: all of them watch the same run, so that they are compared on the same
// events. A run is one task of a campaign (campaign/campaign.ts), and its id is the combination in words.
import { type Program, programs } from '../examples/index.ts';
import { type SweepPolicy, sweepPolicies } from '../gc/mgcsweep.ts';
import { allSchemeNames, type SchemeName, schemeNames } from '../profiler/schemes.ts';
import { type Era, eras } from '../runtime/index.ts';
import type { AxisName, Measure, Plot } from './measure.ts';
import { isMeasure, measureNames, measures } from './measures.ts';

/** A mistake in the file: which key, what it is, what it must be. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
}

/** One run: a value of each axis. */
export interface Point {
  readonly program: string;
  readonly size: number;
  readonly rate: number;
  readonly procs: number;
  readonly sweep: SweepPolicy;
  readonly gogc: number;
  readonly era: Era;
  /** Virtual microseconds between two calls of runtime.GC(); 0: none. */
  readonly force: number;
  readonly seed: number;
  readonly schemes: readonly SchemeName[];
  /** Virtual microseconds between two looks at the profiles. */
  readonly everyMicros: number;
  /** Keep the course of the first run of a kind over time, for a plot. */
  readonly course: boolean;
  /** Measure the host's time as well. */
  readonly clock: boolean;
}

/** An experiment with nothing left open. Its JSON is the campaign's spec. */
export interface Experiment {
  readonly schemaVersion: 1;
  readonly name: string;
  readonly question: string;
  readonly measure: keyof typeof measures;
  readonly schemes: readonly SchemeName[];
  readonly workloads: readonly { readonly program: string; readonly size: number }[];
  readonly rates: readonly number[];
  readonly procs: readonly number[];
  readonly sweeps: readonly SweepPolicy[];
  readonly gogc: readonly number[];
  readonly eras: readonly Era[];
  readonly force: readonly number[];
  readonly seeds: readonly number[];
  readonly everyMicros: number;
  readonly clock: boolean;
  readonly plots: readonly Plot[];
}

/** More runs than this are a mistake in the file. */
const mostRuns = 1_000_000;

// ---- Reading --------------------------------------------------------------------------------------------------------------

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, 60);
}

function wrong(key: string, value: Json | undefined, wanted: string): never {
  throw new SpecError(`${key}: got ${shown(value)}, wanted ${wanted}`);
}

function object(key: string, value: Json | undefined, keys: readonly string[]): { [key: string]: Json } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(key, value, 'an object');
  const unknown = Object.keys(value).find((k) => !keys.includes(k));
  if (unknown !== undefined)
    throw new SpecError(`${key === 'the file' ? '' : `${key}.`}${unknown}: no such key, wanted one of ${keys.join(', ')}`);
  return value;
}

function text(key: string, value: Json | undefined): string {
  if (typeof value !== 'string' || value === '') wrong(key, value, 'a text');
  return value;
}

function whole(key: string, value: Json | undefined, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    wrong(key, value, `a whole number from ${min} to ${max}`);
  return value;
}

function oneOf<T extends string>(key: string, value: Json | undefined, names: readonly T[]): T {
  return names.find((name) => name === value) ?? wrong(key, value, `one of ${names.join(', ')}`);
}

/** A list that is not empty and has nothing twice. */
function list<T>(key: string, value: Json | undefined, byDefault: readonly T[], each: (key: string, value: Json) => T): readonly T[] {
  if (value === undefined) return byDefault;
  if (!Array.isArray(value) || value.length === 0) wrong(key, value, 'a list of at least one value');
  const seen = new Set<string>();
  return value.map((v, i) => {
    const item = each(`${key}[${i}]`, v);
    if (seen.has(JSON.stringify(item))) throw new SpecError(`${key}[${i}]: ${shown(v)} is there twice`);
    seen.add(JSON.stringify(item));
    return item;
  });
}

function seedsOf(key: string, value: Json | undefined): readonly number[] {
  const limit = Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return list(key, value, [1], (k, v) => whole(k, v, -limit, limit));
  const range = object(key, value, ['from', 'count']);
  const from = whole(`${key}.from`, range.from, -limit, limit - mostRuns);
  return Array.from({ length: whole(`${key}.count`, range.count, 1, mostRuns) }, (_, i) => from + i);
}

function workloadOf(key: string, value: Json): { program: string; size: number } {
  const given = typeof value === 'string' ? { program: value } : object(key, value, ['program', 'size']);
  const named = typeof value === 'string' ? key : `${key}.program`;
  const program = oneOf(named, given.program, Object.keys(programs));
  const { size, largest } = programs[program] as Program;
  return { program, size: given.size === undefined ? size : whole(`${key}.size`, given.size, 1, largest) };
}

/** Keys of `axes` and what each of them reads. */
const axisKeys = ['scheme', 'workload', 'rate', 'procs', 'sweep', 'gogc', 'era', 'force', 'seed'] as const;

function whereOf(key: string, value: Json, axes: readonly AxisName[]): Plot['where'] {
  const where = object(key, value, axes);
  for (const [axis, v] of Object.entries(where))
    if (typeof v !== 'string' && typeof v !== 'number') wrong(`${key}.${axis}`, v, 'a value of that axis');
  return where as Plot['where'];
}

function plotOf(measure: Measure, key: string, value: Json): Plot {
  const plot = object(key, value, ['title', 'x', 'y', 'by', 'scale', 'where']);
  const axes: readonly AxisName[] = ['workload', 'size', 'sweep', 'procs', 'gogc', 'era', 'force', ...measure.axes];
  const x = oneOf(`${key}.x`, plot.x, [...axes, ...(measure.course === undefined ? [] : ['time' as const])]);
  return {
    title: text(`${key}.title`, plot.title),
    x,
    y: oneOf(`${key}.y`, plot.y, x === 'time' ? measure.course! : measure.figures.map(({ name }) => name)),
    by: oneOf(`${key}.by`, plot.by, axes),
    scale: oneOf(`${key}.scale`, plot.scale ?? 'linear', ['linear', 'log']),
    where: whereOf(`${key}.where`, plot.where ?? {}, axes),
  };
}

const keys = ['schemaVersion', 'name', 'question', 'measure', 'axes', 'everyMicros', 'plots'];

/**
 * Reads an experiment from a parsed file. clock: the host's time is measured too. Throws SpecError, which names the key.
 */
export function experimentOf(json: unknown, clock = false): Experiment {
  const file = object('the file', json as Json, keys);
  if (file.schemaVersion !== 1) wrong('schemaVersion', file.schemaVersion, '1');
  const name = text('name', file.name);
  if (!/^[a-z0-9][a-z0-9-]{0,60}$/.test(name)) wrong('name', name, 'small letters, digits and dashes: it names files');
  const measureName = text('measure', file.measure);
  if (!isMeasure(measureName)) wrong('measure', measureName, `one of ${measureNames.join(', ')}`);
  const measure: Measure = measures[measureName];
  const axes = object('axes', file.axes, axisKeys);
  for (const axis of ['scheme', 'rate'] as const) {
    if (axes[axis] !== undefined && !measure.axes.includes(axis)) {
      throw new SpecError(`axes.${axis}: the measure ${measureName} has no such axis`);
    }
  }
  if (axes.workload === undefined)
    throw new SpecError(`axes.workload: got nothing, wanted a list of programs: ${Object.keys(programs).join(', ')}`);
  const experiment: Experiment = {
    schemaVersion: 1,
    name,
    question: text('question', file.question),
    measure: measureName,
    schemes: list('axes.scheme', axes.scheme, schemeNames, (k, v) => oneOf(k, v, allSchemeNames)),
    workloads: list('axes.workload', axes.workload, [], workloadOf),
    rates: list('axes.rate', axes.rate, [1], (k, v) => whole(k, v, 1, 0x3fffffff)),
    procs: list('axes.procs', axes.procs, [1], (k, v) => whole(k, v, 1, 256)),
    sweeps: list('axes.sweep', axes.sweep, ['go' as const], (k, v) => oneOf(k, v, sweepPolicies)),
    gogc: list('axes.gogc', axes.gogc, [100], (k, v) => whole(k, v, 1, 1_000_000)),
    eras: list('axes.era', axes.era, ['1.19' as const], (k, v) => oneOf(k, v, eras)),
    force: list('axes.force', axes.force, [0], (k, v) => whole(k, v, 0, 1_000_000_000)),
    seeds: seedsOf('axes.seed', axes.seed),
    everyMicros: whole('everyMicros', file.everyMicros ?? 50, 1, 1_000_000),
    clock,
    plots: list('plots', file.plots, measure.plots, (k, v) => plotOf(measure, k, v)),
  };
  const runs = runCount(experiment);
  if (runs > mostRuns) throw new SpecError(`axes: ${runs} combinations, wanted at most ${mostRuns}`);
  return experiment;
}

function runCount(e: Experiment): number {
  return [e.workloads, e.rates, e.procs, e.sweeps, e.gogc, e.eras, e.force, e.seeds].reduce((n, axis) => n * axis.length, 1);
}

// ---- Runs -----------------------------------------------------------------------------------------------------------------

/** All runs of an experiment, the seeds innermost. */
export function pointsOf(e: Experiment): Point[] {
  const { schemes, everyMicros, clock } = e;
  const axes: readonly (readonly Partial<Point>[])[] = [
    e.workloads,
    e.rates.map((rate) => ({ rate })),
    e.procs.map((procs) => ({ procs })),
    e.sweeps.map((sweep) => ({ sweep })),
    e.gogc.map((gogc) => ({ gogc })),
    e.eras.map((era) => ({ era })),
    e.force.map((force) => ({ force })),
    e.seeds.map((seed, i) => ({ seed, course: i === 0 })),
  ];
  let points: Partial<Point>[] = [{ schemes, everyMicros, clock }];
  for (const values of axes) points = points.flatMap((point) => values.map((value) => ({ ...point, ...value })));
  return points as Point[];
}

/** A run in words: the id of its task. */
export function pointId({ program, size, rate, procs, sweep, gogc, era, force, seed }: Point): string {
  return `${program} ${size}, rate ${rate}, procs ${procs}, sweep ${sweep}, gogc ${gogc}, era ${era}, force ${force}, seed ${seed}`;
}
