// p: processors. A P has a run queue, an allocation cache (a Mutator), timers and a clock in virtual nanoseconds; who runs
// goroutines needs one. Source: runtime2.go p.
//
// A status says who owns the P: idle - the list of idle Ps; running - the M whose P it is; syscall - nobody: the M that left it
// for a system call may come back to it, sysmon may take it away; gcstop - whoever stopped the world; dead - GOMAXPROCS is
// smaller than its number.
import type { Id, LinearAlloc } from '../runtime/internal/memory.ts';

/** Row of the processor table, from 0 on: P0 exists. */
export type P = Id<'p'>;

/** In place of a P: none. */
export const noP = -1 as P;

/** Most Ps that a machine can have. */
export const maxProcs = 256;

/** Go's P statuses (values as in runtime2.go). */
export const enum PStatus {
  idle = 0,
  running = 1,
  syscall = 2,
  gcstop = 3,
  dead = 4,
}

/** The ring of a P's run queue. */
export const enum Ring {
  size = 256,
}

export function pTable(mem: LinearAlloc) {
  const rows = maxProcs;
  mem.table('p');
  return {
    /** PStatus. */
    status: mem.u8<P>('status', rows),
    /** Row of its M; 0 while it has none. */
    m: mem.i32<P>('m', rows),
    /** The goroutine that goes on with this P's next turn, because its last one was only interrupted; 0: whoever is next. */
    paused: mem.i32<P>('paused', rows),
    /** Next in the list of idle Ps; -1 at its end. */
    link: mem.i32<P>('link', rows),
    /** Counts scheduler rounds; every 61st looks at the global queue first. Does not move for runNext. */
    schedTick: mem.i32<P>('schedTick', rows),
    /** Counts system calls of goroutines of this P, and how often it was taken from one. */
    syscallTick: mem.i32<P>('syscallTick', rows),
    /** Ring positions, ever growing; entries are at position % 256. */
    runqHead: mem.i32<P>('runqHead', rows),
    runqTail: mem.i32<P>('runqTail', rows),
    runq: mem.i32<Id<'runqSlot'>>('runq', rows * Ring.size),
    runNext: mem.i32<P>('runNext', rows),
    /** What sysmon saw at its last look, and when it first saw that. Go's sysmontick. */
    seenSchedTick: mem.i32<P>('seenSchedTick', rows),
    seenSchedWhen: mem.f64<P>('seenSchedWhen', rows),
    seenSyscallTick: mem.i32<P>('seenSyscallTick', rows),
    seenSyscallWhen: mem.f64<P>('seenSyscallWhen', rows),
    /** 1: sysmon wants whoever runs to let others run. Go's g.preempt. */
    preempt: mem.u8<P>('preempt', rows),
    /** 1: its M has waited once, looking for work, for a goroutine that its P may still run itself. */
    napped: mem.u8<P>('napped', rows),
    /** Virtual nanoseconds of whoever holds this P. Only grows. */
    clock: mem.f64<P>('clock', rows),
    /** What this P does for the collector (WorkerMode); none while nothing marks. The P itself writes it. */
    workerMode: mem.u8<P>('workerMode', rows),
    /** The mark worker that marks on it; 0: none. */
    worker: mem.i32<P>('worker', rows),
    /** Nanoseconds that this P's fractional worker has marked in this cycle. Go's gcFractionalMarkTime. */
    fractionalTime: mem.f64<P>('fractionalTime', rows),
    /** Nanoseconds of sweeping that this P still owes: a third of the time of its goroutines. */
    sweepDebt: mem.f64<P>('sweepDebt', rows),
    /** Since when this P has been idle and the CPU limiter has not heard of it. */
    idleFrom: mem.f64<P>('idleFrom', rows),
  };
}

export type PTable = ReturnType<typeof pTable>;
