// check: what must hold of goroutines, threads and processors between two turns, by the numbers of docs/invariants.md. Walks
// the tables and the lists and compares; changes nothing.
import { type G, GStatus, gStatusNames, SystemG } from './g.ts';
import { type M, MStatus } from './m.ts';
import { noP, type P, PStatus } from './p.ts';
import type { Sched } from './proc.ts';
import { HeapRecord } from './record.ts';
import { SudogRecord, sudogFindings } from './sudog.ts';

/** One sentence for each violation of Q1 to Q4 and K1 to K5; call it between two turns. */
export function schedFindings(sched: Sched): string[] {
  const out: string[] = [];
  checkQueues(sched, out);
  checkProcessors(sched, out);
  checkThreads(sched, out);
  return [...out, ...waitFindings(sched)];
}

/** K1 to K5: who waits on what, and until when. A goroutine may run meanwhile. */
export function waitFindings(sched: Sched): string[] {
  const out = [...sudogFindings(sched.ops, sched.gt, sched.rowsUsed), ...sched.timers.findings()];
  sched.heap.handles.each((record) => {
    if (record instanceof HeapRecord) out.push(...record.findings());
  });
  return out;
}

/** Q1: the queues hold the runnable goroutines, each once; the free list holds dead ones. */
function checkQueues(sched: Sched, out: string[]): void {
  const { gt, ops, runq } = sched;
  const queued = new Uint8Array(sched.rowsUsed + 1);
  let global = 0;
  runq.each(({ g }, p) => {
    queued[g]!++;
    if (p < 0) global++;
    else if (p >= sched.procs) out.push(`Q1: goroutine ${gt.goid[g]} is in the queue of P${p}, which is dead`);
  });
  if (global !== runq.globalSize) out.push(`Q1: ${global} goroutines in the global queue, counted ${runq.globalSize}`);
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    const { status } = ops[g]!;
    const wanted = status === GStatus.runnable && gt.system[g] !== SystemG.sliced ? 1 : 0;
    if (queued[g] !== wanted) out.push(`Q1: goroutine ${gt.goid[g]} is ${gStatusNames[status]} and in ${queued[g]} run queues`);
  }
  let live = 0;
  for (const g of sched.goroutines()) if (gt.system[g] === SystemG.no) live++;
  let unused = 0; // made, and not yet started
  for (let g = 1 as G; g <= sched.rowsUsed; g++) if (ops[g]!.status === GStatus.idle && gt.system[g] === SystemG.no) unused++;
  if (live + unused !== sched.live) out.push(`Q1: ${live} goroutines live, counted ${sched.live}`);
  sched.eachFree((g) => {
    const { status } = ops[g]!;
    if (status !== GStatus.dead) out.push(`Q1: goroutine ${gt.goid[g]} is ${gStatusNames[status]} and its row is free`);
  });
}

/** Q2: a P and its M name each other; the idle Ps are in their list; nobody has work on an idle P. */
function checkProcessors(sched: Sched, out: string[]): void {
  const { pt, mt, gt, ops, ms, runq } = sched;
  const idle = new Uint8Array(sched.procs);
  ms.eachIdleP((p) => {
    if (p >= sched.procs) out.push(`Q2: P${p} is idle and dead`);
    else idle[p]!++;
  });
  let n = 0;
  for (let p = 0 as P; p < sched.procs; p++) {
    const status = pt.status[p];
    const m = pt.m[p] as M;
    n += idle[p]!;
    if (idle[p] !== (status === PStatus.idle ? 1 : 0)) out.push(`Q2: P${p} has status ${status} and is ${idle[p]} times in the idle list`);
    if ((status === PStatus.running) !== (m !== 0)) out.push(`Q2: P${p} has status ${status} and M${m - 1}`);
    if (m !== 0 && mt.p[m] !== p) out.push(`Q2: P${p} has M${m - 1}, which has P${mt.p[m]}`);
    if (status === PStatus.idle && runq.length(p) > 0) out.push(`Q2: P${p} is idle and has goroutines to run`);
    const paused = pt.paused[p] as G;
    if (paused !== 0 && (ops[paused]!.status !== GStatus.running || status !== PStatus.running)) {
      out.push(`Q2: P${p}, status ${status}, has paused goroutine ${gt.goid[paused]}, which is ${gStatusNames[ops[paused]!.status]}`);
    }
  }
  if (n !== ms.idlePs) out.push(`Q2: ${n} idle Ps, counted ${ms.idlePs}`);
}

