// schemes: when does a malloc or a free become part of the published profile?
//
// Mallocs are counted as they happen; frees only when the concurrent sweep comes by. Count both naively and the profile is
// skewed toward mallocs: garbage that no sweeper has met yet looks like memory in use, and by a different amount in each
// bucket. The cure is to let every event wait in a stage until all events of its collection are known. MTn below is mark
// termination n, SWn the sweep after it; SWn frees only objects that were allocated at or before MTn.
//
//   naive        one stage: published at once. Equals no live set, except by accident.
//   two-stage    Go <= 1.2. final, recent; MT: final += recent. Right while the sweep was inside the pause, skewed since.
//   seed         Go's commit of 2014-09-01. final, prev, recent; malloc -> recent, sweep -> prev; MT: final += prev,
//                prev = recent. runtime.GC() sweeps all first and rotates once, so frees run one cycle ahead of their
//                mallocs: in use can be negative until the next cycle (golang/go#8867).
//   three-stage  Go 1.4: the same stages; after the forced sweep of runtime.GC() the frees are complete, so prev is
//                published at once. Default.
//   cycle        Go >= 1.9: active and three future slots by cycle number C; malloc -> C+2, sweep -> C+1; MT only counts
//                C up; the flush of slot C waits until the world runs again.
//
// Invariants of three-stage and cycle: P6, a published profile equals the truth as of one mark termination in all buckets at
// once: MTn-1 after MTn, and MTn after runtime.GC() has ended. P7, no bucket has more frees than mallocs in it.
// Source: mprof.go of each age; reference: docs/faithful.md.

/** Offsets of the four counters of a stage. Doubles: they count to 2^53 and never wrap. */
export const enum Stage {
  allocs,
  frees,
  allocBytes,
  freeBytes,
  doubles,
}

/** Names of the schemes, in the order in which reports list them. */
export const schemeNames = ['naive', 'two-stage', 'seed', 'three-stage', 'cycle'] as const;
/** Errors that Go had, each by the number of its issue: schemes to experiment with. See bugschemes.ts. */
export const bugSchemeNames = ['bug-19311', 'bug-45894', 'bug-46500', 'bug-68136'] as const;
/** Whatever a run can be profiled with. */
export const allSchemeNames = [...schemeNames, ...bugSchemeNames] as const;
export type BugSchemeName = (typeof bugSchemeNames)[number];
export type SchemeName = (typeof allSchemeNames)[number];

/** Virtual time, as a scheme that takes some sees it. */
export interface SchemeClock {
  now(): number;
  /** The running P spends so many nanoseconds. */
  charge(nanos: number): void;
}

/** What the profiler lends a scheme: its memory, and moving all records at once. */
export interface RecordStore {
  readonly f64: Float64Array;
  /** Memory buckets. */
  readonly recordCount: number;
  /** In each memory bucket: to += from; from = next, or 0; next = 0. Offsets in doubles from the bucket's first counter. */
  moveStages(to: number, from: number, next?: number): void;
  /** null in a profiler without a machine around it. */
  readonly clock: SchemeClock | null;
}

/**
 * One way to account. `record` is the index in f64 of the scheme's first counter of the bucket in question. All calls
 * happen under a lock of the profiler.
 */
export interface Scheme {
  readonly name: SchemeName;
  /** Stages a bucket needs, 4 doubles each; stage 0 is the published one. */
  readonly stages: number;
  onMalloc(record: number, bytes: number): void;
  /** A free by the program itself (the 2014 runtime's), known in real time. */
  onExplicitFree(record: number, bytes: number): void;
  /** A free found by the sweeper. */
  onSweepFree(record: number, bytes: number): void;
  /** World stopped, marking done, nothing of this cycle swept yet. forced: runtime.GC() asked for the cycle. */
  onMarkTermination(forced: boolean): void;
  /** The world runs again after mark termination; before any sweep of the new cycle. */
  onWorldStarted(): void;
  /** runtime.GC(): the sweep of the forced cycle is complete. */
  onForcedSweepDone(): void;
  /**
   * The published stage is about to be read. nothing: there is nothing in it, in no bucket (there was no collection yet), so that all
   * that was counted so far is to be published.
   */
  snapshot(nothing: boolean): void;
}

function count(f64: Float64Array, stage: number, objects: Stage.allocs | Stage.frees, bytes: number): void {
  f64[stage + objects]! += 1;
  f64[stage + objects + 2]! += bytes; // allocBytes and freeBytes stand two behind their counts
}

class Naive implements Scheme {
  readonly name = 'naive';
  readonly stages = 1;
  constructor(private readonly f64: Float64Array) {}
  onMalloc(record: number, bytes: number): void {
    count(this.f64, record, Stage.allocs, bytes);
  }
  onExplicitFree(record: number, bytes: number): void {
    count(this.f64, record, Stage.frees, bytes);
  }
  onSweepFree(record: number, bytes: number): void {
    count(this.f64, record, Stage.frees, bytes);
  }
  onMarkTermination(): void {}
  onWorldStarted(): void {}
  onForcedSweepDone(): void {}
  snapshot(): void {}
}

