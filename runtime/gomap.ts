// gomap: Go's maps, with integers or strings as keys. The shape is Go's (map.go): a header, 2^B buckets in one object, eight
// entries a bucket, a chain of overflow buckets behind it; the low bits of a hash choose the bucket, the high ones stand in
// the bucket's head, so that most entries are passed over without looking at their keys.
//
//   hmap  +-------+-----+----------+------+---------+        bucket  +---------+--------+----------+----------+
//         | count | log2 | overflow | seed | buckets | -> [0] [1] …  | tops x8 | keys x8 | values x8 | overflow | -> …
//         +-------+-----+----------+------+---------+                +---------+--------+----------+----------+
//
// Buckets have a type of their own, so the collector scans keys, values and chains precisely. Growing moves all entries at
// once; Go moves two buckets at each write.
//
// An iteration begins at a bucket and an entry that the seed chooses and goes on over the buckets of that moment. When the
// map has grown since, it looks each of their keys up in the new ones: what is gone is passed over, nothing comes twice.
import type { RType } from '../heap/types.ts';
import type { Context } from './context.ts';
import { GoString } from './gostring.ts';
import { label, plain } from './internal/look.ts';
import { gopanic } from './internal/throw.ts';
import { kindOf, sameKind, typeOfKind, type ValueOf } from './kinds.ts';
import { isKeyAt, isKeyKind, type Sought, soughtKey, storedKey } from './mapkey.ts';
import { boundsPanic } from './sequence.ts';
import { wrongValue } from './struct.ts';
import { closeTemps, openTemps, rootAll, setTemp } from './temps.ts';
import { clearValue, copyValues, type Field, Handle, Kind, maxValueBytes, ownHandle, ValueHandle } from './value.ts';

/** Word offsets of a map's header. */
const enum HMap {
  /** entries */
  count,
  /** log2 of the number of buckets */
  log2,
  /** overflow buckets */
  overflow,
  /** of the hash; chosen when the map is made */
  seed,
  /** the bucket array; nil until the first entry */
  buckets,
  words,
}

const bucketEntries = 8;
/** Go's load factor: 13/2 entries a bucket. */
const loadNumerator = 13;
const loadDenominator = 2;
/** Top byte of a free entry; those of hashes are above. */
const freeTop = 0;

/** What may be given as a key: a string also as JavaScript's. */
export type KeyArg<K> = K extends GoString ? GoString | string : K;

/** The type of maps from K to V. */
export interface MapField<K extends Field<unknown>, V extends Field<unknown>> extends Kind<GoMap<ValueOf<K>, ValueOf<V>>> {
  readonly mapOf: { readonly key: K; readonly value: V };
}

/** One bucket: where its parts are. */
class BucketKind extends Kind<never> {
  readonly values: number;
  readonly next: number;
  override readonly hostWords: readonly number[];
  constructor(
    readonly key: Kind<unknown>,
    readonly value: Kind<unknown>,
  ) {
    const up = (n: number, align: number) => Math.ceil(n / align) * align;
    const keys = bucketEntries; // a byte each before them
    const values = up(keys + bucketEntries * key.bytes, value.align);
    const next = up(values + bucketEntries * value.bytes, 4);
    const words = (of: (kind: Kind<unknown>) => readonly number[]) =>
      [
        { kind: key, at: keys },
        { kind: value, at: values },
      ].flatMap(({ kind, at }) =>
        Array.from({ length: bucketEntries }, (_, i) => of(kind).map((word) => ((at + i * kind.bytes) >>> 2) + word)).flat(),
      );
    super(`map.bucket[${key.name}]${value.name}`, up(next + 4, 8), 8, [...words((kind) => kind.ptrWords), next >>> 2]);
    this.hostWords = words((kind) => kind.hostWords);
    this.values = values;
    this.next = next;
  }
  keyAt(bucket: number, i: number): number {
    return bucket + bucketEntries + i * this.key.bytes;
  }
  valueAt(bucket: number, i: number): number {
    return bucket + this.values + i * this.value.bytes;
  }
  override part(offset: number): string {
    if (offset < bucketEntries) return `.tophash[${offset}]`;
    if (offset >= this.next) return '.overflow';
    const [name, kind, at] =
      offset < this.values ? (['keys', this.key, bucketEntries] as const) : (['values', this.value, this.values] as const);
    const i = Math.floor((offset - at) / kind.bytes);
    return `.${name}[${i}]${kind.part(offset - at - i * kind.bytes)}`;
  }
  override load(): never {
    throw new TypeError('a bucket is no value');
  }
  override store(): never {
    return this.load();
  }
  override zero(): never {
    return this.load();
  }
}

