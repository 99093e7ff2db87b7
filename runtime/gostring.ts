// gostring: Go's strings: bytes that never change, as a pointer and a length. The bytes lie in an object without pointers; a part
// of a string shares them by a pointer to its inside, which keeps all of them. Conversion from and to JavaScript's strings
// is UTF-8.
//
//     f.name = go.string('héllo');    f.name.length === 6;    f.name.slice(0, 1).toString() === 'h'
//
// Go has the text of literals in read-only data; here all bytes are allocated. Source: string.go.
import type { RType } from '../heap/types.ts';
import type { Context } from './context.ts';
import { label, plain } from './internal/look.ts';
import { utf8Length, utf8Read, utf8Write } from './internal/utf8.ts';
import { maxAlloc, newValues, u8 } from './kinds.ts';
import { boundsPanic, checkBounds, indexError } from './sequence.ts';
import { Slice } from './slice.ts';
import { wrongValue } from './struct.ts';
import { closeTemps, openTemps, rootAll } from './temps.ts';
import { Kind, ownHandle, ValueHandle } from './value.ts';

/** Word offsets of a string in memory. */
const enum StringWord {
  bytes,
  len,
  words,
}

/** A string of the heap. */
export class GoString extends ValueHandle {
  /** @internal */
  constructor(
    ctx: Context,
    addr: number,
    /** Bytes. Go's len. */
    readonly length: number,
  ) {
    super(ctx, addr);
  }

  /** @internal */
  override [label](): string {
    return 'string';
  }

  /** @internal */
  override [plain](): unknown {
    return this.toString();
  }

  /** The text; bytes that are no UTF-8 become U+FFFD, as in Go's range. */
  override toString(): string {
    this.live();
    return utf8Read(this.ctx.u8, this.addr, this.addr + this.length);
  }

  /** Byte i: s[i]. Panics out of range. */
  at(i: number): number {
    const k = i | 0;
    if (k !== i || k < 0 || k >= this.length) indexError(i, this.length);
    this.live();
    return this.ctx.u8[this.addr + k]!;
  }

  /** s[low:high], which shares the bytes. Panics with Go's words. */
  slice(low = 0, high = this.length): GoString {
    checkBounds(low, high, undefined, { what: 'length', size: this.length });
    this.live();
    return new GoString(this.ctx, low === high ? this.addr : this.addr + low, high - low);
  }

  /** Below 0, 0 or above 0, by bytes. Go's <, ==, >; strings.Compare. */
  compare(other: GoString): number {
    this.live();
    other.live();
    const { u8 } = this.ctx;
    const n = Math.min(this.length, other.length);
    for (let i = 0; i < n; i++) {
      const d = u8[this.addr + i]! - u8[other.addr + i]!;
      if (d !== 0) return d;
    }
    return this.length - other.length;
  }

  /** Go's ==. */
  equals(other: GoString): boolean {
    return this.length === other.length && this.compare(other) === 0;
  }

  /** A slice with a copy of the bytes: []byte(s). May run the collector. */
  bytes(): Slice<number> {
    const { ctx, length } = this;
    const temps = openTemps(ctx, 0);
    try {
      rootAll(ctx, [this]);
      const bytes = newValues(ctx, u8, length);
      ctx.u8.copyWithin(bytes, this.addr, this.addr + length);
      return new Slice(ctx, bytes, length, length, u8);
    } finally {
      closeTemps(ctx, temps);
    }
  }

  /**
   * This string and others, one after the other: Go's +. When only one of them has bytes it is that one, not a copy. May run
   * the collector. Source: concatstrings.
   */
  concat(...others: GoString[]): GoString {
    const { ctx } = this;
    const parts = [this, ...others].filter((part) => part.length > 0);
    if (parts.length === 0) return this;
    if (parts.length === 1) return parts[0]!;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > maxAlloc) boundsPanic('string concatenation too long');
    const temps = openTemps(ctx, 0);
    try {
      rootAll(ctx, parts);
      const bytes = newBytes(ctx, length);
      let at = bytes;
      for (const part of parts) {
        ctx.u8.copyWithin(at, part.addr, part.addr + part.length);
        at += part.length;
      }
      return new GoString(ctx, bytes, length);
    } finally {
      closeTemps(ctx, temps);
    }
  }
}

/** @internal A string from JavaScript's, or a copy of a slice of bytes. May run the collector. */
export function newString(ctx: Context, from: string | Slice<number>): GoString {
  if (typeof from === 'string') {
    const length = utf8Length(from);
    const bytes = newBytes(ctx, length);
    utf8Write(from, ctx.u8, bytes);
    return new GoString(ctx, bytes, length);
  }
  if (!(from instanceof Slice) || from.elem !== u8) wrongValue('a string', "JavaScript's string or a slice of u8", from);
  const temps = openTemps(ctx, 0);
  try {
    rootAll(ctx, [from]);
    const bytes = newBytes(ctx, from.length);
    ctx.u8.copyWithin(bytes, from.addr, from.addr + from.length);
    return new GoString(ctx, bytes, from.length);
  } finally {
    closeTemps(ctx, temps);
  }
}

/** Memory for the bytes of a string; nil for none. */
function newBytes(ctx: Context, n: number): number {
  return n === 0 ? 0 : ctx.mutator.mallocgc(n, bytesType(ctx));
}

function bytesType(ctx: Context): RType {
  const known = ctx.machine.heap.types.named(bytesName);
  if (known !== undefined) return known;
  const type = ctx.machine.heap.types.define(bytesName, 4, []);
  ctx.typeKinds.set(type, u8);
  return type;
}
const bytesName = 'bytes of a string';

class StringKind extends Kind<GoString> {
  constructor() {
    super('string', StringWord.words * 4, 4, [StringWord.bytes]);
  }
  override load(ctx: Context, addr: number): GoString {
    return new GoString(ctx, ctx.w[(addr >>> 2) + StringWord.bytes]!, ctx.w[(addr >>> 2) + StringWord.len]!);
  }
  override store(ctx: Context, addr: number, value: GoString): void {
    ownHandle(ctx, value);
    const bytes = this.rootOf(value);
    ctx.w[(addr >>> 2) + StringWord.len] = value.length;
    ctx.mutator.storePointer((addr >>> 2) + StringWord.bytes, bytes);
  }
  override zero(ctx: Context): GoString {
    return new GoString(ctx, 0, 0);
  }
  override rootOf(value: unknown): number {
    if (!(value instanceof GoString)) wrongValue('a value of type string', 'a string of the heap, made by go.string(text)', value);
    value.live();
    return value.addr;
  }
  override part(offset: number): string {
    return ['', '.len'][offset >>> 2]!;
  }
}

/** Go's string; made by go.string(text). */
export const string: Kind<GoString> = new StringKind();
