// tree: all schedules of a program, as few as possible of them run. A run is a path in a tree of choices: at a point, which
// task goes on (a goroutine, or the clock: "the next timer fires"); in a select, which ready case. The search goes depth first:
// it runs a path to its end, finds the steps that were in a race (dependence.ts), notes at the point before the earlier one that
// the other order is to be tried, and goes back to the deepest point where something is left to try.
//
//   reduction     only orders that differ in a race are run (source sets), and a task that was tried at a point sleeps until
//                 something that depends on what it did has happened (sleep sets): no two runs are equal but for the order
//                 of steps that do not depend on each other. Without it, every alternative is run: to compare with
//   preemptions   at most so many switches away from a goroutine that could go on. A race may then need a switch elsewhere,
//                 so its reversal is tried where the block of steps began as well, and nobody sleeps
//                 (Coons, Musuvathi and McKinley, "Bounded partial-order reduction", 2013)
//
// What was found out about the tree is kept along the current path only: memory is that of one run.
import { dependent, Steps, type Touch } from './dependence.ts';

/** The task that fires timers. */
export const clock = 0;

/** How a search is bounded and reduced. */
export interface TreeOptions {
  /** Preemptions at most; Infinity for all schedules. */
  readonly preemptions: number;
  /** Default true. */
  readonly reduction?: boolean;
}

/** A point: what could go on, and what was tried. */
interface PointNode {
  readonly at: 'point';
  /** Tasks that could go on, in the order in which they are tried. */
  readonly enabled: readonly number[];
  /** The task that took the step before, or -1: a switch away from it, while it could go on, is a preemption. */
  readonly last: number;
  /** Preemptions before this point. */
  readonly preempted: number;
  /** What the task that is tried now is. */
  chosen: number;
  /** Tasks to be tried, those that were included. */
  readonly todo: Set<number>;
  /** Tasks that need not be tried here, with what they would touch: others stand for them. */
  readonly sleep: Map<number, readonly Touch[]>;
  /** What the chosen task touched, in all its variants so far. */
  touched: readonly Touch[];
  /** Number of the step taken from here. */
  step: number;
}

/** A choice within a step: all n answers are tried. */
interface DataNode {
  readonly at: 'data';
  readonly n: number;
  chosen: number;
}

/** The search: asked for each choice of a run, told what each step did, and after the run whether there is another. */
export class ChoiceTree {
  /** Runs that went on to their end, and runs that were broken off because others stand for them. */
  complete = 0;
  redundant = 0;
  /** Something lay beyond the bound on preemptions. */
  cut = false;
  private readonly path: (PointNode | DataNode)[] = [];
  /** Choices of this run so far. */
  private depth = 0;
  private point: PointNode | null = null;
  private readonly steps = new Steps();
  private brokenOff = false;
  private readonly reduction: boolean;
  private readonly bound: number;
  private readonly sleeping: boolean;

  constructor(options: TreeOptions) {
    this.reduction = options.reduction ?? true;
    this.bound = options.preemptions;
    this.sleeping = this.reduction && this.bound === Infinity;
  }

  /** A run begins. */
  begin(): void {
    this.depth = 0;
    this.point = null;
    this.brokenOff = false;
    this.steps.clear();
  }

  /**
   * A point of the run: the task that goes on, or -1 to break the run off. enabled: those that could, at least one, ascending;
   * last: who took the last step, or -1. The clock is no goroutine: it preempts nobody, and last is who went on before it.
   */
  next(enabled: readonly number[], last: number): number {
    const known = this.path[this.depth];
    if (known !== undefined) {
      if (known.at !== 'point' || !sameTasks(known.enabled, enabled)) this.diverged();
      return this.take(known as PointNode);
    }
    const node = this.newPoint(enabled, last);
    if (node === null) {
      this.brokenOff = true;
      return -1;
    }
    this.path.push(node);
    return this.take(node);
  }

  private take(node: PointNode): number {
    this.depth++;
    this.point = node;
    node.step = this.steps.length;
    return node.chosen;
  }

  /** A choice within a step between n answers. */
  data(n: number): number {
    const known = this.path[this.depth];
    if (known === undefined) this.path.push({ at: 'data', n, chosen: 0 });
    else if (known.at !== 'data' || known.n !== n) this.diverged();
    return (this.path[this.depth++] as DataNode).chosen;
  }

  private diverged(): never {
    throw new Error('exhaustive search: the same choices led to another point; the program is not deterministic');
  }

  private newPoint(enabled: readonly number[], last: number): PointNode | null {
    const parent = this.point;
    const sleep = new Map<number, readonly Touch[]>();
    if (parent !== null && this.sleeping) {
      for (const [p, touched] of parent.sleep) if (!dependent(touched, parent.touched)) sleep.set(p, touched);
    }
    const preempted = parent === null ? 0 : parent.preempted + this.cost(parent, parent.chosen);
    const order = enabled.includes(last) ? [last, ...enabled.filter((p) => p !== last)] : enabled;
    const awake = order.filter((p) => !sleep.has(p));
    if (awake.length === 0) return null;
    const node: PointNode = {
      at: 'point',
      enabled: order,
      last,
      preempted,
      chosen: awake[0]!,
      todo: new Set([awake[0]!]),
      sleep,
      touched: [],
      step: -1,
    };
    if (!this.reduction) for (const p of awake) this.toTry(node, p);
    return node;
  }

