// runtime: the public face of one machine. Options in, a program run, its numbers out; what a program dies of becomes a
// RuntimeError with Go's text, an exit code and the way to run it again.

import type { Truth } from '../gc/oracle.ts';
import { pageMap } from '../heap/dump.ts';
import type { MemProfileRecord } from '../profiler/mprof.ts';
import { Channels } from '../sched/chan.ts';
import { callSite } from './callsite.ts';
import { Context } from './context.ts';
import { goroutineDump } from './dump.ts';
import { type GoFunc, spawn } from './go.ts';
import { Fatal, type GoPanic, GoPanic as Panic, Throw } from './internal/throw.ts';
import { Machine } from './machine.ts';
import { type Options, type Settings, settings } from './options.ts';

/** What a program died of. `message` is Go's text, goroutine dump included. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  constructor(
    message: string,
    /** panic: uncaught; fatal: Go's fatal error; throw: a bug of this runtime. */
    readonly kind: 'panic' | 'fatal' | 'throw',
    /** Id of the goroutine that ran; 0 when none did. */
    readonly goroutine: number,
    /** Exit code of a command that ran the program. */
    readonly exitCode: 3 | 70,
    options: { cause: unknown },
  ) {
    super(message, options);
  }
}

/** Figures of a run. */
export interface RunStats {
  /** Virtual nanoseconds on the clock of the P that was ahead. */
  readonly nanos: number;
  /** Turns of goroutines. */
  readonly turns: number;
  /** Collections whose marking ended. */
  readonly numGC: number;
  readonly mallocs: number;
  readonly frees: number;
}

/** One Go-style runtime. Deterministic: same program, options and seed give the same events. */
export class Runtime {
  readonly settings: Settings;
  /** The raw layer: every part of the machine. */
  readonly machine: Machine;
  /** @internal */
  readonly channels: Channels;
  private readonly ctx: Context;
  private ran = false;

  /** Throws RangeError or TypeError for an option that is out of range or unknown; nothing is allocated then. */
  constructor(options: Options = {}) {
    this.settings = settings(options);
    this.machine = new Machine(this.settings);
    this.ctx = new Context(this.machine);
    const { machine } = this;
    this.channels = new Channels(machine.sched, machine.heap, machine.sys, (addr) => machine.pin(addr));
  }

  /**
   * Runs main and everything it starts until main returns; the others end with it, as in Go. A runtime runs one program;
   * its heap and profile can be read afterwards. Throws RuntimeError when the program dies, TypeError on a second call.
   */
  run(main: GoFunc<[]>): RunStats {
    if (this.ran) throw new TypeError('Runtime.run: a runtime runs one program; make another runtime');
    this.ran = true;
    const { sched, symtab } = this.machine;
    const site = callSite(Runtime.prototype.run);
    try {
      spawn(this, this.ctx, main, [], symtab.pc('main.main', site.file, site.line));
      sched.run();
    } catch (cause) {
      throw this.died(cause);
    }
    return this.stats();
  }

  /** Figures so far. */
  stats(): RunStats {
    const { sched, gc, heap } = this.machine;
    heap.writeBack();
    let nanos = 0;
    for (let p = 0; p < this.settings.procs; p++) nanos = Math.max(nanos, sched.pt.clock[p as never]);
    const { mallocs, frees } = heap.stats.totals();
    return { nanos, turns: sched.turns, numGC: gc.numGC, mallocs: mallocs + heap.cachedAllocs(), frees };
  }

  /** The published memory profile of the first scheme. runtime.MemProfile with enough room. */
  memProfile(inuseZero = false): MemProfileRecord[] {
    return this.machine.profiler.records(inuseZero);
  }

  /** The true live set as of the last mark termination; undefined without the option oracle. */
  truth(): Truth | undefined {
    return this.machine.oracle?.last;
  }

  /** The heap as text, one character a page. */
  heapMap(): string {
    return pageMap(this.machine.heap);
  }

  private died(cause: unknown): unknown {
    const { sched } = this.machine;
    const goid = sched.curg === 0 ? 0 : sched.gt.goid[sched.curg];
    if (cause instanceof Panic) {
      return new RuntimeError(`panic: ${panicText(cause)}\n\n${goroutineDump(this.machine, false)}`, 'panic', goid, 3, { cause });
    }
    if (cause instanceof Fatal) {
      return new RuntimeError(`fatal error: ${cause.message}\n\n${goroutineDump(this.machine, true)}`, 'fatal', goid, 3, { cause });
    }
    if (cause instanceof Throw) {
      const { seed, procs } = this.settings;
      const text = `fatal error: ${cause.message}\n\nruntime bug; run again with seed ${seed}, procs ${procs}\n\n${goroutineDump(this.machine, true)}`;
      return new RuntimeError(text, 'throw', goid, 70, { cause });
    }
    return cause; // an error of the program's own JavaScript: as it is, with its own stack
  }
}

function panicText(p: GoPanic): string {
  return p.message;
}
