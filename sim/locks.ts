// locks: locks, conditions and counters whose operations have a point before them; see things.ts, which has everything else.
import { Cond } from '../sched/cond.ts';
import { Mutex } from '../sched/mutex.ts';
import { Once, type OnceFunc } from '../sched/once.ts';
import type { Blocking, Op } from '../sched/op.ts';
import { RWMutex } from '../sched/rwmutex.ts';
import { Semaphore } from '../sched/sema.ts';
import { WaitGroup } from '../sched/waitgroup.ts';
import { explored } from './explored.ts';
import type { Operand } from './sched.ts';
import { OpKind, type Task } from './types.ts';

export class ExploringMutex extends explored('mutex', Mutex) implements Operand {
  /** Who has locked it; 0: nobody. */
  holder: Task = 0;

  override lock(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.lock, this) as Blocking<void>;
  }

  perform(op: Op): boolean {
    this.world.touched(this, true);
    return this.lockFor(op);
  }

  private locked(): boolean {
    this.holder = this.world.curg;
    return this.world.acquired(this);
  }

  override lockFor(op: Op): boolean {
    return super.lockFor(op) && this.locked();
  }

  override resume(op: Op): boolean {
    return super.resume(op) && this.locked();
  }

  override tryLock(): boolean {
    this.world.touched(this, true);
    if (super.tryLock()) return this.locked();
    this.world.spins();
    return false;
  }

  override unlock(): void {
    this.world.touched(this, true);
    this.world.releases(this);
    this.holder = 0;
    super.unlock();
  }
}

export class ExploringRWMutex extends explored('rwMutex', RWMutex) implements Operand {
  /** Who has locked it; 0: nobody. */
  holder: Task = 0;

  override lock(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.lock, this) as Blocking<void>;
  }

  override rLock(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.rLock, this) as Blocking<void>;
  }

  perform(op: Op, kind: OpKind): boolean {
    this.world.touched(this, true);
    return kind === OpKind.rLock ? this.rLockFor(op) : this.lockFor(op);
  }

  /** It is locked for writing: after all others. */
  private writing(): boolean {
    const { races, curg } = this.world;
    this.holder = curg;
    if (races !== null) races.acquireFromReaders(curg, this);
    return this.world.acquired(this);
  }

  override lockFor(op: Op): boolean {
    return super.lockFor(op) && this.writing();
  }

  override resume(op: Op): boolean {
    return super.resume(op) && this.writing();
  }

  protected override writerWoken(op: Op): boolean {
    return super.writerWoken(op) && this.writing();
  }

  override rLockFor(op: Op): boolean {
    return super.rLockFor(op) && this.world.acquired(this);
  }

  protected override readerWoken(op: Op): boolean {
    return super.readerWoken(op) && this.world.acquired(this);
  }

  override tryLock(): boolean {
    this.world.touched(this, true);
    if (super.tryLock()) return this.writing();
    this.world.spins();
    return false;
  }

  override tryRLock(): boolean {
    this.world.touched(this, true);
    if (super.tryRLock()) return this.world.acquired(this);
    this.world.spins();
    return false;
  }

  override unlock(): void {
    this.world.touched(this, true);
    this.world.releases(this);
    this.holder = 0;
    super.unlock();
  }

  override rUnlock(): void {
    this.world.touched(this, true);
    const { races, curg } = this.world;
    this.holder = curg;
    if (races !== null) races.readerReleases(curg, this);
    super.rUnlock();
  }
}

export class ExploringOnce extends explored('once', Once) implements Operand {
  override do(fn: OnceFunc): Blocking<void> {
    return this.doSlow(fn); // whether it is done is asked when its turn has come
  }

  override lock(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.once, this) as Blocking<void>;
  }

  perform(op: Op): boolean {
    this.world.touched(this, true);
    return this.lockFor(op);
  }

  override lockFor(op: Op): boolean {
    return super.lockFor(op) && this.world.acquired(this);
  }

  override resume(op: Op): boolean {
    return super.resume(op) && this.world.acquired(this);
  }

  override unlock(): void {
    this.world.touched(this, true);
    this.world.releases(this);
    super.unlock();
  }
}

export class ExploringWaitGroup extends explored('waitGroup', WaitGroup) implements Operand {
  override wait(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.wait, this) as Blocking<void>;
  }

  perform(op: Op): boolean {
    this.world.touched(this, true);
    this.touch();
    return this.waitFor(op);
  }

  override waitFor(op: Op): boolean {
    return super.waitFor(op) && this.world.acquired(this);
  }

  override resume(op: Op): boolean {
    return super.resume(op) && this.world.acquired(this);
  }

  override add(delta: number): void {
    this.world.touched(this, true);
    if (delta < 0) this.world.releases(this);
    super.add(delta);
  }
}

export class ExploringCond extends explored('cond', Cond) implements Operand {
  override wait(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.condWait, this) as Blocking<void>;
  }

  perform(op: Op): boolean {
    this.world.touched(this, true);
    this.waitFor(op);
    return false;
  }

  override signal(): void {
    this.world.touched(this, true);
    this.world.wakes(this);
    try {
      super.signal();
    } finally {
      this.world.hasWoken();
    }
  }

  override broadcast(): void {
    this.world.touched(this, true);
    this.world.wakes(this);
    try {
      super.broadcast();
    } finally {
      this.world.hasWoken();
    }
  }
}

export class ExploringSemaphore extends explored('semaphore', Semaphore) implements Operand {
  override acquire(): Blocking<void> {
    return this.world.announce(this.world.begin(), OpKind.acquire, this) as Blocking<void>;
  }

  perform(op: Op): boolean {
    this.world.touched(this, true);
    this.touch();
    return this.acquireFor(op);
  }

  override acquireFor(op: Op): boolean {
    return super.acquireFor(op) && this.world.acquired(this);
  }

  override resume(op: Op): boolean {
    return super.resume(op) && this.world.acquired(this);
  }

  override release(handoff = false): void {
    this.world.touched(this, true);
    this.world.releases(this);
    super.release(handoff);
  }
}
