// program: hostile mutators as data. A program is a few goroutines, each a list of operations; it is drawn from a seed, written
// as a short text, read back from it, and made smaller. What the operations do is in run.ts.
//
// The grammar is hostile in the sense of reference dst.md 4.4: it moves the only pointer to an object about (load it and cut the
// edge it came over, hand it to another goroutine, overwrite the variable it came from) instead of just reading and writing,
// it keeps few objects, so that most edges are the last one, and it hangs some of them deep, so that the marker needs a while
// to get there. Each program draws which of the rarer kinds of operations it uses at all: a program without finalizers gets
// deeper into channels, and the other way round.
import type { Rand } from '../../../runtime/internal/rand.ts';

export const locals = ['a', 'b', 'c'] as const;
export const fields = ['left', 'right'] as const;
/** Global pointers to nodes, global pointers into large objects, weak pointers of a program. */
export const globals = 2;
export const blobs = 2;
export const weaks = 2;

export type Local = (typeof locals)[number];
export type Field = (typeof fields)[number];

/** Parameters by name; each is one character in a program's text. */
interface Params {
  readonly to: Local;
  readonly from: Local;
  readonly into: Local;
  readonly value: Local;
  readonly field: Field;
  readonly depth: number;
  readonly global: number;
  readonly blob: number;
  readonly weak: number;
}

/** Each operation: its letter, its parameters, how often it is drawn, and what it belongs to ('' is in every program). */
const grammar = {
  new: { letter: 'n', params: ['to'], weight: 6, group: '' },
  /** a chain: work for the marker, and a long way down */
  build: { letter: 'b', params: ['to', 'depth'], weight: 3, group: '' },
  /** go down and take what hangs there */
  dig: { letter: 'd', params: ['to', 'from', 'depth'], weight: 5, group: '' },
  load: { letter: 'l', params: ['to', 'from', 'field'], weight: 2, group: '' },
  /** load, and cut that edge */
  take: { letter: 't', params: ['to', 'from', 'field'], weight: 5, group: '' },
  store: { letter: 's', params: ['into', 'field', 'value'], weight: 3, group: '' },
  /** store, and forget it */
  give: { letter: 'g', params: ['into', 'field', 'value'], weight: 5, group: '' },
  clear: { letter: 'c', params: ['to'], weight: 1, group: '' },
  cut: { letter: 'x', params: ['from', 'field'], weight: 1, group: '' },
  publish: { letter: 'p', params: ['global', 'value'], weight: 3, group: 'globals' },
  fetch: { letter: 'f', params: ['global', 'to'], weight: 1, group: 'globals' },
  /** fetch, and clear the global */
  grab: { letter: 'h', params: ['global', 'to'], weight: 3, group: 'globals' },
  /** and forget it */
  send: { letter: 'S', params: ['value'], weight: 2, group: 'channel' },
  recv: { letter: 'R', params: ['to'], weight: 2, group: 'channel' },
  /** a channel of its own, made perhaps while marking */
  chan: { letter: 'C', params: [], weight: 1, group: 'channel' },
  /** a channel of its own, and the value goes into its buffer */
  mail: { letter: 'M', params: ['value'], weight: 2, group: 'channel' },
  gosched: { letter: 'y', params: [], weight: 1, group: '' },
  gc: { letter: 'G', params: [], weight: 1, group: '' },
  /** a cycle begins here, if none is under way; and a marking under way is carried to its end, as an assist may do */
  begin: { letter: 'A', params: [], weight: 2, group: '' },
  assist: { letter: 'E', params: [], weight: 1, group: '' },
  /** a node of another size class with one more pointer, to what the local held */
  wide: { letter: 'w', params: ['to'], weight: 3, group: 'wide' },
  /** take over that pointer */
  far: { letter: 'F', params: ['to', 'from'], weight: 3, group: 'wide' },
  /** a large object without pointers, held by a pointer inside it */
  blob: { letter: 'B', params: ['blob'], weight: 1, group: 'blobs' },
  weaken: { letter: 'W', params: ['weak', 'from'], weight: 1, group: 'weak' },
  /** weaken, and forget the object */
  loosen: { letter: 'V', params: ['weak', 'from'], weight: 4, group: 'weak' },
  /** what the weak pointer leads to, or nil */
  lift: { letter: 'L', params: ['weak', 'to'], weight: 3, group: 'weak' },
  finalize: { letter: 'z', params: ['from'], weight: 3, group: 'finalizers' },
  /** a finalizer that publishes its object */
  revive: { letter: 'Z', params: ['from', 'global'], weight: 1, group: 'finalizers' },
} as const satisfies Record<string, { letter: string; params: readonly (keyof Params)[]; weight: number; group: string }>;

type Grammar = typeof grammar;
type OpName = keyof Grammar;
const names = Object.keys(grammar) as OpName[];
const groups = ['globals', 'channel', 'wide', 'blobs', 'weak', 'finalizers'] as const;

/** One operation of a goroutine. On a nil pointer it does nothing. */
export type Op = { [K in OpName]: { readonly op: K } & Pick<Params, Grammar[K]['params'][number]> }[OpName];

