// malloc: allocating one object. The table of contents of the runtime: each line of mallocgc is a part with its own file.
// Source: malloc.go mallocgc, in Go's order; see heap/layout.ts for where slots come from and mgc.ts for the cycle.
//
// A Mutator is a P as the allocator sees it: its cache, its assist debt, its barrier buffer, its sampling countdown. Nobody
// below the scheduler knows goroutines; the stack of the running one is asked for through CallStack.
//
// One rule makes plain functions safe: collector work happens at the beginning of an allocation or at the end of a pointer
// store, never between the moment a new object exists and the moment it is returned. So the caller may put the result
// into a rooted place before anything can look for it.

import { bitWordShift } from '../heap/layout.ts';
import { type AllocCache, MCache } from '../heap/mcache.ts';
import { spanBytes } from '../heap/mcentral.ts';
import { checkFree, freeObject } from '../heap/mfree.ts';
import type { Heap } from '../heap/mheap.ts';
import { type MSpan, SpanState } from '../heap/mspan.ts';
import { setProfileBucket } from '../heap/mspecial.ts';
import { makeSpanClass, maxSmallSize, sizeClass, tinySize } from '../heap/sizeclasses.ts';
import type { RType } from '../heap/types.ts';
import { maxStack } from '../profiler/bucket.ts';
import type { MemProfiler } from '../profiler/mprof.ts';
import { nextSample, nextSample2014 } from '../profiler/sampling.ts';
import { Choice, type Chooser } from '../runtime/internal/chooser.ts';
import { Ev, type Events } from '../runtime/internal/events.ts';
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import type { Rand } from '../runtime/internal/rand.ts';
import { gothrow, nilDereference } from '../runtime/internal/throw.ts';
import { BarrierBuf } from './mbarrier.ts';
import { type GC, Phase } from './mgc.ts';

/** The stack of whoever allocates. */
export interface CallStack {
  /** Writes return pcs, leaf first, at most max; returns how many. Source: callers. */
  callers(pcs: Int32Array, max: number): number;
}

/** Sampling of the memory profiler; shared by all mutators of a machine, changed at run time. */
export interface ProfileRate {
  /** MemProfileRate in bytes; 0: off, 1: every malloc. */
  rate: number;
}

/** Steps of the collector that may run at one operation, less one, when every operation is a choice point. */
const exploreSteps = 4;

/** One P's side of allocation. */
export class Mutator {
  readonly cache: MCache;
  readonly barrier = new BarrierBuf();
  /** Whose stack a sample records; the scheduler sets it when a goroutine starts to run. */
  callStack: CallStack | null = null;
  /** Told of each sampled object: the profile oracle's ledger. */
  onSample: ((addr: Addr, bytes: number, bucket: Addr) => void) | null = null;
  /** Virtual nanoseconds that allocation has cost since the scheduler last took them. Grows by `charge`. */
  nanos = 0;
  /** Told when that has grown. */
  onCharge: (() => void) | null = null;
  private readonly w: Int32Array;
  private readonly f64: Float64Array;
  private readonly alloc: AllocCache[];
  /**
   * Bytes that may be allocated before the next sampled malloc, a small integer (a double field would be boxed): Go's
   * mcache.nextSample less one. In 2014 never more than lets an object as large as the rate cross zero; the rest is in `far`.
   */
  private untilSample = 0;
  private far = 0;
  private sampledRate = -1;
  /** True while a pointer store must do more than store: the barrier is on, or every operation is a choice point. */
  slowStore = false;
  /** Nobody hears of a store that has nothing to shade. */
  private unwatchedStore = false;
  /** Bytes allocated on credit while marking; negative: owes. Go's g.gcAssistBytes. */
  assistBytes = 0;
  private readonly pcs = new Int32Array(maxStack);
  /** The tiny block being filled, 0 for none, and the bytes of it that are used. Go's mcache.tiny, tinyoffset. */
  private tiny: Addr = 0;
  private tinyOffset = 0;

