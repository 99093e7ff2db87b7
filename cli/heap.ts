// heap: the command. The simulated heap of a program or of a replayed log at one moment: a .heapsnapshot for Chrome's DevTools, or a
// table of what is in it.

import { pageMap } from '../heap/dump.ts';
import { eachObject } from '../heap/explain.ts';
import type { Machine } from '../runtime/index.ts';
import { takeHeapSnapshot } from '../runtime/inspect.ts';
import { count, plural } from '../runtime/internal/words.ts';
import { helpOf, oneOf, onlyFor, type Parsed, parse, UsageError } from './args.ts';
import { heapFormats, heapSpec } from './commands.ts';
import { writeOut } from './files.ts';
import { table } from './output.ts';
import { type Looked, lookAt, type Seen } from './source.ts';

/** Objects of one type. Dead: the last marking did not reach them, and their span is not swept yet. */
interface TypeRow {
  readonly type: string;
  objects: number;
  bytes: number;
  deadObjects: number;
  deadBytes: number;
}

/**
 * Runs `gorena heap`; returns the exit code. print takes the snapshot itself as well, for `-o -`; complain takes the lines of GODEBUG.
 * Throws UsageError, FileError and RuntimeError.
 */
export async function heapCommand(
  words: readonly string[],
  print: (data: string | Uint8Array) => void,
  complain: (text: string) => void,
): Promise<number> {
  const { positionals, options } = parse(heapSpec, words);
  if (options.help === true) {
    print(helpOf(heapSpec));
    return 0;
  }
  const { file, format } = wantedOf(options);
  if (format === 'text') onlyFor('--format heapsnapshot', options, ['memprofilerate', 'scheme']);
  let rows: TypeRow[] = [];
  let map = '';
  let bytes = 0;
  const look = ({ machine, runtime }: Looked) => {
    rows = typesOf(machine);
    map = pageMap(machine.heap, false);
    if (format === 'heapsnapshot') bytes = writeOut(file, runtime?.heapSnapshot() ?? takeHeapSnapshot(machine), print);
  };
  const seen = await lookAt('heap', positionals[0]!, options, complain, look);
  if (format === 'text') bytes = writeOut(file, [Buffer.from(`${typesTable(rows)}\n\n${map}\n`)], print);
  if (file === '-') return 0;
  print(options.json === true ? json(seen, format, file, bytes, rows) : text(seen, format, file, rows));
  return 0;
}

/** Throws UsageError. */
function wantedOf(options: Parsed['options']): { file: string; format: keyof typeof heapFormats } {
  const file = String(options.output ?? '-');
  const formats = Object.keys(heapFormats) as (keyof typeof heapFormats)[];
  const byName = file === '-' || file.endsWith('.txt') ? 'text' : 'heapsnapshot';
  const format = options.format === undefined ? byName : oneOf('format', String(options.format), formats);
  if (file === '-' && options.json === true) throw new UsageError('heap: the heap and --json would both print on stdout; add -o FILE');
  return { file, format };
}

/** What is in the heap, by type; most bytes first. */
function typesOf({ heap, gc }: Machine): TypeRow[] {
  heap.writeBack();
  const rows = new Map<string, TypeRow>();
  eachObject(heap, (obj, s) => {
    const type = heap.types.get(heap.typeOf(obj)).name;
    let row = rows.get(type);
    if (row === undefined) {
      row = { type, objects: 0, bytes: 0, deadObjects: 0, deadBytes: 0 };
      rows.set(type, row);
    }
    const size = heap.mspan.elemSize[s];
    row.objects++;
    row.bytes += size;
    if (gc.marking || !heap.awaitsSweep(s) || heap.isMarked(obj)) return;
    row.deadObjects++;
    row.deadBytes += size;
  });
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes || (a.type < b.type ? -1 : 1));
}

function typesTable(rows: readonly TypeRow[]): string {
  const cells = (r: Omit<TypeRow, 'type'>) => [r.objects, r.bytes, r.deadObjects, r.deadBytes].map(count);
  const total = { objects: 0, bytes: 0, deadObjects: 0, deadBytes: 0 };
  for (const r of rows) {
    total.objects += r.objects;
    total.bytes += r.bytes;
    total.deadObjects += r.deadObjects;
    total.deadBytes += r.deadBytes;
  }
  const lines = [...rows.map((r) => [r.type, ...cells(r)]), ['all', ...cells(total)]];
  return table(['<type', 'objects', 'bytes', 'dead, not swept yet', 'bytes'], lines);
}

function json(seen: Seen, format: string, file: string, bytes: number, types: readonly TypeRow[]): string {
  const { source, when, options, nanos, numGC } = seen;
  const doc = { schemaVersion: 1, command: 'heap', source, when, ...options, nanos, numGC, format, file, bytes, types };
  return `${JSON.stringify(doc, null, 2)}\n`;
}

function text(seen: Seen, format: keyof typeof heapFormats, file: string, rows: readonly TypeRow[]): string {
  const options = Object.entries(seen.options).map(([name, value]) => `${name} ${value}`);
  const head = `${seen.source}: the heap ${seen.when}, after ${plural(seen.numGC, 'collection')} (${options.join(', ')})`;
  return `${head}\n${typesTable(rows)}\nopen ${file} with ${heapFormats[format]}\n`;
}
