// hostval: the type of plain JavaScript values, in fields of objects and on channels. The collector does not look into them;
// a field's value is let go when its object dies or when another is stored. See hostcell.ts for how.
import type { Context } from './context.ts';
import { getHost, setHost } from './hostcell.ts';
import { Kind } from './value.ts';

declare const hostType: unique symbol;

/** A value of JavaScript as it is. A field that nothing was stored in reads as undefined. */
export interface Host<T> extends Kind<T | undefined> {
  readonly host: true;
  readonly [hostType]?: T;
}

class HostKind extends Kind<unknown> {
  readonly host = true;
  override readonly hostWords = [0];
  constructor() {
    super('host', 4, 4);
  }
  override load(ctx: Context, addr: number): unknown {
    return getHost(ctx, addr >>> 2);
  }
  override store(ctx: Context, addr: number, value: unknown): void {
    setHost(ctx, addr >>> 2, value);
  }
  override zero(): undefined {
    return undefined;
  }
}
const hostKind = new HostKind();

/** The type of JavaScript values: `struct('main.Job', { run: host<() => void>() })`, `go.chan(host<string>(), 1)`. */
export function host<T>(): Host<T> {
  return hostKind as unknown as Host<T>;
}
