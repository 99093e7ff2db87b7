// What a program dies of, word for word: Go's texts, who ran, which goroutines there were and where they stood.
import { describe, expect, test } from 'vitest';
import { type Chan, deref, func, type Go, host, i32, type Ref, Runtime, RuntimeError, self, struct } from '../../../runtime/index.ts';
import { checkedOptions, death, lastWords, run } from '../../support/run.ts';

const Node = struct('death.Node', { id: i32, next: self });

const inner = func('death.inner', { n: Node }, (_f, n: Ref<typeof Node> | null) => deref(n).id);
const outer = func('death.outer', {}, (f, n: Ref<typeof Node> | null) => inner(f, n));

describe('deadlock', () => {
  test('all goroutines asleep: the message, and every goroutine with what it waits for', () => {
    const error = death(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      const ch = go.chan(i32);
      const wg = go.waitGroup();
      wg.add(1);
      go.go(function* sender(go) {
        yield* go.chan(i32).send(1);
      });
      go.go(function* joiner() {
        yield* wg.wait();
      });
      yield* ch.recv();
    });
    expect(lastWords(error)).toBe(
      [
        'fatal error: all goroutines are asleep - deadlock!',
        '',
        'goroutine 1 [chan receive]:',
        'main.main(...)',
        '\trun.ts',
        '',
        'goroutine 5 [chan send]:',
        'main.sender(...)',
        '\tdeath.test.ts',
        'created by main.main',
        '\tdeath.test.ts',
        '',
        'goroutine 6 [semacquire]:',
        'main.joiner(...)',
        '\tdeath.test.ts',
        'created by main.main',
        '\tdeath.test.ts',
      ].join('\n'),
    );
    expect([error.kind, error.exitCode, error.goroutine]).toEqual(['fatal', 3, 0]);
  });

  test('a sleeper is no deadlock', () => {
    const rt = new Runtime(checkedOptions);
    rt.run(function* main(go) {
      const ch = go.chan(i32);
      go.go(function* waker(go) {
        yield* go.sleep(1e9);
        yield* ch.send(1);
      });
      yield* ch.recv();
    });
  });

  test('a collection that is under way is no deadlock, and one that has ended helps nobody', () => {
    const rt = new Runtime({ ...checkedOptions, procs: 2 });
    expect(() =>
      rt.run(function* main(go) {
        yield* go.gc();
        rt.machine.gc.start(false);
        yield* go.chan(i32).recv();
      }),
    ).toThrow('all goroutines are asleep - deadlock!');
    expect(rt.machine.gc.numGC).toBe(2);
  });

  test('with four Ps as with one', () => {
    const texts = [1, 4].map((procs) =>
      lastWords(
        death(
          function* main(go) {
            const ch = go.chan(host<number>());
            for (let i = 0; i < 5; i++)
              go.go(function* worker() {
                yield* ch.recv();
              });
            yield* ch.recv();
          },
          { procs },
        ),
      ).replace(/goroutine \d+/g, 'goroutine'),
    );
    expect(texts[1]).toBe(texts[0]);
    expect(texts[0]!.match(/\[chan receive\]/g)?.length).toBe(6);
  });
});

