// profile: the command. A profile of a built-in program or of a replayed log at one moment, in one of the formats that tools read.
import { gzipSync } from 'node:zlib';
import { type FlameFile, foldedStacks, type NegativePolicy, negativePolicies, speedscope } from '../profiler/flamegraph.ts';
import { type ProfileName, profileNames } from '../profiler/profile.ts';
import { count, plural } from '../runtime/internal/words.ts';
import { type Profile, takeProfile } from '../runtime/pprof.ts';
import { helpOf, oneOf, onlyFor, type Parsed, parse, UsageError, wholeNumber } from './args.ts';
import { profileFormats, profileSpec } from './commands.ts';
import { writeOut } from './files.ts';
import { isLog, type Looked, lookAt, type Seen } from './source.ts';

type Format = keyof typeof profileFormats;

/** What the options ask for. */
interface Wanted {
  readonly type: ProfileName;
  readonly format: Format;
  readonly file: string;
  /** Name of the sample type of folded stacks; empty: the profile's own. */
  readonly sampleIndex: string;
  readonly negatives: NegativePolicy;
}

/** A file in memory, and what is not in it. */
type Written = Pick<FlameFile, 'dropped'> & { readonly data: Uint8Array };

/**
 * Runs `gorena profile`; returns the exit code. print takes the profile itself as well, for `-o -`; complain takes the lines of
 * GODEBUG and what is not in the file. Throws UsageError, FileError and RuntimeError.
 */
export async function profileCommand(
  words: readonly string[],
  print: (data: string | Uint8Array) => void,
  complain: (text: string) => void,
): Promise<number> {
  const { positionals, options } = parse(profileSpec, words);
  if (options.help === true) {
    print(helpOf(profileSpec));
    return 0;
  }
  const wanted = wantedOf(options);
  const { type } = wanted;
  if (isLog(positionals[0]!) && type !== 'heap' && type !== 'allocs') {
    throw new UsageError(`option --type: a log has the profiles heap and allocs, not ${type}`);
  }
  if (type !== 'heap' && type !== 'allocs') onlyFor('--type heap or allocs', options, ['memprofilerate', 'scheme']);
  if (type !== 'block') onlyFor('--type block', options, ['blockprofilerate']);
  if (type !== 'mutex') onlyFor('--type mutex', options, ['mutexprofilefraction']);
  if (wanted.format !== 'folded' && wanted.format !== 'speedscope') {
    onlyFor('--format folded or speedscope', options, ['sample-index', 'negatives']);
  }
  if (options.era === '2014' && type === 'mutex') throw new UsageError('profile: Go had no mutex profile in 2014');
  let profile: Profile | undefined;
  const take = ({ machine }: Looked) => {
    profile = takeProfile(machine, type);
  };
  const seen = await lookAt('profile', positionals[0]!, options, complain, take, ratesOf(options, type));
  const { data, dropped } = write(profile!, wanted, `${seen.source} ${wanted.type}`);
  const bytes = writeOut(wanted.file, [data], print);
  for (const { type, stacks, sum } of dropped) {
    complain(
      `gorena: profile: left out ${plural(stacks, 'stack')} with ${type} below zero, ${count(sum)} in all; --negatives split draws them apart\n`,
    );
  }
  if (wanted.file === '-') return 0;
  print(options.json === true ? json(seen, wanted, profile!, bytes, dropped) : text(seen, wanted, profile!));
  return 0;
}

/** Throws UsageError. */
function wantedOf(options: Parsed['options']): Wanted {
  const file = String(options.output ?? '-');
  const formats = Object.keys(profileFormats) as Format[];
  // The longest ending that fits: heap.pb.gz is not .gz of something
  const byName = formats.find((f) => profileFormats[f].endings.some((ending) => file.endsWith(ending)));
  const format = options.format === undefined ? (byName ?? 'text') : oneOf('format', String(options.format), formats);
  if (file === '-' && options.json === true)
    throw new UsageError('profile: the profile and --json would both print on stdout; add -o FILE');
  if (file === '-' && format.startsWith('pb') && process.stdout.isTTY === true) {
    throw new UsageError(`profile: ${format} is nothing to read; add -o FILE, or a pipe`);
  }
  return {
    type: oneOf('type', String(options.type ?? 'heap'), profileNames),
    format,
    file,
    sampleIndex: String(options['sample-index'] ?? ''),
    negatives: oneOf('negatives', String(options.negatives ?? 'clamp'), negativePolicies),
  };
}

/** The profile that is asked for is recorded whole, unless a rate says otherwise. Throws UsageError. */
function ratesOf(options: Parsed['options'], type: ProfileName) {
  const rate = (option: string, of: ProfileName, max: number) =>
    wholeNumber(option, String(options[option] ?? (type === of ? 1 : 0)), 0, max);
  return {
    blockProfileRate: rate('blockprofilerate', 'block', Number.MAX_SAFE_INTEGER),
    mutexProfileFraction: rate('mutexprofilefraction', 'mutex', 0x7fffffff),
  };
}

function write(profile: Profile, { format, sampleIndex, negatives }: Wanted, title: string): Written {
  const { data, symbols } = profile;
  const types = data.sampleTypes.map(({ type }) => type);
  const shown = sampleIndex === '' ? data.defaultSampleType : types.indexOf(oneOf('sample-index', sampleIndex, types));
  const whole = (bytes: Uint8Array | string): Written => ({ data: Buffer.from(bytes), dropped: [] });
  switch (format) {
    case 'pb.gz':
      return whole(gzipSync(profile.proto(), { level: 1 }));
    case 'pb':
      return whole(profile.proto());
    case 'text':
      return whole(profile.text());
    case 'folded':
    case 'speedscope': {
      const file = format === 'folded' ? foldedStacks(data, shown, symbols, negatives) : speedscope(data, shown, title, symbols, negatives);
      return { data: Buffer.from(file.text), dropped: file.dropped };
    }
  }
}

function sums(profile: Profile): Record<string, number> {
  const { sampleTypes, samples } = profile.data;
  return Object.fromEntries(sampleTypes.map(({ type }, i) => [type, samples.reduce((sum, { values }) => sum + values[i]!, 0)]));
}

function json(seen: Seen, wanted: Wanted, profile: Profile, bytes: number, dropped: Written['dropped']): string {
  const { source, when, options, nanos, numGC } = seen;
  const { type, format, file } = wanted;
  const doc = { schemaVersion: 1, command: 'profile', source, when, ...options, nanos, numGC };
  return `${JSON.stringify({ ...doc, type, format, file, bytes, samples: profile.data.samples.length, totals: sums(profile), dropped }, null, 2)}\n`;
}

function text(seen: Seen, { type, format, file }: Wanted, profile: Profile): string {
  const totals = Object.entries(sums(profile)).map(([name, sum]) => `${name} ${count(sum)}`);
  const options = Object.entries(seen.options).map(([name, value]) => `${name} ${value}`);
  return (
    `${seen.source}: the profile ${type} ${seen.when}, after ${plural(seen.numGC, 'collection')} (${options.join(', ')})\n` +
    `${plural(profile.data.samples.length, 'stack')}: ${totals.join(', ')}\n` +
    `open ${file} with ${profileFormats[format].reader}\n`
  );
}
