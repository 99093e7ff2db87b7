// flamegraph: a profile for viewers of flame graphs. Folded stacks are lines `main.main;main.push 128`, root first, for
// flamegraph.pl, inferno and speedscope; speedscope's own JSON has all sample types in one file.
//
// Functions are the frames, as in pprof: lines of one function are added up. A flame cannot be narrower than nothing, but the
// profile of a scheme that counts frees before mallocs has figures below zero. The policy for them is the caller's:
//
//   clamp   they are left out, and the answer says how many and how much: whoever writes the file tells the user
//   split   they are drawn apart, with their sign turned: below a root `(negative)`, in speedscope as profiles of their own
//
// Format: https://www.speedscope.app/file-format-schema.json

import type { ProfileData } from './profile.ts';
import { isShown, type Symbols } from './symtab.ts';

export const negativePolicies = ['clamp', 'split'] as const;
export type NegativePolicy = (typeof negativePolicies)[number];

/** A file, and what is not in it. */
export interface FlameFile {
  readonly text: string;
  /** Stacks with a figure below zero that were left out, and the sum of the figures, by sample type. */
  readonly dropped: readonly { readonly type: string; readonly stacks: number; readonly sum: number }[];
}

/** A function of the file; the line is that of its first place. */
interface FlameFrame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Stacks by functions, each once, with their values added up. */
class Folding {
  readonly frames: FlameFrame[] = [];
  /** Frame numbers, root first, and a value for each sample type. */
  readonly stacks: { readonly frames: readonly number[]; readonly values: number[] }[] = [];
  private readonly ids = new Map<string, number>();

  constructor(
    p: ProfileData,
    private readonly symbols: Symbols,
  ) {
    const known = new Map<string, number[]>();
    for (const { stack, values } of p.samples) {
      const frames = stack.filter((pc) => isShown(symbols, pc)).map((pc) => this.frame(pc));
      frames.reverse();
      const key = frames.join();
      const sums = known.get(key);
      if (sums !== undefined) {
        for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
        continue;
      }
      const first = [...values];
      known.set(key, first);
      this.stacks.push({ frames, values: first });
    }
  }

  private frame(pc: number): number {
    const { func, file, line } = this.symbols.frame(this.symbols.entry(pc));
    const key = `${func}\n${file}`;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.frames.length;
      this.frames.push({ name: func, file, line });
      this.ids.set(key, id);
    }
    return id;
  }

  /** Stacks whose value of a type is below zero. */
  negative(type: number): { stacks: number; sum: number } {
    const found = this.stacks.map(({ values }) => values[type]!).filter((value) => value < 0);
    return { stacks: found.length, sum: found.reduce((sum, value) => sum + value, 0) };
  }
}

function droppedOf(p: ProfileData, folding: Folding, types: readonly number[], policy: NegativePolicy): FlameFile['dropped'] {
  if (policy === 'split') return [];
  const rows = types.map((i) => ({ type: p.sampleTypes[i]!.type, ...folding.negative(i) }));
  return rows.filter(({ stacks }) => stacks > 0);
}

/** Folded stacks of one sample type (an index), sorted, so that two files can be compared by lines. */
export function foldedStacks(p: ProfileData, type: number, symbols: Symbols, policy: NegativePolicy): FlameFile {
  const folding = new Folding(p, symbols);
  const names = folding.frames.map(({ name }) => name.replaceAll(';', ':').replaceAll('\n', ' '));
  const lines: string[] = [];
  for (const { frames, values } of folding.stacks) {
    const value = values[type]!;
    if (value === 0 || (value < 0 && policy === 'clamp')) continue;
    const stack = frames.length === 0 ? ['(no stack)'] : frames.map((id) => names[id]!);
    lines.push(`${[...(value < 0 ? ['(negative)'] : []), ...stack].join(';')} ${Math.abs(value)}\n`);
  }
  return { text: lines.sort().join(''), dropped: droppedOf(p, folding, [type], policy) };
}

const speedscopeUnits: Readonly<Record<string, string>> = { bytes: 'bytes', nanoseconds: 'nanoseconds' };

/** speedscope's JSON: a profile for each sample type, `shown` (an index) in front. title: what the file is about. */
export function speedscope(p: ProfileData, shown: number, title: string, symbols: Symbols, policy: NegativePolicy): FlameFile {
  const folding = new Folding(p, symbols);
  const profileOf = (type: number, sign: 1 | -1) => {
    const { type: name, unit } = p.sampleTypes[type]!;
    const rows = folding.stacks.filter(({ values }) => values[type]! * sign > 0);
    const weights = rows.map(({ values }) => values[type]! * sign);
    return {
      type: 'sampled',
      name: sign === 1 ? name : `${name}, negative`,
      unit: speedscopeUnits[unit] ?? 'none',
      startValue: 0,
      endValue: weights.reduce((sum, w) => sum + w, 0),
      samples: rows.map(({ frames }) => frames),
      weights,
    };
  };
  const types = p.sampleTypes.map((_, i) => i);
  const profiles = types.map((type) => profileOf(type, 1));
  if (policy === 'split') for (const type of types) if (folding.negative(type).stacks > 0) profiles.push(profileOf(type, -1));
  const doc = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'gorena',
    name: title,
    activeProfileIndex: shown,
    shared: { frames: folding.frames },
    profiles,
  };
  return { text: `${JSON.stringify(doc)}\n`, dropped: droppedOf(p, folding, types, policy) };
}
