// types: the words of exploring. A program is a goroutine function (main). One run of it under one order of steps is a schedule;
// a decider answers what could go either way at each point; explore() runs many schedules and says what went wrong in which.
//
//   step     a goroutine is resumed: it performs the operation that it was about to do, and goes on to its next one
//   point    between two steps: which goroutine goes on, or does the next timer fire now?
//   select   within a step: which of the cases that are ready
import type { GoFunc } from '../runtime/go.ts';

/** What is explored: a goroutine function that starts the others. */
export type Program = GoFunc<[]>;

/** A program in a file of its own, which worker threads can load. */
export interface ProgramModule {
  /** URL of the module, as `import.meta.url` gives it, or `new URL('x.ts', import.meta.url).href`. */
  readonly module: string;
  /** Name of the exported program; default: `default`. */
  readonly name?: string;
}

/** What can go wrong. */
export type Verdict =
  | 'panic'
  | 'assertion'
  | 'deadlock'
  | 'partial deadlock'
  | 'leak'
  | 'livelock'
  | 'steps'
  | 'race'
  | 'eventually'
  | 'nondeterminism';

/** Names of the strategies. */
export type StrategyName = 'fair' | 'random' | 'pct' | 'pos' | 'surw' | 'exhaustive' | 'portfolio';

/** A strategy, with its figures where they are not the usual ones. pct: the depth; preemptions: at most so many in a schedule. */
export type Strategy =
  | StrategyName
  | { readonly pct: number }
  | { readonly exhaustive: { readonly preemptions?: number; readonly reduction?: boolean } };

/**
 * When timers fire. idle: when no goroutine can go on, as in Go's synctest; chaos: firing the next one competes with the
 * goroutines; maxSkew: it may, but keeps no goroutine waiting for longer than so many virtual nanoseconds.
 */
export type TimeMode = 'idle' | 'chaos' | { readonly maxSkew: number };

/** Faults that may happen in a schedule, each with its highest rate, from 0 to 1: faults.ts. */
export interface FaultOptions {
  /** Of messages on unreliable channels: lost, sent twice, sent later. */
  readonly drop?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Of steps of a group's goroutines after which the group crashes. */
  readonly crash?: number;
  /** Of allocations that panic. */
  readonly alloc?: number;
  /** Of steps after which the clock jumps ahead, and how far, in virtual nanoseconds. */
  readonly clock?: { readonly rate: number; readonly nanos: number };
}

/** How one schedule is run. */
export interface RunOptions {
  /** What may go wrong besides the order of steps; a string: exactly these faults, as Failure.faults has them. Default: nothing. */
  readonly faults?: FaultOptions | string;
  /** Which faults are drawn. Default 1. */
  readonly faultSeed?: number;
  /** Default chaos. */
  readonly time?: TimeMode;
  /** Steps after which a schedule is broken off, with the verdict `steps`. Default 10,000. */
  readonly maxSteps?: number;
  /** A goroutine that is blocked for ever when main has returned is a failure. Default true. */
  readonly leaks?: boolean;
  /**
   * Looks for data races, by what happens before what (FastTrack). explore does unless it is told not to; runSchedule only if it
   * is told to. A race is what is wrong with a schedule when nothing else is.
   */
  readonly races?: boolean | 'fasttrack';
  /** Bytes of the collected heap. Default 256 KiB. */
  readonly heapBytes?: number;
  /** Goroutines at once. Default 256. */
  readonly maxGoroutines?: number;
  /** Keeps what each step did and where it stands in the program: Outcome.trace. Slow. Default false. */
  readonly details?: boolean;
  /** Told what steps do, while they do it. */
  readonly listener?: Listener;
}

