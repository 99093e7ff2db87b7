// gorena heap: a table on stdout, a .heapsnapshot in a file, of a program and of a log.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'heap-snapshot-toolkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

const at = (name: string) => join(command.folder, name);
const log = 'tests/fixtures/go-traces/pipeline/trace.log.gz';

describe('a program', () => {
  test("the snapshot in the middle of a run has what the table says, by DevTools' parser", async () => {
    const words = ['heap', 'churn', '--at', '20ms', '--procs', '2', '--seed', '7'];
    const [file, same, table] = await Promise.all([
      command.run([...words, '-o', at('a.heapsnapshot'), '--json']),
      command.run([...words, '-o', at('b.heapsnapshot')]),
      command.run(words),
    ]);
    expect([file.code, same.code, table.code]).toEqual([0, 0, 0]);
    expect(readFileSync(at('b.heapsnapshot')).equals(readFileSync(at('a.heapsnapshot')))).toBe(true);
    interface Row {
      type: string;
      objects: number;
      bytes: number;
      deadObjects: number;
    }
    const doc = JSON.parse(file.stdout) as { bytes: number; types: Row[] };
    expect(doc).toMatchObject({ schemaVersion: 1, command: 'heap', source: 'churn', seed: 7, procs: 2, format: 'heapsnapshot' });
    expect(doc.bytes).toBe(statSync(at('a.heapsnapshot')).size);
    const snapshot = await parse(createReadStream(at('a.heapsnapshot'), 'utf8'));
    const found = new Map<string, number>();
    for (const it = snapshot['allNodes'](); it.hasNext(); it.next()) {
      const name = it.item().name().replace(' (dead, not swept yet)', '');
      found.set(name, (found.get(name) ?? 0) + it.item().selfSize());
    }
    for (const { type, bytes } of doc.types) expect(found.get(type), type).toBe(bytes);
    expect(doc.types.find(({ type }) => type === 'main.Message')!.objects).toBeGreaterThan(1000);
    expect(table.stdout).toMatch(/^type +objects +bytes +dead, not swept yet +bytes\nmain\.\w+ +[\d,]+/);
    expect(table.stdout).toMatch(/\n0x00004000 {2}\S+\n/);
    expect(same.stdout).toMatch(/^churn: the heap after 20\.\d{3} ms, after \d+ collections \(seed 7, procs 2, /);
    expect(same.stdout).toContain(`\nopen ${at('b.heapsnapshot')} with the Memory panel of Chrome's DevTools\n`);
  });

  test('on stdout as well', async () => {
    const ran = await command.run(['heap', 'sites', '--format', 'heapsnapshot']);
    expect(ran.code).toBe(0);
    expect((JSON.parse(ran.stdout) as { nodes: number[] }).nodes.length).toBeGreaterThan(70);
  });
});

test('a log: its objects by size, at a snapshot', async () => {
  const ran = await command.run(['heap', log, '--at', 'round1']);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/^replayed object of \d+ bytes +\d+ /m);
});

test.each<[string[], string]>([
  [['heap'], 'gorena: heap: missing SOURCE; see gorena heap --help'],
  [['heap', 'sites', '--json'], 'gorena: heap: the heap and --json would both print on stdout; add -o FILE'],
  [['heap', 'sites', '--format', 'json'], "gorena: option --format: got 'json', wanted one of heapsnapshot, text"],
  [['heap', 'sites', '--type', 'heap', '-o', 'x'], 'gorena: heap: unknown option --type'],
])('gorena %j is one line', async (words, line) => {
  expect(await command.run(words)).toEqual({ code: 2, stdout: '', stderr: `${line}\n` });
  expect(existsSync('x')).toBe(false);
});
