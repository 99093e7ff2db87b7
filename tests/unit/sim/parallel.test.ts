// One exploration on several threads: the same failures as on one, whatever their number, and one clear error for what cannot be.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exploreModule } from '../../../sim/explore.ts';
import { type ExploreOptions, exploreSync, type Program } from '../../../sim/index.ts';
import { exploreSettings } from '../../../sim/options.ts';
import main from './programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'gorena-sim-'));
const script = pathToFileURL(join(folder, 'worker.js'));
const module = pathToFileURL(join(folder, 'programs.js')).href;

beforeAll(async () => {
  await build({
    entryPoints: { worker: 'sim/worker.ts', programs: 'tests/unit/sim/programs.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

const onThreads = (name: string, workers: number, options: ExploreOptions = {}) =>
  exploreModule({ module, name }, exploreSettings(options), workers, script);

const numbers = (found: { readonly failures: readonly { schedule: number; identity: string; order: readonly number[] }[] }) =>
  found.failures.map(({ schedule, order }) => [schedule, order.join(' ')]);

test('the first failure is the same on one, two and three threads', async () => {
  const alone = exploreSync(main as Program, { seed: 5 });
  expect(alone.failures.length).toBe(1);
  for (const workers of [1, 2, 3]) {
    const found = await onThreads('default', workers, { seed: 5 });
    expect(numbers(found), `${workers} threads`).toEqual(numbers(alone));
    expect(found.failure?.message).toBe('used after stop');
  }
});

test('and so are the first of each identity, when all are wanted, and the figures of each strategy', async () => {
  const options = { keepGoing: true, schedules: 500 };
  const alone = exploreSync(main as Program, options);
  expect(Object.values(alone.perStrategy).reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(3);
  for (const workers of [2, 3]) {
    const found = await onThreads('default', workers, options);
    expect(numbers(found)).toEqual(numbers(alone));
    expect(found.schedules).toBe(500);
    expect(found.steps).toBe(alone.steps);
    expect([found.distinct, found.unseen]).toEqual([alone.distinct, alone.unseen]);
    expect(found.perStrategy).toEqual(alone.perStrategy);
  }
});

test('a program without a failure is explored to the end', async () => {
  const found = await onThreads('fine', 2, { schedules: 300 });
  expect([found.failure, found.schedules]).toEqual([null, 300]);
});

test('a program that never yields is found out', async () => {
  await expect(onThreads('stuck', 2, { stuckMs: 300, schedules: 100 })).rejects.toThrow(
    'a schedule has not come back for 300 ms: the program loops without a yield*, or one step takes very long (option stuckMs)',
  );
});

test('a module that is none, and a name that is no program', async () => {
  await expect(exploreModule({ module: `${module}x` }, exploreSettings({}), 2, script)).rejects.toThrow(
    /^the program's module .*programs\.jsx cannot be loaded: Cannot find module /,
  );
  await expect(onThreads('nobody', 2)).rejects.toThrow(
    /^the program's module .*programs\.js exports no 'nobody'; it has default, fine, none, stuck$/,
  );
  await expect(onThreads('none', 2)).rejects.toThrow(
    new TypeError('the program to explore: got number, wanted a goroutine function: function* main(go) { … }'),
  );
});
