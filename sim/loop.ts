// loop: one schedule, from main's first step until nothing can happen any more.
//
//   while somebody can go on, or a timer is set:
//     who?   one alternative: that one; several: the decider says
//     a goroutine takes a step, or the clock moves and a timer fires
//   what is left: who is blocked for ever
//
// main's return does not end a schedule: the others run on, so that what they leave blocked is seen (a leak).
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Runtime } from '../runtime/runtime.ts';
import type { G } from '../sched/g.ts';
import { blockedForEver, pathsOf, stepOf } from './naming.ts';
import { ExploringSched, type Operand } from './sched.ts';
import { ExploringChannels, ExploringSelects, ExploringSync } from './things.ts';
import {
  clockTask,
  type Decider,
  OpKind,
  type Outcome,
  type Point,
  type Program,
  type RunOptions,
  type Spin,
  type Step,
  type Task,
  type Thing,
  type TimeMode,
} from './types.ts';
import { type End, verdictOf } from './verdict.ts';

/** Options of a run with nothing left open. */
export interface RunSettings {
  readonly time: TimeMode;
  readonly maxSteps: number;
  readonly leaks: boolean;
  readonly heapBytes: number;
  readonly maxGoroutines: number;
}

const defaults: RunSettings = { time: 'chaos', maxSteps: 10_000, leaks: true, heapBytes: 1 << 18, maxGoroutines: 256 };

/** Fills in what options leave out. */
export function runSettings(o: RunOptions): RunSettings {
  return {
    time: o.time ?? defaults.time,
    maxSteps: o.maxSteps ?? defaults.maxSteps,
    leaks: o.leaks ?? defaults.leaks,
    heapBytes: o.heapBytes ?? defaults.heapBytes,
    maxGoroutines: o.maxGoroutines ?? defaults.maxGoroutines,
  };
}

/** When only tickers are left and nobody can go on: firings of each without an effect after which none is expected any more. */
const idleRounds = 4;

/** A machine in which schedules are run, one after the other. */
export class World implements Point, Chooser {
  readonly everyOperation = false;
  readonly rt: Runtime;
  readonly sched: ExploringSched;
  step = 0;
  last: Task = -1;
  timer = false;
  private decider: Decider = firstOf;
  private readonly order: Task[] = [];
  private readonly selects: number[] = [];
  private readonly trace: Step[] = [];
  private noAnswer: { error: unknown } | null = null;
  private firings = 0;
  private preemptions = 0;
  private width = 0;
  private points = 0;
  private clockLine = 0;
  private selectLine = 0;
  private hash = 0;

  constructor(private readonly settings: RunSettings) {
    const { heapBytes, maxGoroutines } = settings;
    let made: ExploringSched | null = null;
    this.rt = new Runtime(
      { heapBytes, maxGoroutines, chooser: this, memProfileRate: 0, backing: 'plain' },
      {
        sched: (tables, parts) => (made = new ExploringSched(tables, parts)),
        channels: () => new ExploringChannels(made!),
        selects: () => new ExploringSelects(made!),
        sync: () => new ExploringSync(made!),
      },
    );
    this.sched = made!;
  }

  // --- what a decider sees ---------------------------------------------------------------------------------------------

  get n(): number {
    return this.sched.enabled.length;
  }
  get tasks(): ArrayLike<Task> {
    return this.sched.enabled;
  }
  kind(task: Task): OpKind {
    return this.sched.kinds[task]!;
  }
  thing(task: Task): Thing | null {
    const operand = this.sched.operands[task]!;
    return operand === null || operand.id === 0 ? null : operand;
  }
  eachThing(task: Task, visit: (thing: Thing, sends: boolean) => void): void {
    const operand = this.sched.operands[task]!;
    if (operand?.eachThing !== undefined) operand.eachThing(this.sched.ops[task]!, visit);
    else if (operand !== null) visit(operand, true);
  }
  woken(task: Task): boolean {
    return this.sched.wasWoken[task]!;
  }
  spun(task: Task): Spin {
    return this.sched.spun[task]!;
  }
  path(task: Task): string {
    return pathsOf(this.sched, this.rt.machine.symtab)[task]!;
  }

  // --- choices within a step -------------------------------------------------------------------------------------------

  choose(what: Choice, n: number, fair: number): number {
    if (what !== Choice.selectOrder) return Math.max(fair, 0);
    const answer = this.selected(n);
    this.selects.push(answer);
    this.selectLine = longer(this.selectLine, answer + 1);
    return answer;
  }

  /** The decider's answer. What is wrong with it must not be thrown into the program, whose step this is. */
  private selected(n: number): number {
    try {
      const answer = this.decider.select(n);
      if (Number.isInteger(answer) && answer >= 0 && answer < n) return answer;
      throw new RangeError(`decider.select: got ${answer}, wanted 0 to ${n - 1}`);
    } catch (error) {
      this.noAnswer = { error };
      return 0;
    }
  }

  // --- one schedule ----------------------------------------------------------------------------------------------------

  /** Runs a program under a decider. */
  run(program: Program, decider: Decider, details: Pick<RunOptions, 'details' | 'listener'>): Outcome {
    this.decider = decider;
    this.sched.details = details.details ?? false;
    this.sched.listener = details.listener ?? null;
    this.rt.begin(program, { file: '??', line: 0 });
    return this.outcome(this.loop());
  }

