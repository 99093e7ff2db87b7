// Programs of Go's test/chan and test: what each asserts is Go's, the programs are written anew.
import { describe, expect, test } from 'vitest';
import {
  bool,
  type Chan,
  type Go,
  type GoFunc,
  host,
  i32,
  type Options,
  RandomChooser,
  type RecvChan,
  type SendChan,
} from '../../runtime/index.ts';
import { run } from '../support/run.ts';
import { busy, goRun } from './support.ts';

const plain: Options = { heapBytes: 8 << 20, maxGoroutines: 2000, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

function everywhere(main: GoFunc<[]>): void {
  run(main, plain);
  run(main, { ...plain, procs: 3 });
  for (let seed = 1; seed <= 3; seed++) run(main, { ...plain, procs: 2, chooser: new RandomChooser(seed), checkMark: true });
}

test('chan/doubleselect.go: exactly one case of a select runs', () => {
  everywhere(function* main(go) {
    const n = 300;
    const c = [0, 1, 2, 3].map(() => go.chan(i32));
    const [done, mux] = [go.chan(i32), go.chan(i32)];
    go.go(function* sender(go: Go) {
      go.defer(() => {
        for (const ch of c) ch.close();
      });
      for (let i = 0; i < n; i++) yield* go.select(c.map((ch) => ch.sendCase(i)));
    });
    for (const ch of c) {
      go.go(function* forwards() {
        for (let v = yield* ch.recv2(); v[1]; v = yield* ch.recv2()) yield* mux.send(v[0]);
        yield* done.send(1);
      });
    }
    go.go(function* closer() {
      for (let i = 0; i < 4; i++) yield* done.recv();
      mux.close();
    });
    const seen = new Set<number>();
    for (let v = yield* mux.recv2(); v[1]; v = yield* mux.recv2()) {
      expect(seen.has(v[0]), `value ${v[0]} went to two channels`).toBe(false);
      seen.add(v[0]);
    }
    expect(seen.size).toBe(n);
  });
});

test('chan/fifo.go: values and waiting receivers keep their order', () => {
  const n = 10;
  run(function* main(go) {
    const ch = go.chan(i32, n);
    for (let i = 0; i < n; i++) yield* ch.send(i);
    for (let i = 0; i < n; i++) expect(yield* ch.recv()).toBe(i);

    const sync = go.chan(i32);
    let last = go.chan(i32);
    const start = last;
    function* link(_go: Go, val: number, from: RecvChan<number>, to: SendChan<number>) {
      yield* from.recv();
      expect(yield* sync.recv()).toBe(val);
      yield* to.send(1);
    }
    for (let i = 0; i < n; i++) {
      const out = go.chan(i32);
      go.go(link, i, last, out);
      last = out;
    }
    yield* start.send(0);
    for (let i = 0; i < n; i++) yield* sync.send(i);
    yield* last.recv();
  }, plain);
});

test('chan/goroutines.go: a chain of 1,000 goroutines', () => {
  everywhere(function* main(go) {
    const first = go.chan(i32);
    let right = first;
    function* f(_go: Go, left: SendChan<number>, right: RecvChan<number>) {
      yield* left.send(yield* right.recv());
    }
    for (let i = 0; i < 1000; i++) {
      const next = go.chan(i32);
      go.go(f, right, next);
      right = next;
    }
    const end = right;
    go.go(function* starts() {
      yield* end.send(1);
    });
    expect(yield* first.recv()).toBe(1);
  });
});

test('chan/nonblock.go: what does not wait finds its partner, for each kind of element', () => {
  for (const buffer of [0, 1]) {
    everywhere(function* main(go) {
      yield* meet(go, go.chan(i32, buffer), 123, 234);
      yield* meet(go, go.chan(host<string>(), buffer), 'hello', 'hello again');
      yield* meet(go, go.chan(host<boolean>(), buffer), true, false);
    });
  }

  function* meet<T>(go: Go, c: Chan<T>, there: T, back: T) {
    const sync = go.chan(i32);
    expect(c.tryRecv(), 'nobody has sent').toBe(null);
    go.go(function* receiver() {
      expect(yield* c.recv()).toBe(there);
      yield* sync.send(1);
    });
    let tries = 0;
    for (; !c.trySend(there); tries++) yield* go.sleep(10_000);
    expect(tries).toBeLessThan(100);
    yield* sync.recv();
    go.go(function* sender() {
      yield* c.send(back);
      yield* sync.send(1);
    });
    let got = c.tryRecv();
    for (tries = 0; got === null; tries++) {
      yield* go.sleep(10_000);
      got = c.tryRecv();
    }
    expect(tries).toBeLessThan(100);
    expect(got).toEqual({ value: back, ok: true });
    yield* sync.recv();
  }
});

test('chan/select.go: cases of channels that have become nil are never chosen', () => {
  run(function* main(go) {
    let [counter, shift] = [0, 0];
    const value = (bit: number) => {
      counter++;
      shift |= bit;
      return shift;
    };
    const [a, b] = [go.chan(i32), go.chan(i32)];
    const sent: number[] = [];
    go.go(function* send(go: Go) {
      const cases: (ReturnType<Chan<number>['sendCase']> | null)[] = [a.sendCase(value(1)), b.sendCase(value(2))];
      for (let left = 2; left > 0; left--) {
        const { index } = yield* go.select(cases);
        cases[index] = null;
        sent.push(index);
      }
    });
    const got = new Set([yield* a.recv(), yield* b.recv()]);
    expect(counter, 'values of all cases are computed once').toBe(2);
    expect([...got].sort()).toEqual([1, 3]);
    yield* go.gosched();
    expect(sent.sort()).toEqual([0, 1]);
  });
});

test('chan/select2.go: 20,000 selects keep the heap flat', () => {
  goRun(function* main(go) {
    const n = 20_000;
    const [c, dummy] = [go.chan(i32), go.chan(i32)];
    const round = () =>
      go.call(function* (go) {
        go.go(function* sender() {
          for (let i = 0; i < n; i++) yield* c.send(1);
        });
        for (let i = 0; i < n; i++) expect((yield* go.select([c.recvCase(), dummy.recvCase()])).index).toBe(0);
      });
    yield* round();
    yield* go.gc();
    const { alloc, sys } = go.readMemStats();
    yield* round();
    yield* go.gc();
    const after = go.readMemStats();
    expect(after.alloc - alloc).toBeLessThan(1000);
    expect(after.sys - sys, 'sudogs are used again').toBeLessThan(50_000);
  }, busy);
});

describe('chan/select3.go', () => {
  type Program = (go: Go, c: { nil: Chan<number>; closed: Chan<number> }) => Generator<void, unknown, void>;
  const fresh = (go: Go, n = 0) => go.chan(i32, n);
  const never: [string, Program][] = [
    ['a send into a buffer with room', (go) => op(fresh(go, 1).send(7))],
    ['a receive from a closed channel', (_go, { closed }) => op(closed.recv2())],
    ['a select with a ready send', (go) => op(go.select([fresh(go, 1).sendCase(7)]))],
    ['a select with a closed channel', (go, { closed }) => op(go.select([closed.recvCase(), null]))],
  ];
  const always: [string, Program][] = [
    ['a send on the nil channel', (_go, { nil }) => op(nil.send(7))],
    ['a receive from the nil channel', (_go, { nil }) => op(nil.recv())],
    ['a receive that nobody sends to', (go) => op(fresh(go).recv())],
    ['a select without cases', (go) => op(go.select([]))],
    ['a select of the nil channel', (go, { nil }) => op(go.select([nil.recvCase(), nil.sendCase(7)]))],
    ['a select of null', (go) => op(go.select([null, null]))],
    ['a select that nobody serves', (go) => op(go.select([fresh(go).recvCase()]))],
    [
      'a select that could only serve itself',
      (go) => {
        const c = fresh(go);
        return op(go.select([c.sendCase(1), c.recvCase()]));
      },
    ],
  ];
  function* op(blocking: { [Symbol.iterator](): Iterator<void, unknown, void> }): Generator<void, unknown, void> {
    return yield* blocking;
  }
  const blocks = (program: Program) => {
    let done = false;
    run(function* main(go) {
      const closed = fresh(go);
      closed.close();
      const nil = go.nilChan(i32);
      go.go(function* f(go: Go) {
        yield* program(go, { nil, closed });
        done = true;
      });
      yield* go.sleep(10e6);
    });
    return !done;
  };
  test.each(never)('chan/select3.go: %s does not block', (_, program) => {
    expect(blocks(program)).toBe(false);
  });
  test.each(always)('chan/select3.go: %s blocks for ever', (_, program) => {
    expect(blocks(program)).toBe(true);
  });
  test('chan/select3.go: with a default nothing blocks, nil is never chosen, and closed channels act as usual', () => {
    run(function* main(go) {
      const closed = fresh(go);
      closed.close();
      const nil = go.nilChan(i32);
      expect([nil.length, nil.capacity, nil.tryRecv(), nil.trySend(7)]).toEqual([0, 0, null, false]);
      expect(go.trySelect([]).index).toBe(-1);
      expect(go.trySelect([nil.recvCase(), nil.sendCase(7), null]).index).toBe(-1);
      expect(go.trySelect([fresh(go, 1).sendCase(7)]).index).toBe(0);
      expect(go.trySelect([nil.recvCase(), closed.recvCase()])).toEqual({ index: 1, value: 0, ok: false });
      for (const sends of [
        () => closed.trySend(7),
        () => go.trySelect([closed.sendCase(7)]),
        () => closed.send(7),
        () => go.select([closed.sendCase(7)]),
      ]) {
        yield* go.call(function* (go) {
          go.defer(() => expect(String(go.recover())).toBe('send on closed channel'));
          sends();
          expect.unreachable();
        });
      }
    });
  });
});

test('chan/select4.go: only the chosen case has an effect', () => {
  run(function* main(go) {
    const [c, c1] = [go.chan(i32, 1), go.chan(i32)];
    yield* c.send(42);
    const r = yield* go.select([c1.recvCase(), c.recvCase()]);
    expect([r.index, r.value]).toEqual([1, 42]);
  });
});

test('chan/select5.go: values that are sent are computed once, in the order of the cases', () => {
  run(function* main(go) {
    const order: string[] = [];
    const f = <T>(name: string, value: T): T => {
      order.push(name);
      return value;
    };
    const [c, d] = [go.chan(i32, 1), go.chan(i32, 1)];
    yield* go.select([f('c', c).sendCase(f('1', 1)), f('d', d).sendCase(f('2', 2))]);
    expect(order).toEqual(['c', '1', 'd', '2']);
    expect(c.length + d.length).toBe(1);
  });
});

test('chan/select6.go: a case that was not chosen leaves the queue whole (issue 2075)', () => {
  everywhere(function* main(go) {
    const [c1, c2, c3] = [go.chan(i32), go.chan(i32), go.chan(i32)];
    go.go(function* first() {
      yield* c1.recv();
    });
    go.go(function* second(go: Go) {
      const r = yield* go.select([c1.recvCase(), c2.recvCase()]);
      if (r.index === 1) yield* c3.send(1);
      yield* c1.recv();
    });
    yield* go.sleep(1e6);
    go.go(function* third() {
      yield* c2.send(1);
    });
    yield* c3.recv();
    yield* c1.send(1);
    yield* c1.send(1);
  });
});

test('chan/select7.go: each way to receive meets each way to send', () => {
  const receives: ((go: Go, c: Chan<number>) => Generator<void, unknown, void>)[] = [
    function* (_go, c) {
      return yield* c.recv();
    },
    function* (go, c) {
      return (yield* go.select([c.recvCase()])).value;
    },
    function* (go, c) {
      return (yield* go.select([c.recvCase(), go.chan(i32).recvCase()])).value;
    },
  ];
  const sends: ((go: Go, c: Chan<number>) => Generator<void, unknown, void>)[] = [
    function* (_go, c) {
      yield* c.send(1);
    },
    function* (go, c) {
      yield* go.select([c.sendCase(1)]);
    },
    function* (go, c) {
      yield* go.select([c.sendCase(1), go.chan(i32).sendCase(1)]);
    },
  ];
  let met = 0;
  for (const receive of receives) {
    for (const send of sends) {
      run(function* main(go) {
        const c = go.chan(i32);
        go.go(function* receiver(go: Go) {
          if ((yield* receive(go, c)) === 1) met++;
        });
        yield* go.gosched();
        yield* send(go, c);
        yield* go.gosched();
      });
    }
  }
  expect(met).toBe(9);
});

test('chan/sieve1.go: primes below 100', () => {
  const primes: number[] = [];
  run(function* main(go) {
    const out = go.chan(i32);
    function* generate(_go: Go, ch: SendChan<number>) {
      for (let i = 2; ; i++) yield* ch.send(i);
    }
    function* filter(_go: Go, from: RecvChan<number>, to: SendChan<number>, prime: number) {
      for (;;) {
        const i = yield* from.recv();
        if (i % prime !== 0) yield* to.send(i);
      }
    }
    go.go(function* sieve(go: Go) {
      let ch = go.chan(i32);
      go.go(generate, ch);
      for (;;) {
        const prime = yield* ch.recv();
        yield* out.send(prime);
        const next = go.chan(i32);
        go.go(filter, ch, next, prime);
        ch = next;
      }
    });
    for (let i = 0; i < 25; i++) primes.push(yield* out.recv());
  }, plain);
  expect(primes).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]);
});

