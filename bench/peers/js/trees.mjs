// Binary trees of plain objects, collected by V8: node trees.mjs DEPTH. The same program as peers/go/trees.go.

import { emit } from '../../lib/side.mjs';

class Tree {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}

function bottomUp(depth) {
  return depth === 0 ? new Tree(null, null) : new Tree(bottomUp(depth - 1), bottomUp(depth - 1));
}

function check(tree) {
  return tree.left === null ? 1 : 1 + check(tree.left) + check(tree.right);
}

const maxDepth = Number(process.argv[2]);
const start = performance.now();
let nodes = check(bottomUp(maxDepth + 1));
const long = bottomUp(maxDepth);
for (let depth = 4; depth <= maxDepth; depth += 2) {
  const iterations = 1 << (maxDepth - depth + 4);
  for (let i = 0; i < iterations; i++) nodes += check(bottomUp(depth));
}
nodes += check(long);
emit('trees', performance.now() - start, nodes);
