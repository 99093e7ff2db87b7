// The heap walker must be able to fail: each numbered invariant is broken on purpose, in one place, and is found.
import { describe, expect, test } from 'vitest';
import { checkHeap, heapFindings, strayMarks, unsweptSpans } from '../../../heap/check.ts';
import { heapStartPage, type Page } from '../../../heap/mheap.ts';
import { type MSpan, SpanState } from '../../../heap/mspan.ts';
import { attachSpecial, Special, SpecialKind } from '../../../heap/mspecial.ts';
import { numSpanClasses } from '../../../heap/sizeclasses.ts';
import { publish } from '../../../runtime/internal/atomic.ts';
import { Sys } from '../../../runtime/internal/sysmem.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { drawing, pagesMachine, scan, types } from './support.ts';

/** A heap with something of everything, after a collection, before anything is broken. */
interface Scene {
  readonly m: Machine;
  /** Live nodes of 16 bytes in span `nodes`: slots 0, 2 and 4 of it, sampled. */
  readonly at: number[];
  /** Uncached, partial, swept. */
  readonly nodes: MSpan;
  /** Uncached, full, swept: two objects of 4096 bytes. */
  readonly full: MSpan;
  /** Cached by P 1, 3 objects of 96 bytes. */
  readonly cached: MSpan;
  readonly large: MSpan;
}

function scene(): Scene {
  const m = pagesMachine(70, { memProfileRate: 1 });
  const { bytes, ptrs, node } = types(m);
  const all = Array.from({ length: 6 }, () => m.mutator.mallocgc(16, node));
  m.setMemProfileRate(0);
  const pages = [m.mutator.mallocgc(4096, ptrs), m.mutator.mallocgc(4096, ptrs)];
  const large = m.mutator.mallocgc(40_000, bytes);
  const at = all.filter((_, i) => i % 2 === 0);
  for (const addr of [...at, ...pages, large]) m.pin(addr);
  m.gc.collect();
  const [cached] = Array.from({ length: 3 }, () => m.mutators[1]!.mallocgc(96, ptrs));
  m.heap.writeBack();
  const spanOf = (addr: number) => m.heap.spanOf(addr);
  return { m, at, nodes: spanOf(at[0]!), full: spanOf(pages[0]!), cached: spanOf(cached!), large: spanOf(large) };
}

/** First word of a span in the bit maps. */
const word = ({ m }: Scene, s: MSpan) => m.heap.mspan.startPage[s] * 32;
/** Record number i of the special list of `nodes`, as a word index. */
function special({ m, nodes }: Scene, i: number): number {
  let at = m.heap.mspan.specials[nodes];
  for (; i > 0; i--) at = m.heap.w[(at >>> 2) + Special.next]!;
  return at >>> 2;
}
/** Page of the heap that nobody uses. */
const freePage = ({ m }: Scene) => (heapStartPage + m.heap.pages.grown - 1) as Page;

const numbers = (findings: string[]) => [...new Set(findings.map((f) => f.split(':')[0]))].sort();

test('before anything is broken there is nothing to find', () => {
  const { m } = scene();
  expect(heapFindings(m.heap), drawing(m)).toEqual([]);
  expect(strayMarks(m.heap)).toEqual([]);
  expect(() => checkHeap(m.heap)).not.toThrow();
});

type Story = [number: string, what: string, spoil: (s: Scene) => void, message: RegExp];

