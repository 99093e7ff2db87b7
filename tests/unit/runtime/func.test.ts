// Functions with declared locals: arguments and results, frames on the way down and back up, and locals that are captured.
import { describe, expect, test } from 'vitest';
import { type Caller, func, type Go, i32, type Ref, Runtime, self, struct } from '../../../runtime/index.ts';
import { checkedOptions, run } from '../../support/run.ts';

const Node = struct('func.Node', { id: i32, next: self });

describe('a call', () => {
  test('passes every number of arguments, defaults and rest included', () => {
    const none = func('func.none', {}, () => 0);
    const one = func('func.one', {}, (_f, a: number) => a);
    const two = func('func.two', {}, (_f, a: number, b: number) => a + b);
    const three = func('func.three', {}, (_f, a: number, b: number, c: number) => a + b + c);
    const five = func('func.five', {}, (_f, a: number, b: number, c: number, d: number, e: number) => a + b + c + d + e);
    const preset = func('func.preset', {}, (_f, a: number, b: number | undefined = 10) => a + b);
    const rest = func('func.rest', {}, (_f, ...all: number[]) => all.reduce((x, y) => x + y, 0));
    run(function* main(go) {
      expect([none(go), one(go, 1), two(go, 1, 2), three(go, 1, 2, 3), five(go, 1, 2, 3, 4, 5)]).toEqual([0, 1, 3, 6, 15]);
      expect([preset(go, 1), preset(go, 1, 2)]).toEqual([11, 3]);
      expect([rest(go), rest(go, 1), rest(go, 1, 2, 3, 4)]).toEqual([0, 1, 10]);
    });
  });

  test('roots every reference among its arguments, wherever it stands', () => {
    const collectIn = func(
      'func.collectIn',
      {},
      (
        f,
        a: Ref<typeof Node>,
        n: number,
        b: Ref<typeof Node>,
        c: Ref<typeof Node> | null,
        d: Ref<typeof Node>,
        e: Ref<typeof Node>,
      ): number => {
        f.ctx.machine.gc.collect();
        return a.id + n + b.id + (c === null ? 0 : 1e6) + d.id + e.id;
      },
    );
    run(function* main(go) {
      const make = (id: number) => {
        const n = go.new(Node);
        n.id = id;
        return n;
      };
      expect(collectIn(go, make(1), 10, make(100), null, make(1000), make(10_000))).toBe(11_111);
    });
  });

  test('has locals that are nil at first, each time', () => {
    const use = func('func.use', { a: Node, b: Node, c: Node, d: Node, e: Node, h: Node }, (f) => {
      const fresh = [f.a, f.b, f.c, f.d, f.e, f.h];
      f.a = f.b = f.c = f.d = f.e = f.h = f.new(Node);
      f.h.id = 3;
      return [...fresh, f.a.id + f.e.id + f.h.id];
    });
    run(function* main(go) {
      for (let i = 0; i < 3; i++) expect(use(go)).toEqual([null, null, null, null, null, null, 9]);
    });
  });

  test('recursive calls have locals of their own', () => {
    const down: (caller: Caller, depth: number) => number = func('func.down', { a: Node, z: Node }, (f, depth: number): number => {
      f.a = f.new(Node);
      f.z = f.new(Node);
      f.a.id = depth;
      f.z.id = -depth;
      const below = depth === 0 ? 0 : down(f, depth - 1);
      return below + (f.a.id === depth && f.z.id === -depth ? 1 : 1000);
    });
    run(function* main(go) {
      expect(down(go, 100)).toBe(101);
    });
  });

  test('pops its frame when the body throws, however deep', () => {
    const pcs = new Int32Array(100);
    const deep: (caller: Caller, depth: number) => void = func('func.deep', { n: Node }, (f, depth: number): void => {
      f.n = f.new(Node);
      if (depth === 0) throw new Error('bottom');
      deep(f, depth - 1);
    });
    const guarded = func('func.guarded', { n: Node }, (f) => {
      f.n = f.new(Node);
      f.n.id = 77;
      try {
        deep(f, 30);
      } catch {}
      return [f.n.id, f.ctx.sched.callers(pcs, 100)];
    });
    const { rt } = run(function* main(go) {
      for (let i = 0; i < 3; i++) expect(guarded(go)).toEqual([77, 2]);
      expect(go.runtime.machine.sched.callers(pcs, 100)).toBe(1);
      yield* go.gc();
    });
    expect(rt.stats().frees, 'and what the frames held is garbage').toBe(rt.stats().mallocs);
  });

  test('reserved names of locals are refused', () => {
    for (const name of ['ctx', 'g', 'offset', 'new', 'constructor'])
      expect(() => func('func.bad', { [name]: Node }, () => {}), name).toThrow(new TypeError(`a local cannot be called '${name}'`));
  });
});

