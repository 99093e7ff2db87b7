// campaign: many tasks, each done once, on all cores of a machine or on a whole cluster. `gorena experiment` and `gorena explore`
// are campaigns; the other files of this folder are the parts.
//
//   campaign = kind, version, spec and a list of tasks          the same list wherever it is made
//        │  shard i/n takes every n-th task (shard.ts)
//        ▼
//   worker threads (workers.ts) take one task after the other, in order
//        │  each result is appended to the journal (journal.ts) as soon as it is there
//        ▼
//   results in the order of the tasks; what is left is done when the same campaign is run again
//
// What must hold, and why it does:
//   the same numbers whatever the sharding, the workers and the stops   a task is told nothing but its job; results go by the
//                                                                       task's place in the list, never by when they came
//   a task is done once                                                 its id is in the journal, or it is not
//   a kill at any moment loses at most the tasks that were running      a line is written whole or cut off at the end of the file
//   parts of different campaigns are never mixed                        the journal's first line has the digest of kind, version,
//                                                                       spec and task ids
//
// How to use it: a command makes a Campaign and calls runCampaign; the worker threads run the same script, which calls serve
// (workers.ts) with the functions that do tasks, by kind. A task should take between a few milliseconds and a minute: what is
// smaller is put together (a range of seeds), so that the journal has up to a million lines, not a billion.
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { count, plural } from '../runtime/internal/words.ts';
import { CampaignError } from './error.ts';
import { Journal, type JournalHead, type Part, readPart, schemaVersion } from './journal.ts';
import { mine, type Shard, shardText, whole } from './shard.ts';
import { runTasks } from './workers.ts';

/** One piece of work. */
export interface Task<Job> {
  /** Says what the task is, the same in every run of the campaign; unique in it. */
  readonly id: string;
  /** All that a worker is told. Goes through structured cloning. */
  readonly job: Job;
}

/** What there is to do. */
export interface Campaign<Job> {
  /** Which of the functions given to serve does the tasks. */
  readonly kind: string;
  /** Of the program that does them: journals of another one are refused. */
  readonly version: string;
  /** JSON from which the list of tasks can be made again: kept in the journal, so that merging needs nothing but parts. */
  readonly spec: unknown;
  readonly tasks: readonly Task<Job>[];
}

/** How a campaign is run. Nothing in it changes a result. */
export interface RunOptions<Job, Result> {
  /** What worker threads run; it must call serve. In the bundled command: new URL(import.meta.url). */
  readonly script: URL;
  /** Worker threads; default: one for each processor. */
  readonly workers?: number;
  /** Which part of the tasks; default: all. */
  readonly shard?: Shard;
  /** File that results are appended to and taken from; without one, nothing is kept. */
  readonly journal?: string;
  /** Told after each task: how many of `total` are done, `resumed` of them before this run. */
  readonly progress?: (done: number, total: number, resumed: number) => void;
  /** Stops: tasks that run are given up, everything done is in the journal. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a sign of life (workers.ts) after which a task is given up: TaskError. Default: none. */
  readonly stuckMs?: number;
  /**
   * Whether a result is what was looked for. No later task is begun then; those before it are finished, so that the first such
   * result in the order of the tasks is the same whatever the number of workers.
   */
  readonly until?: (result: Result, task: Task<Job>) => boolean;
}

/** What came of a run. */
export interface Outcome<Job, Result> {
  /** Tasks of this shard that are done, those of earlier runs included, and how many there are. */
  readonly done: number;
  readonly total: number;
  /** The signal came before everything was done. */
  readonly stopped: boolean;
  /** In the order of the tasks, those that are not done left out; up to the first result that `until` wanted. */
  readonly results: readonly TaskResult<Job, Result>[];
}

/** A task and its result, as it reads from the journal: what JSON cannot say is not in it. */
export interface TaskResult<Job, Result> {
  readonly task: Task<Job>;
  readonly result: Result;
}

/** What the journal's first line says of a campaign. */
function headOf<Job>({ kind, version, spec, tasks }: Campaign<Job>, shard: Shard): JournalHead {
  const hash = createHash('sha256').update(JSON.stringify([kind, version, spec]));
  const seen = new Set<string>();
  for (const { id } of tasks) {
    if (seen.has(id)) throw new TypeError(`campaign ${kind}: two tasks have the id '${id}'`);
    seen.add(id);
    hash.update(`\n${id}`);
  }
  const digest = hash.digest('hex').slice(0, 16);
  return { gorena: 'journal', schemaVersion, kind, version, digest, shard: shardText(shard), tasks: tasks.length, spec };
}

/**
 * Runs what is left of a campaign. Throws CampaignError for a journal that is damaged, of something else or in use, and
 * TaskError (workers.ts) for a task that throws; what was done before is in the journal.
 */
