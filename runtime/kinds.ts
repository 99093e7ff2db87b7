// kinds: numbers, truth values and pointers as kinds of values (value.ts), what a type argument means, and how memory for
// values is obtained. The fields i32, f64, bool and ptr of a struct have accessors of their own in struct.ts; as elements of
// arrays, slices and maps they are what is here.
import type { RType } from '../heap/types.ts';
import type { ArrayField, ArrayRef } from './array.ts';
import type { Context } from './context.ts';
import {
  type AnyStruct,
  type FieldValue,
  type PtrField,
  ptr as ptrToStruct,
  type Ref,
  Struct,
  structNamed,
  typeText,
  wrongValue,
} from './struct.ts';
import { type Accessor, type Field, Handle, Kind, ownHandle, type Ptr } from './value.ts';

/** What a value of a type is in JavaScript: numbers, truth values, handles; a struct or an array is a reference to its place. */
export type ValueOf<E> = FieldValue<E, never>;

/** A pointer to a value of a type: what new gives. */
export type PointerTo<E> = E extends AnyStruct ? Ref<E> : E extends ArrayField<infer X> ? ArrayRef<ValueOf<X>> : Ptr<ValueOf<E>>;

// --- numbers -----------------------------------------------------------------------------------------------------------------

/** Integers of up to 32 bits. A stored number wraps, as a conversion does in Go. */
class IntKind extends Kind<number> {
  constructor(
    name: string,
    bytes: 1 | 2 | 4,
    private readonly signed: boolean,
  ) {
    super(name, bytes, bytes);
  }
  override load(ctx: Context, addr: number): number {
    if (this.bytes === 4) return this.signed ? ctx.w[addr >>> 2]! : ctx.w[addr >>> 2]! >>> 0;
    const raw = this.bytes === 1 ? ctx.u8[addr]! : ctx.u16[addr >>> 1]!;
    return this.signed ? (raw << (32 - this.bytes * 8)) >> (32 - this.bytes * 8) : raw;
  }
  override store(ctx: Context, addr: number, value: number): void {
    if (typeof value !== 'number') wrongValue(`a value of type ${this.name}`, 'a number', value);
    if (this.bytes === 4) ctx.w[addr >>> 2] = value;
    else if (this.bytes === 1) ctx.u8[addr] = value;
    else ctx.u16[addr >>> 1] = value;
  }
  override zero(): number {
    return 0;
  }
  /** Of unsigned bytes, the common case; others go through load and store. */
  override accessor(offset: number): Accessor {
    if (this.bytes !== 1 || this.signed) return super.accessor(offset);
    const kind = this;
    return {
      get() {
        return this.ctx.u8[this.addr + offset];
      },
      set(value: number) {
        kind.store(this.ctx, this.addr + offset, value);
      },
    };
  }
}

