// tracer: reads the event stream of a machine and keeps it as an execution trace. Source: runtime/trace.go.
//
// Events come in the order in which the machine does things, but their times are those of Ps whose clocks differ. The reader of a
// trace wants more: each P's times must not go back, and a goroutine must have been made before it runs, on whatever P. So the
// time of a record is that of the event, or of what it follows if that is later: the record before it of its P and of its
// goroutine. What the collector does (cycles, stops) is one such thread as well, with a nanosecond between any two.
//
// The runtime's own goroutines (sched/helpers.ts) work in slices. If the P of one has a goroutine that is only paused, that one is
// preempted for it on record and goes on after it.

import { Phase } from '../gc/mgc.ts';
import { WorkerMode } from '../gc/mgcworkers.ts';
import type { MSpan } from '../heap/mspan.ts';
import { chromeTrace } from '../profiler/chrometrace.ts';
import { execTrace } from '../profiler/exectrace.ts';
import { globalP, TraceKind, TraceLog } from '../profiler/tracelog.ts';
import { WaitReason } from '../sched/g.ts';
import type { P } from '../sched/p.ts';
import { Ev, StopReason } from './internal/events.ts';
import { pageSize } from './internal/memory.ts';
import { gothrow } from './internal/throw.ts';
import type { Machine } from './machine.ts';

/** Frames of a stack. Go's traceStackSize. */
const maxFrames = 128;
/** Bytes of allocation from one record of the heap's size to the next. */
const heapStep = 32 << 10;

/** What the trace says of waiting for a reason; all others: goBlock. Those that stop wait for ever. */
const blockKinds: Readonly<Record<number, TraceKind>> = {
  [WaitReason.chanReceive]: TraceKind.goBlockRecv,
  [WaitReason.chanSend]: TraceKind.goBlockSend,
  [WaitReason.chanReceiveNil]: TraceKind.goStop,
  [WaitReason.chanSendNil]: TraceKind.goStop,
  [WaitReason.select]: TraceKind.goBlockSelect,
  [WaitReason.selectNoCases]: TraceKind.goStop,
  [WaitReason.semacquire]: TraceKind.goBlockSync,
  [WaitReason.condWait]: TraceKind.goBlockCond,
  [WaitReason.sleep]: TraceKind.goSleep,
  [WaitReason.ioWait]: TraceKind.goBlockNet,
  [WaitReason.gcAssistWait]: TraceKind.goBlockGC,
};

const modeNames: Readonly<Record<number, string>> = {
  [WorkerMode.dedicated]: 'GC (dedicated)',
  [WorkerMode.fractional]: 'GC (fractional)',
  [WorkerMode.idle]: 'GC (idle)',
};

/** What the trace knows of a goroutine. */
interface GState {
  /** Number of its next start or wake-up. */
  seq: number;
  /** Time of its last record. */
  at: number;
  /** When its system call ended, if nobody has a record of that yet; else 0. */
  returned: number;
}

/** What the trace knows of a P. */
interface PState {
  /** Time of its last record. */
  at: number;
  /** The goroutine that runs on it; 0 for none. */
  goid: number;
  /** The goroutine that was preempted for one of the runtime's own; 0 for none. */
  preempted: number;
  /** Spans are being swept: bytes swept and reclaimed so far. */
  sweeping: boolean;
  swept: number;
  reclaimed: number;
}

/** An execution trace of one machine, from its beginning on. Made by Runtime.trace. */
export class Tracer {
  readonly log = new TraceLog();
  private readonly gs = new Map<number, GState>();
  private readonly ps = new Map<number, PState>();
  private readonly pcs = new Int32Array(maxFrames);
  /** Time of the collector's last record; cycles so far; whether one is under way, and the world is stopped for it. */
  private gcAt = 0;
  private cycles = 0;
  private inCycle = false;
  private stopped = false;
  private allocated = 0;
  /** What the next goroutine to start is for: a mark worker; 0: nothing special. */
  private label = 0;

  /** Reads m's events from now on; no goroutine exists yet. */
  constructor(private readonly m: Machine) {
    const { sched } = m;
    this.add(TraceKind.gomaxprocs, 0, sched.procs);
    for (let p = 0 as P; p < sched.procs; p++) if (sched.pt.m[p] !== 0) this.add(TraceKind.procStart, p, sched.pt.m[p] - 1);
    m.subscribe((kind, a, b, c) => this.read(kind, a, b, c));
  }

