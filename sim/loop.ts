// loop: one schedule, from main's first step until nothing can happen any more.
//
//   while somebody can go on, or a timer is set:
//     who?   one alternative: that one; several: the decider says
//     a goroutine takes a step, or the clock moves and a timer fires
//   what is left: who is blocked for ever
//
// main's return does not end a schedule: the others run on, so that what they leave blocked is seen (a leak).
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { plural } from '../runtime/internal/words.ts';
import { Runtime } from '../runtime/runtime.ts';
import { serialAt } from '../runtime/value.ts';
import type { G } from '../sched/g.ts';
import { SameAgain } from './again.ts';
import { Faults } from './faults.ts';
import { goesRound, Livelock } from './livelock.ts';
import { blockedForEver, pathsOf, stepOf } from './naming.ts';
import { type RunSettings, runScheduleSettings, startable } from './options.ts';
import { Races } from './races.ts';
import { raceFinding } from './racetext.ts';
import { ExploringSched, type Operand } from './sched.ts';
import { ExploringChannels, ExploringSelects, ExploringSync } from './things.ts';
import {
  clockTask,
  type Decider,
  type Finding,
  OpKind,
  type Outcome,
  type Point,
  type Program,
  type RunOptions,
  Spin,
  type Step,
  type Task,
  type Thing,
} from './types.ts';
import { type End, fine, verdictOf } from './verdict.ts';

/** When only tickers are left and nobody can go on: firings of each without an effect after which none is expected any more. */
const idleRounds = 4;
/** Steps that the others may take after main has returned, besides four times as many as before. */
const stepsAfterMain = 1000;
/** Goroutines that have a stack before the first schedule: as many as fit into a page. */
const stacksReady = 126;

const quiet: End = { how: 'quiet', tickers: 0 };
const brokenOff: End = { how: 'broken off' };
/** The loop waits for an async goroutine: it is called again when microtasks have run. */
const microtasks: End = { how: 'broken off' };
const nowhere = { file: '??', line: 0 };

/** What of the options may differ from one schedule of a world to the next. */
export type RunDetails = Pick<RunOptions, 'details' | 'listener' | 'faults' | 'faultSeed'>;

/** A machine in which schedules are run, one after the other. What one leaves behind no other can see. */
export class World implements Point, Chooser {
  readonly everyOperation = false;
  sched!: ExploringSched;
  readonly faults = new Faults();
  step = 0;
  last: Task = -1;
  timer = false;
  /** Points at which there was a choice, and most tasks that could go on at one. */
  points = 0;
  width = 0;
  /** @internal For who looks at a schedule while it runs. */
  rt!: Runtime;
  /** The goroutine that took a step last; -1: none has. The clock preempts nobody. */
  private running: Task = -1;
  private mainPc = 0;
  private decider: Decider = firstOf;
  /** The last program, and what is started for it. */
  private program: Program | null = null;
  private body: Program | null = null;
  private order: Int32Array;
  /** By step: what was performed, as kind and thing. */
  private marks: Int32Array;
  private readonly selects: number[] = [];
  private readonly trace: Step[] = [];
  private noAnswer: { error: unknown } | null = null;
  private firings = 0;
  private early = 0;
  /** By task: the number of its last step. */
  private readonly lastStep: number[] = [];
  private readonly livelock = new Livelock();
  private preemptions = 0;
  private lines = 0;
  private clockLine = 0;
  private selectLine = 0;
  private end: End = quiet;
  private races: Races | null = null;
  /** The machine tells of accesses to the heap: it is in checked mode, from the first schedule on that uses the heap. */
  private watchesHeap = false;

  constructor(public settings: RunSettings) {
    this.order = new Int32Array(settings.maxSteps);
    this.marks = new Int32Array(settings.maxSteps);
    this.build();
  }

  /** Whether its machine has the size that the settings want. */
  fits({ heapBytes, maxGoroutines, races }: RunSettings): boolean {
    return heapBytes === this.settings.heapBytes && maxGoroutines === this.settings.maxGoroutines && (races || !this.watchesHeap);
  }

