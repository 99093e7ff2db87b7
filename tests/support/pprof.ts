// Reads profile.proto, gzipped or not, written by anyone: for looking into what we write and into what real Go programs wrote.
// Strict where pprof is: ids must lead somewhere, and every sample has a value for each type. Also runs the real `go tool pprof`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface ReadSample {
  /** `function file:line`, leaf first; a location of several lines gives each. */
  readonly stack: readonly string[];
  readonly addresses: readonly number[];
  readonly values: readonly number[];
  readonly labels: Readonly<Record<string, string | number>>;
}

export interface ReadProfile {
  readonly sampleTypes: readonly string[];
  readonly samples: readonly ReadSample[];
  readonly periodType: string;
  readonly period: number;
  readonly timeNanos: number;
  readonly comments: readonly string[];
  readonly defaultSampleType: string;
  readonly strings: readonly string[];
  /** has_functions of each mapping. */
  readonly mappings: readonly boolean[];
}

/** One field: a number, or bytes. */
type Value = { readonly n: number } | { readonly bytes: Uint8Array };
type Message = Map<number, Value[]>;

function varint(bytes: Uint8Array, at: number): [n: number, next: number] {
  let n = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (at >= bytes.length || shift > 63n) throw new Error('varint: cut off');
    const b = bytes[at++]!;
    n |= BigInt(b & 0x7f) << shift;
    if (b < 0x80) return [Number(BigInt.asIntN(64, n)), at];
  }
}

function message(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  for (let at = 0; at < bytes.length; ) {
    const [tag, start] = varint(bytes, at);
    let value: Value;
    const [n, next] = varint(bytes, start);
    if ((tag & 7) === 0) {
      value = { n };
      at = next;
    } else {
      if ((tag & 7) !== 2 || next + n > bytes.length) throw new Error(`field ${tag >>> 3}: bad wire type or length`);
      value = { bytes: bytes.subarray(next, next + n) };
      at = next + n;
    }
    const list = fields.get(tag >>> 3);
    if (list === undefined) fields.set(tag >>> 3, [value]);
    else list.push(value);
  }
  return fields;
}

/** The numbers of a repeated field, packed or not. */
function numbers(m: Message, field: number): number[] {
  return (m.get(field) ?? []).flatMap((v) => {
    if ('n' in v) return [v.n];
    const out: number[] = [];
    for (let at = 0; at < v.bytes.length; ) {
      const [n, next] = varint(v.bytes, at);
      out.push(n);
      at = next;
    }
    return out;
  });
}
const number = (m: Message, field: number) => numbers(m, field).at(-1) ?? 0;
const messages = (m: Message, field: number) => (m.get(field) ?? []).map((v) => message((v as { bytes: Uint8Array }).bytes));

function byId(list: readonly Message[]): Map<number, Message> {
  const found = new Map(list.map((m) => [number(m, 1), m]));
  if (found.size !== list.length || found.has(0)) throw new Error('ids are not unique, or 0');
  return found;
}

function get<T>(map: ReadonlyMap<number, T>, id: number): T {
  const value = map.get(id);
  if (value === undefined) throw new Error(`nothing has id ${id}`);
  return value;
}

/** Reads a profile. Throws when it is none. */
export function readProfile(file: Uint8Array): ReadProfile {
  const root = message(file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file);
  const strings = (root.get(6) ?? []).map((v) => new TextDecoder('utf-8', { fatal: true }).decode((v as { bytes: Uint8Array }).bytes));
  if (strings[0] !== '') throw new Error('the first string is not empty');
  const text = (i: number) => {
    if (!(i in strings)) throw new Error(`there is no string ${i}`);
    return strings[i]!;
  };
  const valueType = (m: Message) => `${text(number(m, 1))}/${text(number(m, 2))}`;
  const functions = byId(messages(root, 5));
  const locations = byId(messages(root, 4));
  const mappings = messages(root, 3);
  const lines = (location: Message) =>
    messages(location, 4).map((line) => {
      const f = get(functions, number(line, 1));
      return `${text(number(f, 2))} ${text(number(f, 4))}:${number(line, 2)}`;
    });
  const sampleTypes = messages(root, 1).map(valueType);
  const samples = messages(root, 2).map((m) => {
    const at = numbers(m, 1).map((id) => get(locations, id));
    const values = numbers(m, 2);
    if (values.length !== sampleTypes.length) throw new Error(`a sample has ${values.length} values, wanted ${sampleTypes.length}`);
    const labels = messages(m, 3).map((l) => [text(number(l, 1)), number(l, 2) === 0 ? number(l, 3) : text(number(l, 2))] as const);
    return { stack: at.flatMap(lines), addresses: at.map((l) => number(l, 3)), values, labels: Object.fromEntries(labels) };
  });
  return {
    sampleTypes,
    samples,
    periodType: messages(root, 11).map(valueType)[0] ?? '',
    period: number(root, 12),
    timeNanos: number(root, 9),
    comments: numbers(root, 13).map(text),
    defaultSampleType: text(number(root, 14)),
    strings,
    mappings: mappings.map((m) => number(m, 7) === 1),
  };
}

/** Runs `go tool pprof`; one for each test file, or null where there is no Go, with a line that says so. */
export class GoPprof {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gorena-pprof-'));

  static find(what: string): GoPprof | null {
    const found = spawnSync('go', ['tool', '-n', 'pprof'], { encoding: 'utf8' });
    if (found.status === 0) return new GoPprof(found.stdout.trim());
    console.log(`skipped: no Go here, whose \`go tool pprof\` would read ${what}`);
    return null;
  }

  private constructor(private readonly program: string) {}

  /** What it prints for a profile; throws its complaint. */
  report(profile: string | Uint8Array, ...flags: string[]): string {
    const file = join(this.folder, 'profile');
    writeFileSync(file, profile);
    const ran = spawnSync(this.program, [...flags, '-symbolize=none', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (ran.status !== 0) throw new Error(`pprof ${flags.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** `-top`: flat and cum by function, exact. unit: of the sample type. */
  top(profile: string | Uint8Array, { type, unit }: { type: string; unit: string }): Map<string, { flat: number; cum: number }> {
    const flags = ['-top', `-unit=${unit}`, '-nodefraction=0', '-nodecount=1000000', `-sample_index=${type}`];
    const out = this.report(profile, ...flags);
    const rows = out.slice(out.indexOf('flat%')).split('\n').slice(1);
    return new Map(
      rows.filter(Boolean).map((row) => {
        const [flat, , , cum, , ...name] = row.trim().split(/\s+/);
        return [name.join(' ').replace(/ \(inline\)$/, ''), { flat: Number.parseFloat(flat!), cum: Number.parseFloat(cum!) }];
      }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
