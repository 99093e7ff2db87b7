// sweepkernel: the bit maps' part of sweeping a span, in WebAssembly: 64 bits at a time, with an instruction that counts them. Only where the
// arena's memory is WebAssembly's; exchangeInScript of msweep.ts does the same elsewhere.
import { wasmExports } from '../runtime/internal/memory.ts';
import type { HeapTables } from './mheap.ts';

/**
 * Makes the mark bits of a span its alloc bits and clears them. first, end: its words of the bit maps; cursor: the word before which all
 * slots are allocated; below: the allocated granules of that word. Returns the number of live slots; -1 when a free slot is
 * marked, and then nothing has changed.
 */
export type ExchangeBits = (first: number, end: number, cursor: number, below: number) => number;

// Assembled from sweepkernel.wat by tools/kernel.mjs.
export const kernelBytes: readonly number[] = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 9, 1, 96, 4, 127, 127, 127, 127, 1, 127, 2, 34, 3, 1, 101, 1, 109, 2, 3, 1, 128, 128, 2, 1, 101, 6, 97,
  108, 108, 111, 99, 115, 3, 127, 0, 1, 101, 5, 109, 97, 114, 107, 115, 3, 127, 0, 3, 2, 1, 0, 7, 12, 1, 8, 101, 120, 99, 104, 97, 110, 103,
  101, 0, 0, 10, 147, 1, 1, 144, 1, 2, 3, 127, 2, 126, 32, 1, 65, 2, 116, 33, 5, 32, 2, 65, 2, 116, 33, 4, 2, 64, 3, 64, 32, 4, 32, 5, 79,
  13, 1, 32, 3, 35, 0, 32, 4, 106, 40, 2, 0, 114, 33, 6, 35, 1, 32, 4, 106, 40, 2, 0, 32, 6, 65, 127, 115, 113, 4, 64, 65, 127, 15, 11, 65,
  0, 33, 3, 32, 4, 65, 4, 106, 33, 4, 12, 0, 11, 11, 32, 0, 65, 2, 116, 33, 4, 3, 64, 35, 1, 32, 4, 106, 41, 3, 0, 33, 8, 35, 1, 32, 4, 106,
  66, 0, 55, 3, 0, 35, 0, 32, 4, 106, 32, 8, 55, 3, 0, 32, 7, 32, 8, 123, 124, 33, 7, 32, 4, 65, 8, 106, 33, 4, 32, 4, 32, 5, 73, 13, 0, 11,
  32, 7, 167, 11,
];

/** The exchange over a heap's bit maps; null when the arena is no WebAssembly memory. */
export function sweepKernel(memory: object | null, { allocBits, markBits }: HeapTables): ExchangeBits | null {
  if (memory === null) return null;
  const allocs = (allocBits as unknown as Int32Array).byteOffset;
  const marks = (markBits as unknown as Int32Array).byteOffset;
  return wasmExports(kernelBytes, { m: memory, allocs, marks }).exchange as ExchangeBits;
}
