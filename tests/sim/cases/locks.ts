// Blocking cases of locks: AB-BA, a reader between two reads and a writer, a lock that is held while its owner waits for
// somebody who needs it. Adapted from GoKer (GoBench, CGO 2021).
import { type Go, i32 } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const lockCases: Case[] = [
  {
    id: 'B01',
    name: 'cockroach10214',
    source: 'adapted from GoKer cockroach10214',
    bug: 'two goroutines take two locks in opposite orders',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ coalesced: go.mutex(), replica: go.mutex(), raft: go.mutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* heartbeats(_go: Go, s: State) {
        yield* s.coalesced.lock();
        for (let i = 0; i < 2; i++) {
          yield* s.replica.lock();
          s.replica.unlock();
        }
        s.coalesced.unlock();
        s.all.done();
      }
      function* ticker(_go: Go, s: State) {
        if (fixed) yield* s.coalesced.lock();
        yield* s.replica.lock();
        yield* s.raft.lock();
        for (let i = 0; i < 2 && !fixed; i++) {
          yield* s.coalesced.lock(); // heartbeats may hold it, and want replica
          s.coalesced.unlock();
        }
        s.raft.unlock();
        s.replica.unlock();
        if (fixed) s.coalesced.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(heartbeats, s);
        go.go(ticker, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B03',
    name: 'kubernetes58107',
    source: 'adapted from GoKer kubernetes58107',
    bug: 'signals are spent before the workers wait; they sleep holding the read lock that a writer waits for',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const queue = (go: Go) => {
        const mu = go.mutex();
        return { mu, cond: go.cond(mu), items: go.atomic(0, 'items') };
      };
      const make = (go: Go) => ({ m: go.rwMutex(), queues: [queue(go), queue(go)], all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* worker(_go: Go, s: State, i: number) {
        const q = s.queues[i]!;
        yield* s.m.rLock();
        if (fixed) s.m.rUnlock();
        yield* q.mu.lock();
        if (!fixed) yield* q.cond.wait();
        else while ((yield* q.items.load()) === 0) yield* q.cond.wait();
        q.mu.unlock();
        if (!fixed) s.m.rUnlock();
        s.all.done();
      }
      function* writer(_go: Go, s: State) {
        for (let i = 0; i < 2; i++) {
          yield* s.m.lock();
          s.m.unlock();
        }
        s.all.done();
      }
      function* signaller(_go: Go, s: State) {
        for (let i = 0; i < 12; i++) {
          const q = s.queues[i % 2]!;
          if (fixed) yield* q.mu.lock();
          yield* q.items.add(1);
          q.cond.signal();
          if (fixed) q.mu.unlock();
        }
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(4);
        go.go(worker, s, 0);
        go.go(worker, s, 1);
        go.go(writer, s);
        go.go(signaller, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B04',
    name: 'cockroach1055',
    source: 'adapted from GoKer cockroach1055',
    bug: 'stop holds the lock while it waits for a worker that needs it to start a task',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({
        mu: go.mutex(),
        draining: false,
        drain: go.waitGroup(),
        stopper: go.chan(i32),
        workers: go.waitGroup(),
        all: go.waitGroup(),
      });
      type State = ReturnType<typeof make>;
      function* worker(go: Go, s: State) {
        for (let task = 0; task < 3; task++) {
          yield* go.point();
          if (s.stopper.tryRecv() !== null) break;
          yield* s.mu.lock();
          const started = !s.draining;
          if (started) s.drain.add(1);
          s.mu.unlock();
          if (started) s.drain.done();
        }
        yield* s.stopper.recv();
        s.workers.done();
        s.all.done();
      }
      function* stopper(_go: Go, s: State) {
        yield* s.mu.lock();
        s.draining = true;
        if (fixed) s.mu.unlock();
        yield* s.drain.wait();
        s.stopper.close();
        yield* s.workers.wait();
        if (!fixed) s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.workers.add(1);
        s.all.add(2);
        go.go(worker, s);
        go.go(stopper, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B07',
    name: 'cockroach7504',
    source: 'adapted from GoKer cockroach7504',
    bug: 'a lease locks its own state and then the name cache; the cache is locked before the lease elsewhere',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ cache: go.mutex(), lease: go.mutex(), table: go.mutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* release(_go: Go, s: State) {
        yield* s.lease.lock();
        if (fixed) s.lease.unlock();
        yield* s.cache.lock();
        s.cache.unlock();
        if (!fixed) s.lease.unlock();
        s.all.done();
      }
      function* acquire(_go: Go, s: State) {
        yield* s.table.lock();
        yield* s.cache.lock();
        yield* s.lease.lock();
        s.lease.unlock();
        s.cache.unlock();
        s.table.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(release, s);
        go.go(acquire, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B13',
    name: 'etcd7902',
    source: 'adapted from GoKer etcd7902',
    bug: 'the follower waits at the barrier holding the lock that the leader needs to open it',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const rounds = 2;
      const make = (go: Go) => ({
        mu: go.mutex(),
        barriers: Array.from({ length: rounds + 1 }, () => go.chan(i32)),
        round: 0,
        all: go.waitGroup(),
      });
      type State = ReturnType<typeof make>;
      function* client(_go: Go, s: State, leader: boolean) {
        for (let round = 0; round < rounds; round++) {
          yield* s.mu.lock();
          const next = s.barriers[fixed ? round : s.round]!;
          s.mu.unlock();
          yield* s.mu.lock();
          if (leader) s.barriers[s.round++]!.close();
          if (fixed) s.mu.unlock();
          yield* next.recv();
          if (!fixed) s.mu.unlock();
        }
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(client, s, true);
        go.go(client, s, false);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B17',
    name: 'hugo3251',
    source: 'adapted from GoKer hugo3251',
    bug: "a user waits for a URL's lock holding the table's, which the URL's owner needs to unlock it",
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ table: go.rwMutex(), url: go.mutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* user(go: Go, s: State) {
        for (let i = 0; i < 2; i++) {
          yield* s.table.lock();
          if (fixed) s.table.unlock();
          yield* s.url.lock();
          if (!fixed) s.table.unlock();
          yield* go.point(); // fetches the page
          yield* s.table.rLock();
          s.url.unlock();
          s.table.rUnlock();
        }
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        for (let i = 0; i < 3; i++) go.go(user, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B26',
    name: 'moby4951',
    source: 'adapted from GoKer moby4951',
    bug: 'to remove a device its owner takes the set again; who has the set waits for the device',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ devices: go.mutex(), info: go.mutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* remover(go: Go, s: State) {
        yield* s.devices.lock();
        yield* s.info.lock();
        s.devices.unlock();
        yield* go.sleep(1);
        if (fixed) s.info.unlock();
        yield* s.devices.lock();
        if (!fixed) s.info.unlock();
        s.devices.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(remover, s);
        go.go(remover, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'K01',
    name: 'cockroach6181',
    source: 'adapted from GoKer cockroach6181',
    bug: 'a reader locks for reading a second time; a writer that came between keeps it out',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ cache: go.rwMutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* print(_go: Go, s: State) {
        yield* s.cache.rLock();
        s.cache.rUnlock();
      }
      function* lookUp(go: Go, s: State) {
        yield* s.cache.rLock();
        if (!fixed) yield* print(go, s);
        s.cache.rUnlock();
        yield* s.cache.lock();
        s.cache.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(lookUp, s);
        go.go(lookUp, s);
        yield* s.all.wait();
      };
    }),
  },
];
