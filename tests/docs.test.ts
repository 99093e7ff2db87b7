// The documentation, held against the code: examples compile, run and print what the page says; commands print what the page
// shows; every handle, invariant, fault and make target that there is stands in its page, and no page names a file that is gone.
//
// Each check is shown a planted fault as well.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commonOptions } from '../cli/args.ts';
import { commands, exitCodes } from '../cli/commands.ts';
import { Faults } from '../runtime/internal/faults.ts';
import { Command } from './cli/support.ts';

const root = process.cwd();
const run = promisify(execFile);
const read = (path: string) => readFileSync(path, 'utf8');
const page = (name: string) => read(`docs/${name}.md`);
const pages = ['README.md', ...readdirSync('docs', { recursive: true }).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

/** Product code; tests, benches and tools are no part of what the pages describe. */
const sources = [
  'runtime',
  'runtime/internal',
  'heap',
  'gc',
  'sched',
  'profiler',
  'replay',
  'campaign',
  'experiment',
  'sim',
  'testing',
  'cli',
].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `${folder}/${name}`, text: read(`${folder}/${name}`) })),
);

// ---- Blocks of a page -----------------------------------------------------------------------------------------------------

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((m) => ({ language: m[1]!, text: m[2]! }));
}

/** The first line of `shown` that `real` does not have in its place; a line `…` stands for any lines. null when all is there. */
function firstMissing(shown: string, real: string): string | null {
  const wanted = shown.trimEnd().split('\n');
  const lines = real.trimEnd().split('\n');
  let at = 0;
  let anywhere = false;
  for (const line of wanted) {
    if (line.trim() === '…') {
      anywhere = true;
      continue;
    }
    const found = anywhere ? lines.indexOf(line, at) : lines[at] === line ? at : -1;
    if (found < 0) return line;
    at = found + 1;
    anywhere = false;
  }
  return anywhere || at === lines.length ? null : `(end of the block; the output goes on with: ${lines[at]})`;
}

test('how a block is compared', () => {
  const real = 'a\nb\nc\nd\n';
  expect(firstMissing('a\nb\nc\nd\n', real)).toBeNull();
  expect(firstMissing('…\nb\nc\n…\n', real)).toBeNull();
  expect(firstMissing('a\n…\n', real)).toBeNull();
  expect(firstMissing('a\nc\n…\n', real)).toBe('c');
  expect(firstMissing('…\nc\nb\n…\n', real)).toBe('b');
  expect(firstMissing('a\nb\n', real)).toContain('the output goes on with: c');
});

// ---- Examples -------------------------------------------------------------------------------------------------------------

describe('examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gorena-docs-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const examples = pages.flatMap((path) => {
    const blocks = blocksOf(read(path));
    return blocks.flatMap((block, i) => (block.language === 'ts' ? [{ path, code: block.text, output: blocks[i + 1] }] : []));
  });

  const outputOf = async (code: string, name: string): Promise<string> => {
    const file = join(folder, `${name}.mjs`);
    await build({
      stdin: { contents: code, loader: 'ts', resolveDir: root },
      alias: { gorena: resolve('runtime/index.ts'), 'gorena/sim': resolve('sim/index.ts') },
      outfile: file,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
    return (await run(process.execPath, [file])).stdout;
  };

  const typeErrors = async (code: string, name: string): Promise<string> => {
    writeFileSync(join(folder, `${name}.ts`), code);
    const config = {
      extends: resolve('tsconfig.json'),
      compilerOptions: {
        paths: { gorena: [resolve('runtime/index.ts')], 'gorena/sim': [resolve('sim/index.ts')] },
        typeRoots: [resolve('node_modules/@types')],
      },
      include: [`${name}.ts`],
      exclude: [],
    };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(config));
    const tsc = run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', join(folder, `${name}.json`)]);
    const out = await tsc.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
    const errors = out.split(/\n(?=\S)/); // a line that begins with a space belongs to the error above it
    return errors.filter((error) => error.includes(`${name}.ts(`)).join('\n'); // those of the product are `make check`'s business
  };

  test('the README has one', () => {
    expect(examples.map(({ path }) => path)).toContain('README.md');
  });

  test.each(examples.map((e, i) => ({ ...e, name: `example${i}` })))(
    '$path: it prints what the page says',
    async ({ code, output, name }) => {
      expect(output, 'an example is followed by a block ```text with its output').toMatchObject({ language: 'text' });
      expect(firstMissing(output!.text, await outputOf(code, name))).toBeNull();
    },
  );

  test.each(examples.map((e, i) => ({ ...e, name: `typed${i}` })))('$path: its types are right', async ({ code, name }) => {
    expect(await typeErrors(code, name)).toBe('');
  });

  test('planted: a wrong output and a wrong type are noticed', async () => {
    const wrong = "import { Runtime } from 'gorena';\nconst rt: number = new Runtime();\nconsole.log(typeof rt);\n";
    expect(await outputOf(wrong, 'planted')).toBe('object\n');
    expect(await typeErrors(wrong, 'planted')).toContain("Type 'Runtime' is not assignable to type 'number'");
  });
});

