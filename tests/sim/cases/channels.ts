// Blocking cases of channels and locks: someone sends, receives or joins holding the lock that the other side needs, or waits
// for somebody who has gone. Adapted from GoKer (GoBench, CGO 2021).
import { type Chan, type Go, host, i32 } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const channelCases: Case[] = [
  {
    id: 'B05',
    name: 'cockroach2448',
    source: 'adapted from GoKer cockroach2448',
    bug: 'two loops send to each other at the same time; only one of them could end both, and it waits',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ event: go.chan(i32), callback: go.chan(i32), done: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* raft(go: Go, s: State) {
        for (;;) {
          const r = yield* go.select([s.event.recvCase(), s.done.recvCase()]);
          if (r.index === 1) break;
          yield* go.select([s.callback.sendCase(0), s.done.recvCase()]);
        }
        s.all.done();
      }
      function* state(go: Go, s: State) {
        for (let i = 0; i < 6; i++) {
          yield* go.point();
          if (go.trySelect([s.done.recvCase(), s.callback.recvCase()]).index >= 0) continue;
          yield* go.select([s.event.sendCase(i), s.done.recvCase(), fixed ? s.callback.recvCase() : null]);
        }
        s.done.close();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(raft, s);
        go.go(state, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B09',
    name: 'etcd6857',
    source: 'adapted from GoKer etcd6857',
    bug: 'status asks a node that has been stopped',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ status: go.chan(host<Chan<number>>()), stop: go.chan(i32), done: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* run(go: Go, s: State) {
        for (;;) {
          const r = yield* go.select([s.status.recvCase(), s.stop.recvCase()]);
          if (r.index === 1) break;
          yield* r.value.send(1);
        }
        s.done.close();
        s.all.done();
      }
      function* status(go: Go, s: State) {
        const reply = go.chan(i32);
        let asked = true;
        if (!fixed) yield* s.status.send(reply);
        else asked = (yield* go.select([s.status.sendCase(reply), s.done.recvCase()])).index === 0;
        if (asked) yield* reply.recv();
        s.all.done();
      }
      function* stopper(go: Go, s: State) {
        const r = yield* go.select([s.stop.sendCase(0), s.done.recvCase()]);
        if (r.index === 0) yield* s.done.recv();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        go.go(run, s);
        go.go(status, s);
        go.go(stopper, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B10',
    name: 'etcd6873',
    source: 'adapted from GoKer etcd6873',
    bug: 'the closer joins the broadcaster holding the lock that the broadcaster takes for each update',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), updates: go.chan(i32, 1), done: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* broadcaster(_go: Go, s: State) {
        while ((yield* s.updates.recv2())[1]) {
          yield* s.mu.lock();
          s.mu.unlock();
        }
        s.done.close();
        s.all.done();
      }
      function* closer(_go: Go, s: State) {
        yield* s.mu.lock();
        s.updates.close();
        if (fixed) s.mu.unlock();
        yield* s.done.recv();
        if (!fixed) s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(broadcaster, s);
        s.updates.trySend(1);
        go.go(closer, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B14',
    name: 'grpc1353',
    source: 'adapted from GoKer grpc1353',
    bug: 'the balancer sends holding its lock; the receiver takes that lock for what it got',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), addresses: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* balancer(_go: Go, s: State) {
        for (let i = 0; i < 3; i++) {
          yield* s.mu.lock();
          if (fixed) s.mu.unlock();
          yield* s.addresses.send(i);
          if (!fixed) s.mu.unlock();
        }
        yield* s.mu.lock();
        s.addresses.close();
        s.mu.unlock();
        s.all.done();
      }
      function* watcher(_go: Go, s: State) {
        while ((yield* s.addresses.recv2())[1]) {
          for (let i = 0; i < 2; i++) {
            yield* s.mu.lock();
            s.mu.unlock();
          }
        }
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(balancer, s);
        go.go(watcher, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B15',
    name: 'grpc1460',
    source: 'adapted from GoKer grpc1460',
    bug: 'the keepalive sleeps holding the lock that a new stream needs to wake it',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), streams: 0, awaken: go.chan(i32, fixed ? 1 : 0), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* keepalive(_go: Go, s: State) {
        yield* s.mu.lock();
        const idle = s.streams < 1;
        if (fixed) s.mu.unlock();
        if (idle) yield* s.awaken.recv();
        if (!fixed) s.mu.unlock();
        s.all.done();
      }
      function* newStream(_go: Go, s: State) {
        yield* s.mu.lock();
        if (++s.streams === 1) s.awaken.trySend(0);
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(keepalive, s);
        go.go(newStream, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B18',
    name: 'istio16224',
    source: 'adapted from GoKer istio16224',
    bug: 'the handler reports under its lock that it is done; main takes the lock before it listens',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ lock: go.mutex(), events: go.chan(i32), done: go.chan(i32, fixed ? 1 : 0), stop: go.chan(i32) });
      type State = ReturnType<typeof make>;
      function* run(go: Go, s: State) {
        for (;;) {
          const r = yield* go.select([s.stop.recvCase(), s.events.recvCase()]);
          if (r.index === 0) return;
          yield* s.lock.lock();
          yield* s.done.send(0);
          s.lock.unlock();
        }
      }
      return function* main(go) {
        const s = make(go);
        go.go(run, s);
        yield* s.events.send(0);
        yield* s.lock.lock();
        s.lock.unlock();
        yield* s.done.recv();
        s.stop.close();
      };
    }),
  },

  {
    id: 'B20',
    name: 'kubernetes10182',
    source: 'adapted from GoKer kubernetes10182',
    bug: 'a status is sent under the lock that the only receiver wants before it receives the next',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), statuses: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* sync(_go: Go, s: State) {
        for (let i = 0; i < 2; i++) {
          yield* s.statuses.recv();
          yield* s.mu.lock();
          s.mu.unlock();
        }
        s.all.done();
      }
      function* setStatus(_go: Go, s: State) {
        yield* s.mu.lock();
        if (fixed) s.mu.unlock();
        yield* s.statuses.send(0);
        if (!fixed) s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        go.go(sync, s);
        go.go(setStatus, s);
        go.go(setStatus, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B22',
    name: 'kubernetes6632',
    source: 'adapted from GoKer kubernetes6632',
    bug: 'the writer sends a reset under the lock; the monitor wants the lock and receives no resets any more',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({
        mu: go.mutex(),
        closing: go.chan(i32),
        reset: go.chan(i32, fixed ? 1 : 0),
        open: true,
        all: go.waitGroup(),
      });
      type State = ReturnType<typeof make>;
      function* helper(_go: Go, s: State) {
        yield* s.closing.send(0);
        s.all.done();
      }
      function* monitor(_go: Go, s: State) {
        yield* s.closing.recv();
        yield* s.mu.lock();
        s.reset.close();
        s.open = false;
        s.mu.unlock();
        s.all.done();
      }
      function* writer(_go: Go, s: State) {
        yield* s.mu.lock();
        if (s.open) yield* s.reset.send(0);
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        go.go(helper, s);
        go.go(monitor, s);
        go.go(writer, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B24',
    name: 'kubernetes26980',
    source: 'adapted from GoKer kubernetes26980',
    bug: 'pop waits for stop holding the lock that main needs somebody to take first',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), result: go.chan(i32), stop: go.chan(i32), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* pop(_go: Go, s: State) {
        if (fixed) yield* s.stop.recv();
        yield* s.mu.lock();
        if (!fixed) yield* s.stop.recv();
        s.mu.unlock();
        s.all.done();
      }
      function* locker(_go: Go, s: State) {
        yield* s.mu.lock();
        s.result.close();
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(pop, s);
        go.go(locker, s);
        yield* s.result.recv();
        s.stop.close();
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B28',
    name: 'moby28462',
    source: 'adapted from GoKer moby28462',
    bug: 'the monitor, past its look at stop, wants the lock under which stop is being sent',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), stop: go.chan(i32, fixed ? 1 : 0), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* monitor(go: Go, s: State) {
        let stopped = false;
        for (let i = 0; i < 8 && !stopped; i++) {
          yield* go.point();
          stopped = s.stop.tryRecv() !== null;
          if (stopped) break;
          yield* s.mu.lock();
          s.mu.unlock();
        }
        if (!stopped) yield* s.stop.recv();
        s.all.done();
      }
      function* changed(_go: Go, s: State) {
        yield* s.mu.lock();
        yield* s.stop.send(0);
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(monitor, s);
        go.go(changed, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'K02',
    name: 'kubernetes1321',
    source: 'adapted from GoKer kubernetes1321',
    bug: 'the distributor sends to a watcher under the lock that the watcher needs to say that it has gone',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), result: go.chan(i32), gone: go.chan(i32), closed: false, all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* distributor(go: Go, s: State) {
        yield* s.mu.lock();
        const open = !s.closed;
        if (open && fixed) {
          s.mu.unlock();
          yield* go.select([s.result.sendCase(1), s.gone.recvCase()]);
        } else {
          if (open) yield* s.result.send(1);
          s.mu.unlock();
        }
        s.all.done();
      }
      function* watcher(_go: Go, s: State) {
        if (fixed) s.gone.close();
        yield* s.mu.lock();
        s.closed = true;
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(distributor, s);
        go.go(watcher, s);
        yield* s.all.wait();
      };
    }),
  },
];
