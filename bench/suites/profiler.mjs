// What the memory profiler costs: the programs of trees and alloc with the profiler at its default rate, by the same with MemProfileRate
// 0. Unlike elsewhere both sides run in one process, piece by piece in turn (ours/profiler.mjs says how): a difference of a few
// percent is less than two processes differ by chance.

import { medianOf } from '../lib/rows.mjs';
import { ours } from '../lib/sides.mjs';

const pairs = ({ quick }) => (quick ? 10 : 100);

/** `piece`: log2 of the pieces that a trees program is cut into, or the objects of a piece. A piece takes 10 to 50 ms. */
function benchmark(program, size, piece, { quick: small } = {}) {
  return {
    name: `${program}-${size}-profiler`,
    unit: 'on / off',
    what: `${program}-${size} (raw) with the profiler at its default rate, by the same with it off: median of paired pieces`,
    ours: ours('profiler.mjs', (context) => [program, (context.quick && small) || size, piece, pairs(context)]),
    peers: [],
    targets: [{ atMost: 1.03 }],
    parse: medianOf('profiler-cost', 'ratio'),
  };
}

export default [
  benchmark('trees', 16, 4, { quick: 12 }),
  benchmark('alloc', 16, 800_000),
  benchmark('alloc', 64, 600_000),
  benchmark('alloc', 1024, 100_000),
];
