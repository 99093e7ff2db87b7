// mreclaim: pages before fresh pages. While a sweep goes on, whoever wants n pages first looks for garbage of that size, so that
// the heap does not grow beside spans that are dead and not swept yet. See layout.ts for the ladder.
//
// The reclaimer goes through the heap once a cycle, in chunks of 512 pages, and sweeps only spans of which nothing is marked:
// those give all their pages back. What it finds beyond n is credit for the next who asks. When it has been everywhere, there
// is nothing for it to do until the next cycle. (Go keeps a bit for each span, "has marks"; here the mark bits are asked.)
// The worst case is one chunk more than was needed; spans with a live object stay with the ordinary sweep.
// Source: mheap.reclaim, reclaimChunk.
import { chunkPages, wordsPerPage } from './layout.ts';
import { tryAcquire } from './mcentral.ts';
import { type Heap, heapStartPage, type Page } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { sweepSpan } from './msweep.ts';

/** The reclaimer of one heap. */
export class Reclaimer {
  /** Page at which the search goes on, counted from the heap's first; Infinity: it has been everywhere, or no sweep goes on. */
  private next = Infinity;
  /** Pages reclaimed that nobody has asked for. */
  credit = 0;
  /** Spans swept by it, ever: whoever charges for them takes the difference. */
  spansSwept = 0;

  constructor(private readonly heap: Heap) {}

  /** Mark termination: every span needs sweeping. */
  begin(): void {
    this.next = 0;
    this.credit = 0;
  }

  /** The sweep is done: there is nothing left to find. */
  end(): void {
    this.next = Infinity;
  }

  /** Somebody is about to take n pages: sweeps until n were reclaimed, or there is nothing more. */
  reclaim(n: number): void {
    while (n > 0 && this.next !== Infinity) {
      if (this.credit === 0) this.credit = this.reclaimChunk();
      const take = Math.min(this.credit, n);
      this.credit -= take;
      n -= take;
    }
  }

  /** Sweeps the dead spans of the next chunk; returns the pages that came of it. */
  private reclaimChunk(): number {
    const { heap } = this;
    const { mspan, pageSpan } = heap;
    const first = heapStartPage + this.next;
    const end = heapStartPage + Math.min(this.next + chunkPages, heap.pages.grown);
    this.next = end - heapStartPage < heap.pages.grown ? end - heapStartPage : Infinity;
    let pages = 0;
    for (let page = first; page < end; ) {
      const s = pageSpan[page as Page] as MSpan;
      const npages = s === 0 ? 1 : mspan.startPage[s] + mspan.npages[s] - page;
      if (s !== 0 && mspan.startPage[s] === page && this.isDead(s) && tryAcquire(heap, s)) {
        heap.central.unlink(s);
        this.spansSwept++;
        if (sweepSpan(heap, s, false)) pages += npages;
      }
      page += npages;
    }
    return pages;
  }

  /** In use, not swept, and without a mark. */
  private isDead(s: MSpan): boolean {
    const { mspan, markBits, sweepGen } = this.heap;
    if (mspan.state[s] !== SpanState.inUse || mspan.sweepGen[s] !== sweepGen - 2) return false;
    const first = mspan.startPage[s] * wordsPerPage;
    const words = mspan.spanClass[s] >>> 1 === 0 ? 1 : mspan.npages[s] * wordsPerPage; // a large object has one bit
    for (let i = first; i < first + words; i++) if (markBits[i] !== 0) return false;
    return true;
  }
}
