// shadow: what the race detector (races.ts) remembers of one variable: the last write, and the reads since then. Mostly the last
// read is enough, since it comes after those before it; only reads that nothing orders need a clock of their own.
import type { Clock, Clocks } from './clocks.ts';
import type { Task } from './types.ts';

/** One of two accesses that race. */
export interface Access {
  readonly task: Task;
  readonly writes: boolean;
  readonly atomic: boolean;
  /** A stack of JavaScript; '' without details. */
  readonly stack: string;
}

/** Two accesses that nothing orders. */
export interface Race {
  /** What was accessed. */
  readonly place: string;
  readonly now: Access;
  readonly before: Access;
}

/** What the detector asks of the machine. */
export interface RaceReporter {
  /** Who runs; the clock task: nobody. */
  running(): Task;
  /** Whoever runs finalizers: the collector comes before it, which has no clock. */
  exempt(task: Task): boolean;
  /** Where a task stands: at the operation that it performs, or (not atOperation) in the plain code behind it. '' without details. */
  stack(task: Task, atOperation: boolean): string;
}

/** What is known of one variable. A moment is a task and the number of its clock; number 0: never. */
export class Shadow {
  private writer: Task = 0;
  private wroteAt = 0;
  private writeStack = '';
  private reader: Task = 0;
  private readAt = 0;
  /** By task, when one moment is not enough. */
  private reads: Clock | null = null;
  /** Of an atomic: by task, its atomic writes and its other atomic accesses. */
  private atomicWrites: Clock | null = null;
  private atomicReads: Clock | null = null;
  /** By task, with details only: where it has read, where it has used it as an atomic. */
  private stacks: string[] | null = null;

  constructor(private readonly clocks: Clocks) {}

  /** A plain access; an earlier one that it races with, or null. */
  access(task: Task, writes: boolean, stack: string): Access | null {
    const clock = this.clocks.of(task);
    const before = this.unordered(clock, writes) ?? this.unorderedAtomic(clock, writes);
    if (writes) {
      this.writer = task;
      this.wroteAt = clock[task]!;
      this.writeStack = stack;
      this.readAt = 0;
      this.reads?.fill(0);
    } else this.hasRead(task, clock);
    if (stack !== '' && !writes) (this.stacks ??= [])[task] = stack;
    return before;
  }

  /** An atomic access; a plain one that it races with, or null. */
  atomicAccess({ task, writes, stack }: Access): Access | null {
    const clock = this.clocks.of(task);
    const before = this.unordered(clock, writes);
    const at = writes ? (this.atomicWrites ??= this.clocks.make()) : (this.atomicReads ??= this.clocks.make());
    at[task] = clock[task]!;
    if (stack !== '') (this.stacks ??= [])[task] = stack;
    return before;
  }

  private unordered(clock: Clock, writes: boolean): Access | null {
    if (this.wroteAt > clock[this.writer]!) return { task: this.writer, writes: true, atomic: false, stack: this.writeStack };
    if (!writes) return null;
    const { reads } = this;
    const reader = reads !== null ? this.clocks.ahead(reads, clock) : this.readAt > clock[this.reader]! ? this.reader : -1;
    return reader < 0 ? null : { task: reader, writes: false, atomic: false, stack: this.stacks?.[reader] ?? '' };
  }

  private unorderedAtomic(clock: Clock, writes: boolean): Access | null {
    const writer = this.atomicWrites === null ? -1 : this.clocks.ahead(this.atomicWrites, clock);
    if (writer >= 0) return { task: writer, writes: true, atomic: true, stack: this.stacks?.[writer] ?? '' };
    if (!writes || this.atomicReads === null) return null;
    const reader = this.clocks.ahead(this.atomicReads, clock);
    return reader < 0 ? null : { task: reader, writes: false, atomic: true, stack: this.stacks?.[reader] ?? '' };
  }

  private hasRead(task: Task, clock: Clock): void {
    if (this.reads !== null) {
      this.reads[task] = clock[task]!;
      return;
    }
    if (this.readAt > clock[this.reader]!) {
      this.reads = this.clocks.make(); // nothing orders the last read and this one
      this.reads[this.reader] = this.readAt;
      this.reads[task] = clock[task]!;
      return;
    }
    this.reader = task;
    this.readAt = clock[task]!;
  }
}
