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

import { checkHeap, strayMarks, unsweptSpans } from '../heap/check.ts';
import type { Heap } from '../heap/mheap.ts';
import type { MemProfiler } from '../profiler/mprof.ts';
import type { Era } from '../runtime/internal/era.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { CycleClock, gcCost } from './gcclock.ts';
import { type GcKnobs, knobsOff } from './gcknobs.ts';
import { traceCycle, tracePacerEnd, tracePacerStart, traceScavenge, traceSweepDone } from './gctrace.ts';
import type { Mutator } from './malloc.ts';
import { checkMarks, type RootVisitor } from './mcheckmark.ts';
import { HeapScavenger, memoryInUse } from './memlimit.ts';
import { checkCycle, checkTricolour, strayBarriers } from './mgccheck.ts';
import { CPULimiter, capacityPerProc } from './mgclimit.ts';
import { markLoops } from './mgcmark.ts';
import { noLimit, Pacer } from './mgcpacer.ts';
import { maxGcProc, Pacer2014 } from './mgcpacer2014.ts';
import { Roots } from './mgcroots.ts';
import { releaseNanos } from './mgcscavenge.ts';
import { Sweeper, type SweepPolicy } from './mgcsweep.ts';
import { GcWork } from './mgcwork.ts';
import type { WorkerMode } from './mgcworkers.ts';
import type { World } from './world.ts';

/** Go's _GCoff, _GCmark, _GCmarktermination. */
export const enum Phase {
  off = 0,
  mark = 1,
  markTermination = 2,
}

/** What somebody above wants to know at mark termination, world stopped, after marking and before any sweep. */
export type MarkTerminationHook = (cycle: number, forced: boolean) => void;

/** The collector of one machine. */
export class GC {
  phase: Phase = Phase.off;
  /** Cycles begun. Go's work.cycles. */
  cycle = 0;
  /** Cycles whose marking has ended. Go's memstats.numgc. */
  numGC = 0;
  /** Nanoseconds after a cycle at which the clock asks for another. Go's forcegcperiod; tests shorten it. */
  forcePeriod = 120e9;
  /** The running or last cycle was asked for by runtime.GC(). */
  forced = false;
  /** The sweep of the running or last cycle is inside its stop: gcstoptheworld=2, sweep policy eager, what runtime.GC() did in 2014. */
  eager = false;
  /** Objects marked by the last finished marking. */
  objectsMarked = 0;
  readonly pacer: Pacer;
  readonly limiter = new CPULimiter(0, 1);
  readonly sweeper: Sweeper;
  readonly scavenger: HeapScavenger;
  readonly work: GcWork;
  readonly roots: Roots;
  readonly mutators: Mutator[] = [];
  readonly knobs: GcKnobs = { ...knobsOff };
  /** Takes the lines of gctrace and its like; null: nobody listens. */
  print: ((line: string) => void) | null = null;
  /** When the steps of this cycle happened, and who paid. */
  readonly clock: CycleClock;
  private readonly startHooks: (() => void)[] = [];
  private readonly hooks: MarkTerminationHook[] = [];
  private readonly publishedHooks: (() => void)[] = [];
  private world: World | null = null;
  private swept = true;
  /** Bytes of spans at the last mark termination. */
  private lastHeapInUse = 0;

  constructor(
    readonly heap: Heap,
    sys: SysMem,
    private readonly profiler: MemProfiler,
    private readonly events: Events,
    gcPercent: number,
    private readonly era: Era = '1.19',
    sweep: SweepPolicy = 'go',
  ) {
    this.clock = new CycleClock(heap.stats);
    this.pacer = era === '2014' ? new Pacer2014(gcPercent, heap) : new Pacer(gcPercent, heap.stats, memoryInUse(heap, sys));
    this.sweeper = new Sweeper(heap, sweep);
    this.scavenger = new HeapScavenger(heap, memoryInUse(heap, sys), this.clock);
    if (era === '1.19') heap.onPagesTaken = (pagedIn, growth) => this.scavengeAssist(pagedIn, growth);
    this.work = new GcWork(heap, sys, markLoops(heap));
    this.roots = new Roots(heap, this.pacer);
  }

  /** Connects the collector with whoever runs goroutines. */
  attach(world: World): void {
    this.world = world;
    this.clock.procs = world.procs;
  }

