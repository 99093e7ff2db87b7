// func: functions of the program that hold pointers. Declared locals and pointer arguments live in frames that the collector
// sees; that is the stack map. See frame.ts for how.
//
//     const push = func('main.push', { n: Node }, (f, head: Ref<typeof Node> | null, value: number) => {
//       f.n = f.new(Node);
//       f.n.value = value;
//       f.n.next = head;
//       return f.n;
//     });
//     push(go, head, 7);          // the caller (a goroutine or a frame) is the first argument
//
// The frame's name, file and line are what stacks and profiles show.
import { ArrayKind } from './array.ts';
import { callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { type FrameRegs, FuncFrames } from './frame.ts';
import { kindOf, newPointer, type PointerTo, pointerKind } from './kinds.ts';
import { type LocalField, type LocalValue, valueLocal } from './locals.ts';
import { Maker } from './make.ts';
import { declares, Scope } from './panic.ts';
import { type AnyStruct, addressOf, checkTarget, makeRef, plainAddress, type Ref, type RefBase, rtypeOf, Struct } from './struct.ts';
import { type Field, Handle, type Kind, ownHandle } from './value.ts';

/** Declared locals of a function, by name: whatever has a pointer in it. A struct or an array stands for a pointer to one. */
export type Locals = Readonly<Record<string, LocalField>>;

/** Who calls: a goroutine or a frame of one. */
export interface Caller {
  /** @internal */
  readonly ctx: Context;
}

/** The frame of a running function: its locals as properties, and allocation. */
export type Frame<L extends Locals> = FrameBase & { -readonly [K in keyof L]: LocalValue<L[K]> };

/** What every frame has, a function's and a goroutine's. */
export class FrameBase extends Maker implements Caller {
  /** @internal Values of locals that are no references, while their slots are not nil: see locals.ts. */
  values: unknown[] | null = null;

  constructor(/** @internal */ override readonly ctx: Context) {
    super();
  }

  /** A new zeroed value; a pointer to it. Go's new(T). May run the collector first. */
  new<S extends AnyStruct>(type: S): Ref<S>;
  new<E extends Field<unknown>>(type: E): PointerTo<E>;
  new(type: Field<unknown>): Handle {
    return allocate(this.ctx, type as AnyStruct);
  }

  /**
   * Calls fn(args…) when this function ends, in whatever way; the last deferred call is made first. In a function made by func
   * fn cannot block. Go's defer.
   */
  defer<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    const { regs } = this as Partial<Face>;
    if (regs === undefined) this.ctx.panics.defer(fn as (...args: never[]) => unknown, args);
    else this.ctx.panics.deferIn((regs.scope ??= new Scope()), fn as (...args: never[]) => unknown, args);
  }

  /** In a deferred call: what the function returns. Without it, one that has recovered from a panic returns undefined. */
  setResult(value: unknown): void {
    const { regs } = this as Partial<Face>;
    if (regs === undefined) this.ctx.panics.setResult(value);
    else (regs.scope ??= new Scope()).result = value;
  }
}

/** @internal */
export function allocate<S extends AnyStruct>(ctx: Context, type: S): Ref<S> {
  const known = ctx.rtypes[type?.index];
  if (known === undefined) return allocateFirst(ctx, type);
  const addr = ctx.mutator.newObject(known);
  return (ctx.serials === null ? new type.Plain(ctx, addr) : new type.Checked(ctx, addr)) as Ref<S>;
}

/** The first of its type in this runtime, and all that are no structs: only structs have an index. */
function allocateFirst<S extends AnyStruct>(ctx: Context, type: S): Ref<S> {
  if (!(type instanceof Struct)) return newPointer(ctx, type) as Ref<S>;
  return makeRef(ctx, type, ctx.mutator.newObject(rtypeOf(ctx, type))) as Ref<S>;
}

/** @internal What declared locals hold, in their order: a struct for a pointer to one, else a kind. TypeError for a reserved name. */
export function localTypes(locals: Locals): readonly LocalType[] {
  return Object.entries(locals).map(([key, type]) => {
    if (key in FrameBase.prototype || reserved.includes(key)) throw new TypeError(`a local cannot be called '${key}'`);
    return localType(key, type);
  });
}
type LocalType = AnyStruct | Kind<unknown>;
const reserved = ['ctx', 'regs', 'g', 'goid', 'offset', 'values'];

