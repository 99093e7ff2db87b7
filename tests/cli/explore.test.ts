// gorena explore and gorena replay-schedule: what is found, that it comes back, that shards and stops change nothing, which files
// of the user's are programs, and that whatever is wrong is one line.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
  symlinkSync(resolve('node_modules'), join(command.folder, 'node_modules')); // where esbuild is, for TypeScript
});
afterAll(() => command.remove());

const at = (name: string) => join(command.folder, name);
const few = ['--workers', '1'];
/** A schedule in which bank fails. */
const bankSchedule = 'g1:NEkx6QRiYW5roZwBAQADAARtYWluAQV0b0FubgEFdG9Cb2IGAAAAFAEAARACAAIQAAIEBggLAgY';

/** The words behind `replay: gorena`. */
function replayWords(stdout: string): string[] {
  return /^replay: gorena (.*)$/m.exec(stdout)![1]!.split(' ');
}

const broken = `
import { i32 } from 'gorena';
export function* main(go) {
  const [q, mu] = [go.chan(i32), go.mutex()];
  go.go(function* producer() {
    yield* mu.lock();
    yield* q.send(1);
    mu.unlock();
  });
  yield* mu.lock();
  yield* q.recv();
  mu.unlock();
}
export function* fine(go) {
  yield* go.gosched();
}
export const number = 7;
export function plain() {}
`;

