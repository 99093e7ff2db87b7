// mhandle: objects of the heap that JavaScript has in hand. A channel or a mutex is used through an object of JavaScript, in
// variables that the collector does not see. So that its record on the heap can be collected all the same, the record has a
// special (mspecial.ts) with the number of its handle, and the sweeper tells the handle when it frees the record.
// The table here keeps a handle only as long as its record: afterwards it is JavaScript's own business.

/** The JavaScript side of a record on the heap. */
export interface RecordHandle {
  /** The sweeper is about to free the record: its words can be read for the last time. */
  freed(): void;
}

/** The handles of one machine, by number. */
export class Handles {
  private readonly list: (RecordHandle | null)[] = [null];
  private readonly unused: number[] = [];

  /** Returns the handle's number (never 0). */
  add(handle: RecordHandle): number {
    const n = this.unused.pop() ?? this.list.length;
    this.list[n] = handle;
    return n;
  }

  /** The record of handle n is dead. */
  freed(n: number): void {
    const handle = this.list[n]!;
    this.list[n] = null;
    this.unused.push(n);
    handle.freed();
  }

  /** Visits the handles of all records that exist. */
  each(visit: (handle: RecordHandle) => void): void {
    for (const handle of this.list) if (handle !== null) visit(handle);
  }

  /** Records that exist. */
  get count(): number {
    return this.list.length - 1 - this.unused.length;
  }
}
