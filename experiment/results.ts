// results: the rows of an experiment, in the order of its runs, as CSV, as JSON lines, and put together over seeds for people.
import type { TaskResult } from '../campaign/campaign.ts';
import { count } from '../runtime/internal/words.ts';
import type { AxisName, Figure, Measure, Measured } from './measure.ts';
import { measures } from './measures.ts';
import type { Experiment, Point } from './spec.ts';

/** Where a row was measured, and its figures. */
export type Row = Readonly<Record<string, string | number>>;

/** All that came of an experiment. */
export interface Results {
  readonly experiment: Experiment;
  /** Columns that say where, and columns of figures, in their order. */
  readonly axes: readonly AxisName[];
  readonly figures: readonly Figure[];
  readonly rows: readonly Row[];
  readonly runs: readonly TaskResult<Point, Measured>[];
}

/** Figures that an experiment has: those of the clock only when it was asked for. */
export function figuresOf(experiment: Experiment): readonly Figure[] {
  const measure: Measure = measures[experiment.measure];
  return measure.figures.filter(({ clock }) => clock !== true || experiment.clock);
}

/** Where a point of the sweep is on an axis. */
export function placeOn(axis: AxisName, point: Point, scheme: string): string | number {
  return axis === 'scheme' ? scheme : axis === 'workload' ? point.program : point[axis];
}

/** Puts the results of all runs together. */
export function resultsOf(experiment: Experiment, runs: readonly TaskResult<Point, Measured>[]): Results {
  const measure: Measure = measures[experiment.measure];
  const axes: AxisName[] = ['workload', 'size', 'procs', 'sweep', 'gogc', 'era', 'force', 'seed'];
  if (measure.axes.includes('rate')) axes.splice(2, 0, 'rate');
  if (measure.axes.includes('scheme')) axes.push('scheme');
  const figures = figuresOf(experiment);
  const rows = runs.flatMap(({ task: { job }, result }) =>
    result.readings.map((reading) => {
      const row: Record<string, string | number> = {};
      for (const axis of axes) row[axis] = placeOn(axis, job, reading.scheme);
      for (const { name } of figures) row[name] = reading.figures[name]!;
      return row;
    }),
  );
  return { experiment, axes, figures, rows, runs };
}

/** RFC 4180, a line of names first. No name or value has a comma or a quote. */
export function csv({ axes, figures, rows }: Results): string {
  const columns = [...axes, ...figures.map(({ name }) => name)];
  return [columns, ...rows.map((row) => columns.map((c) => row[c]!))].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** A JSON document a line. */
export function jsonLines({ rows }: Results): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The rows of one combination of all axes but the seed. */
export interface Group {
  readonly at: Row;
  readonly rows: readonly Row[];
}

/** Rows by all axes but the seed, in their order. */
export function groups({ axes, rows }: Results): Group[] {
  const kept = axes.filter((axis) => axis !== 'seed');
  const found = new Map<string, { at: Row; rows: Row[] }>();
  for (const row of rows) {
    const key = kept.map((axis) => row[axis]).join('\n');
    let group = found.get(key);
    if (group === undefined) found.set(key, (group = { at: Object.fromEntries(kept.map((axis) => [axis, row[axis]!])), rows: [] }));
    group.rows.push(row);
  }
  return [...found.values()];
}

/** Axes, but the seed, on which the rows differ; the size of a program only when there are several of one program. */
export function varying({ experiment, axes, rows }: Results): AxisName[] {
  const sizes = new Set(experiment.workloads.map(({ program }) => program)).size < experiment.workloads.length;
  return axes.filter((axis) => axis !== 'seed' && (axis !== 'size' || sizes) && rows.some((row) => row[axis] !== rows[0]![axis]));
}

/** Mean, least and largest of a figure. */
export function spread(rows: readonly Row[], figure: string): { mean: number; min: number; max: number } {
  const values = rows.map((row) => Number(row[figure]));
  let total = 0;
  for (const v of values) total += v;
  return { mean: total / values.length, min: Math.min(...values), max: Math.max(...values) };
}

/** A number for people: four digits at least, thousands apart. */
export function shownNumber(x: number): string {
  if (Number.isInteger(x)) return count(x);
  if (Math.abs(x) >= 1000) return shownNumber(Math.round(x));
  return String(Number(x.toPrecision(4)));
}