/** @internal */
export class MapKind extends Kind<GoMap<unknown, unknown>> {
  readonly bucket: BucketKind;
  constructor(readonly mapOf: { readonly key: Kind<unknown>; readonly value: Kind<unknown> }) {
    super(`map[${mapOf.key.name}]${mapOf.value.name}`, 4, 4, [0]);
    this.bucket = new BucketKind(mapOf.key, mapOf.value);
  }
  override load(ctx: Context, addr: number): GoMap<unknown, unknown> {
    return new GoMap(ctx, ctx.w[addr >>> 2]!, this);
  }
  override get isPointer(): boolean {
    return true;
  }
  override withPointer(ctx: Context, header: number): GoMap<unknown, unknown> {
    return new GoMap(ctx, header, this);
  }
  override store(ctx: Context, addr: number, value: GoMap<unknown, unknown>): void {
    ownHandle(ctx, value);
    ctx.mutator.storePointer(addr >>> 2, this.rootOf(value));
  }
  override zero(ctx: Context): GoMap<unknown, unknown> {
    return new GoMap(ctx, 0, this);
  }
  override rootOf(value: unknown): number {
    if (!(value instanceof GoMap) || !sameKind(value.type, this)) wrongValue(`a value of type ${this.name}`, 'such a map', value);
    value.live();
    return value.addr;
  }
  override bind(owner: Kind<unknown>): Kind<GoMap<unknown, unknown>> {
    return mapKind(this.mapOf.key, this.mapOf.value.bind(owner));
  }
}

const maps = new WeakMap<Kind<unknown>, Map<Kind<unknown>, MapKind>>();

function mapKind(key: Kind<unknown>, value: Kind<unknown>): MapKind {
  let byKey = maps.get(value);
  if (byKey === undefined) maps.set(value, (byKey = new Map()));
  let kind = byKey.get(key);
  if (kind === undefined) byKey.set(key, (kind = new MapKind({ key, value })));
  return kind;
}

/**
 * The type of maps: `map(string, i32)`. TypeError for a key that is neither an integer nor a string, RangeError for a value
 * that is too large.
 */
export function map<K extends Field<unknown>, V extends Field<unknown>>(key: K, value: V): MapField<K, V> {
  const [k, v] = [kindOf(key, 'map'), kindOf(value, 'map')];
  if (!isKeyKind(k)) throw new TypeError(`map[${k.name}]${v.name}: a key is an integer or a string`);
  if (v.bytes * bucketEntries > maxValueBytes)
    throw new RangeError(`map[${k.name}]${v.name}: a value has at most ${maxValueBytes / bucketEntries} bytes`);
  return mapKind(k, v) as unknown as MapField<K, V>;
}

/** @internal make(map[K]V, hint). Source: makemap. */
export function makeMap(ctx: Context, type: Kind<unknown>, hint: number): GoMap<unknown, unknown> {
  const temps = openTemps(ctx, 1);
  try {
    const header = ctx.mutator.newObject(headerType(ctx));
    setTemp(ctx, temps, 0, header);
    ctx.w[(header >>> 2) + HMap.seed] = ctx.mapRand.next();
    let log2 = 0;
    while (tooFull(hint, log2) && log2 < 20) log2++;
    const made = new GoMap(ctx, header, type as MapKind);
    if (log2 > 0) {
      ctx.w[(header >>> 2) + HMap.log2] = log2;
      ctx.mutator.storePointer((header >>> 2) + HMap.buckets, newBuckets(ctx, (type as MapKind).bucket, 1 << log2));
    }
    return made;
  } finally {
    closeTemps(ctx, temps);
  }
}

