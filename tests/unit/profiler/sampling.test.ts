// Sampling: which mallocs the profiler sees.
import { describe, expect, test } from 'vitest';
import { fastexprand, nextSample } from '../../../profiler/sampling.ts';
import { Rand } from '../../../runtime/internal/rand.ts';
import { pagesMachine, sound, types } from '../heap/support.ts';

describe('the distance to the next sample', () => {
  test('rate 1 samples every malloc, rate 0 and less none', () => {
    const rand = new Rand(1, 'x');
    expect([1, 0, -5].map((rate) => nextSample(rate, rand))).toEqual([0, Infinity, Infinity]);
    expect(rand.next()).toBe(new Rand(1, 'x').next()); // and no randomness is used up
  });

  test('known answers: every recorded profile depends on them', () => {
    const rand = new Rand(1, 'memprofile 0');
    expect(Array.from({ length: 6 }, () => nextSample(524288, rand))).toEqual([525808, 267281, 482565, 67406, 859151, 415143]);
  });

  test.each([16, 1000, 524288, 1 << 26])(
    'has mean %i within two hundredths over 100,000 draws, and the spread of an exponential',
    (rate) => {
      const rand = new Rand(20140901, 'mean');
      let sum = 0;
      let squares = 0;
      let beyond = 0;
      for (let i = 0; i < 100_000; i++) {
        const d = nextSample(rate, rand);
        sum += d;
        squares += d * d;
        if (d > 3 * rate) beyond++;
      }
      const mean = sum / 100_000;
      expect(Math.abs(mean / (rate + 0.5) - 1)).toBeLessThan(0.02); // truncation and + 1 add half a byte
      expect(Math.sqrt(squares / 100_000 - mean * mean) / rate).toBeCloseTo(1, 1);
      expect(beyond / 100_000).toBeCloseTo(Math.exp(-3), 2);
    },
  );

  test('is -ln(q / 2^26) * mean + 1 of a uniform q, whole, at least 1 and at most 18 means', () => {
    for (const mean of [1, 100, 524288, 0x7000000]) {
      const [a, b] = [new Rand(5, 'q'), new Rand(5, 'q')];
      for (let i = 0; i < 2000; i++) {
        const q = b.below(1 << 26) + 1;
        const d = fastexprand(mean, a);
        expect(Math.abs(d - (-Math.log(q / 2 ** 26) * mean + 1))).toBeLessThanOrEqual(1 + 1e-6);
        expect(Number.isInteger(d) && d >= 1 && d <= 18.03 * mean + 1).toBe(true);
      }
    }
    const ends = (below: number) => fastexprand(1000, { below: () => below } as unknown as Rand);
    expect([ends((1 << 26) - 1), ends(0)]).toEqual([1, Math.trunc(26 * Math.LN2 * 1000) + 1]);
    expect(fastexprand(0, new Rand(1, 'q'))).toBe(0);
  });

  test('a rate above the cap of 0x7000000 is taken for the cap', () => {
    const draw = (rate: number) => nextSample(rate, new Rand(3, 'cap'));
    expect(draw(0x3fffffff)).toBe(draw(0x7000000));
    expect(draw(0x7000000)).not.toBe(draw(0x6ffffff));
  });
});

