// The .heapsnapshot, through DevTools' own parser (npm heap-snapshot-toolkit re-exports it): types as constructors, who is kept by whom,
// the dead that nobody leads to, and the stacks of allocations.
//
//   goroutine 1 -- list --> N1 -> N2 -> N3       nodes, each with a payload of 24 bytes without pointers
//   global ------ table --> [T0, T1 … T9]        an array of pointers
//   (nobody)               dead nodes            dropped before the last collection, and not swept yet
import { Readable } from 'node:stream';
import { parse } from 'heap-snapshot-toolkit';
import { describe, expect, test } from 'vitest';
import { ObjectNumbers } from '../../../heap/objectnumbers.ts';
import { func, i32, type Machine, ptr, Runtime, self, slice, struct } from '../../../runtime/index.ts';
import { takeHeapSnapshot } from '../../../runtime/inspect.ts';

const Payload = struct('main.Payload', { a: i32, b: i32, c: i32, d: i32, e: i32, f: i32 });
const Node = struct('main.Node', { value: i32, payload: ptr(Payload), next: self });
const makeNode = func('main.makeNode', { n: Node }, (f, value: number) => {
  f.n = f.new(Node);
  f.n.value = value;
  f.n.payload = f.new(Payload);
  return f.n;
});

/** The file, as text; every chunk is looked at. */
function textOf(chunks: Iterable<Uint8Array>): string {
  return Buffer.concat([...chunks]).toString('utf8');
}

/** A node of the file as DevTools sees it. */
interface Seen {
  readonly name: string;
  readonly id: number;
  readonly self: number;
  readonly retained: number;
  readonly distance: number;
  readonly trace: number;
  readonly edges: Readonly<Record<string, number>>;
}

/** Parses a file by DevTools' code; nodes by id. */
async function devtools(file: string) {
  const snapshot = await parse(Readable.from([file]) as unknown as Parameters<typeof parse>[0]);
  const nodes = new Map<number, Seen>();
  for (const it = snapshot['allNodes'](); it.hasNext(); it.next()) {
    const node = it.item();
    const edges: Record<string, number> = {};
    for (const e = node.edges(); e.hasNext(); e.next()) edges[`${e.item().type()} ${e.item().name()}`] = e.item().node().id();
    nodes.set(node.id(), {
      ...{ name: node.name(), id: node.id(), self: node.selfSize(), retained: node.retainedSize() },
      ...{ distance: node.distance(), trace: node.traceNodeId(), edges },
    });
  }
  return { snapshot, nodes, named: (name: string) => [...nodes.values()].filter((n) => n.name === name) };
}

/** Nodes that are dropped: some spans full. Those that a P has cached are swept when marking ends, the others wait. */
const garbage = 3000;

/** The picture above, looked at in the middle of the program. */
async function looked(options: ConstructorParameters<typeof Runtime>[0] = {}) {
  const rt = new Runtime({ heapBytes: 1 << 20, memProfileRate: 1, checkHeap: true, ...options });
  let file = '';
  const addrs: number[] = [];
  rt.run(function* main(go) {
    const f = go.locals({ list: Node, n: Node, table: slice(ptr(Node)) });
    for (let i = 0; i < garbage; i++) makeNode(go, i);
    f.table = go.make(slice(ptr(Node)), 10);
    for (let i = 0; i < 10; i++) f.table.set(i, makeNode(go, 100 + i));
    for (let i = 0; i < 3; i++) {
      f.n = makeNode(go, i);
      f.n.next = f.list;
      f.list = f.n;
      addrs.push(f.n.addr);
    }
    f.n = null;
    const { gc } = go.runtime.machine;
    gc.start(false);
    while (gc.marking) gc.step(1000);
    file = textOf(go.runtime.heapSnapshot());
    yield* go.gosched();
  });
  return { rt, file, addrs, ...(await devtools(file)) };
}

