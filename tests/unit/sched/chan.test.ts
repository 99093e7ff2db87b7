// Channels: reference 6.6, for each way in which a value can travel (pointer, number, host value), and for channels with and
// without a buffer. Go's TestChan, chan/fifo, closedchan, chancap and makechan are in here.
import { describe, expect, test } from 'vitest';
import { type Chan, f64, type Go, host, i32, self, struct } from '../../../runtime/index.ts';
import { death, run } from '../../support/run.ts';

const Node = struct('chan.Node', { id: i32, next: self });

function* settle(go: Go) {
  for (let i = 0; i < 5; i++) yield* go.gosched();
}

/** Channels of the three kinds, with a value number i for each and back. */
const kinds = [
  {
    name: 'pointers',
    make: (go: Go, n: number) => go.chan(Node, n),
    to: nodeOf,
    from: (v: unknown) => (v as { id: number }).id,
    zero: null,
  },
  {
    name: 'numbers',
    make: (go: Go, n: number) => go.chan(f64, n),
    to: (_go: Go, i: number) => i + 0.5,
    from: (v: unknown) => (v as number) - 0.5,
    zero: 0,
  },
  {
    name: 'host values',
    make: (go: Go, n: number) => go.chan(host<{ i: number }>(), n),
    to: (_go: Go, i: number) => ({ i }),
    from: (v: unknown) => (v as { i: number }).i,
    zero: undefined,
  },
] as const;

function nodeOf(go: Go, i: number) {
  const n = go.new(Node);
  n.id = i;
  return n;
}

