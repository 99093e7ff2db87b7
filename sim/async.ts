// async: goroutines that are async functions. Each has a generator beside it that stands for it in the scheduler; the function itself
// runs in microtasks, between two steps of that generator:
//
//   step    the operation that it awaits is performed; its promise is resolved
//   pump    the loop stands still until the function has announced its next operation, or has ended
//
// So one goroutine runs at a time, and its awaits of our operations are points like any other's: `await wait(ch.recv())`.
//
// What is not controlled: an await of anything else, a promise of the host's or of the program's own. The function goes on when that
// is settled, and the world stands still until then, like a machine in a system call: no step, no time. It is counted and told
// (warnings of the exploration). A promise that another goroutine would have to settle never is: after a while that is an error.
import type { Go, GoFunc } from '../runtime/go.ts';
import { plural } from '../runtime/internal/words.ts';
import type { Blocking } from '../sched/op.ts';
import { failureAs, type Replay } from './diagnosis.ts';
import { World } from './loop.ts';
import { runSettings } from './options.ts';
import { Portfolio } from './portfolio.ts';
import { ReplayDecider } from './replay.ts';
import type { ExploringSched } from './sched.ts';
import { parseSchedule, ScheduleError } from './schedule.ts';
import { Tally } from './tally.ts';
import type { Decider, Exploration, ExploreOptions, Failure, Outcome, RunOptions, StrategyFigures } from './types.ts';

/** A goroutine that is an async function. */
export type AsyncFunc<A extends unknown[]> = (go: Go, ...args: A) => Promise<unknown>;

/** Rounds of microtasks after which an await is taken for one of a promise that is not ours. */
const rounds = 64;
/** Milliseconds for which such a promise is waited for. */
const patience = 5000;

interface Awaited {
  readonly operation: Blocking<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One async function that runs. */
class AsyncRun {
  awaited: Awaited | null = null;
  settled = false;
  error: { readonly thrown: unknown } | null = null;
  constructor(
    private readonly sched: ExploringSched,
    readonly name: string,
  ) {}

