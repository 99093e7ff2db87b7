// run: the command. A built-in program on the public API, and its profile against the truth, at the end and after runtime.GC().
import { programs } from '../examples/index.ts';
import { sweepPolicies } from '../gc/mgcsweep.ts';
import { allSchemeNames, schemeNames } from '../profiler/schemes.ts';
import type { Era, GoFunc, Options } from '../runtime/index.ts';
import { eras, parseGoDebug, Runtime } from '../runtime/index.ts';
import { plural } from '../runtime/internal/words.ts';
import { type SchemeReport, SkewMeter } from '../runtime/skew.ts';
import { byteCount, didYouMean, helpOf, oneOf, onlyFor, parse, UsageError, wholeNumber } from './args.ts';
import { runSpec } from './commands.ts';
import { paint, signed } from './output.ts';
import { schemesTable } from './replay.ts';

interface Moment {
  readonly when: string;
  readonly schemes: SchemeReport[];
}

/** Runs `gorena run`; returns the exit code. complain takes the lines of GODEBUG. Throws UsageError and RuntimeError. */
export function runCommand(words: readonly string[], print: (text: string) => void, complain: (text: string) => void): number {
  const { positionals, options } = parse(runSpec, words);
  if (options.help === true) {
    print(helpOf(runSpec));
    return 0;
  }
  const name = positionals[0]!;
  const program = programOf('run', name);
  const settings = optionsOf(options);
  if (settings.memProfileRate === 0) onlyFor('a profile, and --memprofilerate 0 makes none', options, ['scheme']);
  const rt = new Runtime({ ...settings, watch: schemeNames, oracle: true, output: (line) => complain(`${line}\n`) });
  const meter = new SkewMeter(rt.machine);
  const moments: Moment[] = [];
  const stats = rt.run(function* main(go) {
    const done = go.waitGroup(); // the program runs as a goroutine of its own, so that main can look at the end of it
    done.add(1);
    go.go(function* program_(go) {
      yield* program(settings.seed)(go);
      done.done();
    });
    yield* done.wait();
    moments.push({ when: 'when the program is done', schemes: meter.report() });
    yield* go.gc();
    moments.push({ when: 'after runtime.GC()', schemes: meter.report() });
  });
  // naive, two-stage and seed are known to be off; the others promise not to be.
  const promises = settings.scheme === 'three-stage' || settings.scheme === 'cycle';
  const off = promises && moments.some((m) => m.schemes[0]!.bucketsOff > 0);
  print(options.json === true ? json(name, settings, stats, moments) : text(name, settings, stats, moments));
  return off ? 1 : 0;
}

/** The built-in program of a name, to be made with a seed. command: who asks, for the UsageError. */
export function programOf(command: string, name: string): (seed: number) => GoFunc<[]> {
  if (Object.hasOwn(programs, name)) {
    const { make, size } = programs[name]!;
    return (seed) => make(size, seed);
  }
  throw unknownProgram(command, name, Object.keys(programs));
}

/** There is no built-in program of that name. */
export function unknownProgram(command: string, name: string, names: readonly string[]): UsageError {
  return new UsageError(`${command}: no program '${name}', there are: ${names.join(', ')}${didYouMean(name, names)}`);
}

/** What the options of a command that runs a program say; those that it does not have: the defaults. Throws UsageError. */
export function optionsOf(options: Readonly<Record<string, string | boolean | undefined>>) {
  const gogc = String(options.gogc ?? 100);
  const era = oneOf('era', String(options.era ?? '1.19'), eras);
  const memoryLimit = byteCount('memory-limit', String(options['memory-limit'] ?? 'off'));
  if (era === '2014' && memoryLimit !== 'off') throw new UsageError('option --memory-limit: Go had none in 2014; leave it out, or --era');
  return {
    seed: wholeNumber('seed', String(options.seed ?? 1), -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    procs: wholeNumber('procs', String(options.procs ?? 1), 1, 256),
    era,
    gogc: gogc === 'off' ? ('off' as const) : wholeNumber('gogc', gogc, 0, 1_000_000, " or 'off'"),
    memoryLimit,
    sweep: oneOf('sweep', String(options.sweep ?? 'go'), sweepPolicies),
    memProfileRate: wholeNumber('memprofilerate', String(options.memprofilerate ?? 1), 0, 0x3fffffff),
    scheme: oneOf('scheme', String(options.scheme ?? 'three-stage'), allSchemeNames),
    ...(options.godebug !== undefined && { godebug: checkedGoDebug(String(options.godebug), era) }),
  } satisfies Options;
}

function checkedGoDebug(knobs: string, era: Era): string {
  try {
    parseGoDebug(knobs, era);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message.replace('option godebug', 'option --godebug'));
    throw error;
  }
  return knobs;
}

type Chosen = ReturnType<typeof optionsOf>;

function json(name: string, o: Chosen, stats: object, moments: Moment[]): string {
  return `${JSON.stringify({ schemaVersion: 1, command: 'run', program: name, ...o, ...stats, moments }, null, 2)}\n`;
}

function text(name: string, o: Chosen, stats: { nanos: number; turns: number; numGC: number; mallocs: number }, moments: Moment[]): string {
  const ms = (stats.nanos / 1e6).toFixed(3);
  const lines = [
    `${name}: ${plural(stats.mallocs, 'malloc')}, ${plural(stats.numGC, 'collection')}, ${plural(stats.turns, 'turn')} of goroutines, ${ms} ms of virtual time (seed ${o.seed}, procs ${o.procs}, gogc ${o.gogc}, scheme ${o.scheme}${o.era === '1.19' ? '' : `, era ${o.era}`}${o.sweep === 'go' ? '' : `, sweep ${o.sweep}`})`,
  ];
  if (o.memProfileRate === 0) lines.push('the memory profiler is off: nothing is published, and nothing to compare it with');
  else if (o.memProfileRate !== 1) {
    lines.push(`sampled once per ${plural(o.memProfileRate, 'byte')}: published and true count the sampled objects only`);
  }
  for (const m of moments) lines.push('', paint('bold', m.when), schemesTable(m.schemes), verdict(m.schemes));
  return `${lines.join('\n')}\n`;
}

function verdict(schemes: SchemeReport[]): string {
  const [first] = schemes;
  if (first!.bucketsOff === 0) return paint('green', `${first!.scheme}: published = truth in every bucket`);
  const known = first!.scheme !== 'three-stage' && first!.scheme !== 'cycle'; // known to be off: a fact, not a failure
  const off = `${first!.scheme}: ${plural(first!.bucketsOff, 'bucket differs', 'buckets differ')} from the truth, ${signed(first!.skewBytes)} bytes in all`;
  return paint(known ? 'yellow' : 'red', off);
}
