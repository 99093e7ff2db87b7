// records: what the profiler hands out, one object a bucket. Plain data: whoever has a record may keep and change it; the text
// and file formats are made of these alone. Go's StackRecord, BlockProfileRecord, MemProfileRecord of mprof.go.
//
// Go fills a slice that the caller brings and says how many records there would have been (n, ok); readAll is the loop that
// every caller of Go's writes around that.

/** One stack. Go's StackRecord; `stack` is the used part of Stack0: pcs, leaf first, at most 32. */
export interface StackRecord {
  stack: number[];
}

/** What BlockProfile and MutexProfile return for one bucket. Go's BlockProfileRecord. */
export interface BlockProfileRecord extends StackRecord {
  /** Events, a whole number. */
  count: number;
  /** Ticks, which are virtual nanoseconds here. */
  cycles: number;
}

/** What MemProfile returns for one bucket. Go's MemProfileRecord. */
export interface MemProfileRecord extends StackRecord {
  allocBytes: number;
  freeBytes: number;
  allocObjects: number;
  freeObjects: number;
  /** Size in bytes of each object of the bucket. */
  size: number;
}

/** Bytes in use, Go's (*MemProfileRecord).InUseBytes. Negative when a scheme counts a free before its malloc. */
export function inUseBytes(r: MemProfileRecord): number {
  return r.allocBytes - r.freeBytes;
}

/** Objects in use, Go's (*MemProfileRecord).InUseObjects. */
export function inUseObjects(r: MemProfileRecord): number {
  return r.allocObjects - r.freeObjects;
}

/** How a profile answers: n records there are, and ok when they fitted into p; else p is untouched. */
export interface ProfileAnswer {
  n: number;
  ok: boolean;
}

/** Asks for a profile with as much room as it needs. */
export function readAll<R>(profile: (p: R[]) => ProfileAnswer): R[] {
  for (let room = 0; ; ) {
    const p = new Array<R>(room);
    const { n, ok } = profile(p);
    if (ok) return p.slice(0, n);
    room = n;
  }
}
