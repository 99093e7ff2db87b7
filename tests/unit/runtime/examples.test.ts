// The examples run, with every check on, and give what they are for: the right answer, a live set of the right size, and a
// profile that is true under three-stage and cycle and false under naive.
import { describe, expect, test } from 'vitest';
import { churn } from '../../../examples/churn.ts';
import { trees } from '../../../examples/trees.ts';
import { type GoFunc, type Options, Runtime } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { published } from '../../support/profile.ts';

const options: Options = {
  heapBytes: 16 << 20,
  gogc: 5,
  memProfileRate: 1,
  oracle: true,
  checked: true,
  checkMark: true,
  watch: ['cycle', 'naive'],
};

/** Nodes that trees(depth) counts: a tree of depth d has 2^(d+1) - 1. */
function nodesOf(depth: number): number {
  const nodes = (d: number) => 2 ** (d + 1) - 1;
  let sum = nodes(depth + 1) + nodes(depth);
  for (let d = 4; d <= depth; d += 2) sum += 2 ** (depth - d + 4) * nodes(d);
  return sum;
}

/** Runs a program; compares each published profile with the truth, and says by how much naive was above it at most. */
function watch(main: GoFunc<[]>, procs: number) {
  const rt = new Runtime({ ...options, procs });
  const { machine } = rt;
  const wrong: string[] = [];
  let skew = 0;
  machine.subscribe((kind, cycle, when) => {
    if (kind !== Ev.profileRotate || when !== 1) return;
    const truth = machine.oracle!.at(machine.gc.numGC - 1)!;
    for (const scheme of ['three-stage', 'cycle'] as const) {
      const got = published(machine, scheme);
      const same = got.size === truth.buckets.size && [...got].every(([b, live]) => truth.buckets.get(b)?.objects === live.objects);
      if (!same) wrong.push(`${scheme} after mark termination ${cycle}`);
    }
    const naive = [...published(machine, 'naive').values()].reduce((sum, live) => sum + live.bytes, 0);
    skew = Math.max(skew, naive / Math.max(machine.oracle!.last.bytes, 1));
  });
  return { rt, stats: rt.run(main), wrong, skew };
}

describe('trees', () => {
  for (const procs of [1, 2]) {
    test(`counts its nodes, on ${procs} Ps, and is profiled truly`, () => {
      let nodes = 0;
      const { stats, wrong, skew } = watch(
        trees(10, (n) => {
          nodes = n;
        }),
        procs,
      );
      expect(nodes).toBe(nodesOf(10));
      expect(stats.mallocs).toBeGreaterThanOrEqual(nodes);
      expect(stats.numGC).toBeGreaterThan(0);
      expect(wrong).toEqual([]);
      expect(skew).toBeGreaterThan(1.2);
    });
  }

  test('has a bucket for each depth of its recursion', () => {
    const { rt } = watch(trees(8), 1);
    const stacks = rt
      .memProfile(true)
      .map((r) => r.stack.map((pc) => rt.machine.symtab.frame(pc).func))
      .filter((funcs) => funcs[0] === 'main.bottomUp');
    expect(stacks.length).toBeGreaterThanOrEqual(9);
    for (const funcs of stacks) expect(funcs).toEqual([...Array(funcs.length - 1).fill('main.bottomUp'), 'main.main']);
    expect(new Set(stacks.map((s) => s.length)).size).toBe(stacks.length);
  });
});

describe('churn', () => {
  for (const procs of [1, 2]) {
    test(`keeps the newest messages and drops the rest, on ${procs} Ps, and is profiled truly`, () => {
      const { rt, stats, wrong, skew } = watch(churn(60_000), procs);
      expect(stats.mallocs).toBeGreaterThanOrEqual(120_000);
      expect(stats.numGC).toBeGreaterThan(1);
      expect(wrong).toEqual([]);
      expect(skew).toBeGreaterThan(1.2);
      const live = rt.truth()!;
      expect(live.objects, 'a message and its payload, 2,000 to 4,000 of each').toBeGreaterThan(2 * 1900);
      expect(live.objects).toBeLessThan(2 * 6000);
    });
  }
});
