// Two lost objects, told step by step on the smallest heap that can lose one. gc.step(1) is one root job or one grey object;
// between two of them the test plays the program. Each story is told with the line in place and with the line missing.
import { describe, expect, test } from 'vitest';
import type { Faults } from '../../runtime/internal/faults.ts';
import { HandMade, scannedStacks, stepUntil } from '../support/goroutine.ts';
import { Graph, graph } from '../support/graph.ts';
import { testMachine } from '../support/machine.ts';

const machine = (fault: keyof Faults | null, checkMark: boolean) => {
  const m = testMachine({ checkMark, checkHeap: checkMark });
  if (fault !== null) m.faults[fault] = true;
  return m;
};

/** The allocator has assisted enough for a while: its mallocs do no collector work. */
const inCredit = ({ m }: Graph) => {
  m.mutator.assistBytes = 1 << 20;
};

/** Marks and sweeps what is left of the cycle. */
const finish = ({ m }: Graph) => {
  while (m.gc.marking) m.gc.step(1);
  while (!m.gc.sweeper.isDone) m.gc.sweepStep();
};

describe('the object that moved to where the marker had been (M01)', () => {
  /*
   *      before                       the marker has been        the program: r = A.next; A.next = nil
   *                                   at the roots and the
   *                                   stack
   *   root -> A -> B                  root -> (A) -> B           root -> (A)
   *   stack: r = nil                  stack: r = nil  (black)    stack: r -> B      nobody will look here again
   */
  const story = (fault: keyof Faults | null, checkMark: boolean) => {
    const m = machine(fault, checkMark);
    const g = graph(m, 'root -> A -> B');
    const stack = new HandMade(m, 1);
    const scanned = scannedStacks(m);
    m.gc.start(false);
    stepUntil(m, () => scanned.has(stack.g));
    expect(g.marked(), 'A is grey; B is white and hangs on A alone').toBe('A');

    stack.set(0, g.at.B!); // r = A.next: a load has no barrier, nor has a store into a stack
    g.cut('A', 'B'); //          A.next = nil: the barrier shades what is overwritten, or B is lost
    return g;
  };

  test('with the barrier it survives', () => {
    const g = story(null, true);
    finish(g);
    expect(g.alive()).toBe('A B');
  });

  test('without the barrier the second marking names it', () => {
    const g = story('noBarrier', true);
    expect(() => finish(g)).toThrow(`S3: object 0x${g.at.B!.toString(16)} (test.Node) is reachable and not marked`);
  });

  test('and where nobody checks, it is freed under the program’s hands', () => {
    const g = story('noBarrier', false);
    finish(g);
    expect(g.alive(), 'the stack still points to B').toBe('A');
    g.node('C');
    expect(g.at.C, 'and somebody else lives there now').toBe(g.at.B);
  });
});

describe('the object that was stored where the marker will not come again', () => {
  /*
   *   root -> N (new, black)      stack: s -> B   (not scanned yet)
   *   the program: N.next = s; s = nil           root -> N -> B, and N is never scanned
   */
  const story = (fault: keyof Faults | null) => {
    const m = machine(fault, false);
    const g = graph(m, 'root -> A; B -> C');
    const stack = new HandMade(m, 1);
    stack.set(0, g.at.B!);
    m.gc.start(false);
    stepUntil(m, () => g.marked() === 'A');
    inCredit(g);
    g.node('N');
    expect(g.marked()).toBe('A N');
    g.link('root', 'N').link('N', 'B');
    stack.set(0, 0);
    finish(g);
    return g.alive();
  };

  test('with the barrier it survives, and what it points to', () => expect(story(null)).toBe('A B C N'));
  test('without the barrier it is freed', () => expect(story('noBarrier')).toBe('A N'));
});

describe('the object that was born white (M08)', () => {
  /*
   *   the marker has been at the stack; the program: r = new(N)
   *   N is reachable, white, and nobody will look at the stack again
   */
  const story = (fault: keyof Faults | null, checkMark: boolean) => {
    const m = machine(fault, checkMark);
    const g = new Graph(m);
    const stack = new HandMade(m, 1);
    const scanned = scannedStacks(m);
    m.gc.start(false);
    stepUntil(m, () => scanned.has(stack.g));
    inCredit(g);
    stack.set(0, g.node('N'));
    expect(m.gc.marking).toBe(true);
    return g;
  };

  test('born black it survives', () => {
    const g = story(null, true);
    expect(g.marked()).toBe('N');
    finish(g);
    expect(g.alive()).toBe('N');
  });

  test('born white it is named by the second marking', () => {
    const g = story('allocWhite', true);
    expect(g.marked()).toBe('');
    expect(() => finish(g)).toThrow(`S3: object 0x${g.at.N!.toString(16)} (test.Node) is reachable and not marked`);
  });

  test('and where nobody checks, it is freed in its first minute', () => {
    const g = story('allocWhite', false);
    finish(g);
    expect(g.alive()).toBe('');
  });
});
