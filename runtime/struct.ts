// struct: types of the program. A struct is declared once, independent of any runtime; its fields are typed all the way.
//
//     const Node = struct('main.Node', { value: i32, next: self });
//     const n = f.new(Node);  n.value = 7;  n.next = null;
//
// A Ref is a small JavaScript object with the address of a Go object and one accessor a field; storing a pointer goes
// through the write barrier. A Ref is not a root: a pointer that must survive a call, an allocation or a yield belongs into
// a declared local, a parameter or the heap. In checked mode a Ref whose object is gone says so when it is used.

import type { RType } from '../heap/types.ts';
import type { ArrayField, ArrayRef } from './array.ts';
import type { Context } from './context.ts';
import type { GoMap, MapField } from './gomap.ts';
import { label, plain } from './internal/look.ts';
import { nilDereference } from './internal/throw.ts';
import type { Slice, SliceField } from './slice.ts';
import {
  type Accessor,
  copyValues,
  type Field,
  Handle,
  Kind,
  maxValueBytes,
  ownHandle,
  plainPart,
  serialAt,
  staleReference,
} from './value.ts';

export type { Field } from './value.ts';

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

/** What a field reads as in a struct S, or an element of a slice or an array in it; a struct by value as a reference to its place. */
export type FieldValue<F, S extends AnyStruct> = F extends SelfField
  ? Ref<S> | null
  : F extends AnyStruct
    ? Ref<F>
    : F extends SliceField<infer E>
      ? Slice<FieldValue<E, S>>
      : F extends ArrayField<infer E>
        ? ArrayRef<FieldValue<E, S>>
        : F extends MapField<infer K, infer V>
          ? GoMap<FieldValue<K, S>, FieldValue<V, S>>
          : F extends Field<infer T>
            ? T
            : never;

/** A reference to a struct of type S: its fields, plus what every reference has. */
export type Ref<S extends AnyStruct> = RefBase<S> &
  (S extends Struct<infer F> ? { -readonly [K in keyof F]: FieldValue<F[K], Struct<F>> } : never);

declare const phantom: unique symbol;
/** What every reference has. Made by `new`, by reading a field and by receiving from a channel. */
export class RefBase<S extends AnyStruct> extends Handle {
  declare readonly [phantom]?: S;

  /** @internal */
  override [label](): string {
    return structOf(this).name;
  }

  /** @internal */
  override [plain](depth: number): unknown {
    const { fields } = structOf(this) as Struct<Fields>;
    const parts = Object.entries(fields).map(([key, f]) => {
      const pointer = f.kind !== 'value' || (f as Kind<unknown>).isPointer;
      return [key, plainPart((this as unknown as Record<string, unknown>)[key], pointer, depth)];
    });
    return Object.fromEntries(parts);
  }

  /** Whether both point to the same object; `===` compares the references themselves. */
  is(other: RefBase<S> | null): boolean {
    return other !== null && other.addr === this.addr;
  }
}

/** A struct type of the program; also the kind of a field that holds one by value. */
export class Struct<F extends Fields> extends Kind<RefBase<AnyStruct>> {
  /** Word of each field, and its first byte. */
  readonly wordOf: Readonly<Record<string, number>>;
  readonly offsetOf: Readonly<Record<string, number>>;
  /** @internal Number of this struct, the index into a Context's tables. */
  readonly index: number;
  /** @internal Class of its references, and of those of checked mode. */
  readonly Plain: RefClass;
  readonly Checked: RefClass;
  override readonly hostWords: readonly number[];
  /** Fields that are kinds of value.ts, `self` in them bound to this struct. */
  private readonly kinds: Readonly<Record<string, Kind<unknown>>>;

  constructor(
    /** Go's name, such as main.Node. */
    name: string,
    readonly fields: F,
  ) {
    const { bytes, align, offsetOf, ptrWords } = layOut(name, fields);
    super(name, bytes, align, ptrWords);
    this.offsetOf = offsetOf;
    this.wordOf = Object.fromEntries(Object.entries(offsetOf).map(([key, offset]) => [key, offset >>> 2]));
    const kinds: Record<string, Kind<unknown>> = {};
    for (const [key, f] of Object.entries(fields as Fields)) if (f instanceof Kind) kinds[key] = f.bind(this);
    this.kinds = kinds;
    this.hostWords = Object.entries(kinds).flatMap(([key, k]) => k.hostWords.map((word) => (offsetOf[key]! >>> 2) + word));
    this.index = structs++;
    this.Plain = plainClass(this);
    this.Checked = checkedClass(this);
    byName.set(name, this);
  }

