// Types: what a definition must be, and the page masks that the marker reads.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classSize, makeSpanClass } from '../../../heap/sizeclasses.ts';
import { maskWords, maxTypes, noscanMask } from '../../../heap/types.ts';
import { pagesMachine } from './support.ts';

const table = () => pagesMachine(7).heap.types;

describe('a definition', () => {
  test('has a size class and knows whether it has pointers', () => {
    const t = table();
    const before = t.count;
    expect(t.define('main.Node', 16, [1])).toMatchObject({ size: 16, noscan: false, spanClass: makeSpanClass(2, false) });
    expect(t.define('[100]byte', 100, [])).toMatchObject({ noscan: true, spanClass: makeSpanClass(9, true) });
    expect(t.define('main.Big', 40_000, [0])).toMatchObject({ spanClass: 0 });
    expect([t.named('main.Node')?.size, t.named('main.Nod'), t.count - before]).toEqual([16, undefined, 3]);
  });

  test('may be repeated, but not changed', () => {
    const t = table();
    const node = t.define('main.Node', 16, [1]);
    expect(t.define('main.Node', 16, [1])).toBe(node);
    expect(() => t.define('main.Node', 16, [2])).toThrow('type main.Node is already defined with another layout');
    expect(() => t.define('main.Node', 24, [1])).toThrow(RangeError);
    expect(t.get(node.id)).toBe(node);
  });

  test('keeps its own copy of the pointer offsets', () => {
    const words = [0, 2];
    const node = table().define('main.Node', 16, words);
    words[1] = 3;
    expect(node.ptrWords).toEqual([0, 2]);
  });

  test.each([
    [0, [], 'size 0, wanted a multiple of 4 from 4 to 2^28 bytes'],
    [-4, [], 'size -4'],
    [6, [], 'size 6'],
    [Number.NaN, [], 'size NaN'],
    [2 ** 29, [], 'size 536870912'],
    [8, [2], 'pointer at word 2, wanted ascending words below 2'],
    [8, [-1], 'pointer at word -1'],
    [16, [2, 1], 'pointer at word 1'],
    [16, [1, 1], 'pointer at word 1'],
    [16, [0.5], 'pointer at word 0.5'],
  ])('of %f bytes with pointers at %j is refused', (size, words, message) => {
    const t = table();
    const before = t.count;
    expect(() => t.define('main.T', size, words)).toThrow(RangeError);
    expect(() => t.define('main.T', size, words)).toThrow(`type main.T: ${message}`);
    expect(t.count).toBe(before);
  });

  test('too many types are refused', () => {
    const t = table();
    for (let i = t.count; i < maxTypes; i++) t.define(`main.T${i}`, 8, []);
    expect(() => t.define('main.OneMore', 8, [])).toThrow(`type main.OneMore: there are already ${maxTypes} types`);
  });
});

describe('the mask of a page', () => {
  test.each([
    ['no pointers', 16, [], 16, noscanMask],
    ['a node', 16, [1], 16, 0b0010],
    ['a slot with two nodes', 16, [1], 32, 0b00100010],
    ['a slot with one node and a rest', 12, [0, 2], 16, 0b0101],
    ['an array of pointers', 4, [0], 24, 0b111111],
    ['the last word that fits', 124, [0, 30], 124, 0x40000001],
    ['too long for a mask', 128, [0, 31], 128, 0],
    ['a slot too long for a mask', 16, [1], 128, 0],
  ])('%s', (_what, size, words, slot, mask) => {
    expect(table().define('main.T', size, words).pageMask(slot)).toBe(mask);
  });

  test('has a bit for exactly the words in which a pointer can stand, and is positive when there is one', () => {
    const slots = classSize.filter((bytes) => bytes > 0 && bytes <= maskWords * 4);
    fc.assert(
      fc.property(fc.constantFrom(...slots), fc.nat(), fc.nat(), (slot, sizeSeed, wordSeed) => {
        const words = slot / 4;
        const size = 1 + (sizeSeed % words);
        const ptrs = Array.from({ length: size }, (_, i) => i).filter((i) => ((wordSeed >>> (i % 31)) & 1) !== 0);
        fc.pre(ptrs.length > 0);
        const mask = table()
          .define('main.T', size * 4, ptrs)
          .pageMask(slot);
        const want = Array.from({ length: words }, (_, i) => i).filter(
          (i) => i < Math.floor(words / size) * size && ptrs.includes(i % size),
        );
        expect(Array.from({ length: words }, (_, i) => i).filter((i) => ((mask >>> i) & 1) !== 0)).toEqual(want);
        expect(mask > 0).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
