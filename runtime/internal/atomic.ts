// atomic: the four verbs for words that more than one M decides about.
//
//   peek     plain `column[s]`: may skip work or lead to a cas; orders nothing
//   observe  a load that orders: fields written before the matching publish are visible after it
//   cas      decides who owns a thing
//   publish  the store that lets others see what was written above it
//
// On this V8 an Atomics call costs 7 to 9 ns against 0.5 ns for a plain access, so they stand at ownership changes of
// whole spans only, never on a path that runs once an object.
import type { AtomicColumn } from './memory.ts';

/** Loads word i of the column so that all writes before its publication are visible. */
export function observe<I extends number>(column: AtomicColumn<I>, i: I): number {
  return Atomics.load(column as unknown as Int32Array, i);
}

/** Stores value only if the word is still `expected`; says whether it was. */
export function cas<I extends number>(column: AtomicColumn<I>, i: I, expected: number, value: number): boolean {
  return Atomics.compareExchange(column as unknown as Int32Array, i, expected, value) === expected;
}

/** Stores value last, after everything that the observer of it may trust. */
export function publish<I extends number>(column: AtomicColumn<I>, i: I, value: number): void {
  Atomics.store(column as unknown as Int32Array, i, value);
}
