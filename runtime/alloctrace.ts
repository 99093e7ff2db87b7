// alloctrace: GODEBUG=allocfreetrace=1. Every allocation, every free and every collection as text, with the stack of whoever it was:
//
//   tracealloc(ADDRESS, SIZE, TYPE)   the goroutine that allocates; no type for a block that tiny objects will share
//   tracefree(ADDRESS, SIZE)          goroutine 0, the one of the thread that sweeps; or whoever freed it by hand
//   tracegc()                         every goroutine, where marking has ended (2014: where the collection begins) and nothing of its
//                                     garbage is freed yet
//
// Sizes are of slots, in hex. Tiny objects that fit into a block, and objects of no bytes, are not traced. It is a reader of the
// machine's events, so what is off costs nothing; a log of it can be replayed (replay/). Go removed it in 1.23.
// Source: mprof.go tracealloc, tracefree, tracegc.

import { Phase } from '../gc/mgc.ts';
import type { TypeId } from '../heap/types.ts';
import { goroutineTrace } from './dump.ts';
import { Ev, StopReason } from './internal/events.ts';
import { LockRank, Mutex } from './internal/lock.ts';
import type { Machine } from './machine.ts';

const hex = (n: number) => `0x${n.toString(16)}`;

/** Prints what one machine allocates and frees, from now on. */
export class AllocTrace {
  private readonly lock: Mutex;
  /** The functions of Go around an allocation, leaf first. */
  private readonly allocators: readonly number[];
  private readonly sweepers: readonly number[];

  /** print: takes the lines, one a call. */
  constructor(
    private readonly m: Machine,
    private readonly print: (line: string) => void,
  ) {
    const { symtab, settings } = m;
    this.lock = new Mutex(m.order, LockRank.trace, 'tracelock');
    this.allocators = [symtab.pc('runtime.mallocgc', 'runtime/malloc.go', 1131), symtab.pc('runtime.newobject', 'runtime/malloc.go', 1202)];
    this.sweepers = [
      symtab.pc('runtime.(*sweepLocked).sweep', 'runtime/mgcsweep.go', 577),
      symtab.pc('runtime.systemstack', 'runtime/asm_386.s', 370),
    ];
    m.subscribe((kind, a, b, c) => {
      if (kind === Ev.malloc) this.malloc(a, b, c as TypeId);
      else if (kind === Ev.free) this.free(a, b, c !== 0);
      else if (
        settings.era === '2014'
          ? kind === Ev.stwStart && a === StopReason.markTermination
          : kind === Ev.gcPhase && a === Phase.markTermination
      ) {
        this.gc();
      }
    });
  }

  private malloc(addr: number, bytes: number, type: TypeId): void {
    const { types, tinyType } = this.m.heap;
    const name = type === tinyType.id ? '' : `, ${types.get(type).name}`;
    this.traced(`tracealloc(${hex(addr)}, ${hex(bytes)}${name})`, () => this.running(this.allocators));
  }

  private free(addr: number, bytes: number, byProgram: boolean): void {
    this.traced(`tracefree(${hex(addr)}, ${hex(bytes)})`, () => (byProgram ? this.running([]) : this.system(this.sweepers)));
  }

  private gc(): void {
    const { sched } = this.m;
    this.traced('tracegc()', () => {
      const gs = [...sched.goroutines(true)].sort((a, b) => sched.gt.goid[a] - sched.gt.goid[b]);
      for (const g of [...gs.filter((g) => g === sched.curg), ...gs.filter((g) => g !== sched.curg)])
        this.text(`\n${goroutineTrace(this.m, g, [])}`);
      this.text('end tracegc');
    });
  }

  /** One event: its line, what follows, and an empty line. */
  private traced(line: string, stacks: () => void): void {
    this.lock.lock();
    this.print(line);
    stacks();
    this.print('');
    this.lock.unlock();
  }

  /** The running goroutine, inside some functions of Go; the system's when none runs. */
  private running(above: readonly number[]): void {
    const { curg } = this.m.sched;
    if (curg === 0) this.system(above);
    else this.text(goroutineTrace(this.m, curg, above));
  }

  /** Goroutine 0, that of the thread. */
  private system(pcs: readonly number[]): void {
    const { symtab } = this.m;
    this.print('goroutine 0 [idle]:');
    for (const pc of pcs) {
      const { func, file, line } = symtab.frame(pc);
      this.print(`${func}(...)`);
      this.print(`\t${file}:${line} fp=0x0 sp=0x0 pc=${hex(pc)}`);
    }
  }

  private text(lines: string): void {
    for (const line of lines.split('\n')) this.print(line);
  }
}
