// schedtrace: the lines of GODEBUG=schedtrace=N (every N milliseconds of virtual time, by sysmon) and of scheddetail=1, which adds
// every P, M and G. Source: proc.go schedtrace of Go 1.19; numbers and words are Go's.
import { type G, GStatus, waitReasonNames } from './g.ts';
import { type M, MStatus } from './m.ts';
import { noP, type P } from './p.ts';
import type { Sched } from './proc.ts';

/** One report: one line, or with detail one for the whole and one for each P, M and G. */
export function schedTrace(sched: Sched, detailed: boolean): string[] {
  const { ms, runq, procs } = sched;
  const ps = Array.from({ length: procs }, (_, p) => p as P);
  const size = (p: P) => runq.ringLength(p);
  const head =
    `SCHED ${Math.floor(sched.now() / 1e6)}ms: gomaxprocs=${procs} idleprocs=${ms.idlePs} threads=${ms.count}` +
    ` spinningthreads=${ms.spinning} idlethreads=${ms.idle} runqueue=${runq.globalSize}`;
  if (!detailed) return [`${head} [${ps.map(size).join(' ')}]`];
  const more = ` gcwaiting=${sched.world.isStopped ? 1 : 0} nmidlelocked=${ms.idleLocked} stopwait=0 sysmonwait=${sched.sysmon.asleep ? 1 : 0}`;
  return [head + more, ...ps.map((p) => processor(sched, p, size(p))), ...threads(sched), ...goroutines(sched)];
}

function processor({ pt, runq, timers, free }: Sched, p: P, size: number): string {
  return (
    `  P${p}: status=${pt.status[p]} schedtick=${runq.tick(p)} syscalltick=${pt.syscallTick[p]} m=${pt.m[p] - 1}` +
    ` runqsize=${size} gfreecnt=${p === 0 ? free : 0} timerslen=${timers.count(p)}`
  );
}

/** The goroutine that an M runs or is in a system call of: its id, -1 for none. */
function goidOn({ gt, mt, pt, curg, curp }: Sched, m: M): number {
  const p = mt.p[m] as P;
  const g = (mt.curg[m] || (p === noP ? 0 : pt.paused[p] || pt.worker[p] || (p === curp ? curg : 0))) as G;
  return g === 0 ? -1 : gt.goid[g];
}

/** Newest first, as in Go's list of all Ms. */
function threads(sched: Sched): string[] {
  const { mt, gt, ms } = sched;
  const lines: string[] = [];
  for (let m = ms.lastRow; m > 0; m--) {
    const status = mt.status[m];
    if (status === MStatus.none) continue;
    const locked = mt.lockedG[m] as G;
    const blocked = status === MStatus.idle || status === MStatus.locked;
    lines.push(
      `  M${m - 1}: p=${mt.p[m]} curg=${goidOn(sched, m as M)} mallocing=0 throwing=0 preemptoff= locks=0 dying=0` +
        ` spinning=${mt.spinning[m] !== 0} blocked=${blocked} lockedg=${locked === 0 ? -1 : gt.goid[locked]}`,
    );
  }
  return lines;
}

function goroutines(sched: Sched): string[] {
  const { gt, mt, ms, ops, rowsUsed } = sched;
  const on = new Map<number, number>(); // goid to M
  for (let m = 1 as M; m <= ms.lastRow; m++) if (mt.status[m] !== MStatus.none) on.set(goidOn(sched, m), m - 1);
  const lines: string[] = [];
  for (let g = 1 as G; g <= rowsUsed; g++) {
    const { status, waitReason } = ops[g]!;
    const reason = status === GStatus.dead || status === GStatus.idle ? '' : waitReasonNames[waitReason];
    lines.push(`  G${gt.goid[g]}: status=${status}(${reason}) m=${on.get(gt.goid[g]) ?? -1} lockedm=${gt.lockedM[g] - 1}`);
  }
  return lines;
}
