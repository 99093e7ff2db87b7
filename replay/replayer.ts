// replayer: the second pass. Every tracealloc of the log becomes an object on a simulated heap, with the recorded size and
// stack; before the collection whose sweep freed it in reality it loses its last root; at each tracegc() a real cycle of our
// collector runs. That the object is dead is found by our marking: what we sweep is held against what the log freed.
//
// Objects that die in the same collection hang on one list (a cohort) from one global variable, through their first word, so
// taking the variable away kills exactly them and marking has to walk the lists of all others:
//
//     globals[k] -> object -> object -> nil        k = the collection whose sweep frees them; 0: never
//
// Sweeping keeps pace with the log: after each tracefree our sweeper has freed at least as many objects of the cycle, so the
// naive count goes wrong by about as much as it did in the real program.

import type { CallStack } from '../gc/malloc.ts';
import { roundUpSize } from '../heap/sizeclasses.ts';
import { maxTypes, type RType } from '../heap/types.ts';
import { BucketKind, maxStack } from '../profiler/bucket.ts';
import { Stage } from '../profiler/schemes.ts';
import { Ev } from '../runtime/internal/events.ts';
import type { Machine } from '../runtime/machine.ts';
import { type SchemeReport, SkewMeter } from '../runtime/skew.ts';
import type { PublishedRecord } from './compare.ts';
import { LogError, type LogHandler, type LogMark, type StackTable } from './logreader.ts';
import type { ReplayPlan } from './plan.ts';

/** What a moment `# snapshot begin NAME` of the log looks like on our side. */
export interface Snapshot {
  readonly name: string;
  /** Line of the log. */
  readonly line: number;
  /** Collections so far. */
  readonly numGC: number;
  /** Every scheme that watches; the first is the one asked for. */
  readonly schemes: readonly SchemeReport[];
  /** The profile that the first scheme publishes, with the stacks as logged. */
  readonly records: readonly PublishedRecord[];
}

/** Who wants to know how far a replay is. */
export interface ReplayListener {
  /** Bytes read of the file and its size. */
  readonly progress?: (read: number, total: number) => void;
  /** A mark `# snapshot begin NAME`; null: the end of the profile. */
  readonly at?: (name: string | null) => void;
}

/** Word of a replayed object that holds the next one of its cohort. */
const linkWord = 0;

/** Where a bucket came from. */
interface Origin {
  /** A logged stack of it, complete. */
  readonly stack: number;
  early: boolean;
}

/** Replays one log on one machine: the handler of readLog's second pass. The machine has rate 0 and GOGC off. */
export class Replayer implements LogHandler, CallStack {
  readonly snapshots: Snapshot[] = [];
  private readonly meter: SkewMeter;
  private readonly cohorts: number;
  /** Per allocation of the log: its address there, to name it; per live object of ours: which allocation it is. */
  private readonly logAddr: Float64Array;
  private readonly indexOf = new Map<number, number>();
  /** Log address -> allocation, for objects that the log has not freed. */
  private readonly liveInLog = new Map<number, number>();
  /** Allocations that our sweeper freed in this cycle and the log has not yet, and the other way round. */
  private readonly onlyOurs = new Set<number>();
  private readonly onlyLogs = new Set<number>();
  /** Log stack id -> pcs as the profiler records them. */
  private readonly pcsOf: (Int32Array | undefined)[] = [];
  private readonly framePc: number[] = [];
  private readonly types = new Map<number, RType>();
  private readonly origins = new Map<number, Origin>();
  private readonly earlySeen = new Set<string>();
  private readonly earlyKeys: { stack: number; size: number }[] = [];
  private next = 0;
  private cycle = 0;
  private freedInCycle = 0;
  private loggedFrees = 0;
  private profiling = false;
  private forced = false;
  private pcs: Int32Array = noPcs;
  private ended = false;

