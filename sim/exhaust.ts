// exhaust: the exhaustive strategy. All schedules without a preemption first, then those with at most one, with two, and then
// all that are left: most failures need few, and "no failure with at most two preemptions" is a claim that can be made early.
// A claim is made only for a bound whose search came to its end. How one bound is searched: tree.ts.

import { failureIn } from './diagnosis.ts';
import { Failures } from './failures.ts';
import type { World } from './loop.ts';
import { Tally } from './tally.ts';
import { TreeDecider } from './treedecider.ts';
import type { Exploration, ExploreOptions, Program, StrategyFigures } from './types.ts';

/** Bounds on preemptions, one after the other. */
const bounds = [0, 1, 2, Infinity];

/** What an exhaustive exploration is asked for. */
export interface ExhaustRequest {
  /** Preemptions at most; default: no bound. */
  readonly preemptions?: number;
  /** Default true; false runs every order, for comparison. */
  readonly reduction?: boolean;
}

/** Runs all schedules of a program, as far as the options allow. */
export function exhaust(world: World, program: Program, options: ExploreOptions, request: ExhaustRequest): Exploration {
  const { schedules = 1000, budgetMs = Infinity, keepGoing = false, seed = 1 } = options;
  const { preemptions = Infinity, reduction = true } = request;
  if (typeof options.faults === 'object') throw new RangeError('option faults: they are drawn, and an exhaustive search draws nothing');
  const began = performance.now();
  const failures = new Failures(world, keepGoing);
  const distinct = new Tally();
  const figures: StrategyFigures = { schedules: 0, steps: 0, failures: 0, first: null };
  let exhausted: number | null = null;
  const full = () => figures.schedules >= schedules || performance.now() - began >= budgetMs || failures.enough;
  const wanted =
    request.preemptions === Infinity
      ? [Infinity]
      : request.preemptions === undefined
        ? bounds
        : [...bounds.filter((b) => b < preemptions), preemptions];
  for (const bound of wanted) {
    const search = new TreeDecider({ preemptions: bound, reduction }, options.time ?? 'chaos');
    let more = true;
    while (more && !full()) {
      search.begin();
      const { verdict, identity } = world.run(program, search, { listener: search });
      more = search.ended();
      const schedule = figures.schedules++;
      figures.steps += world.step;
      distinct.add(world.hash);
      options.onProgress?.({
        schedules: schedule + 1,
        of: schedules,
        steps: figures.steps,
        failures: failures.all.length,
        millis: performance.now() - began,
      });
      if (verdict === null) continue;
      figures.failures++;
      figures.first ??= schedule;
      if (failures.all.some((f) => f.identity === identity)) continue;
      failures.add(failureIn(world, program, options, { strategy: `exhaustive(${bound})`, schedule, seed }, failures.all));
    }
    if (more) break;
    exhausted = search.tree.cut ? bound : Infinity;
    if (exhausted === Infinity || full()) break;
  }
  return {
    failure: failures.all[0] ?? null,
    failures: failures.all,
    schedules: figures.schedules,
    distinct: distinct.count,
    unseen: null,
    steps: figures.steps,
    exhausted,
    perStrategy: { exhaustive: figures },
    warnings: [],
    millis: performance.now() - began,
  };
}
