// worker: what the worker threads of these tests run. Jobs say themselves what they are: slow, wrong, or endless.
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../../../campaign/workers.ts';

/** A job of kind `square`. */
export interface Square {
  readonly n: number;
  /** Milliseconds before it answers. */
  readonly wait?: number;
  readonly fail?: boolean;
  /** Ends the whole thread. */
  readonly exit?: boolean;
  /** Milliseconds for which it computes without ever letting go of the thread, with a sign of life now and then. */
  readonly busy?: number;
  /** The same without a sign of life. */
  readonly hang?: number;
}

serve({
  square: async ({ n, wait = 0, fail = false, exit = false, busy = 0, hang = 0 }: Square, alive: () => void) => {
    if (exit) process.exit(1);
    for (const began = performance.now(); performance.now() - began < busy; ) alive();
    for (const began = performance.now(); performance.now() - began < hang; );
    await sleep(wait);
    if (fail) throw new RangeError(`${n} cannot be squared`);
    return { square: n * n, notJson: undefined };
  },
});
