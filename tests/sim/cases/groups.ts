// Blocking cases of groups, semaphores and joins: someone waits for himself, in the wrong order, or for what nobody will send.
// Adapted from GoKer (GoBench, CGO 2021).
import { type Go, i32, type Mutex } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const groupCases: Case[] = [
  {
    id: 'B11',
    name: 'etcd7443',
    source: 'adapted from GoKer etcd7443',
    bug: "no pin and address 0 look alike; the watcher, the only receiver of the balancer's news, ends up sending to itself",
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const addresses = [0, 1, 2];
      const none = 0; // the mistake: address 0 is one as well
      interface Conn {
        readonly address: number;
        readonly mu: Mutex;
        up: boolean;
      }
      const make = (go: Go) => ({
        // The balancer: b guards pin and closed.
        b: go.mutex(),
        pin: none,
        closed: false,
        notify: go.chan(i32, fixed ? 8 : 1), // a number: all addresses (-1), or just that one
        // The connections: cc guards the table.
        cc: go.mutex(),
        conns: new Map<number, Conn>() as Map<number, Conn> | null,
        all: go.waitGroup(),
      });
      type State = ReturnType<typeof make>;

      function* up(s: State, address: number) {
        yield* s.b.lock();
        if (!s.closed && s.pin === none) {
          s.pin = address;
          yield* s.notify.send(address);
        }
        s.b.unlock();
      }
      function* down(s: State, address: number) {
        yield* s.b.lock();
        if (!s.closed && s.pin === address) {
          s.pin = none;
          yield* s.notify.send(-1);
        }
        s.b.unlock();
      }
      function* closeBalancer(s: State) {
        yield* s.b.lock();
        if (!s.closed) s.notify.close();
        s.closed = true;
        s.b.unlock();
      }

      function* reset(_go: Go, s: State, conn: Conn) {
        yield* conn.mu.lock();
        yield* up(s, conn.address);
        conn.up = true;
        conn.mu.unlock();
        s.all.done();
      }
      function* tearDown(s: State, conn: Conn) {
        yield* conn.mu.lock();
        if (conn.up) yield* down(s, conn.address);
        conn.up = false;
        conn.mu.unlock();
      }
      function* watcher(go: Go, s: State) {
        for (;;) {
          const [news, ok] = yield* s.notify.recv2();
          if (!ok) break;
          const wanted = news === -1 ? addresses : [news];
          yield* s.cc.lock();
          const added = wanted.filter((a) => s.conns !== null && !s.conns.has(a));
          const gone = [...(s.conns?.values() ?? [])].filter((conn) => !wanted.includes(conn.address));
          s.cc.unlock();
          for (const address of added) {
            const conn: Conn = { address, mu: go.mutex(), up: false };
            yield* s.cc.lock();
            s.conns?.set(address, conn);
            s.cc.unlock();
            s.all.add(1);
            go.go(reset, s, conn);
          }
          for (const conn of gone) yield* tearDown(s, conn);
        }
        s.all.done();
      }
      function* closer1(_go: Go, s: State) {
        yield* closeBalancer(s);
        s.all.done();
      }
      function* closer2(_go: Go, s: State) {
        yield* s.cc.lock();
        const conns = [...(s.conns?.values() ?? [])];
        s.conns = null;
        s.cc.unlock();
        yield* closeBalancer(s);
        for (const conn of conns) yield* tearDown(s, conn);
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.notify.trySend(-1);
        s.all.add(3);
        go.go(watcher, s);
        go.go(closer1, s);
        go.go(closer2, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B30',
    name: 'serving2137',
    source: 'adapted from GoKer serving2137',
    bug: 'the second request takes the only active slot and waits for its lock, while main waits for the first',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ pending: go.chan(i32, 2), active: go.chan(i32, 1), started: go.waitGroup() });
      type State = ReturnType<typeof make>;
      const request = (go: Go) => ({ lock: go.mutex(), accepted: go.chan(i32, 1) });
      type Request = ReturnType<typeof request>;
      function* req(go: Go, s: State, r: Request) {
        s.started.done();
        yield* go.point();
        if (!s.pending.trySend(0)) return;
        yield* s.active.send(0);
        yield* r.lock.lock();
        r.lock.unlock();
        yield* s.active.recv();
        yield* s.pending.recv();
        yield* r.accepted.send(0);
      }
      return function* main(go) {
        const s = make(go);
        const requests: Request[] = [];
        for (let i = 0; i < 2; i++) {
          const r = request(go);
          requests.push(r);
          yield* r.lock.lock();
          s.started.add(1);
          go.go(req, s, r);
          yield* s.started.wait();
        }
        if (fixed) for (const r of requests) r.lock.unlock();
        for (const r of requests) {
          if (!fixed) r.lock.unlock();
          yield* r.accepted.recv();
        }
      };
    }),
  },

  {
    id: 'B31',
    name: 'syncthing5795',
    source: 'adapted from GoKer syncthing5795',
    bug: 'the dispatcher closes the connection in a handler of its own, and the close waits for the dispatcher',
    verdict: 'deadlock',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ inbox: go.chan(i32), closed: go.chan(i32), stopped: go.chan(i32) });
      type State = ReturnType<typeof make>;
      function* dispatcher(go: Go, s: State) {
        const r = yield* go.select([s.inbox.recvCase(), s.closed.recvCase()]);
        if (r.index === 0) {
          s.closed.close();
          if (!fixed) yield* s.stopped.recv();
        }
        s.stopped.close();
      }
      return function* main(go) {
        const s = make(go);
        go.go(dispatcher, s);
        yield* s.inbox.send(0);
        yield* s.stopped.recv();
      };
    }),
  },

  {
    id: 'B32',
    name: 'grpc660',
    source: 'adapted from GoKer grpc660',
    bug: 'the benchmark stops while a call is on its way; nobody receives that it is done',
    verdict: 'leak',
    preemptions: 0,
    ...twins((fixed) => {
      function* call(_go: Go, done: ReturnType<typeof made>) {
        yield* done.send(0);
      }
      const made = (go: Go) => go.chan(i32, fixed ? 1 : 0);
      function* stopper(_go: Go, stop: ReturnType<typeof made>) {
        yield* stop.send(0);
      }
      return function* main(go) {
        const stop = go.chan(i32);
        go.go(stopper, stop);
        for (let i = 0; i < 20; i++) {
          const done = made(go);
          go.go(call, done);
          const r = yield* go.select([stop.recvCase(), done.recvCase()]);
          if (r.index === 0) return;
        }
        yield* stop.recv();
      };
    }),
  },

  {
    id: 'B33',
    name: 'kubernetes25331',
    source: 'adapted from GoKer kubernetes25331',
    bug: 'the watcher sends its error to a reader that has gone',
    verdict: 'leak',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ errors: go.chan(i32), results: go.chan(i32), context: go.chan(i32), cancelled: false });
      type State = ReturnType<typeof make>;
      function cancel(s: State) {
        if (!s.cancelled) s.context.close();
        s.cancelled = true;
      }
      function* run(go: Go, s: State) {
        const r = yield* go.select([s.errors.recvCase(), s.context.recvCase()]);
        if (r.index === 1) return;
        cancel(s);
        if (fixed) yield* go.select([s.results.sendCase(0), s.context.recvCase()]);
        else yield* s.results.send(0);
      }
      return function* main(go) {
        const s = make(go);
        go.go(run, s);
        yield* s.errors.send(0);
        cancel(s);
      };
    }),
  },

  {
    id: 'B34',
    name: 'moby25384',
    source: 'adapted from GoKer moby25384',
    bug: 'the wait for two stands in the loop that starts them, after the first',
    verdict: 'deadlock',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ group: go.waitGroup() });
      function* plugin(_go: Go, s: ReturnType<typeof make>) {
        s.group.done();
      }
      return function* main(go) {
        const s = make(go);
        s.group.add(2);
        for (let i = 0; i < 2; i++) {
          go.go(plugin, s);
          if (!fixed) yield* s.group.wait();
        }
        yield* s.group.wait();
      };
    }),
  },

  {
    id: 'B35',
    name: 'kubernetes5316',
    source: 'adapted from GoKer kubernetes5316',
    bug: 'after a timeout nobody receives what the handler sends',
    verdict: 'leak',
    preemptions: 0,
    ...twins((fixed) => {
      const made = (go: Go) => go.chan(i32, fixed ? 1 : 0);
      function* handler(go: Go, result: ReturnType<typeof made>) {
        yield* go.sleep(2);
        yield* result.send(0);
      }
      return function* main(go) {
        const result = made(go);
        go.go(handler, result);
        yield* go.select([result.recvCase(), go.after(1).recvCase()]);
      };
    }),
  },
];