// Each with the numbers that must be found and no others: a walker that cries everything tells nothing.
// biome-ignore format: a table of stories
const stories: Story[] = [
  ['S1', 'a statistic has bytes that were never obtained', ({ m }) => void (m.sys['stats'][Sys.gc] += 8), /statistics sum to \d+ bytes, \d+ were obtained/],

  ['H1', 'the page allocator miscounts', ({ m }) => void m.heap.pages.inUse++, /pages counted in use, bits say/],
  ['H1 H4', 'a page of a span names nobody', ({ m, cached }) => void (m.heap.pageSpan[m.heap.mspan.startPage[cached] as Page] = 0), /page \d+ in use: true, span 0/],
  ['H1', 'a free page names a span', (s) => void (s.m.heap.pageSpan[freePage(s)] = s.nodes), /names span \d+, which does not cover it/],
  ['H1', 'a page names a neighbour', ({ m, nodes, full }) => void (m.heap.pageSpan[m.heap.mspan.startPage[full] as Page] = nodes), /names span \d+, which does not cover it/],
  ['H1', 'two spans have the same page', ({ m, full }) => {
    const { mspan } = m.heap;
    const other = m.heap.allocSpan(1, scan(44), SpanState.inUse);
    mspan.startPage[other] = mspan.startPage[full];
    mspan.freeAddr[other] = m.heap.base(full);
    mspan.allocCount[other] = 2;
    m.heap.central.push(other);
  }, /covers page \d+, which names span/],
  ['H2', 'a summary promises a longer run', ({ m }) => {
    m.heap.pages['find'](2); // brings the summaries up to date
    m.heap.pages['max'][0 as never]++;
  }, /chunk 0: summary/],
  ['H3', 'the search begins behind a free page', ({ m }) => void (m.heap.pages['searchPage'] = 60), /page \d+ is free before searchPage 60/],
  ['H5', 'a page in use is released', ({ m }) => {
    m.heap.pages['scavenged'][0 as never] |= 1;
  }, /page 0 is in use and released/],
  ['H5', 'a released page is not counted', ({ m }) => void m.heap.pages.released--, /\d+ pages counted as released, bits say \d+/],
  ['H5', 'a page is ready where the scavenger does not look', ({ m: { heap } }) => {
    const last = --heap.pages.released + heap.pages.inUse; // everything behind the pages in use was released
    heap.pages['scavenged'][(last >>> 5) as never] &= ~(1 << (last & 31));
  }, /page \d+ is ready behind releaseTop \d+/],
  ['H4', 'a free page has an alloc bit', (s) => void (s.m.heap.allocBits[freePage(s) * 32] = 1), /free page \d+ has bits in word/],
  ['H4', 'a free page has a mark bit', (s) => void (s.m.heap.markBits[freePage(s) * 32 + 31] = -0x80000000), /free page \d+ has bits in word/],

  ['H4', 'a free page has a start bit', (s) => void (s.m.heap.startBits[freePage(s) * 32 + 7] = 8), /free page \d+ has bits in word/],

  ['C1', 'a row has the slot size of another class', ({ m, full }) => void (m.heap.mspan.elemSize[full] = 2048), /of class 44 has slots of 2048 x 2/],
  ['C2', 'a span says that it is in another set', ({ m, nodes }) => void m.heap.mspan.set[nodes]++, /is linked in set \d+ but says/],
  ['C2', 'a back link is wrong', ({ m, nodes, full }) => void (m.heap.mspan.prev[nodes] = full), /has prev \d+, wanted 0/],
  ['C2', 'a span is in no set', ({ m, nodes }) => m.heap.central.unlink(nodes), /is in no set and not cached/],
  ['C2', 'a span is in two sets', ({ m, nodes }) => void (m.heap.central['heads'][(numSpanClasses * 4 - 1) as never] = nodes), /is in set \d+ and in set \d+/],
  ['C2', 'a span that was freed is in a set', ({ m }) => {
    const s = m.heap.allocSpan(2, scan(35), SpanState.inUse);
    m.heap.freeSpan(s);
    m.heap.central.push(s);
  }, /is in set \d+ and not in use/],
  ['C2', 'two Ps cache one span', ({ m }) => void (m.mutators[2]!.cache.alloc[scan(8)] = m.mutators[1]!.cache.alloc[scan(8)]!), /is cached by 2 Ps/],
  ['C2 C3', 'a cached span is in a set', ({ m, cached }) => m.heap.central.push(cached), /is cached and in set/],
  ['C3', 'a swept span says that it is being swept', ({ m, nodes }) => void ((m.heap.mspan.sweepGen as never as Int32Array)[nodes]! -= 1), /\(cached: false\) has sweepgen 1, heap 2/],
  ['C3', 'an unswept span is in a swept set', ({ m, full }) => void ((m.heap.mspan.sweepGen as never as Int32Array)[full]! -= 2), /with sweepgen 0 is in set \d+, heap 2/],
  ['C3', 'a cached span was never taken', ({ m, cached }) => void ((m.heap.mspan.sweepGen as never as Int32Array)[cached]! -= 3), /\(cached: true\) has sweepgen 2, heap 2/],
  ['C4', 'a span with room is in the full set', ({ m, nodes }) => {
    const { central, mspan } = m.heap;
    const count = mspan.allocCount[nodes];
    central.unlink(nodes);
    mspan.allocCount[nodes] = mspan.nelems[nodes];
    central.push(nodes);
    mspan.allocCount[nodes] = count;
  }, /has 3 of 512 slots and is in a full set/],

  ['B1', 'an alloc bit stands inside a slot', (s) => void (s.m.heap.allocBits[word(s, s.nodes)]! |= 2), /has alloc bits inside slots/],
  ['B1', 'a span has a start bit too many', (s) => void (s.m.heap.startBits[word(s, s.nodes) + 3]! |= 2), /has other start bits than its class/],
  ['B1 B2', 'a mark bit stands inside a slot', (s) => void (s.m.heap.markBits[word(s, s.nodes)]! |= 2), /has mark bits inside slots/],
  ['B1', 'a large object has a second alloc bit', (s) => void (s.m.heap.allocBits[word(s, s.large) + 5] = 1), /has alloc bits inside slots/],
  ['B2', 'a free slot is marked', (s) => void (s.m.heap.markBits[word(s, s.nodes)]! |= 1 << 2), /has marked free slots/],
  ['B3', 'a slot is allocated that nobody counted', (s) => void (s.m.heap.allocBits[word(s, s.nodes)]! |= 1 << 2), /counts 3 slots in use, its bits say 4/],
  ['B3', 'a count is one too high', ({ m, nodes }) => void m.heap.mspan.allocCount[nodes]++, /counts 4 slots in use, its bits say 3/],

  ['P3', 'two specials are out of order', (s) => {
    const { w } = s.m.heap;
    [w[special(s, 0) + Special.offset], w[special(s, 1) + Special.offset]] = [w[special(s, 1) + Special.offset]!, w[special(s, 0) + Special.offset]!];
  }, /has specials out of order at offset 0/],
  ['P3', 'an object has two profile specials', (s) => void (s.m.heap.w[special(s, 1) + Special.offset] = 0), /has specials out of order at offset 0/],
  ['P3', 'a special stands on a free slot', (s) => void (s.m.heap.w[special(s, 1) + Special.offset] = 16), /has a special .*offset 16/],
  ['P3', 'a special stands inside an object', (s) => void (s.m.heap.w[special(s, 1) + Special.offset] = 40), /has a special .*offset 40/],
  ['P3', 'the last special is not the tail', ({ m, nodes }) => void (m.heap.mspan.specialsTail[nodes] = m.heap.mspan.specials[nodes]), /last special 0x\w+, tail 0x\w+/],

  ['P4', 'a finalizer is counted that is in no list', ({ m, nodes }) => void m.heap.mspan.finalizers[nodes]++, /counts 1 finalizers, its list has 0/],
  ['P5', 'a word has another number than its host value', (s) => {
    const { m } = s;
    attachSpecial(m.heap, m.heap.base(s.nodes) + 4, SpecialKind.host, m.heap.hostValues.add('x'));
  }, /has the number of a host value at offset 4 that is not in the word there/],

  ['L1', 'a lock is held at a safepoint', ({ m }) => m.heap.lock.lock(), /locks held at a safepoint: mheap.lock/],
];

