// blockprof: the block profile and the mutex profile. A goroutine that had to wait for another one counts in the block profile,
// where it waited; one that made others wait for a lock counts in the mutex profile, where it unlocked. sched/contention.ts
// measures the times and takes the stacks; here is which events are kept, and where they are counted. Source: mprof.go.
//
// Times are ticks of cputicks, which here are nanoseconds of virtual time. Of the events shorter than the rate some are kept,
// at random, so that a rate of r samples one event in about r ticks of waiting:
//
//   kept          always when ticks >= rate, else with probability (ticks + 1) / rate
//   2014          counted as it is: many short waits weigh less than one long one of the same sum
//   1.19          counted for those that were not kept: count += rate / ticks, cycles += rate (golang.org/cl/299991)
//
// Of mutex events one in `fraction` is kept and counted as it is; who writes the profile multiplies. Go had none in 2014.
import type { Era } from '../runtime/internal/era.ts';
import type { Addr, Arena } from '../runtime/internal/memory.ts';
import type { Rand } from '../runtime/internal/rand.ts';
import { BlockRecord, Bucket, BucketKind, maxStack } from './bucket.ts';
import type { MemProfiler } from './mprof.ts';
import { type BlockProfileRecord, type ProfileAnswer, readAll } from './records.ts';

/** Ticks of a virtual second. Go measures it: tickspersecond. */
export const ticksPerSecond = 1e9;

/** The block and the mutex profile of one machine: buckets of their own kinds in the memory profiler's table. */
export class BlockProfiler {
  /** In ticks; 0: off. Go's blockprofilerate. */
  blockRate = 0;
  /** One mutex event of so many is kept; 0: off. Go's mutexprofilerate. */
  mutexFraction = 0;
  private readonly w: Int32Array;
  private readonly f64: Float64Array;

  constructor(
    arena: Arena,
    /** Whose table and locks are used. */
    private readonly profiler: MemProfiler,
    /** Decides which events are kept. */
    private readonly rand: Rand,
    private readonly era: Era,
  ) {
    this.w = arena.i32;
    this.f64 = arena.f64;
  }

  /**
   * One event is sampled for every `nanos` nanoseconds spent blocked; 1: every event; 0 or less: off. Source: SetBlockProfileRate.
   */
  setBlockProfileRate(nanos: number): void {
    this.blockRate = nanos <= 0 ? 0 : nanos === 1 ? 1 : Math.max(Math.trunc((nanos * ticksPerSecond) / 1e9), 1);
  }

  /** One of n mutex events is sampled; 0: off; negative: only asks. Returns the old n. Source: SetMutexProfileFraction. */
  setMutexProfileFraction(n: number): number {
    const old = this.mutexFraction;
    if (n >= 0) this.mutexFraction = n;
    return old;
  }

  /** A goroutine has waited for `cycles` ticks at a stack, leaf first, at most 32 frames of which count. Source: blockevent. */
  blockEvent(cycles: number, stk: ArrayLike<number>, nstk: number): void {
    const ticks = Math.max(cycles, 1);
    const rate = this.blockRate;
    if (rate <= 0 || (rate > ticks && this.below(rate) > ticks)) return;
    if (ticks < rate && this.era !== '2014') this.save(BucketKind.block, rate / ticks, rate, stk, nstk);
    else this.save(BucketKind.block, 1, ticks, stk, nstk);
  }

  /** Somebody has waited for `cycles` ticks for the lock that is unlocked at a stack. Source: mutexevent. */
  mutexEvent(cycles: number, stk: ArrayLike<number>, nstk: number): void {
    const { mutexFraction } = this;
    if (mutexFraction > 0 && this.below(mutexFraction) === 0) this.save(BucketKind.mutex, 1, Math.max(cycles, 0), stk, nstk);
  }

  /** Go's fastrand() % n. */
  private below(n: number): number {
    return (this.rand.next() >>> 0) % n;
  }

  /** Source: saveblockevent. */
  private save(kind: BucketKind, count: number, cycles: number, stk: ArrayLike<number>, nstk: number): void {
    const { f64 } = this;
    const { locks, buckets } = this.profiler;
    locks.all.lock();
    const record = buckets.counters(buckets.stkbucket(kind, 0, stk, Math.min(nstk, maxStack), true));
    locks.block.lock();
    f64[record + BlockRecord.count]! += count;
    f64[record + BlockRecord.cycles]! += cycles;
    locks.block.unlock();
    locks.all.unlock();
  }

  /** Go's BlockProfile. n and ok as for MemProfile; newest bucket first. A count is at least 1, so that one may divide by it. */
  blockProfile(p: BlockProfileRecord[]): ProfileAnswer {
    return this.profile(BucketKind.block, p);
  }

  /** Go's MutexProfile. Counts and cycles are of the sampled events: multiply them by mutexFraction. */
  mutexProfile(p: BlockProfileRecord[]): ProfileAnswer {
    return this.profile(BucketKind.mutex, p);
  }

  /** The block profile with enough room. */
  blockRecords(): BlockProfileRecord[] {
    return readAll((p: BlockProfileRecord[]) => this.blockProfile(p));
  }

  /** The mutex profile with enough room. */
  mutexRecords(): BlockProfileRecord[] {
    return readAll((p: BlockProfileRecord[]) => this.mutexProfile(p));
  }

  private profile(kind: BucketKind.block | BucketKind.mutex, p: BlockProfileRecord[]): ProfileAnswer {
    const { w } = this;
    const { locks, buckets } = this.profiler;
    locks.all.lock();
    locks.block.lock();
    const n = buckets.count(kind);
    const ok = n <= p.length;
    let i = 0;
    if (ok) for (let b = buckets.first(kind); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) p[i++] = this.record(kind, b);
    locks.block.unlock();
    locks.all.unlock();
    return { n, ok };
  }

  private record(kind: BucketKind, b: Addr): BlockProfileRecord {
    const { f64 } = this;
    const { buckets } = this.profiler;
    const at = buckets.counters(b);
    const count = Math.trunc(f64[at + BlockRecord.count]!);
    return {
      count: kind === BucketKind.block ? Math.max(count, 1) : count,
      cycles: f64[at + BlockRecord.cycles]!,
      stack: buckets.stack(b),
    };
  }
}
