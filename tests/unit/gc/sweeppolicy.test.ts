// When garbage is swept: each policy uses exactly the ways that its row in the head of gc/mgcsweep.ts names, and the staged
// schemes publish the truth under every one of them.
import { describe, expect, test } from 'vitest';
import { programs } from '../../../examples/index.ts';
import { type SweepPolicy, sweepPolicies } from '../../../gc/mgcsweep.ts';
import { Runtime, schemeNames } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { SkewMeter } from '../../../runtime/skew.ts';
import { checkedOptions } from '../../support/run.ts';

type Way = 'background' | 'proportion' | 'stop' | 'other';

/** Runs a program and counts the swept spans by what swept them; early: those of the background before half of the way. */
function swept(sweep: SweepPolicy, procs = 1) {
  const rt = new Runtime({ ...checkedOptions, sweep, procs, memProfileRate: 1, heapBytes: 32 << 20, watch: schemeNames, oracle: true });
  const { gc, sched, heap } = rt.machine;
  const spans: Record<Way, number> = { background: 0, proportion: 0, stop: 0, other: 0 };
  let way: Way = 'other';
  let [from, early] = [0, 0];
  const during = <T extends object>(owner: T, name: keyof T & string, as: Way) => {
    const real = owner[name] as (...args: unknown[]) => unknown;
    owner[name] = function (this: unknown, ...args: unknown[]) {
      const before = way;
      way = as;
      const result = real.apply(owner, args);
      way = before;
      return result;
    } as T[keyof T & string];
  };
  during(sched['background'], 'sweep', 'background');
  during(sched['background'], 'idleWork', 'background');
  during(gc, 'deductSweepCredit', 'proportion');
  during(gc as unknown as { sweepInPause(): number }, 'sweepInPause', 'stop');
  rt.machine.subscribe((kind) => {
    if (kind === Ev.gcMarkDone) from = gc.work.bytesMarked;
    if (kind !== Ev.sweepSpan) return;
    spans[way]++;
    if (way === 'background' && heap.stats.heapLive < from + (gc.pacer.trigger - from) / 2) early++;
  });
  const meter = new SkewMeter(rt.machine);
  let reports: ReturnType<SkewMeter['report']> = [];
  rt.run(function* main(go) {
    yield* programs.generations!.make(12_000, 1)(go);
    reports = meter.report();
  });
  return { ...spans, early, reports, rt };
}

describe.each(sweepPolicies)('%s', (policy) => {
  test.each([1, 2])('sweeps in its own ways and no other, %i Ps', (procs) => {
    const { background, proportion, stop, other, early, rt } = swept(policy, procs);
    const has = (n: number) => n > 0;
    expect({ background: has(background), stop: has(stop) }).toEqual({
      background: ['go', 'background', 'delayed'].includes(policy),
      stop: policy === 'eager',
    });
    if (policy !== 'go') expect(has(proportion)).toBe(policy === 'proportional'); // go: only when the background falls behind
    if (policy !== 'eager') expect(other).toBeGreaterThan(0); // on demand, and what is left for the next cycle
    if (policy === 'delayed') expect(early).toBe(0);
    if (policy === 'background') expect(early).toBeGreaterThan(0);
    expect(rt.machine.gc.numGC).toBeGreaterThan(1);
  });

  test('what three-stage and cycle publish is the truth', () => {
    const { reports } = swept(policy);
    for (const { scheme, bucketsOff, inUseBytes } of reports) {
      if (scheme !== 'three-stage' && scheme !== 'cycle') continue;
      expect({ scheme, bucketsOff }).toEqual({ scheme, bucketsOff: 0 });
      expect(inUseBytes).toBeGreaterThan(0);
    }
  });
});

test('go is what nobody has to ask for', () => {
  const digest = (options: object) => {
    const rt = new Runtime({ heapBytes: 32 << 20, memProfileRate: 0, ...options });
    const d = rt.machine.digest();
    rt.run(programs.cache!.make(40_000, 1));
    return d.toString();
  };
  expect(digest({ sweep: 'go' })).toBe(digest({}));
  expect(digest({ sweep: 'lazy' })).not.toBe(digest({}));
});
