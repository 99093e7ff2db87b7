// schedule: a schedule as data, and as a string. It names what was decided, not by number but by goroutine path and kind of
// operation (`main/worker#2` `send`), so that it still means something after goroutines were renumbered or others were added.
//
//   g1:EgS_ZwA…     version, a colon, and the rest in base64url:
//
//   length, checksum   of what follows: a string that was cut says so
//   program            its name
//   setup              what else the run depends on: step limit, time, faults
//   paths              each as its parent and its last name
//   symbols            the different decisions: path, kind, and what the step drew
//   decisions          numbers of symbols; the same one several times in a row is one number and how often
//
// Numbers are LEB128; kinds are OpKind's, which are never given to another kind.
import { OpKind, type TimeMode } from './types.ts';

/** Path of the clock in decisions: the next timer fires. */
export const clockPath = 'clock';

/** One decision of a run: who took a step. */
export interface Decision {
  /** The goroutine's path, `main/worker#2`; or clockPath. */
  readonly g: string;
  /** What it was about to do; for the clock OpKind.start. */
  readonly op: OpKind;
  /** Answers that were drawn within the step: cases of selects. */
  readonly draws: readonly number[];
}

/** What a run depends on besides its decisions. */
export interface Setup {
  readonly time: TimeMode;
  readonly maxSteps: number;
  readonly leaks: boolean;
  /** Faults that happened; '' for none. */
  readonly faults: string;
}

/** A run, to be made again. */
export interface Schedule {
  /** Name of the program. */
  readonly program: string;
  readonly setup: Setup;
  readonly decisions: readonly Decision[];
}

/** Version of the strings; another one is refused. */
export const scheduleVersion = 'g1';

// --- writing ---------------------------------------------------------------------------------------------------------------

class Writer {
  readonly bytes: number[] = [];

  number(n: number): void {
    for (; n >= 128; n = Math.floor(n / 128)) this.bytes.push((n % 128) | 128);
    this.bytes.push(n);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.number(bytes.length);
    this.bytes.push(...bytes);
  }
}

/** The string of a schedule: letters, digits, `-`, `_` and one `:`, so that no shell has to be told to leave it alone. */
export function scheduleText({ program, setup, decisions }: Schedule): string {
  const out = new Writer();
  out.text(program);
  out.number(setup.maxSteps * 2 + (setup.leaks ? 1 : 0));
  out.number(setup.time === 'idle' ? 0 : setup.time === 'chaos' ? 1 : 2 + setup.time.maxSkew);
  out.text(setup.faults);

  const paths = new Numbering();
  const symbols = new Numbering();
  const symbolDecisions: Decision[] = [];
  const sequence: number[] = [];
  for (const decision of decisions) {
    addPath(paths, decision.g);
    const { number, isNew } = symbols.of(`${decision.g}\0${decision.op}\0${decision.draws}`);
    if (isNew) symbolDecisions.push(decision);
    sequence.push(number);
  }
  out.number(paths.names.length);
  for (const path of paths.names) {
    const cut = path.lastIndexOf('/');
    out.number(cut < 0 ? 0 : paths.of(path.slice(0, cut)).number + 1);
    out.text(path.slice(cut + 1));
  }
  out.number(symbolDecisions.length);
  for (const { g, op, draws } of symbolDecisions) {
    out.number(paths.of(g).number);
    out.number(op * 2 + (draws.length > 0 ? 1 : 0));
    if (draws.length === 0) continue;
    out.number(draws.length);
    for (const answer of draws) out.number(answer);
  }
  for (let at = 0; at < sequence.length; ) {
    let end = at + 1;
    while (end < sequence.length && sequence[end] === sequence[at]) end++;
    out.number(sequence[at]! * 2 + (end - at > 1 ? 1 : 0));
    if (end - at > 1) out.number(end - at);
    at = end;
  }
  const head = new Writer();
  head.number(out.bytes.length);
  return `${scheduleVersion}:${base64url([...head.bytes, ...checksum(out.bytes), ...out.bytes])}`;
}

/** Numbers of names, in the order in which they come. */
class Numbering {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  of(name: string): { number: number; isNew: boolean } {
    const known = this.numbers.get(name);
    if (known !== undefined) return { number: known, isNew: false };
    this.numbers.set(name, this.names.length);
    return { number: this.names.push(name) - 1, isNew: true };
  }
}

/** A path is behind its parent. */
function addPath(paths: Numbering, path: string): void {
  const cut = path.lastIndexOf('/');
  if (cut >= 0) addPath(paths, path.slice(0, cut));
  paths.of(path);
}

// --- reading ---------------------------------------------------------------------------------------------------------------

/** What is wrong with a schedule string: the caller's fault, one line. */
export class ScheduleError extends RangeError {
  override readonly name = 'ScheduleError';
}

class Reader {
  at = 0;
  constructor(private readonly bytes: readonly number[]) {}

  byte(): number {
    if (this.at >= this.bytes.length) throw new ScheduleError('schedule string: it ends in the middle of a number');
    return this.bytes[this.at++]!;
  }

