// The string of a schedule: it is short, everything comes back, and whatever is no such string is told in one line.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clockPath, type Decision, parseSchedule, type Schedule, ScheduleError, scheduleText } from '../../../sim/schedule.ts';
import { OpKind } from '../../../sim/types.ts';

const d = (g: string, op: keyof typeof OpKind, ...draws: number[]): Decision => ({ g, op: OpKind[op], draws });
const small: Schedule = {
  program: 'bank',
  setup: { maxSteps: 10_000, time: 'chaos', leaks: true, faults: '' },
  decisions: [
    d('main', 'lock'),
    d('main/a', 'send'),
    d('main/a', 'send'),
    d('main/a#2', 'select', 1),
    d(clockPath, 'start'),
    d('main', 'lock'),
  ],
};

test('everything comes back', () => {
  expect(parseSchedule(scheduleText(small))).toEqual(small);
});

test('a dozen steps of three goroutines take less than a line', () => {
  const ops = ['lock', 'send', 'recv', 'sleep'] as const;
  const decisions = Array.from({ length: 14 }, (_, i) => d(['main', 'main/producer', 'main/consumer'][i % 3]!, ops[i % 4]!));
  const text = scheduleText({ ...small, program: 'bounded buffer', decisions });
  expect(text).toMatch(/^g1:[\w-]+$/);
  expect(text.length).toBeLessThan(140);
});

test('a loop of ten thousand steps of one goroutine takes no more', () => {
  const text = scheduleText({ ...small, decisions: new Array<Decision>(10_000).fill(d('main', 'load')) });
  expect(text.length).toBeLessThan(60);
  expect(parseSchedule(text).decisions).toHaveLength(10_000);
});

const pathName = fc.string({ minLength: 1, unit: 'grapheme' }).map((s) => s.replaceAll('/', '_').replaceAll('\0', '_'));
const decision = fc.record({
  g: fc.array(pathName, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
  op: fc.integer({ min: 0, max: OpKind.runtime }),
  draws: fc.array(fc.nat(1000), { maxLength: 3 }),
});
const schedule: fc.Arbitrary<Schedule> = fc.record({
  program: fc.string(),
  setup: fc.record({
    maxSteps: fc.nat(),
    leaks: fc.boolean(),
    time: fc.oneof(fc.constantFrom('idle' as const, 'chaos' as const), fc.record({ maxSkew: fc.nat({ max: 2 ** 40 }) })),
    faults: fc.string(),
  }),
  decisions: fc.array(decision, { maxLength: 60 }),
});

test('any schedule comes back', () => {
  fc.assert(
    fc.property(schedule, (s) => {
      expect(parseSchedule(scheduleText(s))).toEqual(s);
    }),
  );
});

describe('what is no schedule string is told in one line', () => {
  const text = scheduleText(small);

  test.each<[string, string | RegExp]>([
    ['', 'got nothing, wanted a string that begins with g1:'],
    ['hello', "got 'hello', wanted a string that begins with g1:"],
    ['g2:AAAA', 'it is of version g2, this gorena reads g1'],
    ['g1:', 'it was cut; nothing stands behind g1:'],
    [text.slice(0, -5), new RegExp(`it was cut; got ${text.length - 5} of ${text.length} characters`)],
    [`${text.slice(0, 20)} ${text.slice(20)}`, "' ' at character 21 cannot be in it"],
    [`${text}AAAA`, 'something stands behind its end'],
    [`${text.slice(0, 25)}${text[25] === 'A' ? 'B' : 'A'}${text.slice(26)}`, 'it is damaged; its checksum is another'],
  ])('%s', (bad, message) => {
    expect(() => parseSchedule(bad)).toThrow(ScheduleError);
    expect(() => parseSchedule(bad)).toThrow(message);
  });

  test('every cut, and every character that is another, is noticed', () => {
    for (let n = 0; n < text.length; n++) {
      expect(() => parseSchedule(text.slice(0, n)), `cut to ${n}`).toThrow(ScheduleError);
      const other = text[n] === 'x' ? 'y' : 'x';
      expect(() => parseSchedule(text.slice(0, n) + other + text.slice(n + 1)), `changed at ${n}`).toThrow(ScheduleError);
    }
  });

  test('garbage with a good head ends in a ScheduleError, never in another', () => {
    fc.assert(
      fc.property(fc.base64String(), (garbage) => {
        expect(() => parseSchedule(`g1:${garbage.replace(/[+/=]/g, '_')}`)).toThrow(ScheduleError);
      }),
    );
  });
});
