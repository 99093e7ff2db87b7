// Finalizers, cleanups and weak pointers: when they run, what they see, and what the profile says meanwhile.
import { describe, expect, test } from 'vitest';
import { checkHeap } from '../../../heap/check.ts';
import { type Go, i32, inUseObjects, Runtime, RuntimeError, self, struct, type Weak } from '../../../runtime/index.ts';

const Node = struct('final.Node', { value: i32, next: self });

function run(main: (go: Go) => Generator<void, unknown, void>, procs = 1): Runtime {
  const rt = new Runtime({ procs, heapBytes: 4 << 20, memProfileRate: 1, checked: true, checkHeap: true, checkMark: true, oracle: true });
  rt.run(function* finals(go) {
    yield* main(go);
  });
  checkHeap(rt.machine.heap);
  return rt;
}

/** A collection, and a turn for the finalizer goroutine. */
function* collect(go: Go): Generator<void, void, void> {
  yield* go.gc();
  yield* go.gosched();
  yield* go.gosched();
}

describe('a finalizer', () => {
  test('gets the whole object, and the object is freed in the cycle after that', () => {
    const seen: [number, number][] = [];
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      f.n.value = 1;
      f.n.next = go.new(Node);
      f.n.next.value = 2;
      const { addr } = f.n;
      go.setFinalizer(f.n, (n) => seen.push([n.value, n.next!.value]));
      yield* collect(go);
      expect(seen).toEqual([]); // still reachable
      f.n = null;
      yield* collect(go);
      expect(seen).toEqual([[1, 2]]);
      const { heap } = go.runtime.machine;
      heap.writeBack();
      expect(heap.isObject(addr)).toBe(true);
      yield* collect(go);
      expect(heap.isObject(addr)).toBe(false);
      expect(seen.length).toBe(1); // it runs once
    });
  });

  test('of a chain runs in the order of the pointers, one object a cycle', () => {
    const order: number[] = [];
    run(function* (go) {
      const f = go.locals({ head: Node, n: Node });
      for (let i = 3; i >= 1; i--) {
        f.n = go.new(Node);
        f.n.value = i;
        f.n.next = f.head;
        f.head = f.n;
        go.setFinalizer(f.n, (n) => order.push(n.value));
      }
      f.head = null;
      f.n = null;
      for (let i = 0; i < 4; i++) yield* collect(go);
    });
    expect(order).toEqual([1, 2, 3]); // what an object with a finalizer points to lives as long as it does
  });

  test('may bring its object back to life', () => {
    const back = run(function* (go) {
      const f = go.locals({ n: Node, kept: Node });
      f.n = go.new(Node);
      f.n.value = 7;
      go.setFinalizer(f.n, (n) => {
        f.kept = n;
      });
      f.n = null;
      yield* collect(go);
      yield* collect(go);
      yield* collect(go);
      expect(f.kept!.value).toBe(7);
    });
    expect(back.stats().numGC).toBe(3);
  });

  test('may block: a generator function', () => {
    const got: number[] = [];
    run(function* (go) {
      const f = go.locals({ n: Node });
      const ch = go.chan(i32);
      f.n = go.new(Node);
      f.n.value = 5;
      go.setFinalizer(f.n, function* (n) {
        yield* ch.send(n.value);
      });
      f.n = null;
      yield* go.gc();
      got.push(yield* ch.recv());
    });
    expect(got).toEqual([5]);
  });

  test('that blocks keeps its object over collections until it is done', () => {
    const seen: number[] = [];
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      f.n.value = 42;
      go.setFinalizer(f.n, function* (n) {
        yield* go.gosched();
        seen.push(n.value);
        yield* go.sleep(1e6);
        seen.push(n.value);
      });
      f.n = null;
      for (let i = 0; i < 4; i++) yield* collect(go);
      yield* go.sleep(1e7);
      for (let i = 0; i < 3; i++) yield* collect(go);
    });
    expect(seen).toEqual([42, 42]);
  });

  test('of an object that is dead already and not swept is refused, and nothing hangs', () => {
    const late = (fn: (() => void) | null) => () =>
      run(function* (go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        const dead = f.n;
        go.setFinalizer(dead, () => {});
        go.setFinalizer(dead, null);
        f.n = null;
        const { gc } = go.runtime.machine;
        gc.start(true);
        while (gc.marking) gc.step(100);
        go.setFinalizer(dead, fn);
        yield* go.gosched();
      });
    expect(late(null)).toThrow('runtime.SetFinalizer: pointer not in allocated block');
    expect(late(() => {})).toThrow('runtime.SetFinalizer: pointer not in allocated block');
  });

  test('can be taken away', () => {
    let ran = false;
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      go.setFinalizer(f.n, () => {
        ran = true;
      });
      go.setFinalizer(f.n, null);
      f.n = null;
      yield* collect(go);
    });
    expect(ran).toBe(false);
  });

  test('set twice is fatal, in Go’s words', () => {
    const twice = () =>
      run(function* (go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        go.setFinalizer(f.n, () => {});
        go.setFinalizer(f.n, () => {});
        yield* go.gosched();
      });
    expect(twice).toThrow(RuntimeError);
    expect(twice).toThrow('fatal error: runtime.SetFinalizer: finalizer already set');
  });

  test('an object that waits for its finalizer is in use in the profile, and the profile agrees with the truth', () => {
    const rt = run(function* (go) {
      const f = go.locals({ n: Node });
      for (let i = 0; i < 50; i++) {
        f.n = go.new(Node);
        go.setFinalizer(f.n, () => {});
      }
      f.n = null;
      yield* go.gc();
      const kept = go.memProfile().reduce((sum, r) => sum + inUseObjects(r), 0);
      expect(kept).toBe(50);
      expect(go.runtime.truth()!.objects).toBe(50);
      yield* collect(go);
      yield* collect(go);
    });
    expect(rt.memProfile().reduce((sum, r) => sum + inUseObjects(r), 0)).toBe(0);
  });
});

