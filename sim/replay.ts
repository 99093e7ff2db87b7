// replay: a schedule is made to happen again. The string names who took each step by path and kind of operation; here it is held
// against a program that may have changed since.
//
// What a replay puts up with: goroutines that the schedule does not know (strangers), wherever they were started. They get steps
// only when the one whose turn it is cannot go on, or when the schedule is used up; a timer that wakes only strangers is passed
// over. What has no operation in it (a line of log, a look at the clock) is no step and changes nothing.
//
// Everything else is a divergence: the first decision that cannot be followed is told, with what the goroutine does instead and who
// could go on. It is never guessed what the schedule might have meant: a replay that quietly runs something else is worse than none.
import { opNames } from './naming.ts';
import { clockPath, type Decision } from './schedule.ts';
import { clockTask, type Decider, OpKind, type Outcome, type Point, type Size, Spin, type Task } from './types.ts';

// --- writing down ----------------------------------------------------------------------------------------------------------

/** Writes down what another decider decides, by names. */
export class RecordingDecider implements Decider {
  readonly everyStep = true;
  readonly decisions: { g: string; op: OpKind; draws: number[] }[] = [];
  /** Numbers of the steps that came instead of one of a goroutine that could go on. */
  readonly cuts: number[] = [];
  /** By task: its path. */
  private readonly paths: string[] = [clockPath];
  /** The goroutine that took the last step; -1: none did. */
  private lastGoroutine: Task = -1;

  constructor(private readonly inner: Decider) {}

  next(point: Point): Task {
    const task = this.inner.next(point);
    if (task < 0) return task;
    if (task === clockTask) {
      this.decisions.push({ g: clockPath, op: OpKind.start, draws: [] });
      return task;
    }
    if (isPreemption(point, this.lastGoroutine, task)) this.cuts.push(this.decisions.length);
    this.decisions.push({ g: (this.paths[task] ??= point.path(task)), op: point.kind(task), draws: [] });
    this.lastGoroutine = task;
    return task;
  }

  select(n: number): number {
    const answer = this.inner.select(n);
    this.decisions.at(-1)?.draws.push(answer);
    return answer;
  }

  /** How large the run was. */
  size({ firings, steps }: Pick<Outcome, 'firings' | 'steps'>): Size {
    return { preemptions: this.cuts.length, firings, steps };
  }
}

/** Whether going on with `task` is a switch away from a goroutine that could go on, and did not ask to be switched away from. */
function isPreemption(point: Point, last: Task, task: Task): boolean {
  if (last < 0 || last === task || point.spun(last) !== Spin.none) return false;
  for (let i = 0; i < point.n; i++) if (point.tasks[i] === last) return true;
  return false;
}

// --- following -------------------------------------------------------------------------------------------------------------

/** Where a program did something else than its schedule says. */
export interface Divergence {
  /** Number of the decision, from 1, and of how many. */
  readonly step: number;
  readonly of: number;
  /** `main/worker: send`. */
  readonly expected: string;
  /** What that goroutine is about to do instead, or why it cannot go on. */
  readonly got: string;
  /** Who could go on, and with what: `main: recv`. */
  readonly enabled: readonly string[];
}

/** Follows a schedule; see the head of this file. */
export class ReplayDecider implements Decider {
  readonly everyStep = true;
  /** Set when the program does something else; the run is broken off there. */
  divergence: Divergence | null = null;
  private at = 0;
  private draws: readonly number[] = none;
  private drawn = 0;
  /** Paths that the schedule knows, and those of this run by task. */
  private readonly known: ReadonlySet<string>;
  private readonly paths: string[] = [clockPath];
  private sawStrangers = false;

  constructor(private readonly decisions: readonly Decision[]) {
    this.known = new Set(decisions.map(({ g }) => g));
  }

  /** Decisions that were followed. */
  get followed(): number {
    return this.at;
  }

  next(point: Point): Task {
    this.draws = none;
    this.drawn = 0;
    const expected = this.decisions[this.at];
    if (expected === undefined) return this.beyond(point);
    const task = expected.g === clockPath ? (point.timer ? clockTask : -1) : this.find(point, expected);
    if (task >= 0) {
      this.at++;
      this.draws = expected.draws;
      return task;
    }
    const stranger = this.stranger(point);
    if (stranger >= 0) return stranger;
    if (this.sawStrangers && point.timer && !this.canGoOn(point, expected.g)) return clockTask;
    this.divergence = this.told(point, expected);
    return -1;
  }

  select(n: number): number {
    const answer = this.draws[this.drawn++] ?? 0;
    return answer < n ? answer : 0;
  }

  private path(point: Point, task: Task): string {
    return (this.paths[task] ??= point.path(task));
  }

  /** The goroutine of a decision, if it can go on and does what is expected; else -1. */
  private find(point: Point, { g, op }: Decision): Task {
    for (let i = 0; i < point.n; i++) {
      const task = point.tasks[i]!;
      if (this.path(point, task) === g && point.kind(task) === op) return task;
    }
    return -1;
  }

  private canGoOn(point: Point, g: string): boolean {
    for (let i = 0; i < point.n; i++) if (this.path(point, point.tasks[i]!) === g) return true;
    return false;
  }

  private stranger(point: Point): Task {
    for (let i = 0; i < point.n; i++) {
      const task = point.tasks[i]!;
      if (this.known.has(this.path(point, task))) continue;
      this.sawStrangers = true;
      return task;
    }
    return -1;
  }

  /** Behind the schedule's end: who runs goes on, then who has waited for longest. */
  private beyond(point: Point): Task {
    for (let i = 0; i < point.n; i++) if (point.tasks[i] === point.last && point.spun(point.last) === Spin.none) return point.last;
    return point.n > 0 ? point.tasks[0]! : clockTask;
  }

  private told(point: Point, expected: Decision): Divergence {
    const enabled: string[] = [];
    let got = expected.g === clockPath ? 'no timer is set' : 'it is blocked, has ended or was not started';
    for (let i = 0; i < point.n; i++) {
      const task = point.tasks[i]!;
      const [path, kind] = [this.path(point, task), opNames[point.kind(task)]];
      enabled.push(`${path}: ${kind}`);
      if (path === expected.g) got = kind;
    }
    if (point.timer) enabled.push(`${clockPath}: next timer`);
    const what = expected.g === clockPath ? 'next timer' : opNames[expected.op];
    return { step: this.at + 1, of: this.decisions.length, expected: `${expected.g}: ${what}`, got, enabled };
  }
}

const none: readonly number[] = [];

/** A divergence as text, three lines. */
export function divergenceText({ step, of, expected, got, enabled }: Divergence): string {
  return [
    `the program does something else than the schedule from step ${step} of ${of} on`,
    `  expected  ${expected}`,
    `  got       ${got}; could go on: ${enabled.length === 0 ? 'nobody' : enabled.join(', ')}`,
  ].join('\n');
}
