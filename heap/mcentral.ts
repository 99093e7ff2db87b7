// mcentral: spans of one span class that no P caches. See layout.ts for the ladder. Source: mcentral.go.
//
// Each span class has four sets: partial and full, each swept and unswept. Which of the two is "swept" alternates with the
// heap's sweep generation (sweepGen / 2 % 2), so that mark termination turns all swept sets into unswept ones by adding 2.
//
// A set is a doubly linked stack through mspan.next/prev (Go: a lock-free block stack; rejected here, because one thread
// runs the machine and a link can be taken out of the middle when another sweeper was faster).
//
// Invariant C2: a span is in at most one set, and in none while a P caches it or while it is swept.
import { cas } from '../runtime/internal/atomic.ts';
import { LockRank, Mutex } from '../runtime/internal/lock.ts';
import { type Column, type Id, type LinearAlloc, pageSize } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { Heap, HeapTables } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { sweepSpan } from './msweep.ts';
import { classPages, numSpanClasses } from './sizeclasses.ts';

type SpanSet = Id<'spanSet'>;

/** Spans that cacheSpan sweeps at most before it takes fresh pages. Go's spanBudget: at most 1 % of space is wasted. */
const spanBudget = 100;

/** The four sets of every span class of one heap. */
export class CentralSets {
  private readonly heads: Column<SpanSet>;
  private readonly lock: Mutex;

  constructor(
    private readonly heap: Heap,
    _mem: LinearAlloc,
    tables: HeapTables,
  ) {
    this.heads = tables.setHeads;
    this.lock = new Mutex(heap.order, LockRank.mcentral, 'mcentral.lock');
  }

  private setOf(spanClass: number, full: boolean, swept: boolean): SpanSet {
    const sweptParity = (this.heap.sweepGen >>> 1) & 1;
    return ((spanClass << 2) | (full ? 2 : 0) | (swept ? sweptParity : 1 - sweptParity)) as SpanSet;
  }

  /** Puts a swept span into its class's swept set, by whether it has room. */
  push(s: MSpan): void {
    const { mspan } = this.heap;
    const full = mspan.allocCount[s] === mspan.nelems[s];
    this.link(s, this.setOf(mspan.spanClass[s], full, true));
  }

  private link(s: MSpan, set: SpanSet): void {
    const { mspan } = this.heap;
    if (mspan.set[s] !== 0) gothrow(`mcentral: span ${s} is already in set ${mspan.set[s] - 1}`);
    this.lock.lock();
    const head = this.heads[set] as MSpan;
    mspan.next[s] = head;
    mspan.prev[s] = 0;
    if (head !== 0) mspan.prev[head] = s;
    this.heads[set] = s;
    mspan.set[s] = set + 1;
    this.lock.unlock();
  }

  /** Takes a span out of whatever set it is in. */
  unlink(s: MSpan): void {
    const { mspan } = this.heap;
    if (mspan.set[s] === 0) return;
    this.lock.lock();
    const next = mspan.next[s] as MSpan;
    const prev = mspan.prev[s] as MSpan;
    if (prev !== 0) mspan.next[prev] = next;
    else this.heads[(mspan.set[s] - 1) as SpanSet] = next;
    if (next !== 0) mspan.prev[next] = prev;
    mspan.next[s] = 0;
    mspan.prev[s] = 0;
    mspan.set[s] = 0;
    this.lock.unlock();
  }

  private pop(set: SpanSet): MSpan {
    const s = this.heads[set] as MSpan;
    if (s !== 0) this.unlink(s);
    return s;
  }

  /** First span of a set, for walks. */
  first(set: number): MSpan {
    return this.heads[set as SpanSet] as MSpan;
  }

  /** The next span of this class that needs sweeping, taken out of its set; full ones before partial ones. 0: none. */
  nextUnswept(spanClass: number): MSpan {
    const s = this.pop(this.setOf(spanClass, true, false));
    return s !== 0 ? s : this.pop(this.setOf(spanClass, false, false));
  }

  /**
   * A span with room for a P's cache, in no set, swept; 0 when the arena is full. Source: mcentral.cacheSpan:
   * partial swept, then unswept ones (swept here), then pages, dead ones before fresh ones.
   */
  cacheSpan(spanClass: number): MSpan {
    const { heap } = this;
    const ready = this.pop(this.setOf(spanClass, false, true));
    if (ready !== 0) return ready;
    for (let budget = spanBudget; budget > 0; budget--) {
      const partial = this.pop(this.setOf(spanClass, false, false));
      const s = partial !== 0 ? partial : this.pop(this.setOf(spanClass, true, false));
      if (s === 0) break;
      if (!tryAcquire(heap, s)) gothrow(`mcentral.cacheSpan: span ${s} of an unswept set has sweepgen ${heap.mspan.sweepGen[s]}`);
      sweepSpan(heap, s, true);
      if (heap.mspan.allocCount[s] < heap.mspan.nelems[s]) return s;
      this.push(s); // swept, and every slot lives
    }
    const npages = classPages[spanClass >>> 1]!;
    heap.reclaimer.reclaim(npages);
    return heap.allocSpan(npages, spanClass, SpanState.inUse);
  }

  /**
   * Takes a span back from a P's cache. A span that was cached before this cycle's mark termination is swept first; one of
   * which everything was freed by hand goes back to the heap.
   * Source: mcentral.uncacheSpan.
   */
  uncacheSpan(s: MSpan): void {
    const { heap } = this;
    const { mspan } = heap;
    if (mspan.sweepGen[s] === heap.sweepGen + 1) {
      if (!cas(mspan.sweepGen, s, heap.sweepGen + 1, heap.sweepGen - 1)) gothrow(`mcentral.uncacheSpan: span ${s} changed hands`);
      sweepSpan(heap, s, false);
      return;
    }
    if (!cas(mspan.sweepGen, s, heap.sweepGen + 3, heap.sweepGen)) {
      gothrow(`mcentral.uncacheSpan: span ${s} has sweepgen ${mspan.sweepGen[s]}, heap ${heap.sweepGen}`);
    }
    if (mspan.allocCount[s] > 0) {
      this.push(s);
      return;
    }
    heap.clearObjectType(s);
    heap.freeSpan(s);
  }

  /** Calls visit for every span of every unswept set of a class. */
  eachUnswept(visit: (s: MSpan) => void): void {
    const { next } = this.heap.mspan;
    for (let spanClass = 0; spanClass < numSpanClasses; spanClass++) {
      for (const full of [true, false]) {
        for (let s = this.heads[this.setOf(spanClass, full, false)] as MSpan; s !== 0; s = next[s] as MSpan) visit(s);
      }
    }
  }
}

/** Takes the right to sweep a span, by cas sg-2 -> sg-1. Source: sweepLocker.tryAcquire. */
export function tryAcquire(heap: Heap, s: MSpan): boolean {
  const sg = heap.sweepGen;
  return heap.mspan.sweepGen[s] === sg - 2 && cas(heap.mspan.sweepGen, s, sg - 2, sg - 1);
}

/** Bytes of a span of this class. */
export function spanBytes(spanClass: number): number {
  return classPages[spanClass >>> 1]! * pageSize;
}
