// sema: semaphores, on which all of sync is built. A semaphore is three words of a record: a count, and a FIFO queue of those
// who wait (in fields: record.ts). Go finds the queue in a table by the count's address, because the count stands in the program's own memory; ours
// has it beside the count. Source: sema.go.
//
// Who is woken has not got the semaphore yet: it competes with whoever runs, and waits again if that one was faster. Only a
// hand-off gives the count away with the wake-up (ticket).

import type { RType } from '../heap/types.ts';
import { Site } from './contention.ts';
import { WaitReason } from './g.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import type { Sched } from './proc.ts';
import { HeapRecord } from './record.ts';
import { WaitQueue } from './sudog.ts';

/** Word offsets of a semaphore in its record. */
export const enum SemaWords {
  count,
  queue,
  queueLast,
  words,
}

/** A semaphore in a record. */
export class Sema {
  /** How often it can be taken. */
  count = 0;
  readonly queue: WaitQueue;

  constructor(
    private readonly owner: HeapRecord,
    /** Word offset of its words in the owner's record: SemaWords. */
    private readonly word: number,
    /** Where those who wait stand, for the block profile. */
    private readonly waitSite: Site,
    /** Where those stand who unlock, for the mutex profile; null: it belongs to no lock. */
    private readonly lockSite: Site | null,
  ) {
    this.queue = new WaitQueue(owner, word + SemaWords.queue);
  }

  /** Writes it into its owner's record. */
  save(w: Int32Array): void {
    w[this.owner.i + this.word + SemaWords.count] = this.count;
    this.queue.save(w);
  }

  get hasWaiters(): boolean {
    return this.queue.first !== null;
  }

  /** Takes one; or op waits, and `false`. lifo: before those who wait already. Source: semacquire1. */
  acquire(op: Op, lifo: boolean): boolean {
    if (this.take()) return true;
    op.lifo = lifo;
    this.queueUp(op, false);
    return false;
  }

  /** The goroutine of op was woken: whether it has the semaphore now; else it waits again. */
  woken(op: Op): boolean {
    if (op.ticket || this.take()) {
      op.ticket = false;
      if (op.releasedAt >= 0) this.owner.sched.contention.waited(op, this.waitSite);
      return true;
    }
    this.queueUp(op, true);
    return false;
  }

  /**
   * Gives one back and wakes the first who waits; handoff: that one has it at once, and runs when this goroutine comes to a yield
   * point. Source: semrelease1.
   */
  release(handoff: boolean): void {
    this.count++;
    const { sched } = this.owner;
    const sg = sched.sudogs.serve(this.queue);
    if (sg === null) return;
    const { op } = sg;
    if (sched.timesWaits && this.lockSite !== null) sched.contention.unlocked(op, this.firstOp, this.lockSite);
    op.ticket = handoff && this.take();
    sched.ready(op, true);
    if (op.ticket) sched.handedOver();
  }

  /** Source: cansemacquire. */
  private take(): boolean {
    if (this.count <= 0) return false;
    this.count--;
    return true;
  }

  private get firstOp(): Op | null {
    return this.queue.first === null ? null : this.queue.first.op;
  }

  private queueUp(op: Op, again: boolean): void {
    const { sched } = this.owner;
    sched.block(op, WaitReason.semacquire);
    if (sched.timesWaits && this.lockSite !== null) sched.contention.queued(op, again, op.lifo ? this.firstOp : null);
    if (op.lifo) this.queue.enqueueFirst(op);
    else this.queue.enqueue(op);
  }
}

/** A counting semaphore by itself: runtime_Semacquire and runtime_Semrelease. */
export class Semaphore extends HeapRecord implements Resumable {
  private readonly sema = new Sema(this, 0, Site.semacquire, null);

  constructor(sched: Sched, type: RType, bytes: number, count: number) {
    super(sched, type, bytes);
    this.sema.count = count;
  }

  /** Takes one; waits while there is none. `yield*` it. */
  acquire(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    return (this.acquireFor(op) ? sched.settled(op) : op) as Blocking<void>;
  }

  /** @internal Takes one for an operation that has begun. True: it has it. False: op waits and goes on then. */
  acquireFor(op: Op): boolean {
    if (this.sema.acquire(op, false)) return true;
    op.goesOn(this);
    return false;
  }

  /** @internal */
  resume(op: Op): boolean {
    this.touch();
    return this.sema.woken(op);
  }

  /** Gives one back. handoff: to the first who waits, and to nobody else; this goroutine goes on to its next yield point. */
  release(handoff = false): void {
    this.touch();
    this.sema.release(handoff);
  }

  /**
   * Gives one back to the first who waits, and to nobody else, and lets that one run at once, on what is left of this goroutine's
   * time. `yield*` it. Source: semrelease1, after a hand-off.
   */
  handOff(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const waits = this.waiting > 0;
    this.sema.release(true);
    return waits ? sched.goyield() : (sched.done(undefined) as Blocking<void>);
  }

  /** Goroutines that wait. Go's SemNwait, for tests. */
  get waiting(): number {
    this.touch();
    let n = 0;
    for (let sg = this.sema.queue.first; sg !== null; sg = sg.after) n++;
    return n;
  }

  /** @internal */
  save(): void {
    this.sema.save(this.w);
  }
  protected hasWaiters(): boolean {
    return this.sema.hasWaiters;
  }
}
