// parts: what the scheduler of proc.ts is made of: its tables in the arena, and the parts of the machine that it works with.
import type { Mutator } from '../gc/malloc.ts';
import type { GC } from '../gc/mgc.ts';
import type { Heap } from '../heap/mheap.ts';
import type { BlockProfiler } from '../profiler/blockprof.ts';
import type { SymTab } from '../profiler/symtab.ts';
import type { Chooser } from '../runtime/internal/chooser.ts';
import type { Era } from '../runtime/internal/era.ts';
import type { Events } from '../runtime/internal/events.ts';
import type { LockOrder } from '../runtime/internal/lock.ts';
import type { LinearAlloc } from '../runtime/internal/memory.ts';
import { type GTable, gTable } from './g.ts';
import { helperRows } from './helpers.ts';
import { type MTable, mTable } from './m.ts';
import { type PTable, pTable } from './p.ts';

/** The columns of the scheduler. */
export interface SchedTables {
  readonly gt: GTable;
  readonly pt: PTable;
  readonly mt: MTable;
  readonly goroutines: number;
}

/** Carves the scheduler's tables; goroutines: most of the program at once. */
export function schedTables(mem: LinearAlloc, goroutines: number): SchedTables {
  return { gt: gTable(mem, 1 + goroutines + helperRows), pt: pTable(mem), mt: mTable(mem), goroutines };
}

/** What the scheduler is made of besides its tables. */
export interface SchedParts {
  /** GOMAXPROCS at the beginning. */
  readonly procs: number;
  readonly heap: Heap;
  readonly gc: GC;
  /** By P; makeMutator makes more when GOMAXPROCS grows. */
  readonly mutators: Mutator[];
  readonly makeMutator: (p: number) => Mutator;
  readonly events: Events;
  readonly chooser: Chooser;
  readonly order: LockOrder;
  readonly era: Era;
  readonly blocks: BlockProfiler;
  readonly symtab: SymTab;
}
