// What a collection keeps and what it frees, for every shape of object and of graph. Nothing runs meanwhile: each test
// draws a heap, collects, and looks.
import { describe, expect, test } from 'vitest';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { graph } from '../../support/graph.ts';
import { check, testMachine } from '../../support/machine.ts';

const collect = (m: Machine) => {
  m.gc.collect();
  check(m);
};

/** How many of the addresses are still objects. */
const alive = (m: Machine, addrs: Addr[]) => {
  m.heap.writeBack();
  return addrs.filter((addr) => m.heap.isObject(addr)).length;
};

describe('a collection keeps what a root reaches and frees the rest', () => {
  const cases: [shape: string, drawing: string, kept: string][] = [
    ['nothing at all', 'A', ''],
    ['a chain, and a loose end', 'root -> A -> B; C', 'A B'],
    ['a tree', 'root -> T -> L -> LL; L -> LR; T -> R -> RL; R -> RR; X -> T', 'T L LL LR R RL RR'],
    ['a cycle that a root holds', 'root -> A -> B -> C -> A', 'A B C'],
    ['a cycle that nobody holds', 'A -> B -> C -> A', ''],
    ['an object that points to itself', 'A -> A; root -> B -> B', 'B'],
    ['a diamond: two ways to one object', 'root -> A -> B -> D; A -> C -> D; E -> D', 'A B D C'],
    ['garbage that points to live objects', 'root -> A; X -> A; X -> Y -> A', 'A'],
    ['live objects behind a long detour', 'root -> A -> B -> C -> D -> E -> F; F -> A; G -> F', 'A B C D E F'],
    ['two roots of one object', 'root -> A; root -> A; B', 'A'],
  ];
  for (const [shape, drawing, kept] of cases) {
    test(`${shape}: ${drawing}`, () => {
      const m = testMachine();
      const g = graph(m, drawing);
      collect(m);
      expect(g.alive()).toBe(kept);
      collect(m);
      expect(g.alive(), 'a second collection changes nothing').toBe(kept);
    });
  }

  test('an object dies with its last edge, not before', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> C; root -> B -> C');
    g.cut('A', 'C');
    collect(m);
    expect(g.alive()).toBe('A C B');
    g.cut('B', 'C');
    collect(m);
    expect(g.alive()).toBe('A B');
    g.cut('root', 'A').cut('root', 'B');
    collect(m);
    expect(g.alive()).toBe('');
  });

  test('contents of kept objects are untouched', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> B -> A; X');
    const words = () => [g.at.A!, g.at.B!].flatMap((addr) => [...m.heap.w.subarray(addr >>> 2, (addr >>> 2) + 4)]);
    const before = words();
    for (let i = 0; i < 3; i++) collect(m);
    expect(words()).toEqual(before);
  });

  test('a freed slot is handed out again, zeroed', () => {
    const m = testMachine();
    const g = graph(m, 'root -> K; A -> K');
    const a = g.at.A!;
    collect(m);
    const h = graph(m, 'B');
    expect(h.at.B).toBe(a);
    expect([...m.heap.w.subarray((a >>> 2) + 1, (a >>> 2) + 4)]).toEqual([0, 0, 0]);
  });
});

