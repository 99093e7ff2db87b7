// Bad files: each is one line on stderr that names the file, the line where there is one, what was found and what was wanted;
// nothing on stdout, exit code 4.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alloc, free, gc } from '../unit/replay/support.ts';
import { Command, type Ran, traces } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

const start = '# profile start\n';
const realLog = `${traces}/jsonwork/trace.log.gz`;

/** One line, no stack trace, nothing else; returns the line without its newline. */
function onlyLine(ran: Ran, code: number): string {
  expect(ran.stdout).toBe('');
  expect(ran.stderr).toMatch(/^gorena: [^\n]+\n$/);
  expect(ran.stderr).not.toMatch(/\bat .*:\d+:\d+|Error:/);
  expect(ran.code).toBe(code);
  return ran.stderr.slice('gorena: '.length, -1);
}

describe('a log that is none', () => {
  const logLine = 'wanted tracealloc(…), tracefree(…), tracegc() or a mark such as "# profile start"';
  test.each<[string, string | Uint8Array, string]>([
    ['an empty file', '', `: the log is empty; ${logLine}`],
    ['an empty gzip', gzipSync(''), `: the log is empty; ${logLine}`],
    ['a text', '\nhello\nworld\n', `: line 2: found "hello", ${logLine}: this is no log of GODEBUG=allocfreetrace=1`],
    ['only empty lines', '\n\n\n', `: line 1: found only empty lines, ${logLine}: this is no log of GODEBUG=allocfreetrace=1`],
  ])('%s', async (_what, data, message) => {
    const path = command.write('none.log', data);
    expect(onlyLine(await command.run(['replay', path]), 4)).toBe(path + message);
  });

  test('a binary file is shown in quotes, on one line', async () => {
    const path = command.write(
      'binary.log',
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255),
    );
    expect(onlyLine(await command.run(['replay', path]), 4)).toMatch(/^\S+: line \d+: found "/);
  });

  test('no such file, and a folder', async () => {
    expect(onlyLine(await command.run(['replay', 'no/such.log']), 4)).toBe('cannot read no/such.log: no such file');
    expect(onlyLine(await command.run(['replay', 'docs']), 4)).toBe('docs is a directory; wanted a log file');
  });
});

describe('a log that is cut', () => {
  test('in the middle of a stack: the last line and the line on which the event began', async () => {
    const path = command.write('cut.log', (start + alloc('0x10', '0x10') + alloc('0x20', '0x10')).slice(0, -40));
    expect(onlyLine(await command.run(['replay', path]), 4)).toBe(
      `${path}: line 18: the log ends inside the tracealloc of line 11; wanted the rest of its stack and an empty line (was the log cut?)`,
    );
  });

  test('anywhere: every prefix of a small log is a whole log or one line', async () => {
    const log = start + alloc('0x10', '0x10') + gc + free('0x10', '0x10');
    const ends = Array.from({ length: 12 }, (_, i) => Math.floor((log.length * (i + 1)) / 13));
    for (const end of ends) {
      const ran = await command.run(['replay', command.write('prefix.log', log.slice(0, end))]);
      if (ran.code !== 0) onlyLine(ran, 4);
    }
  });

  test('a real log, as gzip: how many whole lines there were', async () => {
    const path = command.write('cut.log.gz', readFileSync(realLog).subarray(0, 100_000));
    expect(onlyLine(await command.run(['replay', path]), 4)).toMatch(
      /^\S+cut\.log\.gz: line (\d+): the gzip data is cut off after \d+ whole lines; wanted all of the file$/,
    );
  });

  test('a real log, as text', async () => {
    const text = gunzipSync(readFileSync(realLog)).subarray(0, 3_000_000);
    const path = command.write('cut.txt', text);
    const lines = text.toString('latin1').split('\n').length;
    expect(onlyLine(await command.run(['replay', path]), 4)).toContain(`${path}: line ${lines}: the log ends inside `);
  });

  test('a gzip with damaged data', async () => {
    const data = Buffer.from(readFileSync(realLog));
    data.fill(0x55, 50_000, 50_100);
    const path = command.write('damaged.log.gz', data);
    expect(onlyLine(await command.run(['replay', path]), 4)).toMatch(/^\S+: line \d+: (the gzip data is damaged|found )/);
  });
});

