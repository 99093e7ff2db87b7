// measures: all that can be measured. A new one is a file beside and a line here; the spec, the tables and the report take it from there.
import { blockbias } from './blockbias.ts';
import type { Measure } from './measure.ts';
import { rotation } from './rotation.ts';
import { sampling } from './sampling.ts';
import { skew } from './skew.ts';

/** All measures. */
export const measures = { skew, sampling, rotation, blockbias } satisfies Record<string, Measure>;
export const measureNames = Object.keys(measures) as (keyof typeof measures)[];

/** Whether there is a measure of this name. */
export function isMeasure(name: string): name is keyof typeof measures {
  return Object.hasOwn(measures, name);
}
