// Programs in a module of their own, which worker threads load: see parallel.test.ts.
import type { Atomic, Go, Mutex } from '../../../runtime/index.ts';

function* add(_go: Go, flag: Atomic<boolean>, stopped: Atomic<boolean>, lock: Mutex): Generator<void, void, void> {
  if (yield* flag.load()) return;
  yield* lock.lock();
  lock.unlock();
  if (yield* stopped.load()) throw new Error('used after stop');
}

function* stop(_go: Go, flag: Atomic<boolean>, stopped: Atomic<boolean>, lock: Mutex): Generator<void, void, void> {
  yield* flag.store(true);
  yield* lock.lock();
  lock.unlock();
  yield* stopped.store(true);
}

/** add passes the check, stop runs to its end, add uses what is stopped. */
export default function* main(go: Go): Generator<void, void, void> {
  const [flag, stopped, lock] = [go.atomic(false, 'flag'), go.atomic(false, 'stopped'), go.mutex()];
  for (let k = 0; k < 3; k++) go.go(add, flag, stopped, lock);
  go.go(stop, flag, stopped, lock);
}

/** Nothing is wrong with it. */
export function* fine(go: Go): Generator<void, void, void> {
  const lock = go.mutex();
  for (let k = 0; k < 3; k++) go.go(fineWorker, lock);
}
function* fineWorker(_go: Go, lock: Mutex): Generator<void, void, void> {
  yield* lock.lock();
  lock.unlock();
}

/** Loops for ever in one step. */
export function* stuck(go: Go): Generator<void, void, void> {
  yield* go.point();
  for (;;);
}

export const none = 7;
