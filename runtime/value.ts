// value: what every kind of value has in common. A Kind says how a value lies in the arena (bytes, alignment, which words are
// pointers and which are ids of host values) and what JavaScript sees of it; structs, arrays, slices, strings, maps and
// pointers are kinds, each in a file of its own, and are made of one another.
//
//     load    what is there: a number, or a handle on the value (slices, strings, maps: the header is copied, as in Go)
//     store   puts a value there, pointers through the write barrier
//     place   a pointer to the place itself: Go's &x
//
// A Handle is a JavaScript object that carries an address of the arena. It is no root, as a Ref is none (struct.ts).

import type { Context } from './context.ts';
import { dropHost, getHost, setHost } from './hostcell.ts';
import { deepest, inspect, label, lineOf, Named, plain, plainHost } from './internal/look.ts';

declare const phantom: unique symbol;

/** The type of a field that holds a T. */
export interface Field<T> {
  /** value: a Kind, which says everything itself. */
  readonly kind: 'i32' | 'f64' | 'bool' | 'ptr' | 'self' | 'value';
  readonly bytes: number;
  /** ptr: the struct pointed to, or its name when it is declared later. */
  readonly to?: object | string;
  readonly [phantom]?: T;
}

/** Getter and setter of one part of an object, on the prototype of its references. */
export type Accessor = Required<Pick<PropertyDescriptor, 'get' | 'set'>> & ThisType<Handle>;

/** Largest value by bytes that may be part of another one; what is larger belongs into a slice. */
export const maxValueBytes = 1 << 24;

const none: readonly number[] = [];

/** How values of one type lie in memory. */
export abstract class Kind<T> implements Field<T> {
  readonly kind = 'value';
  declare readonly [phantom]?: T;
  /** Words that hold ids of host values, ascending: see hostcell.ts. */
  readonly hostWords: readonly number[] = none;

  constructor(
    /** Go's name, such as []int32. */
    readonly name: string,
    readonly bytes: number,
    readonly align: number,
    /** Words that hold pointers, ascending. */
    readonly ptrWords: readonly number[] = none,
  ) {}

  /** The value at an address. */
  abstract load(ctx: Context, addr: number): T;
  /** Puts a value at an address. TypeError for a value of another type. */
  abstract store(ctx: Context, addr: number, value: T): void;
  /** The zero value. */
  abstract zero(ctx: Context): T;

  /** A pointer to the value at an address: Go's &x. */
  place(ctx: Context, addr: number): Handle {
    return new Ptr<T>(ctx, addr, this);
  }
  /** Whether a value is one pointer and nothing else; then withPointer makes the value of it. */
  get isPointer(): boolean {
    return false;
  }
  withPointer(_ctx: Context, _addr: number): T {
    throw new TypeError(`a value of type ${this.name} is more than a pointer`);
  }
  /** Whether load gives the place and not a copy: structs and arrays. */
  get loadsPlace(): boolean {
    return false;
  }
  /** Whether a handle is a pointer to a value of this kind. */
  isPlace(handle: Handle): boolean {
    return handle instanceof Ptr && handle.to === this;
  }
  /** Name of the part at a byte offset, such as `.len` or `[3].x`; empty at the value itself. */
  part(offset: number): string {
    return offset === 0 ? '' : `+${offset}`;
  }
  /** This kind with `self` standing for a struct. */
  bind(_owner: Kind<unknown>): Kind<T> {
    return this;
  }
  /** Accessor of a field at a byte offset; kinds that are read often have a faster one. */
  accessor(offset: number): Accessor {
    const kind = this;
    return {
      get() {
        return kind.load(this.ctx, this.addr + offset);
      },
      set(value: T) {
        kind.store(this.ctx, this.addr + offset, value);
      },
    };
  }
  /** For kinds with one pointer: the address that keeps the value alive in a local, 0 for nil. TypeError as for store. */
  rootOf(_value: unknown): number {
    throw new TypeError(`a value of type ${this.name} cannot be a local: it is a JavaScript value, keep it in a plain variable`);
  }
}