  /** Its operation is the goroutine's one Op, which stands announced; else it is a generator, which has not begun. */
  get announced(): boolean {
    return this.awaited !== null && (this.awaited.operation as unknown) === this.sched.ops[this.sched.curg];
  }
}

/** The async function whose microtasks run now; by name, awaits of promises that are not ours. */
let running: AsyncRun | null = null;
const foreign = new Map<string, number>();

/**
 * Waits for an operation in an async goroutine: `const v = await wait(ch.recv())`. Throws TypeError outside of one, and while another
 * operation of the same goroutine is waited for.
 */
export function wait<T>(operation: Blocking<T>): Promise<T> {
  const run = running;
  if (run === null)
    throw new TypeError('wait: only in an async goroutine (asyncFunc) that exploreAsync runs; a generator function uses yield*');
  if (run.awaited !== null) throw new TypeError(`wait: ${run.name} waits for two operations at once; await the first before the second`);
  operation[Symbol.iterator](); // it is awaited: not a forgotten one
  return new Promise((resolve, reject) => {
    run.awaited = { operation, resolve: resolve as (value: unknown) => void, reject };
  });
}

/** An async function as a goroutine: `go.go(asyncFunc(worker), …)`, `exploreAsync(asyncFunc(main))`. It keeps its name. */
export function asyncFunc<A extends unknown[]>(fn: AsyncFunc<A>): GoFunc<A> {
  const body = function* (go: Go, ...args: A): Generator<void, void, void> {
    const { sched } = go.ctx as unknown as { sched: ExploringSched };
    if (!('pumping' in sched)) throw new TypeError(`go ${fn.name}: async goroutines are for exploring: gorena/sim`);
    const run = new AsyncRun(sched, fn.name || 'an async goroutine');
    running = run;
    fn(go, ...args).then(
      () => {
        run.settled = true;
      },
      (thrown: unknown) => {
        run.settled = true;
        run.error = { thrown };
      },
    );
    for (;;) {
      sched.pumping = run;
      running = run;
      let failed: { readonly thrown: unknown } | null = null;
      try {
        yield; // its microtasks run, and then the operation that it awaits, if that is one of the goroutine's own
      } catch (thrown) {
        failed = { thrown };
      }
      const { awaited } = run;
      if (awaited === null) {
        if (run.error !== null) throw run.error.thrown;
        return;
      }
      const own = sched.ops[go.g]!;
      run.awaited = null;
      try {
        if (failed !== null) throw failed.thrown;
        awaited.resolve((awaited.operation as unknown) === own ? own.value : yield* awaited.operation);
      } catch (thrown) {
        awaited.reject(thrown);
      }
    }
  };
  return Object.defineProperty(body, 'name', { value: fn.name || 'main' }) as GoFunc<A>;
}

/** Lets microtasks run until the async function has announced an operation (true), is done, or awaits a generator's. */
async function pump(): Promise<boolean> {
  const run = running!;
  for (let round = 0; round < rounds; round++) {
    if (run.awaited !== null || run.settled) break;
    await null;
  }
  if (run.awaited === null && !run.settled) await uncontrolled(run);
  running = null;
  return run.announced;
}

/** It awaits a promise that is not ours: everything stands still until that is settled. */
async function uncontrolled(run: AsyncRun): Promise<void> {
  foreign.set(run.name, (foreign.get(run.name) ?? 0) + 1);
  const until = performance.now() + patience;
  while (run.awaited === null && !run.settled) {
    if (performance.now() > until) {
      throw new TypeError(`${run.name} awaits a promise that is not gorena's, and nothing settles it while all goroutines stand still`);
    }
    await new Promise((resolve) => setTimeout(resolve, 0)); // the host's turn; then its microtasks
  }
}

// --- exploring -------------------------------------------------------------------------------------------------------------

async function outcomeOf(world: World, program: GoFunc<[]>, decider: Decider, options: RunOptions): Promise<Outcome> {
  await world.runAsync(program, decider, options, pump);
  return world.outcome();
}

/**
 * explore for programs with async goroutines, on this thread. Schedules are told as they were found: they are not made small. Takes
 * the same options but exhaustive search. warnings: awaits that were not controlled.
 */
export async function exploreAsync(program: GoFunc<[]>, options: ExploreOptions = {}): Promise<Exploration> {
  const { schedules = 1000, seed = 1, strategy = 'portfolio', keepGoing = false, budgetMs = Infinity, faults } = options;
  const began = performance.now();
  const portfolio = new Portfolio(strategy);
  const world = new World(runSettings(options));
  const distinct = new Tally();
  const failures: Failure[] = [];
  const perStrategy: Record<string, StrategyFigures> = {};
  let [n, steps] = [0, 0];
  foreign.clear();
  while (n < schedules && performance.now() - began < budgetMs) {
    const searcher = portfolio.of(n);
    searcher.begin(seed, n);
    const found = await outcomeOf(world, program, searcher, faults === undefined ? {} : { faults, faultSeed: seed + n });
    portfolio.ended(n, world);
    steps += found.steps;
    distinct.add(found.hash);
    const figures = (perStrategy[searcher.name] ??= { schedules: 0, steps: 0, failures: 0, first: null });
    figures.schedules++;
    figures.steps += found.steps;
    n++;
    if (found.verdict === null) continue;
    figures.failures++;
    figures.first ??= n - 1;
    const own = { ...options, faults: world.faults.happened.join(';') };
    const where = { strategy: searcher.name, schedule: n - 1, seed };
    failures.push(await failureAs(found, own, where, program, (decider, details) => outcomeOf(world, program, decider, details)));
    if (!keepGoing) break;
  }
  return {
    ...{ failure: failures[0] ?? null, failures, schedules: n, distinct: distinct.count, unseen: distinct.unseen },
    ...{ steps, exhausted: null, perStrategy },
    warnings: [...foreign].map(
      ([name, times]) => `${name} awaited a promise that is not gorena's, ${plural(times, 'time')}: what comes of it is not controlled`,
    ),
    millis: performance.now() - began,
  };
}

/** replay for programs with async goroutines. Throws ScheduleError. */
export async function replayAsync(
  program: GoFunc<[]>,
  text: string,
  options: RunOptions & { readonly name?: string } = {},
): Promise<Replay> {
  const { program: of, decisions, setup } = parseSchedule(text);
  const name = options.name ?? ((program as unknown as { name: string }).name || 'main');
  if (of !== name) throw new ScheduleError(`schedule string: it is of the program '${of}', this is '${name}'`);
  const own = { ...options, ...setup, name };
  const world = new World(runSettings(own));
  const decider = new ReplayDecider(decisions);
  const found = await outcomeOf(world, program, decider, own);
  const { divergence, followed } = decider;
  const where = { strategy: 'replay', schedule: 0, seed: 0 };
  const failure =
    found.verdict === null ? null : await failureAs(found, own, where, program, (d, details) => outcomeOf(world, program, d, details));
  return { failure, divergence, followed, of: decisions.length };
}
