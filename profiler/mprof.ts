// mprof: Go's memory profiler. See bucket.ts for where the numbers lie and schemes.ts for when they are published.
//
// The profiler listens: mallocgc tells it of sampled objects, the sweeper of dead ones, the collector of its phases; it
// takes stacks and sizes as arguments, calls nobody above it and never touches collected memory. Its locks are in proflock.ts;
// nothing but memory for buckets is taken under them. In particular the special record that leads from an object to its bucket
// is attached by mallocgc after mProfMalloc has returned: attaching may sweep the object's span, the sweep may free a sampled
// object, and that free needs a lock of the profiler. Source: mprof.go.
//
// Several schemes can watch one run: each has its own stages in every bucket and sees the same events.
import type { Era } from '../runtime/internal/era.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { LockOrder } from '../runtime/internal/lock.ts';
import type { Addr, Arena } from '../runtime/internal/memory.ts';
import type { SysMem } from '../runtime/internal/sysmem.ts';
import { Bucket, BucketKind, BucketTable, maxStack } from './bucket.ts';
import { makeScheme } from './bugschemes.ts';
import { type ProfLock, ProfLocks } from './proflock.ts';
import { type MemProfileRecord, type ProfileAnswer, readAll } from './records.ts';
import { type RecordStore, type Scheme, type SchemeClock, type SchemeName, Stage, schemeStages } from './schemes.ts';

/** The memory profiler of one machine. */
export class MemProfiler implements RecordStore {
  readonly f64: Float64Array;
  readonly buckets: BucketTable;
  readonly schemes: readonly Scheme[];
  /** Index of each scheme's counters behind a bucket's first counter. */
  private readonly bases: readonly number[];
  readonly locks: ProfLocks;
  clock: SchemeClock | null = null;
  private readonly w: Int32Array;
  private cycle = 0;
  /** Rotations so far, modulo 3: Go's C, as far as the locks are concerned. */
  private c = 0;
  private mallocLock: ProfLock;
  private freeLock: ProfLock;

  /** names: the schemes that watch; the first one answers memProfile. */
  constructor(
    arena: Arena,
    sys: SysMem,
    order: LockOrder,
    private readonly events: Events,
    names: readonly SchemeName[],
    era: Era = '1.19',
  ) {
    this.f64 = arena.f64;
    this.w = arena.i32;
    const bases: number[] = [];
    let doubles = 0;
    for (const name of names) {
      bases.push(doubles);
      doubles += schemeStages[name] * Stage.doubles;
    }
    this.bases = bases;
    this.locks = new ProfLocks(order, era);
    this.buckets = new BucketTable(sys, arena, doubles * 8, this.locks.insert);
    [this.freeLock, this.mallocLock] = [this.locks.future[1], this.locks.future[2]];
    this.schemes = names.map((name, i) => makeScheme(name, this, bases[i]!));
  }

  get recordCount(): number {
    return this.buckets.count(BucketKind.mem);
  }

