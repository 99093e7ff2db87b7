// The real logs: a model of Go's accounting in thirty lines, fed by the reader, gives the profiles that real Go programs got.
//
// It is not the runtime's profiler but its check: if reader, planner and comparison are right, three counters a stage are enough.
// The naive model and a planted fault show that the comparison can fail.
import { beforeAll, describe, expect, test } from 'vitest';
import { roundUpSize } from '../../../heap/sizeclasses.ts';
import { type Comparison, compareProfiles, leftOutRules, loadSnapshot, type PublishedRecord } from '../../../replay/compare.ts';
import { type LogHandler, readLog, StackTable } from '../../../replay/logreader.ts';
import { planLog } from '../../../replay/plan.ts';

const fixtures = 'tests/fixtures/go-traces';

interface Stage {
  allocs: number;
  frees: number;
}
interface ModelBucket {
  stack: number;
  size: number;
  early: boolean;
  final: Stage;
  prev: Stage;
  recent: Stage;
}

/** Go's stages (mprof.go), or naive counting; `dropFree` loses one free in the middle, on purpose. */
class Model implements LogHandler {
  readonly stacks = new StackTable();
  readonly snapshots = new Map<string, PublishedRecord[]>();
  private readonly naive: boolean;
  private dropFree: number;
  private readonly buckets = new Map<string, ModelBucket>();
  private readonly live = new Map<number, ModelBucket | null>(); // null: allocated before the profile started
  private started = false;

  constructor(naive = false, dropFree = 0) {
    this.naive = naive;
    this.dropFree = dropFree;
  }

  alloc(addr: number, size: number, stack: number): void {
    const key = `${stack} ${size}`;
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      const stage = () => ({ allocs: 0, frees: 0 });
      bucket = { stack, size, early: false, final: stage(), prev: stage(), recent: stage() };
      this.buckets.set(key, bucket);
    }
    if (this.started) (this.naive ? bucket.final : bucket.recent).allocs++;
    else bucket.early = true;
    this.live.set(addr, this.started ? bucket : null);
  }

  free(addr: number): void {
    const bucket = this.live.get(addr);
    if (!bucket || --this.dropFree === 0) return;
    this.live.delete(addr);
    (this.naive ? bucket.final : bucket.prev).frees++;
  }

  gc(): void {
    for (const bucket of this.buckets.values()) {
      fold(bucket.final, bucket.prev);
      bucket.prev = bucket.recent;
      bucket.recent = { allocs: 0, frees: 0 };
    }
  }

  mark(kind: string, name: string): void {
    const buckets = [...this.buckets.values()];
    if (kind === 'profile start') this.started = true;
    else if (kind === 'gc end') for (const { final, prev } of buckets) fold(final, prev); // runtime.GC swept to the end
    if (kind !== 'snapshot begin') return;
    if (buckets.every(({ final }) => final.allocs === 0 && final.frees === 0)) {
      for (const { final, prev, recent } of buckets) {
        fold(final, prev); // MemProfile before the first collection
        fold(final, recent);
      }
    }
    this.snapshots.set(
      name,
      buckets.map((bucket) => this.publish(bucket)),
    );
  }

  private publish({ stack, size, early, final }: ModelBucket): PublishedRecord {
    const frames = [...this.stacks.stackFrames(stack)].map((frame) => this.stacks.frameText(frame));
    const { allocs, frees } = final;
    return { frames, size, early, allocObjects: allocs, freeObjects: frees, allocBytes: allocs * size, freeBytes: frees * size };
  }
}

function fold(into: Stage, from: Stage): void {
  into.allocs += from.allocs;
  into.frees += from.frees;
  from.allocs = from.frees = 0;
}

async function run(log: string, model = new Model()): Promise<Model> {
  await readLog(`${fixtures}/${log}/trace.log.gz`, model, { stacks: model.stacks });
  return model;
}

async function compare(log: string, model: Model, name: string): Promise<Comparison> {
  return compareProfiles(model.snapshots.get(name)!, await loadSnapshot(`${fixtures}/${log}/${name}.jsonl.gz`));
}

/** For each snapshot: equal buckets, and those left out: early, logged on another stack, walked on the system stack. */
const expected: Record<string, Record<string, readonly [equal: number, early: number, logElsewhere: number, realElsewhere: number]>> = {
  jsonwork: { round0: [194, 1, 3, 2], round1: [205, 1, 3, 2], round2: [206, 1, 3, 2], round3: [206, 1, 3, 2], last: [206, 1, 3, 2] },
  gzipmaps: { pass0: [139, 0, 3, 2], pass2: [151, 0, 3, 2], pass4: [154, 0, 3, 2], last: [163, 0, 3, 2] },
  pipeline: { round0: [121, 1, 7, 3], round1: [121, 1, 7, 3], round2: [121, 1, 7, 3], round3: [121, 1, 7, 3], last: [128, 1, 8, 4] },
};

