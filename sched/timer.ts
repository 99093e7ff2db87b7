// timer: what happens at a given virtual time. Each P has a 4-ary heap of timers, keyed by (when, order of setting), so that
// equal times fire in the order in which they were set. Any P whose clock reaches a timer's time fires it (in Go its own P or a
// thief), so the timers of a P that GOMAXPROCS takes away stay where they are. Source: time.go; jumping over idle time is the
// playground's faketime.
//
// A timer is a record off the heap and exists while it is set: it wakes a goroutine (Sleep), or fires its owner, an object of
// JavaScript (Timer, Ticker, AfterFunc). Go deletes and moves timers lazily, because other Ps run while it does; here one
// thread runs the machine, and each record knows its place in the heap, so that stopping one takes it out at once.
//
// Invariant K5: a timer stands in its heap at the slot that it names, and no later than its children.

import type { Addr } from '../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { G } from './g.ts';
import type { P } from './p.ts';

/** Double offsets of a timer: the first six words. */
const enum TimerTime {
  /** virtual nanoseconds at which it fires */
  when,
  /** nanoseconds to the next time; 0: fires once */
  period,
  /** order of setting */
  seq,
}

/** Word offsets of a timer behind its doubles. */
const enum TimerRecord {
  /** whom it wakes; 0: it fires its owner */
  g = 6,
  owner,
  /** whose heap it is in, and where there */
  p,
  slot,
  words,
}

/** Who is told when a timer fires. It must not block; it runs between two turns of goroutines. */
export interface TimerOwner {
  /** now: virtual nanoseconds, at or after the time that was set. last: the timer is set no more. */
  fire(now: number, last: boolean): void;
}

const firstCapacity = 16;

/** One P's heap: addresses of timers in a block of memory off the heap. */
class TimerHeap {
  size = 0;
  capacity = 0;
  /** Word index of the block. */
  at = 0;
}

/** The timers of one machine. */
export class Timers {
  private readonly records: FixAlloc;
  private readonly w: Int32Array;
  private readonly f64: Float64Array;
  private readonly heaps: TimerHeap[] = [];
  private readonly owners: (TimerOwner | null)[] = [null];
  private readonly freeOwners: number[] = [];
  /** Blocks that a heap has outgrown, by the logarithm of their capacity. */
  private readonly freeBlocks: number[][] = [];
  private nextSeq = 1;
  /** Time of the earliest timer of all Ps, and which P's it is. */
  private next = Infinity;
  private nextP = 0;
  private all = 0;
  private repeating = 0;

  constructor(
    private readonly sys: SysMem,
    /** Makes a sleeping goroutine runnable. */
    private readonly wake: (g: G) => void,
    /** Told when a timer was set that is earlier than all others. */
    private readonly onEarlier: () => void,
  ) {
    this.records = new FixAlloc(sys, TimerRecord.words * 4, Sys.other);
    this.w = sys.memory.i32;
    this.f64 = sys.memory.f64;
  }

  /** Wakes g at `when` nanoseconds: Sleep. Source: resetForSleep. */
  sleep(p: P, g: G, when: number): void {
    const t = this.add(p, when, 0);
    this.w[(t >>> 2) + TimerRecord.g] = g;
    this.w[(t >>> 2) + TimerRecord.owner] = 0;
  }

  /** Fires owner at `when`, and then every `period` nanoseconds unless that is 0. Returns the timer. Source: addtimer. */
  start(p: P, owner: TimerOwner, when: number, period: number): Addr {
    const t = this.add(p, when, period);
    const n = this.freeOwners.pop() ?? this.owners.length;
    this.owners[n] = owner;
    this.w[(t >>> 2) + TimerRecord.g] = 0;
    this.w[(t >>> 2) + TimerRecord.owner] = n;
    return t;
  }

  /** Takes a timer that is set out of its heap; its record is gone. Source: deltimer. */
  stop(t: Addr): void {
    const { w } = this;
    const p = w[(t >>> 2) + TimerRecord.p]!;
    const slot = w[(t >>> 2) + TimerRecord.slot]!;
    const heap = this.heaps[p]!;
    if (slot >= heap.size || w[heap.at + slot] !== t) gothrow(`deltimer: timer 0x${t.toString(16)} is not where it says (K5)`);
    this.remove(heap, p, slot);
    this.forget(t);
  }

  /** Time of the earliest timer; Infinity when there is none. */
  earliest(): number {
    return this.next;
  }

  /** A number that grows whenever a timer is set, stopped or fired. */
  get changes(): number {
    return this.nextSeq * 2 - this.all;
  }

  /** Number of timers that are set, and of those among them that fire again and again. */
  get set(): number {
    return this.all;
  }
  get periodic(): number {
    return this.repeating;
  }

  /** Number of timers that are set at p. */
  count(p: P): number {
    return this.heaps[p]?.size ?? 0;
  }

  /** Fires all timers of all Ps that are due at `now`, in their order. Source: checkTimers, runtimer. */
  run(now: number): void {
    while (this.next <= now) this.fireFirst(this.nextP, now);
  }

  /** Forgets all timers. */
  clear(): void {
    for (const heap of this.heaps) {
      if (heap === undefined) continue;
      for (let slot = 0; slot < heap.size; slot++) this.forget(this.w[heap.at + slot]!);
      heap.size = 0;
    }
    this.next = Infinity;
    this.nextSeq = 1;
  }

  /** Fires the earliest timer, whatever the time is, and returns when it was due. There is one. */
  fireNext(): number {
    const when = this.next;
    this.fireFirst(this.nextP, when);
    return when;
  }

  // --- one timer -------------------------------------------------------------------------------------------------------

