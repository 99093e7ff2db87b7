// mspecial: records that hang on single objects, sorted by (offset, kind) in a list at their span. See layout.ts.
//
// A special says that the sweeper must do something before the object's slot is free again: tell the profiler (profile),
// let the weak pointers to it read nil (weakHandle), call a function later (cleanup), or not free it at all this time but
// call a function with it (finalizer), or forget a value of JavaScript that a word of it stands for (host), or tell the
// JavaScript object that stands for it (handle). One record per (object, kind), of cleanups any number, of host one a word.
// The mutator adds records under the span's special lock, after making sure that the span is swept; the sweeper, which owns
// the span by its sweepGen, walks the list without the lock. A long list has an index by offset (specialindex.ts).
// Source: mheap.go addspecial, setprofilebucket, freeSpecial; the record is 2014's Special.
//
// Invariant P3: every sampled live object has exactly one profile special; it goes exactly when its object is freed.
import { type Addr, pageSize } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { bitWordShift } from './layout.ts';
import type { Heap } from './mheap.ts';
import type { MSpan } from './mspan.ts';
import { ensureSwept } from './msweep.ts';
import { SpecialIndex } from './specialindex.ts';

/** Kinds, in the order in which the records of one object stand: what keeps the object comes first. Go's _KindSpecial…. */
export const enum SpecialKind {
  finalizer = 1,
  weakHandle = 2,
  profile = 3,
  cleanup = 4,
  host = 5,
  handle = 6,
}

/** Word offsets of a record. */
export const enum Special {
  /** address of the next record; 0 ends the list */
  next,
  /** bytes from the span's base to the object */
  offset,
  kind,
  /** profile: the bucket; weakHandle: number of the cell; finalizer, cleanup: number of the function; host: of the value; handle: of the handle */
  value,
  words,
}
export const specialBytes = Special.words * 4;

/** What all weak pointers to one object share: its address, 0 once it was found dead. */
export interface WeakCell {
  addr: Addr;
}

/** Records that a walk may pass before the list gets an index. */
const longWalk = 64;

/**
 * Puts a record into its span's list. False when the object has one of this kind already.
 * Throws when addr is in no span of collected objects. Source: addspecial.
 */
export function addSpecial(heap: Heap, addr: Addr, kind: SpecialKind, record: Addr): boolean {
  const s = heap.spanOfHeap(addr);
  if (s === 0) gothrow('addspecial on invalid pointer');
  ensureSwept(heap, s); // the sweeper walks the list without a lock
  heap.spanSpecialLock.lock();
  const added = splice(heap, s, addr - heap.base(s), kind, record);
  heap.spanSpecialLock.unlock();
  return added;
}

function splice(heap: Heap, s: MSpan, offset: number, kind: SpecialKind, record: Addr): boolean {
  const { w, mspan } = heap;
  const r = record >>> 2;
  w[r + Special.offset] = offset;
  w[r + Special.kind] = kind;
  const before = lastBefore(heap, s, offset, kind);
  const after = behind(heap, s, before);
  const taken = after !== 0 && w[(after >>> 2) + Special.offset] === offset && w[(after >>> 2) + Special.kind] === kind;
  if (taken && kind !== SpecialKind.cleanup) return false;
  w[r + Special.next] = after;
  if (before === 0) mspan.specials[s] = record;
  else w[(before >>> 2) + Special.next] = record;
  if (after === 0) mspan.specialsTail[s] = record;
  const index = heap.specialIndexes.size === 0 ? undefined : heap.specialIndexes.get(s); // hardly any span has one
  if (index !== undefined) {
    const first = index.firstAt(offset);
    if (first === 0 || first === after) index.set(offset, record);
  }
  return true;
}

/** The last record before (offset, kind); 0 for none. */
function lastBefore(heap: Heap, s: MSpan, offset: number, kind: number): Addr {
  const { w, mspan } = heap;
  const tail = mspan.specialsTail[s];
  if (tail === 0 || isBefore(w, tail, offset, kind)) return tail; // sampling goes in address order: nearly always
  const index = heap.specialIndexes.get(s);
  let before: Addr = 0;
  if (index !== undefined) {
    before = index.firstAt(offset);
    if (before === 0 || !isBefore(w, before, offset, kind)) before = index.firstBelow(offset);
  }
  let passed = 0;
  for (let at = behind(heap, s, before); at !== 0 && isBefore(w, at, offset, kind); at = w[(at >>> 2) + Special.next]!) {
    before = at;
    passed++;
  }
  if (passed > longWalk && index === undefined) heap.specialIndexes.set(s, makeIndex(heap, s));
  return before;
}

