// types: what the collector knows of an object: its size and which of its words are pointers.
//
// Go 1.19 keeps a pointer bitmap for every heap word. Here an object's type is known instead, and the type knows its
// pointers: a span whose objects all have one type (nearly all spans) says so once for all its pages; in a mixed span a
// side table has a type id for each slot. One load answers the marker in the first case:
//
//   mask of a page   > 0       pointer words of every object in this page, as a bit mask (objects of at most 31 words)
//                    noscan    objects here have no pointers: mark, do not look inside
//                    pointers  every word of every object is a pointer (small arrays of pointers)
//                    0         ask: span's type, or objType of the slot
//
// An object larger than its type is an array of it: the pattern repeats up to the slot's end, and the tail is zero.
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import { makeSpanClass, maxSmallSize, sizeClass } from './sizeclasses.ts';

/** Row of the type table; 0 is "no type" (memory without pointers and without a name). */
export type TypeId = Id<'type'>;

/** Largest number of types of one machine: an id fits in 16 bits in the objType table. */
export const maxTypes = 4096;
/** Mask of a page whose objects have no pointers. */
export const noscanMask = -1;
/** Mask of a page whose objects are longer than maskWords and all pointers. */
export const pointersMask = -2;
/** A mask has this many words at most: one bit less than an int32, so that every mask is positive. */
export const maskWords = 31;

/** A type as the allocator and the collector see it; made once by TypeTable.define. */
export class RType {
  /** Span class of one value of this type; 0 when it is large. */
  readonly spanClass: number;
  constructor(
    readonly id: TypeId,
    /** Go's name, such as main.Node. */
    readonly name: string,
    /** Bytes of one value, a multiple of 4, at least 4. */
    readonly size: number,
    /** Offsets, in words, of its pointers, ascending; each holds 0 or an object's first address. */
    readonly ptrWords: readonly number[],
  ) {
    const noscan = ptrWords.length === 0;
    this.spanClass = size <= maxSmallSize ? makeSpanClass(sizeClass(size), noscan) : 0;
  }

  get noscan(): boolean {
    return this.ptrWords.length === 0;
  }

  /** The page mask of objects of this type in slots of elemBytes; each new span asks. */
  pageMask(elemBytes: number): number {
    if (elemBytes !== this.maskElemBytes) {
      this.mask = quickMask(this, elemBytes);
      this.maskElemBytes = elemBytes;
    }
    return this.mask;
  }
  private mask = 0;
  private maskElemBytes = 0;
}

/** All types of one machine. */
export class TypeTable {
  private readonly types: RType[] = [];
  private readonly byName = new Map<string, RType>();
  private readonly sizes: Column<TypeId>;
  private readonly ptrs: Column<TypeId>;

  constructor(mem: LinearAlloc) {
    mem.table('type');
    this.sizes = mem.i32<TypeId>('size', maxTypes); // bytes of one value; written at definition
    this.ptrs = mem.i32<TypeId>('pointerWords', maxTypes); // number of pointers in one value; written at definition
    this.types.push(new RType(0 as TypeId, 'noscan', 8, []));
  }

  /**
   * Defines a type. Errors: a name that is no text, pointer offsets that are no list (TypeError); (RangeError): a size that is no positive multiple of 4, pointer offsets out of order or out of
   * the value, a name that is taken by another layout, too many types.
   */
  define(name: string, size: number, ptrWords: readonly number[]): RType {
    if (typeof name !== 'string' || name === '')
      throw new TypeError(`type name: got ${String(name) || "''"}, wanted a text that is not empty`);
    if (!Array.isArray(ptrWords)) throw new TypeError(`type ${name}: pointer words: got ${String(ptrWords)}, wanted a list of numbers`);
    if (!Number.isInteger(size) || size < 4 || size % 4 !== 0 || size > 1 << 28) {
      throw new RangeError(`type ${name}: size ${size}, wanted a multiple of 4 from 4 to 2^28 bytes`);
    }
    for (let i = 0; i < ptrWords.length; i++) {
      const word = ptrWords[i]!;
      if (!Number.isInteger(word) || word < 0 || word >= size / 4 || (i > 0 && word <= ptrWords[i - 1]!)) {
        throw new RangeError(`type ${name}: pointer at word ${word}, wanted ascending words below ${size / 4}`);
      }
    }
    const known = this.byName.get(name);
    if (known !== undefined) {
      if (known.size === size && known.ptrWords.join() === ptrWords.join()) return known;
      throw new RangeError(`type ${name} is already defined with another layout`);
    }
    if (this.types.length === maxTypes) throw new RangeError(`type ${name}: there are already ${maxTypes} types`);
    const type = new RType(this.types.length as TypeId, name, size, [...ptrWords]);
    this.types.push(type);
    this.byName.set(name, type);
    this.sizes[type.id] = size;
    this.ptrs[type.id] = ptrWords.length;
    return type;
  }

  /** The type of an id. */
  get(id: TypeId): RType {
    return this.types[id]!;
  }

  /** The type of a name, if it was defined. */
  named(name: string): RType | undefined {
    return this.byName.get(name);
  }

  /** Number of types, "no type" included. */
  get count(): number {
    return this.types.length;
  }
}

/** The page mask of objects of `type` in slots of elemBytes: see the head of this file. */
function quickMask(type: RType, elemBytes: number): number {
  if (type.noscan) return noscanMask;
  if (elemBytes > maskWords * 4) return type.size === 4 && elemBytes <= maxSmallSize ? pointersMask : 0;
  let mask = 0;
  for (let base = 0; base + type.size <= elemBytes; base += type.size) {
    for (const word of type.ptrWords) mask |= 1 << ((base >>> 2) + word);
  }
  return mask;
}
