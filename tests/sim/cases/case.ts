// case: what a case is. A case is a small concurrent program with one known bug, and the same program mended: its fixed twin.
// Exploring must find the bug and must stay silent on the twin. README.md in this folder says how to write one.
//
// A plain call (close, unlock, done, signal, tryRecv …) is no scheduling point. Where others must be able to go on just before
// one, as they are in the kernel that a case was made from, the case says `yield* go.point()`.
import type { GoFunc } from '../../../runtime/index.ts';
import type { Verdict } from '../../../sim/index.ts';

/** A program with a bug, and its fixed twin. */
export interface Case {
  /** Number in the catalogue ('B01'); that of a family is shared by its sizes. */
  readonly id: string;
  /** Unique. */
  readonly name: string;
  /** Where it comes from: 'adapted from GoKer cockroach10214'. */
  readonly source: string;
  /** One sentence: what goes wrong, and how. */
  readonly bug: string;
  readonly buggy: GoFunc<[]>;
  readonly fixed: GoFunc<[]>;
  /** What may be reported. 'race' is looked for in those cases only that name it: elsewhere it would hide what else goes wrong. */
  readonly verdict: Verdict | readonly Verdict[];
  /** Fewest preemptions with which it fails; null: nobody knows. */
  readonly preemptions: number | null;
  /** It needs a timer to fire early: the clock alone, run in order, does not show it. */
  readonly timers?: boolean;
  /** A member of a family: how many goroutines. */
  readonly size?: number;
  /** Every schedule fails. */
  readonly deterministic?: boolean;
  /** Nobody can be asked to find it within 1,000 schedules; why. */
  readonly hard?: string;
}

/** Both twins of a program: goroutine functions are made once for each, and not in every run. */
export function twins(program: (fixed: boolean) => GoFunc<[]>): Pick<Case, 'buggy' | 'fixed'> {
  return { buggy: program(false), fixed: program(true) };
}

/** The members of a family, named `name_n`. */
export function family(
  sizes: readonly number[],
  name: string,
  rest: Omit<Case, 'name' | 'size' | 'buggy' | 'fixed'>,
  program: (n: number) => (fixed: boolean) => GoFunc<[]>,
): Case[] {
  return sizes.map((size) => ({ ...rest, name: `${name}_${size}`, size, ...twins(program(size)) }));
}

/** The verdicts that a case expects. */
export function expected({ verdict }: Case): readonly Verdict[] {
  return typeof verdict === 'string' ? [verdict] : verdict;
}
