// sudog: a goroutine that waits on something that others wait on too: a channel, a semaphore. A goroutine in a select has one
// for each case, so this is a record of its own and not a part of the goroutine. Source: runtime2.go sudog, chan.go waitq.
//
// A record hangs in two lists: the queue of what it waits on (linked both ways, because a select leaves the other queues from
// the middle), and the goroutine's own list (gt.waiting). Through the latter the collector finds what a parked goroutine
// keeps alive: the thing it waits on, and the pointer that it brings.
//
// Where Go leaves the records of the cases that lost to the goroutine, to be taken out when it runs again, whoever wakes a
// goroutine takes them out at once: one thread runs the machine, so nobody can have seen them in between.
//
// Invariant K3: a sudog is in one queue if and only if it is in the list of its goroutine, and that one waits.

import type { Addr } from '../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { type G, GStatus, type GTable } from './g.ts';

/** Word offsets of a sudog. */
export const enum Sudog {
  /** a number in flight: a double, words 0 and 1 */
  number = 0,
  g = 2,
  /** neighbours in the queue */
  next,
  prev,
  /** a pointer in flight; a root */
  elem,
  /** address of the heap record (channel, semaphore) that it waits on; a root */
  record,
  /** next sudog of the same goroutine */
  waitLink,
  /** which case of a select; -1 outside of one */
  selectCase,
  /** word index of the queue that it is in */
  queue,
  /** index of its JavaScript value in flight */
  host,
  words,
}

/** All sudogs of a machine. */
export class Sudogs {
  private readonly records: FixAlloc;
  private readonly w: Int32Array;
  private readonly f64: Float64Array;
  private free: Addr = 0;
  /** JavaScript values in flight, by Sudog.host. */
  private readonly hosts: unknown[] = [];

  constructor(
    sys: SysMem,
    private readonly gt: GTable,
  ) {
    this.records = new FixAlloc(sys, Sudog.words * 4, Sys.other);
    this.w = sys.memory.i32;
    this.f64 = sys.memory.f64;
  }

  /** g waits on a heap record, at the end of a queue, as case k of a select or (-1) by itself. Returns its sudog. */
  wait(g: G, record: Addr, queue: number, k: number): Addr {
    const sg = this.acquire(g, record);
    this.w[(sg >>> 2) + Sudog.selectCase] = k;
    this.enqueue(queue, sg);
    return sg;
  }

  /**
   * Takes the first one out of a queue; its goroutine waits no more. 0: nobody waits. The sudog is recycled, but what it says
   * stands until the next one is acquired. Source: waitq.dequeue, releaseSudog.
   */
  serve(queue: number): Addr {
    const { w, gt } = this;
    const sg = this.dequeue(queue);
    if (sg === 0) return 0;
    const i = sg >>> 2;
    const g = w[i + Sudog.g] as G;
    if (gt.waiting[g] !== sg || w[i + Sudog.waitLink] !== 0) {
      this.releaseAll(g); // a select
      return sg;
    }
    w[i + Sudog.next] = this.free;
    this.free = sg;
    gt.waiting[g] = 0;
    return sg;
  }

  /** A sudog of g, which waits on a heap record, in g's list but in no queue yet. Source: acquireSudog. */
  acquire(g: G, record: Addr): Addr {
    const { w, gt } = this;
    let sg = this.free;
    if (sg === 0) {
      sg = this.records.alloc();
      w[(sg >>> 2) + Sudog.host] = this.hosts.length;
      this.hosts.push(undefined);
    } else this.free = w[(sg >>> 2) + Sudog.next]!;
    const i = sg >>> 2;
    w[i + Sudog.g] = g;
    w[i + Sudog.elem] = 0;
    w[i + Sudog.record] = record;
    w[i + Sudog.waitLink] = gt.waiting[g];
    w[i + Sudog.selectCase] = -1;
    gt.waiting[g] = sg;
    return sg;
  }

  /** Takes all of g's sudogs out of the queues that they are still in, and recycles them: g waits no more. */
  releaseAll(g: G): void {
    const { w, gt } = this;
    for (let sg: Addr = gt.waiting[g]; sg !== 0; ) {
      const i = sg >>> 2;
      if (w[i + Sudog.queue] !== 0) this.unlink(sg);
      const next = w[i + Sudog.waitLink]!;
      w[i + Sudog.next] = this.free;
      this.free = sg;
      sg = next;
    }
    gt.waiting[g] = 0;
  }

  // --- what is in flight -----------------------------------------------------------------------------------------------

