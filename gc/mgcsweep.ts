// mgcsweep: which span is swept next, and until when. Sweeping one span is heap/msweep.ts. Source: mgcsweep.go.
//
// After mark termination every span needs sweeping. That happens bit by bit: by the background sweeper, by an allocation
// that wants a span of that class (mcentral.cacheSpan), before the next cycle may begin (finish). The order is Go's: span
// classes ascending, full spans before partial ones.
//
// Proportional: the sweep must be done when the heap reaches the trigger. So before a P takes a span of B bytes, so many
// pages must have been swept as B and all allocation since the last pacing are worth (sweepPagesPerByte):
//
//   pages swept since  >=  sweepPagesPerByte * (bytes allocated since + B) - pages that the caller sweeps itself
//
// The option sweep says which of these ways there are; the one on demand and what is left for finish are always there:
//
//   policy         background      in proportion   in the stop
//   go             yes             yes (1.19)      runtime.GC() of 2014      what Go does, the default
//   background     yes             no              no                        Go 1.3
//   proportional   no              yes             no
//   lazy           no              no              no                        garbage waits until its room is wanted
//   delayed        from half way   no              no                        a sweeper that was let in late
//   eager          -               -               all of it                 no garbage is left when the world starts
//
// Invariant W1: a cycle's marking begins only when every span was swept for the cycle before.

import { tryAcquire } from '../heap/mcentral.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { sweepSpan } from '../heap/msweep.ts';
import { numSpanClasses } from '../heap/sizeclasses.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';

/** When spans are swept: the table above. */
export const sweepPolicies = ['go', 'background', 'proportional', 'lazy', 'delayed', 'eager'] as const;
export type SweepPolicy = (typeof sweepPolicies)[number];

/** Bytes before the trigger at which the sweep is meant to be done. */
const sweepMargin = 1 << 20;

/** The sweep of the current cycle. */
export class Sweeper {
  /** Class at which the search goes on; numSpanClasses when all unswept sets are empty. */
  private cursor = numSpanClasses;
  private done = true;
  /** Price of allocation in pages swept, while a sweep goes on. Written by pace. Go's mheap_.sweepPagesPerByte. */
  sweepPagesPerByte = 0;
  /** Heap size and pages swept when the price was set. */
  liveBasis = 0;
  private pagesSweptBasis = 0;
  /** Spans swept since the last line of gctrace: one by one, and in pauses. Go's sweep.nbgsweep, npausesweep. */
  private backgroundSwept = 0;
  private pauseSwept = 0;
  private readonly inBackground: boolean;
  private readonly inProportion: boolean;
  /** Heap size from which the background may sweep: with `delayed`, half of the way to the trigger. */
  private waitsFor = 0;

  constructor(
    private readonly heap: Heap,
    private readonly policy: SweepPolicy = 'go',
  ) {
    this.inBackground = policy === 'go' || policy === 'background' || policy === 'delayed';
    this.inProportion = policy === 'go' || policy === 'proportional';
  }

  /** Everything is swept before the world starts again. */
  get eager(): boolean {
    return this.policy === 'eager';
  }

  /** Whether a P may use its time to sweep. */
  get mayRunBehind(): boolean {
    return this.inBackground && this.heap.stats.heapLive >= this.waitsFor;
  }

  /** The trigger of the next cycle is known: how long the background waits. */
  wait(trigger: number): void {
    const { heapLive } = this.heap.stats;
    if (this.policy === 'delayed') this.waitsFor = heapLive + Math.max(trigger - heapLive, 0) / 2;
  }

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
    this.heap.reclaimer.begin();
  }

  /** Sets the price of allocation so that the sweep ends 1 MiB before the heap reaches the trigger. Source: gcPaceSweeper. */
  pace(trigger: number): void {
    const { stats } = this.heap;
    const pagesLeft = this.done ? 0 : stats.pagesInUse - stats.pagesSwept;
    if (pagesLeft <= 0 || !this.inProportion) {
      this.sweepPagesPerByte = 0;
      return;
    }
    const distance = Math.max(trigger - stats.heapLive - sweepMargin, pageSize);
    this.sweepPagesPerByte = pagesLeft / distance;
    this.liveBasis = stats.heapLive;
    this.pagesSweptBasis = stats.pagesSwept;
  }

  /** Whether a span must be swept before one of spanBytes may be taken by somebody who sweeps callerPages then. */
  owes(spanBytes: number, callerPages: number): boolean {
    if (this.sweepPagesPerByte === 0 || this.done) return false;
    const { stats } = this.heap;
    const bytes = spanBytes + Math.max(stats.heapLive - this.liveBasis, 0);
    return Math.trunc(this.sweepPagesPerByte * bytes) - callerPages > stats.pagesSwept - this.pagesSweptBasis;
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
    heap.reclaimer.end();
    return 0;
  }

  /** Sweeps one span while the program runs; false when the sweep is complete. */
  step(): boolean {
    if (this.sweepOne() === 0) return false;
    this.backgroundSwept++;
    return true;
  }

  /** Somebody is about to take npages: dead spans are swept until as many came of it. Returns how many spans that were. */
  reclaim(npages: number): number {
    const { reclaimer } = this.heap;
    const before = reclaimer.spansSwept;
    reclaimer.reclaim(npages);
    const spans = reclaimer.spansSwept - before;
    this.backgroundSwept += spans;
    return spans;
  }

  /** Sweeps all that is left; returns how many spans that were. Source: finishsweep_m. */
  finish(): number {
    let spans = 0;
    while (!this.done) if (this.sweepOne() > 0) spans++;
    this.pauseSwept += spans;
    return spans;
  }

  /** Spans in use, and spans swept in the background and in pauses since the last call. */
  sweptSinceLastTrace(): { spans: number; backgroundSwept: number; pauseSwept: number } {
    const { backgroundSwept, pauseSwept, heap } = this;
    this.backgroundSwept = 0;
    this.pauseSwept = 0;
    let spans = 0;
    for (let s = 1 as MSpan; s < heap.spanRows; s++) if (heap.mspan.state[s] === SpanState.inUse) spans++;
    return { spans, backgroundSwept, pauseSwept };
  }
}
