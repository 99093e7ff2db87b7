// The catalogue of cases. README.md in this folder says what a case is and where they come from.
import type { Case } from './case.ts';
import { channelCases } from './channels.ts';
import { classicCases } from './classics.ts';
import { groupCases } from './groups.ts';
import { lockCases } from './locks.ts';
import { misuseCases } from './misuse.ts';
import { raceCases } from './races.ts';
import { doubleLocks, leaks } from './single.ts';
import { smallCases } from './small.ts';
import { timeCases } from './times.ts';

/** All cases, by their ids; those of one letter come from one section of the catalogue. */
export const cases: readonly Case[] = [
  ...lockCases,
  ...channelCases,
  ...groupCases,
  ...timeCases,
  ...misuseCases,
  ...raceCases,
  ...classicCases,
  ...smallCases,
  ...doubleLocks,
  ...leaks,
].sort((a, b) => (a.id === b.id ? (a.size ?? 0) - (b.size ?? 0) : a.id < b.id ? -1 : 1));

/** The case of a name; RangeError: there is none. */
export function caseNamed(name: string): Case {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new RangeError(`there is no case ${name}`);
  return found;
}
