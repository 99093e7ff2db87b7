// Stories of bugs: each breaks one line of the runtime on purpose and shows that a check notices, within so many random
// programs, each under its own random schedule. A check that has never failed is not yet a check. The harness is the one of
// tests/model/gc.test.ts; the numbers of mutants are those of reference dst.md 4.2 and 4.3.
//
// Each story is told twice: with the runtime's own checks on (knobs), and with nothing but the shadow model, the truth of the
// profile and what the runtime notices in passing. `npx vitest run tests/stories --reporter=verbose` tells who noticed, and when.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Addr } from '../../runtime/internal/memory.ts';
import type { Machine } from '../../runtime/machine.ts';
import { type HostileOptions, type Program, programs, runHostile, verdict } from '../support/hostile.ts';

const seed = 20140901;
const sample: readonly Program[] = fc.sample(programs, { seed, numRuns: 400 });

interface Story {
  readonly bug: string;
  readonly how: Pick<HostileOptions, 'fault' | 'tamper'>;
  /** Schedules within which it must be noticed. */
  readonly within: number;
  /** Who notices with the runtime's own checks on, and who without. */
  readonly checks: RegExp;
  readonly model: RegExp;
}

/** Changes what the write barrier records. */
const barrier = (record: (old: Addr, value: Addr) => [Addr, Addr]) => (m: Machine) => {
  for (const { barrier } of m.mutators) {
    const whole = barrier.record.bind(barrier);
    barrier.record = (old, value) => whole(...record(old, value));
  }
};

const unmarked = /S3: object 0x[0-9a-f]+ \(hostile\.Node\) is reachable and not marked/;
const lost = /^model: object \d+ is reachable and was freed/;
const stale = /^stale reference/;
const or = (...all: RegExp[]) => new RegExp(all.map((r) => `(?:${r.source})`).join('|'));

const stories: Story[] = [
  { bug: 'M01: no write barrier', how: { fault: 'noBarrier' }, within: 20, checks: unmarked, model: lost },
  {
    bug: 'M02: the barrier shades only what is stored, and stacks are not scanned again',
    how: { tamper: barrier((_old, value) => [0, value]) },
    within: 300,
    checks: unmarked,
    model: lost,
  },
  {
    bug: 'M03: the barrier shades only what is overwritten, and stacks are scanned one at a time',
    how: { tamper: barrier((old) => [old, 0]) },
    within: 20,
    checks: unmarked,
    model: lost,
  },
  {
    bug: 'M06: storing nil skips the barrier: nothing to shade',
    how: { tamper: barrier((old, value) => (value === 0 ? [0, 0] : [old, value])) },
    within: 300,
    checks: unmarked,
    model: lost,
  },
  { bug: 'M08: objects allocated while marking are white', how: { fault: 'allocWhite' }, within: 20, checks: unmarked, model: lost },
  { bug: 'M13: a stack is not scanned', how: { fault: 'skipStackScan' }, within: 20, checks: unmarked, model: lost },
  {
    bug: 'M12: values in flight are no roots (the second marking is as blind as the first: only the model sees it)',
    how: {
      tamper: ({ sched }) => {
        const { stacks } = sched;
        const each = stacks.eachPointer.bind(stacks);
        stacks.eachPointer = (g, visit) => {
          const elem = sched.gt.elem[g];
          sched.gt.elem[g] = 0;
          each(g, visit);
          sched.gt.elem[g] = elem;
        };
      },
    },
    within: 300,
    checks: or(lost, stale),
    model: or(lost, stale),
  },
  {
    bug: 'M20: the sweep leaves the mark bits set',
    how: { fault: 'keepMarkBits' },
    within: 5,
    checks: /G1: mark bits in word \d+ \(0x[0-9a-f]+\) before marking began/,
    model: /^model: object \d+ (was garbage when the last cycle began and is not freed|is reachable and was freed)/,
  },
  {
    bug: 'W08: the next cycle begins before the sweep is done',
    how: { fault: 'rotateBeforeSweepDone' },
    within: 20,
    checks: /G1: mark bits in word \d+ \(0x[0-9a-f]+\) before marking began/,
    model: /sweepone: span \d+ of an unswept set has sweepgen|mspan\.ensureSwept: span \d+ has sweepgen|^model: |^profile: |bad sweepgen/,
  },
  {
    bug: 'W10: the sweeper drops a profile record without telling the profiler',
    how: { fault: 'loseSpecial' },
    within: 5,
    checks: /^profile: three-stage as of mark termination \d+: \d+ objects in use, wanted \d+/,
    model: /^profile: three-stage as of mark termination \d+: \d+ objects in use, wanted \d+/,
  },
  {
    bug: 'W02: a free found by the sweep is counted with the mallocs of now (three-stage)',
    how: {
      tamper: ({ profiler }) => {
        const scheme = profiler.schemes.find((s) => s.name === 'three-stage')!;
        scheme.onSweepFree = scheme.onExplicitFree.bind(scheme);
      },
    },
    within: 20,
    checks: /^profile: three-stage as of/,
    model: /^profile: three-stage as of/,
  },
  {
    bug: 'W04: a malloc is counted one cycle early (cycle)',
    how: {
      tamper: ({ profiler }) => {
        const scheme = profiler.schemes.find((s) => s.name === 'cycle')!;
        const { future } = scheme as unknown as { future(ahead: number): number };
        scheme.onMalloc = (record, bytes) => {
          for (let k = 0; k < 4; k++) profiler.f64[record + future.call(scheme, 1) + k]! += [1, 0, bytes, 0][k]!;
        };
      },
    },
    within: 20,
    checks: /^profile: cycle as of/,
    model: /^profile: cycle as of/,
  },
  {
    bug: 'W11: a free is reported twice',
    how: {
      tamper: ({ profiler }) => {
        const free = profiler.mProfFree.bind(profiler);
        profiler.mProfFree = (bucket, bytes, explicit) => {
          free(bucket, bytes, explicit);
          free(bucket, bytes, explicit);
        };
      },
    },
    within: 5,
    checks: /^profile: /,
    model: /^profile: /,
  },
];

/** The first schedule in which somebody notices. */
function firstCatch(options: Omit<HostileOptions, 'seed'>, within: number): { schedules: number; words: string } | null {
  for (let i = 0; i < within; i++) {
    try {
      runHostile(sample[i]!, { ...options, seed: i });
    } catch (error) {
      return { schedules: i + 1, words: verdict(error) };
    }
  }
  return null;
}

for (const { bug, how, within, checks, model } of stories) {
  describe(bug, () => {
    for (const knobs of [true, false]) {
      test(`is noticed within ${within} schedules ${knobs ? 'by the checks' : 'without the runtime’s own checks'}`, ({ annotate }) => {
        const caught = firstCatch({ ...how, knobs }, within);
        expect(caught, `nobody noticed in ${within} schedules of seed ${seed}`).not.toBe(null);
        expect(caught!.words).toMatch(knobs ? checks : model);
        return annotate(`after ${caught!.schedules} schedules: ${caught!.words.slice(0, 120)}`);
      });
    }
  });
}

describe('control: the same programs and schedules with nothing broken', () => {
  for (const knobs of [true, false]) {
    test(`are silent ${knobs ? 'with all checks' : 'without the runtime’s own checks'}`, () => {
      expect(firstCatch({ knobs }, 300)).toBe(null);
    });
  }

  test('and the naive profile lies in them: the skew is there to be removed', () => {
    let skew = 0;
    for (let i = 0; i < 20; i++) skew += runHostile(sample[i]!, { seed: i }).skew;
    expect(skew).toBeGreaterThan(1000);
  });
});