/** @internal n, when it is a whole number; `what` says which argument of `who`. TypeError: no number; RangeError: no whole one. */
export function wholeNumber(who: string, kind: Kind<unknown>, what: string, n: number): number {
  if (typeof n !== 'number')
    throw new TypeError(`${who} of ${kind.name}: ${what}: got ${n === null ? 'null' : typeof n}, wanted a whole number`);
  if (!Number.isInteger(n)) throw new RangeError(`${who} of ${kind.name}: ${what}: got ${n}, wanted a whole number`);
  return n;
}

/** Something in JavaScript that carries an address of the arena. */
export class Handle {
  constructor(
    /** @internal */ readonly ctx: Context,
    /** Byte address in the arena; 0 is nil. */
    readonly addr: number,
  ) {}

  /** @internal The word at the address. In checked mode it throws when the object is gone. */
  live(): number {
    return this.addr >>> 2;
  }

  /** @internal */
  [label](): string {
    return 'handle';
  }

  /** @internal */
  [plain](_depth: number): unknown {
    return {};
  }

  /** @internal `main.Node@0x2040 {value: 1, next: nil}` in a console. */
  [inspect](): string {
    const name = nameOf(this);
    if (this.addr === 0) return name;
    return isGone(this) ? `${name} (freed)` : `${name} ${lineOf(this[plain](deepest))}`;
  }

  /** What it holds as plain data; pointers as text. */
  toJSON(): unknown {
    if (this.addr === 0) return null;
    return isGone(this) ? `${nameOf(this)} (freed)` : this[plain](deepest);
  }
}

/** Type and address. */
function nameOf(handle: Handle): string {
  return handle.addr === 0 ? `${handle[label]()} nil` : `${handle[label]()}@0x${handle.addr.toString(16)}`;
}

/** Whether the object that a handle leads to, or into, was freed. Without checked mode another one may be in its place. */
function isGone(handle: Handle): boolean {
  const { heap } = handle.ctx.machine;
  if (heap.spanOfHeap(handle.addr) === 0) return heap.isHeapAddr(handle.addr); // what has no bytes is off the heap, and lives
  heap.writeBack();
  const base = heap.objectBase(handle.addr);
  if (base === 0 || !heap.isObject(base)) return true;
  try {
    handle.live();
    return false;
  } catch {
    return true;
  }
}

/** @internal A value in another one as plain data; pointer: it is elsewhere, and named. */
export function plainPart(value: unknown, pointer: boolean, depth: number): unknown {
  if (!(value instanceof Handle)) return plainHost(value);
  if (pointer || depth === 0) return new Named(nameOf(value));
  return value[plain](depth - 1);
}

/** A handle that knows in checked mode which object it leads into: the base of slices, strings, maps, arrays and pointers. */
export class ValueHandle extends Handle {
  /** @internal 0 without checked mode. */
  readonly serial: number;
  constructor(ctx: Context, addr: number) {
    super(ctx, addr);
    this.serial = ctx.serials === null ? 0 : serialAt(ctx, addr);
  }
  override live(): number {
    if (this.serial !== 0 && serialAt(this.ctx, this.addr) !== this.serial) staleReference(this.addr);
    return this.addr >>> 2;
  }
  /** @internal Checked mode: the object is there, and bytes of it are read or written. */
  accessed(addr: number, bytes: number, writes: boolean, what: () => string): void {
    this.live();
    this.ctx.watcher?.(addr, bytes, writes, what);
  }
}

/** @internal Checked mode: which object an address leads into; 0 off the heap. */
export function serialAt(ctx: Context, addr: number): number {
  const base = ctx.serials![addr >>> 3] !== 0 ? addr : ctx.machine.heap.objectBase(addr);
  return ctx.serials![base >>> 3]!;
}

/** @internal Checked mode: what carries an address of another runtime's arena is refused; its address means something else here. */
export function ownHandle(ctx: Context, value: unknown): void {
  if (ctx.serials !== null && value instanceof Handle && value.ctx !== ctx) {
    throw new TypeError(
      `a value of another Runtime (address 0x${value.addr.toString(16)} there): a value belongs to the runtime that it was made in`,
    );
  }
}

