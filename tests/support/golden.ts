// golden: text that a test makes, compared with a file under tests/golden.
//
// A golden file is what a reader looks at first: the whole text, as it comes out. `UPDATE_GOLDEN=1` (`make golden`) rewrites
// the files of the tests that run; `git diff` then shows what changed, and that diff is what a reviewer judges.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

const folder = 'tests/golden';

/** Fails with a diff unless `text` is, byte for byte, what tests/golden/`name` holds. */
export function expectGolden(name: string, text: string): void {
  const path = join(folder, name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
    return;
  }
  if (!existsSync(path)) throw new Error(`${path} does not exist: run \`make golden\`, read the file, and commit it`);
  expect(text, `${path} (if the change is meant: make golden)`).toBe(readFileSync(path, 'utf8'));
}
