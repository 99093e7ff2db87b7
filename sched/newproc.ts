// newproc: goroutines as such: their rows, ids and continuations, from newproc1 to gdestroy. proc.ts says when they run.
//
// A row is a descriptor in the arena; beside it lie the continuation (a generator) and the Op (op.ts), which JavaScript must
// keep. Rows are used again, ids are not: each P takes them in batches of 16. Source: proc.go newproc1, gfput, gfget.
import { gothrow } from '../runtime/internal/throw.ts';
import { type G, GStatus, type GTable, gStatusNames, SystemG, WaitReason } from './g.ts';
import { Op } from './op.ts';
import { maxProcs, type P } from './p.ts';
import type { Stacks } from './stack.ts';
import type { Sudogs } from './sudog.ts';

/** A goroutine's continuation. */
export type Continuation = Generator<void, unknown, void>;

/** A blocking function that a goroutine has called, and that is not done: runtime/genfunc.ts. */
export interface Call {
  /** How it goes on. */
  readonly body: Continuation;
  /** How its caller goes on, and the call that the caller is in; null: the goroutine's own function. */
  caller: Continuation | null;
  outer: Call | null;
  /** It is done: its frame is popped. */
  returned(): void;
  threw(error: unknown): void;
}

/** `next` of every generator. */
type Resume = (this: Continuation) => IteratorResult<void, unknown>;

export const forgottenYield = 'a blocking operation was called and not awaited: write `yield*` in front of it';

/** What becomes of a goroutine whose function has ended: runtime/panic.ts, where deferred calls are kept. */
export interface Unwinder {
  /** It has returned, and calls are deferred: the continuation that makes them. */
  returned(g: G): Continuation;
  /** It has thrown: the continuation that makes its deferred calls; null: it ends. Throws what the program dies of. */
  threw(g: G, error: unknown): Continuation | null;
}

/** Goroutine ids 2 to 4 belong to the helpers that are there from the beginning: helpers.ts. */
const firstUserGoid = 5;
const goidBatch = 16;

/** The goroutines of one machine. */
export class Goroutines {
  /** The running goroutine, as a row and in fields, and its P; nobody and the last P between turns. */
  curg: G = 0 as G;
  cur: Op;
  curp: P = 0 as P;
  private readonly nobody = new Op(0 as G, 0);
  /** By row: the goroutine in fields. Row 0 is nobody. */
  readonly ops: Op[] = [];
  /** Runs what goroutines have deferred. */
  unwinder: Unwinder | null = null;
  /** The blocking function that the running goroutine calls now. */
  private entering: Call | null = null;
  /** Goroutines of the program that are not dead. */
  live = 0;
  /** Rows that were ever used; the collector scans the stacks of these. */
  rowsUsed = 0;
  /** Rows of the runtime's own goroutines, which never end. */
  private ownRows = 0;
  /** Rows to be used again, linked by Op.link. */
  protected freeOps: Op | null = null;
  /** How many. Go's gFree.n, of all Ps together. */
  free = 0;
  private readonly goidNext = new Int32Array(maxProcs);
  private readonly goidEnd = new Int32Array(maxProcs);
  private nextGoid = 1;

  constructor(
    readonly gt: GTable,
    readonly stacks: Stacks,
    readonly sudogs: Sudogs,
    /** Most goroutines of the program at once. */
    private readonly most: number,
  ) {
    stacks.ops = this.ops;
    this.nobody.inFlight = true; // no operation begins outside a goroutine
    this.cur = this.nobody;
    this.ops.push(this.nobody);
  }

  /**
   * Makes a goroutine with an empty stack, not yet queued; goid 0: the next one. Throws RangeError when there are too many.
   * Source: newproc1.
   */
  newG(goPc: number, goid = 0): G {
    const { gt, curg } = this;
    const op = this.takeRow();
    const { g } = op;
    gt.goid[g] = goid === 0 ? this.takeGoid() : goid;
    gt.goPc[g] = goPc;
    gt.creator[g] = curg === 0 ? 0 : this.stacks.innermost();
    gt.parent[g] = curg === 0 ? 0 : gt.goid[curg];
    gt.deferring[g] = 0;
    op.waitReason = WaitReason.none;
    op.waitSeen = false;
    gt.lockedM[g] = 0;
    gt.system[g] = SystemG.no;
    this.live++;
    return g;
  }

  private takeRow(): Op {
    const op = this.freeOps;
    if (op === null) return this.newRow();
    this.freeOps = op.link;
    op.link = null;
    this.free--;
    return op;
  }

  private newRow(): Op {
    if (this.rowsUsed - this.ownRows >= this.most) {
      throw new RangeError(`too many goroutines: ${this.live} (raise the option maxGoroutines)`);
    }
    const g = ++this.rowsUsed as G;
    const op = new Op(g, this.ops.length > g ? this.ops[g]!.record : this.sudogs.newRecord());
    op.stackLo = this.gt.stackLo[g]; // exploring uses rows again, and the stacks in them
    this.ops[g] = op;
    return op;
  }

  /** A goroutine of the runtime's own, which never ends; as newG. */
  newSystemG(goPc: number, goid: number, kind: SystemG): G {
    this.ownRows++;
    const g = this.newG(goPc, goid);
    this.gt.system[g] = kind;
    this.live--;
    return g;
  }

  private takeGoid(): number {
    if (this.nextGoid === 1) {
      this.goidNext[0] = firstUserGoid;
      this.goidEnd[0] = goidBatch + 1;
      this.nextGoid = goidBatch + 1;
      return 1; // main
    }
    const p = this.curp;
    if (this.goidNext[p]! === this.goidEnd[p]!) {
      this.goidNext[p] = this.nextGoid;
      this.nextGoid += goidBatch;
      this.goidEnd[p] = this.nextGoid;
    }
    return this.goidNext[p]!++;
  }

