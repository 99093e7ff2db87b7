// skew: how far a published profile is from the truth, over the whole of a run, under several schemes at once.
//
// A profile claims to be the live set of some moment. So at each look, every few virtual microseconds, it is held against
//
//   now        what the last mark termination kept, and everything allocated since
//   MTn        the live set of the last mark termination, of the one before, … as far back as the oracle remembers
//
// and the one that it is nearest to, over all buckets, is taken for what it means; the newest of equals. Then
//
//   skew       is the distance to that one: 0 when the profile equals a live set that there was, in every bucket. A profile that mixes
//              two moments has one, whatever its totals: this is the question of 2014.
//   stale      is how many mark terminations ago that one was: 0 for now and for the last one.
//   lag        is the distance to now: what a reader is off who takes the profile for the present.
//
// A distance is the sum over all buckets of what they are off, in bytes or in objects. Nothing is assumed about what a scheme promises:
// the measure asks the ledger of the oracle, which the schemes know nothing of, so one that lies shows up.
import type { Truth } from '../gc/oracle.ts';
import { Runtime } from '../runtime/index.ts';
import { Ev } from '../runtime/internal/events.ts';
import type { Machine } from '../runtime/machine.ts';
import { Curve } from './curve.ts';
import { type Measure, rounded } from './measure.ts';
import { programAt } from './program.ts';

/** Sums over virtual time of what one scheme was off, and the largest values. */
class Account {
  skewBytes = 0;
  skewBytesMax = 0;
  skewObjects = 0;
  skewObjectsMax = 0;
  towardMallocs = 0;
  stale = 0;
  staleMax = 0;
  lagBytes = 0;
  lagBytesMax = 0;
  exactNanos = 0;
  negativeBuckets = 0;
}

/** Bytes and objects of every bucket, in the order of the buckets. */
interface Columns {
  readonly bytes: Float64Array;
  readonly objects: Float64Array;
}

/** What a look finds of one scheme. */
interface Sight {
  skewBytes: number;
  skewObjects: number;
  towardMallocs: number;
  stale: number;
  lagBytes: number;
  negative: number;
  bytes: number;
}

/** Looks at all schemes of a machine. */
class Watcher {
  readonly accounts: Account[];
  readonly courses: { published: Curve; skewBytes: Curve }[];
  /** Virtual nanoseconds watched. */
  nanos = 0;
  looks = 0;
  private last: Sight[] | null = null;
  private at = 0;
  private next = 0;
  private buckets: number[] = [];
  private readonly columns = new Map<Truth, Columns>();

  constructor(
    private readonly m: Machine,
    private readonly everyNanos: number,
  ) {
    this.accounts = m.profiler.schemes.map(() => new Account());
    this.courses = m.profiler.schemes.map(() => ({ published: new Curve(), skewBytes: new Curve() }));
    m.subscribe((kind) => {
      // between two operations of a goroutine; never inside a stop, where schemes are halfway through their work
      if (kind !== Ev.malloc && kind !== Ev.goStart) return;
      const now = m.sched.now();
      if (now >= this.next) this.look(now);
    });
  }

  /** Looks once: what was seen before is taken to have lasted until now. */
  look(now: number): void {
    const { profiler } = this.m;
    if (this.last !== null) this.add(Math.max(now - this.at, 0), this.last); // clocks of Ps differ: time never goes back
    this.last = profiler.schemes.map((_, i) => this.sight(i));
    this.at = Math.max(this.at, now);
    this.next = this.at + this.everyNanos;
    this.looks++;
    this.last.forEach((s, i) => {
      this.courses[i]!.published.add(now / 1e3, s.bytes);
      this.courses[i]!.skewBytes.add(now / 1e3, s.skewBytes);
    });
  }

  private add(nanos: number, sights: readonly Sight[]): void {
    this.nanos += nanos;
    sights.forEach((s, i) => {
      const a = this.accounts[i]!;
      a.skewBytes += s.skewBytes * nanos;
      a.skewBytesMax = Math.max(a.skewBytesMax, s.skewBytes);
      a.skewObjects += s.skewObjects * nanos;
      a.skewObjectsMax = Math.max(a.skewObjectsMax, s.skewObjects);
      a.towardMallocs += s.towardMallocs * nanos;
      a.stale += s.stale * nanos;
      a.staleMax = Math.max(a.staleMax, s.stale);
      a.lagBytes += s.lagBytes * nanos;
      a.lagBytesMax = Math.max(a.lagBytesMax, s.lagBytes);
      if (s.skewBytes === 0 && s.skewObjects === 0) a.exactNanos += nanos;
      a.negativeBuckets = Math.max(a.negativeBuckets, s.negative);
    });
  }

  /** A truth in the order of the buckets; those of mark terminations are kept while the oracle keeps them. */
  private columnsOf(truth: Truth): Columns {
    const there = this.columns.get(truth);
    if (there !== undefined && there.bytes.length === this.buckets.length) return there;
    const columns = { bytes: new Float64Array(this.buckets.length), objects: new Float64Array(this.buckets.length) };
    this.buckets.forEach((b, k) => {
      const live = truth.buckets.get(b);
      if (live === undefined) return;
      columns.bytes[k] = live.bytes;
      columns.objects[k] = live.objects;
    });
    this.columns.set(truth, columns);
    return columns;
  }