describe('the walker finds', () => {
  test.each(stories)('%s: %s', (want, _what, spoil, message) => {
    const s = scene();
    spoil(s);
    const findings = heapFindings(s.m.heap);
    expect(numbers(findings), `${findings.join('\n')}\n${drawing(s.m)}`).toEqual(want.split(' '));
    expect(
      findings.some((f) => message.test(f)),
      findings.join('\n'),
    ).toBe(true);
    expect(() => checkHeap(s.m.heap)).toThrow(/^checkheap: \d+ broken invariants\n {2}\w\d: /);
  });

  test('G1: a mark bit is set before marking begins', () => {
    const s = scene();
    s.m.heap.markBits[word(s, s.nodes)]! |= 1;
    expect(heapFindings(s.m.heap)).toEqual([]); // while marking that is no fault
    expect(numbers(strayMarks(s.m.heap))).toEqual(['G1']);
    expect(() => s.m.gc.start(true)).toThrow(/gc: at mark start of cycle \d: G1: mark bits in word/);
  });

  test('W3: a span waits to be swept when the sweep is done', () => {
    const s = scene();
    expect(unsweptSpans(s.m.heap)).toEqual([]);
    publish(s.m.heap.mspan.sweepGen, s.cached, s.m.heap.sweepGen + 1); // sg+1: cached since before the mark termination
    expect(numbers(unsweptSpans(s.m.heap))).toEqual(['W3']);
  });

  test('M1: a barrier recorded something while nobody marks', () => {
    const s = scene();
    s.m.mutators[2]!.barrier.record(s.at[0]!, 0);
    expect(() => s.m.gc.start(true)).toThrow(
      /gc: at mark start of cycle \d: M1: the barrier buffer of P 2 is not empty before marking began/,
    );
  });

  test('everything that is wrong, and shows the first 20', () => {
    const s = scene();
    for (let i = 0; i < 30; i++) s.m.heap.markBits[word(s, s.nodes) + 1 + i] = 1;
    expect(heapFindings(s.m.heap)).toHaveLength(30);
    const message = (() => {
      try {
        checkHeap(s.m.heap);
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    expect(message).toMatch(/^Throw: checkheap: 30 broken invariants/);
    expect(message.split('\n')).toHaveLength(21);
  });
});

test('the walker writes the caches back before it looks', () => {
  const m = pagesMachine(7);
  m.mutator.mallocgc(96, types(m).ptrs);
  const s = m.mutator.cache.alloc[scan(8)]!.span;
  expect(m.heap.mspan.allocCount[s]).toBe(0);
  expect(heapFindings(m.heap)).toEqual([]);
  expect(m.heap.mspan.allocCount[s]).toBe(1);
});