  moveStages(to: number, from: number, next?: number): void {
    const { w, f64, buckets } = this;
    const last = next ?? from;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b);
      for (let k = 0; k < Stage.doubles; k++) {
        f64[r + to + k]! += f64[r + from + k]!;
        f64[r + from + k] = f64[r + last + k]!;
        f64[r + last + k] = 0;
      }
    }
  }

  /**
   * Counts a sampled malloc of `bytes` (the rounded size) at stack stk[0:nstk], leaf first, at most 32 frames of which
   * count. Returns the bucket; the caller attaches the special. Source: mProf_Malloc.
   */
  mProfMalloc(bytes: number, stk: ArrayLike<number>, nstk: number): Addr {
    const { schemes, bases, locks } = this;
    locks.all.lock();
    const b = this.buckets.stkbucket(BucketKind.mem, bytes, stk, Math.min(nstk, maxStack), true);
    const record = this.buckets.counters(b);
    this.mallocLock.lock();
    for (let i = 0; i < schemes.length; i++) schemes[i]!.onMalloc(record + bases[i]!, bytes);
    this.mallocLock.unlock();
    locks.all.unlock();
    return b;
  }

  /** Counts a free of a sampled object; explicit: by the program, not by the sweeper. Source: mProf_Free. */
  mProfFree(b: Addr, bytes: number, explicit: boolean): void {
    const { schemes, bases, locks } = this;
    const record = this.buckets.counters(b);
    const stageLock = explicit ? this.mallocLock : this.freeLock;
    locks.all.lock();
    stageLock.lock();
    for (let i = 0; i < schemes.length; i++) {
      if (explicit) schemes[i]!.onExplicitFree(record + bases[i]!, bytes);
      else schemes[i]!.onSweepFree(record + bases[i]!, bytes);
    }
    stageLock.unlock();
    locks.all.unlock();
  }

  /** Mark termination, world stopped. Source: MProf_GC (2014), mProf_NextCycle (1.9). */
  markTermination(cycle: number, forced: boolean): void {
    this.cycle = cycle;
    this.lockPublished();
    for (const scheme of this.schemes) scheme.onMarkTermination(forced);
    this.unlockPublished();
    this.nextCycle();
    if (this.events.on) this.events.emit(Ev.profileRotate, cycle, 0);
  }

  /**
   * The sweep was done inside the stop: rotates once before the rotation of the mark termination, which then publishes all of it.
   * Nobody can look between the two, so nobody is told. Source: gcSweep of 1.19; the second MProf_GC of 1.4.
   */
  sweptInPause(forced: boolean): void {
    this.lockPublished();
    for (const scheme of this.schemes) {
      scheme.onMarkTermination(forced);
      scheme.onWorldStarted();
    }
    this.unlockPublished();
    this.nextCycle();
  }

  /** The world runs again, nothing is swept yet. Source: mProf_Flush. */
  worldStarted(): void {
    const future = this.locks.future[this.c]!;
    this.lockPublished();
    future.lock();
    for (const scheme of this.schemes) scheme.onWorldStarted();
    future.unlock();
    this.unlockPublished();
    if (this.events.on) this.events.emit(Ev.profileRotate, this.cycle, 1);
  }

  /** runtime.GC(): its sweep is complete. Source: mProf_PostSweep. */
  forcedSweepDone(): void {
    this.lockPublished();
    this.freeLock.lock(); // what sweeps have freed is published
    for (const scheme of this.schemes) scheme.onForcedSweepDone();
    this.freeLock.unlock();
    this.unlockPublished();
    if (this.events.on) this.events.emit(Ev.profileRotate, this.cycle, 2);
  }

  /** Go's C has gone up: from now on mallocs and frees go to other stages. */
  private nextCycle(): void {
    const { future } = this.locks;
    this.c = (this.c + 1) % 3;
    this.freeLock = future[(this.c + 1) % 3]!;
    this.mallocLock = future[(this.c + 2) % 3]!;
  }

  private lockPublished(): void {
    this.locks.all.lock();
    this.locks.active.lock();
  }

  private unlockPublished(): void {
    this.locks.active.unlock();
    this.locks.all.unlock();
  }

  /**
   * Go's MemProfile. n is the number of records; if p has room (p.length >= n) they are copied into p and ok is true, else
   * p is untouched and ok is false. Records whose allocated and freed bytes agree are left out unless inuseZero. Newest
   * bucket first. When no bucket has a published count yet (no collection has happened), everything counted so far is
   * published first. scheme: index into `schemes`.
   */
  memProfile(p: MemProfileRecord[], inuseZero: boolean, scheme = 0): ProfileAnswer {
    const base = this.bases[scheme]!;
    const policy = this.schemes[scheme]!;
    const future = this.locks.future[this.c]!;
    this.lockPublished();
    future.lock();
    policy.snapshot(false);
    future.unlock();
    let n = this.countRecords(base, inuseZero);
    if (n < 0) {
      policy.snapshot(true);
      n = Math.max(this.countRecords(base, inuseZero), 0);
      if (inuseZero) n = this.buckets.count(BucketKind.mem);
    }
    const ok = n <= p.length;
    if (ok) this.copyRecords(p, base, inuseZero);
    this.unlockPublished();
    return { n, ok };
  }

  /** Number of records to report, or -1 when nothing was ever published. */
  private countRecords(base: number, inuseZero: boolean): number {
    const { f64, w, buckets } = this;
    let n = 0;
    let clear = true;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b) + base;
      if (inuseZero || f64[r + Stage.allocBytes] !== f64[r + Stage.freeBytes]) n++;
      if (f64[r + Stage.allocs] !== 0 || f64[r + Stage.frees] !== 0) clear = false;
    }
    return clear ? -1 : n;
  }

  private copyRecords(p: MemProfileRecord[], base: number, inuseZero: boolean): void {
    const { f64, w, buckets } = this;
    let i = 0;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b) + base;
      if (inuseZero || f64[r + Stage.allocBytes] !== f64[r + Stage.freeBytes]) p[i++] = this.record(b, r);
    }
  }

  private record(b: Addr, r: number): MemProfileRecord {
    const { f64, buckets } = this;
    return {
      allocBytes: f64[r + Stage.allocBytes]!,
      freeBytes: f64[r + Stage.freeBytes]!,
      allocObjects: f64[r + Stage.allocs]!,
      freeObjects: f64[r + Stage.frees]!,
      size: buckets.size(b),
      stack: buckets.stack(b),
    };
  }

  /** All records under one scheme: MemProfile with the retry loop that every caller of Go's needs. */
  records(inuseZero: boolean, scheme = 0): MemProfileRecord[] {
    return readAll((p: MemProfileRecord[]) => this.memProfile(p, inuseZero, scheme));
  }

  /** Calls back with what is published of every memory bucket under one scheme, newest first, without the "no GC yet" rule: looks only. */
  eachPublished(scheme: number, visit: (b: Addr, objects: number, bytes: number) => void): void {
    const { f64, w, buckets } = this;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b) + this.bases[scheme]!;
      visit(b, f64[r + Stage.allocs]! - f64[r + Stage.frees]!, f64[r + Stage.allocBytes]! - f64[r + Stage.freeBytes]!);
    }
  }

  /** Sum of bytes in use over all buckets under one scheme, without making records and without the "no GC yet" rule. */
  publishedInUse(scheme: number): number {
    const { w, f64, buckets } = this;
    let bytes = 0;
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b) + this.bases[scheme]!;
      bytes += f64[r + Stage.allocBytes]! - f64[r + Stage.freeBytes]!;
    }
    return bytes;
  }

  /** Sampled mallocs of a memory bucket so far, published or not: the sum of the first scheme's stages. */
  counted(b: Addr): { objects: number; bytes: number } {
    const { f64 } = this;
    const first = this.buckets.counters(b) + this.bases[0]!;
    let [objects, bytes] = [0, 0];
    for (let r = first; r < first + this.schemes[0]!.stages * Stage.doubles; r += Stage.doubles) {
      objects += f64[r + Stage.allocs]!;
      bytes += f64[r + Stage.allocBytes]!;
    }
    return { objects, bytes };
  }

  /**
   * Calls back for every memory bucket under the lock, newest first: bucket, stack, size, published allocs and frees of the
   * first scheme. Source: iterate_memprof of 2014.
   */
  iterateMemprof(callback: (b: Addr, stack: number[], size: number, allocs: number, frees: number) => void): void {
    const { w, buckets, f64 } = this;
    this.lockPublished();
    for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
      const r = buckets.counters(b) + this.bases[0]!;
      callback(b, buckets.stack(b), buckets.size(b), f64[r + Stage.allocs]!, f64[r + Stage.frees]!);
    }
    this.unlockPublished();
  }
}
