// again: the same schedule once more. A program whose goroutines are all that is not decided comes out the same; one that asks the
// host for the time or for random numbers may not, and then neither replay nor a fixed seed means anything. So the first step that
// differs is named, with the places of both, and whatever the program was seen to ask of the host.
import type { World } from './loop.ts';
import { opNames } from './naming.ts';
import { clockTask, type Decider, type Finding, type Outcome, type Point, type Program, type Task } from './types.ts';
import { watchHost } from './uncontrolled.ts';

/** Answers as a schedule was answered before. Where that is not possible the schedule is broken off. */
export class SameAgain implements Decider {
  readonly everyStep = true;
  /** The step at which that was not possible, or which was not there before; -1: none. */
  brokenOff = -1;
  private selected = 0;
  constructor(
    private readonly order: readonly Task[],
    private readonly selects: readonly number[],
  ) {}
  next(point: Point): Task {
    const task = this.order[point.step] ?? -1;
    if (task === clockTask && point.timer) return task;
    for (let k = 0; k < point.n; k++) if (point.tasks[k] === task) return task;
    this.brokenOff = point.step;
    return -1;
  }
  select(n: number): number {
    const answer = this.selects[this.selected++] ?? 0;
    return answer < n ? answer : 0;
  }
}

/** A schedule and its second run. */
export interface Repeated {
  /** The second run, with its trace. */
  readonly again: Outcome;
  /** What differs; null: nothing does. */
  readonly differs: Finding | null;
  /** What the program asked of the host. */
  readonly uncontrolled: readonly string[];
}

/** Runs the schedule of an outcome once more in the same world. */
export function repeat(world: World, program: Program, first: Outcome): Repeated {
  const decider = new SameAgain(first.order, first.selects);
  const faults = world.faults.happened.join(';'); // exactly these
  const run = (by: SameAgain) => {
    world.run(program, by, faults === '' ? { details: true } : { details: true, faults });
    return world.outcome();
  };
  let again = first;
  const uncontrolled = watchHost(() => {
    again = run(decider);
  });
  const differs = firstDifference(first, again);
  const at = differs < 0 ? decider.brokenOff : differs;
  if (at < 0) return { again, differs: null, uncontrolled };
  const third = run(new SameAgain(first.order, first.selects)); // a second trace to show beside the first one
  const step = firstDifference(again, third);
  const shown = step < 0 ? at : step;
  const [one, other] = [stepText(step < 0 ? null : third, shown), stepText(again, shown)];
  const asked = uncontrolled.length === 0 ? '' : `; the program uses ${uncontrolled.join(', ')}`;
  const what = one === '' || one === other ? `step ${shown + 1}: ${other}` : `step ${shown + 1} was ${one}, and then ${other}`;
  const message = `the same schedule did not come out the same twice: ${what}${asked}`;
  return { again, differs: { verdict: 'nondeterminism', message, identity: 'nondeterminism', error: undefined }, uncontrolled };
}

/** Number of the first step that is not the same in both; -1: all are. */
export function firstDifference(a: Outcome, b: Outcome): number {
  const n = Math.max(a.steps, b.steps);
  for (let k = 0; k < n; k++) if (a.order[k] !== b.order[k] || a.marks[k] !== b.marks[k]) return k;
  return a.identity === b.identity && a.hash === b.hash ? -1 : n;
}

function stepText(outcome: Outcome | null, step: number): string {
  if (outcome === null) return '';
  const s = outcome.trace[step];
  if (s === undefined) return outcome.verdict === null ? 'the end' : `the end, ${outcome.verdict}`;
  return `${s.g} ${opNames[s.op]}${s.object === '' ? '' : ` ${s.object}`}${s.site === '' ? '' : ` (${s.site})`}`;
}