describe('an uncaught panic', () => {
  test('of main shows main alone', () => {
    const error = death(function* main(go) {
      go.go(function* other(go) {
        yield* go.sleep(1e9);
      });
      yield* go.gosched();
      const n: Ref<typeof Node> | null = null;
      deref<typeof Node>(n).id = 1;
    });
    expect(lastWords(error)).toBe(
      [
        'panic: runtime error: invalid memory address or nil pointer dereference',
        '[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x…]',
        '',
        'goroutine 1 [running]:',
        'main.main(...)',
        '\trun.ts',
      ].join('\n'),
    );
    expect([error.kind, error.exitCode, error.goroutine]).toEqual(['panic', 3, 1]);
  });

  test('in a function shows the functions, innermost first, as they stood when it was thrown', () => {
    const error = death(function* main(go) {
      go.go(function* worker(go) {
        outer(go, null);
      });
      yield* go.sleep(1e6);
    });
    expect(lastWords(error)).toBe(
      [
        'panic: runtime error: invalid memory address or nil pointer dereference',
        '[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x…]',
        '',
        'goroutine 5 [running]:',
        'death.inner(...)',
        '\tdeath.test.ts',
        'death.outer(...)',
        '\tdeath.test.ts',
        'main.worker(...)',
        '\tdeath.test.ts',
        'created by main.main',
        '\tdeath.test.ts',
      ].join('\n'),
    );
    expect(error.goroutine).toBe(5);
  });

  test('ends the others too: nothing runs after it', () => {
    const log: string[] = [];
    death(function* main(go) {
      go.go(function* busy(go) {
        for (;;) {
          log.push('busy');
          yield* go.gosched();
        }
      });
      yield* go.gosched();
      yield* go.gosched();
      log.push('panics');
      const ch = go.chan(i32);
      ch.close();
      ch.close();
    });
    expect(log.at(-1)).toBe('panics');
  });

  test('that the program catches is none, and the stack is as deep as before', () => {
    const depths: number[] = [];
    const pcs = new Int32Array(10);
    const rt = new Runtime(checkedOptions);
    const depth = (go: Go) => depths.push(go.runtime.machine.sched.callers(pcs, 10));
    rt.run(function* main(go) {
      depth(go);
      for (let i = 0; i < 3; i++) {
        try {
          outer(go, null);
        } catch {}
        depth(go);
      }
    });
    expect(depths).toEqual([1, 1, 1, 1]);
  });
});

describe('the rest', () => {
  test('memory is out: a fatal error that says how much was asked for, with the goroutines', () => {
    const error = death(
      function* main(go) {
        const f = go.locals({ list: Node, n: Node });
        for (;;) {
          f.n = go.new(Node);
          f.n.next = f.list;
          f.list = f.n;
        }
      },
      { heapBytes: 1 << 19, memProfileRate: 0, checkHeap: false },
    );
    expect(lastWords(error)).toMatch(
      /^runtime: out of memory: cannot allocate 8-byte block \(524288 in use\)\nfatal error: out of memory\n\ngoroutine 1 \[running\]:\nmain\.main/,
    );
    expect([error.kind, error.exitCode]).toEqual(['fatal', 3]);
  });

  test('a bug of the runtime says so, tells how to run it again, and has an exit code of its own', () => {
    const rt = new Runtime({ ...checkedOptions, seed: 77, procs: 2 });
    rt.machine.faults.keepMarkBits = true;
    let error: unknown;
    try {
      rt.run(function* main(go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        yield* go.gc();
        yield* go.gc();
      });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(RuntimeError);
    const died = error as RuntimeError;
    expect([died.kind, died.exitCode]).toEqual(['throw', 70]);
    expect(died.message).toContain('runtime bug; run again with seed 77, procs 2');
    expect(died.cause).toBeInstanceOf(Error);
  });
});

test('a goroutine stands in a dump where its row does: who takes the row of one that has ended takes its place', () => {
  let ids: string[] = [];
  function* waits(_go: Go, ch: Chan<number>) {
    yield* ch.recv();
  }
  run(function* main(go) {
    const ch = go.chan(i32);
    for (let i = 0; i < 5; i++) go.go(waits, ch); // 5 to 9 wait in the order 9 5 6 7 8
    yield* go.gosched();
    yield* ch.send(1);
    yield* ch.send(1);
    yield* go.gosched(); // 5 ends, then 9
    for (let i = 0; i < 3; i++) go.go(waits, ch);
    ids = [...go.stack(true).matchAll(/^goroutine (\d+) /gm)].map((m) => m[1]!);
  });
  expect(ids).toEqual(['1', '11', '6', '7', '8', '10', '12']); // as Go's
});

test('a dump says who created each goroutine, and where', () => {
  const error = death(function* main(go) {
    const ch = go.chan(i32);
    go.go(function* worker() {
      yield* ch.recv();
    });
    yield* ch.recv();
  });
  expect(error.message).toMatch(
    /goroutine 5 \[chan receive\]:\nmain\.worker\(\.\.\.\)\n\t\S+\ncreated by main\.main\n\tdeath\.test\.ts:\d+$/,
  );
});
