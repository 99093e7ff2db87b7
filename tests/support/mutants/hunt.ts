// hunt: runs hostile programs against one mutant until somebody notices it.
import { type Case, caseOf, judge, type RunCase, type Verdict } from '../hostile/case.ts';
import { runHostile } from '../hostile/run.ts';
import type { Mutant } from './mutant.ts';

/** How the programs of one mutant run; null: with nothing broken. */
export function runWith(mutant: Mutant | null, checks: boolean): RunCase {
  return (program, chooser, seed) =>
    runHostile(program, {
      seed,
      chooser,
      checks,
      ...(mutant === null ? {} : { tamper: mutant.breaks, holdOperands: mutant.holdOperands ?? false }),
    });
}

/** The first schedule in which somebody noticed. */
export interface Kill {
  /** How many were run, that one included. */
  readonly schedules: number;
  readonly verdict: Verdict;
  readonly case: Case;
}

/** Runs cases 0, 1, … of a seed against a mutant; null: nobody noticed in `most` of them. */
export function hunt(mutant: Mutant, seed: number, checks: boolean, most: number): Kill | null {
  const run = runWith(mutant, checks);
  for (let i = 0; i < most; i++) {
    const tried = caseOf(seed, i, mutant);
    const { verdict } = judge(tried, run);
    if (verdict !== null) return { schedules: i + 1, verdict, case: tried };
  }
  return null;
}
