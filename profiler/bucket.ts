// bucket: where the profiler keeps its numbers. A bucket is one (kind, size, call stack); a hash table finds it.
//
// Buckets lie in off-heap memory, are made lazily, never move and are never freed. The table (179999 words) is allocated
// with the first bucket. Source: mprof.go bucket, stkbucket, buckhash.
//
//   word  0     1        2    3     4     5     6 …              next multiple of 8
//        +-----+--------+----+-----+-----+-----+------------+---+------------------------------+
//        | next| allNext|kind| hash| size| nstk| stk[nstk]  |pad| counters: Stage, BlockRecord |
//        +-----+--------+----+-----+-----+-----+------------+---+------------------------------+
//
// Invariants: P1 a bucket is in exactly one hash chain, that of hash % 179999, and in exactly one all-list, newest first.
//             P2 no two buckets agree in kind, size and stack.
import { alignUp } from '../runtime/internal/bits.ts';
import type { Addr, Arena } from '../runtime/internal/memory.ts';
import { Sys, type SysMem } from '../runtime/internal/sysmem.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import type { ProfLock } from './proflock.ts';

/** Slots of the hash table, Go's buckHashSize. */
export const buckHashSize = 179999;
/** Deepest recorded stack, Go's maxStack: deeper ones keep their 32 innermost frames. */
export const maxStack = 32;

/** What a bucket counts. Go's bucketType. */
export const enum BucketKind {
  mem = 1,
  block = 2,
  mutex = 3,
}

/** Word offsets of a bucket's head; the stack follows at `stk`. */
export const enum Bucket {
  next,
  allNext,
  kind,
  hash,
  size,
  nstk,
  stk,
}

/** Offsets of the counters of a block or mutex bucket, in doubles. Go's blockRecord. */
export const enum BlockRecord {
  /** not always whole: see blockprof.ts */
  count,
  cycles,
  doubles,
}

/** Go's stack hash in 32-bit arithmetic: Jenkins' one-at-a-time over the pcs and then the size. */
export function stackHash(stk: ArrayLike<number>, nstk: number, size: number): number {
  let h = 0;
  for (let i = 0; i < nstk; i++) {
    h = (h + stk[i]!) | 0;
    h = (h + (h << 10)) | 0;
    h ^= h >>> 6;
  }
  h = (h + size) | 0;
  h = (h + (h << 10)) | 0;
  h ^= h >>> 6;
  h = (h + (h << 3)) | 0;
  h ^= h >>> 11;
  return h >>> 0;
}

/** Which chain a hash belongs to: hash % 179999, in int32, because the modulo of a number beyond 2^31 is a slow one of doubles. */
function chainOf(hash: number): number {
  const i = ((hash >>> 1) % buckHashSize) * 2 + (hash & 1);
  return i < buckHashSize ? i : i - buckHashSize;
}

/** A power of two. */
const recentSlots = 256;

/** The table of all buckets of one machine. */
export class BucketTable {
  private hashBase: Addr = 0;
  private readonly heads = new Int32Array(BucketKind.mutex + 1);
  private readonly counts = new Int32Array(BucketKind.mutex + 1);
  private readonly w: Int32Array;
  /** Buckets that were found lately, by leaf and size: a loop allocates at few places, and to compare a stack is less than to hash it. */
  private readonly recent = new Int32Array(recentSlots);

  /** counterBytes: room for the counters of every memory bucket, a multiple of 8. */
  constructor(
    private readonly sys: SysMem,
    arena: Arena,
    private readonly counterBytes: number,
    /** Taken while a bucket is put in. (In 2014 the caller holds proflock.) */
    private readonly insertLock: ProfLock,
  ) {
    this.w = arena.i32;
  }

  /** The newest bucket of a kind; go on with allNext. 0 ends the list. */
  first(kind: BucketKind): Addr {
    return this.heads[kind]!;
  }

  /** Number of buckets of a kind. */
  count(kind: BucketKind): number {
    return this.counts[kind]!;
  }

  /** Base word of the hash table's slots, or 0 while there is none; for checks. */
  get hashWords(): number {
    return this.hashBase >>> 2;
  }

  /** Index of the bucket's first counter in the arena's doubles. */
  counters(b: Addr): number {
    return alignUp(b + (Bucket.stk + this.w[(b >>> 2) + Bucket.nstk]!) * 4, 8) >>> 3;
  }