/** @internal */
export function staleReference(addr: number): never {
  throw new TypeError(
    `stale reference: the object at 0x${addr.toString(16)} was freed by the collector, or by go.free. A pointer that must survive a call, an ` +
      'allocation or a yield belongs into a declared local (func, go.locals), a parameter or the heap; a plain JavaScript variable is no root.',
  );
}

/** A pointer to a value that is neither a struct nor an array: a field, an element, or what new made. Go's *T. */
export class Ptr<T> extends ValueHandle {
  /** @internal */
  constructor(
    ctx: Context,
    addr: number,
    /** @internal */ readonly to: Kind<T>,
  ) {
    super(ctx, addr);
  }

  /** What it points to: Go's *p. */
  get value(): T {
    if (this.serial !== 0) this.accessed(this.addr, this.to.bytes, false, () => `*${this.to.name}`);
    return this.to.load(this.ctx, this.addr);
  }
  set value(value: T) {
    if (this.serial !== 0) this.accessed(this.addr, this.to.bytes, true, () => `*${this.to.name}`);
    this.to.store(this.ctx, this.addr, value);
  }

  /** @internal */
  override [label](): string {
    return `*${this.to.name}`;
  }

  /** @internal */
  override [plain](depth: number): unknown {
    return plainPart(this.value, this.to.isPointer, depth);
  }

  /** Whether both point to the same place. */
  is(other: Ptr<T> | null): boolean {
    return other !== null && other.addr === this.addr;
  }
}

// --- memory ------------------------------------------------------------------------------------------------------------------

/**
 * @internal Copies n values; the two runs may overlap. The barrier runs over all pointers first, then the bytes move: neither
 * run needs a root for that, as a store of one pointer needs none. Source: typedmemmove, typedslicecopy.
 */
export function copyValues(ctx: Context, kind: Kind<unknown>, dst: number, src: number, n: number): void {
  const { bytes, ptrWords, hostWords } = kind;
  const { w, mutator } = ctx;
  if (dst === src) return;
  const barrier = mutator.slowStore && ptrWords.length > 0;
  if (barrier) {
    for (let at = 0; at < n * bytes; at += bytes) {
      for (const k of ptrWords) mutator.beforeStore(((dst + at) >>> 2) + k, w[((src + at) >>> 2) + k]!);
    }
  }
  if (hostWords.length === 0) ctx.u8.copyWithin(dst, src, src + n * bytes);
  else {
    const backwards = dst > src && dst < src + n * bytes;
    for (let k = 0; k < n; k++) {
      const at = (backwards ? n - 1 - k : k) * bytes;
      moveWords(ctx, kind, (dst + at) >>> 2, (src + at) >>> 2);
    }
  }
  if (barrier) mutator.afterStores();
}

/** Moves a value that has host words; its barriers have run. */
function moveWords(ctx: Context, kind: Kind<unknown>, dst: number, src: number): void {
  const { w } = ctx;
  const { hostWords } = kind;
  let h = 0;
  for (let k = 0; k < kind.bytes >>> 2; k++) {
    if (hostWords[h] === k) {
      setHost(ctx, dst + k, getHost(ctx, src + k));
      h++;
    } else w[dst + k] = w[src + k]!;
  }
}

/** @internal Makes a value zero; the caller says when the stores are done (Mutator.afterStores). Source: typedmemclr. */
export function clearValue(ctx: Context, kind: Kind<unknown>, addr: number): void {
  const { w, mutator } = ctx;
  const first = addr >>> 2;
  if (mutator.slowStore) for (const k of kind.ptrWords) mutator.beforeStore(first + k, 0);
  for (const k of kind.hostWords) dropHost(ctx, first + k);
  if (kind.hostWords.length === 0) {
    ctx.u8.fill(0, addr, addr + kind.bytes);
    return;
  }
  for (let k = 0; k < kind.bytes >>> 2; k++) if (!kind.hostWords.includes(k)) w[first + k] = 0;
}
