// Full collections of a live heap of plain objects: node --expose-gc mark.mjs SHAPE COUNT. The same shapes as peers/go/mark.go.

import { emit, treeDepth, xorshift } from '../../lib/side.mjs';

class Node {
  constructor(v) {
    this.a = null;
    this.b = null;
    this.v = v;
  }
}

class Tree {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}

function bottomUp(depth) {
  return depth === 0 ? new Tree(null, null) : new Tree(bottomUp(depth - 1), bottomUp(depth - 1));
}

function nodes(n) {
  const all = new Array(n);
  for (let i = 0; i < n; i++) all[i] = new Node(i);
  return all;
}

const shapes = {
  list(n) {
    let head = null;
    for (let i = 0; i < n; i++) {
      const node = new Node(i);
      node.a = head;
      head = node;
    }
    return head;
  },
  tree: (n) => bottomUp(treeDepth(n)),
  wide(n) {
    const arrays = new Array(n / 1000);
    for (let i = 0; i < arrays.length; i++) arrays[i] = nodes(1000);
    return arrays;
  },
  graph(n) {
    const random = xorshift();
    const all = nodes(n);
    for (let i = 0; i < n; i++) {
      all[i].a = all[random() % n];
      all[i].b = all[random() % n];
    }
    return all;
  },
  rlist(n) {
    const random = xorshift();
    const all = nodes(n);
    for (let i = n - 1; i > 0; i--) {
      const j = random() % (i + 1);
      const node = all[i];
      all[i] = all[j];
      all[j] = node;
    }
    for (let i = 0; i + 1 < n; i++) all[i].a = all[i + 1];
    return all[0];
  },
};

const [shape, wanted] = process.argv.slice(2);
const count = shape === 'tree' ? 2 ** (treeDepth(Number(wanted)) + 1) - 1 : Number(wanted);
globalThis.root = shapes[shape](Number(wanted));
globalThis.gc();
globalThis.gc();
for (let i = 0; i < 5; i++) timeGC('mark');
globalThis.root = null;
timeGC('sweep-all');

function timeGC(name) {
  const start = performance.now();
  globalThis.gc();
  emit(name, performance.now() - start, count);
}
