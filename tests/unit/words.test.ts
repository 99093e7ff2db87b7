// Numbers in text: one of a thing is not many.
import { expect, test } from 'vitest';
import { count, plural } from '../../runtime/internal/words.ts';
import { searchedText } from '../../sim/describe.ts';

test('thousands are apart', () => {
  expect([0, 999, 1000, 1234567, -43960].map(count)).toEqual(['0', '999', '1,000', '1,234,567', '-43,960']);
});

test('only one is singular', () => {
  expect([0, 1, 2, 1000].map((n) => plural(n, 'schedule'))).toEqual(['0 schedules', '1 schedule', '2 schedules', '1,000 schedules']);
  expect([1, 2].map((n) => plural(n, 'free of an address', 'frees of addresses'))).toEqual([
    '1 free of an address',
    '2 frees of addresses',
  ]);
});

test('a search of one schedule with one step and one preemption', () => {
  const one = { schedules: 1, distinct: 1, unseen: 1, steps: 1, failed: 1, exhausted: 1, warnings: [] };
  expect(searchedText(one)).toBe('explored 1 schedule · 1 distinct · 1 step · 1 failed · exhausted up to 1 preemption');
  const two = { ...one, schedules: 2000, distinct: 2, unseen: null, atMost: true, steps: 3, failed: 0, exhausted: 2 };
  expect(searchedText({ ...two, warnings: ['the clock'], more: ['seed 1'] })).toBe(
    'explored 2,000 schedules · at most 2 distinct · 3 steps · 0 failed · seed 1 · exhausted up to 2 preemptions\nwarning: the clock',
  );
});

test('how much is unseen: a share when there are enough schedules, and never none', () => {
  const some = { schedules: 200, distinct: 31, steps: 900, failed: 0, exhausted: null, warnings: [] };
  const line = (unseen: number | null, more: object = {}) =>
    / distinct · (.*?) · 900 steps/.exec(searchedText({ ...some, unseen, ...more }))?.[1];
  expect(line(0.0834)).toBe('about 8.3 % unseen');
  expect(line(0.0834, { atMost: true })).toBe('at most 8.3 % unseen');
  expect(line(0)).toBe('under 0.5 % unseen');
  expect([line(null), line(0.5, { schedules: 9 })]).toEqual([undefined, undefined]);
});