function headerType(ctx: Context): RType {
  const { types } = ctx.machine.heap;
  return types.named('runtime.hmap') ?? types.define('runtime.hmap', HMap.words * 4, [HMap.buckets]);
}

function newBuckets(ctx: Context, kind: BucketKind, n: number): number {
  if (n * kind.bytes > 2 ** 30) boundsPanic('map: too many buckets');
  return ctx.mutator.mallocgc(n * kind.bytes, typeOfKind(ctx, kind));
}

/** More than 8 entries, and more than 6.5 a bucket. Source: overLoadFactor. */
function tooFull(count: number, log2: number): boolean {
  return count > bucketEntries && count * loadDenominator > loadNumerator * 2 ** log2;
}

/** As many overflow buckets as buckets: entries were deleted, the rest lies thin. Source: tooManyOverflowBuckets. */
function tooManyOverflow(overflow: number, log2: number): boolean {
  return overflow >= 1 << Math.min(log2, 15);
}

const topOf = (hash: number) => Math.max(hash >>> 24, freeTop + 1);

/** A map. A nil one can be read. */
export class GoMap<K, V> extends ValueHandle {
  /** @internal Address of the value that `find` found, of its bucket, and the entry in it. */
  private at = 0;
  private bucket = 0;
  private entry = 0;

  /** @internal */
  constructor(
    ctx: Context,
    addr: number,
    /** @internal */ readonly type: MapKind,
  ) {
    super(ctx, addr);
  }

  /** @internal */
  override [label](): string {
    return this.type.name;
  }

  /** @internal The entries are left out: their order would take a number from the seed. */
  override [plain](): unknown {
    return { length: this.length };
  }

  /** Whether it is nil: it takes no entries. */
  get isNil(): boolean {
    return this.addr === 0;
  }

  /** Number of entries. Go's len. */
  get length(): number {
    return this.addr === 0 ? 0 : this.ctx.w[this.looked(false) + HMap.count]!;
  }

  /** m[key]: the zero value when there is none. A struct or an array is a copy; then it may run the collector. */
  get(key: KeyArg<K>): V {
    return (this.find(key) ? this.read(this.at) : this.type.mapOf.value.zero(this.ctx)) as V;
  }

  /** v, ok := m[key]. */
  get2(key: KeyArg<K>): [V, boolean] {
    const found = this.find(key);
    return [(found ? this.read(this.at) : this.type.mapOf.value.zero(this.ctx)) as V, found];
  }

  /** Whether there is an entry for a key. */
  has(key: KeyArg<K>): boolean {
    return this.find(key);
  }

  /** m[key] = value. May run the collector. Panics when the map is nil. Source: mapassign. */
  set(key: KeyArg<K>, value: V): void {
    const { ctx, type } = this;
    if (this.addr === 0) gopanic('assignment to entry in nil map');
    const h = this.looked(true);
    const sought = soughtKey(ctx, type.mapOf.key, key, ctx.w[h + HMap.seed]!);
    const { hash } = sought; // growing looks for keys as well
    if (this.search(sought)) {
      if (key instanceof GoString) this.replace(key, value);
      else type.mapOf.value.store(ctx, this.at, value);
      return;
    }
    const temps = openTemps(ctx, 3);
    try {
      setTemp(ctx, temps, 0, this.addr);
      rootAll(ctx, [key, value]);
      const stored = storedKey(ctx, type.mapOf.key, key);
      if (stored instanceof Handle) setTemp(ctx, temps, 1, stored.addr);
      const { w } = ctx;
      const log2 = w[h + HMap.log2]!;
      if (w[h + HMap.buckets] === 0) ctx.mutator.storePointer(h + HMap.buckets, newBuckets(ctx, type.bucket, 1));
      else if (tooFull(w[h + HMap.count]! + 1, log2)) this.grow(h, log2 + 1, temps);
      else if (tooManyOverflow(w[h + HMap.overflow]!, log2)) this.grow(h, log2, temps);
      const index = hash & ((1 << w[h + HMap.log2]!) - 1);
      this.findFree(h, w[h + HMap.buckets]! + index * type.bucket.bytes);
      type.bucket.value.store(ctx, type.bucket.valueAt(this.bucket, this.entry), value); // first: it may be of another type
      type.bucket.key.store(ctx, type.bucket.keyAt(this.bucket, this.entry), stored);
      ctx.u8[this.bucket + this.entry] = topOf(hash);
      w[h + HMap.count]!++;
    } finally {
      closeTemps(ctx, temps);
    }
  }

