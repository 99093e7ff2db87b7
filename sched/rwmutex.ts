// rwmutex: Go's sync.RWMutex: any number of readers or one writer. A writer that waits keeps new readers out, so that it gets
// its turn; when it is done, the readers that came meanwhile all go before the next writer. Source: sync/rwmutex.go.

import type { Addr } from '../runtime/internal/memory.ts';
import { Site } from './contention.ts';
import { type Locker, Mutex } from './mutex.ts';
import type { Blocking, Op, Resumable } from './op.ts';

/** Word offsets behind those of the mutex that writers compete for. */
const enum RWMutexRecord {
  /** a Sema: the writer waits here for the readers to leave */
  writerSem = 4,
  /** a Sema: readers wait here for the writer */
  readerSem = 7,
  /** readers that hold it or wait; less maxReaders while a writer is pending */
  readerCount = 10,
  /** readers that the pending writer waits for */
  readerWait,
  words,
}
export const rwMutexBytes = RWMutexRecord.words * 4;

const maxReaders = 1 << 30;

/** A lock for many readers or one writer; new ones are unlocked. */
export class RWMutex extends Mutex {
  private readonly whenRead: Resumable = { resume: (op) => this.readerWoken(op) };
  private readonly whenWritten: Resumable = { resume: (op) => this.writerWoken(op) };

  protected readerWoken(op: Op): boolean {
    this.touch();
    return this.semWoken(op, RWMutexRecord.readerSem);
  }

  protected writerWoken(op: Op): boolean {
    this.touch();
    return this.semWoken(op, RWMutexRecord.writerSem);
  }

  // --- readers ---------------------------------------------------------------------------------------------------------

  /** Locks it for reading. Do not nest: a writer may come between. `yield*` it. */
  rLock(): Blocking<void> {
    const { sched } = this;
    this.touch();
    const op = sched.begin();
    return (this.rLockFor(op) ? sched.settled(op) : op) as Blocking<void>;
  }

  /** @internal */
  rLockFor(op: Op): boolean {
    this.touch();
    if (++this.w[this.i + RWMutexRecord.readerCount]! >= 0) return true;
    if (this.semAcquire(op, RWMutexRecord.readerSem, false)) return true;
    op.goesOn(this.whenRead); // a writer is pending
    return false;
  }

  /** Locks it for reading if no writer has it or waits; says whether it did. */
  tryRLock(): boolean {
    this.touch();
    const at = this.i + RWMutexRecord.readerCount;
    if (this.w[at]! < 0) return false;
    this.w[at]!++;
    return true;
  }

  /** Ends one rLock. Fatal when there is none. */
  rUnlock(): void {
    this.touch();
    const { w, i } = this;
    const readers = w[i + RWMutexRecord.readerCount]! - 1;
    if (readers === -1 || readers === -maxReaders - 1) this.misuse('sync: RUnlock of unlocked RWMutex');
    w[i + RWMutexRecord.readerCount] = readers;
    if (readers < 0 && --w[i + RWMutexRecord.readerWait]! === 0) this.semRelease(RWMutexRecord.writerSem, false);
  }

  /** A Locker that locks it for reading. */
  rLocker(): Locker {
    return { lock: () => this.rLock(), unlock: () => this.rUnlock(), lockFor: (op) => this.rLockFor(op) };
  }

  // --- writers ---------------------------------------------------------------------------------------------------------

  /** @internal */
  override lockFor(op: Op): boolean {
    return super.lockFor(op) && this.awaitReaders(op);
  }

  /** @internal */
  override resume(op: Op): boolean {
    return super.resume(op) && this.awaitReaders(op);
  }

  /** This goroutine is the only writer: new readers stay out, and it waits for those that are in. */
  private awaitReaders(op: Op): boolean {
    const { w, i } = this;
    const readers = w[i + RWMutexRecord.readerCount]!;
    w[i + RWMutexRecord.readerCount] = readers - maxReaders;
    if (readers === 0) return true;
    w[i + RWMutexRecord.readerWait]! += readers;
    if (w[i + RWMutexRecord.readerWait] === 0) return true;
    if (this.semAcquire(op, RWMutexRecord.writerSem, false)) return true;
    op.goesOn(this.whenWritten);
    return false;
  }

  override tryLock(): boolean {
    if (!super.tryLock()) return false;
    const at = this.i + RWMutexRecord.readerCount;
    if (this.w[at] !== 0) {
      super.unlock();
      return false;
    }
    this.w[at] = -maxReaders;
    return true;
  }

  override unlock(): void {
    this.touch();
    const { w, i } = this;
    const readers = w[i + RWMutexRecord.readerCount]! + maxReaders;
    if (readers >= maxReaders) this.misuse('sync: Unlock of unlocked RWMutex');
    w[i + RWMutexRecord.readerCount] = readers;
    for (let k = 0; k < readers; k++) this.semRelease(RWMutexRecord.readerSem, false);
    super.unlock();
  }

  protected override waitSite(s: number): Site {
    return s === RWMutexRecord.readerSem ? Site.rlock : s === RWMutexRecord.writerSem ? Site.rwLock : Site.writersLock;
  }
  protected override lockSite(s: number): Site {
    return s === RWMutexRecord.readerSem ? Site.rwUnlock : s === RWMutexRecord.writerSem ? Site.runlock : Site.writersUnlock;
  }
  protected override wordsInUse(): number {
    return RWMutexRecord.words;
  }
  protected override waiters(): Addr {
    return super.waiters() | this.first(RWMutexRecord.writerSem) | this.first(RWMutexRecord.readerSem);
  }
}
