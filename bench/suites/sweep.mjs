// Sweeping a heap of 64 MB full of objects of 16 B, half of them dead, at random. The floor is a loop over bit maps of the same size
// that copies, clears and counts, and knows nothing of spans.

import { medianOf } from '../lib/rows.mjs';
import { floor, ours } from '../lib/sides.mjs';

const megabytes = ({ quick }) => (quick ? 8 : 64);
function benchmark(way, what) {
  return {
    name: `sweep-64MB-${way}`,
    group: 'sweep-64MB',
    unit: 'ms',
    what,
    ours: ours('sweep.mjs', (context) => [megabytes(context)]),
    peers: [floor((context) => ['sweep', megabytes(context)])],
    targets: [{ atMost: 1.5 }],
    parse: (run) => medianOf(way, 'ms')(run) ?? medianOf('floor', 'ms')(run),
  };
}

export default [
  benchmark('background', 'a heap of 64 MB, half dead, is swept span by span while the program sleeps'),
  benchmark('whole', 'the same by whoever begins the next cycle, in one go'),
];
