// explain: what an address is, who holds it, and why it is alive.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Runtime } from '../../../runtime/index.ts';
import { eachNamedRoot, explainAddress } from '../../../runtime/inspect.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { f64, i32, ptr, self, struct } from '../../../runtime/struct.ts';
import { expectGolden } from '../../support/golden.ts';
import { HandMade } from '../../support/goroutine.ts';
import { graph } from '../../support/graph.ts';
import { testMachine } from '../../support/machine.ts';
import { releaseCaches } from '../heap/support.ts';

const machine = (): Machine => testMachine({ gogc: 'off' });
const hex = (addr: Addr) => `0x${addr.toString(16)}`;

describe('where an address is', () => {
  const m = machine();
  const bytes = m.heap.types.define('bytes', 4, []);
  const node = m.heap.types.define('main.Node', 48, [1]);
  const a = m.mutator.newObject(node);
  const dead = m.mutator.newObject(node);
  const large = m.mutator.mallocgc(40_000, bytes);
  const goroutine = new HandMade(m, 1);
  m.pin(a);
  m.pin(large);
  m.gc.collect();
  const page = a & ~8191;

  test.each([
    ['nil', 0, 'nil'],
    ['a negative number', -8, 'off the heap'],
    ['behind the arena', 0x7fff0000, 'off the heap'],
    ['a page nobody uses', page + (100 << 13), 'free page'],
    ['a stack', m.sched.gt.stackLo[goroutine.g], 'memory managed by hand'],
    ['behind the last slot', page + 8190, 'tail of a span'], // 170 slots of 48 bytes leave 32 over
    ['a slot that was swept', dead, 'free slot'],
    ['the first byte of an object', a, 'object'],
    ['inside a large object', large + 39_999, 'object'],
  ])('%s', (_what, addr, place) => {
    const e = explainAddress(m, addr);
    expect(e.place).toBe(place);
    expect(e.text.split('\n')[0]).toMatch(place === 'object' ? /^0x\w+: (main\.Node|bytes)/ : RegExp(`: ${place}$`));
  });

  test('an object knows its slot and the offset; an array its element', () => {
    expect(explainAddress(m, a + 13).object).toMatchObject({
      base: a,
      size: 48,
      slot: (a - page) / 48,
      offset: 13,
      field: '.word3+1',
      type: 'main.Node',
    });
    expect(explainAddress(m, large + 4004).object).toMatchObject({ base: large, slot: 0, field: '[1001].word0' });
    expect(explainAddress(m, large).span).toMatchObject({ sizeClass: 0, nelems: 1, noscan: true, sweep: 'swept' });
  });
});

describe('who holds an object', () => {
  test('by the shortest way, with all holders; garbage that points at it is called garbage', () => {
    const m = machine();
    const g = graph(m, 'root -> A -> B -> C; A -> C; X -> C');
    const e = explainAddress(m, g.at.C!);
    const [a, b, x] = ['A', 'B', 'X'].map((name) => g.at[name]!);
    expect(e.holders).toEqual([
      { object: a, text: `test.Node ${hex(a!)} .word2`, alive: true },
      { object: b, text: `test.Node ${hex(b!)} .word1`, alive: true },
      { object: x, text: `test.Node ${hex(x!)} .word1`, alive: false },
    ]);
    expect(e.path).toEqual([expect.stringMatching(/^pin 0x/), `test.Node ${hex(a!)} .word2`]);
    expect(e.text).toContain('(garbage)');
  });

  test('a pointer into the middle of an object holds it', () => {
    const m = machine();
    const g = graph(m, 'root -> A; B');
    m.mutator.storePointer((g.at.A! >>> 2) + 1, g.at.B! + 4);
    expect(explainAddress(m, g.at.B!).holders).toMatchObject([{ object: g.at.A, alive: true }]);
  });

  test('nobody: no root reaches it', () => {
    const m = machine();
    const e = explainAddress(m, graph(m, 'A').at.A!);
    expect([e.holders, e.path]).toEqual([[], null]);
    expect(e.text).toMatch(/held by {2}nobody\n {2}path {5}no root reaches it$/);
  });

  test('a global, a goroutine, and a value in flight are named', () => {
    const m = machine();
    const g = graph(m, 'A');
    const slot = m.globals(4) + 8;
    m.mutator.storePointer(slot >>> 2, g.at.A!);
    const hand = new HandMade(m, 3, m.symtab.pc('main.f', 'f.go', 3));
    hand.set(2, g.at.A!);
    m.sched.ops[hand.g]!.brought = g.at.A!;
    const { goid } = m.sched.gt;
    expect(explainAddress(m, g.at.A!).holders.map((h) => h.text)).toEqual([
      `global ${hex(slot)}`,
      `goroutine ${goid[hand.g]}, value in flight`,
      `goroutine ${goid[hand.g]}, main.f, slot 2`,
    ]);
  });

  test('what a finalizer will need is held by the finalizer', () => {
    const rt = new Runtime({ heapBytes: 4 << 20 });
    const Node = struct('main.Held', { value: i32, next: self });
    rt.run(function* main(go) {
      const f = go.locals({ a: Node });
      f.a = go.new(Node);
      f.a.next = go.new(Node);
      const [a, b] = [f.a.addr, f.a.next.addr];
      go.setFinalizer(f.a, () => {});
      f.a = null;
      expect(rt.explain(a).path).toBe(null);
      expect(rt.explain(b).path).toEqual([`finalizer of ${hex(a)}`]);
    });
  });
});

