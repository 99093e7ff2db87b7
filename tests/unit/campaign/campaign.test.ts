// Campaigns: the same results whatever the workers, the shards and the stops; a task is done once; what does not fit is told.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { joinParts, mergedResults } from '../../../campaign/campaign.ts';
import { Bench, type Result, squares } from './support.ts';
import type { Square } from './worker.ts';

const bench = new Bench();
const lines = (name: string) => bench.read(name).trimEnd().split('\n');
const numbers = (results: readonly { result: Result }[]) => results.map(({ result }) => result.square);
const expected = (n: number) => Array.from({ length: n }, (_, i) => i * i);

describe('the same results', () => {
  // the first tasks are the slowest, so that results come in another order than the tasks stand in
  const slowFirst = { 0: { wait: 60 }, 1: { wait: 30 } };

  test.each([1, 2, 5])('with %i workers, in the order of the tasks', async (workers) => {
    const outcome = await bench.run(squares(9, slowFirst), null, { workers });
    expect(numbers(outcome.results)).toEqual(expected(9));
    expect(outcome).toMatchObject({ done: 9, total: 9, stopped: false });
  });

  test('as one part, and as three that are merged', async () => {
    const campaign = squares(10, slowFirst);
    for (let index = 1; index <= 3; index++) {
      const { total } = await bench.run(campaign, `third${index}.jsonl`, { shard: { index, count: 3 } });
      expect(total).toBe(index === 1 ? 4 : 3);
    }
    const parts = [3, 1, 2].map((i) => bench.path(`third${i}.jsonl`));
    expect(numbers(mergedResults(campaign, joinParts(parts)))).toEqual(expected(10));
    expect(numbers(mergedResults(campaign, joinParts([...parts, parts[0]!])))).toEqual(expected(10));
  });

  test('of nothing: no tasks, no threads', async () => {
    expect(await bench.run(squares(0), null)).toEqual({ done: 0, total: 0, stopped: false, results: [] });
  });
});

describe('a task is done once', () => {
  test('a second run does nothing and says the same', async () => {
    const first = await bench.run(squares(5), 'once.jsonl');
    const told: number[][] = [];
    const second = await bench.run(squares(5, { 0: { fail: true } }), 'once.jsonl', { progress: (...n) => told.push(n) });
    expect(numbers(second.results)).toEqual(numbers(first.results));
    expect(told).toEqual([[5, 5, 5]]);
    expect(lines('once.jsonl')).toHaveLength(6);
  });

  test('stopped in the middle: what was done is kept, the rest is done by the next run', async () => {
    const stop = new AbortController();
    const stopped = await bench.run(squares(8, { 6: { wait: 10_000 } }), 'stop.jsonl', {
      signal: stop.signal,
      progress: (done) => done === 7 && stop.abort(),
    });
    expect(stopped).toMatchObject({ done: 7, total: 8, stopped: true });
    expect(numbers(stopped.results)).toEqual([0, 1, 4, 9, 16, 25, 49]);
    const resumed: number[] = [];
    const { results } = await bench.run(squares(8), 'stop.jsonl', { progress: (_done, _total, before) => resumed.push(before) });
    expect(numbers(results)).toEqual(expected(8));
    expect(resumed).toEqual([7, 7]);
    expect(readdirSync(bench.folder).filter((name) => /lock|part/.test(name))).toEqual([]);
  });

  test('killed while it wrote: half a line is dropped, and only its task is done again', async () => {
    await bench.run(squares(4), 'cut.jsonl', { workers: 1 });
    const text = bench.read('cut.jsonl');
    for (const cut of [1, 10, 40]) {
      bench.write('cut.jsonl', text.slice(0, -cut));
      let again = 0;
      const { results } = await bench.run(squares(4), 'cut.jsonl', { progress: (_d, _t, before) => (again = 4 - before) });
      expect(again).toBe(1);
      expect(numbers(results)).toEqual(expected(4));
      expect(bench.read('cut.jsonl')).toBe(text);
    }
  });

  test('a task that throws ends the run; what was done is kept', async () => {
    await expect(bench.run(squares(5, { 3: { fail: true } }), 'fail.jsonl', { workers: 1 })).rejects.toMatchObject({
      name: 'TaskError',
      message: "task 'square 3': 3 cannot be squared",
      errorName: 'RangeError',
    });
    expect(lines('fail.jsonl')).toHaveLength(4);
    await expect(bench.run(squares(2, { 1: { exit: true } }), null, { workers: 1 })).rejects.toThrow("task 'square 1': its thread ended");
  });

  test('a task that gives no sign of life is given up; one that takes long and does is not', async () => {
    const slow = await bench.run(squares(2, { 1: { busy: 4000 } }), null, { workers: 1, stuckMs: 3000 });
    expect(slow.done).toBe(2);
    await expect(bench.run(squares(2, { 1: { hang: 30_000 } }), null, { workers: 1, stuckMs: 500 })).rejects.toMatchObject({
      errorName: 'StuckError',
      message: "task 'square 1': no sign of life for 0.5 s",
    });
  }, 30_000);
});

