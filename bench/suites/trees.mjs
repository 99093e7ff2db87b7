// Binary trees: allocation, pointer stores and collections in the mix that programs have. "raw" is the layer for library authors
// (addresses, explicit frames), "typed" the API of the README. The collector is on at GOGC=100, the profiler at its default rate.

import { nsOf, peakMB } from '../lib/rows.mjs';
import { assemblyScript, go, goWasm, ours, v8 } from '../lib/sides.mjs';

const quickDepth = { 16: 12, 18: 14 };

function suite(depth) {
  const depthOf = ({ quick }) => (quick ? quickDepth[depth] : depth);
  const program = (context) => ['trees', depthOf(context)];
  const peers = [
    go(program),
    goWasm(program),
    v8('trees.mjs', (context) => [depthOf(context)]),
    assemblyScript('incremental', program),
    assemblyScript('minimal', program),
  ];
  const ourTrees = (layer) => ours('trees.mjs', (context) => [layer, depthOf(context)]);
  const group = `trees-${depth}`;
  const time = (layer, ratio) => ({
    name: `${group}-${layer}`,
    group,
    unit: 'ns/node',
    what: `binary trees of depth ${depth}, ${layer} API: time per node allocated, filled, visited and collected`,
    ours: ourTrees(layer),
    peers,
    targets: [
      { peer: 'go', atMost: ratio },
      { peer: 'go-wasm', atMost: 0.25 },
    ],
    parse: nsOf('trees'),
  });
  const peak = (layer) => ({
    name: `${group}-${layer}-peak`,
    group,
    unit: 'MB',
    what: `the same: peak resident set of the process`,
    ours: ourTrees(layer),
    peers,
    targets: depth === 18 ? [{ atMost: 120 }] : [],
    parse: peakMB,
  });
  return [time('raw', 0.75), time('typed', 1), peak('raw'), peak('typed')];
}

export default [...suite(16), ...suite(18)];
