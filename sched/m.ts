// m: threads. An M runs goroutines and needs a P for that. The machine has one thread of JavaScript; an M is the part that a
// thread of the system plays in Go: it goes to sleep without work and is woken for it (wakep), it looks for work in other Ps'
// queues (spinning), it waits in a system call while its P goes on with another M (handoffp), and it can belong to one
// goroutine alone (lockthread.ts). Source: runtime2.go m, proc.go startm, stopm, handoffp, wakep.
//
// The rule of waking, as in Go: whoever makes a goroutine runnable wakes one P if there is an idle one and nobody is spinning;
// a spinning M that finds work wakes the next. So the Ps come one after the other, as long as there is work for them.
//
//   Q2  a P runs if and only if it has an M whose P it is; an idle P has no M and is in the list of idle Ps, once
//   Q3  an M in the list of idle Ms has no P, no goroutine, and does not spin; the number of spinning Ms is right
//
// Both are checked by sched/check.ts.
import { Ev, type Events } from '../runtime/internal/events.ts';
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import { fatal, gothrow } from '../runtime/internal/throw.ts';
import { noP, type P, PStatus, type PTable } from './p.ts';

/** Row of the thread table; 0 is nil. Go's M number is one less. */
export type M = Id<'m'>;

/** Go's limit, which debug.SetMaxThreads can lower here and not raise: the table has so many rows. */
export const maxThreads = 10_000;

/** What an M does when it has no P. */
export const enum MStatus {
  /** the row is free: the thread was not made, or has ended */
  none = 0,
  /** it has a P, or is on its way from one to another */
  running = 1,
  /** in the list of idle Ms */
  idle = 2,
  /** in a system call */
  syscall = 3,
  /** waits for the goroutine that it is locked to. Go's m.blocked in stoplockedm */
  locked = 4,
  /** sysmon: never has a P */
  sysmon = 5,
}

export function mTable(mem: LinearAlloc) {
  const rows = maxThreads + 1;
  mem.table('m');
  return {
    /** MStatus. */
    status: mem.u8<M>('status', rows),
    /** Its P; -1 for none. */
    p: mem.i32<M>('p', rows),
    /** The P that it left for a system call, and tries to get back; -1 for none. */
    oldP: mem.i32<M>('oldP', rows),
    /** The goroutine in whose system call it is; 0 for none. (The goroutine of a running M is Sched.curg, or its P's `paused`.) */
    curg: mem.i32<M>('curg', rows),
    /** The goroutine that it is locked to, and how often that one has called LockOSThread; 0 for none. */
    lockedG: mem.i32<M>('lockedG', rows),
    lockedCount: mem.i32<M>('lockedCount', rows),
    /** 1: it looks for work. */
    spinning: mem.u8<M>('spinning', rows),
    /** Next in the list that it is in. */
    link: mem.i32<M>('link', rows),
    /** Virtual nanoseconds at which its system call ends; Infinity: when the host says so. */
    until: mem.f64<M>('until', rows),
  } satisfies Record<string, Column<M>>;
}

export type MTable = ReturnType<typeof mTable>;

/** Whom an M's comings and goings concern. */
export interface Threads {
  /** A P that was idle runs from now on: its clock is at least `when`. */
  woken(p: P, when: number): void;
  /** Which Ps run has changed. */
  changed(): void;
  /** Whether anything waits that p could run or mark. */
  hasWork(p: P): boolean;
}

/** The threads of one machine, and which of them has which P. */
export class Ms {
  /** Rows used so far, and free ones among them. */
  private rows = 0;
  private freeRows: M = 0 as M;
  /** Threads that have ended. */
  private ended = 0;
  /** Most threads that the program may have; one more is fatal. Go's sched.maxmcount. */
  max = maxThreads;
  private idleHead: M = 0 as M;
  /** Ms in the idle list; idle Ps; Ms that look for work; Ms that wait for their goroutine. Go's nmidle, npidle, nmspinning, nmidlelocked. */
  idle = 0;
  idlePs = 0;
  spinning = 0;
  idleLocked = 0;
  private idlePHead: P = noP;

  constructor(
    readonly mt: MTable,
    private readonly pt: PTable,
    private readonly events: Events,
    private readonly on: Threads,
  ) {}

  /** Threads that exist. Go's mcount. */
  get count(): number {
    return this.rows - this.ended;
  }

  /** The highest row in use, for whoever looks at all. */
  get lastRow(): M {
    return this.rows as M;
  }

  // --- threads ---------------------------------------------------------------------------------------------------------

  /** A new thread. Source: newm, allocm. */
  create(status: MStatus): M {
    const { mt } = this;
    this.checkCount(1);
    let m = this.freeRows;
    if (m !== 0) {
      this.freeRows = mt.link[m] as M;
      this.ended--;
    } else m = ++this.rows as M;
    mt.status[m] = status;
    mt.p[m] = noP;
    mt.oldP[m] = noP;
    mt.curg[m] = 0;
    mt.lockedG[m] = 0;
    mt.lockedCount[m] = 0;
    mt.spinning[m] = 0;
    if (this.events.on) this.events.emit(Ev.threadCreate, m);
    return m;
  }

  /** Fatal when `more` threads would be too many. Source: checkmcount. */
  checkCount(more: number): void {
    if (this.count + more > this.max) fatal('thread exhaustion', `runtime: program exceeds ${this.max}-thread limit`);
  }

