// Stories of bugs in what blocks: each breaks the machine on purpose, and the model of tests/support/blocking.ts or the
// runtime itself must notice, within so many random programs and schedules.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Machine } from '../../runtime/machine.ts';
import { eachWaiting } from '../../sched/sudog.ts';
import { channelProgram, playChannels } from '../support/blocking.ts';

const sample = fc.sample(channelProgram, { seed: 20140902, numRuns: 60 });

interface Story {
  readonly bug: string;
  readonly tamper: (m: Machine) => void;
  readonly words: RegExp;
}

const stories: Story[] = [
  {
    bug: 'a queue forgets the others when one waiter is taken out',
    tamper: ({ sched: { sudogs } }) => {
      const serve = sudogs.serve.bind(sudogs);
      sudogs.serve = (queue) => {
        const sg = serve(queue);
        queue.first = null;
        queue.last = null;
        return sg;
      };
    },
    words: /K3: a sudog of goroutine|deadlock/,
  },
  {
    bug: 'a select that was served stays in the queues of its other cases',
    tamper: ({ sched }) => {
      sched.sudogs.releaseAll = (op) => {
        op.selecting = null;
      };
    },
    words: /Q5: goroutine \d+ is runnable, wanted waiting|K[13]:|deadlock/,
  },
  {
    bug: 'every fifth wake-up is lost',
    tamper: ({ sched }) => {
      const ready = sched.ready.bind(sched);
      let n = 0;
      sched.ready = (g, next) => {
        if (++n % 5 !== 0) ready(g, next);
      };
    },
    words: /all goroutines are asleep - deadlock!|K3:/,
  },
  {
    bug: 'the collector does not see what parked goroutines bring',
    tamper: ({ sched, heap }) => {
      const { stacks } = sched;
      const eachPointer = stacks.eachPointer.bind(stacks);
      stacks.eachPointer = (g, visit) => {
        const hidden: number[] = [];
        sched.ops[g]!.save(heap.w, heap.arena.f64, sched.gt);
        eachWaiting(heap.w, sched.gt.waiting[g], (addr) => hidden.push(addr));
        eachPointer(g, (addr) => {
          if (!hidden.includes(addr)) visit(addr);
        });
      };
    },
    words: /K4: record|stale reference|found pointer to free object|each value arrives once|S3:/,
  },
];

/** The first finding, or null. */
function caught(tamper?: (m: Machine) => void): string | null {
  for (const [seed, program] of sample.entries()) {
    try {
      playChannels(program, seed, '1.19', tamper);
    } catch (error) {
      return String((error as Error).message);
    }
  }
  return null;
}

describe('what blocks', () => {
  test.each(stories)('$bug: it is noticed', ({ tamper, words }) => {
    const text = caught(tamper);
    expect(text, 'nobody noticed').not.toBe(null);
    expect(text).toMatch(words);
  });

  test('control: nothing is noticed when nothing is broken', () => {
    expect(caught()).toBe(null);
  });
});