test('chan/sieve2.go: primes below 100, with the multiples of each prime merged in a heap and a buffer that grows', () => {
  const primes: number[] = [];
  run(function* main(go) {
    function* count(_go: Go, out: SendChan<number>, from: number, step: number) {
      for (let n = from; ; n += step) yield* out.send(n);
    }
    /** Every step-th number, beginning with from, from a goroutine. */
    const counting = (from: number, step: number, capacity: number): Chan<number> => {
      const out = go.chan(i32, capacity);
      go.go(count, out, from, step);
      return out;
    };
    /** A channel whose sends never wait for out. */
    const proxyOf = (out: SendChan<number>): Chan<number> => {
      const proxy = go.chan(i32, 10);
      go.go(function* sendproxy(go: Go) {
        const waiting: number[] = [];
        for (;;) {
          const r = yield* go.select([proxy.recvCase(), waiting.length === 0 ? null : out.sendCase(waiting[0]!)]);
          if (r.index === 0) waiting.push(r.value as number);
          else waiting.shift();
        }
      });
      return proxy;
    };
    const [out, composites, found] = [go.chan(i32, 10), go.chan(i32, 50), go.chan(i32, 10)];
    yield* out.send(2);
    yield* out.send(3);
    yield* found.send(3);
    go.go(function* merge() {
      const heads: { head: number; ch: Chan<number> }[] = []; // smallest last
      const push = (one: { head: number; ch: Chan<number> }) => {
        heads.push(one);
        heads.sort((a, b) => b.head - a.head);
      };
      for (let min = 15; ; ) {
        const prime = yield* found.recv();
        const m = counting(prime * prime, 2 * prime, 10);
        const head = yield* m.recv();
        while (min <= head) {
          if (min < head) yield* composites.send(min);
          const first = heads.pop()!;
          min = first.head;
          push({ head: yield* first.ch.recv(), ch: first.ch });
        }
        yield* composites.send(head);
        push({ head: yield* m.recv(), ch: m });
      }
    });
    go.go(function* sieve() {
      const proxy = proxyOf(found);
      const candidates = counting(5, 2, 50);
      for (let p = yield* candidates.recv(); ; ) {
        const c = yield* composites.recv();
        for (; p < c; p = yield* candidates.recv()) {
          yield* proxy.send(p);
          yield* out.send(p);
        }
        if (p === c) p = yield* candidates.recv();
      }
    });
    for (let i = 0; i < 25; i++) primes.push(yield* out.recv());
  }, plain);
  expect(primes).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]);
});

