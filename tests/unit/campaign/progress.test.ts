// The line of progress of a campaign.
import { expect, test } from 'vitest';
import { progressText } from '../../../cli/campaign.ts';

test('speed and the time that is left are those of this run, once two tasks are done', () => {
  const schedules = { n: 1000, what: 'schedules' };
  expect(progressText('bank', { done: 1, total: 1, resumed: 0, millis: 9 }, schedules)).toBe('bank: 1 of 1 task');
  expect(progressText('bank', { done: 51, total: 1000, resumed: 50, millis: 9 }, schedules)).toBe('bank: 51 of 1,000 tasks');
  expect(progressText('bank', { done: 60, total: 1060, resumed: 50, millis: 200 }, schedules)).toBe(
    'bank: 60 of 1,060 tasks, 50,000 schedules/s, about 20 s left',
  );
  expect(progressText('skew', { done: 2, total: 302, resumed: 0, millis: 2000 })).toBe('skew: 2 of 302 tasks, about 5 min left');
});
