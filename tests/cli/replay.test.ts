// gorena replay, on the logs of real Go programs: the text that people read, the JSON that programs read, and the exit codes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemeNames } from '../../profiler/schemes.ts';
import { alloc, free, gc } from '../unit/replay/support.ts';
import { Command, cells, row, type SchemeRow, traces } from './support.ts';

interface Document {
  readonly schemaVersion: number;
  readonly command: string;
  readonly log: string;
  readonly scheme: string;
  readonly seed: number;
  readonly lines: number;
  readonly bytes: number;
  readonly allocations: number;
  readonly frees: number;
  readonly unknownFrees: number;
  readonly oddSizes: number;
  readonly collections: number;
  readonly snapshots: readonly {
    readonly name: string;
    readonly line: number;
    readonly numGC: number;
    readonly schemes: readonly SchemeRow[];
    readonly comparison: null | {
      readonly equal: number;
      readonly leftOut: readonly { rule: string; count: number; keys: string[] }[];
      readonly different: readonly { key: string; size: number; ours: object | null; real: object | null }[];
    };
  }[];
}

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

const log = `${traces}/jsonwork/trace.log.gz`;
const gzipmaps = `${traces}/gzipmaps/trace.log.gz`;
const replayJson = async (...words: string[]) => {
  const ran = await command.run(['replay', ...words, '--json']);
  expect(ran.stderr.replace(/^(reading|replaying) .*: \d+ %\n/gm, '')).toBe(''); // progress, on a slow machine
  return { code: ran.code, doc: JSON.parse(ran.stdout) as Document };
};

