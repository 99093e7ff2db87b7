// Go's runtime/chan_test.go. What each test asserts is Go's; the programs are written anew. Where Go repeats something in the
// hope of meeting a bad moment, random choosers look for it here: a goroutine may be preempted at every operation, and the
// collector may run between any two.
import { describe, expect, test } from 'vitest';
import { type Chan, func, type Go, type GoFunc, i32, type Options, RandomChooser, self, struct } from '../../runtime/index.ts';
import { run } from '../support/run.ts';

const plain: Options = { heapBytes: 4 << 20, maxGoroutines: 64, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

/** Runs main on several numbers of Ps, and under random schedules with the collector in between. */
function everywhere(procs: number, main: GoFunc<[]>): void {
  run(main, plain);
  run(main, { ...plain, procs });
  for (let seed = 1; seed <= 3; seed++) run(main, { ...plain, procs, chooser: new RandomChooser(seed), checkMark: true, checkHeap: true });
}

describe('TestChan', () => {
  for (const n of [0, 1, 2, 7, 19]) {
    test(`TestChan: capacity ${n}`, () => {
      everywhere(4, function* main(go) {
        yield* emptyAndFull(go, n);
        yield* closed(go, n);
        yield* order(go, n);
        yield* fourAndFour(go, n);
        const c = go.chan(i32, n);
        expect([c.length, c.capacity]).toEqual([0, n]);
        for (let i = 0; i < n; i++) yield* c.send(i);
        expect([c.length, c.capacity]).toEqual([n, n]);
      });
    });
  }

  function* emptyAndFull(go: Go, n: number) {
    const c = go.chan(i32, n);
    let received = 0;
    for (let k = 0; k < 2; k++) {
      go.go(function* receiver() {
        yield* c.recv();
        received++;
      });
    }
    yield* go.sleep(1e6);
    expect(received, 'receive from an empty channel').toBe(0);
    expect(c.tryRecv()).toBe(null);
    expect(go.trySelect([c.recvCase()]).index).toBe(-1);
    yield* c.send(0);
    yield* c.send(0);

    const full = go.chan(i32, n);
    for (let i = 0; i < n; i++) yield* full.send(i);
    let sent = false;
    go.go(function* sender() {
      yield* full.send(0);
      sent = true;
    });
    yield* go.sleep(1e6);
    expect(sent, 'send to a full channel').toBe(false);
    expect(full.trySend(0)).toBe(false);
    expect(go.trySelect([full.sendCase(0)]).index).toBe(-1);
    yield* full.recv();
  }

  function* closed(go: Go, n: number) {
    const c = go.chan(i32, n);
    for (let i = 0; i < n; i++) yield* c.send(i);
    c.close();
    for (let i = 0; i < n; i++) expect(yield* c.recv()).toBe(i);
    expect(yield* c.recv()).toBe(0);
    expect(yield* c.recv2()).toEqual([0, false]);

    const d = go.chan(i32, n);
    let got: unknown;
    go.go(function* receiver() {
      got = yield* d.recv2();
    });
    yield* go.sleep(1e6);
    d.close();
    yield* go.sleep(1e6);
    expect(got).toEqual([0, false]);
  }

  function* order(go: Go, n: number) {
    const c = go.chan(i32, n);
    function* sender() {
      for (let i = 0; i < 100; i++) yield* c.send(i);
    }
    go.go(sender);
    for (let i = 0; i < 100; i++) expect(yield* c.recv()).toBe(i);
    go.go(sender);
    for (let i = 0; i < 100; i++) expect(yield* c.recv2()).toEqual([i, true]);
  }

  function* fourAndFour(go: Go, n: number) {
    const [senders, each] = [4, 100];
    const c = go.chan(i32, n);
    const count = new Array<number>(each).fill(0);
    const wg = go.waitGroup();
    wg.add(senders);
    for (let p = 0; p < senders; p++) {
      go.go(function* sender() {
        for (let i = 0; i < each; i++) yield* c.send(i);
      });
      go.go(function* receiver() {
        for (let i = 0; i < each; i++) count[yield* c.recv()]!++;
        wg.done();
      });
    }
    yield* wg.wait();
    expect(count.every((k) => k === senders)).toBe(true);
  }
});

test('TestNonblockRecvRace: a value that is in a buffer can be received after close, by one of two', () => {
  everywhere(3, function* main(go) {
    for (let i = 0; i < 50; i++) {
      const c = go.chan(i32, 1);
      yield* c.send(1);
      go.go(function* receiver() {
        expect(c.tryRecv(), 'the channel is ready: it has a value or is closed').not.toBe(null);
      });
      c.close();
      yield* c.recv();
      yield* go.gosched();
    }
  });
});

test('TestNonblockSelectRace: a select looks at all channels at one moment', () => {
  everywhere(
    3,
    raceMain((c) => c.trySend(1)),
  );
});

test('TestNonblockSelectRace2: the same with close in place of a send', () => {
  everywhere(
    3,
    raceMain((c) => c.close()),
  );
});

function raceMain(second: (c: Chan<number>) => unknown): GoFunc<[]> {
  return function* main(go) {
    const done = go.chan(i32, 1);
    for (let i = 0; i < 100; i++) {
      const c1 = go.chan(i32, 1);
      const c2 = go.chan(i32, 1);
      yield* c1.send(1);
      go.go(function* looks(go: Go) {
        yield* done.send(go.trySelect([c1.recvCase(), c2.recvCase()]).index);
      });
      second(c2);
      c1.tryRecv();
      expect(yield* done.recv(), 'one of the two is ready at any time').toBeGreaterThanOrEqual(0);
    }
  };
}

test('TestSelfSelect: a select that sends and receives on one channel never serves itself', () => {
  everywhere(2, function* main(go) {
    for (const n of [0, 10]) {
      const wg = go.waitGroup();
      wg.add(2);
      const c = go.chan(i32, n);
      for (let p = 0; p < 2; p++) {
        go.go(function* both(go: Go) {
          const sends = c.sendCase(p);
          const receives = c.recvCase();
          for (let i = 0; i < 100; i++) {
            const r = yield* go.select(p === 0 || i % 2 === 0 ? [sends, receives] : [receives, sends]);
            if (n === 0 && r.value !== undefined) expect(r.value).not.toBe(p);
          }
          wg.done();
        });
      }
      yield* wg.wait();
    }
  });
});

test('TestSelectStress: senders, receivers and selects on four channels; each value arrives once', () => {
  everywhere(10, function* main(go) {
    const c = [0, 0, 2, 3].map((n) => go.chan(i32, n));
    const n = 100;
    const received = new Array<number>(4).fill(0);
    const wg = go.waitGroup();
    wg.add(10);
    for (let k = 0; k < 4; k++) {
      go.go(function* sender() {
        for (let i = 0; i < n; i++) yield* c[k]!.send(k);
        wg.done();
      });
      go.go(function* receiver() {
        for (let i = 0; i < n; i++) received[yield* c[k]!.recv()]!++;
        wg.done();
      });
    }
    go.go(function* selectsToSend(go: Go) {
      const sent = [0, 0, 0, 0];
      const order = [3, 2, 0, 1];
      const cases: (ReturnType<Chan<number>['sendCase']> | null)[] = order.map((k) => c[k]!.sendCase(k));
      for (let i = 0; i < 4 * n; i++) {
        const { index } = yield* go.select(cases);
        if (++sent[index]! === n) cases[index] = null;
      }
      wg.done();
    });
    go.go(function* selectsToReceive(go: Go) {
      const got = [0, 0, 0, 0];
      const cases: (ReturnType<Chan<number>['recvCase']> | null)[] = c.map((ch) => ch.recvCase());
      for (let i = 0; i < 4 * n; i++) {
        const { index, value } = yield* go.select(cases);
        expect(value).toBe(index);
        received[index]!++;
        if (++got[index]! === n) cases[index] = null;
      }
      wg.done();
    });
    yield* wg.wait();
    expect(received).toEqual([2 * n, 2 * n, 2 * n, 2 * n]);
  });
});

test('TestSelectFairness: of two channels that are always ready each gets half', () => {
  const trials = 10_000;
  const count = [0, 0, 0];
  run(function* main(go) {
    const [c1, c2] = [go.chan(i32, trials + 1), go.chan(i32, trials + 1)];
    for (let i = 0; i <= trials; i++) {
      yield* c1.send(1);
      yield* c2.send(2);
    }
    const [c3, c4, out, done] = [go.chan(i32), go.chan(i32), go.chan(i32), go.chan(i32)];
    const wg = go.waitGroup();
    wg.add(1);
    go.go(function* chooses(go: Go) {
      const cases = [c3, c4, c1, c2].map((c) => c.recvCase());
      for (;;) {
        const { value } = yield* go.select(cases);
        if ((yield* go.select([out.sendCase(value), done.recvCase()])).index === 1) break;
      }
      wg.done();
    });
    for (let i = 0; i < trials; i++) count[yield* out.recv()]!++;
    done.close();
    yield* wg.wait();
  }, plain);
  expect(Math.abs(count[1]! / trials - 0.5)).toBeLessThan(4.891676 / (2 * Math.sqrt(trials)));
});

test('TestPseudoRandomSend: of two sends that are always ready neither starves', () => {
  for (const capacity of [0, 100]) {
    const got: number[] = [];
    run(function* main(go) {
      const c = go.chan(i32, capacity);
      const m = go.mutex();
      yield* m.lock();
      go.go(function* receiver(go: Go) {
        for (let i = 0; i < 100; i++) {
          yield* go.gosched();
          got.push(yield* c.recv());
        }
        m.unlock();
      });
      for (let i = 0; i < 100; i++) yield* go.select([c.sendCase(1), c.sendCase(0)]);
      yield* m.lock();
    }, plain);
    const ones = got.filter((v) => v === 1).length;
    expect(ones, `capacity ${capacity}`).toBeGreaterThan(10);
    expect(ones, `capacity ${capacity}`).toBeLessThan(90);
  }
});

test('TestMultiConsumer: many workers between two channels lose nothing', () => {
  const primes = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31];
  const items = 2718;
  everywhere(4, function* main(go) {
    const workers = 23;
    const q = go.chan(i32, workers * 3);
    const r = go.chan(i32, workers * 3);
    const wg = go.waitGroup();
    for (let w = 0; w < workers; w++) {
      wg.add(1);
      go.go(function* worker(go: Go) {
        for (let v = yield* q.recv2(); v[1]; v = yield* q.recv2()) {
          if (primes[w % primes.length] === v[0]) yield* go.gosched();
          yield* r.send(v[0]);
        }
        wg.done();
      });
    }
    let expected = 0;
    go.go(function* feeder() {
      for (let i = 0; i < items; i++) {
        const v = primes[i % primes.length]!;
        expected += v;
        yield* q.send(v);
      }
      q.close();
      yield* wg.wait();
      r.close();
    });
    let [n, sum] = [0, 0];
    for (let v = yield* r.recv2(); v[1]; v = yield* r.recv2()) {
      n++;
      sum += v[0];
    }
    expect([n, sum]).toEqual([items, expected]);
  });
});

