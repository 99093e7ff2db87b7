// machine: builds one runtime from its settings: carves the arena, makes the tables, connects the parts. Everything typed
// (structs, frames, channels of T) is built on top of it by the files beside; tests, the replayer and people who write
// data structures use it as it is: this is the raw layer.

import type { GcKnobs } from '../gc/gcknobs.ts';
import { Mutator, type ProfileRate } from '../gc/malloc.ts';
import { GC } from '../gc/mgc.ts';
import { Oracle } from '../gc/oracle.ts';
import { Heap, heapStartPage, heapTables } from '../heap/mheap.ts';
import { BlockProfiler } from '../profiler/blockprof.ts';
import { MemProfiler } from '../profiler/mprof.ts';
import { SymTab } from '../profiler/symtab.ts';
import { type SchedParts, type SchedTables, schedTables } from '../sched/parts.ts';
import { Sched } from '../sched/proc.ts';
import { schedTrace } from '../sched/schedtrace.ts';
import { AllocTrace } from './alloctrace.ts';
import { Ancestors } from './ancestors.ts';
import { type Chooser, FairChooser } from './internal/chooser.ts';
import { Digest, Events } from './internal/events.ts';
import { Faults } from './internal/faults.ts';
import { LockOrder } from './internal/lock.ts';
import { type Addr, Arena, type Geometry, type LayoutRow, LinearAlloc, pageSize, writeHead } from './internal/memory.ts';
import { Rand } from './internal/rand.ts';
import { Sys, SysMem } from './internal/sysmem.ts';
import type { Settings } from './options.ts';

/** Words of a block of pins. */
const pinBlockWords = 1024;

/** Largest arena: every address is a positive int32 and a WebAssembly memory has whole 64 KiB pages. */
const maxArenaPages = (1 << 18) - 8;

/**
 * Off-heap pages for a heap of n pages: bucket table, buckets, specials, work buffers. With every malloc sampled, a heap full
 * of 8-byte objects has two bytes of records for each of its own; otherPages is what the rest of the arena takes.
 */
function offHeapPages(heapPages: number, otherPages: number): number {
  return Math.max(512, Math.min(512 + Math.ceil(heapPages * 2.25), maxArenaPages - otherPages));
}

/** How a machine gets its scheduler: who explores schedules (sim/) has one of its own. */
export type MakeSched = (tables: SchedTables, parts: SchedParts) => Sched;

/** One runtime, all parts visible. */
export class Machine {
  readonly arena: Arena;
  readonly geometry: Geometry;
  readonly layout: readonly LayoutRow[];
  readonly events = new Events();
  readonly faults = new Faults();
  readonly order = new LockOrder();
  readonly symtab = new SymTab();
  readonly sys: SysMem;
  readonly heap: Heap;
  readonly profiler: MemProfiler;
  /** The block and the mutex profile; their rates are set by sched.contention. */
  readonly blocks: BlockProfiler;
  readonly gc: GC;
  readonly sched: Sched;
  readonly mutators: readonly Mutator[];
  readonly chooser: Chooser;
  readonly profileRate: ProfileRate;
  readonly oracle: Oracle | null;
  readonly ancestors: Ancestors | null;
  private pinBlock: Addr = 0;
  private pinsUsed = pinBlockWords;
  private readonly pinBlocks: Addr[] = [];
  private readonly freePins: Addr[] = [];

