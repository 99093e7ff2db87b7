// go: what a goroutine sees. A goroutine is a generator function whose first argument is its Go; what can block is
// `yield*`ed, what cannot is a plain call. A forgotten `yield*` is a compile error where the value is used, and a run-time
// error at the goroutine's next operation.
import { gcCost } from '../gc/gcclock.ts';
import type { ProfileName } from '../profiler/profile.ts';
import type { BlockProfileRecord, MemProfileRecord, StackRecord } from '../profiler/records.ts';
import type { Atomic, Cell } from '../sched/cell.ts';
import type { Cond } from '../sched/cond.ts';
import type { G } from '../sched/g.ts';
import type { Locker, Mutex } from '../sched/mutex.ts';
import type { Once } from '../sched/once.ts';
import type { Blocking } from '../sched/op.ts';
import { maxProcs } from '../sched/p.ts';
import { HeapRecord } from '../sched/record.ts';
import type { RWMutex } from '../sched/rwmutex.ts';
import type { Semaphore } from '../sched/sema.ts';
import type { WaitGroup } from '../sched/waitgroup.ts';
import { Chan, type ElemType, type ElemValue, makeChan, type RecvChan, type SelectCases, type Selected, type TrySelected } from './chan.ts';
import { CheckedRaw } from './checkedraw.ts';
import type { Context } from './context.ts';
import { freeOSMemory, setGCPercent, setMaxStack, setMaxThreads, setMemoryLimit } from './debug.ts';
import { goroutineDump } from './dump.ts';
import type { Cleanup, Weak } from './final.ts';
import { allocate, type Caller, type Frame, type Locals } from './func.ts';
import { goroutineLocals } from './golocals.ts';
import { goroutineProfile } from './goprofile.ts';
import { inspect } from './internal/look.ts';
import { utf8Length, utf8Write } from './internal/utf8.ts';
import type { PointerTo } from './kinds.ts';
import { Maker } from './make.ts';
import { type MemStats, readMemStats } from './memstats.ts';
import { makePool, type Pool, type PoolElem, type PoolValue } from './pool.ts';
import { type Profile, type ProfileOptions, takeProfile } from './pprof.ts';
import { setBlockProfileRate, setMutexProfileFraction, threadCreateProfile } from './profilerates.ts';
import { Raw } from './raw.ts';
import type { Runtime } from './runtime.ts';
import { goStatementPc, spawn, spawnShort, unusual } from './spawn.ts';
import { type AnyStruct, addressOf, type Field, type Ref, RefBase, typeText } from './struct.ts';
import { type ChanTimer, mustBeNanos, Ticker, Timer } from './time.ts';
import { Handle } from './value.ts';

/** A goroutine's body: a generator function. Its arguments after the first come from `go.go`. */
export type GoFunc<A extends unknown[]> = (go: Go, ...args: A) => Generator<void, unknown, void>;

/** A goroutine, as its own code sees it. */
export class Go extends Maker implements Caller {
  private hasLocals = false;
  /** @internal */
  constructor(
    /** @internal */ override readonly ctx: Context,
    /** @internal */ readonly g: G,
    /** The runtime it runs in. */
    readonly runtime: Runtime,
  ) {
    super();
  }

  /** @internal What g's code sees of it: one object for all goroutines of a row, of which one lives at a time. */
  static of(runtime: Runtime, ctx: Context, g: G): Go {
    const known = ctx.gos[g];
    if (known === undefined) return (ctx.gos[g] = new Go(ctx, g, runtime));
    known.hasLocals = false;
    return known;
  }

  /** @internal In a console. */
  [inspect](): string {
    return `goroutine ${this.id}`;
  }
  toJSON(): unknown {
    return { goroutine: this.id };
  }

  /** The goroutine's id. */
  get id(): number {
    return this.ctx.gt.goid[this.g];
  }

  /** The raw layer: addresses and explicit frames. */
  get raw(): Raw {
    return (this.ctx.raw ??= this.ctx.serials === null ? new Raw(this.ctx) : new CheckedRaw(this.ctx));
  }

  /** Virtual nanoseconds since the start. */
  now(): number {
    return this.ctx.sched.readClock();
  }

