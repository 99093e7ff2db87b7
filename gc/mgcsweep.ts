// mgcsweep: which span is swept next, and until when. Sweeping one span is heap/msweep.ts. Source: mgcsweep.go.
//
// After mark termination every span needs sweeping. That happens bit by bit: by the background sweeper, by an allocation
// that wants a span of that class (mcentral.cacheSpan), before the next cycle may begin (finish). The order is Go's: span
// classes ascending, full spans before partial ones.
//
// Invariant W1: a cycle's marking begins only when every span was swept for the cycle before.

import { tryAcquire } from '../heap/mcentral.ts';
import type { Heap } from '../heap/mheap.ts';
import { sweepSpan } from '../heap/msweep.ts';
import { numSpanClasses } from '../heap/sizeclasses.ts';
import { gothrow } from '../runtime/internal/throw.ts';

/** The sweep of the current cycle. */
export class Sweeper {
  /** Class at which the search goes on; numSpanClasses when all unswept sets are empty. */
  private cursor = numSpanClasses;
  private done = true;

  constructor(private readonly heap: Heap) {}

  /** True when nothing of this cycle is left to sweep. */
  get isDone(): boolean {
    return this.done;
  }

  /** Mark termination: all spans need sweeping. The world is stopped. */
  begin(): void {
    this.heap.sweepGen += 2;
    this.heap.stats.pagesSwept = 0;
    this.cursor = 0;
    this.done = false;
  }

  /** Sweeps one span; returns its pages, or 0 when there is none left to take. Source: sweepone. */
  sweepOne(): number {
    const { heap } = this;
    while (this.cursor < numSpanClasses) {
      const s = heap.central.nextUnswept(this.cursor);
      if (s === 0) {
        this.cursor++;
        continue;
      }
      if (!tryAcquire(heap, s)) gothrow(`sweepone: span ${s} of an unswept set has sweepgen ${heap.mspan.sweepGen[s]}`);
      const pages = heap.mspan.npages[s];
      sweepSpan(heap, s, false);
      return pages;
    }
    this.done = true;
    return 0;
  }

  /** Sweeps all that is left. Source: finishsweep_m. */
  finish(): void {
    while (!this.done) this.sweepOne();
  }
}
