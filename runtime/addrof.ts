// addrof: pointers to the inside of objects: Go's &x.f and &a[i]. Such a pointer keeps the whole object.
import type { ArrayField, ArrayRef } from './array.ts';
import { nilDereference } from './internal/throw.ts';
import { kindOf, pointerKind } from './kinds.ts';
import { Sequence } from './sequence.ts';
import { type AnyStruct, type Fields, type FieldValue, type Ref, RefBase, type Struct, structOf } from './struct.ts';
import type { Handle, Ptr } from './value.ts';

/** What points to field F of a struct S. */
export type FieldPointer<F, S extends AnyStruct> = F extends AnyStruct
  ? Ref<F>
  : F extends ArrayField<infer E>
    ? ArrayRef<FieldValue<E, S>>
    : Ptr<FieldValue<F, S>>;

// biome-ignore lint/suspicious/noExplicitAny: of any struct, of anything
type Place = RefBase<any> | ArrayRef<any>;

/** &ref.key. Panics when ref is nil; TypeError when the struct has no such field. */
export function addrOf<S extends AnyStruct, K extends keyof S['fields'] & string>(ref: RefBase<S>, key: K): FieldPointer<S['fields'][K], S>;
/** &elements[i], of an array or a slice. Panics out of range. */
export function addrOf<T>(elements: Sequence<T>, i: number): [T] extends [Place] ? T : Ptr<T>;
export function addrOf(of: RefBase<AnyStruct> | Sequence<unknown> | null, part: string | number): Handle {
  if (of === null) nilDereference();
  if (of instanceof Sequence) return of.elem.place(of.ctx, of.addressOf(part as number));
  if (!(of instanceof RefBase)) throw new TypeError(`addrOf: wanted a reference, an array or a slice, got ${typeof of}`);
  const s: Struct<Fields> = structOf(of);
  if (!Object.hasOwn(s.fields, part)) throw new TypeError(`addrOf: struct ${s.name} has no field '${part}'`);
  const field = s.fields[part]!;
  of.live();
  const kind = field.kind === 'self' ? pointerKind(s) : (s.kindOf(part as string) ?? kindOf(field, 'addrOf'));
  return kind.place(of.ctx, of.addr + s.offsetOf[part]!);
}