  /** Puts both into the entry that was found: an equal string may have its bytes elsewhere, and those of the old one may go. */
  private replace(key: GoString, value: V): void {
    const { ctx, type, bucket, entry } = this;
    const temps = openTemps(ctx, 3);
    try {
      setTemp(ctx, temps, 0, this.addr);
      setTemp(ctx, temps, 1, key.addr);
      rootAll(ctx, [value]);
      type.mapOf.value.store(ctx, this.at, value); // first: it may be of another type
      type.bucket.key.store(ctx, type.bucket.keyAt(bucket, entry), key);
    } finally {
      closeTemps(ctx, temps);
    }
  }

  /** delete(m, key). Source: mapdelete. */
  delete(key: KeyArg<K>): void {
    if (!this.find(key)) return;
    this.looked(true);
    const { ctx, type, bucket, entry } = this;
    ctx.u8[bucket + entry] = freeTop;
    clearValue(ctx, type.bucket.key, type.bucket.keyAt(bucket, entry));
    clearValue(ctx, type.bucket.value, type.bucket.valueAt(bucket, entry));
    ctx.w[(this.addr >>> 2) + HMap.count]!--;
    ctx.mutator.afterStores(); // nothing roots the map here: last
  }

  /**
   * The entries, in an order that the seed decides; each iteration has its own. Entries may be deleted and added meanwhile:
   * one deleted before it was reached does not come, one added may come or not. It keeps the map and its buckets until it is over, or
   * the function ends that began it. Source: mapiterinit, mapiternext.
   */
  *[Symbol.iterator](): Generator<[K, V], void, void> {
    const { ctx, type } = this;
    if (this.addr === 0) return;
    const h = this.looked(false);
    const start = ctx.w[h + HMap.buckets]!;
    if (start === 0) return; // nothing was put in yet
    const { machine, w, u8 } = ctx;
    const pins = [machine.pin(this.addr), machine.pin(start)]; // the loop's body may allocate, yield and change the map
    const unpin = () => {
      for (let pin = pins.pop(); pin !== undefined; pin = pins.pop()) machine.unpin(pin);
    };
    const takeBack = ctx.panics.onEnd(unpin); // who leaves an iterator alone never comes to `finally`
    try {
      const n = 1 << w[h + HMap.log2]!;
      const r = ctx.mapRand.next() >>> 0;
      for (let b = 0; b < n; b++) {
        for (let bucket = start + ((b + r) & (n - 1)) * type.bucket.bytes; bucket !== 0; bucket = w[(bucket + type.bucket.next) >>> 2]!) {
          for (let i = 0; i < bucketEntries; i++) {
            const entry = (i + (r >>> 29)) & (bucketEntries - 1);
            if (u8[bucket + entry] === freeTop) continue;
            const key = type.mapOf.key.load(ctx, type.bucket.keyAt(bucket, entry)) as KeyArg<K>;
            let at = type.bucket.valueAt(bucket, entry);
            if (w[h + HMap.buckets] !== start) {
              if (!this.find(key)) continue;
              at = this.at;
            }
            yield [key as K, this.read(at) as V];
            if (pins.length === 0) throw new TypeError('an iterator of a map was used after the function that began it had ended');
          }
        }
      }
    } finally {
      takeBack();
      unpin();
    }
  }

