// The lines of GODEBUG, byte for byte. The vectors of numbers are Go's: the first table is reference 5.12, the second was
// printed by a program of Go 1.19.8 on the machine where this was written.
import { expect, test } from 'vitest';
import * as trace from '../../../gc/gctrace.ts';
import { Runtime } from '../../../runtime/index.ts';
import { i32, self, struct } from '../../../runtime/struct.ts';
import { testMachine } from '../../support/machine.ts';

test.each([
  [0, '0'],
  [999, '0'],
  [1000, '0.001'],
  [85000, '0.085'],
  [99999, '0.099'],
  [100000, '0.10'],
  [490000, '0.49'],
  [999999, '0.99'],
  [1000000, '1.0'],
  [1800000, '1.8'],
  [9999999, '9.9'],
  [10000000, '10'],
  [12345678, '12'],
  [1234567890, '1234'],
])('%i ns are %s ms', (nanos, text) => {
  expect(trace.fmtNSAsMS(nanos)).toBe(text);
});

test.each([
  [1.079059, '+1.079059e+000'],
  [0.25, '+2.500000e-001'],
  [0, '+0.000000e+000'],
  [-0, '-0.000000e+000'],
  [1e21, '+1.000000e+021'],
  [123456.789, '+1.234568e+005'],
  [-3.5, '-3.500000e+000'],
  [9.9999999, '+1.000000e+001'],
  [0.1, '+1.000000e-001'],
  [1 / 3, '+3.333333e-001'],
  [6.02214076e23, '+6.022141e+023'],
  [5e-7, '+5.000000e-007'],
  [8.5e-5, '+8.500000e-005'],
  [0.99999995, '+1.000000e+000'],
  [Number.NaN, 'NaN'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
])('print(%d) is %s', (value, text) => {
  expect(trace.printFloat(value)).toBe(text);
});

test('itoaDiv cuts and pads: seconds since the start of a program', () => {
  expect([0, 3, 85, 1234].map((ms) => trace.itoaDiv(ms, 3))).toEqual(['0.000', '0.003', '0.085', '1.234']);
});

const cycle: trace.CycleFigures = {
  ...{ numGC: 1, sweepTerm: 3_900_000, mark: 4_130_000, markTerm: 4_620_000, end: 4_840_000, cpuFraction: 0.139 },
  ...{ sweepTermCpu: 460_000, assistCpu: 85_000, workerCpu: 210_000, idleCpu: 999, markTermCpu: 450_000 },
  ...{ heap0: (4 << 20) - 1, heap1: 4 << 20, heap2: 1000, goal: 4 << 20, stacks: 9000, globals: 0, procs: 2, forced: false },
};

test('gctrace=1 of Go 1.19: the line of the reference', () => {
  const line =
    'gc 1 @0.003s 13%: 0.23+0.49+0.22 ms clock, 0.46+0.085/0.21/0+0.45 ms cpu, 3->4->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P';
  expect(trace.gctraceLine(cycle)).toBe(line);
  expect(trace.gctraceLine({ ...cycle, forced: true })).toBe(`${line} (forced)`);
});

test('gctrace=1 of Go 1.4', () => {
  const figures: trace.CycleFigures14 = {
    ...{ numGC: 7, nproc: 4, stop: 12_999, sweep: 1_000, mark: 345_678, wait: 0, heap0: 3 << 20, heap1: 9 << 20 },
    ...{ mallocs: 70_000, frees: 60_001, goroutines: 5, spans: 130, backgroundSwept: 3, pauseSwept: 77 },
    ...{ handoff: 4, handoffCount: 1, steal: 29, stealCount: 6, procYield: 12, osYield: 5, sleep: 0 },
  };
  expect(trace.gctraceLine14(figures)).toBe(
    'gc7(4): 12+1+345+0 us, 3 -> 9 MB, 9999 (70000-60001) objects, 5 goroutines, 130/3/77 sweeps, 4(1) handoff, 29(6) steal, 12/5/0 yields',
  );
});

test('gcpacertrace=1: start, end, and sweep, as in the reference', () => {
  const start = { assistRatio: 1.079059, heapScan: 10, initialHeapLive: 3_997_696, goal: 4 << 20, dedicated: 0, fractional: 0.25 };
  expect(trace.pacerStartLine(start)).toBe('pacer: assist ratio=+1.079059e+000 (scan 0 MB in 3->4 MB) workers=0++2.500000e-001');
  const end = {
    ...{ utilization: 0.3019, heapWork: 27424, stackWork: 1264, globalsWork: 203312, expectedWork: 203312 },
    ...{ triggered: 3997696, heapLive: 4194304, goal: 4194304, consMark: 0, reset: false },
  };
  const line =
    'pacer: 30% CPU (25 exp.) for 27424+1264+203312 B work (203312 B exp.) in 3997696 B -> 4194304 B (∆goal 0, cons/mark +0.000000e+000)';
  expect(trace.pacerEndLine(end)).toBe(line);
  expect(trace.pacerEndLine({ ...end, reset: true })).toBe(`${line}[controller reset]`);
  expect(trace.pacerSweepLine({ heapLive: 4 << 20, liveBasis: 5 << 20, pagesSwept: 12, pagesPerByte: 8.5e-5 })).toBe(
    'pacer: sweep done at heap size 4MB; allocated 0MB during sweep; swept 12 pages at +8.500000e-005 pages/byte',
  );
});

test('scavtrace=1 and inittrace=1', () => {
  const figures = { work: 0, released: 3840 << 10, inUse: 23, retained: 100, forced: false, reset: false };
  expect(trace.scavLine(figures)).toBe('scav 0 KiB work, 3840 KiB total, 23% util');
  expect(trace.scavLine({ ...figures, forced: true })).toBe('scav 0 KiB work, 3840 KiB total, 23% util (forced)');
  expect(trace.scavLine({ ...figures, reset: true })).toBe('scav 0 KiB work, 3840 KiB total, 23% util [controller reset]');
  expect(trace.scavLine({ ...figures, inUse: 0, retained: 0 })).toContain(' 0% util');
  const init = { name: 'time', at: 1_200_000, clock: 7_000, bytes: 336, allocs: 7 };
  expect(trace.initLine(init)).toBe('init time @1.2 ms, 0.007 ms clock, 336 bytes, 7 allocs');
});

// --- the same lines from a run ---------------------------------------------------------------------------------------------------

const Node = struct('main.Node', { value: i32, next: self });

/** Output of a program that keeps a list of 2,000 nodes alive and drops many more; collections by pacing, then a forced one. */
function linesOf(godebug: string, procs = 1): string[] {
  const lines: string[] = [];
  const rt = new Runtime({ seed: 1, procs, heapBytes: 32 << 20, godebug, output: (line) => lines.push(line) });
  rt.init('main', function* init(go) {
    for (let i = 0; i < 10; i++) go.new(Node);
  });
  rt.run(function* main(go) {
    const f = go.locals({ head: Node });
    for (let i = 0; i < 600_000; i++) {
      const n = f.new(Node);
      if (i % 300 === 0) {
        n.next = f.head;
        f.head = n;
      }
      if (i % 10_000 === 0) yield* go.gosched();
    }
    yield* go.gc();
  });
  return lines;
}

test('a machine of 2014 prints the line of Go 1.4, with spans swept since the last line', () => {
  const m = testMachine();
  const lines: string[] = [];
  m.gc.print = (line) => lines.push(line);
  m.gc.knobs.trace = '2014';
  const node = m.heap.types.define('main.Node', 16, [1]);
  for (let i = 0; i < 2000; i++) m.mutator.newObject(node);
  m.gc.collect();
  m.gc.collect();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^gc1\(3\): 0\+8\+\d+\+8 us, 2 -> 0 MB, 2000 \(2000-0\) objects, 0 goroutines, 4\/0\/0 sweeps, 0\(0\) handoff, 0\(0\) steal, 0\/0\/0 yields$/,
  );
  expect(lines[1]).toMatch(/^gc2\(3\): .* 0 \(2000-2000\) objects, 0 goroutines, 0\/3\/0 sweeps, /);
});

