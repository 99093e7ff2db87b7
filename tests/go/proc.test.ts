// proc_test.go: the scheduler. A goroutine that computes has yield points in its loop (`yield* compute(go)`, a sleep of no time): a
// plain function cannot be interrupted. Times are virtual.
import { describe, expect, test } from 'vitest';
import { type Blocking, bool, type Go, type GoFunc, type Options, Runtime } from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import { schedFindings } from '../../sched/check.ts';
import { death, run } from '../support/run.ts';

const ms = 1e6;
const options: Options = { heapBytes: 4 << 20, checkHeap: false, checkMark: false };

/** A yield point: goes on at once unless others want the P. */
function compute(go: Go): Blocking<void> {
  return go.sleep(0);
}

test('TestStopTheWorldDeadlock: collections, GOMAXPROCS and a goroutine that never blocks do not wait for each other', () => {
  run(function* main(go) {
    const max = go.gomaxprocs(3);
    const done = go.chan(bool, 2);
    let stop = false;
    go.go(function* collector(go) {
      for (let i = 0; i < 50; i++) yield* go.gc();
      yield* done.send(true);
    });
    go.go(function* resizer(go) {
      for (let i = 0; i < 50; i++) {
        go.gomaxprocs(i % 2 === 0 ? 2 : 3);
        yield* compute(go);
      }
      yield* done.send(true);
    });
    go.go(function* perpetuumMobile(go) {
      while (!stop) yield* compute(go);
    });
    yield* done.recv();
    yield* done.recv();
    stop = true;
    go.gomaxprocs(max);
    expect(go.gomaxprocs()).toBe(1);
    expect(schedFindings(go.runtime.machine.sched)).toEqual([]);
  }, options);
});

/** A goroutine that yields until it is told to stop. */
const yieldProgress = (locked: boolean): GoFunc<[]> =>
  function* main(go) {
    const c = go.chan(bool);
    const ack = go.chan(bool);
    go.go(function* yielder(go) {
      if (locked) go.lockOSThread();
      while (go.trySelect([c.recvCase()]).index < 0) yield* go.gosched();
      yield* ack.send(true);
    });
    yield* go.sleep(10 * ms);
    yield* c.send(true);
    yield* ack.recv();
  };

test('TestYieldProgress: Gosched lets others run', () => {
  run(yieldProgress(false), options);
});

test('TestYieldLockedProgress: also when the goroutine is locked to its thread', () => {
  run(yieldProgress(true), options);
});

test('TestYieldLocked: a goroutine that is locked to its thread yields, sleeps and ends with the lock held', () => {
  const { rt } = run(function* main(go) {
    const c = go.chan(bool);
    go.go(function* locked(go) {
      go.lockOSThread();
      for (let i = 0; i < 10; i++) {
        yield* go.gosched();
        yield* go.sleep(ms);
      }
      yield* c.send(true);
    });
    yield* c.recv();
    yield* go.sleep(ms);
  }, options);
  expect(rt.machine.sched.locks.count).toBe(0);
});

test.each([3, 4])('TestGoroutineParallelism: %i goroutines run at once, each waiting for the others without blocking', (p) => {
  for (let n = 0; n < 3; n++) {
    run(
      function* main(go) {
        const done = go.chan(bool);
        let x = 0;
        function* runner(go: Go, k: number) {
          for (let i = 0; i < 3; i++) {
            while (x !== p * i + k) yield* compute(go);
            x = p * i + k + 1;
          }
          yield* done.send(true);
        }
        const from = go.now();
        for (let k = 0; k < p; k++) go.go(runner, k);
        for (let k = 0; k < p; k++) yield* done.recv();
        expect(go.now() - from, 'nobody waited for a preemption').toBeLessThan(5 * ms);
      },
      { ...options, procs: p, seed: n + 1 },
    );
  }
});

test('TestGoroutineParallelism2: the same when all threads have just gone to sleep', () => {
  run(
    function* main(go) {
      const done = go.chan(bool);
      for (let round = 0; round < 3; round++) {
        let x = 0;
        for (let k = 0; k < 4; k++) {
          go.go(function* runner(go) {
            if (++x === 4) yield* done.send(true);
            else while (x !== 4) yield* compute(go);
          });
        }
        yield* done.recv();
        yield* go.sleep(ms);
      }
    },
    { ...options, procs: 4 },
  );
});

