// final: finalizers, cleanups and weak pointers of the public API. See heap/mspecial.ts for what the sweeper does with them.
// Source: mfinal.go (SetFinalizer, runfinq), mcleanup.go (AddCleanup), weak/pointer.go.
//
// The functions run on one goroutine of the runtime's, made with the first of them, one after the other. A function may be a
// generator function: then it may block, and the ones behind it wait.

import { scanContents } from '../gc/mgcmark.ts';
import { attachSpecial, findSpecial, removeSpecial, Special, SpecialKind, type WeakCell } from '../heap/mspecial.ts';
import { ensureSwept } from '../heap/msweep.ts';
import { tinySize } from '../heap/sizeclasses.ts';
import { type G, SystemG, WaitReason } from '../sched/g.ts';
import { mayBlock } from '../sched/op.ts';
import { FrameHead } from '../sched/stack.ts';
import type { Context } from './context.ts';
import { inspect } from './internal/look.ts';
import { fatal, gopanic } from './internal/throw.ts';
import { type AnyStruct, makeRef, type Ref, RefBase, structOf, typeText } from './struct.ts';
import { Handle } from './value.ts';

/** What runs when an object is dead: a plain function, or a generator function that may block. */
type Due<A> = (arg: A) => unknown;

/** A cleanup that was registered; stop() takes it back. Go's runtime.Cleanup. */
export interface Cleanup {
  stop(): void;
}

/** A pointer that does not keep its object. Go's weak.Pointer. */
export class Weak<S extends AnyStruct> {
  /** @internal */
  constructor(
    private readonly ctx: Context,
    private readonly struct: S,
    private readonly cell: WeakCell,
  ) {}

  /** @internal In a console. */
  [inspect](): string {
    return this.cell.addr === 0 ? `weak *${this.struct.name} (dead)` : `weak *${this.struct.name}@0x${this.cell.addr.toString(16)}`;
  }

  toJSON(): unknown {
    return this[inspect]();
  }

  /** The object, or null once the collector has found it dead. */
  value(): Ref<S> | null {
    const { ctx, cell } = this;
    const { heap, gc } = ctx.machine;
    if (cell.addr === 0) return null;
    ensureSwept(heap, heap.spanOf(cell.addr)); // it may be dead already and not swept: then this clears the cell
    const { addr } = cell;
    if (addr === 0) return null;
    if (gc.marking) gc.work.grey(addr); // the caller's stack may be scanned already
    return makeRef(ctx, this.struct, addr) as Ref<S>;
  }

  /** Whether both were made from pointers to the same object, dead or not. */
  equals(other: Weak<S>): boolean {
    return other.cell === this.cell;
  }
}

/** Finalizers, cleanups and weak pointers of one runtime. */
export class Finals {
  /** The goroutine that runs them; 0 until the first one is registered. */
  private g: G = 0 as G;

  constructor(private readonly ctx: Context) {}

  /**
   * Calls fn with the object once nothing reaches it any more; the object lives for that, and for one more cycle. null takes
   * the finalizer away. Fatal with Go's words when there is one already. Source: SetFinalizer.
   */
  setFinalizer<S extends AnyStruct>(ref: Ref<S>, fn: Due<Ref<S>> | null): void {
    checkArguments('runtime.SetFinalizer', ref, fn ?? undefined);
    const struct = structOf(ref);
    const { ctx } = this;
    const { heap, gc } = ctx.machine;
    const addr = this.blockStart(ref, 'runtime.SetFinalizer');
    if (fn === null) {
      const n = removeSpecial(heap, addr, SpecialKind.finalizer);
      if (n !== 0) heap.finalQueue.forget(n);
      return;
    }
    this.start();
    const n = heap.finalQueue.register((object) => fn(makeRef(ctx, struct, object) as Ref<S>));
    if (!attachSpecial(heap, addr, SpecialKind.finalizer, n)) {
      heap.finalQueue.forget(n);
      fatal('runtime.SetFinalizer: finalizer already set');
    }
    if (gc.marking) scanContents(heap, gc.work, heap.objectBase(addr)); // the root job for finalizers may be over
  }

