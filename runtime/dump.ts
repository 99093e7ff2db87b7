// dump: goroutines as Go prints them when a program dies (traceback.go): header, frames, who created it.
import { type G, GStatus, gStatusNames, waitReasonNames } from '../sched/g.ts';
import type { Machine } from './machine.ts';

const maxFrames = 100;

/**
 * The running goroutine, then (all) the others in the order of creation. thrownAt: the running one's stack where the error was
 * thrown, if it has been unwound since. No blank line at the end.
 */
export function goroutineDump(m: Machine, all: boolean, thrownAt?: Int32Array): string {
  const { sched } = m;
  const gs = [...sched.goroutines()].sort((a, b) => sched.gt.goid[a] - sched.gt.goid[b]);
  const first = sched.curg;
  const shown = first === 0 ? (all ? gs : gs.slice(0, 1)) : all ? [first, ...gs.filter((g) => g !== first)] : [first];
  return shown.map((g) => goroutineText(m, g, g === first ? thrownAt : undefined)).join('\n\n');
}

function goroutineText(m: Machine, g: G, thrownAt?: Int32Array): string {
  const { gt, stacks } = m.sched;
  const status = gt.status[g] === GStatus.waiting ? waitReasonNames[gt.waitReason[g]] : gStatusNames[gt.status[g]];
  const lines = [`goroutine ${gt.goid[g]} [${g === m.sched.curg ? 'running' : status}]:`];
  const pcs = thrownAt ?? new Int32Array(maxFrames + 1);
  const n = thrownAt === undefined ? stacks.callers(g, pcs, maxFrames + 1) : thrownAt.length;
  for (let i = 0; i < Math.min(n, maxFrames); i++) {
    const f = m.symtab.frame(pcs[i]!);
    lines.push(`${f.func}(...)`, `\t${f.file}:${f.line}`);
  }
  if (n > maxFrames) lines.push('...additional frames elided...');
  return lines.join('\n');
}