  /** 1 when letting p go on at a point is a preemption. */
  private cost(node: PointNode, p: number): number {
    return node.last >= 0 && p !== node.last && p !== clock && node.enabled.includes(node.last) ? 1 : 0;
  }

  /** p is to be tried at a point, unless that is beyond the bound. */
  private toTry(node: PointNode, p: number): void {
    if (node.preempted + this.cost(node, p) <= this.bound) node.todo.add(p);
    else this.cut = true;
  }

  /** The step that goes on makes task p able to go on (woken, or started). */
  wakes(p: number): void {
    this.steps.wakes(p);
  }

  /**
   * The step ended: what it touched. barrier: it happened because nobody else could go on. mayDisableClock: it set or stopped a
   * timer: the one that would have fired may never do so, so that no race between the two would be seen.
   */
  stepped(footprint: readonly Touch[], barrier = false, mayDisableClock = false): void {
    const node = this.point!;
    node.touched = node.touched.length === 0 ? footprint : [...new Set([...node.touched, ...footprint])];
    if (mayDisableClock && this.reduction && node.chosen !== clock) this.clockFirst(node);
    const races: number[] = [];
    this.steps.add(node.chosen, footprint, barrier, (e) => races.push(e));
    if (this.reduction) for (const e of races) this.reverse(e, this.steps.length - 1);
  }

  /** The clock is to be tried at a point where it could move. */
  private clockFirst(node: PointNode): void {
    if (!node.enabled.includes(clock)) return;
    if (this.bound !== Infinity) this.reverseBounded(node, node.step, [clock]);
    else node.todo.add(clock);
  }

  /** Steps e and j are in a race: notes before e that what leads to j is to be tried first. */
  private reverse(e: number, j: number): void {
    const node = this.pointOf(e);
    const firsts = this.initials(e, j);
    if (this.bound !== Infinity) {
      this.reverseBounded(node, e, firsts);
      return;
    }
    for (const p of firsts) if (node.todo.has(p) || node.sleep.has(p)) return;
    const own = this.steps.task[j]!;
    const possible = firsts.filter((p) => node.enabled.includes(p)); // the clock cannot move before e has set a timer
    if (possible.length > 0) node.todo.add(possible.includes(own) ? own : possible[0]!);
  }

  /** Under a bound: any of them may turn out too expensive, so all are tried, and where e's block of steps began too. */
  private reverseBounded(node: PointNode, e: number, firsts: readonly number[]): void {
    for (const p of firsts) if (node.enabled.includes(p)) this.toTry(node, p);
    const { task } = this.steps;
    let start = e;
    while (start > 0 && task[start - 1] === task[e]) start--;
    const before = this.pointOf(start);
    if (before === node) return;
    for (const p of firsts) if (before.enabled.includes(p)) this.toTry(before, p);
    if (!firsts.some((p) => before.enabled.includes(p))) for (const p of before.enabled) this.toTry(before, p);
  }

  private pointOf(step: number): PointNode {
    let low = 0;
    let high = this.path.length - 1;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.stepAt(mid) < step) low = mid + 1;
      else high = mid;
    }
    return this.path[low] as PointNode;
  }

  /** Number of the step that a choice belongs to; a data choice comes after its point. */
  private stepAt(index: number): number {
    for (let k = index; ; k--) {
      const node = this.path[k]!;
      if (node.at === 'point') return k === index ? node.step : node.step + 0.5;
    }
  }

  /** Tasks that can begin what comes after e without happening after it, with j at the end. Source: initials of notdep(e).j. */
  private initials(e: number, j: number): number[] {
    const { steps } = this;
    const { task } = steps;
    const sequence: number[] = [];
    for (let k = e + 1; k < j; k++) if (!steps.happensBefore(e, k)) sequence.push(k);
    sequence.push(j);
    const found: number[] = [];
    const seen = new Set<number>();
    sequence.forEach((k, at) => {
      const p = task[k]!;
      if (seen.has(p)) return;
      seen.add(p);
      for (let before = 0; before < at; before++) if (steps.happensBefore(sequence[before]!, k)) return;
      found.push(p);
    });
    return found;
  }

  /** The run has ended. True: there is another one to run. */
  ended(): boolean {
    if (this.brokenOff) this.redundant++;
    else this.complete++;
    for (;;) {
      const node = this.path.at(-1);
      if (node === undefined) return false;
      if (node.at === 'data') {
        if (++node.chosen < node.n) return true;
      } else if (this.tryNext(node)) return true;
      this.path.pop();
    }
  }

  /** What is left to try at a point becomes its choice. */
  private tryNext(node: PointNode): boolean {
    node.todo.delete(node.chosen);
    node.sleep.set(node.chosen, node.touched);
    for (const p of node.todo) {
      if (node.sleep.has(p)) continue;
      node.chosen = p;
      node.touched = [];
      return true;
    }
    return false;
  }
}

function sameTasks(known: readonly number[], enabled: readonly number[]): boolean {
  return known.length === enabled.length && enabled.every((p) => known.includes(p));
}
