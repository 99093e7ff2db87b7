// programs: small faulty programs for what is built on exploring: replay, shrinking, reports. The benchmark cases are elsewhere
// (cases/); these are for their variety: locks, channels, selects, timers, plain variables, a panic, a leak.
import { type Go, host, i32 } from '../../runtime/index.ts';
import type { Program } from '../../sim/index.ts';

/** Two locks, taken in two orders: a deadlock. */
export function* twoLocks(go: Go) {
  const [a, b] = [go.mutex(), go.mutex()];
  const done = go.waitGroup();
  done.add(2);
  go.go(function* left() {
    yield* a.lock();
    yield* b.lock();
    b.unlock();
    a.unlock();
    done.done();
  });
  go.go(function* right() {
    yield* b.lock();
    yield* a.lock();
    a.unlock();
    b.unlock();
    done.done();
  });
  yield* done.wait();
}

/** An update is lost: an assertion. */
export function* lostUpdate(go: Go) {
  const balance = go.cell(0, 'balance');
  const done = go.waitGroup();
  done.add(3);
  for (let i = 0; i < 3; i++) {
    go.go(function* deposit() {
      for (let k = 0; k < 2; k++) {
        const old = yield* balance.get();
        yield* balance.set(old + 1);
      }
      done.done();
    });
  }
  yield* done.wait();
  if (balance.peek() !== 6) throw new Error('an update was lost');
}

/** The answer comes too late, and nobody takes it: a leak. Needs a timer. */
export function* lateAnswer(go: Go) {
  const answer = go.chan(i32);
  go.go(function* worker(go) {
    yield* go.sleep(5);
    yield* answer.send(42);
  });
  yield* go.select([answer.recvCase(), go.after(10).recvCase()]);
}

/** Two clients, a lease that runs out, and no fencing: a stale write. Needs two timers at the wrong moment. */
export function* lease(go: Go) {
  let holder = 0;
  let expires = 0;
  let token = 0;
  let newest = 0;
  const mu = go.mutex();
  const client = function* client(go: Go, name: number) {
    yield* mu.lock();
    if (holder !== 0 && go.now() < expires) {
      mu.unlock();
      return;
    }
    holder = name;
    expires = go.now() + 10;
    const mine = ++token;
    mu.unlock();
    yield* go.sleep(9);
    yield* go.point();
    if (mine < newest) throw new Error(`token ${mine} was written after ${newest}`);
    newest = mine;
  };
  go.go(client, 1);
  yield* go.sleep(11);
  go.go(client, 2);
}

/** A producer closes twice when the select says so: a panic. */
export function* closedTwice(go: Go) {
  const stop = go.chan(host<string>());
  const quit = go.chan(host<string>());
  const done = go.waitGroup();
  done.add(2);
  for (let i = 0; i < 2; i++) {
    go.go(function* closer() {
      const r = go.trySelect([stop.recvCase()]);
      yield* go.point();
      if (r.index < 0) stop.close();
      done.done();
    });
  }
  go.go(function* other() {
    yield* go.select([stop.recvCase(), quit.recvCase()]);
  });
  yield* done.wait();
}

export const programs: Readonly<Record<string, Program>> = { twoLocks, lostUpdate, lateAnswer, lease, closedTwice };