test('TestBlockLocked: a locked goroutine blocks on channels like any other', () => {
  run(function* main(go) {
    const c = go.chan(bool);
    go.go(function* locked(go) {
      go.lockOSThread();
      for (let i = 0; i < 10; i++) yield* c.send(true);
      go.unlockOSThread();
    });
    for (let i = 0; i < 10; i++) yield* c.recv();
  }, options);
});

describe('timers', () => {
  test('TestTimerFairness: a timer fires although others keep the P busy', () => {
    run(function* main(go) {
      const done = go.chan(bool);
      const c = go.chan(bool);
      for (let i = 0; i < 2; i++) {
        go.go(function* sender(go) {
          while ((yield* go.select([c.sendCase(true), done.recvCase()])).index === 0);
        });
      }
      const timer = go.after(20 * ms);
      while ((yield* go.select([c.recvCase(), timer.recvCase()])).index === 0);
      done.close();
      expect(go.now()).toBeLessThan(50 * ms);
    }, options);
  });

  test('TestTimerFairness2: also among goroutines in system calls', () => {
    run(function* main(go) {
      const done = go.chan(bool);
      const c = go.chan(bool);
      for (let i = 0; i < 2; i++) {
        go.go(function* caller(go) {
          const timer = go.after(20 * ms);
          for (;;) {
            yield* go.syscall(100);
            if ((yield* go.select([c.sendCase(true), c.recvCase(), timer.recvCase()])).index === 2) break;
          }
          yield* done.send(true);
        });
      }
      yield* done.recv();
      yield* done.recv();
    }, options);
  });
});

/** Two goroutines that wait for each other without blocking, and one that goes on for ever. */
function preemption(collects: boolean): void {
  const { rt } = run(function* main(go) {
    const c = go.chan(bool);
    let x = 0;
    let stop = false;
    function* spinner(go: Go, k: number) {
      for (let i = 0; i < 3; i++) {
        while (x !== 2 * i + k) yield* compute(go);
        x = 2 * i + k + 1;
      }
      yield* c.send(true);
    }
    for (let k = 0; k < 2; k++) go.go(spinner, k);
    go.go(function* forever(go) {
      while (!stop) yield* compute(go);
    });
    if (collects) for (let i = 0; i < 3; i++) yield* go.gc();
    yield* c.recv();
    yield* c.recv();
    stop = true;
  }, options);
  expect(rt.stats().nanos, 'each turn lasts until sysmon asks').toBeGreaterThan(50 * ms);
}

test('TestPreemption: goroutines that never block take turns', () => preemption(false));

test('TestPreemptionGC: and collections come to their end', () => preemption(true));

test('TestPreemptionAfterSyscall: a goroutine that never blocks again after a system call is preempted', () => {
  for (const nanos of [10e3, 100e3, 1e6]) {
    run(function* main(go) {
      const interval = 2 * ms;
      let stop = false;
      go.go(function* caller(go) {
        yield* go.syscall(nanos);
        while (!stop) yield* compute(go);
      });
      for (let i = 0; i < 3; i++) yield* go.sleep(interval);
      stop = true;
      expect(go.now()).toBeLessThan(100 * ms);
    }, options);
  }
});

test('TestGCFairness: goroutines in endless system calls do not keep a sleeper from waking', () => {
  const { rt } = run(function* main(go) {
    for (let i = 0; i < 2; i++) {
      go.go(function* writer(go) {
        for (;;) yield* go.syscall(200);
      });
    }
    yield* go.sleep(10 * ms);
  }, options);
  expect(rt.stats().nanos).toBeLessThan(40 * ms);
});

test('TestGCFairness2: allocating goroutines share the P although the collector always runs', () => {
  const count = [0, 0, 0];
  run(
    function* main(go) {
      yield* go.setGCPercent(1);
      const f = go.raw.defineType('proc.kilobyte', 1024, []);
      for (let k = 0; k < 3; k++) {
        go.go(function* allocator(go) {
          for (;;) {
            go.raw.new(f);
            count[k]!++;
            yield* compute(go);
          }
        });
      }
      yield* go.sleep(100 * ms);
    },
    { ...options, memProfileRate: 0, checked: false, oracle: false },
  );
  expect(Math.min(...count)).toBeGreaterThan(0);
});

