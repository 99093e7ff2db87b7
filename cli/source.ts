// source: what `profile` and `heap` look at: the machine of a built-in program, or of a replayed log, at one moment.
//
//   a program   at its end, or --at so much virtual time; --gc: after a collection (as ?gc=1 of net/http/pprof)
//   a log       at its end, or --at one of its marks `# snapshot begin NAME`
import { programs } from '../examples/index.ts';
import { type Machine, type Options, Runtime } from '../runtime/index.ts';
import { plural } from '../runtime/internal/words.ts';
import { didYouMean, type Parsed, UsageError } from './args.ts';
import { Progress } from './output.ts';
import { replayLog, replayOptions } from './replay.ts';
import { optionsOf, programOf } from './run.ts';

type Given = Parsed['options'];

/** What was looked at, for text and JSON. */
export interface Seen {
  /** The program or the log. */
  readonly source: string;
  /** `at its end`, `after 5 ms`, `at snapshot round2`. */
  readonly when: string;
  /** Options in force. */
  readonly options: Readonly<Record<string, string | number>>;
  /** Virtual nanoseconds; 0 in a replay, which has no clock. */
  readonly nanos: number;
  readonly numGC: number;
}

/** What look gets: the machine, and its runtime if it is that of a program. */
export interface Looked {
  readonly machine: Machine;
  readonly runtime: Runtime | null;
}

/** Options that make the machine of a program; that of a log is made as the log needs it. */
export const programOnly = [
  'procs',
  'gogc',
  'memory-limit',
  'era',
  'sweep',
  'memprofilerate',
  'blockprofilerate',
  'mutexprofilefraction',
  'godebug',
  'gc',
];

/** Whether the word names a log, and not a built-in program. */
export function isLog(word: string): boolean {
  return !Object.hasOwn(programs, word) && /[/\\.]/.test(word);
}

/**
 * Runs the program or replays the log, and calls look once, at the moment that --at names. complain takes the lines of GODEBUG; more:
 * further options of a program's machine.  * Throws UsageError, FileError and RuntimeError, and what look throws.
 */
export async function lookAt(
  command: string,
  source: string,
  given: Given,
  complain: (text: string) => void,
  look: (looked: Looked) => void,
  more: Options = {},
): Promise<Seen> {
  const progress = new Progress();
  try {
    if (isLog(source)) return await lookAtLog(command, source, given, progress, look);
    return lookAtProgram(command, source, given, progress, complain, look, more);
  } finally {
    progress.end();
  }
}

function lookAtProgram(
  command: string,
  name: string,
  given: Given,
  progress: Progress,
  complain: (text: string) => void,
  look: (looked: Looked) => void,
  more: Options,
): Seen {
  const program = programOf(command, name);
  const settings = optionsOf(given);
  const at = given.at === undefined ? null : duration('at', String(given.at));
  const rt = new Runtime({ ...settings, ...more, output: (line) => complain(`${line}\n`) });
  const { machine } = rt;
  const ms = () => (machine.sched.now() / 1e6).toFixed(3);
  machine.gc.onMarkTermination(() => progress.show(() => `${name}: ${plural(machine.gc.numGC, 'collection')}, ${ms()} ms of virtual time`));
  let seen: Seen | undefined;
  rt.run(function* main(go) {
    if (at === null) {
      const done = go.waitGroup(); // the program runs as a goroutine of its own, so that main can look at the end of it
      done.add(1);
      go.go(function* program_(go) {
        yield* program(settings.seed)(go);
        done.done();
      });
      yield* done.wait();
    } else {
      go.go(program(settings.seed));
      yield* go.sleep(at);
    }
    if (given.gc === true) yield* go.gc();
    const when = at === null ? 'at its end' : `after ${ms()} ms`;
    const { godebug: _, ...options } = settings;
    look({ machine, runtime: rt });
    seen = { source: name, when, options, nanos: Math.floor(machine.sched.now()), numGC: machine.gc.numGC };
  });
  return seen!;
}

async function lookAtLog(command: string, log: string, given: Given, progress: Progress, look: (looked: Looked) => void): Promise<Seen> {
  const foreign = programOnly.find((name) => given[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`${command}: --${foreign} is for programs; a log has its own collections and sizes`);
  const { scheme, seed } = replayOptions(given);
  const at = given.at === undefined ? null : String(given.at);
  let seen: Seen | undefined;
  await replayLog(log, scheme, seed, progress, {
    begin: (_, snapshots) => {
      if (at !== null && !snapshots.includes(at)) {
        const there = snapshots.length === 0 ? 'the log has none' : `the log has: ${snapshots.join(', ')}`;
        throw new UsageError(`option --at: no snapshot '${at}', ${there}${didYouMean(at, snapshots)}`);
      }
    },
    at: (m, name) => {
      if (name !== at || seen !== undefined) return;
      const when = at === null ? 'at its end' : `at snapshot ${at}`;
      seen = { source: log, when, options: { seed, scheme }, nanos: 0, numGC: m.gc.numGC };
      look({ machine: m, runtime: null });
    },
  });
  return seen!;
}

/** Virtual nanoseconds of a duration such as 250us, 5ms or 1.5s. Throws UsageError. */
function duration(name: string, text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ns|us|ms|s)$/.exec(text) ?? [];
  const nanos = Number(digits) * { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }[unit ?? 'ns']!;
  if (Number.isSafeInteger(Math.round(nanos))) return Math.round(nanos);
  throw new UsageError(`option --${name}: got '${text}', wanted a time such as 250us, 5ms or 1.5s`);
}
