// sampling: how far the profile is off because it sees samples only. At rate R a malloc of S bytes is sampled with the chance
// p = 1 - exp(-S/R), and what was sampled is scaled by 1/p. The estimate of everything allocated is held against a count of every
// malloc event, which no sampling decides.
//
// What must come out is known: n mallocs of S bytes give an estimate with the variance n S² (1-p)/p. So each row has the standard
// deviation that theory expects, and `z`, the error in units of it. Over many seeds the mean of z must be near 0 and that of z² near
// 1; a sampler that is biased, or whose scaling does not fit it, cannot hide.

import { exp, scaleHeapSample } from '../profiler/protomem.ts';
import { inUseBytes, inUseObjects, type MemProfileRecord } from '../profiler/records.ts';
import { Runtime } from '../runtime/index.ts';
import { Ev } from '../runtime/internal/events.ts';
import { type Measure, rounded } from './measure.ts';
import { programAt } from './program.ts';

/** Percent that an estimate is above the truth. */
function percentOff(estimate: number, truth: number): number {
  return truth === 0 ? 0 : rounded((100 * (estimate - truth)) / truth);
}

/** The measure. */
export const sampling: Measure = {
  summary: 'what sampling makes of everything allocated, against a count of it',
  axes: ['rate'],
  figures: [
    { name: 'samples', unit: 'objects', key: true, what: 'mallocs that were sampled' },
    { name: 'trueBytes', unit: 'bytes', what: 'bytes allocated' },
    { name: 'trueObjects', unit: 'objects', what: 'objects allocated' },
    { name: 'errorBytesPercent', unit: '%', what: 'estimated bytes above those allocated' },
    { name: 'absErrorBytesPercent', unit: '%', key: true, what: 'the same without its sign' },
    { name: 'expectedPercent', unit: '%', key: true, what: 'standard deviation of the estimated bytes that theory expects' },
    { name: 'errorObjectsPercent', unit: '%', what: 'estimated objects above those allocated' },
    { name: 'absErrorObjectsPercent', unit: '%', what: 'the same without its sign' },
    { name: 'worstSizePercent', unit: '%', what: 'largest error of a size that has at least a twentieth of the bytes' },
    { name: 'z', unit: 'sd', key: true, what: 'error of the bytes in expected standard deviations; 0 at rate 1' },
    { name: 'zSquared', unit: 'sd²', what: 'its square: 1 on the average of many seeds' },
    { name: 'liveErrorPercent', unit: '%', what: 'estimated bytes in use at the end above those in use, after a collection' },
  ],
  plots: [
    { title: 'Error of the estimated bytes by rate', x: 'rate', y: 'absErrorBytesPercent', by: 'workload', scale: 'log', where: {} },
    { title: 'What theory expects', x: 'rate', y: 'expectedPercent', by: 'workload', scale: 'log', where: {} },
  ],
  run(point, sabotage) {
    const { seed, procs, sweep, gogc, era, rate } = point;
    const rt = new Runtime({ seed, procs, sweep, gogc, era, memProfileRate: rate });
    sabotage?.(rt.machine);
    const bySize = new Map<number, number>(); // mallocs by rounded size
    const live = new Map<number, number>(); // size by address
    rt.machine.subscribe((kind, addr, bytes) => {
      if (kind === Ev.malloc) {
        bySize.set(bytes, (bySize.get(bytes) ?? 0) + 1);
        live.set(addr, bytes);
      } else if (kind === Ev.free) live.delete(addr);
    });
    let liveBytes = 0;
    let records: readonly MemProfileRecord[] = [];
    rt.run(function* main(go) {
      yield* programAt(point)(go);
      yield* go.gc(); // publishes everything; what is left in use is in the program's frames, and what the last mark kept
      records = go.memProfile(true);
      for (const bytes of live.values()) liveBytes += bytes;
    });
    const estimates = new Map<number, readonly [objects: number, bytes: number]>();
    let [samples, inUse] = [0, 0];
    for (const r of records) {
      samples += r.allocObjects;
      const [objects, bytes] = estimates.get(r.size) ?? [0, 0];
      const [moreObjects, moreBytes] = scaleHeapSample(r.allocObjects, r.allocBytes, rate);
      estimates.set(r.size, [objects + moreObjects, bytes + moreBytes]);
      inUse += scaleHeapSample(inUseObjects(r), inUseBytes(r), rate)[1];
    }
    let [trueObjects, trueBytes, variance] = [0, 0, 0];
    for (const [bytes, n] of bySize) {
      trueObjects += n;
      trueBytes += n * bytes;
      const p = rate <= 1 ? 1 : 1 - exp(-bytes / rate);
      variance += (n * bytes * bytes * (1 - p)) / p;
    }
    let [estimatedObjects, estimatedBytes, worst] = [0, 0, 0];
    for (const [objects, bytes] of estimates.values()) {
      estimatedObjects += objects;
      estimatedBytes += bytes;
    }
    for (const [bytes, n] of bySize) {
      if (bytes * n >= trueBytes / 20) worst = Math.max(worst, Math.abs(percentOff(estimates.get(bytes)?.[1] ?? 0, bytes * n)));
    }
    const z = variance === 0 ? 0 : (estimatedBytes - trueBytes) / Math.sqrt(variance);
    const figures = {
      samples,
      trueBytes,
      trueObjects,
      errorBytesPercent: percentOff(estimatedBytes, trueBytes),
      absErrorBytesPercent: Math.abs(percentOff(estimatedBytes, trueBytes)),
      expectedPercent: rounded((100 * Math.sqrt(variance)) / trueBytes),
      errorObjectsPercent: percentOff(estimatedObjects, trueObjects),
      absErrorObjectsPercent: Math.abs(percentOff(estimatedObjects, trueObjects)),
      worstSizePercent: worst,
      z: rounded(z),
      zSquared: rounded(z * z),
      liveErrorPercent: percentOff(inUse, liveBytes),
    };
    return { readings: [{ scheme: '', figures }] };
  },
};
