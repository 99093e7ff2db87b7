// world: what the collector needs of whoever runs goroutines. Declared here, implemented above (sched/); called at phase
// changes and for roots, never on a hot path.
import type { GcWork } from './mgcwork.ts';

/** The scheduler as the collector sees it. */
export interface World {
  /** Number of Ps. */
  readonly procs: number;
  /** No goroutine runs user code after this returns. Source: stopTheWorldWithSema. */
  stopTheWorld(reason: string): void;
  /** The world goes on after a stop of `nanos` virtual nanoseconds, which every P that runs has lost. */
  startTheWorld(nanos: number): void;
  /** Goroutines of the program that are not dead. */
  readonly live: number;
  /** Virtual nanoseconds on the clock of the P that runs. Source: nanotime. */
  now(): number;
  /** Virtual nanoseconds that the running goroutine's P spends now, for work that it does itself. */
  charge(nanos: number): void;
  /** Number of stacks to scan: one root job each. Goroutines made while marking need no scan (their objects are black). */
  stackCount(): number;
  /** Greys what the i-th stack points to; returns the bytes scanned. The goroutine stands at a safepoint. Source: scanstack. */
  scanStack(i: number, work: GcWork): number;
  /** Visits every pointer slot of every stack, with the stack's number as for scanStack; for checks that must not disturb the marking. */
  eachStackPointer(visit: (addr: number, stack: number) => void): void;
  /** A cycle is about to begin: there is a mark worker for each P. Source: gcBgMarkStartWorkers. */
  startWorkers(): void;
  /** There is something to sweep in the background. */
  wakeSweeper(): void;
  /** Lets the mark workers of all Ps do what they would have done until now(), called while a goroutine runs. */
  backgroundMark(): void;
  /** Nanoseconds that Ps have been idle until `now`, all Ps together, since the last call. */
  takeIdleTime(now: number): number;
  /** A cycle changed phase: whoever waits for it may go on. */
  cycleChanged(): void;
}
