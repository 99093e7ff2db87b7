// rwmutex: Go's sync.RWMutex: any number of readers or one writer. A writer that waits keeps new readers out, so that it gets
// its turn; when it is done, the readers that came meanwhile all go before the next writer. Source: sync/rwmutex.go.

import { Site } from './contention.ts';
import { type Locker, Mutex, MutexRecord } from './mutex.ts';
import type { Blocking, Op, Resumable } from './op.ts';
import { Sema } from './sema.ts';

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
  protected override readonly sema = new Sema(this, MutexRecord.sema, Site.writersLock, Site.writersUnlock);
  private readonly writerSem = new Sema(this, RWMutexRecord.writerSem, Site.rwLock, Site.runlock);
  private readonly readerSem = new Sema(this, RWMutexRecord.readerSem, Site.rlock, Site.rwUnlock);
  private readerCount = 0;
  private readerWait = 0;
  private readonly whenRead: Resumable = { resume: (op) => this.readerWoken(op) };
  private readonly whenWritten: Resumable = { resume: (op) => this.writerWoken(op) };

  protected readerWoken(op: Op): boolean {
    this.touch();
    return this.readerSem.woken(op);
  }

  protected writerWoken(op: Op): boolean {
    this.touch();
    return this.writerSem.woken(op);
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
    if (++this.readerCount >= 0) return true;
    if (this.readerSem.acquire(op, false)) return true;
    op.goesOn(this.whenRead); // a writer is pending
    return false;
  }

  /** Locks it for reading if no writer has it or waits; says whether it did. */
  tryRLock(): boolean {
    this.touch();
    if (this.readerCount < 0) return false;
    this.readerCount++;
    return true;
  }

  /** Ends one rLock. Fatal when there is none. */
  rUnlock(): void {
    this.touch();
    const readers = this.readerCount - 1;
    if (readers === -1 || readers === -maxReaders - 1) this.misuse('sync: RUnlock of unlocked RWMutex');
    this.readerCount = readers;
    if (readers < 0 && --this.readerWait === 0) this.writerSem.release(false);
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
    const readers = this.readerCount;
    this.readerCount = readers - maxReaders;
    if (readers === 0) return true;
    this.readerWait += readers;
    if (this.readerWait === 0) return true;
    if (this.writerSem.acquire(op, false)) return true;
    op.goesOn(this.whenWritten);
    return false;
  }

  override lockNow(): boolean {
    if (this.readerCount !== 0 || !super.lockNow()) return false;
    this.readerCount = -maxReaders;
    return true;
  }

  override tryLock(): boolean {
    if (!super.tryLock()) return false;
    if (this.readerCount !== 0) {
      super.unlock();
      return false;
    }
    this.readerCount = -maxReaders;
    return true;
  }

  override unlock(): void {
    this.touch();
    const readers = this.readerCount + maxReaders;
    if (readers >= maxReaders) this.misuse('sync: Unlock of unlocked RWMutex');
    this.readerCount = readers;
    for (let k = 0; k < readers; k++) this.readerSem.release(false);
    super.unlock();
  }

  /** @internal */
  override save(): void {
    super.save();
    const { w, i } = this;
    w[i + RWMutexRecord.readerCount] = this.readerCount;
    w[i + RWMutexRecord.readerWait] = this.readerWait;
    this.writerSem.save(w);
    this.readerSem.save(w);
  }
  protected override hasWaiters(): boolean {
    return super.hasWaiters() || this.writerSem.hasWaiters || this.readerSem.hasWaiters;
  }
}
