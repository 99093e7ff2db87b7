// Data races: what orders two accesses and what does not. Each control is a program in which something orders them, in every
// schedule; beside it stands what is missing in a program that looks much like it, and then the race is found.
import { describe, expect, test } from 'vitest';
import { type Chan, type Go, type GoFunc, host, i32, map, type Ref, slice, struct } from '../../runtime/index.ts';
import { exploreSync } from '../../sim/index.ts';
import { caseNamed } from './cases/index.ts';

const raceIn = (program: GoFunc<[]>, schedules = 300) => {
  const { failure } = exploreSync(program, { schedules, leaks: false });
  return failure === null ? 'silent' : failure.verdict === 'race' ? failure.identity : failure.message;
};

/** Two goroutines that write one variable, and what lies before the one's access and after the other's. */
function pair(make: (go: Go) => { before: (go: Go) => Steps; after: (go: Go) => Steps }): GoFunc<[]> {
  return function* main(go) {
    const x = go.cell(0, 'x');
    const { before, after } = make(go);
    go.go(function* first(go: Go) {
      yield* x.set(1);
      yield* after(go);
    });
    go.go(function* second(go: Go) {
      yield* before(go);
      yield* x.set(2);
    });
  };
}
type Steps = Generator<void, unknown, void>;
const nothing = function* () {};
const race = 'race: cell x: main/first writes, main/second writes';

