// callsite: file and line of the code that calls us, once per declaration. Names places in stacks; never on a hot path.

/** A place in the program's source; file is the last part of its path, so that it is the same on every machine. */
export interface CallSite {
  readonly file: string;
  readonly line: number;
}

interface V8Error {
  captureStackTrace?(target: object, above?: unknown): void;
}

/** The place that called `above`. Unknown on engines without V8's stack format: `??`, 0. */
export function callSite(above: unknown): CallSite {
  return placeIn(lineAbove(above)) ?? { file: '??', line: 0 };
}

/** The place that a line of a stack names, `at f (file:///x/y.ts:7:3)`: that of the source, where it is one of our bundle's; or null. */
export function placeIn(stackLine: string): CallSite | null {
  const place = /([^()\s]+):(\d+):\d+\)?$/.exec(stackLine);
  if (place === null) return null;
  const [file, line] = [place[1]!, Number(place[2])];
  const source = sourceOf(file, line) ?? { file, line };
  return { file: source.file.replace(/\?.*$/, '').replace(/^.*[/\\]/, ''), line: source.line };
}

/**
 * What a line of the bundle that we are in was built of, with the path in the project; null: nothing that the bundle knows of, or not
 * in it. file: as a stack names it.
 */
export function sourceOf(file: string, line: number): CallSite | null {
  if (file !== bundle) return null;
  for (const [source, stretches] of Object.entries(places)) {
    for (const [first, from, lines] of stretches) {
      if (line >= first && line < first + lines) return { file: source, line: from + line - first };
    }
  }
  return null;
}

function lineAbove(above: unknown): string {
  const holder: { stack?: string } = {};
  (Error as V8Error).captureStackTrace?.(holder, above);
  return /\n\s+at [^\n]*/.exec(holder.stack ?? '')?.[0] ?? '';
}

/** Of the command's bundle, which has the built-in programs in it: what its lines were built of. tools/command.mjs makes it. */
declare const __GORENA_PLACES__: string | undefined;
const places: Readonly<Record<string, [first: number, from: number, lines: number][]>> =
  typeof __GORENA_PLACES__ === 'string' ? JSON.parse(__GORENA_PLACES__) : {};

/** The file that we are in, if it knows places: else '', which no file is called. */
const bundle = Object.keys(places).length === 0 ? '' : (/([^()\s]+):\d+:\d+\)?$/.exec(lineAbove(lineAbove))?.[1] ?? '');
