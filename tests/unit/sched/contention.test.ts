// Who waits for whom, and how long: what the block and the mutex profile say of small programs whose waits are known.
import { describe, expect, test } from 'vitest';
import { type Go, type GoFunc, i32, type Options, type Runtime } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const profiled: Options = { blockProfileRate: 1, mutexProfileFraction: 1 };

/** Records as `count cycles leaf < … < outermost`, without package paths; times in whole microseconds. */
function lines(rt: Runtime, what: 'blockProfile' | 'mutexProfile'): string[] {
  const { symtab } = rt.machine;
  return rt[what]()
    .map((r) => `${r.count} ${Math.round(r.cycles / 1e3)}us ${r.stack.map((pc) => symtab.frame(pc).func).join(' < ')}`)
    .sort();
}

/** A goroutine that does something after a millisecond. */
function later(go: Go, body: () => void): void {
  go.go(function* helper(go) {
    yield* go.sleep(1e6);
    body();
  });
}

describe('where goroutines wait', () => {
  const cases: [string, GoFunc<[]>, string[]][] = [
    [
      'a receive',
      function* main(go) {
        const ch = go.chan(i32, 1);
        later(go, () => ch.trySend(1));
        yield* ch.recv();
      },
      ['1 1000us runtime.chanrecv1 < main.main'],
    ],
    [
      'a receive that a close ends',
      function* main(go) {
        const ch = go.chan(i32);
        later(go, () => ch.close());
        yield* ch.recv();
      },
      ['1 1000us runtime.chanrecv1 < main.main'],
    ],
    [
      'a send',
      function* main(go) {
        const ch = go.chan(i32);
        later(go, () => ch.tryRecv());
        yield* ch.send(1);
      },
      ['1 1000us runtime.chansend1 < main.main'],
    ],
    [
      'a select',
      function* main(go) {
        const [a, b] = [go.chan(i32), go.chan(i32)];
        later(go, () => b.tryRecv());
        yield* go.select([a.recvCase(), b.sendCase(1)]);
      },
      ['1 1000us runtime.selectgo < main.main'],
    ],
    [
      'a mutex',
      function* main(go) {
        const mu = go.mutex();
        yield* mu.lock();
        later(go, () => mu.unlock());
        yield* mu.lock();
      },
      ['1 1000us sync.(*Mutex).Lock < main.main'],
    ],
    [
      'readers and writers',
      function* main(go) {
        const mu = go.rwMutex();
        yield* mu.lock();
        later(go, () => mu.unlock());
        yield* mu.rLock();
        later(go, () => mu.rUnlock());
        yield* mu.lock();
        later(go, () => mu.unlock());
        yield* mu.lock();
      },
      [
        '1 1000us sync.(*Mutex).Lock < sync.(*RWMutex).Lock < main.main',
        '1 1000us sync.(*RWMutex).Lock < main.main',
        '1 1000us sync.(*RWMutex).RLock < main.main',
      ],
    ],
    [
      'a WaitGroup',
      function* main(go) {
        const wg = go.waitGroup();
        wg.add(1);
        later(go, () => wg.done());
        yield* wg.wait();
      },
      ['1 1000us sync.(*WaitGroup).Wait < main.main'],
    ],
    [
      'a semaphore',
      function* main(go) {
        const sema = go.semaphore();
        later(go, () => sema.release());
        yield* sema.acquire();
      },
      ['1 1000us sync.runtime_Semacquire < main.main'],
    ],
    [
      'a Cond, and then its lock',
      function* main(go) {
        const mu = go.mutex();
        const cond = go.cond(mu);
        yield* mu.lock();
        go.go(function* signals(go) {
          yield* go.sleep(1e6);
          yield* mu.lock();
          cond.signal();
          yield* go.sleep(2e6);
          mu.unlock();
        });
        yield* cond.wait();
      },
      ['1 1000us sync.(*Cond).Wait < main.main', '1 2000us sync.(*Mutex).Lock < main.main'],
    ],
  ];
  for (const era of ['1.19', '2014'] as const) {
    test.each(cases)(`era ${era}: %s`, (_, main, want) => {
      const { rt } = run(main, { era, blockProfileRate: 1 });
      expect(lines(rt, 'blockProfile')).toEqual(want);
    });
  }

  test('what does not wait for another goroutine, and what never ends, is in no profile', () => {
    const { rt } = run(function* main(go) {
      const full = go.chan(i32, 1);
      go.go(function* stuck() {
        yield* go.chan(i32).recv();
      });
      go.go(function* nil() {
        yield* go.nilChan(i32).recv();
      });
      go.go(function* nothing(go) {
        yield* go.select([]);
      });
      yield* full.send(1);
      yield* full.recv();
      yield* go.sleep(5e6);
      yield* go.syscall(1e6);
      yield* go.gc();
      yield* go.gosched();
    }, profiled);
    expect([lines(rt, 'blockProfile'), lines(rt, 'mutexProfile')]).toEqual([[], []]);
  });

  test('a wait that began before the profile was switched on, or ends after it was switched off, does not count', () => {
    for (const on of [true, false]) {
      const { rt } = run(
        function* main(go) {
          const ch = go.chan(i32);
          go.go(function* waits() {
            yield* ch.recv();
          });
          yield* go.sleep(1e6);
          go.setBlockProfileRate(on ? 1 : 0);
          yield* ch.send(1);
          yield* go.sleep(1e6);
          go.setBlockProfileRate(0);
          go.setBlockProfileRate(1);
          later(go, () => ch.trySend(2));
          yield* ch.recv2();
        },
        { blockProfileRate: on ? 0 : 1 },
      );
      expect(lines(rt, 'blockProfile')).toEqual(['1 1000us runtime.chanrecv1 < main.main']);
    }
  });

  test('in 2014 who waits on a buffered channel may be woken for nothing: that is one wait', () => {
    const { rt } = run(
      function* main(go) {
        const ch = go.chan(i32, 1);
        go.go(function* slow() {
          yield* ch.recv();
        });
        yield* go.sleep(1e6);
        yield* ch.send(1);
        yield* ch.recv(); // faster than the one that was woken
        yield* go.sleep(1e6);
        yield* ch.send(2);
        yield* go.sleep(1e6);
      },
      { era: '2014', blockProfileRate: 1 },
    );
    expect(lines(rt, 'blockProfile')).toEqual(['1 2000us runtime.chanrecv1 < main.slow']);
  });
});

