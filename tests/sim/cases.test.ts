// The cases: the default portfolio finds each bug within 1,000 schedules, with the verdict that is expected, and is silent on
// the fixed twin for as many, data races included. `make cases` looks longer, and compares the strategies.
import { describe, expect, test } from 'vitest';
import { exploreSync } from '../../sim/index.ts';
import { expected } from './cases/case.ts';
import { cases } from './cases/index.ts';

describe.each(cases.map((c) => [`${c.id} ${c.name}`, c] as const))('%s', (_, c) => {
  test.skipIf(c.hard !== undefined)('the bug is found', () => {
    // Where a race is not what the case is about, it would only be what is reported last.
    const { failure, schedules } = exploreSync(c.buggy, { races: expected(c).includes('race'), shrink: false });
    expect(failure, `nothing found in ${schedules} schedules`).not.toBeNull();
    expect(expected(c), failure!.message).toContain(failure!.verdict);
    if (c.deterministic) expect(failure!.schedule).toBe(0);
  });

  test('the fixed twin is silent', () => {
    const { failure, schedules } = exploreSync(c.fixed);
    expect(failure === null ? 'silent' : `${failure.verdict} at schedule ${failure.schedule}: ${failure.message}`).toBe('silent');
    expect(schedules).toBe(1000);
  });
});

test('names are unique', () => {
  expect(new Set(cases.map((c) => c.name)).size).toBe(cases.length);
});

test('time as a choice is what finds the cases of timers: the clock in order finds none of them', () => {
  const late = cases.filter((c) => c.timers);
  expect(late.map((c) => c.id)).toEqual(['B16', 'B23', 'R08', 'X11', 'X12']);
  for (const c of late) expect(exploreSync(c.buggy, { time: 'idle', shrink: false }).failure, c.name).toBeNull();
});
