// syscall: system calls. A goroutine that enters one takes its M with it and leaves the P where it is, in the hope to be back
// soon: if the P is still there, it goes on as if nothing had been. sysmon takes the P away after a while, and so does whoever
// stops the world; then the goroutine looks for an idle P when it comes back, or waits in the global queue.
// Source: proc.go entersyscall, exitsyscall.
//
// A call has a given length in virtual nanoseconds, or lasts until the host settles a promise. The host can settle nothing
// while the machine runs, and time stands still for a machine that waits for its host: a promise takes no virtual time.

import { Ev } from '../runtime/internal/events.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { type G, GStatus } from './g.ts';
import { type M, MStatus } from './m.ts';
import type { Blocking } from './op.ts';
import { noP, type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';

/** The system calls of one machine. */
export class Syscalls {
  /** When the first of them ends; Infinity: none does by itself. */
  next = Infinity;
  /** Ms in a system call, first to end first, linked by mt.link; and the last one. */
  private head: M = 0 as M;
  private tail: M = 0 as M;
  /** Calls that end when the host settles a promise. */
  pending = 0;
  /** Told when a promise is settled and nobody runs. */
  onSettled: (() => void) | null = null;

  constructor(private readonly sched: Sched) {}

  /** The running goroutine enters a system call of so many nanoseconds. Source: entersyscall. */
  enter(nanos: number): Blocking<void> {
    const { sched } = this;
    const op = this.leave();
    this.insert(sched.pt.m[sched.curp] as M, sched.now() + nanos);
    return op;
  }

  /** The running goroutine waits for the host. Gives what the promise gives, or throws what it was rejected with. */
  await<T>(promise: PromiseLike<T>): Blocking<T> {
    const { sched } = this;
    const op = this.leave();
    const m = sched.pt.m[sched.curp] as M;
    const own = sched.cur;
    this.pending++;
    const settled = (): void => {
      this.pending--;
      this.insert(m, sched.now());
      this.onSettled?.();
    };
    promise.then(
      (value) => {
        own.value = value;
        settled();
      },
      (error: unknown) => {
        own.fails(error instanceof Error ? error : new Error(String(error)));
        settled();
      },
    );
    return op as Blocking<unknown> as Blocking<T>;
  }

  private leave(): Blocking<void> {
    const { sched } = this;
    const op = sched.begin();
    const { gt, curg, pt, mt, curp } = sched;
    const m = pt.m[curp] as M;
    op.status = GStatus.syscall;
    mt.curg[m] = curg;
    op.done = 0;
    sched.changed(); // the P is left at the end of this turn
    if (sched.events.on) sched.events.emit(Ev.goSysCall, gt.goid[curg], m, curp);
    return op as Blocking<void>;
  }

  /** The turn in which p's goroutine entered a system call is over: p is left behind. */
  left(p: P): void {
    const { pt, mt } = this.sched;
    const m = pt.m[p] as M;
    mt.status[m] = MStatus.syscall;
    mt.oldP[m] = p;
    mt.p[m] = noP;
    pt.m[p] = 0;
    pt.status[p] = PStatus.syscall;
    pt.syscallTick[p]++;
    this.sched.changed();
    this.sched.sysmon.wake(pt.clock[p]);
  }

  /** p, left behind, is taken from whoever is in a system call; the caller gives it to others. Source: retake. */
  lose(p: P): void {
    const { pt, mt, ms, events, gt } = this.sched;
    if (pt.status[p] !== PStatus.syscall) gothrow(`Q2: retake: P${p} has status ${pt.status[p]}`);
    pt.status[p] = PStatus.idle;
    pt.syscallTick[p]++;
    for (let m = 1 as M; m <= ms.lastRow; m++) {
      if (mt.status[m] !== MStatus.syscall || mt.oldP[m] !== p) continue;
      mt.oldP[m] = noP;
      if (!events.on) continue;
      events.emit(Ev.goSysBlock, gt.goid[mt.curg[m] as G], m, p);
      events.emit(Ev.procStop, m, 0, p);
    }
  }

  private insert(m: M, until: number): void {
    const { mt } = this.sched;
    mt.until[m] = until;
    if (this.tail !== 0 && mt.until[this.tail] <= until) {
      mt.link[this.tail] = m; // nearly always: calls of one length
      mt.link[m] = 0;
      this.tail = m;
    } else {
      let before = 0 as M;
      let after = this.head;
      while (after !== 0 && mt.until[after] <= until) {
        before = after;
        after = mt.link[after] as M;
      }
      mt.link[m] = after;
      if (before === 0) this.head = m;
      else mt.link[before] = m;
      if (after === 0) this.tail = m;
    }
    this.next = mt.until[this.head];
    this.sched.changed();
  }

  /** The first system call to end does so. Source: exitsyscall. */
  endFirst(): void {
    const { sched } = this;
    const { mt, gt, pt, ms, events } = sched;
    const m = this.head;
    this.head = mt.link[m] as M;
    if (this.head === 0) this.tail = 0 as M;
    this.next = this.head === 0 ? Infinity : mt.until[this.head];
    const g = mt.curg[m] as G;
    const op = sched.ops[g]!;
    op.waitSeen = false;
    mt.curg[m] = 0;
    const old = mt.oldP[m] as P;
    const now = sched.now();
    if (old !== noP && pt.status[old] === PStatus.syscall) {
      pt.status[old] = PStatus.idle;
      ms.take(m, old, now); // it is still there: as if nothing had been
      this.resume(m, g, old);
      return;
    }
    const p = ms.takeIdleP();
    if (p !== noP) {
      ms.acquire(m, p, now);
      this.resume(m, g, p);
      if (events.on) events.emit(Ev.goSysExit, gt.goid[g], m, p);
      if (events.on) events.emit(Ev.goStart, gt.goid[g], m, p);
      return;
    }
    op.status = GStatus.runnable;
    if (gt.readyAt[g] < now) gt.readyAt[g] = now;
    if (events.on) events.emit(Ev.goSysExit, gt.goid[g], m, noP);
    sched.runq.putGlobal(op);
    if (mt.lockedG[m] === g) sched.locks.wait(m);
    else ms.stop(m);
  }

  private resume(m: M, g: G, p: P): void {
    const { sched } = this;
    sched.mt.oldP[m] = noP;
    sched.ops[g]!.status = GStatus.running;
    sched.pt.paused[p] = g;
    sched.pt.syscallTick[p]++;
  }
}
