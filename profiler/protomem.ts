// protomem: the memory profile as samples. What was sampled is scaled up to what was allocated. Source: runtime/pprof/protomem.go.

import type { Label, ProfileData } from './profile.ts';
import { inUseBytes, inUseObjects, type MemProfileRecord } from './records.ts';
import type { Symbols } from './symtab.ts';

const noLabels: readonly Label[] = [];

/** The profile heap or allocs, which differ in what a viewer shows first. rate: MemProfileRate. Source: writeHeapProto. */
export function heapProfile(name: 'heap' | 'allocs', records: readonly MemProfileRecord[], rate: number, symbols: Symbols): ProfileData {
  const samples = records.map((r) => {
    const [allocObjects, allocSpace] = scaleHeapSample(r.allocObjects, r.allocBytes, rate);
    const [objects, space] = scaleHeapSample(inUseObjects(r), inUseBytes(r), rate);
    const bytes = r.allocObjects > 0 ? Math.trunc(r.allocBytes / r.allocObjects) : 0;
    return {
      stack: withoutRuntime(r.stack, symbols),
      values: [allocObjects, allocSpace, objects, space],
      labels: bytes === 0 ? noLabels : [{ key: 'bytes', value: bytes }],
    };
  });
  return {
    name,
    sampleTypes: [
      { type: 'alloc_objects', unit: 'count' },
      { type: 'alloc_space', unit: 'bytes' },
      { type: 'inuse_objects', unit: 'count' },
      { type: 'inuse_space', unit: 'bytes' },
    ],
    defaultSampleType: name === 'allocs' ? 1 : 3,
    periodType: { type: 'space', unit: 'bytes' },
    period: rate,
    samples,
  };
}

/** The stack without the runtime's frames at its leaf, unless there are no others. */
function withoutRuntime(stack: readonly number[], symbols: Symbols): readonly number[] {
  const i = stack.findIndex((pc) => !symbols.frame(pc).func.startsWith('runtime.'));
  return i <= 0 ? stack : stack.slice(i);
}

/**
 * What was allocated, from what was sampled: a malloc of S bytes is sampled with the chance 1 - exp(-S/rate). Whole numbers,
 * rounded towards zero. Source: scaleHeapSample.
 */
export function scaleHeapSample(objects: number, bytes: number, rate: number): readonly [objects: number, bytes: number] {
  if (objects === 0 || bytes === 0) return [0, 0];
  if (rate <= 1) return [objects, bytes]; // everything was sampled
  const scale = 1 / (1 - exp(-(bytes / objects / rate)));
  return [Math.trunc(objects * scale), Math.trunc(bytes * scale)];
}

/** ln 2 in two parts: the first has so few bits that k times it is exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/**
 * e^x from +, * and / alone: Math.exp may differ in the last bit between engines, and a profile with it. x = k ln 2 + r, and the
 * series of e^r with |r| at most 0.35 has reached the last bit after 14 terms.
 */
export function exp(x: number): number {
  const k = Math.round(x / (ln2High + ln2Low));
  if (k < -1020) return 0;
  const r = x - k * ln2High - k * ln2Low;
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + (sum * r) / n;
  return sum * 2 ** k;
}
