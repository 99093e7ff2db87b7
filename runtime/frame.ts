// frame: frames of functions made by func, in registers. A call that neither collects nor is sampled never touches the arena:
// its locals and pointer arguments are addresses in fields of a FrameRegs. When somebody is about to look at the stack (the
// collector scans it, a malloc is sampled, an error is on its way up) or to push another frame, the frames that are in
// registers only are pushed on the goroutine's stack; see sched/stack.ts. Three objects:
//
//   FrameStack   of a runtime: the frames that are active, outermost first, and how many of them have been pushed
//   FuncFrames   of a function in a runtime: its pc, and its frames by depth of recursion, which are used again and again
//   FrameRegs    a frame; its `face` is what the function's body sees, with the locals under their names
//
// A body cannot block, so the active frames are those of the running goroutine. Small integers in long-lived objects are the
// point of it: storing a reference there would go through V8's own write barrier, and a class of frames a function would
// make every access in here megamorphic. That is why the face is another object.

import { FrameHead, type Registers } from '../sched/stack.ts';
import type { Context } from './context.ts';
import type { Scope } from './panic.ts';

/** How many locals and arguments have a register; further ones are in `more`, the locals first. Constants of a module are variables in a bundle. */
const enum Registered {
  locals = 4,
  args = 3,
}

/** A frame of one function at one depth of its recursion. */
export class FrameRegs {
  /** Addresses that the first locals hold; 0 is nil. */
  l0 = 0;
  l1 = 0;
  l2 = 0;
  l3 = 0;
  /** Addresses among the first arguments; 0 for what is no pointer. */
  a0 = 0;
  a1 = 0;
  a2 = 0;
  /** Arguments of the call. */
  args = 0;
  /** The frame's offset from stacks.lo, once it is pushed. */
  offset = 0;
  /** False when the call is over; checked mode only, where a frame is not used again. */
  active = true;
  /** Further locals and arguments. */
  readonly more: number[] = [];
  /** What it has deferred; null: nothing. */
  scope: Scope | null = null;
  /** What the body sees. */
  readonly face: unknown;

  constructor(
    readonly owner: FuncFrames,
    faceOf: new (ctx: Context, regs: FrameRegs) => unknown,
  ) {
    this.face = new faceOf(owner.ctx, this);
    for (let k = Registered.locals; k < owner.locals; k++) this.more.push(0);
  }

  /** Address in local k. */
  local(k: number): number {
    if (k >= Registered.locals) return this.more[k - Registered.locals]!;
    return k === 0 ? this.l0 : k === 1 ? this.l1 : k === 2 ? this.l2 : this.l3;
  }

  /** Sets local k. */
  setLocal(k: number, addr: number): void {
    if (k >= Registered.locals) this.more[k - Registered.locals] = addr;
    else if (k === 0) this.l0 = addr;
    else if (k === 1) this.l1 = addr;
    else if (k === 2) this.l2 = addr;
    else this.l3 = addr;
  }

  /** Makes the locals without a register nil. */
  clearMore(): void {
    for (let k = this.moreLocals - 1; k >= 0; k--) this.more[k] = 0;
  }

  /** Address of argument k, for those without a register. */
  setArgument(k: number, addr: number): void {
    this.more[this.moreLocals + k - Registered.args] = addr;
  }

  private argument(k: number): number {
    if (k >= Registered.args) return this.more[this.moreLocals + k - Registered.args] ?? 0;
    return k === 0 ? this.a0 : k === 1 ? this.a1 : this.a2;
  }

  private get moreLocals(): number {
    return Math.max(0, this.owner.locals - Registered.locals);
  }

  /** Writes the slots of a frame that has been pushed: the locals, then the arguments. */
  write(w: Int32Array, lo: number): void {
    const { locals } = this.owner;
    const slots = ((lo + this.offset) >>> 2) + FrameHead.words;
    for (let k = 0; k < locals; k++) w[slots + k] = this.local(k);
    for (let k = 0; k < this.args; k++) w[slots + locals + k] = this.argument(k);
  }
}

/** The active frames of one runtime. */
export class FrameStack implements Registers {
  /** Active frames, outermost first, in [0, depth); behind them what was there before, and at least one place. */
  readonly active: (FrameRegs | null)[] = [null];
  depth = 0;
  /** Frames [0, spilled) have been pushed. */
  spilled = 0;

  constructor(private readonly ctx: Context) {}

  /** Another frame than last time is at depth d. */
  link(d: number, r: FrameRegs): void {
    this.active[d] = r;
    if (d + 1 === this.active.length) this.active.push(null);
  }

  spill(): void {
    const { stacks } = this.ctx;
    for (; this.spilled < this.depth; this.spilled++) {
      const r = this.active[this.spilled]!;
      r.offset = stacks.push(r.owner.pc, r.owner.locals + r.args);
    }
  }

  /** Pcs of the active frames, leaf first, as many as there is room for; returns how many. Changes nothing. */
  callers(pcs: Int32Array): number {
    let n = 0;
    for (let d = this.depth - 1; d >= 0 && n < pcs.length; d--) pcs[n++] = this.active[d]!.owner.pc;
    return n;
  }

  write(): void {
    const { w, stacks } = this.ctx;
    for (let d = 0; d < this.spilled; d++) this.active[d]!.write(w, stacks.lo);
  }

  /** The frame at depth d returns, and it had been pushed; so does whatever is above it. */
  pop(d: number): void {
    this.ctx.stacks.popTo(this.active[d]!.offset);
    this.spilled = d;
  }
}

/** One function in one runtime. */
export class FuncFrames {
  /** Calls of the function that are active. */
  depth = 0;
  readonly stack: FrameStack;
  /** Frames by depth of recursion; there is always one more than depth says. */
  private readonly frames: FrameRegs[] = [];
  private readonly checked: boolean;

  constructor(
    readonly ctx: Context,
    readonly pc: number,
    /** Number of declared locals. */
    readonly locals: number,
    private readonly faceOf: new (ctx: Context, regs: FrameRegs) => unknown,
  ) {
    this.stack = ctx.frames;
    this.checked = ctx.serials !== null;
    this.more();
  }

  /**
   * A call begins, at this depth of the function's recursion and with d frames active: its frame, with nil locals. The
   * counts change last, so that an overflow of JavaScript's stack in here leaves nothing behind.
   */
  enter(depth: number, d: number, args: number): FrameRegs {
    const { stack } = this;
    const r = this.frames[depth]!;
    r.l0 = 0;
    r.l1 = 0;
    r.l2 = 0;
    r.l3 = 0;
    if (this.locals > Registered.locals) r.clearMore();
    r.args = args;
    if (stack.active[d] !== r) this.link(d, r);
    this.ctx.stacks.defer();
    this.depth = depth + 1;
    stack.depth = d + 1;
    return r;
  }

  /** That call returns or throws. */
  leave(depth: number, d: number): void {
    const { stack } = this;
    if (stack.spilled > d) stack.pop(d);
    stack.depth = d;
    this.depth = depth;
    if (this.checked) this.retire(depth);
  }

  private link(d: number, r: FrameRegs): void {
    if (this.depth + 1 === this.frames.length) this.more();
    this.stack.link(d, r);
  }

  private more(): void {
    this.frames.push(new FrameRegs(this, this.faceOf));
  }

  /** Checked mode: the frame is never used again, so that a use after the return is seen. */
  private retire(depth: number): void {
    this.frames[depth]!.active = false;
    this.frames[depth] = new FrameRegs(this, this.faceOf);
  }
}
