// plan: the first pass over a log. It learns what a replay has to know before it starts: in which sweep each object died.
//
// A replay takes an object's last root away before the collection that finds it dead, but the log tells of the death only
// afterwards, in the sweep of that collection. So the log is read twice, and this pass keeps one number for each allocation:
//
//        alloc #0   tracegc 1   free #0   alloc #1   tracegc 2   free #1           deathCycle = [1, 2, 0]
//        -----------|--- sweep of 1 -----------------|--- sweep of 2 ---> alloc #2
//
// It also refuses a log that contradicts itself, so that the replay need not check: an allocation at an address that is still
// live, a free of another size, a second free, a free before any collection. A free of an address that was never allocated is
// none of these: each real log begins with some, of objects that Go made before it had read GODEBUG. They are counted.
//
// Memory: 4 bytes an allocation, and 56 to 112 for each distinct address (an address is used again and again).

import { LogError, type LogHandler, type LogStats, readLog } from './logreader.ts';

/** What the first pass knows. Counts are of the whole log. */
export interface ReplayPlan {
  /** For the i-th allocation of the log, from 0: after which tracegc, from 1, it was freed and before the next; 0 = not in this log. */
  deathCycle: Int32Array;
  allocs: number;
  /** Frees of all addresses, known and unknown. */
  frees: number;
  /** Collections: `tracegc()` blocks. */
  gcs: number;
  /** Frees of addresses that the log never allocated: to be skipped by the replay, and reported. */
  unknownFrees: number;
  /** Allocations whose size `isOddSize` found odd; 0 without that option. */
  oddSizes: number;
  /** Allocations before the mark `# profile start`: all of them when the log has no such mark, as the profile never began. */
  earlyAllocs: number;
  /** The most objects, and the most bytes, that were allocated and not yet freed. */
  peakObjects: number;
  peakBytes: number;
  /** The moments at which the program read its profile, in order, with the line of `# snapshot begin NAME`. */
  snapshots: { name: string; line: number }[];
  /** What the log was made of: lines, bytes. */
  stats: LogStats;
}

/** What a caller may add to planLog. */
export interface PlanOptions {
  /** Called as the file is read, with bytes of the file. */
  progress?: (bytesRead: number, bytesTotal: number) => void;
  /** Whether a size in bytes is none that the allocator hands out (neither a size class nor whole pages); see oddSizes. */
  isOddSize?: (bytes: number) => boolean;
}

/**
 * Reads the log once, without stacks. Errors: those of readLog, and a LogError with its line for a log that contradicts itself;
 * the message names both lines.
 */
export async function planLog(path: string, options: PlanOptions = {}): Promise<ReplayPlan> {
  const planner = new Planner(options);
  const stats = await readLog(path, planner, { stacks: null });
  return planner.finish(stats);
}

/** Largest object that can be replayed: 256 MiB. */
const maxObjectBytes = 1 << 28;

/** The handler of the first pass: feed it from a LogParser or readLog, then finish(). */
export class Planner implements LogHandler {
  private deathCycle = new Int32Array(1 << 12);
  private readonly addresses = new AddressTable();
  private readonly snapshots: { name: string; line: number }[] = [];
  private readonly isOddSize: ((bytes: number) => boolean) | undefined;
  private allocs = 0;
  private cycle = 0; // collections so far; the sweep in progress is this one's
  private unknownFrees = 0;
  private oddSizes = 0;
  private earlyAllocs = 0;
  private started = false; // `# profile start` was read
  private objects = 0;
  private bytes = 0;
  private peakObjects = 0;
  private peakBytes = 0;
  readonly progress: (bytesRead: number, bytesTotal: number) => void;

  constructor(options: PlanOptions = {}) {
    this.isOddSize = options.isOddSize;
    this.progress = options.progress ?? (() => {});
  }

  alloc(addr: number, size: number, _stackId: number, line: number): void {
    const { addresses } = this;
    let at = addresses.slot(addr);
    if (addresses.alloc[at] === 0) at = addresses.add(addr);
    else if (addresses.alloc[at] !== freed) {
      const fact = `allocation at ${hex(addr)}, which is still live since line ${addresses.line[at]}; wanted a tracefree between`;
      throw new LogError(line, fact);
    }
    if (size === 0 || size > maxObjectBytes) {
      throw new LogError(line, `allocation of ${hex(size)} bytes; wanted at least 1 and at most ${hex(maxObjectBytes)}`);
    }
    const index = this.allocs++;
    addresses.alloc[at] = index + 1;
    addresses.size[at] = size;
    addresses.line[at] = line;
    addresses.cycle[at] = this.cycle;
    if (index === this.deathCycle.length) {
      const longer = new Int32Array(index * 2);
      longer.set(this.deathCycle);
      this.deathCycle = longer;
    }
    if (!this.started) this.earlyAllocs++;
    if (this.isOddSize?.(size)) this.oddSizes++;
    this.bytes += size;
    if (++this.objects > this.peakObjects) this.peakObjects = this.objects;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
  }

