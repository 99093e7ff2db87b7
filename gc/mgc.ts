// mgc: the collector. A cycle as numbered steps; every other file of this folder points here. Source: mgc.go.
//
//   1 sweep termination   what is left of the last cycle's sweep is finished; stop the world
//                         (every span must be swept before marking: mark bits of two cycles cannot share a word)
//   2 mark                phase = mark: barrier on, new objects black; start the world
//                         workers and assists scan roots (globals, stacks) and drain grey objects while goroutines run
//   3 mark termination    nothing grey is left anywhere: stop the world
//                         (a write barrier must not run between "no work left" and "phase off")
//                         sweepGen += 2: all spans need sweeping; the profiler rotates; phase = off; start the world
//                         the profiler publishes; every P gives its stale spans back, which sweeps them
//   4 sweep               bit by bit: background, on allocation, all at once for runtime.GC()
//   5 off                 until the heap reaches the trigger, or somebody asks
//
// The collector is a state machine: step() does one small piece and returns, so that a scheduler, an assist or an explorer
// can run it between any two operations of a goroutine. It never waits.
//
// Colours: white = not marked; grey = marked and in a work buffer; black = marked and not in one.
// Invariants: M1 (mgcwork.ts), W1 (mgcsweep.ts), M2 no black object points to a white one unless that one is reachable from
// a grey one through white ones; M3 at mark termination every reachable object is marked (mcheckmark.ts).

import { checkHeap, strayMarks } from '../heap/check.ts';
import type { Heap } from '../heap/mheap.ts';
import type { MemProfiler } from '../profiler/mprof.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { Mutator } from './malloc.ts';
import { checkMarks, type RootVisitor } from './mcheckmark.ts';
import { drain } from './mgcmark.ts';
import { Pacer } from './mgcpacer.ts';
import { Sweeper } from './mgcsweep.ts';
import { GcWork, Workbufs } from './mgcwork.ts';
import type { World } from './world.ts';

/** Go's _GCoff, _GCmark, _GCmarktermination. */
export const enum Phase {
  off = 0,
  mark = 1,
  markTermination = 2,
}

/** Knobs of the collector; all off in a plain run. */
export interface GcKnobs {
  /** Checks every invariant of the heap at each phase change. */
  checkHeap: boolean;
  /** Runs the independent marking at each mark termination. */
  checkMark: boolean;
}

/** What somebody above wants to know at mark termination, world stopped, after marking and before any sweep. */
export type MarkTerminationHook = (cycle: number, forced: boolean) => void;

/** Virtual costs in nanoseconds: what a step of the collector takes on its M. Round figures near Go's on a plain machine. */
export const gcCost = { perObject: 12, perStack: 400, perGlobalWord: 2, stop: 8000, sweepSpan: 300 } as const;

/** The collector of one machine. */
export class GC {
  phase: Phase = Phase.off;
  /** Cycles begun. Go's work.cycles. */
  cycle = 0;
  /** Cycles whose marking has ended. Go's memstats.numgc. */
  numGC = 0;
  /** The running or last cycle was asked for by runtime.GC(). */
  forced = false;
  /** Objects marked by the last finished marking. */
  objectsMarked = 0;
  readonly pacer: Pacer;
  readonly sweeper: Sweeper;
  readonly work: GcWork;
  readonly workbufs: Workbufs;
  readonly mutators: Mutator[] = [];
  readonly knobs: GcKnobs = { checkHeap: false, checkMark: false };
  private readonly hooks: MarkTerminationHook[] = [];
  /** Off-heap words that hold pointers. */
  private readonly globals: { addr: Addr; words: number }[] = [];
  private world: World | null = null;
  private nextRootJob = 0;
  private rootJobs = 0;
  /** Blocks of globals when marking began; the jobs behind them are stacks. */
  private globalJobs = 0;
  private swept = true;

  constructor(
    readonly heap: Heap,
    sys: SysMem,
    private readonly profiler: MemProfiler,
    private readonly events: Events,
    gcPercent: number,
  ) {
    this.pacer = new Pacer(gcPercent, heap.stats);
    this.sweeper = new Sweeper(heap);
    this.workbufs = new Workbufs(heap, sys);
    this.work = new GcWork(heap, this.workbufs);
  }

  /** Connects the collector with whoever runs goroutines. */
  attach(world: World): void {
    this.world = world;
  }

  private get w(): World {
    return this.world ?? gothrow('gc: no world attached');
  }

  /** Makes `words` zero words at addr (off the heap) roots: global variables. Those made while marking need no scan: stores
   *  into them go through the barrier. */
  addGlobals(addr: Addr, words: number): void {
    this.globals.push({ addr, words });
  }

  /** Calls hook at each mark termination. */
  onMarkTermination(hook: MarkTerminationHook): void {
    this.hooks.push(hook);
  }

  /** True while marking: allocation is black, the barrier is on, allocation pays assists. */
  get marking(): boolean {
    return this.phase === Phase.mark;
  }

  /** Everything of the last cycle is swept and no cycle runs. */
  get idle(): boolean {
    return this.phase === Phase.off && this.sweeper.isDone;
  }

  // --- 1, 2: start -----------------------------------------------------------------------------------------------------