describe.each(Object.keys(expected))('%s', (log) => {
  const names = Object.keys(expected[log]);
  let stages: Model;
  let naive: Model;
  beforeAll(async () => {
    stages = await run(log);
    naive = await run(log, new Model(true));
  });

  test('the log has the snapshots that lie beside it', () => {
    expect([...stages.snapshots.keys()]).toEqual(names);
  });

  test.each(names)('staged counting gives the real profile at %s, in all comparable buckets', async (name) => {
    const { equal, leftOut, different } = await compare(log, stages, name);
    expect(different).toEqual([]);
    expect(leftOut.map(({ rule }) => rule)).toEqual([leftOutRules.early, leftOutRules.logElsewhere, leftOutRules.realElsewhere]);
    expect([equal, ...leftOut.map(({ count }) => count)]).toEqual(expected[log][name]);
  });

  test('what each rule leaves out is a thing of the runtime, and the sizes on the two stacks agree', async () => {
    const [early, logged, walked] = (await compare(log, stages, names.at(-1)!)).leftOut;
    for (const key of early.keys) expect(key).toMatch(/runtime\.(bgscavenge|gcenable) /);
    for (const key of logged.keys) expect(key).toMatch(/ bytes at runtime\.systemstack_switch \S+, runtime\.newproc /);
    for (const key of walked.keys) expect(key).toMatch(/, runtime\.newproc1 \S+, runtime\.newproc\.func1 \S+, runtime\.systemstack /);
    // newproc allocates on the system stack: the log shows who called it, the profiler what it did there. The same objects.
    const sizes = (keys: string[]) => [...new Set(keys.map((key) => key.split(' ')[0]))].sort();
    expect(sizes(walked.keys)).toEqual(sizes(logged.keys));
  });

  test('naive counting is off', async () => {
    const off = await Promise.all(names.map((name) => compare(log, naive, name)));
    expect(off.map(({ different }) => different.length).reduce((a, b) => a + b)).toBeGreaterThan(0);
  });

  test('one free lost in the middle is found, in its bucket', async () => {
    const plan = await planLog(`${fixtures}/${log}/trace.log.gz`);
    const model = await run(log, new Model(false, 100));
    const { different } = await compare(log, model, names.at(-1)!);
    expect(plan.frees).toBeGreaterThan(100);
    expect(different).toHaveLength(1);
    expect(different[0].ours!.freeObjects).toBe(different[0].real!.freeObjects - 1);
  });
});

test('naive counting shows a megabyte too much in gzipmaps: allocations at once, frees as the sweeper comes to them', async () => {
  const naive = await run('gzipmaps', new Model(true));
  const { different } = await compare('gzipmaps', naive, 'pass4');
  const skew = different.map(({ ours, real }) => inUse(ours) - inUse(real)).reduce((a, b) => a + b);
  expect(skew).toBe(991_664);
});

test('naive counting drifts while no collection runs: pipeline, round after round', async () => {
  const naive = await run('pipeline', new Model(true));
  const skews: number[] = [];
  for (const name of ['round0', 'round1', 'round2', 'round3']) {
    const { different } = await compare('pipeline', naive, name);
    skews.push(different.map(({ ours, real }) => inUse(ours) - inUse(real)).reduce((a, b) => a + b, 0));
  }
  expect(skews[0]).toBe(0); // no profile is published yet: MemProfile itself folds everything in
  for (let i = 1; i < skews.length; i++) expect(skews[i]).toBeGreaterThan(skews[i - 1]);
});

test.each([
  ['jsonwork', 11369, 1429, 5, 5],
  ['gzipmaps', 6742, 1398, 7, 4],
  ['pipeline', 10178, 6113, 4, 5],
])('the plan of %s: %i allocations, %i frees, %i collections', async (log, allocs, frees, gcs, snapshots) => {
  const plan = await planLog(`${fixtures}/${log}/trace.log.gz`, { isOddSize: (bytes) => roundUpSize(bytes) !== bytes });
  expect(plan).toMatchObject({ allocs, frees, gcs, unknownFrees: 3, oddSizes: 0, earlyAllocs: 26 });
  expect(plan.snapshots).toHaveLength(snapshots);
  expect(plan.deathCycle.filter((cycle) => cycle > 0)).toHaveLength(frees - 3);
  expect(plan.stats.skipped).toBe(0);
});

function inUse(counts: { allocBytes: number; freeBytes: number } | null): number {
  return counts === null ? 0 : counts.allocBytes - counts.freeBytes;
}