  /** Starts a goroutine. Go's `go fn(args…)`: references among the arguments are rooted in its stack. */
  go<A extends unknown[]>(fn: GoFunc<A>, ...args: A): void;
  go(fn: GoFunc<unknown[]>, a?: unknown, b?: unknown, c?: unknown): void {
    const { ctx } = this;
    // biome-ignore lint/complexity/noArguments: an array of them would cost as much as the rest of a goroutine's start
    const n = arguments.length - 1;
    const pc = goStatementPc(ctx, fn, Go.prototype.go);
    // biome-ignore lint/complexity/noArguments: as above
    if (n > 3 || unusual(ctx)) spawn(this.runtime, ctx, fn, Array.prototype.slice.call(arguments, 1), pc);
    else spawnShort(this.runtime, ctx, fn, pc, n, a, b, c);
  }

  /**
   * Declares pointer locals of this goroutine, which live until it ends: one call, at the beginning. TypeError for a second
   * call, and for another goroutine's `go`.
   */
  locals<const L extends Locals>(locals: L): Frame<L> {
    const { ctx } = this;
    if (this.g !== ctx.stacks.running) {
      throw new TypeError("go.locals: this `go` belongs to another goroutine; take your own as the goroutine function's first parameter");
    }
    if (this.hasLocals) throw new TypeError('go.locals: called twice in one goroutine; declare all its locals in one call');
    this.hasLocals = true;
    return goroutineLocals(ctx, locals);
  }

  /** A new zeroed value; a pointer to it. Go's new(T). May run the collector first. */
  new<S extends AnyStruct>(type: S): Ref<S>;
  new<E extends Field<unknown>>(type: E): PointerTo<E>;
  new(type: Field<unknown>): Handle {
    return allocate(this.ctx, type as AnyStruct);
  }

  /**
   * Frees an object by hand, as Go's own runtime did until 2014: for experiments with accounting. The program must not use it
   * any more, and nothing in the heap may point to it. The memory profile counts the free at once, as it counts mallocs. False
   * while the collector marks (never in era 2014): then it is left to it. RangeError: the object is free already, lies inside
   * another, is smaller than 16 bytes, has a finalizer. TypeError: no reference, or a stale one.
   */
  free<S extends AnyStruct>(ref: Ref<S>): boolean {
    if ((ref as unknown) instanceof Chan || (ref as unknown) instanceof HeapRecord) {
      throw new TypeError('go.free: a channel, like a mutex and the rest of sync, is freed by the collector when nobody uses it any more');
    }
    if (!(ref instanceof RefBase)) {
      throw new TypeError(
        `go.free: got ${typeText(ref)}, wanted a reference to a struct; what else lies in the heap is freed by go.raw.free(x.addr)`,
      );
    }
    return this.ctx.mutator.free(addressOf(ref));
  }

  /** A channel. Go's make(chan T, capacity). */
  chan<E extends ElemType>(elem: E, capacity = 0): Chan<ElemValue<E>> {
    return makeChan(this.runtime.channels, this.ctx, elem, capacity) as Chan<ElemValue<E>>;
  }

  /** The nil channel: sends and receives wait for ever, closing it panics. Go's `var ch chan T`. */
  nilChan<E extends ElemType>(elem: E): Chan<ElemValue<E>> {
    return makeChan(this.runtime.channels, this.ctx, elem, null) as Chan<ElemValue<E>>;
  }

  /**
   * Waits until one of the cases can go on, and serves it; one of several is drawn. The result tells which (index), and the
   * value's type follows it. null is the case of a nil channel; no case at all waits for ever. Go's select. `yield*` it.
   */
  select<const C extends SelectCases>(cases: C): Blocking<Selected<C>> {
    return this.runtime.selects.select(cases) as Blocking<unknown> as Blocking<Selected<C>>;
  }

  /** The same without waiting: index -1 when no case can go on. Go's select with a default. */
  trySelect<const C extends SelectCases>(cases: C): TrySelected<C> {
    return this.runtime.selects.trySelect(cases) as TrySelected<C>;
  }

  /**
   * Calls fn with the object once nothing reaches it any more; null takes the finalizer away. runtime.SetFinalizer. fn may be
   * a generator function.
   */
  setFinalizer<S extends AnyStruct>(ref: Ref<S>, fn: ((ref: Ref<S>) => unknown) | null): void {
    this.runtime.finals.setFinalizer(ref, fn);
  }

