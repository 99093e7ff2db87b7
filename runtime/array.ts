// array: Go's arrays: a fixed number of values, by value. As a field or an element it lies inside; as an object of its own
// (go.new) or a local it is known by a pointer, as a struct is. See value.ts.
import type { Context } from './context.ts';
import { label } from './internal/look.ts';
import { kindOf, newValues, sameKind, type ValueOf } from './kinds.ts';
import { checkBounds, Sequence } from './sequence.ts';
import { type Slice, sliceAt } from './slice.ts';
import { wrongValue } from './struct.ts';
import { copyValues, type Field, type Handle, Kind, maxValueBytes, ownHandle } from './value.ts';

/** The type of arrays of E. */
export interface ArrayField<E extends Field<unknown>> extends Kind<ArrayRef<ValueOf<E>>> {
  readonly arrayOf: E;
  readonly length: number;
}

/** A pointer to an array of T. */
export class ArrayRef<T> extends Sequence<T> {
  /** @internal */
  constructor(
    ctx: Context,
    addr: number,
    /** @internal */ readonly type: ArrayKind,
  ) {
    super(ctx, addr, type.length, type.arrayOf as Kind<T>);
  }

  /** @internal */
  override [label](): string {
    return this.type.name;
  }

  /** a[low:high:max]: a slice of the array, whose pointer keeps the object that the array is in. Panics with Go's words. */
  slice(low = 0, high = this.length, max?: number): Slice<T> {
    checkBounds(low, high, max, { what: 'length', size: this.length });
    this.live();
    return sliceAt(this.ctx, this.addr, low, high, max ?? this.length, this.elem);
  }

  /** Whether both point to the same array. */
  is(other: ArrayRef<T> | null): boolean {
    return other !== null && other.addr === this.addr;
  }
}

/** @internal */
export class ArrayKind extends Kind<ArrayRef<unknown>> {
  override readonly hostWords: readonly number[];
  constructor(
    readonly arrayOf: Kind<unknown>,
    readonly length: number,
  ) {
    const step = arrayOf.bytes >>> 2;
    const repeat = (words: readonly number[]) =>
      words.length === 0
        ? words
        : Array.from({ length: length * words.length }, (_, i) => Math.floor(i / words.length) * step + words[i % words.length]!);
    super(`[${length}]${arrayOf.name}`, length * arrayOf.bytes, arrayOf.align, repeat(arrayOf.ptrWords));
    this.hostWords = repeat(arrayOf.hostWords);
  }
  override load(ctx: Context, addr: number): ArrayRef<unknown> {
    return new ArrayRef(ctx, addr, this);
  }
  override store(ctx: Context, addr: number, value: ArrayRef<unknown>): void {
    ownHandle(ctx, value);
    if (!(value instanceof ArrayRef) || !this.isPlace(value)) wrongValue(`a value of type ${this.name}`, 'such an array', value);
    value.live();
    copyValues(ctx, this.arrayOf, addr, value.addr, this.length);
  }
  override zero(ctx: Context): ArrayRef<unknown> {
    return new ArrayRef(ctx, newValues(ctx, this, 1), this);
  }
  override place(ctx: Context, addr: number): ArrayRef<unknown> {
    return new ArrayRef(ctx, addr, this);
  }
  override get loadsPlace(): boolean {
    return true;
  }
  override isPlace(handle: Handle): boolean {
    return handle instanceof ArrayRef && sameKind(handle.type, this);
  }
  override bind(owner: Kind<unknown>): Kind<ArrayRef<unknown>> {
    return arrayKind(this.arrayOf.bind(owner), this.length);
  }
  override part(offset: number): string {
    const i = Math.floor(offset / this.arrayOf.bytes);
    return `[${i}]${this.arrayOf.part(offset - i * this.arrayOf.bytes)}`;
  }
}

const arrays = new WeakMap<Kind<unknown>, Map<number, ArrayKind>>();

function arrayKind(elem: Kind<unknown>, length: number): ArrayKind {
  let lengths = arrays.get(elem);
  if (lengths === undefined) arrays.set(elem, (lengths = new Map()));
  let kind = lengths.get(length);
  if (kind === undefined) lengths.set(length, (kind = new ArrayKind(elem, length)));
  return kind;
}

/**
 * The type of arrays of n values: `array(i32, 3)`; n may be 0. RangeError for a length that is no natural number, and when
 * the array would be larger than a value may be.
 */
export function array<E extends Field<unknown>>(elem: E, length: number): ArrayField<E> {
  const kind = kindOf(elem, 'array');
  if (!Number.isInteger(length) || length < 0) throw new RangeError(`array of ${kind.name}: length ${length}, wanted a natural number`);
  if (length * kind.bytes > maxValueBytes) {
    throw new RangeError(`array [${length}]${kind.name}: ${length * kind.bytes} bytes, a value has at most ${maxValueBytes}; use a slice`);
  }
  return arrayKind(kind, length) as unknown as ArrayField<E>;
}
