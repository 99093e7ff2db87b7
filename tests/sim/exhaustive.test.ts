// Exhaustive search on the catalogue of cases: with the reduction it comes to the same verdicts as without, by far fewer
// schedules, wherever the naive search comes to an end. Every failure counts by its identity, on both twins of each case.
import { expect, test } from 'vitest';
import { exploreSync, type TimeMode } from '../../sim/index.ts';
import type { Case } from './cases/case.ts';
import { cases } from './cases/index.ts';

/** Naive schedules after which a twin is not small any more: failing ones take longer. */
const most = { fixed: 1000, buggy: 150 };
/** Naive schedules from which on it can be said how many were saved. */
const least = 50;

interface Searched {
  readonly schedules: number;
  readonly complete: boolean;
  readonly failures: readonly string[];
}

function search(one: Case, twin: 'fixed' | 'buggy', time: TimeMode, reduction: boolean, preemptions: number): Searched {
  const strategy = { exhaustive: { preemptions, reduction } };
  const found = exploreSync(one[twin], { strategy, schedules: most[twin], keepGoing: true, time, races: false, shrink: false });
  return {
    schedules: found.schedules,
    complete: found.exhausted !== null && found.exhausted >= preemptions,
    failures: found.failures.map((f) => f.identity).sort(),
  };
}

/** Each case and each way of time for which the naive search comes to an end: what it finds, and what the reduced one finds. */
function* compared(twin: 'fixed' | 'buggy', preemptions: number): Generator<{ what: string; naive: Searched; reduced: Searched }> {
  for (const one of cases) {
    for (const time of one.timers === true ? (['idle', 'chaos'] as const) : (['idle'] as const)) {
      const naive = search(one, twin, time, false, preemptions);
      if (naive.complete) yield { what: `${one.name}, ${time}`, naive, reduced: search(one, twin, time, true, preemptions) };
    }
  }
}

test('fixed twins, all schedules: the same verdicts, and on the geometric mean a tenth of the schedules', () => {
  let logs = 0;
  let counted = 0;
  for (const { what, naive, reduced } of compared('fixed', Infinity)) {
    expect([what, reduced.complete, reduced.failures]).toEqual([what, true, naive.failures]);
    if (naive.schedules < least) continue;
    logs += Math.log(naive.schedules / reduced.schedules);
    counted++;
  }
  expect(counted).toBeGreaterThan(15);
  expect(Math.exp(logs / counted)).toBeGreaterThan(10);
}, 120_000);

test.each(['fixed', 'buggy'] as const)(
  '%s twins, at most one preemption: the same verdicts',
  (twin) => {
    let counted = 0;
    for (const { what, naive, reduced } of compared(twin, 1)) {
      expect([what, reduced.failures]).toEqual([what, naive.failures]);
      counted++;
    }
    expect(counted).toBeGreaterThan(50);
  },
  120_000,
);

test('buggy twins, all schedules: the same verdicts', () => {
  let counted = 0;
  for (const { what, naive, reduced } of compared('buggy', Infinity)) {
    expect([what, reduced.failures]).toEqual([what, naive.failures]);
    counted++;
  }
  expect(counted).toBeGreaterThan(30);
}, 120_000);
