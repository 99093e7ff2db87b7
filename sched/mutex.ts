// mutex: Go's sync.Mutex, with its two modes. Source: sync/mutex.go.
//
//   normal     waiters queue first come first served, but who is woken competes with whoever runs and asks just then; the
//              loser goes back to the front of the queue
//   starving   a waiter that has waited for a millisecond switches the mutex over: from then on Unlock hands it to the first
//              waiter, and who comes new queues at the end. The last waiter, or one that did not wait that long, switches back
//
// Go lets a goroutine spin for a while before it waits; here no other goroutine runs meanwhile. In the era 2014 there was no
// starving mode, losers queued at the end, and misuse was a panic.

import { Fatal, GoPanic } from '../runtime/internal/throw.ts';
import { Site } from './contention.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import { HeapRecord } from './record.ts';
import { Sema } from './sema.ts';

/** What Cond and programs need of a lock. Go's sync.Locker. */
export interface Locker {
  lock(): Blocking<void>;
  unlock(): void;
  /** @internal Locks it for an operation that has begun. True: locked. False: op waits and goes on in `op.again`. */
  lockFor(op: Op): boolean;
}

/** Word offsets of a mutex. */
export const enum MutexRecord {
  state,
  /** a Sema: three words */
  sema,
  words = 4,
}

/** Bits of the state; the number of waiters stands above them. */
const enum State {
  locked = 1,
  woken = 2,
  starving = 4,
  waiter = 8,
}

/** Virtual nanoseconds after which a waiter starves. Go's starvationThresholdNs. */
const starvationNanos = 1e6;

/** A mutual exclusion lock; new ones are unlocked. */
export class Mutex extends HeapRecord implements Locker, Resumable {
  private state = 0;
  protected readonly sema = new Sema(this, MutexRecord.sema, Site.mutexLock, Site.mutexUnlock);
  /** @internal As in 2014. */
  era2014 = false;

  /** Locks it; waits while somebody else has it. `yield*` it. */
  lock(): Blocking<void> {
    const { sched } = this;
    if (this.lockNow()) {
      const { cur: op } = sched;
      op.inFlight = true;
      op.value = undefined;
      return op as Blocking<unknown> as Blocking<void>;
    }
    this.touch();
    const op = sched.begin();
    return (this.lockFor(op) ? sched.settled(op) : op) as Blocking<void>;
  }

  /**
   * Locks it in the usual case; false: nothing has happened. `if (!mu.lockNow()) yield* mu.lock()` does what `yield* mu.lock()` does,
   * in less time: see Chan.sendNow.
   */
  lockNow(): boolean {
    const { sched } = this;
    if ((this.state & (State.locked | State.starving)) !== 0) return false;
    if (this.seen !== sched.usual || sched.cur.inFlight || !sched.mayGoOn()) return false;
    this.state |= State.locked;
    sched.wentOn();
    return true;
  }

  /** Locks it if nobody has it and nobody starves for it; says whether it did. */
  tryLock(): boolean {
    this.touch();
    if ((this.state & (State.locked | State.starving)) !== 0) return false;
    this.state |= State.locked;
    return true;
  }

  /** @internal */
  lockFor(op: Op): boolean {
    this.touch();
    if (this.state === 0) {
      this.state = State.locked;
      return true;
    }
    op.since = -1;
    op.starving = false;
    if (this.compete(op, false)) return true;
    op.goesOn(this);
    return false;
  }

  /** @internal */
  resume(op: Op): boolean {
    this.touch();
    return this.sema.woken(op) && this.acquired(op);
  }

  /** Takes the mutex or queues for it. awoke: Unlock woke this goroutine. Source: the loop of lockSlow. */
  private compete(op: Op, awoke: boolean): boolean {
    const old = this.state;
    let state = old;
    if ((old & State.starving) === 0) state |= State.locked;
    if ((old & (State.locked | State.starving)) !== 0) state += State.waiter;
    if (op.starving && (old & State.locked) !== 0) state |= State.starving;
    if (awoke) state &= ~State.woken;
    this.state = state;
    if ((old & (State.locked | State.starving)) === 0) return true;
    const lifo = op.since >= 0 && !this.era2014; // it has waited before: it keeps its turn
    if (op.since < 0) op.since = this.sched.now();
    return this.sema.acquire(op, lifo) && this.acquired(op);
  }

  /** It has the semaphore: in starving mode the mutex as well, else it competes for it. */
  private acquired(op: Op): boolean {
    if (!this.era2014) op.starving ||= this.sched.now() - op.since > starvationNanos;
    const old = this.state;
    if ((old & State.starving) === 0) return this.compete(op, true);
    let state = old + State.locked - State.waiter;
    if (!op.starving || old >> 3 === 1) state -= State.starving; // the last one, or in no hurry
    this.state = state;
    return true;
  }

  /** Unlocks it; any goroutine may. Fatal when it is not locked. */
  unlock(): void {
    if (this.state === State.locked && this.seen === this.sched.usual) {
      this.state = 0;
      return;
    }
    this.touch();
    const state = this.state - State.locked;
    if ((this.state & State.locked) === 0) this.misuse('sync: unlock of unlocked mutex');
    this.state = state;
    if (state !== 0) this.wakeOne(state);
  }

  /** Source: unlockSlow. */
  private wakeOne(state: number): void {
    if ((state & State.starving) !== 0) {
      this.sema.release(true);
      return;
    }
    if (state >> 3 === 0 || (state & (State.locked | State.woken)) !== 0) return; // nobody waits, or somebody is awake already
    this.state = (state - State.waiter) | State.woken;
    this.sema.release(false);
  }

  protected misuse(words: string): never {
    if (this.era2014) throw new GoPanic(words);
    const error = new Fatal(words);
    this.sched.doom(error); // also when the program's JavaScript catches it
    throw error;
  }

  /** @internal */
  save(): void {
    this.w[this.i + MutexRecord.state] = this.state;
    this.sema.save(this.w);
  }
  protected hasWaiters(): boolean {
    return this.sema.hasWaiters;
  }
}
