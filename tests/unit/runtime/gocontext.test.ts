// context and errgroup: what Go's tests of both packages assert, and the example that uses them.
import { describe, expect, test } from 'vitest';
import { type Outcome, search } from '../../../examples/search.ts';
import { context, errgroup, type Go, type GoError, type GoFunc, Runtime } from '../../../runtime/index.ts';
import { death, run } from '../../support/run.ts';

const text = (e: GoError | null) => (e === null ? null : e instanceof Error ? e.message : e.Error());
const isDone = (ctx: context.Context) => ctx.done().tryRecv() !== null;

describe('context', () => {
  const all = (main: GoFunc<[]>) => {
    for (const procs of [1, 3]) run(main, { procs });
  };

  test('TestBackground, TestWithCancel: the background is never done; cancel closes Done once and says why', () => {
    all(function* main(go) {
      const bg = context.background(go);
      expect([bg.err(), bg.deadline(), bg.value('k'), isDone(bg)]).toEqual([null, null, undefined, false]);
      const [ctx, cancel] = context.withCancel(bg);
      expect([text(ctx.err()), isDone(ctx)]).toEqual([null, false]);
      go.go(function* waits() {
        yield* ctx.done().recv();
        expect(ctx.err()).toBe(context.canceled);
      });
      yield* go.sleep(1e6);
      cancel();
      cancel();
      yield* go.sleep(1e6);
      expect([text(ctx.err()), isDone(ctx)]).toEqual(['context canceled', true]);
      expect(go.numGoroutine()).toBe(1);
    });
  });

  test('TestParentFinishesChild, TestChildFinishesFirst: cancellation goes down, through values, and never up', () => {
    all(function* main(go) {
      const [parent, cancelParent] = context.withCancel(context.background(go));
      const [child, cancelChild] = context.withCancel(context.withValue(parent, 'k', 'v'));
      const [first, cancelFirst] = context.withTimeout(parent, 1e9);
      const value = context.withValue(child, 'other', 1);
      cancelFirst();
      expect([text(first.err()), text(parent.err()), text(child.err())]).toEqual(['context canceled', null, null]);
      cancelParent();
      expect([parent, child, value].map((c) => [text(c.err()), isDone(c)])).toEqual(Array(3).fill(['context canceled', true]));
      const [late] = context.withCancel(value); // of a context that is cancelled already
      expect([text(late.err()), isDone(late)]).toEqual(['context canceled', true]);
      cancelChild();
    });
  });

  test('TestDeadline, TestTimeout: the earliest deadline counts; Done closes when it passes, and a cancel before it takes the timer back', () => {
    all(function* main(go) {
      const start = go.now();
      const [outer, cancelOuter] = context.withDeadline(context.background(go), start + 5e6);
      const [inner] = context.withTimeout(outer, 60e6);
      const [early, cancelEarly] = context.withTimeout(outer, 1e6);
      expect([outer.deadline(), inner.deadline()]).toEqual([start + 5e6, start + 5e6]);
      expect(early.deadline()).toBeLessThan(start + 2e6);
      cancelEarly();
      yield* inner.done().recv();
      expect(go.now() - start).toBeGreaterThanOrEqual(5e6);
      expect(go.now() - start).toBeLessThan(6e6);
      expect([outer, inner, early].map((c) => text(c.err()))).toEqual([
        'context deadline exceeded',
        'context deadline exceeded',
        'context canceled',
      ]);
      cancelOuter();
      expect(outer.err()).toBe(context.deadlineExceeded);
      const [over] = context.withDeadline(context.background(go), go.now() - 1);
      expect(text(over.err())).toBe('context deadline exceeded');
      expect(go.runtime.machine.sched.timers.earliest()).toBe(Infinity);
    });
  });

  test('TestValues: the nearest one with that key', () => {
    all(function* main(go) {
      const [k1, k2] = [Symbol('k1'), Symbol('k2')];
      const c1 = context.withValue(context.background(go), k1, 'c1');
      const [c2] = context.withCancel(context.withValue(c1, k2, 'c2'));
      const c3 = context.withValue(c2, k1, null);
      expect([c1, c2, c3].map((c) => [c.value(k1), c.value(k2)])).toEqual([
        ['c1', undefined],
        ['c1', 'c2'],
        [null, 'c2'],
      ]);
    });
  });

  test('TestCancelRemoves: a context that is over is no burden for its parent', () => {
    all(function* main(go) {
      const [parent, cancel] = context.withCancel(context.background(go));
      for (let i = 0; i < 100; i++) context.withCancel(parent)[1]();
      expect((parent as unknown as { children: Set<unknown> }).children.size).toBe(0);
      cancel();
    });
  });

  test('bad input: no parent and no key panic in Go’s words, no time is the caller’s mistake', () => {
    const dies = (fn: (go: Go) => unknown) =>
      death(function* main(go) {
        fn(go);
      }).message.split('\n')[0];
    expect(dies(() => context.withCancel(null as never))).toBe('panic: cannot create context from nil parent');
    expect(dies((go) => context.withValue(context.background(go), null, 1))).toBe('panic: nil key');
    run(function* main(go) {
      expect(() => context.withTimeout(context.background(go), Number.NaN)).toThrow(RangeError);
      expect(() => context.withCancel({} as never)).toThrow('context: got object, wanted a context');
    });
  });
});

