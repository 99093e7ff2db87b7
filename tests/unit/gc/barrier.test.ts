// Marking while the program moves pointers about. Each test draws a heap, lets the collector do some steps (a root job or
// one grey object each), moves a pointer behind its back, and lets it finish. checkMark watches every mark termination.
import { describe, expect, test } from 'vitest';
import { Ev, type EventReader } from '../../../runtime/internal/events.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { HandMade, scannedStacks, stepUntil } from '../../support/goroutine.ts';
import { graph } from '../../support/graph.ts';
import { check, testMachine } from '../../support/machine.ts';

const finish = (m: Machine) => {
  while (m.gc.marking) m.gc.step(1);
  while (!m.gc.sweeper.isDone) m.gc.sweepStep();
  check(m);
};

describe('an object that moves while marking survives', () => {
  test('from the heap to a stack that is already scanned: the deleted edge is shaded', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> B -> C');
    const main = new HandMade(m, 1);
    const scanned = scannedStacks(m);
    m.gc.start(false);
    stepUntil(m, () => scanned.has(main.g)); // it is empty, and black from now on
    expect(g.marked(), 'A is grey, B is white').toBe('A');
    main.set(0, g.at.B!);
    g.cut('A', 'B');
    finish(m);
    expect(g.alive()).toBe('A B C');
  });

  test('from an object that only an unscanned stack holds to a stack that is already scanned', () => {
    const m = testMachine();
    const main = new HandMade(m, 1);
    const other = new HandMade(m, 1);
    const g = graph(m, 'A -> B');
    other.set(0, g.at.A!);
    const scanned = scannedStacks(m);
    m.gc.start(false);
    stepUntil(m, () => scanned.has(main.g));
    expect(scanned.has(other.g)).toBe(false);
    main.set(0, g.at.B!);
    g.cut('A', 'B');
    finish(m);
    expect(g.alive()).toBe('A B');
  });

  test('from a stack that is not scanned yet into a new, black object', () => {
    const m = testMachine();
    const main = new HandMade(m, 1);
    const g = graph(m, 'root -> A; B -> C');
    main.set(0, g.at.B!);
    m.gc.start(false);
    stepUntil(m, () => g.marked() === 'A'); // the globals
    g.node('N');
    g.link('A', 'N').link('N', 'B'); // the inserted pointer is shaded
    main.set(0, 0);
    finish(m);
    expect(g.alive()).toBe('A B C N');
  });

  test('from a stack that is not scanned yet into an object that the marker knows already', () => {
    const m = testMachine();
    const main = new HandMade(m, 1);
    const other = new HandMade(m, 1);
    const g = graph(m, 'A; B -> C');
    main.set(0, g.at.A!);
    other.set(0, g.at.B!);
    m.gc.start(false);
    stepUntil(m, () => g.marked() === 'A'); // main's stack
    g.link('A', 'B');
    other.set(0, 0);
    finish(m);
    expect(g.alive()).toBe('A B C');
  });

  test('around a ring of objects, one edge a step, for a whole cycle', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A; root -> B; root -> C; root -> D; A -> X -> Y');
    const ring = ['A', 'B', 'C', 'D'];
    let at = 0;
    for (let cycle = 0; cycle < 5; cycle++) {
      m.gc.start(false);
      while (m.gc.marking) {
        const from = ring[at % 4]!;
        const to = ring[++at % 4]!;
        g.link(to, 'X').cut(from, 'X');
        m.gc.step(1);
      }
      finish(m);
      expect(g.alive(), `cycle ${cycle}`).toBe('A B C D X Y');
    }
  });

  test('more pointers move than the barrier buffer holds', () => {
    const m = testMachine();
    const node = m.heap.types.define('test.Link', 8, [1]);
    const a = m.mutator.newObject(node);
    const b = m.mutator.newObject(node);
    m.pin(a);
    m.pin(b);
    const main = new HandMade(m, 1);
    for (let i = 0; i < 1000; i++) {
      const n = m.mutator.newObject(node);
      m.heap.w[n >>> 2] = i;
      m.mutator.storePointer((n >>> 2) + 1, m.heap.w[(a >>> 2) + 1]!);
      m.mutator.storePointer((a >>> 2) + 1, n);
    }
    const scanned = scannedStacks(m);
    m.gc.start(false);
    stepUntil(m, () => scanned.has(main.g));
    for (let at = m.heap.w[(a >>> 2) + 1]!; at !== 0; ) {
      const next = m.heap.w[(at >>> 2) + 1]!;
      main.set(0, next);
      m.mutator.storePointer((at >>> 2) + 1, m.heap.w[(b >>> 2) + 1]!); // the list is turned round
      m.mutator.storePointer((b >>> 2) + 1, at);
      m.mutator.storePointer((a >>> 2) + 1, next);
      at = next;
    }
    finish(m);
    expect(m.gc.objectsMarked).toBe(1002);
    let sum = 0;
    for (let at = m.heap.w[(b >>> 2) + 1]!; at !== 0; at = m.heap.w[(at >>> 2) + 1]!) sum += m.heap.w[at >>> 2]!;
    expect(sum).toBe((999 * 1000) / 2);
  });
});

