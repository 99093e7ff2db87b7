// Virtual time: each P has a clock, sleeping costs nothing but virtual time, more Ps finish a parallel program earlier and a
// sequential one not at all; and nobody ever sees a clock go back, neither one goroutine its own nor a receiver the sender's.
import { describe, expect, test } from 'vitest';
import { type Go, type GoFunc, host, i32, Runtime, self, struct } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('time.Node', { id: i32, next: self });

/** About n * 8 KiB of garbage: work that takes virtual time. */
const work = (go: Go, n: number) => {
  for (let i = 0; i < n * 512; i++) go.new(Node);
};

const nanosOf = (main: GoFunc<[]>, procs: number) =>
  new Runtime({ procs, heapBytes: 16 << 20, memProfileRate: 0, gogc: 'off' }).run(main).nanos;

describe('sleeping', () => {
  test('sleepers wake in the order of their times, at their times, whenever they were started', () => {
    const log: [number, number][] = [];
    run(function* main(go) {
      const done = go.waitGroup();
      const times = [50, 10, 40, 20, 30, 15, 45];
      done.add(times.length);
      function* sleeper(go: Go, ms: number) {
        const from = go.now();
        yield* go.sleep(ms * 1e6);
        log.push([ms, go.now() - from]);
        done.done();
      }
      for (const ms of times) go.go(sleeper, ms);
      yield* done.wait();
    });
    expect(log.map(([ms]) => ms)).toEqual([10, 15, 20, 30, 40, 45, 50]);
    for (const [ms, slept] of log) {
      expect(slept).toBeGreaterThanOrEqual(ms * 1e6);
      expect(slept).toBeLessThan(ms * 1e6 + 50_000);
    }
  });

  test('an hour passes in no time', () => {
    const { stats } = run(function* main(go) {
      for (let i = 0; i < 60; i++) yield* go.sleep(60e9);
    });
    expect(stats.nanos).toBeGreaterThanOrEqual(3600e9);
    expect(stats.turns).toBe(61);
  });

  test('for no time, or less, returns at once', () => {
    const { stats } = run(function* main(go) {
      yield* go.sleep(0);
      yield* go.sleep(-5);
    });
    expect(stats.turns).toBe(1);
  });

  test('what is no number is refused, and a timer that was set stays so', () => {
    run(function* main(go) {
      expect(() => go.sleep(NaN)).toThrow(new RangeError('go.sleep: got NaN, wanted virtual nanoseconds'));
      expect(() => go.sleep('5' as never)).toThrow(RangeError);
      expect(() => go.after(NaN)).toThrow(new RangeError('a timer: got NaN, wanted virtual nanoseconds'));
      const t = go.newTimer(1000);
      expect(() => t.reset(NaN)).toThrow(new RangeError('Timer.reset: got NaN, wanted virtual nanoseconds'));
      expect(yield* t.c.recv()).toBeGreaterThanOrEqual(1000);
    });
  });

  test('a thousand sleepers with random times wake in order', () => {
    const woke: number[] = [];
    run(
      function* main(go) {
        const done = go.waitGroup();
        done.add(1000);
        function* sleeper(go: Go, nanos: number) {
          yield* go.sleep(nanos);
          woke.push(nanos);
          done.done();
        }
        for (let i = 0, x = 12345; i < 1000; i++) {
          x = (Math.imul(x, 1103515245) + 12345) >>> 1;
          go.go(sleeper, 1e6 + (x % 100_000) * 1e4);
        }
        yield* done.wait();
      },
      { maxGoroutines: 1100, checkHeap: false },
    );
    const sorted = [...woke].sort((a, b) => a - b);
    expect(woke.length).toBe(1000);
    expect(woke.filter((nanos, i) => Math.abs(nanos - sorted[i]!) > 2e5)).toEqual([]); // starting them took up to 0.1 ms
  });

  test('a sleeper is not woken while others still have work at an earlier time', () => {
    const log: string[] = [];
    run(function* main(go) {
      const done = go.waitGroup();
      done.add(2);
      go.go(function* sleeper(go) {
        yield* go.sleep(5e6);
        log.push('awake');
        done.done();
      });
      go.go(function* worker(go) {
        for (let i = 0; i < 100; i++) {
          work(go, 1);
          yield* go.gosched();
        }
        log.push(go.now() < 5e6 ? 'worked' : 'worked too long');
        done.done();
      });
      yield* done.wait();
    });
    expect(log).toEqual(['worked', 'awake']);
  });
});

