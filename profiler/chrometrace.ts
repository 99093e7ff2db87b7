// chrometrace: a trace as Chrome's Trace Event JSON, for Perfetto, speedscope and the Performance panel of DevTools. Where
// `go tool trace` shows a track for each P alone, this has one for each P, each M and each goroutine, as processes of the trace:
//
//   Ps           what runs on it
//   Ms           what runs on it, and system calls after their P was taken
//   goroutines   running, runnable, in a mark assist or a system call, or what it waits for
//   collector    cycles, stops of the world, sweeps; and the size of the heap
//
// Slices of one track follow each other and never overlap. Times are microseconds, with nanoseconds behind the point.

import type { Frame } from './symtab.ts';
import { TraceKind, type TraceLog, type TraceRecord } from './tracelog.ts';

/** Processes of the trace. */
const enum Pid {
  ps = 1,
  ms = 2,
  goroutines = 3,
  collector = 4,
}

/** Threads of the collector; the sweep of P p is sweeps + p. */
const enum GCTrack {
  cycles = 0,
  stops = 1,
  sweeps = 2,
}

const waitNames: Readonly<Record<number, string>> = {
  [TraceKind.goStop]: 'waits for ever',
  [TraceKind.goSleep]: 'sleep',
  [TraceKind.goBlock]: 'waits',
  [TraceKind.goBlockSend]: 'chan send',
  [TraceKind.goBlockRecv]: 'chan receive',
  [TraceKind.goBlockSelect]: 'select',
  [TraceKind.goBlockSync]: 'sync',
  [TraceKind.goBlockCond]: 'sync.Cond',
  [TraceKind.goBlockNet]: 'network',
  [TraceKind.goBlockGC]: 'GC assist wait',
};

/** What a track shows now. */
interface Track {
  readonly pid: Pid;
  readonly tid: number;
  /** null: nothing. */
  name: string | null;
  from: number;
}

/** Turns the records of a trace into slices. */
class Slices {
  readonly lines: string[] = [];
  private readonly tracks = new Map<string, Track>();
  private last = 0;

  put(event: object): void {
    this.lines.push(JSON.stringify(event));
  }

  /** From `at` on the track shows `name`; a track that was ahead goes on from where it is. */
  show(pid: Pid, tid: number, at: number, name: string | null): void {
    const key = `${pid} ${tid}`;
    let track = this.tracks.get(key);
    if (track === undefined) {
      track = { pid, tid, name: null, from: at };
      this.tracks.set(key, track);
    }
    this.last = Math.max(this.last, at);
    const end = Math.max(at, track.from);
    if (track.name !== null && end > track.from) {
      this.put({ ph: 'X', pid, tid, ts: track.from / 1e3, dur: (end - track.from) / 1e3, name: track.name });
    }
    track.name = name;
    track.from = end;
  }

  /** What the track shows. */
  shown(pid: Pid, tid: number): string | null {
    return this.tracks.get(`${pid} ${tid}`)?.name ?? null;
  }

  counter(name: string, at: number, args: Readonly<Record<string, number>>): void {
    this.put({ ph: 'C', pid: Pid.collector, ts: at / 1e3, name, args });
  }

  /** The trace is over. */
  end(): void {
    for (const t of this.tracks.values()) this.show(t.pid, t.tid, this.last, null);
  }

  /** Visits the tracks: processes in their order, threads by number. */
  *inOrder(): Generator<Track, void, void> {
    yield* [...this.tracks.values()].sort((a, b) => a.pid - b.pid || a.tid - b.tid);
  }
}

/** The state that a record alone does not tell. */
class Reader {
  readonly slices = new Slices();
  /** By P: the goroutine that runs on it, and its M. */
  private readonly running = new Map<number, number>();
  private readonly ms = new Map<number, number>();
  readonly names = new Map<number, string>();

  constructor(
    private readonly log: TraceLog,
    private readonly frameOf: (pc: number) => Frame,
  ) {}

  private name(goid: number): string {
    return this.names.get(goid) ?? `G${goid}`;
  }

  /** From now on goid runs on p, in a state. */
  private runs(p: number, goid: number, at: number, state: string): void {
    const { slices } = this;
    this.running.set(p, goid);
    const text = state === 'running' ? this.name(goid) : `${this.name(goid)} (${state})`;
    slices.show(Pid.ps, p, at, text);
    slices.show(Pid.goroutines, goid, at, state);
    const m = this.ms.get(p);
    if (m !== undefined) slices.show(Pid.ms, m, at, text);
  }

  /** What ran on p does so no longer, and is in a state (null: it has ended); the M: goes on with a system call. */
  private leaves(p: number, at: number, state: string | null, inCall = false): void {
    const { slices } = this;
    const goid = this.running.get(p)!;
    this.running.delete(p);
    slices.show(Pid.ps, p, at, null);
    slices.show(Pid.goroutines, goid, at, state);
    const m = this.ms.get(p);
    if (m === undefined) return;
    slices.show(Pid.ms, m, at, inCall ? `${this.name(goid)} (system call)` : null);
    if (inCall) this.ms.delete(p);
  }