  /** Begins a cycle; does nothing when one is marking. forced: runtime.GC() asked. Source: gcStart. */
  start(forced: boolean): void {
    if (this.phase !== Phase.off) return;
    const { heap } = this;
    if (!heap.faults.rotateBeforeSweepDone) this.sweeper.finish();
    this.w.stopTheWorld('GC sweep termination');
    if (this.knobs.checkHeap) this.check('mark start', strayMarks(heap));
    this.cycle++;
    this.forced = forced;
    this.nextRootJob = 0;
    this.globalJobs = this.globals.length;
    this.rootJobs = this.globalJobs + this.w.stackCount();
    this.work.bytesMarked = 0;
    this.work.objectsMarked = 0;
    this.pacer.startCycle();
    this.setPhase(Phase.mark);
    this.w.startTheWorld();
  }

  private setPhase(phase: Phase): void {
    this.phase = phase;
    for (const m of this.mutators) m.phaseChanged(phase);
    if (this.events.on) this.events.emit(Ev.gcPhase, phase, this.cycle);
    this.w.cycleChanged();
  }

  // --- 2: marking in steps ---------------------------------------------------------------------------------------------

  /**
   * One small piece of the collector's work: a root job, up to maxObjects grey objects, mark termination, one span swept.
   * Returns its virtual cost in nanoseconds; 0 when there was nothing to do.
   */
  step(maxObjects: number): number {
    if (this.phase === Phase.mark) return this.markStep(maxObjects);
    if (this.sweeper.isDone) return 0;
    return this.sweepStep();
  }

  private markStep(maxObjects: number): number {
    if (this.nextRootJob < this.rootJobs) return this.markRoot(this.nextRootJob++);
    const scanned = drain(this.heap, this.work, maxObjects);
    if (scanned > 0) return scanned * gcCost.perObject;
    if (this.flushBarriers()) return gcCost.perObject; // the ragged barrier: somebody still held grey objects
    this.markTermination();
    return gcCost.stop;
  }

  private markRoot(job: number): number {
    const { heap, work, globals, globalJobs } = this;
    if (job < globalJobs) {
      const { addr, words } = globals[job]!;
      for (let i = addr >>> 2, end = i + words; i < end; i++) work.grey(heap.w[i]!);
      return words * gcCost.perGlobalWord;
    }
    if (!heap.faults.skipStackScan) this.w.scanStack(job - globalJobs, work);
    return gcCost.perStack;
  }

  /** Shades what the mutators' barriers recorded; says whether that made anything grey. Source: wbBufFlush, markDone. */
  private flushBarriers(): boolean {
    for (const m of this.mutators) m.barrier.flush(this.work);
    return !this.work.empty || this.workbufs.fullCount > 0;
  }

  // --- 3: mark termination ---------------------------------------------------------------------------------------------

  /** Nothing grey is left: ends the marking. Source: gcMarkTermination. */
  private markTermination(): void {
    const { heap } = this;
    this.w.stopTheWorld('GC mark termination');
    this.setPhase(Phase.markTermination);
    heap.writeBack();
    if (this.knobs.checkMark) this.check('mark termination', checkMarks(heap, this.eachRoot));
    this.objectsMarked = this.work.objectsMarked;
    this.pacer.endCycle(this.work.bytesMarked);
    if (this.events.on) this.events.emit(Ev.gcMarkDone, this.cycle, this.work.bytesMarked, this.work.objectsMarked);
    for (const hook of this.hooks) hook(this.cycle, this.forced);
    this.setPhase(Phase.off);
    this.sweeper.begin();
    this.swept = false;
    this.numGC++;
    this.profiler.markTermination(this.numGC, this.forced); // counts up inside the stop: no malloc or free can fall between
    this.w.startTheWorld();
    this.profiler.worldStarted();
    for (const cache of heap.caches) cache.prepareForSweep(); // frees of stale spans are this cycle's
    if (this.knobs.checkHeap) checkHeap(heap);
  }

  private check(when: string, findings: string[]): void {
    if (this.knobs.checkHeap) checkHeap(this.heap);
    if (findings.length > 0) gothrow(`gc: at ${when} of cycle ${this.cycle}: ${findings.slice(0, 10).join('; ')}`);
  }

  /** Visits every root pointer. */
  readonly eachRoot: RootVisitor = (visit) => {
    const { w } = this.heap;
    for (const { addr, words } of this.globals) for (let i = 0; i < words; i++) visit(w[(addr >>> 2) + i]!);
    this.w.eachStackPointer(visit);
  };

  // --- 4: sweep --------------------------------------------------------------------------------------------------------

  /** Sweeps one span; returns the virtual cost, 0 when the sweep is complete. */
  sweepStep(): number {
    const pages = this.sweeper.sweepOne();
    if (pages > 0) return gcCost.sweepSpan;
    if (!this.swept) {
      this.swept = true;
      if (this.knobs.checkHeap) checkHeap(this.heap);
      this.w.cycleChanged();
    }
    return 0;
  }

  /** runtime.GC(): the sweep of the cycle that it waited for is complete; the profile of that cycle is published. */
  forcedSweepDone(): void {
    this.profiler.forcedSweepDone();
  }

  /**
   * A whole cycle at once, sweep and publication included: what runtime.GC() does when nobody else runs.
   * A cycle that is under way is finished first. Source: GC of mgc.go.
   */
  collect(): void {
    while (this.phase !== Phase.off) this.step(1 << 20);
    this.start(true);
    while (this.marking) this.step(1 << 20);
    while (!this.sweeper.isDone) this.sweepStep();
    this.forcedSweepDone();
  }
}
