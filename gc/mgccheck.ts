// mgccheck: what a cycle checks of itself when somebody asks for it (gcknobs.ts): the invariants of docs/invariants.md at its steps, by
// the checks of the heap and by those of this folder. A finding ends the machine.

import { checkHeap } from '../heap/check.ts';
import { gothrow } from '../runtime/internal/throw.ts';
import { colourFindings } from './mcheckcolours.ts';
import type { GC } from './mgc.ts';
import type { World } from './world.ts';

/** At a step of the cycle: the heap as a whole if that is wanted, and what has been found besides. */
export function checkCycle(gc: GC, when: string, findings: readonly string[]): void {
  if (gc.knobs.checkHeap) checkHeap(gc.heap);
  if (findings.length > 0) gothrow(`gc: at ${when} of cycle ${gc.cycle}: ${findings.slice(0, 10).join('; ')}`);
}

/** M1: what was recorded outside a marking would be shaded in the next one, when it may be garbage. */
export function strayBarriers({ mutators }: GC): string[] {
  const stray = mutators.filter((m) => !m.barrier.empty);
  return stray.map((m) => `M1: the barrier buffer of P ${mutators.indexOf(m)} is not empty before marking began`);
}

/** M2, between two steps of the marking. */
export function checkTricolour(gc: GC, world: World): void {
  gc.heap.writeBack();
  const findings = colourFindings(gc.heap, {
    eachGrey: (visit) => {
      gc.work.eachQueued(visit);
      for (const m of gc.mutators) m.barrier.each(visit);
    },
    eachRootPointer: (visit) => gc.roots.eachPointer(world, visit),
  });
  if (findings.length > 0) gothrow(`gc: marking in cycle ${gc.cycle}: ${findings.slice(0, 10).join('; ')}`);
}
