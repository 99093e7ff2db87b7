// panic: panic, defer, recover and Goexit. A panic is an exception of JavaScript on its way up; deferred calls are kept in
// scopes, and run when the function that a scope belongs to ends, in whatever way. Source: panic.go.
//
//   a goroutine's function    go.defer     its scope is unwound by the scheduler, when the generator has ended
//   a function of func()      f.defer      unwound when the call ends; what it defers cannot block
//   yield* go.call(fn)        go.defer     a blocking function with a scope of its own
//
// Go runs deferred calls on top of the frames that panicked; here those are gone by then, but for the list of their pcs
// (Context.thrown), so the dump is the same. Each panic under way has a record; a panic of a deferred call links to the one
// that it interrupts, and both are printed. Goexit is a panic that cannot be recovered and of which nobody dies.

import type { G } from '../sched/g.ts';
import type { Call, Continuation, Unwinder } from '../sched/newproc.ts';
import { type Blocking, BlockingBody, mayBlock, Op } from '../sched/op.ts';
import type { Context } from './context.ts';
import { fatal, GoPanic, isFinal, nilPanic } from './internal/throw.ts';
import { Handle } from './value.ts';

/** A deferred call. A generator function may block where its scope allows it. */
interface Deferred {
  readonly fn: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  /** Roots of the references among the arguments (sched/holds.ts). */
  readonly held: readonly number[];
}

/** The deferred calls of one running function, last one last. */
export class Scope {
  readonly calls: Deferred[] = [];
  /** What the function returns: set by a deferred call, or undefined. */
  result: unknown = undefined;

  constructor(
    /** Of a blocking function: the scope that it was called in. */
    readonly outer: Scope | null = null,
  ) {}
}

/** Where a deferred call runs. */
interface Place {
  /** How many frames of functions of func() are active. */
  readonly depth: number;
  /** The innermost call of a gofunc; or that call is the deferred one itself, and this is the one around it. */
  readonly call: Call | null;
  readonly inCall: boolean;
  /** The scope of the innermost blocking function; or that one is deferred itself, by `() => go.call(…)`. */
  readonly scope: Scope;
  readonly inScope: boolean;
}

/** A panic, or a Goexit, under way. Go's _panic. */
interface Panicking {
  readonly error: unknown;
  readonly goexit: boolean;
  /** The one that it interrupted. */
  readonly link: Panicking | null;
  recovered: boolean;
  /** A deferred call that ran because of it has panicked itself. */
  aborted: boolean;
  /** The stack where it began, and under `panic` that of the one in whose deferred call it did. */
  pcs: Int32Array;
}

/** Most frames of a stack that are kept: traceback shows 100, and says when there are more. */
export const maxFrames = 101;

/** What is deferred, and what is under way, in one goroutine. */
interface Unwinding {
  readonly goid: number;
  /** That of the goroutine's function. */
  readonly bottom: Scope;
  /** That of the innermost blocking function. */
  scope: Scope;
  /** The newest panic under way. Go's g._panic. */
  panic: Panicking | null;
  /** Whose deferred call runs now, and where: only there recover works. */
  current: Panicking | null;
  place: Place;
  /** Pc of the last memory fault of a panic that is not over; 0: none. Go's g.sigpc. */
  signal: number;
}

/** What a program dies of, as Go prints it. */
interface LastWords {
  readonly error: unknown;
  readonly text: string;
  readonly pcs: Int32Array;
  /** Pc of the memory fault that the goroutine panicked with, now or before; 0: with none. */
  readonly signal: number;
}

/** Functions of func(), whose frame is one more when they are deferred themselves. */
const declared = new WeakSet<object>();

/** @internal fn was made by func(). */
export function declares(fn: object): void {
  declared.add(fn);
}

/** Unwinds the stack for Goexit: nothing of the program should catch it. */
class GoexitSignal extends Error {
  override readonly name = 'Goexit';
}

/** Panics with any value; recover gives it back. Go's panic. */
export function panic(value: unknown): never {
  const error = new GoPanic(hasText(value) ? '' : panicText(value), value);
  if (hasText(value)) Object.defineProperty(error, 'message', { get: () => textOrComplaint(value) }); // asked when it is printed
  throw error;
}

