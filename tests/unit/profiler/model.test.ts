// Schemes against ledgers: random programs of mallocs, deaths, sweeps and collections drive one profiler that every scheme
// watches; what each has published is compared, bucket by bucket, with a ledger that keeps every object as a JavaScript object.
//
//   three-stage, cycle   the live set as of one mark termination: the one before the last, or the last after runtime.GC()
//   naive, two-stage     the ledger's own count of mallocs and frees up to an instant
//   seed                 mallocs up to the rotation before, frees up to this one
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BucketKind } from '../../../profiler/bucket.ts';
import type { MemProfiler } from '../../../profiler/mprof.ts';
import { inUseObjects } from '../../../profiler/records.ts';
import { type SchemeName, schemeNames } from '../../../profiler/schemes.ts';
import { indexOf, inUse, profilerOf } from './support.ts';

type Op =
  | { readonly op: 'malloc'; readonly site: number }
  | { readonly op: 'die' | 'sweep' | 'free'; readonly which: number }
  | { readonly op: 'gc' | 'runtimeGC' | 'read' };

const siteBytes = [16, 16, 48, 1024];
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('malloc' as const), site: fc.nat(siteBytes.length - 1) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('die' as const), which: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('sweep' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('free' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('gc' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('runtimeGC' as const) }) },
);
const programs = (...more: { weight: number; arbitrary: fc.Arbitrary<Op> }[]) =>
  fc.array(more.length === 0 ? op : fc.oneof({ weight: 20, arbitrary: op }, ...more), { maxLength: 120, size: 'max' });

interface Thing {
  readonly site: number;
  readonly born: number;
  /** Instant of its explicit free or of its sweep; Infinity while neither has happened. */
  freed: number;
  explicit: boolean;
}

/** In-use objects of each site. */
type Counts = number[];
const count = (things: readonly Thing[], counts: (t: Thing) => number): Counts =>
  siteBytes.map((_, site) => things.reduce((sum, t) => sum + (t.site === site ? counts(t) : 0), 0));
const upTo = (instant: number) => (t: Thing) => Number(t.born < instant) - Number(t.freed < instant);

/** Plays a program on a profiler, with a collector that keeps Go's rule: sweep n frees what was dead at mark termination n. */
class Play {
  readonly p: MemProfiler = profilerOf(...schemeNames).profiler;
  readonly buckets: readonly number[];
  private readonly all: Thing[] = [];
  /** Reachable, unreachable since the last mark termination, and found dead by it but not swept yet. */
  private live: Thing[] = [];
  private garbage: Thing[] = [];
  private dead: Thing[] = [];
  private now = 0;
  /** The truth as of the last mark termination and of the one before it. */
  private atLast: Counts = siteBytes.map(() => 0);
  private atPrevious: Counts = siteBytes.map(() => 0);
  /** What each scheme should have published. */
  readonly want: Record<(typeof schemeNames)[number], Counts>;
  private seedRotation = 0;
  cycles = 0;

  constructor() {
    this.buckets = siteBytes.map((bytes, site) => this.p.buckets.stkbucket(BucketKind.mem, bytes, [site + 1], 1, true));
    const zero = () => siteBytes.map(() => 0);
    this.want = { naive: zero(), 'two-stage': zero(), seed: zero(), 'three-stage': zero(), cycle: zero() };
  }

  do(op: Op): void {
    this.now++;
    switch (op.op) {
      case 'malloc': {
        const thing = { site: op.site, born: this.now, freed: Infinity, explicit: false };
        expect(this.p.mProfMalloc(siteBytes[op.site]!, [op.site + 1], 1)).toBe(this.buckets[op.site]);
        this.live.push(thing);
        this.all.push(thing);
        break;
      }
      case 'die':
        if (this.live.length > 0) this.garbage.push(...this.live.splice(op.which % this.live.length, 1));
        break;
      case 'sweep':
        if (this.dead.length > 0) this.free(this.dead.splice(op.which % this.dead.length, 1)[0]!, false);
        break;
      case 'free':
        if (this.live.length > 0) this.free(this.live.splice(op.which % this.live.length, 1)[0]!, true);
        break;
      case 'gc':
        this.markTermination(false);
        break;
      case 'runtimeGC':
        this.markTermination(true);
        break;
      default:
    }
    this.want.naive = count(this.all, upTo(this.now + 1));
  }

  private free(thing: Thing, explicit: boolean): void {
    thing.freed = this.now;
    thing.explicit = explicit;
    this.p.mProfFree(this.buckets[thing.site]!, siteBytes[thing.site]!, explicit);
  }

  private sweepAll(): void {
    for (const thing of this.dead.splice(0)) this.free(thing, false);
  }