describe('controls: something orders the two accesses', () => {
  test('nothing does: the race is found', () => {
    expect(raceIn(pair(() => ({ after: nothing, before: nothing })))).toBe(race);
  });

  test('a channel without buffer: send before receive', () => {
    const program = pair((go) => {
      const ch = go.chan(i32);
      return {
        after: function* () {
          yield* ch.send(1);
        },
        before: function* () {
          yield* ch.recv();
        },
      };
    });
    expect(raceIn(program)).toBe('silent');
  });

  test('and receive before the end of the send', () => {
    const program = (capacity: number) =>
      pair((go) => {
        const ch = go.chan(i32, capacity);
        return {
          after: function* () {
            yield* ch.recv();
          },
          before: function* () {
            yield* ch.send(1);
          },
        };
      });
    expect(raceIn(program(0))).toBe('silent');
    expect(raceIn(program(1)), 'with a buffer the send ends before anybody receives').toBe(race);
  });

  test('the k-th receive before the (k+C)-th send', () => {
    const program = (capacity: number) =>
      pair((go) => {
        const ch = go.chan(i32, capacity);
        return {
          after: function* () {
            yield* ch.recv(); // the first
          },
          before: function* () {
            for (let k = 0; k < 3; k++) yield* ch.send(k); // the third, with a buffer of two: after the first receive
          },
        };
      });
    expect(raceIn(program(2))).toBe('silent');
    expect(raceIn(program(3)), 'the third does not need that receive').toBe(race);
  });

  test('in a select as well, on both sides', () => {
    const program = pair((go) => {
      const [a, b] = [go.chan(i32), go.chan(i32)];
      return {
        after: function* (go) {
          yield* go.select([a.sendCase(1), b.recvCase()]);
        },
        before: function* (go) {
          yield* go.select([a.recvCase(), b.sendCase(1)]);
        },
      };
    });
    expect(raceIn(program)).toBe('silent');
  });

  test('close before a receive that sees the end', () => {
    const program = pair((go) => {
      const ch = go.chan(i32);
      return {
        after: function* () {
          ch.close();
        },
        before: function* () {
          expect((yield* ch.recv2())[1]).toBe(false);
        },
      };
    });
    expect(raceIn(program)).toBe('silent');
  });

  test('Unlock before Lock; another lock orders nothing', () => {
    const program = (same: boolean): GoFunc<[]> =>
      function* main(go) {
        const x = go.cell(0, 'x');
        const one = go.mutex();
        const other = same ? one : go.mutex();
        const write = function* (mu: typeof one) {
          yield* mu.lock();
          yield* x.set(1);
          mu.unlock();
        };
        go.go(function* first() {
          yield* write(one);
        });
        go.go(function* second() {
          yield* write(other);
        });
      };
    expect(raceIn(program(true))).toBe('silent');
    expect(raceIn(program(false))).toBe(race);
  });

  test('a lock that is handed over from one waiter to the next', () => {
    const program: GoFunc<[]> = function* main(go) {
      const x = go.cell(0, 'x');
      const mu = go.mutex();
      for (let i = 0; i < 4; i++) {
        go.go(function* counter() {
          for (let k = 0; k < 2; k++) {
            yield* mu.lock();
            yield* x.set((yield* x.get()) + 1);
            mu.unlock();
          }
        });
      }
    };
    expect(raceIn(program)).toBe('silent');
  });

  test('RUnlock before Lock, and Unlock before RLock; two readers are not ordered', () => {
    const program = (writes: boolean): GoFunc<[]> =>
      function* main(go) {
        const [x, y] = [go.cell(0, 'x'), go.cell(0, 'y')];
        const rw = go.rwMutex();
        for (let i = 0; i < 2; i++) {
          go.go(function* reader() {
            yield* rw.rLock();
            yield* x.get();
            if (writes) yield* y.set(i);
            rw.rUnlock();
          });
        }
        go.go(function* writer() {
          yield* rw.lock();
          yield* x.set(1);
          yield* y.set(1);
          rw.unlock();
        });
      };
    expect(raceIn(program(false))).toBe('silent');
    expect(raceIn(program(true))).toBe('race: cell y: main/reader writes, main/reader writes');
  });

  test('Done before Wait', () => {
    const program = pair((go) => {
      const wg = go.waitGroup();
      wg.add(1);
      return {
        after: function* () {
          wg.done();
        },
        before: function* () {
          yield* wg.wait();
        },
      };
    });
    expect(raceIn(program)).toBe('silent');
  });

  test('Once: its function before the end of every Do', () => {
    const program: GoFunc<[]> = function* main(go) {
      const x = go.cell(0, 'x');
      const once = go.once();
      for (let i = 0; i < 3; i++) {
        go.go(function* user() {
          yield* once.do(function* () {
            yield* x.set(1);
          });
          yield* x.get();
        });
      }
    };
    expect(raceIn(program)).toBe('silent');
  });

  test('atomics: a store before the loads that see it', () => {
    const program = (asks: boolean): GoFunc<[]> =>
      function* main(go) {
        const x = go.cell(0, 'x');
        const ready = go.atomic(false, 'ready');
        go.go(function* first() {
          yield* x.set(1);
          yield* ready.store(true);
        });
        go.go(function* second() {
          const isReady = yield* ready.load();
          if (isReady || !asks) yield* x.set(2);
        });
      };
    expect(raceIn(program(true))).toBe('silent');
    expect(raceIn(program(false)), 'the load that sees nothing yet').toBe(race);
  });

  test('an exchange of atomics orders in both directions', () => {
    const program: GoFunc<[]> = function* main(go) {
      const x = go.cell(0, 'x');
      const turn = go.atomic(0, 'turn');
      for (let i = 0; i < 2; i++) {
        go.go(function* taker() {
          if (!(yield* turn.compareAndSwap(0, 1))) return;
          yield* x.set(i);
          yield* turn.store(0);
        });
      }
    };
    expect(raceIn(program)).toBe('silent');
  });

  test('the go statement, and setting a timer', () => {
    const program = (late: boolean): GoFunc<[]> =>
      function* main(go) {
        const x = go.cell(0, 'x');
        if (!late) yield* x.set(1);
        go.go(function* child() {
          yield* x.set(2);
        });
        const y = go.cell(0, 'y');
        yield* y.set(1);
        go.afterFunc(10, function* later() {
          yield* y.set(2);
        });
        if (late) yield* x.set(1);
      };
    expect(raceIn(program(false))).toBe('silent');
    expect(raceIn(program(true))).toBe('race: cell x: main writes, main/child writes');
  });

  test('a condition: Signal before the end of the wait', () => {
    const program: GoFunc<[]> = function* main(go) {
      const x = go.cell(0, 'x');
      const cond = go.cond(go.mutex());
      go.go(function* first() {
        yield* x.set(1);
        cond.signal(); // without the lock, so that nothing else orders the two
      });
      yield* cond.locker.lock();
      yield* cond.wait();
      yield* x.set(2);
      cond.locker.unlock();
    };
    expect(exploreSync(program, { schedules: 300 }).failure?.verdict, 'the signal may be lost').toBe('deadlock');
    expect(exploreSync(program, { schedules: 300, keepGoing: true }).failures.filter((f) => f.verdict === 'race')).toEqual([]);
  });

  test('a semaphore: release before acquire', () => {
    const program = pair((go) => {
      const sema = go.semaphore(0);
      return {
        after: function* () {
          sema.release();
        },
        before: function* () {
          yield* sema.acquire();
        },
      };
    });
    expect(raceIn(program)).toBe('silent');
  });

  test('a pool: Put before Get', () => {
    const program: GoFunc<[]> = function* main(go) {
      const pool = go.pool(host<ReturnType<typeof go.cell<number>>>());
      for (let i = 0; i < 3; i++) {
        go.go(function* user(go: Go) {
          const x = pool.get() ?? go.cell(0, 'x');
          yield* x.set(i);
          pool.put(x);
        });
      }
    };
    expect(raceIn(program)).toBe('silent');
  });

  test('the end of a goroutine orders nothing: who reads after it without a join is reported', () => {
    const program: GoFunc<[]> = function* main(go) {
      const x = go.cell(0, 'x');
      go.go(function* writer() {
        yield* x.set(1);
      });
      yield* go.sleep(1000); // long after the writer has ended, whatever the schedule: 'idle' fires the timer last
      yield* x.get();
    };
    const { failure } = exploreSync(program, { time: 'idle' });
    expect(failure?.identity).toBe('race: cell x: main reads, main/writer writes');
    expect(failure!.message).toContain('Goroutine 5 (finished) created at:');
  });
});

