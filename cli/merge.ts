// merge: the command. Joins the journals of a campaign's parts, of whatever kind it was, and makes the results of the whole.
import { joinParts, type Merged, mergedResults } from '../campaign/campaign.ts';
import { CampaignError } from '../campaign/error.ts';
import type { Measured } from '../experiment/measure.ts';
import { campaignOf, experimentKind, type Job } from '../experiment/runner.ts';
import type { Experiment } from '../experiment/spec.ts';
import { helpOf, parse, UsageError } from './args.ts';
import { makeFolder, version } from './campaign.ts';
import { mergeSpec } from './commands.ts';
import { finishExperiment } from './experiment.ts';
import { exploreKind, mergedExploration } from './explore.ts';

/** What becomes of the parts of a kind: writes into the folder and returns what is printed. */
type Finish = (merged: Merged, folder: string | null, json: boolean) => string;

const finishes: Readonly<Record<string, Finish>> = {
  [experimentKind]: (merged, folder, json) => {
    if (folder !== null) makeFolder(folder);
    const experiment = merged.head.spec as Experiment;
    return finishExperiment(experiment, mergedResults<Job, Measured>(campaignOf(experiment, version), merged), folder, json);
  },
  [exploreKind]: (merged, folder, json) => {
    if (folder !== null) throw new UsageError('option --output is for experiments: an exploration has no files');
    return mergedExploration(merged, json);
  },
};

/** Runs `gorena merge`; returns the exit code. Throws UsageError, FileError and CampaignError. */
export function mergeCommand(words: readonly string[], print: (text: string) => void): number {
  const { positionals, options } = parse(mergeSpec, words);
  if (options.help === true) {
    print(helpOf(mergeSpec));
    return 0;
  }
  const merged = joinParts(positionals);
  const { kind, version: made } = merged.head;
  if (made !== version)
    throw new CampaignError(
      'file',
      `${positionals[0]} was written by gorena ${made}, this is ${version}: merge with the gorena that wrote it`,
    );
  const finish = Object.hasOwn(finishes, kind) ? finishes[kind]! : null;
  if (finish === null)
    throw new CampaignError('file', `${positionals[0]} is of a campaign of kind ${kind}, which this gorena does not know`);
  const folder = options.output === undefined ? null : String(options.output);
  print(finish(merged, folder, options.json === true));
  return 0;
}
