// The harness of the benchmarks: what it calls reached, what it calls missing, and in which order it runs. The sides here are
// made up; tests/bench/programs.test.ts runs the real ones.
//
// bench/ is plain JavaScript, loaded as it is at run time: bundled, it would not know its own folder.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const load = (path: string) => import(pathToFileURL(resolve(path)).href);
const { rowsOf, median, medianOf, nsOf, peakMB } = await load('bench/lib/rows.mjs');
const { loadBenchmarks, runBenchmarks, select } = await load('bench/lib/harness.mjs');
const { figure } = await load('bench/lib/table.mjs');

const folder = mkdtempSync(join(tmpdir(), 'gorena-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Outcome = { values: number[] } | { skipped: string } | { failed: string };

/** The rows of a benchmark whose sides came out like this. */
function rows(outcomes: Record<string, Outcome>, targets: object[], quick = false) {
  const names = Object.keys(outcomes);
  const benchmark = {
    name: 'b',
    unit: 'ns',
    ours: { name: 'ours' },
    peers: names.filter((name) => name !== 'ours').map((name) => ({ name })),
    targets,
  };
  return rowsOf(benchmark, (side: { name: string }) => outcomes[side.name], { rounds: 3, quick });
}

describe('a target', () => {
  const go = { values: [10, 20, 30] };

  test('is reached when every round reached it', () => {
    const [row] = rows({ ours: { values: [5, 10, 12] }, go }, [{ peer: 'go', atMost: 0.5 }]);
    expect(row).toMatchObject({ peer: 'go', ratio: 0.5, range: [0.4, 0.5], met: 3, rounds: 3, verdict: 'ok' });
  });

  test('is missed when one round missed it, whatever the median says', () => {
    const [row] = rows({ ours: { values: [4, 8, 18] }, go }, [{ peer: 'go', atMost: 0.5 }]);
    expect(row).toMatchObject({ ratio: 0.4, range: [0.4, 0.6], met: 2, verdict: 'over' });
  });

  test('that is a plain value has a row of its own, with the range of our values', () => {
    const [versus, plain] = rows({ ours: { values: [11, 13, 12] }, go }, [{ atMost: 12 }]);
    expect(versus).toMatchObject({ peer: 'go', target: null, met: null, verdict: '' });
    expect(plain).toMatchObject({ peer: null, ours: 12, ratio: null, range: [11, 13], met: 2, verdict: 'over' });
    expect(rows({ ours: { values: [30, 21, 25] } }, [{ atLeast: 20 }])[0]).toMatchObject({ met: 3, verdict: 'ok' });
  });

  test('is not judged in a quick run', () => {
    expect(rows({ ours: { values: [1, 1, 1] } }, [{ atMost: 2 }], true)[0]).toMatchObject({ met: null, verdict: 'quick' });
  });

  test('is not measured when our side is missing', () => {
    const [row] = rows({ ours: { skipped: 'not built yet' }, go }, [{ peer: 'go', atMost: 0.5 }]);
    expect(row).toMatchObject({ ours: null, peerValue: 20, ratio: null, verdict: 'not measured', skipped: ['ours: not built yet'] });
  });
});

test('the ratio is the median of the ratios of the rounds, not the ratio of the medians', () => {
  const [row] = rows({ ours: { values: [1, 4, 9] }, go: { values: [1, 8, 3] } }, []);
  expect(row).toMatchObject({ ours: 4, peerValue: 3, ratio: 1, ratios: [1, 0.5, 3] });
});

test('peers that are missing or failed are named, and the others stay', () => {
  const all = rows(
    { ours: { values: [1, 1, 1] }, a: { skipped: 'not installed: a' }, b: { failed: 'exit 1' }, c: { values: [2, 2, 2] } },
    [],
  );
  expect(all.map((row: { peer: string }) => row.peer)).toEqual(['c']);
  expect(all[0]).toMatchObject({ skipped: ['a: not installed: a'], failed: ['b: exit 1'] });
});

test('parsers take the median of their lines, and know when there is none', () => {
  const run = { lines: [{ b: 'x', ns: 4, p99: 1 }, { b: 'y', ns: 9 }, { b: 'x', ns: 8, p99: 3 }], share: 0.5, peakBytes: 2e6 }; // biome-ignore format: one glance
  expect(nsOf('x')(run)).toBe(3); // half a core: 6 ns of waiting time are 3 of work
  expect(medianOf('x', 'p99')(run)).toBe(2);
  expect(medianOf('z', 'p99')(run)).toBeNull();
  expect(peakMB(run)).toBe(2);
  expect(median([3, 1, 2])).toBe(2);
});

test('figures have three digits, and one more where a percent matters', () => {
  expect([0.0123, 1.0349, 12.34, 123.4, null].map(figure)).toEqual(['0.0123', '1.035', '12.3', '123', '-']);
});

describe('the sides of a group', () => {
  const log = join(folder, 'order');

  /** A side that writes its name down and prints a figure. */
  function side(name: string, ns: number, { says = '', missing = null as string | null } = {}) {
    const code = `require('fs').appendFileSync(${JSON.stringify(log)}, '${name} '); console.log('{"b":"x","ns":${ns}}'); ${says}`;
    return { name, available: () => missing, command: () => ({ argv: [process.execPath, '-e', code] }) };
  }

  test('run in turn, once a round, and one that fails is not run again', async () => {
    const benchmark = (name: string, field: string) => ({
      name,
      group: 'g',
      unit: 'ns',
      ours: side('ours', 2),
      peers: [side('good', 4), side('bad', 1, { says: 'process.exit(7)' }), side('gone', 1, { missing: 'not installed: gone' })],
      targets: [],
      parse: medianOf('x', field),
    });
    const heard: string[] = [];
    const all = await runBenchmarks([benchmark('one', 'ns'), benchmark('two', 'none')], {
      rounds: 2,
      context: { quick: true, dist: folder },
      progress: (text: string) => heard.push(text),
    });
    expect(readFileSync(log, 'utf8')).toBe('ours good bad ours good ');
    expect(heard[0]).toBe('g  round 1/2  ours');
    expect(all[0]).toMatchObject({ name: 'one', peer: 'good', ours: 2, peerValue: 4, ratio: 0.5 });
    expect(all[0].skipped).toEqual(['gone: not installed: gone']);
    expect(all[0].failed).toEqual([expect.stringContaining('bad: exit 7')]);
    expect(all[1].failed).toContain('ours: it printed no such figure');
  });
});

describe('the benchmarks that there are', async () => {
  const benchmarks = await loadBenchmarks();

  test('a target names a peer of its benchmark', () => {
    for (const { name, peers, targets } of benchmarks) {
      const names = peers.map((peer: { name: string }) => peer.name);
      for (const { peer } of targets) if (peer !== undefined) expect(names, name).toContain(peer);
    }
  });

  test('are found by benchmark, group and suite, and in no other way', () => {
    const names = (word: string) => select(benchmarks, [word]).map(({ name }: { name: string }) => name);
    expect(names('trees-18-typed')).toEqual(['trees-18-typed']);
    expect(names('sweep-64MB')).toEqual(['sweep-64MB-background', 'sweep-64MB-whole']);
    expect(names('profiler')).toContain('alloc-1024-profiler');
    expect(() => names('trees-17')).toThrow(/^no benchmark is called trees-17; there are: .*alloc-16 /);
  });
});

test.each([
  [['bench/run.mjs', 'trees-17'], /^bench: no benchmark is called trees-17; there are: .+\n$/],
  [['bench/run.mjs', '--rounds', '0'], /^bench: --rounds: got 0, wanted .+\n$/],
  [['bench/compare.mjs', '.'], /^bench: compare wants two builds: .+\n$/],
  [['bench/compare.mjs', 'docs', 'docs'], /^bench: docs is no build: .+\n$/],
])('a mistake in %j gets one line', (args, line) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toMatch(line);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});
