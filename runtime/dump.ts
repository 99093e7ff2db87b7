// dump: goroutines as Go prints them when a program dies, and as Stack gives them (traceback.go, goroutineheader): header,
// frames, who created it. "5 minutes" is how long it has waited since a collection first saw it wait, as in Go.
import { type G, GStatus, gStatusNames, SystemG, waitReasonNames } from '../sched/g.ts';
import { type Ancestor, maxFrames } from './ancestors.ts';
import type { Machine } from './machine.ts';

const elided = '...additional frames elided...';

/** Whose goroutines a dump shows. */
export type Shown = 'running' | 'user' | 'system';

/**
 * The running goroutine, then (user) the program's others, with system those of the runtime as well, in the order of their rows,
 * which is that of their making until rows are used again. thrownAt: the running one's stack where the error was thrown, if it has
 * been unwound since. running: who ran then, if somebody else does now. No blank line at the end. Source: tracebackothers.
 */
export function goroutineDump(m: Machine, who: Shown, thrownAt?: Int32Array, running = m.sched.curg): string {
  const { sched } = m;
  const gs = [...sched.goroutines(who === 'system')];
  const first = running;
  const all = first === 0 ? gs : [first, ...gs.filter((g) => g !== first)];
  const shown = who === 'running' ? all.slice(0, 1) : all;
  return shown.map((g) => goroutineText(m, g, g === first, { pcs: g === first ? thrownAt : undefined })).join('\n\n');
}

/** How a goroutine is printed. */
interface Style {
  /** Its stack, if it is not what the goroutine's memory says. */
  readonly pcs?: Int32Array | undefined;
  /** As with GOTRACEBACK=system: the addresses of each frame, and the functions of Go above the program's. */
  readonly system?: readonly number[] | undefined;
}

/**
 * A goroutine as traceback prints it with `m.traceback` 2, that is with ` fp=0x… sp=0x… pc=0x…`. above: pcs of functions of Go that
 * it is in, leaf first, which have no frames here.
 */
export function goroutineTrace(m: Machine, g: G, above: readonly number[]): string {
  return goroutineText(m, g, g === m.sched.curg, { system: above });
}

function goroutineText(m: Machine, g: G, running: boolean, { pcs: given, system }: Style): string {
  const { gt, stacks } = m.sched;
  const lines = [header(m, g, running)];
  const pcs = given ?? new Int32Array(maxFrames + 1);
  const sps = new Int32Array(system === undefined ? 0 : maxFrames + 1);
  const n = given === undefined ? stacks.callers(g, pcs, maxFrames + 1, sps) : given.length;
  const frame = (pc: number, fp: number, sp: number) => {
    const f = m.symtab.frame(pc);
    const addresses = system === undefined ? '' : ` fp=${hex(fp)} sp=${hex(sp)} pc=${hex(pc)}`;
    lines.push(`${f.func}(...)`, `\t${f.file}:${f.line}${addresses}`);
  };
  for (const pc of system ?? []) frame(pc, gt.sp[g], gt.sp[g]);
  for (let i = 0; i < Math.min(n, maxFrames); i++) frame(pcs[i]!, i === 0 ? gt.sp[g] : sps[i - 1]!, sps[i]!);
  if (n === 0 && gt.system[g] !== SystemG.no) frame(gt.goPc[g], 0, 0); // a helper has no stack: its function
  if (n > maxFrames) lines.push(elided);
  if (gt.parent[g] !== 0 && gt.goPc[g] !== 0 && n > 0) lines.push(...createdBy(m, gt.goPc[g], gt.creator[g]));
  for (const ancestor of m.ancestors?.of(gt.goid[g]) ?? []) lines.push(...ancestorText(m, ancestor));
  return lines.join('\n');
}

function createdBy({ symtab }: Machine, goPc: number, creator: number): string[] {
  const at = symtab.frame(goPc); // a goroutine function's place is that of its go statement
  return [`created by ${creator === 0 ? 'main.main' : symtab.frame(creator).func}`, `\t${at.file}:${at.line}`];
}

/** Source: printAncestorTraceback. */
function ancestorText(m: Machine, { goid, pcs, goPc, creator }: Ancestor): string[] {
  const lines = [`[originating from goroutine ${goid}]:`];
  for (const pc of pcs) {
    const f = m.symtab.frame(pc);
    lines.push(`${f.func}(...)`, `\t${f.file}:${f.line}`);
  }
  if (pcs.length === maxFrames) lines.push(elided);
  if (goid !== 1) lines.push(...createdBy(m, goPc, creator));
  return lines;
}

const hex = (n: number) => `0x${n.toString(16)}`;

function header(m: Machine, g: G, running: boolean): string {
  const { gt } = m.sched;
  const { status, waitReason, waitSeen } = m.sched.ops[g]!;
  const waits = status === GStatus.waiting || status === GStatus.syscall;
  const words = [running ? 'running' : (status === GStatus.waiting && waitReasonNames[waitReason]) || gStatusNames[status]!];
  const minutes = waits && waitSeen ? Math.floor((m.sched.now() - gt.waitSince[g]) / 60e9) : 0;
  if (minutes >= 1) words.push(`${minutes} minutes`);
  if (gt.lockedM[g] !== 0) words.push('locked to thread');
  return `goroutine ${gt.goid[g]} [${words.join(', ')}]:`;
}
