// sudog: a goroutine that waits on something that others wait on too: a channel, a semaphore. A goroutine in a select has one
// for each case; one that waits on a single thing is its own (Op extends Sudog). Source: runtime2.go sudog, chan.go waitq.
//
// A sudog is an object of JavaScript with a record in the arena, and hangs in a queue of what it waits on (linked both ways,
// because a select leaves the other queues from the middle). The links are fields, for they change with every switch;
// `write` writes them into the record when somebody looks at the goroutine: the collector at its stack, an inspector at
// everything (proc.ts, "what is in fields"). Through the goroutine's list of records (gt.waiting) the collector finds what a
// parked goroutine keeps alive: the thing it waits on, and the pointer that it brings.
//
// Where Go leaves the sudogs of the cases that lost to the goroutine, to be taken out when it runs again, whoever wakes a
// goroutine takes them out at once: one thread runs the machine, so nobody can have seen them in between.
//
// Invariant K3: a sudog is in one queue if and only if its goroutine waits, and it is that goroutine or in its list.

import type { Addr } from '../runtime/internal/memory.ts';
import { FixAlloc, Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { type G, GStatus, type GTable } from './g.ts';
import type { Op } from './op.ts';
import type { HeapRecord } from './record.ts';

/** Word offsets of a sudog's record. */
export const enum SudogRecord {
  /** a number in flight: a double, words 0 and 1 */
  number = 0,
  g = 2,
  /** neighbours in the queue */
  next,
  prev,
  /** a pointer in flight; a root */
  elem,
  /** address of the heap record (channel, semaphore) that it waits on; a root */
  record,
  /** next sudog of the same goroutine */
  waitLink,
  /** which case of a select; -1 outside of one */
  selectCase,
  /** word index of the queue that it is in */
  queue,
  words,
}

/** Who waits on a thing, first come first served. In the arena it is two words of the thing's record, the first and the last one. */
export class WaitQueue {
  first: Sudog | null = null;
  last: Sudog | null = null;

  constructor(
    readonly owner: HeapRecord,
    /** Word offset in the owner's record. */
    private readonly word: number,
  ) {}

  /** Word index of the queue in the arena. */
  get at(): number {
    return this.owner.i + this.word;
  }

  /** Writes the queue into its owner's record. */
  save(w: Int32Array): void {
    const { at } = this;
    w[at] = this.first === null ? 0 : this.first.record;
    w[at + 1] = this.last === null ? 0 : this.last.record;
  }

  /** Appends. Source: waitq.enqueue. */
  enqueue(sg: Sudog): void {
    const { last } = this;
    sg.after = null;
    sg.before = last;
    sg.queue = this;
    if (last !== null) last.after = sg;
    else this.first = sg;
    this.last = sg;
  }

  /** Puts it before all others: a waiter that lost to somebody else keeps its turn. Source: semaRoot.queue with lifo. */
  enqueueFirst(sg: Sudog): void {
    const { first } = this;
    sg.after = first;
    sg.before = null;
    sg.queue = this;
    if (first !== null) first.before = sg;
    else this.last = sg;
    this.first = sg;
  }

  /** Takes the first one out, which is `sg`. Source: waitq.dequeue. */
  shift(sg: Sudog): void {
    const { after } = sg;
    this.first = after;
    if (after === null) this.last = null;
    else after.before = null;
    sg.queue = null;
  }

  /** Takes one out of the middle. Source: waitq.dequeueSudoG. */
  unlink(sg: Sudog): void {
    const { before, after } = sg;
    if (before !== null) before.after = after;
    else this.first = after;
    if (after !== null) after.before = before;
    else this.last = before;
    sg.queue = null;
  }
}

/** One waiter in one queue. */
export class Sudog {
  /** Its goroutine: itself, unless it is a case of a select. */
  op = this as unknown as Op;
  /** The queue that it is in, null for none, and its neighbours there. */
  queue: WaitQueue | null = null;
  after: Sudog | null = null;
  before: Sudog | null = null;
  /** What it brings: a number or a value of JavaScript. In an Op it is what the operation gives, too: never both. */
  value: unknown = undefined;
  /** The pointer that it brings. */
  elem: Addr = 0;
  /** Which case of a select; -1 outside of one. */
  selectCase = -1;
  /** Next sudog of the same select; of a free one, the next free one. */
  waitLink: Sudog | null = null;

  constructor(
    /** Address of its record in the arena. */
    readonly record: Addr,
  ) {}

  /** Writes it into its record, as the one before `next` in its goroutine's list. */
  write(w: Int32Array, f64: Float64Array, next: Addr): void {
    const { record, queue, value } = this;
    const i = record >>> 2;
    f64[record >>> 3] = typeof value === 'number' ? value : 0;
    w[i + SudogRecord.g] = this.op.g;
    w[i + SudogRecord.next] = this.after === null ? 0 : this.after.record;
    w[i + SudogRecord.prev] = this.before === null ? 0 : this.before.record;
    w[i + SudogRecord.elem] = this.elem;
    w[i + SudogRecord.record] = queue === null ? 0 : queue.owner.i << 2;
    w[i + SudogRecord.waitLink] = next;
    w[i + SudogRecord.selectCase] = this.selectCase;
    w[i + SudogRecord.queue] = queue === null ? 0 : queue.at;
  }
}

/** All sudogs of a machine. */
export class Sudogs {
  private readonly records: FixAlloc;
  private free: Sudog | null = null;

  constructor(sys: SysMem) {
    this.records = new FixAlloc(sys, SudogRecord.words * 4, Sys.other);
  }

  /** A new record. */
  newRecord(): Addr {
    return this.records.alloc();
  }

  /** A sudog of op's select for case k, in no queue yet. Source: acquireSudog. */
  acquire(op: Op, k: number): Sudog {
    let sg = this.free;
    if (sg === null) sg = new Sudog(this.newRecord());
    else this.free = sg.waitLink;
    sg.op = op;
    sg.selectCase = k;
    sg.elem = 0;
    sg.value = undefined;
    sg.waitLink = op.selecting;
    op.selecting = sg;
    return sg;
  }

  /**
   * Takes the first one out of a queue; its goroutine waits on nothing any more. null: nobody waits. A sudog of a select is
   * recycled, but what it says stands until the next one is acquired. Source: waitq.dequeue, releaseSudog.
   */
  serve(queue: WaitQueue): Sudog | null {
    const sg = queue.first;
    if (sg === null) return null;
    if (sg.op === sg) queue.shift(sg);
    else {
      sg.op.selected = sg.selectCase;
      this.releaseAll(sg.op);
    }
    return sg;
  }

  /** Takes the sudogs of op's select out of their queues, and recycles them. */
  releaseAll(op: Op): void {
    for (let sg = op.selecting; sg !== null; ) {
      if (sg.queue !== null) sg.queue.unlink(sg);
      const next: Sudog | null = sg.waitLink;
      sg.waitLink = this.free;
      this.free = sg;
      sg = next;
    }
    op.selecting = null;
  }
}

/** K3: one sentence for each violation; call it between two turns. */
export function sudogFindings(ops: readonly Op[], gt: GTable, rows: number): string[] {
  const out: string[] = [];
  for (let g = 1 as G; g <= rows; g++) {
    const op = ops[g]!;
    const goid = gt.goid[g];
    if ((op.queue !== null || op.selecting !== null) && op.status !== GStatus.waiting)
      out.push(`K3: goroutine ${goid} has sudogs and does not wait`);
    if (op.queue !== null && !isIn(op.queue, op)) out.push(`K3: a sudog of goroutine ${goid} is in no queue`);
    for (let sg = op.selecting; sg !== null; sg = sg.waitLink) {
      if (sg.op !== op) out.push(`K3: a sudog in the list of goroutine ${goid} belongs to row ${sg.op.g}`);
      if (sg.queue === null || !isIn(sg.queue, sg)) out.push(`K3: a sudog of goroutine ${goid} is in no queue`);
    }
  }
  return out;
}

function isIn(queue: WaitQueue, wanted: Sudog): boolean {
  for (let sg = queue.first; sg !== null; sg = sg.after) if (sg === wanted) return true;
  return false;
}

/** Visits the pointers of the sudogs in a goroutine's list: what it waits on and what it brings. */
export function eachWaiting(w: Int32Array, first: Addr, visit: (addr: Addr) => void): void {
  for (let sg = first; sg !== 0; sg = w[(sg >>> 2) + SudogRecord.waitLink]!) {
    visit(w[(sg >>> 2) + SudogRecord.elem]!);
    visit(w[(sg >>> 2) + SudogRecord.record]!);
  }
}
