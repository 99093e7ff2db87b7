// sync: WaitGroup. The counter lives in the arena; who waits stands in a FIFO list linked by g.schedLink.
// Source: sync/waitgroup.go.
import type { Addr } from '../runtime/internal/memory.ts';
import { Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { GoPanic } from '../runtime/internal/throw.ts';
import { type G, WaitReason } from './g.ts';
import type { Blocking } from './op.ts';
import type { Sched } from './proc.ts';

const enum WaitGroupRecord {
  counter,
  waiters,
  first,
  last,
  words,
}

/** Go's sync.WaitGroup. */
export class WaitGroup {
  private readonly i: number;
  private readonly w: Int32Array;
  /** Virtual time of the last operation. */
  private time = 0;

  constructor(
    private readonly sched: Sched,
    sys: SysMem,
  ) {
    const addr: Addr = sys.persistentAlloc(WaitGroupRecord.words * 4, 8, Sys.other);
    this.w = sys.memory.i32;
    this.i = addr >>> 2;
  }

  /** Adds delta to the counter; at 0 all waiters go on. Panics with Go's words when it would become negative. */
  add(delta: number): void {
    const { w, i } = this;
    this.time = this.sched.orderAfter(this.time);
    const counter = w[i + WaitGroupRecord.counter]! + delta;
    if (counter < 0) throw new GoPanic('sync: negative WaitGroup counter');
    if (delta > 0 && counter === delta && w[i + WaitGroupRecord.waiters] !== 0) {
      throw new GoPanic('sync: WaitGroup misuse: Add called concurrently with Wait');
    }
    w[i + WaitGroupRecord.counter] = counter;
    if (counter === 0) this.release();
  }

  done(): void {
    this.add(-1);
  }

  /** Waits until the counter is 0. */
  wait(): Blocking<void> {
    const { w, i, sched } = this;
    this.time = sched.orderAfter(this.time);
    if (w[i + WaitGroupRecord.counter] === 0) return sched.done(undefined) as Blocking<void>;
    const op = sched.park(WaitReason.semacquire);
    const last = w[i + WaitGroupRecord.last] as G;
    if (last !== 0) sched.gt.schedLink[last] = sched.curg;
    else w[i + WaitGroupRecord.first] = sched.curg;
    w[i + WaitGroupRecord.last] = sched.curg;
    sched.gt.schedLink[sched.curg] = 0;
    w[i + WaitGroupRecord.waiters]!++;
    op.convert = this.returned;
    return op as Blocking<void>;
  }

  /** A waiter runs again: the group must not be in use anew. */
  private readonly returned = (): void => {
    const { w, i } = this;
    if (w[i + WaitGroupRecord.counter] === 0 && w[i + WaitGroupRecord.waiters] === 0) return;
    throw new GoPanic('sync: WaitGroup is reused before previous Wait has returned');
  };

  private release(): void {
    const { w, i, sched } = this;
    let g = w[i + WaitGroupRecord.first] as G;
    w[i + WaitGroupRecord.first] = 0;
    w[i + WaitGroupRecord.last] = 0;
    w[i + WaitGroupRecord.waiters] = 0;
    while (g !== 0) {
      const next = sched.gt.schedLink[g] as G;
      sched.gt.schedLink[g] = 0;
      sched.ready(g, true);
      g = next;
    }
  }
}
