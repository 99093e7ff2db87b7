// Seeded streams: the numbers themselves are pinned, because every recorded run depends on them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rand } from '../../../runtime/internal/rand.ts';

const draw = (seed: number, stream: string, n = 4) => {
  const rand = new Rand(seed, stream);
  return Array.from({ length: n }, () => rand.next());
};

test('known answers: a change of these numbers changes every recorded run', () => {
  expect(draw(1, 'choice')).toEqual([1961053233, -1702171390, 2101983940, 260899128]);
  expect(draw(1, 'memprofile 0')).toEqual([1575456091, -1715335662, 1710908725, -518164983]);
  expect(draw(0, '')).toEqual([1086140578, -1287482879, -737996258, 68985562]);
  expect(draw(-1, 'choice')).toEqual([1900573290, 1837941356, -494663478, -227244847]);
  expect(draw(Number.MAX_SAFE_INTEGER, 'choice')).toEqual([-79288797, -1542601319, 1677647855, 888684232]);
});

test("the generator is the xorshift64+ of Go's 32-bit fastrand", () => {
  const rand = new Rand(42, 'x') as unknown as { s0: number; s1: number; next(): number };
  const mask = 0xffffffffn;
  let [a, b] = [BigInt(rand.s0 >>> 0), BigInt(rand.s1 >>> 0)];
  for (let i = 0; i < 1000; i++) {
    let s1 = a; // s1, s0 := mp.fastrand[0], mp.fastrand[1]
    const s0 = b;
    s1 ^= (s1 << 17n) & mask;
    s1 = s1 ^ s0 ^ (s1 >> 7n) ^ (s0 >> 16n);
    [a, b] = [s0, s1];
    expect(BigInt(rand.next() >>> 0)).toBe((s0 + s1) & mask);
  }
});

test('a stream is told by its seed and its name, and nothing else', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.string(), fc.string(), (seedA, seedB, nameA, nameB) => {
      fc.pre(seedA !== seedB || nameA !== nameB);
      expect(draw(seedA, nameA)).toEqual(draw(seedA, nameA));
      expect(draw(seedA, nameA)).not.toEqual(draw(seedB, nameB));
    }),
  );
});

test('seeds that agree in their low 32 bits are different seeds', () => {
  const seeds = [5, 5 + 2 ** 32, 5 + 2 ** 52, 5 - 2 ** 32, -5, 0, -1, 2 ** 32 - 1];
  expect(new Set(seeds.map((seed) => draw(seed, 's').join())).size).toBe(seeds.length);
});

test('asking one stream more often moves no other', () => {
  const [schedule, sampling] = [new Rand(9, 'choice'), new Rand(9, 'memprofile 0')];
  const alone = new Rand(9, 'choice');
  for (let i = 0; i < 100; i++) {
    for (let k = 0; k < i % 5; k++) sampling.next();
    expect(schedule.next()).toBe(alone.next());
  }
});

test('below and fraction stay in their range, and fill it evenly', () => {
  const rand = new Rand(3, 'even');
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 50_000; i++) counts[rand.below(10)]!++;
  for (const count of counts) expect(Math.abs(count - 5000)).toBeLessThan(350); // five standard deviations
  let sum = 0;
  for (let i = 0; i < 50_000; i++) {
    const f = rand.fraction();
    if (f < 0 || f >= 1) throw new Error(`fraction ${f}`);
    sum += f;
  }
  expect(sum / 50_000).toBeCloseTo(0.5, 2);
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, n) => {
      const k = new Rand(seed, 'b').below(n);
      expect(Number.isInteger(k) && k >= 0 && k < n).toBe(true);
    }),
  );
});