  constructor(
    readonly settings: Settings,
    makeSched: MakeSched = (tables, parts) => new Sched(tables, parts),
  ) {
    const s = settings;
    const carve = (mem: LinearAlloc, arena: Arena | null) => {
      const heapPage = mem.table('arena').pages('heap', s.heapPages);
      const heap = heapTables(mem, s.heapPages);
      const sched = schedTables(mem, s.maxGoroutines);
      const sys = arena === null ? null : new SysMem(arena, mem, sysPages, this.order);
      if (arena === null) SysMem.measure(mem, sysPages);
      return { heapPage, heap, sched, sys };
    };
    let sysPages = 0;
    const bare = new LinearAlloc(null);
    carve(bare, null);
    sysPages = offHeapPages(s.heapPages, Math.ceil(bare.used / pageSize) + 1);
    const measure = new LinearAlloc(null);
    carve(measure, null);
    const sizePages = Math.ceil(measure.used / pageSize);
    this.arena = new Arena(sizePages * pageSize, s.backing);
    const mem = new LinearAlloc(this.arena);
    const tables = carve(mem, this.arena);
    this.layout = mem.layout;
    this.sys = tables.sys!;
    this.geometry = {
      sizePages,
      heapStartPage,
      heapPages: s.heapPages,
      sysStartPage: this.sys.firstPage,
      sysPages,
    };
    writeHead(this.arena, this.geometry);

    this.chooser = s.chooser ?? new FairChooser(s.seed);
    this.profileRate = { rate: s.memProfileRate };
    this.profiler = new MemProfiler(this.arena, this.sys, this.order, this.events, s.schemes, s.era);
    this.blocks = new BlockProfiler(this.arena, this.profiler, new Rand(s.seed, 'blockprofile'), s.era);
    this.heap = new Heap(this.arena, mem, s.heapPages, this.sys, this.order, this.events, this.profiler, this.faults, tables.heap);
    this.heap.era = s.era;
    this.heap.finalQueue.firstFirst = s.era === '2014';
    this.gc = new GC(this.heap, this.sys, this.profiler, this.events, s.gogc, s.era, s.sweep);
    if (s.memoryLimit !== Infinity) this.gc.setMemoryLimit(s.memoryLimit);
    this.setKnobs();
    const makeMutator = (p: number) => {
      const rand = new Rand(s.seed, `memprofile ${p}`);
      return new Mutator(this.heap, this.gc, this.profiler, this.events, this.profileRate, rand, this.chooser);
    };
    const mutators = Array.from({ length: s.procs }, (_, p) => makeMutator(p));
    this.mutators = mutators;
    this.sched = makeSched(tables.sched, {
      procs: s.procs,
      heap: this.heap,
      gc: this.gc,
      mutators,
      makeMutator,
      events: this.events,
      chooser: this.chooser,
      order: this.order,
      era: s.era,
      blocks: this.blocks,
      symtab: this.symtab,
    });
    this.sched.contention.setBlockProfileRate(s.blockProfileRate);
    this.sched.contention.setMutexProfileFraction(s.mutexProfileFraction);
    this.profiler.clock = this.sched.world;
    const { sysmon } = this.sched;
    sysmon.tracePeriod = s.godebug.schedtrace * 1e6;
    sysmon.trace = () => {
      for (const line of schedTrace(this.sched, s.godebug.scheddetail !== 0)) s.output?.(line);
    };
    this.oracle = s.oracle ? new Oracle(this.heap, this.gc, mutators, this.events) : null;
    this.ancestors = s.godebug.tracebackancestors === 0 ? null : new Ancestors(this, s.godebug.tracebackancestors);
    if (s.godebug.allocfreetrace !== 0 && s.output !== null) new AllocTrace(this, s.output);
    this.readersChanged();
  }

  /** GODEBUG, before the first P exists: a mutator asks once which of its roads are open. */
  private setKnobs(): void {
    const { godebug, checkHeap, checkMark, procs, era, output } = this.settings;
    const { gc } = this;
    Object.assign(gc.knobs, {
      checkHeap,
      checkMark,
      checkColours: false,
      stopTheWorld: godebug.gcstoptheworld,
      sbrk: godebug.sbrk !== 0,
      everyMalloc: godebug.gceverymalloc !== 0,
      trace: godebug.gctrace !== 0 && era,
      pacerTrace: godebug.gcpacertrace !== 0,
      scavTrace: godebug.scavtrace !== 0,
    } satisfies GcKnobs);
    gc.print = output;
    gc.clock.procs = procs;
    this.heap.clobberFree = godebug.clobberfree !== 0;
  }

  /** The running P's allocator. */
  get mutator(): Mutator {
    return this.sched.mutator;
  }

  /** Reads every event from now on. */
  subscribe(reader: (kind: number, a: number, b: number, c: number, d: number) => void): void {
    this.events.subscribe(reader);
    this.readersChanged();
  }

  /** A digest of all events from now on. */
  digest(): Digest {
    const digest = new Digest();
    this.subscribe(digest.read);
    return digest;
  }

  private readersChanged(): void {
    for (const m of this.mutators) m.readersChanged();
  }

  /** Sets MemProfileRate. Takes effect at the next malloc of each P. */
  setMemProfileRate(rate: number): void {
    this.profileRate.rate = rate;
    for (const m of this.mutators) m.rateChanged();
  }

  /**
   * Makes an object a root until unpin: for JavaScript that must hold on to an object outside any goroutine.
   * Returns the root's address.
   */
  pin(addr: Addr): Addr {
    let slot = this.freePins.pop();
    if (slot === undefined) {
      if (this.pinsUsed === pinBlockWords) {
        this.pinBlock = this.globals(pinBlockWords);
        this.pinBlocks.push(this.pinBlock);
        this.pinsUsed = 0;
      }
      slot = this.pinBlock + this.pinsUsed++ * 4;
    }
    this.mutator.storePointer(slot >>> 2, addr);
    return slot;
  }

  /** Ends what pin began. */
  unpin(slot: Addr): void {
    this.mutator.storePointer(slot >>> 2, 0);
    this.freePins.push(slot);
  }

  /** Whether a global's address was made by pin. */
  isPin(slot: Addr): boolean {
    return this.pinBlocks.some((block) => slot >= block && slot < block + pinBlockWords * 4);
  }

  /** Words of global variables: pointers, off the heap, roots for ever. */
  globals(words: number): Addr {
    const addr = this.sys.persistentAlloc(words * 4, 8, Sys.other);
    this.gc.roots.addGlobals(addr, words);
    return addr;
  }
}
