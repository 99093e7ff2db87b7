// heapsnapshot: the simulated heap as a .heapsnapshot, which Chrome's DevTools (Memory, Load profile) and its parser open.
//
//   node 0          the root, as the format wants it
//   node 1          (GC roots): leads to all groups of roots
//   nodes 2 …       a group of roots each: `goroutine 1`, `globals`, `pins`, `finalizers`; edges from it are named by frame and slot
//   nodes after     an object each, in the order of addresses, named by its type, so that types are what DevTools calls constructors
//
// A field is a property, an element of an array of pointers an element. The id of an object is its address plus one (V8's are odd
// too): the same object has the same id in two snapshots, and so has, alas, the next one at its address. Its size is that of its slot.
//
// Dead objects whose span is not swept yet are in it: nothing leads to them from the root (DevTools shows no distance), and their
// type's name ends in `(dead, not swept yet)`. What is unreachable but was marked, or is younger than the last marking, has its own
// name and no distance.
//
// Every object that the memory profiler sampled has the stack of its allocation: the buckets' stacks are the file's trace tree.
//
// The file is made in three passes over the bit maps, of which the first one only counts, and comes in chunks: what is held at any
// time is a chunk, the numbers of objects (objectnumbers.ts) and what grows with types, roots and buckets. Whoever takes the chunks
// must not let the program go on meanwhile.
//
// Format: v8/src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer; devtools-frontend's HeapSnapshot.ts.

import { Bucket, BucketKind } from '../profiler/bucket.ts';
import type { Frame } from '../profiler/symtab.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { eachFinalizer, eachPointer } from './explain.ts';
import type { Heap } from './mheap.ts';
import type { MSpan } from './mspan.ts';
import { Special, SpecialKind } from './mspecial.ts';
import { ObjectNumbers } from './objectnumbers.ts';
import { JsonChunks, StringTable } from './snapshotjson.ts';
import { TraceTree } from './tracetree.ts';
import type { RType, TypeId } from './types.ts';

/** What the layers above know. */
export interface SnapshotNames {
  /** Calls back with every pointer that a root holds and its name: the group, and after a comma the place in it. */
  eachRoot(visit: (name: () => string, pointer: Addr) => void): void;
  readonly marking: boolean;
  /** Name of what is at a byte offset of one value of a type, such as `.next`; null when nobody named its parts. */
  partName(type: RType, offset: number, size: number): string | null;
  frame(pc: number): Frame;
}

const meta = {
  node_fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'],
  node_types: [
    ['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'number', 'native', 'synthetic', 'concatenated string',
      'sliced string', 'symbol', 'bigint', 'object shape'], // biome-ignore format: as V8 has it
    'string', 'number', 'number', 'number', 'number', 'number',
  ],
  edge_fields: ['type', 'name_or_index', 'to_node'],
  edge_types: [['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'], 'string_or_number', 'node'],
  trace_function_info_fields: ['function_id', 'name', 'script_name', 'script_id', 'line', 'column'],
  trace_node_fields: ['id', 'function_info_index', 'count', 'size', 'children'],
  sample_fields: ['timestamp_us', 'last_assigned_id'],
  location_fields: ['object_index', 'script_id', 'line', 'column'],
}; // biome-ignore format: as V8 has it

/** Numbers of a node; an edge names its target by the target's first one. */
const nodeFields = 7;

const enum NodeType {
  object = 3,
  native = 8,
  synthetic = 9,
}

const enum EdgeType {
  element = 1,
  property = 2,
  internal = 3,
}

/** Bytes of an object whose pointers are written at once: what they take must fit behind a chunk. */
const edgeStep = 8 << 10;
/** Room for a word of objects, or the pointers of edgeStep bytes. */
const room = 96 << 10;

/** A group of roots: its edges lead to objects by number. */
interface RootGroup {
  readonly name: number;
  readonly edges: { readonly name: number; readonly to: number }[];
}

/** What an edge from a pointer word of a type is called. */
interface TypeNames {
  readonly type: RType;
  readonly name: number;
  /** The name of its dead. */
  readonly dead: number;
  /** By pointer word: of a single value, and of an element of an array of them. */
  readonly single: Int32Array;
  readonly element: Int32Array;
}

/** Writes one snapshot. */
class Writer {
  private readonly numbers: ObjectNumbers;
  private readonly strings = new StringTable('<dummy>');
  private readonly groups: RootGroup[] = [];
  private readonly names: (TypeNames | undefined)[] = [];
  private readonly traces: TraceTree;
  private readonly out = new JsonChunks(1 << 20, room);
  /** Number of the first object among the nodes. */
  private firstObject = 0;
  /** Where the walk over the special records of a span stands. */
  private specialSpan = 0 as MSpan;
  private special: Addr = 0;

