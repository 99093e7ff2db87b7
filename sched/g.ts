// g: the table of goroutines. A row is a goroutine's descriptor; its continuation (a JavaScript generator) lives beside the
// table, indexed by row. Source: runtime2.go g, and the status comments there.
//
// status, waitReason, elem and waiting are fields of its Op (op.ts) between safepoints; these columns are written from them.
//
// A status says who owns the goroutine: runnable - the run queue it is in; running and syscall - its M; waiting - what it
// waits on; idle and dead - the free list. Invariant Q5: a status changes only along these arrows (checked where it changes):
//
//   idle ─> runnable ─> running ─┬─> runnable   Gosched, preemption        syscall ─┬─> running   its P, or an idle one
//   dead ───^                    ├─> waiting ─> runnable                            └─> runnable  no P is free
//                                ├─> syscall
//                                └─> dead
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';

/** Row of the goroutine table; 0 is nil. Rows are reused, goids are not. */
export type G = Id<'g'>;

/** Go's G statuses (values as in runtime2.go). */
export const enum GStatus {
  idle = 0,
  runnable = 1,
  running = 2,
  syscall = 3,
  waiting = 4,
  dead = 6,
}

/** Names for dumps. */
export const gStatusNames: Readonly<Record<number, string>> = {
  0: 'idle',
  1: 'runnable',
  2: 'running',
  3: 'syscall',
  4: 'waiting',
  6: 'dead',
};

/** Why a goroutine waits; the strings below stand in dumps. Source: runtime2.go waitReason. */
export const enum WaitReason {
  none,
  gcAssistMarking,
  ioWait,
  chanReceiveNil,
  chanSendNil,
  dumpingHeap,
  garbageCollection,
  garbageCollectionScan,
  panicWait,
  select,
  selectNoCases,
  gcAssistWait,
  gcSweepWait,
  gcScavengeWait,
  chanReceive,
  chanSend,
  finalizer,
  forceGCIdle,
  semacquire,
  sleep,
  condWait,
  timerGoroutineIdle,
  traceReaderBlocked,
  gcCycle,
  gcWorkerIdle,
  preempted,
  debugCall,
}

export const waitReasonNames: readonly string[] = [
  '',
  'GC assist marking',
  'IO wait',
  'chan receive (nil chan)',
  'chan send (nil chan)',
  'dumping heap',
  'garbage collection',
  'garbage collection scan',
  'panicwait',
  'select',
  'select (no cases)',
  'GC assist wait',
  'GC sweep wait',
  'GC scavenge wait',
  'chan receive',
  'chan send',
  'finalizer wait',
  'force gc (idle)',
  'semacquire',
  'sleep',
  'sync.Cond.Wait',
  'timer goroutine (idle)',
  'trace reader (blocked)',
  'wait for GC cycle',
  'GC worker (idle)',
  'preempted',
  'debug call',
];

/** Whose a goroutine is: the table's column `system`. Source: isSystemGoroutine. */
export const enum SystemG {
  /** The program's. */
  no = 0,
  /** The runtime's own: not counted, not dumped, no part of a deadlock. */
  queued = 1,
  /** As queued, and it runs in slices of the Ps' steps: while it is runnable it is in no run queue (helpers.ts). */
  sliced = 2,
  /** runfinq while it runs a finalizer of the program: not counted, and dumped. */
  userCode = 3,
}

export function gTable(mem: LinearAlloc, rows: number) {
  mem.table('g');
  return {
    /** GStatus, see the head of this file. */
    status: mem.u8<G>('status', rows),
    /** WaitReason while waiting, and the last one otherwise. */
    waitReason: mem.u8<G>('waitReason', rows),
    /** The goroutine's id, as Go prints it. Set when the row is taken. */
    goid: mem.i32<G>('goid', rows),
    /** Next in the queue or list that it is in. */
    schedLink: mem.i32<G>('schedLink', rows),
    /** Stack memory: bytes [stackLo, stackHi); 0 until the first frame is pushed. */
    stackLo: mem.i32<G>('stackLo', rows),
    stackHi: mem.i32<G>('stackHi', rows),
    /** First free byte of the stack; the stack grows upwards. */
    sp: mem.i32<G>('sp', rows),
    /** Address of the innermost frame's head; 0 for none. */
    fp: mem.i32<G>('fp', rows),
    /** Pc of the `go` statement; 0 for main. */
    goPc: mem.i32<G>('goPc', rows),
    /** Pc of the function whose `go` statement made it; 0 for none. */
    creator: mem.i32<G>('creator', rows),
    /** Goroutine id of the creator. */
    parent: mem.i32<G>('parent', rows),
    /** SystemG. Set when the row is taken; runfinq changes its own. */
    system: mem.u8<G>('system', rows),
    /** Row of the M that it is locked to (LockOSThread); 0 for none. */
    lockedM: mem.u16<G>('lockedM', rows),
    /** When the collector first saw it blocked where it blocks now, in virtual nanoseconds; 0: it has not. Go's waitsince. */
    waitSince: mem.f64<G>('waitSince', rows),
    /** Virtual nanoseconds before which it does not run: the end of its last turn, or later when it was made runnable. */
    readyAt: mem.f64<G>('readyAt', rows),
    /** The pointer that the last operation brought, until the next one begins. A root. */
    elem: mem.i32<G>('elem', rows),
    /** Record of the first of its sudogs while it waits: sudog.ts. What they name are roots. Go's g.waiting. */
    waiting: mem.i32<G>('waiting', rows),
    /** Not 0: calls are deferred that must run when its function ends. */
    deferring: mem.u8<G>('deferring', rows),
  } satisfies Record<string, Column<G>>;
}

export type GTable = ReturnType<typeof gTable>;
