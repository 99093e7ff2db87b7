// faults: known bugs that tests put in on purpose, to show that a check catches them: those lines that lie in the middle of a
// function. Most mutants need none of this: they replace a function of one machine from outside (tests/support/mutants).
//
// All are off in every real run; the options of the public API cannot reach them. Each is asked for at one place, never inside
// a per-word loop.

/** Switches, one a bug; docs/invariants.md says which check catches which. */
export class Faults {
  /** No write barrier: a pointer moved behind the marker's back is lost (M01). */
  noBarrier = false;
  /** Objects allocated while marking are white (M08). */
  allocWhite = false;
  /** The sweep leaves the mark bits of the last cycle set (M20). */
  keepMarkBits = false;
  /** A goroutine's stack is not scanned (M13). */
  skipStackScan = false;
  /** A special is attached in a span that its P kept over mark termination and that is not swept (for M09 and E3). */
  specialOnUnswept = false;
}