  constructor(
    private readonly heap: Heap,
    private readonly around: SnapshotNames,
  ) {
    heap.writeBack();
    this.numbers = new ObjectNumbers(heap);
    this.traces = new TraceTree(around.frame);
    this.collectTraces();
    this.collectRoots();
    this.firstObject = 2 + this.groups.length;
  }

  *chunks(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const { out, numbers, groups } = this;
    const edges = 2 * groups.length + 1 + groups.reduce((n, g) => n + g.edges.length, 0) + this.countEdges();
    const counts = { node_count: this.firstObject + numbers.count, edge_count: edges, trace_function_count: this.traces.functionCount };
    out.text(`{"snapshot":${JSON.stringify({ meta, ...counts })},\n"nodes":[`);
    yield* this.nodes();
    out.text('],\n"edges":[');
    yield* this.edges();
    out.text('],\n');
    for (const part of this.traces.json((text) => this.strings.id(text))) {
      out.text(part);
      yield* out.full();
    }
    out.text('"samples":[],\n"locations":[],\n"strings":[');
    for (const part of this.strings.json()) {
      out.text(part);
      yield* out.full();
    }
    out.text(']}\n');
    yield out.rest();
  }

  // --- what is known before the first byte ---------------------------------------------------------------------------------

  private collectRoots(): void {
    const { heap, numbers } = this;
    const byName = new Map<string, RootGroup>();
    const add = (text: string, pointer: Addr) => {
      const to = numbers.of(pointer);
      if (to < 0) return;
      const [, kind, rest] = /^(goroutine \d+|pin|global|finalizer|queue of finalizers)(?:,| of)? ?(.*)$/s.exec(text) ?? ['', text, ''];
      const plural = kind === 'pin' || kind === 'global' || kind === 'finalizer' ? `${kind}s` : kind!;
      let group = byName.get(plural);
      if (group === undefined) {
        group = { name: this.strings.id(plural), edges: [] };
        byName.set(plural, group);
        this.groups.push(group);
      }
      group.edges.push({ name: this.strings.id(rest === '' ? plural : rest!), to });
    };
    this.around.eachRoot((name, pointer) => add(name(), pointer));
    eachFinalizer(heap, (obj) => eachPointer(heap, obj, (_, pointer) => add(`finalizer of 0x${obj.toString(16)}`, pointer)));
  }

