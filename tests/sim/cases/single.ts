// Cases that fail in every schedule: one goroutine locks twice, or somebody waits for what cannot come. They test the reports
// rather than the search. Adapted from GoKer (GoBench, CGO 2021).
import { type Chan, type Go, i32, type Mutex, type RWMutex } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

/** A case of one goroutine: a function that locks a lock twice. */
function doubleLock(name: string, bug: string, twice: (go: Go, mu: RWMutex, fixed: boolean) => Generator<void, void, void>): Case {
  return {
    id: 'D',
    name,
    source: `adapted from GoKer ${name}`,
    bug,
    verdict: 'deadlock',
    preemptions: 0,
    deterministic: true,
    ...twins(
      (fixed) =>
        function* main(go) {
          yield* twice(go, go.rwMutex(), fixed);
        },
    ),
  };
}

/** A case of somebody who waits for ever. */
function stuck(name: string, verdict: 'deadlock' | 'leak', bug: string, program: Parameters<typeof twins>[0]): Case {
  const source = `adapted from GoKer ${name}`;
  return { id: 'L', name, source, bug, verdict, preemptions: 0, deterministic: true, ...twins(program) };
}

/** Locks and unlocks: what a callee does that knows nothing of its caller's lock. */
function* touch(mu: Mutex) {
  yield* mu.lock();
  mu.unlock();
}

export const doubleLocks: Case[] = [
  doubleLock('cockroach584', 'a loop is left holding the lock', function* bootstrap(_go, mu, fixed) {
    for (;;) {
      yield* mu.lock();
      const closed = true;
      if (closed && fixed) mu.unlock();
      if (closed) break;
      mu.unlock();
    }
    yield* touch(mu);
  }),

  doubleLock('cockroach9935', 'the way out for errors locks what the logger holds', function* output(_go, mu, fixed) {
    yield* mu.lock();
    const failed = true;
    if (fixed) mu.unlock();
    if (failed) yield* touch(mu); // exit
    if (!fixed) mu.unlock();
  }),

  doubleLock('etcd10492', "a lease's checkpoint is called back under the lessor's lock, and takes it", function* renew(_go, mu, fixed) {
    const checkpoint = () => touch(mu);
    yield* mu.lock();
    if (fixed) mu.unlock();
    yield* checkpoint();
    if (!fixed) mu.unlock();
  }),

  doubleLock('etcd6708', 'the client reads its endpoints while it holds them for writing', function* setEndpoints(_go, mu, fixed) {
    yield* mu.lock();
    if (fixed) mu.unlock();
    yield* mu.rLock();
    mu.rUnlock();
    if (!fixed) mu.unlock();
  }),

  doubleLock('syncthing4829', 'the mapping notifies under its lock; who is notified reads it', function* clearAddresses(_go, mu, fixed) {
    const notify = function* () {
      yield* mu.rLock();
      mu.rUnlock();
    };
    yield* mu.lock();
    if (fixed) mu.unlock();
    yield* notify();
    if (!fixed) mu.unlock();
  }),

  doubleLock('moby36114', 'disks are added under the lock, and removed on an error by what takes it', function* hotAdd(_go, mu, fixed) {
    yield* mu.lock();
    if (fixed) mu.unlock();
    yield* touch(mu); // hotRemove
    if (!fixed) mu.unlock();
  }),

  doubleLock('moby17176', 'the early return keeps the lock', function* cleanUp(_go, mu, fixed) {
    const deleteDevices = function* (deleted: number) {
      yield* mu.lock();
      if (deleted === 0 && !fixed) return;
      mu.unlock();
    };
    yield* deleteDevices(0);
    yield* deleteDevices(0);
  }),

  doubleLock('grpc795', 'the early way out locks where it should unlock', function* gracefulStop(_go, mu, fixed) {
    yield* mu.lock();
    if (!fixed) yield* mu.lock();
    mu.unlock();
  }),
];

