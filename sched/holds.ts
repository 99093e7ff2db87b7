// holds: pointers that the runtime itself holds for a while: what a channel's buffer keeps alive, a value on its way into a
// channel whose record has to be made first. A slot is a global variable off the heap; writing one shades what it held and
// what it holds, and, unlike a store of the program, is no place where the collector may run.

import type { GC } from '../gc/mgc.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { Sys, type SysMem } from '../runtime/internal/sysmem.ts';

const blockWords = 64;

/** The runtime's own holds of one machine. */
export class Holds {
  private readonly w: Int32Array;
  private readonly free: number[] = [];

  constructor(
    private readonly sys: SysMem,
    private readonly gc: GC,
  ) {
    this.w = sys.memory.i32;
  }

  /** Makes an object a root; returns the slot (never 0). */
  hold(addr: Addr): number {
    if (this.free.length === 0) this.grow();
    const slot = this.free.pop()!;
    this.w[slot] = addr;
    if (this.gc.marking) this.gc.work.grey(addr);
    return slot;
  }

  /** What a slot holds. */
  at(slot: number): Addr {
    return this.w[slot]!;
  }

  /** Ends what hold began. */
  drop(slot: number): void {
    if (this.gc.marking) this.gc.work.grey(this.w[slot]!);
    this.w[slot] = 0;
    this.free.push(slot);
  }

  private grow(): void {
    const addr = this.sys.persistentAlloc(blockWords * 4, 8, Sys.other);
    this.gc.roots.addGlobals(addr, blockWords);
    for (let k = blockWords - 1; k >= 0; k--) this.free.push((addr >>> 2) + k);
  }
}
