// WaitGroup: counting, waiting, and Go's words for its misuse (reference 6.8).
import { describe, expect, test } from 'vitest';
import { type Go, Runtime } from '../../../runtime/index.ts';
import { PoolStore } from '../../../sched/pool.ts';
import { death, run } from '../../support/run.ts';

function* settle(go: Go) {
  for (let i = 0; i < 5; i++) yield* go.gosched();
}

describe('a WaitGroup', () => {
  test('at zero lets nobody wait', () => {
    const { stats } = run(function* main(go) {
      yield* go.waitGroup().wait();
    });
    expect(stats.turns).toBe(1);
  });

  test('lets all waiters go when the counter reaches zero, not before', () => {
    const log: string[] = [];
    run(function* main(go) {
      const wg = go.waitGroup();
      wg.add(3);
      function* waiter(_go: Go, name: string) {
        yield* wg.wait();
        log.push(name);
      }
      go.go(waiter, 'a');
      go.go(waiter, 'b');
      yield* settle(go);
      for (let i = 0; i < 2; i++) {
        wg.done();
        yield* settle(go);
        log.push(`done ${i}`);
      }
      wg.done();
      yield* settle(go);
    });
    expect(log.slice(0, 2)).toEqual(['done 0', 'done 1']);
    expect(log.slice(2).sort()).toEqual(['a', 'b']);
  });

  test('may be used again once its waiters have returned', () => {
    let rounds = 0;
    run(function* main(go) {
      const wg = go.waitGroup();
      for (let round = 0; round < 10; round++) {
        wg.add(5);
        for (let i = 0; i < 5; i++)
          go.go(function* worker(go) {
            yield* go.gosched();
            wg.done();
          });
        yield* wg.wait();
        rounds++;
      }
    });
    expect(rounds).toBe(10);
  });

  test('counts in steps other than one', () => {
    run(function* main(go) {
      const wg = go.waitGroup();
      wg.add(10);
      wg.add(-9);
      wg.done();
      yield* wg.wait();
    });
  });
});

describe('misuse, in Go’s words', () => {
  test('more done than added: sync: negative WaitGroup counter', () => {
    const error = death(function* main(go) {
      const wg = go.waitGroup();
      wg.add(1);
      wg.done();
      wg.done();
      yield* go.gosched();
    });
    expect(error.message.split('\n')[0]).toBe('panic: sync: negative WaitGroup counter');
    expect(error.kind).toBe('panic');
  });

  test('who recovers from that finds a counter below zero, as in Go', () => {
    run(function* main(go) {
      const wg = go.waitGroup();
      yield* go.call(function* (go) {
        go.defer(() => go.recover());
        wg.done();
      });
      wg.add(1);
      yield* wg.wait();
    });
  });

  test('a lock that is unlocked without being locked ends the program, also when its JavaScript catches that', () => {
    for (const misuse of [(go: Go) => go.mutex().unlock(), (go: Go) => go.rwMutex().rUnlock(), (go: Go) => go.rwMutex().unlock()]) {
      let further = false;
      const error = death(function* main(go) {
        try {
          misuse(go);
        } catch {}
        yield* go.gosched();
        further = true;
      });
      expect(error.message).toMatch(/^fatal error: sync: R?[uU]nlock of unlocked (mutex|RWMutex)\n\ngoroutine 1 \[/);
      expect([error.kind, error.exitCode, further]).toEqual(['fatal', 3, false]);
    }
  });

  test('what is no whole number is refused, and nothing has changed', () => {
    run(function* main(go) {
      const wg = go.waitGroup();
      for (const delta of [1.5, NaN, Infinity, 2 ** 31]) {
        expect(() => wg.add(delta)).toThrow(new RangeError(`WaitGroup.add: got ${delta}, wanted a whole number`));
      }
      for (const count of [-1, NaN, 0.5]) {
        expect(() => go.semaphore(count)).toThrow(new RangeError(`go.semaphore: got ${count}, wanted a whole number, 0 or more`));
      }
      yield* wg.wait();
    });
  });

  test('added to before those who waited are back: sync: WaitGroup is reused before previous Wait has returned', () => {
    const error = death(function* main(go) {
      const wg = go.waitGroup();
      wg.add(1);
      go.go(function* waiter() {
        yield* wg.wait();
      });
      yield* settle(go);
      wg.done();
      wg.add(1);
      yield* settle(go);
    });
    expect(error.message.split('\n')[0]).toBe('panic: sync: WaitGroup is reused before previous Wait has returned');
  });
});

test('a WaitGroup that nobody waits on is collected', () => {
  run(function* main(go) {
    for (let i = 0; i < 60_000; i++) go.waitGroup();
  });
});

test('who finds nothing in a pool looks at the Ps behind its own first, as in Go, whichever Ps have used the pool', () => {
  const sched = { curp: 0, procs: 4 };
  const store = new PoolStore<string>({ sched, inUse: new Set() } as never);
  for (const p of [0, 1]) {
    sched.curp = p;
    for (const k of [1, 2, 3]) store.put(`P${p} ${k}`);
  }
  sched.curp = 2;
  expect([store.get(), store.get(), store.get()]).toEqual(['P0 2', 'P0 3', 'P1 2']); // not what each has at hand
});

test('a writer and readers exclude each other, also where nothing but goroutines needs looking after and roads are short', () => {
  const log: string[] = [];
  new Runtime({ heapBytes: 1 << 20 }).run(function* main(go) {
    const rw = go.rwMutex();
    function* writer(_go: Go, name: string) {
      yield* rw.lock();
      log.push(`${name} writes`);
    }
    function* reader(_go: Go, name: string) {
      yield* rw.rLock();
      log.push(`${name} reads`);
    }
    yield* rw.rLock();
    expect(rw.lockNow()).toBe(false);
    go.go(writer, 'a');
    yield* settle(go);
    expect(log).toEqual([]);
    rw.rUnlock();
    yield* settle(go);
    expect(log).toEqual(['a writes']);
    go.go(reader, 'b');
    yield* settle(go);
    expect(log).toEqual(['a writes']);
    rw.unlock();
    yield* settle(go);
    expect(log).toEqual(['a writes', 'b reads']);
    rw.rUnlock();
    yield* rw.lock(); // nobody has it
    go.go(reader, 'c');
    yield* settle(go);
    expect(log).toHaveLength(2);
    rw.unlock();
    expect(rw.tryLock()).toBe(false); // c has it
    yield* settle(go);
  });
  expect(log).toEqual(['a writes', 'b reads', 'c reads']);
});
