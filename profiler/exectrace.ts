// exectrace: a trace as the file that `go tool trace` of Go 1.19 reads. Source: the head of
// runtime/trace.go and internal/trace/parser.go, order.go.
//
//   header    "go 1.19 trace" and zeros, 16 bytes
//   batch     P, time; then its records, each with the time since the one before. A batch for each P
//   frequency ticks in a second: our ticks are nanoseconds
//   strings   number, length, UTF-8
//   stacks    number, frames, and for each: pc, function, file (numbers of strings), line
//
// A record is a byte (kind, and in the upper two bits how many arguments follow the first) and unsigned LEB128 numbers. With
// four arguments or more the bits are 3, and a number says how many bytes the arguments take.
//
// The reader merges the batches: of the first records of all, it takes the earliest of those whose goroutine is in the state
// before it, which the sequence numbers say; and it refuses a file in which the times of what it has merged go back.

import { ByteWriter } from './bytewriter.ts';
import type { Frame } from './symtab.ts';
import { TraceKind, type TraceLog, type TraceRecord } from './tracelog.ts';

/** Longest string that Go's reader takes, in characters of up to three bytes. */
const longestString = 300_000;

/** Arguments between a record's time and its stack, and whether it has a stack; all others have neither. */
const shapes: Readonly<Record<number, readonly [args: 0 | 1 | 2 | 3, stack: boolean]>> = {
  [TraceKind.gomaxprocs]: [1, true],
  [TraceKind.procStart]: [1, false],
  [TraceKind.gcStart]: [1, true],
  [TraceKind.stwStart]: [1, false],
  [TraceKind.sweepStart]: [0, true],
  [TraceKind.sweepDone]: [2, false],
  [TraceKind.goCreate]: [2, true],
  [TraceKind.goStart]: [2, false],
  [TraceKind.goStop]: [0, true],
  [TraceKind.goSched]: [0, true],
  [TraceKind.goPreempt]: [0, true],
  [TraceKind.goSleep]: [0, true],
  [TraceKind.goBlock]: [0, true],
  [TraceKind.goUnblock]: [2, true],
  [TraceKind.goBlockSend]: [0, true],
  [TraceKind.goBlockRecv]: [0, true],
  [TraceKind.goBlockSelect]: [0, true],
  [TraceKind.goBlockSync]: [0, true],
  [TraceKind.goBlockCond]: [0, true],
  [TraceKind.goBlockNet]: [0, true],
  [TraceKind.goSysCall]: [0, true],
  [TraceKind.goSysExit]: [3, false],
  [TraceKind.markAssistStart]: [0, true],
  [TraceKind.heapAlloc]: [1, false],
  [TraceKind.heapGoal]: [1, false],
  [TraceKind.goStartLabel]: [3, false],
  [TraceKind.goBlockGC]: [0, true],
};

/** A record of the file: its kind and its numbers. */
function put(out: ByteWriter, kind: TraceKind, args: readonly number[]): void {
  if (args.length < 4) {
    out.byte(kind | ((args.length - 1) << 6));
    for (const n of args) out.varint(n);
    return;
  }
  const body = new ByteWriter();
  for (const n of args) body.varint(n);
  out.byte(kind | (3 << 6));
  out.varint(body.length);
  out.append(body);
}

function putRecord(out: ByteWriter, r: TraceRecord, before: number): void {
  const [args, stack] = shapes[r.kind] ?? [0, false];
  const numbers = [r.at - before, r.a, r.b, r.c].slice(0, 1 + args);
  if (stack) numbers.push(r.stack);
  put(out, r.kind, numbers);
}

/** The file for `go tool trace`. frameOf: what a pc means. */
export function execTrace(log: TraceLog, frameOf: (pc: number) => Frame): Uint8Array {
  const out = new ByteWriter();
  for (const c of 'go 1.19 trace\0\0\0') out.byte(c.charCodeAt(0));
  const batches = new Map<number, { out: ByteWriter; last: number }>();
  for (const r of log.records()) {
    if (r.kind >= TraceKind.sysReturn) continue;
    let batch = batches.get(r.p);
    if (batch === undefined) {
      batch = { out: new ByteWriter(), last: r.at };
      put(batch.out, TraceKind.batch, [r.p, r.at]);
      batches.set(r.p, batch);
    }
    putRecord(batch.out, r, batch.last);
    batch.last = r.at;
  }
  for (const batch of batches.values()) out.append(batch.out);
  put(out, TraceKind.frequency, [1e9]);
  const stacks = log.stacks.map((pcs) =>
    pcs.map((pc) => {
      const { func, file, line } = frameOf(pc);
      return [pc, log.string(func), log.string(file), line];
    }),
  );
  log.strings.forEach((text, id) => {
    if (id === 0) return;
    out.byte(TraceKind.string);
    out.varint(id);
    out.text(text.slice(0, longestString));
  });
  stacks.forEach((frames, id) => {
    if (id > 0) put(out, TraceKind.stack, [id, frames.length, ...frames.flat()]);
  });
  return out.bytes();
}
