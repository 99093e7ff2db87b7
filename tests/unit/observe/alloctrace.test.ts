// The text of GODEBUG=allocfreetrace=1, line by line; and that printing it changes nothing.
import { expect, test } from 'vitest';
import { array, func, type Go, type GoFunc, i32, type Options, Runtime, self, struct } from '../../../runtime/index.ts';
import { checkedOptions } from '../../support/run.ts';

const Node = struct('main.Node', { value: i32, next: self });
const Small = struct('main.Small', { value: i32 });
const Large = struct('main.Large', { values: array(i32, 3000) });
const make = func('main.make', { n: Node }, (f) => void (f.n = f.new(Node)));

function traced(main: GoFunc<[]>, options: Options = {}): { lines: string[]; rt: Runtime } {
  const lines: string[] = [];
  const rt = new Runtime({
    ...checkedOptions,
    oracle: false,
    gogc: 1000,
    godebug: 'allocfreetrace=1',
    output: (line) => lines.push(line),
    ...options,
  });
  rt.run(main);
  return { lines, rt };
}

/** What depends on where this test stands: line numbers and addresses of frames. */
const bare = (lines: readonly string[]) =>
  lines.map((line) =>
    line.replace(/\t\S*(alloctrace\.test\.ts):\d+/, '\t$1').replace(/ fp=0x[0-9a-f]+ sp=0x[0-9a-f]+ pc=0x[0-9a-f]+$/, ' fp sp pc'),
  );

const mallocgc = [
  'runtime.mallocgc(...)',
  '\truntime/malloc.go:1131 fp sp pc',
  'runtime.newobject(...)',
  '\truntime/malloc.go:1202 fp sp pc',
];
const main = ['main.main(...)', '\talloctrace.test.ts fp sp pc'];

test('tracealloc: address, size of the slot in hex, type, the stack of the running goroutine, an empty line', () => {
  let addr = 0;
  const { lines } = traced(function* main(go) {
    make(go);
    addr = go.new(Large).addr;
  });
  expect(bare(lines.slice(0, 11))).toEqual([
    expect.stringMatching(/^tracealloc\(0x[0-9a-f]+, 0x8, main\.Node\)$/),
    'goroutine 1 [running]:',
    ...mallocgc,
    'main.make(...)',
    '\talloctrace.test.ts fp sp pc',
    ...main,
    '',
  ]);
  expect(lines[11]).toBe(`tracealloc(0x${addr.toString(16)}, 0x3000, main.Large)`); // 12,000 bytes, rounded up to a size class
  expect(lines.slice(0, 11).join('\n')).toMatch(/ fp=0x[1-9a-f][0-9a-f]* sp=0x[1-9a-f][0-9a-f]* pc=0x[1-9a-f]/);
});

test('a block of tiny objects has no type, and objects that fit into it are not traced', () => {
  const { lines } = traced(function* main(go) {
    for (let i = 0; i < 8; i++) go.new(Small);
  });
  const events = lines.filter((line) => line.startsWith('trace'));
  expect(events).toHaveLength(2); // four to a block
  for (const line of events) expect(line).toMatch(/^tracealloc\(0x[0-9a-f]+, 0x10\)$/);
});

function* waits(go: Go): Generator<void, void, void> {
  yield* go.chan(i32).recv();
}

test('tracegc: every goroutine, the running one first, after the marking and before what it found dead is freed', () => {
  let dead = 0;
  const lines: string[] = [];
  traced(
    function* main(go) {
      go.go(waits);
      yield* go.gosched();
      make(go);
      dead = lines.length;
      yield* go.gc();
    },
    { output: (line) => lines.push(line) },
  );
  const gc = bare(lines.slice(dead));
  expect(gc[0]).toBe('tracegc()');
  const end = gc.indexOf('end tracegc');
  const headers = gc.slice(0, end).filter((line) => line.startsWith('goroutine '));
  expect(headers).toContain('goroutine 5 [chan receive]:');
  expect(headers.length).toBe(new Set(headers).size);
  expect(gc.slice(1, end).filter((line) => line === '')).toHaveLength(headers.length); // one before each
  expect(gc.slice(end, end + 8)).toEqual([
    'end tracegc',
    '',
    expect.stringMatching(/^tracefree\(0x[0-9a-f]+, 0x8\)$/),
    'goroutine 0 [idle]:',
    'runtime.(*sweepLocked).sweep(...)',
    '\truntime/mgcsweep.go:577 fp sp pc',
    'runtime.systemstack(...)',
    expect.stringMatching(/^\truntime\/asm/),
  ]);
  expect(gc.filter((line) => line.startsWith('tracegc'))).toHaveLength(1);
});

test('2014: tracegc comes before what the last collection has left to sweep', () => {
  let from = 0;
  const lines: string[] = [];
  traced(
    function* main(go) {
      const f = go.locals({ kept: Large });
      f.kept = go.new(Large); // with nothing alive a collection would begin at each span
      yield* go.gc();
      for (let i = 0; i < 10; i++) go.new(Large);
      go.runtime.machine.gc.start(false); // by itself: the sweep is left to others
      from = lines.length;
      go.runtime.machine.gc.start(false);
    },
    { era: '2014', gogc: 10_000, output: (line) => lines.push(line) },
  );
  const events = lines
    .slice(from)
    .filter((line) => /^trace/.test(line))
    .map((line) => line.replace(/\(.*/, ''));
  expect([events[0], new Set(events.slice(1))]).toEqual(['tracegc', new Set(['tracefree'])]);
});

test('an object that the program frees by hand has the stack of whoever did', () => {
  const { lines } = traced(function* main(go) {
    const f = go.locals({ l: Large });
    f.l = go.new(Large);
    const ref = f.l;
    f.l = null;
    go.free(ref);
  });
  const at = lines.findIndex((line) => line.startsWith('tracefree('));
  expect(bare(lines.slice(at + 1, at + 5))).toEqual(['goroutine 1 [running]:', ...main, '']);
});

test('printing changes nothing: the same run without it', () => {
  const play = (godebug: string) => {
    const rt = new Runtime({ ...checkedOptions, checked: false, gogc: 20, procs: 2, godebug, output: () => {} });
    return rt.run(function* main(go) {
      for (let i = 0; i < 3; i++) go.go(waits);
      for (let i = 0; i < 3000; i++) {
        go.new(Large);
        if (i % 10 === 0) yield* go.gosched();
      }
    });
  };
  expect(play('allocfreetrace=1')).toEqual(play(''));
});