/** A whole program: its machine and what each of its goroutines does. */
export interface Program {
  readonly procs: number;
  readonly capacity: number;
  readonly workers: readonly (readonly Op[])[];
}

/** The characters that a parameter may be written as, in the order of its values. */
function alphabet(param: keyof Params): string {
  switch (param) {
    case 'field':
      return 'lr';
    case 'depth':
      return '12345678';
    case 'global':
      return '01'.slice(0, globals);
    case 'blob':
      return '01'.slice(0, blobs);
    case 'weak':
      return '01'.slice(0, weaks);
    default:
      return locals.join('');
  }
}

function readParam(param: keyof Params, char: string): Local | Field | number {
  if (param === 'field') return fields['lr'.indexOf(char)]!;
  return /\d/.test(char) ? Number(char) : (char as Local);
}

/** Operations that a program has or has not. */
export type Group = (typeof groups)[number];

/** What a program has more of, or none of. */
export interface Bias {
  /** A group that it has in any case, three times as often. */
  readonly prefer?: Group;
  readonly avoid?: readonly Group[];
}

/** Draws a program. */
export function randomProgram(rand: Rand, { prefer, avoid = [] }: Bias = {}): Program {
  const chosen = new Set<string>(['', prefer ?? '']);
  for (const group of groups) if (rand.below(3) > 0 && !avoid.includes(group)) chosen.add(group);
  const letters: OpName[] = [];
  for (const name of names) {
    const { weight, group } = grammar[name];
    if (!chosen.has(group)) continue;
    for (let i = weight * (group === prefer ? 3 : 1); i > 0; i--) letters.push(name);
  }
  const workers: Op[][] = [];
  for (let n = 2 + rand.below(2); n > 0; n--) {
    workers.push(Array.from({ length: 5 + rand.below(56) }, () => randomOp(rand, letters[rand.below(letters.length)]!)));
  }
  return { procs: 1 + rand.below(2), capacity: rand.below(3), workers };
}

function randomOp(rand: Rand, name: OpName): Op {
  const text = grammar[name].params.map((param) => alphabet(param)[rand.below(alphabet(param).length)]!).join('');
  return opOf(name, text);
}

function opOf(name: OpName, text: string): Op {
  const op: Record<string, unknown> = { op: name };
  grammar[name].params.forEach((param, i) => {
    op[param] = readParam(param, text[i]!);
  });
  return op as unknown as Op;
}

// --- text ----------------------------------------------------------------------------------------------------------------

function opText(op: Op): string {
  const { letter, params } = grammar[op.op];
  return letter + params.map((param) => String((op as unknown as Params)[param])[0]).join('');
}

/** A program as text: `p2c1.nanbglb.Ra` is two Ps, a channel of capacity 1 and two goroutines. */
export function programText({ procs, capacity, workers }: Program): string {
  return `p${procs}c${capacity}.${workers.map((ops) => ops.map(opText).join('')).join('.')}`;
}

/** Reads programText's text. Throws RangeError, naming what it cannot read. */
export function parseProgram(text: string): Program {
  const head = /^p([1-9])c(\d)\.(.*)$/.exec(text);
  if (head === null) throw new RangeError(`a program begins with p<procs>c<capacity>., got '${text.slice(0, 20)}'`);
  return { procs: Number(head[1]), capacity: Number(head[2]), workers: head[3]!.split('.').map(parseOps) };
}

function parseOps(text: string): Op[] {
  const ops: Op[] = [];
  for (let at = 0; at < text.length; ) {
    const name = names.find((n) => grammar[n].letter === text[at]);
    if (name === undefined) throw new RangeError(`no operation is written '${text[at]}'`);
    const { params } = grammar[name];
    const args = text.slice(at + 1, at + 1 + params.length);
    params.forEach((param, i) => {
      if (!alphabet(param).includes(args[i] ?? '?'))
        throw new RangeError(`operation '${text[at]}${args}': ${param} is one of '${alphabet(param)}'`);
    });
    ops.push(opOf(name, args));
    at += 1 + params.length;
  }
  return ops;
}

// --- shrinking -----------------------------------------------------------------------------------------------------------

/** Smaller programs, the smallest first: without a goroutine, without half of one's operations, a quarter, … one operation. */
export function* smallerPrograms(program: Program): Generator<Program, void, void> {
  const { workers } = program;
  if (program.procs > 1) yield { ...program, procs: 1 };
  if (workers.length > 1) for (let i = 0; i < workers.length; i++) yield { ...program, workers: workers.filter((_, k) => k !== i) };
  const longest = Math.max(...workers.map((ops) => ops.length));
  for (let size = longest; size >= 1; size = Math.floor(size / 2)) {
    for (let i = 0; i < workers.length; i++) {
      const ops = workers[i]!;
      for (let at = 0; at < ops.length; at += size) {
        const shorter = [...ops.slice(0, at), ...ops.slice(at + size)];
        yield { ...program, workers: workers.map((w, k) => (k === i ? shorter : w)) };
      }
    }
  }
}
