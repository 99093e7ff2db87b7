// context: what typed handles (references, frames, channels) need of the runtime they belong to, in one object, so that a
// handle carries one pointer. One per runtime.

import type { Mutator } from '../gc/malloc.ts';
import type { RType } from '../heap/types.ts';
import type { G } from '../sched/g.ts';
import type { SchedTables } from '../sched/parts.ts';
import type { Sched } from '../sched/proc.ts';
import type { Stacks } from '../sched/stack.ts';
import { FrameStack, type FuncFrames } from './frame.ts';
import type { Go } from './go.ts';
import { Ev } from './internal/events.ts';
import { inspect } from './internal/look.ts';
import { Rand } from './internal/rand.ts';
import { isFinal, isStackOverflow } from './internal/throw.ts';
import type { Machine } from './machine.ts';
import { maxFrames, Panics } from './panic.ts';
import type { Raw } from './raw.ts';
import { Handle, type Kind } from './value.ts';

/** Told of an access to bytes of an object on the heap. what: its name in the program, such as `main.Node.value`. */
export type Watcher = (addr: number, bytes: number, writes: boolean, what: () => string) => void;

/** One runtime as its handles see it. */
export class Context {
  readonly w: Int32Array;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly f64: Float64Array;
  readonly sched: Sched;
  readonly stacks: Stacks;
  readonly gt: SchedTables['gt'];
  /** Stack of the place where the error on its way up was first seen, innermost frame first: func pops frames as it passes. */
  thrown: { error: unknown; pcs: Int32Array } | null = null;
  /** The same of a final error that has passed a declared function, and whose it is: the program dies of it. */
  doom: { error: unknown; pcs: Int32Array; g: G } | null = null;
  /** The running P's allocator. */
  mutator: Mutator;
  /** Deferred calls and panics under way. */
  readonly panics: Panics;
  /** The raw layer, when somebody asked for it. */
  raw: Raw | null = null;
  /** By row: what the goroutine's code sees of it. */
  readonly gos: Go[] = [];
  /** Types of this machine by Struct.index, and functions by number; filled when first used. */
  readonly rtypes: RType[] = [];
  readonly funcs: FuncFrames[] = [];
  /**
   * While a frame is pushed for them: arguments that are in no frame yet. Garbage may be collected then if the arena has no
   * room for the stack; null: it may not, since somebody may hold a pointer that nobody roots.
   */
  held: readonly unknown[] | null = null;
  /** Pcs of goroutine functions. */
  readonly goPcs = new WeakMap<object, number>();
  /** By name, when they are known by that alone; else null. */
  namesOnly: Map<string, number> | null = null;
  /** The last one that was asked for: a loop starts many of one function. */
  readonly lastGo = { fn: {} as object, pc: 0 };
  /** The frames of functions that run. */
  readonly frames: FrameStack;
  /** Types of this machine by kind, for those that are no structs, and kinds by type; filled when first used. */
  readonly kindTypes = new Map<Kind<unknown>, RType>();
  readonly typeKinds = new Map<RType, Kind<unknown>>();
  /** Hash seeds of maps and where iterations begin: a stream of its own, so that it moves no other. */
  readonly mapRand: Rand;
  /** Checked mode: which object lives at each granule (0: none); else null. */
  readonly serials: Int32Array | null;

  /** Told of accesses through references, slices, arrays, maps and pointers; in checked mode only (sim/ looks for races). */
  watcher: Watcher | null = null;

  constructor(readonly machine: Machine) {
    this.w = machine.heap.w;
    this.u8 = machine.arena.u8;
    this.u16 = machine.arena.u16;
    this.f64 = machine.arena.f64;
    this.sched = machine.sched;
    this.stacks = machine.sched.stacks;
    this.gt = machine.sched.gt;
    this.mutator = machine.sched.mutator;
    machine.sched.onSwitch = (mutator) => {
      this.mutator = mutator;
    };
    this.mapRand = new Rand(machine.settings.seed, 'maps');
    this.panics = new Panics(this);
    this.serials = machine.settings.checked ? this.watchObjects() : null;
    this.frames = new FrameStack(this);
    this.stacks.registers = this.frames;
    this.stacks.whenFull = () => this.collectForStack();
  }

  /** Whoever holds a context shows itself, not the machine. */
  [inspect](): string {
    return '[runtime]';
  }
  toJSON(): undefined {
    return undefined;
  }

  /** Remembers where an error was thrown, and gives the stack of that place; only the first to see it knows. */
  noteThrow(error: unknown): Int32Array {
    if (this.thrown !== null && this.thrown.error === error) return this.thrown.pcs;
    const final = isFinal(error);
    if (final && this.doom !== null) return this.doom.pcs; // at the end of JavaScript's stack each catch may throw another one
    const pcs = this.pcsAt(error);
    this.thrown = { error, pcs };
    if (!final) return pcs;
    this.doom = { error, pcs, g: this.sched.curg };
    this.sched.doom(error as Error);
    return pcs;
  }

  /** Where JavaScript's stack has ended, no frame can be pushed: the innermost ones are read where they are. */
  private pcsAt(error: unknown): Int32Array {
    const pcs = new Int32Array(maxFrames);
    if (isStackOverflow(error) && this.frames.callers(pcs) === pcs.length) return pcs;
    return pcs.slice(0, this.sched.callers(pcs, pcs.length));
  }

  private collectForStack(): boolean {
    const { held, frames, machine } = this;
    if (held === null || frames.spilled < frames.depth) return false; // a frame in a register only would not be seen
    const pins = held.flatMap((value) => (value instanceof Handle ? [machine.pin(value.addr)] : []));
    machine.gc.makeRoom(true);
    for (const pin of pins) machine.unpin(pin);
    return true;
  }

  private watchObjects(): Int32Array {
    const serials = new Int32Array(this.machine.heap.endPage << 10); // 1024 granules a page
    let next = 1;
    this.machine.subscribe((kind, addr) => {
      if (kind === Ev.malloc) serials[addr >>> 3] = next++;
      else if (kind === Ev.free) serials[addr >>> 3] = 0;
    });
    return serials;
  }
}
