// The seam for choices: strategies answer in range, and recorded answers give the same run again.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Choice, type Chooser, FairChooser, RandomChooser, RecordingChooser, ReplayChooser } from '../../../runtime/internal/chooser.ts';

/** Questions as a machine asks them: between n alternatives, with a fair answer or none (-1). */
const questions = fc.array(
  fc.integer({ min: 1, max: 9 }).chain((n) => fc.record({ n: fc.constant(n), fair: fc.integer({ min: -1, max: n - 1 }) })),
  { maxLength: 50 },
);
const ask = (chooser: Chooser, list: readonly { n: number; fair: number }[]) =>
  list.map(({ n, fair }, i) => chooser.choose((i % 5) as Choice, n, fair));

describe('the fair chooser', () => {
  test('takes the fair answer, and draws only where there is none', () => {
    fc.assert(
      fc.property(questions, fc.integer(), (list, seed) => {
        const answers = ask(new FairChooser(seed), list);
        list.forEach(({ n, fair }, i) => {
          if (fair >= 0) expect(answers[i]).toBe(fair);
          else expect(answers[i]! >= 0 && answers[i]! < n).toBe(true);
        });
      }),
    );
  });

  test('a fair answer uses up no randomness', () => {
    const [asked, quiet] = [new FairChooser(4), new FairChooser(4)];
    for (let i = 0; i < 20; i++) {
      asked.choose(Choice.nextM, 5, 2);
      expect(asked.choose(Choice.stealFrom, 1000, -1)).toBe(quiet.choose(Choice.stealFrom, 1000, -1));
    }
  });
});

describe('the random chooser', () => {
  test('answers in range from its seed', () => {
    fc.assert(
      fc.property(questions, fc.integer(), (list, seed) => {
        const answers = ask(new RandomChooser(seed), list);
        expect(answers).toEqual(ask(new RandomChooser(seed), list));
        expect(list.every(({ n }, i) => answers[i]! >= 0 && answers[i]! < n)).toBe(true);
      }),
    );
  });

  test('reaches every alternative', () => {
    const chooser = new RandomChooser(1);
    const seen = new Set(Array.from({ length: 200 }, () => chooser.choose(Choice.selectOrder, 7, 0)));
    expect(seen.size).toBe(7);
  });

  test('a question with one answer uses up no randomness', () => {
    const [asked, quiet] = [new RandomChooser(4), new RandomChooser(4)];
    expect(asked.choose(Choice.preempt, 1, 0)).toBe(0);
    expect(asked.choose(Choice.preempt, 1000, 0)).toBe(quiet.choose(Choice.preempt, 1000, 0));
  });
});

describe('record and replay', () => {
  test('recorded answers are given back, question by question', () => {
    fc.assert(
      fc.property(questions, fc.integer(), (list, seed) => {
        const recording = new RecordingChooser(new RandomChooser(seed));
        const answers = ask(recording, list);
        expect(recording.answers).toEqual(answers);
        expect(ask(new ReplayChooser(recording.answers), list)).toEqual(answers);
      }),
    );
  });

  test('whether mallocs are choice points is recorded too: it decides which questions are asked', () => {
    expect(new RecordingChooser(new FairChooser(1)).everyOperation).toBe(false);
    expect(new RecordingChooser(new RandomChooser(1)).everyOperation).toBe(true);
    expect(new RecordingChooser(new RandomChooser(1, false)).everyOperation).toBe(false);
    expect(new ReplayChooser([], false).everyOperation).toBe(false);
  });

  test('when the answers are used up the fair one is taken, or the first', () => {
    const replay = new ReplayChooser([3]);
    expect([replay.choose(Choice.nextM, 5, 1), replay.choose(Choice.nextM, 5, 1), replay.choose(Choice.stealFrom, 5, -1)]).toEqual([
      3, 1, 0,
    ]);
  });

  test('an answer that the question does not have is clamped: a shortened recording still runs', () => {
    expect(new ReplayChooser([9, 9]).choose(Choice.nextM, 3, 0)).toBe(2);
  });
});
