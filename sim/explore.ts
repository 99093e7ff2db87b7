// explore: many schedules of one program. The first failure is run once more with everything written down.
import { exhaust } from './exhaust.ts';
import { inWorld, runSettings, type World } from './loop.ts';
import { Portfolio } from './portfolio.ts';
import { Tally } from './tally.ts';
import type { Decider, Exploration, ExploreOptions, Failure, Point, Program, StrategyFigures, Task } from './types.ts';

/** Milliseconds between two reports of progress. */
const progressMillis = 200;

/** Runs schedules of a program on this thread until one fails, or as many as the options say. */
export function exploreSync(program: Program, options: ExploreOptions = {}): Exploration {
  const { strategy } = options;
  return inWorld(runSettings(options), (world) => {
    if (strategy === 'exhaustive') return exhaust(world, program, options, {});
    if (typeof strategy === 'object' && 'exhaustive' in strategy) return exhaust(world, program, options, strategy.exhaustive);
    return exploreIn(world, program, options);
  });
}

function exploreIn(world: World, program: Program, options: ExploreOptions): Exploration {
  const { schedules = 1000, seed = 1, strategy = 'portfolio', keepGoing = false, budgetMs = Infinity, onProgress } = options;
  const began = performance.now();
  const portfolio = new Portfolio(strategy);
  const failures: Failure[] = [];
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
        onProgress({ schedules: n, of: schedules, steps, failures: failures.length, millis: now - began });
      }
    }
    const searcher = portfolio.of(n);
    searcher.begin(seed, n);
    const { verdict } = world.run(program, searcher, none);
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
    failures.push(failureOf(program, world, { strategy: searcher.name, schedule: n - 1, seed }));
    if (!keepGoing) break;
  }
  const warnings = width > 1 || n === 0 ? [] : [noConcurrency];
  const millis = performance.now() - began;
  return {
    failure: failures[0] ?? null,
    failures,
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

/** Answers as a schedule was answered before. */
export class SameAgain implements Decider {
  readonly everyStep = true;
  private selected = 0;
  constructor(
    private readonly order: readonly Task[],
    private readonly selects: readonly number[],
  ) {}
  next({ step }: Point): Task {
    return this.order[step] ?? -1;
  }
  select(): number {
    return this.selects[this.selected++]!;
  }
}

/** The schedule that a world has run last, run once more with everything written down. */
export function failureOf(program: Program, world: World, where: Pick<Failure, 'strategy' | 'schedule' | 'seed'>): Failure {
  const found = world.outcome();
  world.run(program, new SameAgain(found.order, found.selects), { details: true });
  const again = world.outcome();
  return {
    ...where,
    verdict: found.verdict!,
    message: found.message,
    identity: found.identity,
    error: found.error,
    steps: again.trace,
    blocked: again.blocked,
    preemptions: found.preemptions,
    firings: found.firings,
    early: found.early,
    order: found.order,
    selects: found.selects,
  };
}
