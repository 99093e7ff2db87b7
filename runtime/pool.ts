// pool: sync.Pool as a program sees it; what it does is in sched/pool.ts.
import type { PoolStore, Pools } from '../sched/pool.ts';
import type { Context } from './context.ts';
import type { Host } from './hostval.ts';
import { type AnyStruct, addressOf, makeRef, type Ref, type RefBase, Struct } from './struct.ts';

/** What a pool can keep: pointers to a struct, or host values. */
export type PoolElem = AnyStruct | Host<unknown>;
/** What it gives. */
export type PoolValue<E extends PoolElem> = E extends AnyStruct ? Ref<E> : E extends Host<infer T> ? T : never;

/** Values to be used again; the collector may take them at any time. */
export interface Pool<T> {
  /** Gives a value, in no order to rely on; what `make` makes when there is none. */
  get(): T;
  /** Takes a value back. Null is not kept. */
  put(value: T): void;
}

class PointerPool implements Pool<RefBase<AnyStruct> | null> {
  private readonly store: PoolStore<number>;
  constructor(
    private readonly pools: Pools,
    private readonly ctx: Context,
    private readonly type: AnyStruct,
    private readonly make: (() => RefBase<AnyStruct> | null) | undefined,
  ) {
    this.store = pools.newStore();
  }
  get(): RefBase<AnyStruct> | null {
    const addr = this.pools.getPointer(this.store);
    return addr === 0 ? (this.make?.() ?? null) : makeRef(this.ctx, this.type, addr);
  }
  put(value: RefBase<AnyStruct> | null): void {
    if (value !== null) this.pools.putPointer(this.store, addressOf(value));
  }
}

class HostPool implements Pool<unknown> {
  private readonly store: PoolStore<{ value: unknown }>;
  constructor(
    pools: Pools,
    private readonly make: (() => unknown) | undefined,
  ) {
    this.store = pools.newStore();
  }
  get(): unknown {
    const found = this.store.get();
    return found === undefined ? this.make?.() : found.value;
  }
  put(value: unknown): void {
    if (value !== null && value !== undefined) this.store.put({ value });
  }
}

/** @internal */
export function makePool(pools: Pools, ctx: Context, type: PoolElem, make?: () => unknown): Pool<unknown> {
  return type instanceof Struct
    ? (new PointerPool(pools, ctx, type, make as () => RefBase<AnyStruct>) as unknown as Pool<unknown>)
    : new HostPool(pools, make);
}
