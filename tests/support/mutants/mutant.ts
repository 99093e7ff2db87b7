// mutant: a known bug as data, and what most of them are made with. A mutant breaks one runtime by replacing functions of that
// one runtime's objects, so that the code that ships has nothing to ask; the few lines that have no function of their own are
// switches of runtime/internal/faults.ts. Private members are reached as `object['member']`, which the type check follows: when
// one is renamed, its mutant no longer compiles.
import type { Mutator } from '../../../gc/malloc.ts';
import { Phase } from '../../../gc/mgc.ts';
import type { Finals } from '../../../runtime/final.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import type { HChannel } from '../../../sched/chan.ts';
import type { Channels } from '../../../sched/channels.ts';
import type { Bias } from '../hostile/program.ts';

/** What is broken: a Runtime, or a machine by itself where no channel and no finalizer of the public API is involved. */
export interface Victim {
  readonly machine: Machine;
  readonly channels?: Channels;
  readonly finals?: Finals;
}

/** A bug put in on purpose. Its number is that of the catalogue (docs/invariants.md). */
export interface Mutant extends Bias {
  readonly id: string;
  /** What is wrong, in one line. */
  readonly title: string;
  /** Puts it in, before the program runs. */
  readonly breaks: (victim: Victim) => void;
  /** It looks wrong and is safe: everybody must stay silent. Absent: somebody must notice. */
  readonly control?: true;
  /** The collector may step in inside a store: the operands of stores stay in the frame. */
  readonly holdOperands?: true;
}

/** Replaces the road that a pointer store takes while a barrier or an explorer is there. */
export function stores(wrong: (m: Mutator, word: number, value: Addr) => void): (victim: Victim) => void {
  return ({ machine }) => {
    for (const m of machine.mutators) m['storeSlow'] = (word, value) => wrong(m, word, value);
  };
}

/** Whether stores must shade now. */
export function barrierOn(m: Mutator): boolean {
  return m.gc.phase !== Phase.off;
}

/** Shades two pointers as the barrier does: through the P's buffer. 0 is nobody. */
export function shade(m: Mutator, old: Addr, value: Addr): void {
  if (m.barrier.record(old, value)) m.barrier.flush(m.gc.work);
}

/** Ends a store: the word is written, and then the collector may step in. */
export function write(m: Mutator, word: number, value: Addr): void {
  m.heap.w[word] = value;
  explore(m);
}

/** A point at which the collector may step in. */
export function explore(m: Mutator): void {
  if (m['chooser'].everyOperation) m['explore']();
}

/** A stretch of time in which the collector may begin a cycle and get somewhere. */
export function exploreLong(m: Mutator): void {
  for (let i = 0; i < 6; i++) explore(m);
}

/** Breaks every channel when it is made. */
export function channels(wrong: (ch: HChannel) => void): (victim: Victim) => void {
  return ({ channels }) => {
    if (channels === undefined) return;
    const make = channels.make.bind(channels);
    channels.make = (kind, capacity) => {
      const ch = make(kind, capacity);
      wrong(ch);
      return ch;
    };
  };
}

/** Several breaks at once. */
export function all(...breaks: ((victim: Victim) => void)[]): (victim: Victim) => void {
  return (victim) => {
    for (const one of breaks) one(victim);
  };
}