// ---- Commands -------------------------------------------------------------------------------------------------------------

describe('commands', () => {
  let command: Command;
  beforeAll(async () => {
    command = await Command.build();
  });
  afterAll(() => command.remove());

  const makefile = read('Makefile');
  const demo = /^demo:.*\n\t@?node dist\/cli\.js (.*)$/m
    .exec(makefile)![1]!
    .replaceAll('$(TRACES)', /^TRACES := (.*)$/m.exec(makefile)![1]!);

  const shown = pages.flatMap((path) =>
    blocksOf(read(path)).flatMap(({ language, text }) => {
      if (language !== 'console') return [];
      const [prompt, ...output] = text.split('\n');
      return [{ path, prompt: prompt!, output: output.join('\n') }];
    }),
  );

  test('the README shows the demo and both commands', () => {
    const prompts = shown.filter(({ path }) => path === 'README.md').map(({ prompt }) => prompt);
    expect(prompts).toContain('$ make demo');
    for (const { name } of commands) expect(prompts.some((prompt) => prompt.startsWith(`$ gorena ${name} `))).toBe(true);
  });

  test.each(shown)('$path: $prompt', async ({ path, prompt, output }) => {
    const words = prompt === '$ make demo' ? demo : /^\$ gorena (.*)$/.exec(prompt)![1]!;
    const { stdout, stderr } = await command.run(words.split(' '));
    expect(stderr.replace(/^(reading|replaying) .*: \d+ %$\n?/gm, '')).toBe(''); // progress, on a machine that takes longer than a second
    if (process.env.UPDATE_GOLDEN === '1' && !output.includes('…')) {
      writeFileSync(
        path,
        read(path).replace(`${prompt}\n${output}`, () => `${prompt}\n${stdout}`),
      );
    } else expect(firstMissing(output, stdout), 'if the change is meant: make golden, or by hand where … stands for lines').toBeNull();
  });

  test('the README has every command, no option that there is not, and every exit code', () => {
    const readme = read('README.md');
    for (const { name } of commands) expect(readme).toContain(`\`gorena ${name} `);
    const options = new Set([...commands.flatMap((c) => c.options), ...commonOptions].map((o) => `--${o.name}`));
    const named = [...new Set(readme.match(/(?<!-)--[a-z][a-z-]*/g))];
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((option) => !options.has(option))).toEqual([]);
    const codes = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning]);
    expect(codes).toEqual(Object.entries(exitCodes));
  });

  test('every make target is in hacking.md or the README', () => {
    const targets = [...makefile.matchAll(/^([a-z-]+):.*## /gm)].map((m) => m[1]!);
    expect(targets).toContain('demo');
    const text = page('hacking') + read('README.md');
    expect(targets.filter((target) => target !== 'help' && !text.includes(`make ${target}`))).toEqual([]);
  });
});

// ---- Words and numbers ----------------------------------------------------------------------------------------------------

/** Handle types that a file exports. */
function handlesOf(text: string): string[] {
  return [...text.matchAll(/^export type (\w+) = Id<'\w+'>/gm)].map((m) => m[1]!);
}

describe('glossary', () => {
  const glossary = page('glossary');
  const handles = sources.flatMap(({ text }) => handlesOf(text));

  test('every exported handle is in it', () => {
    expect(handles).toEqual(expect.arrayContaining(['MSpan', 'Page', 'TypeId', 'G', 'P']));
    expect(handles.filter((name) => !new RegExp(`^\\| \`${name}\``, 'm').test(glossary))).toEqual([]);
  });

  test('every row has four cells', () => {
    const rows = glossary.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((line) => line.replaceAll('\\|', '').split('|').length !== 6)).toEqual([]);
  });

  test('planted', () => {
    expect(handlesOf("export type Lost = Id<'lost'>;\ntype Inner = Id<'inner'>;\n")).toEqual(['Lost']);
  });
});

