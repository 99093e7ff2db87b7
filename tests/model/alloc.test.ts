// The allocator against a Map: random programs of allocations, pointer stores, dropped roots and collections.
//
// The model knows every object that was made: where it is, how large, what was written into it, whom it points to. After
// each operation the heap walker must find nothing; what the roots reach must be there, whole, and apart from everything
// else; after a collection nothing else may be there.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundUpSize } from '../../heap/sizeclasses.ts';
import type { Machine } from '../../runtime/machine.ts';
import { countFindings, drawing, pagesMachine, releaseCaches, sound } from '../unit/heap/support.ts';

type Op =
  | { readonly op: 'alloc'; readonly bytes: number; readonly noscan: boolean; readonly p: number; readonly keep: boolean }
  | { readonly op: 'link'; readonly from: number; readonly to: number; readonly word: number }
  | { readonly op: 'drop'; readonly which: number }
  | { readonly op: 'start' | 'collect' | 'release' }
  | { readonly op: 'step'; readonly n: number };

// Small, odd and border sizes of several classes; large ones; tiny ones among the noscan.
const sizes = [1, 3, 8, 15, 16, 17, 24, 48, 100, 112, 500, 1024, 1025, 4096, 9000, 32768, 32769, 60000];
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('alloc' as const),
      bytes: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...sizes.slice(0, 12)) }, fc.constantFrom(...sizes)),
      noscan: fc.boolean(),
      p: fc.nat(2),
      keep: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('link' as const), from: fc.nat(), to: fc.nat(), word: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('drop' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('step' as const), n: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('start' as const, 'collect' as const, 'release' as const) }) },
);

interface Thing {
  readonly id: number;
  readonly addr: number;
  readonly bytes: number;
  /** Shares a block with others. */
  readonly tiny: boolean;
  /** Words that may hold pointers, and what they hold; null for objects without pointers. */
  readonly edges: Map<number, Thing> | null;
}

/** The byte that every byte of an object holds, but for its pointer words. */
const stamp = (t: Thing) => 1 + (t.id % 255);

class Play {
  readonly m: Machine;
  /** Pins and what they hold. */
  private readonly roots: { pin: number; thing: Thing }[] = [];
  /** Every object that was made and may still be there, by address of its first byte. */
  private readonly made = new Map<number, Thing>();
  private nextId = 0;

  constructor() {
    this.m = pagesMachine(120, { checkHeap: true, checkMark: true });
  }

  do(op: Op): void {
    const { m } = this;
    switch (op.op) {
      case 'alloc':
        if (m.heap.pages.inUse + 30 > 120) this.collect();
        this.alloc(op.bytes, op.noscan, op.p, op.keep);
        break;
      case 'link':
        this.link(op.from, op.to, op.word);
        break;
      case 'drop':
        if (this.roots.length > 0) m.unpin(this.roots.splice(op.which % this.roots.length, 1)[0]!.pin);
        break;
      case 'start':
        m.gc.start(false);
        break;
      case 'step':
        m.gc.step(op.n);
        break;
      case 'release':
        if (!m.gc.marking) releaseCaches(m); // as a P does that is taken away
        break;
      default:
        this.collect();
    }
    this.check();
  }

  private alloc(bytes: number, noscan: boolean, p: number, keep: boolean): void {
    const { m } = this;
    const type = noscan ? m.heap.types.define('bytes', 4, []) : m.heap.types.define('[]cell', 8, [1]); // a value word and a pointer
    const addr = m.mutators[p]!.mallocgc(bytes, type);
    const thing: Thing = { id: this.nextId++, addr, bytes, tiny: noscan && bytes < 16, edges: noscan ? null : new Map() };
    this.isApart(thing);
    const size = thing.tiny ? bytes : roundUpSize(bytes);
    const slot = m.arena.u8.subarray(addr, addr + size);
    if (slot.some((byte) => byte !== 0)) throw new Error(`object of ${bytes} bytes at 0x${addr.toString(16)} is not zero`);
    if (!thing.tiny) {
      m.heap.writeBack();
      expect([m.heap.isObject(addr), m.heap.mspan.elemSize[m.heap.spanOf(addr)]], `${bytes} bytes`).toEqual([true, roundUpSize(bytes)]);
    }
    for (let i = 0; i < size; i++) if (thing.edges === null || (i & 4) === 0) slot[i] = stamp(thing);
    this.made.set(addr, thing);
    if (keep) this.roots.push({ pin: m.pin(addr), thing });
  }

  /** A new object takes no byte of one that is still reachable. */
  private isApart(thing: Thing): void {
    const end = (t: Thing) => t.addr + (t.tiny ? t.bytes : roundUpSize(t.bytes));
    for (const other of this.reachable()) {
      if (thing.addr < end(other) && other.addr < end(thing)) {
        throw new Error(
          `objects of ${thing.bytes} bytes at 0x${thing.addr.toString(16)} and of ${other.bytes} at 0x${other.addr.toString(16)} overlap`,
        );
      }
    }
    for (const [addr, old] of this.made) if (thing.addr < end(old) && addr < end(thing)) this.made.delete(addr); // that one was freed
  }

