// Classics of shared memory, most of them in families by the number of goroutines. Adapted from SCTBench (PPoPP 2014) and the
// SURW artefact (ASPLOS 2025). Variables are cells or atomics: each access is one scheduling point.
import assert from 'node:assert/strict';
import type { Go } from '../../../runtime/index.ts';
import { type Case, family, twins } from './case.ts';

const sct = (name: string) => `adapted from SCTBench ${name}`;

export const classicCases: Case[] = [
  ...family(
    [3, 4, 5, 10, 20, 50],
    'reorder',
    { id: 'S01', source: sct('reorder'), bug: 'the checker looks between two stores', verdict: 'assertion', preemptions: 1 },
    (n) => (fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), a: go.cell(0, 'a'), b: go.cell(0, 'b') });
      type State = ReturnType<typeof make>;
      function* setter(_go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        yield* s.a.set(1);
        yield* s.b.set(-1);
        if (fixed) s.mu.unlock();
      }
      function* checker(_go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        const a = yield* s.a.get();
        const b = yield* s.b.get();
        assert.ok((a === 0 && b === 0) || (a === 1 && b === -1), `a = ${a}, b = ${b}`);
        if (fixed) s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        for (let i = 1; i < n; i++) go.go(setter, s);
        go.go(checker, s);
      };
    },
  ),

  ...family(
    [2, 20, 50, 100],
    'twostage',
    {
      id: 'S02',
      source: sct('twostage'),
      bug: 'the checker looks between two stages, each with its own lock',
      verdict: 'assertion',
      preemptions: 1,
    },
    (n) => (fixed) => {
      const make = (go: Go) => ({ first: go.mutex(), second: go.mutex(), a: 0, b: 0 });
      type State = ReturnType<typeof make>;
      function* setter(_go: Go, s: State) {
        yield* s.first.lock();
        s.a = 1;
        if (!fixed) s.first.unlock();
        yield* s.second.lock();
        s.b = s.a + 1;
        s.second.unlock();
        if (fixed) s.first.unlock();
      }
      function* checker(_go: Go, s: State) {
        yield* s.first.lock();
        const a = s.a;
        s.first.unlock();
        if (a === 0) return;
        yield* s.second.lock();
        assert.equal(s.b, a + 1, 'the second stage is still to come');
        s.second.unlock();
      }
      return function* main(go) {
        const s = make(go);
        for (let i = 1; i < n; i++) go.go(setter, s);
        go.go(checker, s);
      };
    },
  ),

  {
    id: 'S03',
    name: 'account',
    source: sct('account'),
    bug: 'the checker, if it comes last, computes the balance with a wrong sign',
    verdict: 'assertion',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), balance: 1, deposited: false, withdrawn: false });
      type State = ReturnType<typeof make>;
      function* checker(_go: Go, s: State) {
        yield* s.mu.lock();
        if (s.deposited && s.withdrawn) assert.equal(s.balance, fixed ? 1 + 2 - 4 : 1 - 2 - 4);
        s.mu.unlock();
      }
      function* deposit(_go: Go, s: State) {
        yield* s.mu.lock();
        s.balance += 2;
        s.deposited = true;
        s.mu.unlock();
      }
      function* withdraw(_go: Go, s: State) {
        yield* s.mu.lock();
        s.balance -= 4;
        s.withdrawn = true;
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(checker, s);
        go.go(deposit, s);
        go.go(withdraw, s);
      };
    }),
  },

  {
    id: 'S04',
    name: 'bluetooth',
    source: sct('bluetooth_driver'),
    bug: 'a request passes the check, the driver stops, the request is counted and runs',
    verdict: 'assertion',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({
        mu: go.mutex(),
        pending: 1, // under mu; one for the driver itself
        stopping: go.cell(false, 'stopping'),
        lastOut: go.atomic(false, 'lastOut'),
        stopped: go.cell(false, 'stopped'),
      });
      type State = ReturnType<typeof make>;
      function* release(s: State) {
        yield* s.mu.lock();
        const left = --s.pending;
        s.mu.unlock();
        if (left === 0) yield* s.lastOut.store(true);
      }
      function* add(_go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        const late = yield* s.stopping.get();
        if (late) {
          if (fixed) s.mu.unlock();
          return;
        }
        if (!fixed) yield* s.mu.lock();
        s.pending++;
        s.mu.unlock();
        assert.ok(!(yield* s.stopped.get()), 'used after stop');
        yield* release(s);
      }
      function* stopper(_go: Go, s: State) {
        if (fixed) yield* s.mu.lock();
        yield* s.stopping.set(true);
        if (fixed) s.mu.unlock();
        yield* release(s);
        if (yield* s.lastOut.load()) yield* s.stopped.set(true);
      }
      return function* main(go) {
        const s = make(go);
        go.go(add, s);
        go.go(stopper, s);
      };
    }),
  },

  {
    id: 'S05',
    name: 'stringbuffer',
    source: sct('stringbuffer-jdk1.4'),
    bug: 'append asks for the length and then for the characters; in between the other buffer is shorter for a moment',
    verdict: 'assertion',
    preemptions: 2,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), length: 3 });
      type State = ReturnType<typeof make>;
      function* rewrite(_go: Go, other: State) {
        yield* other.mu.lock();
        other.length = 0;
        other.mu.unlock();
        yield* other.mu.lock();
        other.length = 3;
        other.mu.unlock();
      }
      return function* main(go) {
        const other = make(go);
        go.go(rewrite, other);
        yield* other.mu.lock();
        const { length } = other;
        if (!fixed) {
          other.mu.unlock();
          yield* other.mu.lock();
        }
        assert.ok(length <= other.length, 'characters beyond the end');
        other.mu.unlock();
      };
    }),
  },

  ...family(
    [3, 7],
    'wronglock',
    { id: 'S06', source: sct('wronglock'), bug: 'one variable, two locks', verdict: 'assertion', preemptions: 1 },
    (n) => (fixed) => {
      const make = (go: Go) => ({ a: go.mutex(), b: go.mutex(), v: go.cell(0, 'v') });
      type State = ReturnType<typeof make>;
      function* checker(_go: Go, s: State) {
        yield* s.a.lock();
        const x = yield* s.v.get();
        yield* s.v.set((yield* s.v.get()) + 1);
        assert.equal(yield* s.v.get(), x + 1);
        s.a.unlock();
      }
      function* counter(_go: Go, s: State) {
        const mu = fixed ? s.a : s.b;
        yield* mu.lock();
        yield* s.v.set((yield* s.v.get()) + 1);
        mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(checker, s);
        for (let i = 0; i < n; i++) go.go(counter, s);
      };
    },
  ),

  ...family(
    [2, 3, 4, 5, 6, 7],
    'din_phil',
    { id: 'S07', source: sct('din_phil'), bug: 'each philosopher has his left fork', verdict: 'deadlock', preemptions: 1 },
    (n) => (fixed) => {
      const make = (go: Go) => ({ forks: Array.from({ length: n }, () => go.mutex()), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* philosopher(_go: Go, s: State, i: number) {
        const [left, right] = [i, (i + 1) % n];
        const first = fixed ? Math.min(left, right) : left;
        const second = left + right - first;
        yield* s.forks[first]!.lock();
        yield* s.forks[second]!.lock();
        s.forks[second]!.unlock();
        s.forks[first]!.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(n);
        for (let i = 0; i < n; i++) go.go(philosopher, s, i);
        yield* s.all.wait();
      };
    },
  ),

  {
    id: 'S08',
    name: 'carter01',
    source: sct('carter01'),
    bug: 'a group waits for the other group holding the lock that the other needs to leave',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ m: go.mutex(), l: go.mutex(), inside: [0, 0], all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* member(_go: Go, s: State, group: number) {
        if (fixed) yield* s.l.lock();
        yield* s.m.lock();
        if (++s.inside[group]! === 1 && !fixed) yield* s.l.lock();
        s.m.unlock();
        yield* s.m.lock();
        if (--s.inside[group]! === 0 && !fixed) s.l.unlock();
        s.m.unlock();
        if (fixed) s.l.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        for (let group = 0; group < 2; group++) go.go(member, s, group);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'S09',
    name: 'stack',
    source: sct('stack'),
    bug: 'the flag that says that something was pushed is never cleared',
    verdict: 'assertion',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), top: 0, pushed: false });
      type State = ReturnType<typeof make>;
      function* push(_go: Go, s: State) {
        for (let i = 0; i < 5; i++) {
          yield* s.mu.lock();
          s.top++;
          s.pushed = true;
          s.mu.unlock();
        }
      }
      function* pop(_go: Go, s: State) {
        for (let i = 0; i < 5; i++) {
          yield* s.mu.lock();
          if (fixed ? s.top > 0 : s.pushed) {
            assert.ok(s.top > 0, 'pop of an empty stack');
            s.top--;
          }
          s.mu.unlock();
        }
      }
      return function* main(go) {
        const s = make(go);
        go.go(push, s);
        go.go(pop, s);
      };
    }),
  },

  {
    id: 'S10',
    name: 'circular_buffer',
    source: sct('circular_buffer'),
    bug: 'a round that finds its flag down transfers nothing, but counts',
    verdict: 'assertion',
    preemptions: 1,
    ...twins((fixed) => {
      const rounds = 4;
      const make = (go: Go) => ({ mu: go.mutex(), item: -1, send: true, receive: false });
      type State = ReturnType<typeof make>;
      function* producer(_go: Go, s: State) {
        for (let i = 0, sent = 0; i < rounds; i++) {
          yield* s.mu.lock();
          if (s.send) {
            s.item = fixed ? sent++ : i;
            [s.send, s.receive] = [false, true];
          }
          s.mu.unlock();
        }
      }
      function* consumer(_go: Go, s: State) {
        for (let i = 0, received = 0; i < rounds; i++) {
          yield* s.mu.lock();
          if (s.receive) {
            assert.equal(s.item, fixed ? received++ : i);
            [s.send, s.receive] = [true, false];
          }
          s.mu.unlock();
        }
      }
      return function* main(go) {
        const s = make(go);
        go.go(producer, s);
        go.go(consumer, s);
      };
    }),
  },
];
