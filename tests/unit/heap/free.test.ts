// Explicit free: the slot is free at once, the profile hears of it in real time, and what cannot be freed is refused with nothing
// changed. The heap walker looks after every step.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attachSpecial, SpecialKind } from '../../../heap/mspecial.ts';
import { i32, inUseObjects, Runtime, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { check, testMachine } from '../../support/machine.ts';
import { published } from '../../support/profile.ts';
import { checkedOptions } from '../../support/run.ts';

const machine = (options = {}) => testMachine({ procs: 2, ...options });
const block = (m: Machine, bytes = 64) => m.heap.types.define(`test.Block${bytes}`, bytes, []);
const make = (m: Machine, n: number, bytes = 64) => Array.from({ length: n }, () => m.mutator.newObject(block(m, bytes)));
const isObject = (m: Machine, addr: number) => {
  m.heap.writeBack();
  return m.heap.isObject(addr);
};

describe('the slot can be taken again', () => {
  test('from the span in the P’s own cache: it is the next one', () => {
    const m = machine();
    const [, second, third] = make(m, 5);
    expect(m.mutator.free(third!)).toBe(true);
    check(m);
    expect(m.mutator.free(second!)).toBe(true);
    check(m);
    expect([make(m, 3)].flat()).toEqual([second, third, third! + 3 * 64]);
    check(m);
  });

  test('from a word of the bit map that the cursor has left behind, and from a span that was used up', () => {
    const m = machine();
    const all = make(m, 128); // the whole span: 8192 / 64
    for (const i of [127, 3, 64]) {
      expect(m.mutator.free(all[i]!)).toBe(true);
      check(m);
    }
    expect(make(m, 3)).toEqual([all[3], all[64], all[127]]);
    check(m);
    expect(Math.floor(make(m, 1)[0]! / pageSize)).not.toBe(Math.floor(all[0]! / pageSize));
  });

  test('from a span that nobody caches: it goes to the sets with room', () => {
    const m = machine();
    const all = make(m, 129); // the first span is full and given back
    expect(m.mutator.free(all[7]!)).toBe(true);
    check(m);
    expect(m.mutator.free(all[100]!)).toBe(true);
    check(m);
    make(m, 127); // the second span
    expect(make(m, 2)).toEqual([all[7], all[100]]);
    check(m);
  });

  test('from a span that another P caches: that P takes it', () => {
    const m = machine();
    const all = make(m, 10);
    expect(m.mutators[1]!.free(all[4]!)).toBe(true);
    check(m);
    expect(make(m, 1)).toEqual([all[4]]);
  });

  test('a span of which everything is freed goes back to the heap; cached, when it is given back', () => {
    const m = machine();
    const all = make(m, 129);
    const pages = m.heap.pages.inUse;
    for (const addr of all.slice(0, 128)) m.mutator.free(addr);
    expect(m.heap.pages.inUse).toBe(pages - 1);
    check(m);
    m.mutator.free(all[128]!);
    expect(m.heap.pages.inUse).toBe(pages - 1);
    check(m);
    m.gc.collect();
    check(m);
    expect(m.heap.pages.inUse).toBe(pages - 2);
  });

  test('a large object gives its pages back', () => {
    const m = machine();
    const addr = m.mutator.mallocgc(100_000, block(m));
    m.mutator.free(addr);
    check(m);
    expect([m.heap.pages.inUse, m.heap.stats.heapLive]).toEqual([0, 0]);
    expect(m.mutator.mallocgc(100_000, block(m))).toBe(addr);
  });

  test('is zero again when it is handed out', () => {
    const m = machine();
    const [addr] = make(m, 2);
    m.heap.w.fill(-1, addr! >>> 2, (addr! >>> 2) + 16);
    m.mutator.free(addr!);
    const [again] = make(m, 1);
    expect(again).toBe(addr);
    expect([...m.heap.w.subarray(addr! >>> 2, (addr! >>> 2) + 16)]).toEqual(Array(16).fill(0));
  });

  test('in a span that is not swept yet, the span is swept first', () => {
    const m = machine();
    const all = make(m, 300);
    for (const addr of all.slice(0, 150)) m.pin(addr);
    m.gc.start(false);
    while (m.gc.marking) m.gc.step(1 << 20);
    expect(m.gc.sweeper.isDone).toBe(false);
    expect(m.mutator.free(all[0]!)).toBe(true);
    check(m);
    expect(() => m.mutator.free(all[200]!)).toThrow('already freed'); // garbage: that sweep has freed it
    while (!m.gc.sweeper.isDone) m.gc.sweepStep();
    check(m);
    expect(all.filter((addr) => isObject(m, addr))).toEqual(all.slice(1, 150));
  });
});

describe('is refused, and nothing has changed', () => {
  const m = machine();
  const [freed, inside, finalized, garbage] = make(m, 4) as [number, number, number, number];
  m.mutator.free(freed);
  attachSpecial(
    m.heap,
    finalized,
    SpecialKind.finalizer,
    m.heap.finalQueue.register(() => {}),
  );
  const tiny = m.mutator.mallocgc(16, m.heap.tinyType);
  const small = m.mutator.newObject(m.heap.types.define('test.Pointers', 8, [0]));
  const odd = m.mutator.newObject(block(m, 48)); // 170 slots, 32 bytes left over
  const large = m.mutator.mallocgc(50_000, block(m));
  const globals = m.globals(1);
  const cases: [what: string, addr: number, words: string][] = [
    ['nil', 0, 'free 0x0: a nil pointer'],
    ['an object that was freed', freed, 'already freed, or never allocated'],
    ['a slot that was never handed out', garbage + 64, 'already freed, or never allocated'],
    ['an address inside an object', inside + 4, `inside the slot at 0x${inside.toString(16)}`],
    ['an address inside a large object', large + 8192, `inside the slot at 0x${large.toString(16)}`],
    ['a free page', (m.heap.endPage - 1) * pageSize, 'nothing is allocated there'],
    ['what lies behind the last slot', Math.floor(odd / pageSize) * pageSize + 8184, 'behind the last slot of its span'],
    ['a tiny block', tiny, 'freeing too small block: it is shared'],
    ['an object under 16 bytes', small, 'freeing too small block: objects under 16 bytes'],
    ['an object with a finalizer', finalized, "can't explicitly free an object with a finalizer"],
    ['a global', globals, 'not in the heap'],
    ['the object of no bytes', m.mutator.mallocgc(0, block(m)), 'not in the heap'],
    ['an address outside the arena', 0x7ffffff8, 'not in the heap'],
    ['a negative number', -8, 'not in the heap'],
  ];
  test.each(cases)('%s', (_, addr, words) => {
    const before = JSON.stringify(m.heap.stats.totals());
    expect(() => m.mutator.free(addr)).toThrow(RangeError);
    expect(() => m.mutator.free(addr)).toThrow(words);
    check(m);
    expect(JSON.stringify(m.heap.stats.totals())).toBe(before);
    expect([inside, finalized, garbage, tiny, small, odd, large].every((object) => isObject(m, object))).toBe(true);
  });

  test.each([1.5, Number.NaN, '64', null, undefined])('%s, which is no address', (addr) => {
    expect(() => m.mutator.free(addr as number)).toThrow(TypeError);
    check(m);
  });

  test('a goroutine’s stack', () => {
    const rt = new Runtime(checkedOptions);
    rt.run(function* main(go) {
      const { stackLo } = rt.machine.sched.gt;
      expect(() => go.raw.free(stackLo[rt.machine.sched.curg])).toThrow('in a stack');
      yield* go.gosched();
    });
  });
});

describe('while marking', () => {
  test('the object is left to the collector, and bad addresses are still refused', () => {
    const m = machine();
    const [addr] = make(m, 2);
    m.pin(addr!);
    m.gc.start(false);
    expect(m.gc.marking).toBe(true);
    expect(m.mutator.free(addr!)).toBe(false);
    expect(() => m.mutator.free(addr! + 4)).toThrow(RangeError);
    m.gc.collect();
    expect(isObject(m, addr!)).toBe(true);
    expect(m.mutator.free(addr!)).toBe(true);
  });

  test('a pointer that was left behind is found by the next collection', () => {
    const m = machine({ gogc: 'off' });
    const [addr] = make(m, 2);
    m.pin(addr!);
    m.mutator.free(addr!);
    expect(() => m.gc.collect()).toThrow(/found pointer to free object|points to 0x[0-9a-f]+, which is no object/);
  });
});

describe('records of the object', () => {
  test('the profiler counts the free of a sampled object as it counts mallocs: in real time, then staged', () => {
    const m = machine({ watch: ['naive', 'cycle', 'seed'] });
    const all = make(m, 10);
    for (const addr of all) m.pin(addr);
    m.gc.collect();
    for (const addr of all.slice(0, 3)) {
      m.mutator.free(addr);
    }
    const inUse = (scheme: 'naive' | 'three-stage' | 'cycle' | 'seed') => [...published(m, scheme).values()].map((live) => live.objects);
    expect(inUse('naive')).toEqual([7]);
    expect(inUse('three-stage')).toEqual([10]); // as of the last mark termination
    expect(inUse('cycle')).toEqual([10]);
  });

  test('an object that was not sampled is freed without being counted', () => {
    const m = machine({ memProfileRate: 0, watch: ['naive'] });
    const [addr] = make(m, 2);
    expect(m.mutator.free(addr!)).toBe(true);
    expect(m.profiler.records(true)).toEqual([]);
    check(m);
  });

  test('weak pointers read nil and cleanups are due; the neighbours keep theirs', () => {
    const m = machine();
    const [a, b] = make(m, 2) as [number, number];
    const cell = { addr: a };
    const clean = () => m.heap.finalQueue.register(() => {});
    attachSpecial(m.heap, a, SpecialKind.weakHandle, m.heap.weakCells.add(cell));
    attachSpecial(m.heap, a, SpecialKind.cleanup, clean());
    attachSpecial(m.heap, b, SpecialKind.cleanup, clean());
    m.mutator.free(a);
    check(m);
    expect([cell.addr, m.heap.weakCells.length, m.heap.finalQueue.length]).toEqual([0, 0, 1]);
    m.mutator.free(b);
    expect(m.heap.finalQueue.length).toBe(2);
  });

  test('clobberfree=1 overwrites it', () => {
    const m = machine({ godebug: 'clobberfree=1' });
    const [addr] = make(m, 2);
    m.mutator.free(addr!);
    expect([...m.heap.w.subarray(addr! >>> 2, (addr! >>> 2) + 16)]).toEqual(Array(16).fill(0xdeadbeef | 0));
  });
});

describe('in a program', () => {
  const Node = struct('free.Node', { a: i32, b: i32, c: i32, next: self });

  test('a later use is caught in checked mode, and so is a second free', () => {
    new Runtime(checkedOptions).run(function* main(go) {
      const n = go.new(Node);
      expect(go.free(n)).toBe(true);
      expect(() => n.a).toThrow('stale reference');
      expect(() => go.free(n)).toThrow('stale reference');
      expect(() => go.free(null as never)).toThrow('go.free: got null, wanted a reference to a struct');
      yield* go.gosched();
    });
  });

  test.each(['2014', '1.19'] as const)('era %s: the staged profile is the truth as of each mark termination', (era) => {
    const rt = new Runtime({ ...checkedOptions, era, heapBytes: 4 << 20, watch: ['cycle', 'naive'] });
    const kept: number[] = [];
    rt.run(function* main(go) {
      const f = go.locals({ head: Node, n: Node });
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 50; i++) {
          f.n = go.new(Node);
          if (i % 5 === 0) {
            f.n.next = f.head;
            f.head = f.n;
          } else if (i % 5 === 1) {
            const { n } = f;
            f.n = null;
            go.free(n!);
          }
        }
        f.n = null;
        if (round % 2 === 1) {
          const head = f.head!; // the oldest allocation of a past window goes by hand
          f.head = head.next;
          go.free(head);
        }
        yield* go.gc();
        for (const scheme of ['three-stage', 'cycle'] as const) {
          expect(published(rt.machine, scheme), `${scheme}, round ${round}`).toEqual(rt.truth()!.buckets);
        }
        const [record] = go.memProfile();
        kept.push(inUseObjects(record!));
      }
    });
    expect(kept).toEqual(Array.from({ length: 20 }, (_, round) => (round + 1) * 10 - Math.floor((round + 1) / 2)));
  });

  test('the event says who freed', () => {
    const rt = new Runtime(checkedOptions);
    const by: number[] = [];
    rt.machine.subscribe((kind, _addr, _size, byProgram) => {
      if (kind === Ev.free) by.push(byProgram);
    });
    rt.run(function* main(go) {
      go.free(go.new(Node));
      go.new(Node);
      yield* go.gc();
    });
    expect(by).toEqual([1, 0]);
  });
});

