// faults: what can go wrong besides the order of steps, as part of a schedule. A program says where: a channel that is unreliable, a
// group of goroutines that may crash and is started again. The options say what, and how often at most.
//
// Swarm: for each schedule every kind of fault is switched off, or gets a rate of its own below its maximum. Schedules with a single
// kind reach states that a mixture of all never does. Source: Groce and others, "Swarm testing" (2012).
//
// A fault is known by its kind, where it happens, and which occasion it is there: `drop orders 3` is the third message on orders.
// Those that happened are in the replay string; run again, they happen at the same occasions and nowhere else. So they can be taken
// out one by one when a schedule is made small.
//
//   drop, duplicate, reorder   a message on an unreliable channel is lost, sent twice, or sent by itself some time later
//   crash                      after a step of one of its goroutines, a group is gone: locals, deferred calls, all; it starts again
//   alloc                      go.new panics: out of memory
//   clock                      the clock jumps ahead after a step, past timers that are due

import type { Chan } from '../runtime/chan.ts';
import type { Go, GoFunc } from '../runtime/go.ts';
import { Rand } from '../runtime/internal/rand.ts';
import { GoPanic } from '../runtime/internal/throw.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ExploringSched } from './sched.ts';
import type { FaultOptions, Finding, Listener, Task, Thing } from './types.ts';

type Kind = 'drop' | 'duplicate' | 'reorder' | 'crash' | 'alloc' | 'clock';
const kinds: readonly Kind[] = ['drop', 'duplicate', 'reorder', 'crash', 'alloc', 'clock'];

/** Crashes of a schedule at most: a group that crashes for ever never gets anything done. */
const mostCrashes = 3;
/** Rates are drawn in so many steps. */
const scale = 1 << 20;

/** A group of goroutines. */
interface Group {
  readonly name: string;
  readonly go: Go;
  readonly start: GoFunc<[]>;
  readonly restartAfter: number;
}

/** By runtime: the faults of the world that it belongs to. Outside of exploring nothing goes wrong. */
const faultsOf = new WeakMap<Runtime, Faults>();

/** The faults of one world: what happens in the schedule that runs. */
export class Faults implements Listener {
  /** Faults that have happened, in their order. */
  readonly happened: string[] = [];
  /** Something may happen in this schedule. */
  private on = false;
  private readonly rates = new Map<Kind, number>();
  private planned: ReadonlySet<string> | null = null;
  private readonly occasions = new Map<string, number>();
  private rand = new Rand(0, 'faults');
  private jumps: readonly string[] = [];
  private crashes = 0;
  private readonly groups = new Map<Task, Group>();
  private listener: Listener | null = null;
  private sched!: ExploringSched;

  /** A machine was made. */
  attach(rt: Runtime, sched: ExploringSched): void {
    faultsOf.set(rt, this);
    this.sched = sched;
  }

  /**
   * A schedule begins. faults: how often what goes wrong, or exactly what does. seed: of this schedule. listener: whom to tell of the
   * schedule as well. Returns who is to be told: null for nobody.
   */
  begin(faults: FaultOptions | string | undefined, seed: number, listener: Listener | null): Listener | null {
    if (!this.on && (faults === undefined || faults === '')) return listener; // nearly always
    this.happened.length = 0;
    this.occasions.clear();
    this.groups.clear();
    this.rates.clear();
    this.crashes = 0;
    this.planned = null;
    const { mutator } = this.sched;
    if (Object.hasOwn(mutator, 'newObject')) delete (mutator as Partial<typeof mutator>).newObject;
    this.on = faults !== undefined && faults !== '';
    if (!this.on) return listener;
    if (typeof faults === 'string') this.plan(faults);
    else this.draw(faults!, seed);
    if (this.rates.has('alloc')) this.failAllocations();
    this.listener = listener;
    return this;
  }

  private plan(text: string): void {
    const all = text.split(';');
    this.planned = new Set(all);
    for (const kind of kinds) if (all.some((f) => f.startsWith(`${kind} `))) this.rates.set(kind, 1);
    this.jumps = [...new Set(all.filter((f) => f.startsWith('clock ')).map((f) => f.split(' ')[1]!))];
  }

  private draw(o: FaultOptions, seed: number): void {
    this.rand = new Rand(seed, 'faults');
    for (const kind of kinds) {
      const most = (kind === 'clock' ? o.clock?.rate : o[kind]) ?? 0;
      const rate = this.rand.below(2) === 0 ? 0 : (most * (1 + this.rand.below(8))) / 8;
      if (rate > 0) this.rates.set(kind, rate);
    }
    this.jumps = o.clock === undefined ? [] : [String(o.clock.nanos)];
  }

  /** Whether this kind of fault happens at this occasion. */
  happens(kind: Kind, where: string): boolean {
    const rate = this.rates.get(kind);
    if (rate === undefined) return false;
    const key = `${kind} ${where}`;
    const occasion = (this.occasions.get(key) ?? 0) + 1;
    this.occasions.set(key, occasion);
    const name = `${key} ${occasion}`;
    const yes = this.planned === null ? this.rand.below(scale) < rate * scale : this.planned.has(name);
    if (yes) this.happened.push(name);
    return yes;
  }

