// lock: Go's runtime mutexes with their ranks. One thread runs the machine, so a lock never waits; what a lock still
// tells is the order: taking one whose rank is not above those held, or one that is held, is a bug that a real machine
// would meet as a deadlock. Source: lockrank.go, and the lock table of mprof.go's history.
import { gothrow } from './throw.ts';

/** Ranks: a lock may be taken only while all held locks have smaller ranks. Go's partial order, made a line. */
export const enum LockRank {
  sched = 10,
  /** 2014: the finalizer queue and tracing print while holding this. */
  trace = 20,
  /** proflock: bucket table, lists, counters. Under it only memory for buckets may be taken. */
  prof = 30,
  mcentral = 40,
  spanSpecial = 50,
  mheap = 60,
  mheapSpecial = 70,
  /** Chunks of off-heap memory: taken under almost anything. */
  persistentAlloc = 80,
}

/** The locks that are held now, in the order in which they were taken. One per machine. */
export class LockOrder {
  private readonly held: Mutex[] = [];

  /** Names of the held locks, outermost first; empty at every safepoint. */
  heldNames(): string[] {
    return this.held.map((m) => m.name);
  }

  lock(m: Mutex): void {
    const { held } = this;
    if (m.locked) gothrow(`lock: ${m.name} is already held by this M: self-deadlock (held: ${this.heldNames().join(', ')})`);
    const top = held[held.length - 1];
    if (top !== undefined && top.rank >= m.rank) {
      gothrow(`lock: ${m.name} (rank ${m.rank}) taken while holding ${top.name} (rank ${top.rank})`);
    }
    m.locked = true;
    held.push(m);
  }

  unlock(m: Mutex): void {
    if (!m.locked) gothrow(`unlock: ${m.name} is not held`);
    m.locked = false;
    const { held } = this;
    if (held[held.length - 1] === m) held.pop();
    else held.splice(held.indexOf(m), 1);
  }
}

/** A runtime lock. Its state lives here and not in the arena: it is never held where an inspector can look. */
export class Mutex {
  locked = false;
  constructor(
    readonly order: LockOrder,
    readonly rank: number,
    readonly name: string,
  ) {}
  lock(): void {
    this.order.lock(this);
  }
  unlock(): void {
    this.order.unlock(this);
  }
}
