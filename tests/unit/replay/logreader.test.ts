// The log reader: what it tells, in any chunks, and what it says about a log that is none.
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LogError, LogParser, readLog, StackTable } from '../../../replay/logreader.ts';
import { alloc, free, gc, messageOf, parse, Recorder, scratchFolder, stack } from './support.ts';

const folder = scratchFolder();
afterAll(() => folder.remove());

const main = 'runtime.mallocgc runtime/malloc.go:1131 < runtime.newobject runtime/malloc.go:1202 < main.main main.go:9';
const small = `${alloc('0xc000016010', '0x10')}# profile start\nhello from the program\n${gc}${free('0xc000016010', '0x10')}# snapshot begin round0\n# snapshot end round0\n`;
const smallEvents = [
  `1 alloc c000016010 16 ${main}`,
  '10 mark profile start',
  '12 gc',
  '24 free c000016010 16',
  '29 mark snapshot begin [round0]',
  '30 mark snapshot end [round0]',
];

describe('what a log tells', () => {
  test('allocations with their stacks, frees, collections and marks, each with its line', () => {
    const { events, stats } = parse(small);
    expect(events).toEqual(smallEvents);
    expect(stats).toEqual({ lines: 30, bytes: small.length, allocs: 1, frees: 1, gcs: 1, marks: 3, skipped: 1 });
  });

  test.each([1, 2, 3, 7, 64, 4096])('the same in chunks of %i bytes', (chunkBytes) => {
    expect(parse(small, chunkBytes).events).toEqual(smallEvents);
  });

  test('the same with a cut anywhere (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(small.length), { maxLength: 6 }), (cuts) => {
        const recorder = new Recorder(new StackTable());
        const table = new StackTable();
        const counting = new LogParser(new Recorder(table), table);
        const plain = new LogParser(recorder, null);
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), small.length]) {
          counting.push(Buffer.from(small.slice(from, to)));
          plain.push(Buffer.from(small.slice(from, to)));
          from = to;
        }
        expect(counting.end()).toEqual(plain.end());
        expect(recorder.events.map((event) => event.split(' ')[0])).toEqual(['1', '10', '12', '24', '29', '30']);
        expect(table.stackCount).toBe(1);
      }),
    );
  });

  test('without stacks every stack is 0, and the rest is the same', () => {
    const { events, stats } = parse(small, 100, null);
    expect(events[0]).toBe('1 alloc c000016010 16 stack 0');
    expect(events.slice(1)).toEqual(smallEvents.slice(1));
    expect(stats).toEqual(parse(small).stats);
  });

  test('function names end at the last parenthesis, places before the offset; inlined and generic calls have none', () => {
    const lines = [
      'runtime.(*randomOrder).reset(...)\n\truntime/proc.go:6239',
      'main.Map[...](0x1, {0x2, 0x3?}, ...)\n\t/home/a b/+x fp/main.go:7 +0x1 fp=0x1 sp=0x2 pc=0x3',
      'main.größe.func1()\n\tmain.go:8 fp=0x1 sp=0x2 pc=0x3',
      '...additional frames elided...\ncreated by main.start\n\tmain.go:3 +0x25',
    ];
    const { events } = parse(`tracealloc(0x10, 0x8)\ngoroutine 7 [running, locked to thread]:\n${lines.join('\n')}\n\n`, 3);
    expect(events).toEqual([
      '1 alloc 10 8 runtime.(*randomOrder).reset runtime/proc.go:6239 < main.Map[...] /home/a b/+x fp/main.go:7 < main.größe.func1 main.go:8',
    ]);
  });

  test('a type may hold commas and parentheses; addresses use all 53 bits', () => {
    const log = (type: string) => `tracealloc(0x1fffffffffffff, 0x20, ${type})\ngoroutine 1 [running]:\n\n`;
    expect(parse(log('func(int, string) (bool, error)')).events).toEqual(['1 alloc 1fffffffffffff 32 ']);
    expect(parse(log('struct { A int "json:\\"a\\"" }')).events).toEqual(['1 alloc 1fffffffffffff 32 ']);
  });

  test('frames of the goroutine that created this one, and of its ancestors, are not of the stack', () => {
    const tail =
      'created by main.a\n\tmain.go:3 +0x25\n[originating from goroutine 1]:\nmain.b(...)\n\tmain.go:1 +0x1\ncreated by main.c\n\tmain.go:2\n';
    const { events } = parse(`tracealloc(0x10, 0x8)\ngoroutine 7 [running]:\n${stack('main.f main.go:1')}${tail}\n`);
    expect(events).toEqual(['1 alloc 10 8 main.f main.go:1']);
  });

  test('what a program prints between events is skipped, and an event behind its unfinished line is not lost', () => {
    const log = `starting...\n# heading\n\n# snapshot begin\nworking... ${alloc('0x10', '0x8')}done${free('0x10', '0x8')}`;
    const crash = 'runtime.tracealloc(0xc000000000, 0x8, 0x1)\n\truntime/mprof.go:1231\n';
    const { events, stats } = parse(log + crash, 5);
    expect(events).toEqual([`5 alloc 10 8 ${main}`, '14 free 10 8']);
    expect(stats.skipped).toBe(5);
  });

  test('the last mark may lack its newline', () => {
    expect(parse(`${alloc('0x10', '0x8')}# profile end`).events.at(-1)).toBe('10 mark profile end');
  });

  test('a line of megabytes between events is skipped without being kept', () => {
    const { events, stats } = parse(`${alloc('0x10', '0x8')}${'x'.repeat(3 << 20)}\n${free('0x10', '0x8')}`, 50_000);
    expect(events).toEqual([`1 alloc 10 8 ${main}`, '11 free 10 8']);
    expect(stats.skipped).toBe(1);
  });
});