describe('what is found', () => {
  test('a report with exit code 1; the replay line brings it back, in another process', async () => {
    const ran = await command.run(['explore', 'bank', ...few]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stdout).toMatch(/^DEADLOCK after 8 steps \(shrunk /);
    expect(ran.stdout).toContain('main/toBob  blocked in lock mutex#2, held by main/toAnn');
    const place = /main\/toBob .* faulty\.ts:(\d+)$/m.exec(ran.stdout)![1]!; // of the source, not of the bundle
    expect(readFileSync('examples/faulty.ts', 'utf8').split('\n')[Number(place) - 1]).toContain('lock()');
    expect(ran.stdout.split('\n').length).toBeLessThanOrEqual(40);
    const again = await command.run(replayWords(ran.stdout));
    expect(again).toMatchObject({ code: 1 });
    expect(again.stdout).toContain('replayed 8 of 8 steps');
  });

  test('timers are part of it', async () => {
    const ran = await command.run(['explore', 'lease', ...few]);
    expect(ran.stdout).toMatch(/^ASSERTION after 16 steps .* 3→3 timers|^ASSERTION/);
    expect(ran.stdout).toContain('token 1 writes after token 2');
    expect((await command.run(['explore', 'lease', '--time', 'idle', '--schedules', '500', ...few])).code).toBe(0);
  });

  test('--json: one document', async () => {
    const ran = await command.run(['explore', 'deposits', '--json', '--strategy', 'pct', '--depth', '2', ...few]);
    expect(ran).toMatchObject({ code: 1 });
    const doc = JSON.parse(ran.stdout) as { failure: { verdict: string; replay: string; steps: { op: string; preempts: boolean }[] } };
    expect(doc).toMatchObject({ schemaVersion: 1, command: 'explore', failure: { verdict: 'assertion' } });
    expect(doc.failure.steps.filter((s) => s.preempts)).toHaveLength(1);
    const again = JSON.parse((await command.run(['replay-schedule', doc.failure.replay, 'deposits', '--json'])).stdout);
    expect(again).toMatchObject({ command: 'replay-schedule', divergence: null, failure: { verdict: 'assertion' } });
  });

  test('nothing: exit code 0, and how far it was looked', async () => {
    const file = command.write('fine.mjs', broken);
    const ran = await command.run(['explore', file, '--export', 'fine', '--strategy', 'exhaustive', ...few]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(
      /^no schedule failed\nexplored 1 schedule · 1 distinct · \d+ steps · 0 failed · .* · no other schedule is left\n/,
    );
  });
});

describe('files', () => {
  test('a module that imports gorena gets this gorena; places are those of the file', async () => {
    const ran = await command.run(['explore', command.write('broken.mjs', broken), ...few]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stdout).toMatch(/main +blocked in recv chan#1 +broken\.mjs:11/);
    expect(ran.stdout).toMatch(/main\/producer +blocked in lock mutex#2, held by main +broken\.mjs:6/);
  });

  test('TypeScript, by esbuild', async () => {
    const text = `enum Start { zero = 0 }\n${broken.replace('main(go)', 'main(go: import("gorena").Go)').replace('i32 }', 'i32, type Go }')}\nexport const z: Start = Start.zero;`;
    const ran = await command.run(['explore', command.write('broken.ts', text), '--export', 'main', ...few]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stdout).toMatch(/main\/producer +blocked in lock mutex#2, held by main +broken\.ts:7/);
  });

  test('traces of the failing schedule; go tool trace reads one, where it is installed', async () => {
    const ran = await command.run(['explore', 'bank', '--trace', at('b.trace'), '--chrome-trace', at('b.json'), ...few]);
    expect(ran.stdout).toContain(`written: ${at('b.trace')}, ${at('b.json')}`);
    expect(readFileSync(at('b.trace')).subarray(0, 13).toString()).toBe('go 1.19 trace');
    const { traceEvents } = JSON.parse(readFileSync(at('b.json'), 'utf8')) as { traceEvents: unknown[] };
    expect(traceEvents.length).toBeGreaterThan(10);
    try {
      const tool = join(execFileSync('go', ['env', 'GOTOOLDIR'], { encoding: 'utf8' }).trim(), 'trace');
      expect(execFileSync(tool, ['-d', at('b.trace')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toContain('GoBlockSync');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.log('skipped: no Go here, whose `go tool trace` would read the trace');
    }
  });
});

test('--step stops there and shows goroutines, heap and clocks', async () => {
  const words = replayWords((await command.run(['explore', 'lease', ...few])).stdout);
  const ran = await command.run([...words, '--step', '8']);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toMatch(/^before step 8 of \d+\nclock \d+ns, the next timer fires at \d+ns\n\ncould go on\n {2}main/);
  expect(ran.stdout).toMatch(/\ngoroutine \d+ \[/);
  expect(ran.stdout).toMatch(/\n0x[0-9a-f]{8} {2}\S/);
  const doc = JSON.parse((await command.run([...words, '--step', '8', '--json'])).stdout);
  expect(doc).toMatchObject({ step: 8, enabled: expect.any(Array), clock: expect.any(Number) });
});

test('--step counts as the report does: before step 7 somebody is about to do what stands there', async () => {
  const report = (await command.run(['replay-schedule', bankSchedule, 'bank'])).stdout;
  expect(report).toMatch(/^ +7 +lock mutex#2 {2}waits/m);
  const ran = await command.run(['replay-schedule', bankSchedule, 'bank', '--step', '7']);
  expect(ran.stdout).toMatch(/^before step 7 of 8\n(.*\n)*could go on\n(.*\n)*? {2}main\/toBob: lock mutex#2\n/);
  const first = await command.run(['replay-schedule', bankSchedule, 'bank', '--step', '1']);
  expect(first.stdout).toContain('could go on\n  main: start\n\n');
  const none = await command.run(['replay-schedule', bankSchedule, 'bank', '--step', '0']);
  expect(none).toMatchObject({ code: 2, stderr: "gorena: option --step: got '0', wanted a whole number from 1 to 8\n" });
});

test('shards and a journal: merged parts say what one run says', async () => {
  const file = command.write('held.mjs', broken);
  const words = ['explore', file, '--export', 'fine', '--schedules', '4000', '--strategy', 'random', ...few];
  const whole = await command.run([...words, '-o', at('whole')]);
  expect(whole.code).toBe(0);
  expect((await command.run([...words, '-o', at('whole')])).stdout).toBe(whole.stdout); // everything is in the journal
  for (const part of ['1/2', '2/2']) expect(await command.run([...words, '-o', at('parts'), '--shard', part])).toMatchObject({ code: 0 });
  const parts = ['1', '2'].map((i) => join(at('parts'), `fine.${i}-of-2.journal.jsonl`));
  expect(parts.every((p) => existsSync(p))).toBe(true);
  const merged = await command.run(['merge', ...parts]);
  const figures = (text: string) => text.replace(/ · [\d,]+ schedules\/s a worker/, '');
  expect(merged.code).toBe(0);
  expect(figures(merged.stdout)).toBe(figures(whole.stdout));
  const folder = at('nothing');
  const idle = 'gorena: option --output is for experiments: an exploration has no files\n';
  expect(await command.run(['merge', ...parts, '-o', folder])).toEqual({ code: 2, stdout: '', stderr: idle });
  expect(existsSync(folder)).toBe(false);
});

describe('what is wrong is one line', () => {
  test.each<[string[], number, string | RegExp]>([
    [['explore', 'bnak'], 2, "explore: no program 'bnak', there are: bank, deposits, lease; did you mean bank?"],
    [['explore', 'no.mjs'], 4, 'cannot read no.mjs: no such file'],
    [['explore', './'], 2, "explore: got file './', wanted a module: .mjs, .js, .ts, .mts"],
    [['explore', 'bank', '--export', 'x'], 2, "explore: --export is for files; 'bank' is a built-in program"],
    [['explore', 'bank', '--schedules', '0'], 2, /^option --schedules: got '0', wanted a whole number from 1 to /],
    [['explore', 'bank', '--strategy', 'pcd'], 2, /^option --strategy: got 'pcd', .*did you mean pct\?$/],
    [['explore', 'bank', '--depth', '2'], 2, 'option --depth is for --strategy pct'],
    [['explore', 'bank', '--time', 'soon'], 2, "option --time: got 'soon', wanted idle, chaos, or the most skew, such as 10ms"],
    [['explore', 'bank', '--preemptions', '2'], 2, 'option --preemptions is for --strategy exhaustive'],
    [
      ['explore', 'bank', '--strategy', 'exhaustive', '--faults', 'drop=0.1'],
      2,
      'option --faults is for strategies that draw: an exhaustive search draws nothing',
    ],
    [
      ['explore', 'bank', '--strategy', 'exhaustive', '--workers', '2'],
      2,
      'option --workers is for strategies that draw: an exhaustive search is one walk, by one worker',
    ],
    [
      ['explore', 'bank', '--strategy', 'exhaustive', '--shard', '1/2', '-o', 'x'],
      2,
      'shard 1/2: an exhaustive search is one walk, which has no parts',
    ],
    [
      ['explore', 'bank', '--shard', '1/2', '-o', 'x', '--trace', 'y'],
      2,
      'option --trace is for a whole run; for a part: gorena merge, then replay-schedule',
    ],
    [
      ['replay-schedule', bankSchedule, 'bank', '--step', '1', '--chrome-trace', 'y'],
      2,
      'option --chrome-trace is for a whole schedule, not for --step',
    ],
    [['explore', 'bank', '--shard', '1/2'], 2, 'shard 1/2: a part must be kept, so --output DIR is needed'],
    [['replay-schedule', 'hello', 'bank'], 2, "replay-schedule: schedule string: got 'hello', wanted a string that begins with g1:"],
    [['replay-schedule', 'g9:AAAA', 'bank'], 2, 'replay-schedule: schedule string: it is of version g9, this gorena reads g1'],
    [['replay-schedule', 'g1:'], 2, 'replay-schedule: missing FILE|NAME; see gorena replay-schedule --help'],
  ])('gorena %j', async (words, code, line) => {
    const ran = await command.run(words);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr.split('\n')).toHaveLength(2);
    expect(ran.stderr.slice('gorena: '.length, -1)).toMatch(
      typeof line === 'string' ? new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) : line,
    );
  });

  test.each<[string, string[], number, RegExp]>([
    ["import 'nowhere';", [], 4, /cannot load .*: Error: Cannot find package 'nowhere'/],
    ['export function* main(', [], 4, /cannot load .*: SyntaxError: /],
    ['export const x = 1;', [], 2, /exports no function; wanted default or main, or name one with --export/],
    [broken, ['--export', 'mian'], 2, /has no export 'mian', there are: .*; did you mean main\?/],
    [broken, ['--export', 'number'], 2, /export 'number' of .* is a number, wanted function\*/],
    [broken, ['--export', 'plain'], 2, /export 'plain' of .* is a plain function, wanted function\*/],
    [
      'export default async (go) => {};',
      [],
      2,
      /export 'default' of .* is an async function \(exploreAsync of gorena\/sim takes one\), wanted/,
    ],
  ])('a module: %s %j', async (text, words, code, line) => {
    const ran = await command.run(['explore', command.write(`m${Math.abs(text.length)}.mjs`, text), ...words]);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(line);
    expect(ran.stderr.split('\n')).toHaveLength(2);
  });

  test('a schedule of another program', async () => {
    const words = replayWords((await command.run(['explore', 'bank', ...few])).stdout);
    const ran = await command.run([words[0]!, words[1]!, 'deposits']);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toBe("gorena: replay-schedule: schedule string: it is of the program 'bank', this is 'deposits'\n");
  });
});
