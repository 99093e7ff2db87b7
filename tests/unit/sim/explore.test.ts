// The explorer on four kernels and their fixed twins: a deadlock of two locks, a timer's callback that forgets to unlock, a check
// that is outdated when it is used, and a wake-up that is lost. What is right is silent; what is wrong is found, by name.
import { describe, expect, test } from 'vitest';
import type { Go } from '../../../runtime/index.ts';
import { Directed, exploreSync, type Program, runSchedule, type Strategy } from '../../../sim/index.ts';

/** cockroach10214: G1 takes A and then B, G2 the other way round. */
function abba(fixed: boolean): Program {
  return function* main(go) {
    const [a, b, wg] = [go.mutex(), go.mutex(), go.waitGroup()];
    wg.add(2);
    go.go(function* g1() {
      yield* a.lock();
      for (let k = 0; k < 2; k++) {
        yield* b.lock();
        b.unlock();
      }
      a.unlock();
      wg.done();
    });
    go.go(function* g2() {
      const [first, second] = fixed ? [a, b] : [b, a];
      yield* first.lock();
      yield* second.lock();
      second.unlock();
      first.unlock();
      wg.done();
    });
    yield* wg.wait();
  };
}

/** grpc3017: the callback of a timer returns without unlocking when the entry was aborted. */
function cache(fixed: boolean): Program {
  return function* main(go) {
    const mu = go.mutex();
    type Entry = { aborted: boolean; stop: () => boolean };
    let cached: Entry | null = null;
    let present = false;
    function* timeout(_go: Go, entry: Entry): Generator<void, void, void> {
      yield* mu.lock();
      if (entry.aborted) {
        if (fixed) mu.unlock();
        return;
      }
      cached = null;
      present = false;
      mu.unlock();
    }
    function* newSC(): Generator<void, void, void> {
      yield* mu.lock();
      if (cached !== null) {
        if (!cached.stop()) cached.aborted = true;
        cached = null;
      } else present = true;
      mu.unlock();
    }
    function* remove(): Generator<void, void, void> {
      yield* mu.lock();
      if (present && cached === null) {
        const entry: Entry = { aborted: false, stop: () => timer.stop() };
        cached = entry;
        const timer = go.afterFunc(1, timeout, entry);
      }
      mu.unlock();
    }
    yield* newSC();
    for (let k = 0; k < 4; k++) {
      yield* remove();
      yield* newSC();
    }
  };
}

/** bluetooth: add passes the check, stop runs to its end, add uses what is stopped. */
function bluetooth(fixed: boolean): Program {
  return function* main(go) {
    const mu = go.mutex();
    const [flag, stopped, ev] = [go.cell(false, 'flag'), go.cell(false, 'stopped'), go.atomic(false, 'ev')];
    let pending = 1;
    function* dec(): Generator<void, void, void> {
      yield* mu.lock();
      const left = --pending;
      mu.unlock();
      if (left === 0) yield* ev.store(true);
    }
    go.go(function* stopping() {
      if (fixed) yield* mu.lock();
      yield* flag.set(true);
      if (fixed) mu.unlock();
      yield* dec();
      if (yield* ev.load()) yield* stopped.set(true);
    });
    go.go(function* adding() {
      if (fixed) yield* mu.lock();
      if (yield* flag.get()) {
        if (fixed) mu.unlock();
        return;
      }
      if (!fixed) yield* mu.lock();
      pending++;
      mu.unlock();
      if (yield* stopped.get()) throw new Error('used after stop');
      yield* dec();
    });
  };
}

/** A signal before the wait is lost. */
function wakeup(fixed: boolean): Program {
  return function* main(go) {
    const mu = go.mutex();
    const cond = go.cond(mu);
    const ready = go.cell(false, 'ready');
    go.go(function* waiter() {
      if (fixed) {
        yield* mu.lock();
        while (!(yield* ready.get())) yield* cond.wait();
        mu.unlock();
      } else if (!(yield* ready.get())) {
        yield* mu.lock();
        yield* cond.wait();
        mu.unlock();
      }
    });
    go.go(function* setter() {
      yield* mu.lock();
      yield* ready.set(true);
      cond.signal();
      mu.unlock();
    });
  };
}

const kernels: [name: string, make: (fixed: boolean) => Program, identity: string][] = [
  ['two locks in two orders', abba, 'deadlock: main/g1: lock mutex#2, main/g2: lock mutex#1, main: wait waitGroup#3'],
  ['a callback that forgets to unlock', cache, 'main: lock mutex#1'],
  ['a check that is outdated', bluetooth, 'assertion: explore.test.ts:'],
  ['a wake-up that is lost', wakeup, 'leak: main/waiter: cond wait cond#2'],
];

const strategies: [name: string, strategy: Strategy][] = [
  ['random walk', 'random'],
  ['pct(2)', { pct: 2 }],
  ['pct(3)', 'pct'],
  ['pos', 'pos'],
  ['surw', 'surw'],
  ['the portfolio', 'portfolio'],
];

describe.each(kernels)('%s', (_name, make, identity) => {
  test.each(strategies)('is found by %s, each time in the same schedule', (_, strategy) => {
    const found = exploreSync(make(false), { strategy });
    expect(found.failure?.identity).toContain(identity);
    expect(found.schedules).toBeLessThan(300);
    const again = exploreSync(make(false), { strategy });
    expect(again.failure?.order).toEqual(found.failure?.order);
    expect(again.failure?.steps.map((s) => s.g).length).toBe(found.failure?.order.length);
  });

  test('and its fixed twin is silent', () => {
    const found = exploreSync(make(true), { schedules: 200 });
    expect(found.failures).toEqual([]);
    expect(found.distinct).toBeGreaterThan(3);
  });
});

describe('witnesses: a schedule by hand leads to the failure', () => {
  test('bluetooth', () => {
    const { verdict, message } = runSchedule(bluetooth(false), new Directed('main adding×2 stopping×6 adding×2'));
    expect([verdict, message]).toEqual(['assertion', 'used after stop']);
  });

  test('the timer fires between remove and newSC', () => {
    const { verdict, identity } = runSchedule(cache(false), new Directed('main×3 clock main timeout×2 main'));
    expect([verdict, identity]).toEqual(['deadlock', 'deadlock: main: lock mutex#1']);
  });

  test('and a script that asks for the impossible says so', () => {
    expect(() => runSchedule(abba(false), new Directed('main g3'))).toThrow(
      "directed schedule: 'g3' cannot go on at step 1; those who can: main/g1, main/g2, main",
    );
    expect(() => new Directed('main××2')).toThrow("directed schedule: got 'main××2', wanted a goroutine's name, or name×count");
  });
});

test('when timers fire only in idle time, the callback never comes between', () => {
  expect(exploreSync(cache(false), { strategy: 'random', time: 'idle', schedules: 200 }).failures).toEqual([]);
});
