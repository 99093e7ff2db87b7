// mgcpacer: when a cycle begins, where it must end, and what allocation pays meanwhile. See mgc.ts for the cycle.
//
//   heapMarked        trigger              goal           bytes that count as allocated (heapLive)  ->
//   |-----------------|--------------------|
//    mutator alone     runway: marking runs, allocation goes on and pays assists
//
// Three questions, three answers:
//   goal      GOGC percent above what the last marking left (stacks and globals count too: they are scanned as well), or
//             what the memory limit leaves for objects, whichever is less                                    commit, goal
//   trigger   so far before the goal that the workers' 25 % of the processors finish in time without assists. How far is
//             learned: consMark is how many bytes were allocated per byte scanned (each per processor time), smoothed by
//             a PI controller from cycle to cycle                                                     endCycle, trigger
//   assists   the estimate may be wrong; then allocation pays: remaining scan work over remaining bytes, anew each time
//             that the heap grows                                                                         startCycle, revise
//
// Numbers in, numbers out: no heap, no world, no clock in this file. The machine feeds it (mgc.ts, malloc.ts); a test drives
// it through 1,100 cycles of Go's own simulation and compares every number (tests/unit/gc/pacer.simulation.test.ts).
//
// All quantities are whole bytes in doubles, truncated where Go's integers truncate: exact below 2^53. "None" is Infinity
// where Go has ^uint64(0) or MaxInt64. Unit of scan work: one byte of an object, a stack or a global that was looked at.
//
// Simplified: whole slots count as scannable, not only the bytes up to an object's last pointer. Go gathers counters in
// batches (gcCreditSlack, 2000 bytes of work; gcAssistTimeSlack, 5 us) because its counters are contended; here a mutator looks
// at them only between two steps of the collector, so that batches would make no difference that anyone could see.
//
// Source: mgcpacer.go of Go 1.19 (gcControllerState); the design is Go's proposal 44167. CPU limiter: mgclimit.ts.
import { gothrow } from '../runtime/internal/throw.ts';
import { MarkWorkers } from './mgcworkers.ts';

/** Share of all processors that marking aims at. Go's gcGoalUtilization and gcBackgroundUtilization. */
export const goalUtilization = 0.25;
/** Goal of a heap in which nothing is live, at GOGC=100. Go's defaultHeapMinimum. */
export const defaultHeapMinimum = 4 << 20;
/** Scan work that an assist does at least, so that it pays. Go's gcOverAssistWork. */
export const overAssistWork = 64 << 10;
/** Bytes by which the goal stays below what the memory limit allows. Go's memoryLimitHeapGoalHeadroom. */
export const memoryLimitHeadroom = 1 << 20;
/** Bytes of allocation that the sweeper has at least, from the commit on, before the next cycle. Go's sweepMinHeapDistance. */
const sweepMinHeapDistance = 1 << 20;
/** The goal lies at least this far behind the point at which the running cycle began. */
const minRunway = 64 << 10;
/** A memory limit that never limits. */
export const noLimit = Infinity;
/** What stands for "no goal" in arithmetic that must stay finite. */
const farAway = Number.MAX_SAFE_INTEGER;

/** The heap's size as the pacer counts it: bytes marked plus bytes allocated since. Whoever allocates writes it. */
export interface HeapLive {
  heapLive: number;
}

/** What the machine holds in memory, in bytes. Needed for the memory limit only, so asked for only when there is one. */
export interface MemoryInUse {
  /** Ready to use and in no span. */
  heapFree(): number;
  /** Objects, unswept garbage included. */
  heapAlloc(): number;
  /** All memory obtained and not given back. */
  mappedReady(): number;
}

const nothingMapped: MemoryInUse = { heapFree: () => 0, heapAlloc: () => 0, mappedReady: () => 0 };

/** Whoever pays for allocation with scan work. */
export interface AssistAccount {
  /** Bytes allocated on credit while marking; negative: owes. Go's g.gcAssistBytes. */
  assistBytes: number;
}

/** What the last cycle measured, for gcpacertrace. */
export interface CycleReport {
  /** Background share (assumed) plus assists, of all processor time while marking. */
  readonly utilization: number;
  readonly triggered: number;
  readonly heapLive: number;
  readonly goal: number;
  /** Scan work done, and what the cycle before it had led to expect. */
  readonly scanWork: number;
  readonly expectedWork: number;
  /** consMark before this cycle's sample went in. */
  readonly consMark: number;
  /** The controller's arithmetic overflowed in this cycle, and it has begun anew. */
  readonly reset: boolean;
}

