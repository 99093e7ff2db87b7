// vitest: schedules are explored in tests. `gorena/vitest` is this file.
//
//   simTest(name, options, program)                  a test that fails with a report when a schedule fails
//   simTest(name, {inputs: [fc.nat(9)], …}, (n) => program)   inputs × schedules: both are made small
//   expect(exploration).toHoldOnAllSchedules()       the same for what explore() gave, or for a program
//   GORENA_SCHEDULE='g1:…' vitest -t NAME            one schedule again, exactly
//
// A schedule that failed is kept under node_modules/.cache/gorena and is the first one to be run next time, which is what one
// waits for in watch mode: as long as it fails, nothing else is run; once it holds, everything is explored anew.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type fc from 'fast-check';
import { expect, test } from 'vitest';
import { count, plural } from '../runtime/internal/words.ts';
import {
  divergenceText,
  type Exploration,
  type ExploreOptions,
  explore,
  type Failure,
  type Program,
  parseSchedule,
  replay,
  reportOf,
  reportText,
  type Told,
} from '../sim/index.ts';

/** Options of a simTest. */
export interface SimTestOptions extends ExploreOptions {
  /** Milliseconds after which vitest gives the test up. Default: vitest's. */
  readonly timeout?: number;
  /** Runs nothing from earlier and keeps nothing for later. Default false. */
  readonly forget?: boolean;
}

/** Options of a simTest with inputs. */
export interface InputOptions<T extends unknown[]> extends SimTestOptions {
  /** fast-check's arbitraries, one for each argument. Needs the package fast-check. */
  readonly inputs: { [K in keyof T]: fc.Arbitrary<T[K]> };
  /** Inputs that are tried. Default 20; each has `schedules` schedules (default 100). */
  readonly runs?: number;
}

/** A schedule failed. The message is the report; cause is what the program threw, if it threw. */
export class ScheduleFailure extends Error {
  override readonly name = 'ScheduleFailure';
  constructor(
    message: string,
    readonly failure: Failure,
  ) {
    super(message, failure.error === undefined ? {} : { cause: failure.error });
    // What is of interest is in the program and in the report: vitest shows the place of the error if there is one.
    const stack = failure.error instanceof Error ? (failure.error.stack ?? '') : '';
    this.stack = `${this.name}: ${message}\n${stack.split('\n').filter((line) => /^\s+at /.test(line)).join('\n')}`; // biome-ignore format: one glance
  }
}

interface SimTest {
  /** A test that explores a program. Fails with a report of at most 40 lines. */
  (name: string, program: Program): void;
  (name: string, options: SimTestOptions, program: Program): void;
  /** The same for a program that depends on inputs. */
  <T extends unknown[]>(name: string, options: InputOptions<T>, program: (...inputs: T) => Program): void;
}

type Body = Program | ((...inputs: never[]) => Program);

function define(how: typeof test | typeof test.only | typeof test.skip): SimTest {
  return ((name: string, optionsOrProgram: SimTestOptions | Program, program?: Body) => {
    const options = typeof optionsOrProgram === 'function' ? {} : optionsOrProgram;
    const body = typeof optionsOrProgram === 'function' ? optionsOrProgram : program;
    if (typeof body !== 'function')
      throw new TypeError(`simTest '${name}': got no program; wanted function* (go) { … } as the last argument`);
    how(name, options.timeout === undefined ? {} : { timeout: options.timeout }, async (context) => {
      const own: SimTestOptions = { ...options, name: options.name ?? name };
      const { task } = context;
      const wanted = process.env['GORENA_SCHEDULE'];
      if (wanted !== undefined && wanted !== '') {
        const { program: of } = parseSchedule(wanted);
        if (of !== own.name) context.skip(`GORENA_SCHEDULE is of '${of}'`);
        again(await programOf(body, own), wanted, own);
        return;
      }
      const memory = new Memory(`${task.file.filepath}\n${task.fullTestName ?? name}`, own.forget !== true);
      if ('inputs' in own) await withInputs(body as (...inputs: unknown[]) => Program, own as InputOptions<unknown[]>, memory);
      else await withSchedules(body as Program, own, memory);
    });
  }) as SimTest;
}

