// look: what a schedule was like from inside. It is run once more, in a machine of its own: stopped at a step, to see goroutines,
// heap and clocks as they are then; or with an execution trace.
import { goroutineDump } from '../runtime/dump.ts';
import type { Machine } from '../runtime/machine.ts';
import { Tracer } from '../runtime/tracer.ts';
import { World } from './loop.ts';
import { opNames, thingName } from './naming.ts';
import { runSettings } from './options.ts';
import { ReplayDecider } from './replay.ts';
import type { Schedule } from './schedule.ts';
import type { Decider, Point, Program, Task } from './types.ts';

/** The program before one of its steps. */
export interface Standstill {
  /** Steps that were taken. */
  readonly step: number;
  /** Virtual nanoseconds, and when the next timer fires; null: none is set. */
  readonly clock: number;
  readonly nextTimer: number | null;
  /** Goroutines that could go on, and what they are about to do. */
  readonly enabled: readonly { readonly g: string; readonly op: string; readonly object: string }[];
  /** All goroutines as Go prints them. */
  readonly goroutines: string;
  /** The pages of the heap, one character each. */
  readonly heap: string;
}

/** Follows a schedule to a step. */
class Until implements Decider {
  readonly everyStep = true;
  seen: Standstill | null = null;
  constructor(
    readonly inner: ReplayDecider,
    private readonly step: number,
  ) {}

  next(point: Point): Task {
    if (point.step < this.step) return this.inner.next(point);
    this.seen = standstill(point as World);
    return -1;
  }

  select(n: number): number {
    return this.inner.select(n);
  }
}

function standstill(world: World): Standstill {
  const { rt, sched, step } = world;
  const enabled = Array.from({ length: world.n }, (_, i) => {
    const task = world.tasks[i]!;
    const things: string[] = [];
    world.eachThing(task, (thing) => things.push(thingName(thing)));
    return { g: world.path(task), op: opNames[world.kind(task)], object: things.join(' ') };
  });
  const next = sched.timers.earliest();
  return {
    ...{ step, enabled, clock: sched.now(), nextTimer: next === Infinity ? null : next },
    goroutines: goroutineDump(rt.machine, 'user'),
    heap: rt.heapMap(),
  };
}

/** A program before the given step (from 0) of a schedule; null: it ends before, or does something else than the schedule. */
export function standAt(program: Program, schedule: Schedule, step: number): Standstill | null {
  const until = new Until(new ReplayDecider(schedule.decisions), step);
  new World(runSettings(schedule.setup)).run(program, until, { details: true });
  return until.seen;
}

/** Virtual nanoseconds that a step takes in a trace: the clock stands still but for timers, and a reader wants to see an order. */
const stepNanos = 1000;

/** The execution trace of a schedule: for `go tool trace` of Go 1.19, or as Chrome's JSON. */
export function traceOf(program: Program, schedule: Schedule, format: 'go' | 'chrome'): Uint8Array | string {
  const world = new World(runSettings(schedule.setup));
  const { machine } = world.rt;
  // The machine as the tracer sees it has a clock of its own: that of the schedule, and a microsecond for each step.
  const sched = Object.create(machine.sched, { now: { value: () => machine.sched.now() + world.step * stepNanos } });
  const tracer = new Tracer(Object.create(machine, { sched: { value: sched } }) as Machine);
  world.run(program, new ReplayDecider(schedule.decisions), {});
  return format === 'go' ? tracer.go() : tracer.chrome();
}