  /** @internal The kind of a field that has one of its own. */
  kindOf(key: string): Kind<unknown> | undefined {
    return this.kinds[key];
  }

  override load(ctx: Context, addr: number): RefBase<AnyStruct> {
    return makeRef(ctx, this, addr);
  }
  override store(ctx: Context, addr: number, value: RefBase<AnyStruct>): void {
    ownHandle(ctx, value);
    if (!(value instanceof RefBase) || structOf(value) !== this) wrongValue(`a field of type ${this.name}`, `a ${this.name}`, value);
    copyValues(ctx, this, addr, value.live() << 2, 1);
  }
  override zero(ctx: Context): RefBase<AnyStruct> {
    return makeRef(ctx, this, ctx.mutator.newObject(rtypeOf(ctx, this)));
  }
  override place(ctx: Context, addr: number): RefBase<AnyStruct> {
    return makeRef(ctx, this, addr);
  }
  override get loadsPlace(): boolean {
    return true;
  }
  override isPlace(handle: Handle): boolean {
    return handle instanceof RefBase && structOf(handle) === this;
  }
  /** @internal The runtime's description of it. */
  rtype(ctx: Context): RType {
    return rtypeOf(ctx, this);
  }
  override part(offset: number): string {
    for (const [key, f] of Object.entries(this.fields as Fields)) {
      const inside = offset - this.offsetOf[key]!;
      if (inside >= 0 && inside < f.bytes) return `.${key}${this.kinds[key]?.part(inside) ?? (inside === 0 ? '' : `+${inside}`)}`;
    }
    return `.word${offset >>> 2}${offset % 4 === 0 ? '' : `+${offset % 4}`}`;
  }
}

/** Offsets of a struct's fields. Throws TypeError or RangeError, which names the field. */
function layOut(name: string, fields: Fields): { bytes: number; align: number; offsetOf: Record<string, number>; ptrWords: number[] } {
  const offsetOf: Record<string, number> = {};
  const ptrWords: number[] = [];
  let at = 0;
  let align = 4;
  let last = 1;
  for (const [key, f] of Object.entries(fields)) {
    if (key in RefBase.prototype || key === 'ctx' || key === 'addr' || key === 'serial') {
      throw new TypeError(`struct ${name}: a field cannot be called '${key}'`);
    }
    if (!isField(f)) {
      const what = f === undefined ? 'undefined; a struct that is not declared yet is named by self or ptr(name)' : typeof f;
      throw new TypeError(`struct ${name}: field '${key}' has no type, got ${what}`);
    }
    const fieldAlign = f instanceof Kind ? f.align : f.bytes;
    at = Math.ceil(at / fieldAlign) * fieldAlign;
    if (at + f.bytes > maxValueBytes) {
      throw new RangeError(`struct ${name}: field '${key}' ends at byte ${at + f.bytes}, a struct has at most ${maxValueBytes}`);
    }
    align = Math.max(align, fieldAlign);
    offsetOf[key] = at;
    if (f instanceof Kind) for (const word of f.ptrWords) ptrWords.push((at >>> 2) + word);
    else if (f.kind === 'ptr' || f.kind === 'self') ptrWords.push(at / 4);
    at += f.bytes;
    last = f.bytes;
  }
  if (Object.keys(fields).length === 0) throw new TypeError(`struct ${name}: no fields`);
  if (last === 0) at++; // a pointer to the last field must not lead behind the object
  return { bytes: Math.ceil(at / align) * align, align, offsetOf, ptrWords };
}

function isField(f: unknown): f is Field<unknown> {
  return typeof f === 'object' && f !== null && 'kind' in f && 'bytes' in f;
}

/** @internal TypeError for a value that a place does not take. */
export function wrongValue(place: string, wanted: string, got: unknown): never {
  throw new TypeError(`${place} takes ${wanted}, got ${typeText(got)}`);
}

