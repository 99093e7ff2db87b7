// waitgroup: Go's sync.WaitGroup. Source: sync/waitgroup.go.
import { GoPanic } from '../runtime/internal/throw.ts';
import { Site } from './contention.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import { HeapRecord } from './record.ts';
import { Sema } from './sema.ts';

/** Word offsets. */
const enum WaitGroupRecord {
  counter,
  waiters,
  /** a Sema: three words */
  sema,
  words = 5,
}
export const waitGroupBytes = WaitGroupRecord.words * 4;

/** Waits for a number of things to be done. */
export class WaitGroup extends HeapRecord implements Resumable {
  private counter = 0;
  /** Goroutines in wait. */
  private waiters = 0;
  private readonly sema = new Sema(this, WaitGroupRecord.sema, Site.waitGroupWait, null);

  /** Adds delta to the counter; at 0 all waiters go on. Panics with Go's words when it becomes negative. RangeError: no int32. */
  add(delta: number): void {
    if ((delta | 0) !== delta) throw new RangeError(`WaitGroup.add: got ${String(delta)}, wanted a whole number`);
    this.touch();
    const { waiters } = this;
    const counter = this.counter + delta;
    this.counter = counter; // also when it panics: who recovers finds it so
    if (counter < 0) throw new GoPanic('sync: negative WaitGroup counter');
    if (delta > 0 && counter === delta && waiters !== 0) {
      throw new GoPanic('sync: WaitGroup misuse: Add called concurrently with Wait');
    }
    if (counter > 0 || waiters === 0) return;
    this.waiters = 0;
    for (let k = 0; k < waiters; k++) this.sema.release(false);
  }

  done(): void {
    this.add(-1);
  }

  /** Waits until the counter is 0. `yield*` it. */
  wait(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    return (this.waitFor(op) ? sched.settled(op) : op) as Blocking<void>;
  }

  /** @internal Waits for an operation that has begun. True: the counter is 0. False: op waits and goes on in `op.again`. */
  waitFor(op: Op): boolean {
    if (this.counter === 0) return true;
    this.waiters++;
    if (this.sema.acquire(op, false)) return true;
    op.goesOn(this);
    return false;
  }

  /** @internal A waiter runs again: the group must not be in use anew. */
  resume(op: Op): boolean {
    this.touch();
    if (!this.sema.woken(op)) return false;
    if (this.counter === 0 && this.waiters === 0) return true;
    op.fails(new GoPanic('sync: WaitGroup is reused before previous Wait has returned'));
    return true;
  }

  /** @internal */
  save(): void {
    const { w, i } = this;
    w[i + WaitGroupRecord.counter] = this.counter;
    w[i + WaitGroupRecord.waiters] = this.waiters;
    this.sema.save(w);
  }
  protected hasWaiters(): boolean {
    return this.sema.hasWaiters;
  }
}