/** Integers of 64 bits: bigint in JavaScript, two words here, low word first. */
class BigKind extends Kind<bigint> {
  constructor(
    name: string,
    private readonly signed: boolean,
  ) {
    super(name, 8, 8);
  }
  override load(ctx: Context, addr: number): bigint {
    const high = ctx.w[(addr >>> 2) + 1]!;
    return (BigInt(this.signed ? high : high >>> 0) << 32n) | BigInt(ctx.w[addr >>> 2]! >>> 0);
  }
  override store(ctx: Context, addr: number, value: bigint): void {
    if (typeof value !== 'bigint') wrongValue(`a value of type ${this.name}`, 'a bigint', value);
    ctx.w[addr >>> 2] = Number(BigInt.asIntN(32, value));
    ctx.w[(addr >>> 2) + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }
  override zero(): bigint {
    return 0n;
  }
}

class FloatKind extends Kind<number> {
  constructor() {
    super('float64', 8, 8);
  }
  override load(ctx: Context, addr: number): number {
    return ctx.f64[addr >>> 3]!;
  }
  override store(ctx: Context, addr: number, value: number): void {
    if (typeof value !== 'number') wrongValue('a value of type float64', 'a number', value);
    ctx.f64[addr >>> 3] = value;
  }
  override zero(): number {
    return 0;
  }
}

class BoolKind extends Kind<boolean> {
  constructor() {
    super('bool', 4, 4);
  }
  override load(ctx: Context, addr: number): boolean {
    return ctx.w[addr >>> 2] !== 0;
  }
  override store(ctx: Context, addr: number, value: boolean): void {
    if (typeof value !== 'boolean') wrongValue('a value of type bool', 'a truth value', value);
    ctx.w[addr >>> 2] = value ? 1 : 0;
  }
  override zero(): boolean {
    return false;
  }
}

/** Go's int8. Integers wrap when they are stored. */
export const i8: Kind<number> = new IntKind('int8', 1, true);
/** Go's uint8, byte. */
export const u8: Kind<number> = new IntKind('uint8', 1, false);
/** Go's int16. */
export const i16: Kind<number> = new IntKind('int16', 2, true);
/** Go's uint16. */
export const u16: Kind<number> = new IntKind('uint16', 2, false);
/** Go's uint32. */
export const u32: Kind<number> = new IntKind('uint32', 4, false);
/** Go's int64, as a bigint. */
export const i64: Kind<bigint> = new BigKind('int64', true);
/** Go's uint64, as a bigint. */
export const u64: Kind<bigint> = new BigKind('uint64', false);

const i32Kind = new IntKind('int32', 4, true);
const f64Kind = new FloatKind();
const boolKind = new BoolKind();

// --- pointers ----------------------------------------------------------------------------------------------------------------

/** A pointer to one kind of value; null is nil. */
class PtrKind extends Kind<Handle | null> {
  private target: Kind<unknown> | null = null; // found at the first use: a struct named by a string may be declared later
  constructor(private readonly named: Kind<unknown> | string) {
    super(`*${typeof named === 'string' ? named : named.name}`, 4, 4, [0]);
  }
  private get pointee(): Kind<unknown> {
    return (this.target ??= typeof this.named === 'string' ? structNamed(this.named, this.name) : this.named);
  }
  override load(ctx: Context, addr: number): Handle | null {
    return this.withPointer(ctx, ctx.w[addr >>> 2]!);
  }
  override get isPointer(): boolean {
    return true;
  }
  override withPointer(ctx: Context, to: number): Handle | null {
    return to === 0 ? null : this.pointee.place(ctx, to);
  }
  override store(ctx: Context, addr: number, value: Handle | null): void {
    ownHandle(ctx, value);
    ctx.mutator.storePointer(addr >>> 2, this.rootOf(value));
  }
  override zero(): null {
    return null;
  }
  override rootOf(value: unknown): number {
    if (value === null) return 0;
    if (!(value instanceof Handle) || !this.pointee.isPlace(value))
      wrongValue(`a value of type ${this.name}`, 'such a pointer or null', value);
    value.live();
    return value.addr;
  }
}

/** `self` in an element type: a pointer to the struct that is being declared. */
class SelfKind extends Kind<Handle | null> {
  constructor() {
    super('*self', 4, 4, [0]);
  }
  override bind(owner: Kind<unknown>): Kind<Handle | null> {
    return pointerKind(owner);
  }
  override load(): never {
    return this.zero();
  }
  override store(): never {
    return this.zero();
  }
  override zero(): never {
    throw new TypeError('self stands for the struct that is being declared; here there is none, use ptr(T)');
  }
}
const selfKind = new SelfKind();

const pointers = new WeakMap<Kind<unknown>, PtrKind>();

/** @internal The kind of pointers to values of a kind. */
export function pointerKind(to: Kind<unknown>): PtrKind {
  let kind = pointers.get(to);
  if (kind === undefined) pointers.set(to, (kind = new PtrKind(to)));
  return kind;
}

/**
 * A pointer: to a struct, to one that is declared later, by its name, or to any other value (a number, a slice, an array).
 * Pointers may lead into an object; they keep the whole of it.
 */
export function ptr<S extends AnyStruct>(to: S): PtrField<S>;
// biome-ignore lint/suspicious/noExplicitAny: a name says nothing to the type checker; checked mode looks at run time
export function ptr(to: string): Field<any> & { readonly kind: 'ptr' };
export function ptr<E extends Field<unknown>>(to: E): Kind<PointerTo<E> | null>;
export function ptr(to: Field<unknown> | string): Field<unknown> {
  if (typeof to === 'string') return ptrToStruct(to);
  return to instanceof Struct ? ptrToStruct(to) : pointerKind(kindOf(to, 'ptr'));
}

/** @internal The kind of a type argument. TypeError when it is no type; `who` asks. */
export function kindOf(type: Field<unknown>, who: string): Kind<unknown> {
  if (type instanceof Kind) return type;
  switch ((type as Field<unknown> | undefined | null)?.kind) {
    case 'i32':
      return i32Kind;
    case 'f64':
      return f64Kind;
    case 'bool':
      return boolKind;
    case 'self':
      return selfKind;
    case 'ptr':
      if (typeof type.to !== 'string') return pointerKind(type.to as AnyStruct);
      return new PtrKind(type.to);
    default:
      throw new TypeError(`${who}: wanted a type such as i32 or a struct, got ${typeText(type)}`);
  }
}

/** @internal Whether two kinds are one; kinds around a struct named by a string are made anew each time. */
export function sameKind(a: Kind<unknown>, b: Kind<unknown>): boolean {
  return a === b || a.name === b.name;
}

// --- memory ------------------------------------------------------------------------------------------------------------------

/** Most bytes of one object: half the address space. */
export const maxAlloc = 2 ** 30;

/** @internal The runtime's description of a kind. */
export function typeOfKind(ctx: Context, kind: Kind<unknown>): RType {
  if (kind instanceof Struct) return kind.rtype(ctx);
  const known = ctx.kindTypes.get(kind);
  if (known !== undefined) return known;
  const type = ctx.machine.heap.types.define(kind.name, Math.max(4, Math.ceil(kind.bytes / 4) * 4), kind.ptrWords);
  ctx.kindTypes.set(kind, type);
  if (!ctx.typeKinds.has(type)) ctx.typeKinds.set(type, kind);
  return type;
}

/** @internal n zeroed values, one after the other; those of no bytes have one address. May run the collector first. */
export function newValues(ctx: Context, kind: Kind<unknown>, n: number): number {
  return ctx.mutator.mallocgc(n * kind.bytes, typeOfKind(ctx, kind));
}

/** @internal A pointer to a new zeroed value of any type but a struct. */
export function newPointer(ctx: Context, type: Field<unknown>): Handle {
  const kind = kindOf(type, 'new');
  return kind.place(ctx, newValues(ctx, kind, 1));
}
