// explore: the command. Schedules of a program, in blocks of which each is a task of a campaign: all cores, parts of a cluster, a
// journal to go on from. A block has a seed of its own, made of the seed and its number, so its schedules are the same whoever
// runs them; the first failure in the order of the blocks is the one that is told.
import { resolve } from 'node:path';
import { type Campaign, type Merged, mergedResults, type TaskResult } from '../campaign/campaign.ts';
import { Rand } from '../runtime/internal/rand.ts';
import { count } from '../runtime/internal/words.ts';
import { searchedText } from '../sim/describe.ts';
import {
  checkFaults,
  type ExploreOptions,
  exploreSync,
  type Failure,
  type FaultOptions,
  failureJson,
  type Strategy,
  type TimeMode,
} from '../sim/index.ts';
import { helpOf, oneOf, onlyFor, type Parsed, parse, UsageError, wholeNumber } from './args.ts';
import { campaignChoice, runChosen, version } from './campaign.ts';
import { exploreSpec } from './commands.ts';
import { programNamed, reportFor, shellWord, writeTraces } from './exploring.ts';
import { paint } from './output.ts';
import { meansFile } from './program.ts';

/** Kind of the campaign. */
export const exploreKind = 'explore';
/** Schedules of a block. */
const blockSize = 1000;
const each = { n: blockSize, what: 'schedules' };

/** What is explored, and how: the campaign's spec. */
export interface ExploreJob {
  /** As it was given; a file as an absolute path. */
  readonly program: string;
  readonly export?: string;
  readonly schedules: number;
  readonly seed: number;
  readonly keepGoing: boolean;
  readonly options: ExploreOptions;
}

/** One block: schedules from … from + n - 1. */
interface Block extends ExploreJob {
  readonly from: number;
  readonly n: number;
}

/** What came of a block. */
interface Explored {
  readonly schedules: number;
  readonly distinct: number;
  readonly unseen: number | null;
  readonly steps: number;
  readonly failed: number;
  readonly exhausted: number | 'all' | null;
  readonly warnings: readonly string[];
  readonly millis: number;
  /** The first failure; what cannot be said in JSON is left out. */
  readonly failure: Failure | null;
}

const strategies = ['portfolio', 'fair', 'random', 'pct', 'pos', 'surw', 'exhaustive'] as const;

/** Runs `gorena explore`; returns the exit code. Throws UsageError, FileError, CampaignError and TaskError. */
export async function exploreCommand(
  words: readonly string[],
  print: (text: string) => void,
  complain: (text: string) => void,
): Promise<number> {
  const { positionals, options } = parse(exploreSpec, words);
  if (options.help === true) {
    print(helpOf(exploreSpec));
    return 0;
  }
  const job = jobOf(positionals[0]!, options);
  const { name, program } = await programNamed('explore', positionals[0]!, job.export); // wrong words are told before anything runs
  const choice = campaignChoice(options, complain);
  if (isExhaustive(job.options)) {
    const why = 'strategies that draw: an exhaustive search';
    onlyFor(`${why} draws nothing`, options, ['faults']);
    if ((choice.workers ?? 1) > 1) onlyFor(`${why} is one walk, by one worker`, options, ['workers']);
    if (choice.shard.count > 1)
      throw new UsageError(`shard ${choice.shard.index}/${choice.shard.count}: an exhaustive search is one walk, which has no parts`);
  }
  if (choice.shard.count > 1) onlyFor('a whole run; for a part: gorena merge, then replay-schedule', options, ['trace', 'chrome-trace']);
  const until = (result: Explored) => result.failure !== null && !job.keepGoing;
  const ended = await runChosen<Block, Explored>(name, campaignOf(job), choice, complain, { until, stuckMs, each });
  if (ended.kind === 'stopped') return ended.code;
  if (ended.kind === 'part') {
    const { index, count: parts } = choice.shard;
    print(`${name}: part ${index} of ${parts} is done: ${ended.journal}\n`);
    return 0;
  }
  const { text, failure } = finished(job, ended.results, options.json === true);
  const files = failure === null ? [] : writeTraces(options, program, failure.replay);
  print(`${text}${files.length === 0 || options.json === true ? '' : `written: ${files.join(', ')}\n`}`);
  return failure === null ? 0 : 1;
}

