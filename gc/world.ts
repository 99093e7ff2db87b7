// world: what the collector needs of whoever runs goroutines. Declared here, implemented above (sched/); called at phase
// changes and for roots, never on a hot path.
import type { GcWork } from './mgcwork.ts';

/** The scheduler as the collector sees it. */
export interface World {
  /** No goroutine runs user code after this returns. Source: stopTheWorldWithSema. */
  stopTheWorld(reason: string): void;
  startTheWorld(): void;
  /** Number of stacks to scan: one root job each. Goroutines made while marking need no scan (their objects are black). */
  stackCount(): number;
  /** Greys what the i-th stack points to. The goroutine stands at a safepoint. Source: scanstack. */
  scanStack(i: number, work: GcWork): void;
  /** Visits every pointer slot of every stack, for checks that must not disturb the marking. */
  eachStackPointer(visit: (addr: number) => void): void;
  /** A cycle changed phase: whoever waits for it may go on. */
  cycleChanged(): void;
}
