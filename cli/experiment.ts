// experiment: the command. A file or a shipped experiment becomes a campaign; its results become tables, lines and a report.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskResult } from '../campaign/campaign.ts';
import type { Measured } from '../experiment/measure.ts';
import { report } from '../experiment/report.ts';
import { csv, groups, jsonLines, type Results, resultsOf, shownNumber, spread, varying } from '../experiment/results.ts';
import { campaignOf, type Job } from '../experiment/runner.ts';
import { shipped } from '../experiment/shipped.ts';
import { type Experiment, experimentOf, pointsOf, SpecError } from '../experiment/spec.ts';
import { fileFault } from '../replay/logreader.ts';
import { count, plural } from '../runtime/internal/words.ts';
import { didYouMean, FileError, helpOf, parse, UsageError } from './args.ts';
import { campaignChoice, runChosen, version } from './campaign.ts';
import { experimentSpec } from './commands.ts';
import { writeOut } from './files.ts';
import { paint, table } from './output.ts';

/** Runs `gorena experiment`; returns the exit code. Throws UsageError, FileError, CampaignError and TaskError. */
export async function experimentCommand(
  words: readonly string[],
  print: (text: string) => void,
  complain: (text: string) => void,
): Promise<number> {
  const { positionals, options } = parse(experimentSpec, words);
  if (options.help === true) {
    print(helpOf(experimentSpec));
    return 0;
  }
  const json = options.json === true;
  if (options.list === true) {
    print(list(json));
    return 0;
  }
  const experiment = experimentNamed(positionals[0]!, options.clock === true);
  const choice = campaignChoice(options, complain);
  const ended = await runChosen<Job, Measured>(experiment.name, campaignOf(experiment, version), choice, complain);
  if (ended.kind === 'stopped') return ended.code;
  if (ended.kind === 'part') {
    const { journal, done } = ended;
    const { index, count: parts } = choice.shard;
    const doc = { schemaVersion: 1, command: 'experiment', name: experiment.name, shard: `${index}/${parts}`, tasks: done, journal };
    print(
      json
        ? `${JSON.stringify(doc, null, 2)}\n`
        : `${experiment.name}: part ${index} of ${parts} is done, ${plural(done, 'run')}: ${journal}\n`,
    );
    return 0;
  }
  print(finishExperiment(experiment, ended.results, choice.folder, json));
  return 0;
}

/** The experiment of a file or of a shipped name. Throws UsageError and FileError. */
function experimentNamed(word: string, clock: boolean): Experiment {
  if (Object.hasOwn(shipped, word)) return experimentOf(shipped[word], clock);
  if (!/[./\\]/.test(word)) {
    const names = Object.keys(shipped);
    throw new UsageError(
      `experiment: no experiment '${word}', there are: ${names.join(', ')}${didYouMean(word, names)}; a file's name has a dot`,
    );
  }
  let text: string;
  try {
    text = readFileSync(word, 'utf8');
  } catch (error) {
    throw new FileError(`cannot read ${word}: ${fileFault(error)}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FileError(`${word} is no JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  }
  try {
    return experimentOf(json, clock);
  } catch (error) {
    if (error instanceof SpecError) throw new FileError(`${word}: ${error.message}`);
    throw error;
  }
}

function list(json: boolean): string {
  const all = Object.values(shipped).map((file) => experimentOf(file));
  const docs = all.map((e) => ({ name: e.name, measure: e.measure, runs: pointsOf(e).length, question: e.question }));
  if (json) return `${JSON.stringify({ schemaVersion: 1, command: 'experiment', experiments: docs }, null, 2)}\n`;
  return `${table(
    ['<name', '<measure', 'runs', '<question'],
    docs.map((d) => [d.name, d.measure, count(d.runs), d.question]),
  )}\n`;
}

/**
 * Writes what came of a whole experiment into a folder, if there is one, and returns what is printed. Throws FileError. For
 * `gorena merge` as well.
 */
export function finishExperiment(
  experiment: Experiment,
  runs: readonly TaskResult<Job, Measured>[],
  folder: string | null,
  json: boolean,
): string {
  const results = resultsOf(experiment, runs);
  const files: string[] = [];
  if (folder !== null) {
    for (const [ending, text] of [
      ['csv', csv(results)],
      ['jsonl', jsonLines(results)],
      ['html', report(results, version)],
    ] as const) {
      const file = join(folder, `${experiment.name}.${ending}`);
      writeOut(file, [Buffer.from(text)], () => {});
      files.push(file);
    }
  }
  if (json)
    return `${JSON.stringify({ schemaVersion: 1, command: 'experiment', version, experiment, files, rows: results.rows }, null, 2)}\n`;
  return `${summary(results)}${files.length === 0 ? '' : `\nwritten: ${files.join(', ')}\n`}`;
}

/** Rows of the summary; the files have all of them. */
const mostRows = 40;

function summary(results: Results): string {
  const { experiment, figures, rows, runs } = results;
  const axes = varying(results);
  const keys = figures.filter(({ key }) => key === true);
  const all = groups(results);
  const cells = all
    .slice(0, mostRows)
    .map(({ at, rows: same }) => [
      ...axes.map((axis, i) => `${i === 0 ? '  ' : ''}${at[axis]}`),
      ...keys.map(({ name }) => shownNumber(spread(same, name).mean)),
    ]);
  const { seeds } = experiment;
  const lines = [
    paint('bold', `${experiment.name}: ${experiment.question}`),
    `${plural(runs.length, 'run')}, ${plural(rows.length, 'row')}; means over ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds, ${seeds[0]} to ${seeds[seeds.length - 1]}`}`,
    '',
    table([...axes.map((axis, i) => `<${i === 0 ? '  ' : ''}${axis}`), ...keys.map(({ name }) => name)], cells),
  ];
  if (all.length > mostRows) lines.push(`  … and ${all.length - mostRows} more (the CSV has all)`);
  lines.push('', ...keys.map(({ name, unit, what }) => `  ${name}: ${what} (${unit})`));
  return `${lines.join('\n')}\n`;
}
