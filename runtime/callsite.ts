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
  const holder: { stack?: string } = {};
  (Error as V8Error).captureStackTrace?.(holder, above);
  const line = /\n\s+at [^\n]*/.exec(holder.stack ?? '')?.[0] ?? '';
  const place = /([^/\\()\s]+):(\d+):\d+\)?$/.exec(line);
  return place === null ? { file: '??', line: 0 } : { file: place[1]!.replace(/\?.*$/, ''), line: Number(place[2]) };
}
