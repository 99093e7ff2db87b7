// Runs heap.as, compiled: node run.mjs FILE.wasm RUNTIME trees DEPTH | alloc SIZE COUNT | mark SHAPE COUNT

import { readFileSync } from 'node:fs';
import { emit, treeDepth } from '../../lib/side.mjs';

const [file, , topic, first, second] = process.argv.slice(2);
const abort = () => {
  throw new Error('the AssemblyScript program aborted');
};
const { instance } = await WebAssembly.instantiate(readFileSync(file), { env: { abort } });
const heap = instance.exports;

if (topic === 'trees') {
  const start = performance.now();
  const nodes = heap.trees(Number(first));
  emit('trees', performance.now() - start, nodes);
} else if (topic === 'alloc') {
  const loop = heap[`alloc${first}`];
  const count = Number(second);
  loop(count / 10); // warm up
  const start = performance.now();
  loop(count);
  emit('alloc', performance.now() - start, count);
} else {
  const depth = treeDepth(Number(second));
  const count = first === 'tree' ? 2 ** (depth + 1) - 1 : Number(second);
  heap[first](first === 'tree' ? depth : count);
  heap.collect();
  for (let i = 0; i < 5; i++) timeCollect('mark', count);
  heap.drop();
  timeCollect('sweep-all', count);
}

function timeCollect(name, count) {
  const start = performance.now();
  heap.collect();
  emit(name, performance.now() - start, count);
}
