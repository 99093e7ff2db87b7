// contention: how long goroutines wait for each other, told to the block and mutex profiles (profiler/blockprof.ts).
//
// As in Go, a wait begins just before the goroutine queues up and ends when another one wakes it, not when it runs again; the event
// is recorded when it does run, on its own stack. What Go keeps in a sudog (releasetime, acquiretime) is in the goroutine's Op,
// which is enough: a goroutine waits for one thing at a time.
//
//   channels, select   block() notes the beginning, ready() the end and who is to be told; Op.finish() tells, as what is left to do
//   semaphores         the same, but it is told when the semaphore was taken: to be woken for nothing does not end a wait
//   Cond               the wait for the signal is one event, competing for the lock afterwards another one
//   mutexes            moreover the time until Unlock is charged to whoever unlocks. Of several waiters only the first one's time
//                      counts: when it leaves, the next one's begins (Go until 1.21)
//
// While both rates are 0 nobody comes here: Sched.timesWaits says so, which is asked at each park and wake-up and nowhere else.
// Sleeping, system calls and waiting for the collector are no contention; a wait that never ends is in no profile.
//
// Invariant P8: at rate 1, all cycles are the integral of the number of goroutines that wait, over virtual time.
// Source: chan.go, select.go, sema.go.
import type { BlockProfiler } from '../profiler/blockprof.ts';
import { maxStack } from '../profiler/bucket.ts';
import type { SymTab } from '../profiler/symtab.ts';
import { WaitReason } from './g.ts';
import type { Op, Resumable } from './op.ts';
import type { Sched } from './proc.ts';

/** Where a goroutine waits or makes others wait: the functions of Go above the program's own, which have no frames here. */
export const enum Site {
  chanrecv,
  chansend,
  selectgo,
  mutexLock,
  mutexUnlock,
  rlock,
  runlock,
  rwLock,
  rwUnlock,
  /** the lock among writers, inside RWMutex.Lock and Unlock */
  writersLock,
  writersUnlock,
  waitGroupWait,
  condWait,
  semacquire,
}

const mutexLock = ['sync.(*Mutex).Lock', 'sync/mutex.go', 90] as const;
const mutexUnlock = ['sync.(*Mutex).Unlock', 'sync/mutex.go', 223] as const;

/** Function, file and line in Go 1.19 of each site, leaf first. */
const frames: Readonly<Record<Site, readonly (readonly [func: string, file: string, line: number])[]>> = {
  [Site.chanrecv]: [['runtime.chanrecv1', 'runtime/chan.go', 442]],
  [Site.chansend]: [['runtime.chansend1', 'runtime/chan.go', 145]],
  [Site.selectgo]: [['runtime.selectgo', 'runtime/select.go', 328]],
  [Site.mutexLock]: [mutexLock],
  [Site.mutexUnlock]: [mutexUnlock],
  [Site.rlock]: [['sync.(*RWMutex).RLock', 'sync/rwmutex.go', 71]],
  [Site.runlock]: [['sync.(*RWMutex).RUnlock', 'sync/rwmutex.go', 120]],
  [Site.rwLock]: [['sync.(*RWMutex).Lock', 'sync/rwmutex.go', 152]],
  [Site.rwUnlock]: [['sync.(*RWMutex).Unlock', 'sync/rwmutex.go', 213]],
  [Site.writersLock]: [mutexLock, ['sync.(*RWMutex).Lock', 'sync/rwmutex.go', 147]],
  [Site.writersUnlock]: [mutexUnlock, ['sync.(*RWMutex).Unlock', 'sync/rwmutex.go', 216]],
  [Site.waitGroupWait]: [['sync.(*WaitGroup).Wait', 'sync/waitgroup.go', 139]],
  [Site.condWait]: [['sync.(*Cond).Wait', 'sync/cond.go', 70]],
  [Site.semacquire]: [['sync.runtime_Semacquire', 'runtime/sema.go', 62]],
};

/** Reasons to wait that a channel or a select has. */
const channelSites: Readonly<Partial<Record<number, Site>>> = {
  [WaitReason.chanReceive]: Site.chanrecv,
  [WaitReason.chanSend]: Site.chansend,
  [WaitReason.select]: Site.selectgo,
};