describe('text', () => {
  test('three-stage publishes the real profile: equal, what was left out and why, exit code 0', async () => {
    const { code, stdout, stderr } = await command.run(['replay', log, '--compare', `${traces}/jsonwork`]);
    expect([code, stderr]).toEqual([0, '']);
    const [first, skipped] = stdout.split('\n');
    expect(first).toBe(`${log}: 11,369 allocations, 1,429 frees, 5 collections in 286,293 lines (scheme three-stage, seed 1)`);
    expect(skipped).toBe('3 frees of addresses that the log never allocated (allocated before Go had read GODEBUG): skipped');
    for (const name of ['round0', 'round1', 'round2', 'round3', 'last'])
      expect(stdout).toMatch(new RegExp(`^snapshot ${name} \\(line `, 'm'));
    const last = stdout.slice(stdout.indexOf('snapshot last'));
    expect(last).toContain('real profile: equal under three-stage: 206 buckets equal, 0 different, 6 left out\n');
    expect(last.match(/^ {2}left out \d+: .*$/gm)).toEqual([
      expect.stringMatching(/^ {2}left out 1: .*before "# profile start"/),
      expect.stringMatching(/^ {2}left out 3: .*does not begin with runtime.mallocgc$/),
      expect.stringMatching(/^ {2}left out 2: .*system stack/),
    ]);
  });

  test('the table: published, as of which mark termination, the truth, the difference', async () => {
    const { stdout } = await command.run(['replay', log]);
    expect(cells(stdout, 'snapshot last', 'scheme')).toEqual([
      ...['scheme', 'buckets', 'objects', 'bytes in use', 'as of', 'true bytes', 'skew', 'buckets off'],
    ]);
    expect(cells(stdout, 'snapshot last', 'three-stage')).toEqual([
      'three-stage',
      '155',
      '232',
      '3,856,984',
      'MT 5',
      '3,856,984',
      '0',
      '0',
    ]);
    expect(cells(stdout, 'snapshot last', 'naive')).toEqual(['naive', '164', '451', '3,900,944', 'MT 5', '3,856,984', '+43,960', '11']);
    expect(stdout).not.toContain('real profile');
  });

  test('naive reports the differences, the largest first, and exits with 1', async () => {
    const { code, stdout, stderr } = await command.run(['replay', gzipmaps, '--scheme', 'naive', '--compare', `${traces}/gzipmaps`]);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain('(scheme naive, seed 1)');
    expect(stdout).toMatch(/^real profile: DIFFERENT under naive: \d+ buckets equal, \d+ different, 5 left out$/m);
    expect(stdout).toMatch(/^ {2}different: 663552 bytes at compress\/flate\.NewWriter .*: ours 2 in use of \d+ allocated, real 1 in use/m);
    expect(stdout).toMatch(/^ {2}… and \d+ more \(--json has all\)$/m);
    expect(stdout.match(/^ {2}different: /gm)!.length).toBeLessThanOrEqual(4 * 5);
  });

  test('a log without marks has nothing to show, and says so', async () => {
    const { code, stdout } = await command.run(['replay', command.write('plain.log', alloc('0x10', '0x10') + gc + free('0x10', '0x10'))]);
    expect(code).toBe(0);
    expect(stdout).toContain("the log has no mark '# profile start': nothing was profiled");
    expect(stdout).toContain("the log has no mark '# snapshot begin NAME': nothing to show");
  });

  test('sizes that Go 1.19 never hands out are counted', async () => {
    const odd = command.write('odd.log', `# profile start\n${alloc('0x10', '0x11')}${gc}# snapshot begin s\n`);
    const { code, stdout } = await command.run(['replay', odd]);
    expect(code).toBe(0);
    expect(stdout).toContain("1 allocation has a size that is none of Go 1.19's size classes: rounded up");
    expect(cells(stdout, 'snapshot s', 'three-stage').slice(1, 4)).toEqual(['1', '1', '24']);
  });

  test('colours only where they are asked for, and never against NO_COLOR', async () => {
    const words = ['replay', log, '--compare', `${traces}/jsonwork`];
    const plain = await command.run(words);
    const forced = await command.run(words, { env: { FORCE_COLOR: '1' } });
    const refused = await command.run(words, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(forced.stdout).toContain('\x1b[');
    expect(refused.stdout).toBe(plain.stdout);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
    expect(forced.stdout.replace(/\x1b\[\d+m/g, '')).toBe(plain.stdout);
  });
});

describe('JSON', () => {
  test('one document with the figures of the text', async () => {
    const { code, doc } = await replayJson(log, '--compare', `${traces}/jsonwork`, '--seed', '0x10');
    expect(code).toBe(0);
    expect(doc).toMatchObject({
      ...{ schemaVersion: 1, command: 'replay', log, scheme: 'three-stage', seed: 16, lines: 286_293, bytes: 15_474_126 },
      ...{ allocations: 11_369, frees: 1429, unknownFrees: 3, oddSizes: 0, collections: 5 },
    });
    expect(doc.snapshots.map(({ name }) => name)).toEqual(['round0', 'round1', 'round2', 'round3', 'last']);
    for (const { schemes, comparison, line, numGC } of doc.snapshots) {
      expect(line).toBeGreaterThan(0);
      expect(numGC).toBeGreaterThan(0);
      expect(schemes.map(({ scheme }) => scheme).sort()).toEqual([...schemeNames].sort());
      expect(comparison!.different).toEqual([]);
      expect(comparison!.leftOut.map(({ count }) => count)).toEqual([1, 3, 2]);
      for (const { count, keys } of comparison!.leftOut) expect(keys).toHaveLength(count);
      for (const r of schemes) {
        expect(r.skewBytes).toBe(r.inUseBytes - r.truthBytes);
        expect(r.skewObjects).toBe(r.inUseObjects - r.truthObjects);
      }
    }
    expect(row(doc.snapshots.at(-1)!.schemes, 'naive')).toMatchObject({ inUseBytes: 3_900_944, skewBytes: 43_960, bucketsOff: 11 });
  });

  test('the scheme that was asked for comes first, and only that one is compared', async () => {
    for (const scheme of schemeNames) {
      const { code, doc } = await replayJson(gzipmaps, '--scheme', scheme, '--compare', `${traces}/gzipmaps`);
      expect(doc.scheme).toBe(scheme);
      for (const { schemes } of doc.snapshots) expect(schemes[0]!.scheme).toBe(scheme);
      const different = doc.snapshots.some(({ comparison }) => comparison!.different.length > 0);
      expect(code).toBe(different ? 1 : 0);
      expect(different).toBe(scheme !== 'three-stage' && scheme !== 'cycle');
    }
  });

  test('every difference is there, with the counts of both sides', async () => {
    const { doc } = await replayJson(gzipmaps, '--scheme', 'naive', '--compare', `${traces}/gzipmaps`);
    const { different } = doc.snapshots.find(({ name }) => name === 'pass4')!.comparison!;
    expect(different).toHaveLength(57);
    for (const d of different) {
      expect(d.key).toMatch(/ \S+:\d+$/m);
      expect(d.ours ?? d.real).not.toBeNull();
    }
  });

  test('without --compare there is no comparison', async () => {
    const { doc } = await replayJson(log);
    expect(doc.snapshots.map(({ comparison }) => comparison)).toEqual([null, null, null, null, null]);
  });

  test('snapshots without a profile in the folder are shown and not compared', async () => {
    const small = `# profile start\n${alloc('0x10', '0x10')}${gc}# snapshot begin a\n# snapshot begin b\n`;
    command.write('b.jsonl', '{"inuseObjects":1,"inuseBytes":16,"allocObjects":1,"allocBytes":16,"stack":["main.main main.go:9"]}\n');
    const { code, doc } = await replayJson(command.write('small.log', small), '--compare', command.folder);
    expect(code).toBe(0);
    expect(doc.snapshots.map(({ comparison }) => comparison?.equal ?? null)).toEqual([null, 1]);
  });
});

describe('determinism and pipes', () => {
  test('the same log and seed give the same bytes; a replay has no other choices, so another seed gives them too', async () => {
    const [a, b, c] = await Promise.all(['7', '7', '8'].map((seed) => command.run(['replay', log, '--seed', seed])));
    expect(a!.stdout).toBe(b!.stdout);
    expect(c!.stdout).toBe(a!.stdout.replace('seed 7', 'seed 8'));
  });

  test('plain text and gzip are told apart by their bytes, not by their names', async () => {
    const text = `# profile start\n${alloc('0x10', '0x10')}${gc}# snapshot begin s\n`;
    const plain = await command.run(['replay', command.write('named.gz', text)]);
    expect(plain).toMatchObject({ code: 0, stderr: '' });
  });

  test('a reader that goes away early is no error', async () => {
    for (const words of [['replay', log], ['replay', log, '--json'], ['--help']]) {
      expect(await command.run(words, { closeStdout: true })).toEqual({ code: 0, stdout: '', stderr: '' });
    }
  });
});
