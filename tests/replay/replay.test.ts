// The real logs, replayed on our arena: found dead by our marking, counted by our profiler, equal to Go's own profile.
import { describe, expect, test } from 'vitest';
import { replay } from '../../replay/replay.ts';

const fixtures = 'tests/fixtures/go-traces';

describe.each(['jsonwork', 'gzipmaps', 'pipeline'])('%s', (log) => {
  const run = (scheme: 'three-stage' | 'cycle' | 'naive' | 'seed' | 'two-stage') =>
    replay(`${fixtures}/${log}/trace.log.gz`, { scheme, seed: 1, compareWith: `${fixtures}/${log}` });

  test.each(['three-stage', 'cycle'] as const)('%s publishes the real profile at every snapshot', async (scheme) => {
    const report = await run(scheme);
    for (const s of report.snapshots) {
      console.log(log, s.name, s.comparison!.equal, s.comparison!.leftOut.map((l) => l.count), s.schemes.map((x) => `${x.scheme} ${x.inUseBytes} asOf ${x.asOf} truth ${x.truthBytes} off ${x.bucketsOff}`));
      expect(s.comparison!.different).toEqual([]);
    }
  });

  test('naive differs', async () => {
    const report = await run('naive');
    expect(report.snapshots.some((s) => s.comparison!.different.length > 0)).toBe(true);
  });
});
