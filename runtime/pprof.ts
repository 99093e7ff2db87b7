// pprof: the profiles of a machine, by name as in Go's pprof.Lookup. A Profile is what was published at the moment when it was
// taken; it is written afterwards, in as many formats as one likes, and the program may go on meanwhile.
//
//   proto()        profile.proto for `go tool pprof`, not compressed: gzip it or not
//   text()         Go's debug=1
//
// Source: runtime/pprof/pprof.go.

import { contentionText, countText, heapText } from '../profiler/pproftext.ts';
import { contentionProfile, countProfile, type ProfileData, type ProfileName, profileNames } from '../profiler/profile.ts';
import { encodeProfile, type ProfileHead } from '../profiler/proto.ts';
import { heapProfile } from '../profiler/protomem.ts';
import { allSchemeNames, type SchemeName } from '../profiler/schemes.ts';
import type { Symbols } from '../profiler/symtab.ts';
import { goroutineProfile } from './goprofile.ts';
import type { Machine } from './machine.ts';
import { readMemStats } from './memstats.ts';
import { memStatsText } from './memstatstext.ts';
import { setMutexProfileFraction, threadCreateProfile } from './profilerates.ts';

/** A profile as it was when it was taken. */
export class Profile {
  /** @internal */
  constructor(
    /** What all formats but text() are made of. */
    readonly data: ProfileData,
    private readonly head: ProfileHead,
    /** Names of the pcs in it. */
    readonly symbols: Symbols,
    private readonly debug: () => string,
  ) {}

  /** profile.proto, which `go tool pprof` reads; not compressed. Its comments say seed, options, scheme and cycle. */
  proto(): Uint8Array<ArrayBuffer> {
    return encodeProfile(this.data, this.head, this.symbols);
  }

  /** The text that Go prints with debug=1. */
  text(): string {
    return this.debug();
  }
}

/** What to take. */
export interface ProfileOptions {
  /** The accounting scheme whose memory profile is meant: one that watches the run. By default the first one. */
  readonly scheme?: SchemeName;
}

/** Takes a profile. RangeError: no such profile, or no scheme of that name watches. The world is stopped, or stands at a safepoint. */
export function takeProfile(m: Machine, name: ProfileName, options: ProfileOptions = {}): Profile {
  if (!profileNames.includes(name)) {
    throw new RangeError(`profile: got '${String(name)}', wanted one of ${profileNames.join(', ')}`);
  }
  const { symtab } = m;
  const scheme = watching(m, options.scheme);
  const head = { timeNanos: m.sched.now(), comments: [comment(m, scheme.name)] };
  const made = (data: ProfileData, text: () => string) => new Profile(data, head, symtab, text);
  switch (name) {
    case 'heap':
    case 'allocs': {
      const statistics = readMemStats(m); // before the records, as in Go
      const records = m.profiler.records(true, scheme.index);
      const { rate } = m.profileRate;
      const text = () => heapText(records, rate, memStatsText(statistics, m.settings.era), symtab);
      return made(heapProfile(name, records, rate, symtab), text);
    }
    case 'block': {
      const records = m.blocks.blockRecords();
      return made(contentionProfile(name, records, 1), () => contentionText(records, null, symtab));
    }
    case 'mutex': {
      const records = m.blocks.mutexRecords();
      const fraction = m.settings.era === '2014' ? 0 : setMutexProfileFraction(m, -1);
      return made(contentionProfile(name, records, fraction), () => contentionText(records, fraction, symtab));
    }
    case 'goroutine':
    case 'threadcreate': {
      const records = name === 'goroutine' ? goroutineProfile(m) : threadCreateProfile(m);
      return made(countProfile(name, records), () => countText(name, records, symtab));
    }
  }
}

function watching(m: Machine, name: SchemeName | undefined): { index: number; name: SchemeName } {
  const { schemes } = m.profiler;
  const index = name === undefined ? 0 : schemes.findIndex((s) => s.name === name);
  if (index < 0) {
    const known = allSchemeNames.includes(name!) ? 'the option watch of the runtime adds it' : `there are ${allSchemeNames.join(', ')}`;
    throw new RangeError(`profile: scheme '${String(name)}' does not watch this run; ${known}`);
  }
  return { index, name: schemes[index]!.name };
}

/** How to get this profile again, and of what it speaks. */
function comment(m: Machine, scheme: SchemeName): string {
  const s = m.settings;
  const gogc = s.gogc < 0 ? 'off' : s.gogc;
  return `gorena seed=${s.seed} procs=${s.procs} gogc=${gogc} era=${s.era} scheme=${scheme} cycle=${m.gc.numGC}`;
}