test('colours while marking: white, grey, black; after it, what awaits the sweep', () => {
  const m = machine();
  const g = graph(m, 'root -> A -> B -> C; D');
  releaseCaches(m); // a cached span is swept at once when marking ends
  const colours = () => ['A', 'B', 'C', 'D'].map((name) => explainAddress(m, g.at[name]!).object!.colour);
  expect(colours()).toEqual([null, null, null, null]);
  m.gc.start(false);
  const seen = [colours().join(' ')];
  while (m.gc.marking) {
    m.gc.step(1);
    const now = colours().join(' ');
    if (m.gc.marking && now !== seen.at(-1)) seen.push(now);
  }
  expect(seen).toEqual([
    'white white white white',
    'grey white white white',
    'black grey white white',
    'black black grey white',
    'black black black white',
  ]);
  expect(['C', 'D'].map((name) => explainAddress(m, g.at[name]!).object!.awaitsSweep)).toEqual([false, true]);
  expect(explainAddress(m, g.at.D!).text).toContain('dead, awaits its sweep');
});

test('slotMap shows the same colours', () => {
  const rt = new Runtime({ heapBytes: 4 << 20, gogc: 'off' });
  const m = rt.machine;
  const g = graph(m, 'root -> A -> B; C');
  releaseCaches(m);
  const row = () =>
    rt
      .slotMap(g.at.A!)
      .split('\n')[1]!
      .replace(/^\S+ +/, '')
      .slice(0, 4);
  expect(row()).toBe('ooo.');
  m.gc.start(false);
  while (m.gc.greyObjects().size === 0) m.gc.step(1);
  expect(row()).toBe('goo.');
  m.gc.step(1);
  expect(row()).toBe('#go.');
  while (m.gc.marking) m.gc.step(1);
  expect(row()).toBe('##o.');
  while (!m.gc.idle) m.gc.step(1);
  expect(row()).toBe('oo..');
  expect(rt.heapMap()).toMatch(/^0x\w+ {2}S/);
});

test('named roots are the roots that the collector visits, no more and no less', () => {
  const Node = struct('main.RootNode', { value: i32, next: self });
  const rt = new Runtime({ heapBytes: 8 << 20, procs: 2 });
  const m = rt.machine;
  let looks = 0;
  const compare = () => {
    const named: Addr[] = [];
    const all: Addr[] = [];
    eachNamedRoot(m, (_name, pointer) => named.push(pointer));
    m.gc.eachRoot((pointer) => pointer !== 0 && all.push(pointer));
    expect(named.sort()).toEqual(all.sort());
    looks += named.length;
  };
  rt.run(function* main(go) {
    const ch = go.chan(Node, 2);
    go.go(function* sender(go) {
      const f = go.locals({ n: Node });
      for (let i = 0; i < 20; i++) {
        f.n = go.new(Node);
        go.setFinalizer(f.n, () => {});
        yield* ch.send(f.n);
      }
      ch.close();
    });
    const f = go.locals({ got: Node });
    for (;;) {
      const [n, ok] = yield* ch.recv2();
      if (!ok) break;
      f.got = n;
      compare();
      if (go.now() % 3 === 0) yield* go.gc();
    }
  });
  expect(looks).toBeGreaterThan(20);
});

test('any number can be explained, at any moment of a collection, and nothing changes by it', () => {
  const property = fc.property(fc.array(fc.integer({ min: -100, max: 2 << 20 }), { maxLength: 20 }), fc.nat(12), (addresses, steps) => {
    const m = machine();
    const g = graph(m, 'root -> A -> B; C -> D; root -> E');
    m.gc.start(false);
    for (let i = 0; i < steps; i++) m.gc.step(1);
    m.heap.writeBack();
    const before = Buffer.from(m.arena.u8);
    for (const addr of [...addresses, ...Object.values(g.at)]) expect(explainAddress(m, addr).text.length).toBeGreaterThan(5);
    expect(before.equals(m.arena.u8)).toBe(true);
  });
  fc.assert(property, { numRuns: 20 });
});

test('golden: the text, from the public API, with names of fields and the stack of the sample', () => {
  const Leaf = struct('main.Leaf', { weight: f64 });
  const Tree = struct('main.Tree', { value: i32, left: self, right: self, leaf: ptr(Leaf) });
  const rt = new Runtime({ heapBytes: 4 << 20, memProfileRate: 1 });
  const texts: string[] = [];
  rt.run(function* main(go) {
    const f = go.locals({ root: Tree });
    f.root = go.new(Tree);
    f.root.right = go.new(Tree);
    f.root.right.leaf = go.new(Leaf);
    const { leaf } = f.root.right;
    texts.push(rt.explain(leaf!.addr + 4).text);
    texts.push(rt.explain(f.root.right.addr + 12).text);
    f.root = null;
    texts.push(rt.explain(leaf!.addr).text, rt.explain(0).text, rt.explain(leaf!.addr + 8).text);
  });
  // Addresses and lines are no part of the format: addresses are numbered as they come, @1, @2, …
  const numbers = new Map<string, number>();
  const number = (addr: string) => `@${numbers.get(addr) ?? numbers.set(addr, numbers.size + 1).size}`;
  const text = texts.join('\n\n').replaceAll(/0x[1-9a-f]\w*/g, number);
  expectGolden('explain.txt', `${text.replaceAll(/\.test\.ts:\d+/g, '.test.ts:LINE')}\n`);
});
