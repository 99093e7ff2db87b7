// waitgroup: Go's sync.WaitGroup. Source: sync/waitgroup.go.
import type { Addr } from '../runtime/internal/memory.ts';
import { GoPanic } from '../runtime/internal/throw.ts';
import { Site } from './contention.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import { SemaRecord } from './sema.ts';

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
export class WaitGroup extends SemaRecord implements Resumable {
  /** Adds delta to the counter; at 0 all waiters go on. Panics with Go's words when it would become negative. */
  add(delta: number): void {
    this.touch();
    const { w, i } = this;
    const counter = w[i + WaitGroupRecord.counter]! + delta;
    const waiters = w[i + WaitGroupRecord.waiters]!;
    if (counter < 0) throw new GoPanic('sync: negative WaitGroup counter');
    if (delta > 0 && counter === delta && waiters !== 0) {
      throw new GoPanic('sync: WaitGroup misuse: Add called concurrently with Wait');
    }
    w[i + WaitGroupRecord.counter] = counter;
    if (counter > 0 || waiters === 0) return;
    w[i + WaitGroupRecord.waiters] = 0;
    for (let k = 0; k < waiters; k++) this.semRelease(WaitGroupRecord.sema, false);
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
    const { w, i } = this;
    if (w[i + WaitGroupRecord.counter] === 0) return true;
    w[i + WaitGroupRecord.waiters]!++;
    if (this.semAcquire(op, WaitGroupRecord.sema, false)) return true;
    op.goesOn(this);
    return false;
  }

  /** @internal A waiter runs again: the group must not be in use anew. */
  resume(op: Op): boolean {
    this.touch();
    if (!this.semWoken(op, WaitGroupRecord.sema)) return false;
    const { w, i } = this;
    if (w[i + WaitGroupRecord.counter] === 0 && w[i + WaitGroupRecord.waiters] === 0) return true;
    op.fails(new GoPanic('sync: WaitGroup is reused before previous Wait has returned'));
    return true;
  }

  protected waitSite(): Site {
    return Site.waitGroupWait;
  }
  protected wordsInUse(): number {
    return WaitGroupRecord.words;
  }
  protected waiters(): Addr {
    return this.first(WaitGroupRecord.sema);
  }
}
