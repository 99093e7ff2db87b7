// sampling: which mallocs the memory profiler sees. Each P counts bytes down and samples the malloc that crosses zero; the
// next distance is drawn so that the mean is MemProfileRate. The rate may change at any time.
//
//   1.19   the distance is exponential: every byte has the same chance, whatever came before it
//   2014   the distance is uniform below twice the rate, less what the last sample went too far; an object as large as the rate is
//          always sampled and moves nothing. So what is allocated beside large objects is seen too often or too seldom (golang/go#12620)
//
// Source: mprof.go, malloc.go nextSample, fastexprand; 2014: profilealloc of malloc.go.
import type { Rand } from '../runtime/internal/rand.ts';

/** Go's default MemProfileRate: one sample per 512 KiB. */
export const defaultMemProfileRate = 512 << 10;
/** Go 1.19's largest mean of fastexprand. */
const maxMean = 0x7000000;

/**
 * Bytes until the next sample (>= 1), exponential with mean `rate`. rate 1 samples everything (0); rate 0 or less nothing
 * (Infinity).
 */
export function nextSample(rate: number, rand: Rand): number {
  if (rate <= 0) return Infinity;
  if (rate === 1) return 0;
  return fastexprand(Math.min(rate, maxMean), rand);
}

/** As 2014 did: bytes until the next sample, uniform below 2 * rate, less those by which a sample of `size` was too far behind `next`. */
export function nextSample2014(rate: number, rand: Rand, size: number, next: number): number {
  return Math.max(((rand.next() >>> 0) % (2 * rate)) - (size - next), 0);
}

/** Go's fastexprand: q uniform in (0, 2^26], -ln(q / 2^26) * mean + 1. */
export function fastexprand(mean: number, rand: Rand): number {
  if (mean === 0) return 0;
  const bits = 26;
  const q = rand.below(1 << bits) + 1;
  return Math.trunc((bits * Math.LN2 - naturalLog(q)) * mean) + 1;
}

/**
 * ln of a positive integer below 2^31, from +, * and / alone: Math.log may differ in the last bit between engines, and a
 * sample one byte earlier is another run. Stands for Go's fastlog2 table.
 */
function naturalLog(q: number): number {
  const exponent = 31 - Math.clz32(q);
  const mantissa = q / 2 ** exponent; // in [1, 2)
  const t = (mantissa - 1) / (mantissa + 1); // at most 1/3, so that 16 terms reach the last bit
  const t2 = t * t;
  let sum = 0;
  for (let k = 31; k >= 1; k -= 2) sum = sum * t2 + 1 / k;
  return exponent * Math.LN2 + 2 * t * sum;
}
