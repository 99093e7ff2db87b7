// The exhaustive strategy on programs of a few steps: with the reduction and without it the same ends are reached, by fewer
// schedules; and the claim of what was exhausted is made when it is true.
import { describe, expect, test } from 'vitest';
import { i32 } from '../../../runtime/index.ts';
import { exploreSync, type Program, type TimeMode } from '../../../sim/index.ts';

/** A program that says at its end what came out, when it comes to one. */
type Telling = (tell: (end: string) => void) => Program;

const programs: Record<string, { time: TimeMode; program: Telling }> = {
  'two increments of a plain variable': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const [x, wg] = [go.cell(0, 'x'), go.waitGroup()];
        wg.add(2);
        for (let k = 0; k < 2; k++) {
          go.go(function* adder() {
            yield* x.set((yield* x.get()) + 1);
            wg.done();
          });
        }
        yield* wg.wait();
        tell(`x=${yield* x.get()}`);
      },
  },
  'variables that have nothing to do with each other': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const cells = [go.cell(0), go.cell(0)];
        for (const c of cells) {
          go.go(function* writer() {
            yield* c.set((yield* c.get()) + 1);
          });
        }
        tell('done');
      },
  },
  'two locks in two orders': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const [a, b] = [go.mutex(), go.mutex()];
        go.go(function* g1() {
          yield* a.lock();
          yield* b.lock();
          b.unlock();
          a.unlock();
          tell('g1');
        });
        go.go(function* g2() {
          yield* b.lock();
          yield* a.lock();
          a.unlock();
          b.unlock();
          tell('g2');
        });
      },
  },
  'three goroutines and one lock': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const mu = go.mutex();
        const order: number[] = [];
        for (let k = 0; k < 3; k++) {
          go.go(function* locker() {
            yield* mu.lock();
            order.push(k);
            mu.unlock();
            if (order.length === 3) tell(order.join(''));
          });
        }
      },
  },
  'a select between two senders, and a closer': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const [a, b, quit] = [go.chan(i32), go.chan(i32), go.chan(i32)];
        for (const c of [a, b]) {
          go.go(function* sender() {
            yield* go.select([c.sendCase(1), quit.recvCase()]);
          });
        }
        const got: number[] = [];
        for (let k = 0; k < 2; k++) {
          const { index } = yield* go.select([a.recvCase(), b.recvCase()]);
          got.push(index);
        }
        quit.close();
        tell(got.join());
      },
  },
  'a signal that may come before the wait': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const mu = go.mutex();
        const cond = go.cond(mu);
        const ready = go.cell(false);
        go.go(function* setter() {
          yield* mu.lock();
          yield* ready.set(true);
          cond.signal();
          mu.unlock();
        });
        if (!(yield* ready.get())) {
          yield* mu.lock();
          yield* cond.wait();
          mu.unlock();
        }
        tell('woken');
      },
  },
  'a timer that may be stopped before it fires': {
    time: 'chaos',
    program: (tell) =>
      function* main(go) {
        const mu = go.mutex();
        const fired = go.cell(false);
        const timer = go.afterFunc(10, function* late() {
          yield* mu.lock();
          yield* fired.set(true);
          mu.unlock();
        });
        yield* mu.lock();
        const stopped = timer.stop();
        tell(`${stopped} ${yield* fired.get()}`);
        mu.unlock();
        yield* go.sleep(5);
        tell(`${go.now()} ${yield* fired.get()}`);
      },
  },
  'sleepers, when time passes only while nobody can go on': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const order: number[] = [];
        for (const nanos of [20, 10]) {
          go.go(function* sleeper() {
            yield* go.sleep(nanos);
            order.push(nanos);
          });
        }
        yield* go.sleep(15);
        tell(order.join());
        yield* go.sleep(15);
        tell(order.join());
      },
  },
  'readers and a writer': {
    time: 'idle',
    program: (tell) =>
      function* main(go) {
        const rw = go.rwMutex();
        const x = go.cell(0);
        const seen: number[] = [];
        for (let k = 0; k < 2; k++) {
          go.go(function* reader() {
            yield* rw.rLock();
            seen.push(yield* x.get());
            rw.rUnlock();
            if (seen.length === 2) tell(seen.join());
          });
        }
        yield* rw.lock();
        yield* x.set(1);
        rw.unlock();
      },
  },
};

/** All that came out, and how many schedules that took. */
function all(name: string, reduction: boolean, preemptions = Infinity): { ends: string[]; schedules: number; exhausted: number | null } {
  const { time, program } = programs[name]!;
  const ends = new Set<string>();
  const found = exploreSync(
    program((end) => ends.add(end)),
    { strategy: { exhaustive: { preemptions, reduction } }, schedules: 5000, keepGoing: true, time, races: false },
  );
  for (const failure of found.failures) ends.add(failure.identity);
  return { ends: [...ends].sort(), schedules: found.schedules, exhausted: found.exhausted };
}

describe.each(Object.keys(programs))('%s', (name) => {
  test('the reduction keeps every end', () => {
    const naive = all(name, false);
    const reduced = all(name, true);
    expect(naive.exhausted).toBe(Infinity);
    expect(reduced.exhausted).toBe(Infinity);
    expect(reduced.ends).toEqual(naive.ends);
    expect(reduced.schedules).toBeLessThanOrEqual(naive.schedules);
  });

  test('and every end that one preemption reaches', () => {
    const [naive, reduced] = [all(name, false, 1), all(name, true, 1)];
    expect(reduced.ends).toEqual(naive.ends);
    expect(reduced.exhausted).toBeGreaterThanOrEqual(naive.exhausted!); // Infinity when nothing lay beyond the bound
  });
});

test('what has nothing to do with each other takes one schedule', () => {
  expect(all('variables that have nothing to do with each other', true).schedules).toBe(1);
});

test('a lost update needs a preemption: none is claimed to be enough for it', () => {
  const without = all('two increments of a plain variable', true, 0);
  expect(without.ends).toEqual(['x=2']);
  expect(without.exhausted).toBe(0);
  expect(all('two increments of a plain variable', true, 1).ends).toEqual(['x=1', 'x=2']);
});

test('by default the bounds come one after the other, and a failure ends the search', () => {
  const { program, time } = programs['two locks in two orders']!;
  const found = exploreSync(
    program(() => {}),
    { strategy: 'exhaustive', time },
  );
  expect(found.failure?.verdict).toBe('leak');
  expect(found.failure?.preemptions).toBe(1);
  expect(found.exhausted).toBe(0);
});
