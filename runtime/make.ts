// make: what a goroutine or a frame makes besides structs: Go's make, strings, and zero values.
import type { Context } from './context.ts';
import { type GoMap, type MapField, MapKind, makeMap } from './gomap.ts';
import { type GoString, newString } from './gostring.ts';
import { kindOf, type ValueOf } from './kinds.ts';
import { panic } from './panic.ts';
import { makeSlice, type Slice, type SliceField, SliceKind } from './slice.ts';
import { type Field, wholeNumber } from './value.ts';

/** Base of Go and of frames. */
export abstract class Maker {
  /** @internal */
  abstract readonly ctx: Context;

  /**
   * A slice of len zeroed elements with room for cap, or a map with room for about `len` entries. Go's make. May run the
   * collector first. Panics with Go's words; TypeError or RangeError for what is no whole number.
   */
  make<E extends Field<unknown>>(type: SliceField<E>, len: number, cap?: number): Slice<ValueOf<E>>;
  make<K extends Field<unknown>, V extends Field<unknown>>(type: MapField<K, V>, hint?: number): GoMap<ValueOf<K>, ValueOf<V>>;
  make(type: Field<unknown>, len = 0, cap = len): unknown {
    const kind = kindOf(type, 'make');
    if (kind instanceof MapKind) return makeMap(this.ctx, kind, wholeNumber('make', kind, 'hint', len));
    if (kind instanceof SliceKind) return makeSlice(this.ctx, kind.sliceOf, len, cap);
    throw new TypeError(`make: wanted a slice or a map type, got ${kind.name}`);
  }

  /** A string with JavaScript's text as UTF-8, or with the bytes of a slice of u8. May run the collector first. */
  string(from: string | Slice<number>): GoString {
    return newString(this.ctx, from);
  }

  /** Panics with any value. Go's panic. */
  panic(value: unknown): never {
    return panic(value);
  }

  /**
   * In a deferred call that runs because of a panic: ends the panic and gives its value, and the function that has deferred
   * the call returns to its caller. Anywhere else: null. Go's recover.
   */
  recover(): unknown {
    return this.ctx.panics.recover();
  }

  /** The zero value of a type: a nil slice or map, an empty string, nil. */
  zero<E extends Field<unknown>>(type: E): ValueOf<E> {
    return kindOf(type, 'zero').zero(this.ctx) as ValueOf<E>;
  }
}
