// gorena trace: the file is there as a whole or not at all, the same seed gives the same bytes, and bad options are told first.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs } from '../../examples/index.ts';
import { readEventLog } from '../../runtime/index.ts';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

const at = (name: string) => join(command.folder, name);
const header = 'go 1.19 trace\0\0\0';

describe('the file', () => {
  test('for go tool trace, with its figures on stdout; the same seed gives the same bytes', async () => {
    const words = (file: string) => ['trace', 'trees', '-o', at(file), '--procs', '2', '--seed', '7'];
    const [a, b] = await Promise.all([command.run(words('a.trace')), command.run(words('b.trace'))]);
    for (const ran of [a, b]) expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [bytes, same] = [readFileSync(at('a.trace')), readFileSync(at('b.trace'))];
    expect(bytes.subarray(0, 16).toString()).toBe(header);
    expect(same.equals(bytes)).toBe(true);
    expect(a.stdout).toMatch(/^trees: [\d,]+ records, [\d,]+ turns of goroutines, \d+ collections, .* \(seed 7, procs 2, gogc 100\)\n/);
    expect(a.stdout).toContain(`\nopen ${at('a.trace')} with go tool trace\n`);
    expect(readdirSync(command.folder).filter((f) => f.includes('part'))).toEqual([]);
  });

  test('--json, chrome by the ending: a document of events, and one about the run', async () => {
    const ran = await command.run(['trace', 'trees', '-o', at('t.json'), '--json', '--era', '2014']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const doc = JSON.parse(ran.stdout) as { bytes: number; numGC: number };
    expect(doc).toMatchObject({
      schemaVersion: 1,
      command: 'trace',
      program: 'trees',
      format: 'chrome',
      seed: 1,
      era: '2014',
      file: at('t.json'),
    });
    expect(doc.bytes).toBe(statSync(at('t.json')).size);
    const { traceEvents } = JSON.parse(readFileSync(at('t.json'), 'utf8')) as { traceEvents: { name: string; ph: string }[] };
    expect(traceEvents.filter(({ ph, name }) => ph === 'X' && /^GC \d+$/.test(name))).toHaveLength(doc.numGC);
  });

  test('events: a line for each, of a program and of a log', async () => {
    const log = 'tests/fixtures/go-traces/pipeline/trace.log.gz';
    const [sites, replayed] = await Promise.all([
      command.run(['trace', 'sites', '--format', 'events', '-o', '-', '--seed', '3']),
      command.run(['trace', log, '-o', at('log.jsonl'), '--json']),
    ]);
    expect([sites.code, replayed.code]).toEqual([0, 0]);
    const records = [...readEventLog(sites.stdout.trimEnd().split('\n'))];
    expect(records[0]).toMatchObject({ format: 'gorena events', version: 1, seed: 3 });
    expect(records.filter((r) => 'ev' in r && r.ev === 'GoEnd').length).toBeGreaterThan(0);
    const doc = JSON.parse(replayed.stdout) as { allocations: number; frees: number; records: number };
    const events = [...readEventLog(readFileSync(at('log.jsonl'), 'utf8').trimEnd().split('\n'))];
    const of = (kind: string) => events.filter((r) => 'ev' in r && r.ev === kind);
    expect(of('Malloc')).toHaveLength(doc.allocations);
    expect(of('Free')).toHaveLength(doc.frees - 3); // three are of addresses that the log never allocated
    expect(events.length - 1 - of('Type').length - of('Symbol').length).toBe(doc.records);
  });

  test('-o - prints the trace and nothing else', async () => {
    const ran = await command.run(['trace', 'trees', '-o', '-']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.startsWith(header)).toBe(true);
    expect(ran.stdout).not.toContain('turns of goroutines');
  });

  test('a link stays a link to the new file, and a device is no file to be replaced', async () => {
    const real = command.write('real.trace', 'old');
    symlinkSync(real, at('link.trace'));
    expect(await command.run(['trace', 'trees', '-o', at('link.trace')])).toMatchObject({ code: 0, stderr: '' });
    expect(lstatSync(at('link.trace')).isSymbolicLink()).toBe(true);
    expect(readFileSync(real).subarray(0, 16).toString()).toBe(header);
    execFileSync('mkfifo', [at('pipe')]);
    const [ran, read] = await Promise.all([command.run(['trace', 'trees', '-o', at('pipe')]), readFile(at('pipe'), 'latin1')]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(read.startsWith(header)).toBe(true);
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });
});

describe('what goes wrong is one line', () => {
  test.each<[string[], string]>([
    [['trace', 'churn'], 'gorena: trace: missing -o FILE; see gorena trace --help'],
    [
      ['trace', 'chrun', '-o', 'x'],
      `gorena: trace: no program 'chrun', there are: ${Object.keys(programs).join(', ')}; did you mean churn?`,
    ],
    [['trace', 'churn', '-o'], 'gorena: option --output wants a value: --output FILE'],
    [['trace', 'churn', '-o', '-', '--json'], 'gorena: trace: -o - and --json would both print on stdout; choose one'],
    [['trace', 'churn', '-o', 'x', '--scheme', 'naive'], 'gorena: trace: unknown option --scheme'],
    [['trace', 'churn', '-o', 'x', '--format', 'json'], "gorena: option --format: got 'json', wanted one of go, chrome, events"],
    [
      ['trace', 'a.log', '-o', 'x.json'],
      'gorena: option --format: the trace of a log has no goroutines and no times; wanted events, got chrome',
    ],
    [['trace', 'churn', '-o', 'x', '--procs', '0'], "gorena: option --procs: got '0', wanted a whole number from 1 to 256"],
  ])('gorena %j', async (words, line) => {
    expect(await command.run(words)).toEqual({ code: 2, stdout: '', stderr: `${line}\n` });
    expect(existsSync('x')).toBe(false);
  });

  test('a folder that is not there, and a folder in place of a file: exit code 4', async () => {
    mkdirSync(at('folder'));
    const [none, folder] = await Promise.all([
      command.run(['trace', 'trees', '-o', at('no/such.trace')]),
      command.run(['trace', 'trees', '-o', at('folder')]),
    ]);
    expect(none).toEqual({ code: 4, stdout: '', stderr: `gorena: cannot write ${at('no/such.trace')}: no such folder\n` });
    expect(folder).toEqual({ code: 4, stdout: '', stderr: `gorena: cannot write ${at('folder')}: it is a directory\n` });
  });
});
