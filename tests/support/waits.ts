// The time that goroutines wait for each other, added up from the events of a run: what the block profile must say at rate 1 (P8).
import { Ev } from '../../runtime/internal/events.ts';
import type { Machine } from '../../runtime/machine.ts';
import { WaitReason } from '../../sched/g.ts';

const contention: ReadonlySet<number> = new Set([
  WaitReason.chanReceive,
  WaitReason.chanSend,
  WaitReason.select,
  WaitReason.semacquire,
  WaitReason.condWait,
]);

interface Wait {
  readonly from: number;
  to: number;
}

/** The integral of the number of waiting goroutines over virtual time, of the waits that have ended. Make it before the run. */
export class WaitIntegral {
  /** Ticks; a wait that took no time is one. */
  ticks = 0;
  waits = 0;
  private readonly open = new Map<number, Wait>();
  /** The last wait of each goroutine, counted: it may turn out to go on. */
  private readonly ended = new Map<number, Wait>();

  constructor(private readonly m: Machine) {
    const { sched } = m;
    let goesOn = false;
    const blocked = sched.contention.blocked.bind(sched.contention);
    sched.contention.blocked = (op, reason) => {
      goesOn = op.blockedAt >= 0; // woken for nothing
      blocked(op, reason);
    };
    m.subscribe((kind, goid, b) => {
      const now = sched.now();
      if (kind === Ev.goPark && contention.has(b)) {
        const last = this.ended.get(goid);
        if (goesOn && last !== undefined) this.count(last, -1);
        this.open.set(goid, { from: goesOn && last !== undefined ? last.from : now, to: -1 });
        goesOn = false;
      } else if (kind === Ev.goReady) {
        const wait = this.open.get(goid);
        if (wait !== undefined) wait.to = now;
      } else if (kind === Ev.goStart) {
        const wait = this.open.get(goid);
        if (wait === undefined || wait.to < 0) return;
        this.open.delete(goid);
        this.ended.set(goid, wait);
        this.count(wait, 1);
      }
    });
  }

  private count({ from, to }: Wait, sign: 1 | -1): void {
    this.ticks += sign * Math.max(to - from, 1);
    this.waits += sign;
  }

  /** P8, after the run: what is wrong, or null. */
  finding(): string | null {
    const records = this.m.blocks.blockRecords();
    const cycles = records.reduce((sum, r) => sum + r.cycles, 0);
    const count = records.reduce((sum, r) => sum + r.count, 0);
    if (count === this.waits && Math.abs(cycles - this.ticks) < 1e-3 * Math.max(count, 1)) return null;
    return `P8: the block profile has ${count} waits of ${cycles} ticks in all, goroutines waited ${this.waits} times for ${this.ticks} ticks`;
  }
}
