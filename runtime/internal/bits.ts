// bits: word tricks over int32, spelled once. Bit i of a word is 1 << i.

/** Number of set bits of a word. */
export function popcount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Number of the lowest set bit; 32 for 0. Go's sys.Ctz32. */
export function ctz(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}

/** Rounds n up to a multiple of align, a power of two. */
export function alignUp(n: number, align: number): number {
  return (n + align - 1) & -align;
}