  /** Calls fn(arg) after the object was found dead and freed. runtime.AddCleanup. */
  addCleanup<S extends AnyStruct, A>(ref: Ref<S>, fn: (arg: A) => unknown, arg: A): Cleanup {
    return this.runtime.finals.addCleanup(ref, fn, arg);
  }

  /** A pointer that does not keep its object. weak.Make. */
  weak<S extends AnyStruct>(ref: Ref<S>): Weak<S> {
    return this.runtime.finals.weak(ref);
  }

  /** A sync.WaitGroup. */
  waitGroup(): WaitGroup {
    return this.runtime.sync.waitGroup();
  }

  /** A sync.Mutex, unlocked. */
  mutex(): Mutex {
    return this.runtime.sync.mutex();
  }

  /** A sync.RWMutex, unlocked. */
  rwMutex(): RWMutex {
    return this.runtime.sync.rwMutex();
  }

  /** A sync.Once. */
  once(): Once {
    return this.runtime.sync.once();
  }

  /** A condition guarded by a lock. sync.NewCond. */
  cond(locker: Locker): Cond {
    return this.runtime.sync.cond(locker);
  }

  /** A counting semaphore, on which the others are built. Go has it inside its runtime. RangeError: no whole number, or negative. */
  semaphore(count = 0): Semaphore {
    if (!(Number.isInteger(count) && count >= 0))
      throw new RangeError(`go.semaphore: got ${String(count)}, wanted a whole number, 0 or more`);
    return this.runtime.sync.semaphore(count);
  }

  /**
   * A plain variable that goroutines share, of a JavaScript value (no reference: that would be no root). While schedules are
   * explored (gorena/sim) others may come before each access, and races are found; name: what reports call it.
   */
  cell<T>(value: T, name = ''): Cell<T> {
    notAReference('go.cell', value);
    return this.runtime.sync.cell(value, name);
  }

  /** The same whose accesses are atomic and in one order for all goroutines. Go's sync/atomic. */
  atomic<T>(value: T, name = ''): Atomic<T> {
    notAReference('go.atomic', value);
    return this.runtime.sync.atomic(value, name);
  }

  /** A sync.Pool of pointers to a struct or of host values; make: what get gives when nothing is there (null without it). */
  pool<E extends PoolElem>(type: E, make: () => PoolValue<E>): Pool<PoolValue<E>>;
  pool<E extends PoolElem>(type: E): Pool<PoolValue<E> | (E extends AnyStruct ? null : undefined)>;
  pool(type: PoolElem, make?: () => unknown): Pool<never> {
    return makePool(this.runtime.sync.pools, this.ctx, type, make) as Pool<never>;
  }

  /** A timer that sends the time on its channel after `nanos`. time.NewTimer. */
  newTimer(nanos: number): ChanTimer {
    return new Timer(this.runtime, this.ctx, nanos) as ChanTimer;
  }

  /** A channel that gets the time after `nanos`. time.After. */
  after(nanos: number): RecvChan<number> {
    return this.newTimer(nanos).c;
  }

  /** Starts a goroutine after `nanos`, unless the timer is stopped before. time.AfterFunc. */
  afterFunc<A extends unknown[]>(nanos: number, fn: GoFunc<A>, ...args: A): Timer {
    const pc = goStatementPc(this.ctx, fn, Go.prototype.afterFunc);
    return new Timer(this.runtime, this.ctx, nanos, () => spawn(this.runtime, this.ctx, fn, args, pc));
  }

  /** Sends the time on its channel every `nanos`. Panics unless that is positive. time.NewTicker. */
  newTicker(nanos: number): Ticker {
    return new Ticker(this.runtime, this.ctx, nanos);
  }