/** A value that says itself how it is printed. Go's error and Stringer. */
function hasText(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ('Error' in value && typeof value.Error === 'function') || ('String' in value && typeof value.String === 'function');
}

/** What is printed of a value. Fatal when its Error or String panics. Source: preprintpanics. */
function printedText(value: unknown): string {
  try {
    return panicText(value);
  } catch (error) {
    if (isFinal(error)) throw error;
    const inner = error instanceof GoPanic ? error.value : error;
    const what = typeof inner === 'string' ? inner : `type ${inner === null ? 'nil' : Object(inner).constructor.name}`;
    return fatal(`panic while printing panic value: ${what}`);
  }
}

/** The same for who only reads the message. */
function textOrComplaint(value: unknown): string {
  try {
    return printedText(value);
  } catch (error) {
    return (error as Error).message;
  }
}

/** A value as Go prints it after `panic: `. Source: preprintpanics, printpanicval. */
function panicText(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'number' && !(Number.isInteger(value) && Math.abs(value) < 2 ** 63)) return floatText(value); // no int of Go's
  if (typeof value !== 'object') return String(value);
  if (value instanceof Error) return value.message;
  if ('Error' in value && typeof value.Error === 'function') return String(value.Error());
  if ('String' in value && typeof value.String === 'function') return String(value.String());
  if (value instanceof Handle) return `(*${value.constructor.name}) 0x${value.addr.toString(16)}`;
  return `(${value.constructor?.name ?? 'Object'}) ${jsonText(value)}`;
}

/** JSON has no text for what contains itself, or a bigint. */
function jsonText(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '{…}';
  }
}

/** Go's print of a float64: +1.500000e+000. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa, exponent] = Math.abs(value).toExponential(6).split('e') as [string, string];
  return `${value < 0 ? '-' : '+'}${mantissa}e${exponent[0]}${exponent.slice(1).padStart(3, '0')}`;
}

/** Panics and deferred calls of one runtime. */
export class Panics implements Unwinder {
  private readonly unwindings: (Unwinding | undefined)[] = [];
  /** What the program died of. */
  lastWords: LastWords | null = null;

  constructor(private readonly ctx: Context) {
    ctx.sched.unwinder = this;
  }

  // --- what a program calls --------------------------------------------------------------------------------------------

  /** Defers a call to the end of the running goroutine's innermost blocking function. */
  defer(fn: Deferred['fn'], args: readonly unknown[]): void {
    const u = this.running();
    if (u.scope === u.bottom) this.ctx.gt.deferring[this.ctx.sched.curg] = 1;
    this.deferIn(u.scope, fn, args);
  }

  /** Something of the runtime's own to be done when the running function ends, unless it is taken back: what this returns does that. */
  onEnd(fn: () => void): () => void {
    if (this.ctx.sched.curg === 0) return () => {};
    const { scope, bottom } = this.running();
    if (scope === bottom) this.ctx.gt.deferring[this.ctx.sched.curg] = 1;
    const d: Deferred = { fn, args: [], held: [] };
    scope.calls.push(d);
    return () => {
      const i = scope.calls.lastIndexOf(d);
      if (i >= 0) scope.calls.splice(i, 1);
    };
  }

  deferIn(scope: Scope, fn: Deferred['fn'], args: readonly unknown[]): void {
    const held = args.filter((arg) => arg instanceof Handle).map((arg) => this.ctx.sched.holds.hold(arg.addr));
    scope.calls.push({ fn, args, held });
  }

  /** The value of the panic that runs this deferred call, which is over then; else null. */
  recover(): unknown {
    const u = this.unwindings[this.ctx.sched.curg];
    const p = u?.current;
    if (u === undefined || p === null || p === undefined) return null;
    if (p.goexit || p.recovered || !this.isAt(u, u.place) || u.goid !== this.goid()) return null;
    p.recovered = true;
    return p.error instanceof GoPanic ? p.error.value : p.error;
  }

  setResult(value: unknown): void {
    this.running().scope.result = value;
  }

  /** Ends the running goroutine after its deferred calls. */
  goexit(): never {
    throw new GoexitSignal('runtime.Goexit');
  }

