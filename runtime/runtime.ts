// runtime: the public face of one machine. Options in, a program run, its numbers out; what a program dies of becomes a
// RuntimeError with Go's text, an exit code and the way to run it again.

import { initLine } from '../gc/gctrace.ts';
import type { Truth } from '../gc/oracle.ts';
import { pageMap, slotMap } from '../heap/dump.ts';
import type { Explanation } from '../heap/explain.ts';
import type { ProfileName } from '../profiler/profile.ts';
import type { BlockProfileRecord, MemProfileRecord, StackRecord } from '../profiler/records.ts';
import { Channels } from '../sched/channels.ts';
import { Sched } from '../sched/proc.ts';
import { Selects } from '../sched/select.ts';
import { Sync } from '../sched/sync.ts';
import { type CallSite, callSite } from './callsite.ts';
import { Context } from './context.ts';
import { goroutineDump, type Shown } from './dump.ts';
import { EventLog } from './eventlog.ts';
import { Finals } from './final.ts';
import type { Go, GoFunc } from './go.ts';
import { explainAddress, type PartNames, takeHeapSnapshot } from './inspect.ts';
import { inspect } from './internal/look.ts';
import { Fatal, isStackOverflow, GoPanic as Panic, Throw } from './internal/throw.ts';
import { plural } from './internal/words.ts';
import { Machine, type MakeSched } from './machine.ts';
import { type GCStats, type MemStats, readGCStats, readMemStats } from './memstats.ts';
import { type Options, type Settings, settings } from './options.ts';
import { type Profile, type ProfileOptions, takeProfile } from './pprof.ts';
import { threadCreateProfile } from './profilerates.ts';
import { spawn } from './spawn.ts';
import { Tracer } from './tracer.ts';

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

/** What a runtime is made of besides its machine: who explores schedules (sim/) has parts of its own. */
export interface RuntimeParts {
  readonly sched: MakeSched;
  readonly channels: (sched: Sched, era2014: boolean) => Channels;
  readonly selects: (sched: Sched, era2014: boolean) => Selects;
  readonly sync: (sched: Sched, era2014: boolean) => Sync;
}

const shippedParts: RuntimeParts = {
  sched: (tables, parts) => new Sched(tables, parts),
  channels: (sched, era2014) => new Channels(sched, era2014),
  selects: (sched, era2014) => new Selects(sched, era2014),
  sync: (sched, era2014) => new Sync(sched, era2014),
};

/** One Go-style runtime. Deterministic: same program, options and seed give the same events. */
export class Runtime {
  readonly settings: Settings;
  /** The raw layer: every part of the machine. */
  readonly machine: Machine;
  /** @internal */
  readonly channels: Channels;
  /** @internal */
  readonly selects: Selects;
  /** @internal */
  readonly sync: Sync;
  /** @internal */
  readonly finals: Finals;
  /** @internal */
  readonly ctx: Context;
  private ran = false;
  /** @internal Somebody waits for promises: runAsync. */
  async = false;
  private readonly inits: { name: string; body: GoFunc<[]> }[] = [];

  /** Throws RangeError or TypeError for an option that is out of range or unknown; nothing is allocated then. parts: @internal. */
  constructor(options: Options = {}, parts: RuntimeParts = shippedParts) {
    this.settings = settings(options);
    this.machine = new Machine(this.settings, parts.sched);
    this.ctx = new Context(this.machine);
    this.finals = new Finals(this.ctx);
    const { machine } = this;
    const era2014 = this.settings.era === '2014';
    this.channels = parts.channels(machine.sched, era2014);
    this.selects = parts.selects(machine.sched, era2014);
    this.sync = parts.sync(machine.sched, era2014);
  }

  /** @internal In a console: how far it is, and not the machine. */
  [inspect](): string {
    const { seed, procs } = this.settings;
    const { nanos, turns, numGC } = this.stats();
    const far = `${(nanos / 1e6).toFixed(3)} ms of virtual time, ${plural(turns, 'turn')} of goroutines, ${plural(numGC, 'collection')}`;
    return `runtime (seed ${seed}, procs ${procs}): ${this.ran ? far : 'not run yet'}`;
  }
  toJSON(): unknown {
    const { seed, procs } = this.settings;
    return { seed, procs, ...this.stats() };
  }

  /**
   * Runs main and everything it starts until main returns; the others end with it, as in Go. A runtime runs one program;
   * its heap and profile can be read afterwards. Throws RuntimeError when the program dies, TypeError on a second call.
   */
  run(main: GoFunc<[]>): RunStats {
    this.begin(main, this.mainPc(callSite(Runtime.prototype.run)));
    try {
      this.machine.sched.run();
    } catch (cause) {
      throw this.died(cause);
    }
    return this.stats();
  }

