// gorena/vitest as a user has it: the package built into a project of its own, and a real vitest that runs the project's tests.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const project = mkdtempSync(join(tmpdir(), 'gorena-vitest-'));
const modules = join(project, 'node_modules');
const cache = join(modules, '.cache', 'gorena');
const file = join(project, 'shop.test.mjs');

const shop = (fixed: boolean) => `
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { i32 } from 'gorena';
import { explore } from 'gorena/sim';
import { simTest } from 'gorena/vitest';

function* stock(go) {
  const left = go.cell(10, 'left');
  const mu = go.mutex();
  const done = go.waitGroup();
  done.add(2);
  for (let i = 0; i < 2; i++) {
    go.go(function* buy() {
      ${fixed ? 'yield* mu.lock();' : ''}
      const seen = yield* left.get();
      yield* left.set(seen - 1);
      ${fixed ? 'mu.unlock();' : ''}
      done.done();
    });
  }
  yield* done.wait();
  expect(left.peek()).toBe(8);
}

simTest("nobody's goods are sold twice (in stock)", { schedules: 200 }, stock);

simTest('fine', function* (go) {
  const q = go.chan(i32, 1);
  yield* q.send(1);
  expect(yield* q.recv()).toBe(1);
});

simTest('inputs', { inputs: [fc.nat(20), fc.nat(20)], schedules: 50 }, (n, m) => function* (go) {
  const count = go.cell(0, 'count');
  const mu = go.mutex();
  const done = go.waitGroup();
  done.add(n);
  for (let i = 0; i < n; i++) {
    go.go(function* add() {
      ${fixed ? 'yield* mu.lock();' : ''}
      const old = yield* count.get();
      yield* count.set(old + 1);
      ${fixed ? 'mu.unlock();' : ''}
      done.done();
    });
  }
  yield* done.wait();
  if (${!fixed} && count.peek() !== n) throw new Error(\`\${count.peek()} of \${n}, \${m}\`);
});

test('matcher', async () => {
  expect(await explore(stock, { schedules: 100 })).toHoldOnAllSchedules();
});
test('matcher on a program', async () => {
  await expect(stock).toHoldOnAllSchedules({ schedules: 100 });
});
test('not', async () => {
  await expect(stock).not.toHoldOnAllSchedules({ schedules: 100 });
});
`;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  /** By name: passed, failed, skipped. */
  readonly states: Readonly<Record<string, string>>;
}

/** Runs the project's vitest. */
function vitest(words: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { GORENA_SCHEDULE: _, GORENA_INPUTS: __, VITEST: ___, ...inherited } = process.env;
  const args = [
    resolve('node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=json',
    '--outputFile=out.json',
    '--reporter=default',
    ...words,
  ];
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, { cwd: project, env: { ...inherited, NO_COLOR: '1', CI: '1', ...env } });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.on('error', reject);
    child.on('close', (code) => {
      const { testResults } = JSON.parse(readFileSync(join(project, 'out.json'), 'utf8')) as {
        testResults: { assertionResults: { title: string; status: string }[] }[];
      };
      const states = testResults.flatMap((r) => r.assertionResults.map(({ title, status }) => [title, status]));
      done({ code, out, states: Object.fromEntries(states) });
    });
  });
}

beforeAll(async () => {
  const own = join(modules, 'gorena');
  mkdirSync(own, { recursive: true });
  for (const name of ['vitest', 'fast-check']) symlinkSync(resolve('node_modules', name), join(modules, name));
  cpSync('package.json', join(own, 'package.json'));
  await build({
    entryPoints: { index: 'runtime/index.ts', sim: 'sim/index.ts', vitest: 'testing/vitest.ts' },
    ...{ outdir: join(own, 'dist'), bundle: true, splitting: true, format: 'esm', platform: 'neutral' },
    external: ['node:*', 'vitest', 'fast-check'],
    target: ['node20', 'es2022'],
  });
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  writeFileSync(join(project, 'vitest.config.mjs'), "export default { test: { include: ['*.test.mjs'], pool: 'forks', maxWorkers: 1 } };");
});
afterAll(() => rmSync(project, { recursive: true, force: true }));
beforeEach(() => rmSync(cache, { recursive: true, force: true }));

const broken = "nobody's goods are sold twice (in stock)";

describe('a program that is wrong', () => {
  test('fails with a report; its replay line fails the same way; the schedule is remembered until it holds', async () => {
    writeFileSync(file, shop(false));
    const first = await vitest();
    expect(first.code).toBe(1);
    expect(first.states).toEqual({
      ...{ [broken]: 'failed', fine: 'passed', inputs: 'failed', matcher: 'failed', 'matcher on a program': 'failed', not: 'passed' },
    });
    expect(first.out).toMatch(/ASSERTION after \d+ steps \(shrunk \d+→\d+ steps, \d+→1 preemption; found by .* at schedule \d+ of 200, /);
    expect(first.out).toContain('⟵ preempted');
    expect(first.out).toContain('expected 9 to be 8');
    expect(first.out).toMatch(/inputs: 2, 0 {3}\(GORENA_INPUTS='[\d:]+'\)/);
    expect(readdirSync(cache)).toHaveLength(2);

    // the line that is printed, as a shell would take it
    const line = /replay: GORENA_SCHEDULE='(g1:[\w-]+)' npx vitest run -t '(nobody.*)'$/m.exec(first.out)!;
    const name = line[2]!.replaceAll("'\\''", "'");
    const again = await vitest(['-t', name], { GORENA_SCHEDULE: line[1]! });
    expect(again.states).toMatchObject({ [broken]: 'failed', fine: 'skipped' });
    expect(again.out).toMatch(/replayed (\d+) of \1 steps/);
    expect(again.out).toContain('expected 9 to be 8');

    const second = await vitest(['-t', 'goods']);
    expect(second.out).toContain('the schedule that failed last fails again');

    // what watch mode does after the file was mended
    writeFileSync(file, shop(true));
    const mended = await vitest(['-t', 'goods|fine|inputs|matcher']);
    expect(mended.states).toMatchObject({ [broken]: 'passed', fine: 'passed', inputs: 'passed', matcher: 'passed' });
    expect(mended.code).toBe(0);
    expect(readdirSync(cache)).toEqual([]);

    const held = await vitest(['-t', name], { GORENA_SCHEDULE: line[1]! });
    expect(held.states[broken]).toBe('failed'); // the lock is another operation than the schedule has
    expect(held.out).toContain('the program does something else than the schedule from step');
  });

  test('a string that is none, and one of another test', async () => {
    writeFileSync(file, shop(true));
    const none = await vitest(['-t', 'fine'], { GORENA_SCHEDULE: 'g1:AAAA' });
    expect(none.states.fine).toBe('failed');
    expect(none.out).toMatch(/schedule string: /);
  });
});