  constructor(
    private readonly m: Machine,
    private readonly plan: ReplayPlan,
    private readonly stacks: StackTable,
    private readonly listener: ReplayListener = {},
  ) {
    this.meter = new SkewMeter(m);
    this.cohorts = m.globals(plan.gcs + 1) >>> 2;
    this.logAddr = new Float64Array(plan.allocs);
    m.mutator.callStack = this;
    for (const mutator of m.mutators) {
      const told = mutator.onSample; // the oracle's ledger
      mutator.onSample = (addr, bytes, bucket) => {
        told?.(addr, bytes, bucket);
        this.noteOrigin(bucket);
      };
    }
    m.subscribe((kind, addr) => {
      if (kind === Ev.free) this.freed(addr);
    });
  }

  private currentStack = 0;

  // --- events of the log -----------------------------------------------------------------------------------------------

  alloc(addr: number, size: number, stack: number): void {
    const { m } = this;
    const i = this.next++;
    this.logAddr[i] = addr;
    this.currentStack = stack;
    this.pcs = this.stackPcs(stack);
    if (!this.profiling) this.noteEarly(stack, roundUpSize(size));
    const obj = m.mutator.mallocgc(size, this.typeFor(size));
    this.indexOf.set(obj, i);
    this.liveInLog.set(addr, i);
    const cohort = this.cohorts + this.plan.deathCycle[i]!;
    m.mutator.storePointer((obj >>> 2) + linkWord, m.heap.w[cohort]!);
    m.mutator.storePointer(cohort, obj);
  }

  free(addr: number): void {
    const i = this.liveInLog.get(addr);
    if (i === undefined) return; // allocated before the log began: counted by the plan
    this.liveInLog.delete(addr);
    if (!this.onlyOurs.delete(i)) this.onlyLogs.add(i);
    this.loggedFrees++;
    const { gc } = this.m;
    while (this.freedInCycle < this.loggedFrees && !gc.sweeper.isDone) gc.sweepStep();
  }

  gc(line: number): void {
    const { m } = this;
    this.endSweep(line);
    this.cycle++;
    this.freedInCycle = 0;
    this.loggedFrees = 0;
    m.mutator.storePointer(this.cohorts + this.cycle, 0);
    m.gc.start(this.forced);
    while (m.gc.marking) m.gc.step(4096);
  }

  mark(kind: LogMark, name: string, line: number): void {
    if (kind === 'profile start') {
      this.profiling = true;
      this.m.setMemProfileRate(1);
    } else if (kind === 'gc begin') this.forced = true;
    else if (kind === 'gc end') {
      this.forced = false;
      this.endSweep(line);
      this.m.gc.forcedSweepDone();
    } else if (kind === 'snapshot begin') this.snapshot(name, line);
    else if (kind === 'profile end') this.end();
  }

  progress(read: number, total: number): void {
    this.listener.progress?.(read, total);
  }

  /** The log is over: the last sweep is finished and checked. */
  finish(line: number): void {
    this.end();
    this.endSweep(line);
  }

  /** What follows in the log belongs to writing the profile. */
  private end(): void {
    if (!this.ended) this.listener.at?.(null);
    this.ended = true;
  }

  // --- objects ---------------------------------------------------------------------------------------------------------

  /** Our sweeper freed an object; the log does so in this cycle too, before or after. */
  private freed(obj: number): void {
    const i = this.indexOf.get(obj)!;
    this.indexOf.delete(obj);
    this.freedInCycle++;
    if (!this.onlyLogs.delete(i)) this.onlyOurs.add(i);
  }

  /** Everything of the last cycle is swept, by the log and by us: the two must have freed the same objects. */
  private endSweep(line: number): void {
    const { gc } = this.m;
    while (!gc.sweeper.isDone) gc.sweepStep();
    for (const i of this.onlyLogs)
      throw new LogError(line, `the log freed ${this.describe(i)} after tracegc ${this.cycle}; our marking kept it`);
    for (const i of this.onlyOurs) {
      throw new LogError(
        line,
        `our collector freed ${this.describe(i)} in cycle ${this.cycle}; the log did not free it after tracegc ${this.cycle}`,
      );
    }
  }

  private describe(i: number): string {
    return `the object at 0x${this.logAddr[i]!.toString(16)} (allocation ${i + 1} of the log)`;
  }

