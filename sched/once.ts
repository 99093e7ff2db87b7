// once: Go's sync.Once. Source: sync/once.go.
import { Mutex } from './mutex.ts';
import { type Blocking, mayBlock } from './op.ts';

/** What is done at most once: a plain function, or a generator function that may block. */
export type OnceFunc = () => unknown;

/** Does something once, whoever asks first; the others wait until it is done. */
export class Once extends Mutex {
  protected done = false;

  /** Calls fn if no call was made before; a call that panics counts. Calling it within fn waits for ever. `yield*` it. */
  do(fn: OnceFunc): Blocking<void> {
    return this.done ? (this.sched.done(undefined) as Blocking<void>) : this.sched.blocking(() => this.doSlow(fn));
  }

  protected *doSlow(fn: OnceFunc): Generator<void, void, void> {
    yield* this.lock();
    try {
      if (this.done) return;
      const result = fn();
      if (mayBlock(result)) yield* result;
    } finally {
      this.done = true;
      this.unlock();
    }
  }
}
