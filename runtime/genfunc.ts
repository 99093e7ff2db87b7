// genfunc: functions of the program that hold pointers and may block. What func is for plain functions, gofunc is for those that
// are called with yield*:
//
//     const walk = gofunc('main.walk', { left: Node }, function* (go, f, n: Ref<typeof Node>, out: Chan<number>): … {
//       f.left = n.left;
//       if (f.left !== null) yield* walk(go, f.left, out);
//       yield* out.send(n.value);
//     });
//
// A call pushes a frame with the function's name, its locals and its pointer arguments on the goroutine's stack in the arena,
// where it stays across any number of switches; it is popped when the function returns or throws, or when Goexit passes.
//
// A call is an operation like any other: it yields once, and the scheduler goes on with the called function's generator
// instead of the caller's, until that one is done (Sched.advance). So a goroutine has a stack of generators, of which only
// the top one is resumed: a switch costs the same at any depth. Rejected: a chain of yield*, whose every switch walks it (16
// deep 12 times as slow), and a second generator around each body for the sake of `finally`.

import type { Call, Continuation } from '../sched/newproc.ts';
import type { Blocking } from '../sched/op.ts';
import { FrameHead } from '../sched/stack.ts';
import { callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { type Frame, type Locals, rootArguments } from './func.ts';
import type { Go } from './go.ts';
import { type GoLocals, localsClass } from './golocals.ts';

/** A function made by gofunc: the goroutine first, then the arguments. `yield*` what it gives. */
export type BlockingFunc<A extends unknown[], R> = (go: Go, ...args: A) => Blocking<R>;

class BlockingCall implements Call {
  caller: Continuation | null = null;
  outer: Call | null = null;

  constructor(
    readonly body: Continuation,
    private readonly ctx: Context,
    private readonly frame: GoLocals,
  ) {}

  returned(): void {
    const { ctx, frame } = this;
    ctx.stacks.popTo(frame.offset);
    frame.close();
  }

  threw(error: unknown): void {
    this.ctx.noteThrow(error);
    this.returned();
  }
}

/**
 * Declares a function with pointer locals that may block. body is a generator function and gets the goroutine, its frame and the
 * arguments. What it defers belongs to the goroutine's function or the innermost go.call. Throws TypeError for a reserved
 * local name; a call throws it for another goroutine's `go` and for a body that is no generator function.
 */
export function gofunc<const L extends Locals, A extends unknown[], R>(
  name: string,
  locals: L,
  body: (go: Go, f: Frame<L>, ...args: A) => Generator<void, R, void>,
): BlockingFunc<A, R> {
  const FrameOf = localsClass(locals);
  const slots = Object.keys(locals).length;
  const site = callSite(gofunc);
  const pcs = new WeakMap<Context, number>();

  return (go, ...args) => {
    const { ctx, g } = go;
    const { stacks, sched } = ctx;
    if (g !== stacks.running) {
      throw new TypeError(`${name}: this \`go\` belongs to another goroutine; pass on your own, the goroutine function's first parameter`);
    }
    let pc = pcs.get(ctx);
    if (pc === undefined) pcs.set(ctx, (pc = ctx.machine.symtab.pc(name, site.file, site.line)));
    const op = sched.begin();
    ctx.held = args;
    const offset = stacks.push(pc, slots + args.length);
    ctx.held = null;
    const frame = new FrameOf(ctx, g, ctx.gt.goid[g], offset);
    try {
      rootArguments(ctx, ((stacks.lo + offset) >>> 2) + FrameHead.words + slots, args);
      const made: unknown = body(go, frame as unknown as Frame<L>, ...args);
      if (typeof (made as Continuation | undefined)?.next !== 'function') {
        throw new TypeError(`${name}: a function that may block is a generator function (function*)`);
      }
      sched.call(op, new BlockingCall(made as Continuation, ctx, frame));
    } catch (error) {
      op.inFlight = false;
      stacks.popTo(offset); // a stale argument, no generator: nothing was called
      throw error;
    }
    return op as unknown as Blocking<R>;
  };
}