  private sight(scheme: number): Sight {
    const { profiler } = this.m;
    const oracle = this.m.oracle!;
    const bytes: number[] = [];
    const objects: number[] = [];
    const buckets: number[] = [];
    profiler.eachPublished(scheme, (b, n, size) => {
      buckets.push(b);
      objects.push(n);
      bytes.push(size);
    });
    if (buckets.length !== this.buckets.length) this.buckets = buckets;
    const now = oracle.now();
    const truths = [now, ...oracle.recent];
    for (const truth of this.columns.keys()) if (!truths.includes(truth)) this.columns.delete(truth);
    let best = { bytes: Infinity, objects: 0, truth: now };
    let lagBytes = 0;
    for (const truth of truths) {
      const columns = this.columnsOf(truth);
      const off = distance(bytes, columns.bytes);
      if (truth === now) lagBytes = off;
      if (off < best.bytes) best = { bytes: off, objects: distance(objects, columns.objects), truth };
      if (off === 0) break;
    }
    const total = sum(bytes);
    return {
      skewBytes: best.bytes,
      skewObjects: best.objects,
      towardMallocs: total - best.truth.bytes,
      stale: now.numGC - best.truth.numGC,
      lagBytes,
      negative: objects.filter((n) => n < 0).length,
      bytes: total,
    };
  }
}

function distance(a: readonly number[], b: Float64Array): number {
  let off = 0;
  for (let k = 0; k < a.length; k++) off += Math.abs(a[k]! - b[k]!);
  return off;
}

function sum(xs: readonly number[]): number {
  let total = 0;
  for (const x of xs) total += x;
  return total;
}

/** The measure. */
export const skew: Measure = {
  summary: 'published profile against the live set, over virtual time',
  axes: ['scheme', 'rate'],
  figures: [
    { name: 'skewBytesMean', unit: 'bytes', key: true, what: 'mean distance to the live set that the profile is nearest to' },
    { name: 'skewBytesMax', unit: 'bytes', key: true, what: 'largest such distance' },
    { name: 'skewByteSeconds', unit: 'byte seconds', what: 'area under that distance over virtual time' },
    { name: 'skewObjectsMean', unit: 'objects', what: 'the same in objects, mean' },
    { name: 'skewObjectsMax', unit: 'objects', what: 'the same in objects, largest' },
    { name: 'skewObjectSeconds', unit: 'object seconds', what: 'area under the distance in objects' },
    { name: 'towardMallocsMean', unit: 'bytes', what: 'mean of published minus true bytes: positive is a skew toward mallocs' },
    { name: 'exactShare', unit: 'of 1', key: true, what: 'share of the time in which the profile equals a live set in every bucket' },
    { name: 'staleCyclesMean', unit: 'cycles', key: true, what: 'mark terminations since the moment that the profile speaks of, mean' },
    { name: 'staleCyclesMax', unit: 'cycles', what: 'the same, largest' },
    { name: 'lagBytesMean', unit: 'bytes', what: 'mean distance to the present' },
    { name: 'lagBytesMax', unit: 'bytes', what: 'largest distance to the present' },
    { name: 'negativeBucketsMax', unit: 'buckets', what: 'most buckets at once with more frees than mallocs' },
    { name: 'collections', unit: 'cycles', what: 'collections of the run' },
    { name: 'looks', unit: 'looks', what: 'moments at which the profiles were looked at' },
    { name: 'virtualMillis', unit: 'ms', what: 'virtual length of the run' },
  ],
  course: ['published', 'skewBytes'],
  plots: [
    { title: 'Mean skew by scheme', x: 'scheme', y: 'skewBytesMean', by: 'workload', scale: 'log', where: {} },
    { title: 'Skew over virtual time', x: 'time', y: 'skewBytes', by: 'scheme', scale: 'linear', where: {} },
  ],
  run(point, sabotage) {
    const { seed, procs, sweep, gogc, era, rate, schemes } = point;
    const [scheme, ...watch] = schemes;
    const rt = new Runtime({ seed, procs, sweep, gogc, era, memProfileRate: rate, scheme: scheme!, watch, oracle: true });
    sabotage?.(rt.machine);
    const watcher = new Watcher(rt.machine, point.everyMicros * 1e3);
    const stats = rt.run(programAt(point));
    watcher.look(stats.nanos);
    const { nanos, looks } = watcher;
    const readings = watcher.accounts.map((a, i) => {
      const mean = (area: number) => rounded(nanos === 0 ? 0 : area / nanos);
      return {
        scheme: schemes[i]!,
        figures: {
          skewBytesMean: mean(a.skewBytes),
          skewBytesMax: a.skewBytesMax,
          skewByteSeconds: rounded(a.skewBytes / 1e9),
          skewObjectsMean: mean(a.skewObjects),
          skewObjectsMax: a.skewObjectsMax,
          skewObjectSeconds: rounded(a.skewObjects / 1e9),
          towardMallocsMean: mean(a.towardMallocs),
          exactShare: mean(a.exactNanos),
          staleCyclesMean: mean(a.stale),
          staleCyclesMax: a.staleMax,
          lagBytesMean: mean(a.lagBytes),
          lagBytesMax: a.lagBytesMax,
          negativeBucketsMax: a.negativeBuckets,
          collections: stats.numGC,
          looks,
          virtualMillis: rounded(stats.nanos / 1e6),
        },
      };
    });
    if (!point.course) return { readings };
    const courses = watcher.courses.flatMap((c, i) =>
      (['published', 'skewBytes'] as const).map((name) => ({ scheme: schemes[i]!, name, ...c[name].points() })),
    );
    return { readings, courses };
  },
};