/** Numbers of invariants that a text speaks of: a letter and a number, such as B2 or W1. */
function numbersIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.+$#/-])([BCGHKLMPQRSW][1-9]\d?)(?![\w%/])/g)].map((m) => m[1]!);
}

describe('invariants', () => {
  const invariants = page('invariants');
  const explained = new Set([...invariants.matchAll(/^(?:\| \*\*|#+ )([A-Z]\d+)\b/gm)].map((m) => m[1]!));

  test('every number in comments and findings is explained, and every explained one is in the code', () => {
    // faults.ts gives numbers of its own to known bugs
    const code = sources.filter(({ path }) => path !== 'runtime/internal/faults.ts');
    const found = new Set(code.flatMap(({ text }) => numbersIn(text)));
    expect([...found].filter((number) => !explained.has(number))).toEqual([]);
    expect([...explained].filter((number) => !found.has(number))).toEqual([]);
  });

  test('every fault that tests can switch on is named, and no other', () => {
    const faults = Object.keys(new Faults());
    expect(faults.filter((name) => !invariants.includes(`\`${name}\``))).toEqual([]);
    const section = invariants.slice(invariants.indexOf('## Faults'));
    const named = [...section.matchAll(/^\| `(\w+)`/gm)].map((m) => m[1]!);
    expect(named.filter((name) => !faults.includes(name))).toEqual([]);
  });

  test('planted', () => {
    expect(numbersIn('// Invariant W9: x.  C2, C4: y\nout.push(`B1: z`); V8 uses M20x and a.P3 and 0xB2')).toEqual([
      'W9',
      'C2',
      'C4',
      'B1',
    ]);
  });
});

describe("Go's tests", () => {
  /** Go tests that a file of tests/go runs: `name file`. */
  const portsIn = (file: string, text: string) => [...text.matchAll(/\('(Test\w+|[\w/]+\.go)\b[^']*'/g)].map((m) => `${m[1]} ${file}`);
  /** Rows of the page that name a file of tests/go. */
  const rowsOf = (markdown: string) =>
    [...markdown.matchAll(/^\| (`[^|]+`) \| `([\w.]+\.test\.ts)` \|/gm)].flatMap((m) =>
      [...m[1]!.matchAll(/`([^`]+)`/g)].map((name) => `${name[1]} ${m[2]}`),
    );

  test('every one that is ported is in go-tests.md, and every one that the page calls ported is there', () => {
    const files = readdirSync('tests/go').filter((name) => name.endsWith('.test.ts'));
    const ports = new Set(files.flatMap((name) => portsIn(name, read(`tests/go/${name}`))));
    expect(ports.size).toBeGreaterThan(20);
    expect([...ports].sort()).toEqual(rowsOf(page('go-tests')).sort());
  });

  test('planted', () => {
    const text = "test('TestA: x', f);\ntest.each([1])('TestB/%i', f);\ndescribe('fixedbugs/c.go', f);\ntest('TestA', f);\n";
    expect(portsIn('x.test.ts', text)).toEqual(['TestA', 'TestB', 'fixedbugs/c.go', 'TestA'].map((name) => `${name} x.test.ts`));
    expect(rowsOf('| `TestA`, `TestB` | `x.test.ts` | |\n| `TestC` | waits | |\n')).toEqual(['TestA x.test.ts', 'TestB x.test.ts']);
  });
});

describe('every page', () => {
  /** Code spans that look like a path of this repository and lead nowhere. */
  const lostPaths = (markdown: string) =>
    [...markdown.matchAll(/`([a-z][\w./-]*\/[\w./-]*)`/g)]
      .map((m) => m[1]!)
      .filter((path) => existsSync(path.split('/', 1)[0]!))
      .filter((path) => !existsSync(path) && !/^(dist|node_modules|bench)\//.test(path));

  test('names only files that exist', () => {
    expect(pages.flatMap((path) => lostPaths(read(path)).map((lost) => `${path}: ${lost}`))).toEqual([]);
    expect(lostPaths('`heap/gone.ts`, `heap/mheap.ts`, `net/http`, `and/or`')).toEqual(['heap/gone.ts']);
  });

  test('names no place on a machine', () => {
    const places = /(?<![\w.])\/(?:work|home|root|tmp|usr)\//;
    expect(pages.filter((path) => places.test(read(path)))).toEqual([]);
    expect(places.test('see /home/someone/x')).toBe(true);
  });

  test('docs/README.md leads to all of them', () => {
    const map = page('README');
    const others = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'README.md'); // folders have a page that leads into them
    expect(others.filter((name) => !map.includes(`(${name}`))).toEqual([]);
  });
});
