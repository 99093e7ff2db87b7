// explore: many schedules of one program. The first failure is run once more with everything written down.
import { runSchedule } from './loop.ts';
import { Fair, RandomWalk, seedOf } from './strategy.ts';
import type { Decider, Exploration, ExploreOptions, Failure, Outcome, Program, Strategy, StrategyFigures, Task } from './types.ts';

/** Runs schedules of a program on this thread until one fails, or as many as the options say. */
export function exploreSync(program: Program, options: ExploreOptions = {}): Exploration {
  const { schedules = 1000, seed = 1, strategy = 'portfolio', keepGoing = false, budgetMs = Infinity } = options;
  const began = performance.now();
  const failures: Failure[] = [];
  const seen = new Set<number>();
  const perStrategy: Record<string, StrategyFigures> = {};
  let steps = 0;
  let n = 0;
  for (; n < schedules && performance.now() - began < budgetMs; n++) {
    const { name, decider } = answering(strategy, seed, n);
    const outcome = runSchedule(program, decider, options);
    steps += outcome.steps;
    seen.add(outcome.hash);
    const figures = (perStrategy[name] ??= { schedules: 0, steps: 0, failures: 0, first: null });
    figures.schedules++;
    figures.steps += outcome.steps;
    if (outcome.verdict === null) continue;
    figures.failures++;
    figures.first ??= n;
    failures.push(failureOf(program, options, outcome, { strategy: name, schedule: n, seed }));
    if (keepGoing) continue;
    n++;
    break;
  }
  return {
    failure: failures[0] ?? null,
    failures,
    schedules: n,
    distinct: seen.size,
    steps,
    exhausted: null,
    perStrategy,
    warnings: [],
    millis: performance.now() - began,
  };
}

/** The same; the promise is kept when it is done. */
export async function explore(program: Program, options: ExploreOptions = {}): Promise<Exploration> {
  return exploreSync(program, options);
}

function answering(strategy: Strategy, seed: number, schedule: number): { name: string; decider: Decider } {
  const own = seedOf(seed, schedule);
  if (strategy === 'fair') return { name: 'fair', decider: new Fair(own) };
  return { name: 'random', decider: new RandomWalk(own) };
}

/** Answers as a schedule was answered before. */
export class SameAgain implements Decider {
  readonly everyStep = true;
  private at = 0;
  private selected = 0;
  constructor(
    private readonly order: readonly Task[],
    private readonly selects: readonly number[],
  ) {}
  next(): Task {
    return this.order[this.at++] ?? -1;
  }
  select(): number {
    return this.selects[this.selected++]!;
  }
}

function failureOf(
  program: Program,
  options: ExploreOptions,
  found: Outcome,
  where: Pick<Failure, 'strategy' | 'schedule' | 'seed'>,
): Failure {
  const again = runSchedule(program, new SameAgain(found.order, found.selects), { ...options, details: true });
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
    order: found.order,
    selects: found.selects,
  };
}
