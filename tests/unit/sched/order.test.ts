// Who runs when, on one P: the table of reference 6.2, which was taken from a real Go 1.19 with GOMAXPROCS=1. Programs written
// for Go's order keep it here.
import { expect, test } from 'vitest';
import { type Chan, type Cond, type Go, i32, type Mutex, Runtime, type WaitGroup } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { run } from '../../support/run.ts';

/** Lets goroutines that were just started reach the place where they block. */
function* settle(go: Go) {
  for (let i = 0; i < 10; i++) yield* go.gosched();
}

test('main starts g0 to g5 and blocks: they run 5 0 1 2 3 4', () => {
  const order: number[] = [];
  run(function* main(go) {
    const done = go.waitGroup();
    done.add(6);
    function* worker(_go: Go, i: number) {
      order.push(i);
      done.done();
    }
    for (let i = 0; i < 6; i++) go.go(worker, i);
    yield* done.wait();
  });
  expect(order).toEqual([5, 0, 1, 2, 3, 4]);
});

test('five blocked receivers, close: they run 0 4 3 2 1', () => {
  const order: number[] = [];
  run(function* main(go) {
    const ch = go.chan(i32);
    yield* blockedReceivers(go, ch, order);
    ch.close();
    yield* settle(go);
  });
  expect(order).toEqual([0, 4, 3, 2, 1]);
});

test.each<[what: string, block: (go: Go, i: number, things: Things) => Generator<void, void, void>, release: (t: Things) => void]>([
  [
    'a channel that is closed',
    function* (_go, _i, { ch }) {
      yield* ch.recv();
    },
    ({ ch }) => ch.close(),
  ],
  [
    'a group that is done',
    function* (_go, _i, { wg }) {
      yield* wg.wait();
    },
    ({ wg }) => wg.done(),
  ],
  [
    'a condition',
    function* (_go, _i, { mu, cond }) {
      yield* mu.lock();
      yield* cond.wait();
      mu.unlock();
    },
    ({ cond }) => cond.broadcast(),
  ],
])('in the era 2014 everybody goes in the order of coming: goroutines that start, and those that wait for %s', (_what, block, release) => {
  const [started, order]: [number[], number[]] = [[], []];
  run(
    function* main(go) {
      const mu = go.mutex();
      const things: Things = { ch: go.chan(i32), wg: go.waitGroup(), mu, cond: go.cond(mu) };
      things.wg.add(1);
      for (let i = 0; i < 5; i++) {
        go.go(function* waiter(go: Go) {
          started.push(i);
          yield* block(go, i, things);
          order.push(i);
        });
      }
      yield* settle(go);
      release(things);
      yield* settle(go);
    },
    { era: '2014' },
  );
  expect([started, order]).toEqual([
    [0, 1, 2, 3, 4],
    [0, 1, 2, 3, 4],
  ]);
});
interface Things {
  readonly ch: Chan<number>;
  readonly wg: WaitGroup;
  readonly mu: Mutex;
  readonly cond: Cond;
}

test('five waiters of a WaitGroup, released: they run 4 0 1 2 3', () => {
  const order: number[] = [];
  run(function* main(go) {
    const wg = go.waitGroup();
    wg.add(1);
    function* waiter(_go: Go, i: number) {
      yield* wg.wait();
      order.push(i);
    }
    for (let i = 0; i < 5; i++) {
      go.go(waiter, i);
      yield* settle(go);
    }
    wg.done();
    yield* settle(go);
  });
  expect(order).toEqual([4, 0, 1, 2, 3]);
});

test('five blocked receivers, five sends that do not block: 4 0 1 2 3 run, and receiver i has value i', () => {
  const order: number[] = [];
  const values: number[] = [];
  run(function* main(go) {
    const ch = go.chan(i32);
    function* receiver(_go: Go, i: number) {
      values[i] = yield* ch.recv();
      order.push(i);
    }
    for (let i = 0; i < 5; i++) {
      go.go(receiver, i);
      yield* settle(go);
    }
    for (let i = 0; i < 5; i++) yield* ch.send(i);
    expect(order, 'nobody ran while main sent').toEqual([]);
    yield* settle(go);
  });
  expect(order).toEqual([4, 0, 1, 2, 3]);
  expect(values).toEqual([0, 1, 2, 3, 4]);
});