const Node = struct('chan_test.Node', { id: i32, next: self });
/** Uses many frames, so that the stack is copied to a larger one. */
const deep: (go: Go, n: number) => void = func('chan_test.deep', { n: Node }, (f, n: number) => {
  f.n = f.new(Node);
  if (n > 0) deep(f as unknown as Go, n - 1);
});

test('TestShrinkStackDuringBlockedSend: stacks are copied between operations, whose values stay', () => {
  run(function* main(go) {
    const c = go.chan(Node);
    const done = go.chan(i32);
    go.go(function* sender(go: Go) {
      const f = go.locals({ n: Node });
      for (let i = 0; i < 10; i++) {
        f.n = go.new(Node);
        f.n.id = i;
        yield* c.send(f.n);
        f.n = null;
        deep(go, 20 << (i % 4));
      }
      yield* done.send(0);
    });
    for (let i = 0; i < 10; i++) {
      expect((yield* c.recv())!.id).toBe(i);
      yield* go.sleep(1e6);
      yield* go.gc();
    }
    yield* done.recv();
  });
});

test('TestSelectDuplicateChannel: a goroutine that waits twice on a channel leaves its queue whole', () => {
  everywhere(2, function* main(go) {
    const [c, d, e] = [go.chan(i32), go.chan(i32), go.chan(i32)];
    go.go(function* a(go: Go) {
      yield* go.select([c.recvCase(), c.recvCase(), d.recvCase()]);
      yield* e.send(9);
    });
    yield* go.sleep(1e6);
    go.go(function* b() {
      yield* c.recv();
    });
    yield* go.sleep(1e6);
    yield* d.send(7);
    yield* e.recv();
    yield* c.send(8); // Go: crashes if the queue is corrupted
    expect(c.trySend(1), 'nobody waits any more').toBe(false);
  });
});

test('TestSelectStackAdjust: pointers of a select that waits survive a copied stack and a collection', () => {
  run(function* main(go) {
    const c = go.chan(Node);
    const d = go.chan(Node);
    const ready = go.chan(i32);
    const values: number[] = [];
    go.go(function* waits(go: Go) {
      const f = go.locals({ n: Node, got: Node });
      f.n = go.new(Node);
      f.n.id = 41;
      yield* ready.send(0);
      const cases = [c.sendCase(f.n), d.recvCase()] as const;
      f.n = null; // the waiting send alone keeps it
      const r = yield* go.select(cases);
      if (r.index === 1) {
        f.got = r.value;
        values.push(f.got!.id);
      }
      deep(go, 200);
      yield* ready.send(1);
    });
    yield* ready.recv();
    yield* go.gosched();
    deep(go, 200);
    yield* go.gc();
    yield* go.gc();
    values.push((yield* c.recv())!.id);
    yield* ready.recv();
    expect(values).toEqual([41]);
  });
});