test('chan/select8.go: a select of one, of none and of several cases is left at once, with and without a default', () => {
  const log: string[] = [];
  run(function* main(go) {
    const ch = go.chan(i32);
    go.go(function* fives() {
      for (;;) yield* ch.send(5);
    });
    const one = yield* go.select([ch.recvCase()]);
    log.push(`${one.index} ${one.value}`);
    log.push(`${go.trySelect([]).index}`);
    const ready = go.trySelect([ch.recvCase()]);
    log.push(`${ready.index} ${ready.value}`);
    yield* go.gosched(); // the sender waits again
    const both = go.trySelect([ch.recvCase(), ch.sendCase(10)]);
    log.push(`${both.index} ${both.value}`);
    const none = go.trySelect([ch.recvCase(), ch.sendCase(10)]);
    log.push(`${none.index}`);
  }, plain);
  expect(log).toEqual(['0 5', '-1', '0 5', '0 5', '-1']);
});

test('chan/sendstmt.go: a channel from a channel is sent to in a select; what is sent is the value of an expression', () => {
  run(function* main(go) {
    const cc = go.chan(host<Chan<number>>(), 1);
    const c = go.chan(i32, 1);
    yield* cc.send(c);
    expect(go.trySelect([(yield* cc.recv()).sendCase(2)]).index).toBe(0);
    expect(yield* c.recv()).toBe(2);
    const b = go.chan(bool, 1);
    yield* b.send([false, true].some(Boolean));
    expect(yield* b.recv()).toBe(true);
  }, plain);
});