  private get w(): World {
    return this.world ?? gothrow('gc: no world attached');
  }

  /** Calls hook at the start of each cycle, world stopped, before anything is marked: Go's clearpools. */
  onStart(hook: () => void): void {
    this.startHooks.push(hook);
  }

  /** Calls hook at each mark termination. */
  onMarkTermination(hook: MarkTerminationHook): void {
    this.hooks.push(hook);
  }

  /** Calls hook when a forced cycle's sweep is complete and its profile published. */
  onForcedSweepDone(hook: () => void): void {
    this.publishedHooks.push(hook);
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

  /**
   * Begins a cycle; does nothing when one is marking. forced: runtime.GC() asked; periodic: the clock did. In 2014 GOGC=off
   * disabled even runtime.GC(). Source: gcStart; gogc of 2014.
   */
  start(forced: boolean, periodic = false): void {
    if (this.mayBegin) this.begin(forced, periodic);
  }

  private get mayBegin(): boolean {
    return this.phase === Phase.off && !this.knobs.sbrk && (this.era === '1.19' || this.pacer.gcPercent >= 0);
  }

  private begin(forced: boolean, periodic: boolean): void {
    const { heap, clock } = this;
    const inPause = this.era === '2014'; // there the leftovers were swept after the world had stopped
    if (inPause) this.w.stopTheWorld('GC');
    const nanos = this.sweepLeftovers();
    if (!inPause) {
      this.w.charge(nanos); // whoever begins a cycle sweeps what the last one left
      this.w.startWorkers();
      this.w.stopTheWorld('GC sweep termination');
    }
    const stop = gcCost.stop + (inPause ? nanos : 0);
    clock.beginCycle(this.w.now(), stop, heap.stats.heapLive);
    if (this.knobs.checkHeap) checkCycle(this, 'mark start', [...strayMarks(heap), ...strayBarriers(this)]);
    for (const hook of this.startHooks) hook();
    this.cycle++;
    this.forced = forced;
    this.eager = this.knobs.stopTheWorld === 2 || this.sweeper.eager || (inPause && forced);
    this.roots.prepare(this.w.stackCount());
    this.work.bytesMarked = 0;
    this.work.objectsMarked = 0;
    this.work.scanWork = 0;
    this.pacer.maxStackScan = heap.stats.manualPages * pageSize; // stacks that wait to be used again are counted with the others
    // Nothing is known before the first cycle. Go expects its globals then, at least some 100 KiB; ours may be next to none, so
    // that any work would count as a surprise and move the goal far away. Take everything for live instead.
    if (this.numGC === 0) this.pacer.lastHeapScan = this.pacer.heapScan;
    this.pacer.startCycle(clock.mark, clock.procs, periodic);
    this.limiterTransition(true, clock.sweepTerm, clock.mark);
    this.allocateBlack(!heap.faults.allocWhite);
    this.setPhase(Phase.mark);
    for (const m of this.mutators) m.markTiny();
    if (this.knobs.pacerTrace) tracePacerStart(this);
    if (this.knobs.stopTheWorld === 0 && !inPause) this.w.startTheWorld(stop);
    else this.markInPause(stop);
  }

  /** What is left of the last cycle's sweep; returns its cost. */
  private sweepLeftovers(): number {
    const spans = this.sweeper.finish();
    this.sweepDone();
    return spans * gcCost.sweepSpan;
  }

  /**
   * Whether two minutes of virtual time have gone by since the last cycle ended. Never before the first cycle, while one is
   * marking, and with GOGC=off. Source: gcTrigger.test, gcTriggerTime.
   */
  periodicDue(now: number): boolean {
    const { lastGC } = this.heap.stats;
    return this.phase === Phase.off && this.pacer.gcPercent >= 0 && lastGC !== 0 && now - lastGC > this.forcePeriod;
  }

  /**
   * Begins a cycle if periodicDue(now); returns whether it did. For whoever watches the clock: Go's sysmon asks periodicDue at
   * each of its rounds and wakes the goroutine forcegc, which calls this. Nobody waits for such a cycle, and idle Ps do not
   * mark for it. Like start, it is called on a P at a safepoint: between two turns, or by a goroutine. Source: forcegchelper.
   */
  periodic(now: number): boolean {
    if (!this.periodicDue(now)) return false;
    if (this.knobs.trace !== false) this.print?.('GC forced');
    this.start(false, true);
    return true;
  }

  /**
   * The cycle goes on to its end inside the stop that began it, `before` nanoseconds ago: gcstoptheworld, and all cycles of
   * 2014, whose Ps marked together. Source: gcForceMode, gcForceBlockMode; gc of mgc0.c.
   */
  private markInPause(before: number): void {
    let nanos = 0;
    for (let cost = 1; cost > 0; ) {
      cost = this.markPiece(1 << 20);
      nanos += cost;
    }
    if (this.era === '2014') nanos = Math.ceil(nanos / Math.min(this.clock.procs, maxGcProc));
    this.clock.markedInPause(nanos);
    this.endMarking(before + nanos);
  }

  /** Marking begins or ends inside a stop of the world from `from` to `to`. */
  private limiterTransition(marking: boolean, from: number, to: number): void {
    const { limiter, clock } = this;
    if (limiter.capacity !== clock.procs * capacityPerProc) limiter.resetCapacity(from, clock.procs);
    limiter.addIdleTime(this.w.takeIdleTime(from));
    limiter.startTransition(marking, from);
    limiter.finishTransition(to);
  }

  /** Brings the limiter up to date if nobody has for a while. */
  tickLimiter(now: number): void {
    if (!this.limiter.needUpdate(now)) return;
    this.limiter.addIdleTime(this.w.takeIdleTime(now));
    this.limiter.update(now);
  }

  /** Objects are allocated black from now on, or no longer. The world is stopped. */
  private allocateBlack(on: boolean): void {
    const { allocBlack, caches } = this.heap;
    allocBlack.on = on;
    for (const cache of caches) {
      if (on) cache.blackenAll();
      else cache.whitenAll();
    }
    this.takeAllocBlack();
  }

  /** Enters what allocation has blackened into the accounts of marking. */
  takeAllocBlack(): void {
    const { allocBlack } = this.heap;
    this.work.objectsMarked += allocBlack.objects;
    this.work.bytesMarked += allocBlack.bytes;
    this.pacer.heapScanWork += allocBlack.scanBytes;
    allocBlack.clear();
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
    const cost = this.markPiece(maxObjects);
    if (this.knobs.checkColours) checkTricolour(this, this.w);
    if (cost > 0) return cost;
    this.w.stopTheWorld('GC mark termination');
    this.clock.beginMarkTermination(this.w.now());
    this.endMarking(0);
    return 1; // the pause is charged by startTheWorld; this says only that something was done
  }

  /** A step of a background worker: what it scans is credit for assists. Returns its cost. Source: gcFlushBgCredit. */
  workerStep(mode: WorkerMode, maxObjects: number): number {
    const { pacer } = this;
    const before = pacer.scanWork;
    const cost = this.step(maxObjects);
    pacer.bgScanCredit += pacer.scanWork - before;
    pacer.workers.charge(mode, cost);
    return cost;
  }

  /**
   * What the Ps' background workers did while the running goroutine did not look. Goroutines are never stopped in the
   * middle here, so whoever takes a span or is about to assist lets the others catch up with its clock first.
   */
  catchUp(): void {
    this.w.backgroundMark();
  }

  /** A root job or some grey objects; 0 when nothing grey is left anywhere. */
  private markPiece(maxObjects: number): number {
    if (this.roots.left) return this.roots.markNext(this.w, this.work);
    const scanned = this.work.drain(maxObjects);
    this.pacer.heapScanWork += this.work.scanWork;
    this.work.scanWork = 0;
    if (scanned > 0) return scanned * gcCost.perObject;
    if (this.flushBarriers()) return gcCost.perObject; // the ragged barrier: somebody still held grey objects
    return 0;
  }

  /** Shades what the mutators' barriers recorded; says whether that made anything grey. Source: wbBufFlush, markDone. */
  private flushBarriers(): boolean {
    for (const m of this.mutators) m.barrier.flush(this.work);
    return !this.work.empty;
  }

  // --- 3: mark termination ---------------------------------------------------------------------------------------------

  /**
   * Nothing grey is left and the world is stopped: ends the marking and the stop. before: what the stop has lasted already.
   * Source: gcMarkTermination.
   */
  private endMarking(before: number): void {
    const { heap, clock } = this;
    if (!this.work.empty) gothrow('gcMarkTermination: grey objects are left (M1)');
    this.setPhase(Phase.markTermination);
    heap.writeBack();
    this.allocateBlack(false);
    if (this.knobs.checkMark) checkCycle(this, 'mark termination', checkMarks(heap, this.eachRoot));
    this.objectsMarked = this.work.objectsMarked;
    clock.heap1 = heap.stats.heapLive;
    clock.heap2 = this.work.bytesMarked;
    this.lastHeapInUse = heap.stats.pagesInUse * pageSize;
    this.pacer.endCycle(clock.markTerm, clock.procs);
    if (this.knobs.pacerTrace) tracePacerEnd(this);
    if (this.events.on) this.events.emit(Ev.gcMarkDone, this.cycle, this.work.bytesMarked, this.work.objectsMarked);
    for (const hook of this.hooks) hook(this.cycle, this.forced);
    this.setPhase(Phase.off);
    this.sweeper.begin();
    this.swept = false;
    let nanos: number = gcCost.stop;
    if (this.eager) nanos += this.sweepInPause();
    else this.w.wakeSweeper();
    clock.endCycle(nanos, this.numGC, this.forced, this.pacer);
    this.pacer.resetLive(this.work.bytesMarked);
    this.commitPacing();
    this.limiterTransition(false, clock.markTerm, clock.end);
    this.numGC++;
    if (this.knobs.trace === '2014') traceCycle(this, '2014'); // Go 1.4 printed before it swept anything
    this.profiler.markTermination(this.numGC, this.forced); // counts up inside the stop: no malloc or free can fall between
    this.w.startTheWorld(before + nanos);
    this.profiler.worldStarted();
    for (const cache of heap.caches) cache.prepareForSweep(); // frees of stale spans are this cycle's
    for (const m of this.mutators) m.dropTiny();
    if (this.knobs.checkHeap) checkHeap(heap);
    if (this.knobs.trace === '1.19') traceCycle(this, '1.19');
  }

  /**
   * Sweeps everything while the world still stands; all frees of this cycle are known then, so the profile rotates twice and
   * speaks of this mark termination. Returns the cost. Source: gcSweep; eagersweep of mgc0.c. (Go 1.19 leaves the spans that Ps cache
   * to the time after the stop, and their frees to the next cycle's profile; here they are swept first.)
   */
  private sweepInPause(): number {
    for (const cache of this.heap.caches) cache.prepareForSweep();
    const spans = this.sweeper.finish();
    this.sweepDone();
    this.profiler.sweptInPause(this.forced);
    return spans * gcCost.sweepSpan;
  }

  /** Visits every root pointer. */
  readonly eachRoot: RootVisitor = (visit) => {
    this.roots.eachGlobal((_, pointer) => visit(pointer));
    this.heap.finalQueue.eachRoot(visit);
    this.w.eachStackPointer(visit);
  };

  // --- settings --------------------------------------------------------------------------------------------------------

  /** Sets GOGC and returns the old value; negative values mean off. Forces no cycle. Source: debug.SetGCPercent. */
  setGCPercent(percent: number): number {
    const old = this.pacer.setGCPercent(percent);
    this.commitPacing();
    return old;
  }

  /** Sets the memory limit in bytes (Infinity: none) and returns the old one; negative only reads. Source: SetMemoryLimit. */
  setMemoryLimit(bytes: number): number {
    const old = this.pacer.setMemoryLimit(bytes);
    this.commitPacing();
    return old;
  }

  /** Pacing parameters changed: goal, trigger and both prices of allocation follow. Source: gcControllerCommit. */
  private commitPacing(): void {
    const { pacer, sweeper } = this;
    pacer.commit(sweeper.isDone);
    if (this.marking) pacer.revise();
    sweeper.wait(pacer.trigger);
    if (this.era === '2014') return; // there nobody but the next cycle was in a hurry to sweep, and nothing else was paced
    sweeper.pace(pacer.trigger);
    this.scavenger.pace(pacer.memoryLimit, pacer.goal, pacer.lastHeapGoal, this.lastHeapInUse);
  }

  // --- 4: sweep --------------------------------------------------------------------------------------------------------

  /**
   * Sweeps what must be swept before spanBytes may be taken for objects by somebody who sweeps callerPages itself.
   * Returns the virtual cost. Source: deductSweepCredit.
   */
  deductSweepCredit(spanBytes: number, callerPages: number): number {
    let nanos = 0;
    while (this.sweeper.owes(spanBytes, callerPages)) nanos += this.sweepStep();
    return nanos;
  }

  /** Sweeps one span; returns the virtual cost, 0 when the sweep is complete. */
  sweepStep(): number {
    if (this.sweeper.step()) return gcCost.sweepSpan;
    this.sweepDone();
    return 0;
  }

  /** Somebody is about to take npages: dead spans are swept until as many pages came of it. Returns the cost. */
  reclaimPages(npages: number): number {
    return this.sweeper.reclaim(npages) * gcCost.sweepSpan;
  }

  /** All spans of this cycle are swept: says so, once. */
  private sweepDone(): void {
    if (this.swept) return;
    this.swept = true;
    if (this.knobs.checkHeap) checkCycle(this, 'the end of the sweep', unsweptSpans(this.heap));
    if (this.knobs.pacerTrace || this.knobs.scavTrace) traceSweepDone(this);
    if (this.era === '1.19') this.scavenger.ready(this.w.now());
    this.w.cycleChanged();
  }

  // --- memory for the system ---------------------------------------------------------------------------------------------

  /** A span was taken; see mgcscavenge.ts for who must release pages for it. */
  private scavengeAssist(pagedIn: number, growth: number): void {
    const { memoryLimit } = this.pacer;
    if ((growth === 0 && memoryLimit === noLimit) || this.limiter.limiting || this.world === null) return;
    const nanos = this.scavenger.assist(pagedIn, growth, memoryLimit);
    this.limiter.addAssistTime(nanos);
    this.w.charge(nanos);
  }

  /** Releases every free page. Source: scavengeAll. */
  scavengeAll(): void {
    const bytes = this.scavenger.releaseAll();
    this.w.charge(releaseNanos(bytes));
    if (this.knobs.scavTrace) traceScavenge(this, bytes, true);
  }

  /** runtime.GC(): the sweep of the cycle that it waited for is complete; the profile of that cycle is published. */
  forcedSweepDone(): void {
    this.profiler.forcedSweepDone();
    for (const hook of this.publishedHooks) hook();
  }

  /**
   * The arena is full: ends a marking that runs and sweeps everything; with whole, runs one cycle more, so that all that is dead
   * now is free. Go has no such end of memory; a memory limit (1.19) collects in the same way, GOGC=off or not.
   */
  makeRoom(whole: boolean): void {
    let nanos = 0;
    while (this.phase !== Phase.off) nanos += this.step(1 << 20);
    if (whole && !this.knobs.sbrk) this.begin(false, false); // GOGC=off or not, in either era
    while (this.marking) nanos += this.step(1 << 20);
    while (!this.sweeper.isDone) nanos += this.sweepStep();
    this.w.charge(nanos);
  }

  /**
   * A whole cycle at once, sweep and publication included: what runtime.GC() does when nobody else runs.
   * A cycle that is under way is finished first. Source: GC of mgc.go.
   */
  collect(): void {
    const before = this.cycle;
    this.wholeCycle(true);
    if (this.forced && this.cycle > before) this.forcedSweepDone();
  }

  /** A cycle from its beginning to the end of its sweep. Returns its virtual cost, pauses left out (the world charged them). */
  wholeCycle(forced: boolean): number {
    let nanos = 0;
    while (this.phase !== Phase.off) nanos += this.step(1 << 20);
    this.start(forced);
    while (this.marking) nanos += this.step(1 << 20);
    while (!this.sweeper.isDone) nanos += this.sweepStep();
    return nanos;
  }

  /** Goroutines of the program. */
  goroutineCount(): number {
    return this.w.live;
  }

  /** The objects that are marked and wait to be scanned; for looking, not for collecting. */
  greyObjects(): Set<Addr> {
    const grey = new Set<Addr>();
    if (this.marking) this.work.eachQueued((addr) => grey.add(this.heap.objectBase(addr))); // an oblet's address is inside its object
    return grey;
  }
}