  private loop(): End {
    const { sched, settings } = this;
    const { timers, enabled } = sched;
    let idle = 0; // firings since somebody could go on
    for (; ; this.step++) {
      const n = enabled.length;
      const set = timers.set;
      if (n === 0) {
        if (set === 0) return { how: 'quiet', tickers: 0 };
        if (timers.periodic === set && idle++ > set * idleRounds) return { how: 'quiet', tickers: set };
      } else idle = 0;
      if (this.step >= settings.maxSteps) return { how: 'bound' };
      this.timer = set > 0 && (n === 0 || this.mayFire(timers.earliest()));
      const width = n + (this.timer ? 1 : 0);
      if (width > this.width) this.width = width;
      let task: Task;
      if (width > 1) this.points++;
      if (width > 1 || this.decider.everyStep) {
        task = this.decider.next(this);
        if (task === -1) return { how: 'broken off' };
        this.check(task);
      } else task = n === 0 ? clockTask : enabled[0]!;
      const end = this.take(task);
      if (end !== null) return end;
      if (this.noAnswer !== null) throw this.noAnswer.error;
    }
  }

  private mayFire(when: number): boolean {
    const { time } = this.settings;
    if (time === 'chaos') return true;
    if (time === 'idle') return false;
    const { enabled, readySince } = this.sched;
    for (let k = 0; k < enabled.length; k++) if (readySince[enabled[k]!]! + time.maxSkew < when) return false;
    return true;
  }

  private check(task: Task): void {
    const known = task === clockTask ? this.timer : this.sched.enabled.includes(task);
    if (!known) throw new RangeError(`decider.next: got task ${task}, which cannot go on at step ${this.step}`);
  }

  /** A step. How the schedule ended with it; null: it goes on. */
  private take(task: Task): End | null {
    const { sched, last } = this;
    if (last > 0 && task !== last && sched.enabled[sched.enabled.length - 1] === last) this.preemptions++;
    this.order.push(task);
    this.note(task);
    this.last = task;
    const { listener } = sched;
    if (listener !== null) listener.stepBegins?.(task);
    const before = sched.details ? stepOf(sched, task, this.path(task)) : null;
    let died: End | null = null;
    try {
      if (task === clockTask) sched.fireTimer();
      else sched.stepOf(task);
    } catch (error) {
      died = { how: 'died', error };
    }
    if (task === clockTask) this.firings++;
    if (before !== null) this.trace.push({ ...before, after: sched.stateOf(task as G), clock: sched.now() });
    if (listener === null) return died;
    const finding = listener.stepEnded?.(task) ?? null;
    return died ?? (finding === null ? null : { how: 'found', finding });
  }

  /** A step's part in the schedule's digest: the line of the thing that it uses goes on. What has no thing is the clock's. */
  private note(task: Task): void {
    const operand = task === clockTask ? null : this.sched.operands[task]!;
    if (operand !== null) {
      if (operand.eachThing !== undefined) operand.eachThing(this.sched.ops[task]!, (thing) => this.lengthen(thing as Operand, task));
      else this.lengthen(operand, task);
    } else if (task === clockTask || this.sched.kinds[task] === OpKind.sleep) {
      const { clockLine } = this;
      this.clockLine = longer(clockLine, task + 1);
      this.hash = (this.hash + Math.imul(this.clockLine, 0x9e3779b1) - Math.imul(clockLine, 0x9e3779b1)) | 0;
    }
  }

  private lengthen(operand: Operand, task: Task): void {
    const { line, id } = operand;
    operand.line = longer(line, task);
    this.hash = (this.hash + Math.imul(operand.line ^ id, 0x9e3779b1) - Math.imul(line ^ id, 0x9e3779b1)) | 0;
  }

  private outcome(end: End): Outcome {
    const { sched, settings } = this;
    const paths = pathsOf(sched, this.rt.machine.symtab);
    const blocked = end.how === 'quiet' ? blockedForEver(sched, paths) : [];
    const found = verdictOf(end, blocked, sched.mainReturned, settings);
    return {
      ...found,
      blocked,
      steps: this.step,
      firings: this.firings,
      preemptions: this.preemptions,
      points: this.points,
      width: this.width,
      clock: sched.now(),
      hash: (this.hash + Math.imul(this.selectLine, 0x85ebca6b)) | 0,
      order: this.order,
      selects: this.selects,
      paths,
      trace: this.trace,
    };
  }
}

/** A line with one more in it. */
function longer(line: number, n: number): number {
  const h = Math.imul(line ^ n, 0x01000193);
  return h ^ (h >>> 15);
}

/** Lets whoever has waited longest go on; the clock last. */
const firstOf: Decider = {
  next: (point) => (point.n > 0 ? point.tasks[0]! : clockTask),
  select: () => 0,
};

/**
 * Runs a program once: `decider` answers what could go either way. The program must be deterministic but for that.
 * Throws RangeError when the decider's answer is none of the alternatives.
 */
export function runSchedule(program: Program, decider: Decider, options: RunOptions = {}): Outcome {
  return new World(runSettings(options)).run(program, decider, options);
}