  /** The thread ends; it has no P. Source: mexit. */
  exit(m: M): void {
    const { mt } = this;
    mt.status[m] = MStatus.none;
    mt.link[m] = this.freeRows;
    this.freeRows = m;
    this.ended++;
    if (this.events.on) this.events.emit(Ev.threadExit, m);
  }

  /** An M without work and without a P goes to sleep. Source: stopm, mput. */
  stop(m: M): void {
    const { mt } = this;
    if (mt.p[m] !== noP) gothrow(`Q3: M${m - 1} goes to sleep with P${mt.p[m]}`);
    if (mt.spinning[m] !== 0) gothrow(`Q3: M${m - 1} goes to sleep while it spins`);
    mt.status[m] = MStatus.idle;
    mt.link[m] = this.idleHead;
    this.idleHead = m;
    this.idle++;
  }

  /** The M that went to sleep last, or a new one. Source: mget. */
  private wakeM(): M {
    const { mt } = this;
    const m = this.idleHead;
    if (m === 0) return this.create(MStatus.running);
    this.idleHead = mt.link[m] as M;
    this.idle--;
    mt.status[m] = MStatus.running;
    return m;
  }

  // --- an M and its P --------------------------------------------------------------------------------------------------

  /** m has p from `when` on. Source: acquirep. */
  acquire(m: M, p: P, when: number): void {
    this.take(m, p, when);
    if (this.events.on) this.events.emit(Ev.procStart, m, 0, p);
  }

  /** As acquire, of a P that never stopped: m comes back to it from a system call. Source: exitsyscallfast. */
  take(m: M, p: P, when: number): void {
    const { mt, pt } = this;
    if (mt.p[m] !== noP || pt.m[p] !== 0) gothrow(`Q2: acquirep: M${m - 1} has P${mt.p[m]}, P${p} has M${pt.m[p] - 1}`);
    if (pt.status[p] !== PStatus.idle) gothrow(`Q2: acquirep: P${p} has status ${pt.status[p]}`);
    mt.status[m] = MStatus.running;
    mt.p[m] = p;
    pt.m[p] = m;
    pt.status[p] = PStatus.running;
    this.on.woken(p, when);
    this.on.changed();
  }

  /** p's M gives it up; p has status idle and is in no list yet. Source: releasep. */
  release(p: P): M {
    const { mt, pt } = this;
    const m = pt.m[p] as M;
    if (m === 0 || mt.p[m] !== p || pt.status[p] !== PStatus.running) gothrow(`Q2: releasep: P${p}, status ${pt.status[p]}, M${m - 1}`);
    if (this.events.on) this.events.emit(Ev.procStop, m, 0, p);
    mt.p[m] = noP;
    pt.m[p] = 0;
    pt.status[p] = PStatus.idle;
    this.on.changed();
    return m;
  }

  /** Puts a P without work into the list of idle ones. Source: pidleput. */
  putIdleP(p: P): void {
    const { pt } = this;
    pt.link[p] = this.idlePHead;
    this.idlePHead = p;
    this.idlePs++;
    if (pt.idleFrom[p] < pt.clock[p]) pt.idleFrom[p] = pt.clock[p];
    this.on.changed();
  }

  /** Takes the P that became idle last out of the list; -1 when there is none. Source: pidleget. */
  takeIdleP(): P {
    const p = this.idlePHead;
    if (p === noP) return noP;
    this.idlePHead = this.pt.link[p] as P;
    this.idlePs--;
    return p;
  }

  /** Visits the idle Ps. */
  eachIdleP(visit: (p: P) => void): void {
    for (let p = this.idlePHead; p !== noP; p = this.pt.link[p] as P) visit(p);
  }

  /** Visits the idle Ms. */
  eachIdleM(visit: (m: M) => void): void {
    for (let m = this.idleHead; m !== 0; m = this.mt.link[m] as M) visit(m);
  }

  /** GOMAXPROCS changes: all idle Ps leave the list. */
  clearIdlePs(): void {
    this.idlePHead = noP;
    this.idlePs = 0;
  }

  /** Some M runs p from `when` on. Source: startm. */
  start(p: P, spinning: boolean, when: number): void {
    const m = this.wakeM();
    if (spinning) this.beginSpinning(m);
    this.acquire(m, p, when);
  }

  /** One idle P, if there is any and nobody looks for work already, comes to look for some, no earlier than `when`. Source: wakep. */
  wake(when: number): void {
    if (this.spinning !== 0) return;
    const p = this.takeIdleP();
    if (p !== noP) this.start(p, true, when);
  }

  /** p's M cannot run it any more. Another does if there is work, or if nobody looks for any; else p is idle. Source: handoffp. */
  handOff(p: P, when: number): void {
    if (this.on.hasWork(p)) this.start(p, false, when);
    else if (this.spinning + this.idlePs === 0) this.start(p, true, when);
    else this.putIdleP(p);
  }

  beginSpinning(m: M): void {
    this.mt.spinning[m] = 1;
    this.spinning++;
  }

  endSpinning(m: M): void {
    this.mt.spinning[m] = 0;
    this.spinning--;
    if (this.spinning < 0) gothrow('findrunnable: negative nmspinning');
  }
}
