// The types of the public API, by its compiler: tests/types/*.ts must compile, and every directive in them must be needed. What
// they show cannot be run: a wrong field, a wrong channel element, a forgotten yield*, a wrong argument.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const folder = 'tests/types';
const directive = /^\s*\/\/ @ts-expect-error/;

/** Errors that tsc reports for a project, as `file:line`. */
async function errorsOf(project: string): Promise<string[]> {
  const done = await promisify(execFile)('node_modules/.bin/tsc', ['-p', project, '--pretty', 'false']).catch((error) => error);
  const lines = (done.stdout as string).split('\n').filter((line) => /error TS/.test(line));
  return lines.map((line) => line.replace(/^.*?([\w.]+)\((\d+),.*$/, '$1:$2'));
}

test('what is right compiles, and what is wrong is refused', async () => {
  expect(await errorsOf(`${folder}/tsconfig.json`)).toEqual([]);
});

test('without its directives each wrong line is an error, and no other line is', async () => {
  const bare = mkdtempSync(join(tmpdir(), 'gorena-types-'));
  try {
    const wanted: string[] = [];
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const lines = readFileSync(`${folder}/${name}`, 'utf8').split('\n');
      lines.forEach((line, i) => {
        if (directive.test(line)) wanted.push(`${name}:${i + 2}`);
      });
      writeFileSync(join(bare, name), lines.map((line) => (directive.test(line) ? '' : line)).join('\n'));
    }
    const options = { extends: resolve('tsconfig.json'), compilerOptions: { types: [], rootDir: '/' }, include: [`${bare}/*.ts`] };
    writeFileSync(join(bare, 'tsconfig.json'), JSON.stringify(options));
    expect(wanted.length).toBeGreaterThan(40);
    expect([...new Set(await errorsOf(join(bare, 'tsconfig.json')))].sort()).toEqual(wanted.sort());
  } finally {
    rmSync(bare, { recursive: true });
  }
});
