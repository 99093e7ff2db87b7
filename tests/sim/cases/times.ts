// Cases of timers and conditions: a timer that fires between two calls, a signal that comes before the wait. Adapted from GoKer
// (GoBench, CGO 2021), and classics of leases, retries and timeouts.
import assert from 'node:assert/strict';
import { type Chan, type Go, i32, type Timer } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const timeCases: Case[] = [
  {
    id: 'B16',
    name: 'grpc3017',
    source: 'adapted from GoKer grpc3017',
    bug: "the timer's function returns without unlocking when its entry was taken back after it had fired",
    verdict: ['deadlock', 'leak'], // a leak: main is through before the timer's function locks
    preemptions: 1,
    timers: true,
    ...twins((fixed) => {
      interface Entry {
        timer: Timer | null;
        aborted: boolean;
      }
      const make = (go: Go) => ({ mu: go.mutex(), present: false, cached: null as Entry | null });
      type State = ReturnType<typeof make>;
      function* timer(_go: Go, s: State, entry: Entry) {
        yield* s.mu.lock();
        if (entry.aborted) {
          if (fixed) s.mu.unlock();
          return;
        }
        s.present = false;
        s.cached = null;
        s.mu.unlock();
      }
      function* newSubConn(s: State) {
        yield* s.mu.lock();
        if (s.cached !== null) {
          if (!s.cached.timer!.stop()) s.cached.aborted = true;
          s.cached = null;
        } else s.present = true;
        s.mu.unlock();
      }
      function* removeSubConn(go: Go, s: State) {
        yield* s.mu.lock();
        if (s.present && s.cached === null) {
          const entry: Entry = { timer: null, aborted: false };
          entry.timer = go.afterFunc(1, timer, s, entry);
          s.cached = entry;
        }
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        yield* newSubConn(s);
        for (let i = 0; i < 4; i++) {
          yield* removeSubConn(go, s);
          yield* newSubConn(s);
        }
      };
    }),
  },

  {
    id: 'B23',
    name: 'kubernetes11298',
    source: 'adapted from GoKer kubernetes11298',
    bug: 'the service is aborted before its helper waits on the condition, so that its signal is lost',
    verdict: 'deadlock',
    preemptions: 0,
    timers: true,
    ...twins((fixed) => {
      const make = (go: Go) => {
        const mu = go.mutex();
        return { mu, cond: go.cond(mu), done: go.chan(i32), abort: go.chan(i32), aborted: false, all: go.waitGroup() };
      };
      type State = ReturnType<typeof make>;
      function* closer(go: Go, s: State) {
        yield* go.sleep(1);
        s.done.close();
        s.all.done();
      }
      function* notifier(go: Go, s: State) {
        for (let i = 0; i < 3; i++) {
          yield* go.point();
          if (s.done.tryRecv() !== null) break;
          yield* s.mu.lock();
          s.cond.signal();
          s.mu.unlock();
        }
        yield* s.done.recv();
        if (fixed) {
          yield* s.mu.lock();
          s.aborted = true;
          s.cond.broadcast();
          s.mu.unlock();
        }
        s.abort.close();
        s.all.done();
      }
      function* waiter(_go: Go, s: State, ch: Chan<number>) {
        yield* s.cond.wait();
        ch.close();
      }
      function* service(go: Go, s: State) {
        yield* s.mu.lock();
        if (fixed) while (!s.aborted) yield* s.cond.wait();
        else {
          for (;;) {
            yield* go.point();
            if (s.abort.tryRecv() !== null) break;
            const ch = go.chan(i32);
            go.go(waiter, s, ch);
            const r = yield* go.select([s.abort.recvCase(), ch.recvCase()]);
            if (r.index === 1) continue;
            s.cond.signal(); // lost when the waiter has not got to its wait yet
            yield* ch.recv();
            break;
          }
        }
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        go.go(closer, s);
        go.go(notifier, s);
        go.go(service, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'B27',
    name: 'moby27782',
    source: 'adapted from GoKer moby27782',
    bug: 'the reader takes the rotation of the log for an event, and waits on a condition that only further events signal',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => {
        const mu = go.mutex();
        return {
          mu,
          cond: go.cond(mu),
          registered: go.atomic(false, 'registered'),
          events: go.chan(i32),
          rotated: go.chan(i32),
          done: go.chan(i32),
          all: go.waitGroup(),
        };
      };
      type State = ReturnType<typeof make>;
      function* watch(go: Go, s: State) {
        for (;;) {
          yield* go.point();
          if (s.done.tryRecv() !== null) break;
          yield* go.sleep(1);
          const r = yield* go.select([s.events.sendCase(0), s.done.recvCase()]);
          if (r.index === 1) break;
        }
        s.events.close();
        s.all.done();
      }
      function* reader(go: Go, s: State) {
        yield* s.registered.store(true);
        s.all.add(1);
        go.go(watch, s);
        yield* go.sleep(1);
        const r = yield* go.select([s.events.recvCase(), s.rotated.recvCase()]);
        if (r.index === 1 && !fixed) {
          yield* s.mu.lock();
          for (;;) yield* s.cond.wait();
        }
        s.done.close();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(1);
        go.go(reader, s);
        if (yield* s.registered.load()) s.rotated.close();
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'X08',
    name: 'semaphore_timeout',
    source: 'classic',
    bug: 'on a timeout the slot is given back twice, the second time that of somebody else: two are inside',
    verdict: 'assertion',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ slot: go.chan(i32, 1), inside: 0, handled: go.atomic(0, 'handled') });
      type State = ReturnType<typeof make>;
      function* job(go: Go, result: Chan<number>) {
        yield* go.sleep(5);
        yield* result.send(1);
      }
      function* worker(go: Go, s: State) {
        const result = go.chan(i32, 1);
        yield* s.slot.send(0);
        assert.equal(++s.inside, 1, 'two are inside');
        go.go(job, result);
        const r = yield* go.select([result.recvCase(), go.after(5).recvCase()]);
        s.inside--;
        if (r.index === 1 && !fixed) s.slot.tryRecv();
        yield* s.handled.add(1);
        s.slot.tryRecv();
      }
      return function* main(go) {
        const s = make(go);
        for (let i = 0; i < 3; i++) go.go(worker, s);
      };
    }),
  },

  {
    id: 'X11',
    name: 'lease_without_fencing',
    source: 'classic',
    bug: 'a client that sleeps past the end of its lease writes over what the next owner has written',
    verdict: 'assertion',
    preemptions: 0,
    timers: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ free: true, expires: 0, token: 0, newest: 0, requests: go.atomic(0, 'requests') });
      type State = ReturnType<typeof make>;
      function* client(go: Go, s: State) {
        let token = 0;
        for (let i = 0; i < 2 && token === 0; i++) {
          yield* s.requests.add(1);
          if (s.free || go.now() >= s.expires) {
            s.free = false;
            s.expires = go.now() + 10;
            token = ++s.token;
          } else yield* go.sleep(11);
        }
        if (token === 0) return;
        yield* go.sleep(9);
        yield* s.requests.add(1);
        if (fixed && token < s.newest) return; // the storage refuses it
        assert.ok(token >= s.newest, 'a write with an old token');
        s.newest = token;
        s.free = true;
      }
      return function* main(go) {
        const s = make(go);
        go.go(client, s);
        go.go(client, s);
      };
    }),
  },

  {
    id: 'X12',
    name: 'retry_of_a_payment',
    source: 'classic',
    bug: 'a call that is slow, not lost, is made again after a timeout, and is served twice',
    verdict: 'assertion',
    preemptions: 0,
    timers: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ paid: 0, seen: new Set<number>(), mu: go.mutex() });
      type State = ReturnType<typeof make>;
      function* serve(go: Go, s: State, request: number, reply: Chan<number>) {
        yield* go.sleep(3);
        yield* s.mu.lock();
        if (!fixed || !s.seen.has(request)) s.paid++;
        s.seen.add(request);
        assert.equal(s.paid, 1, 'paid twice');
        s.mu.unlock();
        yield* reply.send(1);
      }
      return function* main(go) {
        const s = make(go);
        for (let attempt = 0; attempt < 2; attempt++) {
          const reply = go.chan(i32, 1);
          go.go(serve, s, 7, reply);
          const r = yield* go.select([reply.recvCase(), go.after(5).recvCase()]);
          if (r.index === 0) return;
        }
      };
    }),
  },

  {
    id: 'X13',
    name: 'stale_update',
    source: 'classic',
    bug: 'the older of two messages arrives last and wins',
    verdict: 'assertion',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), value: 0, all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* message(go: Go, s: State, value: number, delay: number) {
        yield* go.sleep(delay);
        yield* s.mu.lock();
        if (!fixed || value > s.value) s.value = value;
        s.mu.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(message, s, 1, 3);
        go.go(message, s, 2, 2);
        yield* s.all.wait();
        assert.equal(s.value, 2, 'the older update won');
      };
    }),
  },
];
