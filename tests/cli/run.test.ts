// gorena run: the built-in programs, their profile against the truth, and that one seed decides all of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemeNames } from '../../profiler/schemes.ts';
import { Command, cells, row, type SchemeRow } from './support.ts';

interface Document {
  readonly schemaVersion: number;
  readonly command: string;
  readonly program: string;
  readonly seed: number;
  readonly procs: number;
  readonly gogc: number | 'off';
  readonly memoryLimit: number | 'off';
  readonly memProfileRate: number;
  readonly scheme: string;
  readonly nanos: number;
  readonly turns: number;
  readonly numGC: number;
  readonly mallocs: number;
  readonly frees: number;
  readonly moments: readonly { readonly when: string; readonly schemes: readonly SchemeRow[] }[];
}

let command: Command;
let churn: Document; // with no options: several tests hold theirs against it
const sampled = ['--memprofilerate', '4096']; // several times faster than every malloc, and moves nothing else
beforeAll(async () => {
  command = await Command.build();
  churn = await runJson('churn');
});
afterAll(() => command.remove());

const runJson = async (...words: string[]) => {
  const ran = await command.run(['run', ...words, '--json']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ran.stdout) as Document;
};

describe('published against true', () => {
  test.each(['churn', 'trees'])('%s: staged schemes agree in every bucket, naive is skewed toward mallocs', async (name) => {
    const doc = name === 'churn' ? churn : await runJson(name, '--memprofilerate', '512');
    expect(doc).toMatchObject({
      ...{ schemaVersion: 1, command: 'run', program: name, scheme: 'three-stage' },
      ...{ seed: 1, procs: 1, gogc: 100, memProfileRate: name === 'churn' ? 1 : 512 },
    });
    expect(doc.numGC).toBeGreaterThan(3);
    expect(doc.mallocs).toBeGreaterThanOrEqual(doc.frees);
    expect(doc.moments.map(({ when }) => when)).toEqual(['when the program is done', 'after runtime.GC()']);
    for (const { schemes } of doc.moments) {
      expect(schemes.map(({ scheme }) => scheme).sort()).toEqual([...schemeNames].sort());
      for (const scheme of ['three-stage', 'cycle']) {
        expect(row(schemes, scheme)).toMatchObject({ bucketsOff: 0, skewBytes: 0, skewObjects: 0, worstBucketBytes: 0 });
      }
    }
    const [done, collected] = doc.moments;
    expect(row(done!.schemes, 'naive').skewBytes).toBeGreaterThan(0);
    expect(row(done!.schemes, 'three-stage').asOf).toBeLessThan(doc.numGC - 1); // one mark termination behind, and one more GC to come
    expect(row(collected!.schemes, 'three-stage').asOf).toBe(doc.numGC);
    // The seed's runtime.GC() publishes frees a cycle ahead of their mallocs (golang/go#8867).
    // (trees may end just behind a collection: then there is nothing to free ahead, and the books are at zero.)
    expect(row(collected!.schemes, 'seed').inUseObjects).toBeLessThan(name === 'churn' ? 0 : 1);
  });

  test('in text, for every scheme: the verdict is that of the scheme that was asked for', async () => {
    const { code, stdout, stderr } = await command.run(['run', 'churn', '--procs', '2', '--seed', '7', '--scheme', 'naive']);
    expect([code, stderr]).toEqual([0, '']); // naive promises nothing
    expect(stdout).toMatch(/^churn: 800,005 mallocs, \d+ collections, .* of virtual time \(seed 7, procs 2, gogc 100, scheme naive\)$/m);
    const done = stdout.indexOf('when the program is done');
    const collected = stdout.indexOf('after runtime.GC()');
    expect(0 < done && done < collected).toBe(true);
    expect(stdout.slice(done, collected)).toMatch(/^naive: 2 buckets differ from the truth, [+-][\d,]+ bytes in all$/m);
    expect(cells(stdout, 'when the program is done', 'cycle').slice(-2)).toEqual(['0', '0']);
  });
});

