// explore: many schedules of one program. The first failure is run once more with everything written down.
import { exhaust } from './exhaust.ts';
import { Failures } from './failures.ts';
import { checkFaults } from './faults.ts';
import { failureIn, type Replay, replayWith } from './found.ts';
import { inWorld, runSchedule, runSettings, type World } from './loop.ts';
import { Portfolio } from './portfolio.ts';
import { Tally } from './tally.ts';
import type { Exploration, ExploreOptions, Program, RunOptions, StrategyFigures } from './types.ts';

/** Milliseconds between two reports of progress. */
const progressMillis = 200;

/** Runs schedules of a program on this thread until one fails, or as many as the options say. */
export function exploreSync(program: Program, options: ExploreOptions = {}): Exploration {
  const { strategy } = options;
  return inWorld(runSettings({ ...options, races: options.races ?? true }), (world) => {
    if (strategy === 'exhaustive') return exhaust(world, program, options, {});
    if (typeof strategy === 'object' && 'exhaustive' in strategy) return exhaust(world, program, options, strategy.exhaustive);
    return exploreIn(world, program, options);
  });
}

function exploreIn(world: World, program: Program, options: ExploreOptions): Exploration {
  const { schedules = 1000, seed = 1, strategy = 'portfolio', keepGoing = false, budgetMs = Infinity, onProgress, faults } = options;
  if (typeof faults === 'object') checkFaults(faults);
  const began = performance.now();
  const portfolio = new Portfolio(strategy);
  const failures = new Failures(world, keepGoing);
  const distinct = new Tally();
  const perStrategy: Record<string, StrategyFigures> = {};
  let steps = 0;
  let width = 0;
  let n = 0;
  let told = began;
  while (n < schedules) {
    if (budgetMs < Infinity || onProgress !== undefined) {
      const now = performance.now();
      if (now - began >= budgetMs) break;
      if (onProgress !== undefined && now - told >= progressMillis) {
        told = now;
        onProgress({ schedules: n, of: schedules, steps, failures: failures.all.length, millis: now - began });
      }
    }
    const searcher = portfolio.of(n);
    searcher.begin(seed, n);
    const { verdict, identity } = world.run(program, searcher, faults === undefined ? none : { faults, faultSeed: seed + n });
    portfolio.ended(n, world);
    steps += world.step;
    if (world.width > width) width = world.width;
    distinct.add(world.hash);
    const figures = (perStrategy[searcher.name] ??= { schedules: 0, steps: 0, failures: 0, first: null });
    figures.schedules++;
    figures.steps += world.step;
    n++;
    if (verdict === null) continue;
    figures.failures++;
    figures.first ??= n - 1;
    if (failures.all.some((f) => f.identity === identity)) continue; // one of each is enough to look at
    failures.add(failureIn(world, program, options, { strategy: searcher.name, schedule: n - 1, seed }, failures.all));
    if (failures.enough) break;
  }
  const warnings = width > 1 || n === 0 ? [] : [noConcurrency];
  const millis = performance.now() - began;
  return {
    failure: failures.all[0] ?? null,
    failures: failures.all,
    schedules: n,
    distinct: distinct.count,
    steps,
    exhausted: null,
    perStrategy,
    warnings,
    millis,
  };
}

const none = {};
const noConcurrency = 'there never was a choice between two goroutines: all schedules of this program are the same';

/** The same; the promise is kept when it is done. */
export async function explore(program: Program, options: ExploreOptions = {}): Promise<Exploration> {
  return exploreSync(program, options);
}

/**
 * Runs a program under the schedule of a replay string (Failure.replay), with the string's own time and step limit. The program may
 * have changed: docs/exploring.md says what is put up with. options.name: what the string must call the program. Throws
 * ScheduleError, one line, for what is no such string or one of another program.
 */
export function replay(program: Program, text: string, options: RunOptions & { readonly name?: string } = {}): Replay {
  return replayWith(runSchedule, program, text, options);
}
