// Heap maps: what a failing test shows. The whole text is in tests/golden/heapmap.txt.
import { expect, test } from 'vitest';
import { pageMap, slotMap } from '../../../heap/dump.ts';
import { SpanState } from '../../../heap/mspan.ts';
import { expectGolden } from '../../support/golden.ts';
import { markOnly, pagesMachine, types } from './support.ts';

test('the maps of a heap with everything in it', () => {
  const m = pagesMachine(70);
  const { heap } = m;
  const { bytes, ptrs, node } = types(m);
  const out: string[] = ['# a heap that has not grown yet', pageMap(heap), ''];
  const live = Array.from({ length: 100 }, () => m.mutator.mallocgc(96, ptrs));
  const large = m.mutator.mallocgc(40_000, bytes);
  m.mutator.mallocgc(27264, bytes); // 10 pages, 3 slots
  const list = Array.from({ length: 9 }, () => m.mutators[1]!.mallocgc(16, node));
  heap.allocSpan(4, 0, SpanState.manual);
  for (const addr of live.filter((_, i) => i % 3 === 1)) m.pin(addr);
  for (const addr of list.slice(2, 5)) m.pin(addr);
  m.pin(large);
  const show = (title: string) => {
    heap.writeBack();
    out.push(`# ${title}`, pageMap(heap), ...[live[0]!, large, list[0]!].map((addr) => slotMap(heap, addr)), '');
  };
  show('allocated');
  m.gc.start(true);
  m.arena.i32[(list[8]! >>> 2) + 1] = list[7]!; // an edge that no root leads to
  m.arena.i32[(list[4]! >>> 2) + 1] = list[6]!; // and one that is followed when its holder is scanned
  while (!heap.isMarked(large)) m.gc.step(1); // the globals: what is pinned is grey, what it points to still white
  show('while marking');
  m.gc.collect();
  show('after two collections');
  markOnly(m);
  m.gc.sweeper.finish();
  out.push('# addresses without a span', slotMap(heap, 0), slotMap(heap, heap.endPage * 8192 - 8), '');
  expectGolden('heapmap.txt', out.join('\n'));
});

test('a row of the page map begins with its first address', () => {
  const m = pagesMachine(130);
  m.mutator.mallocgc(8, types(m).ptrs);
  const rows = pageMap(m.heap).split('\n');
  expect(rows).toEqual([`0x00004000  S${'.'.repeat(63)}`, `0x00084000  ${'.'.repeat(64)}`, '0x00104000  ..']);
});

test('in colour the characters are the same, in runs', () => {
  const m = pagesMachine(70);
  const { bytes, ptrs } = types(m);
  const addr = m.mutator.mallocgc(4096, ptrs);
  m.mutator.mallocgc(40_000, bytes);
  m.heap.writeBack();
  const row = pageMap(m.heap, true).split('\n')[0]!;
  expect(row).toBe(`0x00004000  \x1b[34mS\x1b[0m\x1b[35mLLLLL\x1b[0m\x1b[2m${'.'.repeat(58)}\x1b[0m`);
  expect(slotMap(m.heap, addr, new Set(), true).split('\n')[1]).toBe('0x00004000  \x1b[37mo\x1b[0m\x1b[2m.\x1b[0m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
  expect(pageMap(m.heap, true).replaceAll(/\x1b\[\d+m/g, '')).toBe(pageMap(m.heap));
});
