// pct: probabilistic concurrency testing. Every goroutine has a random priority, and whoever has the highest goes on; at d-1
// points drawn from the k of a schedule, whoever would go on falls below all others. A bug that needs d ordering constraints is
// hit with probability 1/(n k^(d-1)) at least. Source: Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler
// with probabilistic guarantees of finding bugs" (2010).
//
// Only points with a choice count. The clock is no goroutine with a priority: it would fire all timers first, or none before
// idle time; when it fires is drawn by itself, at a rate that is drawn for each schedule. So are selects.
//
// Who lets others run (gosched) falls below all others, and so does who asks in vain again and again (try-lock, select with a
// default): a spinning loop would run for ever. A schedule that is far longer than any before goes on as a random walk.
import type { Estimate } from './estimate.ts';
import { Draws } from './random.ts';
import { type Searcher, walk } from './strategy.ts';
import { clockTask, type Point, Spin, type Task } from './types.ts';

/** Instead of a priority that is not drawn yet. */
const unknown = -Infinity;

/** Times in a row that a goroutine may ask in vain before it falls. */
const patience = 3;

/** The strategy of depth d. */
export class Pct implements Searcher {
  readonly name: string;
  private readonly draws: Draws;
  private readonly other: Draws;
  /** By task: its priority. All are different. */
  private readonly priority: number[] = [];
  private readonly vain: number[] = [];
  /** Points at which a priority changes, in the order in which they were drawn, and the next point's number. */
  private readonly changes: number[] = [];
  private at = 0;
  private tail = 0;
  /** Below all priorities so far. */
  private lowest = 0;
  private rate = 0;

  /** depth: 1 or more. salt: other schedules with the same depth. */
  constructor(
    readonly depth: number,
    private readonly estimate: Estimate,
    salt = 0,
  ) {
    this.name = `pct(${depth})`;
    this.draws = new Draws(16 + depth * 16 + salt);
    this.other = new Draws(8 + depth * 16 + salt);
  }

  begin(seed: number, schedule: number): void {
    const { draws, other, changes, estimate } = this;
    draws.set(seed, schedule);
    other.set(seed, schedule);
    this.priority.length = 0;
    this.vain.length = 0;
    this.at = 0;
    this.lowest = 0;
    this.rate = 2 ** -(1 + other.below(5));
    this.tail = estimate.points * 10 + 200;
    changes.length = 0;
    const n = Math.min(this.depth - 1, estimate.points);
    while (changes.length < n) {
      const point = 1 + draws.below(estimate.points);
      if (!changes.includes(point)) changes.push(point);
    }
  }

  next(point: Point): Task {
    if (point.timer && (point.n === 0 || this.other.fraction() < this.rate)) return clockTask;
    if (point.n === 1) return point.tasks[0]!;
    if (++this.at > this.tail) return walk(this.other, point);
    this.demoteSpinner(point);
    const first = this.highest(point);
    const change = this.changes.indexOf(this.at);
    if (change < 0) return first;
    this.priority[first] = -1 / (change + 2); // the i-th change falls to the i-th of the low priorities: -1/2 < -1/3 < …
    return this.highest(point);
  }

  private highest(point: Point): Task {
    let best = point.tasks[0]!;
    let most = this.priorityOf(best);
    for (let k = 1; k < point.n; k++) {
      const task = point.tasks[k]!;
      const own = this.priorityOf(task);
      if (own > most) {
        best = task;
        most = own;
      }
    }
    return best;
  }

  private priorityOf(task: Task): number {
    const { priority } = this;
    while (priority.length <= task) priority.push(unknown);
    let own = priority[task]!;
    if (own !== unknown) return own;
    do own = this.draws.next() >>> 0;
    while (priority.includes(own));
    return (priority[task] = own);
  }

  /** Whoever took the last step, if it spins. */
  private demoteSpinner(point: Point): void {
    const task = point.last;
    if (task <= 0) return;
    const spin = point.spun(task);
    if (spin === Spin.none) {
      this.vain[task] = 0;
      return;
    }
    this.vain[task] = (this.vain[task] ?? 0) + 1;
    if (spin === Spin.asked && this.vain[task]! <= patience) return;
    this.vain[task] = 0;
    this.priorityOf(task);
    this.priority[task] = --this.lowest;
  }

  select(n: number): number {
    return this.other.below(n);
  }
}
