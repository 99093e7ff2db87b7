// cond: Go's sync.Cond: goroutines that wait for a condition to hold, in the order in which they came. Source: sync/cond.go,
// notifyList of sema.go. (Go numbers the waiters, because one may be on its way into the list; here none can be.)

import type { RType } from '../heap/types.ts';
import { Site } from './contention.ts';
import { WaitReason } from './g.ts';
import type { Locker } from './mutex.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import type { Sched } from './proc.ts';
import { HeapRecord } from './record.ts';
import { type Sudog, WaitQueue } from './sudog.ts';

/** Word offsets; padded to the size of Go's. */
const enum CondRecord {
  queue,
  queueLast,
  words = 4,
}
export const condBytes = CondRecord.words * 4;

/** A condition, guarded by a lock. */
export class Cond extends HeapRecord implements Resumable {
  private readonly queue = new WaitQueue(this, CondRecord.queue);

  constructor(
    sched: Sched,
    type: RType,
    /** Held while the condition is looked at. Go's L. */
    readonly locker: Locker,
  ) {
    super(sched, type, condBytes);
  }

  /** Unlocks the lock, waits for signal or broadcast, and locks it again. `yield*` it. */
  wait(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    this.waitFor(op);
    return op as Blocking<void>;
  }

  /** @internal Waits for an operation that has begun, which goes on in `op.again`. */
  waitFor(op: Op): void {
    const { sched } = this;
    this.locker.unlock();
    op.goesOn(this);
    sched.block(op, WaitReason.condWait);
    this.touch();
    this.queue.enqueue(op);
  }

  /** @internal */
  resume(op: Op): boolean {
    if (op.releasedAt >= 0) this.sched.contention.waited(op, Site.condWait);
    return this.locker.lockFor(op);
  }

  /** Wakes the one that has waited longest, if any. */
  signal(): void {
    this.touch();
    this.wake(this.sched.sudogs.serve(this.queue));
  }

  /** Wakes all. */
  broadcast(): void {
    this.touch();
    const { sudogs } = this.sched;
    for (let sg = sudogs.serve(this.queue); sg !== null; sg = sudogs.serve(this.queue)) this.wake(sg);
  }

  private wake(sg: Sudog | null): void {
    if (sg !== null) this.sched.ready(sg.op, true);
  }

  /** @internal */
  save(): void {
    this.queue.save(this.w);
  }
  protected hasWaiters(): boolean {
    return this.queue.first !== null;
  }
}
