// panic, defer, recover and Goexit: who runs when, what recover gives, and what is printed when nobody recovers
// (reference 6.9). Go's own tests of these are in tests/go/crash.test.ts.
import { describe, expect, test } from 'vitest';
import { func, type Go, type GoFunc, GoRuntimeError, gofunc, i32, panic, self, struct } from '../../../runtime/index.ts';
import { death, run } from '../../support/run.ts';

const Node = struct('panic.Node', { id: i32, next: self });

/** What a program logs. */
function logOf(main: (log: unknown[]) => GoFunc<[]>): unknown[] {
  const log: unknown[] = [];
  run(main(log));
  return log;
}

/** The lines before the first goroutine of what a program prints when it dies. */
function head(main: GoFunc<[]>): string {
  return death(main).message.split('\n\ngoroutine ')[0]!;
}

describe('deferred calls of a goroutine', () => {
  test('run last one first when it returns, with the arguments of the defer statement, and may block', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          go.go(function* worker(go: Go) {
            let i = 1;
            go.defer((n: number) => log.push(`first ${n} ${i}`), i);
            go.defer(function* (n: number) {
              yield* go.sleep(100);
              log.push(`second ${n}`);
            }, 2);
            i = 5;
            yield* go.gosched();
            log.push('body');
          });
          yield* go.sleep(10_000);
        },
    );
    expect(log).toEqual(['body', 'second 2', 'first 1 5']);
  });

  test('keep the objects that they will be called with', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          go.go(function* worker(go: Go) {
            const f = go.locals({ n: Node });
            f.n = go.new(Node);
            f.n.id = 7;
            go.defer((n) => log.push(n!.id), f.n);
            f.n = null;
            yield* go.gc();
            yield* go.gc();
          });
          yield* go.sleep(1e9);
        },
    );
    expect(log).toEqual([7]);
  });

  test('of a panic run, and recover ends it: the goroutine is over, the program goes on', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          go.go(function* worker(go: Go) {
            go.defer(() => log.push(['outer', go.recover()]));
            go.defer(() => log.push(['inner', go.recover()]));
            yield* go.gosched();
            panic({ code: 4 });
          });
          yield* go.sleep(10_000);
          log.push('main');
        },
    );
    expect(log).toEqual([['inner', { code: 4 }], ['outer', null], 'main']);
  });
});

describe('recover', () => {
  test('gives null where no panic runs the call', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          log.push(go.recover());
          yield* go.call(function* (go) {
            go.defer(() => log.push(go.recover()));
          });
        },
    );
    expect(log).toEqual([null, null]);
  });

  test('gives null in a function that the deferred call calls', () => {
    const helper = func('panic.helper', {}, (f) => f.recover());
    const log = logOf(
      (log) =>
        function* main(go) {
          yield* go.call(function* (go) {
            go.defer(() => log.push(go.recover()));
            go.defer(() => log.push(helper(go)));
            panic('x');
          });
        },
    );
    expect(log).toEqual([null, 'x']);
  });

  test('gives null in a deferred call of a function that a deferred call calls: that one did not panic', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          yield* go.call(function* (go) {
            go.defer(() => log.push(['outer', go.recover()]));
            go.defer(function* () {
              yield* go.call(function* (go) {
                go.defer(() => log.push(['nested', go.recover()]));
              });
            });
            panic('x');
          });
        },
    );
    expect(log).toEqual([
      ['nested', null],
      ['outer', 'x'],
    ]);
  });

  test('works in a deferred function of any kind, and in nothing that it calls', () => {
    const log: unknown[] = [];
    const plain = func('panic.plain', {}, (_f, go: Go) => log.push(go.recover()));
    const blocking = gofunc('panic.blocking', {}, function* (go) {
      log.push(go.recover());
    });
    const body = function* (go: Go) {
      log.push(go.recover());
    };
    const ways: [string, (go: Go) => unknown][] = [
      ['declared, called', (go) => plain(go, go)],
      [
        'declared and blocking, called',
        function* (go) {
          yield* blocking(go);
        },
      ],
      [
        'with deferred calls, called',
        function* (go) {
          yield* go.call(body);
        },
      ],
      ['with deferred calls', (go) => go.call(body)],
      ['declared and blocking', (go) => blocking(go)],
      ['a generator', body],
    ];
    run(function* main(go) {
      for (const [name, way] of ways) {
        yield* go.call(function* (go) {
          go.defer(() => go.recover());
          go.defer(way, go);
          panic(name);
        });
      }
      for (const fn of [() => go.defer(plain, go, go), () => go.defer(blocking, go)]) {
        yield* go.call(function* () {
          fn();
          panic('itself');
        });
      }
    });
    expect(log).toEqual([null, null, null, 'with deferred calls', 'declared and blocking', 'a generator', 'itself', 'itself']);
  });

  test('gives the runtime’s errors as values with Error()', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          const caught = (body: () => void) =>
            go.call(function* (go) {
              go.defer(() => {
                const e = go.recover();
                log.push(e instanceof GoRuntimeError ? e.Error() : e);
              });
              body();
            });
          const f = go.locals({ n: Node });
          yield* caught(() => void f.n!.id);
          yield* caught(() => go.nilChan(i32).close());
          yield* caught(() => go.chan(i32, -1));
          yield* caught(() => panic('mine'));
        },
    );
    expect(log).toEqual([
      'runtime error: invalid memory address or nil pointer dereference',
      'close of nil channel',
      'makechan: size out of range',
      'mine',
    ]);
  });

  test('in the era 2014 a channel’s panic is a text', () => {
    let value: unknown;
    run(
      function* main(go) {
        yield* go.call(function* (go) {
          go.defer(() => {
            value = go.recover();
          });
          const ch = go.chan(i32);
          ch.close();
          ch.close();
        });
      },
      { era: '2014' },
    );
    expect(value).toBe('close of closed channel');
  });
});

