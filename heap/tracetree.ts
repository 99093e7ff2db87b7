// tracetree: stacks of allocations as the tree of a heap snapshot, from the root down: each node is a function called by the node
// above it, with what was allocated right there. Objects name the node of their stack.

import type { Frame } from '../profiler/symtab.ts';
import type { Addr } from '../runtime/internal/memory.ts';

interface TraceNode {
  readonly id: number;
  /** Number of its function. */
  readonly fn: number;
  count: number;
  size: number;
  /** By pc. */
  readonly children: Map<number, TraceNode>;
}

/** Stacks of buckets as a tree. */
export class TraceTree {
  private readonly root: TraceNode = { id: 1, fn: 0, count: 0, size: 0, children: new Map() };
  private nodes = 1;
  /** Functions by pc: number and place; 0 is the root's. */
  private readonly functions = new Map<number, number>();
  private readonly byBucket = new Map<Addr, number>();

  constructor(private readonly frameOf: (pc: number) => Frame) {}

  /** Functions in the file. */
  get functionCount(): number {
    return this.functions.size + 1;
  }

  /** The node of a bucket's stack. */
  nodeOf(bucket: Addr): number {
    return this.byBucket.get(bucket) ?? 0;
  }

  /** A bucket: its stack, leaf first, and the objects and bytes that were allocated there. */
  add(bucket: Addr, stack: readonly number[], count: number, size: number): void {
    let node = this.root;
    for (let i = stack.length - 1; i >= 0; i--) {
      const pc = stack[i]!;
      let child = node.children.get(pc);
      if (child === undefined) {
        child = { id: ++this.nodes, fn: this.functionOf(pc), count: 0, size: 0, children: new Map() };
        node.children.set(pc, child);
      }
      node = child;
    }
    node.count += count;
    node.size += size;
    this.byBucket.set(bucket, node.id);
  }

  private functionOf(pc: number): number {
    let fn = this.functions.get(pc);
    if (fn === undefined) {
      fn = this.functions.size + 1;
      this.functions.set(pc, fn);
    }
    return fn;
  }

  /** Both parts of the file, in pieces. stringId: number of a string. */
  *json(stringId: (text: string) => number): Generator<string, void, void> {
    yield `"trace_function_infos":[0,${stringId('(root)')},${stringId('')},0,0,0`;
    for (const [pc, fn] of this.functions) {
      const { func, file, line } = this.frameOf(pc);
      yield `,\n${fn},${stringId(func)},${stringId(file)},0,${line},0`;
    }
    yield '],\n"trace_tree":[';
    yield* this.treeJson(this.root, '');
    yield '],\n';
  }

  private *treeJson({ id, fn, count, size, children }: TraceNode, before: string): Generator<string, void, void> {
    yield `${before}${id},${fn},${count},${size},[`;
    let first = true;
    for (const child of children.values()) {
      yield* this.treeJson(child, first ? '' : ',');
      first = false;
    }
    yield ']';
  }
}
