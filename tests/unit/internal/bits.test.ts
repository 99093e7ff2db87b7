// Word tricks against the obvious loops.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alignUp, ctz, popcount } from '../../../runtime/internal/bits.ts';

const edges = [0, 1, 2, -1, -2, 0x80000000, -0x80000000, 0x7fffffff, 0xffffffff, 0x55555555, 0xaaaaaaaa | 0];
const word = fc.oneof(
  fc.constantFrom(...edges),
  fc.integer(),
  fc.maxSafeNat().map((n) => n >>> 0),
);

test('popcount counts the ones, of signed and unsigned words alike', () => {
  const naive = (n: number) => [...(n >>> 0).toString(2)].filter((c) => c === '1').length;
  fc.assert(fc.property(word, (n) => void expect(popcount(n)).toBe(naive(n))));
  for (const n of edges) expect(popcount(n)).toBe(naive(n));
});

test('ctz is the number of the lowest set bit, and 32 for no bit', () => {
  const naive = (n: number) => (n === 0 ? 32 : (n >>> 0).toString(2).length - 1 - (n >>> 0).toString(2).lastIndexOf('1'));
  fc.assert(fc.property(word, (n) => void expect(ctz(n)).toBe(naive(n))));
  for (let i = 0; i < 32; i++) expect(ctz(1 << i)).toBe(i);
  expect(ctz(0)).toBe(32);
});

test('alignUp rounds up to a power of two and leaves multiples alone', () => {
  expect([0, 1, 7, 8, 9, 8191, 8192].map((n) => alignUp(n, 8))).toEqual([0, 8, 8, 8, 16, 8192, 8192]);
  fc.assert(
    fc.property(fc.nat(0x7ffeffff), fc.integer({ min: 0, max: 13 }), (n, shift) => {
      const align = 1 << shift;
      expect(alignUp(n, align)).toBe(Math.ceil(n / align) * align);
    }),
  );
});