test('what a schedule knows is forgotten in the next: the same numbers of goroutines and cells race only once', () => {
  let racing = true;
  const program: GoFunc<[]> = function* main(go) {
    const x = go.cell(0, 'x');
    const mu = go.mutex();
    for (let i = 0; i < 2; i++) {
      go.go(function* writer() {
        if (!racing) yield* mu.lock();
        yield* x.set(i);
        if (!racing) mu.unlock();
      });
    }
  };
  expect(raceIn(program)).not.toBe('silent');
  racing = false;
  expect(raceIn(program)).toBe('silent');
});

describe('the report', () => {
  test('is that of Go: both accesses with their stacks, and where their goroutines were started', () => {
    const { failure } = exploreSync(caseNamed('etcd4876').buggy);
    expect(failure!.message.replace(/:\d+$/gm, ':N')).toBe(
      [
        'WARNING: DATA RACE',
        'Read at cell interval by goroutine 7 (main/server/timer):',
        '  main.timer()',
        '      races.ts:N',
        '',
        'Previous write at cell interval by goroutine 5 (main/override):',
        '  main.override()',
        '      races.ts:N',
        '',
        'Goroutine 7 (finished) created at:',
        '  main.server()',
        '      races.ts:N',
        '',
        'Goroutine 5 (finished) created at:',
        '  main.main()',
        '      races.ts:N',
      ].join('\n'),
    );
  });

  test.each([
    ['etcd4876', 'cell interval: main/override writes, main/server/timer reads'],
    ['etcd8194', 'cell rate: main/lessor reads, main/override writes'],
    ['kubernetes88331', 'cell length: main/activate reads, main/flush writes'],
    ['kubernetes89164', 'cell buffer: main/dispatch reads, main/dispatch writes'],
    ['istio8214', 'atomic writes: main/counter reads, main/counter writes atomically'],
    ['moby27037', 'cell i: main writes, main/attempt reads'],
    ['moby18412', 'cell exitCode: main reads, main/child writes'],
  ])('%s: both accesses are named: %s', (name, both) => {
    expect(exploreSync(caseNamed(name).buggy).failure?.identity).toBe(`race: ${both}`);
  });

  test('a race gives way to what it leads to, and can be looked for alone', () => {
    const { buggy } = caseNamed('reorder_3');
    expect(exploreSync(buggy).failure?.verdict).toBe('assertion');
    expect(exploreSync(buggy, { races: false }).failure?.verdict).toBe('assertion');
    expect(exploreSync(buggy, { keepGoing: true, schedules: 50 }).failures.some((f) => f.verdict === 'race')).toBe(true);
  });
});