  private collectTraces(): void {
    const { profiler, w } = this.heap;
    const { buckets } = profiler;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const { objects, bytes } = profiler.counted(b);
      this.traces.add(b, buckets.stack(b), objects, bytes);
    }
  }

  private typeNames(id: TypeId): TypeNames {
    return (this.names[id] ??= this.newTypeNames(id));
  }

  private newTypeNames(id: TypeId): TypeNames {
    const { strings, around } = this;
    const type = this.heap.types.get(id);
    const parts = type.ptrWords.map((word) => (around.partName(type, word * 4, type.size) ?? `.word${word}`).replace(/^\./, ''));
    return {
      type,
      name: strings.id(type.name),
      dead: strings.id(`${type.name} (dead, not swept yet)`),
      single: Int32Array.from(parts, (part) => strings.id(part)),
      element: Int32Array.from(parts, (part) => strings.id(`[…].${part}`)),
    };
  }

  // --- nodes ---------------------------------------------------------------------------------------------------------------

  private *nodes(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const { out, numbers, groups, strings } = this;
    out.node(NodeType.synthetic, strings.id(''), 1, 0, 1 + groups.length, 0);
    out.node(NodeType.synthetic, strings.id('(GC roots)'), 3, 0, groups.length, 0);
    for (const [i, { name, edges }] of groups.entries()) {
      out.node(NodeType.native, name, 2 * i + 2, 0, edges.length, 0); // even: no object has such an id
      yield* out.full();
    }
    for (let i = 0; i < numbers.words; i++) {
      if (numbers.bitsOf(i) === 0) continue;
      this.objectsOf(i);
      if (out.isFull) yield out.take();
    }
  }

  /** The objects of a bit-map word. */
  private objectsOf(i: number): void {
    const { heap, numbers, out, traces } = this;
    const { mspan } = heap;
    const s = heap.spanOf(numbers.address(i, 0));
    const size = mspan.elemSize[s];
    const unswept = !this.around.marking && heap.awaitsSweep(s);
    for (let bits = numbers.bitsOf(i); bits !== 0; bits &= bits - 1) {
      const obj = numbers.address(i, 31 - Math.clz32(bits & -bits));
      const names = this.typeNames(heap.typeOf(obj));
      const name = unswept && !heap.isMarked(obj) ? names.dead : names.name;
      const bucket = this.bucketOf(s, obj);
      out.node(NodeType.object, name, obj + 1, size, this.edgesIn(obj, size, names.type), bucket === 0 ? 0 : traces.nodeOf(bucket));
    }
  }

  /** The profiler's bucket of an object, 0 for none; objects of a span are asked for in the order of addresses. */
  private bucketOf(s: MSpan, obj: Addr): Addr {
    const { w, mspan } = this.heap;
    if (s !== this.specialSpan) {
      this.specialSpan = s;
      this.special = mspan.specials[s];
    }
    const offset = obj - this.heap.base(s);
    for (; this.special !== 0; this.special = w[(this.special >>> 2) + Special.next]!) {
      const i = this.special >>> 2;
      if (w[i + Special.offset]! > offset) return 0;
      if (w[i + Special.offset] === offset && w[i + Special.kind] === SpecialKind.profile) return w[i + Special.value]!;
    }
    return 0;
  }

  // --- edges ---------------------------------------------------------------------------------------------------------------

  private countEdges(): number {
    const { heap, numbers } = this;
    let n = 0;
    for (let i = 0; i < numbers.words; i++) {
      for (let bits = numbers.bitsOf(i); bits !== 0; bits &= bits - 1) {
        const obj = numbers.address(i, 31 - Math.clz32(bits & -bits));
        n += this.edgesIn(obj, heap.mspan.elemSize[heap.spanOf(obj)], this.typeNames(heap.typeOf(obj)).type);
      }
    }
    return n;
  }

  /** How many pointers of an object lead to objects. */
  private edgesIn(obj: Addr, size: number, type: RType): number {
    const { ptrWords } = type;
    if (ptrWords.length === 0) return 0;
    const { numbers } = this;
    const { w } = this.heap;
    const words = type.size >>> 2;
    const end = (obj + size) >>> 2;
    let n = 0;
    for (let at = obj >>> 2; at + words <= end; at += words) {
      for (let k = 0; k < ptrWords.length; k++) {
        const pointer = w[at + ptrWords[k]!]!;
        if (pointer !== 0 && numbers.has(pointer)) n++;
      }
    }
    return n;
  }

  private *edges(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const { heap, out, numbers, groups, strings, firstObject } = this;
    const rootsName = strings.id('(GC roots)');
    out.edge(EdgeType.internal, rootsName, nodeFields);
    // From the root itself as well: DevTools measures distances from what hangs there.
    for (const [i, { name }] of groups.entries()) out.edge(EdgeType.internal, name, (2 + i) * nodeFields);
    for (const [i, { name }] of groups.entries()) out.edge(EdgeType.internal, name, (2 + i) * nodeFields);
    for (const { edges } of groups) {
      for (const { name, to } of edges) {
        out.edge(EdgeType.internal, name, (firstObject + to) * nodeFields);
        yield* out.full();
      }
    }
    for (let i = 0; i < numbers.words; i++) {
      for (let bits = numbers.bitsOf(i); bits !== 0; bits &= bits - 1) {
        const obj = numbers.address(i, 31 - Math.clz32(bits & -bits));
        const names = this.typeNames(heap.typeOf(obj));
        if (names.type.ptrWords.length === 0) continue;
        const size = heap.mspan.elemSize[heap.spanOf(obj)];
        const step = Math.max(names.type.size, edgeStep - (edgeStep % names.type.size));
        for (let from = 0; from < size; from += step) {
          this.edgesOf(obj, size, from, Math.min(from + step, size), names);
          if (out.isFull) yield out.take();
        }
      }
    }
  }

  /** The pointers of bytes [from, to) of an object, which are whole values but for the tail. */
  private edgesOf(obj: Addr, size: number, from: number, to: number, { type, single, element }: TypeNames): void {
    const { numbers, out, firstObject } = this;
    const { w } = this.heap;
    const { ptrWords } = type;
    const isArray = size >= 2 * type.size;
    const pointersOnly = type.size === 4;
    for (let at = from; at + type.size <= to; at += type.size) {
      for (let k = 0; k < ptrWords.length; k++) {
        const pointer = w[((obj + at) >>> 2) + ptrWords[k]!]!;
        const number = pointer === 0 ? -1 : numbers.of(pointer);
        if (number < 0) continue;
        const target = (firstObject + number) * nodeFields;
        if (pointersOnly && isArray) out.edge(EdgeType.element, at >>> 2, target);
        else out.edge(EdgeType.property, isArray ? element[k]! : single[k]!, target);
      }
    }
  }
}

/** The snapshot in chunks of about a megabyte, each the caller's to keep. The world must stand still until the last one. */
export function heapSnapshot(heap: Heap, around: SnapshotNames): Generator<Uint8Array<ArrayBuffer>, void, void> {
  return new Writer(heap, around).chunks();
}
