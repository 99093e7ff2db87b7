// A goroutine made by hand on the raw layer: it stands at a safepoint with one frame of declared locals, and the test plays
// its code. Storing into a local is a plain write, as in a real frame: stacks have no barrier.
import type { Addr } from '../../runtime/internal/memory.ts';
import type { Machine } from '../../runtime/machine.ts';
import type { G } from '../../sched/g.ts';
import { FrameHead } from '../../sched/stack.ts';

/** A goroutine with `slots` locals that the test reads and writes. */
export class HandMade {
  readonly g: G;
  private readonly offset: number;

  constructor(
    private readonly m: Machine,
    slots: number,
    pc = 0x401000,
  ) {
    this.g = m.sched.newG(pc);
    this.offset = m.sched.stacks.pushFirst(this.g, pc, slots);
    m.sched.start(this.g, (function* () {})());
  }

  private word(i: number): number {
    return ((this.m.sched.gt.stackLo[this.g] + this.offset) >>> 2) + FrameHead.words + i;
  }
  get(i: number): Addr {
    return this.m.heap.w[this.word(i)]!;
  }
  set(i: number, addr: Addr): void {
    this.m.heap.w[this.word(i)] = addr;
  }
}

/** The goroutines whose stacks the collector has scanned since this was called; a test waits for one with stepUntil. */
export function scannedStacks(m: Machine): Set<G> {
  const scanned = new Set<G>();
  const { world } = m.sched;
  const scanStack = world.scanStack.bind(world);
  world.scanStack = (i, work) => {
    scanned.add((i + 1) as G); // job i is row i + 1
    return scanStack(i, work);
  };
  return scanned;
}

/** Lets the collector do single steps (a root job, one grey object) until something holds. */
export function stepUntil(m: Machine, holds: () => boolean): void {
  while (!holds()) {
    if (m.gc.step(1) === 0) throw new Error('stepUntil: the collector has nothing left to do, and it does not hold');
  }
}