describe("through DevTools' parser", () => {
  test('a list is reached from its local, keeps what it points to, and has a field in each edge', async () => {
    const { nodes, addrs } = await looked();
    const goroutine = [...nodes.values()].find((n) => n.name === 'goroutine 1')!;
    expect(goroutine.distance).toBe(1);
    const [n1, n2, n3] = addrs.map((addr) => nodes.get(addr + 1)!);
    expect(Object.values(goroutine.edges)).toContain(n3!.id);
    expect(n3).toMatchObject({ name: 'main.Node', self: 16, distance: 2 });
    expect(n3!.edges).toMatchObject({ 'property next': n2!.id });
    expect(n2!.edges).toMatchObject({ 'property next': n1!.id });
    expect(nodes.get(n3!.edges['property payload']!)).toMatchObject({ name: 'main.Payload', self: 24, edges: {}, retained: 24 });
    expect([n1!.retained, n2!.retained, n3!.retained]).toEqual([40, 80, 120]);
  });

  test('an array of pointers has elements', async () => {
    const { named } = await looked();
    const table = named('[]*main.Node')[0] ?? named('*main.Node')[0];
    expect(Object.keys(table!.edges)).toEqual(Array.from({ length: 10 }, (_, i) => `element ${i}`));
    expect(table!.retained).toBe(table!.self + 10 * 40);
  });

  test('what is dead and not swept yet says so, and nothing leads to it', async () => {
    const { named, rt } = await looked();
    const dead = named('main.Node (dead, not swept yet)');
    expect(dead.length).toBeGreaterThan(garbage / 2);
    for (const n of dead) expect(n.distance).toBeLessThan(0);
    expect(named('main.Payload (dead, not swept yet)').length).toBeGreaterThan(garbage / 2);
    expect([named('main.Node').length, named('main.Payload').length]).toEqual([13, 13]);
    for (const n of [...named('main.Node'), ...named('main.Payload')]) expect(n.distance).toBeGreaterThan(0);
    expect(rt.machine.gc.numGC).toBeGreaterThan(0);
  });

  test('every sampled object has its stack; the tree counts what was allocated, and what lives', async () => {
    const { snapshot, named } = await looked();
    const tops = snapshot.allocationTracesTops() as { name: string; count: number; size: number; liveCount: number; liveSize: number }[];
    const top = tops.find(({ name }) => name === 'main.makeNode')!;
    const [nodes, payloads] = ['main.Node', 'main.Payload'].map((n) => named(n).length + named(`${n} (dead, not swept yet)`).length);
    expect(top).toMatchObject({ count: 2 * (garbage + 13), size: 40 * (garbage + 13) });
    expect(top).toMatchObject({ liveCount: nodes! + payloads!, liveSize: 16 * nodes! + 24 * payloads! });
    const { snapshot: without } = await looked({ memProfileRate: 0 });
    expect((without.allocationTracesTops() as unknown[]).length).toBe(0);
  });

  test('while marking nothing is called dead', async () => {
    const rt = new Runtime({ heapBytes: 1 << 20 });
    let file = '';
    rt.run(function* main(go) {
      for (let i = 0; i < 20; i++) makeNode(go, i);
      const { gc } = go.runtime.machine;
      gc.start(false);
      expect(gc.marking).toBe(true);
      file = textOf(go.runtime.heapSnapshot());
      yield* go.gosched();
    });
    const { named, nodes } = await devtools(file);
    expect(named('main.Node').length).toBeGreaterThan(0);
    expect([...nodes.values()].filter((n) => n.name.includes('dead'))).toEqual([]);
  });
});

