// era: the age of Go whose rules the machine follows, where two ages differ in a way that a program or its figures show.
//
//   1.19    the default: concurrent marking, hybrid barrier, pacing, scavenger
//   2014    the runtime of Go 1.4 (and of the commit of 2014-09-01 where that is said): marking inside one pause
//
// A part of the runtime that follows both asks its era once, when it is made. docs/faithful.md lists every difference.

/** Names of the eras, the older one first. */
export const eras = ['2014', '1.19'] as const;
export type Era = (typeof eras)[number];