  constructor(
    readonly heap: Heap,
    readonly gc: GC,
    private readonly profiler: MemProfiler,
    private readonly events: Events,
    private readonly profileRate: ProfileRate,
    private readonly rand: Rand,
    private readonly chooser: Chooser,
  ) {
    this.w = heap.w;
    this.f64 = heap.arena.f64;
    this.cache = new MCache(heap);
    this.alloc = this.cache.alloc;
    gc.mutators.push(this);
    this.rateChanged();
    this.phaseChanged(gc.phase);
  }

  // --- allocation ------------------------------------------------------------------------------------------------------

  /**
   * A zeroed object of one type: the fast road when its class's span has this type only and nobody needs to know. Short on purpose:
   * it is inlined into its callers, two or three times into one, and V8 inlines no more than so many bytes.
   */
  newObject(type: RType): Addr {
    const c = this.alloc[type.spanClass]!;
    const untilSample = this.untilSample - c.elemSize;
    if (c.gate !== type.id || untilSample < 0 || (c.free === 0 && !this.cache.nextWord(c))) return this.mallocgc(type.size, type);
    this.untilSample = untilSample;
    const { free } = c;
    c.free = free & (free - 1);
    const addr = c.base + Math.imul(31 - Math.clz32(free & -free), c.stride);
    if (c.needZero !== 0) this.zero(addr, c.elemSize);
    return addr;
  }

  /**
   * Allocates `bytes` bytes for values of `type` (an array of them when larger), zeroed. All objects of no bytes are one.
   * Ends the program when the arena is full. Source: mallocgc.
   */
  mallocgc(bytes: number, type: RType): Addr {
    const { gc } = this;
    if (gc.phase === Phase.markTermination) gothrow('mallocgc called with gcphase == _GCmarktermination');
    if (bytes === 0) return this.heap.zeroBase;
    // An assist marks a small heap at one go; when every operation is a choice point, how far marking gets is a choice as well.
    if (gc.knobs.everyMalloc) this.charge(gc.wholeCycle(false));
    if (this.chooser.everyOperation) this.explore();
    if (bytes < tinySize && type.noscan) {
      const inside = this.fitTiny(bytes);
      if (inside !== 0) return inside; // no object of its own: neither sampled, nor marked, nor an event
      return this.newTiny(bytes);
    }
    return this.newOwn(bytes, type);
  }

  /** Allocates an object that has a slot or pages to itself. */
  private newOwn(bytes: number, type: RType): Addr {
    const addr = bytes <= maxSmallSize ? this.smallSlot(bytes, type) : this.largeObject(bytes, type);
    const size = this.heap.pageInfo[((addr >>> 13) << 1) + 1]!; // rounded: what the object takes
    this.untilSample -= size;
    if (this.untilSample < 0) this.profileAlloc(addr, size);
    if (this.events.on) this.events.emit(Ev.malloc, addr, size, type.id);
    return addr;
  }

  /** Room for a tiny object in the current block, aligned as its size allows; 0 when there is none. Source: mallocgc. */
  private fitTiny(bytes: number): Addr {
    const align = (bytes & 7) === 0 ? 8 : bytes === 12 ? 8 : (bytes & 3) === 0 ? 4 : (bytes & 1) === 0 ? 2 : 1;
    const offset = (this.tinyOffset + align - 1) & -align;
    if (this.tiny === 0 || offset + bytes > tinySize) return 0;
    this.tinyOffset = offset + bytes;
    this.heap.stats.tinyAllocs++;
    return this.tiny + offset;
  }

  /** A new tiny block with the object at its beginning; it becomes the current one if it has more room than that. */
  private newTiny(bytes: number): Addr {
    const block = this.newOwn(tinySize, this.heap.tinyType);
    if (this.tiny === 0 || bytes < this.tinyOffset) {
      this.tiny = block;
      this.tinyOffset = bytes;
    }
    return block;
  }

  /** A cycle begins: the block being filled is live, whoever points into it. Source: gcMarkTinyAllocs. */
  markTiny(): void {
    this.gc.work.grey(this.tiny);
  }

  /** A cycle's marking has ended: the next tiny object opens a new block. Source: mcache.releaseAll. */
  dropTiny(): void {
    this.tiny = 0;
    this.tinyOffset = 0;
  }

