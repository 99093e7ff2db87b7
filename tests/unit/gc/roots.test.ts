// Every class of root, each alone: were the class forgotten, its test would lose an object. (Reference dst.md, mutant M12.)
import { describe, expect, test } from 'vitest';
import { func, type Go, i32, ptr, type Ref, Runtime, self, struct } from '../../../runtime/index.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { HandMade } from '../../support/goroutine.ts';
import { graph } from '../../support/graph.ts';
import { check, testMachine } from '../../support/machine.ts';

const Node = struct('roots.Node', { id: i32, next: self });
const Pair = struct('roots.Pair', { left: ptr(Node), right: ptr(Node) });

const checked = { heapBytes: 1 << 20, maxGoroutines: 64, checked: true, checkHeap: true, checkMark: true, memProfileRate: 1 } as const;

/** Live objects of the program's own types. */
const nodesAlive = (m: Machine, name = 'roots.Node') => {
  m.heap.writeBack();
  const type = m.heap.types.named(name)!;
  let n = 0;
  for (let addr = 2 * 8192; addr < m.heap.endPage * 8192; addr += 8) if (m.heap.isObject(addr) && m.heap.typeOf(addr) === type.id) n++;
  return n;
};

describe('raw roots', () => {
  test('a global variable holds its object until it is overwritten', () => {
    const m = testMachine();
    const g = graph(m, 'A; B');
    const global = m.globals(1);
    m.mutator.storePointer(global >>> 2, g.at.A!);
    m.gc.collect();
    expect(g.alive()).toBe('A');
    m.mutator.storePointer(global >>> 2, 0);
    m.gc.collect();
    expect(g.alive()).toBe('');
    check(m);
  });

  test('every word of a block of globals is looked at', () => {
    const m = testMachine();
    const g = graph(m, 'First; Last; X');
    const block = m.globals(100) >>> 2;
    m.mutator.storePointer(block, g.at.First!);
    m.mutator.storePointer(block + 99, g.at.Last!);
    m.gc.collect();
    expect(g.alive()).toBe('First Last');
  });

  test('globals made while marking: what is stored into them survives', () => {
    const m = testMachine();
    const main = new HandMade(m, 1);
    const g = graph(m, 'A -> B');
    main.set(0, g.at.A!);
    m.gc.start(false);
    const late = m.globals(1);
    m.mutator.storePointer(late >>> 2, g.at.B!);
    g.cut('A', 'B');
    main.set(0, 0);
    while (m.gc.marking) m.gc.step(1);
    while (!m.gc.sweeper.isDone) m.gc.sweepStep();
    expect(g.alive()).toContain('B');
  });

  test('a pin holds until unpin, and its place is used again', () => {
    const m = testMachine();
    const g = graph(m, 'A; B');
    const pin = m.pin(g.at.A!);
    m.gc.collect();
    expect(g.alive()).toBe('A');
    m.unpin(pin);
    m.gc.collect();
    expect(g.alive()).toBe('');
    expect(m.pin(graph(m, 'C').at.C!)).toBe(pin);
  });

  test('more pins than a block holds', () => {
    const m = testMachine();
    const node = m.heap.types.define('test.N', 16, []);
    for (let i = 0; i < 3000; i++) m.pin(m.mutator.newObject(node));
    m.gc.collect();
    expect(m.gc.objectsMarked).toBe(3000);
  });

  test('the locals of goroutines that do not run', () => {
    const m = testMachine();
    const g = graph(m, 'A; B; C; X');
    const gs = [new HandMade(m, 1), new HandMade(m, 2), new HandMade(m, 3)];
    gs[0]!.set(0, g.at.A!);
    gs[1]!.set(1, g.at.B!);
    gs[2]!.set(2, g.at.C!);
    m.gc.collect();
    expect(g.alive()).toBe('A B C');
    gs[1]!.set(1, 0);
    m.gc.collect();
    expect(g.alive()).toBe('A C');
  });

  test('every frame of a deep stack, before and after the stack is copied', () => {
    const m = testMachine({ heapBytes: 4 << 20 });
    const g = new HandMade(m, 1).g;
    const { stacks, gt } = m.sched;
    const node = m.heap.types.define('test.N', 16, []);
    const made: number[] = [];
    for (let depth = 0; depth < 500; depth++) {
      const offset = stacks.pushFirst(g, 0x401000, 1 + (depth % 3));
      made.push(m.mutator.newObject(node));
      m.heap.w[((gt.stackLo[g] + offset) >>> 2) + 2] = made[depth]!;
    }
    m.gc.collect();
    expect(m.gc.objectsMarked).toBe(500);
    stacks.load(m.sched.ops[g]!);
    for (let depth = 0; depth < 250; depth++) stacks.pop();
    stacks.unload();
    m.gc.collect();
    expect(m.gc.objectsMarked).toBe(250);
    check(m);
  });
});

