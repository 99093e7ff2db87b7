// options: what a machine is made of, checked. User errors end here: a RangeError or TypeError names the option, what it
// got and what it wanted, and nothing has been made yet.

import { type SweepPolicy, sweepPolicies } from '../gc/mgcsweep.ts';
import { defaultMemProfileRate } from '../profiler/sampling.ts';
import { allSchemeNames, type SchemeName } from '../profiler/schemes.ts';
import { type GoDebug, godebugOff, parseGoDebug } from './godebug.ts';
import type { Chooser } from './internal/chooser.ts';
import { type Era, eras } from './internal/era.ts';
import type { Backing } from './internal/memory.ts';

/** Options of a machine; every one may be left out. */
export interface Options {
  /** Decides every choice; any integer up to 2^53. Default 1. */
  seed?: number;
  /** GOMAXPROCS: 1 to 256. Default 1. */
  procs?: number;
  /** The age of Go whose rules are followed where two differ: docs/faithful.md has the list. Default 1.19. */
  era?: Era;
  /** GOGC in percent; 'off' or a negative number switches automatic collection off. Default 100. */
  gogc?: number | 'off';
  /**
   * GOMEMLIMIT in bytes: what the heap in use and the memory off it may take before the collector works harder. Soft: exceeding it
   * ends nothing. Go 1.19's, so not with era 2014. Default 'off'.
   */
  memoryLimit?: number | 'off';
  /** When garbage is swept: gc/mgcsweep.ts has the table. Default 'go'. */
  sweep?: SweepPolicy;
  /** MemProfileRate in bytes: 0 off, 1 every malloc. Default 524288. */
  memProfileRate?: number;
  /** SetBlockProfileRate in nanoseconds of waiting an event: 0 off, 1 every event. Default 0. */
  blockProfileRate?: number;
  /** SetMutexProfileFraction: one contention event of so many, 0 off. Not with era 2014. Default 0. */
  mutexProfileFraction?: number;
  /** Accounting scheme that answers memProfile. Default three-stage. */
  scheme?: SchemeName;
  /** Further schemes that watch the same run. */
  watch?: readonly SchemeName[];
  /** Bytes of the collected heap: 8192 to 1 GiB, whole pages. Address space, not memory: pages cost when touched. Default 256 MiB. */
  heapBytes?: number;
  /** Goroutines at once. Default 65536. */
  maxGoroutines?: number;
  /** Checked mode: a reference to an object that was freed is caught when it is used, and so is misuse of `go.raw`. Slower. Default false. */
  checked?: boolean;
  /** Keeps the true live set of every bucket at each mark termination. Default false. */
  oracle?: boolean;
  /** Checks every heap invariant at each phase change (ours), and marks a second time independently (gccheckmark). */
  checkHeap?: boolean;
  checkMark?: boolean;
  /** Knobs of GODEBUG, such as 'gctrace=1,clobberfree=1': see godebug.ts. What they print goes to `output`; without it, nowhere. */
  godebug?: string;
  /** Takes the lines that knobs print, one a call and without the newline; what Go writes on standard error. Default: nobody. */
  output?: (line: string) => void;
  /** How the arena's memory is obtained; by default the fastest that the host has. */
  backing?: Backing;
  /** Answers every choice; by default the fair one of the seed. */
  chooser?: Chooser;
}

/** Options with nothing left open. */
export interface Settings {
  readonly seed: number;
  readonly procs: number;
  readonly era: Era;
  /** Negative: off. */
  readonly gogc: number;
  /** Infinity: off. */
  readonly memoryLimit: number;
  readonly sweep: SweepPolicy;
  readonly memProfileRate: number;
  readonly blockProfileRate: number;
  readonly mutexProfileFraction: number;
  /** The first one answers memProfile. */
  readonly schemes: readonly SchemeName[];
  readonly heapPages: number;
  readonly maxGoroutines: number;
  readonly checked: boolean;
  readonly oracle: boolean;
  readonly checkHeap: boolean;
  readonly checkMark: boolean;
  readonly godebug: GoDebug;
  readonly output: ((line: string) => void) | null;
  readonly backing: Backing | undefined;
  readonly chooser: Chooser | undefined;
}

const maxHeapBytes = 1 << 30;

function integer(name: string, value: number, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`option ${name}: got ${String(value)}, wanted a whole number from ${min} to ${max}`);
  }
  return value;
}

function truth(name: string, value: boolean | undefined): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`option ${name}: got ${String(value)}, wanted true or false`);
  return value ?? false;
}

function schemeName(option: string, value: string): SchemeName {
  const found = allSchemeNames.find((s) => s === value);
  if (found === undefined) throw new RangeError(`option ${option}: got '${value}', wanted one of ${allSchemeNames.join(', ')}`);
  return found;
}

