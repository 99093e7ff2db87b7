// estimate: what a strategy must know about a program before it can spread its choices well: how many points a schedule has, how
// many steps each goroutine takes, and which things more than one of them uses. A fair run tells; a few random walks show whether
// schedules can be longer. Each worker makes the same estimate by itself, so that all of them search in the same way.
import { Fair, type Searcher } from './strategy.ts';
import { clockTask, type Outcome, type Point, type Task } from './types.ts';

/** What was seen. Task numbers and things' ids are those of the fair run; other schedules mostly give the same ones. */
export class Estimate {
  /** Points at which there was a choice, at most. PCT's k. */
  points = 1;
  /** By task: its steps in the fair run. */
  readonly steps: number[] = [];
  /** By task: who started it; 0: nobody, or a timer. */
  readonly parents: Task[] = [];
  /** Things that several goroutines used, with how often each task did. */
  readonly shared: { readonly thing: number; readonly uses: readonly number[] }[] = [];

  /** A schedule has ended. */
  seen(outcome: Pick<Outcome, 'points'>): void {
    if (outcome.points > this.points) this.points = outcome.points;
  }
}

/** The fair strategy, which counts. */
export class Estimating implements Searcher {
  readonly name = 'fair';
  readonly everyStep = true;
  private readonly fair = new Fair();
  private readonly uses = new Map<number, number[]>();

  constructor(private readonly estimate: Estimate) {}

  begin(seed: number, schedule: number): void {
    this.fair.begin(seed, schedule);
  }

  next(point: Point): Task {
    const { estimate } = this;
    for (let k = 0; k < point.n; k++) {
      const task = point.tasks[k]!;
      if (estimate.parents[task] !== undefined) continue;
      estimate.parents[task] = Math.max(point.last, 0); // who took the last step has started it
      estimate.steps[task] = 0;
    }
    const task = this.fair.next(point);
    if (task === clockTask) return task;
    estimate.steps[task]!++;
    if (!point.woken(task)) {
      point.eachThing(task, (thing) => {
        const uses = this.uses.get(thing.id) ?? [];
        uses[task] = (uses[task] ?? 0) + 1;
        this.uses.set(thing.id, uses);
      });
    }
    return task;
  }

  select(n: number): number {
    return this.fair.select(n);
  }

  /** The fair run has ended: which things are shared. */
  ended(): void {
    for (const [thing, uses] of this.uses) {
      if (uses.filter((n) => n > 0).length > 1) this.estimate.shared.push({ thing, uses });
    }
  }
}
