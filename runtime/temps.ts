// temps: roots for the time of one operation of the typed layer that allocates or stores several pointers: its operands may
// be in no local. A frame without a name on top of the running goroutine's stack holds them; stacks.popTo takes it away.
import { FrameHead } from '../sched/stack.ts';
import type { Context } from './context.ts';
import { Handle } from './value.ts';

/** Most slots of one frame here; the head of a frame counts them in 16 bits. */
const maxSlots = 1024;

/** Opens n slots, all nil; returns the frame's offset. TypeError when no goroutine runs. */
export function openTemps(ctx: Context, n: number): number {
  if (ctx.stacks.running === 0)
    throw new TypeError('this needs a running goroutine: it may allocate, and outside of Runtime.run nothing is rooted');
  return ctx.stacks.push(0, n);
}

/** Puts an address into slot k. */
export function setTemp(ctx: Context, temps: number, k: number, addr: number): void {
  ctx.w[((ctx.stacks.lo + temps) >>> 2) + FrameHead.words + k] = addr;
}

/** Roots every handle among the values, in further frames; closeTemps of a frame below closes them as well. */
export function rootAll(ctx: Context, values: readonly unknown[]): void {
  for (let first = 0; first < values.length; first += maxSlots) {
    const n = Math.min(maxSlots, values.length - first);
    const temps = openTemps(ctx, n);
    for (let k = 0; k < n; k++) {
      const value = values[first + k];
      if (!(value instanceof Handle)) continue;
      value.live();
      setTemp(ctx, temps, k, value.addr);
    }
  }
}

/** Closes the frame and those above it. */
export function closeTemps(ctx: Context, temps: number): void {
  ctx.stacks.popTo(temps);
}