describe('options', () => {
  test('procs: four processors need less virtual time than one', async () => {
    const four = await runJson('churn', '--procs', '4', ...sampled);
    expect(four.nanos).toBeLessThan(churn.nanos);
    expect(four.mallocs).toBe(churn.mallocs);
  });

  test('gogc: off collects only when asked, a small value often', async () => {
    const [off, ten] = await Promise.all([runJson('churn', '--gogc', 'off', ...sampled), runJson('churn', '--gogc=10', ...sampled)]);
    expect(off).toMatchObject({ gogc: 'off', numGC: 1 });
    expect(row(off.moments[0]!.schemes, 'three-stage').asOf).toBe(0);
    expect(ten.numGC).toBeGreaterThan(2 * churn.numGC);
  });

  test('memory-limit: collects although GOGC is off', async () => {
    const doc = await runJson('churn', '--gogc', 'off', '--memory-limit', '4MiB', ...sampled);
    expect(doc).toMatchObject({ gogc: 'off', memoryLimit: 4 << 20 });
    expect(doc.numGC).toBeGreaterThan(churn.numGC);
  });

  test('memprofilerate: published and true count the sampled objects only, and still agree', async () => {
    const doc = await runJson('churn', ...sampled, '--scheme', 'cycle');
    const [done] = doc.moments;
    expect(row(done!.schemes, 'cycle').inUseObjects).toBeGreaterThan(0);
    expect(row(done!.schemes, 'cycle').inUseObjects).toBeLessThan(row(churn.moments[0]!.schemes, 'cycle').inUseObjects / 10);
    expect(row(done!.schemes, 'cycle').bucketsOff).toBe(0);
    // Sampling has its own stream of random numbers: it moves nothing else.
    const { nanos, turns, numGC } = churn;
    expect(doc).toMatchObject({ nanos, turns, numGC });
  });

  test('memprofilerate 0: nothing is sampled, and the text says so', async () => {
    const { code, stdout } = await command.run(['run', 'churn', '--memprofilerate', '0']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^the memory profiler is off: /m);
    expect(cells(stdout, 'when the program is done', 'naive')[2]).toBe('0');
  });
});

describe('godebug', () => {
  test("gctrace: Go's line for each collection, on stderr; the result on stdout is what it is without", async () => {
    const words = ['run', 'churn', ...sampled];
    const plain = await command.run(words);
    const ran = await command.run([...words, '--godebug', 'gctrace=1']);
    expect(ran.stdout).toBe(plain.stdout);
    const lines = ran.stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(churn.numGC);
    for (const [i, line] of lines.entries()) {
      expect(line).toMatch(
        new RegExp(
          `^gc ${i + 1} @\\d+\\.\\d{3}s \\d+%: .* ms clock, .* ms cpu, \\d+->\\d+->\\d+ MB, \\d+ MB goal, .*, 1 P( \\(forced\\))?$`,
        ),
      );
    }
    expect(lines.at(-1)).toMatch(/ \(forced\)$/);
  });

  test.each([
    ['gctrase=1', "no knob 'gctrase', wanted gctrace, "],
    ['gctrace=9', "gctrace: got '9', wanted 0 or 1"],
    ['gctrace', 'gctrace: no value, wanted gctrace=1'],
  ])('%s is refused before anything runs', async (knobs, message) => {
    const ran = await command.run(['run', 'churn', '--godebug', knobs]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^gorena: option --godebug: [^\n]*\n$/);
    expect(ran.stderr).toContain(message);
  });
});

describe('determinism', () => {
  const words = ['run', 'churn', '--procs', '3', ...sampled, '--gogc', '50', '--json'];

  test('the same seed twice gives the same bytes; another seed another run', async () => {
    const [a, b, c] = await Promise.all(['11', '0xb', '12'].map((seed) => command.run([...words, '--seed', seed])));
    expect(a!.stdout).toBe(b!.stdout);
    expect(c!.stdout).not.toBe(a!.stdout);
  });

  test('the scheme that answers does not move the run', async () => {
    const [a, b] = await Promise.all(['three-stage', 'naive'].map((scheme) => command.run([...words, '--scheme', scheme])));
    const sorted = (text: string) => {
      const { scheme: _, moments, ...rest } = JSON.parse(text) as Document;
      return {
        ...rest,
        moments: moments.map(({ when, schemes }) => ({ when, schemes: [...schemes].sort((x, y) => (x.scheme < y.scheme ? -1 : 1)) })),
      };
    };
    expect(sorted(a!.stdout)).toEqual(sorted(b!.stdout));
  });

  test('a reader that goes away early is no error', async () => {
    expect(await command.run(words, { closeStdout: true })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