  private smallSlot(bytes: number, type: RType): Addr {
    const { heap, cache } = this;
    const c = this.alloc[makeSpanClass(sizeClass(bytes), type.noscan)]!;
    if (c.free === 0 && !cache.nextWord(c)) this.refill(c);
    const free = c.free;
    c.free = free & (free - 1);
    const addr = c.base + Math.imul(31 - Math.clz32(free & -free), c.stride);
    if (c.needZero !== 0) this.zero(addr, c.elemSize);
    if (heap.mspan.objType[c.span] !== type.id) {
      heap.setObjectType(c.span, addr, type);
      cache.openGate(c);
    }
    return addr;
  }

  /**
   * Takes a new span for a class: the place where allocation meets the collector. While marking, the account of this P is
   * charged for the whole span before it is taken, and gets back what is in use already.
   */
  private refill(c: AllocCache): void {
    const { gc, cache } = this;
    const { stats } = this.heap;
    const bytes = spanBytes(c.spanClass);
    this.charge(refillNanos + gc.deductSweepCredit(bytes, 0));
    if (gc.marking) this.payAssist(bytes);
    else if (gc.pacer.shouldTrigger()) gc.start(false);
    if (c.free !== 0) return;
    const before = stats.heapLive;
    if (!cache.refill(c)) {
      gc.makeRoom(false);
      if (!cache.refill(c)) {
        gc.makeRoom(true);
        if (!cache.refill(c)) this.heap.outOfMemory(c.elemSize);
      }
    }
    const taken = stats.heapLive - before;
    if (gc.marking) {
      this.assistBytes += bytes - taken;
      gc.takeAllocBlack();
    }
    gc.pacer.update((c.spanClass & 1) === 0 ? taken : 0, gc.marking);
  }

  private largeObject(bytes: number, type: RType): Addr {
    const { heap, gc } = this;
    if (!Number.isInteger(bytes)) throw new RangeError(`mallocgc: got ${String(bytes)} bytes, wanted a whole number`); // NaN is not small
    const npages = Math.ceil(bytes / pageSize);
    this.charge(gc.deductSweepCredit(npages * pageSize, npages));
    if (gc.marking) this.payAssist(bytes);
    else if (gc.pacer.shouldTrigger()) gc.start(false);
    this.charge(gc.reclaimPages(npages)); // garbage before fresh pages
    const spanClass = makeSpanClass(0, type.noscan);
    let s = heap.allocSpan(npages, spanClass, SpanState.inUse);
    if (s === 0) {
      gc.makeRoom(false);
      s = heap.allocSpan(npages, spanClass, SpanState.inUse);
      if (s === 0 && npages <= heap.pages.limit) {
        gc.makeRoom(true);
        s = heap.allocSpan(npages, spanClass, SpanState.inUse);
      }
      if (s === 0) heap.outOfMemory(bytes);
    }
    this.takeLarge(s, type);
    gc.pacer.update(type.noscan ? 0 : heap.mspan.elemSize[s], gc.marking);
    return heap.base(s);
  }

  private takeLarge(s: MSpan, type: RType): void {
    const { heap } = this;
    const { mspan, stats } = heap;
    const size = mspan.elemSize[s];
    if (mspan.needZero[s] !== 0) heap.arena.zero(heap.base(s), size);
    mspan.allocCount[s] = 1;
    mspan.freeAddr[s] = heap.base(s) + size;
    heap.setObjectType(s, heap.base(s), type);
    stats.addLargeAlloc(size);
    stats.heapLive += size;
    this.charge(refillNanos + size / 32);
    heap.central.push(s);
    if (heap.allocBlack.on) this.markLarge(heap.base(s), type.noscan, size);
  }

  private zero(addr: Addr, bytes: number): void {
    if (bytes > 64) {
      this.heap.arena.zero(addr, bytes);
      return;
    }
    const { f64 } = this;
    for (let i = addr >>> 3, end = (addr + bytes) >>> 3; i < end; i++) f64[i] = 0;
  }

  /** A large object allocated while marking is black, as small ones are (heap/mcache.ts): it holds nothing yet. */
  private markLarge(addr: Addr, noscan: boolean, size: number): void {
    const { allocBlack, markBits } = this.heap;
    markBits[addr >>> bitWordShift]! |= 1 << ((addr >>> 3) & 31);
    allocBlack.addLarge(noscan, size);
    this.gc.takeAllocBlack();
  }

