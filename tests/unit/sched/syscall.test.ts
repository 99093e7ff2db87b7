// System calls and promises: who keeps which P, what is told of it, and in which time. Times are virtual.
import { describe, expect, test } from 'vitest';
import { bool, type Go, type GoFunc, host, Runtime } from '../../../runtime/index.ts';
import { Ev, eventNames } from '../../../runtime/internal/events.ts';
import { checkedOptions, run } from '../../support/run.ts';

/** What is told of goroutine `goid` from its first system call on. */
function toldOf(goid: number, main: GoFunc<[]>, procs = 1): string[] {
  const told: string[] = [];
  const rt = new Runtime({ ...checkedOptions, procs });
  rt.machine.subscribe((kind, a) => {
    const aboutG = kind === Ev.goPark || kind === Ev.goStart || kind === Ev.goEnd || (kind >= Ev.goSysCall && kind <= Ev.goSysExit);
    if (a === goid && (aboutG || kind === Ev.goSysBlock) && (told.length > 0 || kind === Ev.goSysCall)) told.push(eventNames[kind]!);
  });
  rt.run(main);
  return told;
}

/** Another goroutine that wants the P all the time. */
function* busy(go: Go) {
  for (;;) yield* go.sleep(0);
}

describe('a system call', () => {
  test('that is short comes back to its P as if nothing had been', () => {
    const main: GoFunc<[]> = function* main(go) {
      const before = go.now();
      yield* go.syscall(5000);
      expect(go.now() - before).toBeGreaterThanOrEqual(5000);
      expect(go.now() - before).toBeLessThan(6000);
    };
    expect(toldOf(1, main)).toEqual(['GoSysCall', 'GoEnd']);
  });

  test('keeps its P for a sysmon round at most when others want it; then it waits for its turn in the global queue', () => {
    const main: GoFunc<[]> = function* main(go) {
      go.go(busy);
      yield* go.syscall(1e6);
    };
    expect(toldOf(1, main)).toEqual(['GoSysCall', 'GoSysBlock', 'GoSysExit', 'GoStart', 'GoEnd']);
  });

  test('takes an idle P when its own is gone', () => {
    const main: GoFunc<[]> = function* main(go) {
      go.go(function* short(go) {
        for (let i = 0; i < 20; i++) yield* go.sleep(100e3);
      });
      yield* go.syscall(1e6);
      yield* go.sleep(1e6);
    };
    expect(toldOf(1, main).slice(0, 4)).toEqual(['GoSysCall', 'GoSysBlock', 'GoSysExit', 'GoStart']);
  });

  test('of every goroutine at once takes no longer than one of them', () => {
    const { stats, rt } = run(function* main(go) {
      const done = go.waitGroup();
      done.add(50);
      for (let i = 0; i < 50; i++) {
        go.go(function* caller(go) {
          yield* go.syscall(10e6);
          done.done();
        });
      }
      yield* done.wait();
    });
    expect(stats.nanos).toBeLessThan(25e6);
    expect(rt.machine.sched.ms.count).toBeGreaterThan(40);
  });

  test('is in the dump, and no deadlock', () => {
    const { stats } = run(function* main(go) {
      go.go(function* caller(go) {
        yield* go.syscall(1e9);
      });
      yield* go.sleep(1e6);
      expect(go.stack(true)).toContain('goroutine 5 [syscall]:\nmain.caller(...)');
      yield* go.syscall(2e9);
    });
    expect(stats.nanos).toBeGreaterThan(2e9);
  });

  test('of no length or of an impossible one', () => {
    run(function* main(go) {
      yield* go.syscall(0);
      for (const nanos of [-1, NaN, Infinity]) {
        expect(() => go.syscall(nanos)).toThrow(`go.syscall: got ${nanos}, wanted virtual nanoseconds, 0 or more`);
      }
    });
  });
});

test('a goroutine that waits for minutes says so, once a collection has seen it', () => {
  run(function* main(go) {
    const ch = go.chan(bool);
    go.go(function* waiter() {
      yield* ch.recv();
    });
    yield* go.sleep(60e9);
    expect(go.stack(true)).toContain(' [chan receive]:');
    yield* go.gc();
    yield* go.sleep(5.5 * 60e9);
    expect(go.stack(true)).toContain(' [chan receive, 5 minutes]:');
    yield* ch.send(true);
  });
});

describe('a promise', () => {
  const later = <T>(value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), 5));

  test('is waited for in no virtual time, while the others wait too', async () => {
    const log: unknown[] = [];
    const rt = new Runtime(checkedOptions);
    const stats = await rt.runAsync(function* main(go) {
      const out = go.chan(host<string>(), 2);
      go.go(function* fetcher(go) {
        yield* out.send(yield* go.await(later('fetched')));
      });
      go.go(function* sleeper(go) {
        yield* go.sleep(1e9);
        yield* out.send('slept');
      });
      log.push(yield* out.recv(), go.now() < 1e6, yield* out.recv());
    });
    expect(log).toEqual(['fetched', true, 'slept']);
    expect(stats.nanos).toBeLessThan(1.1e9);
  });

  test('that is rejected throws what it was rejected with', async () => {
    let caught: unknown;
    await new Runtime(checkedOptions).runAsync(function* main(go) {
      try {
        yield* go.await(Promise.reject(new Error('no such host')));
      } catch (error) {
        caught = error;
      }
    });
    expect((caught as Error).message).toBe('no such host');
  });

  test('needs a host that waits', () => {
    expect(() =>
      run(function* main(go) {
        yield* go.await(later(1));
      }),
    ).toThrow('go.await: nobody waits for promises; start the program with runAsync instead of run');
  });

  test('many, with a program that goes on meanwhile, and ends with a deadlock when nothing is left', async () => {
    const got: number[] = [];
    const rt = new Runtime({ ...checkedOptions, procs: 3 });
    await expect(
      rt.runAsync(function* main(go) {
        for (let i = 0; i < 10; i++) {
          go.go(function* fetcher(go) {
            got.push(yield* go.await(later(i)));
          });
        }
        yield* go.chan(bool).recv();
      }),
    ).rejects.toThrow('all goroutines are asleep - deadlock!');
    expect(got.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