  setNumber(sg: Addr, value: number): void {
    this.f64[sg >>> 3] = value;
  }
  number(sg: Addr): number {
    return this.f64[sg >>> 3]!;
  }
  setHost(sg: Addr, value: unknown): void {
    this.hosts[this.w[(sg >>> 2) + Sudog.host]!] = value;
  }
  /** The JavaScript value, which the sudog lets go of. */
  takeHost(sg: Addr): unknown {
    const n = this.w[(sg >>> 2) + Sudog.host]!;
    const value = this.hosts[n];
    this.hosts[n] = undefined;
    return value;
  }

  // --- queues ----------------------------------------------------------------------------------------------------------

  // A queue is two words, the first and the last one, 0 for none. It is given by the word index of the first.

  /** Appends to a queue. Source: waitq.enqueue. */
  enqueue(queue: number, sg: Addr): void {
    const { w } = this;
    const i = sg >>> 2;
    const last = w[queue + 1]!;
    w[i + Sudog.next] = 0;
    w[i + Sudog.prev] = last;
    w[i + Sudog.queue] = queue;
    if (last !== 0) w[(last >>> 2) + Sudog.next] = sg;
    else w[queue] = sg;
    w[queue + 1] = sg;
  }

  /** Puts it before all others: a waiter that lost to somebody else keeps its turn. Source: semaRoot.queue with lifo. */
  enqueueFirst(queue: number, sg: Addr): void {
    const { w } = this;
    const i = sg >>> 2;
    const first = w[queue]!;
    w[i + Sudog.next] = first;
    w[i + Sudog.prev] = 0;
    w[i + Sudog.queue] = queue;
    if (first !== 0) w[(first >>> 2) + Sudog.prev] = sg;
    else w[queue + 1] = sg;
    w[queue] = sg;
  }

  /** Takes the first one out; 0 when nobody waits. It stays in its goroutine's list. Source: waitq.dequeue. */
  dequeue(queue: number): Addr {
    const { w } = this;
    const sg = w[queue]!;
    if (sg === 0) return 0;
    const next = w[(sg >>> 2) + Sudog.next]!;
    w[queue] = next;
    if (next === 0) w[queue + 1] = 0;
    else w[(next >>> 2) + Sudog.prev] = 0;
    w[(sg >>> 2) + Sudog.queue] = 0;
    return sg;
  }

  /** Takes one out of the middle. Source: waitq.dequeueSudoG. */
  private unlink(sg: Addr): void {
    const { w } = this;
    const i = sg >>> 2;
    const queue = w[i + Sudog.queue]!;
    const next = w[i + Sudog.next]!;
    const prev = w[i + Sudog.prev]!;
    if (prev !== 0) w[(prev >>> 2) + Sudog.next] = next;
    else w[queue] = next;
    if (next !== 0) w[(next >>> 2) + Sudog.prev] = prev;
    else w[queue + 1] = prev;
    w[i + Sudog.queue] = 0;
  }
}

/** K3: one sentence for each violation; call it between two turns. */
export function sudogFindings(w: Int32Array, gt: GTable, rows: number): string[] {
  const out: string[] = [];
  for (let g = 1 as G; g <= rows; g++) {
    const first: Addr = gt.waiting[g];
    if (first !== 0 && gt.status[g] !== GStatus.waiting) out.push(`K3: goroutine ${gt.goid[g]} has sudogs and does not wait`);
    for (let sg = first; sg !== 0; sg = w[(sg >>> 2) + Sudog.waitLink]!) {
      const queue = w[(sg >>> 2) + Sudog.queue]!;
      if (w[(sg >>> 2) + Sudog.g] !== g)
        out.push(`K3: a sudog in the list of goroutine ${gt.goid[g]} belongs to row ${w[(sg >>> 2) + Sudog.g]}`);
      if (queue === 0 || !isIn(w, queue, sg)) out.push(`K3: a sudog of goroutine ${gt.goid[g]} is in no queue`);
    }
  }
  return out;
}

function isIn(w: Int32Array, queue: number, wanted: Addr): boolean {
  for (let sg = w[queue]!; sg !== 0; sg = w[(sg >>> 2) + Sudog.next]!) if (sg === wanted) return true;
  return false;
}

/** Visits the pointers of the sudogs in a goroutine's list: what it waits on and what it brings. */
export function eachWaiting(w: Int32Array, first: Addr, visit: (addr: Addr) => void): void {
  for (let sg = first; sg !== 0; sg = w[(sg >>> 2) + Sudog.waitLink]!) {
    visit(w[(sg >>> 2) + Sudog.elem]!);
    visit(w[(sg >>> 2) + Sudog.record]!);
  }
}
