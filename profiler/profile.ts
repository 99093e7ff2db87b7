// profile: one profile before it has a format. What was recorded (memory, waiting, goroutines) becomes samples here; proto.ts makes
// profile.proto of them, flamegraph.ts the files of flame graph viewers. The texts of debug=1 are pproftext.ts's: Go prints
// those from the records, unscaled.
//
//   records of                sample types                                             scaled
//   heap, allocs              alloc_objects, alloc_space, inuse_objects, inuse_space   by the chance of being sampled: protomem.ts
//   block, mutex              contentions, delay                                       block: when counted; mutex: by its fraction
//   goroutine, threadcreate   their name                                               -
//
// Values may be negative: a scheme that counts a free before its malloc says so.
// Source: printCountCycleProfile and printCountProfile of runtime/pprof/pprof.go.

import type { BlockProfileRecord, StackRecord } from './records.ts';

/** The profiles that there are, in the order of their names as in Go's pprof.Profiles. */
export const profileNames = ['allocs', 'block', 'goroutine', 'heap', 'mutex', 'threadcreate'] as const;
export type ProfileName = (typeof profileNames)[number];

/** What a value means. */
export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

/** A name and a text or a number. */
export interface Label {
  readonly key: string;
  readonly value: string | number;
}

/** One stack, with a value for each sample type. */
export interface Sample {
  /** Return pcs, leaf first. */
  readonly stack: readonly number[];
  readonly values: readonly number[];
  readonly labels: readonly Label[];
}

/** A profile. */
export interface ProfileData {
  readonly name: string;
  readonly sampleTypes: readonly ValueType[];
  /** Which one a viewer shows first: an index. */
  readonly defaultSampleType: number;
  readonly periodType: ValueType;
  /** Units of periodType from one sample to the next; 0 when nothing was sampled. */
  readonly period: number;
  readonly samples: readonly Sample[];
}

/** Go's StackRecord, with the goroutine's labels. */
export interface LabelledStack extends StackRecord {
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Our cycles are virtual nanoseconds. */
export const cyclesPerSecond = 1e9;

const noLabels: readonly Label[] = [];
const count = 'count';

/**
 * The profile block or mutex, longest delay first. fraction: one in so many was recorded (SetMutexProfileFraction); 1 for block,
 * whose events are scaled when they are counted. Source: printCountCycleProfile.
 */
export function contentionProfile(name: 'block' | 'mutex', records: readonly BlockProfileRecord[], fraction: number): ProfileData {
  return {
    name,
    sampleTypes: [
      { type: 'contentions', unit: count },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    defaultSampleType: 1,
    periodType: { type: 'contentions', unit: count },
    period: 1,
    samples: byCycles(records).map((r) => ({
      stack: r.stack,
      values: [r.count * fraction, Math.trunc((r.cycles / (cyclesPerSecond / 1e9)) * fraction)],
      labels: noLabels,
    })),
  };
}

/** Longest delay first. */
export function byCycles(records: readonly BlockProfileRecord[]): BlockProfileRecord[] {
  return [...records].sort((a, b) => b.cycles - a.cycles);
}

/** The profile goroutine or threadcreate: how many have each stack. Source: printCountProfile. */
export function countProfile(name: string, records: readonly LabelledStack[]): ProfileData {
  return {
    name,
    sampleTypes: [{ type: name, unit: count }],
    defaultSampleType: 0,
    periodType: { type: name, unit: count },
    period: 1,
    samples: countStacks(records).map(({ stack, labels, n }) => ({
      stack,
      values: [n],
      labels: Object.entries(labels ?? {}).map(([key, value]) => ({ key, value })),
    })),
  };
}

/** A stack and how many records have it, with the same labels. */
export interface CountedStack extends LabelledStack {
  readonly n: number;
  /** `@ 0x401000 …` and, if it has labels, `# labels: {…}` on a line below. */
  readonly key: string;
}

/** Most frequent first, then by key. Source: keysByCount. */
export function countStacks(records: readonly LabelledStack[]): CountedStack[] {
  const counted = new Map<string, { record: LabelledStack; n: number }>();
  for (const record of records) {
    const key = stackKey(record);
    const known = counted.get(key);
    if (known === undefined) counted.set(key, { record, n: 1 });
    else known.n++;
  }
  const rows = Array.from(counted, ([key, { record, n }]) => ({ ...record, n, key }));
  return rows.sort((a, b) => b.n - a.n || (a.key < b.key ? -1 : 1));
}

function stackKey({ stack, labels }: LabelledStack): string {
  const key = `@${stack.map((pc) => ` 0x${pc.toString(16)}`).join('')}`;
  const texts = Object.entries(labels ?? {}).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return texts.length === 0 ? key : `${key}\n# labels: {${texts.sort().join(', ')}}`;
}
