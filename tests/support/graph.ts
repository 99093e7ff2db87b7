// Draws a heap: `graph(m, 'root -> A -> B; C')` allocates A, B and C, makes A point to B and a root point to A. Tests name
// what they mean and look at the drawing again afterwards: `g.alive()` is the names that are still allocated.

import type { RType } from '../../heap/types.ts';
import type { Addr } from '../../runtime/internal/memory.ts';
import type { Machine } from '../../runtime/machine.ts';

/** Pointer fields of a node; its word 0 is a number. */
const arms = 3;

/** The type of drawn nodes: a number and three pointers. */
export function nodeType(m: Machine): RType {
  return m.heap.types.define('test.Node', (1 + arms) * 4, [1, 2, 3]);
}

/** A drawn heap. */
export class Graph {
  /** Address of each name. */
  readonly at: Record<string, Addr> = {};
  private readonly pins: Record<string, Addr> = {};

  constructor(readonly m: Machine) {}

  /** A new node; held by nobody yet. */
  node(name: string): Addr {
    if (name in this.at) throw new Error(`graph: ${name} is drawn already`);
    this.at[name] = this.m.mutator.newObject(nodeType(this.m));
    this.m.heap.w[this.at[name] >>> 2] = Object.keys(this.at).length;
    return this.at[name];
  }

  private word(from: string, held: Addr): number {
    const first = (this.at[from]! >>> 2) + 1;
    for (let i = 0; i < arms; i++) if (this.m.heap.w[first + i] === held) return first + i;
    throw new Error(held === 0 ? `graph: ${from} has no free arm` : `graph: ${from} does not point there`);
  }

  /** from -> to; `root` makes a root. The mutator's store, barrier included. */
  link(from: string, to: string): this {
    if (from === 'root') this.pins[to] = this.m.pin(this.at[to]!);
    else this.m.mutator.storePointer(this.word(from, 0), this.at[to]!);
    return this;
  }

  /** Takes an edge away. */
  cut(from: string, to: string): this {
    if (from === 'root') this.m.unpin(this.pins[to]!);
    else this.m.mutator.storePointer(this.word(from, this.at[to]!), 0);
    return this;
  }

  /** The names that are still allocated, in the order in which they were drawn. */
  alive(): string {
    this.m.heap.writeBack();
    return Object.keys(this.at)
      .filter((name) => this.m.heap.isObject(this.at[name]!))
      .join(' ');
  }

  /** The names that the marking has reached. */
  marked(): string {
    return Object.keys(this.at)
      .filter((name) => this.m.heap.isMarked(this.at[name]!))
      .join(' ');
  }
}

/** Draws chains of names separated by semicolons. A name stands for one node wherever it occurs; `root` is a root. */
export function graph(m: Machine, drawing: string): Graph {
  const g = new Graph(m);
  for (const chain of drawing.split(';')) {
    const names = chain.split('->').map((name) => name.trim());
    for (const name of names) if (name !== 'root' && !(name in g.at)) g.node(name);
    for (let i = 1; i < names.length; i++) g.link(names[i - 1]!, names[i]!);
  }
  return g;
}
