// options: what explore() and runSchedule() are told, checked. What is wrong ends here, in one line that names the option, what it
// got and what it wanted; nothing has run yet.
import type { Go } from '../runtime/go.ts';
import { checkFaults } from './faults.ts';
import type { ExploreOptions, Program, Progress, RunOptions, Strategy, StrategyName, TimeMode } from './types.ts';

/** Options of a run with nothing left open. */
export interface RunSettings {
  readonly time: TimeMode;
  readonly maxSteps: number;
  readonly leaks: boolean;
  readonly races: boolean;
  readonly heapBytes: number;
  readonly maxGoroutines: number;
}

/** Options of an exploration with nothing left open. */
export interface ExploreSettings extends RunSettings {
  readonly strategy: Strategy;
  readonly schedules: number;
  /** Infinity: no limit. */
  readonly budgetMs: number;
  readonly seed: number;
  readonly keepGoing: boolean;
  readonly determinism: boolean | 'every';
  /** 0: as many as there are cores. */
  readonly workers: number;
  readonly stuckMs: number;
  readonly shrink: boolean;
  /** What replay strings call the program; left out: by the name of its function. */
  readonly name?: string;
  readonly faults?: NonNullable<ExploreOptions['faults']>;
  readonly onProgress?: (progress: Progress) => void;
}

const runNames = ['time', 'maxSteps', 'leaks', 'races', 'heapBytes', 'maxGoroutines', 'faults', 'name'];
const onceNames = [...runNames, 'details', 'listener', 'faultSeed'];
const manyNames = [
  ...runNames,
  'strategy',
  'schedules',
  'budgetMs',
  'seed',
  'keepGoing',
  'determinism',
  'workers',
  'stuckMs',
  'onProgress',
  'shrink',
];

/** Of options of explore(), those that say how one schedule is run. */
export function ofOneRun(options: ExploreOptions): RunOptions {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !manyNames.includes(key) || runNames.includes(key)));
}

function object(who: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${who}: options: got ${typeName(options)}, wanted an object`);
  }
  for (const key of Object.keys(options)) if (!names.includes(key)) throw new TypeError(`option ${key}: there is no such option`);
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`option ${name}: got ${text(value)}, wanted a whole number from ${least} to ${most}`);
}

function text(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function truth(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`option ${name}: got ${text(value)}, wanted true or false`);
}

function timeOf(value: unknown): TimeMode {
  if (value === 'idle' || value === 'chaos') return value;
  const skew = (value as { maxSkew?: unknown } | null)?.maxSkew;
  if (typeof skew === 'number' && skew >= 0) return { maxSkew: skew };
  throw new RangeError(`option time: got ${text(value)}, wanted 'idle', 'chaos' or { maxSkew: nanoseconds }`);
}

const strategies: readonly StrategyName[] = ['fair', 'random', 'pct', 'pos', 'surw', 'exhaustive', 'portfolio'];

function strategyOf(value: unknown): Strategy {
  if (strategies.includes(value as StrategyName)) return value as Strategy;
  if (typeof value === 'object' && value !== null) {
    if ('pct' in value) return { pct: whole('strategy.pct', value.pct, 1, 100) };
    if ('exhaustive' in value && typeof value.exhaustive === 'object' && value.exhaustive !== null) return value as Strategy;
  }
  throw new RangeError(`option strategy: got ${text(value)}, wanted one of ${strategies.join(', ')}, { pct: depth }, { exhaustive: {…} }`);
}

function run(o: RunOptions, races: boolean): RunSettings {
  return {
    time: timeOf(o.time ?? 'chaos'),
    maxSteps: whole('maxSteps', o.maxSteps ?? 10_000, 1, 10_000_000),
    leaks: truth('leaks', o.leaks ?? true),
    races: o.races === 'fasttrack' || truth('races', o.races ?? races),
    heapBytes: whole('heapBytes', o.heapBytes ?? 1 << 18, 1 << 16, 1 << 30),
    maxGoroutines: whole('maxGoroutines', o.maxGoroutines ?? 256, 1, 65_536),
  };
}

/** What options say of a run, whatever else they say. Throws RangeError or TypeError. */
export function runSettings(o: RunOptions): RunSettings {
  return run(o, false);
}

/** Checks the options of runSchedule. Throws RangeError or TypeError. */
export function runScheduleSettings(o: RunOptions): RunSettings {
  object('runSchedule', o, onceNames);
  return run(o, false);
}

/** Checks the options of an exploration. Throws RangeError or TypeError. */
export function exploreSettings(o: ExploreOptions): ExploreSettings {
  object('explore', o, manyNames);
  const { budgetMs = Infinity, determinism = true, onProgress, faults } = o;
  if (typeof faults === 'object') checkFaults(faults);
  if (typeof budgetMs !== 'number' || !(budgetMs > 0)) throw new RangeError(`option budgetMs: got ${text(budgetMs)}, wanted milliseconds`);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`option onProgress: got ${typeName(onProgress)}, wanted a function`);
  }
  return {
    ...run(o, true),
    strategy: strategyOf(o.strategy ?? 'portfolio'),
    schedules: whole('schedules', o.schedules ?? 1000, 1, 2 ** 31 - 1),
    budgetMs,
    seed: whole('seed', o.seed ?? 1, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    keepGoing: truth('keepGoing', o.keepGoing ?? false),
    determinism: determinism === 'every' ? determinism : truth('determinism', determinism),
    workers: whole('workers', o.workers ?? 0, 0, 1024),
    stuckMs: whole('stuckMs', o.stuckMs ?? 10_000, 1, 2 ** 31 - 1),
    shrink: truth('shrink', o.shrink ?? true),
    ...(faults === undefined ? {} : { faults }),
    ...(o.name === undefined ? {} : { name: o.name }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/** What a program must be. */
const wanted = 'wanted a goroutine function: function* main(go) { … }';

/**
 * The program, ready to be started. TypeError for what is no function, and when it is started for a function that throws before
 * it is a goroutine, or that gives something else than one (a promise, say).
 */
export function startable(program: unknown): Program {
  if (typeof program !== 'function') throw new TypeError(`the program to explore: got ${typeName(program)}, ${wanted}`);
  const kind = Object.prototype.toString.call(program);
  if (kind === '[object GeneratorFunction]') return program as Program;
  if (kind !== '[object Function]') throw new TypeError(`the program to explore is async, so it gives a promise; ${wanted}`);
  return (go) => plain(program as (go: Go) => unknown, go);
}

/** Starts a plain function that may give a goroutine's body. */
function plain(program: (go: Go) => unknown, go: Go): Generator<void, unknown, void> {
  let body: unknown;
  try {
    body = program(go);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new TypeError(`the program to explore threw before it was a goroutine: ${words}; ${wanted}`, { cause: error });
  }
  if (typeof (body as PromiseLike<unknown> | null)?.then === 'function')
    throw new TypeError(`the program to explore gave a promise; ${wanted}`);
  if (typeof (body as Generator | null)?.next !== 'function')
    throw new TypeError(`the program to explore gave ${typeName(body)}; ${wanted}`);
  return body as Generator<void, unknown, void>;
}