  /** Makes the machine. Every goroutine of a small program has its stack before the first schedule, so that none has to make one. */
  private build(): void {
    const { heapBytes, maxGoroutines } = this.settings;
    let made: ExploringSched | null = null;
    this.rt = new Runtime(
      { heapBytes, maxGoroutines, chooser: this, memProfileRate: 0, backing: 'plain', checked: this.watchesHeap },
      {
        sched: (tables, parts) => (made = new ExploringSched(tables, parts)),
        channels: () => new ExploringChannels(made!),
        selects: () => new ExploringSelects(made!),
        sync: () => new ExploringSync(made!),
      },
    );
    this.rt.namesOnly = true;
    this.mainPc = this.rt.mainPc(nowhere);
    this.sched = made!;
    this.races = null;
    this.faults.attach(this.rt, this.sched);
    const goroutines = Math.min(stacksReady, maxGoroutines);
    this.rt.begin(function* main(go) {
      for (let k = 1; k < goroutines; k++) go.go(function* main() {});
    }, this.mainPc);
    while (this.sched.n > 0) this.sched.stepOf(this.sched.enabled[0]!);
    this.sched.forget();
    this.rt.forget();
    this.sched.touchedHeap = false;
  }

  // --- what a decider sees ---------------------------------------------------------------------------------------------