/** The waits of one machine's goroutines. */
export class Contention {
  private readonly pcs = new Int32Array(maxStack);
  /** By Site: its pcs, registered when it is first met. */
  private readonly sites: (readonly number[])[] = [];

  constructor(
    private readonly sched: Sched,
    readonly profiles: BlockProfiler,
    private readonly symtab: SymTab,
  ) {}

  /** See BlockProfiler. Who waits already is not recorded. */
  setBlockProfileRate(nanos: number): void {
    this.profiles.setBlockProfileRate(nanos);
    this.rateChanged();
  }

  setMutexProfileFraction(n: number): number {
    const old = this.profiles.setMutexProfileFraction(n);
    this.rateChanged();
    return old;
  }

  private rateChanged(): void {
    const { sched, profiles } = this;
    const on = profiles.blockRate > 0 || profiles.mutexFraction > 0;
    if (on && !sched.timesWaits) for (const op of sched.ops) if (op !== undefined) forgetTimes(op); // of when it was on before
    sched.timesWaits = on;
    sched.findUsual();
  }

  // --- waiting ---------------------------------------------------------------------------------------------------------

  /** op begins to wait, or, woken for nothing, goes on waiting. */
  blocked(op: Op, reason: WaitReason): void {
    if (this.profiles.blockRate <= 0 || op.blockedAt >= 0) return;
    if (channelSites[reason] === undefined && reason !== WaitReason.semacquire && reason !== WaitReason.condWait) return;
    op.blockedAt = this.sched.now();
  }

  /** Somebody wakes op, now. Source: the `releasetime` of whoever dequeues a sudog. */
  released(op: Op, reason: WaitReason, now: number): void {
    if (op.blockedAt < 0) return; // the profile was off when it began to wait, or it waits for something else
    op.releasedAt = now;
    const site = channelSites[reason];
    if (site !== undefined) op.goesOn(new Told(this, site, op.again));
  }

  /** op runs again and has what it waited for. */
  waited(op: Op, site: Site): void {
    const cycles = op.releasedAt - op.blockedAt;
    const wanted = op.blockedAt >= 0 && op.releasedAt >= 0;
    op.blockedAt = op.releasedAt = -1;
    if (wanted) this.profiles.blockEvent(cycles, this.pcs, this.stack(site));
  }

  // --- locks -----------------------------------------------------------------------------------------------------------

  /** op queues for a lock, anew or (again) because it was woken for nothing. ahead: it takes the place of that one, the first. */
  queued(op: Op, again: boolean, ahead: Op | null): void {
    if (!again) op.acquiring = this.profiles.mutexFraction > 0 ? this.sched.now() : -1;
    if (ahead !== null) op.acquiring = ahead.acquiring;
  }

  /** The first waiter for a lock leaves the queue because the running goroutine unlocks; `next` is first now. Source: semaRoot.dequeue. */
  unlocked(op: Op, next: Op | null, site: Site): void {
    const { acquiring } = op;
    const now = acquiring < 0 ? -1 : this.sched.now();
    if (next !== null) next.acquiring = now;
    if (acquiring >= 0) this.profiles.mutexEvent(now - acquiring, this.pcs, this.stack(site));
  }

  // --- stacks ----------------------------------------------------------------------------------------------------------

  /** Puts the running goroutine's stack into pcs, under the functions of a site; returns its length. */
  private stack(site: Site): number {
    const { pcs } = this;
    const above = (this.sites[site] ??= frames[site].map(([func, file, line]) => this.symtab.pc(func, file, line)));
    const n = this.sched.callers(pcs, maxStack);
    pcs.copyWithin(above.length, 0, Math.min(n, maxStack - above.length));
    pcs.set(above);
    return Math.min(n + above.length, maxStack);
  }
}

function forgetTimes(op: Op): void {
  op.blockedAt = op.releasedAt = op.acquiring = -1;
}

/** What is left to do for an operation on channels that has waited: to say so when it is complete. */
class Told implements Resumable {
  constructor(
    private readonly contention: Contention,
    private readonly site: Site,
    /** What was left to do anyway: in 2014, to look again. */
    private readonly then: Resumable | null,
  ) {}

  resume(op: Op): boolean {
    if (this.then !== null && !this.then.resume(op)) return false;
    this.contention.waited(op, this.site);
    return true;
  }
}
