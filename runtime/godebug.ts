// godebug: the knobs of GODEBUG, parsed and checked. Go ignores a knob that it does not know; a simulator whose knob was
// misspelt would lie about what it measured, so here that is the caller's fault: RangeError, and nothing has been made.
// Source: runtime1.go parsedebugvars, extern.go.

import type { Era } from './internal/era.ts';

/** Every knob and its value; 0 is off. */
export interface GoDebug {
  /** A line for each collection. */
  readonly gctrace: number;
  /** What the pacer planned and what came of it. */
  readonly gcpacertrace: number;
  /** An independent marking at each mark termination; a difference ends the program. */
  readonly gccheckmark: number;
  /** 1: the whole marking is one pause; 2: so is the sweep. */
  readonly gcstoptheworld: number;
  /** Freed objects are overwritten with 0xdeadbeef. */
  readonly clobberfree: number;
  /** Nothing is ever freed or used again. */
  readonly sbrk: number;
  /** A stack for each allocation, each free and each collection. */
  readonly allocfreetrace: number;
  /** A line when a sweep is complete: what the scavenger has given back since the last. */
  readonly scavtrace: number;
  /** A line for each package's initialization. */
  readonly inittrace: number;
  /** A line about the scheduler every so many milliseconds of virtual time. */
  readonly schedtrace: number;
  /** Those lines with every P, M and G. */
  readonly scheddetail: number;
  /** Dumps show how so many of the goroutines that each comes from stood when they made it or its creator. */
  readonly tracebackancestors: number;
  /** Ours: every invariant of the heap at each phase change. */
  readonly checkheap: number;
  /** Ours: a whole collection before every malloc. */
  readonly gceverymalloc: number;
}

/** Largest value of each knob. */
const largest: Readonly<Record<keyof GoDebug, number>> = {
  gctrace: 1,
  gcpacertrace: 1,
  gccheckmark: 1,
  gcstoptheworld: 2,
  clobberfree: 1,
  sbrk: 1,
  allocfreetrace: 1,
  scavtrace: 1,
  inittrace: 1,
  schedtrace: 999_999,
  scheddetail: 1,
  tracebackancestors: 999_999,
  checkheap: 1,
  gceverymalloc: 1,
};

/** Knobs that came later. */
const notIn2014: readonly (keyof GoDebug)[] = ['gcpacertrace', 'scavtrace', 'tracebackancestors'];

/** Names of all knobs, in the order in which help lists them. */
export const godebugKnobs = Object.keys(largest) as (keyof GoDebug)[];

/** All knobs off. */
export const godebugOff: GoDebug = Object.fromEntries(godebugKnobs.map((name) => [name, 0])) as unknown as GoDebug;

/**
 * Parses `name=value,name=value`; of a knob given twice the last value counts, as in Go. An empty text is all off.
 * Throws RangeError with the knob's name when there is no such knob in that era or the value is not one of its.
 */
export function parseGoDebug(text: string, era: Era = '1.19'): GoDebug {
  if (typeof text !== 'string') throw new RangeError(`option godebug: got ${String(text)}, wanted a text such as 'gctrace=1,checkheap=1'`);
  const found: Record<keyof GoDebug, number> = { ...godebugOff };
  for (const part of text.split(',')) {
    if (part === '') continue; // Go allows ",gctrace=1" and so do we
    const [name, value] = split(part);
    const max = largest[name];
    if (!/^[0-9]{1,6}$/.test(value) || Number(value) > max) {
      throw new RangeError(`option godebug: ${name}: got '${value}', wanted ${max === 1 ? '0 or 1' : `0 to ${max}`}`);
    }
    if (era === '2014' && notIn2014.includes(name)) throw new RangeError(`option godebug: ${name}: Go had no such knob in 2014`);
    found[name] = Number(value);
  }
  return found;
}

function split(part: string): [keyof GoDebug, string] {
  const at = part.indexOf('=');
  const name = at < 0 ? part : part.slice(0, at);
  if (!Object.hasOwn(largest, name)) throw new RangeError(`option godebug: no knob '${name}', wanted ${godebugKnobs.join(', ')}`);
  if (at < 0) throw new RangeError(`option godebug: ${name}: no value, wanted ${name}=1`);
  return [name as keyof GoDebug, part.slice(at + 1)];
}
