// mspecial: records that hang on single objects, sorted by (offset, kind) in a list at their span. See layout.ts.
//
// A special says that the sweeper must do something before the object's slot is free again: tell the profiler (profile).
// One record per (object, kind). The mutator adds records under the span's special lock, after making sure that the span
// is swept; the sweeper, which owns the span by its sweepGen, walks the list without the lock.
// Source: mheap.go addspecial, setprofilebucket, freeSpecial; the record is 2014's Special.
//
// Invariant P3: every sampled live object has exactly one profile special; it goes exactly when its object is freed.
import { LockRank, Mutex } from '../runtime/internal/lock.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { Heap } from './mheap.ts';
import type { MSpan } from './mspan.ts';
import { ensureSwept } from './msweep.ts';

/** Kinds, in the order in which the records of one object stand. Go's _KindSpecial…. */
export const enum SpecialKind {
  finalizer = 1,
  profile = 2,
}

/** Word offsets of a record. */
export const enum Special {
  /** address of the next record; 0 ends the list */
  next,
  /** bytes from the span's base to the object */
  offset,
  kind,
  /** profile: the bucket */
  value,
  words,
}
export const specialBytes = Special.words * 4;

/**
 * Puts a record into its span's list. False when the object has one of this kind already.
 * Throws when addr is in no span of collected objects. Source: addspecial.
 */
export function addSpecial(heap: Heap, addr: Addr, kind: SpecialKind, record: Addr): boolean {
  const s = heap.spanOfHeap(addr);
  if (s === 0) gothrow('addspecial on invalid pointer');
  ensureSwept(heap, s); // the sweeper walks the list without a lock
  const lock = new Mutex(heap.order, LockRank.spanSpecial, 'span.speciallock');
  lock.lock();
  const added = splice(heap, s, addr - heap.base(s), kind, record);
  lock.unlock();
  return added;
}

function splice(heap: Heap, s: MSpan, offset: number, kind: SpecialKind, record: Addr): boolean {
  const { w, mspan } = heap;
  const r = record >>> 2;
  w[r + Special.offset] = offset;
  w[r + Special.kind] = kind;
  const tail = mspan.specialsTail[s];
  let before: Addr = 0;
  if (tail !== 0 && isBefore(w, tail, offset, kind))
    before = tail; // sampling goes in address order: nearly always
  else {
    for (let at = mspan.specials[s]; at !== 0 && isBefore(w, at, offset, kind); at = w[(at >>> 2) + Special.next]!) before = at;
  }
  const after = before === 0 ? mspan.specials[s] : w[(before >>> 2) + Special.next]!;
  if (after !== 0 && w[(after >>> 2) + Special.offset] === offset && w[(after >>> 2) + Special.kind] === kind) return false;
  w[r + Special.next] = after;
  if (before === 0) mspan.specials[s] = record;
  else w[(before >>> 2) + Special.next] = record;
  if (after === 0) mspan.specialsTail[s] = record;
  return true;
}

function isBefore(w: Int32Array, record: Addr, offset: number, kind: number): boolean {
  const i = record >>> 2;
  return w[i + Special.offset]! < offset || (w[i + Special.offset] === offset && w[i + Special.kind]! < kind);
}

/** Ties a sampled object to its bucket. The caller does not hold proflock: see profiler/mprof.ts. Source: setprofilebucket. */
export function setProfileBucket(heap: Heap, addr: Addr, bucket: Addr): void {
  heap.specialLock.lock();
  const record = heap.specials.alloc();
  heap.specialLock.unlock();
  heap.w[(record >>> 2) + Special.value] = bucket;
  if (!addSpecial(heap, addr, SpecialKind.profile, record)) gothrow('setprofilebucket: profile already set');
}

/** The bucket of the sampled object at addr; 0 when it was not sampled. */
export function profileBucket(heap: Heap, addr: Addr): Addr {
  const s = heap.spanOfHeap(addr);
  if (s === 0) return 0;
  const { w } = heap;
  const offset = addr - heap.base(s);
  for (let at = heap.mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
    const i = at >>> 2;
    if (w[i + Special.offset] === offset && w[i + Special.kind] === SpecialKind.profile) return w[i + Special.value]!;
  }
  return 0;
}

/**
 * Sweeps the records of a span that the caller owns: those of unmarked objects go, and the profiler hears of them.
 * Runs before any slot is recycled. Source: the specials loop of mspan.sweep.
 */
export function sweepSpecials(heap: Heap, s: MSpan): void {
  const { w, mspan } = heap;
  const base = heap.base(s);
  let last: Addr = 0;
  for (let at = mspan.specials[s]; at !== 0; ) {
    const i = at >>> 2;
    const next = w[i + Special.next]!;
    if (heap.isMarked(base + w[i + Special.offset]!)) last = at;
    else {
      if (last === 0) mspan.specials[s] = next;
      else w[(last >>> 2) + Special.next] = next;
      freeSpecial(heap, s, at);
    }
    at = next;
  }
  mspan.specialsTail[s] = last;
}

/** Does what a record asks for and recycles it; it is already out of the list. Source: freeSpecial. */
function freeSpecial(heap: Heap, s: MSpan, record: Addr): void {
  const i = record >>> 2;
  const kind = heap.w[i + Special.kind];
  if (kind !== SpecialKind.profile) gothrow(`bad special kind ${kind}`);
  if (!heap.faults.loseSpecial) heap.profiler.mProfFree(heap.w[i + Special.value]!, heap.mspan.elemSize[s], false);
  heap.specialLock.lock();
  heap.specials.release(record);
  heap.specialLock.unlock();
}
