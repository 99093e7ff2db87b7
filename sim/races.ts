// races: data races while schedules are explored. Two accesses of one variable race when one of them writes and nothing between
// them orders them, whatever came out of it: a race is found in schedules in which it does no harm. The algorithm is FastTrack
// (Flanagan and Freund, PLDI 2009): for each variable the last write and the last reads, as moments of vector clocks (clocks.ts).
//
// What orders, as in Go's memory model and its race detector:
//
//   go statement             what came before it, before the goroutine (setting a timer: before what the timer does)
//   channel without buffer   the send before the receive, and the receive before the end of the send
//   channel of capacity C    the send of a value before its receive, the k-th receive before the (k+C)-th send
//   close                    before a receive that sees the end
//   Mutex, RWMutex, Once     Unlock before Lock; RUnlock before Lock, not before RLock
//   WaitGroup, Semaphore     Done before Wait, release before acquire
//   Cond                     Signal and Broadcast before the end of the wait that they end
//   Pool                     Put before Get
//   atomics                  a store before the loads that see it; an update is both
//
// The end of a goroutine is before nothing. Variables are cells, and what checked mode sees of the heap: fields, elements, maps.
import type { Timers } from '../sched/timer.ts';
import { type Clock, Clocks } from './clocks.ts';
import { type Access, type Race, type RaceReporter, Shadow } from './shadow.ts';
import { clockTask, OpKind, type Task, type Thing } from './types.ts';

/** What orders, of a channel: its slots, as if every value went through one, and its end. */
interface Passage {
  sent: number;
  received: number;
  readonly slots: (Clock | undefined)[];
}

/** The race detector of one machine. */
export class Races {
  private readonly clocks: Clocks;
  /** By a thing's id: what was released on it; of an RWMutex what its readers have. */
  private readonly released: (Clock | undefined)[] = [];
  private readonly byReaders: (Clock | undefined)[] = [];
  private readonly passages: (Passage | undefined)[] = [];
  /** By a cell's id, and by a place on the heap. */
  private readonly cells: (Shadow | undefined)[] = [];
  private readonly places = new Map<number, Shadow>();
  /** What those know who are woken now. */
  private wakesWith: Clock | null = null;

  constructor(
    maxGoroutines: number,
    private readonly reporter: RaceReporter,
  ) {
    this.clocks = new Clocks(maxGoroutines + 2);
  }

  /** The first race of the schedule; null: none was seen. */
  found: Race | null = null;

  /** A schedule begins. */
  begin(): void {
    this.clocks.begin();
    this.released.length = this.byReaders.length = this.passages.length = this.cells.length = 0;
    if (this.places.size > 0) this.places.clear();
    this.wakesWith = null;
    this.found = null;
    this.clocks.started(clockTask, null);
  }

  // --- what orders -----------------------------------------------------------------------------------------------------

  started(by: Task, task: Task): void {
    this.clocks.started(task, task === 1 ? null : this.clocks.of(by));
    if (task !== 1) this.clocks.of(by)[by]!++;
  }

  /** What a timer does when it fires comes after it was set: the call that sets one is replaced by one that remembers. */
  watchTimers(timers: Pick<Timers, 'start'>, watching: () => boolean): void {
    const start = timers.start.bind(timers);
    timers.start = (p, owner, when, period) => {
      if (!watching()) return start(p, owner, when, period);
      const by = this.reporter.running();
      const knows = this.clocks.make();
      this.clocks.store(by, knows);
      const fire = (now: number, last: boolean) => {
        this.clocks.become(clockTask, knows);
        owner.fire(now, last);
        this.clocks.become(clockTask, null);
      };
      return start(p, { fire }, when, period);
    };
  }

  acquire(task: Task, thing: Thing): void {
    const clock = this.released[thing.id];
    if (clock !== undefined) this.clocks.acquire(task, clock);
  }

  release(task: Task, thing: Thing): Clock {
    const clock = (this.released[thing.id] ??= this.clocks.make());
    this.clocks.release(task, clock);
    return clock;
  }

  /** An atomic store: who loads it knows of this one alone. */
  private store(task: Task, thing: Thing): void {
    this.clocks.store(task, (this.released[thing.id] ??= this.clocks.make()));
  }

  readerReleases(task: Task, thing: Thing): void {
    this.clocks.release(task, (this.byReaders[thing.id] ??= this.clocks.make()));
  }

