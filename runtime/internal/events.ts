// events: the one stream of everything worth knowing. Each event is a kind and up to four numbers; readers (traces, the
// digest of a run, gctrace, the explorer) subscribe. With no reader, `on` is false and nobody calls emit.
//
// Kinds are versioned by the list: append, never renumber; eventsVersion goes up when a kind changes its meaning.

export const eventsVersion = 3;

/**
 * Kinds of events, with what a, b, c, d are. "P" is the processor on which it happened; when it happened is `now()` of the
 * scheduler while the reader is called.
 */
export const enum Ev {
  /** a goroutine id, b creator's id, c pc of the start function, d 1: one of the runtime's own */
  goCreate = 1,
  /** a goid, b M, c P: it runs */
  goStart = 2,
  /** a goid, b wait reason, c P: it waits. Go's GoBlock… and GoSleep, GoStop */
  goPark = 3,
  /** a goid, b goid of the waker (0: a timer, the collector, the host), c P: it is runnable. Go's GoUnblock */
  goReady = 4,
  /** a goid, b 0, c P: it lets others run. Go's GoSched */
  goYield = 5,
  /** a goid, b 0, c P */
  goEnd = 6,
  /** a goid, b 0, c P: its time was up */
  goPreempt = 7,
  /** a goid, b M, c P: it enters a system call; M and P wait for it */
  goSysCall = 8,
  /** a goid, b M, c P (-1: there was none, and it is runnable): it is back from a system call in which it lost its P */
  goSysExit = 9,
  /** a address, b size in bytes (rounded), c type id */
  malloc = 10,
  /** a address, b size in bytes, c 0 found by the sweeper, 1 freed by the program; memory not yet reused */
  free = 11,
  /** a address of the slot, b old value, c new value: a pointer write while the barrier is on */
  barrier = 12,
  /** a goid, b M, c P: its P was taken away while it is in a system call */
  goSysBlock = 13,
  /** a new phase, b cycle */
  gcPhase = 20,
  /** a mspan, b objects freed, c objects live: one span was swept */
  sweepSpan = 21,
  /** a cycle, b 0 rotation at mark termination, 1 publication after start-the-world, 2 publication after a forced sweep */
  profileRotate = 22,
  /** a cycle, b bytes marked, c objects marked */
  gcMarkDone = 23,
  /** a what (Choice), b n, c answer */
  choice = 30,
  /** a M, b 0, c P: the P runs */
  procStart = 40,
  /** a M, b 0, c P: the P is idle, or given away */
  procStop = 41,
  /** a M: a thread was made */
  threadCreate = 42,
  /** a M: a thread ended */
  threadExit = 43,
  /** a why (StopReason), b 0, c P */
  stwStart = 44,
  /** a 0, b nanoseconds that every running P has lost, c P */
  stwDone = 45,
  /** a GOMAXPROCS */
  gomaxprocs = 46,
  /** a mode (WorkerMode), b goid of the mark worker, c P: in which way it marks, before it starts */
  workerStart = 47,
  /** a 0, b goid, c P: it has marked, after it has parked */
  workerStop = 48,
  /** The running goroutine scans in return for what it allocates. */
  assistStart = 49,
  assistDone = 50,
}

/** Why the world stops. */
export const enum StopReason {
  other = 0,
  sweepTermination = 1,
  markTermination = 2,
}

/** Names of the kinds, for text and JSON. */
export const eventNames: Readonly<Record<number, string>> = {
  [Ev.goCreate]: 'GoCreate',
  [Ev.goStart]: 'GoStart',
  [Ev.goPark]: 'GoPark',
  [Ev.goReady]: 'GoReady',
  [Ev.goYield]: 'GoYield',
  [Ev.goEnd]: 'GoEnd',
  [Ev.goPreempt]: 'GoPreempt',
  [Ev.goSysCall]: 'GoSysCall',
  [Ev.goSysExit]: 'GoSysExit',
  [Ev.goSysBlock]: 'GoSysBlock',
  [Ev.malloc]: 'Malloc',
  [Ev.free]: 'Free',
  [Ev.barrier]: 'Barrier',
  [Ev.gcPhase]: 'GCPhase',
  [Ev.sweepSpan]: 'SweepSpan',
  [Ev.profileRotate]: 'ProfileRotate',
  [Ev.gcMarkDone]: 'GCMarkDone',
  [Ev.choice]: 'Choice',
  [Ev.procStart]: 'ProcStart',
  [Ev.procStop]: 'ProcStop',
  [Ev.threadCreate]: 'ThreadCreate',
  [Ev.threadExit]: 'ThreadExit',
  [Ev.stwStart]: 'STWStart',
  [Ev.stwDone]: 'STWDone',
  [Ev.gomaxprocs]: 'Gomaxprocs',
  [Ev.workerStart]: 'WorkerStart',
  [Ev.workerStop]: 'WorkerStop',
  [Ev.assistStart]: 'AssistStart',
  [Ev.assistDone]: 'AssistDone',
};

/** Reads one event. Called in the order in which things happened. */
export type EventReader = (kind: number, a: number, b: number, c: number, d: number) => void;

/** The stream of one machine. */
export class Events {
  /** True when someone reads; the only thing a hot path looks at. */
  on = false;
  /** Told when that has become true. */
  whenOn: (() => void) | null = null;
  private readonly readers: EventReader[] = [];

  subscribe(reader: EventReader): void {
    this.readers.push(reader);
    if (this.on) return;
    this.on = true;
    if (this.whenOn !== null) this.whenOn();
  }

  emit(kind: number, a = 0, b = 0, c = 0, d = 0): void {
    for (let i = 0; i < this.readers.length; i++) this.readers[i]!(kind, a, b, c, d);
  }
}

/** A 64-bit FNV-style digest of a run, kept as two 32-bit halves: same program, seed and options give the same text. */
export class Digest {
  private lo = 0x811c9dc5 | 0;
  private hi = 0x1000193 | 0;
  private count = 0;

  readonly read: EventReader = (kind, a, b, c, d) => {
    this.add(kind);
    this.add(a);
    this.add(b);
    this.add(c);
    this.add(d);
    this.count++;
  };

  /** Mixes one number in (its low 32 bits and what is above them). */
  add(n: number): void {
    this.lo = Math.imul(this.lo ^ (n | 0), 0x01000193);
    this.hi = Math.imul(this.hi ^ (Math.floor(n / 4294967296) + this.lo), 0x85ebca6b);
    this.hi ^= this.hi >>> 15;
  }

  /** Number of events and the digest, `events-hex`. */
  toString(): string {
    const hex = (x: number) => (x >>> 0).toString(16).padStart(8, '0');
    return `${this.count}-${hex(this.hi)}${hex(this.lo)}`;
  }
}
