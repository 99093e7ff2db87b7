// sysmon: the M that has no P and looks round. Every 20 microseconds at first, and every 10 milliseconds when nothing happens
// for a while, it asks goroutines that have run for 10 ms to let others run, takes Ps away from those in system calls, and
// begins a collection when there was none for two minutes. Source: proc.go sysmon, retake.
//
// While all Ps are idle it sleeps; the first P that runs wakes it.

import { type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';

/** A goroutine may run for so many nanoseconds before others get a turn. Go's forcePreemptNS. */
const timeSlice = 10e6;
const shortestDelay = 20e3;
const longestDelay = 10e6;
/** Rounds without an event after which the delay doubles each time. */
const quietRounds = 50;
/** While all Ps are idle it looks for a forced collection only. Go's forcegcperiod / 2. */
const deepSleep = 60e9;

/** The watcher of one machine. */
export class Sysmon {
  /** Virtual nanoseconds of its next round. */
  next = shortestDelay;
  /** It waits for a P to run. Go's sched.sysmonwait. */
  asleep = false;
  private delay = shortestDelay;
  private quiet = 0;
  /** Nanoseconds between two lines of GODEBUG=schedtrace; 0: none. */
  tracePeriod = 0;
  /** Prints such lines. */
  trace: (() => void) | null = null;
  private lastTrace = -Infinity;

  constructor(private readonly sched: Sched) {}

  /** A P runs from `when` on. */
  wake(when: number): void {
    if (!this.asleep) return;
    this.asleep = false;
    this.quiet = 0;
    this.delay = shortestDelay;
    this.next = when + this.delay;
  }

  /** The rounds that were due before `now`, for a goroutine whose turn is long. */
  lookUntil(now: number): void {
    const { sched } = this;
    const { elsewhere } = sched;
    while (this.next <= now) {
      sched.elsewhere = this.next;
      this.look(this.next);
    }
    sched.elsewhere = elsewhere;
  }

  /** A round at `now`. */
  look(now: number): void {
    const { sched } = this;
    if (this.asleep) this.wake(now); // from time to time it wakes by itself
    if (this.retake(now)) this.quiet = 0;
    else this.quiet++;
    if (sched.gc.periodicDue(now)) sched.helpers.wakeForceGC();
    if (this.tracePeriod > 0 && now - this.lastTrace >= this.tracePeriod) {
      this.lastTrace = now;
      this.trace?.();
    }
    if (this.quiet === 0) this.delay = shortestDelay;
    else if (this.quiet > quietRounds) this.delay = Math.min(this.delay * 2, longestDelay);
    this.next = now + this.delay;
    if (this.tracePeriod > 0 || sched.ms.idlePs < sched.procs) return;
    this.asleep = true;
    this.next = now + deepSleep;
  }

  /** Asks for what has run too long, and takes Ps from system calls; says whether it took any. Source: retake. */
  private retake(now: number): boolean {
    const { sched } = this;
    const { pt } = sched;
    let took = false;
    for (let p = 0 as P; p < sched.procs; p++) {
      const status = pt.status[p];
      if (status !== PStatus.running && status !== PStatus.syscall) continue;
      const tooLong = this.ranTooLong(p, now);
      if (status === PStatus.running) {
        if (tooLong) pt.preempt[p] = 1;
      } else if (this.mayTake(p, now, tooLong)) {
        sched.syscalls.lose(p);
        sched.ms.handOff(p, now);
        took = true;
      }
    }
    return took;
  }

  /** Whether p is in the same round of its scheduler as 10 ms ago. */
  private ranTooLong(p: P, now: number): boolean {
    const { seenSchedTick, seenSchedWhen } = this.sched.pt;
    const tick = this.sched.runq.tick(p);
    if (seenSchedTick[p] === tick) return seenSchedWhen[p] + timeSlice <= now;
    seenSchedTick[p] = tick;
    seenSchedWhen[p] = now;
    return false;
  }

  /** Whether p, left behind in a system call, is to be taken: it was there at the last round, and others may need it. */
  private mayTake(p: P, now: number, tooLong: boolean): boolean {
    const { runq, ms, pt } = this.sched;
    const { syscallTick, seenSyscallTick, seenSyscallWhen } = pt;
    if (!tooLong && seenSyscallTick[p] !== syscallTick[p]) {
      seenSyscallTick[p] = syscallTick[p];
      seenSyscallWhen[p] = now;
      return false;
    }
    // With no work to do it may stay for a while, but not for ever: it would keep sysmon awake.
    return !(runq.length(p) === 0 && ms.spinning + ms.idlePs > 0 && seenSyscallWhen[p] + timeSlice > now);
  }
}