/** A test that explores a program: see the head of this file. */
export const simTest: SimTest & { only: SimTest; skip: SimTest } = Object.assign(define(test), {
  only: define(test.only),
  skip: define(test.skip),
});

// --- schedules -------------------------------------------------------------------------------------------------------------

async function withSchedules(program: Program, options: SimTestOptions, memory: Memory): Promise<void> {
  const last = memory.recall();
  if (last !== null) {
    const failure = fails(program, last.replay, options);
    if (failure !== null) throw failed(failure, options, {}, 'the schedule that failed last fails again');
    memory.forget();
  }
  const exploration = await explore(program, exploreOptions(options));
  const { failure } = exploration;
  if (failure === null) return;
  memory.keep({ replay: failure.replay });
  throw failed(failure, options, { exploration });
}

/** The failure of a schedule that failed before; null when it holds, or means nothing to the program any more. */
function fails(program: Program, text: string, options: SimTestOptions): Failure | null {
  try {
    const { failure, divergence } = replay(program, text, exploreOptions(options));
    return divergence === null ? failure : null;
  } catch (error) {
    if (error instanceof RangeError) return null; // of an older version
    throw error;
  }
}

/** GORENA_SCHEDULE: that schedule and nothing else. */
function again(program: Program, text: string, options: SimTestOptions): void {
  const { failure, divergence, followed, of } = replay(program, text, exploreOptions(options));
  if (divergence !== null) throw new Error(divergenceText(divergence));
  if (failure !== null) throw failed(failure, options, {}, `replayed ${count(followed)} of ${plural(of, 'step')}`);
}

/** What is meant for explore: it refuses what it does not know. */
function exploreOptions(options: SimTestOptions): ExploreOptions {
  const { timeout: _, forget: __, ...rest } = options;
  const { inputs: ___, runs: ____, ...own } = rest as Partial<InputOptions<unknown[]>>;
  return own;
}

function failed(failure: Failure, options: SimTestOptions, told: Told, note = ''): ScheduleFailure {
  const name = options.name!;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = `replay: GORENA_SCHEDULE=${quoted(failure.replay)} npx vitest run -t ${quoted(pattern)}`;
  const faults = failure.faults === '' ? [] : [`faults: ${failure.faults.replaceAll(';', ', ')}`];
  const notes = [...faults, ...(note === '' ? [] : [note])];
  const report = reportOf(failure, { ...told, of: options.schedules ?? 1000, again: [...notes, line] });
  return new ScheduleFailure(reportText(report, { width: 120 }), failure);
}

// --- inputs ----------------------------------------------------------------------------------------------------------------

/** fast-check draws inputs and makes them small; for each of them, schedules are explored. */
async function withInputs(make: (...inputs: unknown[]) => Program, options: InputOptions<unknown[]>, memory: Memory): Promise<void> {
  const { runs = 20, seed = 1, inputs, schedules = 100 } = options;
  const { default: check } = await import('fast-check');
  const own = { ...exploreOptions(options), schedules };
  const last = memory.recall();
  if (last?.path !== undefined) {
    const [drawn] = check.sample(check.tuple(...inputs), { seed, path: last.path, numRuns: 1 });
    const failure = drawn === undefined ? null : fails(make(...drawn), last.replay, options);
    if (failure !== null) throw inputsFailed(failure, drawn!, options, {}, check.stringify, last.path);
    memory.forget();
  }
  // Candidates are judged by whether any of their schedules fails: made small is only the schedule of the input that is left.
  const property = check.asyncProperty(check.tuple(...inputs), async (drawn) => {
    const { failure } = await explore(make(...drawn), { ...own, shrink: false });
    return failure === null;
  });
  const found = await check.check(property, { seed, numRuns: runs });
  if (!found.failed) return;
  const drawn = found.counterexample?.[0];
  if (drawn === undefined || found.counterexamplePath === null)
    throw found.errorInstance ?? new Error('inputs: fast-check gave no counterexample');
  const exploration = await explore(make(...drawn), own);
  const { failure } = exploration;
  if (failure === null) throw found.errorInstance ?? new Error('a schedule failed once and not again: the program is not deterministic');
  memory.keep({ replay: failure.replay, path: found.counterexamplePath });
  throw inputsFailed(failure, drawn, options, { exploration }, check.stringify, found.counterexamplePath);
}

