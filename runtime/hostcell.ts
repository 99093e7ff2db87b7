// hostcell: JavaScript values in fields of the arena's objects. A cell is one word: 0 (undefined) or the number of a value in
// the heap's table. The first store into a cell hangs a special on it (heap/mspecial.ts), by which the sweeper gives the
// number back when the object dies; further stores only exchange the value. Objects without such cells pay nothing.
import { attachSpecial, SpecialKind } from '../heap/mspecial.ts';
import type { Context } from './context.ts';

/** The value of the cell at a word. */
export function getHost(ctx: Context, word: number): unknown {
  return ctx.machine.heap.hostValues.get(ctx.w[word]!);
}

/** Puts a value into the cell; the one that was there is released. */
export function setHost(ctx: Context, word: number, value: unknown): void {
  const { heap } = ctx.machine;
  const id = ctx.w[word]!;
  if (id !== 0) heap.hostValues.set(id, value);
  else if (value !== undefined) {
    const added = heap.hostValues.add(value);
    attachSpecial(heap, word << 2, SpecialKind.host, added);
    ctx.w[word] = added;
  }
}

/** Releases the cell's value; its number stays until the object dies, because the special names it. */
export function dropHost(ctx: Context, word: number): void {
  const id = ctx.w[word]!;
  if (id !== 0) ctx.machine.heap.hostValues.set(id, undefined);
}
