// gcknobs: what tests and GODEBUG may switch on in the collector. All of it is off in a plain run. See mgc.ts for the cycle.
import type { Era } from '../runtime/internal/era.ts';

/** Knobs of the collector. */
export interface GcKnobs {
  /** Checks every invariant of the heap at each phase change. */
  checkHeap: boolean;
  /** Runs the independent marking at each mark termination. */
  checkMark: boolean;
  /** Checks M2 after every step of the marking. No option reaches it: each check walks the whole heap. */
  checkColours: boolean;
  /** gcstoptheworld: 1 marks in one pause, 2 sweeps in it as well. */
  stopTheWorld: number;
  /** No cycle ever begins. */
  sbrk: boolean;
  /** A whole cycle before every malloc. */
  everyMalloc: boolean;
  /** gctrace: a line for each cycle, as that age of Go wrote it. */
  trace: false | Era;
  pacerTrace: boolean;
  scavTrace: boolean;
}

/** What a plain run has. */
export const knobsOff: GcKnobs = {
  checkHeap: false,
  checkMark: false,
  checkColours: false,
  stopTheWorld: 0,
  sbrk: false,
  everyMalloc: false,
  trace: false,
  pacerTrace: false,
  scavTrace: false,
};
