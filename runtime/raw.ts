// raw: the layer below the typed one, for people who write data structures and for our own hot code: addresses instead of
// references, explicit frames instead of declared locals. Same runtime, same collector, same profile.
//
// Rules (the typed layer keeps them for you):
//   R1  an address that must survive a call, an allocation or a yield is in a frame slot, in the heap or pinned
//   R2  a pointer into the heap is stored with store(), never by writing to `words`
//   R3  enter and leave pair up; a frame's slots are read and written through its handle, because stacks move
//
// In checked mode checkedraw.ts stands in its place and says which rule was broken.

import type { Mutator } from '../gc/malloc.ts';
import { RType } from '../heap/types.ts';
import { FrameHead, maxFrameSlots, type Stacks } from '../sched/stack.ts';
import { callSite } from './callsite.ts';
import type { Context } from './context.ts';
import { maxAlloc } from './kinds.ts';
import { type AnyStruct, rtypeOf, typeText } from './struct.ts';

/** Addresses and explicit frames of one goroutine's runtime: `go.raw`. */
export class Raw {
  /** The arena as int32 words: words[addr >>> 2] is an object's first word. Load freely; store pointers with store(). */
  readonly words: Int32Array;
  /** @internal */
  protected readonly stacks: Stacks;

  /** @internal */
  constructor(/** @internal */ protected readonly ctx: Context) {
    this.words = ctx.w;
    this.stacks = ctx.stacks;
  }

  /** The allocator of the running P: valid until the goroutine yields. */
  get mutator(): Mutator {
    return this.ctx.mutator;
  }

  /** The runtime's type of a struct. */
  type(s: AnyStruct): RType {
    return rtypeOf(this.ctx, s);
  }

  /** A type by its layout: bytes, and the words that are pointers. Throws RangeError for an impossible layout. */
  defineType(name: string, bytes: number, pointerWords: readonly number[]): RType {
    return this.ctx.machine.heap.types.define(name, bytes, pointerWords);
  }

  /** A pc for enter(): names a function in stacks and profiles, at the place where this is called. */
  pc(func: string): number {
    const site = callSite(Raw.prototype.pc);
    return this.ctx.machine.symtab.pc(func, site.file, site.line);
  }

  /** A new zeroed object. Go's new(T). */
  new(type: RType): number {
    return this.ctx.mutator.newObject(type);
  }

  /** A new zeroed array of n values. Go's make([]T, n). RangeError: n is no natural number, or the array larger than 1 GiB. */
  array(type: RType, n: number): number {
    if (!(type instanceof RType)) wrongType('raw.array', type);
    if (!Number.isInteger(n) || n < 0 || n * type.size > maxAlloc) {
      throw new RangeError(`raw.array of ${type.name}: got ${String(n)}, wanted a natural number of values, together at most 2^30 bytes`);
    }
    return this.ctx.mutator.mallocgc(type.size * n, type);
  }

  /**
   * Frees the object at addr by hand, as Go until 2014; false while marking runs, when it is left to the collector. RangeError
   * for what is no object of its own: see heap/mfree.ts.
   */
  free(addr: number): boolean {
    return this.ctx.mutator.free(addr);
  }

  /** Word k of the object at addr. */
  load(addr: number, k: number): number {
    return this.words[(addr >>> 2) + k]!;
  }

  /** Stores a pointer into word k of the object at addr, through the write barrier. */
  store(addr: number, k: number, value: number): void {
    const { mutator } = this.ctx;
    if (mutator.slowStore) mutator.storeSlow((addr >>> 2) + k, value);
    else this.words[(addr >>> 2) + k] = value; // storePointer, written out: it would not be inlined this deep
  }

  /** Pushes a frame of n zero slots; returns its handle. RangeError: n is no whole number from 0 to 65535. */
  enter(pc: number, n: number): number {
    if ((n & maxFrameSlots) !== n) throw new RangeError(`raw.enter: got ${String(n)} slots, wanted a whole number from 0 to 65535`);
    return this.stacks.push(pc, n);
  }

  /** Pops the frame; it is the innermost. */
  leave(): void {
    this.stacks.pop();
  }

  /** Slot k of a frame. */
  get(frame: number, k: number): number {
    return this.words[((this.stacks.lo + frame) >>> 2) + FrameHead.words + k]!;
  }

  /** Sets slot k of a frame. */
  set(frame: number, k: number, addr: number): void {
    this.words[((this.stacks.lo + frame) >>> 2) + FrameHead.words + k] = addr;
  }
}

/** @internal TypeError: `who` wanted a type of this machine. */
export function wrongType(who: string, got: unknown): never {
  throw new TypeError(`${who}: got ${typeText(got)}, wanted a type made by raw.type or raw.defineType`);
}
