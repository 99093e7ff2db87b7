// sequence: what arrays and slices have in common: elements by index, with Go's panics for an index that is out of range.
// Source: panic.go, error.go (boundsErrorFmts).
import type { Context } from './context.ts';
import { label, mostShown, Named, plain } from './internal/look.ts';
import { gopanic } from './internal/throw.ts';
import { type Kind, plainPart, ValueHandle } from './value.ts';

/** Elements of one kind, one after the other. */
export abstract class Sequence<T> extends ValueHandle {
  constructor(
    ctx: Context,
    addr: number,
    /** Number of elements. Go's len. */
    readonly length: number,
    /** @internal */ readonly elem: Kind<T>,
  ) {
    super(ctx, addr);
  }

  /** @internal */
  override [label](): string {
    return `[]${this.elem.name}`;
  }

  /** @internal */
  override [plain](depth: number): unknown {
    const n = Math.min(this.length, mostShown);
    const shown = Array.from({ length: n }, (_, i) => plainPart(this.get(i), this.elem.isPointer, depth));
    return n < this.length ? [...shown, new Named(`… ${this.length - n} more`)] : shown;
  }

  /** Element i: s[i]. A struct or an array in it as a reference to its place. Panics out of range. */
  get(i: number): T {
    return this.elem.load(this.ctx, this.addressOf(i, false));
  }

  /** s[i] = value. Panics out of range; TypeError for a value of another type. */
  set(i: number, value: T): void {
    this.elem.store(this.ctx, this.addressOf(i, true), value);
  }

  /** @internal Address of element i. writes: what for; null: for nothing yet. */
  addressOf(i: number, writes: boolean | null = null): number {
    const k = i | 0;
    if (k !== i || k < 0 || k >= this.length) indexError(i, this.length);
    if (this.serial !== 0) this.looked(k, writes);
    return this.addr + k * this.elem.bytes;
  }

  /** Checked mode: element k is there. A struct or an array that is "read" is only pointed to. */
  private looked(k: number, writes: boolean | null): void {
    const { elem } = this;
    if (writes === null || (!writes && elem.loadsPlace)) this.live();
    else this.accessed(this.addr + k * elem.bytes, elem.bytes, writes, () => `element ${k} of a []${elem.name}`);
  }

  /** The elements in order, as of now: a copy. Handles in it are no roots. */
  toArray(): T[] {
    this.live();
    return Array.from({ length: this.length }, (_, i) => this.get(i));
  }

  /** The elements in order; each is read when it is asked for. */
  *[Symbol.iterator](): Generator<T, void, void> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }
}

/** Panics for s[i]. TypeError when i is no integer: Go would not compile it. */
export function indexError(i: number, length: number): never {
  wantInteger(i);
  return boundsPanic(`index out of range [${i}]${i < 0 ? '' : ` with length ${length}`}`);
}

/** How far s[…] may reach: `what` is capacity for a slice, length for an array or a string. */
export interface Reach {
  readonly what: 'capacity' | 'length';
  readonly size: number;
}

/** Checks s[low:high:max] in Go's order and panics in its words; max undefined: s[low:high]. */
export function checkBounds(low: number, high: number, max: number | undefined, reach: Reach): void {
  wantInteger(low);
  wantInteger(high);
  const with_ = ` with ${reach.what} ${reach.size}`;
  if (max !== undefined) {
    wantInteger(max);
    if (max < 0 || max > reach.size) sliceError(`[::${max}]`, max < 0 ? '' : with_);
    if (high < 0 || high > max) sliceError(high < 0 ? `[:${high}:]` : `[:${high}:${max}]`, '');
    if (low < 0 || low > high) sliceError(low < 0 ? `[${low}::]` : `[${low}:${high}:]`, '');
    return;
  }
  if (high < 0 || high > reach.size) sliceError(`[:${high}]`, high < 0 ? '' : with_);
  if (low < 0 || low > high) sliceError(low < 0 ? `[${low}:]` : `[${low}:${high}]`, '');
}

function sliceError(bounds: string, with_: string): never {
  return boundsPanic(`slice bounds out of range ${bounds}${with_}`);
}

/** Panics with a runtime error. */
export function boundsPanic(text: string): never {
  gopanic(`runtime error: ${text}`);
}

function wantInteger(i: number): void {
  if (!Number.isInteger(i)) throw new TypeError(`an index is an integer, got ${typeof i === 'number' ? i : typeof i}`);
}
