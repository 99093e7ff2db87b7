// strategy: how the choices of a schedule are answered. A strategy is one object for many schedules; what it draws in one of them
// depends on the seed and on the schedule's number alone, so that any worker can run any schedule.
//
// This file has the two simple ones: everybody in turn, and the random walk. pct.ts, pos.ts and surw.ts have those that need to
// know something about the program; estimate.ts finds that out.
import { Draws } from './random.ts';
import { clockTask, type Decider, type Point, type Task } from './types.ts';

/** A strategy of many schedules. */
export interface Searcher extends Decider {
  /** As it stands in reports: `pct(2)`. */
  readonly name: string;
  /** The schedule of this number begins. */
  begin(seed: number, schedule: number): void;
}

/** Everybody in turn; the clock when nobody can go on. Selects are drawn. */
export class Fair implements Searcher {
  readonly name = 'fair';
  private readonly draws = new Draws(1);

  begin(seed: number, schedule: number): void {
    this.draws.set(seed, schedule);
  }
  next(point: Point): Task {
    return point.n > 0 ? point.tasks[0]! : clockTask;
  }
  select(n: number): number {
    return this.draws.below(n);
  }
}

/** Random walk: any of those that could go on, the clock like one of them. */
export class RandomWalk implements Searcher {
  readonly name = 'random';
  private readonly draws = new Draws(2);

  begin(seed: number, schedule: number): void {
    this.draws.set(seed, schedule);
  }
  next(point: Point): Task {
    return walk(this.draws, point);
  }
  select(n: number): number {
    return this.draws.below(n);
  }
}

/** Any of those that could go on, the clock like one of them. */
export function walk(draws: Draws, point: Point): Task {
  const { n } = point;
  const k = draws.below(point.timer ? n + 1 : n);
  return k === n ? clockTask : point.tasks[k]!;
}