describe('errgroup', () => {
  const failing = (error: GoError | null, nanos = 0): errgroup.Task =>
    function* task(go) {
      yield* go.sleep(nanos);
      return error;
    };

  test('TestZeroGroup: wait gives the first error, or none', () => {
    const [a, b] = [new Error('errgroup_test: 1'), new Error('errgroup_test: 2')];
    for (const errors of [[], [null], [a], [a, null], [a, null, b]]) {
      run(function* main(go) {
        const g = new errgroup.Group(go);
        let first: GoError | null = null;
        for (const error of errors) {
          yield* g.go(failing(error));
          first ??= error;
          expect(yield* g.wait()).toBe(first);
        }
      });
    }
  });

  test('TestWithContext: the first error cancels the context, and so does the end of the group', () => {
    run(
      function* main(go) {
        const wrong = new Error('group error');
        const [g, ctx] = errgroup.withContext(context.background(go));
        yield* g.go(failing(null));
        yield* g.go(failing(wrong, 1e6));
        yield* g.go(failing(new Error('later'), 2e6));
        yield* g.go(function* waits() {
          yield* ctx.done().recv();
          return ctx.err();
        });
        expect(ctx.err()).toBe(null);
        expect(yield* g.wait()).toBe(wrong);
        expect(text(ctx.err())).toBe('context canceled');
        const [well, done] = errgroup.withContext(context.background(go));
        yield* well.go(failing(null));
        expect([yield* well.wait(), text(done.err())]).toEqual([null, 'context canceled']);
      },
      { procs: 2 },
    );
  });

  test('TestGoLimit, TestTryGo: no more than the limit at once; Go waits, TryGo does not', () => {
    run(
      function* main(go) {
        const g = new errgroup.Group(go);
        g.setLimit(3);
        let [active, most] = [0, 0];
        const task: errgroup.Task = function* task(go) {
          most = Math.max(most, ++active);
          yield* go.sleep(1e3);
          active--;
        };
        for (let i = 0; i < 20; i++) yield* g.go(task);
        expect(g.tryGo(task)).toBe(false);
        expect(yield* g.wait()).toBe(null);
        expect(most).toBe(3);
        expect(g.tryGo(task)).toBe(true);
        yield* g.wait();
        g.setLimit(-1);
        for (let i = 0; i < 10; i++) expect(g.tryGo(task)).toBe(true);
        yield* g.wait();
        expect(most).toBe(10);
      },
      { procs: 2 },
    );
  });

  test('setLimit while goroutines are active panics; a goroutine that exits counts as done', () => {
    const error = death(function* main(go) {
      const g = new errgroup.Group(go);
      g.setLimit(2);
      yield* g.go(function* exits(go) {
        go.goexit();
      });
      expect(yield* g.wait()).toBe(null);
      yield* g.go(failing(null, 1e6));
      g.setLimit(1);
    });
    expect(error.message.split('\n')[0]).toBe('panic: errgroup: modify limit while 1 goroutines in the group are still active');
  });
});

describe('the example search', () => {
  test.each([1, 3])('on %i Ps: every request ends in one of three ways, nobody is left behind, and nothing is lost', (procs) => {
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 2; i++) {
      const rt = new Runtime({ procs, heapBytes: 8 << 20, gogc: 20, checked: true, checkMark: true, checkHeap: true });
      rt.run(search(300, 7, (o) => outcomes.push(o)));
      expect(rt.machine.sched.live).toBe(0);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    const { answered, late, failed } = outcomes[0]!;
    expect(answered + late + failed).toBe(300);
    for (const n of [answered, late, failed]) expect(n).toBeGreaterThan(10);
  });
});