function eraOf(value: string): Era {
  const found = eras.find((e) => e === value);
  if (found === undefined) throw new RangeError(`option era: got ${String(value)}, wanted one of ${eras.join(', ')}`);
  return found;
}

function sweepOf(value: SweepPolicy): SweepPolicy {
  const found = sweepPolicies.find((s) => s === value);
  if (found === undefined) throw new RangeError(`option sweep: got ${String(value)}, wanted one of ${sweepPolicies.join(', ')}`);
  return found;
}

function gogcOf(value: number | 'off'): number {
  if (value === 'off') return -1;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new RangeError(`option gogc: got ${String(value)}, wanted a whole number of percent or 'off'`);
  }
  return value < 0 ? -1 : integer('gogc', value, 0, 1_000_000);
}

/** A memory limit in bytes; 'off' is Infinity. name: who asks, for the RangeError. */
export function memoryLimitOf(name: string, value: number | 'off'): number {
  if (value === 'off') return Infinity;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name}: got ${String(value)}, wanted a whole number of bytes or 'off'`);
  }
  return value;
}

const known = new Set<string>([
  'seed', 'procs', 'era', 'gogc', 'memoryLimit', 'sweep', 'memProfileRate', 'blockProfileRate', 'mutexProfileFraction', 'scheme', 'watch',
  'heapBytes', 'maxGoroutines',
  'checked', 'oracle', 'checkHeap', 'checkMark', 'godebug', 'output', 'backing', 'chooser',
]); // biome-ignore format: one glance

/** Checks options and fills in the defaults. Throws RangeError or TypeError. */
export function settings(o: Options): Settings {
  if (typeof o !== 'object' || o === null || Array.isArray(o)) {
    throw new TypeError(`options: got ${o === null ? 'null' : Array.isArray(o) ? 'a list' : typeof o}, wanted an object`);
  }
  for (const key of Object.keys(o)) if (!known.has(key)) throw new TypeError(`option ${key}: there is no such option`);
  const heapBytes = integer('heapBytes', o.heapBytes ?? 256 << 20, 8192, maxHeapBytes);
  const scheme = schemeName('scheme', o.scheme ?? 'three-stage');
  if (o.watch !== undefined && !Array.isArray(o.watch))
    throw new TypeError(`option watch: got ${String(o.watch)}, wanted a list of schemes`);
  const watch = (o.watch ?? []).map((name) => schemeName('watch', name)).filter((name) => name !== scheme);
  if (o.backing !== undefined && !['wasm', 'shared', 'plain'].includes(o.backing)) {
    throw new RangeError(`option backing: got '${String(o.backing)}', wanted one of wasm, shared, plain`);
  }
  if (o.output !== undefined && typeof o.output !== 'function')
    throw new TypeError(`option output: got ${typeof o.output}, wanted a function`);
  if (o.chooser !== undefined && typeof o.chooser?.choose !== 'function') {
    throw new TypeError(`option chooser: got ${o.chooser === null ? 'null' : typeof o.chooser}, wanted an object with a method choose`);
  }
  const memoryLimit = memoryLimitOf('option memoryLimit', o.memoryLimit ?? 'off');
  if (memoryLimit !== Infinity && o.era === '2014') throw new RangeError('option memoryLimit: Go had none in 2014; leave it out, or era');
  const era = eraOf(o.era ?? '1.19');
  const mutexProfileFraction = integer('mutexProfileFraction', o.mutexProfileFraction ?? 0, 0, 0x7fffffff);
  if (mutexProfileFraction > 0 && era === '2014') throw new RangeError('option mutexProfileFraction: Go had no mutex profile in 2014');
  const godebug = o.godebug === undefined ? godebugOff : parseGoDebug(o.godebug, era);
  return {
    seed: integer('seed', o.seed ?? 1, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    procs: integer('procs', o.procs ?? 1, 1, 256),
    era,
    gogc: gogcOf(o.gogc ?? 100),
    memoryLimit,
    sweep: sweepOf(o.sweep ?? 'go'),
    memProfileRate: integer('memProfileRate', o.memProfileRate ?? defaultMemProfileRate, 0, 0x3fffffff),
    blockProfileRate: integer('blockProfileRate', o.blockProfileRate ?? 0, 0, Number.MAX_SAFE_INTEGER),
    mutexProfileFraction,
    schemes: [scheme, ...new Set(watch)],
    heapPages: Math.floor(heapBytes / 8192),
    maxGoroutines: integer('maxGoroutines', o.maxGoroutines ?? 65536, 1, 4_000_000),
    checked: truth('checked', o.checked),
    oracle: truth('oracle', o.oracle),
    checkHeap: truth('checkHeap', o.checkHeap) || godebug.checkheap !== 0,
    checkMark: truth('checkMark', o.checkMark) || godebug.gccheckmark !== 0,
    godebug,
    output: o.output ?? null,
    backing: o.backing,
    chooser: o.chooser,
  };
}
