// runner: an experiment as a campaign. The worker threads call measureAt; everything else happens in the main thread.
import type { Campaign } from '../campaign/campaign.ts';
import type { Measure, Measured } from './measure.ts';
import { measures } from './measures.ts';
import { type Experiment, type Point, pointId, pointsOf } from './spec.ts';

/** Name of the tasks' kind. */
export const experimentKind = 'experiment';

/** What a worker is told. */
export interface Job extends Point {
  readonly measure: keyof typeof measures;
}

/** Does one run: the work of a task. */
export function measureAt(job: Job): Measured {
  const measure: Measure = measures[job.measure];
  return measure.run(job);
}

/** The campaign of an experiment. version: of gorena. */
export function campaignOf(experiment: Experiment, version: string): Campaign<Job> {
  const { measure } = experiment;
  const tasks = pointsOf(experiment).map((point) => ({ id: pointId(point), job: { ...point, measure } }));
  return { kind: experimentKind, version, spec: experiment, tasks };
}