  private failAllocations(): void {
    const { mutator } = this.sched;
    const { newObject } = mutator;
    mutator.newObject = (type) => {
      if (this.happens('alloc', 'heap')) throw new GoPanic('runtime error: out of memory (a fault)');
      return newObject.call(mutator, type);
    };
  }

  // --- groups ----------------------------------------------------------------------------------------------------------

  /** The goroutine that runs belongs to a group from now on, with all that it starts. */
  enter(group: Group): void {
    if (this.rates.has('crash')) this.groups.set(this.sched.curg, group);
  }

  started(by: Task, task: Task): void {
    const group = this.groups.get(by);
    if (group !== undefined) this.groups.set(task, group);
    this.listener?.started?.(by, task);
  }

  stepEnded(task: Task): Finding | null {
    const group = this.groups.get(task);
    if (group !== undefined && this.crashes < mostCrashes && this.happens('crash', group.name)) this.crash(group);
    for (const nanos of this.jumps) if (task !== 0 && this.happens('clock', nanos)) this.sched.jump(Number(nanos));
    return this.listener?.stepEnded?.(task) ?? null;
  }

  private crash(group: Group): void {
    this.crashes++;
    for (const [task, of] of this.groups) if (of === group) this.sched.kill(task);
    for (const [task, of] of [...this.groups]) if (of === group) this.groups.delete(task);
    startGroup(this, group, group.restartAfter);
  }

  /** The goroutine that runs is no part of the program: a message on its way. It may wait for ever. */
  disown(): void {
    this.sched.disown(this.sched.curg);
  }

  stepBegins(task: Task): void {
    this.listener?.stepBegins?.(task);
  }
  touched(task: Task, thing: Thing, writes: boolean): void {
    this.listener?.touched?.(task, thing, writes);
  }
  woke(by: Task, task: Task): void {
    this.listener?.woke?.(by, task);
  }
}

function startGroup(faults: Faults | undefined, group: Group, after: number): void {
  const body = { [group.name]: function* (go: Go): Generator<void, void, void> {
    faults?.enter(group);
    yield* group.start(go) as Generator<void, void, void>;
  } }[group.name]!; // biome-ignore format: the name is what reports call it
  if (after < 0) group.go.go(body);
  else group.go.afterFunc(after, body);
}

/**
 * Starts a group: a goroutine and all that it starts, which crash together when the option `faults.crash` says so and are started
 * again, as a process is. What start keeps outside of itself survives, as a disk does. restartAfter: virtual nanoseconds. Without
 * faults it is `go.go(start)`. Throws TypeError for a name that is empty or has a blank.
 */
export function group(go: Go, name: string, start: GoFunc<[]>, restartAfter = 1000): void {
  mustName('group', name);
  startGroup(faultsOf.get(go.runtime), { name, go, start, restartAfter }, -1);
}

/**
 * Makes a channel unreliable: what is sent on it with `send` may be lost, sent twice or sent later, when the options faults.drop,
 * duplicate and reorder say so. A select that sends is reliable. Returns the channel. Throws TypeError for a name that is empty or
 * has a blank.
 */
export function unreliable<T>(go: Go, ch: Chan<T>, name: string): Chan<T> {
  mustName('unreliable', name);
  const faults = faultsOf.get(go.runtime);
  if (faults === undefined) return ch;
  const send = ch.send.bind(ch);
  function* message(_go: Go, value: T): Generator<void, void, void> {
    faults!.disown();
    yield* send(value);
  }
  ch.send = (value) => {
    if (faults.happens('drop', name)) return go.point();
    if (faults.happens('duplicate', name)) go.go(message, value);
    if (!faults.happens('reorder', name)) return send(value);
    go.go(message, value);
    return go.point();
  };
  return ch;
}

function mustName(who: string, name: unknown): void {
  if (typeof name !== 'string' || !/^[^\s;/]+$/.test(name)) {
    throw new TypeError(`${who}: got the name ${JSON.stringify(name)}, wanted one without blanks, semicolons and slashes`);
  }
}

/** Checks the option. Throws RangeError and TypeError. */
export function checkFaults(o: FaultOptions): void {
  if (typeof o !== 'object' || o === null) throw new TypeError(`option faults: got ${o === null ? 'null' : typeof o}, wanted an object`);
  for (const [name, value] of Object.entries(o)) {
    if (!kinds.includes(name as Kind)) throw new TypeError(`option faults.${name}: there is no such fault, there are: ${kinds.join(', ')}`);
    const rate: unknown = name === 'clock' ? (value as FaultOptions['clock'])?.rate : value;
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) {
      throw new RangeError(`option faults.${name}: got ${String(rate)}, wanted a rate from 0 to 1`);
    }
  }
  const nanos = o.clock?.nanos ?? 1;
  if (!Number.isSafeInteger(nanos) || nanos < 1)
    throw new RangeError(`option faults.clock.nanos: got ${String(nanos)}, wanted nanoseconds, 1 or more`);
}