/** The pacer of one machine. Sizes and scan work in bytes, times in virtual nanoseconds. */
export class Pacer {
  /** Bytes live after the last marking. */
  heapMarked = 0;
  /** Scannable bytes of heapLive. Grows with allocation between cycles, fixed while marking. */
  heapScan = 0;
  /** Scan work of the last cycle, in the heap and in stacks. Written at mark termination. */
  lastHeapScan = 0;
  lastStackScan = 0;
  /** Bytes of stacks in use: an upper bound of what scanning them can cost. The machine writes it when marking begins. */
  maxStackScan = 0;
  /** Bytes of global variables. */
  globalsScan = 0;
  /** Scan work done in this cycle. Only grows while marking. */
  heapScanWork = 0;
  stackScanWork = 0;
  globalsScanWork = 0;
  /** Heap size at which the running cycle was meant to begin; Infinity when none runs. */
  triggered = Infinity;
  /** Goal of the last cycle when its marking ended. */
  lastHeapGoal = 0;
  /** Scan work an allocation owes for each byte while marking, and its inverse. */
  assistWorkPerByte = 0;
  assistBytesPerWork = 0;
  /** Scan work that workers have done and no assist has claimed yet. */
  bgScanCredit = 0;
  /** Nanoseconds of assists in this cycle. */
  assistTime = 0;
  markStartTime = 0;
  /** Allocation against scan rate: (bytes / mutator ns) / (bytes / marking ns). Learned; 0 before the first cycle. */
  consMark = 0;
  lastCycle: CycleReport | null = null;
  readonly workers = new MarkWorkers();
  private readonly controller = new PIController(0.9, 4, 1000, -1000, 1000);
  private percent = 100;
  private limit = noLimit;
  private heapMinimum = 0;
  private percentGoal = Infinity;
  private sweepDistMinTrigger = 0;
  private runway = 0;
  /** The trigger since the last commit; -1: nobody asked yet. */
  private knownTrigger = -1;
  /** Bytes from the heap's size to the goal when the price was set. */
  private bytesLeft = 1;

  constructor(
    /** GOGC; negative: off. */
    gcPercent: number,
    private readonly heap: HeapLive,
    private readonly memory: MemoryInUse = nothingMapped,
    memoryLimit = noLimit,
  ) {
    this.setGCPercent(gcPercent);
    this.setMemoryLimit(memoryLimit);
    this.commit(true); // no sweep precedes the first cycle
  }

  // --- settings: commit must follow --------------------------------------------------------------------------------------

  get gcPercent(): number {
    return this.percent;
  }

  get memoryLimit(): number {
    return this.limit;
  }

  /** Sets GOGC and returns the old value; negative values all mean off. Source: gcControllerState.setGCPercent. */
  setGCPercent(percent: number): number {
    const old = this.percent;
    this.percent = percent < 0 ? -1 : percent;
    this.heapMinimum = percent < 0 ? Infinity : Math.floor((defaultHeapMinimum * percent) / 100);
    return old;
  }

  /** Sets the memory limit in bytes and returns the old one; a negative number only reads. Source: setMemoryLimit. */
  setMemoryLimit(bytes: number): number {
    const old = this.limit;
    if (bytes >= 0) this.limit = bytes;
    return old;
  }

  // --- goal and trigger ----------------------------------------------------------------------------------------------------

  /** Computes what goal and trigger are made from. Any time; revise must follow while marking. Source: commit. */
  commit(sweepDone: boolean): void {
    this.sweepDistMinTrigger = sweepDone ? 0 : this.heap.heapLive + sweepMinHeapDistance;
    const { percent, heapMarked } = this;
    const grown = heapMarked + Math.floor(((heapMarked + this.lastStackScan + this.globalsScan) * percent) / 100);
    this.percentGoal = percent < 0 ? Infinity : Math.max(grown, this.heapMinimum);
    const weight = (this.consMark * (1 - goalUtilization)) / goalUtilization;
    this.runway = Math.trunc(weight * (this.lastHeapScan + this.lastStackScan + this.globalsScan));
    this.knownTrigger = -1;
  }