describe('a log that contradicts itself', () => {
  test.each<[string, string, string]>([
    ['a size that is not hex', alloc('0x10', '16'), 'line 1: the size is "16", wanted hex digits after 0x'],
    ['an address that is not hex', alloc('0xc0zz', '0x10'), 'line 1: the address is "0xc0zz", wanted hex digits after 0x'],
    [
      'an allocation at an address that is still live',
      alloc('0x10', '0x10') + alloc('0x20', '0x10') + alloc('0x10', '0x10'),
      'line 19: allocation at 0x10, which is still live since line 1; wanted a tracefree between',
    ],
    [
      'a free whose size differs',
      start + alloc('0x10', '0x10') + gc + free('0x10', '0x20'),
      'line 23: free of 0x10 with size 0x20, wanted 0x10 as line 2 allocated it',
    ],
    [
      'a second free',
      alloc('0x10', '0x10') + gc + free('0x10', '0x10') + free('0x10', '0x10'),
      'line 27: free of 0x10, which line 22 freed already; wanted a tracealloc between',
    ],
    [
      'a free before any collection',
      alloc('0x10', '0x10') + free('0x10', '0x10'),
      'line 10: free of 0x10, allocated on line 1, before any tracegc(); wanted a collection first',
    ],
    [
      'an event inside an event',
      alloc('0x10', '0x10').replace('main.main(', 'tracegc()\nmain.main('),
      'line 7: found "tracegc()", wanted the end of the event that began on line 1',
    ],
  ])('%s', async (_what, log, message) => {
    const path = command.write('wrong.log', log);
    expect(onlyLine(await command.run(['replay', path]), 4)).toBe(`${path}: ${message}`);
  });

  // Go never writes such a log: the sweep of a collection frees only what was allocated before its mark termination.
  test('an object that is freed by a sweep that began before it was allocated: the error names the object', async () => {
    const path = command.write('late.log', start + alloc('0x10', '0x10') + gc + alloc('0x20', '0x10') + free('0x20', '0x10') + gc);
    expect(onlyLine(await command.run(['replay', path]), 4)).toMatch(/^\S+late\.log: line \d+: .*\b0x20\b.*tracegc/);
  });

  test.each([
    ['0x0', 'no object has no bytes'],
    ['0xffffffffff', 'larger than the arena'],
  ])('a size of %s (%s)', async (size) => {
    const path = command.write('size.log', start + alloc('0x10', size) + gc);
    expect(onlyLine(await command.run(['replay', path]), 4)).toContain('line 2: ');
  });
});

describe('a folder to compare with', () => {
  const small = `${start}${alloc('0x10', '0x10')}${gc}# snapshot begin round0\n# snapshot end round0\n`;
  const compare = (folder: string) => command.run(['replay', command.write('small.log', small), '--compare', folder]);
  const folderWith = (name: string, files: Readonly<Record<string, string | Uint8Array>>): string => {
    mkdirSync(join(command.folder, name), { recursive: true });
    for (const [file, data] of Object.entries(files)) command.write(join(name, file), data);
    return join(command.folder, name);
  };

  test('that does not exist, or is a file', async () => {
    expect(onlyLine(await compare('no-such-folder'), 4)).toBe('no-such-folder: no such folder');
    expect(onlyLine(await compare('package.json'), 4)).toBe('package.json: not a folder that can be read');
  });

  test('without snapshots, or with those of another log: the snapshots that the log has', async () => {
    const wanted = 'no profile there belongs to a snapshot of the log (the log has: round0)';
    for (const folder of [folderWith('none', { 'notes.txt': 'x' }), folderWith('other', { 'pass0.jsonl': '{}' })]) {
      expect(onlyLine(await compare(folder), 4)).toBe(`${folder}: ${wanted}`);
    }
  });

  test('whose profile is no JSON, no record, or cut: file and line', async () => {
    const bad = (name: string, data: string | Uint8Array, file = 'round0.jsonl') => folderWith(name, { [file]: data });
    const record = '{"inuseObjects":1,"inuseBytes":16,"allocObjects":1,"allocBytes":16,"stack":["main.main main.go:9"]}';
    const notJson = bad('json', `${record}\n{"inuseObjects": 1,\n`);
    expect(onlyLine(await compare(notJson), 4)).toBe(
      `${notJson}/round0.jsonl: line 2: found "{\\"inuseObjects\\": 1,", wanted a JSON record of runtime.MemProfile`,
    );
    const notNumber = bad('number', record.replace('"allocBytes":16', '"allocBytes":"16"'));
    expect(onlyLine(await compare(notNumber), 4)).toBe(`${notNumber}/round0.jsonl: line 1: allocBytes is "16", wanted a whole number`);
    const noStack = bad('stack', record.replace(/,"stack".*/, '}'));
    expect(onlyLine(await compare(noStack), 4)).toContain(`${noStack}/round0.jsonl: line 1: stack is undefined, wanted a list`);
    const cut = bad('cut', gzipSync(record.repeat(500)).subarray(0, 60), 'round0.jsonl.gz');
    expect(onlyLine(await compare(cut), 4)).toBe(`${cut}/round0.jsonl.gz: cannot read: the gzip data is cut off`);
  });
});
