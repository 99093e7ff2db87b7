// runq: who waits to run. Each P has a ring of 256, whose owner pushes at the tail and anyone pops at the head, and one slot,
// runNext, for the goroutine that the running one just made ready: it goes first and inherits the time slice. What does not
// fit is in the global queue, a list through Op.link. Source: proc.go runq…, globrunq….
//
// The queues hold goroutines as JavaScript has them (Op); `save` writes them into the arena, where a P's row has rows of
// goroutines; the global queue is a list through g.schedLink, which Op.save writes.
//
// Invariant Q1: a goroutine is in exactly one queue if it is runnable, and in none otherwise (sched/check.ts).
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import type { Id } from '../runtime/internal/memory.ts';
import type { Op } from './op.ts';
import { maxProcs, type P, type PTable, Ring } from './p.ts';

/** One P's queue. */
export class LocalQueue {
  /** Positions, ever growing; entries are at position % 256. */
  head = 0;
  tail = 0;
  readonly ring = new Array<Op | null>(Ring.size).fill(null);
  /** Who goes first; null: whoever is at the head of the ring. */
  next: Op | null = null;
  /** Counts rounds of the scheduler; every 61st looks at the global queue first. Does not move for `next`. */
  tick = 1; // before main, Go's own goroutines had their rounds
  /** tick % 61. */
  phase = 1;

  /** A round. */
  count(): void {
    this.tick++;
    this.phase = this.phase === 60 ? 0 : this.phase + 1;
  }
}

/** Local and global run queues of one machine. */
export class RunQueues {
  private readonly locals: LocalQueue[] = [];
  private globalHead: Op | null = null;
  private globalTail: Op | null = null;
  globalSize = 0;
  private procs = 0;

  constructor(
    private readonly pt: PTable,
    procs: number,
    /** False in the era of 2014: whoever would be next goes to the tail. */
    readonly hasRunNext = true,
  ) {
    for (let p = 0 as P; p < maxProcs; p++) pt.schedTick[p] = 1;
    this.setProcs(procs);
  }

  /** GOMAXPROCS is n. */
  setProcs(n: number): void {
    this.procs = n;
    while (this.locals.length < n) this.locals.push(new LocalQueue());
  }

  /** Writes what is in fields into the columns of the tables. */
  save(): void {
    const { pt, locals } = this;
    for (let p = 0 as P; p < locals.length; p++) {
      const { head, tail, next, tick, ring } = locals[p]!;
      pt.runqHead[p] = head;
      pt.runqTail[p] = tail;
      pt.runNext[p] = next === null ? 0 : next.g;
      pt.schedTick[p] = tick;
      for (let i = head; i !== tail; i++) {
        const slot = i & (Ring.size - 1);
        pt.runq[(p * Ring.size + slot) as Id<'runqSlot'>] = ring[slot]!.g;
      }
    }
  }

  /** Rounds of p's scheduler, see LocalQueue.tick. */
  tick(p: P): number {
    return this.locals[p]!.tick;
  }

  /** p has found work elsewhere: a round like any other. */
  countRound(p: P): void {
    this.locals[p]!.count();
  }

  /** The goroutine that goes first on p; null: none does. */
  runNext(p: P): Op | null {
    return this.locals[p]!.next;
  }

  /** Appends to the global queue. Source: globrunqput. */
  putGlobal(op: Op): void {
    const { globalTail } = this;
    op.link = null;
    if (globalTail !== null) globalTail.link = op;
    else this.globalHead = op;
    this.globalTail = op;
    this.globalSize++;
  }

  /** Takes a batch from the global queue: returns the first, the rest goes to p's ring. null: empty. Source: globrunqget. */
  getGlobal(p: P, max: number): Op | null {
    const first = this.globalHead;
    if (first === null) return null;
    const { globalSize: size } = this;
    if (size === 1) {
      this.globalHead = this.globalTail = null;
      this.globalSize = 0;
      return first;
    }
    let n = this.procs === 1 ? size : Math.min(size, Math.floor(size / this.procs) + 1);
    if (n > Ring.size >> 1) n = Ring.size >> 1;
    if (max > 0 && n > max) n = max;
    let rest = first.link;
    first.link = null;
    if (n > 1) rest = this.fetch(p, rest, n - 1);
    this.globalHead = rest;
    if (rest === null) this.globalTail = null;
    this.globalSize = size - n;
    return first;
  }

  /** Moves n goroutines of the global queue, fewer than half a ring, to p's ring, which is empty; returns the one behind them. */
  private fetch(p: P, first: Op | null, n: number): Op | null {
    const local = this.locals[p]!;
    const { ring, tail } = local;
    let op = first;
    for (let i = tail; i < tail + n; i++) {
      ring[i & (Ring.size - 1)] = op;
      const { link }: Op = op!;
      op!.link = null;
      op = link;
    }
    local.tail = tail + n;
    return op;
  }

  /** p's queue. */
  of(p: P): LocalQueue {
    return this.locals[p]!;
  }

  /** Makes op the next of a P, as put does if hasRunNext. */
  putNext(local: LocalQueue, op: Op): void {
    const old = local.next;
    local.next = op;
    if (old !== null) this.putLast(local, old);
  }

  private putLast(local: LocalQueue, op: Op): void {
    if (local.tail - local.head < Ring.size) this.push(local, op);
    else this.putSlow(local, op);
  }