describe('what is not held any more', () => {
  test('garbage whose last edge went while marking may live one cycle longer, never two', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> B');
    m.gc.start(false);
    stepUntil(m, () => g.marked() === 'A');
    g.cut('A', 'B');
    finish(m);
    expect(g.alive(), 'the deletion barrier keeps B for this cycle').toBe('A B');
    m.gc.collect();
    expect(g.alive()).toBe('A');
  });

  test('the barrier is off between cycles: stores emit no barrier event', () => {
    const m = testMachine();
    const seen: number[] = [];
    const reader: EventReader = (kind) => {
      if (kind === Ev.barrier) seen.push(m.gc.phase);
    };
    m.subscribe(reader);
    const g = graph(m, 'root -> A -> B');
    g.cut('A', 'B').link('A', 'B');
    expect(seen).toEqual([]);
    m.gc.start(false);
    g.cut('A', 'B');
    expect(seen).toEqual([1]);
    finish(m);
    g.link('A', 'B');
    expect(seen).toEqual([1]);
  });
});

/** A list of n nodes of 16 bytes: enough to mark that no single assist ends the cycle. */
const longList = (m: Machine, n = 8000) => {
  const node = m.heap.types.define('test.Link', 16, [1]);
  const head = m.pin(0) >>> 2;
  for (let i = 0; i < n; i++) {
    const addr = m.mutator.newObject(node);
    m.mutator.storePointer((addr >>> 2) + 1, m.heap.w[head]!);
    m.mutator.storePointer(head, addr);
  }
};

describe('objects allocated while marking are black', () => {
  test('small, large, with and without pointers: marked at once, alive after the cycle', () => {
    const m = testMachine({ heapBytes: 4 << 20 });
    const types = [m.heap.types.define('test.P', 4, [0]), m.heap.types.define('test.N', 4, [])];
    longList(m);
    m.gc.start(false);
    const made = [8, 100, 32768, 32769, 100_000].flatMap((bytes) => types.map((type) => m.mutator.mallocgc(bytes, type)));
    expect(made.map((addr) => m.heap.isMarked(addr))).toEqual(made.map(() => true));
    finish(m);
    m.heap.writeBack();
    expect(made.filter((addr) => m.heap.isObject(addr)).length, 'nobody holds them, and they live').toBe(10);
    m.gc.collect();
    m.heap.writeBack();
    expect(made.filter((addr) => m.heap.isObject(addr)).length).toBe(0);
  });

  test('objects allocated between the cycles are white', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A');
    m.gc.collect();
    g.node('B');
    expect(g.marked()).toBe('');
    m.gc.collect();
    expect(g.alive()).toBe('A');
  });

  test('objects allocated while the sweep is on are white and survive the sweep', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A; X; Y; Z');
    m.gc.start(false);
    while (m.gc.marking) m.gc.step(1);
    expect(m.gc.sweeper.isDone).toBe(false);
    g.node('N');
    finish(m);
    expect(g.alive()).toContain('N');
    expect(g.marked()).toBe('');
  });

  test('what they count is in the heap that the pacer sees', () => {
    const m = testMachine();
    const bytes = m.heap.types.define('test.B', 64, []);
    longList(m);
    m.gc.start(false);
    for (let i = 0; i < 10; i++) m.mutator.newObject(bytes);
    expect(m.gc.marking).toBe(true);
    finish(m);
    expect(m.gc.pacer.heapMarked).toBe(8000 * 16 + 10 * 64);
  });
});

describe('a cycle, step by step', () => {
  test('phases come in order: mark, mark termination, off; the work list is empty outside of marking', () => {
    const m = testMachine();
    const phases: string[] = [];
    m.subscribe((kind, phase, cycle) => {
      if (kind === Ev.gcPhase) phases.push(`${cycle}:${phase} ${m.gc.work.empty}`);
    });
    graph(m, 'root -> A -> B');
    m.gc.collect();
    m.gc.collect();
    expect(phases).toEqual(['1:1 true', '1:2 true', '1:0 true', '2:1 true', '2:2 true', '2:0 true']);
  });

  test('start does nothing while a cycle is marking', () => {
    const m = testMachine();
    m.gc.start(false);
    m.gc.start(true);
    expect([m.gc.cycle, m.gc.forced]).toEqual([1, false]);
  });

  test('a cycle that starts while spans are unswept sweeps them first', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A; X; Y');
    m.gc.start(false);
    while (m.gc.marking) m.gc.step(1);
    expect(g.alive(), 'marked, nothing swept but the cached spans').toContain('A');
    m.gc.start(false);
    expect(m.gc.sweeper.isDone).toBe(true);
    expect(g.alive()).toBe('A');
    finish(m);
  });

  test('step says 0 when there is nothing to do, and idle agrees', () => {
    const m = testMachine();
    expect([m.gc.step(1), m.gc.idle]).toEqual([0, true]);
    m.gc.start(false);
    expect(m.gc.idle).toBe(false);
    let n = 0;
    while (m.gc.step(1) > 0) n++;
    expect(n).toBeGreaterThan(0);
    expect(m.gc.idle).toBe(true);
  });
});
