// Formats of an execution trace: bytes of the numbers and records that Go's reader wants, and slices that Chrome's reader wants.
// (tests/go/exectrace.test.ts lets Go's own reader judge whole traces.)
import { describe, expect, test } from 'vitest';
import { churn } from '../../../examples/churn.ts';
import { ByteWriter } from '../../../profiler/bytewriter.ts';
import { chromeTrace } from '../../../profiler/chrometrace.ts';
import { execTrace } from '../../../profiler/exectrace.ts';
import { globalP, TraceKind, TraceLog } from '../../../profiler/tracelog.ts';
import { type GoFunc, i32, RandomChooser, Runtime } from '../../../runtime/index.ts';

const frameOf = (pc: number) => ({ func: `main.f${pc}`, file: 'a.go', line: pc });

describe('numbers and text', () => {
  const varint = (n: number) => {
    const out = new ByteWriter();
    out.varint(n);
    return [...out.bytes()];
  };
  test.each<[number, number[]]>([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
    [2 ** 53 - 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [-1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
  ])('%d', (n, bytes) => {
    expect(varint(n)).toEqual(bytes);
  });

  test('a text has its length in bytes before it, and the writer grows', () => {
    const out = new ByteWriter();
    for (let i = 0; i < 1000; i++) out.text('größe');
    expect(out.length).toBe(8000);
    expect([...out.bytes().subarray(-8)]).toEqual([7, ...new TextEncoder().encode('größe')]);
  });
});

/** main on P0 makes G5, which a second P runs; a system call whose P is taken, and whose end is on record later. */
function smallLog(): TraceLog {
  const log = new TraceLog();
  const stack = log.stack([3, 2]);
  log.add(TraceKind.procStart, 1, 0, 0);
  log.add(TraceKind.goCreate, 1, 0, 1, log.stack([1]));
  log.add(TraceKind.goStart, 10, 0, 1, 1);
  log.add(TraceKind.goCreate, 20, 0, 5, stack, 0, stack);
  log.add(TraceKind.procStart, 30, 1, 7);
  log.add(TraceKind.goStart, 1030, 1, 5, 1);
  log.add(TraceKind.goSysCall, 1040, 1, 0, 0, 0, stack);
  log.add(TraceKind.goSysBlock, 2040, 1);
  log.add(TraceKind.procStop, 2040, 1);
  log.add(TraceKind.sysReturn, 3000, globalP, 5, 7);
  log.add(TraceKind.goBlockRecv, 4000, 0, 0, 0, 0, stack);
  log.add(TraceKind.goSysExit, 4100, 0, 5, 2, 3000);
  log.add(TraceKind.goStart, 4100, 0, 5, 3);
  log.add(TraceKind.goEnd, 5100, 0);
  return log;
}

describe('for go tool trace', () => {
  test('a header, a batch for each P with times since the record before, the frequency, strings, stacks', () => {
    const log = smallLog();
    const bytes = [...execTrace(log, frameOf)];
    expect(String.fromCharCode(...bytes.slice(0, 16))).toBe('go 1.19 trace\0\0\0');
    const starts = (at: number, ...want: number[]) => expect(bytes.slice(at, at + want.length)).toEqual(want);
    const args = (n: number) => (n - 1) << 6;
    starts(16, TraceKind.batch | args(2), 0, 1, TraceKind.procStart | args(2), 0, 0);
    // four numbers: their length in bytes stands before them
    starts(22, TraceKind.goCreate | args(4), 4, 0, 1, 2, 0, TraceKind.goStart | args(3), 9, 1, 1);
    const frequency = [TraceKind.frequency, 0x80, 0x94, 0xeb, 0xdc, 3]; // 1e9
    const at = bytes.findIndex((_, i) => frequency.every((b, k) => bytes[i + k] === b));
    expect(at).toBeGreaterThan(0);
    expect(bytes).not.toContain(TraceKind.sysReturn); // no record of Go's
    starts(at + 6, TraceKind.string, 1, 7, ...Buffer.from('main.f3'), TraceKind.string, 2, 4, ...Buffer.from('a.go'));
    const stacks = [TraceKind.stack | args(4), 10, 1, 2, 3, 1, 2, 3, 2, 3, 2, 2, TraceKind.stack | args(4), 6, 2, 1, 1, 4, 2, 1];
    expect(bytes.slice(-stacks.length)).toEqual(stacks);
  });

  test('equal stacks and strings are there once', () => {
    const log = new TraceLog();
    expect([log.stack([]), log.stack([1, 2]), log.stack([1, 2]), log.stack([12])]).toEqual([0, 1, 1, 2]);
    expect([log.string(''), log.string('a'), log.string('a')]).toEqual([0, 1, 1]);
  });

  test('the same log twice gives the same bytes', () => {
    const log = smallLog();
    const bytes = execTrace(log, frameOf);
    expect(execTrace(log, frameOf)).toEqual(bytes);
  });
});

describe('for Chrome', () => {
  interface ChromeEvent {
    readonly ph: string;
    readonly pid: number;
    readonly tid: number;
    readonly ts: number;
    readonly dur: number;
    readonly name: string;
    readonly args: { readonly name: string };
  }
  const { displayTimeUnit, traceEvents } = JSON.parse(chromeTrace(smallLog(), frameOf)) as {
    displayTimeUnit: string;
    traceEvents: ChromeEvent[];
  };
  const processes = new Map(traceEvents.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [pid, args.name]));
  const slices = (process: string, tid: number) =>
    traceEvents
      .filter((e) => e.ph === 'X' && processes.get(e.pid) === process && e.tid === tid)
      .map(({ ts, dur, name }) => [Math.round(ts * 1e3), Math.round((ts + dur) * 1e3), name]);

  test('what each P, M and goroutine did, one slice after the other', () => {
    expect(displayTimeUnit).toBe('ns');
    expect([...processes.values()]).toEqual(['Ps', 'Ms', 'goroutines', 'collector']);
    expect(slices('Ps', 0)).toEqual([
      [10, 4000, 'G1 main.f1'],
      [4100, 5100, 'G5 main.f3'],
    ]);
    expect(slices('Ps', 1)).toEqual([
      [1030, 1040, 'G5 main.f3'],
      [1040, 2040, 'G5 main.f3 (system call)'],
    ]);
    expect(slices('Ms', 7)).toEqual([
      [1030, 1040, 'G5 main.f3'],
      [1040, 2040, 'G5 main.f3 (system call)'],
      [2040, 3000, 'G5 main.f3 (system call)'],
    ]);
    expect(slices('goroutines', 5)).toEqual([
      [20, 1030, 'runnable'],
      [1030, 1040, 'running'],
      [1040, 2040, 'system call'],
      [2040, 3000, 'system call'],
      [3000, 4100, 'runnable'],
      [4100, 5100, 'running'],
    ]);
    expect(slices('goroutines', 1)).toEqual([
      [1, 10, 'runnable'],
      [10, 4000, 'running'],
      [4000, 5100, 'chan receive'], // to the end of the trace
    ]);
  });

  test('every track has a name', () => {
    const named = traceEvents.filter(({ name }) => name === 'thread_name').map(({ pid, args }) => `${processes.get(pid)}: ${args.name}`);
    expect(named).toEqual(['Ps: P0', 'Ps: P1', 'Ms: M0', 'Ms: M7', 'goroutines: G1 main.f1', 'goroutines: G5 main.f3']);
  });
});

test('a trace begins with its program: afterwards there is none to be had', () => {
  const rt = new Runtime({ heapBytes: 1 << 20 });
  rt.run(function* main() {});
  expect(() => rt.trace()).toThrow(new TypeError('Runtime.trace: the program has begun; trace it from its beginning'));
});

test('the same program and choices give the same bytes, and tracing moves nothing', () => {
  const play = (seed: number, traced: boolean) => {
    const rt = new Runtime({ heapBytes: 8 << 20, procs: 3, gogc: 10, chooser: new RandomChooser(seed, false) });
    const trace = traced ? rt.trace() : null;
    const stats = rt.run(churn(20_000));
    return { stats, go: trace?.go(), chrome: trace?.chrome() };
  };
  const [a, b, other, plain] = [play(7, true), play(7, true), play(8, true), play(7, false)];
  expect(a.go!.length).toBeGreaterThan(1000);
  expect(b).toEqual(a);
  expect(other.go).not.toEqual(a.go);
  expect(plain.stats).toEqual(a.stats);
});

test('a program that dies leaves its trace', () => {
  const rt = new Runtime({ heapBytes: 1 << 20 });
  const trace = rt.trace();
  const main: GoFunc<[]> = function* main(go) {
    yield* go.chan(i32).recv();
  };
  expect(() => rt.run(main)).toThrow('all goroutines are asleep - deadlock!');
  expect([...trace.log.records()].map(({ kind }) => kind)).toContain(TraceKind.goBlockRecv);
});
