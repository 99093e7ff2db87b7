// layout: the heap in one picture. Every tour starts here; the other files of this folder point back.
//
// The allocator is a ladder of caches. An allocation climbs it only as far as it must:
//
//   1 mcache    (mcache.ts, one a P)       a span of each span class with room; a slot is two bit operations away
//   2 mcentral  (mcentral.ts, one a class) spans with room and spans without, swept and not yet swept
//   3 mheap     (mheap.ts)                 runs of pages become spans and spans become runs of pages
//   4 pages     (mpagealloc.ts)            a bitmap, address-ordered first fit
//
// and memory comes back down it when a span is swept (msweep.ts): its dead slots are free again; a span without live
// slots goes back to mheap. Large objects (over 32 KiB) take pages directly, a span each.
//
// Three bit maps describe every slot, with one bit for each granule of 8 bytes of the arena, at the slot's first granule:
//
//   startBits   a slot begins here (whatever is in it); tells an object's address from one inside it
//   allocBits   was live at the last sweep of its span
//   markBits    reached by the marking of this cycle; black if allocated during it
//
// The bit of an address needs no span: word addr >>> 8, bit (addr >>> 3) & 31; a page has 32 words. A span's free slots
// are ~allocBits & startBits: 32 granules in one operation.
// (Go keeps bits per slot behind each span. Rejected here: finding a slot's number costs a table load and a multiply for
// every marked object, measured 11 against 7 ns. An 8-byte granule instead of 16 keeps Go's 8-byte class.)
//
// A slot at or behind freeAddr whose alloc bit is clear is free; the allocator hands slots out in address order, so
// everything before freeAddr that is not in allocBits was allocated since the last sweep. While a P caches the span, the
// truth is in the P's MCache (a register, so to say) and is written back at safepoints (Heap.writeBack).
//
// Invariants are numbered in docs/invariants.md and checked by check.ts.

/** Bytes for which the bit maps have one bit; also the alignment of every object. */
export const granuleBytes = 8;
/** Bit-map words of one page. */
export const wordsPerPage = 32;
/** Shift from an address to its bit-map word. */
export const bitWordShift = 8;
/** Pages of a chunk of the page allocator, and the unit in which the heap grows: 4 MiB. */
export const chunkPages = 512;
