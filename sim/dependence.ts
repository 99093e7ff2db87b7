// dependence: which steps of a run could have come in another order, and with another result. Every step has a footprint, the
// objects that it touched, and happens after the steps that it depends on: the ones before it of its own goroutine, the one that
// woke or started it, and those that touched one of its objects (unless both only looked). Two steps of different goroutines
// that depend on each other, with no third between them, are in a race: the other order is another run.
//
// A vector clock a step says it all: clocks[j * width + p] is how many steps of task p happen before step j or are step j.
// Source: Flanagan and Godefroid, "Dynamic partial-order reduction for model checking software" (2005); Abdulla, Aronis,
// Jonsson and Sagonas, "Optimal dynamic partial order reduction" (2014), the races of source sets.

/** An object that a step touched, times 2, plus 1 when the step may have changed it. */
export type Touch = number;

/** Whether two footprints have an object in common that one of them changed. */
export function dependent(a: readonly Touch[], b: readonly Touch[]): boolean {
  for (const x of a) for (const y of b) if (x >>> 1 === y >>> 1 && ((x | y) & 1) !== 0) return true;
  return false;
}

/** Steps that used an object since it was last changed, and the one that changed it. */
interface Use {
  write: number;
  readonly reads: number[];
}

/** The steps of one run so far. Task numbers are small whole numbers and the same in all runs of a search. */
export class Steps {
  readonly task: number[] = [];
  readonly footprint: (readonly Touch[])[] = [];
  /** Number of the step among those of its task, from 1. */
  private readonly ordinal: number[] = [];
  private readonly clock: number[][] = [];
  /** Last step of each task; -1: none. */
  private readonly lastOf: number[] = [];
  /** The step that woke or started a task since its last step; -1: none. */
  private readonly wokenBy: number[] = [];
  private readonly uses = new Map<number, Use>();

  get length(): number {
    return this.task.length;
  }

  /** Back to the empty run. */
  clear(): void {
    for (const list of [this.task, this.footprint, this.ordinal, this.clock, this.lastOf, this.wokenBy]) list.length = 0;
    this.uses.clear();
  }

  /** The step that goes on now makes task p able to go on. */
  wakes(p: number): void {
    this.wokenBy[p] = this.length;
  }

  /**
   * A step of task p has ended. barrier: it happens after all others (time that passes when nobody can go on). Calls `race`
   * with each earlier step that it is in a race with, the latest first.
   */
  add(p: number, footprint: readonly Touch[], barrier: boolean, race: (earlier: number) => void): void {
    const j = this.length;
    const last = this.lastOf[p] ?? -1;
    const clock = last < 0 ? [] : [...this.clock[last]!];
    const ordinal = last < 0 ? 1 : this.ordinal[last]! + 1;
    const woken = this.wokenBy[p] ?? -1;
    if (woken >= 0) join(clock, this.clock[woken]!);
    this.wokenBy[p] = -1;
    if (barrier) for (const c of this.clock) join(clock, c);
    else {
      for (const e of this.before(footprint)) {
        if (this.inClock(e, clock)) continue;
        race(e);
        join(clock, this.clock[e]!);
      }
    }
    clock[p] = ordinal;
    this.task.push(p);
    this.footprint.push(footprint);
    this.ordinal.push(ordinal);
    this.clock.push(clock);
    this.lastOf[p] = j;
    for (const touch of footprint) this.use(touch, j);
  }

  /** Whether step a happens before step b (a < b), or is it. */
  happensBefore(a: number, b: number): boolean {
    return this.inClock(a, this.clock[b]!);
  }

  private inClock(e: number, clock: readonly number[]): boolean {
    return (clock[this.task[e]!] ?? 0) >= this.ordinal[e]!;
  }

  /** Steps that one with this footprint depends on directly, the latest first. */
  private before(footprint: readonly Touch[]): number[] {
    const found = new Set<number>();
    for (const touch of footprint) {
      const use = this.uses.get(touch >>> 1);
      if (use === undefined) continue;
      if (use.write >= 0) found.add(use.write);
      if ((touch & 1) !== 0) for (const r of use.reads) found.add(r);
    }
    return [...found].sort((a, b) => b - a);
  }

  private use(touch: Touch, j: number): void {
    let use = this.uses.get(touch >>> 1);
    if (use === undefined) {
      use = { write: -1, reads: [] };
      this.uses.set(touch >>> 1, use);
    }
    if ((touch & 1) === 0) use.reads.push(j);
    else {
      use.write = j;
      use.reads.length = 0;
    }
  }
}

function join(into: number[], other: readonly number[]): void {
  for (let p = 0; p < other.length; p++) {
    const n = other[p] ?? 0;
    if (n > (into[p] ?? 0)) into[p] = n;
  }
}
