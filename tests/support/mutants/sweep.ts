// sweep: the mutants of the catalogue's second part (reference dst.md 4.3), sweep and profiler, and the controls E3 and E5.
// Numbers that the catalogue leaves out (W03, W05, W07) are absent.
import type { MCache } from '../../../heap/mcache.ts';
import { removeSpecial, SpecialKind, setProfileBucket } from '../../../heap/mspecial.ts';
import { type SchemeName, Stage } from '../../../profiler/schemes.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import type { Mutant } from './mutant.ts';

// --- spans that Ps cache -------------------------------------------------------------------------------------------------

/** Operations that look at an object only when its span is swept: with spans that are not, they go wrong by themselves. */
const askForSweptSpans = ['finalizers', 'weak', 'channel'] as const;

/** Ps keep their spans over mark termination; returns what gives them back, which is to be called in time. */
function keepCaches({ heap, gc }: Machine): (cache: MCache) => void {
  const flush = new Map<MCache, () => void>();
  for (const cache of heap.caches) {
    flush.set(cache, cache.prepareForSweep.bind(cache));
    cache.prepareForSweep = () => {};
  }
  const flushAll = () => {
    for (const one of flush.values()) one();
  };
  const begin = gc['begin'].bind(gc);
  gc['begin'] = (forced, periodic) => {
    flushAll(); // no later than this: the next cycle cannot do with spans of the one before the last
    begin(forced, periodic);
  };
  return (cache) => flush.get(cache)!();
}

/** The spans that Ps kept are given back before the sweep counts as done. */
function flushBeforeDone({ heap, gc }: Machine, flush: (cache: MCache) => void): void {
  const { sweeper } = gc;
  const sweepOne = sweeper.sweepOne.bind(sweeper);
  sweeper.sweepOne = () => {
    const pages = sweepOne();
    if (pages === 0) heap.caches.forEach(flush);
    return pages;
  };
}

const cacheMutants: Mutant[] = [
  {
    id: 'M09',
    title: 'a P goes on allocating white from a span that waits to be swept',
    avoid: askForSweptSpans,
    breaks: ({ machine }) => {
      machine.faults.specialOnUnswept = true; // every malloc is sampled
      flushBeforeDone(machine, keepCaches(machine));
    },
  },
  {
    id: 'W06',
    title: 'the sweep counts as done, and is published, while Ps have yet to sweep the spans that they cached',
    breaks: ({ machine }) => {
      const flush = keepCaches(machine);
      for (const m of machine.mutators) {
        const right = m.mallocgc.bind(m);
        m.mallocgc = (bytes, type) => {
          flush(m.cache);
          return right(bytes, type);
        };
      }
    },
  },
  {
    id: 'W08',
    title: 'the next marking begins before the sweep is done',
    breaks: ({ machine: { gc } }) => {
      gc['sweepLeftovers'] = () => 0;
    },
  },
];

// --- the staging ---------------------------------------------------------------------------------------------------------

/** One scheme of a machine, if it watches. */
function scheme({ profiler }: Machine, name: SchemeName) {
  return profiler.schemes.find((s) => s.name === name);
}

/** The cycle scheme's ring: first double of the slot `ahead`, counted from a record. */
function futureSlot(machine: Machine, ahead: number): number {
  return (scheme(machine, 'cycle') as unknown as { future(ahead: number): number }).future(ahead);
}

/** Counts one object in a stage. */
function count({ profiler: { f64 } }: Machine, stage: number, objects: Stage.allocs | Stage.frees, bytes: number): void {
  f64[stage + objects]! += 1;
  f64[stage + objects + 2]! += bytes;
}

