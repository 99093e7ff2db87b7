// replay: the command. Options in, replay/replay.ts does the work, the report as text or JSON out.
import { allSchemeNames, type SchemeName } from '../profiler/schemes.ts';
import { LogError } from '../replay/logreader.ts';
import { type ReplayedSnapshot, type ReplayReport, replay } from '../replay/replay.ts';
import { count, plural } from '../runtime/internal/words.ts';
import type { SchemeReport } from '../runtime/skew.ts';
import { FileError, helpOf, oneOf, type Parsed, parse, wholeNumber } from './args.ts';
import { replaySpec } from './commands.ts';
import { Progress, paint, signed, table } from './output.ts';

const maxDifferencesShown = 5;

/** Runs `gorena replay`; returns the exit code. Throws UsageError and FileError. */
export async function replayCommand(words: readonly string[], print: (text: string) => void): Promise<number> {
  const { positionals, options } = parse(replaySpec, words);
  if (options.help === true) {
    print(helpOf(replaySpec));
    return 0;
  }
  const log = positionals[0]!;
  const { scheme, seed } = replayOptions(options);
  const progress = new Progress();
  const compare = options.compare === undefined ? {} : { compareWith: String(options.compare) };
  const report = await replayLog(log, scheme, seed, progress, compare).finally(() => progress.end());
  const differs = report.snapshots.some((s) => s.comparison !== null && s.comparison.different.length > 0);
  print(options.json === true ? json(log, scheme, seed, report) : text(log, scheme, seed, report));
  return differs ? 1 : 0;
}

/** The options that a replay has. Throws UsageError. */
export function replayOptions(given: Parsed['options']): { scheme: SchemeName; seed: number } {
  return {
    scheme: oneOf('scheme', String(given.scheme ?? 'three-stage'), allSchemeNames),
    seed: wholeNumber('seed', String(given.seed ?? 1), -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  };
}

/** Replays a log with a line of progress; what is wrong with it is a FileError that names the log. */
export async function replayLog(
  log: string,
  scheme: SchemeName,
  seed: number,
  progress: Progress,
  more: Pick<Parameters<typeof replay>[1], 'compareWith' | 'begin' | 'at'>,
) {
  return replay(log, {
    scheme,
    seed,
    ...more,
    progress: (pass, read, total) =>
      progress.show(() => `${pass === 1 ? 'reading' : 'replaying'} ${log}: ${total > 0 ? Math.floor((100 * read) / total) : 100} %`),
  }).catch((error: unknown) => {
    // errors in a profile to compare with name their file; those of the log name only the line
    if (error instanceof LogError && error.file === '')
      throw new FileError(error.message.includes(log) ? error.message : `${log}: ${error.message}`);
    if (error instanceof LogError) throw new FileError(error.message);
    throw error;
  });
}

function json(log: string, scheme: string, seed: number, { plan, snapshots, cycles }: ReplayReport): string {
  const doc = {
    schemaVersion: 1,
    command: 'replay',
    log,
    scheme,
    seed,
    lines: plan.stats.lines,
    bytes: plan.stats.bytes,
    allocations: plan.allocs,
    frees: plan.frees,
    unknownFrees: plan.unknownFrees,
    oddSizes: plan.oddSizes,
    collections: cycles,
    snapshots: snapshots.map(({ records: _, ...s }) => s),
  };
  return `${JSON.stringify(doc, null, 2)}\n`;
}

function text(log: string, scheme: string, seed: number, { plan, snapshots, cycles }: ReplayReport): string {
  const lines = [
    `${log}: ${plural(plan.allocs, 'allocation')}, ${plural(plan.frees, 'free')}, ${plural(cycles, 'collection')} in ${plural(plan.stats.lines, 'line')} (scheme ${scheme}, seed ${seed})`,
  ];
  if (plan.unknownFrees > 0) {
    lines.push(
      `${plural(plan.unknownFrees, 'free of an address', 'frees of addresses')} that the log never allocated (allocated before Go had read GODEBUG): skipped`,
    );
  }
  if (plan.oddSizes > 0)
    lines.push(`${plural(plan.oddSizes, 'allocation has', 'allocations have')} a size that is none of Go 1.19's size classes: rounded up`);
  if (plan.earlyAllocs === plan.allocs && plan.allocs > 0) lines.push("the log has no mark '# profile start': nothing was profiled");
  if (snapshots.length === 0) lines.push("the log has no mark '# snapshot begin NAME': nothing to show");
  for (const s of snapshots) lines.push('', ...snapshotText(s));
  return `${lines.join('\n')}\n`;
}

function snapshotText(s: ReplayedSnapshot): string[] {
  const naive = s.schemes.find((x) => x.scheme === 'naive')!;
  const lines = [
    `${paint('bold', `snapshot ${s.name}`)} (line ${count(s.line)}, after ${plural(s.numGC, 'collection')})`,
    schemesTable(s.schemes),
    `naive skew: ${signed(naive.skewBytes)} bytes in all, ${plural(naive.bucketsOff, 'bucket')} off, one of them by ${count(naive.worstBucketBytes)} bytes`,
  ];
  if (s.comparison !== null) lines.push(...comparisonText(s.comparison, s.schemes[0]!.scheme));
  return lines;
}

/** Published against true, a row a scheme. */
export function schemesTable(schemes: readonly SchemeReport[]): string {
  const rows = schemes.map((x) => [
    `  ${x.scheme}`,
    count(x.buckets),
    count(x.inUseObjects),
    count(x.inUseBytes),
    x.asOf === 0 ? 'start' : `MT ${x.asOf}`,
    count(x.truthBytes),
    signed(x.skewBytes),
    count(x.bucketsOff),
  ]);
  return table(['<  scheme', 'buckets', 'objects', 'bytes in use', 'as of', 'true bytes', 'skew', 'buckets off'], rows);
}

function comparisonText({ equal, leftOut, different }: NonNullable<ReplayedSnapshot['comparison']>, scheme: string): string[] {
  const out = leftOut.filter((l) => l.count > 0);
  const left = out.reduce((n, l) => n + l.count, 0);
  const verdict = different.length === 0 ? paint('green', 'equal') : paint('red', 'DIFFERENT');
  const lines = [
    `real profile: ${verdict} under ${scheme}: ${plural(equal, 'bucket')} equal, ${different.length} different, ${left} left out`,
  ];
  for (const l of out) lines.push(`  left out ${l.count}: ${l.rule}`);
  for (const d of different.slice(0, maxDifferencesShown)) {
    const inUse = (c: typeof d.ours) =>
      c === null ? 'nothing' : `${c.allocObjects - c.freeObjects} in use of ${c.allocObjects} allocated`;
    lines.push(`  different: ${d.size} bytes at ${d.key.split('\n').slice(0, 3).join(', ')}: ours ${inUse(d.ours)}, real ${inUse(d.real)}`);
  }
  if (different.length > maxDifferencesShown) lines.push(`  … and ${different.length - maxDifferencesShown} more (--json has all)`);
  return lines;
}
