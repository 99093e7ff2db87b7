// explore: many schedules of one program. The first one is run twice, to see that the program is deterministic, and so is each one
// that fails, the second time with everything written down.
import { repeat, SameAgain } from './again.ts';
import { failureIn, type Replay, replayWith, unsteady, type Where } from './diagnosis.ts';
import { exhaust } from './exhaust.ts';
import { Failures } from './failures.ts';
import { inWorld, runSchedule, type World } from './loop.ts';
import { isModule, programOf } from './module.ts';
import { type ExploreSettings, exploreSettings, ofOneRun } from './options.ts';
import { exploreOnThreads, type WorkerResult } from './parallel.ts';
import { Portfolio } from './portfolio.ts';
import { Tally } from './tally.ts';
import type { Exploration, ExploreOptions, Failure, Finding, Program, ProgramModule, RunOptions, StrategyFigures } from './types.ts';

/** Milliseconds between two reports of progress. */
const progressMillis = 200;
const none = {};
const noConcurrency = 'there never was a choice between two goroutines: all schedules of this program are the same';

/**
 * Runs schedules of a program on this thread until one fails, or as many as the options say. Throws RangeError or TypeError for
 * options that are out of range, and TypeError for what is no program.
 */
export function exploreSync(program: Program, options: ExploreOptions = {}): Exploration {
  const settings = exploreSettings(options);
  const { strategy } = settings;
  return inWorld(settings, (world) => {
    if (strategy === 'exhaustive') return exhaust(world, program, options, {});
    if (typeof strategy === 'object' && 'exhaustive' in strategy) return exhaust(world, program, options, strategy.exhaustive);
    return new Sampling(world, program, settings).run();
  });
}

/**
 * Runs schedules of a program until one fails, or as many as the options say. A program in a module of its own is run on `workers`
 * threads; one that is a function only this thread has, so it is run here. Throws as exploreSync, and an Error when a thread does
 * not come back.
 */
export async function explore(program: Program | ProgramModule, options: ExploreOptions = {}): Promise<Exploration> {
  if (!isModule(program)) return exploreSync(program, options);
  const settings = exploreSettings(options);
  const workers = settings.workers || (await cores());
  const drawn = typeof settings.strategy === 'string' ? settings.strategy !== 'exhaustive' : 'pct' in settings.strategy;
  if (workers === 1 || !drawn) return exploreSync(await programOf(program), options);
  return exploreModule(program, settings, workers, new URL('./sim-worker.js', import.meta.url));
}

/** Explores a program in a module on threads that run `script`; the first failure of each kind is made small here. */
export async function exploreModule(module: ProgramModule, settings: ExploreSettings, workers: number, script: URL): Promise<Exploration> {
  const program = await programOf(module);
  const found = await exploreOnThreads(module, settings, workers, script);
  const failures: Failure[] = [];
  for (const failure of found.failures) {
    const { strategy, schedule, seed, verdict, order, selects } = failure;
    const small = settings.shrink && verdict !== 'nondeterminism' && failures.every(({ identity }) => identity !== failure.identity);
    if (!small) failures.push(failure);
    else {
      inWorld(settings, (world) => {
        world.run(program, new SameAgain(order, selects), failure.faults === '' ? none : { faults: failure.faults });
        failures.push(failureIn(world, program, settings, { strategy, schedule, seed }, failures));
      });
    }
  }
  return { ...found, failure: failures[0] ?? null, failures, exhausted: null };
}

async function cores(): Promise<number> {
  return (await import('node:os')).availableParallelism();
}

/** Schedules of one program in one world, by strategies that draw. */
export class Sampling {
  readonly failures: Failures;
  private readonly portfolio: Portfolio;
  private readonly distinct = new Tally();
  private readonly perStrategy: Record<string, StrategyFigures> = {};
  private readonly warnings = new Set<string>();
  private readonly began = performance.now();
  private told = this.began;
  private schedules = 0;
  private steps = 0;
  private width = 0;

  constructor(
    private readonly world: World,
    private readonly program: Program,
    private readonly settings: ExploreSettings,
  ) {
    this.portfolio = new Portfolio(settings.strategy);
    this.failures = new Failures(world, settings.keepGoing);
  }

