// objectnumbers: every allocated object of the heap as a number from 0 on, in the order of addresses, and back: for files that name
// objects by their place in a list (heapsnapshot.ts).
//
// Nothing is kept for an object. For each word of the bit maps (32 granules, 256 bytes of heap) there are the bits of its allocated
// slots and how many objects lie before it; the number of an object is that count and the bits below its own. That is a 32nd of the
// heap that was ever used. Right until something is allocated or swept; the Ps' caches are written back before.

import type { Addr } from '../runtime/internal/memory.ts';
import { bitWordShift, wordsPerPage } from './layout.ts';
import { type Heap, heapStartPage } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';
import { allocatedIn } from './msweep.ts';

/** Bits set in a word. */
function bitsIn(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Numbers of all objects. */
export class ObjectNumbers {
  /** How many there are. */
  readonly count: number;
  /** The first bit-map word, and by word from there on: allocated slots, and objects before it. */
  private readonly first: number;
  private readonly bits: Int32Array;
  private readonly before: Int32Array;

  constructor(private readonly heap: Heap) {
    const { mspan } = heap;
    this.first = heapStartPage * wordsPerPage;
    const words = heap.pages.grown * wordsPerPage;
    this.bits = new Int32Array(words);
    this.before = new Int32Array(words);
    for (let s = 1 as MSpan; s < heap.spanRows; s++) {
      if (mspan.state[s] !== SpanState.inUse) continue;
      const from = mspan.startPage[s] * wordsPerPage;
      for (let i = from; i < from + mspan.npages[s] * wordsPerPage; i++) this.bits[i - this.first] = allocatedIn(heap, s, i);
    }
    let count = 0;
    for (let i = 0; i < words; i++) {
      this.before[i] = count;
      count += bitsIn(this.bits[i]!);
    }
    this.count = count;
  }

  /** Bit-map words: visit them all by `bitsOf` for every object in order. */
  get words(): number {
    return this.bits.length;
  }

  /** Allocated slots of the i-th word, one bit each. */
  bitsOf(i: number): number {
    return this.bits[i]!;
  }

  /** Address of the slot of a bit, 0 to 31, of the i-th word. */
  address(i: number, bit: number): Addr {
    return ((this.first + i) << bitWordShift) + bit * 8;
  }

  /** Whether a pointer leads to an object. */
  has(pointer: Addr): boolean {
    const i = (pointer >>> bitWordShift) - this.first;
    if (i < 0 || i >= this.bits.length) return false;
    if (((this.bits[i]! >>> ((pointer >>> 3) & 31)) & 1) !== 0 && (pointer & 7) === 0) return true; // nearly always
    return this.inside(pointer) !== 0;
  }

  /** Number of the object that a pointer leads to, which may be inside it; -1 for a free slot and for what is no object. */
  of(pointer: Addr): number {
    const { bits } = this;
    let i = (pointer >>> bitWordShift) - this.first;
    if (i < 0 || i >= bits.length) return -1;
    let shift = (pointer >>> 3) & 31;
    if (((bits[i]! >>> shift) & 1) === 0 || (pointer & 7) !== 0) {
      const base = this.inside(pointer);
      if (base === 0) return -1;
      i = (base >>> bitWordShift) - this.first;
      shift = (base >>> 3) & 31;
    }
    return this.before[i]! + bitsIn(bits[i]! & ((1 << shift) - 1));
  }

  /** The object that an address in the heap is inside of; 0 for none. */
  private inside(addr: Addr): Addr {
    const base = this.heap.objectBase(addr);
    return base !== 0 && (this.bits[(base >>> bitWordShift) - this.first]! >>> ((base >>> 3) & 31)) & 1 ? base : 0;
  }
}
