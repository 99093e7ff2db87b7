// mapkey: what a map needs of its keys: integers and strings. A string key may be given as JavaScript's; it becomes one of the
// heap only when it is put into the map. The hash is ours (FNV-1a over bytes, murmur3's finaliser), seeded for each map.
import type { Context } from './context.ts';
import { GoString, newString, string } from './gostring.ts';
import { utf8Length, utf8Write } from './internal/utf8.ts';
import { wrongValue } from './struct.ts';
import type { Kind } from './value.ts';

/** A key that is being looked for: its bytes, wherever they are. */
export interface Sought {
  hash: number;
  /** string: the bytes are [at, at + length) of `bytes`. */
  bytes: Uint8Array;
  at: number;
  length: number;
  /** An integer as the words in memory. */
  low: number;
  high: number;
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

/** The one that is being looked for now: looking up makes no object. */
const sought: Sought = { hash: 0, bytes: new Uint8Array(0), at: 0, length: 0, low: 0, high: 0 };

/** Whether keys of a kind can be hashed here. */
export function isKeyKind(kind: Kind<unknown>): boolean {
  return kind === string || /^u?int(8|16|32|64)$/.test(kind.name);
}

/** Looks at a key: TypeError when it is none of this kind. An integer wraps as it does when it is stored. Valid until the next call. */
export function soughtKey(ctx: Context, kind: Kind<unknown>, key: unknown, seed: number): Sought {
  if (kind === string) {
    soughtText(ctx, key);
    sought.hash = hashBytes(seed, sought.bytes, sought.at, sought.length);
    return sought;
  }
  if (kind.bytes === 8) {
    if (typeof key !== 'bigint') wrongValue(`a map with keys of type ${kind.name}`, 'a bigint', key);
    sought.low = Number(BigInt.asIntN(32, key));
    sought.high = Number(BigInt.asIntN(32, key >> 32n));
  } else {
    if (!Number.isInteger(key)) wrongValue(`a map with keys of type ${kind.name}`, 'an integer', key);
    sought.low = (key as number) & (kind.bytes === 4 ? -1 : (1 << (kind.bytes * 8)) - 1);
    sought.high = 0;
  }
  sought.hash = mix(mix(seed ^ sought.low) ^ sought.high);
  return sought;
}

function soughtText(ctx: Context, key: unknown): void {
  if (key instanceof GoString) {
    key.live();
    sought.bytes = ctx.u8;
    sought.at = key.addr;
    sought.length = key.length;
    return;
  }
  if (typeof key !== 'string') wrongValue('a map with keys of type string', 'a string', key);
  sought.length = utf8Length(key);
  sought.bytes = new Uint8Array(sought.length);
  sought.at = 0;
  utf8Write(key, sought.bytes, 0);
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