  /** Runs all schedules, as far as the options allow. */
  run(): Exploration {
    const { schedules } = this.settings;
    for (let n = 0; n < schedules && !this.late(); n++) {
      this.schedule(n);
      if (this.failures.enough) break;
    }
    const { seen: _, width: __, ...found } = this.result();
    const millis = performance.now() - this.began;
    const { count: distinct, unseen } = this.distinct;
    return { failure: found.failures[0] ?? null, ...found, distinct, unseen, exhausted: null, millis };
  }

  /** What was found so far. */
  result(): WorkerResult {
    const { schedules, steps, width, perStrategy, warnings } = this;
    const failures = this.failures.all;
    if (width <= 1 && schedules > 0) warnings.add(noConcurrency);
    return { failures, schedules, steps, width, seen: this.distinct.seen, perStrategy, warnings: [...warnings] };
  }

  /** Runs the schedules that others need to know about, without counting them: somebody else does. */
  prepare(): void {
    for (let n = 0; n < this.portfolio.preliminary; n++) this.runOne(n);
    this.portfolio.known = true;
  }

  /** Tells how far it is; whether the time is up. */
  late(): boolean {
    const { budgetMs, onProgress, schedules } = this.settings;
    if (budgetMs === Infinity && onProgress === undefined) return false;
    const now = performance.now();
    const millis = now - this.began;
    if (onProgress && now - this.told >= progressMillis) {
      this.told = now;
      onProgress({ schedules: this.schedules, of: schedules, steps: this.steps, failures: this.failures.all.length, millis });
    }
    return millis >= budgetMs;
  }

  private runOne(n: number): { readonly found: Finding; readonly strategy: string } {
    const { world, portfolio } = this;
    const searcher = portfolio.of(n);
    searcher.begin(this.settings.seed, n);
    const { faults, seed } = this.settings;
    const found = world.run(this.program, searcher, faults === undefined ? none : { faults, faultSeed: seed + n });
    portfolio.ended(n, world);
    return { found, strategy: searcher.name };
  }

  /** Runs the schedule of a number. */
  schedule(n: number): void {
    const { world, settings } = this;
    const { found, strategy } = this.runOne(n);
    this.schedules++;
    this.steps += world.step;
    if (world.width > this.width) this.width = world.width;
    this.distinct.add(world.hash);
    const figures = (this.perStrategy[strategy] ??= { schedules: 0, steps: 0, failures: 0, first: null });
    figures.schedules++;
    figures.steps += world.step;
    const { determinism } = settings;
    const twice = determinism === 'every' || (determinism && n === 0);
    const known = this.failures.all.some(({ identity }) => identity === found.identity); // one of each is enough to look at
    const failure = twice || !known ? this.judge(found, twice, { strategy, schedule: n, seed: settings.seed }) : null;
    if (found.verdict === null && failure === null) return;
    figures.failures++;
    figures.first ??= n;
    if (failure !== null && !known) this.failures.add(failure);
  }

  /** The last schedule once more: what is wrong with it, if anything is. */
  private judge(found: Finding, twice: boolean, where: Where): Failure | null {
    if (found.verdict === null && !twice) return null;
    const first = this.world.outcome();
    const { again, differs, uncontrolled } = repeat(this.world, this.program, first);
    for (const call of uncontrolled) this.warnings.add(`${call}: nothing controls what it gives, so schedules may not repeat`);
    if (differs !== null && this.settings.determinism !== false) return unsteady(first, again, differs, where);
    return found.verdict === null ? null : failureIn(this.world, this.program, this.settings, where, this.failures.all);
  }
}

/**
 * Runs a program under the schedule of a replay string (Failure.replay), with the string's own time and step limit. The program may
 * have changed: docs/exploring.md says what is put up with. options.name: what the string must call the program; options that say
 * which schedules explore() runs say nothing here. Throws
 * ScheduleError, one line, for what is no such string or one of another program.
 */
export function replay(program: Program, text: string, options: ExploreOptions & Pick<RunOptions, 'details' | 'listener'> = {}): Replay {
  return replayWith(runSchedule, program, text, ofOneRun(options));
}
