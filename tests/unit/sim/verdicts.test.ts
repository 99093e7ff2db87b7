// What can be wrong with a schedule, each in the smallest program that shows it, and beside it one that is right and looks alike.
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { host, i32 } from '../../../runtime/index.ts';
import { type ExploreOptions, eventually, exploreSync, type Program } from '../../../sim/index.ts';

function verdictOf(program: Program, options: ExploreOptions = {}): string {
  const { failure } = exploreSync(program, { schedules: 200, maxSteps: 3000, ...options });
  return failure === null ? 'none' : `${failure.verdict}: ${failure.message}`;
}

describe('panics and assertions', () => {
  test('a panic of Go, with its words', () => {
    const closesTwice: Program = function* main(go) {
      const ch = go.chan(i32);
      for (let k = 0; k < 2; k++) {
        go.go(function* closer() {
          yield* go.point();
          ch.close();
        });
      }
    };
    expect(verdictOf(closesTwice)).toBe('panic: close of closed channel');
  });

  test('whatever else is thrown in a goroutine', () => {
    const asserts: Program = function* main(go) {
      const x = go.cell(0, 'x');
      go.go(function* writer() {
        yield* x.set(1);
      });
      assert.equal(yield* x.get(), 0, 'x has changed');
    };
    expect(verdictOf(asserts)).toBe('assertion: x has changed\n\n1 !== 0\n');
  });

  test('a panic that is recovered is none', () => {
    const recovers: Program = function* main(go) {
      go.defer(() => go.recover());
      yield* go.point();
      go.panic('on purpose');
    };
    expect(verdictOf(recovers)).toBe('none');
  });

  test('a send on a channel that was closed while it waited', () => {
    const late: Program = function* main(go) {
      const ch = go.chan(host<string>());
      go.go(function* sender() {
        yield* ch.send('late');
      });
      yield* go.point();
      ch.close();
    };
    expect(verdictOf(late)).toBe('panic: send on closed channel');
  });
});