  /** Heap size at which marking must be done; Infinity: never. Source: heapGoal. */
  get goal(): number {
    const limited = this.memoryLimitGoal();
    if (limited < this.percentGoal) return limited;
    const goal = Math.max(this.percentGoal, this.sweepDistMinTrigger);
    return this.triggered === Infinity ? goal : Math.max(goal, this.triggered + minRunway);
  }

  /** Heap size at which a cycle begins, at most the goal. Source: gcControllerState.trigger. */
  get trigger(): number {
    return this.triggerFor(this.goal);
  }

  private triggerFor(goal: number): number {
    const { heapMarked } = this;
    if (goal === Infinity || heapMarked >= goal) return goal; // at the limit with all of it live: cycle after cycle
    // The sweep's distance bounds the trigger only where it was allowed to move the goal.
    const limitBound = goal < this.percentGoal;
    const piece = Math.floor((goal - heapMarked) / 64); // integer division first, as in Go
    const min = Math.max(limitBound ? 0 : this.sweepDistMinTrigger, heapMarked + piece * 45);
    const max = Math.max(heapMarked + piece * 61, goal - defaultHeapMinimum, min);
    const trigger = Math.min(Math.max(goal - this.runway, min), max);
    if (trigger > goal) gothrow('produced a trigger greater than the heap goal');
    return trigger;
  }

  /** What the memory limit leaves for objects. Source: memoryLimitHeapGoal. */
  private memoryLimitGoal(): number {
    const { limit, memory, heapMarked } = this;
    if (limit === noLimit) return Infinity;
    const ready = memory.mappedReady();
    const nonHeap = ready - memory.heapFree() - memory.heapAlloc();
    const overage = Math.max(ready - limit, 0);
    if (nonHeap + overage >= limit) return heapMarked; // hopeless: collect all the time, the CPU limiter sees to the rest
    const room = limit - nonHeap - overage;
    const goal = room < 2 * memoryLimitHeadroom ? memoryLimitHeadroom : room - memoryLimitHeadroom;
    return Math.max(goal, heapMarked);
  }

  /** Whether the heap has grown enough for a cycle. Source: gcTrigger.test, gcTriggerHeap. */
  shouldTrigger(): boolean {
    if (this.limit !== noLimit) return this.heap.heapLive >= this.trigger;
    if (this.knownTrigger < 0) this.knownTrigger = this.trigger; // moves with a commit only; not computed for each span
    return this.heap.heapLive >= this.knownTrigger;
  }

  // --- a cycle -------------------------------------------------------------------------------------------------------------

  /** Marking begins on a machine with procs Ps; periodic: nobody asked for it but the clock. Source: startCycle. */
  startCycle(now: number, procs: number, periodic = false): void {
    this.heapScanWork = 0;
    this.stackScanWork = 0;
    this.globalsScanWork = 0;
    this.bgScanCredit = 0;
    this.assistTime = 0;
    this.markStartTime = now;
    // Go takes the trigger, not the size at which the cycle really begins: its controller swings less that way (issue 53738).
    this.triggered = Math.min(this.trigger, farAway);
    this.workers.start(procs, periodic);
    this.revise();
  }

  /** Scan work of this cycle so far. */
  get scanWork(): number {
    return this.heapScanWork + this.stackScanWork + this.globalsScanWork;
  }

  /** heapLive changed, by `scan` scannable bytes among others. Source: gcControllerState.update. */
  update(scan: number, marking: boolean): void {
    if (marking) this.revise();
    else this.heapScan += scan; // fixed while marking: it bounds what this marking can have to do
  }

  /**
   * Sets the price of allocation so that marking ends at the goal. Assumes at first that as much must be scanned as in the
   * last cycle; when more has been scanned already, that everything is live. The goal then moves away in proportion, so that the
   * price stays the same for a heap that grows, up to what the next cycle's goal would be at most. Source: revise.
   */
  revise(): void {
    const percent = this.percent < 0 ? 100_000 : this.percent; // a forced cycle with GOGC=off
    const { globalsScan } = this;
    const { heapLive } = this.heap;
    const work = this.scanWork;
    let goal = Math.min(this.goal, farAway);
    let expected = this.lastHeapScan + this.lastStackScan + globalsScan;
    const most = this.heapScan + this.maxStackScan + globalsScan;
    if (work > expected) {
      const runway = expected === 0 ? Infinity : Math.trunc(((goal - this.triggered) / expected) * most);
      const hardGoal = Math.trunc((1 + percent / 100) * goal);
      goal = Math.min(this.triggered + runway, hardGoal);
      expected = most;
    }
    if (heapLive > goal) {
      goal = Math.trunc(goal * 1.1); // past it already: some runway all the same
      expected = most;
    }
    const workLeft = Math.max(expected - work, 1000);
    const bytesLeft = Math.max(goal - heapLive, 1);
    this.assistWorkPerByte = workLeft / bytesLeft;
    this.assistBytesPerWork = bytesLeft / workLeft;
    this.bytesLeft = bytesLeft;
  }