test('TestNumGoroutine: as many as Stack shows, and one at the beginning', () => {
  run(function* main(go) {
    expect(go.numGoroutine()).toBe(1);
    const c = go.chan(bool);
    for (let i = 0; i < 5; i++) {
      go.go(function* waiter() {
        yield* c.recv();
      });
    }
    yield* go.gosched();
    expect(go.numGoroutine()).toBe(6);
    expect(go.stack(true).match(/^goroutine /gm)).toHaveLength(6);
    c.close();
    yield* go.gosched();
    expect(go.numGoroutine()).toBe(1);
  }, options);
});

test('TestNoHelperGoroutines: finalizers, collections and timers have goroutines that no dump shows', () => {
  run(function* main(go) {
    const t = go.afterFunc(1e9, function* late() {});
    yield* go.gc();
    expect(go.stack(true).match(/^goroutine /gm)).toHaveLength(1);
    t.stop();
  }, options);
});

describe('LockOSThread', () => {
  test('TestLockOSThreadNesting: it counts', () => {
    run(function* main(go) {
      const { locks } = go.runtime.machine.sched;
      go.unlockOSThread();
      go.lockOSThread();
      go.lockOSThread();
      go.unlockOSThread();
      expect(locks.count).toBe(1);
      expect(go.stack()).toMatch(/^goroutine 1 \[running, locked to thread\]:/);
      go.unlockOSThread();
      expect(locks.count).toBe(0);
    }, options);
  });

  test('TestLockOSThreadExit: the thread ends with its goroutine, and no other one ever runs on it', () => {
    const ran = new Map<number, number>(); // thread to goroutine, while it is locked
    const ended: number[] = [];
    run(function* main(go) {
      go.runtime.machine.subscribe((kind, a, m) => {
        if (kind === Ev.goStart && ran.has(m)) expect(a).toBe(ran.get(m));
        if (kind === Ev.threadExit) ended.push(a);
      });
      go.go(function* locked(go) {
        const { sched } = go.runtime.machine;
        go.lockOSThread();
        ran.set(sched.pt.m[sched.curp], go.id);
        for (let i = 0; i < 3; i++) yield* go.gosched();
      });
      for (let i = 0; i < 10; i++) yield* go.gosched();
    }, options);
    expect(ended).toEqual([...ran.keys()]);
  });

  test('TestLockedDeadlock: a goroutine that is locked to its thread waits for ever', () => {
    const error = death(function* main(go) {
      go.lockOSThread();
      yield* go.chan(bool).recv();
    }, options);
    expect(error.message).toMatch(/^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[chan receive, locked to thread\]:/);
  });

  test('TestLockedDeadlock2: another one does', () => {
    const error = death(function* main(go) {
      go.go(function* locked(go) {
        go.lockOSThread();
        yield* go.chan(bool).recv();
      });
      yield* go.sleep(ms);
      yield* go.chan(bool).recv();
    }, options);
    expect(error.message).toContain('all goroutines are asleep - deadlock!');
  });
});

test('TestInitDeadlock: a package that waits for ever in its initialization', () => {
  const rt = new Runtime(options);
  rt.init('stuck', function* init(go) {
    yield* go.chan(bool).recv();
  });
  expect(() => rt.run(function* main() {})).toThrow('fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:');
});

test('TestBigGOMAXPROCS: the largest machine, and one more', () => {
  const { rt } = run(
    function* main(go) {
      go.gomaxprocs(256);
      const done = go.waitGroup();
      done.add(300);
      for (let i = 0; i < 300; i++) {
        go.go(function* worker(go) {
          yield* go.sleep(1000);
          done.done();
        });
      }
      yield* done.wait();
      expect(() => go.gomaxprocs(257)).toThrow('go.gomaxprocs: got 257, wanted a whole number up to 256');
      expect(go.gomaxprocs(1)).toBe(256);
    },
    { ...options, maxGoroutines: 400 },
  );
  expect(schedFindings(rt.machine.sched)).toEqual([]);
});