const stagingMutants: Mutant[] = [
  {
    id: 'W01',
    title: 'the profile rotates when the world runs again and some spans are swept (golang/go#19311)',
    breaks: ({ machine: { profiler, heap } }) => {
      const rotate = profiler.markTermination.bind(profiler);
      const publish = profiler.worldStarted.bind(profiler);
      let late: [number, boolean] = [0, false];
      profiler.markTermination = (cycle, forced) => {
        late = [cycle, forced];
      };
      profiler.worldStarted = () => {
        for (const cache of heap.caches) cache.prepareForSweep();
        rotate(...late);
        publish();
      };
    },
  },
  {
    id: 'W02',
    title: 'a free found by the sweep is counted one cycle off',
    breaks: ({ machine }) => {
      const three = scheme(machine, 'three-stage');
      if (three !== undefined) three.onSweepFree = three.onExplicitFree.bind(three);
      const cycle = scheme(machine, 'cycle');
      if (cycle !== undefined) cycle.onSweepFree = (record, bytes) => count(machine, record + futureSlot(machine, 0), Stage.frees, bytes);
    },
  },
  {
    id: 'W04',
    title: 'a malloc is counted one cycle early',
    breaks: ({ machine }) => {
      const three = scheme(machine, 'three-stage');
      if (three !== undefined) three.onMalloc = (record, bytes) => count(machine, record + Stage.doubles, Stage.allocs, bytes);
      const cycle = scheme(machine, 'cycle');
      if (cycle !== undefined) cycle.onMalloc = (record, bytes) => count(machine, record + futureSlot(machine, 1), Stage.allocs, bytes);
    },
  },
  {
    id: 'W09',
    title: 'a forced sweep is published although the next marking has ended meanwhile',
    breaks: ({ machine: { gc, sched } }) => {
      const { world } = sched;
      const right = world.forceGC.bind(world);
      const publish = gc.forcedSweepDone.bind(gc);
      let published = 0;
      gc.forcedSweepDone = () => {
        published++;
        publish();
      };
      world.forceGC = function* () {
        const before = published;
        yield* right();
        if (published === before) gc.forcedSweepDone();
      };
    },
  },
  {
    id: 'W14',
    title: 'the flag "flushed already" is lost against the next cycle: a slot is never flushed',
    breaks: ({ machine }) => {
      const cycle = scheme(machine, 'cycle') as unknown as { flushed: boolean; onMarkTermination(): void } | undefined;
      if (cycle === undefined) return;
      const right = cycle.onMarkTermination.bind(cycle);
      cycle.onMarkTermination = () => {
        right();
        cycle.flushed = true;
      };
    },
  },
  {
    id: 'W15',
    title: 'the flush holds proflock while the sweeper needs it to record a free (golang/go#45894)',
    breaks: ({ machine }) => {
      const three = scheme(machine, 'three-stage');
      if (three === undefined) return;
      const right = three.onWorldStarted.bind(three);
      three.onWorldStarted = () => {
        right();
        for (const cache of machine.heap.caches) cache.prepareForSweep();
      };
    },
  },
];

// --- specials ------------------------------------------------------------------------------------------------------------

