// The catalogue of mutants at small scale, for every run of the tests: those that somebody notices soon are hunted here, from a
// seed of their own; the controls must stay silent. `make mutants` hunts all of them, longer. And the explorer itself is told
// about: its strings bring a failure back, its small cases are as bad as the large ones.
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { caseOf, judge, parseReplay, replayText, shrink } from '../support/hostile/case.ts';
import { parseProgram, programText } from '../support/hostile/program.ts';
import { absent, canary, mutants } from '../support/mutants/catalogue.ts';
import { hunt, runWith } from '../support/mutants/hunt.ts';

/** Schedules within which each is noticed here; the rarer ones (M02, M05, M06, M07, M24, M26a …) are left to `make mutants`. */
const soon = 60;
const rare = ['M02', 'M05', 'M06', 'M07', 'M07c', 'M24', 'M26a', 'W09'];

describe('mutants', () => {
  for (const mutant of mutants.filter((m) => !m.control && !rare.includes(m.id))) {
    test(`${mutant.id}: ${mutant.title}`, ({ annotate }) => {
      const kill = hunt(mutant, 7, true, soon);
      expect(kill, `nobody noticed in ${soon} schedules`).not.toBe(null);
      return annotate(`${kill!.schedules} schedules: ${kill!.verdict.oracle}: ${kill!.verdict.words.slice(0, 120)}`);
    });
  }

  test('the ids are the catalogue’s, each once, and the canary is one of them', () => {
    const ids = [...mutants, ...absent].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(canary);
    const numbers = new Set(ids.filter((id) => !id.startsWith('K')).map((id) => /^[MWE]\d+/.exec(id)![0])); // K: our own
    const named = 'M01 M02 M03 M05 M06 M07 M08 M09 M11 M12 M13 M15 M16 M18 M20 M22 M23 M24 M25 M26 M27 M28 M29 M30';
    const swept = 'W01 W02 W04 W06 W08 W09 W10 W11 W12 W13 W14 W15 W16 E1 E2 E3 E4 E5';
    expect([...numbers].sort()).toEqual(`${named} ${swept}`.split(' ').sort());
  });
});

describe('controls: they look wrong and are safe', () => {
  for (const mutant of mutants.filter((m) => m.control)) {
    test(`${mutant.id}: ${mutant.title}`, () => {
      for (const checks of [true, false]) expect(hunt(mutant, 7, checks, 40)).toBe(null);
    });
  }
});

describe('the explorer', () => {
  const m01 = mutants.find((m) => m.id === 'M01')!;

  test('writes programs as text and reads them back', () => {
    for (let i = 0; i < 200; i++) {
      const { program } = caseOf(1, i);
      expect(parseProgram(programText(program))).toEqual(program);
    }
  });

  test('case i of a seed is the same whoever asks', () => {
    expect(caseOf(5, 9)).toEqual(caseOf(5, 9));
    expect(programText(caseOf(5, 9).program)).not.toBe(programText(caseOf(5, 10).program));
    expect(programText(caseOf(6, 9).program)).not.toBe(programText(caseOf(5, 9).program));
  });

  test('makes a failing case smaller, and the same oracle notices it', () => {
    const { case: found, verdict } = hunt(m01, 7, true, soon)!;
    const small = shrink(found, runWith(m01, true));
    expect(judge(small, runWith(m01, true)).verdict?.oracle).toBe(verdict.oracle);
    expect(programText(small.program).length).toBeLessThan(programText(found.program).length / 2);
    expect(judge(small, runWith(null, true)).verdict, 'with nothing broken it is silent').toBe(null);
  });

  test('a replay string survives the way through text', () => {
    const { case: found } = hunt(m01, 7, false, soon)!;
    for (const tried of [found, shrink(found, runWith(m01, false), 50)]) {
      const text = replayText({ mutant: 'M01', checks: false, case: tried });
      expect(parseReplay(text)).toEqual({ mutant: 'M01', checks: false, case: tried });
      expect(text).not.toMatch(/['\s\\]/);
    }
  });

  test.each([
    ['', /begins with gorena-explore\/1:/],
    ['gorena-explore/0:M01:checks:p1c0.na:', /begins with gorena-explore\/1:/],
    ['gorena-explore/1:M01:checks:p1c0.na', /five parts/],
    ['gorena-explore/1:M01:loud:p1c0.na:', /checks or model, got 'loud'/],
    ['gorena-explore/1:M01:checks:na:#1', /a program begins with/],
    ['gorena-explore/1:M01:checks:p1c0.q:#1', /no operation is written 'q'/],
    ['gorena-explore/1:M01:checks:p1c0.n:#1', /to is one of 'abc'/],
    ['gorena-explore/1:M01:checks:p1c0.na:#1+a', /a schedule is digits/],
    ['gorena-explore/1:M01:checks:p1c0.na:#x', /#<seed> or #<seed>\+<answers>, got '#x'/],
    ['gorena-explore/1:M01:checks:p1c0.na:#99999999999999999', /below 2\^53/],
  ])('refuses the replay string %j', (text, words) => {
    expect(() => parseReplay(text)).toThrow(words);
  });
});

describe('the tools', () => {
  const tool = (...args: string[]) => spawnSync(process.execPath, ['tools/run.mjs', ...args], { encoding: 'utf8' });

  test('fuzz ends with 1 and a string when something is wrong, whatever the number of workers, and the string replays', () => {
    const [one, two] = ['1', '2'].map((workers) => tool('fuzz', '--n', '300', '--mutant', 'M03', '--workers', workers));
    expect(one!.stdout).toMatch(/^fuzz: program \d+ of seed 20140901: M2: /);
    expect([one!.status, two!.status, two!.stdout]).toEqual([1, 1, one!.stdout]);
    const again = tool('mutants', '--replay', /--replay '(.*)'/.exec(one!.stdout)![1]!);
    expect([again.status, again.stderr]).toEqual([1, '']);
    expect(again.stdout).toMatch(/^M03: .*\nnoticed by M2: /);
  });

  test('fuzz is silent when nothing is wrong', () => {
    const out = execFileSync(process.execPath, ['tools/run.mjs', 'fuzz', '--n', '40', '--seed', '3'], { encoding: 'utf8' });
    expect(out).toBe('fuzz: 40 programs under 40 schedules, nothing wrong (seed 3)\n');
  });

  test('mutants ends with 1 when one survives and with 70 when the canary does', () => {
    const survives = tool('mutants', 'W09', '--most', '1', '--seeds', '1');
    expect([survives.status, survives.stderr]).toEqual([1, 'mutants: W09 survived\n']);
    expect(tool('mutants', canary, '--most', '0', '--seeds', '1').status).toBe(70);
    const dead = tool('mutants', canary, '--most', '200', '--seeds', '1', '--json');
    expect(dead.status).toBe(0);
    expect(JSON.parse(dead.stdout)).toMatchObject({ rows: [{ mutant: canary }] });
  });

  test('a wrong option is one line and exit code 2', () => {
    for (const args of [['mutants', '--nope'], ['mutants', 'M99'], ['fuzz', '--n', '0'], ['mutants', '--replay', 'x'], ['nothing/here']]) {
      const { status, stdout, stderr } = tool(...args);
      expect([status, stdout, stderr.trim().split('\n').length], args.join(' ')).toEqual([2, '', 1]);
    }
  });
});
