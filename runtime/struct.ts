// struct: types of the program. A struct is declared once, independent of any runtime; its fields are typed all the way.
//
//     const Node = struct('main.Node', { value: i32, next: self });
//     const n = f.new(Node);  n.value = 7;  n.next = null;
//
// A Ref is a small JavaScript object with the address of a Go object and one accessor a field; storing a pointer goes
// through the write barrier. A Ref is not a root: a pointer that must survive a call, an allocation or a yield belongs into
// a declared local, a parameter or the heap. In checked mode a Ref whose object is gone says so when it is used.

import type { RType } from '../heap/types.ts';
import type { Context } from './context.ts';
import { nilDereference } from './internal/throw.ts';

declare const phantom: unique symbol;

/** A field of a struct that holds a T. */
export interface Field<T> {
  readonly kind: 'i32' | 'f64' | 'bool' | 'ptr' | 'self';
  readonly bytes: number;
  /** ptr: the type pointed to, or its name when it is declared later. */
  readonly to?: AnyStruct | string;
  readonly [phantom]?: T;
}

function field<T>(kind: Field<T>['kind'], bytes: number, to?: AnyStruct | string): Field<T> {
  return to === undefined ? { kind, bytes } : { kind, bytes, to };
}

/** A 32-bit integer (Go's int32). */
export const i32: Field<number> = field('i32', 4);
/** A double (Go's float64). */
export const f64: Field<number> = field('f64', 8);
/** A truth value; takes a word. */
export const bool: Field<boolean> = field('bool', 4);
/** A pointer to the struct that is being declared. */
export const self: SelfField = field('self', 4) as SelfField;
export interface SelfField extends Field<'self'> {
  readonly kind: 'self';
}
/** A pointer to another struct. */
export interface PtrField<S extends AnyStruct> extends Field<Ref<S> | null> {
  readonly kind: 'ptr';
}