test('a value that travels through many hands is ordered all the way', () => {
  const program: GoFunc<[]> = function* main(go) {
    const x = go.cell(0, 'x');
    let from: Chan<number> = go.chan(host<number>(), 1);
    const start = from;
    for (let i = 0; i < 4; i++) {
      const [left, right] = [from, go.chan(host<number>(), i % 2)];
      go.go(function* hand() {
        const n = yield* left.recv();
        yield* x.set(n + (yield* x.get()));
        yield* right.send(n);
      });
      from = right;
    }
    yield* x.set(1);
    yield* start.send(1);
    yield* from.recv();
    expect(yield* x.get()).toBe(5);
  };
  expect(raceIn(program)).toBe('silent');
});

describe('values on the heap', () => {
  const few = 12; // a machine whose heap was used is made anew for each schedule

  const Counter = struct('main.Counter', { n: i32, inner: struct('main.Inner', { a: i32, b: i32 }), list: slice(i32) });

  /** Two goroutines that use one object, with a lock or without. */
  const sharing = (use: (c: Ref<typeof Counter>, k: number, go: Go) => void, locked: boolean): GoFunc<[]> =>
    function* main(go) {
      const mu = go.mutex();
      const c = go.new(Counter);
      c.list = go.make(slice(i32), 4);
      function* user(go: Go, c: Ref<typeof Counter>, k: number) {
        if (locked) yield* mu.lock();
        use(c, k, go);
        if (locked) mu.unlock();
      }
      go.go(user, c, 0);
      go.go(user, c, 1);
    };

  test.each<[string, (c: Ref<typeof Counter>, k: number) => void, string]>([
    ['a field', (c) => c.n++, 'main.Counter.n: main/user reads, main/user writes'],
    ['a field of a struct in a struct', (c, k) => (c.inner.b = k), 'main.Inner.b: main/user writes, main/user writes'],
    ['an element', (c, k) => c.list.set(2, k), 'element 2 of a []int32: main/user writes, main/user writes'],
    ['the header of a slice', (c, k) => (c.list = c.list.slice(k)), 'main.Counter.list: main/user reads, main/user writes'],
  ])('%s', (_, use, both) => {
    expect(raceIn(sharing(use, false), few)).toBe(`race: ${both}`);
    expect(raceIn(sharing(use, true), few)).toBe('silent');
  });

  test('different fields and elements are different variables; two reads are no race', () => {
    expect(
      raceIn(
        sharing((c, k) => (k === 0 ? (c.inner.a = 1) : (c.inner.b = 2)), false),
        few,
      ),
    ).toBe('silent');
    expect(
      raceIn(
        sharing((c, k) => c.list.set(k, 1), false),
        few,
      ),
    ).toBe('silent');
    expect(
      raceIn(
        sharing((c) => void (c.n + c.list.get(0)), false),
        few,
      ),
    ).toBe('silent');
  });

  test('a map is one variable', () => {
    const program = (writes: boolean): GoFunc<[]> =>
      function* main(go) {
        const m = go.make(map(i32, i32));
        m.set(7, 7);
        function* user(_go: Go, mine: typeof m, k: number) {
          if (writes && k === 1) mine.set(k, k);
          else mine.get(k);
        }
        go.go(user, m, 0);
        go.go(user, m, 1);
      };
    expect(raceIn(program(true), few)).toBe('race: a map[int32]int32: main/user reads, main/user writes');
    expect(raceIn(program(false), few)).toBe('silent');
  });

  test('memory that is used again is another object', () => {
    const program: GoFunc<[]> = function* main(go) {
      const ch = go.chan(i32, 1);
      function* user(go: Go) {
        const f = go.locals({ c: Counter });
        for (let i = 0; i < 3; i++) {
          f.c = go.new(Counter);
          f.c.n = i;
          f.c = null;
          yield* go.gc();
        }
        yield* ch.send(1);
      }
      go.go(user);
      go.go(user);
      yield* ch.recv();
      yield* ch.recv();
    };
    expect(exploreSync(program, { schedules: 20 }).failure).toBeNull();
  });

  test('the report names the field and both places', () => {
    const { failure } = exploreSync(sharing((c) => c.n++, false));
    expect(failure!.message).toMatch(
      /^WARNING: DATA RACE\n(Read|Write) at main\.Counter\.n by goroutine \d+ \(main\/user.*\):\n {2}main\./,
    );
    expect(failure!.message).toContain('races.test.ts:');
  });
});
