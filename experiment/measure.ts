// measure: what can be measured of a run. A measure takes a point of the sweep, runs the program there, and gives readings: one for
// each scheme, or one in all. See measures.ts for which there are.
import type { Machine } from '../runtime/machine.ts';
import type { Point } from './spec.ts';

/** Names of the columns that say where a row was measured. */
export type AxisName = 'workload' | 'size' | 'rate' | 'procs' | 'sweep' | 'gogc' | 'era' | 'force' | 'seed' | 'scheme';

/** A column of numbers. */
export interface Figure {
  readonly name: string;
  /** bytes, objects, cycles … */
  readonly unit: string;
  /** One sentence. */
  readonly what: string;
  /** Shown in the summary on the terminal. */
  readonly key?: boolean;
  /** The host's time: differs from run to run, so it is only there when it is asked for. */
  readonly clock?: boolean;
}

/** A picture of the report. */
export interface Plot {
  readonly title: string;
  /** `time`: the course of the first run of each kind. */
  readonly x: AxisName | 'time';
  /** A figure, or with x time one of the measure's courses. */
  readonly y: string;
  /** One colour each. */
  readonly by: AxisName;
  readonly scale: 'linear' | 'log';
  /** Only rows with these values of these axes; empty: all. */
  readonly where: Readonly<Record<string, string | number>>;
}

/** What a measure says of one run under one scheme: its figures by name. */
export interface Reading {
  /** Empty: of no scheme in particular. */
  readonly scheme: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** The course of something over virtual time: as many values as times. */
export interface Course {
  readonly scheme: string;
  readonly name: string;
  readonly micros: readonly number[];
  readonly values: readonly number[];
}

/** What one run gives. JSON; the result of a task. */
export interface Measured {
  readonly readings: readonly Reading[];
  readonly courses?: readonly Course[];
}

/** Lets a test break the machine before the program runs: a measure that does not notice measures nothing. */
export type Sabotage = (machine: Machine) => void;

/** Something that can be measured. */
export interface Measure {
  readonly summary: string;
  /** Those of scheme and rate that it sweeps; workload, procs, sweep, gogc, era and seed are there for all. */
  readonly axes: readonly ('scheme' | 'rate')[];
  readonly figures: readonly Figure[];
  /** Names of its courses. */
  readonly course?: readonly string[];
  /** What a report shows when the file names no plots. */
  readonly plots: readonly Plot[];
  run(point: Point, sabotage?: Sabotage): Measured;
}

/** A figure as it is written: nine digits, which are the same on every machine whatever its last bit. */
export function rounded(x: number): number {
  return Number(x.toPrecision(9));
}
