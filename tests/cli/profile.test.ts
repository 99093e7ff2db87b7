// gorena profile: every format of a profile, of a program and of a log, whole or not at all, and the same for the same seed.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs } from '../../examples/index.ts';
import { readProfile } from '../support/pprof.ts';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

const at = (name: string) => join(command.folder, name);
const log = 'tests/fixtures/go-traces/pipeline/trace.log.gz';
const small = ['profile', 'sites'];
/** stderr without the line of progress that a slow machine shows. */
const complaints = (stderr: string) => stderr.replace(/^.*(collections, .* of virtual time|: \d+ %)\n/gm, '');

describe('a program', () => {
  test('pb.gz by the ending of the name; the same seed gives the same bytes; figures on stdout', async () => {
    const words = (file: string) => ['profile', 'churn', '-o', at(file), '--procs', '2', '--seed', '7', '--gogc', '50'];
    const [a, b] = await Promise.all([command.run(words('a.pb.gz')), command.run(words('b.pb.gz'))]);
    for (const ran of [a, b]) expect({ code: ran.code, stderr: complaints(ran.stderr) }).toEqual({ code: 0, stderr: '' });
    const [bytes, same] = [readFileSync(at('a.pb.gz')), readFileSync(at('b.pb.gz'))];
    expect(same.equals(bytes)).toBe(true);
    const p = readProfile(bytes);
    expect(p.comments[0]).toMatch(/^gorena seed=7 procs=2 gogc=50 era=1\.19 scheme=three-stage cycle=\d+$/);
    expect(p.samples.map(({ stack }) => stack[0]!.split(' ')[0])).toContain('main.makeMessage');
    const total = p.samples.reduce((n, { values }) => n + values[3]!, 0).toLocaleString('en-US');
    expect(a.stdout).toMatch(/^churn: the profile heap at its end, after \d+ collections \(seed 7, procs 2, .*scheme three-stage\)\n/);
    expect(a.stdout).toContain(`inuse_space ${total}\nopen ${at('a.pb.gz')} with go tool pprof\n`);
    expect(readdirSync(command.folder).filter((f) => f.includes('part'))).toEqual([]);
  });

  test('pb is the same message, and text goes to stdout by itself', async () => {
    const [gz, pb, text] = await Promise.all([
      command.run([...small, '-o', at('s.pb.gz')]),
      command.run([...small, '-o', at('s.pb')]),
      command.run(small),
    ]);
    expect([gz.code, pb.code, text.code]).toEqual([0, 0, 0]);
    expect(gunzipSync(readFileSync(at('s.pb.gz'))).equals(readFileSync(at('s.pb')))).toBe(true);
    expect(text.stdout).toMatch(/^heap profile: \d+: \d+ \[\d+: \d+\] @ heap\/2\n/);
    expect(text.stdout).toMatch(/\n# DebugGC = false\n$/);
  });

  test('places are those of the source, not of the bundle that is the command', async () => {
    const { stdout } = await command.run(['profile', 'churn']);
    const [cli, churn] = ['cli/source.ts', 'examples/churn.ts'].map((file) => readFileSync(file, 'utf8').split('\n'));
    const places = [...stdout.matchAll(/^#\t0x\w+\tmain\.(\w+)\+0x0\t(\w+)\.ts:(\d+)$/gm)].map(([, f, file, line]) => [f, file, line]);
    expect(new Set(places.map(([name]) => name))).toEqual(new Set(['makeMessage', 'producer', 'consumer', 'program_', 'main']));
    for (const [name, file, line] of places) expect((file === 'churn' ? churn : cli)![Number(line) - 1]).toContain(name);
  });

  test.each([
    ['block', '--- contention:\ncycles/second=1000000000\n'],
    ['mutex', '--- mutex:\ncycles/second=1000000000\nsampling period=1\n'],
    ['goroutine', 'goroutine profile: total 8\n4 @ '],
    ['threadcreate', 'threadcreate profile: total '],
    ['allocs', 'heap profile: '],
  ])('--type %s, in the middle of the run', async (type, head) => {
    const ran = await command.run(['profile', 'pipeline', '--procs', '3', '--at', '3ms', '--type', type]);
    expect(ran.code).toBe(0);
    expect(ran.stdout.startsWith(head)).toBe(true);
    const pb = await command.run(['profile', 'pipeline', '--procs', '3', '--at', '3ms', '--type', type, '-o', at(`${type}.pb`)]);
    expect(pb.stdout).toMatch(new RegExp(`^pipeline: the profile ${type} after 3\\.\\d{3} ms, after `));
    const { sampleTypes, samples } = readProfile(readFileSync(at(`${type}.pb`)));
    expect(sampleTypes[0]).toBe(
      { block: 'contentions/count', mutex: 'contentions/count', allocs: 'alloc_objects/count' }[type] ?? `${type}/count`,
    );
    if (type !== 'mutex') expect(samples.length).toBeGreaterThan(0);
  });

  test('--json about the run, and figures below zero: dropped with a word, or drawn apart', async () => {
    const seedScheme = ['profile', 'churn', '--scheme', 'seed', '--gc', '--format', 'folded', '--sample-index', 'inuse_objects'];
    const clamp = await command.run([...seedScheme, '--json', '-o', at('x')]);
    expect(clamp.code).toBe(0);
    const doc = JSON.parse(clamp.stdout) as { totals: Record<string, number>; dropped: { type: string; stacks: number; sum: number }[] };
    expect(doc).toMatchObject({
      schemaVersion: 1,
      command: 'profile',
      source: 'churn',
      type: 'heap',
      format: 'folded',
      scheme: 'seed',
      seed: 1,
    });
    expect(doc.dropped).toEqual([{ type: 'inuse_objects', stacks: 1, sum: doc.totals.inuse_objects }]);
    expect(complaints(clamp.stderr)).toMatch(
      /^gorena: profile: left out 1 stack with inuse_objects below zero, -[\d,]+ in all; --negatives split draws them apart\n$/,
    );
    expect(readFileSync(at('x'), 'utf8')).toBe('');
    const split = await command.run([...seedScheme, '--negatives', 'split']);
    expect(split.stdout).toBe(`(negative);main.producer;main.makeMessage ${-doc.totals.inuse_objects!}\n`);
    expect(complaints(split.stderr)).toBe('');
  });

  test('speedscope by its ending', async () => {
    expect((await command.run([...small, '-o', at('s.speedscope.json')])).code).toBe(0);
    const { profiles, name } = JSON.parse(readFileSync(at('s.speedscope.json'), 'utf8')) as { profiles: object[]; name: string };
    expect(profiles).toHaveLength(4);
    expect(name).toBe('sites heap');
  });
});

describe('a log', () => {
  test('at its end, and at a snapshot', async () => {
    const [end, round] = await Promise.all([
      command.run(['profile', log, '-o', at('end.pb.gz'), '--json']),
      command.run(['profile', log, '-o', at('round1.pb.gz'), '--at', 'round1']),
    ]);
    expect(JSON.parse(end.stdout)).toMatchObject({ source: log, when: 'at its end', type: 'heap', numGC: 3 });
    expect(round.stdout).toContain(`${log}: the profile heap at snapshot round1, after `);
    const [a, b] = ['end.pb.gz', 'round1.pb.gz'].map((f) => readProfile(readFileSync(at(f))));
    expect(a!.samples.length).toBeGreaterThan(b!.samples.length);
    expect(a!.samples.some(({ stack }) => stack.some((s) => s.startsWith('runtime.goexit')))).toBe(false);
  });
});

describe('what goes wrong is one line, and no file', () => {
  test.each<[string[], string]>([
    [['profile'], 'gorena: profile: missing SOURCE; see gorena profile --help'],
    [['profile', 'chrun'], `gorena: profile: no program 'chrun', there are: ${Object.keys(programs).join(', ')}; did you mean churn?`],
    [[...small, '--type', 'heaps'], "gorena: option --type: got 'heaps', wanted one of allocs, block, goroutine, heap, mutex, threadcreate; did you mean heap?"],
    [[...small, '--format', 'pbgz'], "gorena: option --format: got 'pbgz', wanted one of pb.gz, pb, text, folded, speedscope; did you mean pb.gz?"],
    [[...small, '--json'], 'gorena: profile: the profile and --json would both print on stdout; add -o FILE'],
    [[...small, '--at', '5'], "gorena: option --at: got '5', wanted a time such as 250us, 5ms or 1.5s"],
    [[...small, '--type', 'mutex', '--era', '2014'], 'gorena: profile: Go had no mutex profile in 2014'],
    [[...small, '--type', 'block', '--blockprofilerate', '-1'], "gorena: option --blockprofilerate: got '-1', wanted a whole number from 0 to 9007199254740991"],
    [[...small, '--format', 'folded', '--sample-index', 'space'], "gorena: option --sample-index: got 'space', wanted one of alloc_objects, alloc_space, inuse_objects, inuse_space"],
    [[...small, '--negatives', 'split'], 'gorena: option --negatives is for --format folded or speedscope'],
    [[...small, '--sample-index', 'alloc_space', '-o', 'x.pb.gz'], 'gorena: option --sample-index is for --format folded or speedscope'],
    [[...small, '--blockprofilerate', '5'], 'gorena: option --blockprofilerate is for --type block'],
    [[...small, '--type', 'block', '--mutexprofilefraction', '5'], 'gorena: option --mutexprofilefraction is for --type mutex'],
    [[...small, '--type', 'goroutine', '--scheme', 'naive'], 'gorena: option --scheme is for --type heap or allocs'],
    [[...small, '--type', 'mutex', '--memprofilerate', '0'], 'gorena: option --memprofilerate is for --type heap or allocs'],
    [['profile', log, '--type', 'block'], 'gorena: option --type: a log has the profiles heap and allocs, not block'],
    [['profile', log, '--procs', '2'], 'gorena: profile: --procs is for programs; a log has its own collections and sizes'],
    [['profile', log, '--at', 'rund1'], "gorena: option --at: no snapshot 'rund1', the log has: round0, round1, round2, round3, last; did you mean round1?"],
  ])('gorena %j', async (words, line) => {
    const ran = await command.run(words);
    expect({ ...ran, stderr: complaints(ran.stderr) }).toEqual({ code: 2, stdout: '', stderr: `${line}\n` });
  }); // biome-ignore format: a line a case

  test('a file that is not there, and folders: exit code 4', async () => {
    mkdirSync(at('folder'), { recursive: true });
    const fails = async (words: string[], line: string) => {
      const { code, stdout, stderr } = await command.run(words);
      expect([code, stdout, complaints(stderr)]).toEqual([4, '', `gorena: ${line}\n`]);
    };
    await fails(['profile', at('none.log')], `cannot read ${at('none.log')}: no such file`);
    await fails([...small, '-o', at('no/x.pb.gz')], `cannot write ${at('no/x.pb.gz')}: no such folder`);
    await fails([...small, '-o', at('folder')], `cannot write ${at('folder')}: it is a directory`);
    expect(existsSync(at('no'))).toBe(false);
  });
});