describe('every kind of object is scanned by its type', () => {
  test('a number that looks like an address keeps nothing alive', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A; B');
    m.heap.w[g.at.A! >>> 2] = g.at.B!; // word 0 of a node is a number
    collect(m);
    expect(g.alive()).toBe('A');
  });

  test('an array of pointers longer than 31 words, of every length up to 600', () => {
    const m = testMachine({ heapBytes: 4 << 20 });
    const pointers = m.heap.types.define('[]*test.Leaf', 4, [0]);
    const leaf = m.heap.types.define('test.Leaf', 16, []);
    for (const n of [1, 2, 30, 31, 32, 33, 64, 127, 510, 511, 600]) {
      const array = m.mutator.mallocgc(n * 4, pointers);
      const pin = m.pin(array);
      const leaves = Array.from({ length: n }, (_, i) => {
        const addr = m.mutator.newObject(leaf);
        m.mutator.storePointer((array >>> 2) + i, addr);
        return addr;
      });
      collect(m);
      expect(alive(m, leaves), `${n} pointers`).toBe(n);
      m.mutator.storePointer((array >>> 2) + n - 1, 0); // the last word counts like the first
      collect(m);
      expect(alive(m, leaves), `${n} pointers, the last one cleared`).toBe(n - 1);
      m.unpin(pin);
      collect(m);
      expect(alive(m, [array, ...leaves])).toBe(0);
    }
  });

  test('a struct of 40 words whose only pointers are its first and its last', () => {
    const m = testMachine();
    const wide = m.heap.types.define('test.Wide', 160, [0, 39]);
    const a = m.mutator.newObject(wide);
    m.pin(a);
    const g = graph(m, 'First; Last; Middle');
    m.mutator.storePointer(a >>> 2, g.at.First!);
    m.mutator.storePointer((a >>> 2) + 39, g.at.Last!);
    m.heap.w[(a >>> 2) + 20] = g.at.Middle!; // no pointer field
    collect(m);
    expect(g.alive()).toBe('First Last');
  });

  test('an array of structs: the pattern repeats to the end of the slot', () => {
    const m = testMachine();
    const pair = m.heap.types.define('test.Pair', 12, [2]);
    for (const n of [1, 3, 10, 50]) {
      const array = m.mutator.mallocgc(n * 12, pair);
      const pin = m.pin(array);
      const kept = Array.from({ length: n }, () => m.mutator.newObject(pair));
      const dropped = Array.from({ length: n }, () => m.mutator.newObject(pair));
      for (let i = 0; i < n; i++) {
        m.mutator.storePointer((array >>> 2) + i * 3 + 2, kept[i]!);
        m.heap.w[(array >>> 2) + i * 3 + 1] = dropped[i]!;
      }
      collect(m);
      expect([alive(m, kept), alive(m, dropped)], `${n} pairs`).toEqual([n, 0]);
      m.unpin(pin);
    }
  });

  test('a large object with pointers: more than 32 KiB, scanned to its last word, freed as a whole', () => {
    const m = testMachine({ heapBytes: 4 << 20 });
    const pointers = m.heap.types.define('[]*test.Leaf', 4, [0]);
    const leaf = m.heap.types.define('test.Leaf', 16, []);
    const words = 50_000;
    const large = m.mutator.mallocgc(words * 4, pointers);
    const pin = m.pin(large);
    const ends = [0, 1, 20_000, words - 1].map((i) => {
      const addr = m.mutator.newObject(leaf);
      m.mutator.storePointer((large >>> 2) + i, addr);
      return addr;
    });
    const loose = m.mutator.mallocgc(40_000, pointers);
    collect(m);
    expect([alive(m, [large, ...ends]), alive(m, [loose])]).toEqual([5, 0]);
    const pages = m.heap.stats.pagesInUse;
    m.unpin(pin);
    collect(m);
    expect(alive(m, [large, ...ends])).toBe(0);
    expect(pages - m.heap.stats.pagesInUse).toBeGreaterThanOrEqual(Math.ceil((words * 4) / 8192));
  });

  test('a large object without pointers is never looked into', () => {
    const m = testMachine({ heapBytes: 4 << 20 });
    const bytes = m.heap.types.define('[]byte', 4, []);
    const large = m.mutator.mallocgc(100_000, bytes);
    m.pin(large);
    const g = graph(m, 'A');
    m.heap.w.fill(g.at.A!, large >>> 2, (large >>> 2) + 1000);
    collect(m);
    expect(g.alive()).toBe('');
  });

  test('types of one size class share a span and keep their own pointer words', () => {
    const m = testMachine();
    const types = [[0], [1], [2], [3], [0, 3], [1, 2]].map((words, i) => m.heap.types.define(`test.T${i}`, 16, words));
    const g = graph(m, 'Leaf');
    const objects = Array.from({ length: 60 }, (_, i) => {
      const type = types[i % types.length]!;
      const addr = m.mutator.newObject(type);
      m.pin(addr);
      // every word that is no pointer of this type holds an address all the same
      const decoy = m.mutator.newObject(types[0]!);
      const target = m.mutator.newObject(types[1]!);
      for (let word = 0; word < 4; word++) m.heap.w[(addr >>> 2) + word] = type.ptrWords.includes(word) ? target : decoy;
      return { addr, decoy, target };
    });
    expect(g.alive()).toBe('Leaf');
    collect(m);
    expect(
      alive(
        m,
        objects.map((o) => o.target),
      ),
    ).toBe(60);
    expect(
      alive(
        m,
        objects.map((o) => o.decoy),
      ),
    ).toBe(0);
  });

  test('a span forgets its type when it is empty', () => {
    const m = testMachine();
    const first = m.heap.types.define('test.First', 16, [0]);
    const second = m.heap.types.define('test.Second', 16, [3]);
    for (let i = 0; i < 512; i++) m.mutator.newObject(first);
    collect(m);
    const a = m.mutator.newObject(second);
    m.pin(a);
    const g = graph(m, 'Kept; Dropped');
    m.mutator.storePointer((a >>> 2) + 3, g.at.Kept!);
    m.heap.w[a >>> 2] = g.at.Dropped!; // a pointer word of the type that was here before
    collect(m);
    expect(g.alive()).toBe('Kept');
  });
});

