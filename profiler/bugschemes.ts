// bugschemes: errors that Go's profiler has had, as schemes beside the right ones (schemes.ts), so that one run shows both. Each is
// the right scheme with the one thing wrong that the issue tells of.
//
//   bug-19311  Go 1.5 to 1.8, three stages: the rotation came some time after the world was started. What is freed in between is
//              counted a cycle ahead of its malloc: in use is too small by it, even negative, until the next cycle.
//   bug-45894  until Go 1.18: the flush held the lock that every sampled malloc and free needs. The figures are right; the other
//              Ps wait. (The scheme that publishes charges them with it; one that only watches moves nothing.)
//   bug-46500  Go 1.17 beta: runtime.GC() published when no span was left to take, though another P still swept the last one.
//              What that one frees is counted as in use, until the next cycle.
//   bug-68136  what the first candidate of Go 1.23 looked like: nothing is ever published.
import { type BugSchemeName, Cycle, makeSound, type RecordStore, type Scheme, type SchemeName, ThreeStage } from './schemes.ts';

/** Mallocs and frees between the start of the world and the late rotation of bug-19311. */
const lateEvents = 64;
/** Virtual nanoseconds that a flush needs for a bucket: a cache miss. */
const flushNanos = 50;

class LateRotation extends ThreeStage {
  /** Events until the rotation; 0: it is done. */
  private left = 0;
  override onMalloc(record: number, bytes: number): void {
    super.onMalloc(record, bytes);
    this.event();
  }
  override onExplicitFree(record: number, bytes: number): void {
    super.onExplicitFree(record, bytes);
    this.event();
  }
  override onSweepFree(record: number, bytes: number): void {
    super.onSweepFree(record, bytes);
    this.event();
  }
  override onMarkTermination(): void {
    this.rotateNow();
    this.left = lateEvents;
  }
  override onForcedSweepDone(): void {
    this.rotateNow();
    super.onForcedSweepDone();
  }
  private event(): void {
    if (this.left === 1) this.rotateNow();
    else if (this.left > 1) this.left--;
  }
  private rotateNow(): void {
    if (this.left === 0) return;
    this.left = 0;
    this.rotate();
  }
}

/** Waits for the lock: how many mallocs and frees did, and for how long in all. */
export class OneLock extends Cycle {
  private busyUntil = 0;
  waits = 0;
  waitNanos = 0;
  override onMalloc(record: number, bytes: number): void {
    this.lock();
    super.onMalloc(record, bytes);
  }
  override onExplicitFree(record: number, bytes: number): void {
    this.lock();
    super.onExplicitFree(record, bytes);
  }
  override onSweepFree(record: number, bytes: number): void {
    this.lock();
    super.onSweepFree(record, bytes);
  }
  override onWorldStarted(): void {
    const { clock, recordCount } = this.store;
    super.onWorldStarted();
    if (clock === null || this.base !== 0) return;
    this.busyUntil = clock.now() + recordCount * flushNanos;
    clock.charge(recordCount * flushNanos);
  }
  private lock(): void {
    const { clock } = this.store;
    if (this.busyUntil === 0 || clock === null) return;
    const nanos = this.busyUntil - clock.now();
    if (nanos <= 0) return;
    this.waits++;
    this.waitNanos += nanos;
    clock.charge(nanos);
  }
}

class EarlyPublication extends Cycle {
  /** The last free that was found: somebody is about to record it. record -1: none. */
  private record = -1;
  private bytes = 0;
  override onSweepFree(record: number, bytes: number): void {
    this.arrive();
    this.record = record;
    this.bytes = bytes;
  }
  override onMarkTermination(): void {
    this.arrive(); // no cycle begins before the last one is swept
    super.onMarkTermination();
  }
  override onForcedSweepDone(): void {
    super.onForcedSweepDone();
    this.arrive();
  }
  private arrive(): void {
    if (this.record >= 0) super.onSweepFree(this.record, this.bytes);
    this.record = -1;
  }
}

class NeverPublished extends Cycle {
  override onMarkTermination(): void {}
  override onWorldStarted(): void {}
  override onForcedSweepDone(): void {}
  override snapshot(): void {}
}

/** Makes a scheme whose first counter lies `base` doubles behind a bucket's first counter. */
export function makeScheme(name: SchemeName, store: RecordStore, base: number): Scheme {
  return isBug(name) ? makeBug(name, store, base) : makeSound(name, store, base);
}

function isBug(name: SchemeName): name is BugSchemeName {
  return name.startsWith('bug-');
}

function makeBug(name: BugSchemeName, store: RecordStore, base: number): Scheme {
  switch (name) {
    case 'bug-19311':
      return new LateRotation(name, store, base);
    case 'bug-45894':
      return new OneLock(name, store, base);
    case 'bug-46500':
      return new EarlyPublication(name, store, base);
    case 'bug-68136':
      return new NeverPublished(name, store, base);
  }
}
