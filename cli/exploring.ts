// exploring: what `explore` and `replay-schedule` have in common: which program, and what is told of a failure.
import { faulty } from '../examples/faulty.ts';
import { type Failure, type Program, parseSchedule, reportOf, reportText, type Told, traceOf } from '../sim/index.ts';
import { type Parsed, UsageError } from './args.ts';
import { writeOut } from './files.ts';
import { paint } from './output.ts';
import { type Loaded, loadProgram, meansFile } from './program.ts';
import { unknownProgram } from './run.ts';

/** The program that a word of the command line means: a file's, or a built-in one. Throws UsageError and FileError. */
export async function programNamed(command: string, word: string, exportName: string | undefined): Promise<Loaded<Program>> {
  if (meansFile(word)) return loadProgram(command, word, exportName);
  if (exportName !== undefined) throw new UsageError(`${command}: --export is for files; '${word}' is a built-in program`);
  if (Object.hasOwn(faulty, word)) return { name: word, program: faulty[word]!.program };
  throw unknownProgram(command, word, Object.keys(faulty));
}

/** The report of a failure, for a terminal of this width. */
export function reportFor(failure: Failure, told: Told): string {
  const width = process.stdout.columns ?? 100;
  return reportText(reportOf(failure, told), { width, paint: (colour, text) => (colour === 'dim' ? text : paint(colour, text)) });
}

/** Writes what --trace and --chrome-trace ask for; the files' names. Throws FileError. */
export function writeTraces(options: Parsed['options'], program: Program, replay: string): string[] {
  const files: string[] = [];
  for (const [option, format] of [
    ['trace', 'go'],
    ['chrome-trace', 'chrome'],
  ] as const) {
    if (options[option] === undefined) continue;
    const file = String(options[option]);
    if (file === '-') throw new UsageError(`option --${option}: the report goes to stdout; give a file`);
    const data = traceOf(program, parseSchedule(replay), format);
    writeOut(file, [typeof data === 'string' ? Buffer.from(data) : data], () => {});
    files.push(file);
  }
  return files;
}

/** `g1:…` as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
