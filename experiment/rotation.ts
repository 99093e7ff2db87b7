// rotation: what it costs to rotate the profile, by number of buckets. A bucket is never freed, so a program that has run for a
// day pays at every collection for each call stack that has ever allocated, however little is alive.
//
// Counted is how many buckets' counters a scheme walks for one collection, and where: inside the stop of the world, where every
// goroutine waits for it, or after. That is the same in every run. With the option --clock the host's time of it is there as well,
// which is not.
import { BucketKind } from '../profiler/bucket.ts';
import { Runtime } from '../runtime/index.ts';
import type { Machine } from '../runtime/machine.ts';
import { type Measure, rounded } from './measure.ts';
import { programAt } from './program.ts';

/** What one scheme did for all collections of a run. */
interface Cost {
  inPause: number;
  afterPause: number;
  nanosInPause: number;
  nanosAfterPause: number;
}

/** Counts what the schemes of a machine walk, by wrapping what the profiler calls of them. */
function costs({ profiler }: Machine, clock: boolean): Cost[] {
  let walked = 0;
  const moveStages = profiler.moveStages.bind(profiler);
  profiler.moveStages = (...stages) => {
    walked += profiler.recordCount;
    moveStages(...stages);
  };
  return profiler.schemes.map((scheme) => {
    const cost: Cost = { inPause: 0, afterPause: 0, nanosInPause: 0, nanosAfterPause: 0 };
    const watch = (name: 'onMarkTermination' | 'onWorldStarted', done: (walked: number, nanos: number) => void) => {
      const calls = scheme as Record<typeof name, (forced: boolean) => void>;
      const real = calls[name].bind(scheme);
      calls[name] = (forced) => {
        walked = 0;
        const began = clock ? performance.now() : 0;
        real(forced);
        done(walked, clock ? (performance.now() - began) * 1e6 : 0);
      };
    };
    watch('onMarkTermination', (n, nanos) => {
      cost.inPause += n;
      cost.nanosInPause += nanos;
    });
    watch('onWorldStarted', (n, nanos) => {
      cost.afterPause += n;
      cost.nanosAfterPause += nanos;
    });
    return cost;
  });
}

/** The measure. */
export const rotation: Measure = {
  summary: 'what rotating the profile costs at each collection',
  axes: ['scheme'],
  figures: [
    { name: 'buckets', unit: 'buckets', key: true, what: 'call stacks that have ever allocated' },
    { name: 'bucketsInUse', unit: 'buckets', what: 'of them, those with something in use at the end' },
    { name: 'walkedInPause', unit: 'buckets', key: true, what: 'buckets walked inside the stop of one collection, mean' },
    { name: 'walkedAfterPause', unit: 'buckets', key: true, what: 'buckets walked after it, mean' },
    { name: 'collections', unit: 'cycles', what: 'collections of the run' },
    { name: 'hostMicrosInPause', unit: 'µs', clock: true, key: true, what: "host's time inside the stop of one collection, mean" },
    { name: 'hostMicrosAfterPause', unit: 'µs', clock: true, key: true, what: "host's time after it, mean" },
  ],
  plots: [
    { title: 'Buckets walked while the world stands', x: 'size', y: 'walkedInPause', by: 'scheme', scale: 'log', where: {} },
    { title: 'Buckets walked after it', x: 'size', y: 'walkedAfterPause', by: 'scheme', scale: 'log', where: {} },
  ],
  run(point, sabotage) {
    const { seed, procs, sweep, gogc, era, schemes, clock } = point;
    const [scheme, ...watch] = schemes;
    const rt = new Runtime({ seed, procs, sweep, gogc, era, memProfileRate: 1, scheme: scheme!, watch });
    const { machine } = rt;
    sabotage?.(machine);
    const all = costs(machine, clock);
    const { numGC } = rt.run(programAt(point));
    const buckets = machine.profiler.buckets.count(BucketKind.mem);
    const bucketsInUse = rt.memProfile().length;
    const readings = all.map((cost, i) => {
      const each = (total: number) => rounded(numGC === 0 ? 0 : total / numGC);
      return {
        scheme: schemes[i]!,
        figures: {
          buckets,
          bucketsInUse,
          walkedInPause: each(cost.inPause),
          walkedAfterPause: each(cost.afterPause),
          collections: numGC,
          ...(clock && { hostMicrosInPause: each(cost.nanosInPause / 1e3), hostMicrosAfterPause: each(cost.nanosAfterPause / 1e3) }),
        },
      };
    });
    return { readings };
  },
};
