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
import { FrameHead } from '../sched/stack.ts';
import { callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { type AnyStruct, addressOf, type Ref, RefBase, rtypeOf } from './struct.ts';

/** Declared pointer locals of a function, by name. */
export type Locals = Readonly<Record<string, AnyStruct>>;

/** Who calls: a goroutine or a frame of one. */
export interface Caller {
  /** @internal */
  readonly ctx: Context;
}

/** The frame of a running function: its locals as properties, and allocation. */
export type Frame<L extends Locals> = FrameBase & { -readonly [K in keyof L]: Ref<L[K]> | null };

/** What every frame has. */
export class FrameBase implements Caller {
  /** @internal */
  ctx!: Context;
  /** @internal Byte offset of the frame in its goroutine's stack. */
  offset = 0;

  /** A new zeroed struct. Go's new(T). May run the collector first. */
  new<S extends AnyStruct>(type: S): Ref<S> {
    return allocate(this.ctx, type);
  }
}

/** @internal */
export function allocate<S extends AnyStruct>(ctx: Context, type: S): Ref<S> {
  return new type.refClass(ctx, ctx.sched.mutator.newObject(ctx.rtypes[type.index] ?? rtypeOf(ctx, type))) as Ref<S>;
}

/** @internal A class of frames with these locals. */
export function frameClass(locals: Locals): new () => FrameBase {
  const made = class extends FrameBase {};
  Object.keys(locals).forEach((key, i) => {
    if (key in FrameBase.prototype || key === 'ctx' || key === 'offset')
      throw new TypeError(`a local cannot be called '${key}'`);
    Object.defineProperty(made.prototype, key, localAccessor(locals[key]!, FrameHead.words + i));
  });
  return made;
}

function localAccessor(type: AnyStruct, word: number): PropertyDescriptor & ThisType<FrameBase> {
  const { refClass } = type;
  return {
    get() {
      const addr = this.ctx.w[((this.ctx.stacks.lo + this.offset) >>> 2) + word]!;
      return addr === 0 ? null : new refClass(this.ctx, addr);
    },
    set(value: RefBase<AnyStruct> | null) {
      // no barrier: a stack's owner writes it, and stacks are scanned at safepoints only
      this.ctx.w[((this.ctx.stacks.lo + this.offset) >>> 2) + word] = value === null ? 0 : addressOf(value);
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
  const pool: FrameBase[] = []; // frames that are not in use: a call allocates nothing
  return (caller, ...args) => {
    const { ctx } = caller;
    const pc = (ctx.funcPcs[index] ??= ctx.machine.symtab.pc(name, site.file, site.line));
    const { stacks } = ctx.sched;
    const f = pool.pop() ?? new FrameOf();
    f.ctx = ctx;
    f.offset = stacks.push(pc, slots + args.length);
    rootArguments(ctx, stacks.lo + f.offset, slots, args);
    try {
      return body(f as Frame<L>, ...args);
    } finally {
      stacks.popTo(f.offset);
      pool.push(f);
    }
  };
}

/** @internal Puts the references among the arguments into the slots behind the locals of the frame at an address. */
export function rootArguments(ctx: Context, frame: number, slots: number, args: readonly unknown[]): void {
  const first = (frame >>> 2) + FrameHead.words + slots;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg instanceof RefBase) ctx.w[first + i] = arg.live() << 2;
  }
}
