// proflock: the profiler's locks. Until Go 1.18 one lock guarded everything; 1.19 has one for each thing that may be busy at a time,
// because a flush of many buckets kept the sweepers waiting that had a free to record (golang/go#45894).
//
//   2014      proflock          table, lists, all counters
//   1.19      profInsert        table and lists, while a bucket is put in; looking one up takes no lock
//             profBlock         counters of the block and mutex profiles
//             profMemActive     what is published
//             profMemFuture[i]  the stage of the cycles C with C % 3 = i; under profMemActive, or alone
//
// A malloc takes the future lock of C+2, a free found by the sweep that of C+1, and nothing else: so neither waits for a reader.
// Under each of them only memory for buckets may be taken. In particular nobody attaches a special under one: that may sweep a
// span, which may free a sampled object, which needs the lock (tests/stories/proflock.test.ts).
//
// Several schemes may watch a run, and each has stages of its own; they are all guarded by the locks of the cycle. On one
// thread a lock never waits, but its rank is checked each time (runtime/internal/lock.ts). Source: mprof.go, lockrank.go.
import type { Era } from '../runtime/internal/era.ts';
import { type LockOrder, LockRank, Mutex } from '../runtime/internal/lock.ts';

/** What can be locked and unlocked. */
export interface ProfLock {
  lock(): void;
  unlock(): void;
}

/** Somebody else's lock does. */
const none: ProfLock = { lock() {}, unlock() {} };

/** The locks of one profiler. Take `all` first; in the era 2014 it is the one lock, since 1.19 it is nothing. */
export class ProfLocks {
  readonly all: ProfLock;
  readonly insert: ProfLock;
  readonly block: ProfLock;
  readonly active: ProfLock;
  /** By cycle modulo 3. */
  readonly future: readonly [ProfLock, ProfLock, ProfLock];

  constructor(order: LockOrder, era: Era) {
    if (era === '2014') {
      this.all = new Mutex(order, LockRank.prof, 'proflock');
      this.insert = this.block = this.active = none;
      this.future = [none, none, none];
      return;
    }
    this.all = none;
    this.insert = new Mutex(order, LockRank.profInsert, 'profInsertLock');
    this.block = new Mutex(order, LockRank.profBlock, 'profBlockLock');
    this.active = new Mutex(order, LockRank.profMemActive, 'profMemActiveLock');
    const future = (i: number) => new Mutex(order, LockRank.profMemFuture, `profMemFutureLock[${i}]`);
    this.future = [future(0), future(1), future(2)];
  }
}
