// args: command lines, from one table a command. The table gives parsing, checking, help and the hint for a misspelt option.
import { parseArgs } from 'node:util';

/** The user's fault: one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A file that cannot be read or is not what it should be: one line, exit code 4. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** One option of a command. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** One letter that means the same. */
  readonly short?: string;
  /** What the help calls its value; absent: a switch. */
  readonly value?: string;
  readonly help: string;
  /** Shown in the help. */
  readonly byDefault?: string;
  /** With it no argument is needed, and nothing else but --json has an effect, as with --help. */
  readonly alone?: boolean;
}

/** A command: what the help says and what it takes. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Names of the positional arguments; all are required. A last one that ends in … stands for one or more. */
  readonly positionals: readonly string[];
  readonly options: readonly OptionSpec[];
  readonly details: string;
  readonly example: string;
}

/** Options as given: strings, true for switches. */
export interface Parsed {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** Options that every command has. */
export const commonOptions: readonly OptionSpec[] = [
  { name: 'json', help: 'print one JSON document instead of text' },
  { name: 'help', short: 'h', help: 'print this help', alone: true },
];

/** Parses the words after the command's name. Throws UsageError. */
export function parse(spec: CommandSpec, words: readonly string[]): Parsed {
  const specs = [...spec.options, ...commonOptions];
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const o of specs) options[o.name] = { type: o.value === undefined ? 'boolean' : 'string', ...(o.short && { short: o.short }) };
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true, allowPositionals: true });
  const values: Record<string, string | boolean> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const known = specs.find((o) => o.name === token.name);
    if (known === undefined) throw new UsageError(unknownOption(spec, token.rawName, specs));
    if (known.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`option --${known.name} takes no value`);
      values[known.name] = true;
    } else {
      // `--seed -5`: parseArgs takes -5 for an option; a value that is missing shows as undefined or as the next option
      if (token.value === undefined || token.value === '')
        throw new UsageError(`option --${known.name} wants a value: --${known.name} ${known.value}`);
      values[known.name] = token.value;
    }
  }
  const alone = values.help === true ? 'help' : specs.find((o) => o.alone === true && values[o.name] === true)?.name;
  if (alone === undefined) checkPositionals(spec, positionals);
  else if (alone !== 'help') checkAlone(spec, alone, positionals, values);
  return { positionals, options: values };
}

/** What stands beside an option that needs nothing, and has no effect there. */
function checkAlone(spec: CommandSpec, alone: string, positionals: readonly string[], values: Parsed['options']): void {
  const other = Object.keys(values).find((name) => name !== alone && name !== 'json');
  const idle = positionals.length > 0 ? `'${positionals[0]}'` : other === undefined ? null : `--${other}`;
  if (idle !== null) throw new UsageError(`${spec.name}: ${idle} has no effect with --${alone}; leave it out`);
}

/** Options that have an effect elsewhere only. where: what they are for. Throws UsageError for the first one that is given. */
export function onlyFor(where: string, given: Parsed['options'], names: readonly string[]): void {
  const idle = names.find((name) => given[name] !== undefined);
  if (idle !== undefined) throw new UsageError(`option --${idle} is for ${where}`);
}

function checkPositionals(spec: CommandSpec, positionals: readonly string[]): void {
  const { name } = spec;
  const missing = spec.positionals[positionals.length];
  if (missing !== undefined) throw new UsageError(`${name}: missing ${missing.replace('…', '')}; see gorena ${name} --help`);
  if (positionals.length > spec.positionals.length && spec.positionals.at(-1)?.endsWith('…') !== true) {
    throw new UsageError(`${name}: one argument too many: '${positionals[spec.positionals.length]}'; see gorena ${name} --help`);
  }
}

function unknownOption(spec: CommandSpec, raw: string, specs: readonly OptionSpec[]): string {
  const names = specs.map((o) => o.name);
  return `${spec.name}: unknown option ${raw}${didYouMean(raw.replace(/^-+/, ''), names, '--')}`;
}

/**
 * `; did you mean churn?` for the candidate with the fewest edits, the first of equals; nothing when each of them takes more edits
 * than a third of the word's letters, or than one: it would be a guess. before: stands before the candidate.
 */
export function didYouMean(word: string, candidates: readonly string[], before = ''): string {
  let best: string | null = null;
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(word, candidate);
    if (d < fewest) {
      fewest = d;
      best = candidate;
    }
  }
  return best === null ? '' : `; did you mean ${before}${best}?`;
}

/** Edits between two words: a letter put in, left out or changed, or two neighbours swapped (optimal string alignment). */
function distance(a: string, b: string): number {
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? above[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    above = row;
    row = next;
  }
  return row[b.length]!;
}

/** A whole number, decimal or 0x; min and max inclusive; `or` says what else is allowed. Throws UsageError. */
export function wholeNumber(name: string, text: string, min: number, max: number, or = ''): number {
  const value = /^-?(\d+|0x[0-9a-fA-F]+)$/.test(text) ? (text.startsWith('-') ? -Number(text.slice(1)) : Number(text)) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new UsageError(`option --${name}: got '${text}', wanted a whole number from ${min} to ${max}${or}`);
  }
  return value;
}

/** Bytes, plain or with one of GOMEMLIMIT's units, or 'off'. Throws UsageError. Source: parseByteCount of runtime/string.go. */
export function byteCount(name: string, text: string): number | 'off' {
  if (text === 'off') return 'off';
  const [, digits, unit] = /^(\d+)(B|KiB|MiB|GiB|TiB)?$/.exec(text) ?? [];
  const value = Number(digits) * 1024 ** Math.max(['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? 'B'), 0);
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`option --${name}: got '${text}', wanted bytes, such as 4194304 or 4MiB, or 'off'`);
}

/** One of the names. Throws UsageError with the nearest one. */
export function oneOf<T extends string>(name: string, text: string, names: readonly T[]): T {
  const found = names.find((n) => n === text);
  if (found !== undefined) return found;
  throw new UsageError(`option --${name}: got '${text}', wanted one of ${names.join(', ')}${didYouMean(text, names)}`);
}

/** The help text of a command. */
export function helpOf(spec: CommandSpec): string {
  const rows = [...spec.options, ...commonOptions].map((o) => {
    const left = `  ${o.short && o.value !== undefined ? `-${o.short}, ` : ''}--${o.name}${o.value === undefined ? '' : ` ${o.value}`}`;
    return `${left.padEnd(22)} ${o.help}${o.byDefault === undefined ? '' : ` (${o.byDefault})`}`;
  });
  const usage = `gorena ${spec.name} ${spec.positionals.join(' ')}${spec.positionals.length > 0 ? ' ' : ''}[options]`;
  return `${spec.summary}\n\nusage: ${usage}\n\n${spec.details}\n\noptions:\n${rows.join('\n')}\n\nexample:\n  ${spec.example}\n`;
}
