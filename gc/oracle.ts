// oracle: what the memory profile should say. At each mark termination it writes down the true live set of every bucket,
// from a ledger of its own: which sampled objects exist (told by malloc and by the sweeper's events, not by specials or
// counters) and which of them the marking kept. A published profile must equal one of these, in all buckets at once.
//
// "Live at MTn" is "marked by cycle n" (reference: section 2.1); garbage that a concurrent marking kept counts as live until
// the next one. That marking keeps every reachable object is mcheckmark's business.
//
// Invariant W2: sweep n frees only what was allocated at or before mark termination n. It is why staging works; the ledger
// knows when each sampled object was allocated, and throws at the first free that breaks it. It knows as well which special
// each of them must have (P3).

import type { Heap } from '../heap/mheap.ts';
import { findSpecial, profileBucket, SpecialKind } from '../heap/mspecial.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { Mutator } from './malloc.ts';
import type { GC } from './mgc.ts';

/** Objects and bytes of one bucket. */
export interface Live {
  objects: number;
  bytes: number;
}

/** The truth as of one mark termination. */
export interface Truth {
  /** Which one: 1 for the first. 0 stands for "before any". */
  readonly numGC: number;
  /** By bucket address. Buckets without live objects are absent. */
  readonly buckets: ReadonlyMap<Addr, Live>;
  readonly objects: number;
  readonly bytes: number;
}

/** How many truths are kept: schemes speak of the last two, explorers look a little further back. */
const kept = 4;

/** Watches one machine. */
export class Oracle {
  private readonly ledger = new Map<Addr, Entry>();
  private truths: Truth[] = [{ numGC: 0, buckets: new Map(), objects: 0, bytes: 0 }];
  /** What the last mark termination kept and everything allocated since, by bucket. */
  private current = new Map<Addr, Live>();

  constructor(heap: Heap, gc: GC, mutators: readonly Mutator[], events: Events) {
    for (const m of mutators) {
      m.onSample = (addr, bytes, bucket) => {
        this.ledger.set(addr, { bucket, bytes, born: gc.numGC });
        this.countNow(bucket, 1, bytes);
      };
    }
    events.subscribe((kind, addr, _size, byProgram) => {
      if (kind !== Ev.free) return;
      const entry = this.ledger.get(addr);
      this.ledger.delete(addr);
      if (entry !== undefined && byProgram !== 0) this.countNow(entry.bucket, -1, -entry.bytes);
      // W2. (A sweep inside the stop comes before the count goes up.)
      if (entry !== undefined && byProgram === 0 && entry.born >= gc.numGC && !gc.eager) {
        gothrow(`W2: sweep ${gc.numGC} freed 0x${addr.toString(16)}, which was allocated after mark termination ${entry.born}`);
      }
    });
    gc.onMarkTermination(() => {
      this.checkSpecials(heap);
      // an object with a finalizer is kept for one more cycle, although nothing reaches it: its free is not counted yet
      this.truths.push(this.take(gc.numGC + 1, (addr) => heap.isMarked(addr) || findSpecial(heap, addr, SpecialKind.finalizer) !== 0));
      if (this.truths.length > kept) this.truths.shift();
      this.current = new Map([...this.last.buckets].map(([b, live]) => [b, { ...live }]));
    });
  }

  /** P3: every sampled object that exists has its profile special, and it names the object's bucket. */
  private checkSpecials(heap: Heap): void {
    for (const [addr, { bucket }] of this.ledger) {
      const found = profileBucket(heap, addr);
      if (found !== bucket) gothrow(`P3: sampled object 0x${addr.toString(16)} of bucket ${bucket} has a special of bucket ${found}`);
    }
  }

  /** The ledger as it is now, to be followed on its own. */
  copy(): LedgerCopy {
    return new LedgerCopy(new Map(this.ledger));
  }

  private take(numGC: number, lives: (addr: Addr) => boolean): Truth {
    return sum(numGC, this.ledger, lives);
  }

  /** The truth as of the mark termination `numGC`; undefined when it is no longer kept. */
  at(numGC: number): Truth | undefined {
    return this.truths.find((t) => t.numGC === numGC);
  }

  /** The truth as of the last mark termination. */
  get last(): Truth {
    return this.truths[this.truths.length - 1]!;
  }

  /** The truths that are kept, the newest first. */
  get recent(): Truth[] {
    return this.truths.toReversed();
  }

  /** What the last mark termination kept and everything allocated since: no profile can know more. */
  now(): Truth {
    let [objects, bytes] = [0, 0];
    for (const live of this.current.values()) {
      objects += live.objects;
      bytes += live.bytes;
    }
    return { numGC: this.last.numGC, buckets: this.current, objects, bytes };
  }

  private countNow(bucket: Addr, objects: number, bytes: number): void {
    const live = this.current.get(bucket);
    if (live === undefined) this.current.set(bucket, { objects, bytes });
    else {
      live.objects += objects;
      live.bytes += bytes;
    }
  }

  /** All sampled objects that exist now, dead ones included until they are swept: what naive accounting counts. */
  existing(): Truth {
    return this.take(-1, () => true);
  }
}

interface Entry {
  readonly bucket: Addr;
  readonly bytes: number;
  /** Mark terminations before the allocation. */
  readonly born: number;
}

/** The sampled objects of one moment, less those freed since. */
export class LedgerCopy {
  constructor(private readonly ledger: Map<Addr, Entry>) {}
  free(addr: Addr): void {
    this.ledger.delete(addr);
  }
  truth(): Truth {
    return sum(0, this.ledger, () => true);
  }
}

function sum(numGC: number, ledger: ReadonlyMap<Addr, Entry>, lives: (addr: Addr) => boolean): Truth {
  const buckets = new Map<Addr, Live>();
  let objects = 0;
  let bytes = 0;
  for (const [addr, entry] of ledger) {
    if (!lives(addr)) continue;
    let live = buckets.get(entry.bucket);
    if (live === undefined) {
      live = { objects: 0, bytes: 0 };
      buckets.set(entry.bucket, live);
    }
    live.objects++;
    live.bytes += entry.bytes;
    objects++;
    bytes += entry.bytes;
  }
  return { numGC, buckets, objects, bytes };
}