  /** The value at an address; a place becomes a copy, because the place is the map's. */
  private read(at: number): unknown {
    const { ctx, addr } = this;
    const { value } = this.type.mapOf;
    if (!value.loadsPlace) return value.load(ctx, at);
    const temps = openTemps(ctx, 3);
    try {
      setTemp(ctx, temps, 0, addr);
      setTemp(ctx, temps, 1, at);
      const copy = value.zero(ctx) as Handle;
      setTemp(ctx, temps, 2, copy.addr);
      copyValues(ctx, value, copy.addr, at, 1);
      return copy;
    } finally {
      closeTemps(ctx, temps);
    }
  }

  /** The word of the header, which is there; a map is one variable to whoever watches accesses, as in Go's race detector. */
  private looked(writes: boolean): number {
    if (this.serial !== 0) this.accessed(this.addr, 4, writes, () => `a ${this.type.name}`);
    return this.addr >>> 2;
  }

  /** Looks a key up. */
  private find(key: unknown): boolean {
    const { ctx, type, addr } = this;
    const sought = soughtKey(ctx, type.mapOf.key, key, addr === 0 ? 0 : ctx.w[this.looked(false) + HMap.seed]!);
    return addr !== 0 && this.search(sought);
  }

  private search(k: Sought): boolean {
    const { ctx, type, addr } = this;
    const { w, u8 } = ctx;
    const h = addr >>> 2;
    if (w[h + HMap.count] === 0) return false;
    const top = topOf(k.hash);
    let bucket = w[h + HMap.buckets]! + (k.hash & ((1 << w[h + HMap.log2]!) - 1)) * type.bucket.bytes;
    for (; bucket !== 0; bucket = w[(bucket + type.bucket.next) >>> 2]!) {
      for (let i = 0; i < bucketEntries; i++) {
        if (u8[bucket + i] !== top || !isKeyAt(ctx, type.bucket.key, type.bucket.keyAt(bucket, i), k)) continue;
        this.bucket = bucket;
        this.entry = i;
        this.at = type.bucket.valueAt(bucket, i);
        return true;
      }
    }
    return false;
  }

  /** Finds a free entry in a chain, or makes one. */
  private findFree(h: number, first: number): void {
    const { ctx, type } = this;
    const { u8, w } = ctx;
    for (let bucket = first; ; ) {
      for (let i = 0; i < bucketEntries; i++) {
        if (u8[bucket + i] !== freeTop) continue;
        this.bucket = bucket;
        this.entry = i;
        return;
      }
      const next = (bucket + type.bucket.next) >>> 2;
      if (w[next] === 0) {
        ctx.mutator.storePointer(next, newBuckets(ctx, type.bucket, 1));
        w[h + HMap.overflow]!++;
      }
      bucket = w[next]!;
    }
  }

  /** Moves all entries into 2^log2 new buckets; slot 2 of temps roots them meanwhile. Source: hashGrow, evacuate. */
  private grow(h: number, log2: number, temps: number): void {
    const { ctx, type } = this;
    const { w, u8 } = ctx;
    const kind = type.bucket;
    const buckets = newBuckets(ctx, kind, 1 << log2);
    setTemp(ctx, temps, 2, buckets);
    const old = w[h + HMap.buckets]!;
    const oldCount = 1 << w[h + HMap.log2]!;
    w[h + HMap.overflow] = 0;
    for (let b = 0; b < oldCount; b++) {
      for (let bucket = old + b * kind.bytes; bucket !== 0; bucket = w[(bucket + kind.next) >>> 2]!) {
        for (let i = 0; i < bucketEntries; i++) {
          if (u8[bucket + i] === freeTop) continue;
          const { hash } = soughtKey(ctx, kind.key, kind.key.load(ctx, kind.keyAt(bucket, i)), w[h + HMap.seed]!);
          this.findFree(h, buckets + (hash & ((1 << log2) - 1)) * kind.bytes);
          u8[this.bucket + this.entry] = topOf(hash);
          copyValues(ctx, kind.key, kind.keyAt(this.bucket, this.entry), kind.keyAt(bucket, i), 1);
          copyValues(ctx, kind.value, kind.valueAt(this.bucket, this.entry), kind.valueAt(bucket, i), 1);
        }
      }
    }
    w[h + HMap.log2] = log2;
    ctx.mutator.storePointer(h + HMap.buckets, buckets);
  }
}
