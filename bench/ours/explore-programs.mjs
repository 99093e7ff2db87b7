// Small concurrent programs to explore, right in every order. A module of their own, so that worker threads can load them.
import { loadGorena } from '../lib/side.mjs';

const { f64 } = await loadGorena();

function* first(_go, a, b, wg) {
  yield* a.lock();
  for (let k = 0; k < 2; k++) {
    yield* b.lock();
    b.unlock();
  }
  a.unlock();
  wg.done();
}

function* second(_go, a, b, wg) {
  yield* a.lock();
  yield* b.lock();
  b.unlock();
  a.unlock();
  wg.done();
}

/** Two goroutines and two locks, taken in one order. */
export function* locks(go) {
  const [a, b, wg] = [go.mutex(), go.mutex(), go.waitGroup()];
  wg.add(2);
  go.go(first, a, b, wg);
  go.go(second, a, b, wg);
  yield* wg.wait();
}

function* philosopher(_go, left, right) {
  yield* left.lock();
  yield* right.lock();
  right.unlock();
  left.unlock();
}

/** Three philosophers, the last of whom takes his forks the other way round. */
export function* philosophers(go) {
  const [a, b, c] = [go.mutex(), go.mutex(), go.mutex()];
  go.go(philosopher, a, b);
  go.go(philosopher, b, c);
  go.go(philosopher, a, c);
}

function* producer(_go, queue, wg) {
  for (let k = 0; k < 3; k++) yield* queue.send(k);
  wg.done();
}

function* consumer(_go, queue, wg) {
  for (let k = 0; k < 6; k++) yield* queue.recv();
  wg.done();
}

/** Two producers, a buffer of one, a consumer. */
export function* buffer(go) {
  const [queue, wg] = [go.chan(f64, 1), go.waitGroup()];
  wg.add(3);
  go.go(producer, queue, wg);
  go.go(producer, queue, wg);
  go.go(consumer, queue, wg);
  yield* wg.wait();
}

function* setter(_go, a, b) {
  yield* a.store(1);
  yield* b.store(-1);
}

function* checker(_go, a, b) {
  yield* a.load();
  yield* b.load();
}

/** Nineteen goroutines that set two variables, and one that looks. */
export function* reorder(go) {
  const [a, b] = [go.atomic(0, 'a'), go.atomic(0, 'b')];
  for (let k = 0; k < 19; k++) go.go(setter, a, b);
  go.go(checker, a, b);
}

/** What is no small program: its goroutines are made anew in each schedule. */
export function* closures(go) {
  const [a, b] = [go.mutex(), go.mutex()];
  for (let k = 0; k < 3; k++) {
    go.go(function* taker() {
      yield* a.lock();
      yield* b.lock();
      b.unlock();
      a.unlock();
    });
  }
}
