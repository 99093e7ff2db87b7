// Replay: a failing schedule comes back as a string brings it, a hundred times of a hundred, here, in a worker and in another
// process; it survives what changes nothing, and says where the program does something else.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Go, i32 } from '../../runtime/index.ts';
import { divergenceText, exploreSync, type Program, parseSchedule, replay, ScheduleError, scheduleText } from '../../sim/index.ts';
import { programs } from './programs.ts';

/** The first failure of a program. */
function failing(program: Program, seed = 1, shrink = false) {
  const { failure } = exploreSync(program, { strategy: 'random', schedules: 2000, seed, shrink });
  if (failure === null) throw new Error('nothing fails');
  return failure;
}

describe('a hundred of a hundred: twenty schedules of each program', () => {
  test.each(Object.entries(programs))('%s', (_, program) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { identity, order, selects, replay: text } = failing(program, seed);
      const again = replay(program, text);
      expect(again).toMatchObject({ divergence: null, failure: { identity, order, selects, replay: text } });
    }
  });

  test.each(Object.entries(programs))('%s, made small', (_, program) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { identity, order, replay: text } = failing(program, seed, true);
      expect(replay(program, text)).toMatchObject({ divergence: null, failure: { identity, order } });
    }
  });
});

/** A pipeline of two, with places where something may be put in. Fails when the receiver looks before the sender has added. */
function pipeline(change: { log?: boolean; stranger?: boolean; timers?: boolean; extra?: boolean; renamed?: boolean } = {}): Program {
  const lines: string[] = [];
  return function* main(go: Go) {
    const q = go.chan(i32, 1);
    const sum = go.cell(0, 'sum');
    if (change.stranger) {
      go.go(function* metrics(go) {
        for (let i = 0; i < 3; i++) yield* go.gosched();
      });
    }
    if (change.timers) {
      go.go(function* heartbeat(go) {
        for (let i = 0; i < 3; i++) yield* go.sleep(1);
      });
    }
    const send = function* () {
      yield* q.send(1);
      if (change.log) lines.push(`sent at ${go.now()}`);
      yield* sum.set(1);
    };
    if (change.renamed) {
      go.go(function* producer() {
        yield* send();
      });
    } else {
      go.go(function* sender() {
        yield* send();
      });
    }
    go.go(function* receiver() {
      if (change.extra) yield* sum.get();
      yield* q.recv();
      if ((yield* sum.get()) !== 1) throw new Error('too early');
    });
    yield* go.sleep(100);
  };
}

describe('a program that has changed', () => {
  const { replay: text } = failing(pipeline(), 1, true);
  const replayed = (program: Program) => replay(program, text);

  test.each([{ log: true }, { stranger: true }, { timers: true }, { stranger: true, timers: true, log: true }])(
    '%j: the same failure',
    (change) => {
      expect(replayed(pipeline(change))).toMatchObject({ divergence: null, failure: { verdict: 'assertion', message: 'too early' } });
    },
  );

  test('another operation: the first divergence, with what was expected and what came', () => {
    const { failure, divergence } = replayed(pipeline({ extra: true }));
    expect(failure).toBeNull();
    expect(divergence).toMatchObject({ expected: 'main/receiver: recv', got: 'get' });
    expect(divergence!.enabled).toContain('main/receiver: get');
    expect(divergenceText(divergence!)).toMatch(
      /^the program does something else than the schedule from step \d+ of \d+ on\n {2}expected {2}main\/receiver: recv\n {2}got {7}get; could go on: /,
    );
  });

  test('a goroutine of another name: it is not there', () => {
    expect(replayed(pipeline({ renamed: true })).divergence).toMatchObject({
      expected: 'main/sender: start',
      got: 'it is blocked, has ended or was not started',
    });
  });

  test('a program that is mended goes on behind the schedule to its end', () => {
    const schedule = parseSchedule(text);
    const cut = scheduleText({ ...schedule, decisions: schedule.decisions.slice(0, 3) });
    expect(replay(pipeline(), cut, { races: false })).toEqual({ failure: null, divergence: null, followed: 3, of: 3 });
  });

  test('a string of another program is refused', () => {
    const other = scheduleText({ ...parseSchedule(text), program: 'bank' });
    expect(() => replay(pipeline(), other)).toThrow(new ScheduleError("schedule string: it is of the program 'bank', this is 'main'"));
    expect(replay(pipeline(), other, { name: 'bank' }).failure).not.toBeNull();
  });
});

test('two schedules of one program differ in their strings', () => {
  const texts = Array.from({ length: 20 }, (_, seed) => failing(programs.lostUpdate!, seed + 1).replay);
  expect(new Set(texts).size).toBeGreaterThan(10);
});

test('a failing schedule of a kernel is a short string once it is small', () => {
  for (const program of Object.values(programs)) expect(failing(program, 1, true).replay.length).toBeLessThan(160);
});

describe('elsewhere', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gorena-replay-'));
    const replayer = `
      import { isMainThread, parentPort, workerData } from 'node:worker_threads';
      import { replay } from ${JSON.stringify(resolve('sim/index.ts'))};
      import { programs } from ${JSON.stringify(resolve('tests/sim/programs.ts'))};
      const texts = isMainThread ? JSON.parse(process.argv[2]) : workerData;
      const found = texts.map(([name, text]) => replay(programs[name], text).failure?.order ?? null);
      if (isMainThread) console.log(JSON.stringify(found));
      else parentPort.postMessage(found);`;
    await build({
      ...{ stdin: { contents: replayer, loader: 'ts', resolveDir: process.cwd() }, bundle: true, format: 'esm', platform: 'node' },
      outfile: join(folder, 'replayer.mjs'),
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const strings = Object.entries(programs).map(([name, program]) => ({ name, ...failing(program, 5, true) }));
  const texts = strings.map(({ name, replay }) => [name, replay]);

  test('in a fresh process', () => {
    const out = execFileSync(process.execPath, [join(folder, 'replayer.mjs'), JSON.stringify(texts)], { encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual(strings.map(({ order }) => order));
  });

  test('in a worker', async () => {
    const worker = new Worker(join(folder, 'replayer.mjs'), { workerData: texts });
    expect((await once(worker, 'message'))[0]).toEqual(strings.map(({ order }) => order));
    await worker.terminate();
  });
});
