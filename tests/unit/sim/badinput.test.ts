// Programs that are none, options out of range, and programs that ask the host for what nothing controls: one clear line each.
import { describe, expect, test } from 'vitest';
import { exploreSync, type Program, RandomWalk, runSchedule } from '../../../sim/index.ts';

const fine: Program = function* main(go) {
  go.go(function* other() {
    yield* go.point();
  });
  yield* go.point();
};

test.each<[options: object, words: string]>([
  [{ schedules: 0 }, 'option schedules: got 0, wanted a whole number from 1 to 2147483647'],
  [{ schedules: 1.5 }, 'option schedules: got 1.5, wanted a whole number from 1 to 2147483647'],
  [{ seed: '7' }, "option seed: got '7', wanted a whole number from -9007199254740991 to 9007199254740991"],
  [{ maxSteps: -1 }, 'option maxSteps: got -1, wanted a whole number from 1 to 10000000'],
  [{ workers: 2000 }, 'option workers: got 2000, wanted a whole number from 0 to 1024'],
  [{ budgetMs: Number.NaN }, 'option budgetMs: got NaN, wanted milliseconds'],
  [{ time: 'now' }, "option time: got 'now', wanted 'idle', 'chaos' or { maxSkew: nanoseconds }"],
  [{ time: { maxSkew: -1 } }, "option time: got {\"maxSkew\":-1}, wanted 'idle', 'chaos' or { maxSkew: nanoseconds }"],
  [
    { strategy: 'best' },
    "option strategy: got 'best', wanted one of fair, random, pct, pos, surw, exhaustive, portfolio, { pct: depth }, { exhaustive: {…} }",
  ],
  [{ strategy: { pct: 0 } }, 'option strategy.pct: got 0, wanted a whole number from 1 to 100'],
  [{ keepGoing: 1 }, 'option keepGoing: got 1, wanted true or false'],
  [{ onProgress: true }, 'option onProgress: got boolean, wanted a function'],
  [{ schedule: 10 }, 'option schedule: there is no such option'],
])('options %j', (options, words) => {
  expect(() => exploreSync(fine, options)).toThrow(expect.objectContaining({ message: words }));
});

test.each<[name: string, program: unknown, words: string]>([
  ['nothing', undefined, 'the program to explore: got undefined, wanted a goroutine function: function* main(go) { … }'],
  ['an object', {}, 'the program to explore: got object, wanted a goroutine function: function* main(go) { … }'],
  [
    'an async function',
    async () => {},
    'the program to explore is async, so it gives a promise; wanted a goroutine function: function* main(go) { … }',
  ],
  ['a promise', () => Promise.resolve(1), 'the program to explore gave a promise; wanted a goroutine function: function* main(go) { … }'],
  ['a value', () => 7, 'the program to explore gave number; wanted a goroutine function: function* main(go) { … }'],
  [
    'a function that throws',
    () => {
      throw new Error('no bank');
    },
    'the program to explore threw before it was a goroutine: no bank; wanted a goroutine function: function* main(go) { … }',
  ],
])('a program that is %s', (_name, program, words) => {
  expect(() => exploreSync(program as Program)).toThrow(new TypeError(words));
  expect(() => runSchedule(program as Program, new RandomWalk())).toThrow(new TypeError(words));
});

test('a plain function that gives a generator is a program', () => {
  expect(exploreSync((go) => fine(go)).failures).toEqual([]);
});

test('a wrong exploration leaves nothing behind', () => {
  expect(() => exploreSync((() => 7) as never)).toThrow(TypeError);
  expect(exploreSync(fine).distinct).toBe(1);
});

test('a decider that answers what is not asked', () => {
  expect(() => runSchedule(fine, { next: () => 9, select: () => 0 })).toThrow('decider.next: got task 9, which cannot go on at step 1');
});

test('a program without concurrency is told so', () => {
  const alone: Program = function* main(go) {
    yield* go.point();
  };
  expect(exploreSync(alone).warnings).toEqual([
    'there never was a choice between two goroutines: all schedules of this program are the same',
  ]);
  expect(exploreSync(fine).warnings).toEqual([]);
});

describe('what nothing controls', () => {
  test('random numbers that decide: the first step that differs, the places of both, and the call', () => {
    let calls = 0;
    const random: Program = function* main(go) {
      const [a, b] = [go.cell(0, 'a'), go.cell(0, 'b')];
      yield* go.point();
      if (Math.random() < 2 && calls++ % 2 === 0) yield* a.set(1);
      else yield* b.set(1);
    };
    const { failure } = exploreSync(random);
    expect(failure?.verdict).toBe('nondeterminism');
    expect(failure?.message).toMatch(
      /^the same schedule did not come out the same twice: step 3 was main set cell a \(badinput\.test\.ts:\d+\), and then main set cell b \(badinput\.test\.ts:\d+\); the program uses Math\.random at badinput\.test\.ts:\d+$/,
    );
  });

  test('what decides nothing is a warning', () => {
    const logs: Program = function* main(go) {
      go.go(function* other() {
        yield* go.point();
      });
      const at = new Date();
      if (at.getTime() > Date.now()) setTimeout(() => {}, 0);
      void Promise.resolve(1).then(() => 2);
      yield* go.point();
    };
    const { failure, warnings } = exploreSync(logs);
    expect(failure).toBe(null);
    expect(warnings.map((w) => w.replace(/:\d+:/, ':'))).toEqual([
      'new Date at badinput.test.ts: nothing controls what it gives, so schedules may not repeat',
      'Date.now at badinput.test.ts: nothing controls what it gives, so schedules may not repeat',
      'Promise.then at badinput.test.ts: nothing controls what it gives, so schedules may not repeat',
    ]);
    expect(Date.now).toBe(Date.now); // and the host is as before
    expect(new Date()).toBeInstanceOf(Date);
  });

  test('every schedule twice, when that is wanted', () => {
    let runs = 0;
    const late: Program = function* main(go) {
      const x = go.atomic(0, 'x');
      go.go(function* other() {
        yield* x.load();
      });
      yield* x.load();
      if (++runs > 21) yield* x.store(1); // something that outlives a schedule
    };
    expect(exploreSync(late, { determinism: false }).failure).toBe(null);
    runs = 0;
    expect(exploreSync(late, { determinism: 'every' }).failure?.verdict).toBe('nondeterminism');
  });
});
