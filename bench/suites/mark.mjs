// One forced full collection of a live heap of 1 M and 4 M objects, in five shapes (drawn in peers/go/mark.go). The automatic collections
// are off; a side collects once, then times five collections, and its median counts.

import { nsOf } from '../lib/rows.mjs';
import { assemblyScript, floor, go, goWasm, ours, v8 } from '../lib/sides.mjs';

const million = 1_000_000;

const sequential = [{ peer: 'go', atMost: 0.6 }, { atMost: 12 }];

const shapes = [
  { shape: 'list', what: 'a list in the order of allocation', targets: sequential },
  { shape: 'tree', what: 'a full binary tree', targets: sequential },
  { shape: 'wide', what: 'arrays of 1000 leaves', targets: sequential },
  { shape: 'graph', what: 'an array of nodes with two random edges each', targets: [{ peer: 'go', atMost: 0.6 }] },
  { shape: 'rlist', what: 'a list in random order', targets: [{ peer: 'go', atMost: 1 }] },
];

function benchmark({ shape, what }, millions, targets) {
  const shapeAndCount = ({ quick }) => [shape, (quick ? millions / 10 : millions) * million];
  const program = (context) => ['mark', ...shapeAndCount(context)];
  return {
    name: `mark-${shape}-${millions}M`,
    unit: 'ns/object',
    what: `a full collection of ${millions} M live objects: ${what}`,
    ours: ours('mark.mjs', (context) => ['raw', ...shapeAndCount(context)]),
    peers: [
      go(program),
      goWasm(program),
      v8('mark.mjs', shapeAndCount),
      assemblyScript('incremental', program),
      assemblyScript('minimal', program),
      floor(program),
    ],
    targets,
    parse: nsOf('mark'),
  };
}

export default [
  ...shapes.map((shape) => benchmark(shape, 1, shape.targets)),
  ...shapes.map((shape) => benchmark(shape, 4, [{ peer: 'go', atMost: 1 }])),
];