export async function runCampaign<Job, Result>(campaign: Campaign<Job>, options: RunOptions<Job, Result>): Promise<Outcome<Job, Result>> {
  const { shard = whole, workers = availableParallelism(), progress, signal, until } = options;
  const { tasks, kind } = campaign;
  const ours = tasks.map((_, i) => i).filter((i) => mine(shard, i));
  const head = headOf(campaign, shard);
  const journal = options.journal === undefined ? null : Journal.open(options.journal, head);
  try {
    const done = new Map<number, Result>();
    let last = tasks.length; // the first task whose result `until` wanted
    const take = (i: number, result: Result) => {
      done.set(i, result);
      if (i < last && until?.(result, tasks[i]!) === true) last = i;
    };
    for (const i of ours) {
      const kept = journal?.done.get(tasks[i]!.id);
      if (kept !== undefined) take(i, kept.result as Result);
    }
    journal?.refuseStrangers(new Set(ours.map((i) => tasks[i]!.id)));
    const resumed = done.size;
    progress?.(resumed, ours.length, resumed);
    await runTasks({
      ...{ script: options.script, workers, kind },
      jobs: ours.filter((i) => !done.has(i)).map((i) => ({ number: i, id: tasks[i]!.id, job: tasks[i]!.job })),
      goOn: (i) => i < last,
      ...(signal !== undefined && { signal }),
      ...(options.stuckMs !== undefined && { stuckMs: options.stuckMs }),
      onResult: (i, text) => {
        journal?.append(tasks[i]!.id, text);
        take(i, JSON.parse(text) as Result);
        progress?.(done.size, ours.length, resumed);
      },
    });
    const results = ours.filter((i) => i <= last && done.has(i)).map((i) => ({ task: tasks[i]!, result: done.get(i)! }));
    return { done: done.size, total: ours.length, stopped: signal?.aborted === true && done.size < ours.length, results };
  } finally {
    journal?.close();
  }
}

/** Parts that belong together. */
export interface Merged {
  readonly head: JournalHead;
  /** By task id. */
  readonly results: ReadonlyMap<string, unknown>;
}

/**
 * Joins journals, however the campaign was divided. Throws CampaignError when one is none or is damaged, when they are of
 * different campaigns, or when two of them disagree on a task.
 */
export function joinParts(paths: readonly string[]): Merged {
  let first: Part | null = null;
  const results = new Map<string, { result: unknown; text: string; path: string }>();
  for (const path of paths) {
    const part = readPart(path);
    first ??= part;
    if (part.head.digest !== first.head.digest) {
      const what = part.head.kind === first.head.kind ? 'other settings, or of another version' : `kind ${part.head.kind}`;
      throw new CampaignError(
        'file',
        `${path} is part of another campaign than ${first.path}: ${what}; parts of one campaign can be merged`,
      );
    }
    for (const [id, { result, text }] of part.results) {
      const there = results.get(id);
      if (there !== undefined && there.text !== text) {
        throw new CampaignError(
          'file',
          `${path}: task '${id}' has another result than in ${there.path}; one of the two was not made by this program`,
        );
      }
      results.set(id, { result, text, path });
    }
  }
  if (first === null) throw new CampaignError('usage', 'no parts to merge');
  return { head: first.head, results: new Map([...results].map(([id, { result }]) => [id, result])) };
}

/**
 * The results of a merge in the order of the campaign's tasks, which were made from head.spec; with until, up to the first result
 * that it wanted. Throws CampaignError when the tasks are not those of the journals, or some are not done.
 */
export function mergedResults<Job, Result>(
  campaign: Campaign<Job>,
  { head, results }: Merged,
  until: (result: Result, task: Task<Job>) => boolean = () => false,
): TaskResult<Job, Result>[] {
  if (headOf(campaign, whole).digest !== head.digest) {
    throw new CampaignError(
      'file',
      `the parts were made by gorena ${head.version}, whose tasks differ from those of ${campaign.version}: merge them with the gorena that made them`,
    );
  }
  const wanted = campaign.tasks.findIndex((task) => results.has(task.id) && until(results.get(task.id) as Result, task));
  const tasks = wanted < 0 ? campaign.tasks : campaign.tasks.slice(0, wanted + 1);
  const missing = tasks.filter(({ id }) => !results.has(id));
  if (missing.length > 0) {
    throw new CampaignError(
      'file',
      `the parts are not all: ${count(missing.length)} of ${plural(campaign.tasks.length, 'task')} ${missing.length === 1 ? 'is' : 'are'} missing, '${missing[0]!.id}' is the first`,
    );
  }
  return tasks.map((task) => ({ task, result: results.get(task.id) as Result }));
}