describe('a function', () => {
  test('that has recovered returns what a deferred call sets; its caller goes on', () => {
    const safe = func('panic.safe', {}, (f, fail: boolean): string => {
      f.defer(() => {
        const e = f.recover();
        if (e !== null) f.setResult(`recovered ${String(e)}`);
      });
      if (fail) f.panic('oops');
      return 'well';
    });
    const log = logOf(
      (log) =>
        function* main(go) {
          log.push(safe(go, false), safe(go, true), safe(go, false));
          log.push(
            yield* go.call(function* (go): Generator<void, number, void> {
              go.defer(() => go.setResult(2));
              yield* go.gosched();
              return 1;
            }),
          );
        },
    );
    expect(log).toEqual(['well', 'recovered oops', 'well', 2]);
  });

  test('passes a panic on that it does not recover, after its deferred calls', () => {
    const log: string[] = [];
    const inner = func('panic.inner', {}, (f) => {
      f.defer(() => log.push('inner'));
      panic('x');
    });
    const outer = func('panic.outer', {}, (f) => {
      f.defer(() => log.push(`outer ${String(f.recover())}`));
      inner(f);
      log.push('not reached');
    });
    run(function* main(go) {
      outer(go);
      log.push('main');
    });
    expect(log).toEqual(['inner', 'outer x', 'main']);
  });

  test('cannot defer what blocks', () => {
    const bad = func('panic.bad', {}, (f, go: Go) => {
      f.defer(function* () {
        yield* go.gosched();
      });
    });
    expect(() =>
      run(function* main(go) {
        bad(go, go);
      }),
    ).toThrow('a call that a plain function defers cannot block');
  });
});

describe('what is not recovered', () => {
  test('a fatal error runs no deferred calls, in no kind of function', () => {
    const log: string[] = [];
    const plain = func('panic.plain', {}, (f, go: Go) => {
      f.defer(() => log.push('plain'));
      go.mutex().unlock();
    });
    const programs: GoFunc<[]>[] = [
      function* (go) {
        go.defer(() => log.push('goroutine'));
        go.mutex().unlock();
      },
      function* (go) {
        yield* go.call(function* (go) {
          go.defer(() => log.push('call'));
          go.mutex().unlock();
        });
      },
      function* (go) {
        plain(go, go);
      },
    ];
    for (const program of programs) expect(head(program)).toBe('fatal error: sync: unlock of unlocked mutex');
    expect(log).toEqual([]);
  });

  test('an error of JavaScript that is recovered and thrown again is on its way again', () => {
    const mine = new Error('mine');
    let outer: unknown;
    run(function* main(go) {
      yield* go.call(function* (go) {
        go.defer(() => {
          outer = go.recover();
        });
        go.defer(() => {
          throw go.recover();
        });
        throw mine;
      });
    });
    expect(outer).toBe(mine);
    expect(() =>
      run(function* main(go) {
        go.defer(() => {
          throw go.recover();
        });
        throw mine;
      }),
    ).toThrow(mine);
  });
});

describe('Goexit', () => {
  test('runs the deferred calls, in which recover gives null, and ends the goroutine alone', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          go.go(function* worker(go: Go) {
            go.defer(() => log.push('first'));
            go.defer(() => log.push(go.recover()));
            yield* go.gosched();
            yield* go.call(function* (go) {
              go.defer(() => log.push('nested'));
              go.goexit();
            });
            log.push('not reached');
          });
          yield* go.sleep(10_000);
          log.push('main');
        },
    );
    expect(log).toEqual(['nested', null, 'first', 'main']);
  });

  test('goes on after a panic in a deferred call that was recovered', () => {
    const log = logOf(
      (log) =>
        function* main(go) {
          go.go(function* worker(go: Go) {
            go.defer(() => log.push(['last', go.recover()]));
            go.defer(() => log.push(['recovers', go.recover()]));
            go.defer(() => panic('in between'));
            go.goexit();
          });
          yield* go.sleep(10_000);
        },
    );
    expect(log).toEqual([
      ['recovers', 'in between'],
      ['last', null],
    ]);
  });

  test('of main lets the others run; then nobody is left', () => {
    const log: string[] = [];
    const error = death(function* main(go) {
      go.go(function* other(go) {
        yield* go.sleep(1000);
        log.push('other');
      });
      go.goexit();
    });
    expect(log).toEqual(['other']);
    expect(error.message).toBe('fatal error: no goroutines (main called runtime.Goexit) - deadlock!');
  });
});

