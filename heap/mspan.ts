// mspan: the table of spans. A span is a run of pages cut into slots of one size. See layout.ts for the ladder.
//
// sweepGen against the heap's generation sg (which goes up by 2 at each mark termination), exactly Go's table:
//   sg-2   needs sweeping              sg+1   cached before the sweep began, still cached: needs sweeping
//   sg-1   being swept                 sg+3   swept, then cached
//   sg     swept, ready for use
import type { AtomicColumn, Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import type { TypeId } from './types.ts';

/** Row of the span table; 0 is nil. */
export type MSpan = Id<'mspan'>;

/** Who owns the pages. Go's mSpanState. */
export const enum SpanState {
  /** the row is free or its pages are */
  dead = 0,
  /** objects of the collected heap */
  inUse = 1,
  /** memory managed by hand: stacks */
  manual = 2,
}

/** `objType` of a span whose slots have different types. */
export const mixedTypes = -1 as TypeId;
/** `objType` of a span in which nothing was allocated since it was empty. */
export const noTypeYet = -2 as TypeId;

export function mspanTable(mem: LinearAlloc, rows: number) {
  mem.table('mspan');
  return {
    /** SpanState. Written under the heap lock; the store that makes the span visible. */
    state: mem.u8<MSpan>('state', rows),
    /** First page, counted from address 0 (base address >>> 13). Set once, under the heap lock. */
    startPage: mem.i32<MSpan>('startPage', rows),
    /** Pages. Set once, under the heap lock. */
    npages: mem.i32<MSpan>('npages', rows),
    /** Size class << 1 | noscan. Set once, under the heap lock. */
    spanClass: mem.u8<MSpan>('spanClass', rows),
    /** Bytes of a slot; for a large object, of all its pages. */
    elemSize: mem.i32<MSpan>('elemSize', rows),
    /** Slots the span was cut into. */
    nelems: mem.u16<MSpan>('nelems', rows),
    /** Slots in use. The caching P writes it at safepoints, the sweeper after a sweep. */
    allocCount: mem.u16<MSpan>('allocCount', rows),
    /** Address; every slot before it is in use or in a cached free mask. Go's freeindex, as an address. */
    freeAddr: mem.i32<MSpan>('freeAddr', rows),
    /** See the head of this file. Changed by cas and publish. */
    sweepGen: mem.atomic<MSpan>('sweepGen', rows),
    /** 1: slots hold old data and must be zeroed when allocated. Only the sweep sets it; fresh pages are zero. */
    needZero: mem.u8<MSpan>('needZero', rows),
    /** The type of every object, or mixedTypes, or noTypeYet. */
    objType: mem.i32<MSpan>('objType', rows),
    /** First record of the specials, sorted by (offset, kind); 0 for none. Under the span's special lock. */
    specials: mem.i32<MSpan>('specials', rows),
    /** Last record of the specials: objects are sampled in address order, so most are appended. */
    specialsTail: mem.i32<MSpan>('specialsTail', rows),
    /** Finalizer records among the specials: lets the marker and the sweeper pass over all other spans. */
    finalizers: mem.u16<MSpan>('finalizers', rows),
    /** Neighbours in the span set that it is in; 0 at the ends. */
    next: mem.i32<MSpan>('next', rows),
    prev: mem.i32<MSpan>('prev', rows),
    /** Number of the set that it is in, plus 1; 0 for none (cached, large and being allocated, dead). */
    set: mem.u16<MSpan>('set', rows),
  } satisfies Record<string, Column<MSpan> | AtomicColumn<MSpan>>;
}

/** The span table's columns. */
export type MSpanTable = ReturnType<typeof mspanTable>;