  number(): number {
    let n = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      n += (byte & 127) * scale;
      if (!Number.isSafeInteger(n)) throw new ScheduleError('schedule string: a number in it is too large');
      if (byte < 128) return n;
    }
  }

  text(): string {
    const n = this.number();
    const bytes = this.bytes.slice(this.at, this.at + n);
    if (bytes.length < n) throw new ScheduleError('schedule string: it ends in the middle of a name');
    this.at += n;
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }

  /** A number that stands for one of n things. */
  below(n: number, what: string): number {
    const k = this.number();
    if (k >= n) throw new ScheduleError(`schedule string: it names ${what} ${k} of ${n}`);
    return k;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }
}

/** Number of kinds. */
const kinds = Object.keys(OpKind).length / 2;
/** Most decisions of a string: a run has no more steps. */
const mostDecisions = 10_000_000;

/** Reads a schedule string. Throws ScheduleError, which says in one line what is wrong with it. */
export function parseSchedule(text: string): Schedule {
  const bytes = bytesOf(text);
  const input = new Reader(bytes);
  const length = input.number();
  const sum = [input.byte(), input.byte(), input.byte()];
  const body = bytes.slice(input.at);
  if (body.length < length) {
    const want = Math.ceil(((bytes.length - body.length + length) * 4) / 3) + scheduleVersion.length + 1;
    throw new ScheduleError(`schedule string: it was cut; got ${text.trim().length} of ${want} characters`);
  }
  if (body.length > length) throw new ScheduleError('schedule string: something stands behind its end');
  if (checksum(body).some((byte, i) => byte !== sum[i])) throw new ScheduleError('schedule string: it is damaged; its checksum is another');
  return readBody(new Reader(body));
}

function readBody(input: Reader): Schedule {
  const program = input.text();
  const steps = input.number();
  const time = input.number();
  const faults = input.text();
  const paths: string[] = [];
  for (let n = input.number(); n > 0; n--) {
    const parent = input.below(paths.length + 1, 'path');
    const name = input.text();
    paths.push(parent === 0 ? name : `${paths[parent - 1]}/${name}`);
  }
  const symbols: Decision[] = [];
  for (let n = input.number(); n > 0; n--) {
    const g = paths[input.below(paths.length, 'path')]!;
    const coded = input.below(kinds * 2, 'kind');
    const draws: number[] = [];
    for (let k = (coded & 1) === 1 ? input.number() : 0; k > 0; k--) draws.push(input.number());
    symbols.push({ g, op: coded >> 1, draws });
  }
  const decisions: Decision[] = [];
  while (!input.done) {
    const coded = input.number();
    const symbol = symbols[coded >> 1];
    if (symbol === undefined) throw new ScheduleError(`schedule string: it names decision ${coded >> 1} of ${symbols.length}`);
    const times = (coded & 1) === 1 ? input.number() : 1;
    if (decisions.length + times > mostDecisions) throw new ScheduleError('schedule string: it has too many decisions');
    for (let k = 0; k < times; k++) decisions.push(symbol);
  }
  const mode: TimeMode = time === 0 ? 'idle' : time === 1 ? 'chaos' : { maxSkew: time - 2 };
  return { program, setup: { time: mode, maxSteps: Math.floor(steps / 2), leaks: steps % 2 === 1, faults }, decisions };
}

function bytesOf(text: string): number[] {
  const [, version, rest] = /^g(\d+):(.*)$/s.exec(text.trim()) ?? [];
  if (version === undefined || rest === undefined) {
    const got = text.trim() === '' ? 'nothing' : `'${text.trim().slice(0, 24)}'`;
    throw new ScheduleError(`schedule string: got ${got}, wanted a string that begins with ${scheduleVersion}:`);
  }
  if (`g${version}` !== scheduleVersion) {
    throw new ScheduleError(`schedule string: it is of version g${version}, this gorena reads ${scheduleVersion}`);
  }
  if (rest === '') throw new ScheduleError(`schedule string: it was cut; nothing stands behind ${scheduleVersion}:`);
  const wrong = /[^A-Za-z0-9_-]/.exec(rest);
  if (wrong !== null) {
    throw new ScheduleError(`schedule string: '${wrong[0]}' at character ${wrong.index + scheduleVersion.length + 2} cannot be in it`);
  }
  return fromBase64url(rest);
}

// --- bytes -----------------------------------------------------------------------------------------------------------------

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function base64url(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const used = Math.min(bytes.length - i, 3) + 1;
    for (let k = 0; k < used; k++) text += digits[(word >> (18 - 6 * k)) & 63];
  }
  return text;
}

function fromBase64url(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i += 4) {
    const part = text.slice(i, i + 4);
    let word = 0;
    for (let k = 0; k < 4; k++) word = (word << 6) | Math.max(digits.indexOf(part[k] ?? 'A'), 0);
    for (let k = 0; k < part.length - 1; k++) bytes.push((word >> (16 - 8 * k)) & 255);
  }
  return bytes;
}

/** 24 bits of FNV-1a. */
function checksum(bytes: readonly number[]): number[] {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  h ^= h >>> 24;
  return [h & 255, (h >>> 8) & 255, (h >>> 16) & 255];
}
