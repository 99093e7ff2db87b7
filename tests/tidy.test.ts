// The project's own linter, as a test: rules that no general tool knows, each with a sentence that says what to do.
//
// The rules are in tests/support/tidy.ts. Each is run over the whole tree, and shown a planted violation first: a check that
// has never failed is not yet a check. Folders that do not exist yet are skipped.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import type { SourceFile } from './support/tidy.ts';
import {
  blank,
  brokenLinks,
  codeFolders,
  enumReads,
  hostFree,
  importsOf,
  importsPointDown,
  layerOf,
  maxLines,
  namesNoHost,
  opensWithComment,
  overviewGaps,
  tooLong,
} from './support/tidy.ts';

// Files that may be longer than the rest, each with its reason. Empty is best.
const longOnPurpose: readonly string[] = [];

// ---- The tree -------------------------------------------------------------------------------------------------------------

const skipped = new Set(['node_modules', 'dist', 'fixtures', 'golden']);

function* walk(folder: string): Generator<string> {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) yield* walk(path);
    } else if (entry.isFile()) yield path;
  }
}

const read = (path: string): SourceFile => ({ path, text: readFileSync(path, 'utf8') });
const isCode = (path: string) => /\.[cm]?[jt]sx?$/.test(path);
const sources = codeFolders.flatMap((folder) => [...walk(folder)].filter(isCode).map(read));
const pages = [...(existsSync('README.md') ? ['README.md'] : []), ...walk('docs')].filter((path) => path.endsWith('.md')).map(read);

/** A file that exists only in a test. */
const planted = (path: string, text: string): SourceFile => ({ path, text });

test('the tree is found: this file is one of its sources', () => {
  expect(sources.map((file) => file.path)).toContain('tests/tidy.test.ts');
});

// ---- The rules ------------------------------------------------------------------------------------------------------------

