// specialindex: finds the place in a span's long list of specials without walking there. A bucket array or a slice is one
// span, with a record for each host value in it, and values come in any order. See mspecial.ts for the list.
//
//   span    |....|....|....|....|....|....|    in blocks of 64 bytes
//   first      r1             r5   r6          the first record of each block, 0 for none
//   level 0 .. 1    0    0    1    1    0      which blocks have one, 32 a word; level 1: which words of level 0 are not 0; …
//
// So a walk passes over the records of two blocks at most. The index is JavaScript's, not the arena's: the list alone says
// what hangs on the span. It is made when a walk was long, follows each record that comes or goes, and is thrown away by the
// sweep, which rewrites the list.
import type { Addr } from '../runtime/internal/memory.ts';

const blockShift = 6;

/** The index of one span's specials. */
export class SpecialIndex {
  private readonly first: Int32Array;
  private readonly levels: Int32Array[] = [];

  /** bytes: the span's. */
  constructor(bytes: number) {
    let n = Math.ceil(bytes / (1 << blockShift)) + 1; // one more, so that the end of the span can be asked about
    this.first = new Int32Array(n);
    do {
      n = Math.ceil(n / 32);
      this.levels.push(new Int32Array(n));
    } while (n > 1);
  }

  /** Whether records at two offsets stand in one block. */
  sameBlock(a: number, b: number): boolean {
    return a >>> blockShift === b >>> blockShift;
  }

  /** The first record of the block that an offset is in; 0 for none. */
  firstAt(offset: number): Addr {
    return this.first[offset >>> blockShift]!;
  }

  /** The first record of the last block before offset's that has any; 0 for none. */
  firstBelow(offset: number): Addr {
    const { levels } = this;
    let i = offset >>> blockShift;
    for (let level = 0; level < levels.length; level++, i >>>= 5) {
      const below = levels[level]![i >>> 5]! & ((1 << (i & 31)) - 1);
      if (below === 0) continue;
      i = (i & ~31) + 31 - Math.clz32(below);
      while (level-- > 0) i = i * 32 + 31 - Math.clz32(levels[level]![i]!);
      return this.first[i]!;
    }
    return 0;
  }

  /** The record is now the first of offset's block. */
  set(offset: number, record: Addr): void {
    let i = offset >>> blockShift;
    this.first[i] = record;
    for (const level of this.levels) {
      level[i >>> 5]! |= 1 << (i & 31);
      i >>>= 5;
    }
  }

  /** Offset's block has no record any more. */
  clear(offset: number): void {
    let i = offset >>> blockShift;
    this.first[i] = 0;
    for (const level of this.levels) {
      level[i >>> 5]! &= ~(1 << (i & 31));
      if (level[i >>> 5] !== 0) return;
      i >>>= 5;
    }
  }
}