describe('the file', () => {
  test('counts what it has, names only what is there, and is JSON', async () => {
    const { file, rt } = await looked();
    const doc = JSON.parse(file) as {
      snapshot: { node_count: number; edge_count: number; trace_function_count: number };
      nodes: number[];
      edges: number[];
      trace_function_infos: number[];
      strings: string[];
    };
    const { node_count, edge_count, trace_function_count } = doc.snapshot;
    expect(doc.nodes).toHaveLength(7 * node_count);
    expect(doc.edges).toHaveLength(3 * edge_count);
    expect(doc.trace_function_infos).toHaveLength(6 * trace_function_count);
    let edges = 0;
    for (let i = 0; i < doc.nodes.length; i += 7) {
      expect(doc.strings[doc.nodes[i + 1]!]).toBeDefined();
      edges += doc.nodes[i + 4]!;
    }
    expect(edges).toBe(edge_count);
    for (let i = 0; i < doc.edges.length; i += 3) expect(doc.edges[i + 2]! % 7).toBe(0);
    expect(new Set(doc.nodes.filter((_, i) => i % 7 === 2)).size).toBe(node_count);
    expect(doc.strings[0]).toBe('<dummy>');
    expect(rt.machine.heap.types.count).toBeGreaterThan(3);
  });

  test('comes in chunks of about a megabyte, and in no more memory for a large array', () => {
    const rt = new Runtime({ heapBytes: 32 << 20, memProfileRate: 0 });
    rt.run(function* main(go) {
      const f = go.locals({ table: slice(ptr(Node)) });
      f.table = go.make(slice(ptr(Node)), 1_000_000);
      for (let i = 0; i < 100_000; i++) f.table.set(i * 10, go.new(Node));
      let [chunks, edges] = [0, 0];
      for (const chunk of go.runtime.heapSnapshot()) {
        chunks++;
        expect(chunk.length).toBeLessThan(1.2e6);
        for (let i = 0; i < chunk.length; i++) if (chunk[i] === 0x0a && chunk[i + 1] === 0x31 && chunk[i + 2] === 0x2c) edges++;
      }
      expect(chunks).toBeGreaterThan(3);
      expect(edges).toBeGreaterThan(90_000); // '\n1,': elements, but for those at the ends of chunks
      yield* go.gosched();
    });
  });

  test('a program that goes on between two chunks is noticed', () => {
    const rt = new Runtime({ heapBytes: 8 << 20, gogc: 'off' });
    rt.run(function* main(go) {
      for (let i = 0; i < 60_000; i++) makeNode(go, i);
      const chunks = go.runtime.heapSnapshot();
      chunks.next();
      makeNode(go, 1);
      expect(() => [...chunks]).toThrow('heapSnapshot: the program has gone on; take all chunks before it does');
      yield* go.gosched();
    });
  });

  test('names of any kind are text of JSON', async () => {
    const rt = new Runtime({ heapBytes: 1 << 20 });
    const { machine: m } = rt;
    const odd = 'a "quoted"\n\\ type \u{1f600}';
    const g = m.globals(1);
    m.mutator.storePointer(g >>> 2, m.mutator.mallocgc(16, m.heap.types.define(odd, 16, [0])));
    const { named } = await devtools(textOf(takeHeapSnapshot(m)));
    expect(named(odd)).toHaveLength(1);
    expect(named('globals')[0]!.edges).toEqual({ [`internal 0x${g.toString(16)}`]: named(odd)[0]!.id });
  });
});

test('numbers of objects: as a walk over the heap has them, from any address inside them', () => {
  const rt = new Runtime({ heapBytes: 4 << 20, memProfileRate: 0 });
  const { machine: m } = rt as { machine: Machine };
  const sizes = [8, 16, 24, 48, 100, 1000, 5000, 40_000];
  const words = m.heap.types.define('word', 4, [0]);
  const objects: { addr: number; size: number }[] = [];
  const g = m.globals(400);
  for (let i = 0; i < 400; i++) {
    const size = sizes[(i * 7) % sizes.length]!;
    const addr = m.mutator.mallocgc(size, words);
    m.mutator.storePointer((g >>> 2) + i, addr);
    objects.push({ addr, size });
  }
  m.heap.writeBack();
  const numbers = new ObjectNumbers(m.heap);
  expect(numbers.count).toBe(400);
  objects.sort((a, b) => a.addr - b.addr);
  for (const [i, { addr, size }] of objects.entries()) {
    for (const at of [addr, addr + 4, addr + size - 1]) {
      expect(numbers.of(at)).toBe(i);
      expect(numbers.has(at)).toBe(true);
    }
  }
  for (const nothing of [0, 4, 1 << 30, objects.at(-1)!.addr + 50_000]) {
    expect(numbers.of(nothing)).toBe(-1);
    expect(numbers.has(nothing)).toBe(false);
  }
});
