// Functions that hold pointers and may block: their frames are the goroutine's, across switches, collections and growth of the
// stack, and they are gone when the function is, in whatever way.
import { describe, expect, test } from 'vitest';
import { type Blocking, type Chan, type Go, gofunc, i32, panic, type Ref, self, struct } from '../../../runtime/index.ts';
import { death, lastWords, run } from '../../support/run.ts';

const Node = struct('genfunc.Node', { value: i32, left: self, right: self });
type N = Ref<typeof Node>;

const build: (go: Go, depth: number) => Blocking<N> = gofunc('genfunc.build', { n: Node }, function* (go, f, depth: number) {
  f.n = f.new(Node);
  f.n.value = depth;
  if (depth > 0) {
    f.n.left = yield* build(go, depth - 1);
    yield* go.gosched();
    f.n.right = yield* build(go, depth - 1);
  }
  return f.n;
});

const sum: (go: Go, n: N | null) => Blocking<number> = gofunc('genfunc.sum', {}, function* (go, _f, n: N | null) {
  if (n === null) return 0;
  yield* go.gc();
  return n.value + (yield* sum(go, n.left)) + (yield* sum(go, n.right));
});

describe('a function that may block', () => {
  test('keeps its locals and its arguments over switches and collections, at every depth', () => {
    const sums: number[] = [];
    run(
      function* main(go) {
        const done = go.waitGroup();
        done.add(3);
        for (let i = 0; i < 3; i++) {
          go.go(function* worker(go) {
            sums.push(yield* sum(go, yield* build(go, 4)));
            done.done();
          });
        }
        yield* done.wait();
      },
      { procs: 2 },
    );
    expect(sums).toEqual([26, 26, 26]);
  });

  test('may recurse deeper than a chain of yield* could: no call lies on JavaScript’s stack', () => {
    const down: (go: Go, n: number) => Blocking<number> = gofunc('genfunc.down', {}, function* (go, _f, n: number) {
      if (n === 0) yield* go.gosched();
      return n === 0 ? 0 : 1 + (yield* down(go, n - 1));
    });
    let depth = 0;
    run(function* main(go) {
      depth = yield* down(go, 20_000);
    });
    expect(depth).toBe(20_000);
  });

  test('is in the dump of a goroutine that is parked in it, with its callers', () => {
    const wait = gofunc('genfunc.wait', {}, function* (_go, _f, ch: Chan<number>) {
      yield* ch.recv();
    });
    const outer = gofunc('genfunc.outer', { n: Node }, function* (go, _f, ch: Chan<number>) {
      yield* wait(go, ch);
    });
    const error = death(function* main(go) {
      yield* outer(go, go.chan(i32));
    });
    expect(lastWords(error)).toContain(
      [
        'goroutine 1 [chan receive]:',
        'genfunc.wait(...)',
        '\tgenfunc.test.ts',
        'genfunc.outer(...)',
        '\tgenfunc.test.ts',
        'main.main(...)',
      ].join('\n'),
    );
  });

  test('throws to its caller, who goes on with its own frame; the dump shows where it was thrown', () => {
    const fail = gofunc('genfunc.fail', { n: Node }, function* (go, f) {
      f.n = f.new(Node);
      yield* go.gosched();
      throw new Error('no');
    });
    const log: unknown[] = [];
    const { rt } = run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      f.n.value = 7;
      try {
        yield* fail(go);
      } catch (error) {
        log.push((error as Error).message);
      }
      yield* go.gc();
      log.push(f.n.value, go.stack());
    });
    expect(log.slice(0, 2)).toEqual(['no', 7]);
    expect(log[2]).toMatch(/^goroutine 1 \[running\]:\nmain\.main\(\.\.\.\)\n\t\S+\n$/);
    expect(rt.machine.sched.live).toBe(0);
    const die = gofunc('genfunc.die', {}, function* (go) {
      yield* go.gosched();
      panic('no');
    });
    const error = death(function* main(go) {
      yield* die(go);
    });
    expect(lastWords(error)).toMatch(/^panic: no\n\ngoroutine 1 \[running\]:\ngenfunc\.die\(\.\.\.\)\n\t\S+\nmain\.main/);
  });

  test('Goexit passes through it, and runs what was deferred', () => {
    const leave = gofunc('genfunc.leave', { n: Node }, function* (go) {
      yield* go.gosched();
      go.goexit();
    });
    const log: string[] = [];
    run(function* main(go) {
      go.go(function* worker(go) {
        go.defer(() => log.push('deferred'));
        yield* leave(go);
        log.push('never');
      });
      yield* go.sleep(1e6);
    });
    expect(log).toEqual(['deferred']);
  });

  test('a panic in it is recovered by the call that deferred', () => {
    const fail = gofunc('genfunc.panics', {}, function* (go, _f, by: number) {
      yield* go.gosched();
      throw new Error(`by ${by}`);
    });
    let recovered: unknown;
    run(function* main(go) {
      yield* go.call(function* outer(go: Go): Generator<void, void, void> {
        go.defer(() => {
          recovered = go.recover();
        });
        yield* fail(go, 3);
      });
    });
    expect((recovered as Error).message).toBe('by 3');
  });
});

describe('used wrongly', () => {
  const nothing = gofunc('genfunc.nothing', { n: Node }, function* (_go, _f, _n: N | null) {});

  test('a forgotten yield* is found at the next operation', () => {
    expect(() =>
      run(function* main(go) {
        nothing(go, null);
        yield* go.gosched();
      }),
    ).toThrow('a blocking operation was called and not awaited');
  });

  test('another goroutine’s go is refused', () => {
    expect(() =>
      run(function* main(go) {
        go.go(function* worker() {
          yield* nothing(go, null);
        });
        yield* go.sleep(1e6);
      }),
    ).toThrow('genfunc.nothing: this `go` belongs to another goroutine');
  });

  test('a local is not used after its function has returned', () => {
    const leak = gofunc('genfunc.leak', { n: Node }, function* (_go, f) {
      return f;
    });
    expect(() =>
      run(function* main(go) {
        const f = yield* leak(go);
        f.n = null;
      }),
    ).toThrow('a local was used after its function returned');
  });

  test('a plain function is no body', () => {
    const plain = gofunc('genfunc.plain', {}, (() => 1) as never);
    expect(() =>
      run(function* main(go) {
        yield* plain(go);
      }),
    ).toThrow('genfunc.plain: a function that may block is a generator function (function*)');
  });
});
