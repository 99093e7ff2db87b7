// The AssemblyScript side of the benchmarks, compiled once with each of its collectors: "incremental" (a barrier and steps at
// allocations) and "minimal" (it collects only where the program says so: here, after as much allocation as was live). The programs are
// those of peers/go: trees, alloc, and the five shapes of mark.

const manual: bool = ASC_RUNTIME == 1; // Runtime.Minimal

class Tree {
  left: Tree | null = null;
  right: Tree | null = null;
}

function bottomUp(depth: i32): Tree {
  const tree = new Tree();
  if (depth > 0) {
    tree.left = bottomUp(depth - 1);
    tree.right = bottomUp(depth - 1);
  }
  return tree;
}

function check(tree: Tree): i32 {
  const left = tree.left;
  if (left === null) return 1;
  return 1 + check(left) + check(tree.right as Tree);
}

let long: Tree | null = null;
let sinceCollect: i32 = 0;

function allocated(count: i32, budget: i32): void {
  if (!manual) return;
  sinceCollect += count;
  if (sinceCollect <= budget) return;
  __collect();
  sinceCollect = 0;
}

/** Returns the number of nodes. */
export function trees(maxDepth: i32): i32 {
  let nodes: i32 = check(bottomUp(maxDepth + 1));
  if (manual) __collect();
  long = bottomUp(maxDepth);
  const budget = 2 << maxDepth;
  for (let depth = 4; depth <= maxDepth; depth += 2) {
    const iterations = 1 << (maxDepth - depth + 4);
    for (let i = 0; i < iterations; i++) {
      nodes += check(bottomUp(depth));
      allocated(2 << depth, budget);
    }
  }
  nodes += check(long as Tree);
  long = null;
  return nodes;
}

class Object16 {
  a: Object16 | null;
  b: Object16 | null;
  c: i32;
  d: i32;
}

class Object64 {
  a: Object64 | null;
  b: Object64 | null;
  c0: i64;
  c1: i64;
  c2: i64;
  c3: i64;
  c4: i64;
  c5: i64;
  c6: i64;
}

let last16: Object16 | null = null;
let last64: Object64 | null = null;
let last1024: StaticArray<u8> | null = null;

export function alloc16(n: i32): void {
  for (let i = 0; i < n; i++) {
    last16 = new Object16();
    allocated(1, 1 << 18);
  }
}

export function alloc64(n: i32): void {
  for (let i = 0; i < n; i++) {
    last64 = new Object64();
    allocated(1, 1 << 16);
  }
}

export function alloc1024(n: i32): void {
  for (let i = 0; i < n; i++) {
    last1024 = new StaticArray<u8>(1024);
    allocated(1, 1 << 12);
  }
}

class Node {
  a: Node | null = null;
  b: Node | null = null;
  v: i32 = 0;
}

let rootArray: StaticArray<Node> | null = null;
let rootNode: Node | null = null;
let rootArrays: StaticArray<StaticArray<Node>> | null = null;
let rootTree: Tree | null = null;

let seed: u32 = 2463534242;

function random(): u32 {
  let x = seed;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  seed = x;
  return x;
}

function nodes(n: i32): StaticArray<Node> {
  const all = new StaticArray<Node>(n);
  for (let i = 0; i < n; i++) {
    const node = new Node();
    node.v = i;
    all[i] = node;
  }
  return all;
}

export function list(n: i32): void {
  for (let i = 0; i < n; i++) {
    const node = new Node();
    node.a = rootNode;
    node.v = i;
    rootNode = node;
  }
}

/** Takes the depth, not the number of nodes. */
export function tree(depth: i32): void {
  rootTree = bottomUp(depth);
}

export function wide(n: i32): void {
  const count = n / 1000;
  const arrays = new StaticArray<StaticArray<Node>>(count);
  for (let i = 0; i < count; i++) arrays[i] = nodes(1000);
  rootArrays = arrays;
}

export function graph(n: i32): void {
  const all = nodes(n);
  for (let i = 0; i < n; i++) {
    all[i].a = all[<i32>(random() % <u32>n)];
    all[i].b = all[<i32>(random() % <u32>n)];
  }
  rootArray = all;
}

export function rlist(n: i32): void {
  const all = nodes(n);
  for (let i = n - 1; i > 0; i--) {
    const j = <i32>(random() % <u32>(i + 1));
    const node = all[i];
    all[i] = all[j];
    all[j] = node;
  }
  for (let i = 0; i + 1 < n; i++) all[i].a = all[i + 1];
  rootNode = all[0];
}

export function drop(): void {
  rootArray = null;
  rootNode = null;
  rootArrays = null;
  rootTree = null;
}

export function collect(): void {
  __collect();
}
