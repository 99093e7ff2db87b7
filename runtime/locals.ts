// locals: declared locals that are not plain references to structs: slices, strings, maps, other pointers. The frame's slot has
// the one pointer of the value, which is the root; the rest of the value (a length, say) is JavaScript's, beside the frame,
// as the numbers of a function are. A slot that is 0 holds the zero value, whatever is beside it.
import type { ArrayField, ArrayRef } from './array.ts';
import type { Context } from './context.ts';
import type { ValueOf } from './kinds.ts';
import type { AnyStruct, Ref } from './struct.ts';
import { type Field, type Handle, type Kind, ownHandle } from './value.ts';

/** Types that a local may have: those with one pointer. */
export type LocalField = Field<Handle | null>;

/** What a local reads as. */
export type LocalValue<L> = L extends AnyStruct
  ? Ref<L> | null
  : L extends ArrayField<infer E>
    ? ArrayRef<ValueOf<E>> | null
    : L extends Field<unknown>
      ? ValueOf<L>
      : never;

/** A frame, as far as its locals are concerned. */
interface Holder {
  readonly ctx: Context;
  values: unknown[] | null;
}

/** Accessor of local k. slot and setSlot: how the frame reaches the address in it. */
export function valueLocal<F extends Holder>(
  kind: Kind<unknown>,
  k: number,
  slot: (f: F, k: number) => number,
  setSlot: (f: F, k: number, addr: number) => void,
): PropertyDescriptor & ThisType<F> {
  return {
    get() {
      return slot(this, k) === 0 ? kind.zero(this.ctx) : this.values![k];
    },
    set(value: unknown) {
      ownHandle(this.ctx, value);
      setSlot(this, k, kind.rootOf(value));
      (this.values ??= [])[k] = value;
    },
  };
}
