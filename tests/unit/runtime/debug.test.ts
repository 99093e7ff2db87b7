// go.setGCPercent and go.setMemoryLimit: package runtime/debug.
import { describe, expect, test } from 'vitest';
import { type GoFunc, type Options, Runtime, self, struct } from '../../../runtime/index.ts';
import { checkedOptions } from '../../support/run.ts';

const Node = struct('debug.Node', { next: self });
const MiB = 1 << 20;

const run = (main: GoFunc<[]>, options: Options = {}) => {
  const rt = new Runtime({ ...checkedOptions, heapBytes: 32 * MiB, memProfileRate: 0, ...options });
  rt.run(main);
  return rt;
};

describe('setGCPercent', () => {
  test('gives the old value; negative values all mean off', () => {
    run(function* main(go) {
      expect(yield* go.setGCPercent(50)).toBe(100);
      expect(yield* go.setGCPercent(-3)).toBe(50);
      expect(yield* go.setGCPercent(100)).toBe(-1);
    });
  });

  test('moves the goal at once and forces no collection', () => {
    run(function* main(go) {
      yield* go.setGCPercent(200);
      expect(go.readMemStats()).toMatchObject({ nextGC: 8 * MiB, numGC: 0 });
    });
  });

  test('switching off waits for the marking that is under way; another value does not', () => {
    run(function* main(go) {
      const { gc } = go.runtime.machine;
      gc.start(false);
      yield* go.setGCPercent(50);
      expect(gc.marking).toBe(true);
      yield* go.setGCPercent(-1);
      expect(gc.marking).toBe(false);
      expect(gc.numGC).toBe(1);
    });
  });

  test.each([1.5, Number.NaN, Infinity, 2e6, '100'])('refuses %s, and nothing has changed', (percent) => {
    const rt = run(function* main(go) {
      expect(() => go.setGCPercent(percent as number)).toThrow(RangeError);
      yield* go.gosched(); // and no operation is in flight
    });
    expect(rt.machine.gc.pacer.gcPercent).toBe(100);
  });
});

describe('setMemoryLimit', () => {
  test('gives the old limit; a negative number only reads', () => {
    run(function* main(go) {
      expect(go.setMemoryLimit(16 * MiB)).toBe(Infinity);
      expect(go.setMemoryLimit(-1)).toBe(16 * MiB);
      expect(go.setMemoryLimit('off')).toBe(16 * MiB);
      expect(go.setMemoryLimit(-1)).toBe(Infinity);
    });
  });

  test('the option is the limit from the start, and keeps the heap below it with GOGC=off', () => {
    const rt = run(
      function* main(go) {
        expect(go.setMemoryLimit(-1)).toBe(8 * MiB);
        for (let i = 0; i < 2_000_000; i++) {
          go.new(Node);
          if (i % 10_000 === 0) yield* go.gosched();
        }
      },
      { gogc: 'off', memoryLimit: 8 * MiB, checked: false, checkHeap: false, checkMark: false, oracle: false },
    );
    const { numGC, heapInuse, totalAlloc } = rt.readMemStats();
    expect(totalAlloc).toBe(16_000_000);
    expect(numGC).toBeGreaterThan(1);
    expect(heapInuse).toBeLessThan(8 * MiB);
  });

  test.each([1.5, Number.NaN, '8MiB'])('refuses %s, and nothing has changed', (bytes) => {
    const rt = run(function* main(go) {
      expect(() => go.setMemoryLimit(bytes as number)).toThrow(RangeError);
    });
    expect(rt.machine.gc.pacer.memoryLimit).toBe(Infinity);
  });

  test('is unknown in 2014', () => {
    expect(() => new Runtime({ era: '2014', memoryLimit: MiB })).toThrow(
      new RangeError('option memoryLimit: Go had none in 2014; leave it out, or era'),
    );
    run(
      function* main(go) {
        expect(() => go.setMemoryLimit(MiB)).toThrow('setMemoryLimit: Go had no memory limit in 2014');
      },
      { era: '2014' },
    );
  });
});
