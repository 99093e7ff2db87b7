// The search on a toy machine: tasks are lists of operations on variables and locks, so that all runs can be had by brute force.
// Two runs are the same trace when their steps depend on each other in the same order: the reduced search must run each trace
// once, the naive one all orders, and both must see the same ends.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Touch } from '../../../sim/dependence.ts';
import { ChoiceTree, type TreeOptions } from '../../../sim/tree.ts';

/** read, write: of a variable. lock: waits while it is held; unlock. choose: a select between writing one variable or the next. */
type ToyOp = { do: 'read' | 'write' | 'lock' | 'unlock' | 'choose'; on: number };

interface Seen {
  readonly ends: Set<string>;
  readonly traces: Set<string>;
  readonly runs: number;
  readonly search: ChoiceTree;
}

/** All runs of a search: how they ended, and which traces they were. */
function explore(tasks: readonly (readonly ToyOp[])[], options: TreeOptions): Seen {
  const search = new ChoiceTree(options);
  const ends = new Set<string>();
  const traces = new Set<string>();
  let runs = 0;
  do {
    runs++;
    if (runs > 200_000) throw new Error('too many runs for a test');
    const end = run(tasks, search);
    if (end === null) continue;
    ends.add(end.state);
    traces.add(end.trace);
  } while (search.ended());
  return { ends, traces, runs, search };
}

/** One run; null: broken off. A lock that is held makes its task wait in a queue, as ours do; unlock wakes the first. */
function run(tasks: readonly (readonly ToyOp[])[], search: ChoiceTree): { state: string; trace: string } | null {
  search.begin();
  const pc = tasks.map(() => 0);
  const values = new Map<number, string>();
  const owner = new Map<number, number>();
  const queues = new Map<number, number[]>();
  const blocked = tasks.map(() => false);
  const history: string[] = []; // of each object: the order of its uses, which is what makes the trace
  const uses = new Map<number, string[]>();
  let last = -1;
  for (;;) {
    const enabled = tasks.flatMap((ops, p) => (pc[p]! < ops.length && !blocked[p] ? [p + 1] : [])); // 0 is the clock
    if (enabled.length === 0) break;
    const chosen = search.next(enabled, last);
    if (chosen < 0) return null;
    const p = chosen - 1;
    const op = tasks[p]![pc[p]!]!;
    let touched: Touch[] = [(op.on << 1) | (op.do === 'read' ? 0 : 1)];
    let { on } = op;
    if (op.do === 'choose') {
      touched = [(op.on << 1) | 1, ((op.on + 1) << 1) | 1];
      on += search.data(2);
    }
    if (op.do === 'write' || op.do === 'choose') values.set(on, `${p}.${pc[p]}`);
    else if (op.do === 'read') values.set(100 + p, `${values.get(100 + p) ?? ''} ${values.get(on) ?? '-'}`);
    else if (op.do === 'lock') {
      if (owner.has(on) && owner.get(on) !== p) {
        queues.set(on, [...(queues.get(on) ?? []), p]);
        blocked[p] = true;
      } else owner.set(on, p);
    } else if (owner.get(on) === p) {
      owner.delete(on);
      const next = (queues.get(on) ?? []).shift();
      if (next !== undefined) {
        owner.set(on, next);
        blocked[next] = false;
        search.wakes(next + 1);
      }
    }
    pc[p]!++;
    for (const t of touched) uses.set(t >>> 1, [...(uses.get(t >>> 1) ?? []), `${p}.${pc[p]}${(t & 1) !== 0 ? 'w' : 'r'}${on}`]);
    search.stepped(touched);
    last = chosen;
  }
  for (const [object, list] of [...uses].sort((a, b) => a[0] - b[0])) history.push(`${object}: ${readsSorted(list).join(' ')}`);
  const state = [...values].sort((a, b) => a[0] - b[0]).map(([k, v]) => `${k}=${v}`);
  return { state: `${state.join(',')} blocked ${blocked.join()}`, trace: history.join('; ') };
}

/** Reads between two writes have no order. */
function readsSorted(list: readonly string[]): string[] {
  const out: string[] = [];
  let reads: string[] = [];
  for (const use of [...list, 'w']) {
    if (!use.includes('w')) reads.push(use);
    else {
      out.push(...reads.sort(), use);
      reads = [];
    }
  }
  return out.slice(0, -1);
}

const op = fc.record({
  do: fc.constantFrom<ToyOp['do']>('read', 'write', 'write', 'lock', 'unlock', 'choose'),
  on: fc.integer({ min: 0, max: 2 }),
});
const program = fc.array(fc.array(op, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 });

test('the reduced search runs each trace once, and sees every end that the naive one sees', () => {
  let naiveRuns = 0;
  let reducedRuns = 0;
  fc.assert(
    fc.property(program, (tasks) => {
      const naive = explore(tasks, { preemptions: Infinity, reduction: false });
      const reduced = explore(tasks, { preemptions: Infinity });
      expect([...reduced.ends].sort()).toEqual([...naive.ends].sort());
      expect(reduced.traces).toEqual(naive.traces);
      expect(reduced.search.complete).toBe(naive.traces.size);
      naiveRuns += naive.runs;
      reducedRuns += reduced.runs;
    }),
    { numRuns: 300, seed: 20140901 },
  );
  expect(reducedRuns * 2).toBeLessThan(naiveRuns);
});

test('under a bound on preemptions the reduced search sees every end that the naive one sees', () => {
  fc.assert(
    fc.property(program, fc.integer({ min: 0, max: 2 }), (tasks, preemptions) => {
      const naive = explore(tasks, { preemptions, reduction: false });
      const reduced = explore(tasks, { preemptions });
      expect([...reduced.ends].sort()).toEqual([...naive.ends].sort());
      expect(reduced.runs).toBeLessThanOrEqual(naive.runs);
    }),
    { numRuns: 300, seed: 20140901 },
  );
});