  /**
   * The bucket of (kind, size, stk[0:nstk]); makes it when it is not there and alloc says so, else returns 0.
   * Order of the pcs matters. Source: mprof.go stkbucket.
   */
  stkbucket(kind: BucketKind, size: number, stk: ArrayLike<number>, nstk: number, alloc: boolean): Addr {
    if (this.hashBase === 0) {
      this.insertLock.lock();
      this.hashBase = this.sys.sysAlloc(buckHashSize * 4, Sys.buckHash);
      this.insertLock.unlock();
      if (this.hashBase === 0) gothrow('runtime: cannot allocate memory');
    }
    const { w, recent } = this;
    const place = nstk === 0 ? 0 : ((stk[0]! >>> 4) ^ (size >>> 3) ^ kind) & (recentSlots - 1);
    const last = recent[place]!;
    if (last !== 0 && this.isBucket(last >>> 2, kind, size, stk, nstk)) return last;
    const hash = stackHash(stk, nstk, size);
    const slot = (this.hashBase >>> 2) + chainOf(hash);
    for (let b = w[slot]!; b !== 0; b = w[(b >>> 2) + Bucket.next]!) {
      if (w[(b >>> 2) + Bucket.hash] === (hash | 0) && this.isBucket(b >>> 2, kind, size, stk, nstk)) return (recent[place] = b);
    }
    return alloc ? (recent[place] = this.insert(slot, kind, hash, size, stk, nstk)) : 0;
  }

  private isBucket(i: number, kind: number, size: number, stk: ArrayLike<number>, nstk: number): boolean {
    const { w } = this;
    if (w[i + Bucket.kind] !== kind || w[i + Bucket.size] !== size || w[i + Bucket.nstk] !== nstk) return false;
    for (let k = 0; k < nstk; k++) if (w[i + Bucket.stk + k] !== (stk[k]! | 0)) return false;
    return true;
  }

  private insert(slot: number, kind: BucketKind, hash: number, size: number, stk: ArrayLike<number>, nstk: number): Addr {
    const { w } = this;
    this.insertLock.lock();
    const bytes = alignUp((Bucket.stk + nstk) * 4, 8) + (kind === BucketKind.mem ? this.counterBytes : BlockRecord.doubles * 8);
    const b = this.sys.persistentAlloc(bytes, 8, Sys.buckHash);
    const i = b >>> 2;
    w[i + Bucket.kind] = kind;
    w[i + Bucket.hash] = hash;
    w[i + Bucket.size] = size;
    w[i + Bucket.nstk] = nstk;
    for (let k = 0; k < nstk; k++) w[i + Bucket.stk + k] = stk[k]!;
    w[i + Bucket.next] = w[slot]!;
    w[slot] = b;
    w[i + Bucket.allNext] = this.heads[kind]!;
    this.heads[kind] = b;
    this.counts[kind]!++;
    this.insertLock.unlock();
    return b;
  }

  /**
   * What is wrong with the table, `number: fact`. P1: each bucket of a list is in its hash's chain, once, and knows its hash;
   * P2: no two agree in kind, size and stack. Looks into the chains of listed buckets only, not into 179,999.
   */
  findings(): string[] {
    const { w } = this;
    const out: string[] = [];
    const keys = new Set<string>();
    const listed = new Set<Addr>();
    for (let kind: BucketKind = BucketKind.mem; kind <= BucketKind.mutex; kind++) {
      let n = 0;
      for (let b: Addr = this.heads[kind]!; b !== 0; b = w[(b >>> 2) + Bucket.allNext]!, n++) {
        if (listed.has(b)) {
          out.push(`P1: bucket ${b} is twice in the lists of all buckets`);
          break; // the list may be a ring
        }
        listed.add(b);
        if (w[(b >>> 2) + Bucket.kind] !== kind)
          out.push(`P1: bucket ${b} of kind ${w[(b >>> 2) + Bucket.kind]} is in the list of kind ${kind}`);
        this.checkChain(b, out);
        const key = `kind ${kind}, size ${this.size(b)}, stack ${this.stack(b).join(' ')}`;
        if (keys.has(key)) out.push(`P2: two buckets of ${key}`);
        keys.add(key);
      }
      if (n !== this.counts[kind]) out.push(`P1: ${n} buckets of kind ${kind} are listed, ${this.counts[kind]} were made`);
    }
    return out;
  }

  private checkChain(b: Addr, out: string[]): void {
    const { w } = this;
    const stack = this.stack(b);
    const hash = stackHash(stack, stack.length, this.size(b));
    if (w[(b >>> 2) + Bucket.hash] !== (hash | 0))
      out.push(`P1: bucket ${b} has hash ${w[(b >>> 2) + Bucket.hash]! >>> 0}, wanted ${hash}`);
    let n = 0;
    for (let at: Addr = w[this.hashWords + (hash % buckHashSize)]!; at !== 0; at = w[(at >>> 2) + Bucket.next]!) if (at === b) n++;
    if (n !== 1) out.push(`P1: bucket ${b} is ${n} times in the chain of hash ${hash}`);
  }

  /** Copies the bucket's stack, leaf first. */
  stack(b: Addr): number[] {
    const { w } = this;
    const first = (b >>> 2) + Bucket.stk;
    const out: number[] = [];
    for (let k = 0, n = w[(b >>> 2) + Bucket.nstk]!; k < n; k++) out.push(w[first + k]! >>> 0);
    return out;
  }

  /** Object size in bytes of a memory bucket; 0 for block and mutex buckets. */
  size(b: Addr): number {
    return this.w[(b >>> 2) + Bucket.size]!;
  }
}