export const leaks: Case[] = [
  stuck('cockroach13755', 'leak', 'the rows are never closed, so their context is never cancelled', (fixed) => {
    function* awaitDone(_go: Go, context: Chan<number>) {
      yield* context.recv();
    }
    return function* main(go) {
      const context = go.chan(i32);
      go.go(awaitDone, context);
      if (fixed) context.close();
    };
  }),

  stuck('cockroach25456', 'deadlock', 'the check waits for the stopper, which is stopped when the check is done', (fixed) => {
    return function* main(go) {
      const stopper = go.chan(i32);
      if (!fixed) go.defer(() => stopper.close());
      else stopper.close();
      yield* stopper.recv();
    };
  }),

  stuck('cockroach35931', 'deadlock', 'two rows are pushed into a channel of one, before anybody reads', (fixed) => {
    return function* main(go) {
      const rows = go.chan(i32, fixed ? 2 : 1);
      for (let i = 0; i < 2; i++) yield* rows.send(i);
    };
  }),

  stuck('cockroach24808', 'deadlock', 'the compactor wakes itself on a channel that holds a wake-up already', (fixed) => {
    return function* main(go) {
      const wake = go.chan(i32, 1);
      yield* wake.send(0);
      if (fixed) wake.trySend(0);
      else yield* wake.send(0);
    };
  }),

  stuck('grpc1424', 'deadlock', 'the watcher says that it is ready only when addresses come, and none do', (fixed) => {
    function* watcher(_go: Go, addresses: Chan<number>, ready: Chan<number>) {
      let waiting = true;
      while ((yield* addresses.recv2())[1]) {
        if (waiting) ready.close();
        waiting = false;
      }
      if (waiting && fixed) ready.close();
    }
    return function* main(go) {
      const [addresses, ready] = [go.chan(i32), go.chan(i32)];
      go.go(watcher, addresses, ready);
      addresses.close();
      yield* ready.recv();
    };
  }),

  stuck('moby4395', 'leak', 'a result is sent to a caller who does not want it', (fixed) => {
    function* run(_go: Go, result: Chan<number>) {
      yield* result.send(0);
    }
    return function* main(go) {
      go.go(run, go.chan(i32, fixed ? 1 : 0));
    };
  }),

  stuck('moby30408', 'deadlock', 'the activation failed; who waits asks only whether it succeeded', (fixed) => {
    const make = (go: Go) => {
      const mu = go.mutex();
      return { mu, cond: go.cond(mu), activated: false, failed: false };
    };
    type State = ReturnType<typeof make>;
    function* activate(_go: Go, s: State) {
      yield* s.mu.lock();
      s.failed = true;
      s.cond.broadcast();
      s.mu.unlock();
    }
    return function* main(go) {
      const s = make(go);
      go.go(activate, s);
      yield* s.mu.lock();
      while (!s.activated && !(fixed && s.failed)) yield* s.cond.wait();
      s.mu.unlock();
    };
  }),

  stuck('moby29733', 'deadlock', 'the error is noted, but nobody is woken to see it', (fixed) => {
    const make = (go: Go) => {
      const mu = go.mutex();
      return { mu, cond: go.cond(mu), failed: false, waiting: go.chan(i32, 1) };
    };
    type State = ReturnType<typeof make>;
    function* activate(_go: Go, s: State) {
      yield* s.waiting.recv();
      yield* s.mu.lock();
      s.failed = true;
      if (fixed) s.cond.broadcast();
      s.mu.unlock();
    }
    return function* main(go) {
      const s = make(go);
      go.go(activate, s);
      yield* s.mu.lock();
      s.waiting.trySend(0); // the lock is held until the wait begins
      while (!s.failed) yield* s.cond.wait();
      s.mu.unlock();
    };
  }),

  stuck('kubernetes38669', 'leak', 'the watcher sends its first events to a client that has gone', (fixed) => {
    function* process(_go: Go, result: Chan<number>) {
      yield* result.send(1);
    }
    return function* main(go) {
      const result = go.chan(i32, fixed ? 1 : 0);
      go.go(process, result);
    };
  }),
];
