// inspect: names for what the heap only knows as numbers, so that heap/explain.ts can speak of goroutines, functions and
// fields. Looks at a machine at a safepoint and changes nothing.
import { type Explanation, explain, type Surroundings } from '../heap/explain.ts';
import { heapSnapshot } from '../heap/heapsnapshot.ts';
import type { RType } from '../heap/types.ts';
import { type G, GStatus } from '../sched/g.ts';
import { FrameHead } from '../sched/stack.ts';
import { eachWaiting } from '../sched/sudog.ts';
import type { Addr } from './internal/memory.ts';
import type { Machine } from './machine.ts';

/** Name of what is at a byte offset of an object of a type, `.next` or `[3].len`; null when nobody named the type's parts. */
export type PartNames = (type: RType, offset: number, size: number) => string | null;

/** Everything about one address. partName: from whoever declared the types; by default words are numbered. */
export function explainAddress(m: Machine, addr: Addr, partName: PartNames = () => null): Explanation {
  m.heap.writeBack();
  const around: Surroundings = {
    eachRoot: (visit) => eachNamedRoot(m, visit),
    marking: m.gc.marking,
    grey: m.gc.greyObjects(),
    partName,
    bucket: (b) => ({
      bytes: m.profiler.buckets.size(b),
      stack: m.profiler.buckets.stack(b).map((pc) => m.symtab.text(pc)),
    }),
  };
  return explain(m.heap, addr, around);
}

/**
 * The heap as a .heapsnapshot for Chrome's DevTools, in chunks that are made as they are taken. TypeError when the program has gone on
 * between two chunks. partName: from whoever declared the types; by default words are numbered.
 */
export function* takeHeapSnapshot(m: Machine, partName: PartNames = () => null): Generator<Uint8Array<ArrayBuffer>, void, void> {
  const chunks = heapSnapshot(m.heap, {
    eachRoot: (visit) => eachNamedRoot(m, visit),
    marking: m.gc.marking,
    partName,
    frame: (pc) => m.symtab.frame(pc),
  });
  const moment = () => [m.sched.turns, m.gc.numGC, m.heap.stats.totals().mallocs + m.heap.cachedAllocs()].join();
  const then = moment();
  for (const chunk of chunks) {
    if (moment() !== then) throw new TypeError('heapSnapshot: the program has gone on; take all chunks before it does');
    yield chunk;
  }
}

/** Visits the roots of gc.eachRoot, each with its name. nil is left out. */
export function eachNamedRoot(m: Machine, visit: (name: () => string, pointer: Addr) => void): void {
  m.gc.roots.eachGlobal((slot, pointer) => {
    if (pointer !== 0) visit(() => `${m.isPin(slot) ? 'pin' : 'global'} 0x${slot.toString(16)}`, pointer);
  });
  m.heap.finalQueue.eachRoot((pointer) => {
    if (pointer !== 0) visit(() => 'queue of finalizers', pointer);
  });
  const { sched } = m;
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    const { status } = sched.ops[g]!;
    if (status !== GStatus.dead && status !== GStatus.idle) eachStackRoot(m, g, visit);
  }
}

/** The slots of a goroutine's frames, from the outermost frame on, the value that it has received, and what it waits for and with. */
function eachStackRoot(m: Machine, g: G, visit: (name: () => string, pointer: Addr) => void): void {
  const { gt, ops, stacks } = m.sched;
  const { w } = m.heap;
  if (g === stacks.running) stacks.save();
  ops[g]!.save(w, m.arena.f64, gt);
  const who = `goroutine ${gt.goid[g]}`;
  if (gt.elem[g] !== 0) visit(() => `${who}, value in flight`, gt.elem[g]);
  eachWaiting(w, gt.waiting[g], (pointer) => {
    if (pointer !== 0) visit(() => `${who}, what it waits for`, pointer);
  });
  const end = gt.sp[g] >>> 2;
  let pc = 0;
  for (let i = gt.stackLo[g] >>> 2; i < end; ) {
    const frame = i;
    const locals = w[frame + FrameHead.pc] === 0; // go.locals: a frame without a name, part of the function below it
    if (!locals) pc = w[frame + FrameHead.pc]!;
    const where = pc;
    const slots = w[frame + FrameHead.shape]! & 0xffff;
    for (let k = 0; k < slots; k++) {
      const pointer = w[frame + FrameHead.words + k]!;
      if (pointer !== 0) visit(() => `${who}, ${m.symtab.frame(where).func}, ${locals ? 'local' : 'slot'} ${k}`, pointer);
    }
    i += FrameHead.words + slots;
  }
}
