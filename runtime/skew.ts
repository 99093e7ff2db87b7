// skew: published against true. For each scheme that watches a run: what it publishes now, which mark termination it speaks
// of, the truth as of that one, and in how many buckets the two differ. Needs the option oracle and sampling at rate 1.
import { inUseBytes, inUseObjects, type MemProfiler } from '../profiler/mprof.ts';
import type { SchemeName } from '../profiler/schemes.ts';
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

/** Follows which mark termination a machine's staged schemes speak of. Make it before the run. */
export class SkewMeter {
  private published = 0;
  private anythingPublished = false;

  constructor(private readonly m: Machine) {
    if (m.oracle === null) throw new TypeError('SkewMeter: the machine was made without the option oracle');
    m.gc.onMarkTermination(() => {
      this.published = m.gc.numGC; // after mark termination n the profile is as of n - 1
      this.anythingPublished ||= this.published > 0;
    });
  }

  /** Call when a forced sweep was published: the profile is as of the last mark termination. */
  forcedSweepDone(): void {
    this.published = this.m.gc.numGC;
    this.anythingPublished = true;
  }

  /** Reads every scheme's profile, as MemProfile would, and compares. */
  report(): SchemeReport[] {
    const { profiler } = this.m;
    return profiler.schemes.map((scheme, i) => this.compare(scheme.name, i));
  }

  private compare(scheme: SchemeName, index: number): SchemeReport {
    const { profiler, oracle, gc } = this.m;
    const records = profiler.records(true, index); // MemProfile publishes everything when nothing was published before
    const asOf = scheme === 'naive' ? gc.numGC : this.published;
    const truth = this.anythingPublished || (scheme === 'naive' && gc.numGC > 0) ? oracle!.at(asOf)! : oracle!.existing();
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
      asOf: Math.max(truth.numGC, 0),
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