function localType(key: string, type: Field<unknown>): LocalType {
  if (type instanceof Struct) return type;
  if ((type as Field<unknown> | undefined)?.kind === 'ptr' && type.to instanceof Struct) return type.to;
  const kind = kindOf(type, `local '${key}'`);
  return kind instanceof ArrayKind ? pointerKind(kind) : kind;
}

type AnyRef = RefBase<AnyStruct> | null;
type Face = FrameBase & { readonly regs: FrameRegs };
type FaceClass = new (ctx: Context, regs: FrameRegs) => FrameBase;
type LocalAccessor = PropertyDescriptor & ThisType<Face>;

/** The class of a function's frames as its body sees them. */
function faceClass(
  names: readonly string[],
  types: readonly LocalType[],
  accessorOf: (type: LocalType, k: number) => LocalAccessor,
): FaceClass {
  class FuncFrame extends FrameBase {
    constructor(
      ctx: Context,
      /** @internal */ readonly regs: FrameRegs,
    ) {
      super(ctx);
    }
  }
  names.forEach((name, k) => {
    Object.defineProperty(FuncFrame.prototype, name, accessorOf(types[k]!, k));
  });
  return FuncFrame;
}

/** Accessor of local k. A local is the running goroutine's own, so it has no barrier: stacks are scanned at safepoints only. */
function localAccessor(type: LocalType, k: number): LocalAccessor {
  if (type instanceof Struct) return registerAccessors[k]?.(type) ?? moreAccessor(type, k);
  return valueLocal<Face>(
    type,
    k,
    (f) => f.regs.local(k),
    (f, _, addr) => f.regs.setLocal(k, addr),
  );
}

/** Accessors of the locals with a register, written out because a computed field name would be slow. */
const registerAccessors: ((type: AnyStruct) => LocalAccessor)[] = [
  ({ Plain }) => ({
    get() {
      const addr = this.regs.l0;
      return addr === 0 ? null : new Plain(this.ctx, addr);
    },
    set(value: AnyRef) {
      this.regs.l0 = plainAddress(value);
    },
  }),
  ({ Plain }) => ({
    get() {
      const addr = this.regs.l1;
      return addr === 0 ? null : new Plain(this.ctx, addr);
    },
    set(value: AnyRef) {
      this.regs.l1 = plainAddress(value);
    },
  }),
  ({ Plain }) => ({
    get() {
      const addr = this.regs.l2;
      return addr === 0 ? null : new Plain(this.ctx, addr);
    },
    set(value: AnyRef) {
      this.regs.l2 = plainAddress(value);
    },
  }),
  ({ Plain }) => ({
    get() {
      const addr = this.regs.l3;
      return addr === 0 ? null : new Plain(this.ctx, addr);
    },
    set(value: AnyRef) {
      this.regs.l3 = plainAddress(value);
    },
  }),
];

function moreAccessor({ Plain }: AnyStruct, k: number): LocalAccessor {
  return {
    get() {
      const addr = this.regs.local(k);
      return addr === 0 ? null : new Plain(this.ctx, addr);
    },
    set(value: AnyRef) {
      this.regs.setLocal(k, plainAddress(value));
    },
  };
}

/** The same in checked mode, where the local looks whether its function still runs, and at the type of what it gets. */
function checkedLocalAccessor(type: LocalType, k: number): LocalAccessor {
  if (!(type instanceof Struct)) return valueLocal<Face>(type, k, checkedLocal, setCheckedLocal);
  return {
    get() {
      const addr = checkedLocal(this, k);
      return addr === 0 ? null : new type.Checked(this.ctx, addr);
    },
    set(value: AnyRef) {
      ownHandle(this.ctx, value);
      checkTarget(type, value, () => `local ${k}`);
      setCheckedLocal(this, k, value === null ? 0 : addressOf(value));
    },
  };
}

function checkedLocal(f: Face, k: number): number {
  return f.regs.active ? f.regs.local(k) : usedTooLate();
}

function setCheckedLocal(f: Face, k: number, addr: number): void {
  if (!f.regs.active) usedTooLate();
  f.regs.setLocal(k, addr);
}

/** @internal */
export function usedTooLate(): never {
  throw new TypeError('a local was used after its function returned or its goroutine ended');
}

/** A function made by func: the caller first, then the arguments. */
export type Func<A extends unknown[], R> = (caller: Caller, ...args: A) => R;

let funcs = 0;

/**
 * Declares a function with pointer locals. body gets its frame and the arguments; it cannot block (what blocks is a
 * generator, see go.ts). Throws TypeError for a reserved local name.
 */