describe('roots of programs', () => {
  /** Runs main with everything checked; returns the machine. */
  const run = (main: Parameters<Runtime['run']>[0], options = {}) => {
    const rt = new Runtime({ ...checked, ...options });
    rt.run(main);
    return rt.machine;
  };

  test('declared locals of the running goroutine and of a parked one', () => {
    const seen: (number | undefined)[] = [];
    run(function* main(go) {
      const f = go.locals({ n: Node });
      const ch = go.chan(i32);
      f.n = go.new(Node);
      f.n.id = 7;
      go.go(function* parked(go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        f.n.id = 8;
        yield* ch.recv();
        seen.push(f.n?.id);
      });
      yield* go.gosched();
      yield* go.gosched();
      for (let i = 0; i < 3; i++) yield* go.gc();
      seen.push(f.n?.id);
      yield* ch.send(1);
      yield* go.gosched();
    });
    expect(seen).toEqual([7, 8]);
  });

  test('locals and arguments of every function on the way down', () => {
    const walk: (caller: never, n: Ref<typeof Node>, depth: number) => number = func(
      'roots.walk',
      { own: Node },
      (f, n: Ref<typeof Node>, depth: number): number => {
        f.own = f.new(Node);
        f.own.id = depth;
        if (depth === 0) {
          f.own.ctx.machine.gc.collect();
          return n.id;
        }
        const next = f.new(Node);
        next.id = n.id + 1;
        const result = walk(f as never, next, depth - 1);
        return f.own.id === depth && n.id >= 0 ? result : -1;
      },
    );
    let result = 0;
    const m = run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      result = walk(go as never, f.n, 50);
      yield* go.gosched();
    });
    expect(result).toBe(50);
    expect(nodesAlive(m)).toBe(1 + 50 + 51);
  });

  test('the value of a blocked sender', () => {
    let got = 0;
    run(function* main(go) {
      const ch = go.chan(Node);
      go.go(function* sender(go) {
        const n = go.new(Node);
        n.id = 42;
        yield* ch.send(n);
      });
      yield* go.gosched();
      yield* go.gosched();
      yield* go.gc();
      yield* go.gc();
      got = (yield* ch.recv())?.id ?? -1;
    });
    expect(got).toBe(42);
  });

  test('a value handed to a receiver that has not run yet', () => {
    let got = 0;
    run(function* main(go) {
      const ch = go.chan(Node);
      const done = go.waitGroup();
      done.add(1);
      go.go(function* receiver(go) {
        const f = go.locals({ n: Node });
        f.n = yield* ch.recv();
        yield* go.gc();
        got = f.n?.id ?? -1;
        done.done();
      });
      yield* go.gosched();
      yield* go.gosched();
      const n = go.new(Node);
      n.id = 43;
      yield* ch.send(n); // the receiver waits already: this does not block
      go.runtime.machine.gc.collect();
      yield* done.wait();
    });
    expect(got).toBe(43);
  });

  test('values in the buffer of a channel, and no longer than they are in it', () => {
    const got: number[] = [];
    const m = run(function* main(go) {
      const ch = go.chan(Node, 4);
      for (let i = 0; i < 4; i++) {
        const n = go.new(Node);
        n.id = i;
        yield* ch.send(n);
      }
      yield* go.gc();
      for (let i = 0; i < 3; i++) got.push((yield* ch.recv())?.id ?? -1);
      yield* go.gc();
    });
    expect(got).toEqual([0, 1, 2]);
    expect(nodesAlive(m), 'the one that is still in the buffer').toBe(1);
  });

  test('a value that was sent or received is a root no longer than until the next blocking call', () => {
    const m = run(function* main(go) {
      const ch = go.chan(Node);
      go.go(function* sender(go) {
        yield* ch.send(go.new(Node));
        yield* go.sleep(1e9);
      });
      yield* go.gosched();
      yield* go.gosched();
      yield* ch.recv();
      yield* go.sleep(1000);
      yield* go.gc();
    });
    expect(nodesAlive(m)).toBe(0);
  });

  test('arguments of a new goroutine, which starts while marking', () => {
    const ids: number[] = [];
    run(function* main(go) {
      const { gc } = go.runtime.machine;
      const f = go.locals({ p: Pair });
      const done = go.waitGroup();
      for (let round = 0; round < 8; round++) {
        f.p = go.new(Pair);
        f.p.left = go.new(Node);
        f.p.left.id = round;
        gc.start(false);
        for (let i = 0; i < round; i++) gc.step(1); // the old edge and main's stack: scanned or not, by round
        done.add(1);
        const n = f.p.left;
        go.go(function* child(go, n: Ref<typeof Node>) {
          const f = go.locals({ n: Node });
          f.n = n;
          yield* go.gosched();
          yield* go.gc();
          ids.push(f.n.id);
          done.done();
        }, n);
        f.p.left = null;
        f.p = null;
        while (gc.marking) gc.step(1);
        while (!gc.sweeper.isDone) gc.sweepStep();
        yield* done.wait();
      }
    });
    expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('a goroutine that ended holds nothing', () => {
    const m = run(function* main(go) {
      go.go(function* short(go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        yield* go.gosched();
      });
      yield* go.sleep(1e6);
      yield* go.gc();
    });
    expect(nodesAlive(m)).toBe(0);
  });

  test('a function that returned holds nothing', () => {
    const make = func('roots.make', { a: Node, b: Node }, (f) => {
      f.a = f.new(Node);
      f.b = f.new(Node);
      f.b.next = f.a;
    });
    const m = run(function* main(go) {
      make(go);
      yield* go.gc();
    });
    expect(nodesAlive(m)).toBe(0);
  });
});

test.each(['1.19', '2014'] as const)('arguments of a goroutine whose function allocates before it gives its generator, era %s', (era) => {
  const Node = struct('main.Node', { value: i32 });
  const seen: number[] = [];
  new Runtime({ checked: true, heapBytes: 1 << 20, gogc: 10, era }).run(function* main(go) {
    function* body(g: Go, n: Ref<typeof Node>): Generator<void, void, void> {
      yield* g.gosched();
      seen.push(n.value);
    }
    const numbered = (i: number) => {
      const n = go.new(Node);
      n.value = i;
      return n;
    };
    const late = (g: Go, n: Ref<typeof Node>) => {
      for (let k = 0; k < 300; k++) go.new(Node); // collections come; only the new goroutine's frame has n
      return body(g, n);
    };
    for (let i = 0; i < 200; i++) go.go(late, numbered(i));
    yield* go.sleep(1e6);
  });
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});