  /** A blocking function with deferred calls of its own. */
  *call<R>(body: () => Blocking<R>): Generator<void, R, void> {
    const u = this.running();
    const outer = u.scope;
    const scope = new Scope(outer);
    u.scope = scope;
    let result: R | undefined;
    let p: Panicking | null = null;
    try {
      result = yield* body();
    } catch (error) {
      if (isFinal(error)) throw error;
      p = this.raise(u, error);
    }
    p = yield* this.runDeferred(u, scope, p);
    u.scope = outer;
    if (p !== null) throw p.error;
    return (scope.result === undefined ? result : scope.result) as R;
  }

  // --- the end of a function -------------------------------------------------------------------------------------------

  /** A plain function with deferred calls has returned. */
  leave(scope: Scope, result: unknown): unknown {
    this.drainNow(this.running(), scope, null);
    return scope.result === undefined ? result : scope.result;
  }

  /** A plain function with deferred calls has thrown. What it returns after all, when that was recovered. */
  leaveThrowing(scope: Scope, error: unknown): unknown {
    if (isFinal(error)) throw error;
    const u = this.running();
    const p = this.drainNow(u, scope, this.raise(u, error));
    if (p !== null) throw p.error;
    return scope.result;
  }

  /** Runs deferred calls that cannot block. */
  private drainNow(u: Unwinding, scope: Scope, p: Panicking | null): Panicking | null {
    const steps = this.runDeferred(u, scope, p);
    const { done, value } = steps.next();
    if (done !== true) throw new TypeError('a call that a plain function defers cannot block');
    return value;
  }

  returned(g: G): Continuation {
    return this.unwind(this.of(g), null);
  }

  threw(g: G, error: unknown): Continuation | null {
    if (isFinal(error)) throw error;
    const u = this.of(g);
    if (error instanceof Uncaught) {
      this.unwindings[g] = undefined;
      return this.end(u, error.panicking);
    }
    const p = this.raise(u, error);
    if (u.bottom.calls.length > 0) return this.unwind(u, p);
    this.unwindings[g] = undefined;
    return this.end(u, p);
  }

  /** Nobody has recovered: Goexit ends the goroutine, a panic the program. */
  private end(u: Unwinding, p: Panicking): null {
    if (p.goexit) {
      if (this.goid() === 1) this.ctx.sched.mainExits = true;
      return null;
    }
    if (p.error instanceof GoPanic) this.lastWords = { error: p.error, text: this.text(p), pcs: p.pcs, signal: u.signal };
    throw p.error;
  }

  private *unwind(u: Unwinding, p: Panicking | null): Generator<void, void, void> {
    u.scope = u.bottom;
    this.ctx.gt.deferring[this.ctx.sched.curg] = 0;
    const left = yield* this.runDeferred(u, u.bottom, p);
    if (left !== null) throw new Uncaught(left);
    this.unwindings[this.ctx.sched.curg] = undefined;
  }

  /**
   * Makes the deferred calls of a scope, last one first, because its function has returned (null) or because of p. Returns the
   * panic that is under way in the end; null: the function returns. Source: gopanic, deferreturn, Goexit.
   */
  private *runDeferred(u: Unwinding, scope: Scope, cause: Panicking | null): Generator<void, Panicking | null, void> {
    let p: Panicking | null = cause;
    for (let d = scope.calls.pop(); d !== undefined; d = scope.calls.pop()) {
      const { current, place } = u;
      u.current = p;
      u.place = this.placeOf(u, d.fn);
      try {
        const result = d.fn(...(d.args as never[]));
        if (mayBlock(result)) {
          u.place = { ...u.place, inCall: result instanceof Op, inScope: result instanceof BlockingBody };
          yield* result;
        }
      } catch (error) {
        if (isFinal(error)) throw error;
        const next = this.raise(u, error);
        if (p !== null && p !== next) this.abort(p, next);
        p = next;
      } finally {
        u.current = current;
        u.place = place;
        for (const slot of d.held) this.ctx.sched.holds.drop(slot);
      }
      if (p?.recovered) p = this.recovered(u, p);
    }
    return p;
  }

  /** Where fn will be, which is about to be called. */
  private placeOf(u: Unwinding, fn: object): Place {
    const { frames, sched } = this.ctx;
    const depth = frames.depth + (declared.has(fn) ? 1 : 0);
    return { depth, call: sched.cur.call, inCall: false, scope: u.scope, inScope: false };
  }

