// Goroutines as such: their ids and rows, their beginning and end, and the mistakes that a generator makes possible and a
// goroutine does not know: a forgotten yield*, a plain function, a body that yields by itself.
import { describe, expect, test } from 'vitest';
import { errgroup, type Go, type GoFunc, host, i32, Runtime, self, struct } from '../../../runtime/index.ts';
import { checkedOptions, run } from '../../support/run.ts';

const Node = struct('goroutine.Node', { id: i32, next: self });

describe('life', () => {
  test('main is goroutine 1, the first others are 5 to 16 and then go on at 17', () => {
    const ids: number[] = [];
    run(function* main(go) {
      ids.push(go.id);
      const done = go.waitGroup();
      for (let i = 0; i < 14; i++) {
        done.add(1);
        go.go(function* worker(go) {
          ids.push(go.id);
          done.done();
        });
      }
      yield* done.wait();
    });
    expect(ids.sort((a, b) => a - b)).toEqual([1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
  });

  test('each P takes its ids in batches of sixteen', () => {
    const ids: number[] = [];
    run(
      function* main(go) {
        const done = go.waitGroup();
        function* worker(go: Go, depth: number): Generator<void, void, void> {
          ids.push(go.id);
          for (let i = 0; i < 200; i++) go.new(Node);
          if (depth > 0) {
            done.add(2);
            go.go(worker, depth - 1);
            go.go(worker, depth - 1);
          }
          yield* go.gosched();
          done.done();
        }
        done.add(1);
        go.go(worker, 4);
        yield* done.wait();
      },
      { procs: 3 },
    );
    expect(new Set(ids).size).toBe(31);
    expect(ids.filter((id) => id >= 2 && id <= 4)).toEqual([]);
  });

  test('arguments arrive as they were given', () => {
    const got: unknown[] = [];
    run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      f.n.id = 9;
      go.go(
        function* child(_go, a: number, n, s: string, none: null) {
          got.push(a, (n as { id: number }).id, s, none);
        },
        1,
        f.n,
        'x',
        null,
      );
      yield* go.sleep(1000);
    });
    expect(got).toEqual([1, 9, 'x', null]);
  });

  test('rows of dead goroutines are used again: ten thousand goroutines, four at a time', () => {
    let ran = 0;
    const { rt } = run(
      function* main(go) {
        const done = go.waitGroup();
        for (let i = 0; i < 2500; i++) {
          done.add(3);
          for (let k = 0; k < 3; k++)
            go.go(function* short(go) {
              const f = go.locals({ n: Node });
              f.n = go.new(Node);
              ran++;
              done.done();
            });
          yield* done.wait();
        }
      },
      { maxGoroutines: 4, checkHeap: false },
    );
    expect(ran).toBe(7500);
    expect(rt.machine.sched.live).toBe(0);
    expect(rt.machine.heap.stats.manualPages, 'their stacks too').toBeLessThan(4);
  });

  test('a reused row has a new id, an empty stack and no memory of its last operation', () => {
    const seen: unknown[] = [];
    run(
      function* main(go) {
        const ch = go.chan(host<string>(), 1);
        for (let i = 0; i < 3; i++) {
          go.go(function* worker(go) {
            const f = go.locals({ n: Node });
            seen.push(f.n);
            f.n = go.new(Node);
            yield* ch.send(`from ${go.id}`);
            seen.push(yield* go.gosched());
          });
          yield* go.sleep(1e6);
          seen.push(yield* ch.recv());
        }
      },
      { maxGoroutines: 2 },
    );
    expect(seen).toEqual([null, undefined, 'from 5', null, undefined, 'from 6', null, undefined, 'from 7']);
  });

  test('too many at once is an error that names the option', () => {
    const rt = new Runtime({ ...checkedOptions, maxGoroutines: 3 });
    expect(() =>
      rt.run(function* main(go) {
        for (let i = 0; i < 3; i++)
          go.go(function* sleeper(go) {
            yield* go.sleep(1e9);
          });
      }),
    ).toThrow(new RangeError('too many goroutines: 3 (raise the option maxGoroutines)'));
  });

  test('main returns: the others end where they are, without their finally blocks', () => {
    const log: string[] = [];
    const { stats } = run(function* main(go) {
      go.go(function* other(go) {
        try {
          log.push('begun');
          yield* go.sleep(1e12);
          log.push('slept');
        } finally {
          log.push('finally');
        }
      });
      go.go(function* busy(go) {
        for (;;) yield* go.gosched();
      });
      yield* go.sleep(1e6);
    });
    expect(log).toEqual(['begun']);
    expect(stats.nanos).toBeLessThan(1e9);
  });

  test('a runtime runs one program', () => {
    const rt = new Runtime(checkedOptions);
    rt.run(function* main() {});
    expect(() => rt.run(function* main() {})).toThrow(new TypeError('Runtime.run: a runtime runs one program; make another runtime'));
  });

  test('a runtime whose program died runs no other', () => {
    const rt = new Runtime(checkedOptions);
    expect(() =>
      rt.run(function* main() {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(() => rt.run(function* main() {})).toThrow(TypeError);
  });
});

test('what a deferred call, what is done once and a finalizer return is waited for if it may block, and nothing else is', () => {
  const log: string[] = [];
  const later = (go: Go, name: string) =>
    go.call(function* (go) {
      yield* go.sleep(10);
      log.push(name);
    });
  run(function* main(go) {
    go.defer(() => later(go, 'deferred'));
    go.defer(() => ['an array has an iterator, too']);
    yield* go.once().do(() => later(go, 'once'));
    yield* go.once().do(() => 'and so has a text');
  });
  expect(log).toEqual(['once', 'deferred']);
});

describe('a forgotten yield* is found', () => {
  const message = 'a blocking operation was called and not awaited: write `yield*` in front of it';
  const programs: [what: string, main: GoFunc<[]>][] = [
    [
      'at the next operation',
      function* main(go) {
        const ch = go.chan(i32, 1);
        ch.send(1);
        yield* ch.recv();
      },
    ],
    [
      'when the operation had to wait',
      function* main(go) {
        const ch = go.chan(i32);
        ch.recv();
        yield* go.gosched();
      },
    ],
    [
      'for a sleep',
      function* main(go) {
        go.sleep(10);
        yield* go.sleep(10);
      },
    ],
    [
      'for runtime.GC',
      function* main(go) {
        go.gc();
        yield* go.gosched();
      },
    ],
    [
      'for a call with deferred calls of its own',
      function* main(go) {
        go.call(function* () {});
        yield* go.gosched();
      },
    ],
    [
      'for what is done once',
      function* main(go) {
        go.once().do(() => {});
        yield* go.gosched();
      },
    ],
    [
      'for a member of a group',
      function* main(go) {
        new errgroup.Group(go).go(function* () {});
        yield* go.gosched();
      },
    ],
    [
      'for the end of a group',
      function* main(go) {
        new errgroup.Group(go).wait();
      },
    ],
    [
      'when the goroutine ends instead',
      function* main(go) {
        go.go(function* worker(go) {
          go.sleep(10);
        });
        yield* go.sleep(1000);
      },
    ],
    [
      'when main ends instead',
      function* main(go) {
        go.gc();
      },
    ],
  ];
  for (const [what, main] of programs) {
    test(what, () => {
      const rt = new Runtime(checkedOptions);
      expect(() => rt.run(main)).toThrow(new TypeError(message));
    });
  }

  test('and nothing was done by halves: a program that catches it goes on', () => {
    const log: string[] = [];
    run(function* main(go) {
      const ch = go.chan(i32, 1);
      const sending = ch.send(1);
      for (const operation of [() => go.sleep(5), () => go.gc(), () => go.gosched(), () => ch.recv()]) {
        try {
          operation();
        } catch (error) {
          log.push((error as Error).constructor.name);
        }
      }
      yield* sending;
      yield* go.gc();
      yield* go.sleep(1e6);
      log.push(String(yield* ch.recv()));
    });
    expect(log).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError', '1']);
  });
});

describe('what is no goroutine', () => {
  test('a promise that a goroutine returns is an error: nobody would wait for it', () => {
    const late = function* main(): Generator<void, unknown, void> {
      return Promise.resolve(1);
    };
    expect(() => new Runtime().run(late)).toThrow('a goroutine has returned a promise, and nobody waits for it');
  });

  test('a plain function is refused by name, which is func1 when it has none', () => {
    const rt = new Runtime(checkedOptions);
    expect(() =>
      rt.run(function* main(go) {
        go.go((() => 5) as never);
      }),
    ).toThrow('go func1: a goroutine is a generator function (function*)');
  });

  test('a refused one leaves no trace: the program goes on and its rows are all there', () => {
    const { rt } = run(
      function* main(go) {
        for (let i = 0; i < 10; i++) expect(() => go.go((() => 5) as never)).toThrow(TypeError);
        go.go(function* real() {});
        yield* go.sleep(1000);
      },
      { maxGoroutines: 2 },
    );
    expect(rt.machine.sched.live).toBe(0);
  });

  test('a blocking call outside a goroutine is refused', () => {
    let later: (() => void) | undefined;
    run(function* main(go) {
      later = () => go.gosched();
    });
    expect(later).toThrow(new TypeError('a blocking operation was called outside a goroutine'));
  });

  test('a bare yield lets others run, as Gosched does', () => {
    const log: string[] = [];
    run(function* main(go) {
      go.go(function* other() {
        log.push('other');
      });
      yield;
      log.push('main');
    });
    expect(log).toEqual(['other', 'main']);
  });

  test('an error of the program’s own JavaScript comes out as it is', () => {
    class Mine extends Error {}
    const rt = new Runtime(checkedOptions);
    const mine = new Mine('x');
    let got: unknown;
    try {
      rt.run(function* main(go) {
        go.go(function* worker() {
          throw mine;
        });
        yield* go.sleep(1e6);
      });
    } catch (error) {
      got = error;
    }
    expect(got).toBe(mine);
  });
});
