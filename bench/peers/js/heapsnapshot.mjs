// V8's own heap snapshot of as many objects as ours/profiles.mjs has nodes: two references and a number each.
import { getHeapSnapshot } from 'node:v8';
import { emit, stopwatch } from '../../lib/side.mjs';

const n = Number(process.argv[2]);
const rounds = 3;

class Node {
  constructor(next, other, value) {
    this.next = next;
    this.other = other;
    this.value = value;
  }
}

let list = null;
for (let i = 0; i < n; i++) list = new Node(list, i % 3 === 0 ? null : list, i);
for (let round = 0; round < rounds; round++) {
  const watch = stopwatch();
  let bytes = 0;
  for await (const chunk of getHeapSnapshot()) bytes += chunk.length;
  const ms = watch();
  emit('heapsnapshot', ms, n, { mbPerSecond: bytes / ms / 1000, bytes });
}
if (list.value !== n - 1) throw new Error('the list is gone');
