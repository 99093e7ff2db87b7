// proto: a profile as the message that `go tool pprof` reads, not compressed: the host gzips it if it likes.
//
//   1 sample_type*  {1 type, 2 unit}                                       numbers of strings
//   2 sample*       {1 location_id*, 2 value*, 3 label* {1 key, 2 str, 3 num}}
//   3 mapping       {1 id, 7 has_functions}                                the only one: says that names are in the file
//   4 location*     {1 id, 2 mapping_id, 3 address, 4 line {1 function_id, 2 line}}
//   5 function*     {1 id, 2 name, 3 system_name, 4 filename}
//   6 string*       the first one is empty
//   9 time_nanos, 11 period_type, 12 period, 13 comment*, 14 default_sample_type
//
// A location is a pc, a function a name in a file; both count from 1 in the order in which samples meet them. Strings come last:
// by then all are known. Source: github.com/google/pprof/proto/profile.proto, runtime/pprof/proto.go.

import { ByteWriter } from './bytewriter.ts';
import type { Label, ProfileData, Sample, ValueType } from './profile.ts';
import { callPC, isShown, type Symbols } from './symtab.ts';

/** Fields of Profile. */
const enum ProfileField {
  sampleType = 1,
  sample = 2,
  mapping = 3,
  location = 4,
  function = 5,
  string = 6,
  timeNanos = 9,
  periodType = 11,
  period = 12,
  comment = 13,
  defaultSampleType = 14,
}

/** How a field is encoded, the lower three bits of its tag. */
const enum Wire {
  varint = 0,
  bytes = 2,
}

/** What a profile says about itself. */
export interface ProfileHead {
  /** Nanoseconds since 1970; of virtual time: since the start. */
  readonly timeNanos: number;
  /** Lines that pprof prints above every report. */
  readonly comments: readonly string[];
}

/** Messages, written into one buffer: the length of each is put before it when it is known. */
class MessageWriter extends ByteWriter {
  /** A number; 0 is left out, as it is the default. */
  int(field: number, n: number): void {
    if (n === 0) return;
    this.byte((field << 3) | Wire.varint);
    this.varint(n);
  }

  string(field: number, text: string): void {
    this.byte((field << 3) | Wire.bytes);
    this.text(text);
  }

  /** Numbers in one field. */
  packed(field: number, numbers: readonly number[]): void {
    if (numbers.length === 0) return;
    const at = this.begin(field);
    for (let i = 0; i < numbers.length; i++) this.varint(numbers[i]!);
    this.end(at);
  }

  /** Begins a message; `end` takes what this gives. One byte is kept for its length. */
  begin(field: number): number {
    this.room(2);
    this.buf[this.length++] = (field << 3) | Wire.bytes;
    return ++this.length;
  }

  end(at: number): void {
    const bytes = this.length - at;
    if (bytes < 0x80) {
      this.buf[at - 1] = bytes;
      return;
    }
    let more = 0; // bytes of the length beyond the first
    for (let n = bytes >>> 7; n > 0; n >>>= 7) more++;
    this.room(more);
    this.buf.copyWithin(at + more, at, this.length);
    this.length = at - 1;
    this.varint(bytes);
    this.length += bytes;
  }
}

/** Writes one profile. */
class Encoder {
  private readonly out = new MessageWriter(1 << 16);
  private readonly strings = new Map<string, number>([['', 0]]);
  /** pc -> location. */
  private readonly locations = new Map<number, number>();
  private readonly places: number[] = [];
  private readonly ids: number[] = [];

  constructor(private readonly symbols: Symbols) {}

  profile(p: ProfileData, head: ProfileHead): Uint8Array<ArrayBuffer> {
    const { out } = this;
    for (const type of p.sampleTypes) this.valueType(ProfileField.sampleType, type);
    for (const sample of p.samples) this.sample(sample);
    const mapping = out.begin(ProfileField.mapping);
    out.int(1, 1);
    out.int(7, 1);
    out.end(mapping);
    this.locationsAndFunctions();
    out.int(ProfileField.timeNanos, Math.floor(head.timeNanos));
    this.valueType(ProfileField.periodType, p.periodType);
    out.int(ProfileField.period, p.period);
    for (const comment of head.comments) out.int(ProfileField.comment, this.text(comment));
    const last = p.sampleTypes.length - 1; // what a viewer takes without being told
    if (p.defaultSampleType !== last) out.int(ProfileField.defaultSampleType, this.text(p.sampleTypes[p.defaultSampleType]!.type));
    for (const text of this.strings.keys()) out.string(ProfileField.string, text);
    return out.bytes();
  }

  /** Number of a string. */
  private text(text: string): number {
    let id = this.strings.get(text);
    if (id === undefined) {
      id = this.strings.size;
      this.strings.set(text, id);
    }
    return id;
  }

  private valueType(field: ProfileField, { type, unit }: ValueType): void {
    const { out } = this;
    const at = out.begin(field);
    out.int(1, this.text(type));
    out.int(2, this.text(unit));
    out.end(at);
  }

  private sample({ stack, values, labels }: Sample): void {
    const { out, ids, locations } = this;
    ids.length = 0;
    for (let i = 0; i < stack.length; i++) {
      const pc = stack[i]!;
      const id = locations.get(pc) ?? this.newLocation(pc);
      if (id !== 0) ids.push(id);
    }
    const at = out.begin(ProfileField.sample);
    out.packed(1, ids);
    out.packed(2, values);
    for (let i = 0; i < labels.length; i++) this.label(labels[i]!);
    out.end(at);
  }

  private label({ key, value }: Label): void {
    const { out } = this;
    const at = out.begin(3);
    out.int(1, this.text(key));
    if (typeof value === 'string') out.int(2, this.text(value));
    else out.int(3, value);
    out.end(at);
  }

  /** A pc that stands for no place has none (0), and neither has the end of every stack, as in Go. */
  private newLocation(pc: number): number {
    const shown = isShown(this.symbols, pc);
    if (shown) this.places.push(pc);
    const id = shown ? this.places.length : 0;
    this.locations.set(pc, id);
    return id;
  }

  private locationsAndFunctions(): void {
    const { out, symbols } = this;
    const functions = new Map<string, number>();
    for (let i = 0; i < this.places.length; i++) {
      const pc = this.places[i]!;
      const { func, file, line } = symbols.frame(pc);
      const key = `${func}\n${file}`;
      const id = functions.get(key) ?? functions.size + 1;
      const at = out.begin(ProfileField.location);
      out.int(1, i + 1);
      out.int(2, 1);
      out.int(3, callPC(symbols, pc));
      const lineAt = out.begin(4);
      out.int(1, id);
      out.int(2, line);
      out.end(lineAt);
      out.end(at);
      if (id > functions.size) {
        functions.set(key, id);
        this.function(id, func, file);
      }
    }
  }

  private function(id: number, name: string, file: string): void {
    const { out } = this;
    const at = out.begin(ProfileField.function);
    out.int(1, id);
    out.int(2, this.text(name));
    out.int(3, this.text(name));
    out.int(4, this.text(file));
    out.end(at);
  }
}

/** A profile as profile.proto, not compressed. */
export function encodeProfile(p: ProfileData, head: ProfileHead, symbols: Symbols): Uint8Array<ArrayBuffer> {
  return new Encoder(symbols).profile(p, head);
}
