// Go's tests of package sync: mutex, rwmutex, waitgroup, once, cond, pool, runtime_sema. See chan.test.ts for the schedules.
import { describe, expect, test } from 'vitest';
import { type Go, type GoFunc, host, i32, type Options, panic, RandomChooser, self, struct } from '../../runtime/index.ts';
import { death, run } from '../support/run.ts';

const plain: Options = { heapBytes: 4 << 20, maxGoroutines: 128, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

function everywhere(procs: number, main: GoFunc<[]>): void {
  run(main, plain);
  run(main, { ...plain, procs });
  for (let seed = 1; seed <= 3; seed++) run(main, { ...plain, procs, chooser: new RandomChooser(seed), checkMark: true });
}

/** What a program dies of: its first line. */
const lastWord = (main: GoFunc<[]>, options: Options = {}) => death(main, options).message.split('\n')[0];

describe('mutex', () => {
  test('TestSemaphore: one at a time, whoever releases', () => {
    everywhere(4, function* main(go) {
      const s = go.semaphore(1);
      const done = go.chan(i32);
      let inside = 0;
      for (let k = 0; k < 10; k++) {
        go.go(function* hammer(go: Go) {
          for (let i = 0; i < 20; i++) {
            yield* s.acquire();
            expect(++inside).toBe(1);
            yield* go.gosched();
            inside--;
            s.release();
          }
          yield* done.send(1);
        });
      }
      for (let k = 0; k < 10; k++) yield* done.recv();
    });
  });

  test('TestMutex: one at a time, with TryLock in between', () => {
    everywhere(4, function* main(go) {
      const m = go.mutex();
      yield* m.lock();
      expect(m.tryLock()).toBe(false);
      m.unlock();
      expect(m.tryLock()).toBe(true);
      m.unlock();
      const done = go.chan(i32);
      let inside = 0;
      for (let k = 0; k < 10; k++) {
        go.go(function* hammer(go: Go) {
          for (let i = 0; i < 30; i++) {
            if (i % 3 === 0 && m.tryLock()) {
              m.unlock();
              continue;
            }
            yield* m.lock();
            expect(++inside).toBe(1);
            yield* go.gosched();
            inside--;
            m.unlock();
          }
          yield* done.send(1);
        });
      }
      for (let k = 0; k < 10; k++) yield* done.recv();
    });
  });

  test('TestMutexMisuse: misuse is fatal, whether or not somebody could recover', () => {
    const misuse: [(go: Go) => unknown, string][] = [
      [(go) => go.mutex().unlock(), 'sync: unlock of unlocked mutex'],
      [(go) => go.rwMutex().unlock(), 'sync: Unlock of unlocked RWMutex'],
      [(go) => go.rwMutex().rUnlock(), 'sync: RUnlock of unlocked RWMutex'],
    ];
    for (const [what, words] of misuse) {
      expect(
        lastWord(function* main(go) {
          go.defer(() => go.recover());
          what(go);
        }),
      ).toBe(`fatal error: ${words}`);
      expect(
        lastWord(
          function* main(go) {
            what(go);
          },
          { era: '2014' },
        ),
      ).toBe(`panic: ${words}`);
    }
    const twice: [(go: Go) => Generator<void, void, void>, string][] = [
      [
        function* (go) {
          const m = go.mutex();
          yield* m.lock();
          m.unlock();
          m.unlock();
        },
        'sync: unlock of unlocked mutex',
      ],
      [
        function* (go) {
          const m = go.rwMutex();
          yield* m.rLock();
          m.unlock();
        },
        'sync: Unlock of unlocked RWMutex',
      ],
      [
        function* (go) {
          const m = go.rwMutex();
          yield* m.lock();
          m.rUnlock();
        },
        'sync: RUnlock of unlocked RWMutex',
      ],
    ];
    for (const [main, words] of twice) expect(lastWord(main)).toBe(`fatal error: ${words}`);
  });

  test('TestMutexFairness: who holds it for long and asks again at once does not starve the other', () => {
    let got = 0;
    run(function* main(go) {
      const mu = go.mutex();
      let stop = false;
      go.go(function* greedy(go: Go) {
        while (!stop) {
          yield* mu.lock();
          yield* go.sleep(100_000);
          mu.unlock();
        }
      });
      const done = go.chan(i32, 1);
      go.go(function* modest(go: Go) {
        for (let i = 0; i < 10; i++) {
          yield* go.sleep(100_000);
          yield* mu.lock();
          got++;
          mu.unlock();
        }
        yield* done.send(1);
      });
      yield* done.recv();
      stop = true;
      expect(go.now()).toBeLessThan(10e9);
    }, plain);
    expect(got).toBe(10);
  });

  test('and in the era 2014, without starvation mode, it may starve', () => {
    let got = 0;
    run(
      function* main(go) {
        const mu = go.mutex();
        go.go(function* greedy(go: Go) {
          for (;;) {
            yield* mu.lock();
            yield* go.sleep(100_000);
            mu.unlock();
          }
        });
        go.go(function* modest(go: Go) {
          for (;;) {
            yield* mu.lock();
            got++;
            mu.unlock();
            yield* go.gosched();
          }
        });
        yield* go.sleep(50e6);
      },
      { ...plain, era: '2014' },
    );
    expect(got).toBeLessThan(2);
  });

  test('waiters get it in the order in which they came', () => {
    const order: number[] = [];
    run(function* main(go) {
      const mu = go.mutex();
      yield* mu.lock();
      for (let i = 0; i < 5; i++) {
        go.go(function* waiter(_go: Go, i: number) {
          yield* mu.lock();
          order.push(i);
          mu.unlock();
        }, i);
        yield* go.gosched();
      }
      mu.unlock();
      yield* go.sleep(1e6);
    });
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('rwmutex', () => {
  test('TestParallelReaders: all readers at once', () => {
    for (const n of [1, 3, 4, 10]) {
      everywhere(4, function* main(go) {
        const m = go.rwMutex();
        const [locked, unlock, done] = [go.chan(i32), go.chan(i32), go.chan(i32)];
        for (let i = 0; i < n; i++) {
          go.go(function* reader() {
            yield* m.rLock();
            yield* locked.send(1);
            yield* unlock.recv();
            m.rUnlock();
            yield* done.send(1);
          });
        }
        for (let i = 0; i < n; i++) yield* locked.recv();
        for (let i = 0; i < n; i++) yield* unlock.send(1);
        for (let i = 0; i < n; i++) yield* done.recv();
      });
    }
  });

  test('TestRWMutex: readers together, writers alone', () => {
    everywhere(4, function* main(go) {
      const m = go.rwMutex();
      yield* m.lock();
      expect([m.tryLock(), m.tryRLock()]).toEqual([false, false]);
      m.unlock();
      expect(m.tryLock()).toBe(true);
      m.unlock();
      yield* m.rLock();
      yield* m.rLock();
      expect([m.tryRLock(), m.tryLock()]).toEqual([true, false]);
      for (let k = 0; k < 3; k++) m.rUnlock();

      const done = go.chan(i32);
      let activity = 0; // readers count 1, writers 10,000
      function* reader(go: Go) {
        for (let i = 0; i < 15; i++) {
          yield* m.rLock();
          activity++;
          expect(activity).toBeLessThan(10_000);
          yield* go.gosched();
          activity--;
          m.rUnlock();
        }
        yield* done.send(1);
      }
      function* writer(go: Go) {
        for (let i = 0; i < 15; i++) {
          yield* m.lock();
          activity += 10_000;
          expect(activity).toBe(10_000);
          yield* go.gosched();
          activity -= 10_000;
          m.unlock();
        }
        yield* done.send(1);
      }
      go.go(writer);
      for (let k = 0; k < 5; k++) go.go(reader);
      go.go(writer);
      for (let k = 0; k < 5; k++) go.go(reader);
      for (let k = 0; k < 12; k++) yield* done.recv();
    });
  });

  test('TestRLocker: a Locker of the reading side', () => {
    everywhere(2, function* main(go) {
      const wl = go.rwMutex();
      const rl = wl.rLocker();
      const [wlocked, rlocked] = [go.chan(i32, 1), go.chan(i32, 1)];
      const n = 10;
      go.go(function* other() {
        for (let i = 0; i < n; i++) {
          yield* rl.lock();
          yield* rl.lock();
          yield* rlocked.send(1);
          yield* wl.lock();
          yield* wlocked.send(1);
        }
      });
      for (let i = 0; i < n; i++) {
        yield* rlocked.recv();
        rl.unlock();
        expect(wlocked.tryRecv(), 'a reader has it still').toBe(null);
        rl.unlock();
        yield* wlocked.recv();
        expect(rlocked.tryRecv(), 'a writer has it').toBe(null);
        wl.unlock();
      }
    });
  });

  test('a writer that waits keeps new readers out', () => {
    const log: string[] = [];
    run(function* main(go) {
      const m = go.rwMutex();
      yield* m.rLock();
      go.go(function* writer() {
        yield* m.lock();
        log.push('writer');
        m.unlock();
      });
      yield* go.gosched();
      expect(m.tryRLock()).toBe(false);
      go.go(function* reader() {
        yield* m.rLock();
        log.push('reader');
        m.rUnlock();
      });
      yield* go.gosched();
      expect(log).toEqual([]);
      m.rUnlock();
      yield* go.sleep(1e6);
    });
    expect(log).toEqual(['writer', 'reader']);
  });
});

describe('waitgroup', () => {
  test('TestWaitGroup: sixteen wait for sixteen, eight times', () => {
    everywhere(4, function* main(go) {
      const [a, b] = [go.waitGroup(), go.waitGroup()];
      for (let round = 0; round < 8; round++) {
        const n = 16;
        a.add(n);
        b.add(n);
        const exited = go.chan(i32, n);
        for (let i = 0; i < n; i++) {
          go.go(function* both() {
            a.done();
            yield* b.wait();
            yield* exited.send(1);
          });
        }
        yield* a.wait();
        for (let i = 0; i < n; i++) {
          expect(exited.tryRecv(), 'b has not been done').toBe(null);
          b.done();
        }
        for (let i = 0; i < n; i++) yield* exited.recv();
      }
    });
  });

  test('TestWaitGroupMisuse: more done than added', () => {
    let value: unknown;
    run(function* main(go) {
      yield* go.call(function* (go) {
        go.defer(() => {
          value = go.recover();
        });
        const wg = go.waitGroup();
        wg.add(1);
        wg.done();
        wg.done();
        expect.unreachable();
      });
    });
    expect(value).toBe('sync: negative WaitGroup counter');
  });

  test('TestWaitGroupRace: whoever has waited sees what was done', () => {
    everywhere(3, function* main(go) {
      for (let i = 0; i < 50; i++) {
        const wg = go.waitGroup();
        let n = 0;
        for (let k = 0; k < 2; k++) {
          wg.add(1);
          go.go(function* worker(go: Go) {
            yield* go.gosched();
            n++;
            wg.done();
          });
        }
        yield* wg.wait();
        expect(n).toBe(2);
      }
    });
  });
});

describe('once', () => {
  test('TestOnce: ten ask, it is done once, and each finds it done', () => {
    everywhere(4, function* main(go) {
      const once = go.once();
      const done = go.chan(i32);
      let n = 0;
      for (let k = 0; k < 10; k++) {
        go.go(function* asks() {
          yield* once.do(function* () {
            yield* go.sleep(10);
            n++;
          });
          expect(n).toBe(1);
          yield* done.send(1);
        });
      }
      for (let k = 0; k < 10; k++) yield* done.recv();
      expect(n).toBe(1);
    });
  });

  test('TestOncePanic: a panic counts as done', () => {
    run(function* main(go) {
      const once = go.once();
      let caught: unknown;
      yield* go.call(function* (go) {
        go.defer(() => {
          caught = go.recover();
        });
        yield* once.do(() => panic('failed'));
      });
      expect(caught).toBe('failed');
      yield* once.do(() => expect.unreachable());
    });
  });

  test('one that asks within waits for itself', () => {
    expect(
      lastWord(function* main(go) {
        const once = go.once();
        yield* once.do(() => once.do(() => undefined));
      }),
    ).toBe('fatal error: all goroutines are asleep - deadlock!');
  });
});

describe('cond', () => {
  test('TestCondSignal: a signal wakes one', () => {
    everywhere(2, function* main(go) {
      const m = go.mutex();
      const c = go.cond(m);
      const n = 2;
      const [running, awake] = [go.chan(i32, n), go.chan(i32, n)];
      for (let i = 0; i < n; i++) {
        go.go(function* waits() {
          yield* m.lock();
          yield* running.send(1);
          yield* c.wait();
          yield* awake.send(1);
          m.unlock();
        });
      }
      for (let i = 0; i < n; i++) yield* running.recv();
      for (let left = n; left > 0; left--) {
        expect(awake.tryRecv(), 'nobody was woken').toBe(null);
        yield* m.lock();
        c.signal();
        m.unlock();
        yield* awake.recv();
        expect(awake.tryRecv(), 'one was woken').toBe(null);
      }
      c.signal();
    });
  });

  test('TestCondSignalGenerations: the one that has waited longest goes first', () => {
    const n = 20;
    const woken: number[] = [];
    run(function* main(go) {
      const m = go.mutex();
      const c = go.cond(m);
      const [running, awake] = [go.chan(i32, n), go.chan(i32, n)];
      for (let i = 0; i < n; i++) {
        go.go(function* waits(_go: Go, i: number) {
          yield* m.lock();
          yield* running.send(1);
          yield* c.wait();
          yield* awake.send(i);
          m.unlock();
        }, i);
        if (i > 0) woken.push(yield* awake.recv());
        yield* running.recv();
        yield* m.lock();
        c.signal();
        m.unlock();
      }
    }, plain);
    expect(woken).toEqual(Array.from({ length: n - 1 }, (_, i) => i));
  });

  test('TestCondBroadcast: wakes all, again and again', () => {
    everywhere(3, function* main(go) {
      const m = go.mutex();
      const c = go.cond(m);
      const n = 20;
      const [running, awake] = [go.chan(i32, n), go.chan(i32, n)];
      let exit = false;
      for (let i = 0; i < n; i++) {
        go.go(function* waits(_go: Go, g: number) {
          yield* m.lock();
          while (!exit) {
            yield* running.send(g);
            yield* c.wait();
            yield* awake.send(g);
          }
          m.unlock();
        }, i);
      }
      for (let round = 0; round < n; round++) {
        for (let i = 0; i < n; i++) yield* running.recv();
        if (round === n - 1) {
          yield* m.lock();
          exit = true;
          m.unlock();
        }
        expect(awake.tryRecv()).toBe(null);
        yield* m.lock();
        c.broadcast();
        m.unlock();
        const seen = new Set<number>();
        for (let i = 0; i < n; i++) seen.add(yield* awake.recv());
        expect(seen.size, 'each was woken once').toBe(n);
      }
    });
  });

  test('TestRace: three steps in turn, by one condition', () => {
    everywhere(3, function* main(go) {
      let x = 0;
      const m = go.mutex();
      const c = go.cond(m);
      const done = go.chan(i32);
      go.go(function* first() {
        yield* m.lock();
        x = 1;
        yield* c.wait();
        expect(x).toBe(2);
        x = 3;
        c.signal();
        m.unlock();
        yield* done.send(1);
      });
      go.go(function* second(go: Go) {
        yield* m.lock();
        for (;;) {
          if (x === 1) {
            x = 2;
            c.signal();
            break;
          }
          m.unlock();
          yield* go.gosched();
          yield* m.lock();
        }
        m.unlock();
        yield* done.send(1);
      });
      go.go(function* third(go: Go) {
        yield* m.lock();
        for (;;) {
          if (x === 2) {
            yield* c.wait();
            expect(x).toBe(3);
            break;
          }
          if (x === 3) break;
          m.unlock();
          yield* go.gosched();
          yield* m.lock();
        }
        m.unlock();
        yield* done.send(1);
      });
      for (let k = 0; k < 3; k++) yield* done.recv();
    });
  });

  test('TestCondSignalStealing: a signal is not lost to one that does not wait', () => {
    everywhere(3, function* main(go) {
      for (let round = 0; round < 20; round++) {
        const m = go.mutex();
        const cond = go.cond(m);
        const ch = go.chan(i32);
        go.go(function* waits() {
          yield* m.lock();
          yield* ch.send(1);
          yield* cond.wait();
          m.unlock();
          yield* ch.send(1);
        });
        yield* ch.recv();
        yield* m.lock();
        m.unlock();
        let done = false;
        go.go(function* waitsToo() {
          yield* m.lock();
          while (!done) yield* cond.wait();
          m.unlock();
        });
        cond.signal();
        yield* ch.recv();
        done = true;
        cond.broadcast();
        yield* go.gosched();
      }
    });
  });
});

describe('pool', () => {
  const Item = struct('pool.Item', { id: i32, next: self });
  const off: Options = { ...plain, gogc: 'off' };

  test('TestPool: gives the own one first, then the newest, then what a collection has left, then nothing', () => {
    run(function* main(go) {
      const p = go.pool(host<string>());
      expect(p.get()).toBe(undefined);
      for (const s of ['a', 'b', 'c']) p.put(s);
      expect([p.get(), p.get(), p.get(), p.get()]).toEqual(['a', 'c', 'b', undefined]);
      for (let i = 0; i < 100; i++) p.put('c');
      yield* go.gc();
      expect(p.get(), 'after one collection').toBe('c');
      yield* go.gc();
      expect(p.get(), 'after two').toBe(undefined);
    }, off);
  });

  test('TestPool of pointers: what is in it lives, and no longer', () => {
    run(function* main(go) {
      const f = go.locals({ n: Item, back: Item });
      const p = go.pool(Item);
      f.n = go.new(Item);
      f.n.id = 5;
      const weak = go.weak(f.n);
      p.put(f.n);
      f.n = null;
      yield* go.gc();
      f.back = p.get();
      expect(f.back!.id).toBe(5);
      p.put(f.back);
      f.back = null;
      yield* go.gc();
      expect(weak.value()).not.toBe(null);
      yield* go.gc();
      yield* go.gc();
      expect(weak.value()).toBe(null);
      expect(p.get()).toBe(null);
    }, off);
  });

  test('in the era 2014 a collection drops everything', () => {
    run(
      function* main(go) {
        const p = go.pool(host<number>());
        p.put(1);
        yield* go.gc();
        expect(p.get()).toBe(undefined);
      },
      { ...off, era: '2014', gogc: 100 },
    );
  });

  test('TestPoolNew: makes a new one when it has none', () => {
    run(function* main(go) {
      let i = 0;
      const p = go.pool(host<number>(), () => ++i);
      expect([p.get(), p.get()]).toEqual([1, 2]);
      p.put(42);
      expect([p.get(), p.get()]).toEqual([42, 3]);
    }, off);
  });

  test('TestPoolStress: many put and get on several Ps; nothing comes out that was not put in', () => {
    everywhere(4, function* main(go) {
      const p = go.pool(host<number>());
      const done = go.chan(i32);
      for (let k = 0; k < 10; k++) {
        go.go(function* both(go: Go) {
          let v = 0;
          for (let j = 0; j < 50; j++) {
            p.put(v);
            if (j % 7 === 0) yield* go.gosched();
            v = p.get() ?? 0;
            expect(v).toBe(0);
          }
          yield* done.send(1);
        });
      }
      for (let k = 0; k < 10; k++) yield* done.recv();
    });
  });
});
