// gorena run --godebug: the knobs of GODEBUG on the command line; their lines go to standard error.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { godebugKnobs } from '../../runtime/godebug.ts';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

test('gctrace=1 prints a line a collection on stderr and leaves stdout as it is', async () => {
  const plain = await command.run(['run', 'churn']);
  const traced = await command.run(['run', 'churn', '--godebug', 'gctrace=1']);
  expect([traced.code, traced.stdout]).toEqual([0, plain.stdout]);
  expect(plain.stderr).toBe('');
  const lines = traced.stderr.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(/^gc \d+ @\d+\.\d{3}s \d+%: .* ms clock, .* ms cpu, .* MB goal, .*, 1 P( \(forced\))?$/);
  expect(lines.at(-1)).toMatch(/\(forced\)$/);
});

test('--era 2014: gctrace=1 prints the line of Go 1.4, and the result names the era', async () => {
  const { code, stdout, stderr } = await command.run(['run', 'churn', '--era', '2014', '--godebug', 'gctrace=1']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^churn: .*, scheme three-stage, era 2014\)$/m);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(/^gc\d+\(1\): \d+\+\d+\+\d+\+\d+ us, \d+ -> \d+ MB, \d+ \(\d+-\d+\) objects, /);
});

test('the staged scheme keeps its promise with the sweep inside the pause', async () => {
  const { code, stdout } = await command.run(['run', 'churn', '--procs', '2', '--godebug', 'gcstoptheworld=2,clobberfree=1']);
  expect(code).toBe(0);
  expect(stdout).toContain('three-stage: published = truth in every bucket');
});

test.each([
  ['gctrac=1', /^gorena: option --godebug: no knob 'gctrac', wanted gctrace, [^\n]*\n$/],
  ['gctrace=7', /^gorena: option --godebug: gctrace: got '7', wanted 0 or 1\n$/],
  ['sbrk', /^gorena: option --godebug: sbrk: no value, wanted sbrk=1\n$/],
])('--godebug %s: one line, exit code 2', async (knobs, message) => {
  const { code, stdout, stderr } = await command.run(['run', 'churn', '--godebug', knobs]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test('the help names every knob', async () => {
  const { stdout } = await command.run(['run', '--help']);
  for (const knob of godebugKnobs) expect(stdout).toContain(`\n  ${knob} `);
});