describe('stacks in profiles', () => {
  test('name the functions, leaf first, each once; locals of a goroutine add no frame', () => {
    const leaf = func('func.leaf', { n: Node }, (f) => {
      f.n = f.new(Node);
    });
    const { rt } = run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      leaf(go);
      yield* go.gc();
      expect(
        go
          .memProfile(true)
          .map((r) => r.stack.map((pc) => go.runtime.machine.symtab.frame(pc).func).join(' < '))
          .sort(),
      ).toEqual(['func.leaf < main.main', 'main.main']);
    });
    expect(rt.machine.symtab.frame(rt.memProfile(true)[0]!.stack[0]!).file).toBe('func.test.ts');
  });
});

describe('locals of a goroutine', () => {
  test('live until it ends, through growth of its stack and any number of switches', () => {
    const sums: number[] = [];
    run(
      function* main(go) {
        const done = go.waitGroup();
        done.add(5);
        function* worker(go: Go, me: number) {
          const f = go.locals({ a: Node, b: Node, c: Node, d: Node, e: Node });
          f.a = go.new(Node);
          f.e = go.new(Node);
          f.a.id = me;
          f.e.id = me * 10;
          for (let i = 0; i < 20; i++) {
            f.c = go.new(Node);
            f.c.next = f.a;
            yield* i % 5 === 0 ? go.gc() : go.gosched();
          }
          sums.push(f.a.id + f.e.id + (f.c?.next?.id ?? 1e6));
          done.done();
        }
        for (let me = 1; me <= 5; me++) go.go(worker, me);
        yield* done.wait();
      },
      { procs: 2 },
    );
    expect(sums.sort((a, b) => a - b)).toEqual([12, 24, 36, 48, 60]);
  });

  test('captured by another goroutine’s closure they are the same variables, for the collector too', () => {
    const seen: (number | undefined)[] = [];
    run(function* main(go) {
      const f = go.locals({ a: Node, b: Node, c: Node, d: Node, fifth: Node });
      const { gc } = go.runtime.machine;
      for (const startMarking of [false, true]) {
        const done = go.waitGroup();
        done.add(1);
        f.a = go.new(Node);
        f.a.id = 1;
        go.go(function* other(go) {
          const mine = go.locals({ n: Node });
          if (startMarking) {
            gc.start(false);
            for (let i = 0; i < 4; i++) gc.step(1);
          }
          mine.n = go.new(Node);
          mine.n.id = 2;
          f.fifth = f.a;
          f.a = mine.n;
          mine.n = null;
          yield* go.gc();
          done.done();
        });
        yield* done.wait();
        seen.push(f.a?.id, f.fifth?.id);
      }
    });
    expect(seen).toEqual([2, 1, 2, 1]);
  });

  test('used after the goroutine ended, or a function’s after it returned, they are refused', () => {
    let left: { n: Ref<typeof Node> | null } | undefined;
    const leak = func('func.leak', { n: Node }, (f) => f);
    run(function* main(go) {
      go.go(function* short(go) {
        left = go.locals({ n: Node });
        left.n = go.new(Node);
      });
      yield* go.sleep(1e6);
      const n = go.new(Node);
      expect(() => {
        left!.n = n;
      }).toThrow('a local was used after its function returned or its goroutine ended');
      const f = leak(go);
      expect(() => {
        f.n = n;
      }).toThrow('a local was used after its function returned or its goroutine ended');
    });
  });
});

