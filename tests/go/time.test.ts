// Go's tests of timers: time/sleep_test.go and time/tick_test.go, in virtual time, where "about" can be "exactly" or "not before".
import { describe, expect, test } from 'vitest';
import { type Go, type GoFunc, i32, type Options, RandomChooser } from '../../runtime/index.ts';
import { death, run } from '../support/run.ts';

const ms = 1e6;
const plain: Options = { heapBytes: 4 << 20, maxGoroutines: 200, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

function everywhere(main: GoFunc<[]>): void {
  run(main, plain);
  run(main, { ...plain, procs: 4 });
  for (let seed = 1; seed <= 3; seed++) run(main, { ...plain, procs: 2, chooser: new RandomChooser(seed) });
}

describe('sleep', () => {
  test('TestSleep: not shorter than asked, and not longer when nothing else runs', () => {
    run(function* main(go) {
      const start = go.now();
      yield* go.sleep(100 * ms);
      expect(go.now() - start).toBeGreaterThanOrEqual(100 * ms);
      expect(go.now() - start).toBeLessThan(101 * ms);
      yield* go.sleep(0);
      yield* go.sleep(-5);
      expect(go.now() - start).toBeLessThan(102 * ms);
    });
  });

  test('TestAfter: the time comes on the channel, not before it is due', () => {
    everywhere(function* main(go) {
      const start = go.now();
      const end = yield* go.after(100 * ms).recv();
      expect(end - start).toBeGreaterThanOrEqual(100 * ms);
      expect(go.now()).toBeGreaterThanOrEqual(end);
    });
  });

  test('TestAfterTick: ten in a row', () => {
    run(function* main(go) {
      const start = go.now();
      for (let i = 0; i < 10; i++) yield* go.after(50 * ms).recv();
      expect(go.now() - start).toBeGreaterThanOrEqual(500 * ms);
      expect(go.now() - start).toBeLessThan(501 * ms);
    });
  });

  test('TestAfterFunc: each call starts the next', () => {
    everywhere(function* main(go) {
      let i = 10;
      const c = go.chan(i32);
      function* f(go: Go): Generator<void, void, void> {
        if (--i < 0) return;
        go.afterFunc(0, f);
        yield* go.sleep(ms);
        if (i < 0) yield* c.send(1);
      }
      go.afterFunc(0, f);
      yield* c.recv();
      expect(i).toBe(-1);
    });
  });

  test('TestAfterStop: what is stopped does not fire, and Stop says whether it was in time', () => {
    everywhere(function* main(go) {
      const fired: number[] = [];
      function* fires(_go: Go, n: number) {
        fired.push(n);
      }
      go.afterFunc(100 * ms, fires, 0);
      const t0 = go.newTimer(50 * ms);
      const t1 = go.afterFunc(150 * ms, fires, 1);
      expect(t0.stop(), 'the first Stop').toBe(true);
      expect(t0.stop(), 'the second Stop').toBe(false);
      yield* go.sleep(200 * ms);
      expect(t0.c.tryRecv(), 'nothing was sent').toBe(null);
      expect(t1.stop(), 'it has fired').toBe(false);
      expect(fired).toEqual([0, 1]);
    });
  });

  test('TestAfterQueuing: in the order of their times, whatever the order of setting', () => {
    everywhere(function* main(go) {
      const slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0];
      const got: number[] = [];
      const wg = go.waitGroup();
      wg.add(slots.length);
      for (const slot of slots) {
        go.go(function* waits(go: Go) {
          yield* go.after(slot * 10 * ms + 1).recv();
          got.push(slot);
          wg.done();
        });
      }
      yield* wg.wait();
      expect(got).toEqual([...slots].sort((a, b) => a - b));
    });
  });

  test('TestReset: sets it anew, and says whether it was still set', () => {
    everywhere(function* main(go) {
      const t = go.newTimer(100 * ms);
      yield* go.sleep(50 * ms);
      expect(t.reset(150 * ms), 'it was set').toBe(true);
      yield* go.sleep(100 * ms);
      expect(t.c.tryRecv(), 'it fires later now').toBe(null);
      yield* go.sleep(100 * ms);
      expect(t.c.tryRecv()).not.toBe(null);
      expect(t.reset(50 * ms), 'it had fired').toBe(false);
      yield* t.c.recv();
    });
  });

  test('TestZeroTimer: one of no time fires at once, again and again', () => {
    everywhere(function* main(go) {
      const t = go.newTimer(0);
      for (let i = 0; i < 50; i++) {
        yield* t.c.recv();
        t.reset(i % 2 === 0 ? 0 : -5);
      }
    });
  });

  test('a time that nobody takes stays in the channel; a timer never waits for its receiver', () => {
    run(function* main(go) {
      const t = go.newTimer(10);
      yield* go.sleep(ms);
      t.reset(10);
      yield* go.sleep(ms);
      expect(t.c.length).toBe(1);
      const first = yield* t.c.recv();
      expect(first, 'the first one').toBeLessThan(ms);
      expect(t.c.tryRecv(), 'the second one was dropped').toBe(null);
    });
  });

  test('TestTimerModifiedEarlier: many that are set, moved and stopped, on several Ps', () => {
    everywhere(function* main(go) {
      const past = go.newTimer(3600e9);
      for (let i = 0; i < 20; i++) {
        past.reset(3600e9 - i * 1e9);
        past.reset(10 * ms);
        const deadline = go.newTimer(10e9);
        expect((yield* go.select([past.c.recvCase(), deadline.c.recvCase()])).index).toBe(0);
        deadline.stop();
      }
      const timers = Array.from({ length: 40 }, () => go.newTimer(60e9));
      for (let round = 0; timers.length > 0; round++) {
        yield* go.gosched();
        const i = (round * 7) % timers.length;
        if (round % 3 === 0) timers[i]!.reset(((round % 5) - 2) * ms);
        else if (round % 3 === 1) timers[i]!.reset(60e9);
        else if (!timers[i]!.stop() || round % 4 === 0) timers.splice(i, 1);
      }
    });
  });
});