  /**
   * `next` of every generator, fetched once: looking it up on each goroutine's own object is 10 times slower. It is a constant
   * of the class because V8 takes no variable of a module for one, and calls what it does not know through three more builtins.
   */
  declare private readonly resume: Resume;
  static {
    const generator = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())) as { next: Resume };
    Object.defineProperty(Goroutines.prototype, 'resume', { value: generator.next });
  }

  /** Runs a goroutine until it yields (false) or has ended (true), its calls and its deferred calls included. */
  protected advance(op: Op): boolean {
    for (;;) {
      try {
        const result = op.unfinished ? this.finish(op) : this.goOn(op);
        if (result === null) return false;
        if (result.done !== true) {
          if (this.entering === null) return false;
          this.enterCall(op, this.entering);
        } else if (op.call !== null) {
          op.call.returned();
          this.leaveCall(op, op.call);
          op.value = result.value;
        } else {
          if (result.value !== undefined) mustNotPromise(result.value);
          if (this.gt.deferring[op.g] === 0) return true;
          op.continuation = this.unwinder!.returned(op.g);
        }
      } catch (error) {
        this.entering = null;
        if (op.call !== null) {
          op.call.threw(error);
          this.leaveCall(op, op.call);
          op.fails(error as Error);
          continue;
        }
        if (this.unwinder === null) throw error;
        const rest = this.unwinder.threw(op.g, error);
        if (rest === null) return true;
        op.continuation = rest;
      }
    }
  }

  private goOn(op: Op): IteratorResult<void, unknown> {
    op.done = 1;
    return this.resume.call(op.continuation!);
  }

  /** The same when the operation that it waited for is to be completed first; null: it waits again. */
  private finish(op: Op): IteratorResult<void, unknown> | null {
    if (!op.finish()) return null;
    if (op.error === null) return this.goOn(op);
    op.done = 1;
    return this.throwInto(op);
  }

  /** The operation that a goroutine waits for ends in a panic: it begins where the goroutine waits. */
  private throwInto(op: Op): IteratorResult<void, unknown> {
    const { error } = op;
    op.error = null;
    return op.continuation!.throw(error);
  }

  /** The operation that has begun calls a blocking function: instead of waiting for others, its goroutine goes on with that. */
  call(op: Op, call: Call): void {
    op.done = 0;
    this.entering = call;
  }

  private enterCall(op: Op, call: Call): void {
    this.entering = null;
    call.caller = op.continuation;
    call.outer = op.call;
    op.call = call;
    op.continuation = call.body;
  }

  /** The innermost call of a goroutine is over: its caller goes on. */
  private leaveCall(op: Op, call: Call): void {
    op.call = call.outer;
    op.continuation = call.caller;
    if (op.inFlight) op.fails(new TypeError(forgottenYield));
    op.inFlight = false;
  }

  /** Takes back the row and the stack of a goroutine that has ended, or that was made and never started. */
  release(g: G): void {
    const { gt } = this;
    const op = this.ops[g]!;
    op.status = GStatus.dead;
    op.continuation = null;
    op.call = null;
    op.brought = 0;
    this.stacks.freeAll(g);
    if (gt.system[g] === SystemG.no) this.live--;
    op.link = this.freeOps;
    this.freeOps = op;
    this.free++;
  }

  /** Forgets all goroutines as if there never had been one; nobody waits on anything. Exploring runs program after program. */
  protected forgetAll(): void {
    for (let g = 1 as G; g <= this.rowsUsed; g++) {
      const op = this.ops[g]!;
      if (op.status === GStatus.dead) continue;
      op.status = GStatus.dead;
      op.continuation = null;
      op.call = null;
      this.sudogs.releaseAll(op);
      this.stacks.freeAll(g);
    }
    this.rowsUsed = this.ownRows = 0;
    this.freeOps = null;
    this.free = 0;
    this.live = 0;
    this.nextGoid = 1;
    this.nobodyRuns();
    this.entering = null;
  }

  /** No goroutine runs. */
  protected nobodyRuns(): void {
    this.curg = 0 as G;
    this.cur = this.nobody;
  }

  /** Visits the rows that are free to be used again. */
  eachFree(visit: (g: G) => void): void {
    for (let op = this.freeOps; op !== null; op = op.link) visit(op.g);
  }

  /** The goroutine is not in the state in which it should leave `from`: invariant Q5. */
  protected badStatus(op: Op, from: GStatus): never {
    gothrow(`Q5: goroutine ${this.gt.goid[op.g]} is ${gStatusNames[op.status]}, wanted ${gStatusNames[from]}`);
  }

  /** Every goroutine that is not dead, oldest row first; system: those as well that run nothing of the program. */
  *goroutines(system = false): Generator<G, void, void> {
    const { gt, ops } = this;
    for (let g = 1 as G; g <= this.rowsUsed; g++) {
      const { status } = ops[g]!;
      if (status === GStatus.dead || status === GStatus.idle) continue;
      if (system || gt.system[g] === SystemG.no || gt.system[g] === SystemG.userCode) yield g;
    }
  }
}

/** A goroutine has returned something. A promise is one that nobody will wait for. */
function mustNotPromise(value: unknown): void {
  if (typeof (value as { then?: unknown } | null)?.then !== 'function') return;
  throw new TypeError(
    'a goroutine has returned a promise, and nobody waits for it; wait with `yield* go.await(promise)` (Runtime.runAsync)',
  );
}
