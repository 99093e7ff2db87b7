// mgcscavenge: giving memory that the heap does not use back to the system. Accounting only: the arena's pages belong to the
// process, but which of them a system would have back, and when, is counted as in Go, and so is what that costs.
//
// A free page is either ready to use or released (mpagealloc.ts). What is in use or ready is retained. Two goals, both
// set when the pacing changes, and the scavenger works while one of them is exceeded:
//
//   gcPercentGoal      retained <= 1.1 * heap in use after the last marking * goal / last goal      (from the second cycle on)
//   memoryLimitGoal    memory mapped and ready <= 0.95 * memory limit
//
//   background    when a sweep is done it wakes up; works for at least 1 ms in pieces of 64 KiB, highest addresses first; sleeps
//                 so long that this is 1 % of the time (a controller learns the ratio); parks when there is nothing to do
//   assist        whoever takes pages that push the machine over the memory limit, or makes the heap grow beyond the first goal,
//                 releases as much at once
//   at once       debug.FreeOSMemory: everything
//
// A state machine as the rest of the collector: step() is one round. Who runs it looks at wakeAt; times are virtual
// nanoseconds. Go 1.19 multiplies the memory limit by 95 instead of 0.95 (mended in 2023); this does not.
// Source: mgcscavenge.go; mheap.allocSpan, scavengeAll of mheap.go.
import { PIController } from './mgcpacer.ts';

/** Share of all processor time that the background scavenger aims at. Go's scavengePercent. */
export const scavengeShare = 0.01;
/** What is retained over the goal, and kept below the memory limit. Go's retainExtraPercent, reduceExtraPercent. */
const retainExtra = 0.1;
const reduceExtra = 0.05;
/** Bytes that are released at one go. Go's scavengeQuantum. */
const quantum = 64 << 10;
/** A page of the system, and what it costs to release one: Go's estimate where it has no clock. */
export const physPageSize = 4096;
const nanosPerPhysPage = 10_000;
/** A round lasts so long at least, and sleeps as if it had. Go's minScavWorkTime. */
const minWorkNanos = 1e6;
/** Work against sleep before anything is learned, and for so long after the controller has failed. */
const startingSleepRatio = 0.001;
const cooldownNanos = 5e9;

/** What the scavenger needs to know and do. Sizes in bytes. */
export interface ScavengerHost {
  /** Releases free pages, highest addresses first, at least `bytes` if there are so many. Returns how much that was. */
  release(bytes: number): number;
  /** Of the heap: in use, or free and ready. Go's heapRetained. */
  retained(): number;
  /** All memory obtained and not released. */
  mappedReady(): number;
  /** GOMAXPROCS. */
  procs(): number;
}

/** Virtual cost of releasing memory. */
export function releaseNanos(bytes: number): number {
  return (bytes / physPageSize) * nanosPerPhysPage;
}

/** The scavenger of one machine. */
export class Scavenger {
  /** Infinity: met, or none. */
  gcPercentGoal = Infinity;
  memoryLimitGoal = Infinity;
  /** When the next round is due; Infinity: parked. */
  wakeAt = Infinity;
  /** Bytes released in the background since the last line of scavtrace, and whether its controller began anew since. */
  releasedSinceTrace = 0;
  controllerReset = false;
  private sleepRatio = startingSleepRatio;
  private cooldown = 0;
  /** The round before this sleep: what it took, and when it ended. */
  private worked = 0;
  private asleepSince = 0;
  private readonly controller = new PIController(0.3375, 3.2e6, 1e9, 0.001, 1000);

  constructor(private readonly host: ScavengerHost) {}

  /** The pacing has changed. lastHeapInUse: bytes of spans at the last mark termination. Source: gcPaceScavenger. */
  pace(memoryLimit: number, heapGoal: number, lastHeapGoal: number, lastHeapInUse: number): void {
    const limitGoal = memoryLimit * (1 - reduceExtra);
    this.memoryLimitGoal = this.host.mappedReady() <= limitGoal ? Infinity : limitGoal;
    this.gcPercentGoal = Infinity;
    if (lastHeapGoal === 0) return; // before the second cycle too little is known
    const inUse = Math.trunc((lastHeapInUse * heapGoal) / lastHeapGoal);
    const goal = Math.ceil((inUse + Math.trunc(inUse * retainExtra)) / physPageSize) * physPageSize;
    if (this.host.retained() - goal >= physPageSize) this.gcPercentGoal = goal;
  }

  /** A sweep is done, so that the free pages are known: there may be something to do. Ends a sleep. Source: ready, wake. */
  ready(now: number): void {
    this.wakeAt = Math.min(this.wakeAt, now);
  }

  /** Nothing to do for the background: both goals are met. */
  private get satisfied(): boolean {
    return this.host.retained() <= this.gcPercentGoal && this.host.mappedReady() <= this.memoryLimitGoal;
  }

  /** A line of scavtrace was written: its counts begin anew. */
  traced(): void {
    this.releasedSinceTrace = 0;
    this.controllerReset = false;
  }

  /** One round, which began at wakeAt; returns its cost, 0 when there was nothing to do. Source: bgscavenge, run. */
  step(): number {
    const began = this.wakeAt;
    if (this.worked > 0) this.learn(began - this.asleepSince);
    let released = 0;
    let worked = 0;
    while (worked < minWorkNanos && !this.satisfied) {
      const bytes = this.host.release(quantum);
      released += bytes;
      worked += releaseNanos(bytes);
      if (bytes < quantum) break; // the heap has no more
    }
    this.releasedSinceTrace += released;
    this.worked = worked;
    this.asleepSince = began + worked;
    this.wakeAt = released === 0 ? Infinity : this.asleepSince + Math.trunc(Math.max(worked, minWorkNanos) / this.sleepRatio);
    return worked;
  }

  /** A sleep is over: the ratio of work to sleep follows what came of it. Source: sleep. */
  private learn(slept: number): void {
    const worked = Math.max(this.worked, minWorkNanos);
    if (this.cooldown > 0) {
      this.cooldown = Math.max(this.cooldown - slept - worked, 0);
      return;
    }
    const fraction = worked / ((slept + worked) * this.host.procs());
    const ratio = this.controller.next(fraction, scavengeShare, slept + worked);
    this.sleepRatio = ratio ?? startingSleepRatio;
    if (ratio !== null) return;
    this.cooldown = cooldownNanos;
    this.controllerReset = true;
  }

  /**
   * What whoever has just taken `pagedIn` released bytes into use, after the heap grew by `growth` bytes, must release in turn.
   * Source: mheap.allocSpan.
   */
  owed(pagedIn: number, growth: number, memoryLimit: number): number {
    const overLimit = Math.max(this.host.mappedReady() - memoryLimit, 0);
    if (this.gcPercentGoal === Infinity || growth === 0) return overLimit;
    const overGoal = this.host.retained() - pagedIn + growth - this.gcPercentGoal;
    return Math.max(overLimit, Math.min(growth, Math.max(overGoal, 0)));
  }
}