describe('1. imports point down or sideways, never up', () => {
  test('in the tree', () => {
    expect(sources.flatMap(importsPointDown)).toEqual([]);
  });

  test('the layers stand in the order of the design', () => {
    const order = [
      'runtime/internal/arena.ts',
      'profiler/mprof.ts',
      'heap/mheap.ts',
      'gc/mgc.ts',
      'sched/proc.ts',
      'runtime/index.ts',
      'sim/x.ts',
    ];
    expect(order.map(layerOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(
      ['cli/main.ts', 'web/x.ts', 'labs/x.ts', 'examples/x.ts', 'tests/x.ts', 'bench/run.mjs', 'tools/build.mjs'].map(layerOf),
    ).toEqual(new Array(7).fill(7));
  });

  test.each([
    ['heap/mheap.ts', "import { gcStart } from '../gc/mgc.ts';", 'gc/mgc.ts'],
    ['heap/mheap.ts', "import type { World } from '../gc/world.ts';", 'gc/world.ts'],
    ['profiler/mprof.ts', "let s: import('../heap/mspan.ts').MSpan;", 'heap/mspan.ts'],
    ['runtime/internal/arena.ts', "export * from '../options.ts';", 'runtime/options.ts'],
    ['gc/mgc.ts', "import {\n  ready,\n} from '../sched/proc.ts';", 'sched/proc.ts'],
    ['sched/deep/chan.ts', "await import('../../runtime/index.ts');", 'runtime/index.ts'],
    ['runtime/index.ts', "import '../sim/explore.ts';", 'sim/explore.ts'],
    ['sched/proc.ts', "import x from '../package.json';", 'package.json'],
    ['gc/mgc.ts', "import fc from 'fast-check';", 'fast-check'],
  ])('planted in %s: %s', (path, text, named) => {
    expect(importsPointDown(planted(path, text))).toEqual([expect.stringContaining(named)]);
  });

  test.each([
    ['gc/mgc.ts', "import { mheap } from '../heap/mheap.ts'; import './mgcmark.ts'; import { Arena } from '../runtime/internal/arena.ts';"],
    ['runtime/index.ts', "export { proc } from '../sched/proc.ts';"],
    ['heap/mheap.ts', "// import { gcStart } from '../gc/mgc.ts';\nconst s = \"import '../gc/mgc.ts'\";"],
    [
      'cli/main.ts',
      "import pkg from '../package.json'; import fs from 'node:fs'; import { sim } from '../sim/x.ts'; import { t } from '../tests/t.ts';",
    ],
  ])('allowed in %s: %s', (path, text) => {
    expect(importsPointDown(planted(path, text))).toEqual([]);
  });
});

describe('2. a file opens with its idea', () => {
  test('in the tree', () => {
    expect(sources.flatMap(opensWithComment)).toEqual([]);
  });

  test('planted', () => {
    expect(opensWithComment(planted('heap/a.ts', "import './b.ts';\n// late"))).toHaveLength(1);
    expect(opensWithComment(planted('heap/a.ts', ''))).toHaveLength(1);
    expect(opensWithComment(planted('tools/a.mjs', '#!/usr/bin/env node\nlet x;'))).toHaveLength(1);
    expect(opensWithComment(planted('tools/a.mjs', '#!/usr/bin/env node\n// The idea.'))).toEqual([]);
    expect(opensWithComment(planted('heap/a.ts', '/** The idea. */'))).toEqual([]);
  });
});

describe('3. below the hosts there is no clock, no chance and no Node', () => {
  test('in the tree', () => {
    expect(sources.flatMap(hostFree)).toEqual([]);
  });

  test.each([
    ["import { hrtime } from 'node:process';", 'node:process'],
    ["import type { Stats } from 'node:fs';", 'node:fs'],
    ['const r = Math.random();', 'Math.random'],
    ['const t = Date.now();', 'Date'],
    ['const t = new Date();', 'Date'],
    ['const { now } = performance;', 'performance'],
    ['const t = globalThis.performance.now();', 'performance'],
    ["if (process.env['X']) f();", 'process'],
    ['const s = `at ${performance.now()} ms`;', 'performance'],
    ['const half = total / 2; const t = process.hrtime() / 2;', 'process'],
  ])('planted: %s', (text, named) => {
    for (const path of ['runtime/internal/rand.ts', 'heap/mheap.ts', 'sched/proc.ts', 'runtime/index.ts']) {
      expect(hostFree(planted(path, text))).toEqual([expect.stringContaining(named)]);
    }
    expect(hostFree(planted('runtime/host_node.ts', text))).toEqual([]);
    expect(hostFree(planted('cli/main.ts', text))).toEqual([]);
  });

  test.each([
    '// Math.random would break the replay; so would Date.now and process.hrtime.',
    "gothrow('mcache.refill: performance of process is bad');",
    'const re = /process.env["\']/; sched.process(g); type T = { process: number; performance?: string };',
    'const updateDate = preprocess(1);',
  ])('allowed: %s', (text) => {
    expect(hostFree(planted('gc/mgc.ts', text))).toEqual([]);
  });
});

describe('4. the lock file names no host', () => {
  test('in the tree', () => {
    expect(namesNoHost(read('package-lock.json'))).toEqual([]);
    expect(namesNoHost(read('.npmrc'))).toEqual([]);
  });

  test('planted', () => {
    const address = ['https:', '', 'registry.example', 'a.tgz'].join('/');
    expect(namesNoHost(planted('package-lock.json', `{\n  "resolved": "${address}"\n}`))).toHaveLength(1);
    expect(namesNoHost(planted('package-lock.json', `{ "url": "${address}" }`))).toHaveLength(1);
    expect(namesNoHost(planted('package-lock.json', '{ "version": "1.2.3", "license": "MIT" }'))).toEqual([]);
  });
});

describe('5. relative links lead to files', () => {
  test('in the tree', () => {
    expect(pages.flatMap((page) => brokenLinks(page, existsSync))).toEqual([]);
  });

  test('planted', () => {
    const exists = (path: string) => ['docs/invariants.md', 'README.md', 'heap', 'heap/mheap.ts'].includes(path);
    const broken = (text: string) => brokenLinks(planted('docs/map.md', text), exists).length;
    expect(broken('see [this](invariants.md#i4), [that](../heap/mheap.ts) and [all](../heap/)')).toBe(0);
    expect(broken('see [this](invariant.md)')).toBe(1);
    expect(broken('see [this](README.md)')).toBe(1); // it is one folder up
    expect(broken('[1]: gone.md\n![picture](gone.png "a title")')).toBe(2);
    expect(broken('[go](https://go.dev), [below](#below), `a[i](x)`\n```ts\nf[a](b)\n```\n')).toBe(0);
  });
});

describe(`6. no file is longer than ${maxLines} lines`, () => {
  test('in the tree', () => {
    expect(tooLong(sources, longOnPurpose)).toEqual([]);
  });

  test('planted', () => {
    const long = planted('heap/all.ts', 'x;\n'.repeat(maxLines + 1));
    expect(tooLong([long], [])).toHaveLength(1);
    expect(tooLong([long], ['heap/all.ts'])).toEqual([]);
    expect(tooLong([planted('heap/all.ts', 'x;\n'.repeat(maxLines))], ['heap/all.ts'])).toHaveLength(1);
  });
});

describe('7. the bundles read no enum at run time', () => {
  const bundle = async (contents: { entry: string } | { text: string; files: Record<string, string> }): Promise<SourceFile> => {
    const virtual = 'files' in contents ? contents.files : {};
    const result = await build({
      ...('entry' in contents ? { entryPoints: [contents.entry] } : { stdin: { contents: contents.text, loader: 'ts', resolveDir: '.' } }),
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
      plugins: [
        {
          name: 'virtual',
          setup(b) {
            b.onResolve({ filter: /^virtual:/ }, (args) => ({ path: args.path.slice('virtual:'.length), namespace: 'virtual' }));
            b.onLoad({ filter: /.*/, namespace: 'virtual' }, (args) => ({ contents: virtual[args.path] ?? '', loader: 'ts' }));
          },
        },
      ],
    });
    return planted('entry' in contents ? contents.entry : 'planted', result.outputFiles[0]!.text);
  };

  test.each(['runtime/index.ts', 'cli/main.ts'].filter((entry) => existsSync(entry)))('in %s', async (entry) => {
    expect(enumReads(await bundle({ entry }))).toEqual([]);
  });

  test('planted: an enum that counts on from the enum of another file', async () => {
    const files = {
      bucket: 'export const enum Bucket { next, hash, stack = 4 + hash }',
      mem: "import { Bucket } from 'virtual:bucket'; export const enum Mem { allocs = Bucket.stack + 1 }",
    };
    const good = "import { Bucket } from 'virtual:bucket'; export const f = (w: Int32Array) => w[Bucket.stack];";
    const bad = "import { Mem } from 'virtual:mem'; export const f = (w: Int32Array) => w[Mem.allocs];";
    const inlined = await bundle({ text: good, files });
    expect(inlined.text).toContain('w[5 /* stack */]');
    expect(enumReads(inlined)).toEqual([]);
    expect(enumReads(await bundle({ text: bad, files }))).toEqual([expect.stringContaining('Mem.allocs')]);
  });
});

describe('8. an overview names every file of its folder', () => {
  test('in the tree', () => {
    expect(overviewGaps(read('sim/index.ts'), readdirSync('sim'))).toEqual([]);
    expect(overviewGaps(read('sched/proc.ts'), readdirSync('sched'))).toEqual([]);
  });

  test('planted', () => {
    const overview = planted('sim/index.ts', "// loop.ts one schedule, gone.ts nothing\n// a.ts too\nexport * from './b.ts';\n");
    expect(overviewGaps(overview, ['index.ts', 'loop.ts', 'a.ts', 'b.ts'])).toEqual([
      'sim/index.ts does not say what b.ts has',
      'sim/index.ts speaks of gone.ts, which is not there',
    ]);
  });
});

describe('reading code', () => {
  test('comments, strings, templates and regular expressions are told apart', () => {
    const code = (text: string) => blank(text, true).replaceAll(/ +/g, ' ');
    expect(blank('a; // b\nc /* d\ne */ f', true)).toBe('a;     \nc     \n     f');
    expect(code(String.raw`x = 'it\'s' + y; // z`)).toBe("x = ' ' + y; ");
    expect(code('x = a / b; y = "q/"; z')).toBe('x = a / b; y = " "; z');
    expect(code(String.raw`x = /["/]\/'/; y = "q"`)).toBe('x = / /; y = " "');
    expect(code('x = `a${b + `c${d}e`}f`; g')).toBe('x = ` ${b + ` ${d} `} `; g');
    expect(blank('x = "// no comment"; // one', false).trimEnd()).toBe('x = "// no comment";');
  });

  test('every form of import is seen', () => {
    const text = [
      "import './a.ts';",
      "import b, { type B } from './b.ts';",
      "export type { C } from './c.ts';",
      "export * as d from './d.ts';",
      "type E = import('./e.ts').E;",
      "const f = await import('./f.ts');",
      "import {\n  g, // from './not.ts'\n} from './g.ts';",
      'const importance = from("./not.ts");',
    ].join('\n');
    expect(importsOf(text).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`));
  });

  test('the working directory is the root of the project', () => {
    expect(statSync(join(process.cwd(), 'package.json')).isFile()).toBe(true);
  });
});
