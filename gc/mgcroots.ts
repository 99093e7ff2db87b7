// mgcroots: where marking begins. A cycle's root jobs in Go's order, each a step of its own: see mgc.ts for the cycle.
//
//   job 0          what finalizers hold, and the objects of those that are due
//   jobs 1 … n     a block of global variables each
//   behind them    a goroutine's stack each
//
// The list is fixed when marking begins. Globals and stacks made later need no job: what is stored into them goes through
// the barrier, and new objects are black. Source: gcMarkRootPrepare, markroot of mgcmark.go.
import type { Heap } from '../heap/mheap.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { gcCost } from './gcclock.ts';
import { eachPointer } from './mcheckmark.ts';
import { eachFinalizable, markFinalizers } from './mgcmark.ts';
import type { Pacer } from './mgcpacer.ts';
import type { GcWork } from './mgcwork.ts';
import type { World } from './world.ts';

/** The first job is what finalizers hold. */
const firstGlobalJob = 1;

/** The roots of one machine. */
export class Roots {
  /** Off-heap words that hold pointers. */
  private readonly globals: { addr: Addr; words: number }[] = [];
  private next = 0;
  private jobs = 0;
  /** Blocks of globals when marking began; the jobs behind them are stacks. */
  private globalJobs = 0;

  constructor(
    private readonly heap: Heap,
    private readonly pacer: Pacer,
  ) {}

  /** Makes `words` zero words at addr (off the heap) roots. */
  addGlobals(addr: Addr, words: number): void {
    this.globals.push({ addr, words });
    this.pacer.globalsScan += words * 4;
  }

  /** Whether an address is that of a global variable. */
  isGlobal(addr: Addr): boolean {
    return this.globals.some((block) => addr >= block.addr && addr < block.addr + block.words * 4);
  }

  /** Marking begins: lists the jobs. */
  prepare(stacks: number): void {
    this.next = 0;
    this.globalJobs = this.globals.length;
    this.jobs = firstGlobalJob + this.globalJobs + stacks;
  }

  /** Whether a job is left that nobody has taken. */
  get left(): boolean {
    return this.next < this.jobs;
  }

  /** Does the next job; returns its virtual cost. */
  markNext(world: World, work: GcWork): number {
    const job = this.next++;
    const { heap, globals, globalJobs, pacer } = this;
    if (job < firstGlobalJob) {
      heap.finalQueue.eachRoot((addr) => work.grey(addr));
      return gcCost.perStack + markFinalizers(heap, work) * gcCost.perObject;
    }
    if (job < firstGlobalJob + globalJobs) {
      const { addr, words } = globals[job - firstGlobalJob]!;
      for (let i = addr >>> 2, end = i + words; i < end; i++) work.grey(heap.w[i]!);
      pacer.globalsScanWork += words * 4;
      return words * gcCost.perGlobalWord;
    }
    if (!heap.faults.skipStackScan) pacer.stackScanWork += world.scanStack(job - firstGlobalJob - globalJobs, work);
    return gcCost.perStack;
  }

  /** Visits every root pointer. scanned: its job is done, or it needs none (see the head of this file). */
  eachPointer(world: World, visit: (pointer: Addr, scanned: boolean) => void): void {
    const { heap, globals, globalJobs, next } = this;
    const firstStack = firstGlobalJob + globalJobs;
    heap.finalQueue.eachRoot((addr) => visit(addr, next > 0));
    eachFinalizable(heap, (obj) => eachPointer(heap, obj, (pointer) => visit(pointer, next > 0)));
    globals.forEach(({ addr, words }, i) => {
      const scanned = i >= globalJobs || firstGlobalJob + i < next;
      for (let k = 0; k < words; k++) visit(heap.w[(addr >>> 2) + k]!, scanned);
    });
    world.eachStackPointer((addr, stack) => visit(addr, firstStack + stack >= this.jobs || firstStack + stack < next));
  }

  /** Visits every slot of the global variables: its address and the pointer in it. */
  eachGlobal(visit: (slot: Addr, pointer: Addr) => void): void {
    const { w } = this.heap;
    for (const { addr, words } of this.globals) for (let i = 0; i < words; i++) visit(addr + i * 4, w[(addr >>> 2) + i]!);
  }
}