  /** The file for `go tool trace` of Go 1.19. */
  go(): Uint8Array {
    this.endSweeps();
    return execTrace(this.log, (pc) => this.m.symtab.frame(pc));
  }

  /** The Chrome trace: one JSON document, with a track for each P, M and goroutine. */
  chrome(): string {
    this.endSweeps();
    return chromeTrace(this.log, (pc) => this.m.symtab.frame(pc));
  }

  // --- records ---------------------------------------------------------------------------------------------------------

  private p(p: number): PState {
    let state = this.ps.get(p);
    if (state === undefined) {
      state = { at: 0, goid: 0, preempted: 0, sweeping: false, swept: 0, reclaimed: 0 };
      this.ps.set(p, state);
    }
    return state;
  }

  /** A record on p, no earlier than `after`; returns its time. */
  private add(kind: TraceKind, p: number, a = 0, b = 0, c = 0, stack = 0, after = 0): number {
    const state = this.p(p);
    if (state.sweeping) this.endSweep(p, state);
    state.at = Math.max(state.at, after, Math.floor(this.m.sched.now()) + 1); // to the reader, 0 is no time
    this.log.add(kind, state.at, p, a, b, c, stack);
    return state.at;
  }

  /** A record on p of what the collector does. */
  private addGC(kind: TraceKind, p: number, a = 0, after = 0, stack = 0): void {
    this.gcAt = this.add(kind, p, a, 0, 0, stack, Math.max(this.gcAt + 1, after));
  }

  /** The state of a goroutine: the trace has seen each begin. */
  private g(goid: number): GState {
    return this.gs.get(goid) ?? gothrow(`tracer: goroutine ${goid} was never created`);
  }

  private create(goid: number, p: number, start: number): void {
    const at = this.add(TraceKind.goCreate, p, goid, start, 0, this.stack());
    this.gs.set(goid, { seq: 1, at, returned: 0 });
  }

  private start(goid: number, p: number, label: number): void {
    const g = this.g(goid);
    const state = this.p(p);
    if (state.goid !== 0) {
      state.preempted = state.goid;
      this.leave(TraceKind.goPreempt, state.goid, p);
    }
    if (g.returned !== 0) {
      g.at = this.add(TraceKind.goSysExit, p, goid, g.seq++, g.returned, 0, g.at);
      g.returned = 0;
    }
    g.at = this.add(label === 0 ? TraceKind.goStart : TraceKind.goStartLabel, p, goid, g.seq++, label, 0, g.at);
    state.goid = goid;
  }

  private unblock(goid: number, p: number, stack: number): void {
    const g = this.g(goid);
    g.at = this.add(TraceKind.goUnblock, p, goid, g.seq++, 0, stack, g.at);
  }

  /** The goroutine that runs on p leaves it. */
  private leave(kind: TraceKind, goid: number, p: number): void {
    const g = this.g(goid);
    const state = this.p(p);
    g.at = this.add(kind, p, 0, 0, 0, this.stackOf(goid), g.at);
    state.goid = 0;
    const { preempted } = state;
    if (preempted === 0 || preempted === goid) return;
    state.preempted = 0;
    this.start(preempted, p, 0);
  }

  /** The running goroutine's stack. */
  private stack(): number {
    const { sched } = this.m;
    return sched.curg === 0 ? 0 : this.log.stack([...this.pcs.subarray(0, sched.callers(this.pcs, maxFrames))]);
  }

  /** The stack of a goroutine if it is the running one: nobody looks at another's. */
  private stackOf(goid: number): number {
    const { curg, gt } = this.m.sched;
    return curg !== 0 && gt.goid[curg] === goid ? this.stack() : 0;
  }

  // --- events ----------------------------------------------------------------------------------------------------------

