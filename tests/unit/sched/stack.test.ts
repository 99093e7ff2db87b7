// Stacks of goroutines: frames, growth by copying, and the walk over callers. (What the collector sees in them: gc/roots.)
import { describe, expect, test } from 'vitest';
import { type Caller, func, type Go, i32, type Ref, self, struct } from '../../../runtime/index.ts';
import { Fatal } from '../../../runtime/internal/throw.ts';
import type { G } from '../../../sched/g.ts';
import { FrameHead } from '../../../sched/stack.ts';
import { check, testMachine } from '../../support/machine.ts';
import { run } from '../../support/run.ts';

const Node = struct('stack.Node', { id: i32, next: self });

/** A machine on which one goroutine's stack is loaded, as if it ran. */
const running = (heapBytes = 1 << 20) => {
  const m = testMachine({ heapBytes });
  const g = m.sched.newG(0);
  m.sched.stacks.load(m.sched.ops[g]!);
  return { m, g, stacks: m.sched.stacks, w: m.heap.w };
};
const pcsOf = (stacks: ReturnType<typeof running>['stacks'], g: G, max = 100) => {
  const pcs = new Int32Array(max);
  return [...pcs.subarray(0, stacks.callers(g, pcs, max))];
};

describe('frames', () => {
  test('callers are listed leaf first, and no more than asked for', () => {
    const { stacks, g } = running();
    for (let pc = 1; pc <= 40; pc++) stacks.push(pc, pc % 5);
    const all = Array.from({ length: 40 }, (_, i) => 40 - i);
    expect(pcsOf(stacks, g)).toEqual(all);
    expect(pcsOf(stacks, g, 32)).toEqual(all.slice(0, 32));
    expect(pcsOf(stacks, g, 1)).toEqual([40]);
  });

  test('popping takes the innermost away; unwinding takes a frame and everything above it', () => {
    const { stacks, g } = running();
    const offsets = [1, 2, 3, 4, 5].map((pc) => stacks.push(pc, pc));
    stacks.pop();
    expect(pcsOf(stacks, g)).toEqual([4, 3, 2, 1]);
    stacks.popTo(offsets[1]!);
    expect(pcsOf(stacks, g)).toEqual([1]);
    stacks.popTo(offsets[0]!);
    expect(pcsOf(stacks, g)).toEqual([]);
    stacks.push(9, 0);
    expect(pcsOf(stacks, g)).toEqual([9]);
  });

  test('slots are zero when a frame is pushed, whatever lay there before', () => {
    const { stacks, w } = running();
    const slotWords = (offset: number) => [
      ...w.subarray(((stacks.lo + offset) >>> 2) + FrameHead.words, ((stacks.lo + offset) >>> 2) + FrameHead.words + 3),
    ];
    const first = stacks.push(1, 3);
    w.fill(-1, ((stacks.lo + first) >>> 2) + FrameHead.words, ((stacks.lo + first) >>> 2) + FrameHead.words + 3);
    stacks.pop();
    expect(slotWords(stacks.push(2, 3))).toEqual([0, 0, 0]);
  });
});

describe('growth', () => {
  test('a copied stack has its frames, its slots and its callers', () => {
    const { m, stacks, g, w } = running();
    const places = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const offset = stacks.push(i + 1, 2);
      w[((stacks.lo + offset) >>> 2) + FrameHead.words] = i;
      places.add(stacks.lo);
    }
    expect(places.size, '64 bytes, 128, … 16 KiB').toBe(9);
    for (let i = 999; i >= 0; i--) {
      expect(pcsOf(stacks, g, 1)).toEqual([i + 1]);
      const offset = i * (FrameHead.words + 2) * 4;
      expect(w[((stacks.lo + offset) >>> 2) + FrameHead.words]).toBe(i);
      stacks.pop();
    }
    stacks.unload();
    check(m);
  });

  test('a frame larger than any stack so far gets one that holds it', () => {
    const { stacks, g } = running();
    stacks.push(1, 2);
    stacks.push(2, 5000);
    expect(pcsOf(stacks, g)).toEqual([2, 1]);
  });

  test('what a stack leaves behind is used again by others', () => {
    const { m, stacks } = running();
    for (let round = 0; round < 50; round++) {
      const g = m.sched.newG(0);
      stacks.load(m.sched.ops[g]!);
      for (let i = 0; i < 600; i++) stacks.push(i + 1, 1);
      stacks.unload();
      m.sched.release(g);
    }
    expect(m.heap.stats.manualPages).toBeLessThan(12);
    check(m);
  });

  test('beyond its limit: Go’s fatal error, with the line before it', () => {
    const { stacks } = running(256 << 20);
    const deep = () => {
      for (let i = 0; ; i++) stacks.push(i + 1, 60_000);
    };
    expect(deep).toThrow(Fatal);
    expect(deep).toThrow('stack overflow');
    expect(stacks.overflowWords).toBe('runtime: goroutine stack exceeds 16777216-byte limit');
  });

  test('locals of every caller survive the growth that their callees cause', () => {
    const deep: (caller: Caller, depth: number, above: Ref<typeof Node> | null) => number = func(
      'stack.deep',
      { mine: Node, spare: Node },
      (f, depth: number, above: Ref<typeof Node> | null): number => {
        f.mine = f.new(Node);
        f.mine.id = depth;
        f.mine.next = above;
        const below = depth === 0 ? 0 : deep(f, depth - 1, f.mine);
        if (f.mine.id !== depth || (f.mine.next?.id ?? -1) !== (above?.id ?? -1)) throw new Error(`frame ${depth} lost its locals`);
        return below + 1;
      },
    );
    let frames = 0;
    const { rt } = run(
      function* main(go) {
        frames = deep(go, 1000, null);
        yield* go.gosched();
      },
      { heapBytes: 4 << 20 },
    );
    expect(frames).toBe(1001);
    expect(rt.machine.heap.stats.manualPages).toBeGreaterThan(0);
  });
});

describe('an arena that is full of garbage', () => {
  test('has room for the stack of a new goroutine after a collection, and what the goroutine is given lives', () => {
    const sums: number[] = [];
    const { rt } = run(
      function* main(go) {
        const done = go.waitGroup();
        const free = () => go.runtime.machine.heap.pages.limit - go.runtime.machine.heap.pages.inUse;
        function* worker(_go: Go, n: Ref<typeof Node>) {
          sums.push(n.id);
          done.done();
        }
        while (free() > 0) go.new(Node); // nobody keeps them
        const before = go.runtime.machine.gc.numGC;
        for (let i = 0; i < 400; i++) {
          done.add(1);
          const n = go.new(Node);
          n.id = i;
          go.go(worker, n);
        }
        expect(go.runtime.machine.gc.numGC).toBeGreaterThan(before);
        yield* done.wait();
      },
      { heapBytes: 256 << 10, gogc: 'off', maxGoroutines: 500, checked: true, memProfileRate: 0, checkHeap: false, oracle: false },
    );
    expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    expect(rt.machine.sched.live).toBe(0);
  });
});