  free(addr: number, size: number, line: number): void {
    const { addresses } = this;
    const at = addresses.slot(addr);
    const alloc = addresses.alloc[at];
    if (alloc === 0) {
      this.unknownFrees++;
      return;
    }
    const before = addresses.line[at];
    const what = `free of ${hex(addr)}`;
    if (alloc === freed) throw new LogError(line, `${what}, which line ${before} freed already; wanted a tracealloc between`);
    if (addresses.size[at] !== size) {
      throw new LogError(line, `${what} with size ${hex(size)}, wanted ${hex(addresses.size[at])} as line ${before} allocated it`);
    }
    if (this.cycle === 0) throw new LogError(line, `${what}, allocated on line ${before}, before any tracegc(); wanted a collection first`);
    if (addresses.cycle[at] === this.cycle) {
      const fact = `${what}, allocated on line ${before}, after the last tracegc(); a sweep frees only what was allocated before its mark termination`;
      throw new LogError(line, fact);
    }
    this.deathCycle[alloc - 1] = this.cycle;
    addresses.alloc[at] = freed;
    addresses.line[at] = line;
    this.objects--;
    this.bytes -= size;
  }

  gc(_line: number): void {
    this.cycle++;
  }

  mark(kind: string, name: string, line: number): void {
    if (kind === 'profile start') this.started = true;
    else if (kind === 'snapshot begin') this.snapshots.push({ name, line });
  }

  /** The plan, after the whole log. */
  finish(stats: LogStats): ReplayPlan {
    return {
      deathCycle: this.deathCycle.slice(0, this.allocs),
      allocs: this.allocs,
      frees: stats.frees,
      gcs: this.cycle,
      unknownFrees: this.unknownFrees,
      oddSizes: this.oddSizes,
      earlyAllocs: this.earlyAllocs,
      peakObjects: this.peakObjects,
      peakBytes: this.peakBytes,
      snapshots: this.snapshots,
      stats,
    };
  }
}

const freed = -1;

/**
 * What is known of each address that the log ever allocated: columns found by hashing. Entries stay after a free, so that a
 * second free is told from a free of an unknown address; there are never more entries than the program had distinct addresses.
 * Rejected: Map<number, number>. A number above 2^31 is a heap object there, and the table takes four times the room.
 */
class AddressTable {
  addr = new Float64Array(1 << 12);
  alloc = new Int32Array(1 << 12); // the allocation's index + 1; 0 = no entry; `freed` = allocated before, not live now
  size = new Float64Array(1 << 12); // bytes
  line = new Float64Array(1 << 12); // of the allocation, or of the free when `freed`
  cycle = new Int32Array(1 << 12); // collections before the allocation
  private count = 0;

  /** The entry of an address, or the empty one where it belongs. */
  slot(addr: number): number {
    const { addr: addrs, alloc } = this;
    const mask = addrs.length - 1;
    let at = hashAddr(addr) & mask;
    while (alloc[at] !== 0 && addrs[at] !== addr) at = (at + 1) & mask;
    return at;
  }

  /** A new entry for an address that has none; the caller writes its columns. Grows the table when half of it is used. */
  add(addr: number): number {
    if (++this.count * 2 > this.addr.length) this.grow();
    const at = this.slot(addr);
    this.addr[at] = addr;
    return at;
  }

  private grow(): void {
    const { addr, alloc, size, line, cycle } = this;
    const length = addr.length * 2;
    this.addr = new Float64Array(length);
    this.alloc = new Int32Array(length);
    this.size = new Float64Array(length);
    this.line = new Float64Array(length);
    this.cycle = new Int32Array(length);
    for (let from = 0; from < addr.length; from++) {
      if (alloc[from] === 0) continue;
      const to = this.slot(addr[from]);
      this.addr[to] = addr[from];
      this.alloc[to] = alloc[from];
      this.size[to] = size[from];
      this.line[to] = line[from];
      this.cycle[to] = cycle[from];
    }
  }
}

function hashAddr(addr: number): number {
  const low = addr | 0; // modulo 2^32
  const high = (addr / 4294967296) | 0;
  const hash = Math.imul((low >>> 3) ^ Math.imul(high, 0x85ebca6b | 0), 0x9e3779b1 | 0);
  return hash ^ (hash >>> 15);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
