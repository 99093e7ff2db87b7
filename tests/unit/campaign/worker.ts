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
}

serve({
  square: async ({ n, wait = 0, fail = false, exit = false }: Square) => {
    if (exit) process.exit(1);
    await sleep(wait);
    if (fail) throw new RangeError(`${n} cannot be squared`);
    return { square: n * n, notJson: undefined };
  },
});
