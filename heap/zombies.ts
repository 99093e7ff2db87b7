// zombies: what Go prints when the sweep finds a marked slot that nobody has allocated: each slot of the span with its state, and
// the contents of the zombies, so that a reader may guess what they were and who still points to them.
// Source: reportZombies of mgcsweep.go, hexdumpWords of print.go.
import type { Addr } from '../runtime/internal/memory.ts';
import type { Heap } from './mheap.ts';
import type { MSpan } from './mspan.ts';

/** Bytes of a zombie that are shown. */
const shownBytes = 1024;

/** The report on span s, without a newline at its end. Go's text, but for a span's number in the place of its address. */
export function zombieReport(heap: Heap, s: MSpan): string {
  const { mspan } = heap;
  const elemSize = mspan.elemSize[s];
  const base = heap.base(s);
  const freeIndex = Math.ceil((mspan.freeAddr[s] - base) / elemSize);
  const hint = '(bad use of unsafe.Pointer? try -d=checkptr)';
  const lines = [`runtime: marked free object in span ${s}, elemsize=${elemSize} freeindex=${freeIndex} ${hint}`];
  for (let i = 0; i < mspan.nelems[s]; i++) {
    const addr = base + i * elemSize;
    const alloc = heap.isAllocated(s, addr);
    const marked = heap.isMarked(addr);
    const zombie = marked && !alloc;
    lines.push(`0x${addr.toString(16)}${alloc ? ' alloc' : ' free '}${marked ? ' marked  ' : ' unmarked'}${zombie ? ' zombie' : ''}`);
    if (zombie) lines.push(...hexDump(heap.w, addr, Math.min(elemSize, shownBytes)));
  }
  return lines.join('\n');
}

/** Words from addr on, four a line. Source: hexdumpWords. */
function hexDump(w: Int32Array, addr: Addr, bytes: number): string[] {
  const hex = (n: number) => (n >>> 0).toString(16).padStart(8, '0');
  const lines: string[] = [];
  for (let at = 0; at < bytes; at += 16) {
    let line = `${hex(addr + at)}: `;
    for (let k = at; k < Math.min(at + 16, bytes); k += 4) line += ` ${hex(w[(addr + k) >>> 2]!)} `;
    lines.push(line);
  }
  return lines;
}