  /**
   * As run, for a program that waits for promises of the host (go.await). Virtual time stands still while it waits for them.
   * What it does is as repeatable as what it is told.
   */
  async runAsync(main: GoFunc<[]>): Promise<RunStats> {
    const { sched } = this.machine;
    this.async = true;
    this.begin(main, this.mainPc(callSite(Runtime.prototype.runAsync)));
    try {
      while (!sched.run()) {
        await new Promise<void>((settled) => {
          sched.syscalls.onSettled = settled;
        });
      }
    } catch (cause) {
      throw this.died(cause);
    }
    return this.stats();
  }

  /** @internal Pc of main, which is started at a place. */
  mainPc({ file, line }: CallSite): number {
    return this.machine.symtab.pc('main.main', file, line);
  }

  /** @internal main is ready to run. */
  begin(main: GoFunc<[]>, pc: number): void {
    if (this.ran) throw new TypeError('Runtime.run: a runtime runs one program; make another runtime');
    this.ran = true;
    spawn(this, this.ctx, this.inits.length === 0 ? main : this.initThen(main), [], pc);
  }

  /** @internal The program has ended, and another one will run; the scheduler has forgotten the goroutines of this one. */
  forget(): void {
    this.ran = false;
    this.ctx.thrown = null;
    this.ctx.panics.forget();
    if (this.sync.pools.inUse.size > 0) this.sync.pools.inUse.clear();
  }

  /** @internal Goroutine functions are known by their names alone: looking for a place takes long, and there are many of them. */
  set namesOnly(on: boolean) {
    this.ctx.namesOnly = on ? new Map() : null;
  }

  /** @internal Frames of functions that are active now. */
  get depth(): number {
    return this.ctx.frames.depth;
  }

  /**
   * Registers a package's initialization, which runs in main's goroutine before main, in the order of the calls: Go's init
   * functions. With GODEBUG=inittrace=1 each leaves a line. Throws TypeError once the program has begun.
   */
  init(name: string, body: GoFunc<[]>): void {
    if (this.ran) throw new TypeError(`Runtime.init: ${name}: the program has begun; register packages before run`);
    this.inits.push({ name, body });
  }

  private initThen(main: GoFunc<[]>): GoFunc<[]> {
    const { inits, settings } = this;
    return function* initThenMain(go: Go) {
      for (const { name, body } of inits) {
        const at = go.now();
        const before = go.readMemStats();
        yield* body(go);
        const after = go.readMemStats();
        if (settings.godebug.inittrace === 0) continue;
        const [bytes, allocs] = [after.totalAlloc - before.totalAlloc, after.mallocs - before.mallocs];
        settings.output?.(initLine({ name, at, clock: go.now() - at, bytes, allocs }));
      }
      yield* main(go);
    };
  }

  /**
   * Keeps an execution trace of the program, to be read when it has ended: trace.go() is a file for `go tool trace` of Go 1.19,
   * trace.chrome() one for Perfetto and Chrome. Call it before run: TypeError once the program has begun. Takes some 60 bytes a
   * record, of which a turn of a goroutine has two or three. Source: runtime/trace.Start.
   */
  trace(): Tracer {
    if (this.ran) throw new TypeError('Runtime.trace: the program has begun; trace it from its beginning');
    return new Tracer(this.machine);
  }

