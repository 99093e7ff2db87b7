// eventlog: the event stream of a machine as events.jsonl, a line of JSON for each event, and a reader of such files.
//
//   {"format":"gorena events","version":1,"events":3,"seed":7,"procs":2}            the head
//   {"ev":"Symbol","pc":4198400,"func":"main.main","file":"main.go","line":12}     before the first event that names the pc
//   {"ev":"Type","type":3,"name":"main.Node"}                                      before the first event that names the type
//   {"ev":"GoCreate","at":0,"goid":1,"creator":0,"pc":4198400,"system":0}          an event: kind, virtual nanoseconds, its numbers
//
// The table of fields below is the format: a kind of event that is not in it does not compile, and the type of each line follows
// from it. `version` goes up when the lines change, `events` when events do (internal/events.ts); the reader takes its own only.

import { Ev, eventNames, eventsVersion } from './internal/events.ts';
import type { Machine } from './machine.ts';

/** Version of the lines. */
export const eventLogVersion = 1;

/** What the numbers of an event are called: those of internal/events.ts that are used. */
const shapes = {
  [Ev.goCreate]: { name: 'GoCreate', fields: ['goid', 'creator', 'pc', 'system'] },
  [Ev.goStart]: { name: 'GoStart', fields: ['goid', 'm', 'p'] },
  [Ev.goPark]: { name: 'GoPark', fields: ['goid', 'reason', 'p'] },
  [Ev.goReady]: { name: 'GoReady', fields: ['goid', 'waker', 'p'] },
  [Ev.goYield]: { name: 'GoYield', fields: ['goid', null, 'p'] },
  [Ev.goEnd]: { name: 'GoEnd', fields: ['goid', null, 'p'] },
  [Ev.goPreempt]: { name: 'GoPreempt', fields: ['goid', null, 'p'] },
  [Ev.goSysCall]: { name: 'GoSysCall', fields: ['goid', 'm', 'p'] },
  [Ev.goSysExit]: { name: 'GoSysExit', fields: ['goid', 'm', 'p'] },
  [Ev.goSysBlock]: { name: 'GoSysBlock', fields: ['goid', 'm', 'p'] },
  [Ev.malloc]: { name: 'Malloc', fields: ['addr', 'bytes', 'type'] },
  [Ev.free]: { name: 'Free', fields: ['addr', 'bytes', 'explicit'] },
  [Ev.barrier]: { name: 'Barrier', fields: ['slot', 'old', 'new'] },
  [Ev.gcPhase]: { name: 'GCPhase', fields: ['phase', 'cycle'] },
  [Ev.sweepSpan]: { name: 'SweepSpan', fields: ['span', 'freed', 'live'] },
  [Ev.profileRotate]: { name: 'ProfileRotate', fields: ['cycle', 'step'] },
  [Ev.gcMarkDone]: { name: 'GCMarkDone', fields: ['cycle', 'bytes', 'objects'] },
  [Ev.choice]: { name: 'Choice', fields: ['what', 'n', 'answer'] },
  [Ev.procStart]: { name: 'ProcStart', fields: ['m', null, 'p'] },
  [Ev.procStop]: { name: 'ProcStop', fields: ['m', null, 'p'] },
  [Ev.threadCreate]: { name: 'ThreadCreate', fields: ['m'] },
  [Ev.threadExit]: { name: 'ThreadExit', fields: ['m'] },
  [Ev.stwStart]: { name: 'STWStart', fields: ['why', null, 'p'] },
  [Ev.stwDone]: { name: 'STWDone', fields: [null, 'nanos', 'p'] },
  [Ev.gomaxprocs]: { name: 'Gomaxprocs', fields: ['procs'] },
  [Ev.workerStart]: { name: 'WorkerStart', fields: ['mode', 'goid', 'p'] },
  [Ev.workerStop]: { name: 'WorkerStop', fields: [null, 'goid', 'p'] },
  [Ev.assistStart]: { name: 'AssistStart', fields: [] },
  [Ev.assistDone]: { name: 'AssistDone', fields: [] },
} as const satisfies Record<Ev, Shape>;

/** Name of a kind, and of its numbers a, b, c, d; null for one that says nothing. */
interface Shape {
  readonly name: string;
  readonly fields: readonly (string | null)[];
}

type Shapes = (typeof shapes)[keyof typeof shapes];
type Fields<S extends Shape> = { readonly [F in Extract<S['fields'][number], string>]: number };
type RecordOf<S extends Shape> = S extends Shape ? { readonly ev: S['name']; readonly at: number } & Fields<S> : never;

/** An event of a file: `ev` tells which, and which numbers it has. */
export type EventRecord = RecordOf<Shapes>;

/** What a pc means, and a type's number. */
export interface SymbolRecord {
  readonly ev: 'Symbol';
  readonly pc: number;
  readonly func: string;
  readonly file: string;
  readonly line: number;
}
export interface TypeRecord {
  readonly ev: 'Type';
  readonly type: number;
  readonly name: string;
}

/** The first line of a file. */
export interface EventLogHead {
  readonly format: 'gorena events';
  readonly version: number;
  readonly events: number;
  readonly seed: number;
  readonly procs: number;
}

/** Characters that are handed on at once. */
const chunkLength = 1 << 16;

