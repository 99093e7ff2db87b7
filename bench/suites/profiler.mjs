// What the memory profiler costs: the programs of trees and alloc with the profiler at its default rate, by the same with MemProfileRate
// 0. Unlike elsewhere both sides run in one process, piece by piece in turn (ours/profiler.mjs says how): a difference of a few
// percent is less than two processes differ by chance. The same with every malloc sampled, under stacks of 4 and 16 frames; and what
// a walk over all buckets takes.

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

/** Every malloc is sampled: objects of `size` bytes under `frames` frames. */
function everyMalloc(size, frames, atMost) {
  return {
    name: `alloc-${size}-every-${frames}`,
    unit: 'on / off',
    what: `alloc-${size} (raw) under ${frames} frames with every malloc sampled, by the same with the profiler off: median of paired pieces`,
    ours: ours('profiler.mjs', (context) => ['alloc', size, 200_000, context.quick ? 5 : 20, 1, frames - 1]),
    peers: [],
    targets: [{ atMost }],
    parse: medianOf('profiler-cost', 'ratio'),
  };
}

/** A walk over `buckets` buckets of 16 frames: a rotation, or MemProfile. */
function walk(what, scheme, buckets) {
  return {
    name: `${what}-${scheme}-${buckets}`,
    unit: 'ms',
    what: `${what === 'rotation' ? 'rotating' : 'reading'} ${buckets} buckets under the scheme ${scheme}`,
    ours: ours('profile-walks.mjs', ({ quick }) => [what, scheme, buckets, quick ? 5 : 30]),
    peers: [],
    targets: [{ atMost: 5 }],
    parse: medianOf('profile-walk', 'ms'),
  };
}

export default [
  benchmark('trees', 16, 4, { quick: 12 }),
  benchmark('alloc', 16, 800_000),
  benchmark('alloc', 64, 600_000),
  benchmark('alloc', 1024, 100_000),
  everyMalloc(16, 4, 6),
  everyMalloc(16, 16, 14),
  everyMalloc(64, 4, 6),
  everyMalloc(64, 16, 14),
  walk('rotation', 'three-stage', 100_000),
  walk('rotation', 'cycle', 100_000),
  walk('memprofile', 'three-stage', 10_000),
];