describe('until: the first result that was looked for', () => {
  const until = ({ square }: Result) => square === 16 || square === 36;
  test.each([1, 2, 4])('is the same with %i workers, although a later one comes earlier', async (workers) => {
    const { results } = await bench.run(squares(40, { 4: { wait: 50 } }), null, { workers, until });
    expect(numbers(results)).toEqual([0, 1, 4, 9, 16]);
  });

  test('and in shards that are merged', async () => {
    const campaign = squares(40);
    const done = [1, 2].map((index) => bench.run(campaign, `until${index}.jsonl`, { shard: { index, count: 2 }, until, workers: 1 }));
    expect((await Promise.all(done)).map(({ results }) => results.length)).toEqual([3, 20]);
    const merged = joinParts([1, 2].map((i) => bench.path(`until${i}.jsonl`)));
    expect(numbers(mergedResults<Square, Result>(campaign, merged, until))).toEqual([0, 1, 4, 9, 16]);
    expect(() => mergedResults(campaign, merged)).toThrow(/the parts are not all: \d+ of 40 tasks are missing/);
  });
});

describe('journals that do not fit', () => {
  const refused = (name: string, campaign = squares(3), options = {}) => expect(bench.run(campaign, name, options)).rejects;
  const fresh = async (name: string) => {
    await bench.run(squares(3), name, { workers: 1 });
    return lines(name);
  };

  test('of another campaign, version or shard', async () => {
    await fresh('other.jsonl');
    await refused('other.jsonl', squares(4)).toThrow(
      /other\.jsonl is the journal of a campaign with other settings: choose another --output, or/,
    );
    await refused('other.jsonl', { ...squares(3), version: '2' }).toThrow('was written by gorena 1, this is 2');
    await refused('other.jsonl', { ...squares(3), kind: 'cube' }).toThrow('is the journal of another campaign (kind square)');
    await refused('other.jsonl', squares(3), { shard: { index: 1, count: 2 } }).toThrow('is the journal of shard 1/1, this is 1/2');
  });

  test('damaged in the middle: the line is named, nothing is computed from it', async () => {
    const [head, a, b, c] = await fresh('damaged.jsonl');
    bench.write('damaged.jsonl', [head, a, b!.replace('"square":1', '"square":2').replace('"square":4', '"square":5'), c, ''].join('\n'));
    const told = /damaged\.jsonl: line 3 is damaged: its checksum does not fit; delete the line to have its task done again/;
    await refused('damaged.jsonl').toThrow(told);
    expect(() => joinParts([bench.path('damaged.jsonl')])).toThrow(told);
    bench.write('damaged.jsonl', [head, a, c, ''].join('\n'));
    expect(numbers((await bench.run(squares(3), 'damaged.jsonl')).results)).toEqual(expected(3));
  });

  test.each([
    ['an empty file', '', 'is no journal of gorena: it has no whole line'],
    ['a text', 'hello\nworld\n', 'is no journal of gorena: line 1 begins with "hello"'],
    ['other JSON', '{"a":1}\n', 'is no journal of gorena: line 1 begins with'],
    ['null', 'null\n', 'is no journal of gorena: line 1 begins with'],
    ['a later form', '{"gorena":"journal","schemaVersion":9}\n', 'is a journal of form 9, this gorena reads form 1'],
    ['a head that was changed', '{"gorena":"journal","schemaVersion":1}\n', "line 1: the journal's head is damaged"],
  ])('%s', async (_what, text, message) => {
    bench.write('none.jsonl', text);
    await refused('none.jsonl').toThrow(message);
    expect(bench.read('none.jsonl')).toBe(text);
  });

  test('two lines that disagree, and parts that do', async () => {
    const [head, a] = await fresh('twice.jsonl');
    await bench.run(squares(3, { 0: { n: 7 } }), 'liar.jsonl', { workers: 1 });
    const other = lines('liar.jsonl')[1]!;
    bench.write('twice.jsonl', [head, a, other, ''].join('\n'));
    await refused('twice.jsonl').toThrow("line 3: task 'square 0' has another result than in line 2");
    await fresh('honest.jsonl');
    expect(() => joinParts([bench.path('honest.jsonl'), bench.path('liar.jsonl')])).toThrow("task 'square 0' has another result than in");
    await bench.run(squares(2), 'foreign.jsonl');
    expect(() => joinParts([bench.path('honest.jsonl'), bench.path('foreign.jsonl')])).toThrow('is part of another campaign than');
  });

  test('in a folder that is not there, and one that another process writes', async () => {
    await refused('no/such/folder.jsonl').toThrow(/cannot write .*: no such file or folder/);
    bench.write('busy.jsonl.lock', `${process.ppid} ${(await import('node:os')).hostname()}`);
    await refused('busy.jsonl').toThrow(`is being written by process ${process.ppid} on`);
    bench.write('busy.jsonl.lock', '1 another-host');
    await refused('busy.jsonl').toThrow('is being written by process 1 on another-host; if that is gone, delete');
    bench.write('busy.jsonl.lock', `999999999 ${(await import('node:os')).hostname()}`);
    expect(numbers((await bench.run(squares(3), 'busy.jsonl')).results)).toEqual(expected(3));
  });
});

test('two tasks of one id are a mistake of whoever made the campaign', async () => {
  const twice = { ...squares(2), tasks: [...squares(2).tasks, ...squares(1).tasks] };
  await expect(bench.run(twice, null)).rejects.toThrow("campaign square: two tasks have the id 'square 0'");
});
