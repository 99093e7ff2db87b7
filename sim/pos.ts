// pos: partial order sampling. Every operation that is about to be performed has a random priority, and the highest is performed;
// those that race with it draw a new one. Source: Yuan, Yang and Gu, "Partial order aware concurrency sampling" (2018).
import { Draws } from './random.ts';
import type { Searcher } from './strategy.ts';
import { clockTask, OpKind, type Point, type Task, type Thing } from './types.ts';

/** Whether two operations on one thing give the same in either order because both only look. */
function bothLook(a: OpKind, b: OpKind): boolean {
  return looks(a) && looks(b);
}

function looks(kind: OpKind): boolean {
  return kind === OpKind.get || kind === OpKind.load || kind === OpKind.rLock;
}

/** The strategy. The next timer is an operation like others; it races with nothing. */
export class Pos implements Searcher {
  readonly name = 'pos';
  private readonly draws = new Draws(3);
  private readonly other = new Draws(4);
  /** By task: the priority of its operation; 0: it has none yet. */
  private readonly priority: number[] = [];
  /** Things that the chosen operation uses. */
  private readonly used: Thing[] = [];

  begin(seed: number, schedule: number): void {
    this.draws.set(seed, schedule);
    this.other.set(seed, schedule);
    this.priority.length = 0;
  }

  next(point: Point): Task {
    const { priority } = this;
    if (point.last >= 0) priority[point.last] = 0; // it is about to do something else
    let best = point.timer ? clockTask : -1;
    let most = point.timer ? this.priorityOf(clockTask) : -1;
    for (let k = 0; k < point.n; k++) {
      const task = point.tasks[k]!;
      const own = this.priorityOf(task);
      if (own > most) {
        best = task;
        most = own;
      }
    }
    priority[best] = 0;
    if (best !== clockTask && point.n > 1) this.redraw(point, best);
    return best;
  }

  private priorityOf(task: Task): number {
    const { priority } = this;
    while (priority.length <= task) priority.push(0);
    if (priority[task] === 0) priority[task] = 1 + (this.draws.next() >>> 0);
    return priority[task]!;
  }

  /** Operations that race with that of `chosen` draw again. */
  private redraw(point: Point, chosen: Task): void {
    const { used } = this;
    const kind = point.kind(chosen);
    used.length = 0;
    point.eachThing(chosen, this.note);
    if (used.length === 0) return;
    for (let k = 0; k < point.n; k++) {
      const task = point.tasks[k]!;
      if (task === chosen || bothLook(kind, point.kind(task))) continue;
      this.races = false;
      point.eachThing(task, this.compare);
      if (this.races) this.priority[task] = 0;
    }
  }

  private races = false;
  private readonly note = (thing: Thing): void => {
    this.used.push(thing);
  };
  private readonly compare = (thing: Thing): void => {
    if (this.used.includes(thing)) this.races = true;
  };

  select(n: number): number {
    return this.other.below(n);
  }
}