  /** Whether u's goroutine is in the deferred call itself, and in nothing that it has called. */
  private isAt(u: Unwinding, { depth, call, inCall, scope, inScope }: Place): boolean {
    const { frames, sched } = this.ctx;
    const innermost = sched.cur.call;
    if (frames.depth !== depth) return false;
    if (inCall ? innermost === null || innermost.outer !== call : innermost !== call) return false;
    return (inScope ? u.scope.outer : u.scope) === scope;
  }

  /** p is over, and so are those that it aborted; a Goexit goes on. */
  private recovered(u: Unwinding, p: Panicking): Panicking | null {
    let under = p.link;
    if (under?.goexit && under.aborted) {
      under.aborted = false;
      u.panic = under;
      return under;
    }
    while (under?.aborted) under = under.link;
    u.panic = under;
    if (under === null) u.signal = 0;
    return null;
  }

  /** `next` is the panic of a deferred call that ran because of p; its frames are gone. */
  private abort(p: Panicking, next: Panicking): void {
    p.aborted = true;
    const below = this.ctx.sched.callers(new Int32Array(maxFrames), maxFrames);
    const above = next.pcs.subarray(0, Math.max(next.pcs.length - below, 0));
    const line = p.goexit ? (['runtime.Goexit', 522] as const) : (['panic', 884] as const);
    const pc = this.ctx.machine.symtab.pc(line[0], 'runtime/panic.go', line[1]);
    next.pcs = Int32Array.of(...above, pc, ...p.pcs).subarray(0, maxFrames);
  }

  /** Forgets all goroutines. */
  forget(): void {
    if (this.unwindings.length > 0) this.unwindings.length = 0;
    this.lastWords = null;
  }

  /** The record of an exception: one that is under way already, or a new one (of one that was recovered and thrown again). */
  private raise(u: Unwinding, thrown: unknown): Panicking {
    if (u.panic !== null && u.panic.error === thrown && !u.panic.recovered) return u.panic;
    let error = thrown;
    if (isNilAccess(thrown)) {
      error = nilPanic();
      const { thrown: at } = this.ctx;
      if (at !== null && at.error === thrown) at.error = error;
    }
    const pcs = this.ctx.noteThrow(error);
    if (error instanceof GoPanic && error.signal) u.signal = pcs[0] ?? 0;
    u.panic = { error, goexit: error instanceof GoexitSignal, link: u.panic, recovered: false, aborted: false, pcs };
    return u.panic;
  }

  /** Source: preprintpanics, which asks the newest first, and printpanics. */
  private text(newest: Panicking): string {
    const lines: string[] = [];
    for (let p: Panicking | null = newest; p !== null; p = p.link) {
      const { error, link, goexit, recovered } = p;
      const tab = link !== null && !link.goexit ? '\t' : ''; // before what comes next, if this is a Goexit
      const value = error instanceof GoPanic ? error.value : error;
      lines.unshift(goexit ? tab : `${tab}panic: ${printedText(value)}${recovered ? ' [recovered]' : ''}\n`);
    }
    return lines.join('').slice(0, -1);
  }

  private goid(): number {
    return this.ctx.gt.goid[this.ctx.sched.curg];
  }

  private running(): Unwinding {
    return this.of(this.ctx.sched.curg);
  }

  private of(g: G): Unwinding {
    const goid = this.ctx.gt.goid[g];
    const known = this.unwindings[g];
    if (known !== undefined && known.goid === goid) return known;
    const bottom = new Scope();
    const made: Unwinding = {
      goid,
      bottom,
      scope: bottom,
      panic: null,
      current: null,
      place: { depth: 0, call: null, inCall: false, scope: bottom, inScope: false },
      signal: 0,
    };
    this.unwindings[g] = made;
    return made;
  }
}

/** A panic that no deferred call of the goroutine has recovered. */
class Uncaught {
  constructor(readonly panicking: Panicking) {}
}

/** JavaScript's words (V8's) for a field of a null reference: Go's nil dereference. */
function isNilAccess(error: unknown): boolean {
  return error instanceof TypeError && /^Cannot (read|set) properties of null /.test(error.message);
}
