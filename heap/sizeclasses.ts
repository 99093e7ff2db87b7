// sizeclasses: Go's 68 size classes (sizeclasses.go). Class 0 stands for large objects, which get spans of their own.
//
// A small object takes a slot of the smallest class that holds it; a span of a class is `classPages` pages cut into slots.
// A span class is class << 1 | noscan: objects with and without pointers never share a span, so that the collector never
// has to look into the latter.
import { pageSize } from '../runtime/internal/memory.ts';

/** Largest size of a small object in bytes, Go's _MaxSmallSize. */
export const maxSmallSize = 32768;
/** Bytes of a block of the tiny allocator, Go's _TinySize: objects below it without pointers share such blocks. */
export const tinySize = 16;
/** Number of classes with class 0, Go's _NumSizeClasses. */
export const numSizeClasses = 68;
/** Number of span classes, Go's numSpanClasses. */
export const numSpanClasses = numSizeClasses << 1;

/** Slot size in bytes of each class. Go's class_to_size. */
// biome-ignore format: a table
export const classSize: readonly number[] = [
  0,
  8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512, 576,
  640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784,
  6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
];

/** Pages of a span of each class. Go's class_to_allocnpages. */
// biome-ignore format: a table
export const classPages: readonly number[] = [
  0,
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 1, 2, 1, 3, 2,
  3, 1, 3, 2, 3, 4, 5, 6, 1, 7, 6, 5, 4, 3, 5, 7, 2, 9, 7, 5, 8, 3, 10, 7, 4,
];

/** Slots of a span of each class. */
export const classSlots: readonly number[] = classSize.map((size, c) => (c === 0 ? 1 : Math.floor((classPages[c]! * pageSize) / size)));

/** Smallest class that holds a size, indexed by ceil(size / 8) for sizes up to maxSmallSize. */
const classOf = new Uint8Array(maxSmallSize / 8 + 1);
for (let c = 1, i = 1; c < numSizeClasses; c++) {
  for (; i * 8 <= classSize[c]!; i++) classOf[i] = c;
}

/** The size class of a small object of `bytes` (1 to 32768). Go's size_to_class8 and size_to_class128 in one table. */
export function sizeClass(bytes: number): number {
  return classOf[(bytes + 7) >>> 3]!;
}

/** Bytes that mallocgc will use for an object: its class's slot, or whole pages. Go's roundupsize. */
export function roundUpSize(bytes: number): number {
  if (bytes <= maxSmallSize) return classSize[sizeClass(bytes)]!;
  return Math.ceil(bytes / pageSize) * pageSize;
}

/** Span class of a size class. Go's makeSpanClass. */
export function makeSpanClass(sizeclass: number, noscan: boolean): number {
  return (sizeclass << 1) | (noscan ? 1 : 0);
}
