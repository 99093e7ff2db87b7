// pproftext: profiles as Go prints them with debug=1, for people; `go tool pprof` reads the numbers in them as well. The figures
// of heap and allocs are those of the sampled objects: nothing is scaled here, pprof does it itself when it reads the text.
//
// Below each record stands its stack, innermost call first: pc, function with the offset in it, file and line. Frames of the
// runtime at the leaf are left out of heap, allocs, goroutine and threadcreate, unless there are no others.
// Source: runtime/pprof/pprof.go.

import { byCycles, countStacks, cyclesPerSecond, type LabelledStack } from './profile.ts';
import { type BlockProfileRecord, inUseBytes, inUseObjects, type MemProfileRecord } from './records.ts';
import { callPC, type Symbols } from './symtab.ts';
import { alignTabs } from './tabwriter.ts';

const hex = (n: number) => `0x${n.toString(16)}`;
const pcsText = (stack: readonly number[]) => stack.map((pc) => ` ${hex(pc)}`).join('');

/** heap and allocs. rate: MemProfileRate; statistics: the lines of memStatsText. Source: writeHeapInternal. */
export function heapText(records: readonly MemProfileRecord[], rate: number, statistics: string, symbols: Symbols): string {
  const sorted = [...records].sort((a, b) => inUseBytes(b) - inUseBytes(a));
  const sum = (of: (r: MemProfileRecord) => number) => records.reduce((n, r) => n + of(r), 0);
  const figures = (objects: number, bytes: number, allocs: number, allocBytes: number) =>
    `${objects}: ${bytes} [${allocs}: ${allocBytes}] @`;
  const total = figures(
    sum(inUseObjects),
    sum(inUseBytes),
    sum((r) => r.allocObjects),
    sum((r) => r.allocBytes),
  );
  const lines = [`heap profile: ${total} heap/${2 * rate}\n`]; // twice the rate: what pprof expects since C++ had it so
  for (const r of sorted) {
    lines.push(`${figures(inUseObjects(r), inUseBytes(r), r.allocObjects, r.allocBytes)}${pcsText(r.stack)}\n`);
    lines.push(stackText(r.stack, false, symbols));
  }
  lines.push(`\n# runtime.MemStats\n${statistics}`);
  return alignTabs(lines.join(''));
}

/** block and mutex. fraction: that of mutex, null for block. Source: writeProfileInternal. */
export function contentionText(records: readonly BlockProfileRecord[], fraction: number | null, symbols: Symbols): string {
  const lines = [`--- ${fraction === null ? 'contention' : 'mutex'}:\ncycles/second=${cyclesPerSecond}\n`];
  if (fraction !== null) lines.push(`sampling period=${fraction}\n`);
  for (const r of byCycles(records)) {
    lines.push(`${r.cycles} ${r.count} @${pcsText(r.stack)}\n`, stackText(r.stack, true, symbols));
  }
  return alignTabs(lines.join(''));
}

/** goroutine and threadcreate. Source: printCountProfile. */
export function countText(name: string, records: readonly LabelledStack[], symbols: Symbols): string {
  const lines = [`${name} profile: total ${records.length}\n`];
  for (const { n, key, stack } of countStacks(records)) lines.push(`${n} ${key}\n`, stackText(stack, false, symbols));
  return alignTabs(lines.join(''));
}

/** The frames of a stack and an empty line. all: the runtime's frames at the leaf too. Source: printStackRecord. */
function stackText(stack: readonly number[], all: boolean, symbols: Symbols): string {
  const lines: string[] = [];
  const known = stack.filter((pc) => symbols.entry(pc) !== 0);
  if (known.length === 0) return '#\t0x0\n\n';
  let show = all;
  for (const pc of known) {
    const { func, file, line } = symbols.frame(pc);
    if (func === 'runtime.goexit') continue;
    show ||= !func.startsWith('runtime.');
    const at = callPC(symbols, pc);
    if (show) lines.push(`#\t${hex(at)}\t${func}+${hex(at - symbols.entry(pc))}\t${file}:${line}\n`);
  }
  return show ? `${lines.join('')}\n` : stackText(stack, true, symbols);
}
