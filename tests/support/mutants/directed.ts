// directed: the profiler's mutants by hand. A script is a few letters, each one thing that happens on a machine with one P; what the
// schemes three-stage and cycle publish is compared with the oracle's truth at each rotation, as the hostile programs do.
//
//   a   an object that is garbage at once        m   a cycle to the end of its marking, what the last one left swept before
//   k   an object that is kept                   s   one span is swept
//   A   as a, a span and more of them            w   the sweep to its end
//   B   as A, of another size                    f   runtime.GC(): a cycle, its sweep, the publication
//   d   what is kept is let go
import { Ev } from '../../../runtime/internal/events.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { testMachine } from '../machine.ts';
import { published } from '../profile.ts';
import type { Mutant } from './mutant.ts';

/** What a script does to a machine, letter by letter; the first finding, or null. */
export function play(script: string, mutant: Mutant | null): string | null {
  const m = testMachine({ procs: 1, gogc: 'off', oracle: true, watch: ['cycle'], checkMark: false });
  let finding: string | null = null;
  m.subscribe((kind, _cycle, when) => {
    if (kind === Ev.profileRotate && when > 0) finding ??= judge(m, when);
  });
  mutant?.breaks({ machine: m });
  const kept: number[] = [];
  try {
    for (const letter of script) {
      step(m, letter, kept);
      if (finding !== null) return finding;
    }
  } catch (error) {
    return (error as Error).message;
  }
  return null;
}

function step(m: Machine, letter: string, kept: number[]): void {
  const { gc } = m;
  switch (letter) {
    case 'a':
      alloc(m, 16);
      break;
    case 'k':
      kept.push(m.pin(alloc(m, 16)));
      break;
    case 'A':
      for (let i = 0; i < 600; i++) alloc(m, 16);
      break;
    case 'B':
      for (let i = 0; i < 200; i++) alloc(m, 48);
      break;
    case 'd':
      for (const slot of kept.splice(0)) m.unpin(slot);
      break;
    case 'm':
      gc.start(false);
      while (gc.marking) gc.step(1 << 20);
      break;
    case 's':
      gc.sweepStep();
      break;
    case 'w':
      while (!gc.sweeper.isDone) gc.sweepStep();
      break;
    case 'f':
      gc.collect();
  }
}

function alloc(m: Machine, bytes: number): number {
  return m.mutator.mallocgc(bytes, m.heap.types.define(`main.T${bytes}`, bytes, [0]));
}

/** P6 and P7 at a publication. */
function judge(m: Machine, when: number): string | null {
  const { numGC } = m.gc;
  const truth = m.oracle!.at(when === 2 ? numGC : numGC - 1)!;
  for (const scheme of ['three-stage', 'cycle'] as const) {
    const got = published(m, scheme);
    for (const [bucket, { objects }] of got) {
      const want = truth.buckets.get(bucket)?.objects ?? 0;
      if (objects < 0) return `P7: ${scheme}: ${-objects} frees more than mallocs`;
      if (objects !== want) return `P6: ${scheme}: ${objects} in use, wanted ${want} as of mark termination ${truth.numGC}`;
    }
    for (const [bucket, { objects }] of truth.buckets) {
      if (!got.has(bucket)) return `P6: ${scheme}: none in use, wanted ${objects} as of mark termination ${truth.numGC}`;
    }
  }
  return null;
}
