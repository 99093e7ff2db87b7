// make: what a goroutine or a frame makes besides structs: Go's make, strings, and zero values.
import type { Context } from './context.ts';
import { kindOf, type ValueOf } from './kinds.ts';
import { makeSlice, type Slice, type SliceField } from './slice.ts';
import type { Field } from './value.ts';

/** Base of Go and of frames. */
export abstract class Maker {
  /** @internal */
  abstract readonly ctx: Context;

  /** A slice of len zeroed elements with room for cap. Go's make([]T, len, cap). May run the collector first. */
  make<E extends Field<unknown>>(type: SliceField<E>, len: number, cap?: number): Slice<ValueOf<E>> {
    return makeSlice(this.ctx, type.sliceOf as never, len, cap ?? len) as Slice<ValueOf<E>>;
  }

  /** The zero value of a type: a nil slice or map, an empty string, nil. */
  zero<E extends Field<unknown>>(type: E): ValueOf<E> {
    return kindOf(type, 'zero').zero(this.ctx) as ValueOf<E>;
  }
}