describe('several Ps', () => {
  /** n goroutines with the same work each. */
  const parallel = (n: number): GoFunc<[]> =>
    function* main(go) {
      const done = go.waitGroup();
      done.add(n);
      function* worker(go: Go) {
        for (let i = 0; i < 50; i++) {
          work(go, 2);
          yield* go.gosched();
        }
        done.done();
      }
      for (let i = 0; i < n; i++) go.go(worker);
      yield* done.wait();
    };

  test('a parallel program takes a fourth of the time on four', () => {
    const [one, two, four] = [1, 2, 4].map((procs) => nanosOf(parallel(8), procs)) as [number, number, number];
    expect(one / two).toBeGreaterThan(1.8);
    expect(one / two).toBeLessThan(2.2);
    expect(one / four).toBeGreaterThan(3.4);
    expect(one / four).toBeLessThan(4.4);
  });

  test('a sequential program takes as long on four as on one, however often it lets others run', () => {
    const times = [1, 4].map((procs) => nanosOf(parallel(1), procs)) as [number, number];
    expect(times[1]).toBeGreaterThan(times[0] * 0.98);
  });

  test('two goroutines that wait for each other take as long on four as on one', () => {
    const pingPong: GoFunc<[]> = function* main(go) {
      const there = go.chan(i32);
      const back = go.chan(i32);
      go.go(function* echo(go) {
        for (;;) {
          const v = yield* there.recv();
          work(go, 1);
          yield* back.send(v);
        }
      });
      for (let i = 0; i < 200; i++) {
        work(go, 1);
        yield* there.send(i);
        yield* back.recv();
      }
    };
    const times = [1, 4].map((procs) => nanosOf(pingPong, procs)) as [number, number];
    expect(times[1]).toBeGreaterThan(times[0] * 0.9);
  });

  for (const procs of [1, 2, 4, 7]) {
    test(`no clock goes back, and nothing is received before it was sent: ${procs} Ps`, () => {
      const wrong: string[] = [];
      run(
        function* main(go) {
          const ch = go.chan(host<number>(), 2);
          const done = go.waitGroup();
          done.add(8);
          const watch = (go: Go, before: number, what: string) => {
            if (go.now() < before) wrong.push(`goroutine ${go.id}: ${what} at ${go.now()}, after ${before}`);
            return go.now();
          };
          function* sender(go: Go, k: number) {
            let t = 0;
            for (let i = 0; i < 40; i++) {
              work(go, (i * k) % 3);
              t = watch(go, t, 'worked');
              yield* ch.send(go.now());
              t = watch(go, t, 'sent');
              if (i % 7 === k) yield* go.sleep(1000 * k);
              yield* go.gosched();
              t = watch(go, t, 'went on');
            }
            done.done();
          }
          function* receiver(go: Go) {
            let t = 0;
            for (let i = 0; i < 40; i++) {
              const sent = yield* ch.recv();
              watch(go, sent, 'received');
              t = watch(go, t, 'had received');
              work(go, i % 2);
            }
            done.done();
          }
          for (let k = 0; k < 4; k++) go.go(sender, k);
          for (let k = 0; k < 4; k++) go.go(receiver);
          yield* done.wait();
        },
        { procs, gogc: 'off', heapBytes: 8 << 20 },
      );
      expect(wrong).toEqual([]);
    });
  }

  test('a goroutine that was started does not run before it was started', () => {
    const wrong: number[] = [];
    run(
      function* main(go) {
        const done = go.waitGroup();
        for (let i = 0; i < 50; i++) {
          work(go, 3);
          const at = go.now();
          done.add(1);
          go.go(function* child(go) {
            if (go.now() < at) wrong.push(i);
            done.done();
          });
        }
        yield* done.wait();
      },
      { procs: 4, gogc: 'off', heapBytes: 8 << 20 },
    );
    expect(wrong).toEqual([]);
  });
});