describe('what is said about a log that is none', () => {
  const head = 'tracealloc(0x10, 0x8)\ngoroutine 1 [running]:\n';
  const cases: [name: string, log: string, message: string][] = [
    ['an empty log', '', 'the log is empty; wanted tracealloc(…), tracefree(…), tracegc() or a mark such as "# profile start"'],
    [
      'some other text',
      '\n\n<!doctype html>\n<p>no log\n',
      'line 3: found "<!doctype html>", wanted tracealloc(…), tracefree(…), tracegc() or a mark such as "# profile start": this is no log of GODEBUG=allocfreetrace=1',
    ],
    ['empty lines only', '\n\n', 'line 1: found only empty lines, wanted tracealloc(…)'],
    ['a size that is not hex', 'tracealloc(0x10, 0x8g, main.T)\n', 'line 1: the size is "0x8g", wanted hex digits after 0x'],
    ['a decimal size', 'tracefree(0x10, 16)\n', 'line 1: the size is "16", wanted hex digits after 0x'],
    ['a size without digits', 'tracefree(0x10, 0x)\n', 'line 1: the size is "0x", wanted hex digits after 0x'],
    ['an address that is not hex', '\ntracealloc(nil, 0x8)\n', 'line 2: the address is "nil", wanted hex digits after 0x'],
    ['an address of 54 bits', 'tracefree(0x20000000000000, 0x8)\n', 'line 1: the address is "0x20000000000000", wanted at most 53 bits'],
    [
      'a tracealloc without a size',
      'tracealloc(0x10)\n',
      'line 1: found "tracealloc(0x10)", wanted tracealloc(ADDRESS, SIZE) with or without ", TYPE"',
    ],
    [
      'a tracefree with a type',
      'tracefree(0x10, 0x8, int)\n',
      'line 1: found "tracefree(0x10, 0x8, int)", wanted tracefree(ADDRESS, SIZE)',
    ],
    ['no goroutine header', 'tracealloc(0x10, 0x8)\nmain.main()\n', 'line 2: found "main.main()", wanted goroutine N [state]:'],
    [
      'a function without its place',
      `${head}main.f()\nmain.g()\n`,
      'line 4: found "main.g()", wanted the place of the function before (TAB file:line)',
    ],
    [
      'an empty line instead of a place',
      `${head}main.f()\n\n`,
      'line 4: found an empty line, wanted the place of the function before (TAB file:line)',
    ],
    [
      'a place without its function',
      `${head}\tmain.go:1\n`,
      'line 3: found "\\tmain.go:1", wanted function(arguments), "created by", or an empty line',
    ],
    ['program text in a stack', `${head}hello\n`, 'line 3: found "hello", wanted function(arguments), "created by", or an empty line'],
    ['a mark in a stack', `${head}# gc end\n`, 'line 3: found "# gc end", wanted function(arguments), "created by", or an empty line'],
    [
      'an event inside an event',
      `${head}${stack('main.f main.go:1')}${head}`,
      'line 5: found "tracealloc(0x10, 0x8)", wanted the end of the event that began on line 1',
    ],
    [
      'an event inside a tracegc',
      `tracegc()\n\n${head}`,
      'line 3: found "tracealloc(0x10, 0x8)", wanted the end of the event that began on line 1',
    ],
    ['text behind a tracegc', 'tracegc()\nend tracegc\nhello\n', 'line 3: found "hello", wanted an empty line after "end tracegc"'],
    [
      'a log cut behind a function line',
      `${head}main.f()\n`,
      'line 3: the log ends inside the tracealloc of line 1; wanted the rest of its stack and an empty line (was the log cut?)',
    ],
    [
      'a log cut before the empty line',
      `# gc begin\ntracefree(0x10, 0x8)\ngoroutine 1 [running]:\n${stack('main.f main.go:1')}`,
      'line 5: the log ends inside the tracefree of line 2; ',
    ],
    ['a log cut within a line', `${head}main.f()\n\tmai`, 'line 4: the log ends inside the tracealloc of line 1; '],
    ['a log cut behind the first line', 'tracealloc(0x10, 0x8)\n', 'line 1: the log ends inside the tracealloc of line 1; '],
    [
      'a log cut within the first line',
      `${alloc('0x10', '0x8')}tracealloc(0xc000`,
      'line 10: the log ends inside "tracealloc(0xc000"; wanted a whole event (was the log cut?)',
    ],
    [
      'a log cut within a word',
      `${alloc('0x10', '0x8')}tracef`,
      'line 10: the log ends inside "tracef"; wanted a whole event (was the log cut?)',
    ],
    [
      'a tracegc without its end',
      'tracegc()\n\ngoroutine 2 [idle]:\n',
      'line 3: the log ends inside the tracegc of line 1; wanted "end tracegc" and an empty line',
    ],
    [
      'a tracegc without its empty line',
      'tracegc()\nend tracegc\n',
      'line 2: the log ends inside the tracegc of line 1; wanted "end tracegc" and an empty line',
    ],
  ];
  test.each(cases)('%s', async (_name, log, message) => {
    for (const chunkBytes of [1, 7, 4096]) {
      for (const stacks of [null, new StackTable()]) {
        expect(await messageOf(() => parse(log, chunkBytes, stacks))).toContain(message);
      }
    }
  });

  test('a name without arguments is refused where stacks are read', async () => {
    expect(await messageOf(() => parse(`${head}main.f)\n\tmain.go:1\n\n`))).toBe('line 3: found "main.f)", wanted function(arguments)');
  });

  test('a big file that is no log is given up after a megabyte, with its first line named', () => {
    let pushed = 0;
    const parser = new LogParser(new Recorder(null), null);
    const chunk = Buffer.from('\0\x01binary, no newline'.repeat(5000));
    expect(() => {
      for (; pushed < 100; pushed++) parser.push(chunk);
    }).toThrow(/^line 1: found .*this is no log/);
    expect(pushed).toBeLessThan(13); // chunks of 100 kB
  });

  test('a line of megabytes inside an event is refused', async () => {
    const message = await messageOf(() => parse(`${head}${'x'.repeat(3 << 20)}`, 50_000));
    expect(message).toBe('line 3: a line of more than 1048576 bytes, wanted a stack for the event of line 1');
  });
});

