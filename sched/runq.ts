// runq: who waits to run. Each P has a ring of 256, whose owner pushes at the tail and anyone pops at the head, and one slot,
// runNext, for the goroutine that the running one just made ready: it goes first and inherits the time slice. What does not
// fit is in the global queue, a list through g.schedLink. Source: proc.go runq…, globrunq….
//
// Invariant Q1: a goroutine is in exactly one queue if it is runnable, and in none otherwise (sched/check.ts).
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import type { Column, Id } from '../runtime/internal/memory.ts';
import type { G } from './g.ts';
import { maxProcs, type P, type PTable, runqSize } from './p.ts';

/** Local and global run queues of one machine. */
export class RunQueues {
  private globalHead: G = 0 as G;
  private globalTail: G = 0 as G;
  globalSize = 0;

  constructor(
    private readonly pt: PTable,
    private readonly schedLink: Column<G>,
    /** GOMAXPROCS. */
    public procs: number,
    /** False in the era of 2014: whoever would be next goes to the tail. */
    private readonly hasRunNext = true,
  ) {}

  /** Appends to the global queue. Source: globrunqput. */
  putGlobal(g: G): void {
    this.schedLink[g] = 0;
    if (this.globalTail !== 0) this.schedLink[this.globalTail] = g;
    else this.globalHead = g;
    this.globalTail = g;
    this.globalSize++;
  }

  private popGlobal(): G {
    const g = this.globalHead;
    this.globalHead = this.schedLink[g] as G;
    if (this.globalHead === 0) this.globalTail = 0 as G;
    this.schedLink[g] = 0;
    this.globalSize--;
    return g;
  }

  /** Takes a batch from the global queue: returns the first, the rest goes to p's ring. 0: empty. Source: globrunqget. */
  getGlobal(p: P, max: number): G {
    if (this.globalSize === 0) return 0 as G;
    const { globalSize: size } = this;
    let n = this.procs === 1 ? size : Math.min(size, Math.floor(size / this.procs) + 1);
    if (n > runqSize >> 1) n = runqSize >> 1;
    if (max > 0 && n > max) n = max;
    const first = this.popGlobal();
    if (n > 1) this.fetch(p, n - 1);
    return first;
  }

  /** Moves n goroutines, fewer than half a ring, from the head of the global queue to p's ring, which is empty. */
  private fetch(p: P, n: number): void {
    const { pt, schedLink } = this;
    const { runq } = pt;
    const tail = pt.runqTail[p];
    let g = this.globalHead;
    for (let i = tail; i < tail + n; i++) {
      runq[(p * runqSize + (i & (runqSize - 1))) as Id<'runqSlot'>] = g;
      const next = schedLink[g] as G;
      schedLink[g] = 0;
      g = next;
    }
    pt.runqTail[p] = tail + n;
    this.globalHead = g;
    if (g === 0) this.globalTail = 0 as G;
    this.globalSize -= n;
  }

  /** Makes g the next of p (next) or its last. The goroutine that was next goes to the tail. Source: runqput. */
  put(p: P, g: G, next: boolean): void {
    const { pt } = this;
    let last = g;
    if (next && this.hasRunNext) {
      last = pt.runNext[p] as G;
      pt.runNext[p] = g;
      if (last === 0) return;
    }
    if (pt.runqTail[p] - pt.runqHead[p] < runqSize) this.push(p, last);
    else this.putSlow(p, last);
  }

  private push(p: P, g: G): void {
    const { pt } = this;
    const tail = pt.runqTail[p];
    pt.runq[(p * runqSize + (tail & (runqSize - 1))) as Id<'runqSlot'>] = g;
    pt.runqTail[p] = tail + 1;
  }

  /** Head of p's ring; 0 when empty. */
  private pop(p: P): G {
    const { pt } = this;
    const head = pt.runqHead[p];
    if (head === pt.runqTail[p]) return 0 as G;
    pt.runqHead[p] = head + 1;
    return pt.runq[(p * runqSize + (head & (runqSize - 1))) as Id<'runqSlot'>] as G;
  }

  /** The ring is full: half of it and g go to the global queue. Source: runqputslow. */
  private putSlow(p: P, g: G): void {
    for (let i = 0; i < runqSize >> 1; i++) this.putGlobal(this.pop(p));
    this.putGlobal(g);
  }

  /** The next goroutine of p; 0 when it has none. Source: runqget. */
  get(p: P): G {
    const { pt } = this;
    const next = pt.runNext[p] as G;
    if (next !== 0) {
      pt.runNext[p] = 0;
      return next; // inherits the time slice: schedTick stays
    }
    pt.schedTick[p]++;
    return this.pop(p);
  }