  /** Stores a pointer from one reachable object to another. */
  private link(from: number, to: number, word: number): void {
    const all = [...this.reachable()];
    const holders = all.filter((t) => t.edges !== null && t.bytes >= 8);
    if (holders.length === 0) return;
    const holder = holders[from % holders.length]!;
    const target = all[to % all.length]!;
    const cell = word % Math.floor(holder.bytes / 8);
    this.m.mutator.storePointer((holder.addr >>> 2) + cell * 2 + 1, target.addr);
    holder.edges!.set(cell, target);
  }

  private reachable(): Set<Thing> {
    const found = new Set<Thing>();
    const todo = this.roots.map((r) => r.thing);
    for (let t = todo.pop(); t !== undefined; t = todo.pop()) {
      if (found.has(t)) continue;
      found.add(t);
      if (t.edges !== null) todo.push(...t.edges.values());
    }
    return found;
  }

  /** A whole collection: what is there afterwards is what the roots reach, and nothing else. */
  collect(): void {
    const { m } = this;
    m.gc.collect();
    m.gc.collect(); // the first may have begun before the last root was dropped; a tiny block being filled outlives one
    m.heap.writeBack();
    const reachable = this.reachable();
    const blocks = new Set<number>();
    for (const thing of reachable) blocks.add(m.heap.objectBase(thing.addr));
    for (const [addr, thing] of this.made) {
      if (reachable.has(thing)) continue;
      this.made.delete(addr);
      const base = m.heap.objectBase(addr);
      if (!blocks.has(base) && m.heap.isObject(base))
        throw new Error(`object ${thing.id} at 0x${addr.toString(16)} is dead and was not freed`);
    }
    const { mallocs, frees } = m.heap.stats.totals();
    expect(mallocs + m.heap.cachedAllocs() - frees, 'mallocs - frees').toBe(blocks.size);
  }

  /** What the roots reach is there and holds what was written; the heap is sound. */
  private check(): void {
    const { m } = this;
    sound(m);
    const { u8, i32 } = m.arena;
    for (const t of this.reachable()) {
      const base = m.heap.objectBase(t.addr);
      if (!m.heap.isObject(base) || (!t.tiny && base !== t.addr))
        throw new Error(`object ${t.id} at 0x${t.addr.toString(16)} is reachable and gone`);
      for (let i = 0; i < t.bytes; i++) {
        if ((t.edges === null || (i & 4) === 0) && u8[t.addr + i] !== stamp(t)) {
          throw new Error(
            `object ${t.id} of ${t.bytes} bytes at 0x${t.addr.toString(16)}: byte ${i} is ${u8[t.addr + i]}, written was ${stamp(t)}`,
          );
        }
      }
      for (const [cell, target] of t.edges ?? []) {
        if (i32[(t.addr >>> 2) + cell * 2 + 1] !== target.addr) throw new Error(`object ${t.id}: pointer ${cell} changed`);
      }
    }
  }
}

const run = (ops: readonly Op[]): Play => {
  const play = new Play();
  for (const op of ops) {
    try {
      play.do(op);
    } catch (error) {
      throw new Error(`${JSON.stringify(op)}: ${error instanceof Error ? error.message : String(error)}\n${drawing(play.m)}`);
    }
  }
  play.collect();
  return play;
};

test('random programs: objects are apart, whole while they are reachable, and freed by the next collection when they are not', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80, size: 'max' }), (ops) => void run(ops)),
    { numRuns: 120 },
  );
});

test('the same program twice puts every object at the same address', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80, size: 'max' }), (ops) => {
      const digests = [0, 1].map(() => {
        const play = new Play();
        const digest = play.m.digest();
        for (const op of ops) play.do(op);
        return String(digest);
      });
      expect(digests[0]).toBe(digests[1]);
    }),
    { numRuns: 10 },
  );
});

describe('the model can fail', () => {
  const keep = (bytes: number, noscan = true): Op => ({ op: 'alloc', bytes, noscan, p: 0, keep: true });

  test('it notices an object that is freed while it is reachable', () => {
    const play = new Play();
    play.do(keep(100));
    const pin = play['roots'][0]!.pin;
    play.m.arena.i32[pin >>> 2] = 0; // the root is lost behind the model's back
    expect(() => play.collect()).toThrow(/mallocs - frees/);
    expect(() => play.do({ op: 'step', n: 1 })).toThrow(/is reachable and gone/);
  });

  test('it notices an object that is kept though nothing reaches it', () => {
    const play = new Play();
    play.do({ op: 'alloc', bytes: 100, noscan: true, p: 0, keep: false });
    play.m.pin([...play['made'].keys()][0]!);
    expect(() => play.collect()).toThrow(/is dead and was not freed/);
  });

  test('it notices a stray write, an overlap and a count that is off', () => {
    const play = new Play();
    for (const bytes of [48, 100]) play.do(keep(bytes, false));
    const [a, b] = [...play['made'].values()];
    play.m.arena.u8[a!.addr + 8] ^= 1;
    expect(() => play.do({ op: 'step', n: 1 })).toThrow(/byte 8 is \d+, written was/);
    expect(() => play['isApart']({ ...b!, id: 99, addr: b!.addr + 96 })).toThrow(/overlap/);
    play.m.heap.stats.addSmallFrees(5, 1);
    expect(countFindings(play.m).join()).toMatch(/mallocs - frees = 1, spans hold 2 objects/);
  });
});