  private read(kind: number, a: number, b: number, c: number): void {
    const { curp } = this.m.sched;
    switch (kind) {
      case Ev.goCreate:
        this.create(a, curp, this.log.stack([c]));
        return;
      case Ev.goStart:
        this.start(a, c, this.label);
        this.label = 0;
        return;
      case Ev.goPark:
        this.leave(blockKinds[b] ?? TraceKind.goBlock, a, c);
        return;
      case Ev.goReady:
        this.unblock(a, c, this.stackOf(b));
        return;
      case Ev.goYield:
        this.leave(TraceKind.goSched, a, c);
        return;
      case Ev.goPreempt:
        this.leave(TraceKind.goPreempt, a, c);
        return;
      case Ev.goEnd:
        this.leave(TraceKind.goEnd, a, c);
        this.gs.delete(a);
        return;
      case Ev.goSysCall:
      case Ev.goSysExit:
      case Ev.goSysBlock:
        this.syscall(kind, a, b, c);
        return;
      case Ev.procStart:
        this.add(TraceKind.procStart, c, a - 1);
        return;
      case Ev.procStop:
        this.add(TraceKind.procStop, c);
        return;
      case Ev.gomaxprocs:
        this.add(TraceKind.gomaxprocs, curp, a, 0, 0, this.stack());
        return;
      case Ev.workerStart:
        this.label = this.log.string(modeNames[a]!);
        return;
      case Ev.assistStart:
      case Ev.assistDone:
        if (this.m.sched.curg !== 0) this.assist(kind, curp);
        return;
      case Ev.malloc:
        if ((this.allocated += b) >= heapStep) this.heapSize(curp);
        return;
      default:
        this.collector(kind, a, b, c);
    }
  }

  private syscall(kind: number, goid: number, m: number, p: number): void {
    const g = this.g(goid);
    if (kind === Ev.goSysCall) {
      g.at = this.add(TraceKind.goSysCall, p, 0, 0, 0, this.stackOf(goid), g.at);
    } else if (kind === Ev.goSysBlock) {
      this.leave(TraceKind.goSysBlock, goid, p);
    } else {
      // Its end is on record when it has a P again, with the time at which it was.
      g.returned = Math.max(g.at, Math.floor(this.m.sched.now()) + 1);
      this.log.add(TraceKind.sysReturn, g.returned, globalP, goid, m - 1);
    }
  }

  private collector(kind: number, a: number, b: number, c: number): void {
    const { curp } = this.m.sched;
    if (kind === Ev.gcPhase) {
      if (a === Phase.off) this.addGC(TraceKind.gcDone, curp);
      else if (!this.inCycle) this.addGC(TraceKind.gcStart, curp, this.cycles++, 0, this.stack());
      this.inCycle = a !== Phase.off;
      this.heapSize(curp);
      const { goal } = this.m.gc.pacer;
      this.add(TraceKind.heapGoal, curp, goal === Infinity ? 0 : Math.floor(goal));
    } else if (kind === Ev.stwStart && a !== StopReason.other) {
      this.stopped = true;
      this.addGC(TraceKind.stwStart, c, a === StopReason.sweepTermination ? 1 : 0);
    } else if (kind === Ev.stwDone && this.stopped) {
      this.stopped = false;
      this.addGC(TraceKind.stwDone, c, 0, this.gcAt + Math.floor(b));
    } else if (kind === Ev.sweepSpan) this.swept(curp, a as MSpan, b);
  }

  private assist(kind: number, p: number): void {
    if (kind === Ev.assistStart) this.add(TraceKind.markAssistStart, p, 0, 0, 0, this.stack());
    else this.add(TraceKind.markAssistDone, p);
  }

  private heapSize(p: number): void {
    this.allocated = 0;
    this.add(TraceKind.heapAlloc, p, this.m.heap.stats.heapLive);
  }

  // --- the sweep -------------------------------------------------------------------------------------------------------

  /** Spans that are swept one after the other are one sweep: it ends with the last of them. */
  private swept(p: number, span: MSpan, freed: number): void {
    const { mspan } = this.m.heap;
    const state = this.p(p);
    if (!state.sweeping) {
      this.add(TraceKind.sweepStart, p, 0, 0, 0, this.stack());
      state.sweeping = true;
      state.swept = 0;
      state.reclaimed = 0;
    }
    state.at = Math.max(state.at, Math.floor(this.m.sched.now()) + 1);
    state.swept += mspan.npages[span] * pageSize;
    state.reclaimed += freed * mspan.elemSize[span];
  }

  private endSweep(p: number, state: PState): void {
    state.sweeping = false;
    this.log.add(TraceKind.sweepDone, state.at, p, state.swept, state.reclaimed);
  }

  private endSweeps(): void {
    for (const [p, state] of this.ps) if (state.sweeping) this.endSweep(p, state);
  }
}
