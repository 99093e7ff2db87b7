// chooser: the one seam for every choice. Whatever could go either way in a real machine (which M steps next, who is
// stolen from, whether the collector runs now) asks `choose`, and a strategy answers. A run's answers are its schedule.
//
// Sampling is not a choice: it has its own stream (rand.ts), so that switching the profiler on does not move the schedule.
import { Rand } from './rand.ts';

/** What is being decided. The number goes into events and digests: append, never renumber. */
export const enum Choice {
  /** Which of the Ms that could step does so (fair: the smallest clock). */
  nextM = 0,
  /** How many units of background work (marking, sweeping) run at this point. */
  background = 1,
  /** Whether a goroutine that could go on is preempted at this point. */
  preempt = 2,
  /** Which P a thief looks at first. */
  stealFrom = 3,
  /** Which case of a select comes first. */
  selectOrder = 4,
  /** Which of the goroutines that a P could run is next (asked only of a chooser with anyOrder). */
  nextG = 5,
}

/** Answers a choice between n alternatives (n >= 1) with a number in [0, n); `fair` is what an undisturbed machine does. */
export interface Chooser {
  choose(what: Choice, n: number, fair: number): number;
  /** True when mallocs and pointer writes are choice points too (exploring); false keeps the fast paths. */
  readonly everyOperation: boolean;
  /** True when any runnable goroutine of a P may be its next one; false or left out keeps the order of the queues. */
  readonly anyOrder?: boolean;
}

/** Takes the fair answer each time; only choices that have no fair answer (fair < 0) are drawn from the seed. */
export class FairChooser implements Chooser {
  readonly everyOperation = false;
  private readonly rand: Rand;
  constructor(seed: number) {
    this.rand = new Rand(seed, 'choice');
  }
  choose(_what: Choice, n: number, fair: number): number {
    return fair >= 0 ? fair : this.rand.below(n);
  }
}

/** Draws every answer from the seed; with everyOperation the collector may run between any two mutator operations. */
export class RandomChooser implements Chooser {
  readonly anyOrder = true;
  private readonly rand: Rand;
  constructor(
    seed: number,
    readonly everyOperation = true,
  ) {
    this.rand = new Rand(seed, 'choice');
  }
  choose(_what: Choice, n: number, _fair: number): number {
    return n === 1 ? 0 : this.rand.below(n);
  }
}

/** Records the answers of another chooser: `answers` replayed by ReplayChooser gives the same run. */
export class RecordingChooser implements Chooser {
  readonly answers: number[] = [];
  constructor(private readonly inner: Chooser) {}
  get everyOperation(): boolean {
    return this.inner.everyOperation;
  }
  get anyOrder(): boolean {
    return this.inner.anyOrder ?? false;
  }
  choose(what: Choice, n: number, fair: number): number {
    const answer = this.inner.choose(what, n, fair);
    this.answers.push(answer);
    return answer;
  }
}

/** Gives recorded answers back, and the fair ones (or 0) when they are used up. Answers out of range are clamped. */
export class ReplayChooser implements Chooser {
  private next = 0;
  constructor(
    private readonly answers: readonly number[],
    readonly everyOperation = true,
    readonly anyOrder = true,
  ) {}
  choose(_what: Choice, n: number, fair: number): number {
    const answer = this.next < this.answers.length ? this.answers[this.next++]! : Math.max(fair, 0);
    return Math.min(answer, n - 1);
  }
}
