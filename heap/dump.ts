// dump: the heap as text, one character a page or a slot. A heap map in a test's failure says more than any message. In colour
// the characters stay the same, so that nothing is lost where there is none; whether there is, the caller knows.
import { type Addr, addressArgument } from '../runtime/internal/memory.ts';
import { type Heap, heapStartPage, type Page } from './mheap.ts';
import { type MSpan, SpanState } from './mspan.ts';

const rowWidth = 64;
const nothingGrey: ReadonlySet<Addr> = new Set();

/** ANSI colours of the characters: pages by what they hold, slots by their colour; what is free stays in the background. */
const colours: Readonly<Record<string, number>> = { '.': 2, s: 34, S: 34, n: 36, N: 36, L: 35, m: 33, o: 37, g: 90, '#': 32 };

function rows(cells: string[], label: (i: number) => string, colour: boolean): string {
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += rowWidth) {
    const row = cells.slice(i, i + rowWidth).join('');
    lines.push(`${label(i)}  ${colour ? painted(row) : row}`);
  }
  return lines.join('\n');
}

/** A row with an escape sequence before each run of one colour and one behind it. */
function painted(row: string): string {
  const runs: string[] = [];
  for (let i = 0; i < row.length; ) {
    const code = colours[row[i]!]!;
    let end = i + 1;
    while (end < row.length && colours[row[end]!] === code) end++;
    runs.push(`\x1b[${code}m${row.slice(i, end)}\x1b[0m`);
    i = end;
  }
  return runs.join('');
}

/**
 * One character a page, 64 a row, each row headed by its first address:
 * `.` free, `s` small objects, `n` small objects without pointers, `L` large object, `m` managed by hand, and the capital
 * `S`/`N` where the span begins. Pages that the heap has not grown to yet are not shown. colour: with ANSI colours.
 */
export function pageMap(heap: Heap, colour = false): string {
  const cells: string[] = [];
  for (let page = heapStartPage; page < heapStartPage + heap.pages.grown; page++) {
    const s = heap.pageSpan[page as Page] as MSpan;
    cells.push(s === 0 ? '.' : pageChar(heap, s, page));
  }
  return rows(cells, (i) => `0x${((heapStartPage + i) * 8192).toString(16).padStart(8, '0')}`, colour);
}

function pageChar(heap: Heap, s: MSpan, page: number): string {
  const { mspan } = heap;
  if (mspan.state[s] === SpanState.manual) return 'm';
  const spanClass = mspan.spanClass[s];
  if (spanClass >>> 1 === 0) return 'L';
  const char = (spanClass & 1) === 0 ? 's' : 'n';
  return page === mspan.startPage[s] ? char.toUpperCase() : char;
}

/**
 * One character a slot of the span that covers addr, 64 a row: `.` free, `o` allocated and not marked (white while
 * marking), `#` marked (grey or black; with the set of grey objects, `g` grey and `#` black). Caches must be written back. colour: with ANSI colours.
 */
export function slotMap(heap: Heap, addr: Addr, grey: ReadonlySet<Addr> = nothingGrey, colour = false): string {
  addressArgument('slotMap', addr);
  const s = heap.spanOf(addr);
  if (s === 0) return `0x${addr.toString(16)}: no span`;
  const { mspan } = heap;
  const base = heap.base(s);
  const cells: string[] = [];
  for (let i = 0; i < mspan.nelems[s]; i++) {
    const slot = base + i * mspan.elemSize[s];
    cells.push(!heap.isAllocated(s, slot) ? '.' : grey.has(slot) ? 'g' : heap.isMarked(slot) ? '#' : 'o');
  }
  const head = `span ${s}: class ${mspan.spanClass[s] >>> 1}, ${mspan.allocCount[s]}/${mspan.nelems[s]} slots of ${mspan.elemSize[s]} bytes`;
  return `${head}\n${rows(cells, (i) => `0x${(base + i * mspan.elemSize[s]).toString(16).padStart(8, '0')}`, colour)}`;
}