  get n(): number {
    return this.sched.n;
  }
  get tasks(): ArrayLike<Task> {
    return this.sched.enabled;
  }
  kind(task: Task): OpKind {
    return this.sched.kinds[task]!;
  }
  thing(task: Task): Thing | null {
    const operand = this.sched.operands[task]!;
    return operand === null || operand.eachThing !== undefined ? null : operand;
  }
  eachThing(task: Task, visit: (thing: Thing, sends: boolean) => void): void {
    const operand = this.sched.operands[task]!;
    if (operand === null) return;
    if (operand.eachThing !== undefined) operand.eachThing(this.sched.ops[task]!, visit);
    else visit(operand, true);
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

  /** Runs a program under a decider, from its beginning. What is wrong with the schedule; `fine`: nothing. */
  run(program: Program, decider: Decider, details: RunDetails): Finding {
    this.begin(decider, details);
    if (program !== this.program) {
      this.body = startable(program);
      this.program = program;
    }
    this.rt.begin(this.body!, this.mainPc);
    this.end = this.loop();
    if (this.end === microtasks) throw new TypeError('a goroutine is an async function: explore it with exploreAsync');
    if (this.settings.races && this.sched.touchedHeap && !this.watchesHeap && details.listener === undefined) {
      this.watchesHeap = true; // the same schedule once more: which machine ran it must not show
      return this.run(program, new SameAgain(Array.from(this.order.subarray(0, this.step)), [...this.selects]), details);
    }
    return this.result();
  }

  /** As run, for a program with async goroutines: pump lets microtasks run until the step can go on. */
  async runAsync(program: Program, decider: Decider, details: RunDetails, pump: () => Promise<boolean>): Promise<Finding> {
    this.begin(decider, details);
    this.rt.begin(program, this.mainPc);
    for (;;) {
      this.end = this.loop();
      if (this.end !== microtasks) break;
      try {
        while (this.sched.pumping !== null) this.sched.pumped(await pump());
      } catch (error) {
        this.step++;
        this.end = { how: 'died', error };
        break;
      }
      this.step++;
    }
    return this.result();
  }

  private result(): Finding {
    const { sched } = this;
    const spotless = this.end === quiet && sched.live === 0 && sched.properties.length === 0;
    return spotless && (sched.races === null || sched.races.found === null) ? fine : this.finding();
  }

  private begin(decider: Decider, details: RunDetails): void {
    if (this.sched.touchedHeap || this.rt.depth !== 0) this.build();
    else {
      this.sched.forget();
      this.rt.forget();
    }
    const { maxSteps } = this.settings;
    if (this.order.length < maxSteps) {
      this.order = new Int32Array(maxSteps);
      this.marks = new Int32Array(maxSteps);
    }
    this.decider = decider;
    this.sched.details = details.details ?? false;
    this.sched.listener = this.faults.begin(details.faults, details.faultSeed ?? 1, details.listener ?? null);
    this.sched.races = this.settings.races ? this.watched() : null;
    this.livelock.begin();
    this.step = this.early = this.firings = this.preemptions = this.points = this.width = 0;
    this.lines = this.clockLine = this.selectLine = 0;
    this.last = this.running = -1;
    this.noAnswer = null;
    if (this.selects.length > 0) this.selects.length = 0;
    if (this.trace.length > 0) this.trace.length = 0;
  }

  /** The race detector of the machine, which knows nothing yet. */
  private watched(): Races {
    if (this.races === null) {
      const { sched } = this;
      const stack = (task: Task, atOperation: boolean) =>
        sched.details ? (atOperation ? sched.sites[task]! : (new Error().stack ?? '')) : '';
      this.races = new Races(this.settings.maxGoroutines, {
        running: () => sched.curg,
        exempt: (task) => sched.gt.system[task as G] !== 0,
        stack,
      });
      this.races.watchTimers(sched.timers, () => sched.races !== null);
    }
    const { races, sched, rt } = this;
    races.begin();
    if (this.watchesHeap) {
      rt.ctx.watcher = (addr, bytes, writes, what) => {
        if (sched.races !== null && sched.curg !== 0) races.bytes(sched.curg, serialAt(rt.ctx, addr), addr, bytes, writes, what);
      };
    }
    return races;
  }

  private loop(): End {
    const { sched, settings, decider } = this;
    const { timers, enabled } = sched;
    const { maxSteps } = settings;
    let limit = maxSteps;
    const everyStep = decider.everyStep ?? false;
    let idle = 0; // firings since somebody could go on
    for (; ; this.step++) {
      const { n } = sched;
      const { set } = timers;
      if (n === 0) {
        if (set === 0) return quiet;
        if (timers.periodic === set && idle++ > set * idleRounds) return { how: 'quiet', tickers: set };
      } else idle = 0;
      if (this.step >= limit && (this.step === maxSteps || this.livelock.period === 0)) return this.bound();
      if (limit === maxSteps && sched.mainReturned) limit = Math.min(maxSteps, this.step * 4 + stepsAfterMain);
      this.timer = set > 0 && (n === 0 || this.mayFire(timers.earliest()));
      const width = this.timer ? n + 1 : n;
      if (width > this.width) this.width = width;
      let task: Task;
      if (width > 1) this.points++;
      if (width > 1 || everyStep) {
        task = everyStep ? -1 : this.livelock.follow(this.step, this.order);
        if (task < 0 || !this.canGoOn(task)) {
          task = decider.next(this);
          if (task === -1) return brokenOff;
          if (!this.canGoOn(task)) throw new RangeError(`decider.next: got task ${task}, which cannot go on at step ${this.step}`);
        }
      } else task = n === 0 ? clockTask : enabled[0]!;
      const end = this.take(task);
      if (end !== null) return end;
      if (sched.pumping !== null) return microtasks;
      if (this.noAnswer !== null) throw this.noAnswer.error;
      if (task !== clockTask && sched.spun[task] === Spin.asked && this.livelock.asked(sched, this.step, this.order))
        return this.inLivelock();
    }
  }

  /** Too many steps. */
  private bound(): End {
    const { sched, step, lastStep } = this;
    const paths = pathsOf(sched, this.rt.machine.symtab);
    const stuck = blockedForEver(sched, paths, (task) => lastStep[task]! < step >> 1 && sched.kinds[task] !== OpKind.sleep);
    return { how: 'bound', round: sched.timers.set === 0 && goesRound(this.order, step), stuck };
  }

  private inLivelock(): End {
    const { sched, order, step } = this;
    const paths = pathsOf(sched, this.rt.machine.symtab);
    const round = [...new Set(order.subarray(step + 1 - this.livelock.period, step + 1))].map((task) => paths[task]!);
    const message = `the same ${plural(this.livelock.period, 'step')} again and again, and nothing comes of ${this.livelock.period === 1 ? 'it' : 'them'}: ${round.join(', ')}`;
    this.step++;
    return { how: 'found', finding: { verdict: 'livelock', message, identity: `livelock: ${round.sort().join(', ')}`, error: undefined } };
  }

  private mayFire(when: number): boolean {
    const { time } = this.settings;
    if (time === 'chaos') return true;
    if (time === 'idle') return false;
    const { enabled, readySince, n } = this.sched;
    for (let k = 0; k < n; k++) if (readySince[enabled[k]!]! + time.maxSkew < when) return false;
    return true;
  }

  private canGoOn(task: Task): boolean {
    return task === clockTask ? this.timer : this.sched.canTask(task);
  }

  /** A step. How the schedule ended with it; null: it goes on. */
  private take(task: Task): End | null {
    const { sched, running } = this;
    if (task !== running && task !== clockTask) {
      if (running > 0 && sched.canTask(running)) this.preemptions++;
      this.running = task;
    }
    this.order[this.step] = task;
    this.marks[this.step] = task === clockTask ? 0 : sched.kinds[task]! | ((sched.operands[task]?.id ?? 0) << 8);
    this.lastStep[task] = this.step;
    if (task === clockTask && sched.n > 0) this.early++;
    this.note(task);
    this.last = task;
    if (sched.listener !== null || sched.details) return this.takeWatched(task);
    try {
      if (task === clockTask) {
        this.firings++;
        sched.fireTimer();
      } else sched.stepOf(task);
    } catch (error) {
      this.step++;
      return { how: 'died', error };
    }
    return null;
  }

  /** A step that somebody listens to, or that is written down. */
  private takeWatched(task: Task): End | null {
    const { sched } = this;
    const { listener } = sched;
    const before = sched.details ? stepOf(sched, task, this.path(task)) : null;
    let died: End | null = null;
    listener?.stepBegins?.(task);
    try {
      if (task === clockTask) {
        this.firings++;
        sched.fireTimer();
      } else sched.stepOf(task);
    } catch (error) {
      died = { how: 'died', error };
    }
    if (before !== null) this.trace.push({ ...before, after: sched.stateOf(task as G), clock: sched.now() });
    const finding = listener?.stepEnded?.(task) ?? null;
    const end: End | null = died ?? (finding === null ? null : { how: 'found', finding });
    if (end !== null) this.step++;
    return end;
  }

  // --- what it was -----------------------------------------------------------------------------------------------------

  /** A step's part in the schedule's digest: the line of the thing that it uses goes on. What has no thing is the clock's. */
  private note(task: Task): void {
    const operand = this.sched.operands[task]!;
    if (operand !== null) {
      if (operand.eachThing !== undefined) operand.eachThing(this.sched.ops[task]!, this.lengthenFor);
      else this.lengthen(operand, task);
    } else if (task === clockTask || this.sched.kinds[task] === OpKind.sleep) {
      const { clockLine } = this;
      this.clockLine = longer(clockLine, task + 1);
      this.lines = (this.lines + Math.imul(this.clockLine, 0x9e3779b1) - Math.imul(clockLine, 0x9e3779b1)) | 0;
    }
  }

  private lengthen(operand: Operand, task: Task): void {
    const { line, id } = operand;
    operand.line = longer(line, task);
    this.lines = (this.lines + Math.imul(operand.line ^ id, 0x9e3779b1) - Math.imul(line ^ id, 0x9e3779b1)) | 0;
  }
  private readonly lengthenFor = (thing: Thing): void => this.lengthen(thing as Operand, this.order[this.step]!);

  /** What the last schedule was: Outcome.hash. */
  get hash(): number {
    return (this.lines + Math.imul(this.selectLine, 0x85ebca6b)) | 0;
  }

  /** What is wrong with the last schedule. */
  private finding(): Finding {
    const { sched, settings, end } = this;
    const blocked = end.how === 'quiet' ? blockedForEver(sched, pathsOf(sched, this.rt.machine.symtab)) : [];
    const finding = verdictOf(end, blocked, sched.mainReturned, settings, sched.properties);
    const race = sched.races?.found ?? null;
    if (race === null || finding.verdict !== null || end === brokenOff) return finding;
    return raceFinding(race, sched, pathsOf(sched, this.rt.machine.symtab));
  }

  /** All about the last schedule. */
  outcome(): Outcome {
    const { sched, step } = this;
    const paths = pathsOf(sched, this.rt.machine.symtab);
    return {
      ...this.finding(),
      blocked: this.end.how === 'quiet' ? blockedForEver(sched, paths) : [],
      steps: step,
      firings: this.firings,
      early: this.early,
      preemptions: this.preemptions,
      points: this.points,
      width: this.width,
      clock: sched.now(),
      hash: this.hash,
      order: Array.from(this.order.subarray(0, step)),
      marks: Array.from(this.marks.subarray(0, step)),
      selects: [...this.selects],
      paths,
      trace: [...this.trace],
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
  return inWorld(runScheduleSettings(options), (world) => {
    world.run(program, decider, options);
    return world.outcome();
  });
}

/** A machine that nobody uses now: making one takes a millisecond. */
let spare: World | null = null;

/** Does something in a world of its own. */
export function inWorld<T>(settings: RunSettings, use: (world: World) => T): T {
  let world = spare;
  spare = null; // a program may explore another one
  if (world === null || !world.fits(settings)) world = new World(settings);
  world.settings = settings;
  const result = use(world);
  spare = world; // not after an error: who knows in what state it is
  return result;
}
