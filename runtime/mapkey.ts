// mapkey: what a map needs of its keys: integers and strings. A string key may be given as JavaScript's; it becomes one of the
// heap only when it is put into the map. The hash is ours (FNV-1a over bytes, murmur3's finaliser), seeded for each map.
import type { Context } from './context.ts';
import { GoString, newString, string } from './gostring.ts';
import { wrongValue } from './struct.ts';
import { utf8Length, utf8Write } from './utf8.ts';
import type { Kind } from './value.ts';

/** A key that is being looked for: its bytes, wherever they are. */
export interface Sought {
  readonly hash: number;
  /** string: the bytes are [at, at + length) of `bytes`. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  /** An integer as the words in memory. */
  readonly low: number;
  readonly high: number;
}

function mix(h: number): number {
  let x = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) | 0;
}

function hashBytes(seed: number, bytes: Uint8Array, at: number, length: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = at; i < at + length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return mix(h ^ length);
}

const noBytes = new Uint8Array(0);

/** Whether keys of a kind can be hashed here. */
export function isKeyKind(kind: Kind<unknown>): boolean {
  return kind === string || /^u?int(8|16|32|64)$/.test(kind.name);
}

/** Looks at a key: TypeError when it is none of this kind. An integer wraps as it does when it is stored. */
export function soughtKey(ctx: Context, kind: Kind<unknown>, key: unknown, seed: number): Sought {
  if (kind === string) {
    if (key instanceof GoString) {
      key.live();
      const { addr: at, length } = key;
      return { hash: hashBytes(seed, ctx.u8, at, length), bytes: ctx.u8, at, length, low: 0, high: 0 };
    }
    if (typeof key !== 'string') wrongValue('a map with keys of type string', 'a string', key);
    const bytes = new Uint8Array(utf8Length(key));
    utf8Write(key, bytes, 0);
    return { hash: hashBytes(seed, bytes, 0, bytes.length), bytes, at: 0, length: bytes.length, low: 0, high: 0 };
  }
  let low: number;
  let high = 0;
  if (kind.bytes === 8) {
    if (typeof key !== 'bigint') wrongValue(`a map with keys of type ${kind.name}`, 'a bigint', key);
    low = Number(BigInt.asIntN(32, key));
    high = Number(BigInt.asIntN(32, key >> 32n));
  } else {
    if (!Number.isInteger(key)) wrongValue(`a map with keys of type ${kind.name}`, 'an integer', key);
    low = (key as number) & (kind.bytes === 4 ? -1 : (1 << (kind.bytes * 8)) - 1);
  }
  return { hash: mix(mix(seed ^ low) ^ high), bytes: noBytes, at: 0, length: 0, low, high };
}

/** Whether the key in memory is the one that is being looked for. */
export function isKeyAt(ctx: Context, kind: Kind<unknown>, addr: number, k: Sought): boolean {
  const { w, u8 } = ctx;
  if (kind === string) {
    if (w[(addr >>> 2) + 1] !== k.length) return false;
    const at = w[addr >>> 2]!;
    for (let i = 0; i < k.length; i++) if (u8[at + i] !== k.bytes[k.at + i]) return false;
    return true;
  }
  switch (kind.bytes) {
    case 1:
      return u8[addr] === k.low;
    case 2:
      return ctx.u16[addr >>> 1] === k.low;
    case 4:
      return w[addr >>> 2] === k.low;
    default:
      return w[addr >>> 2] === k.low && w[(addr >>> 2) + 1] === k.high;
  }
}

/** The key as it is stored: JavaScript's string becomes one of the heap. May run the collector. */
export function storedKey(ctx: Context, kind: Kind<unknown>, key: unknown): unknown {
  return kind === string && typeof key === 'string' ? newString(ctx, key) : key;
}