describe('who is blocked for ever', () => {
  const waits: Program = function* main(go) {
    yield* go.chan(i32).recv();
  };

  test('main: a deadlock', () => {
    expect(verdictOf(waits)).toBe('deadlock: all goroutines are asleep: main: recv chan#1');
  });

  test('main while a ticker ticks for nobody: a partial deadlock', () => {
    const ticks: Program = function* main(go) {
      go.newTicker(1e6);
      yield* go.chan(i32).recv();
    };
    expect(verdictOf(ticks)).toBe('partial deadlock: blocked for ever while others go on: main: recv chan#2');
  });

  test('main while another goroutine goes round with a ticker: as well', () => {
    const ticks: Program = function* main(go) {
      const ticker = go.newTicker(1e6);
      go.go(function* ticking() {
        for (;;) yield* ticker.c.recv();
      });
      yield* go.chan(i32).recv();
    };
    expect(verdictOf(ticks)).toBe('partial deadlock: blocked for ever while others go on: main: recv chan#2');
  });

  test('somebody else when main has returned: a leak, unless leaks are none of our business', () => {
    const leaks: Program = function* main(go) {
      go.go(function* worker() {
        yield* go.mutex().lock();
        yield* go.chan(i32).send(1);
      });
    };
    expect(verdictOf(leaks)).toBe('leak: blocked for ever after main has returned: main/worker: send chan#2');
    expect(verdictOf(leaks, { leaks: false })).toBe('none');
  });

  test('a leak is seen although a ticker goes on for ever', () => {
    const leaks: Program = function* main(go) {
      go.go(function* ticking() {
        for (const ticker = go.newTicker(5); ; ) yield* ticker.c.recv();
      });
      go.go(function* worker() {
        yield* go.chan(i32).send(1);
      });
    };
    expect(verdictOf(leaks)).toMatch(/^leak: blocked for ever after main has returned: main\/worker: send chan#\d$/);
  });

  test('a goroutine that sleeps for long, or goes on for ever, is not blocked', () => {
    const sleeps: Program = function* main(go) {
      go.go(function* heartbeat() {
        for (;;) yield* go.sleep(1e9);
      });
      yield* go.sleep(1e11);
    };
    expect(verdictOf(sleeps)).toBe('none');
  });
});

describe('who goes on for ever', () => {
  test('two who step back for each other: a livelock, although every attempt is made by a fair scheduler', () => {
    const polite = (fixed: boolean): Program =>
      function* main(go) {
        const locks = [go.mutex(), go.mutex()] as const;
        for (const [first, second] of fixed ? [locks, locks] : [locks, [locks[1], locks[0]] as const]) {
          go.go(function* guest() {
            for (;;) {
              yield* first.lock();
              yield* go.point();
              if (second.tryLock()) break;
              first.unlock();
              yield* go.point();
            }
            second.unlock();
            first.unlock();
          });
        }
      };
    const words = 'livelock: the same 6 steps again and again, and nothing comes of them: main/guest, main/guest#2';
    expect(verdictOf(polite(false), { schedules: 1000 })).toMatch(new RegExp(`${words}|${words.replace(/(main.*), (main.*)/, '$2, $1')}`));
    expect(verdictOf(polite(true))).toBe('none');
  });

  test('one who counts its attempts is no livelock', () => {
    const counts: Program = function* main(go) {
      const lock = go.mutex();
      yield* lock.lock();
      for (let k = 0; k < 100 && !lock.tryLock(); k++) yield* go.point();
      lock.unlock();
    };
    expect(verdictOf(counts)).toBe('none');
  });

  test('one who waits for what never comes: a livelock as well', () => {
    const spins: Program = function* main(go) {
      const flag = go.atomic(false, 'flag');
      while (!(yield* flag.load())) yield* go.gosched();
    };
    expect(verdictOf(spins)).toBe('livelock: main has not returned after 3,000 steps: the same steps again and again');
  });

  test('one who has too much to do: the bound of steps', () => {
    const long: Program = function* main(go) {
      const [a, b] = [go.mutex(), go.mutex()];
      for (let k = 0; k < 5000; k++) {
        const lock = (k * k) % 7 < 3 ? a : b;
        go.go(function* other() {
          yield* go.point();
        });
        yield* lock.lock();
        lock.unlock();
      }
    };
    expect(verdictOf(long, { maxGoroutines: 6000, strategy: 'random' })).toBe('steps: main has not returned after 3,000 steps');
  });

  test('one who never yields is told so, if it asks for something', () => {
    const never: Program = function* main(go) {
      const lock = go.mutex();
      yield* lock.lock();
      while (!lock.tryLock());
    };
    expect(verdictOf(never)).toBe(
      'assertion: a goroutine asked 100000 times in vain in one step: its loop never yields; write `yield* go.gosched()` in it',
    );
  });
});

describe('what must be true in the end', () => {
  const sends = (capacity: number): Program =>
    function* main(go) {
      const queue = go.chan(i32, capacity);
      let got = 0;
      eventually(go, 'all is consumed', () => got === 2);
      go.go(function* consumer() {
        for (let k = 0; k < 2; k++) {
          yield* go.point();
          if (queue.tryRecv() !== null) got++;
        }
      });
      for (let k = 0; k < 2; k++) yield* queue.send(k);
    };

  test('is asked when nothing can happen any more', () => {
    expect(verdictOf(sends(2))).toBe('eventually: not true in the end: all is consumed');
  });

  test('and fulfilled by who waits for it', () => {
    const waits: Program = function* main(go) {
      let done = false;
      eventually(go, 'the timer has fired', () => done);
      go.afterFunc(1e9, function* late() {
        done = true;
      });
    };
    expect(verdictOf(waits)).toBe('none');
  });

  test('a property must be a function', () => {
    const wrong: Program = function* main(go) {
      eventually(go, 'x', true as never);
    };
    expect(verdictOf(wrong)).toBe("assertion: eventually 'x': got boolean, wanted a function that gives true or false");
  });
});

test('how far time may run ahead of those who could go on', () => {
  // Whoever is first to lock has the lock for 10 ns; a clock that is early by less cannot show it.
  const late: Program = function* main(go) {
    const done = go.atomic(false, 'done');
    go.afterFunc(10, function* timeout() {
      assert.ok(yield* done.load(), 'timeout');
    });
    yield* done.store(true);
  };
  expect(verdictOf(late, { time: 'idle' })).toBe('none');
  expect(verdictOf(late, { time: { maxSkew: 9 } })).toBe('none');
  expect(verdictOf(late, { time: { maxSkew: 10 } })).toBe('assertion: timeout');
  expect(verdictOf(late, { time: 'chaos' })).toBe('assertion: timeout');
});