  private markTermination(forced: boolean): void {
    this.sweepAll(); // sweep termination: nothing of the last cycle is left
    this.now++;
    this.dead = this.garbage;
    this.garbage = [];
    this.atPrevious = this.atLast;
    this.atLast = count(this.all, (t) => Number(t.freed === Infinity && !this.dead.includes(t)));
    this.p.markTermination(++this.cycles, forced);
    this.p.worldStarted();
    this.want['two-stage'] = count(this.all, upTo(this.now));
    this.want['three-stage'] = this.want.cycle = this.atPrevious;
    if (forced) {
      this.now++;
      this.sweepAll();
      this.now++;
      this.p.forcedSweepDone();
      this.want['two-stage'] = count(this.all, upTo(this.now));
      this.want['three-stage'] = this.want.cycle = this.atLast;
    }
    // The seed rotates once: here, or when runtime.GC() has swept all.
    const before = this.seedRotation;
    this.seedRotation = this.now;
    this.want.seed = count(this.all, (t) => Number(t.born < before) - Number(t.freed < (t.explicit ? before : this.now)));
  }

  /** Objects in use that a scheme has published, site by site. */
  published(name: (typeof schemeNames)[number]): Counts {
    return this.buckets.map((b) => inUse(this.p, b, indexOf(this.p, name)));
  }
}

describe('random programs', () => {
  test.each(schemeNames)('%s publishes what its ledger says, in all buckets at once, after every event', (name) => {
    fc.assert(
      fc.property(programs(), (ops) => {
        const play = new Play();
        ops.forEach((op, i) => {
          play.do(op);
          const published = play.published(name);
          if (String(published) !== String(play.want[name])) {
            throw new Error(`after event ${i} (${op.op}), cycle ${play.cycles}: published ${published}, wanted ${play.want[name]}`);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  test('three-stage and cycle agree, and are never negative', () => {
    fc.assert(
      fc.property(programs(), (ops) => {
        const play = new Play();
        for (const op of ops) {
          play.do(op);
          const published = play.published('cycle');
          if (published.some((n) => n < 0)) throw new Error(`negative in use: ${published}`);
          if (String(published) !== String(play.published('three-stage')))
            throw new Error(`three-stage says ${play.published('three-stage')}`);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('reading may publish early (no collection yet), but never loses or invents anything', () => {
    const read = { weight: 3, arbitrary: fc.record({ op: fc.constant('read' as const) }) };
    fc.assert(
      fc.property(programs(read), (ops) => {
        const play = new Play();
        const inUseOf = (name: SchemeName) =>
          siteBytes.map((bytes, site) => {
            const found = play.p.records(true, indexOf(play.p, name)).find((r) => r.size === bytes && r.stack[0] === site + 1);
            return inUseObjects(found!);
          });
        for (const op of ops) {
          play.do(op);
          if (op.op === 'read') {
            for (const name of ['three-stage', 'cycle'] as const) expect(inUseOf(name).filter((n) => n < 0)).toEqual([]);
          }
        }
        for (let i = 0; i < 3; i++) play.do({ op: 'gc' });
        for (const name of schemeNames) expect(inUseOf(name)).toEqual(play.want.naive); // everything has come through
      }),
      { numRuns: 100 },
    );
  });
});

describe('the model can fail', () => {
  /** Whether the ledgers notice when the profiler is disturbed before each event. */
  function notices(name: (typeof schemeNames)[number], disturb: (p: MemProfiler, op: Op) => void): boolean {
    const ops: Op[] = [];
    for (let i = 0; i < 40; i++)
      ops.push({ op: 'malloc', site: i % 4 }, { op: 'die', which: i }, { op: i % 9 === 8 ? 'gc' : 'sweep', which: 0 });
    const play = new Play();
    return ops.some((op) => {
      disturb(play.p, op);
      play.do(op);
      return String(play.published(name)) !== String(play.want[name]);
    });
  }

  test('it is quiet about the profiler as it is', () => {
    for (const name of schemeNames) expect(notices(name, () => {})).toBe(false);
  });

  test('it notices a rotation before the sweep is complete, a lost free and a free counted twice', () => {
    for (const name of ['three-stage', 'cycle'] as const) {
      expect(notices(name, (p, op) => op.op === 'gc' && p.markTermination(0, false))).toBe(true);
      expect(notices(name, (p, op) => op.op === 'gc' && p.mProfFree(p.buckets.first(BucketKind.mem), 16, false))).toBe(true);
    }
    expect(notices('two-stage', (p, op) => op.op === 'sweep' && p.forcedSweepDone())).toBe(true);
  });
});