test('Gosched goes to the end of the global queue: two goroutines take turns', () => {
  const order: string[] = [];
  run(function* main(go) {
    const done = go.waitGroup();
    done.add(2);
    function* worker(go: Go, name: string) {
      for (let i = 0; i < 3; i++) {
        order.push(name);
        yield* go.gosched();
      }
      done.done();
    }
    go.go(worker, 'a');
    go.go(worker, 'b');
    yield* done.wait();
  });
  expect(order.join('')).toBe('bababa');
});

test('a hand-over through a channel wakes the receiver before those who wait already', () => {
  const order: string[] = [];
  run(function* main(go) {
    const ch = go.chan(i32);
    function* receiver() {
      yield* ch.recv();
      order.push('receiver');
    }
    function* bystander() {
      order.push('bystander');
    }
    go.go(receiver);
    yield* settle(go);
    go.go(bystander);
    yield* ch.send(1); // runnext is the receiver now, the bystander was kicked behind it
    yield* settle(go);
  });
  expect(order).toEqual(['receiver', 'bystander']);
});

/** Two goroutines that keep waking each other through channels, for ever. */
function pingPong(go: Go) {
  const a = go.chan(i32);
  const b = go.chan(i32);
  go.go(function* ping() {
    for (;;) {
      yield* a.send(1);
      yield* b.recv();
    }
  });
  go.go(function* pong() {
    for (;;) {
      yield* a.recv();
      yield* b.send(1);
    }
  });
}

// Go's TestPingPongHog: a pair that inherits its time slice from each other is preempted like any one goroutine, after 10 ms.
test.each([1, 2])('two goroutines that keep waking each other do not starve the rest for more than their time slice: %i Ps', (procs) => {
  const waits: number[] = [];
  const rt = new Runtime({ procs, heapBytes: 1 << 20 });
  let guard = 0;
  rt.machine.subscribe((kind) => {
    if (kind === Ev.goStart && ++guard > 2_000_000) throw new Error('starved: two million turns, and the third goroutine has not run');
  });
  rt.run(function* main(go) {
    for (let i = 0; i < procs; i++) pingPong(go);
    for (let i = 0; i < 5; i++) {
      const from = go.now();
      yield* go.gosched();
      waits.push(go.now() - from);
    }
  });
  for (const nanos of waits) expect(nanos).toBeLessThan(25e6);
});

test('a goroutine in the global queue runs within 61 rounds, however busy the local queue is', () => {
  let rounds = 0;
  let waited = -1;
  run(function* main(go) {
    const done = go.waitGroup();
    done.add(1);
    // Each worker puts its successor at the end of the local queue: kicked out of runnext by a second one that ends at once.
    function* worker(go: Go): Generator<void, void, void> {
      rounds++;
      if (waited >= 0 || rounds > 500) return;
      go.go(worker);
      go.go(function* nothing() {});
    }
    function* patient(go: Go) {
      const from = rounds;
      yield* go.gosched();
      waited = rounds - from;
      done.done();
    }
    go.go(worker);
    go.go(patient);
    yield* done.wait();
  });
  expect(waited).toBeGreaterThanOrEqual(0);
  expect(waited).toBeLessThanOrEqual(61);
});

/** Five goroutines that wait in order 0 to 4 and log themselves when they are woken. */
function* blockedReceivers(go: Go, ch: Chan<number>, order: number[]) {
  function* receiver(_go: Go, i: number) {
    yield* ch.recv();
    order.push(i);
  }
  for (let i = 0; i < 5; i++) {
    go.go(receiver, i);
    yield* settle(go);
  }
}