  /** Marking has ended: learns from it. resetLive and commit must follow. Source: endCycle. */
  endCycle(now: number, procs: number): void {
    const { goal, triggered, scanWork, consMark } = this;
    const { heapLive } = this.heap;
    this.lastHeapGoal = goal;
    const duration = now - this.markStartTime;
    // Workers are taken to have had their share, whatever they had.
    const assists = duration > 0 ? this.assistTime / (duration * procs) : 0;
    const utilization = goalUtilization + assists;
    const expectedWork = this.lastHeapScan + this.lastStackScan + this.globalsScan;
    const report = { utilization, triggered, heapLive, goal, scanWork, expectedWork, consMark };
    this.lastCycle = { ...report, reset: false };
    if (heapLive <= triggered) return; // too short to learn from
    const idle = duration > 0 ? this.workers.idleTime / (duration * procs) : 0;
    const current = ((heapLive - triggered) * (utilization + idle)) / (scanWork * (1 - utilization));
    const next = this.controller.next(consMark, current, 1);
    this.consMark = next ?? 0;
    if (next === null) this.lastCycle = { ...report, reset: true };
  }

  /** What was marked is what lives. After endCycle, before commit. Source: resetLive. */
  resetLive(bytesMarked: number): void {
    this.heapMarked = bytesMarked;
    this.heap.heapLive = bytesMarked;
    this.heapScan = this.heapScanWork;
    this.lastHeapScan = this.heapScanWork;
    this.lastStackScan = this.stackScanWork;
    this.triggered = Infinity;
  }

  // --- assists -------------------------------------------------------------------------------------------------------------

  /**
   * Pays an account's debt from the workers' credit as far as that goes. Returns the scan work that its owner must do
   * itself and then has paid (payWork). Prices more than the debt when that is small: see overAssistWork.
   * Source: gcAssistAlloc, first half.
   */
  payFromCredit(account: AssistAccount): number {
    let debt = -account.assistBytes;
    let work = Math.trunc(this.assistWorkPerByte * debt);
    if (work < overAssistWork) {
      work = overAssistWork;
      debt = Math.trunc(this.assistBytesPerWork * work);
    }
    const stolen = Math.min(Math.max(this.bgScanCredit, 0), work);
    this.bgScanCredit -= stolen;
    if (stolen === work) this.pay(account, debt);
    else if (stolen > 0) this.payWork(account, stolen);
    return work - stolen;
  }

  /** Pays into an account for `work` bytes of scanning. Source: gcAssistAlloc1. */
  payWork(account: AssistAccount, work: number): void {
    this.pay(account, 1 + Math.trunc(this.assistBytesPerWork * work));
  }

  /**
   * Nobody is paid ahead for more than is left to the goal. Go has no such bound: its programs have so many globals that 64 KiB
   * of work are never worth more. Ours may have next to none, and then its first cycle would sell the heap many times over.
   */
  private pay(account: AssistAccount, bytes: number): void {
    account.assistBytes = Math.min(account.assistBytes + bytes, this.bytesLeft);
  }
}

/** A proportional and integral controller whose output is kept in bounds. Source: piController of mgcpacer.go. */
export class PIController {
  private integral = 0;

  constructor(
    private readonly kp: number,
    private readonly ti: number,
    private readonly tt: number,
    private readonly min: number,
    private readonly max: number,
  ) {}

  /** The next value of what is controlled; null when the arithmetic overflowed, and the controller has begun anew. */
  next(input: number, setpoint: number, period: number): number | null {
    const raw = this.kp * (setpoint - input) + this.integral;
    if (!Number.isFinite(raw)) {
      this.integral = 0;
      return null;
    }
    const output = Math.min(Math.max(raw, this.min), this.max);
    this.integral += ((this.kp * period) / this.ti) * (setpoint - input) + (period / this.tt) * (output - raw);
    if (Number.isFinite(this.integral)) return output;
    this.integral = 0;
    return null;
  }
}