/** The record behind one, or the first of all behind 0. */
function behind(heap: Heap, s: MSpan, record: Addr): Addr {
  return record === 0 ? heap.mspan.specials[s] : heap.w[(record >>> 2) + Special.next]!;
}

function makeIndex(heap: Heap, s: MSpan): SpecialIndex {
  const { w, mspan } = heap;
  const index = new SpecialIndex(mspan.npages[s] * pageSize);
  for (let at = mspan.specials[s]; at !== 0; at = w[(at >>> 2) + Special.next]!) {
    const offset = w[(at >>> 2) + Special.offset]!;
    if (index.firstAt(offset) === 0) index.set(offset, at);
  }
  return index;
}

/** A record goes out of its list; it still has its link. */
function leaveIndex(heap: Heap, s: MSpan, record: Addr): void {
  const index = heap.specialIndexes.get(s);
  if (index === undefined) return;
  const { w } = heap;
  const offset = w[(record >>> 2) + Special.offset]!;
  if (index.firstAt(offset) !== record) return;
  const next = w[(record >>> 2) + Special.next]!;
  if (next !== 0 && index.sameBlock(offset, w[(next >>> 2) + Special.offset]!)) index.set(offset, next);
  else index.clear(offset);
}

function isBefore(w: Int32Array, record: Addr, offset: number, kind: number): boolean {
  const i = record >>> 2;
  return w[i + Special.offset]! < offset || (w[i + Special.offset] === offset && w[i + Special.kind]! < kind);
}

/** Ties a sampled object to its bucket. The caller does not hold proflock: see profiler/mprof.ts. Source: setprofilebucket. */
export function setProfileBucket(heap: Heap, addr: Addr, bucket: Addr): void {
  if (!attachSpecial(heap, addr, SpecialKind.profile, bucket)) gothrow('setprofilebucket: profile already set');
}

/** A new record of a kind for the object at addr, with its value. False when it has one already. */
export function attachSpecial(heap: Heap, addr: Addr, kind: SpecialKind, value: number): boolean {
  heap.specialLock.lock();
  const record = heap.specials.alloc();
  heap.specialLock.unlock();
  heap.w[(record >>> 2) + Special.value] = value;
  if (addSpecial(heap, addr, kind, record)) {
    if (kind === SpecialKind.finalizer) heap.mspan.finalizers[heap.spanOf(addr)]++;
    return true;
  }
  releaseRecord(heap, record);
  return false;
}

/** The first record of a kind at addr, with a value if one is given; 0 when there is none. */
export function findSpecial(heap: Heap, addr: Addr, kind: SpecialKind, wanted = 0): Addr {
  const s = heap.spanOfHeap(addr);
  if (s === 0) return 0;
  const { w } = heap;
  const offset = addr - heap.base(s);
  for (let at = behind(heap, s, lastBefore(heap, s, offset, kind)); at !== 0; at = w[(at >>> 2) + Special.next]!) {
    const i = at >>> 2;
    if (w[i + Special.offset] !== offset || w[i + Special.kind] !== kind) break;
    if (wanted === 0 || w[i + Special.value] === wanted) return at;
  }
  return 0;
}

/**
 * Takes the record of a kind (and of this value, unless 0) off the object at addr and returns its value; 0 when there is none.
 * Source: removespecial.
 */
export function removeSpecial(heap: Heap, addr: Addr, kind: SpecialKind, wanted = 0): number {
  const s = heap.spanOfHeap(addr);
  if (s === 0) return 0;
  ensureSwept(heap, s); // first: the sweep may take the record away, and the span as well
  const record = findSpecial(heap, addr, kind, wanted);
  if (record === 0) return 0;
  unlinkRecord(heap, s, record);
  const value = heap.w[(record >>> 2) + Special.value]!;
  if (kind === SpecialKind.finalizer) heap.mspan.finalizers[s]--;
  releaseRecord(heap, record);
  return value;
}

