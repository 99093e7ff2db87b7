// slice: Go's slices. A slice is three words (array, length, capacity); in JavaScript it is a handle with a copy of them, and
// like in Go a new one is made by append, copy changes the array that both see, and a part of a slice shares the array.
//
//     f.xs = append(f.xs, 1, 2, 3);
//     const tail = f.xs.slice(1);      // f.xs[1:], the same array: its pointer leads inside, and keeps all of it
//
// As a local a slice is rooted by its array; its length and capacity are JavaScript's, as other numbers of a function are.
// Source: slice.go.
import { roundUpSize } from '../heap/sizeclasses.ts';
import type { Context } from './context.ts';
import { kindOf, maxAlloc, newValues, sameKind, type ValueOf } from './kinds.ts';
import { boundsPanic, checkBounds, Sequence } from './sequence.ts';
import { wrongValue } from './struct.ts';
import { closeTemps, openTemps, rootAll, setTemp } from './temps.ts';
import { copyValues, type Field, type Handle, Kind, ownHandle, wholeNumber } from './value.ts';

/** Word offsets of a slice in memory. */
const enum SliceWord {
  array,
  len,
  cap,
  words,
}

/** The type of slices of E. */
export interface SliceField<E extends Field<unknown>> extends Kind<Slice<ValueOf<E>>> {
  readonly sliceOf: E;
}

/** A slice of T. */
export class Slice<T> extends Sequence<T> {
  /** @internal */
  constructor(
    ctx: Context,
    addr: number,
    length: number,
    /** Go's cap. */
    readonly capacity: number,
    elem: Kind<T>,
  ) {
    super(ctx, addr, length, elem);
  }

  /** Whether it is nil: it has no array, not even an empty one. */
  get isNil(): boolean {
    return this.addr === 0;
  }

  /** s[low:high:max], on the same array. Panics with Go's words. */
  slice(low = 0, high = this.length, max?: number): Slice<T> {
    checkBounds(low, high, max, { what: 'capacity', size: this.capacity });
    this.live();
    return sliceAt(this.ctx, this.addr, low, high, max ?? this.capacity, this.elem);
  }
}

/** @internal array[low:high:max]. A slice without capacity keeps the array's address: one behind it would be another object's. */
export function sliceAt<T>(ctx: Context, array: number, low: number, high: number, max: number, elem: Kind<T>): Slice<T> {
  return new Slice(ctx, max === low ? array : array + low * elem.bytes, high - low, max - low, elem);
}

/** @internal */
export class SliceKind extends Kind<Slice<unknown>> {
  constructor(readonly sliceOf: Kind<unknown>) {
    super(`[]${sliceOf.name}`, SliceWord.words * 4, 4, [SliceWord.array]);
  }
  override load(ctx: Context, addr: number): Slice<unknown> {
    const i = addr >>> 2;
    return new Slice(ctx, ctx.w[i + SliceWord.array]!, ctx.w[i + SliceWord.len]!, ctx.w[i + SliceWord.cap]!, this.sliceOf);
  }
  override store(ctx: Context, addr: number, value: Slice<unknown>): void {
    ownHandle(ctx, value);
    const array = this.rootOf(value);
    const i = addr >>> 2;
    ctx.w[i + SliceWord.len] = value.length;
    ctx.w[i + SliceWord.cap] = value.capacity;
    ctx.mutator.storePointer(i + SliceWord.array, array);
  }
  override zero(ctx: Context): Slice<unknown> {
    return new Slice(ctx, 0, 0, 0, this.sliceOf);
  }
  override rootOf(value: unknown): number {
    if (!(value instanceof Slice) || !sameKind(value.elem, this.sliceOf)) wrongValue(`a value of type ${this.name}`, 'such a slice', value);
    value.live();
    return value.addr;
  }
  override bind(owner: Kind<unknown>): Kind<Slice<unknown>> {
    return sliceKind(this.sliceOf.bind(owner));
  }
  override part(offset: number): string {
    return ['', '.len', '.cap'][offset >>> 2]!;
  }
}

const slices = new WeakMap<Kind<unknown>, SliceKind>();

/** @internal */
export function sliceKind(elem: Kind<unknown>): SliceKind {
  let kind = slices.get(elem);
  if (kind === undefined) slices.set(elem, (kind = new SliceKind(elem)));
  return kind;
}

/** The type of slices of a type: `slice(i32)`, `slice(ptr(Node))`; a struct as element lies in the array by value. */
export function slice<E extends Field<unknown>>(elem: E): SliceField<E> {
  return sliceKind(kindOf(elem, 'slice')) as unknown as SliceField<E>;
}

