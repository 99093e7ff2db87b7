// The memory layout as text: every table with its columns, and every record and code that lies in memory, by name and number.
//
// Whoever changes one of them sees it here, and so does whoever reviews the change; a change of what is already there means a
// new layoutVersion (runtime/internal/memory.ts), because an arena that somebody saved would be read wrongly.
//
// Offsets depend on the geometry, so they are left out; rows are those of a fixed small machine: 7 heap pages, 3 Ps, at most
// 5 goroutines. Records are read from the sources, so that none can be forgotten: each const enum of the core is in the list.
import { readdirSync, readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { layoutVersion, type LayoutRow } from '../../runtime/internal/memory.ts';
import { expectGolden } from '../support/golden.ts';
import { testMachine } from '../support/machine.ts';

const core = ['runtime/internal', 'profiler', 'heap', 'gc', 'sched', 'runtime'];

function tables(layout: readonly LayoutRow[]): string {
  const names = [...new Set(layout.map((row) => row.table))];
  const column = ({ field, elemBytes, rows }: LayoutRow) => `  ${field.padEnd(20)} ${String(rows).padStart(6)} x ${elemBytes}`;
  return names.map((name) => `table ${name}\n${layout.filter((row) => row.table === name).map(column).join('\n')}`).join('\n\n');
}

/** Members of the const enums of a source text: name -> [member, value]. */
function enumsOf(source: string): Map<string, [string, unknown][]> {
  const out = new Map<string, [string, unknown][]>();
  for (const [, name, body] of source.matchAll(/^(?:export )?const enum (\w+) (\{[^}]*\})/gm)) {
    const { code } = transformSync(`enum ${name} ${body}`, { loader: 'ts', format: 'cjs' });
    const exports: { found?: Record<string, unknown> } = {};
    new Function('exports', `${code}; exports.found = ${name};`)(exports);
    out.set(name!, Object.entries(exports.found!).filter(([member]) => !/^-?\d/.test(member)));
  }
  return out;
}

function records(): string {
  const out: string[] = [];
  for (const folder of core) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts')).sort()) {
      for (const [name, members] of enumsOf(readFileSync(`${folder}/${file}`, 'utf8'))) {
        out.push(`enum ${name} (${folder}/${file})\n${members.map(([member, value]) => `  ${String(value).padStart(3)} ${member}`).join('\n')}`);
      }
    }
  }
  return out.join('\n\n');
}

test('tables and records of the arena', () => {
  const m = testMachine({ heapBytes: 7 * 8192, procs: 3, maxGoroutines: 5 });
  const head = `layout version ${layoutVersion}; rows of a machine with 7 heap pages, 3 Ps, 5 goroutines, scheme three-stage`;
  expectGolden('layout.txt', `${head}\n\n${tables(m.layout)}\n\n${records()}\n`);
});

test('the reader of enums understands what the sources write', () => {
  const found = enumsOf(`
/** A record. */
export const enum Thing {
  /** its first word, in words: a, b = 3 */
  next,
  size = 4,
  /* odd */ flags, // and a comment = 7
  words,
}
const enum Shift { a = 1 << 3, b = a | 2 }
`);
  expect([...found]).toEqual([
    ['Thing', [['next', 0], ['size', 4], ['flags', 5], ['words', 6]]],
    ['Shift', [['a', 8], ['b', 10]]],
  ]);
});

test('every const enum of the core is in the list', () => {
  const declared = core.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/\benum (\w+)/g)].map((m) => m[1]!)),
  );
  const listed = [...records().matchAll(/^enum (\w+)/gm)].map((m) => m[1]!);
  expect(listed.sort()).toEqual(declared.sort());
  expect(listed).toEqual(expect.arrayContaining(['Bucket', 'Special', 'ArenaHead', 'Stage']));
});