  /**
   * Writes every event of the program to sink, as the lines of an events.jsonl; flush() hands on what is left when it has ended. Call
   * it before run: TypeError once the program has begun. readEventLog reads such lines.
   */
  eventLog(sink: (text: string) => void): EventLog {
    if (this.ran) throw new TypeError('Runtime.eventLog: the program has begun; log it from its beginning');
    return new EventLog(this.machine, sink);
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

  /**
   * Takes a profile by its name: to be written as profile.proto for `go tool pprof`, or as text. RangeError: there is no such
   * profile, or no such scheme watches. Inside the program use go.profile.
   */
  profile(name: ProfileName, options: ProfileOptions = {}): Profile {
    return takeProfile(this.machine, name, options);
  }

  /** Where goroutines waited for each other. runtime.BlockProfile with enough room; option blockProfileRate. */
  blockProfile(): BlockProfileRecord[] {
    return this.machine.blocks.blockRecords();
  }

  /** Where locks were unlocked that others waited for. runtime.MutexProfile with enough room; option mutexProfileFraction. */
  mutexProfile(): BlockProfileRecord[] {
    return this.machine.blocks.mutexRecords();
  }

  /** A record for each thread. runtime.ThreadCreateProfile with enough room. */
  threadCreateProfile(): StackRecord[] {
    return threadCreateProfile(this.machine);
  }

  /** The true live set as of the last mark termination; undefined without the option oracle. */
  truth(): Truth | undefined {
    return this.machine.oracle?.last;
  }

  /** Statistics of the allocator and the collector. runtime.ReadMemStats; inside the program use go.readMemStats. */
  readMemStats(): MemStats {
    return readMemStats(this.machine);
  }

  /** The history of pauses. debug.ReadGCStats; quantiles: how many to compute. */
  readGCStats(quantiles = 0): GCStats {
    return readGCStats(this.machine, quantiles);
  }

  /** The heap as text, one character a page; colour: for a terminal. */
  heapMap(colour = false): string {
    return pageMap(this.machine.heap, colour);
  }

  /**
   * The slots of the span that covers an address as text, one character each: `.` free, `o` allocated; while marking `o` white,
   * `g` grey, `#` black; after it, until the span is swept, `#` survives. colour: for a terminal.
   */
  slotMap(addr: number, colour = false): string {
    const { heap, gc } = this.machine;
    heap.writeBack();
    return slotMap(heap, addr, gc.greyObjects(), colour);
  }

  /** What an address is: its span, object, type and field, its colour, who points at it, and a path from a root. */
  explain(addr: number): Explanation {
    return explainAddress(this.machine, addr, this.partName);
  }

  /**
   * The heap as it is now, as a .heapsnapshot for the Memory panel of Chrome's DevTools: chunks of about a megabyte, made as they are
   * taken. Types are its constructors, and sampled objects have their stacks. TypeError when the program goes on between two chunks.
   */
  heapSnapshot(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    return takeHeapSnapshot(this.machine, this.partName);
  }

  private readonly partName: PartNames = (type, offset, size) => {
    const kind = this.ctx.typeKinds.get(type);
    if (kind === undefined || kind.bytes === 0) return null;
    const i = Math.floor(offset / kind.bytes);
    if ((i + 1) * kind.bytes > size) return ' (behind the last element)';
    return `${size >= 2 * kind.bytes ? `[${i}]` : ''}${kind.part(offset - i * kind.bytes)}`;
  };

  /** What Go prints of an uncaught panic. */
  private panicText(cause: Panic, thrownAt: Int32Array | undefined): string {
    const last = this.ctx.panics.lastWords;
    const ofNoGoroutine = () => ({ text: `panic: ${cause.message}`, pcs: thrownAt, signal: 0 });
    const { text, pcs, signal } = last?.error === cause ? last : ofNoGoroutine();
    const words = signal === 0 ? text : `${text}\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x${signal.toString(16)}]`;
    return `${words}\n\n${goroutineDump(this.machine, 'running', pcs)}`;
  }

  /** What is thrown for the error that has ended the program, or that was final before. */
  private died(last: unknown): unknown {
    const { machine, ctx } = this;
    const { sched } = machine;
    const cause = ctx.doom === null ? last : ctx.doom.error;
    const running = ctx.doom === null ? sched.curg : ctx.doom.g;
    const goid = running === 0 ? 0 : sched.gt.goid[running];
    const thrownAt = ctx.thrown !== null && ctx.thrown.error === cause ? ctx.thrown.pcs : ctx.doom?.pcs;
    if (cause instanceof Panic) {
      return new RuntimeError(this.panicText(cause, thrownAt), 'panic', goid, 3, { cause });
    }
    const dump = (who: Shown = 'user') => goroutineDump(machine, who, thrownAt, running);
    if (cause instanceof Fatal) {
      const before = cause.preface === '' ? '' : `${cause.preface}\n`;
      return new RuntimeError(`${before}fatal error: ${cause.message}\n\n${dump()}`.trimEnd(), 'fatal', goid, 3, { cause });
    }
    if (isStackOverflow(cause)) {
      return new RuntimeError(`${sched.stacks.overflowWords}\nfatal error: stack overflow\n\n${dump()}`, 'fatal', goid, 3, {
        cause,
      });
    }
    if (cause instanceof Throw) {
      const { seed, procs } = this.settings;
      const before = cause.preface === '' ? '' : `${cause.preface}\n`;
      const text = `${before}fatal error: ${cause.message}\n\nruntime bug; run again with seed ${seed}, procs ${procs}\n\n${dump('system')}`;
      return new RuntimeError(text, 'throw', goid, 70, { cause });
    }
    return cause; // an error of the program's own JavaScript: as it is, with its own stack
  }
}