class TwoStage implements Scheme {
  readonly name = 'two-stage';
  readonly stages = 2;
  private readonly f64: Float64Array;
  constructor(
    private readonly store: RecordStore,
    private readonly base: number,
  ) {
    this.f64 = store.f64;
  }
  onMalloc(record: number, bytes: number): void {
    count(this.f64, record + Stage.doubles, Stage.allocs, bytes);
  }
  onExplicitFree(record: number, bytes: number): void {
    count(this.f64, record + Stage.doubles, Stage.frees, bytes);
  }
  onSweepFree(record: number, bytes: number): void {
    count(this.f64, record + Stage.doubles, Stage.frees, bytes);
  }
  onMarkTermination(): void {
    this.publish();
  }
  onWorldStarted(): void {}
  onForcedSweepDone(): void {
    this.publish();
  }
  snapshot(nothing: boolean): void {
    if (nothing) this.publish();
  }
  private publish(): void {
    this.store.moveStages(this.base, this.base + Stage.doubles);
  }
}

/** final at 0, prev at 4, recent at 8. */
const prev = Stage.doubles;
const recent = 2 * Stage.doubles;

export class ThreeStage implements Scheme {
  readonly stages = 3;
  private readonly f64: Float64Array;
  constructor(
    readonly name: 'three-stage' | 'seed' | 'bug-19311',
    private readonly store: RecordStore,
    private readonly base: number,
  ) {
    this.f64 = store.f64;
  }
  onMalloc(record: number, bytes: number): void {
    count(this.f64, record + recent, Stage.allocs, bytes);
  }
  onExplicitFree(record: number, bytes: number): void {
    count(this.f64, record + recent, Stage.frees, bytes);
  }
  onSweepFree(record: number, bytes: number): void {
    count(this.f64, record + prev, Stage.frees, bytes);
  }
  onMarkTermination(forced: boolean): void {
    // The seed's gc() swept eagerly for runtime.GC() and came to MProf_GC only after that: the rotation waits for the sweep.
    if (this.name === 'seed' && forced) return;
    this.rotate();
  }
  onWorldStarted(): void {}
  onForcedSweepDone(): void {
    if (this.name === 'seed') this.rotate();
    else this.publishPrev();
  }
  snapshot(nothing: boolean): void {
    if (!nothing) return;
    this.rotate(); // recent -> prev -> final, as MemProfile does
    this.rotate();
  }

  /** Go's mprof_GC: final += prev; prev = recent; recent = 0. */
  protected rotate(): void {
    const { store, base } = this;
    store.moveStages(base, base + prev, base + recent);
  }

  /**
   * Go 1.4's second MProf_GC. It ran inside the pause, where recent is empty, so it only published prev. Our forced sweep
   * runs while the program allocates: rotating recent too would publish mallocs whose frees are not known yet.
   */
  private publishPrev(): void {
    this.store.moveStages(this.base, this.base + prev);
  }
}

/** Where Go wraps the cycle counter: a multiple of 3, because the ring index is cycle % 3. Go's mProfCycleWrap. */
export const mProfCycleWrap = 3 * (2 << 24);

export class Cycle implements Scheme {
  readonly stages = 4;
  private readonly f64: Float64Array;
  private cycle = 0;
  private flushed = false;
  constructor(
    readonly name: 'cycle' | BugSchemeName,
    protected readonly store: RecordStore,
    protected readonly base: number,
  ) {
    this.f64 = store.f64;
  }
  /** First double of future[(cycle + ahead) % 3], counted from the record. */
  private future(ahead: number): number {
    return (1 + ((this.cycle + ahead) % 3)) * Stage.doubles;
  }
  onMalloc(record: number, bytes: number): void {
    count(this.f64, record + this.future(2), Stage.allocs, bytes);
  }
  onExplicitFree(record: number, bytes: number): void {
    count(this.f64, record + this.future(2), Stage.frees, bytes); // known in real time, like a malloc
  }
  onSweepFree(record: number, bytes: number): void {
    count(this.f64, record + this.future(1), Stage.frees, bytes);
  }
  /** Go's mProf_NextCycle: O(1), world stopped. */
  onMarkTermination(): void {
    this.cycle = (this.cycle + 1) % mProfCycleWrap;
    this.flushed = false;
  }
  /** Go's mProf_Flush: O(buckets), world running. */
  onWorldStarted(): void {
    this.flush();
  }
  private flush(): void {
    if (this.flushed) return;
    this.flushed = true;
    this.activate(0);
  }
  /** Go's mProf_PostSweep: publishes the next slot early, C unchanged. */
  onForcedSweepDone(): void {
    this.activate(1);
  }
  snapshot(nothing: boolean): void {
    this.flush(); // so the window between NextCycle and Flush cannot be seen
    if (nothing) for (let ahead = 0; ahead < 3; ahead++) this.activate(ahead);
  }
  private activate(ahead: number): void {
    this.store.moveStages(this.base, this.base + this.future(ahead));
  }
}

/** Stages of a scheme, known before one is made (a bucket's size depends on them). */
export const schemeStages: Readonly<Record<SchemeName, number>> = {
  naive: 1,
  'two-stage': 2,
  seed: 3,
  'three-stage': 3,
  cycle: 4,
  'bug-19311': 3,
  'bug-45894': 4,
  'bug-46500': 4,
  'bug-68136': 4,
};

/** Makes a scheme of Go's or our own whose first counter lies `base` doubles behind a bucket's first counter. */
export function makeSound(name: Exclude<SchemeName, BugSchemeName>, store: RecordStore, base: number): Scheme {
  switch (name) {
    case 'naive':
      return new Naive(store.f64);
    case 'two-stage':
      return new TwoStage(store, base);
    case 'seed':
    case 'three-stage':
      return new ThreeStage(name, store, base);
    case 'cycle':
      return new Cycle(name, store, base);
  }
}