  /** One type a size: an object that is nothing but its link. */
  private typeFor(size: number): RType {
    const rounded = roundUpSize(Math.max(size, 1));
    let type = this.types.get(rounded);
    if (type === undefined) {
      const fits = this.m.heap.types.count < maxTypes - 64;
      type = this.m.heap.types.define(fits ? `replayed object of ${rounded} bytes` : 'replayed objects of 8 bytes', fits ? rounded : 8, [
        linkWord,
      ]);
      this.types.set(rounded, type);
    }
    return type;
  }

  // --- stacks ----------------------------------------------------------------------------------------------------------

  callers(pcs: Int32Array, max: number): number {
    const n = Math.min(this.pcs.length, max);
    for (let i = 0; i < n; i++) pcs[i] = this.pcs[i]!;
    return n;
  }

  /** The frames that the profiler would have walked: without the allocator's two and generated wrappers, at most 32. */
  private stackPcs(stack: number): Int32Array {
    const known = this.pcsOf[stack];
    if (known !== undefined) return known;
    const frames = Array.from(this.stacks.stackFrames(stack)).filter((f) => !this.stacks.frameFile(f).startsWith('<autogenerated>'));
    const skip = frames.length > 0 && this.stacks.frameFunction(frames[0]!) === 'runtime.mallocgc' ? 2 : 0;
    const pcs = Int32Array.from(frames.slice(skip, skip + maxStack), (f) => this.pcOf(f));
    this.pcsOf[stack] = pcs;
    return pcs;
  }

  private pcOf(frame: number): number {
    let pc = this.framePc[frame];
    if (pc === undefined) {
      const place = this.stacks.frameFile(frame);
      const colon = place.lastIndexOf(':');
      pc = this.m.symtab.pc(this.stacks.frameFunction(frame), place.slice(0, colon), Number(place.slice(colon + 1)));
      this.framePc[frame] = pc;
    }
    return pc;
  }

  private noteOrigin(bucket: number): void {
    if (!this.origins.has(bucket)) this.origins.set(bucket, { stack: this.currentStack, early: false });
  }

  private noteEarly(stack: number, size: number): void {
    const key = `${stack} ${size}`;
    if (this.earlySeen.has(key)) return;
    this.earlySeen.add(key);
    this.earlyKeys.push({ stack, size });
  }

  // --- snapshots -------------------------------------------------------------------------------------------------------

  private snapshot(name: string, line: number): void {
    const { m } = this;
    const schemes = this.meter.report();
    this.snapshots.push({ name, line, numGC: m.gc.numGC, schemes, records: this.published() });
    this.listener.at?.(name);
  }

  private published(): PublishedRecord[] {
    const { profiler } = this.m;
    const out: PublishedRecord[] = [];
    for (const { stack, size } of this.earlyKeys) {
      const pcs = this.stackPcs(stack);
      const b = profiler.buckets.stkbucket(BucketKind.mem, size, pcs, pcs.length, false);
      const origin = b === 0 ? undefined : this.origins.get(b);
      if (origin !== undefined) origin.early = true;
      else out.push({ frames: this.frames(stack), size, early: true, allocObjects: 0, freeObjects: 0, allocBytes: 0, freeBytes: 0 });
    }
    const { f64 } = profiler;
    profiler.iterateMemprof((b, _stack, size) => {
      const r = profiler.buckets.counters(b); // the first scheme's published stage
      const { stack, early } = this.origins.get(b)!;
      const frames = this.frames(stack);
      out.push({
        frames,
        size,
        early,
        allocObjects: f64[r + Stage.allocs]!,
        freeObjects: f64[r + Stage.frees]!,
        allocBytes: f64[r + Stage.allocBytes]!,
        freeBytes: f64[r + Stage.freeBytes]!,
      });
    });
    return out;
  }

  private frames(stack: number): string[] {
    return Array.from(this.stacks.stackFrames(stack), (f) => this.stacks.frameText(f));
  }
}

const noPcs = new Int32Array(0);