  /**
   * Calls fn(args…) when this goroutine's function ends, in whatever way, or that of the innermost go.call; the last deferred
   * call is made first. A generator function may block. Go's defer.
   */
  defer<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    this.ctx.panics.defer(fn as (...args: never[]) => unknown, args);
  }

  /** In a deferred call: what the function returns (go.call). */
  setResult(value: unknown): void {
    this.ctx.panics.setResult(value);
  }

  /**
   * Calls a blocking function that has deferred calls of its own. When a panic was recovered it gives undefined. `yield*` it; a
   * deferred call that has some is `go.defer(() => go.call(fn))`.
   */
  call<A extends unknown[], R>(fn: (go: Go, ...args: A) => Blocking<R>, ...args: A): Blocking<R> {
    return this.ctx.sched.blocking(() => this.ctx.panics.call(() => fn(this, ...args)));
  }

  /** Ends this goroutine after its deferred calls. runtime.Goexit. */
  goexit(): never {
    return this.ctx.panics.goexit();
  }

  /** Lets others run. runtime.Gosched. `yield*` it. */
  gosched(): Blocking<void> {
    return this.ctx.sched.gosched();
  }

  /**
   * A place where others may come in while schedules are explored (gorena/sim), and nothing else: before a plain call, such as
   * close or signal, that others can see. Unlike gosched it does not ask to let others run. `yield*` it.
   */
  point(): Blocking<void> {
    return this.ctx.sched.done(undefined) as Blocking<unknown> as Blocking<void>;
  }

  /** Sleeps for virtual nanoseconds. time.Sleep. `yield*` it. RangeError: no number. */
  sleep(nanos: number): Blocking<void> {
    mustBeNanos('go.sleep', nanos);
    return this.ctx.sched.sleep(nanos);
  }

  /** A system call of so many virtual nanoseconds: the goroutine keeps its thread, others may get its P meanwhile. `yield*` it. */
  syscall(nanos: number): Blocking<void> {
    if (!(nanos >= 0 && nanos < Infinity)) throw new RangeError(`go.syscall: got ${String(nanos)}, wanted virtual nanoseconds, 0 or more`);
    return this.ctx.sched.syscalls.enter(nanos);
  }

  /**
   * Waits for a promise of the host, as a system call does; it takes no virtual time. Gives what the promise gives, or throws
   * what it was rejected with. Needs Runtime.runAsync. `yield*` it.
   */
  await<T>(promise: PromiseLike<T>): Blocking<T> {
    if (!this.runtime.async) throw new TypeError('go.await: nobody waits for promises; start the program with runAsync instead of run');
    return this.ctx.sched.syscalls.await(promise);
  }

  /** Ties the goroutine to its thread until as many calls of unlockOSThread. runtime.LockOSThread. */
  lockOSThread(): void {
    this.ctx.sched.locks.lock();
  }

  /** Takes back one lockOSThread; does nothing when there is none. runtime.UnlockOSThread. */
  unlockOSThread(): void {
    this.ctx.sched.locks.unlock();
  }

  /**
   * Changes how many processors run goroutines, 1 to 256, and returns the old number; less than 1 only asks.
   * runtime.GOMAXPROCS. RangeError: no whole number, or too large.
   */
  gomaxprocs(n = 0): number {
    if (!Number.isInteger(n) || n > maxProcs) {
      throw new RangeError(`go.gomaxprocs: got ${String(n)}, wanted a whole number up to ${maxProcs}`);
    }
    return this.ctx.sched.world.gomaxprocs(n);
  }

  /** The calling goroutine's stack as Go prints it; all: and those of all others, for which the world stops. runtime.Stack. */
  stack(all?: boolean): string;
  /** The same into buf, as UTF-8: what does not fit is left out without a word. Returns how many bytes were written. */
  stack(buf: Uint8Array, all: boolean): number;
  stack(bufOrAll: Uint8Array | boolean = false, all = false): string | number {
    if (typeof bufOrAll === 'boolean') return this.stackText(bufOrAll);
    const text = this.stackText(all);
    utf8Write(text, bufOrAll, 0); // writes beyond the end of a typed array are no writes
    return Math.min(utf8Length(text), bufOrAll.length);
  }

  private stackText(all: boolean): string {
    const { sched, machine } = this.ctx;
    if (!all) return `${goroutineDump(machine, 'running')}\n`;
    sched.world.stopTheWorld('Stack');
    const text = `${goroutineDump(machine, 'user')}\n`;
    sched.world.startTheWorld(gcCost.stop);
    return text;
  }

  /** Goroutines of the program that have not ended. runtime.NumGoroutine. */
  numGoroutine(): number {
    return this.ctx.sched.live;
  }

  /** Statistics of the allocator and the collector; stops the world for it. runtime.ReadMemStats. */
  readMemStats(): MemStats {
    const { sched, machine } = this.ctx;
    sched.world.stopTheWorld('ReadMemStats');
    const stats = readMemStats(machine);
    sched.world.startTheWorld(gcCost.stop);
    return stats;
  }

  /** Runs a full collection and waits for the end of its sweep. runtime.GC. `yield*` it. */
  gc(): Blocking<void> {
    return this.ctx.sched.world.collect();
  }

  /** Sets GOGC, negative for off, and gives the old value, -1 for off. debug.SetGCPercent. `yield*` it. RangeError: no percentage. */
  setGCPercent(percent: number): Blocking<number> {
    return setGCPercent(this.ctx.machine, percent);
  }

  /**
   * Sets the memory limit in bytes, 'off' for none, and returns the old one, Infinity for none; a negative number only reads.
   * debug.SetMemoryLimit. RangeError: no such limit.
   */
  setMemoryLimit(bytes: number | 'off'): number {
    return setMemoryLimit(this.ctx.machine, bytes);
  }

  /**
   * Sets how large a goroutine's stack may grow, in bytes (16 MiB at first), and returns the old limit; a larger one is a stack
   * overflow, which is fatal. A stack holds declared pointers only. debug.SetMaxStack. RangeError: no such size.
   */
  setMaxStack(bytes: number): number {
    return setMaxStack(this.ctx.machine, bytes);
  }

  /**
   * Sets how many threads the program may have, sysmon's included (10,000 at first, and at most), and returns the old number; one
   * more is fatal. debug.SetMaxThreads. RangeError: no such number.
   */
  setMaxThreads(n: number): number {
    return setMaxThreads(this.ctx.machine, n);
  }

  /** Runs a full collection, then counts all free memory of the heap as given back. debug.FreeOSMemory. `yield*` it. */
  freeOSMemory(): Blocking<void> {
    return freeOSMemory(this.ctx.machine);
  }

  /** The published memory profile: runtime.MemProfile with enough room. inuseZero: records without objects in use too. */
  memProfile(inuseZero = false): MemProfileRecord[] {
    return this.ctx.machine.profiler.records(inuseZero);
  }

  /**
   * Takes a profile by its name, as runtime.profile does; stops the world for it. pprof.Lookup(name): what WriteTo would write is
   * proto() (debug 0) and text() (debug 1) of what this gives.
   */
  profile(name: ProfileName, options: ProfileOptions = {}): Profile {
    const { sched, machine } = this.ctx;
    sched.world.stopTheWorld('profile');
    try {
      return takeProfile(machine, name, options);
    } finally {
      sched.world.startTheWorld(gcCost.stop);
    }
  }

  /**
   * From now on one event is sampled for every `nanos` virtual nanoseconds that goroutines spend waiting for each other; 1: every
   * event, 0 or less: off. runtime.SetBlockProfileRate. RangeError: no whole number.
   */
  setBlockProfileRate(nanos: number): void {
    setBlockProfileRate(this.ctx.machine, nanos);
  }

  /** Where goroutines waited: runtime.BlockProfile with enough room. */
  blockProfile(): BlockProfileRecord[] {
    return this.ctx.machine.blocks.blockRecords();
  }

  /**
   * From now on one of n waits for a lock is sampled; 0: off, negative: only asks. Returns the old n.
   * runtime.SetMutexProfileFraction. RangeError: no whole number, or era 2014.
   */
  setMutexProfileFraction(n: number): number {
    return setMutexProfileFraction(this.ctx.machine, n);
  }

  /** Where locks were unlocked that others waited for: runtime.MutexProfile with enough room. Figures are of the sampled events. */
  mutexProfile(): BlockProfileRecord[] {
    return this.ctx.machine.blocks.mutexRecords();
  }

  /** The stack of every goroutine of the program, this one's first; stops the world for it. runtime.GoroutineProfile with enough room. */
  goroutineProfile(): StackRecord[] {
    const { sched, machine } = this.ctx;
    sched.world.stopTheWorld('profile');
    try {
      return goroutineProfile(machine);
    } finally {
      sched.world.startTheWorld(gcCost.stop);
    }
  }

  /** A record for each thread, the newest first: runtime.ThreadCreateProfile with enough room. Their stacks are empty, as in Go. */
  threadCreateProfile(): StackRecord[] {
    return threadCreateProfile(this.ctx.machine);
  }
}

function notAReference(who: string, value: unknown): void {
  if (value instanceof Handle) throw new TypeError(`${who}: got a reference, wanted a JavaScript value; keep references in the heap`);
}