  /** Makes op the next of p (next) or its last. The goroutine that was next goes to the tail. Source: runqput. */
  put(p: P, op: Op, next: boolean): void {
    const local = this.locals[p]!;
    let last = op;
    if (next && this.hasRunNext) {
      const old = local.next;
      local.next = op;
      if (old === null) return;
      last = old;
    }
    this.putLast(local, last);
  }

  private push(local: LocalQueue, op: Op): void {
    const { tail } = local;
    local.ring[tail & (Ring.size - 1)] = op;
    local.tail = tail + 1;
  }

  /** Head of the ring; null when empty. */
  private pop(local: LocalQueue): Op | null {
    const { head } = local;
    if (head === local.tail) return null;
    local.head = head + 1;
    return local.ring[head & (Ring.size - 1)]!;
  }

  /** The ring is full: half of it and op go to the global queue. Source: runqputslow. */
  private putSlow(local: LocalQueue, op: Op): void {
    for (let i = 0; i < Ring.size >> 1; i++) this.putGlobal(this.pop(local)!);
    this.putGlobal(op);
  }

  /** The next goroutine of p; null when it has none. Source: runqget. */
  get(p: P): Op | null {
    return this.getLocal(this.locals[p]!);
  }

  private getLocal(local: LocalQueue): Op | null {
    const { next } = local;
    if (next !== null) {
      local.next = null;
      return next; // inherits the time slice: the tick stays
    }
    local.count();
    return this.pop(local);
  }

  /** The next goroutine of p: every 61st round one of the global queue, else its own, else a batch of the global queue; null: none. */
  next(p: P, local = this.locals[p]!): Op | null {
    if (this.globalHead === null) return this.getLocal(local);
    if (local.phase === 0) {
      local.count();
      return this.getGlobal(p, 1);
    }
    const own = this.getLocal(local);
    return own !== null ? own : this.getGlobal(p, 0);
  }

  /** p's time slice is used up: whoever would inherit it goes to the end of the global queue. */
  expire(p: P): void {
    const local = this.locals[p]!;
    const { next } = local;
    if (next === null) return;
    local.next = null;
    this.putGlobal(next);
  }

  /**
   * Moves half of victim's ring (rounded up) to p and returns the last of them, which runs now; null: the ring is empty, and, with
   * nextToo, runNext as well. Source: runqgrab, runqsteal.
   */
  steal(p: P, victim: P, nextToo: boolean): Op | null {
    const [to, from] = [this.locals[p]!, this.locals[victim]!];
    const n = from.tail - from.head;
    if (n === 0) {
      if (!nextToo) return null;
      const { next } = from;
      from.next = null;
      return next;
    }
    for (let i = 1; i < n - (n >> 1); i++) this.push(to, this.pop(from)!);
    return this.pop(from);
  }

  /**
   * The next goroutine of p under a chooser that may take any: one of its ring, runNext, or the first of the global queue;
   * null: there is none. In Go any of them may be next, since other threads come and go between any two steps.
   */
  getAny(p: P, chooser: Chooser): Op | null {
    const local = this.locals[p]!;
    const next = local.next !== null ? 1 : 0;
    const size = local.tail - local.head;
    const n = next + size + (this.globalHead !== null ? 1 : 0);
    if (n === 0) return null;
    const k = n === 1 ? 0 : chooser.choose(Choice.nextG, n, 0);
    if (k < next) return this.getLocal(local);
    local.count();
    if (k - next >= size) return this.getGlobal(p, 1);
    const { ring, head } = local;
    const slot = (head + k - next) & (Ring.size - 1);
    const op = ring[slot]!;
    ring[slot] = ring[head & (Ring.size - 1)]!; // the first one takes its place
    local.head = head + 1;
    return op;
  }

  /** Moves p's goroutines to the global queue: p will mark. Source: gcBgMarkWorker, dedicated mode. */
  giveAway(p: P): void {
    for (let op = this.get(p); op !== null; op = this.get(p)) this.putGlobal(op);
  }

  /** Moves all of p's goroutines to the head of the global queue: p dies. Source: p.destroy. */
  evacuate(p: P): void {
    const local = this.locals[p]!;
    while (local.tail !== local.head) this.putGlobalHead(local.ring[--local.tail & (Ring.size - 1)]!);
    if (local.next !== null) this.putGlobalHead(local.next);
    local.next = null;
  }

  private putGlobalHead(op: Op): void {
    op.link = this.globalHead;
    this.globalHead = op;
    if (this.globalTail === null) this.globalTail = op;
    this.globalSize++;
  }

  /** Visits every queued goroutine; p: of that P's queue, -1: of the global one. */
  each(visit: (op: Op, p: number) => void): void {
    for (let op = this.globalHead; op !== null; op = op.link) visit(op, -1);
    for (let p = 0 as P; p < this.locals.length; p++) {
      const { head, tail, next, ring } = this.locals[p]!;
      if (next !== null) visit(next, p);
      for (let i = head; i !== tail; i++) visit(ring[i & (Ring.size - 1)]!, p);
    }
  }

  /** Whether no goroutine waits in any queue. */
  get empty(): boolean {
    if (this.globalSize > 0) return false;
    for (let p = 0 as P; p < this.procs; p++) if (this.length(p) > 0) return false;
    return true;
  }

  /** Number of goroutines queued at p, runNext included. */
  length(p: P): number {
    const { head, tail, next } = this.locals[p]!;
    return tail - head + (next !== null ? 1 : 0);
  }

  /** Number of goroutines in p's ring. */
  ringLength(p: P): number {
    const { head, tail } = this.locals[p]!;
    return tail - head;
  }
}