/** Q3, Q4: idle Ms are in their list and have nothing; the counts are right; locks name each other. */
function checkThreads(sched: Sched, out: string[]): void {
  const { mt, gt, ops, ms } = sched;
  const idle = new Uint8Array(ms.lastRow + 1);
  ms.eachIdleM((m) => {
    idle[m]!++;
  });
  let [spinning, locked, idles, waiting] = [0, 0, 0, 0];
  for (let m = 1 as M; m <= ms.lastRow; m++) {
    const status = mt.status[m];
    idles += idle[m]!;
    spinning += mt.spinning[m];
    if (idle[m] !== (status === MStatus.idle ? 1 : 0))
      out.push(`Q3: M${m - 1} has status ${status} and is ${idle[m]} times in the idle list`);
    if ((status === MStatus.running) !== (mt.p[m] !== noP)) out.push(`Q3: M${m - 1} has status ${status} and P${mt.p[m]}`);
    if (mt.spinning[m] !== 0 && status !== MStatus.running) out.push(`Q3: M${m - 1} spins with status ${status}`);
    if (status === MStatus.syscall && ops[mt.curg[m]!]!.status !== GStatus.syscall) out.push(`Q3: M${m - 1} is in nobody's system call`);
    const g = mt.lockedG[m] as G;
    if (status === MStatus.locked) waiting++;
    if (g === 0) continue;
    locked++;
    if (gt.lockedM[g] !== m) out.push(`Q4: M${m - 1} is locked to goroutine ${gt.goid[g]}, which is locked to M${gt.lockedM[g] - 1}`);
  }
  if (spinning !== ms.spinning) out.push(`Q3: ${spinning} Ms spin, counted ${ms.spinning}`);
  if (idles !== ms.idle) out.push(`Q3: ${idles} idle Ms, counted ${ms.idle}`);
  if (locked !== sched.locks.count) out.push(`Q4: ${locked} locked Ms, counted ${sched.locks.count}`);
  if (waiting !== ms.idleLocked) out.push(`Q4: ${waiting} Ms wait for their goroutine, counted ${ms.idleLocked}`);
}

/** K6: after writing back, the arena says what the fields of goroutines, run queues and records say. */
export function writtenFindings(sched: Sched): string[] {
  const { gt, pt, heap, ops, runq, procs } = sched;
  const out: string[] = [];
  const { w, arena } = heap;
  const queues = () =>
    [pt.runqHead, pt.runqTail, pt.runNext, pt.schedTick].flatMap((of) => Array.from({ length: procs }, (_, p) => of[p as P]));
  if (changes(queues, () => runq.save()) !== null) out.push('K6: a run queue has fields that its P does not say');
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    const op = ops[g]!;
    const words = () => [gt.status[g], gt.waitReason[g], gt.elem[g], gt.schedLink[g], gt.waiting[g], ...sudogWords(w, gt.waiting[g])];
    if (changes(words, () => op.save(w, arena.f64, gt)) !== null)
      out.push(`K6: goroutine ${gt.goid[g]} has fields that its row or its sudogs do not say`);
  }
  heap.handles.each((record) => {
    if (!(record instanceof HeapRecord)) return;
    const at = changes(
      () => [...w.subarray(record.i, record.i + record.words)],
      () => record.save(),
    );
    if (at !== null) out.push(`K6: word ${at.k} of a record is ${at.was}, its field says ${at.is}`);
  });
  return out;
}

/** The words of the sudogs in a goroutine's list. */
function sudogWords(w: Int32Array, first: number): number[] {
  const out: number[] = [];
  for (let sg = first; sg !== 0; sg = w[(sg >>> 2) + SudogRecord.waitLink]!)
    out.push(...w.subarray(sg >>> 2, (sg >>> 2) + SudogRecord.words));
  return out;
}

/** The first word that `write` changes; null: none. It stands as it was afterwards only if there is none. */
function changes(words: () => number[], write: () => void): { k: number; was: number; is: number } | null {
  const before = words();
  write();
  const after = words();
  const k = after.findIndex((word, i) => word !== before[i]);
  return k < 0 && after.length === before.length ? null : { k, was: before[k]!, is: after[k]! };
}
