// lockthread: LockOSThread. A goroutine that has locked itself to its M runs on no other, and that M runs no other goroutine.
// While it waits, the M waits for it without a P; when it is found runnable by another M, that one hands its P over and goes
// to sleep. So each of its switches costs two switches of threads. Source: proc.go LockOSThread, stoplockedm, startlockedm.
//
// Invariant Q4: g.lockedM and m.lockedG name each other or nobody.
import { gothrow } from '../runtime/internal/throw.ts';
import { type G, GStatus } from './g.ts';
import { type M, MStatus } from './m.ts';
import { noP, type P } from './p.ts';
import type { Sched } from './proc.ts';

/** Virtual cost of handing a P from one thread to another. */
const handOverNanos = 5000;

/** The locked goroutines of one machine. */
export class ThreadLocks {
  /** Ms that are locked to a goroutine. */
  count = 0;

  constructor(private readonly sched: Sched) {}

  /** Locks the running goroutine to its M, once more if it is. Source: LockOSThread. */
  lock(): void {
    const { gt, mt, pt, curg, curp } = this.sched;
    const m = pt.m[curp] as M;
    if (mt.lockedG[m] === 0) this.count++;
    mt.lockedG[m] = curg;
    gt.lockedM[curg] = m;
    mt.lockedCount[m]++;
    this.sched.changed();
  }

  /** Takes one lock back; the last one frees it. Does nothing when there is none. Source: UnlockOSThread. */
  unlock(): void {
    const { gt, mt, curg } = this.sched;
    const m = gt.lockedM[curg] as M;
    if (m === 0) return;
    if (--mt.lockedCount[m] === 0) this.forget(m);
  }

  private forget(m: M): void {
    const { gt, mt } = this.sched;
    gt.lockedM[mt.lockedG[m] as G] = 0;
    mt.lockedG[m] = 0;
    mt.lockedCount[m] = 0;
    this.count--;
  }

  /** g is about to run on p: if it is locked to another M, that one gets p. Source: startlockedm. */
  handTo(p: P, g: G): void {
    const { gt, mt, pt, ms } = this.sched;
    const to = gt.lockedM[g] as M;
    if (to === 0 || to === pt.m[p]) return;
    if (mt.status[to] !== MStatus.locked) gothrow(`Q4: startlockedm: M${to - 1} has status ${mt.status[to]}`);
    const m = ms.release(p);
    ms.stop(m);
    ms.idleLocked--;
    pt.clock[p] += handOverNanos;
    ms.acquire(to, p, pt.clock[p]);
  }

  /** g's turn on p is over: if its M is locked to it, the M waits for it, and p goes on without. Source: stoplockedm, goexit0. */
  turnEnded(p: P, g: G): void {
    const { ops, mt, pt, ms } = this.sched;
    const m = pt.m[p] as M;
    if (mt.lockedG[m] !== g || pt.paused[p] === g) return;
    pt.clock[p] += handOverNanos;
    ms.release(p);
    if (ops[g]!.status === GStatus.dead) {
      this.forget(m);
      ms.exit(m); // a thread that its goroutine did not unlock may be in any state: nobody else gets it
    } else this.wait(m);
    ms.handOff(p, pt.clock[p]);
  }

  /** m has no P and waits for its goroutine. */
  wait(m: M): void {
    const { mt, ms } = this.sched;
    if (mt.p[m] !== noP) gothrow(`Q4: stoplockedm: M${m - 1} has P${mt.p[m]}`);
    mt.status[m] = MStatus.locked;
    ms.idleLocked++;
  }
}
