// mfinal: functions that wait for objects to die, and the queue of those whose time has come. See mspecial.ts for how the
// sweeper gets here. Source: mfinal.go.
//
// The functions are JavaScript's and known by number; the records in the arena carry the numbers. A queued finalizer holds
// its object (a root) until the finalizer goroutine has run it; a queued cleanup holds nothing of the dead object.
import type { Addr } from '../runtime/internal/memory.ts';

/** A function that the program registered; the layer above knows what it is called with. */
export type FinalFunc = (addr: Addr) => unknown;

/** One call that is due. */
export interface FinalCall {
  readonly fn: FinalFunc;
  /** The object of a finalizer; 0 for a cleanup. */
  readonly addr: Addr;
}

/** Registered functions and the calls that are due, of one machine. */
export class FinalQueue {
  private readonly functions = new Map<number, FinalFunc>();
  private nextNumber = 1;
  private due: FinalCall[] = [];
  /** The order of 2014. */
  firstFirst = false;
  /** Told when a call becomes due: the scheduler wakes the finalizer goroutine. */
  onDue: (() => void) | null = null;

  /** Registers a function; returns its number (never 0). */
  register(fn: FinalFunc): number {
    const n = this.nextNumber++;
    this.functions.set(n, fn);
    return n;
  }

  /** Forgets a function that will not be called. */
  forget(n: number): void {
    this.functions.delete(n);
  }

  /**
   * The sweeper found an object dead: the call is due. addr: the object, which is kept for it (a finalizer), or 0 (a cleanup).
   * Source: queuefinalizer.
   */
  queue(n: number, addr: Addr): void {
    this.due.push({ fn: this.functions.get(n)!, addr });
    this.functions.delete(n);
    if (this.onDue !== null) this.onDue();
  }

  /** Takes the next call: the last one of the queue first, as Go 1.19 goes through a block, or the first, as in 2014. */
  take(): FinalCall | undefined {
    return this.firstFirst ? this.due.shift() : this.due.pop();
  }

  /** Number of calls that are due. */
  get length(): number {
    return this.due.length;
  }

  /** Visits the objects of queued finalizers: roots. */
  eachRoot(visit: (addr: Addr) => void): void {
    for (const { addr } of this.due) if (addr !== 0) visit(addr);
  }
}
