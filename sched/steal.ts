// steal: looking for work at other Ps. Source: proc.go findRunnable, stealWork, runqgrab, randomOrder.
import { Choice } from '../runtime/internal/chooser.ts';
import type { M } from './m.ts';
import type { Op } from './op.ts';
import { type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';

/** How long a thief waits before it takes what is next on another P: that one will usually run it itself. Go's usleep(3). */
export const thiefNap = 3000;
const stealTries = 4;

/** What the Ps of one machine do to each other's queues. */
export class Thieves {
  private order: StealOrder;

  constructor(private readonly sched: Sched) {
    this.order = new StealOrder(1);
  }

  /**
   * Looks for work at the other Ps, four times in four orders, unless enough others do already; only the last time also for
   * what is next there. Source: findRunnable, stealWork.
   */
  steal(p: P): Op | null {
    const { ms, mt, pt, procs, runq, chooser } = this.sched;
    if (this.order.count !== procs) this.order = new StealOrder(procs);
    const { order } = this;
    if (procs === 1) return null;
    const m = pt.m[p] as M;
    if (mt.spinning[m] === 0) {
      if (2 * ms.spinning >= procs - ms.idlePs) return null;
      ms.beginSpinning(m);
    }
    for (let i = 1; i <= stealTries; i++) {
      const r = chooser.choose(Choice.stealFrom, order.orders, -1);
      const step = order.step(r);
      for (let k = 0, victim = order.first(r) as P; k < procs; k++, victim = ((victim + step) % procs) as P) {
        if (victim === p || runq.length(victim) === 0) continue;
        const nextToo = i === stealTries && this.mayTakeNext(p, victim);
        const op = runq.steal(p, victim, nextToo);
        if (op !== null) {
          runq.countRound(p);
          return op;
        }
      }
    }
    return null;
  }

  /**
   * Whether p may take what is next on victim, which will probably run it within the moment: p waits for that moment once,
   * and takes it if it is still there. Source: runqgrab.
   */
  private mayTakeNext(p: P, victim: P): boolean {
    const { pt, gt, runq } = this.sched;
    const next = runq.runNext(victim);
    if (next === null) return true;
    if (pt.status[victim] !== PStatus.running) return true;
    if (gt.readyAt[next.g] + thiefNap <= pt.clock[p]) return true;
    pt.napped[p] |= 2; // noWork sees it
    return false;
  }
}

/** The order in which a thief visits n Ps: from a chosen one on, in steps coprime to n, so that it sees each of them once. */
export class StealOrder {
  private readonly coprimes: number[] = [];

  constructor(readonly count: number) {
    for (let i = 1; i <= count; i++) if (gcd(i, count) === 1) this.coprimes.push(i);
  }

  /** How many orders there are to choose from. */
  get orders(): number {
    return this.count * this.coprimes.length;
  }

  /** First P of order r and the step to the next; see next(). Source: randomOrder.start. */
  first(r: number): number {
    return r % this.count;
  }
  step(r: number): number {
    return this.coprimes[Math.floor(r / this.count)]!;
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
