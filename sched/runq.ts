// runq: who waits to run. Each P has a ring of 256, whose owner pushes at the tail and anyone pops at the head, and one slot,
// runNext, for the goroutine that the running one just made ready: it goes first and inherits the time slice. What does not
// fit is in the global queue, a list through g.schedLink. Source: proc.go runq…, globrunq….
//
// Invariant Q1: a goroutine is in exactly one queue if it is runnable, and in none otherwise (sched/check.ts).
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import type { Column } from '../runtime/internal/memory.ts';
import type { G } from './g.ts';
import { maxProcs, type P, type PTable, runqSize } from './p.ts';

/** One P's queue in fields; its ring lies in the arena. */
class LocalQueue {
  /** Positions, ever growing; entries are at position % 256. */
  head = 0;
  tail = 0;
  /** Who goes first; 0: whoever is at the head of the ring. */
  next: G = 0 as G;
  /** Counts rounds of the scheduler; every 61st looks at the global queue first. Does not move for `next`. */
  tick = 1; // before main, Go's own goroutines had their rounds

  constructor(readonly ring: Int32Array) {}
}

/** Local and global run queues of one machine. */
export class RunQueues {
  private readonly locals: LocalQueue[] = [];
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
  ) {
    for (let p = 0; p < maxProcs; p++)
      this.locals.push(new LocalQueue((pt.runq as unknown as Int32Array).subarray(p * runqSize, (p + 1) * runqSize)));
  }

  /** Writes what is in fields into the columns of the processor table. */
  save(): void {
    const { pt, locals } = this;
    for (let p = 0 as P; p < maxProcs; p++) {
      const { head, tail, next, tick } = locals[p]!;
      pt.runqHead[p] = head;
      pt.runqTail[p] = tail;
      pt.runNext[p] = next;
      pt.schedTick[p] = tick;
    }
  }

  /** Rounds of p's scheduler, see LocalQueue.tick. */
  tick(p: P): number {
    return this.locals[p]!.tick;
  }

  /** p has found work elsewhere: a round like any other. */
  countRound(p: P): void {
    this.locals[p]!.tick++;
  }

  /** The goroutine that goes first on p; 0: none does. */
  runNext(p: P): G {
    return this.locals[p]!.next;
  }

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
    const { schedLink } = this;
    const local = this.locals[p]!;
    const { ring, tail } = local;
    let g = this.globalHead;
    for (let i = tail; i < tail + n; i++) {
      ring[i & (runqSize - 1)] = g;
      const next = schedLink[g] as G;
      schedLink[g] = 0;
      g = next;
    }
    local.tail = tail + n;
    this.globalHead = g;
    if (g === 0) this.globalTail = 0 as G;
    this.globalSize -= n;
  }

  /** Makes g the next of p (next) or its last. The goroutine that was next goes to the tail. Source: runqput. */
  put(p: P, g: G, next: boolean): void {
    const local = this.locals[p]!;
    let last = g;
    if (next && this.hasRunNext) {
      last = local.next;
      local.next = g;
      if (last === 0) return;
    }
    if (local.tail - local.head < runqSize) this.push(local, last);
    else this.putSlow(local, last);
  }

  private push(local: LocalQueue, g: G): void {
    local.ring[local.tail++ & (runqSize - 1)] = g;
  }

  /** Head of the ring; 0 when empty. */
  private pop(local: LocalQueue): G {
    const { head } = local;
    if (head === local.tail) return 0 as G;
    local.head = head + 1;
    return local.ring[head & (runqSize - 1)] as G;
  }

  /** The ring is full: half of it and g go to the global queue. Source: runqputslow. */
  private putSlow(local: LocalQueue, g: G): void {
    for (let i = 0; i < runqSize >> 1; i++) this.putGlobal(this.pop(local));
    this.putGlobal(g);
  }

  /** The next goroutine of p; 0 when it has none. Source: runqget. */
  get(p: P): G {
    const local = this.locals[p]!;
    const { next } = local;
    if (next !== 0) {
      local.next = 0 as G;
      return next; // inherits the time slice: the tick stays
    }
    local.tick++;
    return this.pop(local);
  }

  /** The next goroutine of p: every 61st round one of the global queue, else its own, else a batch of the global queue; 0: none. */
  next(p: P): G {
    if (this.globalSize === 0) return this.get(p);
    const local = this.locals[p]!;
    if (local.tick % 61 === 0) {
      local.tick++;
      return this.getGlobal(p, 1);
    }
    return this.get(p) || this.getGlobal(p, 0);
  }

  /** p's time slice is used up: whoever would inherit it goes to the end of the global queue. */
  expire(p: P): void {
    const local = this.locals[p]!;
    const { next } = local;
    if (next === 0) return;
    local.next = 0 as G;
    this.putGlobal(next);
  }

  /**
   * Moves half of victim's ring (rounded up) to p and returns the last of them, which runs now; 0: the ring is empty, and, with
   * nextToo, runNext as well. Source: runqgrab, runqsteal.
   */
  steal(p: P, victim: P, nextToo: boolean): G {
    const [to, from] = [this.locals[p]!, this.locals[victim]!];
    const n = from.tail - from.head;
    if (n === 0) {
      if (!nextToo) return 0 as G;
      const { next } = from;
      from.next = 0 as G;
      return next;
    }
    for (let i = 1; i < n - (n >> 1); i++) this.push(to, this.pop(from));
    return this.pop(from);
  }

  /**
   * The next goroutine of p under a chooser that may take any: one of its ring, runNext, or the first of the global queue;
   * 0: there is none. In Go any of them may be next, since other threads come and go between any two steps.
   */
  getAny(p: P, chooser: Chooser): G {
    const local = this.locals[p]!;
    const next = local.next !== 0 ? 1 : 0;
    const size = local.tail - local.head;
    const n = next + size + (this.globalSize > 0 ? 1 : 0);
    if (n === 0) return 0 as G;
    const k = n === 1 ? 0 : chooser.choose(Choice.nextG, n, 0);
    if (k < next) return this.get(p);
    local.tick++;
    if (k - next >= size) return this.getGlobal(p, 1);
    const { ring, head } = local;
    const slot = (head + k - next) & (runqSize - 1);
    const g = ring[slot] as G;
    ring[slot] = ring[head & (runqSize - 1)]!; // the first one takes its place
    local.head = head + 1;
    return g;
  }

  /** Moves p's goroutines to the global queue: p will mark. Source: gcBgMarkWorker, dedicated mode. */
  giveAway(p: P): void {
    for (let g = this.get(p); g !== 0; g = this.get(p)) this.putGlobal(g);
  }

  /** Moves all of p's goroutines to the head of the global queue: p dies. Source: p.destroy. */
  evacuate(p: P): void {
    const local = this.locals[p]!;
    while (local.tail !== local.head) this.putGlobalHead(local.ring[--local.tail & (runqSize - 1)] as G);
    if (local.next !== 0) this.putGlobalHead(local.next);
    local.next = 0 as G;
  }

  private putGlobalHead(g: G): void {
    this.schedLink[g] = this.globalHead;
    this.globalHead = g;
    if (this.globalTail === 0) this.globalTail = g;
    this.globalSize++;
  }

  /** Visits every queued goroutine; p: of that P's queue, -1: of the global one. */
  each(visit: (g: G, p: number) => void): void {
    for (let g = this.globalHead; g !== 0; g = this.schedLink[g] as G) visit(g, -1);
    for (let p = 0 as P; p < maxProcs; p++) {
      const { head, tail, next, ring } = this.locals[p]!;
      if (next !== 0) visit(next, p);
      for (let i = head; i !== tail; i++) visit(ring[i & (runqSize - 1)] as G, p);
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
    const { head, tail, next } = this.locals[p]!;
    return tail - head + (next !== 0 ? 1 : 0);
  }

  /** Number of goroutines in p's ring. */
  ringLength(p: P): number {
    const { head, tail } = this.locals[p]!;
    return tail - head;
  }
}
