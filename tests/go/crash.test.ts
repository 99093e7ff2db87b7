// Go's runtime/crash_test.go: how programs die, word for word. The programs are those of testdata/testprog, written anew.
import { describe, expect, test } from 'vitest';
import { func, type Go, type GoFunc, i32, panic, struct } from '../../runtime/index.ts';
import { death, run } from '../support/run.ts';

const Node = struct('crash.Node', { id: i32 });
const asleep = 'fatal error: all goroutines are asleep - deadlock!\n\n';
const noGoroutines = 'fatal error: no goroutines (main called runtime.Goexit) - deadlock!';

/** The text of a program that must die. */
const output = (main: GoFunc<[]>) => death(main).message;

describe('deadlock', () => {
  test('TestSimpleDeadlock: a select without cases', () => {
    const text = output(function* main(go) {
      yield* go.select([]);
      expect.unreachable();
    });
    expect(text.startsWith(asleep)).toBe(true);
    expect(text).toContain('goroutine 1 [select (no cases)]:\nmain.main(');
  });

  test('each way to wait for ever has its words', () => {
    const ways: [string, (go: Go) => Generator<void, unknown, void>][] = [
      ['chan receive', (go) => one(go.chan(i32).recv())],
      ['chan send', (go) => one(go.chan(i32).send(1))],
      ['chan receive (nil chan)', (go) => one(go.nilChan(i32).recv())],
      ['chan send (nil chan)', (go) => one(go.nilChan(i32).send(1))],
      ['select', (go) => one(go.select([go.chan(i32).recvCase(), null]))],
      ['select (no cases)', (go) => one(go.select([null, undefined]))],
      [
        'semacquire',
        function* (go) {
          const m = go.mutex();
          yield* m.lock();
          yield* m.lock();
        },
      ],
      [
        'sync.Cond.Wait',
        function* (go) {
          const m = go.mutex();
          yield* m.lock();
          yield* go.cond(m).wait();
        },
      ],
    ];
    function* one(op: { [Symbol.iterator](): Iterator<void, unknown, void> }): Generator<void, unknown, void> {
      return yield* op;
    }
    for (const [reason, way] of ways) {
      expect(
        output(function* main(go) {
          yield* way(go);
        }),
        reason,
      ).toMatch(new RegExp(`^${asleep}goroutine 1 \\[${reason.replace(/[()]/g, '\\$&')}\\]:\\nmain\\.main\\(`));
    }
  });

  test('a timer that is set is no deadlock', () => {
    expect(
      output(function* main(go) {
        go.afterFunc(1e9, function* later() {
          panic('later');
        });
        yield* go.select([]);
      }),
    ).toMatch(/^panic: later\n\ngoroutine 5 \[running\]:/);
  });
});