describe('size and depth do not matter', () => {
  test('a list of 200,000 nodes survives, loses its second half, and dies', () => {
    const m = testMachine({ heapBytes: 16 << 20, memProfileRate: 0, gogc: 'off' });
    const node = m.heap.types.define('test.Link', 8, [1]);
    const n = 200_000;
    const nodes = new Int32Array(n);
    const head = m.pin(0);
    for (let i = 0; i < n; i++) {
      nodes[i] = m.mutator.newObject(node);
      m.heap.w[nodes[i]! >>> 2] = i;
      m.mutator.storePointer((nodes[i]! >>> 2) + 1, m.heap.w[head >>> 2]!);
      m.mutator.storePointer(head >>> 2, nodes[i]!);
    }
    collect(m);
    expect(m.gc.objectsMarked).toBe(n);
    m.mutator.storePointer((nodes[n / 2]! >>> 2) + 1, 0);
    collect(m);
    expect(m.gc.objectsMarked).toBe(n / 2);
    let length = 0;
    for (let at = m.heap.w[head >>> 2]!; at !== 0; at = m.heap.w[(at >>> 2) + 1]!) length += m.heap.w[at >>> 2] === n - 1 - length ? 1 : n;
    expect(length).toBe(n / 2);
    m.mutator.storePointer(head >>> 2, 0);
    collect(m);
    expect(m.gc.objectsMarked).toBe(0);
    expect(m.heap.stats.pagesInUse).toBe(0);
  });

  test('20,000 grey objects at once fill many work buffers, and each is scanned once', () => {
    const m = testMachine({ heapBytes: 4 << 20, memProfileRate: 0 });
    const pointers = m.heap.types.define('[]*test.Node', 4, [0]);
    const n = 20_000;
    const array = m.mutator.mallocgc(n * 4, pointers);
    m.pin(array);
    const node = m.heap.types.define('test.Link', 8, [1]);
    for (let i = 0; i < n; i++) m.mutator.storePointer((array >>> 2) + i, m.mutator.newObject(node));
    collect(m);
    expect(m.gc.objectsMarked).toBe(n + 1);
    expect(m.gc.work.empty).toBe(true);
  });

  test('ten thousand small steps mark the same as one big one', () => {
    const marks = [1, 3, 1 << 20].map((maxObjects) => {
      const m = testMachine({ memProfileRate: 0 });
      const g = graph(m, 'root -> A -> B -> C; A -> D; X -> Y');
      m.gc.start(false);
      while (m.gc.marking) m.gc.step(maxObjects);
      const { objectsMarked } = m.gc;
      while (!m.gc.sweeper.isDone) m.gc.sweepStep();
      return `${objectsMarked}: ${g.alive()}`;
    });
    expect(marks).toEqual(Array(3).fill('4: A B C D'));
  });
});
