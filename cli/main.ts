// main: the command gorena. Dispatches, and turns what goes wrong into one line and an exit code: exitCodes of commands.ts.
// In a worker thread of a campaign it does tasks instead.
import { CampaignError } from '../campaign/error.ts';
import { serve, stuckError, TaskError } from '../campaign/workers.ts';
import { RuntimeError } from '../runtime/index.ts';
import { didYouMean, FileError, helpOf, UsageError } from './args.ts';
import { commands, exitCodes } from './commands.ts';
import { experimentCommand } from './experiment.ts';
import { exploreCommand } from './explore.ts';
import { heapCommand } from './heap.ts';
import { listenToSignals } from './interrupt.ts';
import { mergeCommand } from './merge.ts';
import { profileCommand } from './profile.ts';
import { replayCommand } from './replay.ts';
import { replayScheduleCommand } from './replayschedule.ts';
import { runCommand } from './run.ts';
import { traceCommand } from './trace.ts';
import { works } from './works.ts';

declare const __GORENA_VERSION__: string;

/** Takes what goes to stdout: text, or the bytes of a file. */
type Print = (data: string | Uint8Array) => void;

function help(): string {
  const rows = commands.map((c) => `  ${c.name.padEnd(15)} ${c.summary}`);
  return `gorena ${__GORENA_VERSION__}: a Go-style runtime that you can see through

usage: gorena COMMAND [arguments] [options]

commands:
${rows.join('\n')}

  gorena COMMAND --help   what a command takes, with an example
  gorena --version        the version

exit codes:
${Object.entries(exitCodes)
  .map(([code, meaning]) => `  ${code.padEnd(5)} ${meaning}`)
  .join('\n')}
`;
}

async function dispatch(words: readonly string[], print: Print, complain: (text: string) => void): Promise<number> {
  const [command, ...rest] = words;
  switch (command) {
    case 'replay':
      return replayCommand(rest, print);
    case 'run':
      return runCommand(rest, print, complain);
    case 'experiment':
      return experimentCommand(rest, print, complain);
    case 'explore':
      return exploreCommand(rest, print, complain);
    case 'replay-schedule':
      return replayScheduleCommand(rest, print);
    case 'merge':
      return mergeCommand(rest, print);
    case 'heap':
      return heapCommand(rest, print, complain);
    case 'profile':
      return profileCommand(rest, print, complain);
    case 'trace':
      return traceCommand(rest, print, complain);
    case '--version':
    case '-V':
      noMore(rest);
      print(`gorena ${__GORENA_VERSION__}\n`);
      return 0;
    case '--help':
    case '-h':
    case 'help': {
      noMore(rest.slice(1));
      const asked = commands.find((c) => c.name === rest[0]);
      if (asked === undefined && rest[0] !== undefined) throw noCommand(rest[0]);
      print(asked === undefined ? help() : helpOf(asked));
      return 0;
    }
    case undefined:
      throw new UsageError('no command; see gorena --help');
  }
  throw noCommand(command);
}

function noCommand(word: string): UsageError {
  const names = commands.map((c) => c.name);
  return new UsageError(`no command '${word}'${didYouMean(word, names)}; see gorena --help`);
}

function noMore(words: readonly string[]): void {
  if (words.length > 0) throw new UsageError(`one argument too many: '${words[0]}'; see gorena --help`);
}

/** One line, or Go's text for a program that died. */
function explain(error: unknown): { text: string; code: number } {
  if (error instanceof UsageError) return { text: `gorena: ${error.message}`, code: 2 };
  if (error instanceof FileError) return { text: `gorena: ${error.message}`, code: 4 };
  if (error instanceof CampaignError) return { text: `gorena: ${error.message}`, code: error.fault === 'usage' ? 2 : 4 };
  if (error instanceof TaskError && error.errorName === 'RuntimeError') return { text: `gorena: ${error.message}`, code: 3 };
  if (error instanceof TaskError && error.errorName === stuckError) {
    return { text: `gorena: ${error.message}: the program loops without a yield*, or one step takes very long`, code: 1 };
  }
  if (error instanceof TaskError) return { text: `gorena: internal error: ${error.message}\n${error.errorStack}`, code: 70 };
  if (error instanceof RuntimeError) return { text: error.message, code: error.exitCode };
  return { text: `gorena: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, code: 70 };
}

/** Runs one command line and returns its exit code. */
export async function main(words: readonly string[], print: Print, complain: (text: string) => void): Promise<number> {
  try {
    return await dispatch(words, print, complain);
  } catch (error) {
    const { text, code } = explain(error);
    complain(`${text}\n`);
    return code;
  }
}

if (!serve(works)) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0); // the reader has seen enough
    throw error;
  });
  listenToSignals();
  process.exitCode = await main(
    process.argv.slice(2),
    (data) => process.stdout.write(data),
    (text) => process.stderr.write(text),
  );
}