function inputsFailed(
  failure: Failure,
  drawn: readonly unknown[],
  options: InputOptions<unknown[]>,
  told: Told,
  show: (value: unknown) => string,
  path: string,
): ScheduleFailure {
  const note = `inputs: ${drawn.map(show).join(', ')}   (GORENA_INPUTS='${path}')`;
  return failed(failure, { ...options, schedules: options.schedules ?? 100 }, told, note);
}

/** The program of a replay: with inputs, that of GORENA_INPUTS, a path of fast-check. */
async function programOf(body: Body, options: SimTestOptions): Promise<Program> {
  if (!('inputs' in options)) return body as Program;
  const { inputs, seed = 1 } = options as InputOptions<unknown[]>;
  const path = process.env['GORENA_INPUTS'];
  if (path === undefined) throw new TypeError(`GORENA_SCHEDULE: '${options.name}' has inputs; set GORENA_INPUTS as its report says`);
  const { default: check } = await import('fast-check');
  const [drawn] = check.sample(check.tuple(...inputs), { seed, path, numRuns: 1 });
  if (drawn === undefined) throw new RangeError(`GORENA_INPUTS: got '${path}', which leads to no input`);
  return (body as (...inputs: unknown[]) => Program)(...drawn);
}

// --- what failed last ------------------------------------------------------------------------------------------------------

interface Remembered {
  readonly replay: string;
  /** fast-check's path to the inputs. */
  readonly path?: string;
}

/** The schedule of one test that failed last, in a file of its own. Nothing depends on it: a file that is no such thing is none. */
class Memory {
  private readonly folder = join(process.cwd(), 'node_modules', '.cache', 'gorena');
  private readonly file: string;

  constructor(
    test: string,
    private readonly used: boolean,
  ) {
    this.file = join(this.folder, `${createHash('sha256').update(test).digest('hex').slice(0, 24)}.json`);
  }

  recall(): Remembered | null {
    if (!this.used) return null;
    try {
      const kept = JSON.parse(readFileSync(this.file, 'utf8')) as Remembered;
      return typeof kept?.replay === 'string' ? kept : null;
    } catch {
      return null;
    }
  }

  keep(what: Remembered): void {
    if (!this.used) return;
    try {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(`${this.file}.${process.pid}.part`, JSON.stringify(what));
      renameSync(`${this.file}.${process.pid}.part`, this.file);
    } catch {} // a folder that cannot be written: the next run explores from the beginning
  }

  forget(): void {
    rmSync(this.file, { force: true });
  }
}

// --- the matcher -----------------------------------------------------------------------------------------------------------

function isExploration(value: unknown): value is Exploration {
  return typeof value === 'object' && value !== null && 'failures' in value && 'schedules' in value;
}

expect.extend({
  toHoldOnAllSchedules(received: unknown, options: ExploreOptions = {}) {
    const judge = (exploration: Exploration) => ({
      pass: exploration.failure === null,
      message: () =>
        exploration.failure === null
          ? `expected a schedule to fail, and ${exploration.schedules} held`
          : reportText(reportOf(exploration.failure, { exploration }), { width: 120 }),
    });
    if (typeof received === 'function') return explore(received as Program, options).then(judge);
    if (isExploration(received)) return judge(received);
    throw new TypeError(
      `toHoldOnAllSchedules: got ${received === null ? 'null' : typeof received}, wanted what explore() gives, or a program`,
    );
  },
});

declare module 'vitest' {
  interface Matchers<T> {
    /** No schedule failed; for a program: none of those that the options ask for (await it). */
    toHoldOnAllSchedules(options?: ExploreOptions): T extends (...args: never[]) => unknown ? Promise<void> : void;
  }
}