/** @internal make([]T, len, cap). Panics with Go's words. Source: makeslice. */
export function makeSlice(ctx: Context, elem: Kind<unknown>, len: number, cap: number): Slice<unknown> {
  const fits = (n: number) => Number.isInteger(n) && n >= 0 && n * elem.bytes <= maxAlloc && n < 2 ** 31;
  if (!fits(len)) outOfRange(elem, 'len', len);
  if (!fits(cap)) outOfRange(elem, 'cap', cap);
  if (len > cap) boundsPanic('makeslice: cap out of range');
  return new Slice(ctx, newValues(ctx, elem, cap), len, cap, elem);
}

/** Panics with Go's words; what is no whole number Go would not compile. */
function outOfRange(elem: Kind<unknown>, what: 'len' | 'cap', n: number): never {
  wholeNumber('make', sliceKind(elem), what, n);
  return boundsPanic(`makeslice: ${what} out of range`);
}

/** Go's append: a slice with the values behind those of s, in the same array if it has room. May run the collector. */
export function append<T>(s: Slice<T>, ...values: T[]): Slice<T> {
  const { ctx, length, elem } = s;
  s.live();
  if (length + values.length <= s.capacity && !ctx.machine.chooser.everyOperation) {
    // Nothing is allocated, and no store runs the collector: no roots are needed.
    for (let i = 0; i < values.length; i++) elem.store(ctx, s.addr + (length + i) * elem.bytes, values[i]!);
    return new Slice(ctx, s.addr, length + values.length, s.capacity, elem);
  }
  const temps = openTemps(ctx, 2);
  try {
    setTemp(ctx, temps, 0, s.addr);
    rootAll(ctx, values);
    const grown = makeRoom(s, values.length, temps);
    for (let i = 0; i < values.length; i++) elem.store(ctx, grown.addr + (length + i) * elem.bytes, values[i]!);
    return grown;
  } finally {
    closeTemps(ctx, temps);
  }
}

/** append(s, more...): the elements of another slice, which may share s's array. */
export function appendSlice<T>(s: Slice<T>, more: Slice<T>): Slice<T> {
  const { ctx, length, elem } = s;
  s.live();
  more.live();
  const temps = openTemps(ctx, 3);
  try {
    setTemp(ctx, temps, 0, s.addr);
    setTemp(ctx, temps, 2, more.addr);
    const grown = makeRoom(s, more.length, temps);
    copyValues(ctx, elem, grown.addr + length * elem.bytes, more.addr, more.length);
    return grown;
  } finally {
    closeTemps(ctx, temps);
  }
}

/** s with room for n more, and its length counting them; slot 1 of temps roots a new array. */
function makeRoom<T>(s: Slice<T>, n: number, temps: number): Slice<T> {
  const { ctx, addr, length, capacity, elem } = s;
  const wanted = length + n;
  if (wanted <= capacity) return new Slice(ctx, addr, wanted, capacity, elem);
  const cap = grownCap(capacity, wanted, elem.bytes);
  const array = newValues(ctx, elem, cap);
  setTemp(ctx, temps, 1, array);
  copyValues(ctx, elem, array, addr, length);
  return new Slice(ctx, array, wanted, cap, elem);
}

/**
 * The capacity after growing from `old` for `wanted` elements: twice as much while it is small, then towards 1.25 times, and
 * as much as the size class of that has room for. Source: growslice of 1.19.
 */
export function grownCap(old: number, wanted: number, elemBytes: number): number {
  if (elemBytes === 0) return wanted;
  let cap = old;
  if (wanted > old * 2) cap = wanted;
  else if (old < 256) cap = old * 2;
  else while (cap < wanted) cap += Math.floor((cap + 3 * 256) / 4);
  if (cap * elemBytes > maxAlloc) boundsPanic('growslice: cap out of range');
  return Math.floor(roundUpSize(cap * elemBytes) / elemBytes);
}

/** Go's copy: as many elements as both have, also within one array; returns how many. */
export function copy<T>(dst: Slice<T>, src: Slice<T>): number {
  if (!sameKind(dst.elem, src.elem)) wrongValue(`copy to a []${dst.elem.name}`, 'such a slice', src as Handle);
  const n = Math.min(dst.length, src.length);
  dst.live();
  src.live();
  copyValues(dst.ctx, dst.elem, dst.addr, src.addr, n);
  return n;
}
