// gorena experiment and merge: the same numbers whatever the workers, the shards and the kills; bad files in one line.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Command, type How } from './support.ts';

let command: Command;
let file: string;
beforeAll(async () => {
  command = await Command.build();
  file = command.write('tiny.json', JSON.stringify(tiny));
});
afterAll(() => command.remove());

/** 12 runs of some 100 ms. */
const tiny = {
  schemaVersion: 1,
  name: 'tiny',
  question: 'Does it hold?',
  measure: 'skew',
  axes: {
    workload: [
      { program: 'cache', size: 5000 },
      { program: 'generations', size: 4000 },
    ],
    gogc: [20],
    procs: [1, 2],
    force: [1000],
    seed: { from: 1, count: 3 },
  },
};
const results = ['tiny.csv', 'tiny.jsonl', 'tiny.html'];

/** stderr without progress, which a slow machine shows. */
const plain = (stderr: string) => stderr.replace(/^\w[\w-]*: \d+ of \d+ tasks.*\n/gm, '');
const run = async (words: readonly string[], how: How = {}) => {
  const ran = await command.run(words, how);
  return { ...ran, stderr: plain(ran.stderr) };
};
const folder = (name: string) => join(command.folder, name);
const read = (name: string, path: string) => readFileSync(join(folder(name), path), 'utf8');
const whole = async (name: string, ...words: string[]) => {
  expect(await run(['experiment', file, '-o', folder(name), ...words])).toMatchObject({ code: 0, stderr: '' });
  return results.map((path) => read(name, path));
};

describe('the same bytes', () => {
  let one: string[];
  beforeAll(async () => {
    one = await whole('one', '--workers', '1');
  });

  test('with two workers', async () => {
    expect(await whole('two', '--workers', '2')).toEqual(one);
  });

  test('from three shards, merged in any order', async () => {
    for (const shard of ['3/3', '1/3', '2/3']) {
      const ran = await run(['experiment', file, '-o', folder('parts'), '--shard', shard]);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(ran.stdout).toMatch(
        new RegExp(`^tiny: part ${shard[0]} of 3 is done, 4 runs: \\S+tiny\\.${shard[0]}-of-3\\.journal\\.jsonl\n$`),
      );
    }
    expect(existsSync(join(folder('parts'), 'tiny.csv'))).toBe(false); // a part makes no results
    const parts = [2, 3, 1].map((i) => join(folder('parts'), `tiny.${i}-of-3.journal.jsonl`));
    const merged = await run(['merge', ...parts, '-o', folder('merged')]);
    expect(merged).toMatchObject({ code: 0, stderr: '' });
    expect(results.map((path) => read('merged', path))).toEqual(one);
    expect(await run(['merge', ...parts.slice(1)])).toEqual({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^gorena: the parts are not all: 4 of 12 tasks are missing, 'cache 5000, .* seed 2' is the first\n$/),
    });
  });

  test("from shards that Slurm's and Kubernetes' variables name", async () => {
    const slurm = { SLURM_ARRAY_TASK_ID: '11', SLURM_ARRAY_TASK_COUNT: '2', SLURM_ARRAY_TASK_MIN: '10' };
    const second = await run(['experiment', file, '-o', folder('cluster')], { env: slurm });
    expect(second).toMatchObject({ code: 0, stderr: 'shard 2/2, by SLURM_ARRAY_TASK_ID\n' });
    const kubernetes = { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '2' };
    const first = await run(['experiment', file, '-o', folder('cluster'), '--json'], { env: kubernetes });
    expect(JSON.parse(first.stdout)).toMatchObject({ command: 'experiment', name: 'tiny', shard: '1/2', tasks: 6 });
    const parts = readdirSync(folder('cluster')).map((name) => join(folder('cluster'), name));
    expect(parts).toHaveLength(2);
    expect((await run(['merge', ...parts, '-o', folder('joined')])).code).toBe(0);
    expect(results.map((path) => read('joined', path))).toEqual(one);
  });

  test('after kill -9 in the middle: what was done is not done again', async () => {
    const journal = join(folder('killed'), 'tiny.journal.jsonl');
    const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 1 : 0);
    const child = spawn(process.execPath, [command.path, 'experiment', file, '-o', folder('killed'), '--workers', '1'], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
    while (lines() < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    const done = lines();
    expect(done).toBeLessThan(13);
    const before = readFileSync(journal, 'utf8').split('\n').slice(0, done).join('\n');
    expect(await whole('killed')).toEqual(one);
    expect(readFileSync(journal, 'utf8').startsWith(before)).toBe(true);
    expect(lines()).toBe(13); // its head and twelve runs, each once
  });

  test('after Ctrl-C: exit code 130, one line that says how to go on', async () => {
    const journal = join(folder('stopped'), 'tiny.journal.jsonl');
    const child = spawn(process.execPath, [command.path, 'experiment', file, '-o', folder('stopped'), '--workers', '1']);
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += String(data)));
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (!existsSync(journal) || readFileSync(journal, 'utf8').split('\n').length < 4)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(plain(stderr)).toMatch(/^gorena: tiny: stopped, \d+ of 12 tasks are done; the same command goes on from there\n$/);
    expect(await whole('stopped')).toEqual(one);
  });

  test('as CSV, as JSON lines, and in --json', async () => {
    const [csv, jsonl] = one as [string, string, string];
    const [head, ...rows] = csv.trimEnd().split('\r\n');
    expect(head).toMatch(/^workload,size,rate,procs,sweep,gogc,era,force,seed,scheme,skewBytesMean,skewBytesMax,/);
    const docs = jsonl
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string | number>);
    expect(docs).toHaveLength(12 * 5);
    expect(rows).toEqual(
      docs.map((doc) =>
        head!
          .split(',')
          .map((name) => doc[name])
          .join(','),
      ),
    );
    const { stdout } = await run(['experiment', file, '-o', folder('one'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, command: 'experiment', rows: docs, experiment: { name: 'tiny' } });
  });
});

