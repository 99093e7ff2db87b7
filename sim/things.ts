// things: channels and selects whose operations have a point before them, and what makes the locks (locks.ts) and variables
// (variables.ts) that have one too. Each is the shipped one, whose operation is announced where it would be performed, and
// performed when the explorer lets its goroutine go on.
import type { RType } from '../heap/types.ts';
import type { Atomic, Cell } from '../sched/cell.ts';
import { ElemKind, HChannel, type Received } from '../sched/chan.ts';
import { Channels } from '../sched/channels.ts';
import { type Cond, condBytes } from '../sched/cond.ts';
import { WaitReason } from '../sched/g.ts';
import type { Locker, Mutex } from '../sched/mutex.ts';
import type { Once } from '../sched/once.ts';
import type { Op } from '../sched/op.ts';
import { PoolStore, Pools } from '../sched/pool.ts';
import type { HeapRecord } from '../sched/record.ts';
import { type RWMutex, rwMutexBytes } from '../sched/rwmutex.ts';
import { result, type SelectCases, type SelectResult, Selects } from '../sched/select.ts';
import type { Semaphore } from '../sched/sema.ts';
import type { WaitQueue } from '../sched/sudog.ts';
import { mutexBytes, Sync, semaBytes } from '../sched/sync.ts';
import { type WaitGroup, waitGroupBytes } from '../sched/waitgroup.ts';
import { explored } from './explored.ts';
import { ExploringCond, ExploringMutex, ExploringOnce, ExploringRWMutex, ExploringSemaphore, ExploringWaitGroup } from './locks.ts';
import type { ExploringSched, Operand } from './sched.ts';
import { OpKind, type Task, type Thing } from './types.ts';
import { ExploringAtomic, ExploringCell } from './variables.ts';

// --- channels ----------------------------------------------------------------------------------------------------------------

/** The channels of a machine whose schedules are explored. */
export class ExploringChannels extends Channels {
  constructor(private readonly world: ExploringSched) {
    super(world, false);
  }

  protected override newChannel(type: RType, bytes: number, kind: ElemKind, capacity: number): HChannel {
    const c = new ExploringChannel(this, type, bytes, kind, capacity);
    if (kind !== ElemKind.pointer) c.placeOffHeap(this.world.takeWords(bytes >>> 2)); // nothing that the collector should see
    return c;
  }
}

class ExploringChannel extends explored('chan', HChannel) implements Operand {
  override send(value: unknown): Op {
    const op = this.world.begin();
    if (this.kind === ElemKind.pointer) this.bring(op, value as number); // a root until it is sent
    op.value = value;
    return this.world.announce(op, OpKind.send, this);
  }

  override recvOr(closed: unknown): Op {
    const op = this.world.begin();
    op.ifClosed = closed;
    return this.world.announce(op, OpKind.recv, this);
  }

  perform(op: Op, kind: OpKind): boolean {
    this.world.touched(this, true);
    if (kind === OpKind.recv) {
      this.touch();
      if (this.poll(op, op.ifClosed)) return true;
      this.world.block(op, WaitReason.chanReceive);
      this.enqueueRecv(op);
      return false;
    }
    const { value } = op;
    op.value = undefined;
    this.touchToSend(value);
    this.mustBeOpen();
    if (this.offer(value)) return true;
    this.world.block(op, WaitReason.chanSend);
    this.enqueueSend(op, value);
    return false;
  }

  override trySend(value: unknown): boolean {
    this.world.touched(this, true);
    return super.trySend(value) || this.inVain();
  }

  override tryRecv(into: Received): boolean {
    this.world.touched(this, true);
    return super.tryRecv(into) || this.inVain();
  }

  private inVain(): false {
    this.world.spins();
    return false;
  }

  override close(): void {
    this.world.touched(this, true);
    this.world.wakes(this);
    try {
      super.close();
    } finally {
      this.world.hasWoken();
    }
  }

  // What a send and a receive order (races.ts).

  protected override offer(value: unknown): boolean {
    const { races, curg } = this.world;
    if (races === null) return super.offer(value);
    const receiver = firstIn(this.recvq);
    if (!super.offer(value)) return false;
    races.sent(curg, receiver, this, this.capacity);
    return true;
  }

