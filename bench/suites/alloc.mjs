// Allocate and drop: the allocator's fast path, its refills and the sweep, with next to nothing to mark. Our side is the raw layer, with
// the collector on at GOGC=100 and the profiler at its default rate.

import { nsOf } from '../lib/rows.mjs';
import { assemblyScript, floor, go, goWasm, ours, v8 } from '../lib/sides.mjs';

const sizes = [
  { size: 16, count: 40_000_000, ratio: 0.5 },
  { size: 64, count: 20_000_000, ratio: 0.5 },
  { size: 1024, count: 2_000_000, ratio: 0.9 },
];

export default sizes.map(({ size, count, ratio }) => {
  const sizeAndCount = ({ quick }) => [size, quick ? count / 20 : count];
  const program = (context) => ['alloc', ...sizeAndCount(context)];
  return {
    name: `alloc-${size}`,
    unit: 'ns/object',
    what: `objects of ${size} B, each dropped for the next: time per object`,
    ours: ours('alloc.mjs', (context) => ['raw', ...sizeAndCount(context)]),
    peers: [
      go(program),
      goWasm(program),
      v8('alloc.mjs', sizeAndCount),
      assemblyScript('incremental', program),
      assemblyScript('minimal', program),
      floor(program),
    ],
    targets: [{ peer: 'go', atMost: ratio }],
    parse: nsOf('alloc'),
  };
});
