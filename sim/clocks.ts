// clocks: vector clocks, from which races.ts knows what happened before what. A clock has a number for each task: how far of that
// task's life its owner knows about. Each task has one; a release leaves a copy on what it goes through (a lock, a channel's slot),
// and an acquire takes over what lies there.
//
// All clocks of a schedule come from one pool, so that exploring allocates nothing in the long run.
import type { Task } from './types.ts';

/** A number for each task. */
export type Clock = Int32Array;

/** The clocks of one schedule after the other. */
export class Clocks {
  /** By task. */
  private readonly own: (Clock | undefined)[] = [];
  private readonly pool: Clock[] = [];
  private used = 0;
  /** Tasks that have a clock, and the clock task, are below this. */
  private n = 0;

  constructor(
    /** Tasks at most, the clock task included. */
    private readonly most: number,
  ) {}

  /** A schedule begins. */
  begin(): void {
    for (let k = 0; k < this.used; k++) this.pool[k]!.fill(0, 0, this.n);
    this.used = 0;
    this.n = 0;
  }

  /** A clock of zeros, of this schedule. */
  make(): Clock {
    if (this.used === this.pool.length) this.pool.push(new Int32Array(this.most));
    return this.pool[this.used++]!;
  }

  /** A task's clock. */
  of(task: Task): Clock {
    return this.own[task]!;
  }

  /** A task begins, knowing what `knows` knows. */
  started(task: Task, knows: Clock | null): void {
    if (task >= this.n) this.n = task + 1;
    const clock = this.make();
    if (knows !== null) this.join(clock, knows);
    clock[task] = 1;
    this.own[task] = clock;
  }

  /** A task forgets what it knew, and knows what `knows` knows: the clock task, which acts for others. */
  become(task: Task, knows: Clock | null): void {
    const clock = this.own[task]!;
    const at = clock[task]!;
    clock.fill(0, 0, this.n);
    if (knows !== null) this.join(clock, knows);
    clock[task] = at;
  }

  /** `into` knows what `from` knows as well. */
  join(into: Clock, from: Clock): void {
    for (let k = 0; k < this.n; k++) if (from[k]! > into[k]!) into[k] = from[k]!;
  }

  /** Task leaves on `on` what it knows, instead of what was there; what it does from now on is not in it. */
  store(task: Task, on: Clock): void {
    const clock = this.own[task]!;
    for (let k = 0; k < this.n; k++) on[k] = clock[k]!;
    clock[task]!++;
  }

  /** The same beside what is there. */
  release(task: Task, on: Clock): void {
    const clock = this.own[task]!;
    this.join(on, clock);
    clock[task]!++;
  }

  acquire(task: Task, from: Clock): void {
    this.join(this.own[task]!, from);
  }

  /** A task whose number in `clock` is beyond what `known` knows of it; -1: all of it is known. */
  ahead(clock: Clock, known: Clock): Task {
    for (let k = 0; k < this.n; k++) if (clock[k]! > known[k]!) return k;
    return -1;
  }
}
