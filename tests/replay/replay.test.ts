// The real logs, replayed on our arena: found dead by our marking, counted by our profiler, equal to Go's own profile.
//
// What is left out, and why, is known from the logs alone (tests/unit/replay/reallogs.test.ts counts it without the runtime);
// here the runtime must arrive at the same counts.
import { beforeAll, describe, expect, test } from 'vitest';
import { type SchemeName, schemeNames } from '../../profiler/schemes.ts';
import { type Counts, leftOutRules } from '../../replay/compare.ts';
import { type ReplayReport, replay } from '../../replay/replay.ts';
import type { SchemeReport } from '../../runtime/skew.ts';

const fixtures = 'tests/fixtures/go-traces';

/** For each snapshot: equal buckets, and those left out: early, logged on another stack, walked on the system stack. */
const expected: Record<string, Record<string, readonly [equal: number, early: number, logElsewhere: number, realElsewhere: number]>> = {
  jsonwork: { round0: [194, 1, 3, 2], round1: [205, 1, 3, 2], round2: [206, 1, 3, 2], round3: [206, 1, 3, 2], last: [206, 1, 3, 2] },
  gzipmaps: { pass0: [139, 0, 3, 2], pass2: [151, 0, 3, 2], pass4: [154, 0, 3, 2], last: [163, 0, 3, 2] },
  pipeline: { round0: [121, 1, 7, 3], round1: [121, 1, 7, 3], round2: [121, 1, 7, 3], round3: [121, 1, 7, 3], last: [128, 1, 8, 4] },
};

const run = (log: string, scheme: SchemeName): Promise<ReplayReport> =>
  replay(`${fixtures}/${log}/trace.log.gz`, { scheme, seed: 1, compareWith: `${fixtures}/${log}` });

const of = (schemes: readonly SchemeReport[], scheme: SchemeName): SchemeReport => schemes.find((s) => s.scheme === scheme)!;

const inUse = (counts: Counts | null): number => (counts === null ? 0 : counts.allocBytes - counts.freeBytes);
describe.each(Object.keys(expected))('%s', (log) => {
  const snapshots = Object.keys(expected[log]!);

  describe.each(['three-stage', 'cycle'] as const)('%s', (scheme) => {
    let report: ReplayReport;
    beforeAll(async () => {
      report = await run(log, scheme);
    });

    test('publishes the real profile at every snapshot, in all comparable buckets', () => {
      expect(report.snapshots.map(({ name }) => name)).toEqual(snapshots);
      for (const { name, comparison } of report.snapshots) {
        expect(comparison!.different, name).toEqual([]);
        expect(comparison!.leftOut.map(({ rule }) => rule)).toEqual([
          leftOutRules.early,
          leftOutRules.logElsewhere,
          leftOutRules.realElsewhere,
        ]);
        const counts = [comparison!.equal, ...comparison!.leftOut.map(({ count }) => count)];
        expect(counts, name).toEqual(expected[log]![name]);
      }
    });

    test('published = truth in every bucket', () => {
      const off = report.snapshots.filter(({ schemes }) => of(schemes, scheme).bucketsOff > 0).map(({ name }) => `${log} ${name}`);
      expect(off).toEqual([]);
      for (const { numGC, schemes } of report.snapshots) expect([numGC, numGC - 1, 0]).toContain(of(schemes, scheme).asOf);
    });
  });

  describe('naive', () => {
    let report: ReplayReport;
    beforeAll(async () => {
      report = await run(log, 'naive');
    });

    test('is not the real profile', () => {
      expect(report.snapshots.some(({ comparison }) => comparison!.different.length > 0)).toBe(true);
    });

    test('the skew that is reported is the sum of what was published, less the truth', () => {
      for (const { records, schemes } of report.snapshots) {
        const naive = of(schemes, 'naive');
        const published = records.reduce((sum, { allocBytes, freeBytes }) => sum + allocBytes - freeBytes, 0);
        expect(naive.inUseBytes).toBe(published);
        expect(naive.skewBytes).toBe(published - naive.truthBytes);
      }
      expect(report.snapshots.some(({ schemes }) => of(schemes, 'naive').skewBytes > 0)).toBe(true);
    });

    test("after runtime.GC() the skew is what separates it from Go's own profile, byte for byte", () => {
      let compared = 0;
      for (const { numGC, schemes, comparison } of report.snapshots) {
        if (of(schemes, 'three-stage').asOf !== numGC) continue; // else Go's profile is a collection older than our truth
        const apart = comparison!.different.reduce((sum, { ours, real }) => sum + inUse(ours) - inUse(real), 0);
        expect(of(schemes, 'naive').skewBytes).toBe(apart);
        compared++;
      }
      expect(compared).toBeGreaterThan(0);
    });
  });
});

test('two replays of a log publish the same records', async () => {
  const [a, b] = [await run('jsonwork', 'three-stage'), await run('jsonwork', 'three-stage')];
  expect(a.snapshots).toEqual(b.snapshots);
});

test('every scheme watches every replay: which one is asked for moves none of them', async () => {
  const sorted = (report: ReplayReport) =>
    report.snapshots.map(({ schemes }) => [...schemes].sort((x, y) => (x.scheme < y.scheme ? -1 : 1)));
  const [first, ...others] = await Promise.all(schemeNames.map((scheme) => run('gzipmaps', scheme)));
  for (const other of others) expect(sorted(other)).toEqual(sorted(first!));
});
