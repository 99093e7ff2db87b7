// tracelog: an execution trace in memory, before it has a format. runtime/tracer.ts fills it from the event stream of a machine;
// exectrace.ts makes the file for `go tool trace` of it, chrometrace.ts the one for a browser.
//
// A record is one thing that happened on one P: kind, virtual time, two numbers and a stack. Records stand in the order in which
// the machine did them. What must hold, and what the formats rely on:
//
//   - the times of one P never go back
//   - what happens to a goroutine, and what the collector does, is never earlier than what happened to it before
//
// Source: runtime/trace.go.

/** Kinds of records. Below 64 they have the numbers and the meaning of Go's traceEv constants. */
export const enum TraceKind {
  batch = 1,
  frequency = 2,
  stack = 3,
  /** a GOMAXPROCS */
  gomaxprocs = 4,
  /** a M */
  procStart = 5,
  procStop = 6,
  /** a number of the cycle, from 0 on */
  gcStart = 7,
  gcDone = 8,
  /** a 0 mark termination, 1 sweep termination */
  stwStart = 9,
  stwDone = 10,
  sweepStart = 11,
  /** a bytes swept, b bytes reclaimed */
  sweepDone = 12,
  /** a goid, b stack of the function that it starts with */
  goCreate = 13,
  /** a goid, b sequence number of the goroutine */
  goStart = 14,
  goEnd = 15,
  goStop = 16,
  goSched = 17,
  goPreempt = 18,
  goSleep = 19,
  goBlock = 20,
  /** a goid, b sequence number */
  goUnblock = 21,
  goBlockSend = 22,
  goBlockRecv = 23,
  goBlockSelect = 24,
  goBlockSync = 25,
  goBlockCond = 26,
  goBlockNet = 27,
  goSysCall = 28,
  /** a goid, b sequence number, c when the call ended */
  goSysExit = 29,
  goSysBlock = 30,
  /** The goroutine scans in return for what it allocates. */
  markAssistStart = 43,
  markAssistDone = 44,
  /** a bytes */
  heapAlloc = 33,
  /** a bytes; 0: there is none */
  heapGoal = 34,
  string = 37,
  /** a goid, b sequence number, c string: a mark worker starts */
  goStartLabel = 41,
  goBlockGC = 42,
  /** a goid, b M: its system call has ended, and it has no P yet. Ours, and in no file of Go's */
  sysReturn = 64,
}

/** In place of a P: what happened outside of all of them. Go's traceGlobProc. */
export const globalP = -1;

/** One record. */
export interface TraceRecord {
  readonly kind: TraceKind;
  /** Virtual nanoseconds, at least 1. */
  readonly at: number;
  /** The P, or globalP. */
  readonly p: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Number of the stack in `stacks`; 0: none. */
  readonly stack: number;
}

/** Words of a record in the list. */
const enum Word {
  kind = 0,
  at = 1,
  p = 2,
  a = 3,
  b = 4,
  c = 5,
  stack = 6,
  count = 7,
}

/** A trace. */
export class TraceLog {
  private readonly words: number[] = [];
  private readonly stackIds = new Map<string, number>();
  private readonly stringIds = new Map<string, number>();
  /** Stacks by number, pcs leaf first; the first one is no stack. */
  readonly stacks: (readonly number[])[] = [[]];
  /** Strings by number; 0 is none. */
  readonly strings: string[] = [''];

  add(kind: TraceKind, at: number, p: number, a = 0, b = 0, c = 0, stack = 0): void {
    this.words.push(kind, at, p, a, b, c, stack);
  }

  /** Records. */
  get length(): number {
    return this.words.length / Word.count;
  }

  /** Record i, counted from 0. */
  at(i: number): TraceRecord {
    const { words } = this;
    const w = i * Word.count;
    return {
      kind: words[w + Word.kind]!,
      at: words[w + Word.at]!,
      p: words[w + Word.p]!,
      a: words[w + Word.a]!,
      b: words[w + Word.b]!,
      c: words[w + Word.c]!,
      stack: words[w + Word.stack]!,
    };
  }

  /** The records in their order. */
  *records(): Generator<TraceRecord, void, void> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  /** The number of a stack, pcs leaf first; 0 for an empty one. */
  stack(pcs: readonly number[]): number {
    if (pcs.length === 0) return 0;
    const key = pcs.join();
    let id = this.stackIds.get(key);
    if (id === undefined) {
      id = this.stacks.length;
      this.stacks.push(pcs);
      this.stackIds.set(key, id);
    }
    return id;
  }

  /** The number of a string; 0 for the empty one. */
  string(text: string): number {
    if (text === '') return 0;
    let id = this.stringIds.get(text);
    if (id === undefined) {
      id = this.strings.length;
      this.strings.push(text);
      this.stringIds.set(text, id);
    }
    return id;
  }
}
