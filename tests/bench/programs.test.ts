// Our side of the benchmarks, at small sizes on a bundle of the sources: each program prints what its suite reads, and does the same
// work as the peer that needs nothing but Node. Times are not looked at.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const dist = mkdtempSync(join(tmpdir(), 'gorena-bench-'));
afterAll(() => rmSync(dist, { recursive: true }));
beforeAll(() =>
  build({
    entryPoints: { index: 'runtime/index.ts', sim: 'sim/index.ts', 'sim-worker': 'sim/worker.ts' },
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    external: ['node:*'],
    define: { __GORENA_VERSION__: '"0"' },
    logLevel: 'warning',
  }),
);

type Line = { b: string } & Record<string, number>;

/** The result lines of a program of bench/. */
function lines(command: string): Line[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', ...`bench/${command}`.split(' ')], {
    encoding: 'utf8',
    env: { ...process.env, GORENA_DIST: dist },
  });
  if (status !== 0) throw new Error(`${command}: exit ${status}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const named = (all: Line[], b: string) => all.filter((line) => line.b === b);
const shapes = ['list', 'tree', 'wide', 'graph', 'rlist'];

test.each(['raw', 'typed'])('trees, %s: as many nodes as the peer visits', (layer) => {
  const [ours] = lines(`ours/trees.mjs ${layer} 8`);
  const [peer] = lines('peers/js/trees.mjs 8');
  expect(ours).toMatchObject({ b: 'trees', n: peer!.n });
  expect(ours!.ns).toBeGreaterThan(0);
});

test.each([16, 64, 1024])('alloc of %i bytes', (size) => {
  expect(lines(`ours/alloc.mjs raw ${size} 10000`)).toMatchObject([{ b: 'alloc', n: 10_000 }]);
  expect(lines(`peers/js/floor.mjs alloc ${size} 10000`)).toMatchObject([{ b: 'alloc', n: 10_000 }]);
});

describe.each(shapes)('live heaps: %s', (shape) => {
  test('five collections with all alive, one with all dead; as many objects as the peers have', () => {
    const ours = lines(`ours/mark.mjs raw ${shape} 3000`);
    expect(ours.map(({ b }) => b)).toEqual(['mark', 'mark', 'mark', 'mark', 'mark', 'sweep-all']);
    const n = shape === 'tree' ? 4095 : 3000;
    for (const peer of [`peers/js/mark.mjs ${shape} 3000`, `peers/js/floor.mjs mark ${shape} 3000`]) {
      expect(named(lines(peer), 'mark').map((line) => line.n)).toEqual([n, n, n, n, n]);
    }
    expect(ours[0]!.n).toBe(n);
  });

  test('slices: pairs, and three distributions whose percentiles ascend', () => {
    const all = lines(`ours/slices.mjs ${shape} 20000 4`);
    expect(named(all, 'slicing-cost').every(({ ratio }) => ratio! > 0)).toBe(true);
    expect(named(all, 'slicing-cost')).toHaveLength(4);
    for (const b of ['slice', 'alloc-slice', 'alloc-stop']) {
      const [{ n, p50, p99, max }] = named(all, b) as [Line];
      expect(n, b).toBeGreaterThan(20);
      expect([p50, p99, max], b).toEqual([p50, p99, max].sort((x, y) => x! - y!));
    }
    expect(named(all, 'alloc-stop')[0]!.n).toBeLessThan(named(all, 'alloc-slice')[0]!.n!);
  });
});

test('sweep: ten sweeps of each kind, every page of the heap each time', () => {
  const all = lines('ours/sweep.mjs 1');
  for (const way of ['background', 'whole']) {
    const pages = named(all, way).map(({ pagesSwept }) => pagesSwept);
    expect(pages, way).toEqual(new Array(10).fill(128));
  }
  expect(named(lines('peers/js/floor.mjs sweep 1'), 'floor')).toHaveLength(10);
});

test.each(['alloc 16 30000 3', 'trees 8 2 3'])('profiler, %s: a quotient a pair', (program) => {
  const all = lines(`ours/profiler.mjs ${program}`);
  expect(all).toHaveLength(3);
  for (const { b, ratio, on, off } of all) {
    expect(b).toBe('profiler-cost');
    expect(ratio).toBe(on! / off!);
  }
});

test.each(['locks', 'philosophers', 'buffer', 'reorder', 'closures'])(
  'exploring %s: schedules and steps, on this thread and on two',
  (name) => {
    const all = lines(`ours/explore.mjs ${name} 500 portfolio`);
    expect(named(all, 'schedule').map(({ n }) => n)).toEqual(new Array(10).fill(50));
    expect(named(all, 'step').every(({ n }) => n! > 50 * 3)).toBe(true);
    expect(named(all, 'growth')).toMatchObject([{ n: 500 }]);
    expect(lines(`ours/explore.mjs ${name} 500 portfolio 2`)).toMatchObject([{ b: 'schedule', n: 500 }]);
  },
);
