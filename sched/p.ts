// p: processors and the threads that hold them. A P has a run queue and an allocation cache (a Mutator); an M has a clock.
// Source: runtime2.go p, m.
//
// Run queue (proc.go runq…): a ring of 256 whose owner pushes at the tail and anyone pops at the head, and one slot,
// runNext, for the goroutine that the running one just made ready: it goes first and inherits the time slice.
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import type { G } from './g.ts';

/** Row of the processor table, from 0 on: P0 exists. */
export type P = Id<'p'>;

/** Go's P statuses. */
export const enum PStatus {
  idle = 0,
  running = 1,
}

/** Length of the local ring. */
export const runqSize = 256;

export function pTable(mem: LinearAlloc, procs: number) {
  mem.table('p');
  return {
    status: mem.u8<P>('status', procs),
    /** Counts scheduler rounds; every 61st looks at the global queue first. Does not move for runNext. */
    schedTick: mem.i32<P>('schedTick', procs),
    /** Ring positions, ever growing; entries are at position % 256. */
    runqHead: mem.i32<P>('runqHead', procs),
    runqTail: mem.i32<P>('runqTail', procs),
    runq: mem.i32<Id<'runqSlot'>>('runq', procs * runqSize),
    runNext: mem.i32<P>('runNext', procs),
    /** When this P's time slice began, and the schedTick that it belongs to. Go's sysmontick. */
    sliceStart: mem.f64<P>('sliceStart', procs),
    sliceTick: mem.i32<P>('sliceTick', procs),
    /** Virtual nanoseconds of this P's M. Only grows. */
    clock: mem.f64<P>('clock', procs),
    /** What this P does for the collector (WorkerMode); none while nothing marks. The P itself writes it. */
    workerMode: mem.u8<P>('workerMode', procs),
    /** Nanoseconds that this P's fractional worker has marked in this cycle. Go's gcFractionalMarkTime. */
    fractionalTime: mem.f64<P>('fractionalTime', procs),
    /** Nanoseconds of sweeping that this P still owes: a third of the time of its goroutines. */
    sweepDebt: mem.f64<P>('sweepDebt', procs),
    /** Since when this P has been idle and the CPU limiter has not heard of it. */
    idleFrom: mem.f64<P>('idleFrom', procs),
  };
}

export type PTable = ReturnType<typeof pTable>;

/** Local and global run queues of one machine. */
export class RunQueues {
  private globalHead: G = 0 as G;
  private globalTail: G = 0 as G;
  globalSize = 0;

  constructor(
    private readonly pt: PTable,
    private readonly schedLink: Column<G>,
    private readonly procs: number,
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
    let n = Math.min(this.globalSize, Math.floor(this.globalSize / this.procs) + 1, runqSize >> 1);
    if (max > 0) n = Math.min(n, max);
    const first = this.popGlobal();
    for (n--; n > 0; n--) this.put(p, this.popGlobal(), false);
    return first;
  }

  /** Makes g the next of p (next) or its last. The goroutine that was next goes to the tail. Source: runqput. */
  put(p: P, g: G, next: boolean): void {
    const { pt } = this;
    let last = g;
    if (next) {
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

  /** p's time slice is used up: whoever would inherit it goes to the end of the global queue. */
  expire(p: P): void {
    const next = this.pt.runNext[p] as G;
    if (next === 0) return;
    this.pt.runNext[p] = 0;
    this.putGlobal(next);
  }

  /** Moves half of victim's ring (rounded up) to p and returns one of it; runNext only when the ring is empty. Source: runqsteal. */
  steal(p: P, victim: P): G {
    const { pt } = this;
    const n = pt.runqTail[victim] - pt.runqHead[victim];
    if (n === 0) {
      const next = pt.runNext[victim] as G;
      pt.runNext[victim] = 0;
      return next;
    }
    for (let i = 1; i < n - (n >> 1); i++) this.push(p, this.pop(victim));
    return this.pop(victim);
  }

  /** Moves p's goroutines to the global queue: p will mark. Source: gcBgMarkWorker, dedicated mode. */
  giveAway(p: P): void {
    for (let g = this.get(p); g !== 0; g = this.get(p)) this.putGlobal(g);
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
