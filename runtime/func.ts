// func: functions of the program that hold pointers. Declared locals live in the goroutine's stack in the arena, where the
// collector sees them; that is the stack map. Pointer arguments are rooted by themselves while the call runs.
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
import { type G, GStatus } from '../sched/g.ts';
import { FrameHead } from '../sched/stack.ts';
import { ArrayKind } from './array.ts';
import { callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { kindOf, newPointer, type PointerTo, pointerKind } from './kinds.ts';
import { type LocalField, type LocalValue, valueLocal } from './locals.ts';
import { Maker } from './make.ts';
import { type AnyStruct, addressOf, makeRef, type Ref, type RefBase, rtypeOf, Struct, structOf, wrongValue } from './struct.ts';
import { type Field, Handle, type Kind, type Taker } from './value.ts';

/** Declared locals of a function, by name: whatever has a pointer in it. A struct or an array stands for a pointer to one. */
export type Locals = Readonly<Record<string, LocalField>>;

/** Who calls: a goroutine or a frame of one. */
export interface Caller {
  /** @internal */
  readonly ctx: Context;
}

/** The frame of a running function: its locals as properties, and allocation. */
export type Frame<L extends Locals> = FrameBase & { -readonly [K in keyof L]: LocalValue<L[K]> };

/** What every frame has. */
export class FrameBase extends Maker implements Caller, Taker {
  /** @internal */
  override ctx!: Context;
  /** @internal Row and id of the goroutine whose stack the frame is in; row 0 once the frame is popped. */
  g: G = 0 as G;
  goid = 0;
  /** @internal Byte offset of the frame in its goroutine's stack. */
  offset = 0;
  /**
   * @internal The references last stored in the first locals. Objects do not move and only the owner writes a local, so
   * reading one gives the same reference back without making another.
   */
  ref0: AnyRef = null;
  ref1: AnyRef = null;
  ref2: AnyRef = null;
  ref3: AnyRef = null;
  /** @internal Values of locals that are no references, while their slots are not nil: see locals.ts. */
  values: unknown[] | null = null;
  /** @internal On the prototype: the types of the locals. */
  declare readonly types: readonly Field<unknown>[];

  /** A new zeroed value; a pointer to it. Go's new(T). May run the collector first. */
  new<S extends AnyStruct>(type: S): Ref<S>;
  new<E extends Field<unknown>>(type: E): PointerTo<E>;
  new(type: Field<unknown>): Handle {
    return allocate(this.ctx, type as AnyStruct);
  }

  /** @internal Checked mode: whether local k takes a reference. */
  expects(k: number, ref: Handle): void {
    const type = this.types[k];
    if (type instanceof Struct && structOf(ref as RefBase<AnyStruct>) !== type) {
      wrongValue(`local ${k}`, `a reference to ${type.name}`, ref);
    }
  }
}

type AnyRef = RefBase<AnyStruct> | null;

/** @internal */
export function allocate<S extends AnyStruct>(ctx: Context, type: S): Ref<S> {
  const known = ctx.rtypes[type.index];
  if (known === undefined && !(type instanceof Struct)) return newPointer(ctx, type) as Ref<S>; // only structs have an index
  return makeRef(ctx, type, ctx.mutator.newObject(known ?? rtypeOf(ctx, type))) as Ref<S>;
}

/** @internal A class of frames with these locals. */
export function frameClass(locals: Locals): new () => FrameBase {
  const made = class extends FrameBase {};
  const types = Object.keys(locals).map((key) => localType(key, locals[key]!));
  Object.defineProperty(made.prototype, 'types', { value: types });
  Object.keys(locals).forEach((key, i) => {
    if (
      key in FrameBase.prototype ||
      key === 'ctx' ||
      key === 'g' ||
      key === 'goid' ||
      key === 'offset' ||
      key === 'values' ||
      /^ref[0-3]$/.test(key)
    )
      throw new TypeError(`a local cannot be called '${key}'`);
    const type = types[i]!;
    const accessor = type instanceof Struct ? (firstLocals[i] ?? localAccessor(type, i)) : valueLocal(type, i, slotWord, setSlotTo);
    Object.defineProperty(made.prototype, key, accessor);
  });
  return made;
}

/** What a local holds: a struct for a pointer to one, else a kind. */
function localType(key: string, type: Field<unknown>): AnyStruct | Kind<unknown> {
  if (type instanceof Struct) return type;
  if ((type as Field<unknown> | undefined)?.kind === 'ptr' && type.to instanceof Struct) return type.to;
  const kind = kindOf(type, `local '${key}'`);
  return kind instanceof ArrayKind ? pointerKind(kind) : kind;
}

/** Writes a local's slot. No barrier: a stack's owner writes it, and stacks are scanned at safepoints only. */
function setSlot(f: FrameBase, k: number, value: AnyRef): void {
  setSlotTo(f, k, value === null ? 0 : addressOf(value, f, k));
}

function setSlotTo(f: FrameBase, k: number, addr: number): void {
  const { ctx } = f;
  if (f.g === ctx.stacks.running) ctx.w[((ctx.stacks.lo + f.offset) >>> 2) + FrameHead.words + k] = addr;
  else setSlotElsewhere(f, k, addr);
}

/**
 * A local of another goroutine, captured by a closure: its stack may or may not be scanned already, so what is overwritten
 * and what is stored are both shaded.
 */
function setSlotElsewhere(f: FrameBase, k: number, addr: number): void {
  const { ctx } = f;
  const i = slotWord(f, k);
  const { gc } = ctx.machine;
  if (gc.marking) {
    gc.work.grey(ctx.w[i]!);
    gc.work.grey(addr);
  }
  ctx.w[i] = addr;
}

/** Word of a local's slot, in whichever goroutine's stack it is. */
function slotWord(f: FrameBase, k: number): number {
  const { ctx, g } = f;
  if (g === ctx.stacks.running) return ((ctx.stacks.lo + f.offset) >>> 2) + FrameHead.words + k;
  if (g === 0 || ctx.gt.goid[g] !== f.goid || ctx.gt.status[g] === GStatus.dead) {
    throw new TypeError('a local was used after its function returned or its goroutine ended');
  }
  return ((ctx.gt.stackLo[g] + f.offset) >>> 2) + FrameHead.words + k;
}

/** Accessors of the first locals, each with its own field; written out because a computed field name would be slow. */
const firstLocals: (PropertyDescriptor & ThisType<FrameBase>)[] = [
  {
    get() {
      return this.ref0;
    },
    set(value: AnyRef) {
      setSlot(this, 0, value);
      this.ref0 = value;
    },
  },
  {
    get() {
      return this.ref1;
    },
    set(value: AnyRef) {
      setSlot(this, 1, value);
      this.ref1 = value;
    },
  },
  {
    get() {
      return this.ref2;
    },
    set(value: AnyRef) {
      setSlot(this, 2, value);
      this.ref2 = value;
    },
  },
  {
    get() {
      return this.ref3;
    },
    set(value: AnyRef) {
      setSlot(this, 3, value);
      this.ref3 = value;
    },
  },
];

/** Accessor of a further local: reads the slot and makes a reference. */
function localAccessor(type: AnyStruct, k: number): PropertyDescriptor & ThisType<FrameBase> {
  return {
    get() {
      const addr = this.ctx.w[slotWord(this, k)]!;
      return addr === 0 ? null : makeRef(this.ctx, type, addr);
    },
    set(value: AnyRef) {
      setSlot(this, k, value);
    },
  };
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
  const index = funcs++;
  const site = callSite(func);
  const FrameOf = frameClass(locals);
  const slots = Object.keys(locals).length;
  const frames: FrameBase[] = []; // by depth of recursion, reused: a call allocates nothing
  let depth = 0;

  const enter = (ctx: Context, args: number): FrameBase => {
    const f = (frames[depth] ??= new FrameOf());
    f.ctx = ctx;
    f.g = ctx.stacks.running;
    f.offset = ctx.stacks.push(ctx.funcPcs[index] ?? register(ctx), slots + args);
    depth++; // only now: push may throw
    if (slots > 0) f.ref0 = null;
    if (slots > 1) {
      f.ref1 = null;
      f.ref2 = null;
      f.ref3 = null;
    }
    return f;
  };
  const register = (ctx: Context): number => (ctx.funcPcs[index] = ctx.machine.symtab.pc(name, site.file, site.line));
  const run = body as (f: unknown, ...args: unknown[]) => R;

  // The number of arguments decides, not body.length: a body may have defaults and rest parameters.
  return function call(this: void, caller: Caller, a?: unknown, b?: unknown, c?: unknown): R {
    // biome-ignore lint/complexity/noArguments: a rest parameter would cost every call an array
    const n = arguments.length;
    const f = enter(caller.ctx, n - 1);
    try {
      if (n > 1) {
        if (typeof a === 'object' && a !== null) rootArgument(f, slots, a);
        if (typeof b === 'object' && b !== null) rootArgument(f, slots + 1, b);
        if (typeof c === 'object' && c !== null) rootArgument(f, slots + 2, c);
      }
      if (n === 2) return run(f, a);
      if (n === 1) return run(f);
      if (n === 3) return run(f, a, b);
      if (n === 4) return run(f, a, b, c);
      // biome-ignore lint/complexity/noArguments: a rest parameter would cost every call an array
      return manyArguments(f, slots, run, Array.prototype.slice.call(arguments, 1));
    } catch (error) {
      f.ctx.noteThrow(error);
      throw error;
    } finally {
      depth--;
      f.ctx.stacks.popTo(f.offset);
      f.g = 0 as G;
    }
  } as unknown as Func<A, R>;
}

function manyArguments<R>(f: FrameBase, slots: number, run: (f: unknown, ...args: unknown[]) => R, args: unknown[]): R {
  for (let i = 3; i < args.length; i++) {
    const arg = args[i];
    if (typeof arg === 'object' && arg !== null) rootArgument(f, slots + i, arg);
  }
  return run(f, ...args);
}

/** Roots a reference among the arguments in slot k of the frame; other objects are the program's own. */
function rootArgument(f: FrameBase, k: number, arg: object): void {
  if (arg instanceof Handle) f.ctx.w[((f.ctx.stacks.lo + f.offset) >>> 2) + FrameHead.words + k] = arg.live() << 2;
}

/** @internal Puts the references among the arguments into the slots behind the locals of the frame at an address. */
export function rootArguments(ctx: Context, frame: number, slots: number, args: readonly unknown[]): void {
  const first = (frame >>> 2) + FrameHead.words + slots;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg instanceof Handle) ctx.w[first + i] = arg.live() << 2;
  }
}