  /**
   * Frees an object by hand, as Go until 2014: see heap/mfree.ts for what is refused by a RangeError. False, and nothing is
   * done, while a marking runs (in 2014 none ever does then): the object may be black or wait to be scanned, so it is left to
   * the collector. Source: free of malloc.goc.
   */
  free(addr: Addr): boolean {
    const { heap, gc } = this;
    const s = checkFree(heap, addr);
    if (gc.marking || gc.knobs.sbrk) return false;
    const noscan = (heap.mspan.spanClass[s] & 1) !== 0;
    const bytes = freeObject(heap, s, addr);
    gc.pacer.update(noscan ? 0 : -bytes, false);
    this.charge(freeNanos);
    return true;
  }

  /** The running P spends virtual nanoseconds. */
  charge(nanos: number): void {
    this.nanos += nanos;
    if (this.onCharge !== null) this.onCharge();
  }

  // --- sampling --------------------------------------------------------------------------------------------------------

  /** Samples a malloc. The special is attached after the profiler has let go of proflock. Source: profilealloc. */
  private profileAlloc(addr: Addr, size: number): void {
    if (!this.isSample(size)) return;
    const nstk = this.callStack === null ? 0 : this.callStack.callers(this.pcs, maxStack);
    const bucket = this.profiler.mProfMalloc(size, this.pcs, nstk);
    setProfileBucket(this.heap, addr, bucket);
    if (this.onSample !== null) this.onSample(addr, size, bucket);
  }

  /** The countdown has run out with a malloc of this size: whether it is a sample. Starts the next countdown. */
  private isSample(size: number): boolean {
    const { rate } = this.profileRate;
    if (rate <= 0 || this.heap.era !== '2014') {
      this.untilSample = countdown(rate, this.rand);
      return rate > 0; // off: it ran out after 2 GiB
    }
    const next = this.untilSample + 1 + size + this.far;
    if (size >= rate) this.countFrom(next, rate);
    else if (size < next) this.countFrom(next - size, rate);
    else this.countFrom(nextSample2014(rate, this.rand, size, next), rate);
    return size >= rate || size >= next;
  }

  /** 2014: the next sample is `next` bytes away. */
  private countFrom(next: number, rate: number): void {
    this.untilSample = Math.min(next, rate) - 1;
    this.far = next - this.untilSample - 1;
  }

  /** MemProfileRate changed: the countdown starts anew. */
  rateChanged(): void {
    const { rate } = this.profileRate;
    if (rate === this.sampledRate) return;
    this.sampledRate = rate;
    if (rate > 0 && this.heap.era === '2014') this.countFrom(nextSample2014(rate, this.rand, 0, 0), rate);
    else this.untilSample = countdown(rate, this.rand);
  }

  // --- pointer stores --------------------------------------------------------------------------------------------------

  /** Stores a pointer into word i (addr >>> 2) of an object or a global. Source: the compiler's write barrier. */
  storePointer(word: number, value: Addr): void {
    if (this.slowStore) this.storeSlow(word, value);
    else this.w[word] = value;
  }

  /**
   * storePointer while slowStore says so. Most stores while marking link new objects: nothing is overwritten, what is stored is
   * black. They end here, so that what is inlined into the program stays small.
   */
  storeSlow(word: number, value: Addr): void {
    if (this.unwatchedStore && this.w[word] === 0 && this.heap.isMarked(value)) this.w[word] = value;
    else this.storeShading(word, value);
  }

  private storeShading(word: number, value: Addr): void {
    this.beforeStore(word, value);
    this.w[word] = value;
    this.afterStores();
  }

  /**
   * The barrier of a store that is about to come. A value of several words first runs the barriers of all its pointers, then
   * moves at once, then calls afterStores: the collector does not run in between, so nothing needs to root the value or its
   * place. For slowStore alone. Source: bulkBarrierPreWrite.
   */
  beforeStore(word: number, value: Addr): void {
    if (this.gc.phase !== Phase.off && !this.heap.faults.noBarrier) this.shade(word, value);
  }

  /** The stores are done: here the collector may run when every operation is a choice point. */
  afterStores(): void {
    if (this.chooser.everyOperation) this.explore();
  }