/** What a merge of parts prints. Throws CampaignError. */
export function mergedExploration(merged: Merged, json: boolean): string {
  const job = merged.head.spec as ExploreJob;
  const until = (result: Explored) => result.failure !== null && !job.keepGoing;
  return finished(job, mergedResults<Block, Explored>(campaignOf(job), merged, until), json).text;
}

function jobOf(word: string, options: Parsed['options']): ExploreJob {
  const whole = (name: string, byDefault: number, min: number, max: number) =>
    wholeNumber(name, String(options[name] ?? byDefault), min, max);
  return {
    program: meansFile(word) ? resolve(word) : word,
    ...(options.export !== undefined && { export: String(options.export) }),
    schedules: whole('schedules', 10_000, 1, 1e12),
    seed: whole('seed', 1, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    keepGoing: options['keep-going'] === true,
    options: {
      strategy: strategyOf(options),
      time: timeOf(String(options.time ?? 'chaos')),
      maxSteps: whole('max-steps', 10_000, 1, 10_000_000),
      leaks: options['no-leaks'] !== true,
      shrink: options['no-shrink'] !== true,
      ...(options.faults !== undefined && { faults: faultsOf(String(options.faults)) }),
    },
  };
}

function strategyOf(options: Parsed['options']): Strategy {
  const name = oneOf('strategy', String(options.strategy ?? 'portfolio'), strategies);
  const number = (option: string) => wholeNumber(option, String(options[option]), 0, 1000);
  if (name !== 'pct') onlyFor('--strategy pct', options, ['depth']);
  if (name !== 'exhaustive') onlyFor('--strategy exhaustive', options, ['preemptions']);
  if (options.depth !== undefined) return { pct: wholeNumber('depth', String(options.depth), 1, 100) };
  return options.preemptions === undefined ? name : { exhaustive: { preemptions: number('preemptions') } };
}

/** `drop=0.1,clock=0.05@5ms`. */
function faultsOf(text: string): FaultOptions {
  const faults: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [, name, rate, nanos] = /^([a-z]+)=([\d.]+)(?:@(\w+))?$/.exec(part) ?? [];
    if (name === undefined || (name === 'clock') !== (nanos !== undefined)) {
      throw new UsageError(`option --faults: got '${part}', wanted a kind and its rate, such as drop=0.1, or clock=0.1@5ms`);
    }
    faults[name] = nanos === undefined ? Number(rate) : { rate: Number(rate), nanos: nanosOf('faults', nanos) };
  }
  try {
    checkFaults(faults as FaultOptions);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw new UsageError(error.message.replace('option faults.', 'option --faults: '));
    throw error;
  }
  return faults as FaultOptions;
}

function nanosOf(option: string, text: string): number {
  const [, digits, unit] = /^(\d+)(ns|us|ms|s)$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError(`option --${option}: got '${text}', wanted a time such as 10ms`);
  return Number(digits) * { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }[unit as 's']!;
}

function timeOf(text: string): TimeMode {
  if (text === 'idle' || text === 'chaos') return text;
  if (!/^\d+[a-z]+$/.test(text)) throw new UsageError(`option --time: got '${text}', wanted idle, chaos, or the most skew, such as 10ms`);
  return { maxSkew: nanosOf('time', text) };
}

/** One walk through one tree: it cannot be cut into blocks. */
function isExhaustive({ strategy }: ExploreOptions): boolean {
  return strategy === 'exhaustive' || (typeof strategy === 'object' && 'exhaustive' in strategy);
}