function unlinkRecord(heap: Heap, s: MSpan, record: Addr): void {
  const { w, mspan } = heap;
  let before = lastBefore(heap, s, w[(record >>> 2) + Special.offset]!, w[(record >>> 2) + Special.kind]!);
  for (let at = behind(heap, s, before); at !== record; at = w[(at >>> 2) + Special.next]!) {
    if (at === 0) gothrow(`unlinkRecord: record 0x${record.toString(16)} is not in the list of span ${s}`);
    before = at; // another cleanup of the object
  }
  leaveIndex(heap, s, record);
  const next = w[(record >>> 2) + Special.next]!;
  if (before === 0) mspan.specials[s] = next;
  else w[(before >>> 2) + Special.next] = next;
  if (next === 0) mspan.specialsTail[s] = before;
  if (mspan.specials[s] === 0) heap.specialIndexes.delete(s);
}

function releaseRecord(heap: Heap, record: Addr): void {
  heap.specialLock.lock();
  heap.specials.release(record);
  heap.specialLock.unlock();
}

/** The bucket of the sampled object at addr; 0 when it was not sampled. */
export function profileBucket(heap: Heap, addr: Addr): Addr {
  const record = findSpecial(heap, addr, SpecialKind.profile);
  return record === 0 ? 0 : heap.w[(record >>> 2) + Special.value]!;
}

/** Sweeps the records of a span that the caller owns, before any slot is recycled, by the rules of the heap's era. */
export function sweepSpecials(heap: Heap, s: MSpan): void {
  if (heap.specialIndexes.size !== 0) heap.specialIndexes.delete(s);
  if (heap.era === '2014') sweepSpecials2014(heap, s);
  else sweepByObject(heap, s);
}

/**
 * Before Go 1.6 (issue 13100), with its error: one pass, record by record. A finalizer marks its object, so that the records
 * behind it are kept; those before it are gone. So of a tiny block whose finalizer hangs at an inner offset, the profile
 * record is freed and counted, and the block lives on; and of several finalizers in it one is queued a cycle.
 * Source: MSpan_Sweep of mgc0.c.
 */
function sweepSpecials2014(heap: Heap, s: MSpan): void {
  const { w, mspan } = heap;
  const base = heap.base(s);
  let last: Addr = 0;
  for (let at = mspan.specials[s]; at !== 0; ) {
    const next = w[(at >>> 2) + Special.next]!;
    const object = heap.objectBase(base + w[(at >>> 2) + Special.offset]!);
    if (heap.isMarked(object)) last = at;
    else {
      if (last === 0) mspan.specials[s] = next;
      else w[(last >>> 2) + Special.next] = next;
      if (w[(at >>> 2) + Special.kind] === SpecialKind.finalizer) mark(heap, object);
      freeSpecial(heap, s, at);
    }
    at = next;
  }
  mspan.specialsTail[s] = last;
}

/**
 * Sweeps the records of a span that the caller owns. Object by object: a dead one with a finalizer is marked after all, its
 * finalizers are queued, weak pointers to it read nil, and its other records stay; of any other dead one all records go.
 * Source: the specials loop of mspan.sweep since Go 1.6.
 */
function sweepByObject(heap: Heap, s: MSpan): void {
  const { w, mspan } = heap;
  const base = heap.base(s);
  const elemSize = mspan.elemSize[s];
  let last: Addr = 0;
  for (let at = mspan.specials[s]; at !== 0; ) {
    const slot = Math.floor(w[(at >>> 2) + Special.offset]! / elemSize);
    const object = base + slot * elemSize;
    const end = (slot + 1) * elemSize; // records with a smaller offset belong to this object
    const dead = !heap.isMarked(object);
    const revived = dead && mspan.finalizers[s] !== 0 && hasFinalizer(heap, at, end);
    if (revived) mark(heap, object);
    for (; at !== 0 && w[(at >>> 2) + Special.offset]! < end; ) {
      const next = w[(at >>> 2) + Special.next]!;
      const kind = w[(at >>> 2) + Special.kind]!;
      if (!dead || (revived && kind !== SpecialKind.finalizer && kind !== SpecialKind.weakHandle)) last = at;
      else {
        if (last === 0) mspan.specials[s] = next;
        else w[(last >>> 2) + Special.next] = next;
        freeSpecial(heap, s, at);
      }
      at = next;
    }
  }
  mspan.specialsTail[s] = last;
}

