// skew: published against true. For each scheme that watches a run: what it publishes now, which mark termination it speaks
// of, the truth as of that one, and in how many buckets the two differ. Needs the option oracle and sampling at rate 1.

import type { LedgerCopy, Truth } from '../gc/oracle.ts';
import type { MemProfiler } from '../profiler/mprof.ts';
import { inUseBytes, inUseObjects } from '../profiler/records.ts';
import type { SchemeName } from '../profiler/schemes.ts';
import { Ev } from './internal/events.ts';
import type { Machine } from './machine.ts';

/** One scheme's published profile beside the truth. */
export interface SchemeReport {
  readonly scheme: SchemeName;
  /** Buckets with something in use. */
  readonly buckets: number;
  readonly inUseObjects: number;
  readonly inUseBytes: number;
  /** The mark termination the scheme speaks of; 0 before any (everything counted so far). Naive speaks of none: the last one stands in. */
  readonly asOf: number;
  readonly truthObjects: number;
  readonly truthBytes: number;
  /** Published minus true, in bytes and objects. */
  readonly skewBytes: number;
  readonly skewObjects: number;
  /** Buckets whose objects in use differ from the truth. */
  readonly bucketsOff: number;
  /** Largest difference of one bucket, in bytes. */
  readonly worstBucketBytes: number;
}

/**
 * Follows which mark termination a machine's staged schemes speak of. Make it before the run, and read profiles through it:
 * the first read publishes everything when no collection has published anything yet (MemProfile's "no GC yet" rule), and what
 * is published after that is, for a while, as of that read.
 *
 *   read before anything is published     what exists then                    until the next mark termination
 *   mark termination n after such a read  the same, less what sweep n-1 freed since   until the one after, or runtime.GC()
 *   mark termination n otherwise          the live set as of n-1
 *   runtime.GC() has returned             the live set as of its mark termination
 *   gcstoptheworld=2                      the live set as of the last mark termination, always
 */
export class SkewMeter {
  private asOf = 0;
  private truth: Truth | null = null;
  /** The sampled objects that existed at a read that published everything, while their frees still matter; else null. */
  private atRead: LedgerCopy | null = null;

  constructor(private readonly m: Machine) {
    const { oracle, gc } = m;
    if (oracle === null) throw new TypeError('SkewMeter: the machine was made without the option oracle');
    gc.onMarkTermination(() => {
      const before = gc.numGC; // mark termination n publishes the profile as of n - 1
      if (gc.eager) {
        this.asOf = before + 1; // swept inside the stop and rotated twice: the profile is as of this one
        this.truth = oracle.at(before + 1)!;
        this.atRead = null;
      } else if (this.atRead !== null) {
        this.truth = this.atRead.truth();
        this.atRead = null;
      } else if (before > 0) {
        this.asOf = before;
        this.truth = oracle.at(before)!;
      }
    });
    gc.onForcedSweepDone(() => {
      this.asOf = gc.numGC;
      this.truth = oracle.at(gc.numGC)!;
      this.atRead = null;
    });
    m.subscribe((kind, addr, _size, byProgram) => {
      // a free by the program waits in a stage, as a malloc does: the next profile does not speak of it
      if (kind === Ev.free && byProgram === 0 && this.atRead !== null) this.atRead.free(addr);
    });
  }

  /** Reads every scheme's profile, as MemProfile would, and compares. */
  report(): SchemeReport[] {
    const { profiler } = this.m;
    return profiler.schemes.map((scheme, i) => this.compare(scheme.name, i));
  }

  private compare(scheme: SchemeName, index: number): SchemeReport {
    const { profiler, gc } = this.m;
    const oracle = this.m.oracle!;
    const records = profiler.records(true, index);
    if (this.truth === null) {
      this.atRead = oracle.copy();
      this.truth = this.atRead.truth();
    }
    const ofNaive = scheme === 'naive' && gc.numGC > 0; // naive speaks of no mark termination: the last one stands in
    const truth = ofNaive ? oracle.last : this.truth;
    let inUse = 0;
    let bytes = 0;
    let used = 0;
    let off = 0;
    let worst = 0;
    const addresses = bucketAddresses(profiler);
    records.forEach((r, k) => {
      const live = truth.buckets.get(addresses[k]!) ?? { objects: 0, bytes: 0 };
      if (inUseObjects(r) !== live.objects) off++;
      worst = Math.max(worst, Math.abs(inUseBytes(r) - live.bytes));
      if (inUseBytes(r) !== 0) used++;
      inUse += inUseObjects(r);
      bytes += inUseBytes(r);
    });
    return {
      scheme,
      buckets: used,
      inUseObjects: inUse,
      inUseBytes: bytes,
      asOf: ofNaive ? gc.numGC : this.asOf,
      truthObjects: truth.objects,
      truthBytes: truth.bytes,
      skewBytes: bytes - truth.bytes,
      skewObjects: inUse - truth.objects,
      bucketsOff: off,
      worstBucketBytes: worst,
    };
  }
}

/** All memory buckets in the order of MemProfile(inuseZero): newest first. */
function bucketAddresses(profiler: MemProfiler): number[] {
  const out: number[] = [];
  profiler.iterateMemprof((b) => out.push(b));
  return out;
}
