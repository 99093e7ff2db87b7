// golocals: the declared locals of a goroutine. They live as long as it does, across any number of switches, in the first
// frame of its stack; a closure of another goroutine may use them too.
import { type G, GStatus } from '../sched/g.ts';
import { FrameHead } from '../sched/stack.ts';
import type { Context } from './context.ts';
import { type Frame, FrameBase, type Locals, localTypes, usedTooLate } from './func.ts';
import { valueLocal } from './locals.ts';
import { type AnyStruct, addressOf, checkTarget, makeRef, type RefBase, Struct } from './struct.ts';
import { ownHandle } from './value.ts';

/** @internal Pushes a frame for the locals of the running goroutine. */
export function goroutineLocals<const L extends Locals>(ctx: Context, locals: L): Frame<L> {
  const { stacks, gt } = ctx;
  const Class = localsClass(locals);
  const g = stacks.running;
  ctx.held = [];
  const offset = stacks.push(0, Object.keys(locals).length);
  ctx.held = null;
  return new Class(ctx, g, gt.goid[g], offset) as unknown as Frame<L>;
}

/** @internal A frame in the arena: its slots are reached through the goroutine's stack, wherever that has moved. */
export class GoLocals extends FrameBase {
  constructor(
    ctx: Context,
    /** Row and id of the goroutine. */
    public g: G,
    readonly goid: number,
    /** Byte offset of the frame in its stack. */
    readonly offset: number,
  ) {
    super(ctx);
  }

  /** The frame is popped: its locals are no more. */
  close(): void {
    this.g = 0 as G;
  }
}

/** Classes by the locals' names: goroutines of one kind share a class, though each call of go.locals brings an object of its own. */
const classes = new Map<string, { types: readonly unknown[]; Class: typeof GoLocals }[]>();

/** @internal The class of frames with these locals. */
export function localsClass(locals: Locals): typeof GoLocals {
  const names = Object.keys(locals).join();
  const types = Object.values(locals);
  let same = classes.get(names);
  if (same === undefined) classes.set(names, (same = []));
  const known = same.find((c) => c.types.every((type, k) => type === types[k]));
  if (known !== undefined) return known.Class;
  const Class = makeClass(locals);
  same.push({ types, Class });
  return Class;
}

function makeClass(locals: Locals): typeof GoLocals {
  const Class = class extends GoLocals {};
  const names = Object.keys(locals);
  localTypes(locals).forEach((type, k) => {
    const accessor = type instanceof Struct ? localAccessor(type, k) : valueLocal<GoLocals>(type, k, slot, setSlot);
    Object.defineProperty(Class.prototype, names[k]!, accessor);
  });
  return Class;
}

function localAccessor(type: AnyStruct, k: number): PropertyDescriptor & ThisType<GoLocals> {
  return {
    get() {
      const addr = slot(this, k);
      return addr === 0 ? null : makeRef(this.ctx, type, addr);
    },
    set(value: RefBase<AnyStruct> | null) {
      ownHandle(this.ctx, value);
      if (this.ctx.serials !== null) checkTarget(type, value, () => `local ${k}`);
      setSlot(this, k, value === null ? 0 : addressOf(value));
    },
  };
}

function slot(f: GoLocals, k: number): number {
  return f.ctx.w[slotWord(f, k)]!;
}

/** Writes a local's slot. No barrier: a stack's owner writes it, and stacks are scanned at safepoints only. */
function setSlot(f: GoLocals, k: number, addr: number): void {
  const i = slotWord(f, k);
  if (f.g !== f.ctx.stacks.running) shadeBoth(f.ctx, f.ctx.w[i]!, addr);
  f.ctx.w[i] = addr;
}

/** Another goroutine's local: its stack may or may not be scanned already, so what is overwritten and what is stored are shaded. */
function shadeBoth(ctx: Context, old: number, addr: number): void {
  const { gc } = ctx.machine;
  if (!gc.marking) return;
  gc.work.grey(old);
  gc.work.grey(addr);
}

/** Word of a local's slot, in whichever goroutine's stack it is. TypeError when that has ended. */
function slotWord(f: GoLocals, k: number): number {
  const { ctx, g } = f;
  if (g === ctx.stacks.running && ctx.gt.goid[g] === f.goid) return ((ctx.stacks.lo + f.offset) >>> 2) + FrameHead.words + k;
  if (g === 0 || ctx.gt.goid[g] !== f.goid || ctx.sched.ops[g]!.status === GStatus.dead) usedTooLate();
  return ((ctx.gt.stackLo[g] + f.offset) >>> 2) + FrameHead.words + k;
}
