// campaign: what every command that runs a campaign has in common: its options, all cores, progress, stopping and going on.
// campaign/campaign.ts has the idea. A command makes the tasks, and what comes of the results.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Campaign, type RunOptions, runCampaign, type TaskResult } from '../campaign/campaign.ts';
import { CampaignError } from '../campaign/error.ts';
import { parseShard, type Shard, shardFromEnvironment, whole } from '../campaign/shard.ts';
import { fileFault } from '../replay/logreader.ts';
import { count, plural } from '../runtime/internal/words.ts';
import { FileError, type OptionSpec, type Parsed, wholeNumber } from './args.ts';
import { whenInterrupted } from './interrupt.ts';
import { Progress } from './output.ts';

declare const __GORENA_VERSION__: string;

/** What a campaign calls the program that does its tasks. */
export const version = __GORENA_VERSION__;

/** Options of every campaign. */
export const campaignOptions: readonly OptionSpec[] = [
  { name: 'output', short: 'o', value: 'DIR', help: 'folder for the journal and the results; a run that was stopped goes on there' },
  { name: 'workers', value: 'N', help: 'worker threads', byDefault: 'default: one for each processor' },
  { name: 'shard', value: 'I/N', help: "do part I of N only; default: what a cluster's variables say, else 1/1" },
];

/** The options as they were given. */
export interface CampaignChoice {
  /** null: nothing is kept. */
  readonly folder: string | null;
  readonly shard: Shard;
  readonly workers?: number;
}

/** Reads the options. complain: told which variable named the shard. Throws UsageError and CampaignError. */
export function campaignChoice(options: Parsed['options'], complain: (text: string) => void): CampaignChoice {
  const workers = options.workers === undefined ? {} : { workers: wholeNumber('workers', String(options.workers), 1, 1024) };
  const folder = options.output === undefined ? null : String(options.output);
  if (options.shard !== undefined) return { folder, ...workers, shard: parseShard(String(options.shard)) };
  const told = shardFromEnvironment(process.env);
  if (told === null) return { folder, ...workers, shard: whole };
  complain(`shard ${told.shard.index}/${told.shard.count}, by ${told.by}\n`);
  return { folder, ...workers, shard: told.shard };
}

/** Makes a folder for output if there is none. Throws FileError. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new FileError(
      `cannot make the folder ${folder}: ${(error as NodeJS.ErrnoException).code === 'EEXIST' ? 'it is a file' : fileFault(error)}`,
    );
  }
}

/** Path of a campaign's journal: each shard has its own. */
function journalPath(folder: string, name: string, { index, count }: Shard): string {
  return join(folder, `${name}${count === 1 ? '' : `.${index}-of-${count}`}.journal.jsonl`);
}

/** What the command does next. */
export type Ended<Job, Result> =
  /** All tasks of all shards are there: the results can be made. */
  | { readonly kind: 'whole'; readonly results: readonly TaskResult<Job, Result>[] }
  /** This part is done; `gorena merge` joins it with the others. */
  | { readonly kind: 'part'; readonly journal: string; readonly done: number }
  /** Interrupted: exit with the code. */
  | { readonly kind: 'stopped'; readonly code: number };

/**
 * Runs a campaign as the options say, with progress on stderr. name: names the journal and stands in the progress. SIGINT and SIGTERM
 * stop it; what was done is in the journal, and complain says how to go on. until, stuckMs: see RunOptions; each: for the speed. Throws CampaignError and TaskError.
 */
export async function runChosen<Job, Result>(
  name: string,
  campaign: Campaign<Job>,
  { folder, shard, workers }: CampaignChoice,
  complain: (text: string) => void,
  { until, stuckMs, each }: Pick<RunOptions<Job, Result>, 'until' | 'stuckMs'> & { each?: Each } = {},
): Promise<Ended<Job, Result>> {
  if (folder === null && shard.count > 1) {
    throw new CampaignError('usage', `shard ${shard.index}/${shard.count}: a part must be kept, so --output DIR is needed`);
  }
  if (folder !== null) makeFolder(folder);
  const journal = folder === null ? null : journalPath(folder, name, shard);
  const progress = new Progress();
  const stop = new AbortController();
  let code = 0;
  const away = whenInterrupted((exitCode) => {
    code = exitCode;
    stop.abort();
  });
  const began = Date.now();
  try {
    const outcome = await runCampaign<Job, Result>(campaign, {
      ...{ script: new URL(import.meta.url), shard, signal: stop.signal },
      ...(workers !== undefined && { workers }),
      ...(journal !== null && { journal }),
      ...(until !== undefined && { until }),
      ...(stuckMs !== undefined && { stuckMs }),
      progress: (done, total, resumed) =>
        progress.show(() => progressText(name, { done, total, resumed, millis: Date.now() - began }, each)),
    });
    if (outcome.stopped) {
      progress.end();
      const next = journal === null ? 'nothing was kept, for want of --output' : 'the same command goes on from there';
      complain(
        `gorena: ${name}: stopped, ${count(outcome.done)} of ${plural(outcome.total, 'task')} ${outcome.done === 1 ? 'is' : 'are'} done; ${next}\n`,
      );
      return { kind: 'stopped', code };
    }
    if (journal !== null && shard.count > 1) return { kind: 'part', journal, done: outcome.done };
    return { kind: 'whole', results: outcome.results };
  } finally {
    progress.end();
    away();
  }
}

/** What is in a task, for the speed that progress shows: so many `what`. */
export interface Each {
  readonly n: number;
  readonly what: string;
}

/** The line of progress. Speed and the time that is left are told once two tasks of this run are done. resumed: tasks of the journal. */
export function progressText(
  name: string,
  { done, total, resumed, millis }: { done: number; total: number; resumed: number; millis: number },
  each?: Each,
): string {
  const tasks = `${name}: ${count(done)} of ${plural(total, 'task')}`;
  const fresh = done - resumed;
  if (fresh < 2) return tasks;
  const speed = each === undefined ? '' : `, ${count(Math.round((fresh * each.n * 1000) / millis))} ${each.what}/s`;
  const seconds = Math.ceil((((total - done) / fresh) * millis) / 1000);
  return `${tasks}${speed}, about ${seconds >= 120 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`} left`;
}