/** A pointer field: to a declared struct, or to one that is declared later, by name. */
export function ptr<S extends AnyStruct>(to: S): PtrField<S>;
// biome-ignore lint/suspicious/noExplicitAny: a name says nothing to the type checker; checked mode looks at run time
export function ptr(to: string): Field<any> & { readonly kind: 'ptr' };
export function ptr(to: AnyStruct | string): Field<unknown> {
  return field('ptr', 4, to);
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
// biome-ignore lint/suspicious/noExplicitAny: a struct of any fields; with `unknown` the types of refs would not match
export type AnyStruct = Struct<any>;

/** What a field reads as in a struct S. */
type FieldValue<F, S extends AnyStruct> = F extends SelfField ? Ref<S> | null : F extends Field<infer T> ? T : never;

/** A reference to a struct of type S: its fields, plus what every reference has. */
export type Ref<S extends AnyStruct> = RefBase<S> &
  (S extends Struct<infer F> ? { -readonly [K in keyof F]: FieldValue<F[K], Struct<F>> } : never);

/** What every reference has. Made by `new`, by reading a field and by receiving from a channel. */
export class RefBase<S extends AnyStruct> {
  declare readonly [phantom]?: S;
  constructor(
    /** @internal */ readonly ctx: Context,
    /** Byte address of the object in the arena. */
    readonly addr: number,
  ) {}

  /** Whether both point to the same object; `===` compares the references themselves. */
  is(other: RefBase<S> | null): boolean {
    return other !== null && other.addr === this.addr;
  }

  /** @internal The object's first word. In checked mode it throws when the object is gone. */
  live(): number {
    return this.addr >>> 2;
  }
}

function staleReference(addr: number): never {
  throw new TypeError(
    `stale reference: the object at 0x${addr.toString(16)} was freed by the collector. A pointer that must survive a call, an ` +
      'allocation or a yield belongs into a declared local (func, go.locals), a parameter or the heap; a plain JavaScript variable is no root.',
  );
}

/** A struct type of the program. */
export class Struct<F extends Fields> {
  /** Word of each field. */
  readonly wordOf: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly ptrWords: readonly number[];
  /** @internal Number of this struct, the index into a Context's tables. */
  readonly index: number;
  /** @internal Makes a reference, and one of checked mode. */
  readonly make: MakeRef;
  readonly makeChecked: MakeRef;

  constructor(
    /** Go's name, such as main.Node. */
    readonly name: string,
    readonly fields: F,
  ) {
    const wordOf: Record<string, number> = {};
    const ptrWords: number[] = [];
    let at = 0;
    let align = 4;
    for (const [key, f] of Object.entries(fields)) {
      if (key in RefBase.prototype || key === 'ctx' || key === 'addr' || key === 'serial') {
        throw new TypeError(`struct ${name}: a field cannot be called '${key}'`);
      }
      at = Math.ceil(at / f.bytes) * f.bytes;
      align = Math.max(align, f.bytes);
      wordOf[key] = at / 4;
      if (f.kind === 'ptr' || f.kind === 'self') ptrWords.push(at / 4);
      at += f.bytes;
    }
    if (at === 0) throw new TypeError(`struct ${name}: no fields`);
    this.bytes = Math.ceil(at / align) * align;
    this.wordOf = wordOf;
    this.ptrWords = ptrWords;
    this.index = structs.length;
    this.make = refMaker(this, accessor);
    this.makeChecked = checkedRefMaker(this);
    structs.push(this);
    byName.set(name, this);
  }
}

/** @internal */
export type MakeRef = (ctx: Context, addr: number) => RefBase<AnyStruct>;

/** @internal A reference to the object at addr. */
export function makeRef(ctx: Context, s: AnyStruct, addr: number): RefBase<AnyStruct> {
  return ctx.serials === null ? s.make(ctx, addr) : s.makeChecked(ctx, addr);
}

/** Every struct that was declared, by index; a name leads to the latest declaration. */
const structs: AnyStruct[] = [];
const byName = new Map<string, AnyStruct>();

/** Declares a struct type. Throws TypeError for a reserved field name or no fields. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  return new Struct(name, fields);
}

/** @internal Every struct that was declared, by index. */
export function declaredStructs(): readonly AnyStruct[] {
  return structs;
}

/** @internal The struct that a pointer field leads to. */
export function targetOf(owner: AnyStruct, f: Field<unknown>): AnyStruct {
  if (f.kind === 'self') return owner;
  const to = typeof f.to === 'string' ? byName.get(f.to) : f.to;
  if (to === undefined) throw new TypeError(`struct ${owner.name}: a pointer field names ${String(f.to)}, which is not declared`);
  return to;
}

/** @internal The runtime's description of a struct. */
export function rtypeOf(ctx: Context, s: AnyStruct): RType {
  return (ctx.rtypes[s.index] ??= ctx.machine.heap.types.define(s.name, s.bytes, s.ptrWords));
}

/**
 * The maker of a struct's references: a class with one accessor a field, each of which reads `addr` and the arena's views
 * from its context (no closure a runtime). The class does not extend RefBase but only inherits from its prototype: a
 * derived constructor is not inlined and costs several times the object.
 */
function refMaker(s: AnyStruct, accessorOf: typeof accessor): MakeRef {
  class PlainRef {
    constructor(
      readonly ctx: Context,
      readonly addr: number,
    ) {}
  }
  inherit(PlainRef, s, accessorOf);
  return (ctx, addr) => new PlainRef(ctx, addr) as RefBase<AnyStruct>;
}

/** The same for checked mode: a reference knows which object at its address it is, and looks before each access. */
function checkedRefMaker(s: AnyStruct): MakeRef {
  class CheckedRef {
    readonly serial: number;
    constructor(
      readonly ctx: Context,
      readonly addr: number,
    ) {
      this.serial = ctx.serials![addr >>> 3]!;
    }
    live(): number {
      if (this.ctx.serials![this.addr >>> 3] !== this.serial) staleReference(this.addr);
      return this.addr >>> 2;
    }
  }
  inherit(CheckedRef, s, checkedAccessor);
  return (ctx, addr) => new CheckedRef(ctx, addr) as unknown as RefBase<AnyStruct>;
}

function inherit(made: { name: string; prototype: object }, s: AnyStruct, accessorOf: typeof accessor): void {
  Object.setPrototypeOf(made.prototype, RefBase.prototype);
  Object.defineProperty(made, 'name', { value: s.name });
  Object.defineProperty(made.prototype, structKey, { value: s });
  for (const [key, f] of Object.entries(s.fields as Fields)) Object.defineProperty(made.prototype, key, accessorOf(s, f, s.wordOf[key]!));
}

type Accessor = Required<Pick<PropertyDescriptor, 'get' | 'set'>> & ThisType<RefBase<AnyStruct>>;

function checkedAccessor(owner: AnyStruct, f: Field<unknown>, word: number): Accessor {
  const { get, set } = accessor(owner, f, word);
  return {
    get() {
      this.live();
      return get.call(this);
    },
    set(value: unknown) {
      this.live();
      set.call(this, value);
    },
  };
}

function accessor(owner: AnyStruct, f: Field<unknown>, word: number): Accessor {
  switch (f.kind) {
    case 'i32':
      return {
        get() {
          return this.ctx.w[(this.addr >>> 2) + word];
        },
        set(value: number) {
          this.ctx.w[(this.addr >>> 2) + word] = value;
        },
      };
    case 'bool':
      return {
        get() {
          return this.ctx.w[(this.addr >>> 2) + word] !== 0;
        },
        set(value: boolean) {
          this.ctx.w[(this.addr >>> 2) + word] = value ? 1 : 0;
        },
      };
    case 'f64':
      return {
        get() {
          return this.ctx.f64[((this.addr >>> 2) + word) >>> 1];
        },
        set(value: number) {
          this.ctx.f64[((this.addr >>> 2) + word) >>> 1] = value;
        },
      };
    default:
      return pointerAccessor(owner, f, word);
  }
}

function pointerAccessor(owner: AnyStruct, f: Field<unknown>, word: number): Accessor {
  let target: AnyStruct | undefined; // found at the first load: it may be declared later
  return {
    get() {
      const addr = this.ctx.w[(this.addr >>> 2) + word]!;
      if (addr === 0) return null;
      target ??= targetOf(owner, f);
      return makeRef(this.ctx, target, addr);
    },
    set(value: RefBase<AnyStruct> | null) {
      this.ctx.mutator.storePointer((this.addr >>> 2) + word, value === null ? 0 : addressOf(value));
    },
  };
}

/** @internal The struct that a reference is one of. */
export function structOf<S extends AnyStruct>(ref: RefBase<S>): S {
  return Object.getPrototypeOf(ref)[structKey] as S;
}
const structKey = Symbol('struct');

/** @internal The address of a live reference; a stale one or something else is refused. */
export function addressOf(value: RefBase<AnyStruct>): number {
  if (!(value instanceof RefBase)) throw new TypeError(`a pointer field takes a reference or null, got ${typeof value}`);
  return value.live() << 2;
}

/** Loads through a pointer that may be nil: `deref(f.head).value` panics with Go's words when head is nil. */
export function deref<S extends AnyStruct>(ref: Ref<S> | null): Ref<S> {
  return ref === null ? nilDereference() : ref;
}
