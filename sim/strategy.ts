// strategy: how the choices of a schedule are answered. Which strategy answers a schedule, and with which seed, depends on the
// number of the schedule alone, so that any worker can run any schedule.
import { Rand } from '../runtime/internal/rand.ts';
import { clockTask, type Decider, type Point, type Task } from './types.ts';

/** Everybody in turn; the clock when nobody can go on. Selects are drawn. */
export class Fair implements Decider {
  private readonly rand: Rand;
  constructor(seed: number) {
    this.rand = new Rand(seed, 'select');
  }
  next(point: Point): Task {
    return point.n > 0 ? point.tasks[0]! : clockTask;
  }
  select(n: number): number {
    return this.rand.below(n);
  }
}

/** Random walk: any of those that could go on, the clock like one of them. */
export class RandomWalk implements Decider {
  private readonly rand: Rand;
  constructor(seed: number) {
    this.rand = new Rand(seed, 'random walk');
  }
  next(point: Point): Task {
    const k = this.rand.below(point.timer ? point.n + 1 : point.n);
    return k === point.n ? clockTask : point.tasks[k]!;
  }
  select(n: number): number {
    return this.rand.below(n);
  }
}

/** The seed of a schedule, from that of the exploration and its number. */
export function seedOf(seed: number, schedule: number): number {
  return seed + schedule * 0x1_0000_0001;
}