/** How many schedules are run, and how they are chosen. */
export interface ExploreOptions extends Omit<RunOptions, 'details' | 'listener' | 'faultSeed'> {
  /** Default portfolio. */
  readonly strategy?: Strategy;
  /** Schedules at most. Default 1,000. */
  readonly schedules?: number;
  /** Milliseconds after which no schedule is begun. Default: no limit. Which schedules were run then depends on the machine. */
  readonly budgetMs?: number;
  /** Decides every choice of every schedule. Default 1. */
  readonly seed?: number;
  /**
   * Runs the first schedule and each failing one a second time, to see that they come out the same; 'every': all of them.
   * Default true.
   */
  readonly determinism?: boolean | 'every';
  /** Worker threads, for a program that is given as a module; 0: as many as there are cores. Default 0. */
  readonly workers?: number;
  /**
   * On worker threads: milliseconds after which a schedule that does not come back ends the exploration with an error. The program
   * loops without a `yield*` then; on one thread nobody could notice. Default 10,000.
   */
  readonly stuckMs?: number;
  /**
   * Goes on after the first failure. Default false. A data race alone does not end an exploration, since it says nothing of what it
   * leads to; it is reported when nothing else was found.
   */
  readonly keepGoing?: boolean;
  /** Makes the first failure of each identity small before it is told: shrink.ts. Default true. */
  readonly shrink?: boolean;
  /** What replay strings call the program. Default: its function's name, or main. */
  readonly name?: string;
  /** Called now and then; on this thread, between two schedules. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How far an exploration is. */
export interface Progress {
  readonly schedules: number;
  readonly of: number;
  readonly steps: number;
  readonly failures: number;
  readonly millis: number;
}

/** What the operation is that a goroutine is about to perform, or waits in. The numbers go into replay strings: append only. */
export enum OpKind {
  /** the goroutine begins */
  start = 0,
  /** go.point, and what has no kind of its own */
  point = 1,
  /** go.gosched */
  gosched = 2,
  sleep = 3,
  syscall = 4,
  send = 5,
  recv = 6,
  select = 7,
  lock = 8,
  rLock = 9,
  /** WaitGroup.wait */
  wait = 10,
  /** Cond.wait */
  condWait = 11,
  /** Once.do */
  once = 12,
  /** Semaphore.acquire */
  acquire = 13,
  /** a plain variable is read, written */
  get = 14,
  set = 15,
  /** an atomic one is read, written; read and written */
  load = 16,
  store = 17,
  update = 18,
  /** the runtime's own waiting: a collection, say */
  runtime = 19,
}

/** What a step has done that a spinning loop would. */
export enum Spin {
  none = 0,
  /** It asked whether something is possible (try-lock, select with a default), in vain. */
  asked = 1,
  /** It let others run. */
  yielded = 2,
}

/** Something shared that goroutines operate on. */
export interface Thing {
  /** 'chan', 'mutex', 'cell' … */
  readonly what: string;
  /** What the program calls it; '' when it does not. */
  readonly name: string;
  /** Number among the things of a schedule, in the order in which they were made, from 1. */
  readonly id: number;
}

/** A goroutine of a schedule: a small whole number, from 1 (main) on in the order in which they were started. */
export type Task = number;

/** The clock, as a task: the next timer fires. */
export const clockTask: Task = 0;

/** A point of a schedule, between two steps. One object for all of them: read it while `next` runs. */
export interface Point {
  /** Number of the step to come, from 0. */
  readonly step: number;
  /** Goroutines that can go on: tasks[0 … n-1], who has been able to for longest first. */
  readonly n: number;
  readonly tasks: ArrayLike<Task>;
  /** The next timer may fire instead: the answer `clockTask`. */
  readonly timer: boolean;
  /** Who took the last step, the clock included; -1 before the first. */
  readonly last: Task;
  /** What a task is about to do, or to end if it was woken. */
  kind(task: Task): OpKind;
  /** With what; null: with nothing, or with several things (a select). */
  thing(task: Task): Thing | null;
  /** With what: calls visit for each, sends: a select's case that sends. */
  eachThing(task: Task, visit: (thing: Thing, sends: boolean) => void): void;
  /** It waited in that operation and was woken. */
  woken(task: Task): boolean;
  /** Whether its last step was one of those that loops spin with. */
  spun(task: Task): Spin;
  /** `main`, `main/worker`, `main/worker#2`. */
  path(task: Task): string;
}

/** Answers the choices of one schedule. */
export interface Decider {
  /** True: is asked where only one task can go on as well. */
  readonly everyStep?: boolean;
  /** Who goes on: one of the point's tasks, or the clock if it may. -1: breaks the schedule off. */
  next(point: Point): Task;
  /** Which of n cases of a select that are ready. */
  select(n: number): number;
}

/** What is wrong with a schedule. */
export interface Finding {
  readonly verdict: Verdict | null;
  readonly message: string;
  /** What stays the same when the same failure is reached by another way. */
  readonly identity: string;
  /** What was thrown, if something was. */
  readonly error: unknown;
}

/** Told what happens within steps. A step belongs to a task; what a timer does when it fires belongs to the clock. */
export interface Listener {
  /** A step begins. */
  stepBegins?(task: Task): void;
  /** The step used a thing. writes: in a way that is not just looking. */
  touched?(task: Task, thing: Thing, writes: boolean): void;
  /** The step made a task able to go on that waited. */
  woke?(by: Task, task: Task): void;
  /** The step started a task. */
  started?(by: Task, task: Task): void;
  /** The step is over. What it gives, if anything, is wrong with the schedule, and ends it. */
  stepEnded?(task: Task): Finding | null;
}

/** One step of a schedule, for reading. */
export interface Step {
  /** The goroutine's path; `clock` when a timer fired. */
  readonly g: string;
  /** What it did first: the operation before which it stood. */
  readonly op: OpKind;
  /** What with: `mutex mu`, `chan#3`; '' for nothing. */
  readonly object: string;
  /** It ended, waits now, or goes on with its next operation. */
  readonly after: 'ended' | 'waits' | 'goes on';
  /** Where the operation stands in the program: file:line; '' when unknown. */
  readonly site: string;
  /** Virtual nanoseconds. */
  readonly clock: number;
}

/** A goroutine that is blocked for ever. */
export interface Blocked {
  readonly g: string;
  /** The operation and with what: `lock mutex mu`. */
  readonly on: string;
  readonly op: OpKind;
  /** Who has the lock that it waits for, if that is known. */
  readonly holder?: string;
  /** Where: file:line; '' when unknown (only a run with details knows). */
  readonly site: string;
}

/** How one schedule ended. */
export interface Outcome extends Finding {
  /** null: nothing is wrong with it, or it was broken off by the decider. */
  readonly verdict: Verdict | null;
  /** Kind and blocked set, or kind and site. */
  readonly identity: string;
  readonly blocked: readonly Blocked[];
  /** Steps, firings of timers among them, and those among these that came while a goroutine could go on: never so in idle time. */
  readonly steps: number;
  readonly firings: number;
  readonly early: number;
  /** Switches away from a goroutine that could go on. */
  readonly preemptions: number;
  /** Points at which there was a choice. */
  readonly points: number;
  /** Most tasks that could go on at one point. */
  readonly width: number;
  /** Virtual nanoseconds at the end. */
  readonly clock: number;
  /**
   * A number for what the schedule was, 32 bits: for each thing the order in which goroutines operated on it, and the answers to
   * select. Orders that differ in steps that have nothing to do with each other have the same.
   */
  readonly hash: number;
  /** Who took each step. */
  readonly order: readonly Task[];
  /** What each step performed, as a number: the same operation on the same thing has the same. */
  readonly marks: readonly number[];
  /** Answers to select, in their order. */
  readonly selects: readonly number[];
  /** By task: its path. paths[0] is the clock. */
  readonly paths: readonly string[];
  /** With the option details. */
  readonly trace: readonly Step[];
}

/** How large a failing schedule is: compared in this order when it is made small. */
export interface Size {
  /** Switches away from a goroutine that could go on and did not ask for it. */
  readonly preemptions: number;
  /** Firings of timers. */
  readonly firings: number;
  readonly steps: number;
}

/** A schedule that went wrong. What is said of its steps is said of the small one, where it was made small. */
export interface Failure {
  readonly verdict: Verdict;
  readonly message: string;
  readonly identity: string;
  readonly error: unknown;
  /** Which strategy answered, at which schedule of the exploration (from 0), with which seed. */
  readonly strategy: string;
  readonly schedule: number;
  readonly seed: number;
  readonly steps: readonly Step[];
  /** Numbers of the steps, from 0, that came instead of one of a goroutine that could go on. */
  readonly cuts: readonly number[];
  readonly blocked: readonly Blocked[];
  readonly preemptions: number;
  readonly firings: number;
  /** Timers that fired while a goroutine could go on: 0 means that the failure needs no unlikely clock. */
  readonly early: number;
  /** The decisions: what Outcome has. */
  readonly order: readonly Task[];
  readonly selects: readonly number[];
  /** Faults that happened, with semicolons between them; '' for none. */
  readonly faults: string;
  /** Brings it back: replay(program, text). */
  readonly replay: string;
  /** How large it was when it was found, and is now; null: it was not made small. */
  readonly shrunk: { readonly from: Size; readonly to: Size; readonly runs: number } | null;
}

/** What an exploration has found. */
export interface Exploration {
  /** The one with the smallest schedule number. */
  readonly failure: Failure | null;
  /** By schedule number; with keepGoing the first of each identity, else at most one. perStrategy counts them all. */
  readonly failures: readonly Failure[];
  readonly schedules: number;
  /** Schedules that differ in an order in which goroutines operated on something: Outcome.hash. An estimate beyond 100,000. */
  readonly distinct: number;
  /**
   * Probability that one more schedule, drawn as these were, would be one that was not seen, from 0 to 1: an estimate, from those
   * that were seen once. null: the search drew nothing (exhaustive).
   */
  readonly unseen: number | null;
  readonly steps: number;
  /** All schedules with at most so many preemptions were run; null: no such claim. */
  readonly exhausted: number | null;
  readonly perStrategy: Readonly<Record<string, StrategyFigures>>;
  /** Things to know: no concurrency was seen, say. */
  readonly warnings: readonly string[];
  readonly millis: number;
}

/** What one strategy did in an exploration. */
export interface StrategyFigures {
  schedules: number;
  steps: number;
  failures: number;
  /** First failing schedule, from 0; null: none. */
  first: number | null;
}