  private shade(word: number, value: Addr): void {
    const old = this.w[word]!;
    if (this.events.on) this.events.emit(Ev.barrier, word << 2, old, value);
    const { heap } = this;
    if ((old === 0 || heap.isMarked(old)) && (value === 0 || heap.isMarked(value))) return; // Go finds that out when it flushes
    if (this.barrier.record(old, value)) this.barrier.flush(this.gc.work);
  }

  /** Word index of an object for a load or store; nil panics as Go does. */
  deref(addr: Addr): number {
    if (addr === 0) nilDereference();
    return addr >>> 2;
  }

  // --- collector work at safe places -----------------------------------------------------------------------------------

  /** The collector changed phase. */
  phaseChanged(phase: Phase): void {
    // At mark termination nobody may allocate: the slow road says so.
    this.cache.setGates(phase === Phase.markTermination || this.events.on || this.chooser.everyOperation || this.gc.knobs.everyMalloc);
    this.slowStore = phase !== Phase.off || this.chooser.everyOperation;
    this.unwatchedStore = !this.events.on && !this.chooser.everyOperation;
    this.assistBytes = 0;
    if (phase === Phase.off) this.barrier.discard();
  }

  /** Its P is no more: gives back what it holds. Source: p.destroy. */
  retire(): void {
    if (this.gc.marking) this.barrier.flush(this.gc.work);
    this.dropTiny();
    this.cache.releaseAll();
  }

  /** Someone began to read events, or stopped. */
  readersChanged(): void {
    this.phaseChanged(this.gc.phase);
  }

  /**
   * Charges this P's account. Go has one for each goroutine, and charges it by the object. Then makes it positive, with what
   * background workers have scanned, and for the rest by scanning. Where Go's goroutine parks until workers have earned enough,
   * this goes on scanning by itself: a plain function cannot park.
   * Source: deductAssistCredit, gcAssistAlloc.
   */
  private payAssist(bytes: number): void {
    const { gc } = this;
    this.assistBytes -= bytes;
    gc.catchUp();
    if (this.chooser.everyOperation) return; // how far marking gets is the chooser's business then
    let scanning = false;
    while (gc.marking && this.assistBytes < 0 && !gc.limiter.limiting) {
      const work = gc.pacer.payFromCredit(this);
      if (work <= 0) continue;
      if (!scanning && this.events.on) this.events.emit(Ev.assistStart);
      scanning = true;
      this.assistWork(work);
    }
    if (scanning && this.events.on) this.events.emit(Ev.assistDone);
  }

  /** Scans `work` bytes or until the marking ends. Source: gcAssistAlloc1. */
  private assistWork(work: number): void {
    const { gc } = this;
    const { pacer } = gc;
    const before = pacer.scanWork;
    let nanos = 0;
    while (gc.marking && pacer.scanWork - before < work) {
      const cost = gc.step(assistObjects);
      nanos += cost;
      this.charge(cost);
      if (gc.marking) pacer.assistTime += cost;
    }
    gc.limiter.addAssistTime(nanos);
    if (!gc.marking) return; // the debt ended with the cycle
    pacer.payWork(this, pacer.scanWork - before);
  }

  /** When every operation is a choice point: lets the chooser run the collector here, or begin a cycle. */
  private explore(): void {
    const { gc, chooser } = this;
    const steps = chooser.choose(Choice.background, exploreSteps, 0);
    for (let i = 0; i < steps; i++) {
      if (gc.idle) {
        if (chooser.choose(Choice.background, 8, 0) === 1) gc.start(false);
        return;
      }
      this.charge(gc.step(1));
    }
  }
}

/** Bytes that go by unsampled, a small integer: the malloc that reaches nextSample is sampled, as in Go, so one less than that. */
function countdown(rate: number, rand: Rand): number {
  if (rate === 1) return -1; // every malloc is a sample
  return Math.min(nextSample(rate, rand), 0x7fffffff) - 1;
}

/** Virtual cost of taking a span, spread over the objects in it: about 20 ns an object of 16 bytes. */
const refillNanos = 10_000;
/** Virtual cost of freeing an object by hand. */
const freeNanos = 30;
/** Objects that one step of an assist scans at most. */
const assistObjects = 512;
