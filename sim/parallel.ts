// parallel: one exploration on several threads. Each thread loads the program from its module and takes schedules in small blocks
// from a common counter. What a schedule is depends on its number alone, so it does not matter who runs it; each thread makes the
// estimate for itself. When a schedule fails, those after it need not be run, but all before it are: the failure that is reported
// is the one with the smallest number, as on one thread.
//
// The threads share a few words: the next schedule that nobody has taken, the first failure so far, and, for each thread, how many
// schedules it has finished. From the last of these can see that a thread is stuck, in a loop without a `yield*`: then all are ended.
import type { ExploreSettings } from './options.ts';
import { type Seen, Tally } from './tally.ts';
import type { Exploration, Failure, ProgramModule, StrategyFigures } from './types.ts';

/** Words that the threads share. */
export const enum Shared {
  next = 0,
  /** No schedule from this number on need be run. */
  end = 16,
  /** By thread from here on: 1 once the program is loaded, and 1 for each schedule that it has run; -1: it is done. */
  run = 32,
}

/** Words from one thread's to the next: a cache line, which no two write. */
export const threadStride = 16;

/** Schedules that a thread takes at once. */
export const blockSize = 32;

/** What a thread is told. */
export interface WorkerTask {
  readonly module: ProgramModule;
  readonly settings: Omit<ExploreSettings, 'onProgress'>;
  readonly shared: Int32Array;
  readonly index: number;
}

/** What a thread has found. */
export interface WorkerResult {
  readonly failures: readonly Failure[];
  readonly schedules: number;
  readonly steps: number;
  readonly width: number;
  readonly seen: Seen;
  readonly perStrategy: Readonly<Record<string, StrategyFigures>>;
  readonly warnings: readonly string[];
}

/** A thread's last words: what it has found, or what it could not do. */
export type WorkerAnswer = { readonly result: WorkerResult } | { readonly error: { readonly name: string; readonly message: string } };

/** Of each thread. Schedules leave much garbage and nothing that lives; collecting it less often leaves the cores to the others. */
const youngMegabytes = 64;

/** Milliseconds between two looks at the threads. */
const lookMillis = 100;

/** Explores a program in a module on `workers` threads that run `script`. Throws what a thread could not do, as an Error of one line. */
export async function exploreOnThreads(
  module: ProgramModule,
  settings: ExploreSettings,
  workers: number,
  script: URL,
): Promise<Omit<Exploration, 'exhausted'>> {
  const { Worker } = await import('node:worker_threads');
  const began = performance.now();
  const shared = new Int32Array(new SharedArrayBuffer((Shared.run + workers * threadStride) * 4));
  shared[Shared.end] = settings.schedules;
  const { onProgress, ...rest } = { ...settings, shrink: false }; // only one can know which failure of its kind is the first
  const threads: InstanceType<typeof Worker>[] = [];
  const results: WorkerResult[] = [];
  let look: ReturnType<typeof setInterval> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      for (let index = 0; index < workers; index++) {
        const thread = new Worker(script, {
          resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
          workerData: { module, settings: rest, shared, index } satisfies WorkerTask,
        });
        threads.push(thread);
        thread.on('message', (answer: WorkerAnswer) => {
          if ('error' in answer) reject(madeAgain(answer.error));
          else if (results.push(answer.result) === workers) resolve();
        });
        thread.on('error', reject);
        thread.on('exit', (code) => {
          if (code !== 0) reject(new Error(`a worker thread of the exploration ended with code ${code}`));
        });
      }
      const watch = new Watch(shared, workers, settings.stuckMs);
      look = setInterval(() => {
        const now = performance.now();
        const stuck = watch.stuck(now);
        if (stuck !== null) reject(new Error(stuck));
        const schedules = watch.schedules;
        onProgress?.({
          schedules,
          of: settings.schedules,
          steps: 0,
          failures: shared[Shared.end]! < settings.schedules ? 1 : 0,
          millis: now - began,
        });
      }, lookMillis);
    });
  } finally {
    clearInterval(look);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return merged(results, settings, performance.now() - began);
}

/** An error of a thread, as what it was there. */
function madeAgain({ name, message }: { readonly name: string; readonly message: string }): Error {
  return name === 'RangeError' ? new RangeError(message) : name === 'TypeError' ? new TypeError(message) : new Error(message);
}

/** Notices a thread that does not get on. */
class Watch {
  private readonly counts: number[] = [];
  private readonly since: number[] = [];

  constructor(
    private readonly shared: Int32Array,
    private readonly workers: number,
    private readonly stuckMs: number,
  ) {}

  get schedules(): number {
    let n = 0;
    for (let k = 0; k < this.workers; k++) n += Math.max(this.shared[Shared.run + k * threadStride]! - 1, 0);
    return n;
  }

  /** Words about a thread that has been in one schedule for too long; null: none is. */
  stuck(now: number): string | null {
    for (let k = 0; k < this.workers; k++) {
      const count = Atomics.load(this.shared, Shared.run + k * threadStride);
      if (count < 0) continue; // it is done
      if (count !== this.counts[k]) {
        this.counts[k] = count;
        this.since[k] = now;
      } else if (count > 0 && now - this.since[k]! > this.stuckMs) {
        return `a schedule has not come back for ${this.stuckMs} ms: the program loops without a yield*, or one step takes very long (option stuckMs)`;
      }
    }
    return null;
  }
}

/** The failure that one thread would have told: a race only when nothing else is wrong. */
function firstOf(failures: readonly Failure[]): Failure[] {
  return [failures.find(({ verdict }) => verdict !== 'race') ?? failures[0]].filter((failure) => failure !== undefined);
}

function merged(results: readonly WorkerResult[], settings: ExploreSettings, millis: number): Omit<Exploration, 'exhausted'> {
  const distinct = new Tally();
  const perStrategy: Record<string, StrategyFigures> = {};
  const warnings = new Set<string>();
  const failures: Failure[] = [];
  let [schedules, steps, width] = [0, 0, 0];
  for (const result of results) {
    distinct.merge(result.seen);
    schedules += result.schedules;
    steps += result.steps;
    width = Math.max(width, result.width);
    failures.push(...result.failures);
    for (const warning of result.warnings) warnings.add(warning);
    for (const [name, figures] of Object.entries(result.perStrategy)) {
      const sum = (perStrategy[name] ??= { schedules: 0, steps: 0, failures: 0, first: null });
      sum.schedules += figures.schedules;
      sum.steps += figures.steps;
      sum.failures += figures.failures;
      if (figures.first !== null && (sum.first === null || figures.first < sum.first)) sum.first = figures.first;
    }
  }
  failures.sort((a, b) => a.schedule - b.schedule);
  const identities = failures.map(({ identity }) => identity);
  const firsts = failures.filter(({ identity }, k) => identities.indexOf(identity) === k); // one of each, as one thread would have them
  failures.splice(0, failures.length, ...firsts);
  if (!settings.keepGoing) failures.splice(0, failures.length, ...firstOf(failures));
  return {
    failure: failures[0] ?? null,
    failures,
    schedules,
    distinct: distinct.count,
    unseen: distinct.unseen,
    steps,
    perStrategy,
    warnings: [...warnings],
    millis,
  };
}