  /**
   * Calls fn(arg) some time after the object was found dead; the object is freed at once. Several per object. arg must not
   * lead to the object. Source: AddCleanup.
   */
  addCleanup<S extends AnyStruct, A>(ref: Ref<S>, fn: Due<A>, arg: A): Cleanup {
    checkArguments('runtime.AddCleanup', ref, fn ?? null);
    const { machine } = this.ctx;
    const { heap } = machine;
    if (arg instanceof Handle && arg.addr === ref.addr) gopanic('runtime.AddCleanup: ptr is equal to arg, cleanup will never run');
    const addr = this.blockStart(ref, 'runtime.AddCleanup');
    this.start();
    let pin = arg instanceof Handle ? machine.pin(arg.addr) : 0; // what the function is called with lives until it has run
    const release = () => {
      if (pin !== 0) machine.unpin(pin);
      pin = 0;
    };
    const n = heap.finalQueue.register(function* cleanup() {
      try {
        const result = fn(arg);
        if (mayBlock(result)) yield* result;
      } finally {
        release();
      }
    });
    attachSpecial(heap, addr, SpecialKind.cleanup, n);
    return {
      stop() {
        if (removeSpecial(heap, addr, SpecialKind.cleanup, n) === 0) return; // it is due, or has run
        heap.finalQueue.forget(n);
        release();
      },
    };
  }

  /** A weak pointer to the object; all of one object are equal. Source: weak.Make. */
  weak<S extends AnyStruct>(ref: Ref<S>): Weak<S> {
    checkArguments('weak.Make', ref);
    const struct = structOf(ref) as S;
    const { machine, w } = this.ctx;
    const { heap } = machine;
    const addr = this.liveAddr(ref, 'weak.Make');
    const record = findSpecial(heap, addr, SpecialKind.weakHandle);
    if (record !== 0) return new Weak(this.ctx, struct, heap.weakCells.get(w[(record >>> 2) + Special.value]!) as WeakCell);
    const cell: WeakCell = { addr };
    attachSpecial(heap, addr, SpecialKind.weakHandle, heap.weakCells.add(cell));
    return new Weak(this.ctx, struct, cell);
  }

  /** The reference's address; only in a tiny block may it be inside. */
  private blockStart(ref: RefBase<AnyStruct>, who: string): number {
    const { heap } = this.ctx.machine;
    const addr = this.liveAddr(ref, who);
    const base = heap.objectBase(addr);
    if (base === addr) return addr;
    const s = heap.spanOfHeap(addr);
    if (s !== 0 && heap.mspan.elemSize[s] === tinySize && (heap.mspan.spanClass[s] & 1) === 1) return addr;
    return fatal(`${who}: pointer not ${s === 0 ? 'in' : 'at beginning of'} allocated block`);
  }

  /** The reference's address, once its span is swept: an object that is dead already must get no record. */
  private liveAddr(ref: RefBase<AnyStruct>, who: string): number {
    const { heap } = this.ctx.machine;
    const s = heap.spanOfHeap(ref.addr);
    if (s !== 0) ensureSwept(heap, s);
    heap.writeCaches();
    const base = heap.objectBase(ref.addr);
    if (base === 0 || !heap.isObject(base)) fatal(`${who}: pointer not in allocated block`);
    return ref.live() << 2;
  }

  /** Makes the finalizer goroutine. Source: createfing, runfinq. */
  private start(): void {
    if (this.g !== 0) return;
    const { sched, machine } = this.ctx;
    const { finalQueue } = machine.heap;
    const pc = machine.symtab.pc('runtime.runfinq', 'mfinal.go', 176);
    const g = sched.newSystemG(pc, 0, SystemG.queued);
    this.g = g;
    const frame = sched.stacks.pushFirst(g, pc, 1);
    /** The slot of runfinq's frame: holds the object while its finalizer runs, however often that blocks. */
    const slot = () => ((sched.stacks.lo + frame) >>> 2) + FrameHead.words;
    let waiting = false;
    finalQueue.onDue = () => {
      if (!waiting) return;
      waiting = false;
      sched.ready(sched.ops[g]!, true);
    };
    const { w, gt } = this.ctx;
    sched.start(
      g,
      (function* runfinq() {
        for (;;) {
          for (let call = finalQueue.take(); call !== undefined; call = finalQueue.take()) {
            w[slot()] = call.addr;
            gt.system[g] = SystemG.userCode;
            const result = call.fn(call.addr);
            if (mayBlock(result)) yield* result;
            gt.system[g] = SystemG.queued;
            w[slot()] = 0;
          }
          waiting = true;
          yield* sched.park(WaitReason.finalizer);
        }
      })(),
    );
  }
}

/** Refuses, before anything is registered, what is no reference and what cannot be called; fn undefined: there is none. */
function checkArguments(who: string, ref: unknown, fn?: unknown): void {
  if (ref === null || ref === undefined) fatal(`${who}: first argument is nil`);
  if (!(ref instanceof RefBase)) throw new TypeError(`${who}: the first argument is a reference to a struct, got ${typeText(ref)}`);
  if (fn !== undefined && typeof fn !== 'function') throw new TypeError(`${who}: wanted a function, got ${typeText(fn)}`);
}
