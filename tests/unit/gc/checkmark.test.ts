// The checkers of marking, each shown what it is for: a check that has never failed is not yet a check.
import { describe, expect, test } from 'vitest';
import { checkMarks, reachable } from '../../../gc/mcheckmark.ts';
import { bitWordShift } from '../../../heap/layout.ts';
import { Throw } from '../../../runtime/internal/throw.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { HandMade, stepUntil } from '../../support/goroutine.ts';
import { graph } from '../../support/graph.ts';
import { testMachine } from '../../support/machine.ts';

const hex = (addr: number) => `0x${addr.toString(16)}`;

const setMark = (m: Machine, addr: number, on: boolean) => {
  const bit = 1 << ((addr >>> 3) & 31);
  if (on) m.heap.markBits[addr >>> bitWordShift]! |= bit;
  else m.heap.markBits[addr >>> bitWordShift]! &= ~bit;
};
const catching = (f: () => void): Error => {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};
const markAll = (m: Machine) => {
  while (m.gc.marking) m.gc.step(1);
};

describe('the second marking', () => {
  test('finds what the first found, on a heap of every shape', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> B -> C -> A; root -> D; E -> F; X');
    const main = new HandMade(m, 1);
    main.set(0, g.at.E!);
    m.heap.writeBack();
    const { objects, dangling } = reachable(m.heap, m.gc.eachRoot);
    expect([...objects].sort()).toEqual(['A', 'B', 'C', 'D', 'E', 'F'].map((name) => g.at[name]!).sort());
    expect(dangling).toEqual([]);
  });

  test('a reachable object that is not marked ends the machine, by name', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A -> B');
    m.gc.start(false);
    stepUntil(m, () => g.marked() === 'A B');
    m.gc.step(1); // B is black
    setMark(m, g.at.B!, false);
    const error = catching(() => markAll(m));
    expect(error).toBeInstanceOf(Throw);
    expect(error.message).toContain(`S3: object ${hex(g.at.B!)} (test.Node) is reachable and not marked`);
  });

  test('a pointer to a free slot is reported with its holder', () => {
    const m = testMachine({ checkHeap: false }); // the heap check would find the marked free slot first
    const g = graph(m, 'root -> A; X; root -> B');
    m.gc.collect();
    expect(g.alive()).toBe('A B');
    m.heap.w[(g.at.A! >>> 2) + 1] = g.at.X!; // behind the barrier's back
    expect(checkMarks(m.heap, m.gc.eachRoot)).toContain(`S3: object ${hex(g.at.A!)} points to ${hex(g.at.X!)}, which is no object`);
    m.gc.start(false);
    expect(() => markAll(m)).toThrow(`object ${hex(g.at.A!)} points to ${hex(g.at.X!)}, which is no object`);
  });

  test('a root that points into a page without objects is reported', () => {
    const m = testMachine();
    graph(m, 'root -> A');
    const nowhere = m.heap.endPage * 8192 - 8192;
    new HandMade(m, 1).set(0, nowhere);
    m.heap.writeBack();
    expect(checkMarks(m.heap, m.gc.eachRoot).join()).toContain(`a root points to ${hex(nowhere)}, which is no object`);
  });

  test('a root that points into the middle of an object keeps it', () => {
    const m = testMachine();
    const g = graph(m, 'A -> B; X');
    new HandMade(m, 1).set(0, g.at.A! + 8);
    m.gc.collect();
    expect(g.alive()).toBe('A B');
  });

  test('without it, the sweep finds a marked free slot by itself', () => {
    const m = testMachine({ checkMark: false, checkHeap: false });
    const g = graph(m, 'root -> A; X; root -> B');
    m.gc.collect();
    m.heap.w[(g.at.A! >>> 2) + 1] = g.at.X!;
    expect(() => m.gc.collect()).toThrow(`found pointer to free object: ${hex(g.at.X!)}`);
  });
});

describe('the check at mark start', () => {
  test('a mark bit left over from the last cycle ends the machine', () => {
    const m = testMachine();
    const g = graph(m, 'root -> A');
    m.gc.collect();
    setMark(m, g.at.A!, true);
    expect(() => m.gc.start(false)).toThrow('before marking began');
  });
});