test('random programs: what lives is what the model says, and every slot handed out is free and zero', () => {
  const sizes = [16, 48, 64, 480, 3000, 40_000];
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ op: fc.constant('new' as const), size: fc.constantFrom(...sizes), n: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 6, arbitrary: fc.record({ op: fc.constant('free' as const), at: fc.nat(), n: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('gc' as const) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('mark' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const m = machine({ heapBytes: 4 << 20, gogc: 'off' });
      const live = new Map<number, number>(); // address to pin
      for (const s of steps) {
        if (s.op === 'new') {
          for (let i = 0; i < s.n; i++) {
            const mutator = m.mutators[i & 1]!;
            const addr = mutator.mallocgc(s.size, block(m, s.size));
            expect(live.has(addr)).toBe(false);
            const words = m.heap.w.subarray(addr >>> 2, (addr + s.size) >>> 2);
            expect(words.every((word) => word === 0)).toBe(true);
            words.fill(7);
            live.set(addr, m.pin(addr));
          }
        } else if (s.op === 'free') {
          const addrs = [...live.keys()];
          for (let i = 0; i < Math.min(s.n, addrs.length); i++) {
            const addr = addrs[(s.at + i * 7) % addrs.length]!;
            const pin = live.get(addr);
            if (pin === undefined) continue;
            m.unpin(pin);
            live.delete(addr);
            m.mutators[i & 1]!.free(addr);
          }
        } else if (s.op === 'gc') m.gc.collect();
        else {
          m.gc.start(false);
          while (m.gc.marking) m.gc.step(1 << 20); // and leave the sweep
        }
        check(m);
      }
      for (const addr of live.keys()) expect(isObject(m, addr)).toBe(true);
      m.gc.collect();
      const { mallocs, frees } = m.heap.stats.totals();
      expect(mallocs + m.heap.cachedAllocs() - frees).toBe(live.size);
    }),
    { numRuns: 40 },
  );
});