  acquireFromReaders(task: Task, thing: Thing): void {
    const clock = this.byReaders[thing.id];
    if (clock !== undefined) this.clocks.acquire(task, clock);
  }

  /** Task does something that may wake others, who then know what it knows; until hasWoken. */
  wakes(task: Task, thing: Thing): void {
    this.wakesWith = this.release(task, thing);
  }

  hasWoken(): void {
    this.wakesWith = null;
  }

  woken(task: Task): void {
    if (this.wakesWith !== null) this.clocks.acquire(task, this.wakesWith);
  }

  // --- channels --------------------------------------------------------------------------------------------------------

  private passage(thing: Thing): Passage {
    return (this.passages[thing.id] ??= { sent: 0, received: 0, slots: [] });
  }

  /** A value goes into the buffer (receiver 0), or to a receiver that waits. */
  sent(sender: Task, receiver: Task, thing: Thing, capacity: number): void {
    if (capacity === 0) this.meet(sender, receiver);
    else {
      const passage = this.passage(thing);
      this.through(sender, passage, passage.sent++ % capacity);
      if (receiver !== 0) this.through(receiver, passage, passage.received++ % capacity);
    }
  }

  /** A value comes out of the buffer, or from a sender that waits; with a buffer that sender's value takes the free slot. */
  received(receiver: Task, sender: Task, thing: Thing, capacity: number): void {
    if (capacity === 0) this.meet(sender, receiver);
    else {
      const passage = this.passage(thing);
      this.through(receiver, passage, passage.received++ % capacity);
      if (sender !== 0) this.through(sender, passage, passage.sent++ % capacity);
    }
  }

  private meet(a: Task, b: Task): void {
    const [one, other] = [this.clocks.of(a), this.clocks.of(b)];
    this.clocks.join(one, other);
    this.clocks.join(other, one);
    one[a]!++;
    other[b]!++;
  }

  private through(task: Task, { slots }: Passage, slot: number): void {
    const clock = (slots[slot] ??= this.clocks.make());
    this.clocks.acquire(task, clock);
    this.clocks.store(task, clock);
  }

  // --- accesses --------------------------------------------------------------------------------------------------------

  /** A cell is read or written. */
  cell(task: Task, cell: Thing, writes: boolean): void {
    this.plain(this.shadowOf(cell), task, writes, true, () => `cell ${cell.name || `#${cell.id}`}`);
  }

  /** An atomic is used; get: as a plain variable. */
  atomic(task: Task, atomic: Thing, kind: OpKind): void {
    if (kind === OpKind.get) {
      this.plain(this.shadowOf(atomic), task, false, true, () => `atomic ${atomic.name || `#${atomic.id}`}`);
      return;
    }
    const writes = kind !== OpKind.load;
    const now: Access = { task, writes, atomic: true, stack: this.reporter.stack(task, true) };
    const before = this.shadowOf(atomic).atomicAccess(now);
    if (before !== null) this.race(`atomic ${atomic.name || `#${atomic.id}`}`, now, before);
    if (kind !== OpKind.store) this.acquire(task, atomic);
    if (writes) this.store(task, atomic);
  }

  /** Bytes of an object on the heap are read or written; serial: which object it is, since memory is used again. */
  bytes(task: Task, serial: number, addr: number, bytes: number, writes: boolean, name: () => string): void {
    const end = addr + Math.max(bytes, 1);
    for (let at = addr; at < end; at += 4) this.plain(this.placeAt(serial * 2 ** 31 + at), task, writes, false, name);
  }

  private placeAt(key: number): Shadow {
    let shadow = this.places.get(key);
    if (shadow === undefined) {
      shadow = new Shadow(this.clocks);
      this.places.set(key, shadow);
    }
    return shadow;
  }

  private shadowOf(variable: Thing): Shadow {
    return (this.cells[variable.id] ??= new Shadow(this.clocks));
  }

  private plain(shadow: Shadow, task: Task, writes: boolean, atOperation: boolean, name: () => string): void {
    if (this.reporter.exempt(task)) return;
    const stack = this.reporter.stack(task, atOperation);
    const before = shadow.access(task, writes, stack);
    if (before !== null) this.race(name(), { task, writes, atomic: false, stack }, before);
  }

  private race(place: string, now: Access, before: Access): void {
    this.found ??= { place, now, before };
  }
}
