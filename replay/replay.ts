// replay: a log of a real Go program, end to end. Pass 1 (plan.ts) learns in which collection's sweep each object died; pass
// 2 (replayer.ts) runs the program's heap on ours; compare.ts holds the published profile against Go's own.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { roundUpSize } from '../heap/sizeclasses.ts';
import { type SchemeName, schemeNames } from '../profiler/schemes.ts';
import { Machine } from '../runtime/machine.ts';
import { settings } from '../runtime/options.ts';
import { type Comparison, compareProfiles, loadSnapshot } from './compare.ts';
import { LogError, readLog, StackTable } from './logreader.ts';
import { planLog, type ReplayPlan } from './plan.ts';
import { Replayer, type Snapshot } from './replayer.ts';

/** How to replay. */
export interface ReplayOptions {
  scheme: SchemeName;
  seed: number;
  /** Folder with NAME.jsonl[.gz] for snapshots; compares with those that are there. */
  compareWith?: string;
  /** pass 1 or 2, bytes read of the file and its size. */
  progress?: (pass: 1 | 2, read: number, total: number) => void;
  /** The machine is made, and nothing has happened on it yet. snapshots: the names of the log's marks `# snapshot begin NAME`. */
  begin?: (machine: Machine, snapshots: readonly string[]) => void;
  /** The replay stands at a mark of that name; at the end of the profile, or of a log that does not tell it, the name is null. */
  at?: (machine: Machine, name: string | null) => void;
}

/** One snapshot and, when its real profile was there, how the two compare. */
export interface ReplayedSnapshot extends Snapshot {
  readonly comparison: Comparison | null;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly plan: ReplayPlan;
  readonly snapshots: readonly ReplayedSnapshot[];
  readonly cycles: number;
  readonly objectsReplayed: number;
}

const maxHeapBytes = 1 << 30;

/**
 * Address space for the replayed heap: what was live at once, twice over for what the sweeper has not met yet, and room.
 * LogError when the log had more live at once than an arena can hold.
 */
function heapBytesFor(plan: ReplayPlan): number {
  if (plan.peakBytes > maxHeapBytes * 0.8) {
    throw new LogError(0, `the program had ${plan.peakBytes} bytes live at once; wanted at most ${Math.floor(maxHeapBytes * 0.8)}`);
  }
  return Math.min(maxHeapBytes, Math.max(64 << 20, plan.peakBytes * 3 + (16 << 20)));
}

/**
 * Replays the log at `path`. Errors: LogError for a file that cannot be read, is no such log, contradicts itself, or whose
 * frees our marking does not find; for a folder to compare with that has none of the log's snapshots.
 */
export async function replay(path: string, options: ReplayOptions): Promise<ReplayReport> {
  const { progress } = options;
  const real = options.compareWith === undefined ? null : snapshotFiles(options.compareWith);
  const plan = await planLog(path, {
    isOddSize: (bytes) => roundUpSize(bytes) !== bytes,
    ...(progress && { progress: (read: number, total: number) => progress(1, read, total) }),
  });
  if (real !== null && !plan.snapshots.some((s) => real.has(s.name))) {
    const names = plan.snapshots.map((s) => s.name).join(', ') || 'none at all';
    throw new LogError(0, `no profile there belongs to a snapshot of the log (the log has: ${names})`, options.compareWith);
  }
  const machine = new Machine(
    settings({
      seed: options.seed,
      gogc: 'off',
      memProfileRate: 0,
      scheme: options.scheme,
      watch: schemeNames,
      oracle: true,
      heapBytes: heapBytesFor(plan),
      maxGoroutines: 16,
    }),
  );
  options.begin?.(
    machine,
    plan.snapshots.map((s) => s.name),
  );
  const stacks = new StackTable();
  const replayer = new Replayer(machine, plan, stacks, {
    ...(progress && { progress: (read: number, total: number) => progress(2, read, total) }),
    ...(options.at && { at: (name: string | null) => options.at!(machine, name) }),
  });
  const stats = await readLog(path, replayer, { stacks });
  replayer.finish(stats.lines);
  const snapshots: ReplayedSnapshot[] = [];
  for (const s of replayer.snapshots) {
    const file = real?.get(s.name);
    snapshots.push({ ...s, comparison: file === undefined ? null : compareProfiles(s.records, await loadSnapshot(file)) });
  }
  return { plan, snapshots, cycles: machine.gc.numGC, objectsReplayed: plan.allocs };
}

/** Snapshot name -> file, for the profiles in a folder. */
function snapshotFiles(dir: string): Map<string, string> {
  if (!existsSync(dir)) throw new LogError(0, 'no such folder', dir);
  const files = new Map<string, string>();
  let names: string[];
  try {
    names = readdirSync(dir).sort();
  } catch {
    throw new LogError(0, 'not a folder that can be read', dir);
  }
  for (const name of names) {
    const found = /^(.+)\.jsonl(\.gz)?$/.exec(name);
    if (found !== null) files.set(found[1]!, join(dir, name));
  }
  return files;
}