  read(r: TraceRecord): void {
    const { slices } = this;
    const { kind, at, p, a, b } = r;
    switch (kind) {
      case TraceKind.procStart:
        this.ms.set(p, a);
        slices.show(Pid.ms, a, at, null);
        return;
      case TraceKind.procStop:
        this.ms.delete(p);
        return;
      case TraceKind.gomaxprocs:
        slices.put({ ph: 'i', s: 'g', pid: Pid.ps, tid: 0, ts: at / 1e3, name: `GOMAXPROCS=${a}` });
        return;
      case TraceKind.goCreate: {
        const pc = this.log.stacks[b]![0];
        this.names.set(a, pc === undefined ? `G${a}` : `G${a} ${this.frameOf(pc).func}`);
        slices.show(Pid.goroutines, a, at, 'runnable');
        return;
      }
      case TraceKind.goStart:
      case TraceKind.goStartLabel:
        this.runs(p, a, at, 'running');
        return;
      case TraceKind.goEnd:
        this.leaves(p, at, null);
        return;
      case TraceKind.goSched:
      case TraceKind.goPreempt:
        this.leaves(p, at, 'runnable');
        return;
      case TraceKind.goUnblock:
        slices.show(Pid.goroutines, a, at, 'runnable');
        return;
      case TraceKind.goSysCall:
        this.runs(p, this.running.get(p)!, at, 'system call');
        return;
      case TraceKind.markAssistStart:
        this.runs(p, this.running.get(p)!, at, 'mark assist');
        return;
      case TraceKind.markAssistDone:
        this.runs(p, this.running.get(p)!, at, 'running');
        return;
      case TraceKind.goSysBlock:
        this.leaves(p, at, 'system call', true);
        return;
      case TraceKind.sysReturn:
        slices.show(Pid.goroutines, a, at, 'runnable');
        slices.show(Pid.ms, b, at, null);
        return;
      default:
        if (waitNames[kind] !== undefined) this.leaves(p, at, waitNames[kind]);
        else this.collector(r);
    }
  }

  private collector({ kind, at, p, a }: TraceRecord): void {
    const { slices } = this;
    if (kind === TraceKind.gcStart) slices.show(Pid.collector, GCTrack.cycles, at, `GC ${a + 1}`);
    else if (kind === TraceKind.gcDone) slices.show(Pid.collector, GCTrack.cycles, at, null);
    else if (kind === TraceKind.stwStart) {
      slices.show(Pid.collector, GCTrack.stops, at, a === 1 ? 'sweep termination' : 'mark termination');
    } else if (kind === TraceKind.stwDone) slices.show(Pid.collector, GCTrack.stops, at, null);
    else if (kind === TraceKind.sweepStart) slices.show(Pid.collector, GCTrack.sweeps + p, at, 'sweep');
    else if (kind === TraceKind.sweepDone) slices.show(Pid.collector, GCTrack.sweeps + p, at, null);
    else if (kind === TraceKind.heapAlloc) slices.counter('heap', at, { bytes: a });
    else if (kind === TraceKind.heapGoal) slices.counter('heap goal', at, { bytes: a });
  }
}

const processNames: Readonly<Record<number, string>> = {
  [Pid.ps]: 'Ps',
  [Pid.ms]: 'Ms',
  [Pid.goroutines]: 'goroutines',
  [Pid.collector]: 'collector',
};

/** One JSON document with a line for each event. frameOf: what a pc means. */
export function chromeTrace(log: TraceLog, frameOf: (pc: number) => Frame): string {
  const reader = new Reader(log, frameOf);
  const { slices, names } = reader;
  for (const r of log.records()) reader.read(r);
  slices.end();
  const gcNames = ['cycles', 'stops of the world'];
  for (const [pid, name] of Object.entries(processNames)) {
    slices.put({ ph: 'M', pid: Number(pid), name: 'process_name', args: { name } });
    slices.put({ ph: 'M', pid: Number(pid), name: 'process_sort_index', args: { sort_index: Number(pid) } });
  }
  for (const { pid, tid } of slices.inOrder()) {
    let name = `P${tid}`;
    if (pid === Pid.ms) name = `M${tid}`;
    else if (pid === Pid.goroutines) name = names.get(tid) ?? `G${tid}`;
    else if (pid === Pid.collector) name = gcNames[tid] ?? `sweep, P${tid - GCTrack.sweeps}`;
    slices.put({ ph: 'M', pid, tid, name: 'thread_name', args: { name } });
    slices.put({ ph: 'M', pid, tid, name: 'thread_sort_index', args: { sort_index: tid } });
  }
  return `{"displayTimeUnit":"ns","traceEvents":[\n${slices.lines.join(',\n')}\n]}\n`;
}
