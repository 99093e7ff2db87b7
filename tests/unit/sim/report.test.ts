// The report of a failure: what it looks like (golden), and that it fits: 40 lines, the width of the terminal, whatever happened.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faulty } from '../../../examples/faulty.ts';
import { exploreSync, reportOf } from '../../../sim/index.ts';
import { type Report, reportText, type ShownStep } from '../../../sim/report.ts';
import { expectGolden } from '../../support/golden.ts';

const step = (g: string, op: string, object = '', line = 1, more: Partial<ShownStep> = {}): ShownStep => ({
  g,
  op,
  object,
  site: `/home/ann/shop/src/buffer.ts:${line}`,
  clock: 0,
  preempts: false,
  waits: false,
  ...more,
});

/** As a report is given to reportText: what is not said here is as a test needs it. */
const made: Report = {
  verdict: 'deadlock',
  message: 'all goroutines are asleep - deadlock!',
  steps: [
    step('main/left', 'lock', 'a', 12),
    step('main/right', 'lock', 'b', 18, { preempts: true }),
    step('main/right', 'lock', 'a', 19, { waits: true }),
    step('main/left', 'lock', 'b', 13, { waits: true }),
    step('main', 'wait', 'waitgroup', 25, { waits: true }),
  ],
  blocked: [
    { g: 'main', on: 'wait waitgroup', holder: '', site: '/home/ann/shop/src/buffer.ts:25' },
    { g: 'main/left', on: 'lock b', holder: 'main/right', site: '/home/ann/shop/src/buffer.ts:13' },
    { g: 'main/right', on: 'lock a', holder: 'main/left', site: '/home/ann/shop/src/buffer.ts:19' },
  ],
  found: { strategy: 'pct2', schedule: 37, of: 2000, millis: 212.4 },
  shrunk: { steps: [61, 5], preemptions: [9, 1], timers: [0, 0] },
  again: ["replay: GORENA_SCHEDULE='g1:EgS_ZwA' vitest -t 'two locks'"],
  statistics: 'explored 37 schedules, 31 of them different',
};

/** What an exploration found, but for the time that it took. */
function deadlock(): Report {
  const exploration = exploreSync(faulty.bank!.program, { name: 'bank', strategy: 'random', seed: 3 });
  const report = reportOf(exploration.failure!, { exploration, of: 1000 });
  return { ...report, found: { ...report.found!, millis: 212.4 } };
}

const lease: Report = {
  ...made,
  verdict: 'assertion',
  message: 'AssertionError: stale token 1 written after 2\n\n1 !== 2\n',
  steps: [
    step('main/A', 'lock', 'lease', 8),
    step('main/A', 'sleep', '9ns', 10, { waits: true }),
    step('main/B', 'lock', 'lease', 8),
    step('clock', 'timer', '', 0, { clock: 9, site: '' }),
    step('clock', 'timer', '', 0, { clock: 11, site: '' }),
    step('main/B', 'store', 'token', 14, { clock: 11 }),
    step('main/A', 'store', 'token', 14, { clock: 11, preempts: true }),
  ],
  blocked: [],
  shrunk: { steps: [30, 7], preemptions: [3, 1], timers: [6, 2] },
};

const many = (n: number, goroutines: number): Report => ({
  ...made,
  verdict: 'leak',
  steps: Array.from({ length: n }, (_, i) =>
    step(`main/worker${i % 3 === 0 ? '' : `#${1 + ((i >> 2) % goroutines)}`}`, 'send', `queue${i % 5}`, i),
  ),
  blocked: Array.from({ length: goroutines }, (_, i) => ({ g: `main/worker#${i + 2}`, on: 'send queue', holder: '', site: 'a/b.ts:7' })),
});

describe('what it looks like', () => {
  test.each<[string, () => Report]>([
    ['deadlock', deadlock],
    ['lease', () => lease],
    ['long', () => many(300, 3)],
    ['crowd', () => many(30, 20)],
  ])('%s', (name, report) => {
    expectGolden(`report_${name}.txt`, `${reportText(report())}\n`);
  });

  test('colour is only what the layout brings', () => {
    const plain = reportText(made);
    const painted = reportText(made, { paint: (colour, text) => `<${colour}>${text}</${colour}>` });
    expect(painted).not.toBe(plain);
    expect(painted.replace(/<\/?\w+>/g, '')).toBe(plain);
  });
});

describe('it fits', () => {
  const anyStep = fc.record({
    g: fc.constantFrom('main', 'main/a', 'main/b', 'main/b#2', 'main/a/very_long_name_of_a_goroutine', 'clock'),
    op: fc.constantFrom('send', 'recv', 'broadcast'),
    object: fc.constantFrom('', 'q', 'an_object_with_a_rather_long_name_that_nobody_would_give'),
    site: fc.constantFrom('', '/a/b/c.ts:12', 'C:\\src\\window.ts:1'),
    clock: fc.constantFrom(0, 5, 1e6, 3.5e9),
    preempts: fc.boolean(),
    waits: fc.boolean(),
  });

  test('into 40 lines and the width, whatever happened', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 200 }),
        fc.integer({ min: 60, max: 160 }),
        fc.integer({ min: 0, max: 30 }),
        (steps, width, n) => {
          const report: Report = { ...many(1, n), message: new Array(n * 2).fill('word '.repeat(30)).join('\n'), steps };
          const lines = reportText(report, { width }).split('\n');
          expect(lines.length).toBeLessThanOrEqual(40);
          const long = lines.filter((line) => line.length > width && !/^(?:replay: |LEAK )/.test(line));
          expect(long).toEqual([]);
        },
      ),
    );
  });

  test('the first and the last step are always shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 30 }), (n, goroutines) => {
        const text = reportText(many(n, goroutines));
        expect(text).toMatch(/^ +1 {2}/m);
        expect(text).toMatch(new RegExp(`^ *${n} {2}`, 'm'));
      }),
    );
  });
});
