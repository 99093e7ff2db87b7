// pool: Go's sync.Pool: things to be used again, which the collector may take. Each P has one at hand and a stack of more;
// who finds nothing looks at the other Ps' oldest, then at what the last cycle left (victims), and then makes a new one.
// At each cycle's start, victims are dropped and the rest become victims: what nobody takes is gone after two cycles.
// Source: sync/pool.go. In the era 2014 a cycle dropped everything.
//
// What is in a pool is a root while it is (holds.ts): in Go the pool itself keeps it, here JavaScript has the pool in hand.

import type { Addr } from '../runtime/internal/memory.ts';
import type { Sched } from './proc.ts';

/** What one P has: values, or slots of holds. */
class PoolLocal<T> {
  private: T | undefined = undefined;
  /** Head at the end: the owner pushes and pops there, others take from the beginning. */
  readonly shared: T[] = [];
}

/** The values of one pool; the layer above knows what they are. */
export class PoolStore<T> {
  private local: PoolLocal<T>[] = [];
  private victim: PoolLocal<T>[] = [];

  constructor(protected readonly pools: Pools) {}

  /** Source: Pool.Put. */
  put(value: T): void {
    const { pools } = this;
    if (this.local.length === 0) pools.inUse.add(this as PoolStore<unknown>);
    const l = (this.local[pools.sched.curp] ??= new PoolLocal());
    if (l.private === undefined) l.private = value;
    else l.shared.push(value);
  }

  /** Takes one; undefined: there is none. Source: Pool.Get, getSlow. */
  get(): T | undefined {
    const p = this.pools.sched.curp;
    return takeOwn(this.local[p]) ?? this.takeTail(this.local, p + 1) ?? takePrivate(this.victim[p]) ?? this.takeTail(this.victim, p);
  }

  /** The oldest of the first P from `from` on that has any. */
  private takeTail(locals: PoolLocal<T>[], from: number): T | undefined {
    const n = Math.max(this.pools.sched.procs, locals.length); // those of Ps that are no more are not lost
    for (let k = 0; k < n; k++) {
      const value = locals[(from + k) % n]?.shared.shift();
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** A cycle begins. keep: as victims. Says whether anything is left. Source: poolCleanup. */
  age(keep: boolean, drop: (value: T) => void): boolean {
    for (const l of this.victim) each(l, drop);
    this.victim = keep ? this.local : [];
    if (!keep) for (const l of this.local) each(l, drop);
    this.local = [];
    return this.victim.length > 0;
  }
}

function each<T>(l: PoolLocal<T> | undefined, visit: (value: T) => void): void {
  if (l?.private !== undefined) visit(l.private);
  l?.shared.forEach(visit);
}

function takePrivate<T>(l: PoolLocal<T> | undefined): T | undefined {
  const value = l?.private;
  if (l !== undefined) l.private = undefined;
  return value;
}

function takeOwn<T>(l: PoolLocal<T> | undefined): T | undefined {
  return takePrivate(l) ?? l?.shared.pop();
}

/** The pools of one machine. */
export class Pools {
  /** Those that may hold something. Go's allPools and oldPools. */
  readonly inUse = new Set<PoolStore<unknown>>();

  constructor(
    readonly sched: Sched,
    era2014: boolean,
  ) {
    sched.gc.onStart(() => {
      for (const pool of this.inUse) if (!pool.age(!era2014, this.dropped)) this.inUse.delete(pool);
    });
  }

  /** What one pool has. */
  newStore<T>(): PoolStore<T> {
    return new PoolStore(this);
  }

  /** Puts a pointer into a pool: it becomes a root. */
  putPointer(store: PoolStore<number>, addr: Addr): void {
    store.put(this.sched.holds.hold(addr));
  }

  /** Takes a pointer out; 0: there is none. It is the caller's, and a root until that one's next operation. */
  getPointer(store: PoolStore<number>): Addr {
    const slot = store.get();
    if (slot === undefined) return 0;
    const { holds, cur, curg } = this.sched;
    const addr = holds.at(slot);
    if (curg !== 0) cur.brought = addr; // dropping the slot shades it
    holds.drop(slot);
    return addr;
  }

  /** A value that nobody took; a number is a slot of holds (JavaScript's own values are wrapped). */
  private readonly dropped = (value: unknown): void => {
    if (typeof value === 'number') this.sched.holds.drop(value);
  };
}
