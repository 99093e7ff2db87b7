// sema: semaphores, on which all of sync is built. A semaphore is three words of a record: a count, and a FIFO queue of those
// who wait. Go finds the queue in a table by the count's address, because the count stands in the program's own memory; ours
// has it beside the count. Source: sema.go.
//
// Who is woken has not got the semaphore yet: it competes with whoever runs, and waits again if that one was faster. Only a
// hand-off gives the count away with the wake-up (ticket).

import type { Addr } from '../runtime/internal/memory.ts';
import { Site } from './contention.ts';
import { WaitReason } from './g.ts';
import type { Blocking, Op } from './op.ts';
import { HeapRecord } from './record.ts';
import { Sudog } from './sudog.ts';

/** Word offsets of a semaphore in its record. */
export const enum Sema {
  count,
  queue,
  queueLast,
  words,
}

/** A record with semaphores in it. `s` is the word offset of one of them. */
export abstract class SemaRecord extends HeapRecord {
  /** Takes one; or op waits, and `false`. lifo: before those who wait already. Source: semacquire1. */
  protected semAcquire(op: Op, s: number, lifo: boolean): boolean {
    if (this.take(s)) return true;
    op.lifo = lifo;
    this.queueUp(op, s, false);
    return false;
  }

  /** The goroutine of op was woken: whether it has the semaphore now; else it waits again. */
  protected semWoken(op: Op, s: number): boolean {
    if (op.ticket || this.take(s)) {
      op.ticket = false;
      if (op.releasedAt >= 0) this.sched.contention.waited(op, this.waitSite(s));
      return true;
    }
    this.queueUp(op, s, true);
    return false;
  }

  /** Gives one back and wakes the first who waits; handoff: that one has it at once. Source: semrelease1. */
  protected semRelease(s: number, handoff: boolean): void {
    const { w, i, sched } = this;
    w[i + s + Sema.count]!++;
    const sg = sched.sudogs.serve(i + s + Sema.queue);
    if (sg === 0) return;
    const op = sched.ops[w[(sg >>> 2) + Sudog.g]!]!;
    if (sched.timesWaits) this.charge(op, s);
    op.ticket = handoff && this.take(s);
    sched.ready(op.g, true);
  }

  /** Source: cansemacquire. */
  private take(s: number): boolean {
    const { w, i } = this;
    if (w[i + s + Sema.count]! <= 0) return false;
    w[i + s + Sema.count]!--;
    return true;
  }

  private queueUp(op: Op, s: number, again: boolean): void {
    const { sched, i } = this;
    const { sudogs } = sched;
    sched.block(op, WaitReason.semacquire);
    if (sched.timesWaits && this.lockSite(s) !== null) sched.contention.queued(op, again, op.lifo ? this.firstOp(s) : null);
    const queue = i + s + Sema.queue;
    if (op.lifo) sudogs.enqueueFirst(queue, sudogs.acquire(op.g, i << 2));
    else sudogs.wait(op.g, i << 2, queue, -1);
  }

  /** The running goroutine lets op go on: if s belongs to a lock, the mutex profile hears of it. */
  private charge(op: Op, s: number): void {
    const site = this.lockSite(s);
    if (site !== null) this.sched.contention.unlocked(op, this.firstOp(s), site);
  }

  /** Where those who wait at s stand, for the block profile. */
  protected abstract waitSite(s: number): Site;

  /** Where those stand who unlock, for the mutex profile; null: s belongs to no lock. */
  protected lockSite(_s: number): Site | null {
    return null;
  }

  private firstOp(s: number): Op | null {
    const sg = this.first(s);
    return sg === 0 ? null : this.sched.ops[this.w[(sg >>> 2) + Sudog.g]!]!;
  }

  /** First waiter of semaphore s; 0: none. */
  protected first(s: number): Addr {
    return this.w[this.i + s + Sema.queue]!;
  }
}

/** A counting semaphore by itself: runtime_Semacquire and runtime_Semrelease. */
export class Semaphore extends SemaRecord {
  /** Takes one; waits while there is none. `yield*` it. */
  acquire(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    return (this.acquireFor(op) ? sched.settled(op) : op) as Blocking<void>;
  }

  /** @internal Takes one for an operation that has begun. True: it has it. False: op waits and goes on then. */
  acquireFor(op: Op): boolean {
    if (this.semAcquire(op, 0, false)) return true;
    op.goesOn(this);
    return false;
  }

  /** @internal */
  resume(op: Op): boolean {
    this.touch();
    return this.semWoken(op, 0);
  }

  /** Gives one back. handoff: to the first who waits, and to nobody else; this goroutine goes on (handOff yields as well). */
  release(handoff = false): void {
    this.touch();
    this.semRelease(0, handoff);
  }

  /**
   * Gives one back to the first who waits, and to nobody else, and lets that one run at once, on what is left of this goroutine's
   * time. `yield*` it. Source: semrelease1, after a hand-off.
   */
  handOff(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const waits = this.waiting > 0;
    this.semRelease(0, true);
    return waits ? sched.goyield() : (sched.done(undefined) as Blocking<void>);
  }

  /** Goroutines that wait. Go's SemNwait, for tests. */
  get waiting(): number {
    this.touch();
    let n = 0;
    for (let sg = this.first(0); sg !== 0; sg = this.w[(sg >>> 2) + Sudog.next]!) n++;
    return n;
  }

  protected waitSite(): Site {
    return Site.semacquire;
  }
  protected wordsInUse(): number {
    return Sema.words;
  }
  protected waiters(): Addr {
    return this.first(0);
  }
}