test('without --output: a summary, and nothing is left behind', async () => {
  const before = readdirSync(command.folder);
  const one = command.write('one.json', JSON.stringify({ ...tiny, axes: { ...tiny.axes, procs: [1], seed: [7] } }));
  const { code, stdout } = await run(['experiment', one]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^tiny: Does it hold\?\n2 runs, 10 rows; means over seed 7\n\n {2}workload +scheme +skewBytesMean/);
  expect(stdout).toMatch(/^ {2}cache +three-stage +0 +0 +1 /m);
  expect(readdirSync(command.folder).filter((name) => !before.includes(name))).toEqual(['one.json']);
});

test('--list names what comes with gorena, without an argument', async () => {
  const { code, stdout } = await run(['experiment', '--list']);
  expect(code).toBe(0);
  const names = readdirSync('experiments').map((name) => name.replace('.json', ''));
  expect(names.length).toBeGreaterThanOrEqual(4);
  for (const name of names) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  const docs = JSON.parse((await run(['experiment', '--list', '--json'])).stdout) as { experiments: { name: string }[] };
  expect(docs.experiments.map(({ name }) => name).sort()).toEqual(names.sort());
});

describe('bad input: one line, exit code 2 or 4, nothing on stdout', () => {
  const refused = async (words: string[], code: number) => {
    const ran = await run(words);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(/^gorena: [^\n]+\n$/);
    return ran.stderr.slice('gorena: '.length, -1);
  };
  test('a wrong value in a file: its key is named', async () => {
    const path = command.write('bad.json', JSON.stringify({ ...tiny, axes: { ...tiny.axes, scheme: [] } }));
    expect(await refused(['experiment', path], 4)).toBe(`${path}: axes.scheme: got an empty list, wanted a list of at least one value`);
  });

  test('no JSON, no file, no name, no folder, no shard', async () => {
    const path = command.write('bad.json', '{"a":\n');
    expect(await refused(['experiment', path], 4)).toContain(`${path} is no JSON: `);
    expect(await refused(['experiment', './no-such.json'], 4)).toBe('cannot read ./no-such.json: no such file');
    expect(await refused(['experiment', 'skew-by-schema'], 2)).toMatch(
      /^experiment: no experiment 'skew-by-schema', there are: .*; did you mean skew-by-scheme\?/,
    );
    expect(await refused(['experiment'], 2)).toBe('experiment: missing FILE|NAME; see gorena experiment --help');
    expect(await refused(['experiment', file, '-o', file], 4)).toBe(`cannot make the folder ${file}: it is a file`);
    expect(await refused(['experiment', file, '--shard', '0/2'], 2)).toBe(
      "option --shard: got '0/2', wanted i/n with 1 <= i <= n, such as 2/3",
    );
    expect(await refused(['experiment', file, '--shard', '1/2'], 2)).toBe('shard 1/2: a part must be kept, so --output DIR is needed');
    expect(await refused(['experiment', file, '--workers', '0'], 2)).toBe(
      "option --workers: got '0', wanted a whole number from 1 to 1024",
    );
    expect(await refused(['merge'], 2)).toBe('merge: missing PART; see gorena merge --help');
    expect(await refused(['merge', file], 4)).toContain('is no journal of gorena: it has no whole line');
  });
});
