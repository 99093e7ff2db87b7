// spawn: what a `go` statement does: a row, a stack with one frame that roots the arguments, and the generator of the function.
// Source: proc.go newproc.
import type { G } from '../sched/g.ts';
import type { Continuation } from '../sched/newproc.ts';
import { FrameHead } from '../sched/stack.ts';
import { type CallSite, callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { rootArguments, rootOf } from './func.ts';
import { Go, type GoFunc } from './go.ts';
import { fatal } from './internal/throw.ts';
import type { Runtime } from './runtime.ts';
import { typeText } from './struct.ts';
import { Handle } from './value.ts';

/** @internal Pc of a goroutine function; its place is that of the first `go` statement that starts it. */
export function goStatementPc(ctx: Context, fn: { name: string }, above: unknown): number {
  if (fn === ctx.lastGo.fn) return ctx.lastGo.pc;
  const pc = ctx.namesOnly !== null ? pcByName(ctx, ctx.namesOnly, fn) : (ctx.goPcs.get(fn) ?? newGoPc(ctx, fn, above));
  ctx.lastGo.fn = fn;
  ctx.lastGo.pc = pc;
  return pc;
}

function newGoPc(ctx: Context, fn: { name: string }, above: unknown): number {
  mustBeFunction(fn);
  const site = goSites.get(fn) ?? callSite(above);
  goSites.set(fn, site);
  const pc = ctx.machine.symtab.pc(`main.${fn.name || 'func1'}`, site.file, site.line);
  ctx.goPcs.set(fn, pc);
  return pc;
}

function pcByName(ctx: Context, known: Map<string, number>, fn: { name: string }): number {
  mustBeFunction(fn);
  const { name } = fn;
  let pc = known.get(name);
  if (pc === undefined) {
    pc = ctx.machine.symtab.pc(`main.${name || 'func1'}`, '??', 0);
    known.set(name, pc);
  }
  return pc;
}

function mustBeFunction(fn: unknown): void {
  if (fn === null || fn === undefined) fatal('go of nil func value');
  if (typeof fn !== 'function') throw new TypeError(`go: got ${typeText(fn)}, wanted a generator function (function*)`);
}

/** Places of goroutine functions: the same in every runtime that starts them. */
const goSites = new WeakMap<object, CallSite>();

/** @internal Makes a goroutine and queues it. pc: of its function. */
export function spawn<A extends unknown[]>(runtime: Runtime, ctx: Context, fn: GoFunc<A>, args: A, pc: number): void {
  spawnIn(runtime, ctx, ctx.sched.newG(pc), fn, args, pc);
}

/** The same in a row that is taken already. */
function spawnIn<A extends unknown[]>(runtime: Runtime, ctx: Context, g: G, fn: GoFunc<A>, args: A, pc: number): void {
  const { stacks } = ctx;
  try {
    ctx.held = args;
    const offset = stacks.pushFirst(g, pc, args.length);
    ctx.held = null;
    rootArguments(ctx, ((ctx.gt.stackLo[g] + offset) >>> 2) + FrameHead.words, args);
    const { gc } = ctx.machine;
    // The new stack may be made behind the marker's back: what it starts with is shaded, as a store into a closure would be.
    if (gc.marking) for (const arg of args) if (arg instanceof Handle) gc.work.grey(arg.addr);
    start(ctx, g, fn, fn(Go.of(runtime, ctx, g), ...args));
  } catch (error) {
    ctx.held = null;
    ctx.sched.release(g); // a stale argument, no generator: nothing was started
    throw error;
  }
}

/** @internal Whether arguments need more than to be rooted: the short road is closed. */
export function unusual(ctx: Context): boolean {
  return ctx.serials !== null || ctx.machine.gc.marking;
}

/** @internal The short road of spawn, for n arguments, at most three. */
export function spawnShort(
  runtime: Runtime,
  ctx: Context,
  fn: GoFunc<unknown[]>,
  pc: number,
  n: number,
  a: unknown,
  b: unknown,
  c: unknown,
): void {
  const { sched } = ctx;
  const g = sched.newG(pc);
  const slots = sched.stacks.firstSlots(g, pc, n);
  if (slots === 0) {
    spawnIn(runtime, ctx, g, fn, [a, b, c].slice(0, n), pc);
    return;
  }
  try {
    if (n > 0 && a instanceof Handle) ctx.w[slots] = rootOf(a);
    if (n > 1 && b instanceof Handle) ctx.w[slots + 1] = rootOf(b);
    if (n > 2 && c instanceof Handle) ctx.w[slots + 2] = rootOf(c);
    const go = Go.of(runtime, ctx, g);
    start(ctx, g, fn, n === 1 ? fn(go, a) : n === 2 ? fn(go, a, b) : n === 0 ? fn(go) : fn(go, a, b, c));
  } catch (error) {
    sched.release(g);
    throw error;
  }
}

function start(ctx: Context, g: G, fn: { name: string }, body: unknown): void {
  if (typeof (body as Continuation | undefined)?.next !== 'function') {
    throw new TypeError(`go ${fn.name || 'func1'}: a goroutine is a generator function (function*)`);
  }
  ctx.sched.start(g, body as Continuation);
}
