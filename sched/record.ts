// record: channels, mutexes and their like. What they are lies in a record on the collected heap, as in Go; the program has an
// object of JavaScript in hand, in variables that the collector cannot see. How does the collector know which are in use?
//
//   - a goroutine that waits keeps what it waits on (sudog.ts)
//   - a channel with pointers in its buffer is a root: nobody else keeps what they point to
//   - any other record is collected when a cycle finds it unreached; if JavaScript uses it after all, its handle, which the
//     sweeper has told (heap/mhandle.ts), makes a new record
//
// The words that change with every operation are fields of the object; `save` writes them into the record when somebody looks
// at it (proc.ts, "what is in fields"), and so a new record says what the old one would have said.
//
// So a variable of JavaScript is never wrong, and what was forgotten costs nothing. While marking, the first use in a cycle
// shades the record; after it, the first use has the record's span swept, so as not to touch what is dead (as weak pointers
// do). Both cost one comparison an operation.
//
// Invariant K4: a record that a sudog names, and one that is a root, is never freed.

import type { GC } from '../gc/mgc.ts';
import type { RecordHandle } from '../heap/mhandle.ts';
import type { Heap } from '../heap/mheap.ts';
import { attachSpecial, SpecialKind } from '../heap/mspecial.ts';
import { ensureSwept } from '../heap/msweep.ts';
import type { RType } from '../heap/types.ts';
import { inspect } from '../runtime/internal/look.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { Sched } from './proc.ts';

/** A record on the heap and its JavaScript side. */
export abstract class HeapRecord implements RecordHandle {
  /** Virtual time of the last operation. */
  private time = 0;
  private offHeap = false;
  protected readonly w: Int32Array;
  protected readonly heap: Heap;
  // What every operation reads stands together: here and at the beginning of what extends this.
  protected readonly gc: GC;
  /** @internal Word index of the record; 0 while there is none. */
  i = 0;
  /** The cycle in which the record is known to live: gc.cycle, or older. */
  protected seen = -1;
  readonly sched: Sched;

  constructor(
    sched: Sched,
    private readonly type: RType,
    private readonly bytes: number,
  ) {
    this.gc = sched.gc;
    this.heap = sched.heap;
    this.w = this.heap.w;
    this.sched = sched;
  }

  /** In a console: not the machine that it belongs to. */
  [inspect](): string {
    return this.constructor.name.replace(/^_|\d+$/g, ''); // a bundler's underscore or number
  }
  toJSON(): unknown {
    return {};
  }

  /** Makes the record: once, when the thing is made. */
  make(): void {
    this.touch();
  }

  /** Address of the record, which exists after this. */
  get addr(): Addr {
    this.touch();
    return this.i << 2;
  }

  /** Every operation begins with it: the record exists, and the running cycle will not take it. */
  protected touch(): void {
    if (this.seen !== this.gc.cycle) this.meet();
    if (this.sched.procs !== 1) this.order();
  }

  private order(): void {
    this.time = this.sched.orderAfter(this.time);
  }

  /** The same with a pointer in hand that nothing else may keep. */
  protected touchWith(pointer: Addr): void {
    const slot = this.sched.holds.hold(pointer);
    this.touch();
    this.sched.holds.drop(slot);
  }

  /** Its record is at this word, off the heap and zeroed; the collector has nothing to do with it. Who explores schedules makes many. */
  placeOffHeap(word: number): void {
    this.offHeap = true;
    this.i = word;
    this.seen = this.gc.cycle;
    this.sched.offHeap.push(this);
    this.created();
    this.save();
  }

  private meet(): void {
    const { gc, heap } = this;
    if (this.offHeap) {
      this.seen = gc.cycle;
      return;
    }
    if (this.i !== 0 && !gc.marking) ensureSwept(heap, heap.spanOf(this.i << 2)); // may call freed()
    if (this.i === 0) this.create();
    else if (gc.marking) gc.work.grey(this.i << 2);
    this.seen = gc.cycle;
  }

  private create(): void {
    const { heap } = this;
    const addr = this.sched.mutator.mallocgc(this.bytes, this.type);
    this.i = addr >>> 2;
    attachSpecial(heap, addr, SpecialKind.handle, heap.handles.add(this));
    this.created();
    this.save();
  }

  /** The record is new. */
  protected created(): void {}

  /** @internal Writes what is in fields into the record, which exists. */
  abstract save(): void;

  /** What is wrong with it, one sentence for each finding. */
  findings(): string[] {
    return [];
  }

  /** The collector took the record. */
  freed(): void {
    if (this.hasWaiters()) gothrow(`K4: record 0x${(this.i << 2).toString(16)} was freed while a goroutine waits on it`);
    this.i = 0;
    this.seen = -1;
  }

  /** @internal Words of the record. */
  get words(): number {
    return this.bytes >>> 2;
  }

  /** Whether anybody waits on it. */
  protected abstract hasWaiters(): boolean;
}