test('a runtime that is over leaves nothing behind in the functions that it used', () => {
  const two = func('func.two', { n: Node }, (f) => {
    f.n = f.new(Node);
    return f.n.id;
  });
  for (let i = 0; i < 3; i++) {
    const rt = new Runtime(checkedOptions);
    expect(() =>
      rt.run(function* main(go) {
        two(go);
        throw new Error('over');
      }),
    ).toThrow('over');
  }
  run(function* main(go) {
    expect(two(go)).toBe(0);
  });
});

describe('frames in registers', () => {
  const pcs = new Int32Array(100);
  const names = (f: Caller) => {
    const { sched, machine } = f.ctx;
    return Array.from(pcs.subarray(0, sched.callers(pcs, 100)), (pc) => machine.symtab.frame(pc).func);
  };

  test('are on the stack in the order of the calls, with frames of the raw layer between them', () => {
    const inner = func('func.inner', { n: Node }, (f) => names(f));
    const outer = func('func.outer', { n: Node }, (f, go: Go): string[][] => {
      const before = names(f);
      const { raw } = go;
      raw.enter(raw.pc('func.rawMiddle'), 1);
      const within = inner(f);
      raw.leave();
      return [before, within, names(f), inner(f)];
    });
    run(function* main(go) {
      const both = ['func.outer', 'main.main'];
      for (let i = 0; i < 2; i++) {
        expect(outer(go, go)).toEqual([both, ['func.inner', 'func.rawMiddle', ...both], both, ['func.inner', ...both]]);
      }
      expect(names(go)).toEqual(['main.main']);
    });
  });

  test('a raw frame that an error jumped over is gone with the function that entered it', () => {
    const fails = func('func.fails', { n: Node }, (_f, go: Go) => {
      go.raw.enter(go.raw.pc('func.left'), 3);
      throw new Error('jump');
    });
    run(function* main(go) {
      const before = go.raw.enter(go.raw.pc('func.below'), 1);
      expect(() => fails(go, go)).toThrow('jump');
      expect(names(go)).toEqual(['func.below', 'main.main']);
      go.raw.set(before, 0, go.new(Node).addr);
      expect(go.runtime.machine.sched.stacks.running).not.toBe(0);
      go.raw.leave();
    });
  });

  test('the collector sees what a local holds now, not what it held when the frame was pushed', () => {
    const twice = func('func.twice', { a: Node, b: Node, c: Node, d: Node, e: Node }, (f, arg: Ref<typeof Node>, n: number) => {
      const { gc } = f.ctx.machine;
      f.a = f.new(Node);
      f.e = f.new(Node);
      gc.collect();
      const [a, e] = [f.a, f.e];
      f.a = f.new(Node);
      f.e = f.new(Node);
      f.a.id = n;
      f.e.id = 2 * n;
      gc.collect();
      gc.collect();
      expect(() => a.id).toThrow('stale reference');
      expect(() => e.id).toThrow('stale reference');
      return [f.a.id, f.e.id, arg.id];
    });
    run(function* main(go) {
      const arg = go.new(Node);
      arg.id = 1;
      expect(twice(go, arg, 5)).toEqual([5, 10, 1]);
    });
  });

  test('two runtimes take turns in one function, one inside the other', () => {
    const nested = func('func.nested', { n: Node }, (f, id: number, then: (() => number) | null): number => {
      f.n = f.new(Node);
      f.n.id = id;
      const inner = then === null ? 0 : then();
      f.ctx.machine.gc.collect();
      return f.n.id + inner;
    });
    run(function* main(go) {
      const inAnother = () => {
        let sum = 0;
        run(function* main(go) {
          sum = nested(go, 20, null);
        });
        return sum;
      };
      expect(nested(go, 1, inAnother)).toBe(21);
      expect(nested(go, 3, null)).toBe(3);
    });
  });
});

test('a local of a function that has returned cannot be read, even while the function runs again', () => {
  let left: { n: Ref<typeof Node> | null } | undefined;
  const leak = func('func.leakRead', { n: Node }, (f, again: boolean): void => {
    f.n = f.new(Node);
    if (again) expect(() => left!.n).toThrow('a local was used after its function returned or its goroutine ended');
    else left = f;
  });
  run(function* main(go) {
    leak(go, false);
    expect(() => left!.n).toThrow(TypeError);
    leak(go, true);
  });
});