const specialMutants: Mutant[] = [
  {
    id: 'W10',
    title: 'the sweeper drops a profile record without telling the profiler',
    breaks: ({ machine: { profiler } }) => {
      const right = profiler.mProfFree.bind(profiler);
      profiler.mProfFree = (bucket, bytes, explicit) => {
        if (explicit) right(bucket, bytes, explicit);
      };
    },
  },
  {
    id: 'W11',
    title: 'a profile record is processed twice',
    breaks: ({ machine: { profiler } }) => {
      const right = profiler.mProfFree.bind(profiler);
      profiler.mProfFree = (bucket, bytes, explicit) => {
        right(bucket, bytes, explicit);
        right(bucket, bytes, explicit);
      };
    },
  },
  {
    id: 'W12',
    title: 'the profile record is attached at the next malloc, when the object may be gone',
    breaks: ({ machine: { heap, mutators } }) => {
      for (const m of mutators) {
        let late: [addr: Addr, bucket: Addr] | null = null;
        const sample = m['profileAlloc'].bind(m);
        m['profileAlloc'] = (addr, size) => {
          sample(addr, size);
          late = [addr, removeSpecial(heap, addr, SpecialKind.profile)];
        };
        const malloc = m.mallocgc.bind(m);
        m.mallocgc = (bytes, type) => {
          if (late !== null) setProfileBucket(heap, ...late);
          late = null;
          return malloc(bytes, type);
        };
      }
    },
  },
  {
    id: 'W13',
    title: 'a span is used again with the specials of its last life in its list',
    breaks: ({ machine: { heap } }) => {
      const { mspan } = heap;
      const isMarked = heap.isMarked.bind(heap);
      let reused = false;
      heap.isMarked = (addr) => {
        const s = heap.spanOf(addr);
        // the sweep asks for the objects of its specials: of a span that will be empty, all shall stay
        if (s !== 0 && mspan.sweepGen[s] === heap.sweepGen - 1 && heap.markedCount(s) === 0) {
          reused = true;
          return true;
        }
        return isMarked(addr);
      };
      const free = heap.freeSpan.bind(heap);
      heap.freeSpan = (s) => {
        const [first, last] = [mspan.specials[s], mspan.specialsTail[s]];
        if (!reused || first === 0) return free(s);
        mspan.specials[s] = 0; // past the guard
        free(s);
        mspan.specials[s] = first;
        mspan.specialsTail[s] = last;
      };
    },
  },
];

// --- waiting -------------------------------------------------------------------------------------------------------------

const waitingMutants: Mutant[] = [
  {
    id: 'W16a',
    title: 'block profile: the time of a wait is counted from when another goroutine began to wait',
    breaks: ({ machine: { sched } }) => {
      const { contention } = sched;
      const right = contention.blocked.bind(contention);
      let last = -1;
      contention.blocked = (op, reason) => {
        right(op, reason);
        if (op.blockedAt < 0) return;
        const mine = op.blockedAt;
        if (last >= 0) op.blockedAt = last;
        last = mine;
      };
    },
  },
  {
    id: 'W16b',
    title: 'block profile: what a wait has noted is there when its goroutine waits again',
    breaks: ({ machine: { sched } }) => {
      const { contention } = sched;
      const right = contention.waited.bind(contention);
      contention.waited = (op, site) => {
        const { blockedAt } = op;
        right(op, site);
        op.blockedAt = blockedAt;
      };
    },
  },
];

// --- controls ------------------------------------------------------------------------------------------------------------

const controls: Mutant[] = [
  {
    id: 'E3',
    title: 'a P goes on allocating from a span that waits to be swept, but black',
    control: true,
    avoid: askForSweptSpans,
    breaks: ({ machine }) => {
      const { heap, mutators } = machine;
      machine.faults.specialOnUnswept = true; // every malloc is sampled
      flushBeforeDone(machine, keepCaches(machine));
      for (const m of mutators) {
        const right = m['newOwn'].bind(m);
        m['newOwn'] = (bytes, type) => {
          const addr = right(bytes, type);
          const s = heap.spanOf(addr);
          if (heap.mspan.sweepGen[s] === heap.sweepGen + 1) heap.markBits[addr >>> 8]! |= 1 << ((addr >>> 3) & 31);
          return addr;
        };
      }
    },
  },
  {
    id: 'E5',
    title: 'no flush at mark termination; every sweep publishes when it ends',
    control: true,
    breaks: ({ machine: { gc }, machine }) => {
      const cycle = scheme(machine, 'cycle');
      if (cycle === undefined) return;
      cycle.onWorldStarted = () => {};
      const right = gc['sweepDone'].bind(gc);
      gc['sweepDone'] = () => {
        const swept = gc['swept'];
        right();
        if (!swept) cycle.onForcedSweepDone();
      };
    },
  },
];

/** In the order of the catalogue. */
export const sweepMutants: readonly Mutant[] = [...cacheMutants, ...stagingMutants, ...specialMutants, ...waitingMutants, ...controls];
