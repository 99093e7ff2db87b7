// surw: random walks that are uniform over orders instead of over steps. A walk that tosses a coin at each step nearly always
// finishes a short goroutine while a long one is at its beginning; here a goroutine is chosen with a probability proportional
// to the steps that it still has to take, as the estimate has it (urw). The selective form (surw) counts only the operations on
// one shared thing, drawn for each schedule: who uses it next is drawn so, and everybody else runs freely up to their next use.
// Source: Zhao, Wolff, Mathur and Roychoudhury, "Selectively uniform concurrency testing" (2025).
import type { Estimate } from './estimate.ts';
import { Draws } from './random.ts';
import type { Searcher } from './strategy.ts';
import { clockTask, type Point, type Task, type Thing } from './types.ts';

/** The strategy; selective: SURW, else URW. */
export class Surw implements Searcher {
  readonly name: string;
  private readonly draws: Draws;
  private readonly other: Draws;
  /** By task: counted steps that it and those that it will start have left; undefined: it was not seen yet. */
  private readonly left: (number | undefined)[] = [];
  /** By task: the same at the beginning of any schedule with this thing. */
  private weights: number[] = [];
  private thing = 0;
  /** Who uses the thing next; -1: to be drawn. */
  private intended: Task = -1;
  private readonly candidates: Task[] = [];
  private rate = 0;

  constructor(
    private readonly estimate: Estimate,
    private readonly selective: boolean,
  ) {
    this.name = selective ? 'surw' : 'urw';
    this.draws = new Draws(selective ? 5 : 6);
    this.other = new Draws(selective ? 9 : 10);
  }

  begin(seed: number, schedule: number): void {
    const { draws, estimate } = this;
    draws.set(seed, schedule);
    this.other.set(seed, schedule);
    this.left.length = 0;
    this.intended = -1;
    this.rate = 2 ** -(1 + this.other.below(5));
    const { shared } = estimate;
    this.thing = 0;
    let counts: readonly number[] = estimate.steps;
    if (this.selective && shared.length > 0) {
      const one = shared[draws.below(shared.length)]!;
      this.thing = one.thing;
      counts = one.uses;
    }
    this.weights = this.withChildren(counts);
  }

  /** What a goroutine has to do includes what those will do that it has yet to start. */
  private withChildren(counts: readonly (number | undefined)[]): number[] {
    const { parents } = this.estimate;
    const sums = parents.map((_, task) => counts[task] ?? 0);
    for (let task = parents.length - 1; task > 1; task--) if (parents[task]! > 0) sums[parents[task]!]! += sums[task]!;
    return sums;
  }

  next(point: Point): Task {
    if (point.timer && (point.n === 0 || this.other.fraction() < this.rate)) return clockTask;
    for (let k = 0; k < point.n; k++) this.meet(point.tasks[k]!);
    return this.thing === 0 ? this.byWeight(point) : this.bySelection(point);
  }

  /** A task that is new takes its share of the weight from whoever has started it. */
  private meet(task: Task): void {
    const { left } = this;
    if (left[task] !== undefined) return;
    const own = this.weights[task] ?? 1;
    left[task] = own;
    const parent = this.estimate.parents[task] ?? 0;
    if (parent > 0 && left[parent] !== undefined) left[parent] = Math.max(left[parent] - own, 0);
  }

  private weight(task: Task): number {
    return Math.max(this.left[task] ?? 1, 1);
  }

  private byWeight(point: Point): Task {
    const task = this.draw(point);
    if (this.left[task]! > 0) this.left[task]!--;
    return task;
  }

  /** One of those that can go on, by weight. */
  private draw(point: Point): Task {
    let all = 0;
    for (let k = 0; k < point.n; k++) all += this.weight(point.tasks[k]!);
    let at = this.draws.fraction() * all;
    for (let k = 0; k < point.n; k++) {
      at -= this.weight(point.tasks[k]!);
      if (at < 0) return point.tasks[k]!;
    }
    return point.tasks[point.n - 1]!;
  }

  private bySelection(point: Point): Task {
    const { candidates } = this;
    if (this.intended < 0) this.intended = this.draw(point);
    candidates.length = 0;
    for (let k = 0; k < point.n; k++) {
      const task = point.tasks[k]!;
      if (task === this.intended || !this.uses(point, task)) candidates.push(task);
    }
    if (candidates.length === 0) {
      this.intended = this.draw(point); // whoever was to use it next cannot go on
      candidates.push(this.intended);
    }
    const task = candidates[this.draws.below(candidates.length)]!;
    if (task === this.intended && this.uses(point, task)) {
      this.left[task] = Math.max(this.left[task]! - 1, 0);
      this.intended = -1;
    }
    return task;
  }

  /** Whether a task is about to use the thing. */
  private uses(point: Point, task: Task): boolean {
    this.found = false;
    if (!point.woken(task)) point.eachThing(task, this.compare);
    return this.found;
  }

  private found = false;
  private readonly compare = (thing: Thing): void => {
    if (thing.id === this.thing) this.found = true;
  };

  select(n: number): number {
    return this.other.below(n);
  }
}
