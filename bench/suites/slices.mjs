// Marking in slices: how long the marker holds the machine at a time, with 1 M live objects, and what it costs to mark in slices and not
// in one piece. ours/slices.mjs says what a slice is, and its time.

import { medianOf } from '../lib/rows.mjs';
import { ours } from '../lib/sides.mjs';

const shapes = {
  list: { pairs: 30, what: 'a list in the order of allocation' },
  tree: { pairs: 30, what: 'a full binary tree' },
  wide: { pairs: 30, what: 'arrays of 1000 leaves' },
  graph: { pairs: 20, what: 'an array of nodes with two random edges each' },
  rlist: { pairs: 12, what: 'a list in random order' },
};

export default Object.entries(shapes).flatMap(([shape, { pairs, what }]) => {
  const group = `slices-${shape}`;
  const side = ours('slices.mjs', ({ quick }) => [shape, quick ? 100_000 : 1_000_000, pairs]);
  const row = (name, unit, text, parse, targets = []) => ({
    name: `${group}-${name}`,
    group,
    unit,
    what: text,
    ours: side,
    peers: [],
    targets,
    parse,
  });
  const p99 = [{ atMost: 0.3 }];
  return [
    row('p99', 'ms', `a slice of a forced collection of 1 M objects, ${what}: 99th percentile`, medianOf('slice', 'p99'), p99),
    row('max', 'ms', 'the same: the longest slice', medianOf('slice', 'max')),
    row('alloc-p99', 'ms', 'a slice while the program allocates: 99th percentile', medianOf('alloc-slice', 'p99'), p99),
    row('alloc-stop', 'ms', 'slices that the program waits for in one go, taken together: 99th percentile', medianOf('alloc-stop', 'p99')),
    row('cost', 'sliced / whole', 'marking in slices by marking in one piece: median of pairs', medianOf('slicing-cost', 'ratio'), [
      { atMost: 1.08 },
    ]),
  ];
});
