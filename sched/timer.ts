// timer: sleeping goroutines in order of their wake-up time. A 4-ary heap in the arena, keyed by (when, order of adding), so
// that equal times fire in the order in which they were set. Source: time.go (heap shape), playground's faketime (jumping).
import type { Column, Id, LinearAlloc } from '../runtime/internal/memory.ts';
import type { G } from './g.ts';

type Slot = Id<'timerSlot'>;

/** The timers of one machine. */
export class Timers {
  private readonly when: Column<Slot>;
  private readonly seq: Column<Slot>;
  private readonly g: Column<Slot>;
  private nextSeq = 1;
  /** Number of pending timers. */
  size = 0;

  constructor(mem: LinearAlloc, rows: number) {
    mem.table('timer');
    this.when = mem.f64<Slot>('when', rows); // virtual nanoseconds
    this.seq = mem.f64<Slot>('seq', rows); // order of adding
    this.g = mem.i32<Slot>('g', rows); // whom it wakes
  }

  /** Wakes g at `when` nanoseconds. */
  add(g: G, when: number): void {
    let i = this.size++;
    const seq = this.nextSeq++;
    for (; i > 0; ) {
      const parent = (i - 1) >> 2;
      if (this.when[parent as Slot] <= when) break;
      this.move(parent, i);
      i = parent;
    }
    this.set(i, when, seq, g);
  }

  /** Time of the earliest timer; Infinity when there is none. */
  earliest(): number {
    return this.size === 0 ? Infinity : this.when[0 as Slot];
  }

  /** Takes the earliest timer out. */
  pop(): G {
    const first = this.g[0 as Slot] as G;
    const last = --this.size as Slot;
    if (last > 0) this.siftDown(this.when[last], this.seq[last], this.g[last] as G);
    return first;
  }

  private siftDown(when: number, seq: number, g: G): void {
    let i = 0;
    for (;;) {
      let child = -1;
      for (let c = i * 4 + 1; c < Math.min(i * 4 + 5, this.size); c++) {
        if (child < 0 || this.before(c as Slot, this.when[child as Slot], this.seq[child as Slot])) child = c;
      }
      if (child < 0 || !this.before(child as Slot, when, seq)) break;
      this.move(child, i);
      i = child;
    }
    this.set(i, when, seq, g);
  }

  private before(i: Slot, when: number, seq: number): boolean {
    return this.when[i] < when || (this.when[i] === when && this.seq[i] < seq);
  }
  private move(from: number, to: number): void {
    this.set(to, this.when[from as Slot], this.seq[from as Slot], this.g[from as Slot] as G);
  }
  private set(i: number, when: number, seq: number, g: G): void {
    this.when[i as Slot] = when;
    this.seq[i as Slot] = seq;
    this.g[i as Slot] = g;
  }
}
