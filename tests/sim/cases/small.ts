// Small classics: four of SCTBench (PPoPP 2014), a monitor with one condition for two kinds of waiters, and two lock-free
// stacks: one with the ABA bug, and Vyukov's, whose bug needs five preemptions.
import assert from 'node:assert/strict';
import type { Go } from '../../../runtime/index.ts';
import { type Case, twins } from './case.ts';

const sct = (name: string) => `adapted from SCTBench ${name}`;

export const smallCases: Case[] = [
  {
    id: 'S11a',
    name: 'lazy01',
    source: sct('lazy01'),
    bug: 'the checker, if it comes last, finds the sum of both additions',
    verdict: 'assertion',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), data: 0 });
      type State = ReturnType<typeof make>;
      function* adder(_go: Go, s: State, n: number) {
        yield* s.mu.lock();
        s.data += n;
        s.mu.unlock();
      }
      function* checker(_go: Go, s: State) {
        yield* s.mu.lock();
        assert.ok(s.data < (fixed ? 4 : 3), `data = ${s.data}`);
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        go.go(adder, s, 1);
        go.go(adder, s, 2);
        go.go(checker, s);
      };
    }),
  },

  {
    id: 'S11b',
    name: 'token_ring',
    source: sct('token_ring'),
    bug: 'three stations copy from their neighbours in any order; the checker wants all equal',
    verdict: 'assertion',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => ({ mu: go.mutex(), x: [1, 2, 1], done: [false, false, false], turn: [0, 1, 2].map(() => go.waitGroup()) });
      type State = ReturnType<typeof make>;
      function* station(_go: Go, s: State, i: number) {
        if (fixed && i > 0) yield* s.turn[i - 1]!.wait();
        yield* s.mu.lock();
        s.x[i] = i === 0 ? (s.x[2]! + 1) % 4 : s.x[i - 1]!;
        s.done[i] = true;
        s.mu.unlock();
        s.turn[i]!.done();
      }
      function* checker(_go: Go, s: State) {
        yield* s.mu.lock();
        if (s.done.every((d) => d)) assert.deepEqual(s.x, [s.x[0], s.x[0], s.x[0]]);
        s.mu.unlock();
      }
      return function* main(go) {
        const s = make(go);
        for (const turn of s.turn) turn.add(1);
        for (let i = 0; i < 3; i++) go.go(station, s, i);
        go.go(checker, s);
      };
    }),
  },

  {
    id: 'S11c',
    name: 'deadlock01',
    source: sct('deadlock01'),
    bug: 'two goroutines take two locks in opposite orders',
    verdict: 'deadlock',
    preemptions: 1,
    ...twins((fixed) => {
      const make = (go: Go) => ({ locks: [go.mutex(), go.mutex()] as const, all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* both(_go: Go, s: State, first: 0 | 1) {
        const [one, other] = first === 0 ? s.locks : ([s.locks[1], s.locks[0]] as const);
        yield* one.lock();
        yield* other.lock();
        other.unlock();
        one.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(both, s, 0);
        go.go(both, s, fixed ? 0 : 1);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'S11d',
    name: 'phase01',
    source: sct('phase01'),
    bug: 'x is never released: the second thread waits for it; y, the lock that comes and goes meanwhile, is well',
    verdict: 'deadlock',
    preemptions: 0,
    deterministic: true,
    ...twins((fixed) => {
      const make = (go: Go) => ({ x: go.mutex(), y: go.mutex(), all: go.waitGroup() });
      type State = ReturnType<typeof make>;
      function* thread(_go: Go, s: State) {
        yield* s.x.lock();
        s.x.unlock();
        yield* s.x.lock();
        for (let i = 0; i < 2; i++) {
          yield* s.y.lock();
          s.y.unlock();
        }
        if (fixed) s.x.unlock();
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(2);
        go.go(thread, s);
        go.go(thread, s);
        yield* s.all.wait();
      };
    }),
  },

  {
    id: 'S13',
    name: 'safestack',
    source: 'adapted from SCTBench safestack (D. Vyukov)',
    bug: 'two goroutines own one cell of the free list',
    verdict: 'assertion',
    preemptions: null,
    hard: 'five preemptions at least; the best published strategy needs hundreds of thousands of schedules',
    ...twins((fixed) => {
      const make = (go: Go) => ({
        mu: go.mutex(),
        head: go.atomic(0, 'head'),
        count: go.atomic(3, 'count'),
        next: [1, 2, -1].map((n, i) => go.atomic(n, `next[${i}]`)),
        owner: [-1, -1, -1].map((n, i) => go.atomic(n, `owner[${i}]`)),
      });
      type State = ReturnType<typeof make>;
      function* pop(s: State) {
        for (let tries = 0; tries < 4 && (yield* s.count.load()) > 1; tries++) {
          const head = yield* s.head.load();
          const next = yield* s.next[head]!.swap(-1);
          if (next < 0) continue;
          if (yield* s.head.compareAndSwap(head, next)) {
            yield* s.count.add(-1);
            return head;
          }
          yield* s.next[head]!.swap(next);
        }
        return -1;
      }
      function* push(s: State, cell: number) {
        for (;;) {
          const head = yield* s.head.load();
          yield* s.next[cell]!.store(head);
          if (yield* s.head.compareAndSwap(head, cell)) break;
        }
        yield* s.count.add(1);
      }
      function* worker(_go: Go, s: State, self: number) {
        for (let i = 0; i < 2; i++) {
          if (fixed) yield* s.mu.lock();
          const cell = yield* pop(s);
          if (fixed) s.mu.unlock();
          if (cell < 0) continue;
          yield* s.owner[cell]!.store(self);
          assert.equal(yield* s.owner[cell]!.load(), self, `cell ${cell} has two owners`);
          if (fixed) yield* s.mu.lock();
          yield* push(s, cell);
          if (fixed) s.mu.unlock();
        }
      }
      return function* main(go) {
        const s = make(go);
        for (let i = 0; i < 3; i++) go.go(worker, s, i);
      };
    }),
  },

  {
    id: 'S15',
    name: 'treiber_aba',
    source: 'classic (R. K. Treiber)',
    bug: 'the head is the same node as before, but what comes after it is not: a node that is in use is installed',
    verdict: 'assertion',
    preemptions: 1,
    ...twins((fixed) => {
      // The head's word: the node, and 8 × the version. Mended: each exchange makes a new version.
      const none = 7;
      const exchanged = (old: number, node: number) => node + (fixed ? (old & ~7) + 8 : 0);
      const make = (go: Go) => ({
        head: go.atomic(0, 'head'),
        next: [1, 2, none].map((n, i) => go.atomic(n, `next[${i}]`)),
        owned: new Set<number>(),
      });
      type State = ReturnType<typeof make>;
      function* pop(s: State) {
        for (;;) {
          const head = yield* s.head.load();
          const node = head & 7;
          if (node === none) return none;
          const next = yield* s.next[node]!.load();
          if (!(yield* s.head.compareAndSwap(head, exchanged(head, next)))) continue;
          assert.ok(!s.owned.has(node), `node ${node} popped twice`);
          s.owned.add(node);
          return node;
        }
      }
      function* push(s: State, node: number) {
        for (;;) {
          const head = yield* s.head.load();
          yield* s.next[node]!.store(head & 7);
          s.owned.delete(node);
          if (yield* s.head.compareAndSwap(head, exchanged(head, node))) return;
        }
      }
      function* popper(_go: Go, s: State) {
        yield* pop(s);
        yield* pop(s);
      }
      function* recycler(_go: Go, s: State) {
        const a = yield* pop(s);
        yield* pop(s);
        if (a !== none) yield* push(s, a);
      }
      return function* main(go) {
        const s = make(go);
        go.go(popper, s);
        go.go(recycler, s);
      };
    }),
  },

  {
    id: 'X01',
    name: 'bounded_buffer',
    source: 'adapted from the Coyote samples, BoundedBuffer',
    bug: 'readers and the writer wait on one condition: a signal for the writer wakes a reader',
    verdict: 'deadlock',
    preemptions: 0,
    ...twins((fixed) => {
      const make = (go: Go) => {
        const mu = go.mutex();
        return { mu, changed: go.cond(mu), full: false, all: go.waitGroup() };
      };
      type State = ReturnType<typeof make>;
      const changed = (s: State) => (fixed ? s.changed.broadcast() : s.changed.signal());
      function* reader(_go: Go, s: State) {
        for (let i = 0; i < 2; i++) {
          yield* s.mu.lock();
          while (!s.full) yield* s.changed.wait();
          s.full = false;
          changed(s);
          s.mu.unlock();
        }
        s.all.done();
      }
      function* writer(_go: Go, s: State) {
        for (let i = 0; i < 4; i++) {
          yield* s.mu.lock();
          while (s.full) yield* s.changed.wait();
          s.full = true;
          changed(s);
          s.mu.unlock();
        }
        s.all.done();
      }
      return function* main(go) {
        const s = make(go);
        s.all.add(3);
        go.go(reader, s);
        go.go(reader, s);
        go.go(writer, s);
        yield* s.all.wait();
      };
    }),
  },
];