  private add(p: P, when: number, period: number): Addr {
    const t = this.records.alloc();
    const i = t >>> 3;
    this.f64[i + TimerTime.when] = when;
    this.f64[i + TimerTime.period] = period;
    this.f64[i + TimerTime.seq] = this.nextSeq++;
    this.push(p, t);
    this.all++;
    if (period > 0) this.repeating++;
    if (when < this.next) {
      this.next = when;
      this.nextP = p;
      this.onEarlier();
    }
    return t;
  }

  private push(p: number, t: Addr): void {
    const heap = (this.heaps[p] ??= new TimerHeap());
    if (heap.size === heap.capacity) this.grow(heap);
    this.w[(t >>> 2) + TimerRecord.p] = p;
    this.siftUp(heap, heap.size++, t);
  }

  /** The record of a timer that was taken out. */
  private forget(t: Addr): void {
    const n = this.w[(t >>> 2) + TimerRecord.owner]!;
    this.all--;
    if (this.f64[(t >>> 3) + TimerTime.period]! > 0) this.repeating--;
    if (n !== 0) {
      this.owners[n] = null;
      this.freeOwners.push(n);
    }
    this.records.release(t);
  }

  private fireFirst(p: number, now: number): void {
    const { w, f64 } = this;
    const heap = this.heaps[p]!;
    const t = w[heap.at]!;
    const period = f64[(t >>> 3) + TimerTime.period]!;
    const g = w[(t >>> 2) + TimerRecord.g] as G;
    const owner = this.owners[w[(t >>> 2) + TimerRecord.owner]!]!;
    if (period > 0) {
      const when = f64[(t >>> 3) + TimerTime.when]!;
      f64[(t >>> 3) + TimerTime.when] = when + period * (1 + Math.floor((now - when) / period)); // times that were missed are skipped
      f64[(t >>> 3) + TimerTime.seq] = this.nextSeq++;
      this.siftDown(heap, 0, t);
      this.findNext();
    } else {
      this.remove(heap, p, 0);
      this.forget(t);
    }
    if (g !== 0) this.wake(g);
    else owner.fire(now, period === 0);
  }

  private remove(heap: TimerHeap, p: number, slot: number): void {
    const { w } = this;
    const last = w[heap.at + --heap.size]!;
    if (slot < heap.size) {
      this.siftDown(heap, slot, last);
      if (w[heap.at + slot] === last) this.siftUp(heap, slot, last);
    }
    if (p === this.nextP) this.findNext();
  }

  private findNext(): void {
    this.next = Infinity;
    let seq = Infinity;
    for (let p = 0; p < this.heaps.length; p++) {
      const heap = this.heaps[p];
      if (heap === undefined || heap.size === 0) continue;
      const i = this.w[heap.at]! >>> 3;
      const when = this.f64[i + TimerTime.when]!;
      if (when > this.next || (when === this.next && this.f64[i + TimerTime.seq]! > seq)) continue;
      this.next = when;
      this.nextP = p;
      seq = this.f64[i + TimerTime.seq]!;
    }
  }

  // --- the heap --------------------------------------------------------------------------------------------------------

  private before(a: Addr, b: Addr): boolean {
    const { f64 } = this;
    const [i, k] = [a >>> 3, b >>> 3];
    const [x, y] = [f64[i + TimerTime.when]!, f64[k + TimerTime.when]!];
    return x < y || (x === y && f64[i + TimerTime.seq]! < f64[k + TimerTime.seq]!);
  }

  private place(heap: TimerHeap, slot: number, t: Addr): void {
    this.w[heap.at + slot] = t;
    this.w[(t >>> 2) + TimerRecord.slot] = slot;
  }

  private siftUp(heap: TimerHeap, from: number, t: Addr): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 2;
      const above = this.w[heap.at + parent]!;
      if (!this.before(t, above)) break;
      this.place(heap, slot, above);
      slot = parent;
    }
    this.place(heap, slot, t);
  }

  private siftDown(heap: TimerHeap, from: number, t: Addr): void {
    const { w } = this;
    let slot = from;
    for (;;) {
      const first = slot * 4 + 1;
      if (first >= heap.size) break;
      let child = first;
      for (let c = first + 1; c < Math.min(first + 4, heap.size); c++) if (this.before(w[heap.at + c]!, w[heap.at + child]!)) child = c;
      const below = w[heap.at + child]!;
      if (!this.before(below, t)) break;
      this.place(heap, slot, below);
      slot = child;
    }
    this.place(heap, slot, t);
  }

  private grow(heap: TimerHeap): void {
    const capacity = Math.max(firstCapacity, heap.capacity * 2);
    const order = 31 - Math.clz32(capacity);
    const at = this.freeBlocks[order]?.pop() ?? this.sys.persistentAlloc(capacity * 4, 8, Sys.other) >>> 2;
    this.w.copyWithin(at, heap.at, heap.at + heap.size);
    if (heap.capacity > 0) (this.freeBlocks[order - 1] ??= []).push(heap.at);
    heap.at = at;
    heap.capacity = capacity;
  }

  /** K5 of every heap: one sentence for each violation. */
  findings(): string[] {
    const { w, heaps } = this;
    return heaps.flatMap((heap, p) =>
      Array.from({ length: heap?.size ?? 0 }, (_, slot) => {
        const t = w[heap.at + slot]!;
        if (w[(t >>> 2) + TimerRecord.slot] !== slot) return `K5: timer ${slot} of P${p} names slot ${w[(t >>> 2) + TimerRecord.slot]}`;
        const parent = w[heap.at + ((slot - 1) >> 2)]!;
        return slot > 0 && this.before(t, parent) ? `K5: timer ${slot} of P${p} is earlier than its parent` : '';
      }).filter((line) => line !== ''),
    );
  }
}