/** What a value is, in words. */
export function typeText(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof RefBase) return `a reference to ${structOf(value).name}`;
  if (value instanceof Handle) return `a ${value.constructor.name.replace(/^_/, '')}`; // a bundler's underscore
  return typeof value;
}

/** @internal */
export type RefClass = new (ctx: Context, addr: number) => RefBase<AnyStruct>;

/** @internal A reference to the object at addr. */
export function makeRef(ctx: Context, s: AnyStruct, addr: number): RefBase<AnyStruct> {
  return ctx.serials === null ? new s.Plain(ctx, addr) : new s.Checked(ctx, addr);
}

/** Structs declared so far; a name leads to the latest declaration. */
let structs = 0;
const byName = new Map<string, AnyStruct>();

/** Declares a struct type. Throws TypeError for a name that is no text, a reserved field name or no fields. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`struct name: got ${String(name) || "''"}, wanted a text that is not empty`);
  if (typeof fields !== 'object' || fields === null)
    throw new TypeError(`struct ${name}: fields: got ${typeText(fields)}, wanted an object`);
  return new Struct(name, fields);
}

/** @internal The struct that a pointer field leads to. */
export function targetOf(owner: AnyStruct, f: Field<unknown>): AnyStruct {
  if (f.kind === 'self') return owner;
  return typeof f.to === 'string' ? structNamed(f.to, `struct ${owner.name}: a pointer field`) : (f.to as AnyStruct);
}

/** @internal The struct declared under a name; TypeError when there is none. */
export function structNamed(name: string, who: string): AnyStruct {
  const to = byName.get(name);
  if (to === undefined) throw new TypeError(`${who} names ${name}, which is not declared`);
  return to;
}

/** @internal The runtime's description of a struct. */
export function rtypeOf(ctx: Context, s: AnyStruct): RType {
  const known = ctx.rtypes[s.index];
  if (known !== undefined) return known;
  const type = ctx.machine.heap.types.define(s.name, s.bytes, s.ptrWords);
  ctx.typeKinds.set(type, s);
  return (ctx.rtypes[s.index] = type);
}

/**
 * The class of a struct's references, with one accessor a field, each of which reads `addr` and the arena's views from its
 * context (no closure a runtime). It does not extend RefBase but only inherits from its prototype: a derived constructor is
 * not inlined and costs several times the object. Accessors are short because V8 inlines by the bytes of their code, and
 * what they make is a constant class, so that a reference which is used on the spot is never made.
 */
function plainClass(s: AnyStruct): RefClass {
  class PlainRef {
    constructor(
      readonly ctx: Context,
      readonly addr: number,
    ) {}
  }
  const Class = PlainRef as unknown as RefClass;
  inherit(Class, s, (f, key) => accessor(s, f, key, Class));
  return Class;
}

/** The same for checked mode: a reference knows which object at its address it is, and looks before each access. */
function checkedClass(s: AnyStruct): RefClass {
  class CheckedRef {
    readonly serial: number;
    constructor(
      readonly ctx: Context,
      readonly addr: number,
    ) {
      this.serial = serialAt(ctx, addr);
    }
    live(): number {
      if (serialAt(this.ctx, this.addr) !== this.serial) staleReference(this.addr);
      return this.addr >>> 2;
    }
  }
  const Class = CheckedRef as unknown as RefClass;
  inherit(Class, s, (f, key) => checkedAccessor(s, f, key));
  return Class;
}

function inherit(Class: RefClass, s: AnyStruct, accessorOf: (f: Field<unknown>, key: string) => Accessor): void {
  Object.setPrototypeOf(Class.prototype, RefBase.prototype);
  Object.defineProperty(Class, 'name', { value: s.name });
  Object.defineProperty(Class.prototype, structKey, { value: s });
  for (const [key, f] of Object.entries(s.fields as Fields)) Object.defineProperty(Class.prototype, key, accessorOf(f, key));
}