describe('who makes others wait', () => {
  test('Unlock is charged with the time since the first waiter came', () => {
    const { rt } = run(function* main(go) {
      const mu = go.mutex();
      const unlockLate = function* (go: Go) {
        yield* go.sleep(1e6);
        mu.unlock();
      };
      yield* mu.lock();
      go.go(function* waits() {
        yield* mu.lock();
        mu.unlock(); // nobody waits
      });
      yield* go.call(unlockLate);
      yield* go.sleep(1e6);
    }, profiled);
    expect(lines(rt, 'mutexProfile')).toEqual(['1 1000us sync.(*Mutex).Unlock < main.main']);
  });

  test('of several waiters the time of each moment counts once', () => {
    const { rt } = run(function* main(go) {
      const mu = go.mutex();
      const done = go.waitGroup();
      done.add(5);
      yield* mu.lock();
      for (let i = 0; i < 5; i++) {
        go.go(function* holder(go) {
          yield* mu.lock();
          yield* go.sleep(2e6);
          mu.unlock();
          done.done();
        });
      }
      yield* go.sleep(1e6);
      mu.unlock();
      yield* done.wait();
    }, profiled);
    expect(lines(rt, 'mutexProfile')).toEqual(['1 1000us sync.(*Mutex).Unlock < main.main', '4 8000us sync.(*Mutex).Unlock < main.holder']);
  });

  test('each kind of unlock has its place; what is no lock has none', () => {
    const { rt } = run(function* main(go) {
      const [mu, sema, wg] = [go.rwMutex(), go.semaphore(), go.waitGroup()];
      wg.add(4);
      const reads = function* reads() {
        yield* mu.rLock();
        mu.rUnlock();
        wg.done();
      };
      const writes = function* writing(go: Go) {
        yield* mu.lock();
        yield* go.sleep(1e6);
        mu.unlock();
        wg.done();
      };
      yield* mu.lock();
      go.go(reads);
      go.go(writes);
      go.go(writes);
      go.go(function* takes() {
        yield* sema.acquire();
        wg.done();
      });
      yield* go.sleep(1e6);
      mu.unlock();
      sema.release();
      yield* wg.wait();
    }, profiled);
    expect(lines(rt, 'mutexProfile').map((line) => line.slice(line.indexOf('us ') + 3))).toEqual([
      'sync.(*Mutex).Unlock < sync.(*RWMutex).Unlock < main.main',
      'sync.(*Mutex).Unlock < sync.(*RWMutex).Unlock < main.writing',
      'sync.(*RWMutex).Unlock < main.main',
    ]);
  });

  test('2014 had none', () => {
    expect(() =>
      run(
        function* main(go) {
          go.setMutexProfileFraction(1);
        },
        { era: '2014' },
      ),
    ).toThrow(new RangeError('setMutexProfileFraction: Go had no mutex profile in 2014'));
    expect(() => run(function* main() {}, { era: '2014', mutexProfileFraction: 1 })).toThrow('option mutexProfileFraction: Go had no');
  });
});

test('the profiles change nothing that the program sees', () => {
  const play = (options: Options) => {
    const times: number[] = [];
    const { stats } = run(
      function* main(go) {
        const ch = go.chan(i32);
        for (let i = 0; i < 3; i++) {
          go.go(function* sends(go) {
            yield* go.sleep(i * 1000);
            yield* ch.send(i);
            times.push(go.now());
          });
        }
        for (let i = 0; i < 3; i++) yield* ch.recv();
      },
      { procs: 2, ...options },
    );
    return { times, nanos: stats.nanos, turns: stats.turns };
  };
  expect(play(profiled)).toEqual(play({}));
});

test('wrong rates are refused', () => {
  run(function* main(go) {
    expect(() => go.setBlockProfileRate(0.5)).toThrow(
      'setBlockProfileRate: got 0.5, wanted a whole number of nanoseconds, 0 or less for off',
    );
    expect(() => go.setMutexProfileFraction(NaN)).toThrow('setMutexProfileFraction: got NaN, wanted a whole number');
    expect([go.setMutexProfileFraction(5), go.setMutexProfileFraction(-1)]).toEqual([0, 5]);
  });
});

test('a record for each thread, with the empty stack that Go has', () => {
  const { rt } = run(
    function* main(go) {
      go.go(function* calls(go) {
        yield* go.syscall(1e6);
      });
      yield* go.sleep(2e6);
      expect(go.threadCreateProfile()).toHaveLength(go.runtime.machine.sched.ms.count);
    },
    { procs: 2 },
  );
  expect(rt.threadCreateProfile().length).toBeGreaterThan(2);
  expect(new Set(rt.threadCreateProfile().map(({ stack }) => stack.length))).toEqual(new Set([0]));
});
