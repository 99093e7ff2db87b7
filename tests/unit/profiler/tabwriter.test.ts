// What Go's text/tabwriter made of the same texts (Go 1.19.8): stacks as profiles have them, and random cells.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { alignTabs } from '../../../profiler/tabwriter.ts';

const pairs = JSON.parse(readFileSync('tests/fixtures/tabwriter-go1.19.json', 'utf8')) as { in: string; out: string }[];

test.each(pairs.map((pair, i) => ({ ...pair, i })))("as Go's tabwriter, text $i", ({ in: text, out }) => {
  expect(alignTabs(text)).toBe(out);
});

test('the texts have columns within columns, and characters of two units', () => {
  expect(pairs.length).toBeGreaterThan(40);
  expect(pairs.some(({ in: text, out }) => text !== out && text.includes('😀'))).toBe(true);
});
