// lock: Go's runtime mutexes with their ranks. One thread runs the machine, so a lock never waits; what a lock still
// tells is the order: taking one whose rank is not above those held, or one that is held, is a bug that a real machine
// would meet as a deadlock. Source: lockrank.go, and the lock table of mprof.go's history.
import { gothrow } from './throw.ts';

/** Ranks: a lock may be taken only while all held locks have smaller ranks. Go's partial order, made a line. */
export const enum LockRank {
  sched = 10,
  /** 2014: the finalizer queue and tracing print while holding this. */
  trace = 20,
  /** 2014's proflock: bucket table, lists, counters. Under it, as under the locks that it was split into, only memory may be taken. */
  prof = 30,
  profInsert = 31,
  profBlock = 32,
  profMemActive = 33,
  profMemFuture = 34,
  mcentral = 40,
  spanSpecial = 50,
  mheap = 60,
  mheapSpecial = 70,
  /** Chunks of off-heap memory: taken under almost anything. */
  persistentAlloc = 80,
}

/**
 * The locks that are held now. Their ranks rise from the outermost to the innermost, so the highest one says whether the next may be
 * taken, and each remembers the one below it: numbers, because a sampled malloc takes and gives back five locks. One per machine.
 */
export class LockOrder {
  private readonly all: Mutex[] = [];
  /** Rank of the innermost one; 0: none is held. */
  private top = 0;

  /** A lock that may be taken. */
  add(m: Mutex): void {
    this.all.push(m);
  }

  private held(): Mutex[] {
    return this.all.filter((m) => m.locked).sort((a, b) => a.rank - b.rank);
  }

  /** Names of the held locks, outermost first; empty at every safepoint. */
  heldNames(): string[] {
    return this.top === 0 ? [] : this.held().map((m) => m.name);
  }

  lock(m: Mutex): void {
    if (this.top >= m.rank) this.refuse(m);
    m.locked = true;
    m.below = this.top;
    this.top = m.rank;
  }

  private refuse(m: Mutex): never {
    if (m.locked) gothrow(`lock: ${m.name} is already held by this M: self-deadlock (held: ${this.heldNames().join(', ')})`);
    const { name, rank } = this.held().pop()!;
    return gothrow(`lock: ${m.name} (rank ${m.rank}) taken while holding ${name} (rank ${rank})`);
  }

  unlock(m: Mutex): void {
    if (!m.locked) gothrow(`unlock: ${m.name} is not held`);
    m.locked = false;
    if (this.top === m.rank) this.top = m.below;
    else this.unlockInside(m);
  }

  /** m is not the innermost lock. */
  private unlockInside(m: Mutex): void {
    for (const inner of this.held()) if (inner.below === m.rank) inner.below = m.below;
  }
}

/** A runtime lock. Its state lives here and not in the arena: it is never held where an inspector can look. */
export class Mutex {
  locked = false;
  /** Rank of the lock that was innermost when this one was taken. LockOrder's. */
  below = 0;
  constructor(
    readonly order: LockOrder,
    readonly rank: number,
    readonly name: string,
  ) {
    order.add(this);
  }
  lock(): void {
    this.order.lock(this);
  }
  unlock(): void {
    this.order.unlock(this);
  }
}
