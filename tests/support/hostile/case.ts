// case: a program and a schedule, as one text that brings the same failure back in another process, made as small as patience
// allows. A schedule is a seed, or the answers that a run's chooser gave, one after the other, with fair answers behind them.
//
//   gorena-explore/1:M06:checks:p1c0.nanbglb.Ra:#7+0x12.3001
//   version          what is broken (- for nothing); checks or model; the program; the schedule (#7 alone: drawn from the seed 7)
//
// What comes back is what it comes back with: the oracle that noticed is part of the failure, so a smaller case must be
// noticed by the same one.
import { type Chooser, RecordingChooser, ReplayChooser } from '../../../runtime/index.ts';
import { Choice } from '../../../runtime/internal/chooser.ts';
import { Rand } from '../../../runtime/internal/rand.ts';
import { type Bias, type Program, parseProgram, programText, randomProgram, smallerPrograms } from './program.ts';

/** What decides in a run: a seed; or recorded answers, and the seed for whatever draws beside the chooser. */
export interface Schedule {
  readonly seed: number;
  readonly answers?: readonly number[];
}

/** A program and the schedule that it runs under. */
export interface Case {
  readonly program: Program;
  readonly schedule: Schedule;
}

/** What was noticed: by which oracle or invariant (docs/invariants.md), and in which words. */
export interface Verdict {
  readonly oracle: string;
  readonly words: string;
}

/** Runs a case; throws what is wrong with it. seed: for whatever draws beside the chooser. */
export type RunCase = (program: Program, chooser: Chooser, seed: number) => unknown;

/** Case number `index` of a seed: the same one whoever asks, in whatever order. */
export function caseOf(seed: number, index: number, bias: Bias = {}): Case {
  const rand = new Rand(seed * 2 ** 21 + index, 'hostile program');
  return { program: randomProgram(rand, bias), schedule: { seed: rand.next() >>> 0 } };
}

/**
 * Draws every answer from the seed, and once for the whole run how slow the collector is: a slow one stands for long between two
 * steps, with some stacks scanned and others not; a fast one gets through many cycles.
 */
class PacedChooser implements Chooser {
  readonly everyOperation = true;
  readonly anyOrder = true;
  private readonly rand: Rand;
  /** Of ten points at which the collector may step, at so many it does not. */
  private readonly slowness: number;

  constructor(seed: number) {
    this.rand = new Rand(seed, 'choice');
    this.slowness = [0, 0, 0, 6][this.rand.below(4)]!;
  }
  choose(what: Choice, n: number): number {
    if (what === Choice.background && n < 8 && this.slowness > 0 && this.rand.below(10) < this.slowness) return 0;
    return n === 1 ? 0 : this.rand.below(n);
  }
}

/** Runs a case and says what was noticed; null: nothing. With the answers that its chooser gave. */
export function judge({ program, schedule }: Case, run: RunCase): { verdict: Verdict | null; answers: readonly number[] } {
  const { seed, answers } = schedule;
  const chooser = new RecordingChooser(answers === undefined ? new PacedChooser(seed) : new ReplayChooser(answers));
  let verdict: Verdict | null = null;
  try {
    run(program, chooser, seed);
  } catch (error) {
    verdict = verdictOf(error);
  }
  return { verdict, answers: chooser.answers };
}

/** What an error says in one line, and who says it. */
export function verdictOf(error: unknown): Verdict {
  const words = error instanceof Error ? error.message.replace(/^(?:fatal error|panic): /, '') : String(error);
  return { oracle: oracleOf(words), words: words.replace(/\n\s*/g, ' ').slice(0, 300) };
}

/** Facts that the runtime notices in passing, without a number in front, and the numbers that they belong to. */
const unnumbered: readonly [RegExp, string][] = [
  [/found pointer to free object|found bad pointer/, 'B2'],
  [/grey objects are left/, 'M1'],
  [/^stale reference/, 'R'],
  [/still has specials|profile already set/, 'P3'],
  [/is already held by this M|taken while holding/, 'L1'],
  [/sweepgen|flushGen|bad span state/, 'C3'],
  [/sweep increased allocation count|no free slot/, 'B3'],
  [/out of memory/, 'Q'],
];

function oracleOf(words: string): string {
  const numbered = /(?:^|\s)((?:[A-Z]\d{1,2})|[RQ]): /.exec(words.slice(0, 200));
  if (numbered !== null) return numbered[1]!;
  return unnumbered.find(([pattern]) => pattern.test(words))?.[1] ?? 'crash';
}

// --- smaller -------------------------------------------------------------------------------------------------------------

