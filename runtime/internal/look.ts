// look: how the things that a program has in hand show themselves in a console and in JSON: short, with what they hold, and never the
// machine behind them. Node asks an object for its text by a symbol that needs no import; JSON.stringify asks for toJSON.

/** The method that Node's util.inspect, and so console.log, calls. */
export const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
/** What a handle holds as plain data, and what it is called; methods of value.ts and its kinds. */
export const plain: unique symbol = Symbol('plain');
export const label: unique symbol = Symbol('label');

/** Elements of a sequence that are shown. */
export const mostShown = 20;
/** Values inside of values that are shown; pointers are named and not followed. */
export const deepest = 3;

/** Something that is named and not shown: what a pointer leads to. */
export class Named {
  constructor(private readonly text: string) {}
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
}

/** Plain data as one line, as JavaScript would be written. */
export function lineOf(value: unknown): string {
  if (value instanceof Named) return String(value);
  if (Array.isArray(value)) return `[${value.map(lineOf).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, v]) => `${key}: ${lineOf(v)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value) ?? String(value);
}

/** A value of JavaScript that an object of the heap holds, as plain data. */
export function plainHost(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value;
  if (typeof value === 'object') return new Named(`[${value.constructor?.name ?? 'object'}]`);
  return new Named(typeof value === 'bigint' ? String(value) : `[${typeof value}]`);
}
