// trace: the command. What a built-in program or a replayed log did from its beginning to its end, as a file for `go tool trace`, for a
// browser, or as events.jsonl.
import { EventLog } from '../runtime/eventlog.ts';
import { type Machine, type RunStats, Runtime, RuntimeError } from '../runtime/index.ts';
import { plural } from '../runtime/internal/words.ts';
import { Tracer } from '../runtime/tracer.ts';
import { helpOf, oneOf, type Parsed, parse, UsageError } from './args.ts';
import { traceFormats, traceSpec } from './commands.ts';
import { OutFile } from './files.ts';
import { Progress } from './output.ts';
import { replayLog, replayOptions } from './replay.ts';
import { optionsOf, programOf } from './run.ts';
import { isLog, programOnly } from './source.ts';

type Format = keyof typeof traceFormats;

/** What writes one file of one machine. */
interface Writing {
  /** The run is over, whole or not. */
  end(): void;
  /** Records or events in the file. */
  count(): number;
}

/** From now on the machine's events go to the file. */
function writing(m: Machine, format: Format, out: OutFile): Writing {
  if (format === 'events') {
    const log = new EventLog(m, (text) => out.write(text));
    return { end: () => log.flush(), count: () => log.events };
  }
  const trace = new Tracer(m);
  return { end: () => out.write(format === 'chrome' ? trace.chrome() : trace.go()), count: () => trace.log.length };
}

/**
 * Runs `gorena trace`; returns the exit code. print takes the trace itself as well, for `-o -`; complain takes the lines of
 * GODEBUG. Throws UsageError, FileError and RuntimeError: what a program did until it died is in its trace.
 */
export async function traceCommand(
  words: readonly string[],
  print: (data: string | Uint8Array) => void,
  complain: (text: string) => void,
): Promise<number> {
  const { positionals, options } = parse(traceSpec, words);
  if (options.help === true) {
    print(helpOf(traceSpec));
    return 0;
  }
  const source = positionals[0]!;
  const { file, format } = wantedOf(options);
  const traced = isLog(source) ? replayed : ran;
  const { facts, line } = await traced(source, options, file, format, print, complain);
  if (file === '-') return 0;
  if (options.json === true) print(`${JSON.stringify({ schemaVersion: 1, command: 'trace', ...facts, format, file }, null, 2)}\n`);
  else print(`${line}\nopen ${file} with ${traceFormats[format].reader}\n`);
  return 0;
}

/** Throws UsageError. */
function wantedOf(options: Parsed['options']): { file: string; format: Format } {
  if (options.output === undefined) throw new UsageError('trace: missing -o FILE; see gorena trace --help');
  const file = String(options.output);
  if (file === '-' && options.json === true) throw new UsageError('trace: -o - and --json would both print on stdout; choose one');
  const formats = Object.keys(traceFormats) as Format[];
  const byName = formats.find((f) => traceFormats[f].ending !== '' && file.endsWith(traceFormats[f].ending));
  return { file, format: options.format === undefined ? (byName ?? 'go') : oneOf('format', String(options.format), formats) };
}

/** What is said of a trace: in JSON, and in a line. */
interface Said {
  readonly facts: object;
  readonly line: string;
}
type Print = (data: string | Uint8Array) => void;

async function ran(
  name: string,
  options: Parsed['options'],
  file: string,
  format: Format,
  print: Print,
  complain: (text: string) => void,
): Promise<Said> {
  const program = programOf('trace', name);
  const { scheme: _, memProfileRate: __, ...settings } = optionsOf(options);
  const rt = new Runtime({ ...settings, memProfileRate: 0, output: (line) => complain(`${line}\n`) });
  const out = new OutFile(file, print);
  const written = writing(rt.machine, format, out);
  const { machine } = rt;
  const progress = new Progress();
  const ms = (nanos: number) => (nanos / 1e6).toFixed(3);
  machine.gc.onMarkTermination(() =>
    progress.show(() => `${name}: ${plural(machine.gc.numGC, 'collection')}, ${ms(machine.sched.now())} ms`),
  );
  const finish = () => {
    written.end();
    out.commit();
  };
  let stats: RunStats;
  try {
    stats = rt.run(program(settings.seed));
  } catch (error) {
    if (error instanceof RuntimeError) finish();
    else out.abandon();
    throw error;
  } finally {
    progress.end();
  }
  finish();
  const records = written.count();
  const { seed, procs, gogc } = settings;
  return {
    facts: { program: name, ...settings, ...stats, records, bytes: out.bytes },
    line: `${name}: ${plural(records, 'record')}, ${plural(stats.turns, 'turn')} of goroutines, ${plural(stats.numGC, 'collection')}, ${ms(stats.nanos)} ms of virtual time (seed ${seed}, procs ${procs}, gogc ${gogc})`,
  };
}

/** A log has the collector's part: no goroutines, and no time. */
async function replayed(log: string, options: Parsed['options'], file: string, format: Format, print: Print): Promise<Said> {
  const foreign = programOnly.find((name) => options[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`trace: --${foreign} is for programs; a log has its own collections and sizes`);
  if (format !== 'events')
    throw new UsageError(`option --format: the trace of a log has no goroutines and no times; wanted events, got ${format}`);
  const { seed } = replayOptions(options);
  const progress = new Progress();
  let out: OutFile | undefined;
  let written: Writing | undefined;
  try {
    const begin = (m: Machine) => {
      out = new OutFile(file, print);
      written = writing(m, format, out);
    };
    const { cycles, plan } = await replayLog(log, 'three-stage', seed, progress, { begin });
    written!.end();
    out!.commit();
    const records = written!.count();
    return {
      facts: { log, seed, allocations: plan.allocs, frees: plan.frees, numGC: cycles, records, bytes: out!.bytes },
      line: `${log}: ${plural(records, 'record')}, ${plural(plan.allocs, 'allocation')}, ${plural(plan.frees, 'free')}, ${plural(cycles, 'collection')} (seed ${seed})`,
    };
  } catch (error) {
    out?.abandon();
    throw error;
  } finally {
    progress.end();
  }
}
