// catalogue: all mutants in one list, and those of the reference that our runtime cannot have. docs/invariants.md has the table
// of who notices which; `make mutants` measures it.
import { markingMutants } from './marking.ts';
import type { Mutant } from './mutant.ts';
import { sweepMutants } from './sweep.ts';

/** The mutant that must always die: a run in which it survives says nothing. */
export const canary = 'M18';

/** By id, mutants first, controls (E…) last. */
export const mutants: readonly Mutant[] = [...markingMutants, ...sweepMutants].sort(
  (a, b) => Number(a.control ?? false) - Number(b.control ?? false) || (a.id < b.id ? -1 : 1),
);

/** Mutants of the reference that are not in the list, each with the reason. */
export const absent: readonly { readonly id: string; readonly title: string; readonly why: string }[] = [
  {
    id: 'M25',
    title: 'assist credit is spent twice: the cycle never ends',
    why: 'a cycle ends without assists, because the workers finish it; what such credit does instead, a heap that outgrows its goal, is shown in tests/stories/credit.test.ts',
  },
  {
    id: 'M30',
    title: 'the buffer grows and replaces the view while a worker reads the old one',
    why: 'the arena never grows: its size is fixed when it is made, and every view of it is made once (runtime/internal/memory.ts)',
  },
];