  protected override poll(into: Received, closed: unknown): boolean {
    const { races, curg } = this.world;
    if (races === null) return super.poll(into, closed);
    const sender = firstIn(this.sendq);
    if (!super.poll(into, closed)) return false;
    if (into.ok) races.received(curg, sender, this, this.capacity);
    else races.acquire(curg, this);
    return true;
  }

  override get length(): number {
    this.world.touched(this, false);
    return super.length;
  }
}

/** Who waits first in a queue; 0: nobody. */
function firstIn({ first }: WaitQueue): Task {
  return first === null ? 0 : first.op.g;
}

/** The selects of a machine whose schedules are explored. */
export class ExploringSelects extends Selects implements Operand {
  get what(): string {
    return 'select';
  }
  get name(): string {
    return '';
  }
  readonly id = 0;
  line = 0;

  constructor(private readonly world: ExploringSched) {
    super(world, false);
  }

  override select(cases: SelectCases): Op {
    const op = this.world.announce(this.begin(cases), OpKind.select, this);
    op.convertBy(result);
    return op;
  }

  perform(op: Op): boolean {
    const cases = op.cases!;
    this.look(cases);
    return this.selectFor(op, cases);
  }

  override trySelect(cases: SelectCases): SelectResult {
    this.look(cases);
    const result = super.trySelect(cases);
    if (result.index < 0) this.world.spins();
    return result;
  }

  private look(cases: SelectCases): void {
    if (this.world.listener === null) return;
    for (const one of cases) if (one?.c instanceof ExploringChannel) this.world.touched(one.c, true);
  }

  eachThing(op: Op, visit: (thing: Thing, sends: boolean) => void): void {
    for (const one of op.cases ?? []) if (one?.c instanceof ExploringChannel) visit(one.c, one.sends);
  }
}

// --- locks -------------------------------------------------------------------------------------------------------------------

/** What sync makes in a machine whose schedules are explored. */
export class ExploringSync extends Sync {
  constructor(private readonly world: ExploringSched) {
    super(world, false);
  }

  protected override newPools(): Pools {
    return new ExploringPools(this.sched, false); // the world: fields of this class are not there yet
  }
  override mutex(): Mutex {
    return this.placed(new ExploringMutex(this.world, this.types.mutex, mutexBytes), mutexBytes);
  }
  override rwMutex(): RWMutex {
    return this.placed(new ExploringRWMutex(this.world, this.types.rwMutex, rwMutexBytes), rwMutexBytes);
  }
  override once(): Once {
    return this.placed(new ExploringOnce(this.world, this.types.once, mutexBytes), mutexBytes);
  }
  override waitGroup(): WaitGroup {
    return this.placed(new ExploringWaitGroup(this.world, this.types.waitGroup, waitGroupBytes), waitGroupBytes);
  }
  override cond(locker: Locker): Cond {
    return this.placed(new ExploringCond(this.world, this.types.cond, locker), condBytes);
  }
  override semaphore(count: number): Semaphore {
    return this.placed(new ExploringSemaphore(this.world, this.types.sema, semaBytes, count), semaBytes);
  }
  override cell<T>(value: T, name: string): Cell<T> {
    return this.kept(new ExploringCell(this.world, value, name));
  }
  override atomic<T>(value: T, name: string): Atomic<T> {
    return this.kept(new ExploringAtomic(this.world, value, name));
  }

  /** Its record lies where the next schedule's will: there is nothing in it that the collector should see. */
  private placed<T extends HeapRecord>(record: T, bytes: number): T {
    record.placeOffHeap(this.world.takeWords(bytes >>> 2));
    return record;
  }

  /** Its value is part of the state of a schedule. */
  private kept<T extends Cell<unknown> | Atomic<unknown>>(variable: T): T {
    this.world.variables.push(variable);
    return variable;
  }
}

/** What every pool is to the race detector: what was put comes before what is got. */
const anyPool: Thing = { what: 'pool', name: '', id: 0 };

class ExploringPools extends Pools {
  override newStore<T>(): PoolStore<T> {
    return new ExploringPoolStore(this);
  }
}

class ExploringPoolStore<T> extends PoolStore<T> {
  override put(value: T): void {
    this.world.releases(anyPool);
    super.put(value);
  }
  override get(): T | undefined {
    const value = super.get();
    if (value !== undefined) this.world.acquired(anyPool);
    return value;
  }
  private get world(): ExploringSched {
    return this.pools.sched as ExploringSched;
  }
}