/** Makes a failing case smaller, at most so many runs long. The schedule becomes a list of answers. */
export function shrink(failing: Case, run: RunCase, patience = 400): Case {
  const first = judge(failing, run);
  const { verdict } = first;
  const { seed } = failing.schedule;
  if (verdict === null) throw new Error('shrink: the case does not fail');
  let runs = 0;
  let best: { program: Program; answers: readonly number[] } = { program: failing.program, answers: first.answers };
  /** Takes a candidate if the same oracle notices it. */
  const accept = (program: Program, answers: readonly number[]): boolean => {
    if (runs++ >= patience) return false;
    const tried = judge({ program, schedule: { seed, answers } }, run);
    if (tried.verdict?.oracle !== verdict.oracle) return false;
    best = { program, answers: tried.answers.length < answers.length ? tried.answers : answers };
    return true;
  };
  if (!accept(best.program, best.answers)) return failing; // cannot be: the answers are all that was chosen
  for (let progress = true; progress && runs < patience; ) {
    progress = false;
    for (const smaller of smallerPrograms(best.program)) {
      if (runs >= patience) break;
      if (accept(smaller, best.answers)) {
        progress = true;
        break;
      }
    }
    if (!progress) progress = shrinkAnswers(() => best, accept);
  }
  return { program: best.program, schedule: { seed, answers: trimmed(best.answers) } };
}

/** Tries to end the schedule earlier and to make stretches of it fair. */
function shrinkAnswers(
  now: () => { program: Program; answers: readonly number[] },
  accept: (program: Program, answers: readonly number[]) => boolean,
): boolean {
  let any = false;
  for (let size = now().answers.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < now().answers.length; at += size) {
      const { program, answers } = now();
      const end = Math.min(at + size, answers.length);
      if (answers.slice(at, end).every((a) => a === 0)) continue;
      const fair = [...answers.slice(0, at), ...new Array<number>(end - at).fill(0), ...answers.slice(end)];
      if (accept(program, trimmed(fair))) any = true;
    }
  }
  return any;
}

/** Without zeros at the end: behind its answers a schedule is fair. */
function trimmed(answers: readonly number[]): readonly number[] {
  let n = answers.length;
  while (n > 0 && answers[n - 1] === 0) n--;
  return answers.slice(0, n);
}

// --- text ----------------------------------------------------------------------------------------------------------------

const magic = 'gorena-explore/1';

/** A case with what it ran under. */
export interface Replay {
  /** The mutant's id; '-' when nothing is broken. */
  readonly mutant: string;
  /** The runtime's own checks were on. */
  readonly checks: boolean;
  readonly case: Case;
}

/** The replay string. Safe in a shell between single quotes, and without blanks. */
export function replayText({ mutant, checks, case: { program, schedule } }: Replay): string {
  const when = `#${schedule.seed}${schedule.answers === undefined ? '' : `+${answersText(schedule.answers)}`}`;
  return [magic, mutant, checks ? 'checks' : 'model', programText(program), when].join(':');
}

/** Reads a replay string. Throws RangeError, naming what is wrong with it. */
export function parseReplay(text: string): Replay {
  const [version, mutant, mode, program, when, ...rest] = text.trim().split(':');
  if (version !== magic) throw new RangeError(`a replay string begins with ${magic}:, got '${text.slice(0, 30)}'`);
  if (when === undefined || rest.length > 0) throw new RangeError('a replay string has five parts between colons');
  if (mode !== 'checks' && mode !== 'model') throw new RangeError(`the third part is checks or model, got '${mode}'`);
  const [, digits, answers] = /^#(\d+)(?:\+(.*))?$/.exec(when) ?? [];
  if (digits === undefined) throw new RangeError(`a schedule is #<seed> or #<seed>+<answers>, got '${when.slice(0, 30)}'`);
  const seed = seedOf(digits);
  const schedule = answers === undefined ? { seed } : { seed, answers: parseAnswers(answers) };
  return { mutant: mutant!, checks: mode === 'checks', case: { program: parseProgram(program!), schedule } };
}

function seedOf(digits: string): number {
  const seed = Number(digits);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a schedule's seed is a whole number below 2^53, got '${digits}'`);
  return seed;
}

/** Answers as digits; five or more of one kind as `<digit>x<how many>.` */
function answersText(answers: readonly number[]): string {
  let text = '';
  for (let at = 0; at < answers.length; ) {
    let end = at;
    while (end < answers.length && answers[end] === answers[at]) end++;
    const digit = answers[at]!.toString(36).toUpperCase();
    text += end - at > 4 ? `${digit}x${end - at}.` : digit.repeat(end - at);
    at = end;
  }
  return text;
}

function parseAnswers(text: string): number[] {
  if (!/^(?:[0-9A-Z](?:x\d{1,6}\.)?)*$/.test(text))
    throw new RangeError(`a schedule is digits such as 0x12.301, got '${text.slice(0, 30)}'`);
  const answers: number[] = [];
  for (const [, digit, times] of text.matchAll(/([0-9A-Z])(?:x(\d+)\.)?/g)) {
    for (let n = Number(times ?? 1); n > 0; n--) answers.push(Number.parseInt(digit!, 36));
  }
  return answers;
}