  /** The next goroutine of p: every 61st round one of the global queue, else its own, else a batch of the global queue; 0: none. */
  next(p: P): G {
    if (this.globalSize === 0) return this.get(p);
    const { schedTick } = this.pt;
    if (schedTick[p] % 61 === 0) {
      schedTick[p]++;
      return this.getGlobal(p, 1);
    }
    return this.get(p) || this.getGlobal(p, 0);
  }

  /** p's time slice is used up: whoever would inherit it goes to the end of the global queue. */
  expire(p: P): void {
    const next = this.pt.runNext[p] as G;
    if (next === 0) return;
    this.pt.runNext[p] = 0;
    this.putGlobal(next);
  }

  /**
   * Moves half of victim's ring (rounded up) to p and returns the last of them, which runs now; 0: the ring is empty, and, with
   * nextToo, runNext as well. Source: runqgrab, runqsteal.
   */
  steal(p: P, victim: P, nextToo: boolean): G {
    const { pt } = this;
    const n = pt.runqTail[victim] - pt.runqHead[victim];
    if (n === 0) {
      if (!nextToo) return 0 as G;
      const next = pt.runNext[victim] as G;
      pt.runNext[victim] = 0;
      return next;
    }
    for (let i = 1; i < n - (n >> 1); i++) this.push(p, this.pop(victim));
    return this.pop(victim);
  }

  /**
   * The next goroutine of p under a chooser that may take any: one of its ring, runNext, or the first of the global queue;
   * 0: there is none. In Go any of them may be next, since other threads come and go between any two steps.
   */
  getAny(p: P, chooser: Chooser): G {
    const { pt } = this;
    const next = pt.runNext[p] !== 0 ? 1 : 0;
    const ring = pt.runqTail[p] - pt.runqHead[p];
    const n = next + ring + (this.globalSize > 0 ? 1 : 0);
    if (n === 0) return 0 as G;
    const k = n === 1 ? 0 : chooser.choose(Choice.nextG, n, 0);
    if (k < next) return this.get(p);
    pt.schedTick[p]++;
    if (k - next >= ring) return this.getGlobal(p, 1);
    const head = pt.runqHead[p];
    const first = (p * runqSize + (head & (runqSize - 1))) as Id<'runqSlot'>;
    const slot = (p * runqSize + ((head + k - next) & (runqSize - 1))) as Id<'runqSlot'>;
    const g = pt.runq[slot] as G;
    pt.runq[slot] = pt.runq[first]; // the first one takes its place
    pt.runqHead[p] = head + 1;
    return g;
  }

  /** Moves p's goroutines to the global queue: p will mark. Source: gcBgMarkWorker, dedicated mode. */
  giveAway(p: P): void {
    for (let g = this.get(p); g !== 0; g = this.get(p)) this.putGlobal(g);
  }

  /** Moves all of p's goroutines to the head of the global queue: p dies. Source: p.destroy. */
  evacuate(p: P): void {
    const { pt } = this;
    while (pt.runqTail[p] !== pt.runqHead[p]) {
      const tail = --pt.runqTail[p];
      this.putGlobalHead(pt.runq[(p * runqSize + (tail & (runqSize - 1))) as Id<'runqSlot'>] as G);
    }
    if (pt.runNext[p] !== 0) this.putGlobalHead(pt.runNext[p] as G);
    pt.runNext[p] = 0;
  }

  private putGlobalHead(g: G): void {
    this.schedLink[g] = this.globalHead;
    this.globalHead = g;
    if (this.globalTail === 0) this.globalTail = g;
    this.globalSize++;
  }

  /** Visits every queued goroutine; p: of that P's queue, -1: of the global one. */
  each(visit: (g: G, p: number) => void): void {
    const { pt } = this;
    for (let g = this.globalHead; g !== 0; g = this.schedLink[g] as G) visit(g, -1);
    for (let p = 0 as P; p < maxProcs; p++) {
      if (pt.runNext[p] !== 0) visit(pt.runNext[p] as G, p);
      for (let i = pt.runqHead[p]; i !== pt.runqTail[p]; i++)
        visit(pt.runq[(p * runqSize + (i & (runqSize - 1))) as Id<'runqSlot'>] as G, p);
    }
  }

  /** Whether any goroutine waits in any queue. */
  get empty(): boolean {
    if (this.globalSize > 0) return false;
    for (let p = 0 as P; p < this.procs; p++) if (this.length(p) > 0) return false;
    return true;
  }

  /** Number of goroutines queued at p, runNext included. */
  length(p: P): number {
    return this.pt.runqTail[p] - this.pt.runqHead[p] + (this.pt.runNext[p] !== 0 ? 1 : 0);
  }
}
