// The texts of debug=1, whole: figures, pcs, and stacks that line up by tabs.
import { expect, test } from 'vitest';
import { contentionText, countText, heapText } from '../../../profiler/pproftext.ts';
import { SymTab } from '../../../profiler/symtab.ts';
import { Runtime } from '../../../runtime/index.ts';
import { memStatsText } from '../../../runtime/memstatstext.ts';

/** Places as a program of Go has them: entry 0x401000 for main.alloc, and so on. */
function places() {
  const symtab = new SymTab();
  const pc = (func: string, line: number) => symtab.pc(func, `/src/${func.split('.')[0]}.go`, line);
  const [alloc, alloc2, main, newobject, start] = [
    pc('main.alloc', 15),
    pc('main.alloc', 16),
    pc('main.main', 22),
    pc('runtime.newobject', 7),
    pc('runtime.main', 250),
  ];
  pc('runtime.newobject', 8);
  return { symtab, alloc, alloc2, main, newobject, start };
}
const counts = (allocObjects: number, allocBytes: number, freeObjects: number, freeBytes: number, stack: number[]) => {
  return { allocObjects, allocBytes, freeObjects, freeBytes, stack, size: allocBytes / allocObjects };
};

test('heap: most bytes in use first; the runtime at the leaf is left out, unless there is nothing else', () => {
  const { symtab, alloc, alloc2, main, newobject, start } = places();
  const records = [
    counts(1, 8, 1, 8, [newobject]),
    counts(2, 32, 3, 48, [alloc]),
    counts(10, 10240, 0, 0, [newobject, alloc2, main, start]),
  ];
  expect(heapText(records, 512, '# Alloc = 1\n', symtab)).toBe(
    [
      'heap profile: 9: 10224 [13: 10280] @ heap/1024',
      '10: 10240 [10: 10240] @ 0x401030 0x401010 0x401020 0x401040',
      '#\t0x40100f\tmain.alloc+0xf\t\t/src/main.go:16', // before the return; the first pc of a function is no return
      '#\t0x401020\tmain.main+0x0\t\t/src/main.go:22',
      '#\t0x401040\truntime.main+0x0\t/src/runtime.go:250',
      '',
      '0: 0 [1: 8] @ 0x401030',
      '#\t0x401030\truntime.newobject+0x0\t/src/runtime.go:7',
      '',
      '-1: -16 [2: 32] @ 0x401000', // a scheme that counts a free before its malloc
      '#\t0x401000\tmain.alloc+0x0\t/src/main.go:15',
      '',
      '',
      '# runtime.MemStats',
      '# Alloc = 1',
      '',
    ].join('\n'),
  );
});

test('block and mutex: longest first, with all frames; cycles are nanoseconds', () => {
  const { symtab, alloc, newobject } = places();
  const records = [
    { count: 2, cycles: 50, stack: [newobject, alloc] },
    { count: 1, cycles: 700, stack: [0x99] },
  ];
  const body = ['700 1 @ 0x99', '#\t0x0', '', '50 2 @ 0x401030 0x401000'];
  body.push('#\t0x401030\truntime.newobject+0x0\t/src/runtime.go:7', '#\t0x401000\tmain.alloc+0x0\t\t/src/main.go:15', '', '');
  expect(contentionText(records, null, symtab)).toBe(['--- contention:', 'cycles/second=1000000000', ...body].join('\n'));
  const mutex = ['--- mutex:', 'cycles/second=1000000000', 'sampling period=5', ...body];
  expect(contentionText(records, 5, symtab)).toBe(mutex.join('\n'));
});

test('goroutine and threadcreate: equal stacks are counted, with their labels; an empty stack is one too', () => {
  const { symtab, alloc, main } = places();
  const stacks = [{ stack: [] }, { stack: [main] }, { stack: [alloc] }, { stack: [main], labels: { k: 'v', a: '"b"' } }, { stack: [main] }];
  expect(countText('goroutine', stacks, symtab)).toBe(
    [
      'goroutine profile: total 5',
      '2 @ 0x401020',
      '#\t0x401020\tmain.main+0x0\t/src/main.go:22',
      '',
      '1 @',
      '#\t0x0',
      '',
      '1 @ 0x401000',
      '#\t0x401000\tmain.alloc+0x0\t/src/main.go:15',
      '',
      '1 @ 0x401020',
      '# labels: {"a":"\\"b\\"", "k":"v"}',
      '#\t0x401020\tmain.main+0x0\t/src/main.go:22',
      '',
      '',
    ].join('\n'),
  );
});

test("the statistics have Go's names in Go's order; the list of 2014 was shorter", () => {
  const stats = { ...new Runtime({ gogc: 'off', heapBytes: 8192 * 64 }).readMemStats(), gcCPUFraction: 1.5e-5 };
  const names = (text: string) => [...text.matchAll(/^# (\w+) = /gm)].map((m) => m[1]).join(' ');
  const now = memStatsText(stats, '1.19');
  expect(names(now)).toBe(
    'Alloc TotalAlloc Sys Lookups Mallocs Frees HeapAlloc HeapSys HeapIdle HeapInuse HeapReleased HeapObjects Stack MSpan MCache ' +
      'BuckHashSys GCSys OtherSys NextGC LastGC PauseNs PauseEnd NumGC NumForcedGC GCCPUFraction DebugGC',
  );
  expect(now).toContain('# NextGC = 18446744073709551615\n');
  expect(now).toContain('# GCCPUFraction = 1.5e-05\n');
  expect(now).toMatch(/^# PauseNs = \[(0 ){255}0\]$/m);
  const then = memStatsText(stats, '2014');
  expect(names(then)).toBe(
    'Alloc TotalAlloc Sys Lookups Mallocs Frees HeapAlloc HeapSys HeapIdle HeapInuse Stack MSpan MCache BuckHashSys NextGC PauseNs ' +
      'NumGC EnableGC DebugGC',
  );
});
