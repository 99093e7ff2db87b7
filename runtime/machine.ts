// machine: builds one runtime from its settings: carves the arena, makes the tables, connects the parts. Everything typed
// (structs, frames, channels of T) is built on top of it by the files beside; tests, the replayer and people who write
// data structures use it as it is: this is the raw layer.

import { Mutator, type ProfileRate } from '../gc/malloc.ts';
import { GC } from '../gc/mgc.ts';
import { Oracle } from '../gc/oracle.ts';
import { Heap, heapStartPage, heapTables } from '../heap/mheap.ts';
import { MemProfiler } from '../profiler/mprof.ts';
import { SymTab } from '../profiler/symtab.ts';
import { Sched, schedTables } from '../sched/proc.ts';
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

/** Off-heap pages for a heap of n pages: bucket table, buckets, specials, work buffers; a third of the heap and 4 MiB. */
function offHeapPages(heapPages: number): number {
  return 512 + Math.ceil(heapPages / 3);
}

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
  readonly gc: GC;
  readonly sched: Sched;
  readonly mutators: readonly Mutator[];
  readonly chooser: Chooser;
  readonly profileRate: ProfileRate;
  readonly oracle: Oracle | null;
  private pinBlock: Addr = 0;
  private pinsUsed = pinBlockWords;
  private readonly freePins: Addr[] = [];

  constructor(readonly settings: Settings) {
    const s = settings;
    const carve = (mem: LinearAlloc, arena: Arena | null) => {
      const heapPage = mem.table('arena').pages('heap', s.heapPages);
      const heap = heapTables(mem, s.heapPages);
      const sched = schedTables(mem, s.maxGoroutines + 1, s.procs);
      const sys = arena === null ? null : new SysMem(arena, mem, offHeapPages(s.heapPages), this.order);
      if (arena === null) SysMem.measure(mem, offHeapPages(s.heapPages));
      return { heapPage, heap, sched, sys };
    };
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
      sysPages: offHeapPages(s.heapPages),
    };
    writeHead(this.arena, this.geometry);

    this.chooser = s.chooser ?? new FairChooser(s.seed);
    this.profileRate = { rate: s.memProfileRate };
    this.profiler = new MemProfiler(this.arena, this.sys, this.order, this.events, s.schemes);
    this.heap = new Heap(this.arena, mem, s.heapPages, this.sys, this.order, this.events, this.profiler, this.faults, tables.heap);
    this.gc = new GC(this.heap, this.sys, this.profiler, this.events, s.gogc);
    this.gc.knobs.checkHeap = s.checkHeap;
    this.gc.knobs.checkMark = s.checkMark;
    const mutators: Mutator[] = [];
    for (let p = 0; p < s.procs; p++) {
      const rand = new Rand(s.seed, `memprofile ${p}`);
      mutators.push(new Mutator(this.heap, this.gc, this.profiler, this.events, this.profileRate, rand, this.chooser));
    }
    this.mutators = mutators;
    this.sched = new Sched(tables.sched, s.procs, this.heap, this.gc, mutators, this.events, this.chooser, this.order);
    this.oracle = s.oracle ? new Oracle(this.heap, this.gc, mutators, this.events) : null;
    this.readersChanged();
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

  /** Words of global variables: pointers, off the heap, roots for ever. */
  globals(words: number): Addr {
    const addr = this.sys.persistentAlloc(words * 4, 8, Sys.other);
    this.gc.addGlobals(addr, words);
    return addr;
  }
}