function checkedAccessor(owner: AnyStruct, f: Field<unknown>, key: string): Accessor {
  const pointer = f.kind === 'ptr' || f.kind === 'self';
  const { get, set } = pointer ? checkedPointer(owner, f, owner.wordOf[key]!) : accessor(owner, f, key, owner.Plain);
  const offset = owner.offsetOf[key]!;
  const onlyPointsTo = owner.kindOf(key)?.loadsPlace ?? false; // reading a struct in a struct reads nothing of it
  const name = () => `${owner.name}.${key}`;
  return {
    get() {
      this.live();
      if (this.ctx.watcher !== null && !onlyPointsTo) this.ctx.watcher(this.addr + offset, f.bytes, false, name);
      return get.call(this);
    },
    set(value: unknown) {
      this.live();
      ownHandle(this.ctx, value);
      checkValue(owner, f, key, value);
      this.ctx.watcher?.(this.addr + offset, f.bytes, true, name);
      set.call(this, value);
    },
  };
}

/** Whether a field takes a value; the kinds of value.ts look for themselves. */
function checkValue(owner: AnyStruct, f: Field<unknown>, key: string, value: unknown): void {
  const place = () => `struct ${owner.name}: field '${key}'`;
  if (f.kind === 'i32' || f.kind === 'f64') {
    if (typeof value !== 'number') wrongValue(place(), 'a number', value);
  } else if (f.kind === 'bool') {
    if (typeof value !== 'boolean') wrongValue(place(), 'a truth value', value);
  } else if (f.kind !== 'value') checkTarget(targetOf(owner, f), value, place);
}

/** @internal Checked mode: a pointer to a struct takes references to it alone. */
export function checkTarget(target: AnyStruct, value: unknown, place: () => string): void {
  if (value instanceof RefBase && structOf(value) !== target) wrongValue(place(), `a reference to ${target.name}`, value);
}

function accessor(owner: AnyStruct, f: Field<unknown>, key: string, self: RefClass): Accessor {
  const word = owner.wordOf[key]!;
  switch (f.kind) {
    case 'value':
      return owner.kindOf(key)!.accessor(owner.offsetOf[key]!);
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
    case 'self':
      return pointerAccessor(word, self);
    default:
      return f.to instanceof Struct ? pointerAccessor(word, f.to.Plain) : namedPointerAccessor(owner, f, word);
  }
}

function pointerAccessor(word: number, Target: RefClass): Accessor {
  return {
    get() {
      const addr = this.ctx.w[(this.addr >>> 2) + word]!;
      return addr === 0 ? null : new Target(this.ctx, addr);
    },
    set(value: RefBase<AnyStruct> | null) {
      this.ctx.mutator.storePointer((this.addr >>> 2) + word, plainAddress(value));
    },
  };
}

/** A pointer to a struct that may be declared later: its class is found at the first load. */
function namedPointerAccessor(owner: AnyStruct, f: Field<unknown>, word: number): Accessor {
  const found: { Target?: RefClass } = {}; // a property that is added once is a constant to V8, a variable is none
  const find = (): RefClass => (found.Target = targetOf(owner, f).Plain);
  return {
    get() {
      const addr = this.ctx.w[(this.addr >>> 2) + word]!;
      return addr === 0 ? null : new (found.Target ?? find())(this.ctx, addr);
    },
    set(value: RefBase<AnyStruct> | null) {
      this.ctx.mutator.storePointer((this.addr >>> 2) + word, plainAddress(value));
    },
  };
}

function checkedPointer(owner: AnyStruct, f: Field<unknown>, word: number): Accessor {
  return {
    get() {
      const addr = this.ctx.w[(this.addr >>> 2) + word]!;
      return addr === 0 ? null : makeRef(this.ctx, targetOf(owner, f), addr);
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
  if (!(value instanceof RefBase)) throw new TypeError(`a pointer field takes a reference or null, got ${typeText(value)}`);
  return value.live() << 2;
}

/**
 * @internal The same without checked mode, and 0 for null: one load and one test. It sees whether the value has an address,
 * not what it is the address of.
 */
export function plainAddress(value: RefBase<AnyStruct> | null): number {
  const addr = value?.addr;
  return typeof addr === 'number' ? addr : value === null ? 0 : addressOf(value);
}

/** Loads through a pointer that may be nil: `deref(f.head).value` panics with Go's words when head is nil. */
export function deref<S extends AnyStruct>(ref: Ref<S> | null): Ref<S> {
  return ref === null ? nilDereference() : ref;
}