export function func<const L extends Locals, A extends unknown[], R>(
  name: string,
  locals: L,
  body: (f: Frame<L>, ...args: A) => R,
): Func<A, R> {
  const names = Object.keys(locals);
  const types = localTypes(locals);
  const index = funcs++;
  const site = callSite(func);
  let Plain: FaceClass | undefined;
  let Checked: FaceClass | undefined;
  const framesIn = (ctx: Context): FuncFrames => {
    const known = ctx.funcs[index];
    if (known !== undefined) return known;
    const checked = ctx.serials !== null;
    const FaceOf = checked
      ? (Checked ??= faceClass(names, types, checkedLocalAccessor))
      : (Plain ??= faceClass(names, types, localAccessor));
    const pc = ctx.machine.symtab.pc(name, site.file, site.line);
    return (ctx.funcs[index] = new FuncFrames(ctx, pc, names.length, FaceOf));
  };
  let latest: FuncFrames | null = null;
  const run = body as (f: unknown, ...args: unknown[]) => R;

  // The number of arguments decides, not body.length: a body may have defaults and rest parameters. All are written out: to let
  // `arguments` escape costs every call of every function an object, as soon as one function is called with that many.
  const made = function call(this: void, caller: Caller, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, h?: unknown): R {
    // biome-ignore lint/complexity/noArguments: a rest parameter would cost every call an array
    const n = arguments.length - 1;
    const { ctx } = caller;
    if (latest === null || latest.ctx !== ctx) latest = framesIn(ctx);
    const frames = latest;
    const { depth } = frames;
    const { depth: at } = frames.stack;
    const r = frames.enter(depth, at, n);
    try {
      if (n === 0) return ended(r, run(r.face));
      r.a0 = typeof a === 'object' ? rootOf(a) : 0;
      if (n === 1) return ended(r, run(r.face, a));
      r.a1 = typeof b === 'object' ? rootOf(b) : 0;
      if (n === 2) return ended(r, run(r.face, a, b));
      r.a2 = typeof c === 'object' ? rootOf(c) : 0;
      if (n === 3) return ended(r, run(r.face, a, b, c));
      r.setArgument(3, rootOf(d));
      if (n === 4) return ended(r, run(r.face, a, b, c, d));
      r.setArgument(4, rootOf(e));
      if (n === 5) return ended(r, run(r.face, a, b, c, d, e));
      r.setArgument(5, rootOf(h));
      if (n === 6) return ended(r, run(r.face, a, b, c, d, e, h));
      // biome-ignore lint/complexity/noArguments: as above
      return ended(r, manyArguments(r, run, Array.prototype.slice.call(arguments, 1)));
    } catch (error) {
      ctx.noteThrow(error);
      if (r.scope === null) throw error;
      return endedThrowing(r, r.scope, error) as R;
    } finally {
      frames.leave(depth, at);
    }
  } as unknown as Func<A, R>;
  declares(made);
  return made;
}

/** A call returns: deferred calls, if there are any, may change what. */
function ended<R>(r: FrameRegs, result: R): R {
  return r.scope === null ? result : (leave(r, r.scope, result) as R);
}

function leave(r: FrameRegs, scope: Scope, result: unknown): unknown {
  const changed = r.owner.ctx.panics.leave(scope, result); // one that throws: endedThrowing makes the calls that are left
  r.scope = null;
  return changed;
}

/** A call with deferred calls has thrown: what it returns after all. */
function endedThrowing(r: FrameRegs, scope: Scope, error: unknown): unknown {
  try {
    return r.owner.ctx.panics.leaveThrowing(scope, error);
  } finally {
    r.scope = null;
  }
}

function manyArguments<R>(r: FrameRegs, run: (f: unknown, ...args: unknown[]) => R, args: unknown[]): R {
  for (let i = 6; i < args.length; i++) r.setArgument(i, rootOf(args[i]));
  return run(r.face, ...args);
}

/** @internal The address that keeps an argument: other objects than references are the program's own. */
export function rootOf(arg: unknown): number {
  return arg instanceof Handle ? arg.live() << 2 : 0;
}

/** @internal Puts the references among the arguments into the slots behind the locals of the frame at an address. */
export function rootArguments(ctx: Context, first: number, args: readonly unknown[]): void {
  for (let i = 0; i < args.length; i++) {
    ownHandle(ctx, args[i]);
    ctx.w[first + i] = rootOf(args[i]);
  }
}
