// treedecider: the tree of choices on real programs: tree.ts asked at each point, and told what each step touched.
//
// A goroutine's number differs from schedule to schedule; here a task is known by who started it and as which of its children,
// which is the same in all of them. The clock is task 0 and the object 0: firing a timer changes it, and so does setting one.
import type { Touch } from './dependence.ts';
import { ChoiceTree, clock, type TreeOptions } from './tree.ts';
import { clockTask, type Decider, type Listener, type Point, type Task, type Thing, type TimeMode } from './types.ts';

/** Children that one goroutine can start; more of them are told apart all the same, by number alone. */
const mostChildren = 1 << 20;

/** What setting, stopping and firing a timer touch. */
const clockChanged: Touch = 1;

/** All schedules of a program, one after the other: each is run with this as its decider and its listener. */
export class TreeDecider implements Decider, Listener {
  readonly everyStep = true;
  readonly tree: ChoiceTree;
  /** Runs that were begun. */
  runs = 0;
  /** Number of a child in the search, by the number of who started it and its place among the children. */
  private readonly known = new Map<number, number>();
  /** By task of this run: its number in the search; children so far. */
  private readonly idOf: number[] = [];
  private readonly children: number[] = [];
  /** By number in the search: the task of this run. */
  private readonly taskOf: Task[] = [];
  private footprint: Touch[] = [];
  private stepping = false;
  private last = -1;
  private alone = false;

  /** time: the reduction knows when the clock could have moved at another moment; under a skew it does not. */
  constructor(
    options: TreeOptions,
    private readonly time: TimeMode,
  ) {
    this.tree = new ChoiceTree(typeof time === 'object' ? { ...options, reduction: false } : options);
  }

  /** Before each run. */
  begin(): void {
    this.runs++;
    this.idOf.length = this.children.length = this.taskOf.length = 0;
    this.idOf[clockTask] = this.taskOf[0] = 0;
    this.stepping = false;
    this.last = -1;
    this.tree.begin();
  }

  /** After each run: whether there is another. */
  ended(): boolean {
    if (this.stepping) this.stepEnded(); // the program died in it
    return this.tree.ended();
  }

  next(point: Point): Task {
    const enabled: number[] = [];
    for (let k = 0; k < point.n; k++) enabled.push(this.idOf[point.tasks[k]!]!);
    if (point.timer) enabled.push(0);
    this.alone = point.n === 0;
    const chosen = this.tree.next(
      enabled.sort((a, b) => b - a), // the clock last
      this.last,
    );
    if (chosen < 0) return -1;
    if (chosen !== clock) this.last = chosen;
    return this.taskOf[chosen]!;
  }

  select(n: number): number {
    return n === 1 ? 0 : this.tree.data(n);
  }

  started(by: Task, task: Task): void {
    const parent = this.idOf[by]!;
    const nth = (this.children[by] ?? 0) + 1;
    this.children[by] = nth;
    const key = parent * mostChildren + nth;
    let id = this.known.get(key);
    if (id === undefined) {
      id = this.known.size + 1;
      this.known.set(key, id);
    }
    this.idOf[task] = id;
    this.taskOf[id] = task;
    if (this.stepping) this.tree.wakes(id);
  }

  woke(_by: Task, task: Task): void {
    this.tree.wakes(this.idOf[task]!);
  }

  stepBegins(): void {
    this.stepping = true;
    this.footprint = [];
  }

  touched(_task: Task, thing: Thing, writes: boolean): void {
    const touch = (thing.id << 1) | (writes ? 1 : 0);
    if (!this.footprint.includes(touch)) this.footprint.push(touch);
  }

  stepEnded(): null {
    this.stepping = false;
    this.tree.stepped(this.footprint, this.alone && this.time === 'idle', this.footprint.includes(clockChanged));
    return null;
  }
}
