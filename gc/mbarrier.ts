// mbarrier: the write barrier. While marking, a pointer store first shades what it overwrites and what it stores:
//
//     shade(*slot)      deletion: the old value may live on in a stack that is already scanned
//     shade(new)        insertion: the new value may come from a stack that is not scanned yet
//
// so stacks are scanned once and never again. Stores into a goroutine's own stack have no barrier. Go records both pointers
// in a buffer of the P and shades them when it is full, or when the collector asks (mwbbuf.go); so do we.
//
// Go's formulation shades the new pointer only while the writer's stack is grey, and its implementation shades both always;
// ours is the implementation. Source: mbarrier.go, mwbbuf.go.
import type { Addr } from '../runtime/internal/memory.ts';
import type { GcWork } from './mgcwork.ts';

/** Pairs of pointers in a buffer. Go's wbBufEntries is 256 pairs. */
const entries = 256;

/** The barrier's buffer of one P. */
export class BarrierBuf {
  private readonly pointers = new Int32Array(entries * 2);
  private n = 0;

  /** Records a store; true when the buffer must be flushed before the next one. */
  record(old: Addr, value: Addr): boolean {
    const { pointers } = this;
    pointers[this.n++] = old;
    pointers[this.n++] = value;
    return this.n === entries * 2;
  }

  /** Shades everything recorded. */
  flush(work: GcWork): void {
    const { pointers, n } = this;
    for (let i = 0; i < n; i++) work.grey(pointers[i]!);
    this.n = 0;
  }

  /** Visits everything recorded and not yet shaded; for looking. */
  each(visit: (addr: Addr) => void): void {
    for (let i = 0; i < this.n; i++) visit(this.pointers[i]!);
  }

  get empty(): boolean {
    return this.n === 0;
  }

  /** Forgets everything: the cycle is over. */
  discard(): void {
    this.n = 0;
  }
}