/** Writes the events of a machine as they happen. Made by Runtime.eventLog. */
export class EventLog {
  private text = '';
  private readonly symbols = new Set<number>();
  private readonly types = new Set<number>();
  private readonly prefixes = new Map<number, readonly [head: string, keys: readonly (string | null)[]]>();
  /** Events so far. */
  events = 0;

  /** sink takes the file, piece by piece. No event has happened yet. */
  constructor(
    private readonly m: Machine,
    private readonly sink: (text: string) => void,
  ) {
    const { seed, procs } = m.settings;
    this.line({ format: 'gorena events', version: eventLogVersion, events: eventsVersion, seed, procs } satisfies EventLogHead);
    for (const [kind, { name, fields }] of Object.entries(shapes) as unknown as [string, Shape][]) {
      const keys = fields.map((field) => (field === null ? null : `,"${field}":`));
      this.prefixes.set(Number(kind), [`{"ev":"${name}","at":`, keys]);
    }
    m.subscribe((kind, a, b, c, d) => this.add(kind, a, b, c, d));
  }

  /** Hands on what is left. */
  flush(): void {
    if (this.text !== '') this.sink(this.text);
    this.text = '';
  }

  private line(record: object): void {
    this.text += `${JSON.stringify(record)}\n`;
  }

  private add(kind: number, a: number, b: number, c: number, d: number): void {
    const { m } = this;
    if (kind === Ev.goCreate && !this.symbols.has(c)) this.symbol(c);
    else if (kind === Ev.malloc && !this.types.has(c)) this.type(c);
    const [head, keys] = this.prefixes.get(kind)!;
    let text = head + m.sched.now();
    if (keys.length > 0 && keys[0] !== null) text += keys[0]! + a;
    if (keys.length > 1 && keys[1] !== null) text += keys[1]! + b;
    if (keys.length > 2 && keys[2] !== null) text += keys[2]! + c;
    if (keys.length > 3 && keys[3] !== null) text += keys[3]! + d;
    this.text += `${text}}\n`;
    this.events++;
    if (this.text.length >= chunkLength) this.flush();
  }

  private symbol(pc: number): void {
    this.symbols.add(pc);
    this.line({ ev: 'Symbol', pc, ...this.m.symtab.frame(pc) } satisfies SymbolRecord);
  }

  private type(id: number): void {
    this.types.add(id);
    this.line({ ev: 'Type', type: id, name: this.m.heap.types.get(id as never).name } satisfies TypeRecord);
  }
}

const fieldsByName = new Map<string, readonly string[]>([
  ...(Object.values(shapes) as Shape[]).map(
    ({ name, fields }) => [name, ['at', ...fields.filter((field) => field !== null)]] as [string, string[]],
  ),
  ['Symbol', ['pc', 'line']],
  ['Type', ['type']],
]);
const textsByName: Readonly<Record<string, readonly string[]>> = { Symbol: ['func', 'file'], Type: ['name'] };

/**
 * The lines of a file, checked one by one: the head first, then events and what they name. RangeError, with the number of the line:
 * no such file, another version, no such event, a field that is missing, unknown or no number.
 */
export function* readEventLog(lines: Iterable<string>): Generator<EventLogHead | EventRecord | SymbolRecord | TypeRecord, void, void> {
  let n = 0;
  for (const line of lines) {
    n++;
    const record = parseLine(line, n);
    if (n === 1) checkHead(record);
    else checkRecord(record, n);
    yield record as unknown as EventRecord;
  }
  if (n === 0) throw new RangeError('line 1: the file is empty, wanted {"format":"gorena events",…}');
}

function parseLine(line: string, n: number): Record<string, unknown> {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    record = null;
  }
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record as Record<string, unknown>;
  throw new RangeError(`line ${n}: got ${line.length > 40 ? `${line.slice(0, 40)}…` : line || 'nothing'}, wanted an object of JSON`);
}

function checkHead(head: Record<string, unknown>): void {
  if (head.format !== 'gorena events') throw new RangeError('line 1: no "format":"gorena events": this is no file of events');
  if (head.version !== eventLogVersion) throw new RangeError(`line 1: version ${String(head.version)}, wanted ${eventLogVersion}`);
  if (head.events !== eventsVersion) throw new RangeError(`line 1: events of version ${String(head.events)}, wanted ${eventsVersion}`);
}

function checkRecord(record: Record<string, unknown>, n: number): void {
  const ev = String(record.ev);
  const numbers = fieldsByName.get(ev);
  if (numbers === undefined) throw new RangeError(`line ${n}: there is no event ${ev}`);
  const texts = textsByName[ev] ?? [];
  for (const field of numbers) {
    if (!Number.isFinite(record[field])) throw new RangeError(`line ${n}: ${ev}.${field} is ${String(record[field])}, wanted a number`);
  }
  for (const field of texts) {
    if (typeof record[field] !== 'string') throw new RangeError(`line ${n}: ${ev}.${field} is ${String(record[field])}, wanted a text`);
  }
  for (const field of Object.keys(record)) {
    if (field !== 'ev' && !numbers.includes(field) && !texts.includes(field))
      throw new RangeError(`line ${n}: ${ev} has no field ${field}`);
  }
}

/** The names of all kinds agree with internal/events.ts; for a test. */
export function eventLogNames(): [ours: string, theirs: string | undefined][] {
  return Object.entries(shapes).map(([kind, { name }]) => [name, eventNames[Number(kind)]]);
}
