// Cases that do not block: panics of channels that are used after their end, orders that nothing enforces, and what a state
// machine forgot. Adapted from GoKer (GoBench, CGO 2021), and classics.
import assert from 'node:assert/strict';
import { type Chan, type Go, i32, panic } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const misuseCases: Case[] = [
  {
    id: 'N01',
    name: 'grpc1687',
    source: 'adapted from GoKer grpc1687',
    bug: 'the handler closes the channel of writes and then writes once more',
    verdict: 'panic',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ writes: go.chan(i32), closed: go.chan(i32) });
      type State = ReturnType<typeof make>;
      function* write(go: Go, s: State) {
        yield* go.point();
        if (s.closed.tryRecv() !== null) return;
        yield* go.select([s.writes.sendCase(0), s.closed.recvCase()]);
      }
      function* run(go: Go, s: State) {
        for (;;) {
          const r = yield* go.select([s.writes.recvCase(), s.closed.recvCase()]);
          if (!r.ok) return;
        }
      }
      return function* main(go) {
        const s = make(go);
        go.go(run, s);
        yield* write(go, s);
        (fixed ? s.closed : s.writes).close();
        yield* write(go, s);
      };
    }),
  },

  {
    id: 'N02',
    name: 'grpc2371',
    source: 'adapted from GoKer grpc2371',
    bug: 'the balancer is taken away by close while an update is on its way to it',
    verdict: 'panic',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), updates: go.chan(i32, 1) as Chan<number> | null });
      type State = ReturnType<typeof make>;
      function* watch(_go: Go, s: State) {
        yield* s.mu.lock();
        if (s.updates === null && !fixed) panic('runtime error: invalid memory address or nil pointer dereference');
        s.updates?.tryRecv();
        s.updates?.trySend(1);
        s.mu.unlock();
      }
      function* close(_go: Go, s: State) {
        yield* s.mu.lock();
        s.updates = null;
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(watch, s);
        go.go(close, s);
      };
    }),
  },

  {
    id: 'N04',
    name: 'serving3068',
    source: 'adapted from GoKer serving3068',
    bug: 'the channel is closed while its producer still sends',
    verdict: 'panic',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ stats: go.chan(i32, 5), group: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* worker(_go: Go, s: State) {
        while ((yield* s.stats.recv2())[1]) s.group.done();
      }
      function* producer(_go: Go, s: State) {
        for (let i = 0; i < 3; i++) {
          s.group.add(1);
          yield* s.stats.send(i);
        }
        if (fixed) s.stats.close();
      }
      function* closer(_go: Go, s: State) {
        s.stats.close();
      }
      return function* main(go) {
        const s = make(go);
        go.go(worker, s);
        go.go(producer, s);
        if (!fixed) go.go(closer, s);
      };
    }),
  },

  {
    id: 'N06',
    name: 'etcd3077',
    source: 'adapted from GoKer etcd3077',
    bug: 'the server takes the channel before the raft node has put its own in place',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ done: go.chan(i32), all: go.waitGroup(), ready: go.cell(go.chan(i32), 'ready') });
      type State = ReturnType<typeof make>;
      function* raft(go: Go, s: State) {
        if (!fixed) yield* s.ready.set(go.chan(i32));
        yield* (yield* s.ready.get()).recv();
        s.done.close();
        s.all.done();
      }
      function* server(_go: Go, s: State) {
        yield* (yield* s.ready.get()).send(1);
        yield* s.done.recv();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        if (fixed) yield* s.ready.set(go.chan(i32));
        s.all.add(2);
        go.go(raft, s);
        go.go(server, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'N07',
    name: 'cockroach4407',
    source: 'adapted from GoKer cockroach4407',
    bug: 'the gossips add themselves to the group after somebody has waited for it in vain',
    verdict: ['assertion', 'panic'],
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), stopped: false, group: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* task(_go: Go, s: State) {
        yield* s.mu.lock();
        assert.ok(!s.stopped, 'a task runs after stop');
        s.mu.unlock();
        s.group.done();
      }
      function* gossip(go: Go, s: State) {
        yield* s.mu.lock();
        if (!fixed) s.group.add(1);
        go.go(task, s);
        s.mu.unlock();
      }
      function* stopper(_go: Go, s: State) {
        yield* s.group.wait();
        yield* s.mu.lock();
        s.stopped = true;
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        if (fixed) s.group.add(2);
        go.go(gossip, s);
        go.go(gossip, s);
        go.go(stopper, s);
      };
    }),
  },

  {
    id: 'K03',
    name: 'istio8967',
    source: 'adapted from GoKer istio8967',
    bug: 'stop closes the channel and forgets it; who looks for it afterwards waits on nil',
    verdict: 'leak',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => {
        const done = go.chan(i32);
        return { done, field: go.cell<Chan<number>>(done, 'donec'), nil: go.nilChan(i32) };
      };
      type State = ReturnType<typeof make>;
      function* run(_go: Go, s: State) {
        const done = fixed ? s.done : yield* s.field.get();
        yield* done.recv();
      }
      return function* main(go) {
        const s = make(go);
        go.go(run, s);
        s.done.close();
        yield* s.field.set(s.nil);
      };
    }),
  },

  {
    id: 'X02',
    name: 'starvation',
    source: 'adapted from PCT (ASPLOS 2010), figure 5',
    bug: 'the child does all its twenty steps before its parent does one',
    verdict: 'assertion',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ own: go.atomic(0, 'own'), x: go.atomic(0, 'x'), looked: go.chan(i32, 1) });
      type State = ReturnType<typeof make>;
      function* child(_go: Go, s: State) {
        for (let i = 0; i < 20; i++) yield* s.own.add(1);
        if (fixed) yield* s.looked.recv();
        yield* s.x.store(1);
      }
      return function* main(go) {
        const s = make(go);
        go.go(child, s);
        assert.equal(yield* s.x.load(), 0, 'the child was there first');
        yield* s.looked.send(0);
      };
    }),
  },

  {
    id: 'X04',
    name: 'double_close',
    source: 'classic',
    bug: 'two look whether the channel is closed, and both close it',
    verdict: 'panic',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), ch: go.chan(i32) });
      type State = ReturnType<typeof make>;
      function* closer(go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        const open = s.ch.tryRecv() === null;
        yield* go.point();
        if (open) s.ch.close();
        if (fixed) s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(closer, s);
        go.go(closer, s);
      };
    }),
  },

  {
    id: 'X05',
    name: 'upgrade',
    source: 'classic',
    bug: 'a reader locks for writing and waits for the readers, of whom it is one',
    verdict: 'deadlock',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      return function* main(go) {
        const rw = go.rwMutex();
        yield* rw.rLock();
        if (fixed) rw.rUnlock();
        yield* rw.lock();
        rw.unlock();
        if (!fixed) rw.rUnlock();
      };
    }),
  },

  {
    id: 'X06',
    name: 'lost_wakeup',
    source: 'classic',
    bug: 'the waiter looks without the lock; the signal comes between its look and its wait',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => {
        const mu = go.mutex();
        return { mu, cond: go.cond(mu), ready: go.cell(false, 'ready'), all: go.waitGroup() };
      };
      type State = ReturnType<typeof make>;
      function* waiter(_go: Go, s: State) {
        if (fixed) {
          yield* s.mu.lock();
          while (!(yield* s.ready.get())) yield* s.cond.wait();
          s.mu.unlock();
        } else if (!(yield* s.ready.get())) {
          yield* s.mu.lock();
          yield* s.cond.wait();
          s.mu.unlock();
        }
        s.all.done();
      }
      function* setter(_go: Go, s: State) {
        yield* s.mu.lock();
        yield* s.ready.set(true);
        s.cond.signal();
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(waiter, s);
        go.go(setter, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'X09',
    name: 'polite_livelock',
    source: 'classic',
    bug: 'each takes one lock, cannot get the other, steps back and tries again, for ever',
    verdict: 'livelock',
    preemptions: null,
    ...twins((fixed) => {
      const make = (go: Go) => ({ a: go.mutex(), b: go.mutex() });
      type Locks = readonly [first: ReturnType<Go['mutex']>, second: ReturnType<Go['mutex']>];
      function* polite(go: Go, [first, second]: Locks) {
        for (;;) {
          yield* first.lock();
          yield* go.point();
          if (second.tryLock()) break;
          first.unlock();
          yield* go.point();
        }
        second.unlock();
        first.unlock();
      }
      return function* main(go) {
        const { a, b } = make(go);
        go.go(polite, [a, b]);
        go.go(polite, fixed ? [a, b] : [b, a]);
      };
    }),
  },
];
