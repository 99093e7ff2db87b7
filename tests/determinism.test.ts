// Determinism: same program, seed and options give the same events, whatever memory the arena is made of, whoever watches, and
// however the accounting goes. A digest stands for all events of a run; "schedule" for those of goroutines alone.
import { describe, expect, test } from 'vitest';
import { churn } from '../examples/churn.ts';
import { trees } from '../examples/trees.ts';
import {
  type Chooser,
  Digest,
  type GoFunc,
  type Options,
  RandomChooser,
  RecordingChooser,
  ReplayChooser,
  Runtime,
  schemeNames,
} from '../runtime/index.ts';
import { Ev } from '../runtime/internal/events.ts';
import { caseOf } from './support/hostile/case.ts';
import { runHostile } from './support/hostile/run.ts';

const examples: [name: string, main: () => GoFunc<[]>][] = [
  ['churn', () => churn(50_000)],
  ['trees', () => trees(10)],
];
const small: Options = { heapBytes: 8 << 20, maxGoroutines: 64, memProfileRate: 4096, gogc: 5 };

/** All events of a run, and those of goroutines alone. */
function digests(main: GoFunc<[]>, options: Options) {
  const rt = new Runtime({ ...small, ...options });
  const all = rt.machine.digest();
  const schedule = new Digest();
  rt.machine.subscribe((kind, a, b, c, d) => {
    if (kind >= Ev.goCreate && kind <= Ev.goEnd) schedule.read(kind, a, b, c, d);
  });
  const stats = rt.run(main);
  return { all: all.toString(), schedule: schedule.toString(), stats };
}

for (const [name, main] of examples) {
  describe(name, () => {
    for (const procs of [1, 4]) {
      for (const seed of [1, 2, 77]) {
        test(`seed ${seed}, ${procs} Ps: twice the same run`, () => {
          const first = digests(main(), { seed, procs });
          expect(digests(main(), { seed, procs })).toEqual(first);
          expect(first.stats.numGC).toBeGreaterThan(0);
        });
      }
    }

    test('a random schedule of one seed is the same twice, and that of another seed is another', () => {
      const run = (seed: number) => digests(main(), { procs: 4, chooser: new RandomChooser(seed, false) });
      expect(run(5)).toEqual(run(5));
      expect(run(6).schedule).not.toBe(run(5).schedule);
    });

    test('every accounting scheme sees the same run', () => {
      const runs = schemeNames.map((scheme) => digests(main(), { scheme, procs: 2 }));
      for (const run of runs) expect(run).toEqual(runs[0]);
      expect(digests(main(), { scheme: 'naive', watch: ['cycle', 'seed', 'two-stage'], procs: 2 })).toEqual(runs[0]);
    });

    test('the profiling rate does not move the schedule', () => {
      for (const procs of [1, 4]) {
        const schedules = [0, 1, 512, 512 << 10].map((memProfileRate) => digests(main(), { memProfileRate, procs }).schedule);
        expect(new Set(schedules).size).toBe(1);
      }
    });

    test('memory of any kind gives the same run: wasm, shared, plain', () => {
      const runs = (['wasm', 'shared', 'plain'] as const).map((backing) => digests(main(), { backing, procs: 2 }));
      for (const run of runs) expect(run).toEqual(runs[0]);
    });

    test('checks and the oracle change nothing', () => {
      const plain = digests(main(), {});
      expect(digests(main(), { oracle: true, checkMark: true, checked: true })).toEqual(plain);
      expect(digests(main(), { checkHeap: true })).toEqual(plain);
    });

    test('a run that nobody watches takes the same time and the same turns', () => {
      for (const procs of [1, 3]) {
        const watched = digests(main(), { procs }).stats;
        expect(new Runtime({ ...small, procs }).run(main())).toEqual(watched);
      }
    });

    test('a recorded run can be run again from its answers', () => {
      const recording = new RecordingChooser(new RandomChooser(9, false));
      const recorded = digests(main(), { procs: 3, chooser: recording });
      expect(recording.answers.length).toBeGreaterThan(0);
      expect(digests(main(), { procs: 3, chooser: new ReplayChooser(recording.answers, false) })).toEqual(recorded);
    });
  });
}

test('a hostile program under a schedule with a choice at every operation: recorded, replayed, cut short', () => {
  for (let i = 0; i < 10; i++) {
    const { program } = caseOf(3, i);
    const recording = new RecordingChooser(new RandomChooser(i));
    const recorded = runHostile(program, { seed: i, chooser: recording });
    const replay = (answers: readonly number[]): Chooser => new ReplayChooser(answers);
    expect(runHostile(program, { seed: i, chooser: replay(recording.answers) })).toEqual(recorded);
    runHostile(program, { seed: i, chooser: replay(recording.answers.slice(0, recording.answers.length >> 1)) }); // the rest is fair
  }
});

test('the seed alone decides what is sampled', () => {
  const samples = (seed: number) => {
    const rt = new Runtime({ ...small, seed, memProfileRate: 1000 });
    rt.run(trees(7));
    return rt.memProfile(true).map((r) => [r.size, r.allocObjects, r.freeObjects, r.stack.length].join());
  };
  expect(samples(1)).toEqual(samples(1));
  expect(samples(2)).not.toEqual(samples(1));
});