describe('ticks', () => {
  test('TestTicker: ten ticks take ten periods, and none comes after Stop', () => {
    for (const delta of [100 * ms, 20 * ms]) {
      run(function* main(go) {
        const ticker = go.newTicker(delta);
        const start = go.now();
        for (let i = 0; i < 5; i++) yield* ticker.c.recv();
        ticker.reset(delta * 2);
        for (let i = 5; i < 10; i++) yield* ticker.c.recv();
        ticker.stop();
        const took = go.now() - start;
        expect(took).toBeGreaterThanOrEqual(15 * delta);
        expect(took).toBeLessThan(15 * delta + ms);
        yield* go.sleep(2 * delta);
        expect(ticker.c.tryRecv()).toBe(null);
      });
    }
  });

  test('ticks that nobody takes are left out, and the rhythm stays', () => {
    run(function* main(go) {
      const t0 = go.now();
      const ticker = go.newTicker(10 * ms);
      yield* go.sleep(35 * ms);
      expect(ticker.c.length).toBe(1);
      yield* ticker.c.recv();
      const next = yield* ticker.c.recv();
      expect(next - t0).toBeGreaterThanOrEqual(40 * ms);
      expect(next - t0).toBeLessThan(41 * ms);
      ticker.stop();
    });
  });

  test('TestTeardown: tickers come and go', () => {
    run(function* main(go) {
      for (let i = 0; i < 100; i++) {
        const ticker = go.newTicker(ms);
        yield* ticker.c.recv();
        ticker.stop();
      }
      expect(go.runtime.machine.sched.timers.earliest()).toBe(Infinity);
    });
  });

  test('TestNewTickerLtZeroDuration: panics', () => {
    for (const nanos of [0, -1, NaN]) {
      expect(
        death(function* main(go) {
          go.newTicker(nanos);
        }).message.split('\n')[0],
      ).toBe('panic: non-positive interval for NewTicker');
    }
  });

  test('TestTickerResetLtZeroDuration: panics', () => {
    expect(
      death(function* main(go) {
        go.newTicker(ms).reset(0);
      }).message.split('\n')[0],
    ).toBe('panic: non-positive interval for Ticker.Reset');
  });
});
