// Files for flame graphs: what is added up, what happens below zero, and speedscope's own schema (npm speedscope 1.25.0).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { foldedStacks, speedscope } from '../../../profiler/flamegraph.ts';
import type { ProfileData } from '../../../profiler/profile.ts';
import { SymTab } from '../../../profiler/symtab.ts';
import { schemaFaults } from '../../support/schema.ts';

const schema = JSON.parse(readFileSync('tests/fixtures/speedscope-1.25.0-schema.json', 'utf8')) as Record<string, unknown>;

/** A profile with two figures, and stacks of main.main, main.f on two lines, and a name that folded stacks cannot have. */
function small() {
  const symtab = new SymTab();
  const pc = (func: string, line: number) => symtab.pc(func, 'a.go', line);
  const [main, f1, f2, odd, exit] = [pc('main.main', 1), pc('main.f', 2), pc('main.f', 3), pc('a;b c', 4), pc('runtime.goexit', 5)];
  const sample = (stack: number[], ...values: number[]) => ({ stack, values, labels: [] });
  const p: ProfileData = {
    name: 'heap',
    sampleTypes: [
      { type: 'objects', unit: 'count' },
      { type: 'space', unit: 'bytes' },
    ],
    defaultSampleType: 1,
    periodType: { type: 'space', unit: 'bytes' },
    period: 1,
    samples: [
      sample([f1, main, exit], 2, 20),
      sample([f2, main, exit], 1, 10),
      sample([odd, main], -4, -400),
      sample([main], 1, 0),
      sample([], 1, 7),
      sample([f2, 0x77, f1], 3, -3),
    ],
  };
  return { p, symtab };
}

describe('folded', () => {
  test('a line a stack, root first; lines of a function are one; nothing of it, no line', () => {
    const { p, symtab } = small();
    expect(foldedStacks(p, 1, symtab, 'clamp')).toEqual({
      text: '(no stack) 7\nmain.main;main.f 30\n',
      dropped: [{ type: 'space', stacks: 2, sum: -403 }],
    });
    expect(foldedStacks(p, 0, symtab, 'clamp').text).toBe('(no stack) 1\nmain.f;main.f 3\nmain.main 1\nmain.main;main.f 3\n');
  });

  test('split: what is below zero has a root of its own', () => {
    const { p, symtab } = small();
    expect(foldedStacks(p, 1, symtab, 'split')).toEqual({
      text: '(negative);main.f;main.f 3\n(negative);main.main;a:b c 400\n(no stack) 7\nmain.main;main.f 30\n',
      dropped: [],
    });
  });
});

describe('speedscope', () => {
  interface File {
    activeProfileIndex: number;
    shared: { frames: { name: string; file: string; line: number }[] };
    profiles: { name: string; unit: string; endValue: number; samples: number[][]; weights: number[] }[];
  }
  const read = (text: string) => JSON.parse(text) as File;

  test.each(['clamp', 'split'] as const)('valid by its schema: %s', (policy) => {
    const { p, symtab } = small();
    const { text } = speedscope(p, 1, 'test', symtab, policy);
    expect(schemaFaults(schema, JSON.parse(text))).toEqual([]);
    for (const { samples, weights, endValue } of read(text).profiles) {
      expect(samples).toHaveLength(weights.length);
      expect(weights.every((w) => w > 0)).toBe(true);
      expect(weights.reduce((a, b) => a + b, 0)).toBe(endValue);
    }
  });

  test('a profile for each figure, functions as frames, the one to show', () => {
    const { p, symtab } = small();
    const { text, dropped } = speedscope(p, 1, 'test', symtab, 'clamp');
    const doc = read(text);
    expect(doc.activeProfileIndex).toBe(1);
    expect(doc.shared.frames).toContainEqual({ name: 'main.f', file: 'a.go', line: 2 });
    expect(doc.profiles.map(({ name, unit, endValue }) => [name, unit, endValue])).toEqual([
      ['objects', 'none', 8],
      ['space', 'bytes', 37],
    ]);
    const names = doc.profiles[1]!.samples.map((stack) => stack.map((i) => doc.shared.frames[i]!.name));
    expect(names).toEqual([['main.main', 'main.f'], []]);
    expect(dropped.map(({ type, stacks }) => [type, stacks])).toEqual([
      ['objects', 1],
      ['space', 2],
    ]);
  });

  test('split: profiles of what is below zero, and no figure is lost', () => {
    const { p, symtab } = small();
    const { profiles } = read(speedscope(p, 1, 'test', symtab, 'split').text);
    expect(profiles.map(({ name, endValue }) => [name, endValue]).slice(2)).toEqual([
      ['objects, negative', 4],
      ['space, negative', 403],
    ]);
  });

  test('planted: the schema notices a wrong unit, a missing list and a text for a number', () => {
    const { p, symtab } = small();
    const doc = JSON.parse(speedscope(p, 1, 'test', symtab, 'clamp').text) as { profiles: Record<string, unknown>[] };
    doc.profiles[0]!.unit = 'objects';
    expect(schemaFaults(schema, doc).join()).toContain('wanted one of');
    doc.profiles[0]!.unit = 'none';
    delete doc.profiles[0]!.weights;
    expect(schemaFaults(schema, doc).join()).toContain('weights is missing');
    doc.profiles[0]!.weights = ['1'];
    expect(schemaFaults(schema, doc).join()).toContain('string, wanted number');
  });
});
