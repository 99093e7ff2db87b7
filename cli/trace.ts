// trace: the command. A built-in program, traced from its beginning to its end, into a file for `go tool trace` or a browser.
import { type RunStats, Runtime } from '../runtime/index.ts';
import { helpOf, parse, UsageError } from './args.ts';
import { traceSpec } from './commands.ts';
import { writeOut } from './files.ts';
import { count } from './output.ts';
import { optionsOf, programOf } from './run.ts';

/**
 * Runs `gorena trace`; returns the exit code. print takes the trace itself as well, for `-o -`; complain takes the lines of
 * GODEBUG. Throws UsageError, FileError and RuntimeError: what a program did until it died is in its trace.
 */
export function traceCommand(
  words: readonly string[],
  print: (data: string | Uint8Array) => void,
  complain: (text: string) => void,
): number {
  const { positionals, options } = parse(traceSpec, words);
  if (options.help === true) {
    print(helpOf(traceSpec));
    return 0;
  }
  const name = positionals[0]!;
  const program = programOf('trace', name);
  if (options.output === undefined) throw new UsageError('trace: missing -o FILE; see gorena trace --help');
  const file = String(options.output);
  if (file === '-' && options.json === true) throw new UsageError('trace: -o - and --json would both print on stdout; choose one');
  const { scheme: _, memProfileRate: __, ...settings } = optionsOf(options);
  const format = options.chrome === true ? 'chrome' : 'go';
  const rt = new Runtime({ ...settings, memProfileRate: 0, output: (line) => complain(`${line}\n`) });
  const trace = rt.trace();
  let bytes = 0;
  let stats: RunStats;
  try {
    stats = rt.run(program(settings.seed));
  } finally {
    const data = format === 'chrome' ? Buffer.from(trace.chrome()) : trace.go();
    bytes = writeOut(file, [data], print);
  }
  if (file === '-') return 0;
  const records = trace.log.length;
  if (options.json === true) {
    const doc = { schemaVersion: 1, command: 'trace', program: name, ...settings, ...stats, format, file, records, bytes };
    print(`${JSON.stringify(doc, null, 2)}\n`);
  } else {
    const { seed, procs, gogc } = settings;
    const ms = (stats.nanos / 1e6).toFixed(3);
    print(
      `${name}: ${count(records)} records, ${count(stats.turns)} turns of goroutines, ${stats.numGC} collections, ${ms} ms of virtual time (seed ${seed}, procs ${procs}, gogc ${gogc})\n` +
        `open ${file} with ${format === 'go' ? 'go tool trace' : 'ui.perfetto.dev or chrome://tracing'}\n`,
    );
  }
  return 0;
}
