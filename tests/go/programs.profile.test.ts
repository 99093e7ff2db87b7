// heapsampling.go of Go's test folder: what is sampled, scaled up, comes within a tenth of what was allocated.
import { expect, test } from 'vitest';
import { func, type Go, type Machine } from '../../runtime/index.ts';
import { busy, goRun } from './support.ts';

const rate = 16 * 1024;
const iterations = 10_000; // Go has 50,000

/** What was allocated, from what was sampled. Go's scaleHeapSample. */
function scaled(objects: number, bytes: number): { objects: number; bytes: number } {
  const factor = objects === 0 ? 0 : 1 / (1 - Math.exp(-bytes / objects / rate));
  return { objects: objects * factor, bytes: bytes * factor };
}

/** Objects of each of these sizes that the profile says were allocated by the function of that name. */
function allocatedBy(go: Go, name: string, sizes: readonly number[]): { objects: number; bytes: number }[] {
  const { symtab } = go.runtime.machine;
  const mine = go.memProfile(true).filter((r) => symtab.frame(r.stack[0]!).func === name);
  return sizes.map((size) => {
    const r = mine.find((record) => record.size === size); // Go tells its sites apart by lines, ours have sizes of their own
    return scaled(r?.allocObjects ?? 0, r?.allocBytes ?? 0);
  });
}

// Of 256 bytes about 155 are sampled, so that one try in 5 is off by more than a tenth: as in Go, one of three must do.
test.each([
  ['testInterleavedAllocations', [18432, 1024, 20480, 512, 16384, 256]],
  ['testSmallAllocations', [1024, 512, 256]],
])('heapsampling.go: %s', (_, sizes) => {
  goRun(
    function* main(go) {
      const tries: number[][] = [];
      for (const name of ['main.alloc1', 'main.alloc2', 'main.alloc3']) {
        const alloc = func(name, {}, (_, { mutator, heap }: Machine) => {
          const bytes = heap.types.define('byte', 4, []);
          for (let i = 0; i < iterations; i++) for (const size of sizes) mutator.mallocgc(size - 1, bytes);
        });
        alloc(go, go.runtime.machine);
        yield* go.gc();
        yield* go.gc();
        const found = allocatedBy(go, name, sizes);
        tries.push(found.map(({ objects }) => objects / iterations));
        for (const [i, { objects, bytes }] of found.entries()) expect(bytes / objects).toBeCloseTo(sizes[i]!);
        const total = found.reduce((sum, { objects }) => sum + objects, 0);
        expect(Math.abs(total / (iterations * sizes.length) - 1), `${name}: ${tries.at(-1)!.join(' ')}`).toBeLessThan(0.1);
      }
      for (let i = 0; i < sizes.length; i++) {
        const off = tries.map((ratios) => Math.abs(ratios[i]! - 1));
        expect(Math.min(...off), `${sizes[i]} bytes: ${off.join(' ')}`).toBeLessThan(0.1);
      }
    },
    { ...busy, memProfileRate: rate },
  );
});