function campaignOf(job: ExploreJob): Campaign<Block> {
  const size = isExhaustive(job.options) ? job.schedules : blockSize;
  const tasks = Array.from({ length: Math.ceil(job.schedules / size) }, (_, k) => {
    const from = k * size;
    return { id: String(from), job: { ...job, from, n: Math.min(size, job.schedules - from) } };
  });
  return { kind: exploreKind, version, spec: job, tasks };
}

/** Milliseconds after which a schedule that does not come back is given up: a program that never yields. */
const stuckMs = 20_000;

/** Explores one block. On a worker thread. alive: called between schedules. */
export async function exploreBlock(
  { program: word, export: exportName, seed, from, n, keepGoing, options }: Block,
  alive: () => void,
): Promise<Explored> {
  const { name, program } = await programNamed('explore', word, exportName);
  const own = new Rand(seed, `block ${from}`).next();
  const found = exploreSync(program, { ...options, name, schedules: n, seed: own, keepGoing, onProgress: alive });
  const { schedules, distinct, unseen, steps, perStrategy, exhausted, warnings, millis, failure } = found;
  const failed = Object.values(perStrategy).reduce((n, { failures }) => n + failures, 0);
  return {
    ...{ schedules, distinct, unseen, steps, warnings, millis, failed },
    exhausted: exhausted === Infinity ? 'all' : exhausted,
    failure: failure === null ? null : { ...failure, schedule: from + failure.schedule, seed, error: errorText(failure.error) },
  };
}

function errorText(error: unknown): string | undefined {
  return error === undefined ? undefined : error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function finished(
  job: ExploreJob,
  results: readonly TaskResult<Block, Explored>[],
  json: boolean,
): { text: string; failure: Failure | null } {
  const all = results.map(({ result }) => result);
  const sum = (of: (r: Explored) => number) => all.reduce((total, r) => total + of(r), 0);
  const [schedules, distinct, steps, failed, millis] = [
    sum((r) => r.schedules),
    sum((r) => r.distinct),
    sum((r) => r.steps),
    sum((r) => r.failed),
    sum((r) => r.millis),
  ];
  // Each block has an estimate of its own, after its own schedules: all of them together have left no more than their mean.
  const unseen = all.some((r) => r.unseen === null) ? null : sum((r) => r.unseen! * r.schedules) / schedules;
  const failure = all.find((r) => r.failure !== null)?.failure ?? null;
  const exhausted = all.length === 1 ? all[0]!.exhausted : null;
  const warnings = [...new Set(all.flatMap((r) => r.warnings))];
  if (json) {
    const doc = {
      ...{ schemaVersion: 1, command: 'explore', version, ...job, schedulesRun: schedules, distinct, unseen },
      ...{ steps, failed, exhausted, warnings },
      failure: failure === null ? null : failureJson(failure),
    };
    return { text: `${JSON.stringify(doc, null, 2)}\n`, failure };
  }
  // Making a failure small takes its time as well, and is no schedule
  const speed = millis < 100 || failed > 0 ? [] : [`${count(Math.round((schedules / millis) * 1000))} schedules/s a worker`];
  const statistics = searchedText({
    ...{ schedules, distinct, unseen, steps, failed, warnings, atMost: all.length > 1, more: [...speed, `seed ${job.seed}`] },
    exhausted: exhausted === 'all' ? Infinity : exhausted,
  });
  if (failure === null) return { text: `${paint('green', 'no schedule failed')}\n${statistics}\n`, failure };
  const words = ['gorena', 'replay-schedule', failure.replay, job.program, ...(job.export === undefined ? [] : ['--export', job.export])];
  const again = [
    `found by ${failure.strategy} at schedule ${count(failure.schedule + 1)} of ${count(job.schedules)}`,
    ...(failure.faults === '' ? [] : [`faults: ${failure.faults.replaceAll(';', ', ')}`]),
    `replay: ${words.map(shellWord).join(' ')}`,
  ];
  return { text: `${reportFor(failure, { again })}\n${statistics}\n`, failure };
}
