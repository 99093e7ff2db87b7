// mgcpacer: when a cycle begins and how fast marking must go. Simple pacing: the goal of GOGC, a trigger at Go's upper
// bound before it, and assists in proportion to what is left. Source: mgcpacer.go (gcControllerState), numbers of Go 1.19.
import type { HeapStats } from '../heap/mstats.ts';

/** Goal of a heap in which nothing is live, at GOGC=100. */
const heapMinimum = 4 << 20;
/** Scan work that one assist does at least, so that it pays. Go's gcOverAssistWork. */
export const overAssistWork = 64 << 10;

/** The pacer of one machine. All sizes in bytes. */
export class Pacer {
  /** Bytes live after the last marking. */
  heapMarked = 0;
  goal = 0;
  trigger = 0;
  /** Scan work (bytes) an allocation owes for each byte it takes while marking. */
  assistWorkPerByte = 0;

  constructor(
    /** GOGC; negative: off. */
    private percent: number,
    private readonly stats: HeapStats,
  ) {
    this.commit();
  }

  get gcPercent(): number {
    return this.percent;
  }

  /** Sets GOGC and returns the old value; negative values all mean off. Forces no cycle. Source: setGCPercent. */
  setGCPercent(percent: number): number {
    const old = this.percent;
    this.percent = percent < 0 ? -1 : percent;
    this.commit();
    return old;
  }

  /** Computes goal and trigger from what the last marking left. Source: gcControllerState.commit, trigger. */
  commit(): void {
    if (this.percent < 0) {
      this.goal = Infinity;
      this.trigger = Infinity;
      return;
    }
    const minimum = (heapMinimum * this.percent) / 100;
    this.goal = Math.max(this.heapMarked + Math.floor((this.heapMarked * this.percent) / 100), minimum);
    const room = Math.trunc(Math.trunc(this.goal - this.heapMarked) / 64) * 61; // integer division first, as in Go
    this.trigger = this.heapMarked + room;
  }

  /** Whether the heap has grown enough for a cycle. Source: gcTrigger.test, gcTriggerHeap. */
  shouldTrigger(): boolean {
    return this.stats.heapLive >= this.trigger;
  }

  /** A cycle begins: sets the price of allocation so that marking ends before the goal. Source: startCycle, revise. */
  startCycle(): void {
    const work = Math.max(this.stats.heapLive, 1000); // at worst everything is live and must be scanned
    const goal = this.goal === Infinity ? this.stats.heapLive * 2 : this.goal;
    const room = Math.max(goal - this.stats.heapLive, 64 << 10);
    this.assistWorkPerByte = work / room;
  }

  /** Mark termination: `marked` bytes are live. Source: resetLive, commit. */
  endCycle(marked: number): void {
    this.heapMarked = marked;
    this.stats.heapLive = marked;
    this.commit();
  }
}
