// Data races: two accesses of one variable, one of them a write, with nothing between them that orders them. They are reported
// whatever the values were. Adapted from GoKer (GoBench, CGO 2021). The controls, which must stay silent, are in races.test.ts.
import { type Go, i32 } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

export const raceCases: Case[] = [
  {
    id: 'R01',
    name: 'etcd4876',
    source: 'adapted from GoKer etcd4876',
    bug: 'a test sets a global interval while a server reads it',
    verdict: 'race',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ interval: go.cell(100, 'interval') });
      type State = ReturnType<typeof make>;
      function* override(_go: Go, s: State) {
        if (!fixed) yield* s.interval.set(0);
      }
      function* timer(_go: Go, s: State, interval: number) {
        if (interval < 0) yield* s.interval.get();
      }
      function* server(go: Go, s: State) {
        go.go(timer, s, fixed ? 100 : -1); // mended: the interval is an argument
      }
      return function* main(go) {
        const s = make(go);
        go.go(override, s);
        go.go(server, s);
      };
    }),
  },

  {
    id: 'R02',
    name: 'etcd8194',
    source: 'adapted from GoKer etcd8194',
    bug: 'a test changes the rate and puts it back, while the lessor reads it',
    verdict: 'race',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ rate: go.cell(1000, 'rate'), atomic: go.atomic(1000, 'rate') });
      type State = ReturnType<typeof make>;
      const read = (s: State) => (fixed ? s.atomic.load() : s.rate.get());
      const write = (s: State, rate: number) => (fixed ? s.atomic.store(rate) : s.rate.set(rate));
      function* lessor(_go: Go, s: State) {
        for (let i = 0; i < 2; i++) yield* read(s);
      }
      function* override(_go: Go, s: State) {
        const old = yield* read(s);
        yield* write(s, 20);
        yield* write(s, old);
      }
      return function* main(go) {
        const s = make(go);
        go.go(lessor, s);
        go.go(override, s);
      };
    }),
  },

  {
    id: 'R03',
    name: 'kubernetes88331',
    source: 'adapted from GoKer kubernetes88331',
    bug: 'the length of a queue is read without the lock under which it is changed',
    verdict: 'race',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), length: go.cell(1, 'length') });
      type State = ReturnType<typeof make>;
      function* flush(_go: Go, s: State) {
        yield* s.mu.lock();
        yield* s.length.set((yield* s.length.get()) - 1);
        s.mu.unlock();
      }
      function* activate(_go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        yield* s.length.get();
        if (fixed) s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(flush, s);
        go.go(activate, s);
      };
    }),
  },

  {
    id: 'R04',
    name: 'kubernetes89164',
    source: 'adapted from GoKer kubernetes89164',
    bug: 'a buffer is refilled under the lock and iterated outside of it',
    verdict: 'race',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), buffer: go.cell<number[]>([], 'buffer') });
      type State = ReturnType<typeof make>;
      function* dispatch(_go: Go, s: State) {
        yield* s.mu.lock();
        yield* s.buffer.set([]);
        const own = fixed ? yield* s.buffer.get() : null;
        s.mu.unlock();
        for (const _item of own ?? (yield* s.buffer.get()));
      }
      return function* main(go) {
        const s = make(go);
        for (let i = 0; i < 4; i++) go.go(dispatch, s);
      };
    }),
  },

  {
    id: 'R05',
    name: 'istio8214',
    source: 'adapted from GoKer istio8214',
    bug: 'counters that are added to atomically are read by copying the struct',
    verdict: 'race',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ writes: go.atomic(0, 'writes') });
      type State = ReturnType<typeof make>;
      function* counter(_go: Go, s: State) {
        yield* s.writes.add(1);
        yield* fixed ? s.writes.load() : s.writes.plain();
      }
      return function* main(go) {
        const s = make(go);
        go.go(counter, s);
        go.go(counter, s);
      };
    }),
  },

  {
    id: 'R06',
    name: 'moby27037',
    source: 'adapted from GoKer moby27037 and moby22941',
    bug: 'five goroutines read the variable of the loop that goes on counting',
    verdict: 'race',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ i: go.cell(0, 'i') });
      type State = ReturnType<typeof make>;
      function* attempt(_go: Go, s: State, own: number) {
        if (own < 0) yield* s.i.get();
      }
      return function* main(go) {
        const s = make(go);
        for (; (yield* s.i.get()) < 5; yield* s.i.set((yield* s.i.get()) + 1)) {
          go.go(attempt, s, fixed ? yield* s.i.get() : -1);
        }
      };
    }),
  },

  {
    id: 'R08',
    name: 'moby18412',
    source: 'adapted from GoKer moby18412',
    bug: 'after a timeout the exit code is read while the child may set it',
    verdict: 'race',
    preemptions: 0,
    timers: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ exitCode: go.cell(0, 'exitCode'), done: go.chan(i32, 1) });
      type State = ReturnType<typeof make>;
      function* child(_go: Go, s: State) {
        yield* s.exitCode.set(1);
        yield* s.done.send(0);
      }
      return function* main(go) {
        const s = make(go);
        go.go(child, s);
        const r = yield* go.select([s.done.recvCase(), go.after(1).recvCase()]);
        if (r.index === 0 || !fixed) yield* s.exitCode.get();
      };
    }),
  },
];
