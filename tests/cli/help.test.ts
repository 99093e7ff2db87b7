// Help, version and the words that gorena does not know.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../cli/commands.ts';
import { schemeNames } from '../../profiler/schemes.ts';
import { Command } from './support.ts';

let command: Command;
beforeAll(async () => {
  command = await Command.build();
});
afterAll(() => command.remove());

describe('help is an answer: stdout, exit code 0, nothing on stderr', () => {
  test.each(['--help', '-h', 'help'])('gorena %s names every command and every exit code', async (word) => {
    const ran = await command.run([word]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^gorena \d+\.\d+\.\d+: /);
    for (const text of ['usage: gorena COMMAND', '  replay ', '  run ', '  trace ', '--version']) expect(ran.stdout).toContain(text);
    const listed = ran.stdout.split('exit codes:\n')[1]!.trimEnd().split('\n');
    expect(listed.map((line) => line.trim().split(/\s+/)[0])).toEqual(['0', '1', '2', '3', '4', '70', '130', '143']);
  });

  test.each(['--version', '-V'])('gorena %s', async (word) => {
    const ran = await command.run([word]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^gorena \d+\.\d+\.\d+\n$/);
  });

  test.each([
    ['replay', ['LOG', '--scheme S', '--seed N', '--compare DIR', '--json', '--help', 'example:']],
    [
      'run',
      [
        'NAME',
        'churn',
        'trees',
        '--procs N',
        '--gogc N|off',
        '--memory-limit N|off',
        '--era E',
        '--sweep S',
        'generations',
        '--memprofilerate N',
        '--godebug KNOBS',
        'gctrace',
        '--scheme S',
        '--seed N',
        '--json',
        'example:',
      ],
    ],
  ])('gorena %s --help names its arguments, options and schemes, with an example', async (name, texts) => {
    for (const words of [
      [name, '--help'],
      [name, '-h'],
      [name, 'x', 'y', '--help'],
    ]) {
      const ran = await command.run(words);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      for (const text of [...texts, ...schemeNames]) expect(ran.stdout).toContain(text);
    }
  });

  test('the example of each help has only options that the help lists, and no line is too long', async () => {
    for (const { name } of commands) {
      const { stdout } = await command.run(['help', name]);
      expect(stdout.split('\n').filter((line) => line.length > 132)).toEqual([]);
      const [list, example] = stdout.split('example:\n');
      for (const option of example!.match(/--[\w-]+/g) ?? []) expect(list).toContain(` ${option}`);
    }
  });
});

