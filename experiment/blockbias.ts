// blockbias: does the block profile weigh waits by their time? Of the waits shorter than the rate only some are kept. Until Go 1.16 each
// of them was counted as it was, so that ten waits of a tenth weighed a tenth of one long wait (golang/go#44192); since then a wait that
// is kept counts for those that were not.
//
// The truth comes from the events of the scheduler: from a goroutine's parking for another one to its being made ready. A place is the
// goroutine's function. What the profile says of a place, divided by the truth, is its weight; 1 for all of them is an honest profile.
import type { BlockProfileRecord } from '../profiler/records.ts';
import { Runtime } from '../runtime/index.ts';
import { Ev } from '../runtime/internal/events.ts';
import type { Machine } from '../runtime/machine.ts';
import { WaitReason } from '../sched/g.ts';
import { type Measure, rounded } from './measure.ts';
import { programAt } from './program.ts';

/** Waiting for another goroutine. */
const contention: readonly WaitReason[] = [
  WaitReason.select,
  WaitReason.chanReceive,
  WaitReason.chanSend,
  WaitReason.semacquire,
  WaitReason.condWait,
];

/** What one place has waited. */
interface Waited {
  nanos: number;
  times: number;
}

/** Follows every wait of a machine, by the function of the goroutine. */
function truth(m: Machine): Map<string, Waited> {
  const places = new Map<string, Waited>();
  const func = new Map<number, string>();
  const since = new Map<number, number>();
  m.subscribe((kind, goid, reason, pc, system) => {
    if (kind === Ev.goCreate && system === 0) func.set(goid, m.symtab.frame(pc).func);
    if (kind === Ev.goPark && func.has(goid) && contention.includes(reason)) since.set(goid, m.sched.now());
    if (kind !== Ev.goReady || !since.has(goid)) return;
    const name = func.get(goid)!;
    const waited = places.get(name) ?? { nanos: 0, times: 0 };
    waited.nanos += Math.max(m.sched.now() - since.get(goid)!, 0);
    waited.times++;
    places.set(name, waited);
    since.delete(goid);
  });
  return places;
}

/** What the profile says, by the outermost function of the stack. */
function reported(m: Machine, records: readonly BlockProfileRecord[]): Map<string, Waited> {
  const places = new Map<string, Waited>();
  for (const { count, cycles, stack } of records) {
    const name = m.symtab.frame(stack[stack.length - 1]!).func;
    const there = places.get(name) ?? { nanos: 0, times: 0 };
    places.set(name, { nanos: there.nanos + cycles, times: there.times + count });
  }
  return places;
}

/** The measure. */
export const blockbias: Measure = {
  summary: 'the block profile against every wait of the run',
  axes: ['rate'],
  figures: [
    { name: 'shortWeight', unit: 'of 1', key: true, what: 'reported time of the place with the shortest waits, of its true time' },
    { name: 'longWeight', unit: 'of 1', key: true, what: 'reported time of the place with the longest waits, of its true time' },
    {
      name: 'shortOverLong',
      unit: 'of 1',
      key: true,
      what: 'the one weight by the other: 1 is an honest profile, below it short waits are lost',
    },
    { name: 'shortCountWeight', unit: 'of 1', what: 'reported number of the shortest waits, of their true number' },
    { name: 'totalWeight', unit: 'of 1', what: 'reported time of all places, of the true time' },
    { name: 'shortNanos', unit: 'ns', what: 'true mean length of the shortest waits' },
    { name: 'longNanos', unit: 'ns', what: 'true mean length of the longest waits' },
    { name: 'trueNanos', unit: 'ns', what: 'time that all goroutines have waited for each other' },
  ],
  plots: [
    { title: 'Weight of short waits against long ones', x: 'rate', y: 'shortOverLong', by: 'era', scale: 'linear', where: {} },
    { title: 'All waits reported', x: 'rate', y: 'totalWeight', by: 'era', scale: 'linear', where: {} },
  ],
  run(point, sabotage) {
    const { seed, procs, sweep, gogc, era, rate } = point;
    const rt = new Runtime({ seed, procs, sweep, gogc, era, memProfileRate: 0, blockProfileRate: rate });
    const { machine } = rt;
    sabotage?.(machine);
    const all = truth(machine);
    rt.run(programAt(point));
    const said = reported(machine, rt.blockProfile());
    const places = [...all].map(([name, { nanos, times }]) => ({
      nanos,
      times,
      mean: nanos / times,
      said: said.get(name) ?? { nanos: 0, times: 0 },
    }));
    if (places.length === 0) places.push({ nanos: 0, times: 0, mean: 0, said: { nanos: 0, times: 0 } });
    const [short, long] = [places.reduce((a, b) => (b.mean < a.mean ? b : a)), places.reduce((a, b) => (b.mean > a.mean ? b : a))];
    const ratio = (a: number, b: number) => rounded(b === 0 ? 0 : a / b);
    const sum = (of: (place: (typeof places)[number]) => number) => places.reduce((total, place) => total + of(place), 0);
    const figures = {
      shortWeight: ratio(short.said.nanos, short.nanos),
      longWeight: ratio(long.said.nanos, long.nanos),
      shortOverLong: ratio(ratio(short.said.nanos, short.nanos), ratio(long.said.nanos, long.nanos)),
      shortCountWeight: ratio(short.said.times, short.times),
      totalWeight: ratio(
        sum(({ said }) => said.nanos),
        sum(({ nanos }) => nanos),
      ),
      shortNanos: rounded(short.mean),
      longNanos: rounded(long.mean),
      trueNanos: sum(({ nanos }) => nanos),
    };
    return { readings: [{ scheme: '', figures }] };
  },
};