describe('on a machine', () => {
  /** Allocates n arrays of pointers of a size on a P; returns how many were sampled so far. */
  function sampled(m: ReturnType<typeof pagesMachine>, n: number, bytes = 64, p = 0): number {
    const { ptrs } = types(m);
    for (let i = 0; i < n; i++) m.mutators[p]!.mallocgc(bytes, ptrs);
    return m.heap.specials.inUse;
  }

  test('rate 1 samples all, rate 0 none, and a change takes effect at the next malloc', () => {
    const m = pagesMachine(40, { memProfileRate: 1 });
    expect(sampled(m, 10)).toBe(10);
    m.setMemProfileRate(0);
    expect(sampled(m, 10)).toBe(10);
    m.setMemProfileRate(1);
    expect(sampled(m, 10)).toBe(20);
    sound(m);
  });

  test('counts bytes down: a sample every rate bytes on the average, whatever the size', () => {
    for (const bytes of [16, 64, 480]) {
      const m = pagesMachine(600, { memProfileRate: 2048 });
      const n = 3_000_000 / bytes;
      const share = sampled(m, n, bytes) / n;
      expect(Math.abs(share / (1 - Math.exp(-bytes / 2048)) - 1), `${bytes} bytes: ${share}`).toBeLessThan(0.08);
    }
  });

  test('the malloc that reaches the drawn distance is sampled, not the one that passes it', () => {
    const m = pagesMachine(100, { memProfileRate: 128, seed: 9 });
    const rand = new Rand(9, 'memprofile 0');
    const { ptrs } = types(m);
    const seen: number[] = [];
    const drawn: number[] = [];
    let n = 0;
    m.mutators[0]!.onSample = () => seen.push(n);
    let left = nextSample(128, rand);
    for (; n < 3000; n++) {
      m.mutators[0]!.mallocgc(64, ptrs);
      if (64 < left)
        left -= 64; // as mallocgc of 1.19 has it
      else {
        drawn.push(n);
        left = nextSample(128, rand);
      }
    }
    expect(seen.length).toBeGreaterThan(1000);
    expect(seen).toEqual(drawn);
  });

  test('both roads of allocation count the same bytes', () => {
    const [fast, slow] = [pagesMachine(100, { memProfileRate: 512 }), pagesMachine(100, { memProfileRate: 512 })];
    slow.subscribe(() => {}); // a reader of events closes the fast road
    for (const m of [fast, slow]) {
      const { node } = types(m);
      for (let i = 0; i < 20_000; i++) m.mutator.newObject(node);
    }
    expect(fast.profiler.records(true)).toEqual(slow.profiler.records(true));
    expect(fast.heap.specials.inUse).toBeGreaterThan(500);
  });

  test('the same seed samples the same objects; another seed and another P do not', () => {
    const offsets = (seed: number, p: number) => {
      const m = pagesMachine(100, { memProfileRate: 512, seed });
      sampled(m, 5000, 64, p);
      const { w, mspan } = m.heap;
      const out: number[] = [];
      for (let s = 1; s < m.heap.spanRows; s++)
        for (let at = mspan.specials[s as never]; at !== 0; at = w[at >>> 2]!) out.push(w[(at >>> 2) + 1]!);
      return out.join();
    };
    expect(offsets(1, 0)).toBe(offsets(1, 0));
    expect(new Set([offsets(1, 0), offsets(2, 0), offsets(1, 1), offsets(1, 2)]).size).toBe(4);
  });

  // Go: test/heapsampling.go. Unsampled counts and bytes of each size are within 10 % although small objects are rarely met.
  test('unsampled counts are right for every size in a mix', () => {
    const rate = 16 << 10;
    const m = pagesMachine(2048, { memProfileRate: rate, gogc: 100, checkHeap: false, checkMark: false, backing: 'wasm' });
    const { bytes } = types(m);
    const sizes = [17 << 10, 1 << 10, 18 << 10, 512, 16 << 10, 256];
    const rounds = 10_000;
    for (let i = 0; i < rounds; i++) for (const size of sizes) m.mutator.mallocgc(size, bytes);
    m.gc.collect();
    const records = m.profiler.records(true);
    expect(records.map((r) => r.size).sort((a, b) => a - b)).toEqual([256, 512, 1024, 16384, 18432]);
    for (const { size, allocObjects } of records) {
      const count = allocObjects / (1 - Math.exp(-size / rate)); // scaleHeapSample of runtime/pprof
      const want = size === 18432 ? 2 * rounds : rounds; // 17 KiB and 18 KiB share a class
      expect(Math.abs(count / want - 1), `${size} bytes: ${count} of ${want}`).toBeLessThan(size === 256 ? 0.2 : 0.1);
    }
  });
});

describe('in the era 2014', () => {
  const sizes = [16, 64, 480, 1024, 4096, 16384];

  /** Which of a row of mallocs are sampled: by the machine, and by the rule of 2014 as it was written. */
  function both(rate: number, row: readonly number[], seed = 1) {
    const m = pagesMachine(4000, {
      memProfileRate: rate,
      era: '2014',
      gogc: 'off',
      seed,
      checkHeap: false,
      checkMark: false,
      backing: 'wasm',
    });
    const { ptrs } = types(m);
    const machine = row.map((size) => {
      const before = m.heap.specials.inUse;
      m.mutator.mallocgc(size, ptrs);
      return m.heap.specials.inUse > before;
    });
    const rand = new Rand(seed, 'memprofile 0');
    const draw = () => (rand.next() >>> 0) % (2 * rate);
    let next = draw();
    const rule = row.map((size) => {
      if (size < rate && size < next) {
        next -= size;
        return false;
      }
      if (size < rate) next = Math.max(draw() - (size - next), 0);
      return true;
    });
    return { machine, rule };
  }

  test.each([1, 2, 100, 512, 2048, 20_000])('rate %i: the rule of profilealloc, malloc by malloc', (rate) => {
    const rand = new Rand(rate, 'row');
    for (let seed = 1; seed <= 3; seed++) {
      const { machine, rule } = both(
        rate,
        Array.from({ length: 1500 }, () => sizes[rand.below(sizes.length)]!),
        seed,
      );
      expect(machine).toEqual(rule);
      expect(new Set(rule).size, 'some are sampled, some are not').toBe(rate === 1 || rate === 2 ? 1 : 2);
    }
  });

  // golang/go#12620: large objects are always sampled and leave the countdown as it is, whatever the tools assume.
  test('what is as large as the rate is always sampled, so that unsampling it counts it 1.58 times', () => {
    const rate = 16384;
    const share = (era: '2014' | '1.19') => {
      const m = pagesMachine(8000, { memProfileRate: rate, era, gogc: 'off', checkHeap: false, checkMark: false, backing: 'wasm' });
      for (let i = 0; i < 2000; i++) m.mutator.mallocgc(rate, types(m).ptrs);
      return m.heap.specials.inUse / 2000 / (1 - Math.exp(-1));
    };
    expect(share('2014')).toBeCloseTo(1.582, 3);
    expect(share('1.19')).toBeCloseTo(1, 1);
  });
});

test('1.19: a malloc as large as the distance is the sample (size < nextSample goes on)', () => {
  const m = pagesMachine(40, { memProfileRate: 4096 });
  const distance = nextSample(4096, new Rand(1, 'memprofile 0'));
  const { ptrs } = types(m);
  const first = 8 * Math.ceil(distance / 8);
  let rest = first - 8;
  for (const size of [4096, 1024, 64, 8]) for (; rest >= size; rest -= size) m.mutator.mallocgc(size, ptrs);
  expect(m.heap.specials.inUse).toBe(0);
  m.mutator.mallocgc(8, ptrs); // reaches the distance, or goes beyond it by less than 8
  expect(m.heap.specials.inUse).toBe(1);
});