/** Marks an object after the marking: it lives on for its finalizer. */
function mark(heap: Heap, object: Addr): void {
  heap.markBits[object >>> bitWordShift]! |= 1 << ((object >>> 3) & 31);
}

/** Whether one of the records from `at` on, up to offset `end`, is a finalizer. */
function hasFinalizer(heap: Heap, at: Addr, end: number): boolean {
  const { w } = heap;
  for (; at !== 0 && w[(at >>> 2) + Special.offset]! < end; at = w[(at >>> 2) + Special.next]!) {
    if (w[(at >>> 2) + Special.kind] === SpecialKind.finalizer) return true;
  }
  return false;
}

/** Whether a finalizer hangs on the object at addr, in span s. The span is swept. */
export function hasFinalizerAt(heap: Heap, s: MSpan, addr: Addr): boolean {
  return heap.mspan.finalizers[s] !== 0 && hasFinalizer(heap, recordsOf(heap, s, addr).first, addr - heap.base(s) + heap.mspan.elemSize[s]);
}

/**
 * Frees all records of the object at addr, in span s, which is swept: it is freed by hand. They are taken off the list first,
 * as freeing them needs the profiler's lock. Source: freeallspecials.
 */
export function freeSpecialsOf(heap: Heap, s: MSpan, addr: Addr): void {
  if (heap.mspan.specials[s] === 0) return;
  const { w, mspan } = heap;
  heap.spanSpecialLock.lock();
  const { before, first } = recordsOf(heap, s, addr);
  const end = addr - heap.base(s) + mspan.elemSize[s];
  const records: Addr[] = [];
  let after = first;
  for (; after !== 0 && w[(after >>> 2) + Special.offset]! < end; after = w[(after >>> 2) + Special.next]!) {
    leaveIndex(heap, s, after);
    records.push(after);
  }
  if (records.length > 0) {
    if (before === 0) mspan.specials[s] = after;
    else w[(before >>> 2) + Special.next] = after;
    if (after === 0) mspan.specialsTail[s] = before;
    if (mspan.specials[s] === 0) heap.specialIndexes.delete(s);
  }
  heap.spanSpecialLock.unlock();
  for (const record of records) freeSpecial(heap, s, record, true);
}

/** The first record at addr or behind it, and the one before that; 0 for none. */
function recordsOf(heap: Heap, s: MSpan, addr: Addr): { before: Addr; first: Addr } {
  const before = lastBefore(heap, s, addr - heap.base(s), 0);
  return { before, first: behind(heap, s, before) };
}

/**
 * Does what a record asks for and recycles it; it is already out of the list. explicit: the program freed the object.
 * Source: freeSpecial.
 */
function freeSpecial(heap: Heap, s: MSpan, record: Addr, explicit = false): void {
  const i = record >>> 2;
  const value = heap.w[i + Special.value]!;
  const kind: SpecialKind = heap.w[i + Special.kind]!;
  switch (kind) {
    case SpecialKind.profile:
      heap.profiler.mProfFree(value, heap.mspan.elemSize[s], explicit);
      break;
    case SpecialKind.finalizer:
      heap.mspan.finalizers[s]--;
      heap.finalQueue.queue(value, heap.base(s) + heap.w[i + Special.offset]!);
      break;
    case SpecialKind.weakHandle:
      (heap.weakCells.get(value) as WeakCell).addr = 0; // every weak pointer to the object reads nil from here on
      heap.weakCells.release(value);
      break;
    case SpecialKind.cleanup:
      heap.finalQueue.queue(value, 0);
      break;
    case SpecialKind.host:
      heap.hostValues.release(value);
      break;
    case SpecialKind.handle:
      heap.handles.freed(value);
      break;
    default:
      gothrow(`bad special kind ${String(kind)}`);
  }
  releaseRecord(heap, record);
}