const all = 'gctrace=1,gcpacertrace=1,scavtrace=1,inittrace=1';

test('a run says what it does, in the formats of Go', () => {
  const lines = linesOf(all);
  const number = String.raw`[+-]\d\.\d{6}e[+-]\d{3}`;
  const ms = String.raw`(?:0|\d+\.\d+|\d+)`;
  const shapes = [
    /^init main @0 ms, \S+ ms clock, 80 bytes, 10 allocs$/,
    RegExp(
      String.raw`^gc \d+ @\d+\.\d{3}s \d+%: ${ms}\+${ms}\+${ms} ms clock, ${ms}\+${ms}/${ms}/${ms}\+${ms} ms cpu, \d+->\d+->\d+ MB, \d+ MB goal, \d+ MB stacks, \d+ MB globals, 1 P( \(forced\))?$`,
    ),
    RegExp(String.raw`^pacer: assist ratio=${number} \(scan \d+ MB in \d+->\d+ MB\) workers=0\+\+2\.500000e-001$`),
    RegExp(
      String.raw`^pacer: \d+% CPU \(25 exp\.\) for \d+\+\d+\+\d+ B work \(\d+ B exp\.\) in \d+ B -> \d+ B \(∆goal -?\d+, cons/mark ${number}\)$`,
    ),
    RegExp(String.raw`^pacer: sweep done at heap size \d+MB; allocated \d+MB during sweep; swept \d+ pages at ${number} pages/byte$`),
    /^scav \d+ KiB work, \d+ KiB total, \d+% util$/,
  ];
  for (const line of lines)
    expect(
      shapes.filter((s) => s.test(line)),
      line,
    ).toHaveLength(1);
  for (const shape of shapes)
    expect(
      lines.some((line) => shape.test(line)),
      String(shape),
    ).toBe(true);
  expect(lines.filter((l) => l.startsWith('gc ')).map((l) => Number(l.split(' ')[1]))).toEqual([1, 2]);
  expect(lines.filter((l) => l.endsWith('(forced)'))).toHaveLength(1);
});

test('the same run says the same, and without knobs nothing', () => {
  expect(linesOf(all, 3)).toEqual(linesOf(all, 3));
  expect(linesOf('')).toEqual([]);
});