test('chan/zerosize.go: elements without a size, and very many of them', () => {
  run(function* main(go) {
    const c = go.chan(host<undefined>(), 1 << 24);
    yield* c.send(undefined);
    expect([c.length, c.capacity, yield* c.recv2()]).toEqual([1, 1 << 24, [undefined, true]]);
  });
});

test('closedchan.go: every way to use a closed channel, with and without a buffer', () => {
  for (const capacity of [0, 2]) {
    run(function* main(go) {
      const c = go.chan(i32, capacity);
      if (capacity > 0) {
        yield* c.send(1);
        yield* c.send(2);
      }
      c.close();
      if (capacity > 0) {
        expect(yield* c.recv()).toBe(1);
        expect(c.tryRecv()).toEqual({ value: 2, ok: true });
      }
      for (let i = 0; i < 3; i++) {
        expect(yield* c.recv()).toBe(0);
        expect(yield* c.recv2()).toEqual([0, false]);
        expect(c.tryRecv()).toEqual({ value: 0, ok: false });
        expect(yield* go.select([c.recvCase(), null])).toEqual({ index: 0, value: 0, ok: false });
      }
      const words: unknown[] = [];
      const caught = (body: () => unknown) =>
        go.call(function* (go) {
          go.defer(() => words.push(String(go.recover())));
          body();
        });
      yield* caught(() => c.send(1));
      yield* caught(() => c.trySend(1));
      yield* caught(() => go.select([c.sendCase(1), null]));
      yield* caught(() => c.close());
      yield* caught(() => go.nilChan(i32).close());
      expect(words).toEqual([...new Array(3).fill('send on closed channel'), 'close of closed channel', 'close of nil channel']);
    });
  }
});

test('chancap.go: lengths, capacities, and those that cannot be', () => {
  run(function* main(go) {
    const c = go.chan(i32, 10);
    expect([c.length, c.capacity]).toEqual([0, 10]);
    for (let i = 0; i < 3; i++) yield* c.send(i);
    expect([c.length, c.capacity]).toEqual([3, 10]);
    expect([go.chan(i32).length, go.chan(i32).capacity]).toEqual([0, 0]);
    for (const n of [-1, 2 ** 31, 2 ** 62, 0.5, NaN]) {
      yield* go.call(function* (go) {
        go.defer(() => expect(String(go.recover()), String(n)).toBe('makechan: size out of range'));
        go.chan(i32, n);
        expect.unreachable();
      });
    }
  });
});
