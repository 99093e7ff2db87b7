// malloc_test.go: statistics of the allocator, and tiny objects.
import { describe, expect, test } from 'vitest';
import { append, i32, type MemStats, self, slice, struct, u8 } from '../../runtime/index.ts';
import { identities } from '../support/memstats.ts';
import { busy, goRun } from './support.ts';

const Node = struct('malloc.Node', { value: i32, next: self });

describe('TestMemStats', () => {
  let st: MemStats;
  goRun(
    function* main(go) {
      const f = go.locals({ head: Node });
      const ch = go.chan(Node, 1);
      for (let i = 0; i < 5000; i++) {
        const n = go.new(Node);
        if (i % 50 !== 0) continue;
        n.next = f.head;
        f.head = n;
      }
      yield* ch.send(f.head);
      yield* go.gc();
      st = go.readMemStats();
    },
    { memProfileRate: 512 },
  );

  test('the identities hold', () => identities(st));

  test('what cannot be zero is not, and nothing is insanely high', () => {
    const mayBeZero = ['lookups', 'heapIdle', 'heapReleased', 'pauseTotalNs', 'debugGC'];
    for (const [name, value] of Object.entries(st)) {
      if (!mayBeZero.includes(name)) expect(value, name).not.toBe(0);
      if (typeof value === 'number') expect(value, name).toBeLessThan(1e9);
    }
    expect(st.gcCPUFraction).toBeLessThan(0.99);
  });

  test('bySize: entry 1 has the 8-byte objects (nodes and the buffer of the channel), entry 0 stands for large ones and counts none', () => {
    expect(st.bySize.map((c) => c.size).slice(0, 4)).toEqual([0, 8, 16, 24]);
    expect(st.bySize[1]!.mallocs).toBe(5001);
    expect(st.bySize[1]!.frees).toBeGreaterThan(4000);
    expect(st.bySize[0]).toEqual({ size: 0, mallocs: 0, frees: 0 });
  });
});

test('TestTinyAlloc', () => {
  goRun(function* main(go) {
    const byte = go.raw.defineType('byte', 4, []);
    const chunks = new Set<number>();
    for (let i = 0; i < 16; i++) chunks.add(go.raw.mutator.mallocgc(1, byte) & ~7);
    expect(chunks.size).toBeLessThan(16);
    expect(chunks.size).toBe(2); // sixteen bytes, the first one at the beginning of a block
  });
});

test('TestTinyAllocIssue37262', () => {
  goRun(function* main(go) {
    const byte = go.raw.defineType('byte', 4, []);
    const { mutator } = go.raw;
    yield* go.gc();
    yield* go.gc();
    let fresh = false;
    for (let i = 0; i < 16 && !fresh; i++) fresh = (mutator.mallocgc(1, byte) & 0xf) === 0xf;
    expect(fresh, 'the current tiny block is full').toBe(true);
    const small = mutator.mallocgc(4, byte);
    const obj12 = mutator.mallocgc(12, byte); // struct { a uint64; b uint32 }
    expect(obj12 & 7, 'a can be written at once').toBe(0);
    expect(obj12).not.toBe(small + 4);
  });
});

test('TestPhysicalMemoryUtilization', () => {
  const total = 32 << 20;
  const chunk = 64 << 10;
  goRun(
    function* main(go) {
      const Bytes = slice(slice(u8));
      const f = go.locals({ saved: Bytes, condemned: Bytes });
      for (let i = 0; i < total / chunk; i++) {
        const b = go.make(slice(u8), chunk);
        if (i % 2 === 0) f.saved = append(f.saved, b);
        else f.condemned = append(f.condemned, b);
      }
      yield* go.gc();
      f.condemned = go.zero(Bytes);
      yield* go.gc();
      const holes = go.readMemStats();
      expect(holes.heapIdle - holes.heapReleased, 'the heap is full of holes').toBeGreaterThan(total / 4);
      f.saved = append(f.saved, go.make(slice(u8), total / 2)); // fits into all holes together and into none of them
      const st = go.readMemStats();
      const overuse = (st.heapSys - st.heapReleased - st.heapAlloc) / st.heapAlloc;
      expect(overuse).toBeLessThanOrEqual(0.1 + 8192 / chunk);
    },
    { ...busy, heapBytes: 128 << 20 },
  );
});
