// ancestors: GODEBUG=tracebackancestors=N. Dumps show of each goroutine the stacks of up to N of those that it comes from, as they
// stood when they made it or its creator: the nearest first. It is a reader of the machine's events, so what is off costs nothing.
// Source: proc.go saveAncestors, traceback.go printAncestorTraceback.
import { Ev } from './internal/events.ts';
import type { Machine } from './machine.ts';

/** Most frames of a stack that are kept. Go's _TracebackMaxFrames. */
export const maxFrames = 100;

/** A goroutine as it stood at its `go` statement. Go's ancestorInfo. */
export interface Ancestor {
  readonly goid: number;
  /** Its stack, innermost frame first. */
  readonly pcs: Int32Array;
  /** Who had made it: as gt.goPc and gt.creator. */
  readonly goPc: number;
  readonly creator: number;
}

/** Where the goroutines of one machine come from. */
export class Ancestors {
  private readonly byGoid = new Map<number, readonly Ancestor[]>();

  constructor(
    private readonly m: Machine,
    /** How many are kept of each goroutine. */
    private readonly most: number,
  ) {
    m.subscribe((kind, goid) => {
      if (kind === Ev.goCreate) this.created(goid);
      else if (kind === Ev.goEnd) this.byGoid.delete(goid);
    });
  }

  /** The running goroutine has made another; nobody runs when main is made, or when a timer makes one. */
  private created(goid: number): void {
    const { sched } = this.m;
    const { gt, curg } = sched;
    if (curg === 0) return;
    const pcs = new Int32Array(maxFrames);
    const parent: Ancestor = {
      goid: gt.goid[curg],
      pcs: pcs.subarray(0, sched.callers(pcs, maxFrames)),
      goPc: gt.goPc[curg],
      creator: gt.creator[curg],
    };
    this.byGoid.set(goid, [parent, ...this.of(parent.goid)].slice(0, this.most));
  }

  /** Those of a goroutine, the nearest first. */
  of(goid: number): readonly Ancestor[] {
    return this.byGoid.get(goid) ?? [];
  }
}