describe('files', () => {
  const read = (path: string) => readLog(path, new Recorder(null), { stacks: null });

  test('plain and gzip are told apart by their first bytes, not by the name; progress reaches the end', async () => {
    const zipped = gzipSync(small);
    for (const path of [
      folder.write('plain.gz', small),
      folder.write('zipped.log', zipped),
      folder.write('two', Buffer.concat([zipped, zipped])),
    ]) {
      const table = new StackTable();
      const recorder = new Recorder(table);
      const progress: number[] = [];
      const handler = Object.assign(recorder, { progress: (read: number, total: number) => progress.push(read / total) });
      const stats = await readLog(path, handler, { stacks: table });
      expect(recorder.events.slice(0, smallEvents.length)).toEqual(smallEvents);
      expect(stats.lines).toBe(path.endsWith('two') ? 60 : 30);
      expect(progress.at(-1)).toBe(1);
    }
  });

  test('a cut gzip, a damaged gzip and an empty one', async () => {
    // Random addresses: a log that does not shrink to nothing, so that half of the file holds half of the log.
    let log = '';
    for (let i = 1; i <= 2000; i++) log += free(`0x${((i * 0x9e3779b1) % 2 ** 40).toString(16)}`, '0x10');
    const zipped = gzipSync(log);
    const cut = await messageOf(() => read(folder.write('cut.gz', zipped.subarray(0, zipped.length >> 1))));
    expect(cut).toMatch(/^line \d+: the gzip data is cut off after \d+ whole lines; wanted all of the file$/);
    expect(await messageOf(() => read(folder.write('head.gz', zipped.subarray(0, 5))))).toMatch(
      /^line 1: the gzip data is cut off after 0/,
    );
    const damaged = Buffer.from(zipped);
    damaged[10] = 0xff; // the first block's type
    expect(await messageOf(() => read(folder.write('damaged.gz', damaged)))).toMatch(/^line \d+: the gzip data is damaged \(.+\) after/);
    expect(await messageOf(() => read(folder.write('empty.gz', gzipSync(''))))).toMatch(/^the log is empty/);
  });

  test('no such file, a directory, a device, an empty file', async () => {
    const missing = `${folder.path}/missing`;
    expect(await messageOf(() => read(missing))).toBe(`cannot read ${missing}: no such file`);
    expect(await messageOf(() => read(folder.path))).toBe(`${folder.path} is a directory; wanted a log file`);
    expect(await messageOf(() => read('/dev/null'))).toBe('/dev/null is no regular file; wanted a log file');
    const error = await read(folder.write('empty', '')).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LogError);
    expect((error as LogError).line).toBe(0);
  });

  test('what the handler throws comes through, and its line with it', async () => {
    const handler = new Recorder(null);
    handler.gc = (line) => {
      throw new LogError(line, 'enough');
    };
    for (const data of [small, gzipSync(small)]) {
      await expect(readLog(folder.write('throws', data), handler, { stacks: null })).rejects.toThrow('line 12: enough');
    }
  });
});