for (const { name, make: makeKind, to, from, zero } of kinds) {
  // One type for all three: what differs is checked by the compiler in tests/types.
  const make = makeKind as (go: Go, n: number) => Chan<unknown>;

  describe(`a channel of ${name}`, () => {
    for (const capacity of [0, 1, 2, 10]) {
      test(`of capacity ${capacity} gives 100 values in the order in which they were sent, while the collector runs`, () => {
        const got: number[] = [];
        run(function* main(go) {
          const ch = make(go, capacity);
          go.go(function* sender(go) {
            for (let i = 0; i < 100; i++) {
              yield* ch.send(to(go, i));
              if (i % 10 === 0) yield* go.gc();
            }
            ch.close();
          });
          for (;;) {
            const [value, ok] = yield* ch.recv2();
            if (!ok) break;
            got.push(from(value));
          }
        });
        expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
      });
    }

    test('a loop until it is closed, as the range of Go: one that finds it closed, and one that waits when it is', () => {
      for (const [capacity, waits] of [
        [0, true],
        [3, true],
        [3, false],
      ] as const) {
        const got: unknown[] = [];
        run(function* main(go) {
          const ch = make(go, capacity);
          const done = go.waitGroup();
          done.add(1);
          const receiver = function* receiver() {
            for (let v = yield* ch.recvOr('closed'); v !== 'closed'; v = yield* ch.recvOr('closed')) got.push(from(v));
            got.push(yield* ch.recvOr(null), yield* ch.recv(), yield* ch.recvOr(undefined));
            done.done();
          };
          if (waits) go.go(receiver);
          for (let i = 0; i < 3; i++) yield* ch.send(to(go, i));
          if (waits) yield* go.sleep(1);
          ch.close();
          if (!waits) go.go(receiver);
          yield* done.wait();
        });
        expect(got).toEqual([0, 1, 2, null, zero, undefined]);
      }
    });

    test('four senders and four receivers: each value arrives once', () => {
      const got: number[] = [];
      for (const [capacity, procs] of [
        [0, 1],
        [3, 1],
        [0, 3],
        [3, 3],
      ] as const) {
        got.length = 0;
        run(
          function* main(go) {
            const ch = make(go, capacity);
            const sent = go.waitGroup();
            const received = go.waitGroup();
            sent.add(4);
            received.add(4);
            function* sender(go: Go, k: number) {
              for (let i = 0; i < 50; i++) yield* ch.send(to(go, k * 50 + i));
              sent.done();
            }
            function* receiver() {
              for (let value = yield* ch.recv2(); value[1]; value = yield* ch.recv2()) got.push(from(value[0]));
              received.done();
            }
            for (let k = 0; k < 4; k++) go.go(sender, k);
            for (let k = 0; k < 4; k++) go.go(receiver);
            yield* sent.wait();
            ch.close();
            yield* received.wait();
          },
          { procs },
        );
        expect(
          got.sort((a, b) => a - b),
          `capacity ${capacity}, ${procs} Ps`,
        ).toEqual(Array.from({ length: 200 }, (_, i) => i));
      }
    });

    test('a closed one gives what is in its buffer, then zero values that are not ok', () => {
      const got: unknown[] = [];
      run(function* main(go) {
        const ch = make(go, 3);
        for (let i = 0; i < 2; i++) yield* ch.send(to(go, i));
        ch.close();
        for (let i = 0; i < 2; i++) {
          const [value, ok] = yield* ch.recv2();
          got.push([from(value), ok]);
        }
        got.push(yield* ch.recv2(), yield* ch.recv(), yield* ch.recv2());
      });
      expect(got).toEqual([[0, true], [1, true], [zero, false], zero, [zero, false]]);
    });

    test('closing wakes a blocked receiver with the zero value', () => {
      const got: unknown[] = [];
      run(function* main(go) {
        const ch = make(go, 0);
        go.go(function* receiver() {
          got.push(yield* ch.recv2());
        });
        yield* settle(go);
        ch.close();
        yield* settle(go);
      });
      expect(got).toEqual([[zero, false]]);
    });

    test('closing makes a blocked sender panic', () => {
      const error = death(function* main(go) {
        const ch = make(go, 0);
        go.go(function* sender(go) {
          yield* ch.send(to(go, 1));
        });
        yield* settle(go);
        ch.close();
        yield* settle(go);
      });
      expect(error.message).toMatch(/^panic: send on closed channel\n\ngoroutine 5 \[running\]:\nmain\.sender\(/);
    });

    test('a full buffer lets the sender wait, and its value takes the place of the one that goes', () => {
      const log: string[] = [];
      run(function* main(go) {
        const ch = make(go, 2);
        go.go(function* sender(go) {
          for (let i = 0; i < 4; i++) {
            yield* ch.send(to(go, i));
            log.push(`sent ${i}`);
          }
        });
        yield* settle(go);
        expect([ch.length, ch.capacity]).toEqual([2, 2]);
        log.push(`got ${from(yield* ch.recv())}`);
        expect(ch.length, 'full again: the waiting value moved in').toBe(2);
        yield* settle(go);
        for (let i = 0; i < 3; i++) log.push(`got ${from(yield* ch.recv())}`);
      });
      expect(log).toEqual(['sent 0', 'sent 1', 'got 0', 'sent 2', 'got 1', 'sent 3', 'got 2', 'got 3'].filter((l) => log.includes(l)));
      expect(log.filter((l) => l.startsWith('got'))).toEqual(['got 0', 'got 1', 'got 2', 'got 3']);
    });
  });
}

describe('blocking', () => {
  test('an unbuffered send waits for its receiver', () => {
    const log: string[] = [];
    run(function* main(go) {
      const ch = go.chan(i32);
      go.go(function* sender() {
        log.push('sending');
        yield* ch.send(1);
        log.push('sent');
      });
      yield* settle(go);
      log.push('receiving');
      yield* ch.recv();
      yield* settle(go);
    });
    expect(log).toEqual(['sending', 'receiving', 'sent']);
  });

  test('a send into a buffer with room does not wait, nor does a receive from one with values', () => {
    const { stats } = run(function* main(go) {
      const ch = go.chan(i32, 1);
      for (let i = 0; i < 100; i++) {
        yield* ch.send(i);
        expect(yield* ch.recv()).toBe(i);
      }
    });
    expect(stats.turns).toBe(1);
  });

  test('a chain of 1,000 goroutines passes one value along', () => {
    let got = 0;
    run(
      function* main(go) {
        const first = go.chan(i32);
        let last = first;
        function* link(_go: Go, from: Chan<number>, to: Chan<number>) {
          yield* to.send((yield* from.recv()) + 1);
        }
        for (let i = 0; i < 1000; i++) {
          const next = go.chan(i32);
          go.go(link, last, next);
          last = next;
        }
        yield* first.send(0);
        got = yield* last.recv();
      },
      { maxGoroutines: 1100, heapBytes: 8 << 20, checkHeap: false },
    );
    expect(got).toBe(1000);
  });

  test('the prime sieve finds the primes below 100', () => {
    const primes: number[] = [];
    run(
      function* main(go) {
        let ch = go.chan(i32);
        function* generate(_go: Go, out: Chan<number>) {
          for (let i = 2; ; i++) yield* out.send(i);
        }
        function* filter(_go: Go, from: Chan<number>, to: Chan<number>, prime: number) {
          for (;;) {
            const i = yield* from.recv();
            if (i % prime !== 0) yield* to.send(i);
          }
        }
        go.go(generate, ch);
        for (;;) {
          const prime = yield* ch.recv();
          if (prime > 100) return;
          primes.push(prime);
          const next = go.chan(i32);
          go.go(filter, ch, next, prime);
          ch = next;
        }
      },
      { procs: 3 },
    );
    expect(primes.length).toBe(25);
    expect(primes.at(-1)).toBe(97);
  });
});

describe("panics, in Go's words", () => {
  const cases: [what: string, main: (go: Go) => Generator<void, void, void>, words: string][] = [
    [
      'a send on a closed channel',
      function* (go) {
        const ch = go.chan(i32, 1);
        ch.close();
        yield* ch.send(1);
      },
      'send on closed channel',
    ],
    [
      'a second close',
      function* (go) {
        const ch = go.chan(i32, 1);
        ch.close();
        ch.close();
      },
      'close of closed channel',
    ],
    [
      'a negative capacity',
      function* (go) {
        go.chan(i32, -1);
      },
      'makechan: size out of range',
    ],
    [
      'a capacity that is no whole number',
      function* (go) {
        go.chan(i32, 1.5);
      },
      'makechan: size out of range',
    ],
    [
      'a capacity that no memory has room for',
      function* (go) {
        go.chan(Node, 2 ** 31);
      },
      'makechan: size out of range',
    ],
  ];
  for (const [what, main, words] of cases) {
    test(`${what}: ${words}`, () => {
      const error = death(main);
      expect(error.message.split('\n')[0]).toBe(`panic: ${words}`);
      expect([error.kind, error.exitCode, error.goroutine]).toEqual(['panic', 3, 1]);
    });
  }
});

describe('values', () => {
  test('nil pointers travel, and are not the end of the channel', () => {
    const got: unknown[] = [];
    run(function* main(go) {
      for (const capacity of [0, 2]) {
        const ch = go.chan(Node, capacity);
        go.go(function* sender() {
          yield* ch.send(null);
          ch.close();
        });
        got.push(yield* ch.recv2(), yield* ch.recv2());
      }
    });
    expect(got).toEqual([
      [null, true],
      [null, false],
      [null, true],
      [null, false],
    ]);
  });

  test('numbers are doubles: fractions, negative zero, infinities and NaN arrive as they are', () => {
    const values = [0.1, -0, -1e300, Infinity, NaN, 2 ** 53];
    const got: number[] = [];
    run(function* main(go) {
      for (const capacity of [0, 1]) {
        const ch = go.chan(f64, capacity);
        go.go(function* sender() {
          for (const v of values) yield* ch.send(v);
        });
        for (let i = 0; i < values.length; i++) got.push(yield* ch.recv());
      }
    });
    expect(got).toEqual([...values, ...values]);
  });

  test('a received pointer is the object that was sent', () => {
    run(function* main(go) {
      const f = go.locals({ a: Node, b: Node });
      const ch = go.chan(Node, 1);
      f.a = go.new(Node);
      yield* ch.send(f.a);
      f.b = yield* ch.recv();
      expect(f.b?.is(f.a)).toBe(true);
    });
  });

  test('a send gives nothing back, whatever was sent', () => {
    const got: unknown[] = [];
    run(function* main(go) {
      const ch = go.chan(host<string>());
      go.go(function* sender() {
        got.push(yield* ch.send('x'));
      });
      yield* settle(go);
      got.push(yield* ch.recv());
      yield* settle(go);
    });
    expect(got).toEqual(['x', undefined]);
  });
});

test('a channel that nobody waits on is collected', () => {
  run(
    function* main(go) {
      for (let i = 0; i < 40_000; i++) go.chan(i32, 1);
    },
    { heapBytes: 2 << 20, checkHeap: false, checkMark: false, checked: false },
  );
});
