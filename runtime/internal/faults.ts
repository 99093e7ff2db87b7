// faults: known bugs that tests put in on purpose, to show that a check catches them. All are off in every real run; the
// options of the public API cannot reach them. Each is asked for at one place, never inside a per-word loop.

/** Switches, one a bug; docs/invariants.md says which check catches which. */
export class Faults {
  /** No write barrier: a pointer moved behind the marker's back is lost (M01). */
  noBarrier = false;
  /** Objects allocated while marking are white (M08). */
  allocWhite = false;
  /** The profile rotates at mark termination although the sweep of the last cycle is not done (W08). */
  rotateBeforeSweepDone = false;
  /** The sweeper drops profile specials without telling the profiler (W10). */
  loseSpecial = false;
  /** The sweep leaves the mark bits of the last cycle set (M20). */
  keepMarkBits = false;
  /** A goroutine's stack is not scanned (M13). */
  skipStackScan = false;
}