describe('Goexit', () => {
  test('TestGoexitDeadlock: main exits, the others end', () => {
    expect(
      output(function* main(go) {
        function* f(go: Go) {
          for (let i = 0; i < 10; i++) yield* go.gosched();
        }
        go.go(f);
        go.go(f);
        go.goexit();
      }),
    ).toBe(noGoroutines);
  });

  test('TestGoexitInPanic: in a deferred call of a goroutine that panics', () => {
    expect(
      output(function* main(go) {
        go.go(function* worker(go: Go) {
          go.defer(() => go.goexit());
          panic('hello');
        });
        go.goexit();
      }),
    ).toBe(noGoroutines);
  });

  test('TestGoexitCrash: main ends first, and what it has deferred can start others', () => {
    let n = 0;
    expect(
      output(function* main(go) {
        go.go(function* busy(go: Go) {
          for (let i = 0; i < 1000; i++) yield* go.gosched();
        });
        go.defer(() => {
          go.go(function* late() {
            n++;
          });
        });
        go.goexit();
      }),
    ).toBe(noGoroutines);
    expect(n).toBe(1);
  });

  test('TestGoexitDefer: deferred calls run, and recover gives nil', () => {
    run(function* main(go) {
      const c = go.chan(i32);
      go.go(function* worker(go: Go) {
        go.defer(function* () {
          expect(go.recover()).toBe(null);
          yield* c.send(1);
        });
        go.goexit();
      });
      expect(yield* c.recv()).toBe(1);
    });
  });

  test('TestPanicAfterGoexit: a panic in a deferred call of Goexit is printed alone', () => {
    expect(
      output(function* main(go) {
        go.defer(() => panic('hello'));
        go.goexit();
      }),
    ).toMatch(/^panic: hello\n\ngoroutine 1 \[running\]:/);
  });

  test('TestRecoveredPanicAfterGoexit: Goexit goes on', () => {
    expect(
      output(function* main(go) {
        go.defer(() => {
          if (go.recover() === null) panic('bad recover');
        });
        go.defer(() => panic('hello'));
        go.goexit();
      }),
    ).toBe(noGoroutines);
  });

  test('TestRecoverBeforePanicAfterGoexit: a recover before the panic gives nil, Goexit ends the goroutine', () => {
    expect(
      output(function* main(go) {
        yield* go.call(function* (go) {
          go.defer(() => expect(go.recover(), 'Goexit cannot be recovered').toBe(null));
          go.defer(() => {
            go.defer(() => expect(go.recover()).toBe('again'));
            panic('again');
          });
          go.goexit();
        });
        expect.unreachable();
      }),
    ).toBe(noGoroutines);
  });

  test('TestRecoverBeforePanicAfterGoexit2: the same with a call that is deferred in a loop', () => {
    expect(
      output(function* main(go) {
        for (let i = 0; i < 2; i++) go.defer(() => {});
        go.defer(() => expect(go.recover()).toBe(null));
        go.defer(function* () {
          yield* go.call(function* (go) {
            go.defer(() => expect(go.recover()).toBe('again'));
            panic('again');
          });
        });
        go.goexit();
      }),
    ).toBe(noGoroutines);
  });

  test('a panic of a deferred call shows that Goexit made the call', () => {
    expect(
      output(function* main(go) {
        go.defer(() => panic('hello'));
        go.goexit();
      }),
    ).toMatch(/^panic: hello\n\ngoroutine 1 \[running\]:\nruntime\.Goexit\(\.\.\.\)\n\truntime\/panic\.go:522\nmain\.main\(/);
  });
});

describe('panics', () => {
  test('TestRecursivePanic: a panic that was recovered inside a deferred call is not printed, the one outside is', () => {
    expect(
      output(function* main(go) {
        go.defer(function* () {
          yield* go.call(function* (go) {
            go.defer(() => expect(go.recover()).toBe('bad'));
            panic('bad');
          });
        });
        panic('again');
      }),
    ).toMatch(/^panic: again\n\ngoroutine 1 \[running\]:/);
  });

  test('TestRecursivePanic2: the interrupted one is printed as well', () => {
    expect(
      output(function* main(go) {
        go.defer(() => panic('second panic'));
        panic('first panic');
      }),
    ).toMatch(/^panic: first panic\n\tpanic: second panic\n\ngoroutine 1 \[running\]:/);
  });

  test('TestRecursivePanic3: of a function with frames too', () => {
    const f = func('main.f', { n: Node }, (f) => {
      f.defer(() => panic('third panic'));
      panic('second panic');
    });
    expect(
      output(function* main(go) {
        go.defer(() => f(go));
        panic('first panic');
      }),
    ).toMatch(/^panic: first panic\n\tpanic: second panic\n\tpanic: third panic\n\ngoroutine 1 \[running\]:/);
  });

  test('TestRecursivePanic4: recovered and panicked anew', () => {
    expect(
      output(function* main(go) {
        go.defer(() => panic(go.recover()));
        panic('first panic');
      }),
    ).toMatch(/^panic: first panic \[recovered\]\n\tpanic: first panic\n\ngoroutine 1 \[running\]:/);
  });

  test('TestRecursivePanic5: an aborted panic is gone with the one that was recovered', () => {
    expect(
      output(function* main(go) {
        yield* go.call(function* (go) {
          go.defer(() => expect(go.recover()).toBe('second panic'));
          go.defer(() => panic('second panic'));
          panic('first panic');
        });
        panic('third panic');
      }),
    ).toMatch(/^panic: third panic\n\ngoroutine 1 \[running\]:/);
  });

  test('TestGoNil: a nil function is fatal, and what is none at all is refused', () => {
    for (const nil of [null, undefined]) {
      expect(
        output(function* main(go) {
          go.go(nil as never);
        }),
      ).toMatch(/^fatal error: go of nil func value\n\ngoroutine 1 \[running\]:\nmain\.main\(/);
    }
    expect(() =>
      death(function* main(go) {
        go.go(5 as never);
      }),
    ).toThrow(new TypeError('go: got number, wanted a generator function (function*)'));
  });

  test('TestPanicTraceback: under each panic stand the frames of the one that it interrupted', () => {
    const pt2deferred = func('main.pt2.func1', {}, () => panic('panic pt2'));
    const pt1deferred = func('main.pt1.func1', {}, () => panic('panic pt1'));
    const pt2 = func('main.pt2', {}, (f) => {
      f.defer(() => pt2deferred(f));
      panic('hello');
    });
    const pt1 = func('main.pt1', {}, (f) => {
      f.defer(() => pt1deferred(f));
      pt2(f);
    });
    const text = output(function* main(go) {
      pt1(go);
    });
    expect(text.startsWith('panic: hello\n\tpanic: panic pt2\n\tpanic: panic pt1\n\ngoroutine 1 [running]:\n')).toBe(true);
    expect([...text.matchAll(/^(\S+)\(\.\.\.\)$/gm)].map((m) => m[1])).toEqual([
      'main.pt1.func1',
      'panic',
      'main.pt2.func1',
      'panic',
      'main.pt2',
      'main.pt1',
      'main.main',
    ]);
  });

  test('TestThreadExhaustion: goroutines that are locked to threads need more than there may be', () => {
    expect(
      output(function* main(go) {
        go.setMaxThreads(10);
        const c = go.chan(i32);
        for (let i = 0; i < 100; i++) {
          go.go(function* locked(go: Go) {
            go.lockOSThread();
            yield* c.send(0);
            yield* go.select([]);
          });
          yield* c.recv();
        }
      }),
    ).toMatch(/^runtime: program exceeds 10-thread limit\nfatal error: thread exhaustion\n\n/);
    expect(
      output(function* main(go) {
        go.setMaxThreads(1);
      }),
    ).toMatch(/^runtime: program exceeds 1-thread limit\nfatal error: thread exhaustion\n\ngoroutine 1 \[running\]:/);
  });

  test('TestMainGoroutineID: main is goroutine 1', () => {
    expect(
      output(function* main() {
        panic('test');
      }),
    ).toMatch(/^panic: test\n\ngoroutine 1 \[running\]:/);
  });

  test('TestDoublePanic: values that say themselves how they are printed, while the collector runs', () => {
    const value = (text: string, go: Go) => ({
      String(): string {
        for (let i = 0; i < 1000; i++) go.new(Node);
        return text;
      },
    });
    expect(
      output(function* main(go) {
        go.defer(() => panic(value('YYY', go)));
        panic(value('XXX', go));
      }),
    ).toMatch(/^panic: XXX\n\tpanic: YYY\n/);
  });

  const throwing = (method: 'Error' | 'String', what: unknown) => ({
    [method](): string {
      panic(what);
    },
  });
  test.each<[name: string, value: unknown, words: string]>([
    ['ErrorPanic', throwing('Error', 'important error message'), 'important error message'],
    ['StringerPanic', throwing('String', 'important stringer message'), 'important stringer message'],
    ['DoubleErrorPanic', throwing('Error', throwing('Error', 5)), 'type Object'],
    ['DoubleStringerPanic', throwing('String', throwing('String', 5)), 'type Object'],
  ])('TestPanicWhilePanicking: %s', (_name, value, words) => {
    expect(
      output(function* main() {
        panic(value);
      }),
    ).toMatch(new RegExp(`^fatal error: panic while printing panic value: ${words}\\n\\ngoroutine 1 `));
  });

  test('TestPanicLoop: a value whose Error panics with itself', () => {
    const value: { Error(): string } = { Error: () => panic(value) };
    expect(
      output(function* main() {
        panic(value);
      }),
    ).toMatch(/^fatal error: panic while printing panic value: type Object\n/);
  });

  test('TestPanicDeadlockSyscall: a value is asked once, when it is printed, and not at all when the panic is recovered', () => {
    const log: string[] = [];
    const errorThatPrints = {
      Error(): string {
        log.push('1', '2');
        return '3';
      },
    };
    expect(
      output(function* main(go) {
        yield* go.call(function* (go) {
          go.defer(() => expect(go.recover()).toBe(errorThatPrints));
          panic(errorThatPrints);
        });
        expect(log).toEqual([]);
        panic(errorThatPrints);
      }),
    ).toMatch(/^panic: 3\n\n/);
    expect(log).toEqual(['1', '2']);
  });

  test('TestPanicRace: other goroutines do not run on', () => {
    let n = 0;
    output(function* main(go) {
      go.go(function* other(go: Go) {
        for (;;) {
          yield* go.gosched();
          n++;
        }
      });
      yield* go.sleep(10_000);
      const before = n;
      go.defer(() => {
        n = before;
      });
      panic('crash');
    });
    expect(n).toBeGreaterThan(0);
  });
});