describe('what an uncaught panic prints', () => {
  class GoError {
    Error() {
      return 'an error';
    }
  }
  class Stringer {
    String() {
      return 'a stringer';
    }
  }
  test.each<[value: unknown, text: string]>([
    ['text', 'text'],
    [5, '5'],
    [-1.5, '-1.500000e+000'],
    [1e100, '+1.000000e+100'],
    [2 ** 53, '9007199254740992'],
    [1.25e-7, '+1.250000e-007'],
    [NaN, 'NaN'],
    [true, 'true'],
    [null, 'nil'],
    [new GoError(), 'an error'],
    [new Stringer(), 'a stringer'],
    [new Error('of JavaScript'), 'of JavaScript'],
  ])('%j', (value, text) => {
    expect(
      head(function* main() {
        panic(value);
      }),
    ).toBe(`panic: ${text}`);
  });

  test('a value that contains itself, which JSON has no text for', () => {
    const value: { self?: unknown } = {};
    value.self = value;
    expect(
      head(function* main() {
        panic(value);
      }),
    ).toBe('panic: (Object) {…}');
  });

  test('the panic of a deferred call, and before it the one that it interrupts', () => {
    expect(
      head(function* main(go) {
        go.defer(() => panic('third'));
        go.defer(() => panic('second'));
        panic('first');
      }),
    ).toBe('panic: first\n\tpanic: second\n\tpanic: third');
  });

  test('one that was recovered says so', () => {
    expect(
      head(function* main(go) {
        go.defer(() => {
          panic(`again ${String(go.recover())}`);
        });
        panic('first');
      }),
    ).toBe('panic: first [recovered]\n\tpanic: again first');
  });

  test('under a Goexit that came between two of them, the second one is indented all the same', () => {
    expect(
      head(function* main(go) {
        go.defer(() =>
          go.call(function* (go) {
            go.defer(() => panic('second'));
            go.goexit();
          }),
        );
        panic('first');
      }),
    ).toBe('panic: first\n\tpanic: second');
  });

  test('one that was recovered for good is not printed with a later one', () => {
    expect(
      head(function* main(go) {
        yield* go.call(function* (go) {
          go.defer(() => go.recover());
          panic('over');
        });
        panic('later');
      }),
    ).toBe('panic: later');
  });

  test('a nil dereference comes with the signal', () => {
    const touch = func('panic.touch', { n: Node }, (f) => f.n!.id);
    const error = death(function* main(go) {
      touch(go);
    });
    expect(error.message).toMatch(
      /^panic: runtime error: invalid memory address or nil pointer dereference\n\[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x[0-9a-f]+\]\n\ngoroutine 1 \[running\]:\npanic\.touch\(\.\.\.\)\n\tpanic\.test\.ts:\d+\nmain\.main\(\.\.\.\)/,
    );
    expect([error.kind, error.exitCode]).toEqual(['panic', 3]);
  });

  const signal = '\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x';
  test('the signal is printed with a later panic of the goroutine too, until the dereference is recovered and over', () => {
    const died = (deferred: (go: Go) => void) =>
      head(function* main(go) {
        const f = go.locals({ n: Node });
        go.defer(() => deferred(go));
        f.n!.id = 1;
      });
    const nil = 'panic: runtime error: invalid memory address or nil pointer dereference';
    expect(died(() => panic('second'))).toContain(`${nil}\n\tpanic: second${signal}`);
    expect(died((go) => panic(go.recover()))).toContain(`${nil} [recovered]\n\t${nil}${signal}`);
    expect(
      head(function* main(go) {
        const f = go.locals({ n: Node });
        yield* go.call(function* (go) {
          go.defer(() => go.recover());
          f.n!.id = 1;
        });
        panic('later');
      }),
    ).toBe('panic: later');
  });

  test('the stack is that of the panic that the program dies of, whatever its deferred calls have thrown and recovered', () => {
    const fails = func('panic.fails', {}, () => panic('outer'));
    const recovers = func('panic.recovers', {}, (f) => {
      f.defer(() => go0.recover());
      panic('inner');
    });
    let go0!: Go;
    const error = death(function* main(go) {
      go0 = go;
      go.defer(() => recovers(go));
      fails(go);
    });
    expect(error.message).toMatch(/^panic: outer\n\ngoroutine 1 \[running\]:\npanic\.fails\(\.\.\.\)\n\tpanic\.test\.ts:\d+\nmain\.main\(/);
  });
});