describe('usage: one line on stderr, nothing on stdout, exit code 2', () => {
  test.each<[string[], string]>([
    [[], 'gorena: no command; see gorena --help'],
    [['replya'], "gorena: no command 'replya'; did you mean replay?; see gorena --help"],
    [['--bogus'], "gorena: no command '--bogus'; see gorena --help"],
    [['help', 'rn'], "gorena: no command 'rn'; did you mean run?; see gorena --help"],
    [['help', 'run', 'churn'], "gorena: one argument too many: 'churn'; see gorena --help"],
    [['--version', 'please'], "gorena: one argument too many: 'please'; see gorena --help"],
    [['experiment', '--list', 'extra'], "gorena: experiment: 'extra' has no effect with --list; leave it out"],
    [['experiment', '--list', '--json', '--workers', '2'], 'gorena: experiment: --workers has no effect with --list; leave it out'],
    [
      ['run', 'churn', '--memprofilerate', '0', '--scheme', 'naive'],
      'gorena: option --scheme is for a profile, and --memprofilerate 0 makes none',
    ],
    [['heap', 'churn', '--memprofilerate', '1'], 'gorena: option --memprofilerate is for --format heapsnapshot'],
    [['heap', 'churn', '--scheme', 'naive', '-o', 'x.txt'], 'gorena: option --scheme is for --format heapsnapshot'],
    [['rn'], "gorena: no command 'rn'; did you mean run?; see gorena --help"],
    // two edits of three letters would be a guess, two of six are not
    [['rat'], "gorena: no command 'rat'; see gorena --help"],
    [['tarces'], "gorena: no command 'tarces'; did you mean trace?; see gorena --help"],
    [['run', 'tests'], "gorena: run: no program 'tests', there are: churn, trees, generations, cache, pipeline, waits, search, sites"],
    [['replay'], 'gorena: replay: missing LOG; see gorena replay --help'],
    [['replay', 'a', 'b'], "gorena: replay: one argument too many: 'b'; see gorena replay --help"],
    [['run'], 'gorena: run: missing NAME; see gorena run --help'],
    [
      ['run', 'chrun'],
      "gorena: run: no program 'chrun', there are: churn, trees, generations, cache, pipeline, waits, search, sites; did you mean churn?",
    ],
    [
      ['run', 'constructor'],
      "gorena: run: no program 'constructor', there are: churn, trees, generations, cache, pipeline, waits, search, sites",
    ],
    [['run', 'churn', '--sede', '7'], 'gorena: run: unknown option --sede; did you mean --seed?'],
    [['replay', 'a', '--sceme', 'naive'], 'gorena: replay: unknown option --sceme; did you mean --scheme?'],
    [['replay', 'a', '--procs', '2'], 'gorena: replay: unknown option --procs'],
    [['run', 'churn', '-x'], 'gorena: run: unknown option -x'],
    [['run', 'churn', '--seed'], 'gorena: option --seed wants a value: --seed N'],
    [['run', 'churn', '--seed='], 'gorena: option --seed wants a value: --seed N'],
    [['run', 'churn', '--json=yes'], 'gorena: option --json takes no value'],
    [['replay', 'a', '--compare='], 'gorena: option --compare wants a value: --compare DIR'],
    [
      ['replay', 'a', '--scheme', 'three-stages'],
      "gorena: option --scheme: got 'three-stages', wanted one of naive, two-stage, seed, three-stage, cycle, bug-19311, bug-45894, bug-46500, bug-68136; did you mean three-stage?",
    ],
    [
      ['run', 'churn', '--scheme', 'fair'],
      "gorena: option --scheme: got 'fair', wanted one of naive, two-stage, seed, three-stage, cycle, bug-19311, bug-45894, bug-46500, bug-68136",
    ],
    [['run', 'churn', '--memprofilerate', '-1'], "gorena: option --memprofilerate: got '-1', wanted a whole number from 0 to 1073741823"],
    [['run', 'churn', '--procs', '0'], "gorena: option --procs: got '0', wanted a whole number from 1 to 256"],
    [['run', 'churn', '--procs', '257'], "gorena: option --procs: got '257', wanted a whole number from 1 to 256"],
    [
      ['run', 'churn', '--memory-limit', '4MB'],
      "gorena: option --memory-limit: got '4MB', wanted bytes, such as 4194304 or 4MiB, or 'off'",
    ],
    [
      ['run', 'churn', '--memory-limit', '4MiB', '--era', '2014'],
      'gorena: option --memory-limit: Go had none in 2014; leave it out, or --era',
    ],
    [['run', 'churn', '--era', '2015'], "gorena: option --era: got '2015', wanted one of 2014, 1.19; did you mean 2014?"],
    [
      ['run', 'churn', '--sweep', 'lazily'],
      "gorena: option --sweep: got 'lazily', wanted one of go, background, proportional, lazy, delayed, eager; did you mean lazy?",
    ],
    [['run', 'churn', '--gogc', 'on'], "gorena: option --gogc: got 'on', wanted a whole number from 0 to 1000000 or 'off'"],
    [
      ['run', 'churn', '--seed', '1e3'],
      "gorena: option --seed: got '1e3', wanted a whole number from -9007199254740991 to 9007199254740991",
    ],
    [
      ['replay', 'a', '--seed', '9007199254740993'],
      "gorena: option --seed: got '9007199254740993', wanted a whole number from -9007199254740991 to 9007199254740991",
    ],
  ])('gorena %j', async (words, line) => {
    expect(await command.run(words)).toEqual({ code: 2, stdout: '', stderr: `${line}\n` });
  });

  test('a wrong option is told before a wrong file: nothing is read', async () => {
    expect(await command.run(['replay', 'no-such-file', '--scheme', 'x'])).toMatchObject({ code: 2 });
  });

  test('options may stand before the argument, with = or a space, and a value may begin with a dash', async () => {
    const ran = await command.run(['replay', '--seed', '-5', '--scheme=cycle', 'no-such-file']);
    expect(ran).toEqual({ code: 4, stdout: '', stderr: 'gorena: cannot read no-such-file: no such file\n' });
  });
});
