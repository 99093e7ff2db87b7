// diagnosis: from a schedule that went wrong to what is told about it: made small, run once more with everything written down, and as
// a string that brings it back.
import { SameAgain } from './again.ts';
import type { World } from './loop.ts';
import { type Divergence, RecordingDecider, ReplayDecider } from './replay.ts';
import { parseSchedule, type Schedule, ScheduleError, type Setup, scheduleText } from './schedule.ts';
import { loosely, shrink, shrinkRuns, smallOf } from './shrink.ts';
import type { Decider, ExploreOptions, Failure, Finding, Outcome, Program, RunOptions } from './types.ts';

/** Runs a program under a decider: runSchedule, or something like it. */
export type Run = (program: Program, decider: Decider, options: RunOptions) => Outcome;

/** Steps that making a failure small may take: long schedules are tried less often. */
const shrinkSteps = 500_000;

/** Where a failure was found. */
export type Where = Pick<Failure, 'strategy' | 'schedule' | 'seed'>;

/** What replay strings call a program. */
export function programName(program: Program, name: string | undefined): string {
  return name ?? ((program as unknown as { name: string }).name || 'main');
}

/** What a run depends on besides its decisions, as a string keeps it. */
function setupOf({ time = 'chaos', maxSteps = 10_000, leaks = true, faults = '' }: RunOptions): Setup {
  return { time, maxSteps, leaks, faults: typeof faults === 'string' ? faults : '' };
}

/**
 * A failure from the outcome of a failing run. small: it is made small first. A program that is not deterministic may not fail
 * again; then it stays as it was found.
 */
function failureOf(
  run: Run,
  program: Program,
  options: RunOptions & { readonly name?: string },
  found: Outcome,
  where: Where,
  small: boolean,
): Failure {
  let own = options;
  let best: Outcome = found;
  let shrunk: Failure['shrunk'] = null;
  const once = (decider: Decider) => run(program, decider, own);
  const runs = Math.max(1, Math.min(shrinkRuns, Math.floor(shrinkSteps / found.steps)));
  const result = small ? shrink(new SameAgain(found.order, found.selects), found.identity, once, runs) : null;
  if (result !== null) {
    let { best: smallest } = result;
    for (const fault of faultsIn(own)) {
      const before = own;
      own = {
        ...own,
        faults: faultsIn(own)
          .filter((f) => f !== fault)
          .join(';'),
      };
      const without = smallOf(loosely(smallest), once);
      if (without.outcome.verdict !== null && without.outcome.identity === found.identity) smallest = without;
      else own = before;
    }
    best = smallest.outcome;
    shrunk = { from: result.from, to: smallest.size, runs: result.runs };
  }
  return told(run, program, own, best, where, shrunk);
}

/**
 * The failure that a world has run last. It is made small if the options say so and none of those told before has its identity.
 */
export function failureIn(world: World, program: Program, options: ExploreOptions, where: Where, told: readonly Failure[]): Failure {
  const run: Run = (program, decider, details) => {
    world.run(program, decider, details);
    return world.outcome();
  };
  const found = world.outcome();
  const faults = world.faults.happened.join(';'); // from now on exactly these
  const small = (options.shrink ?? true) && found.verdict !== 'steps' && told.every(({ identity }) => identity !== found.identity);
  return failureOf(run, program, faults === '' ? withoutFaults(options) : { ...options, faults }, found, where, small);
}

/** The faults of options that say exactly which. */
function faultsIn({ faults = '' }: RunOptions): string[] {
  return typeof faults === 'string' && faults !== '' ? faults.split(';') : [];
}

function withoutFaults<O extends RunOptions>(options: O): O {
  return options.faults === undefined ? options : { ...options, faults: '' };
}

/** The failure of a schedule that did not come out the same twice; nothing brings it back. again: its second run, with its trace. */
export function unsteady(first: Outcome, again: Outcome, differs: Finding, where: Where): Failure {
  const { blocked, preemptions, firings, early, order, selects } = first;
  const { verdict, message, identity, error } = differs;
  const found = { verdict: verdict!, message, identity, error, blocked, preemptions, firings, early, order, selects };
  return { ...where, ...found, steps: again.trace, cuts: [], faults: '', replay: '', shrunk: null };
}

/** Runs an outcome once more, with everything written down. */
function told(
  run: Run,
  program: Program,
  options: RunOptions & { readonly name?: string },
  found: Outcome,
  where: Where,
  shrunk: Failure['shrunk'],
): Failure {
  const recording = new RecordingDecider(new SameAgain(found.order, found.selects));
  return written(found, run(program, recording, { ...options, details: true }), recording, program, options, where, shrunk);
}

/** The same for who runs schedules otherwise. */
export async function failureAs(
  found: Outcome,
  options: RunOptions & { readonly name?: string },
  where: Where,
  program: Program,
  run: (decider: Decider, options: RunOptions) => Promise<Outcome>,
): Promise<Failure> {
  const recording = new RecordingDecider(new SameAgain(found.order, found.selects));
  return written(found, await run(recording, { ...options, details: true }), recording, program, options, where, null);
}

function written(
  found: Outcome,
  again: Outcome,
  { cuts, decisions }: RecordingDecider,
  program: Program,
  options: RunOptions & { readonly name?: string },
  where: Where,
  shrunk: Failure['shrunk'],
): Failure {
  return {
    ...where,
    verdict: found.verdict!,
    message: found.verdict === 'race' ? again.message : found.message, // with stacks
    identity: found.identity,
    error: again.error ?? found.error,
    steps: again.trace,
    cuts,
    blocked: again.blocked,
    preemptions: cuts.length,
    firings: found.firings,
    early: found.early,
    order: found.order,
    selects: found.selects,
    faults: typeof options.faults === 'string' ? options.faults : '',
    replay: scheduleText({ program: programName(program, options.name), setup: setupOf(options), decisions }),
    shrunk,
  };
}

/** What came of a replay. */
export interface Replay {
  /** It failed; null: it did not. */
  readonly failure: Failure | null;
  /** Where the program did something else than the schedule, first; null: nowhere. */
  readonly divergence: Divergence | null;
  /** Steps of the schedule that were followed, and how many it has. */
  readonly followed: number;
  readonly of: number;
}

/**
 * Runs a program under the schedule of a string, with the string's own time, step limit and faults. The program may have changed:
 * replay.ts says what is put up with. Throws ScheduleError for what is no such string, or one of another program.
 */
export function replayWith(run: Run, program: Program, text: string, options: RunOptions & { readonly name?: string }): Replay {
  const schedule = parseSchedule(text);
  refuseOther(schedule, programName(program, options.name));
  const { decisions, setup } = schedule;
  const { time, maxSteps, leaks, faults } = setup;
  const own = { ...options, races: options.races ?? true, time, maxSteps, leaks, faults };
  const decider = new ReplayDecider(decisions);
  const outcome = run(program, decider, own);
  const { divergence, followed } = decider;
  const where = { strategy: 'replay', schedule: 0, seed: 0 };
  const failure = outcome.verdict === null ? null : told(run, program, own, outcome, where, null);
  return { failure, divergence, followed, of: decisions.length };
}

function refuseOther({ program }: Schedule, name: string): void {
  if (program !== name) throw new ScheduleError(`schedule string: it is of the program '${program}', this is '${name}'`);
}