describe('a cleanup', () => {
  test('runs after the object was freed, several of one object, and can be stopped', () => {
    const ran: string[] = [];
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      const { addr } = f.n;
      go.addCleanup(f.n, (s: string) => ran.push(s), 'one');
      go.addCleanup(f.n, (s: string) => ran.push(s), 'two');
      go.addCleanup(f.n, (s: string) => ran.push(s), 'stopped').stop();
      f.n = null;
      yield* collect(go);
      const { heap } = go.runtime.machine;
      heap.writeBack();
      expect(heap.isObject(addr)).toBe(false);
    });
    expect(ran.sort()).toEqual(['one', 'two']);
  });

  test('keeps its argument until it runs', () => {
    let value = 0;
    run(function* (go) {
      const f = go.locals({ n: Node, arg: Node });
      f.n = go.new(Node);
      f.arg = go.new(Node);
      f.arg.value = 9;
      go.addCleanup(f.n, (n) => (value = n.value), f.arg);
      f.arg = null;
      yield* collect(go);
      yield* collect(go);
      f.n = null;
      yield* collect(go);
    });
    expect(value).toBe(9);
  });

  test('that blocks keeps its argument until it is done; stop lets go of it at once', () => {
    const seen: number[] = [];
    run(function* (go) {
      const f = go.locals({ n: Node, arg: Node });
      f.n = go.new(Node);
      f.arg = go.new(Node);
      f.arg.value = 42;
      go.addCleanup(
        f.n,
        function* (n) {
          yield* go.sleep(1e6);
          seen.push(n.value);
        },
        f.arg,
      );
      f.arg = go.new(Node);
      const weak = go.weak(f.arg);
      const stopped = go.addCleanup(f.n, () => seen.push(-1), f.arg);
      f.arg = null;
      stopped.stop();
      yield* collect(go);
      expect(weak.value()).toBe(null);
      f.n = null;
      for (let i = 0; i < 3; i++) yield* collect(go);
      yield* go.sleep(1e7);
    });
    expect(seen).toEqual([42]);
  });

  test('on the object itself panics', () => {
    expect(() =>
      run(function* (go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        go.addCleanup(f.n, () => {}, f.n);
        yield* go.gosched();
      }),
    ).toThrow('runtime.AddCleanup: ptr is equal to arg, cleanup will never run');
  });
});

describe('a weak pointer', () => {
  test('gives the object while something else keeps it, and null after that', () => {
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      f.n.value = 3;
      const weak: Weak<typeof Node> = go.weak(f.n);
      expect(weak.equals(go.weak(f.n))).toBe(true);
      yield* go.gc();
      expect(weak.value()!.value).toBe(3);
      f.n = null;
      yield* go.gc();
      expect(weak.value()).toBe(null);
    });
  });

  test('reads null before the finalizer of its object runs', () => {
    const seen: unknown[] = [];
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      const weak = go.weak(f.n);
      go.setFinalizer(f.n, () => seen.push(weak.value()));
      f.n = null;
      yield* collect(go);
    });
    expect(seen).toEqual([null]);
  });
});

describe('bad arguments are refused at once', () => {
  test.each<[string, (go: Go) => unknown]>([
    ['runtime.SetFinalizer', (go) => go.setFinalizer(null as never, () => {})],
    ['runtime.AddCleanup', (go) => go.addCleanup(null as never, () => {}, 0)],
    ['weak.Make', (go) => go.weak(null as never)],
  ])('%s: nil is fatal', (who, call) => {
    expect(() =>
      run(function* (go) {
        call(go);
        yield* go.gosched();
      }),
    ).toThrow(`fatal error: ${who}: first argument is nil`);
  });

  test('what is no reference, and what cannot be called', () => {
    run(function* (go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      const { n } = f;
      for (const bad of [5, {}, 'x']) {
        expect(() => go.weak(bad as never)).toThrow(/^weak.Make: the first argument is a reference to a struct, got \w+$/);
        expect(() => go.setFinalizer(n, bad as never)).toThrow(/^runtime.SetFinalizer: wanted a function, got \w+$/);
        expect(() => go.addCleanup(n, bad as never, 0)).toThrow(/^runtime.AddCleanup: wanted a function, got \w+$/);
      }
      expect(() => go.addCleanup(n, null as never, 0)).toThrow(new TypeError('runtime.AddCleanup: wanted a function, got null'));
      go.setFinalizer(n, () => {}); // nothing was registered
      yield* go.gosched();
    });
  });
});
