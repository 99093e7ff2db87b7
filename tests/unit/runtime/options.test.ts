// Options: each wrong value is refused before anything is made, by an error that names the option, what it got, and what it
// wanted; and what was not said gets the value that the documentation promises.
import { describe, expect, test } from 'vitest';
import { FairChooser, host, type Options, Runtime, settings } from '../../../runtime/index.ts';

describe('a wrong value is refused', () => {
  const wrong: { [K in keyof Required<Options>]: readonly unknown[] } = {
    seed: [1.5, 'a', NaN, Infinity, 2 ** 53],
    procs: [0, -1, 257, 1.5, '2'],
    era: ['1.4', '2015', '', 2014, 1.19],
    gogc: ['on', '100', 1.5, NaN, 1e9],
    memoryLimit: ['on', '4MiB', -1, 1.5, NaN],
    sweep: ['never', '', 5],
    memProfileRate: [-1, 0.5, 2 ** 31, '1'],
    blockProfileRate: [-1, 0.5, '1', NaN],
    mutexProfileFraction: [-1, 0.5, 2 ** 31, '1'],
    scheme: ['four-stage', '', 5],
    watch: [['naive', 'nothing'], 'naive', [3]],
    heapBytes: [0, -8192, 8191, 2 ** 31, '1M', 8192.5],
    maxGoroutines: [0, -1, 1e9, 2.5],
    checked: ['yes', 1, 0],
    oracle: ['yes', 1],
    checkHeap: ['no', 1],
    checkMark: ['no', 0],
    godebug: ['gctrace=x', 'nosuchknob=1', 5],
    output: ['stderr', 1],
    backing: ['disk', '', 1],
    chooser: [{}, 'fair', 5],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`${name}: ${typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))}`, () => {
        let error: unknown;
        try {
          new Runtime({ [name]: value } as Options);
        } catch (caught) {
          error = caught;
        }
        expect(error instanceof RangeError || error instanceof TypeError, `got ${String(error)}`).toBe(true);
        expect((error as Error).message).toMatch(new RegExp(`^(option )?${name}\\b|^GODEBUG`, 'i'));
      });
    }
  }

  test('an option that does not exist is named', () => {
    expect(() => new Runtime({ gomaxprocs: 4 } as Options)).toThrow(new TypeError('option gomaxprocs: there is no such option'));
  });
});

describe('what is not said', () => {
  test('gets its default', () => {
    const s = settings({});
    expect([s.seed, s.procs, s.gogc, s.memProfileRate, s.schemes, s.heapPages, s.maxGoroutines]).toEqual([
      ...[1, 1, 100, 512 << 10],
      ['three-stage'],
      ...[(256 << 20) / 8192, 65536],
    ]);
    expect(s.era).toBe('1.19');
    expect([s.checked, s.oracle, s.checkHeap, s.checkMark, s.backing, s.chooser]).toEqual([...Array(4).fill(false), undefined, undefined]);
  });

  test('undefined is the same as left out', () => {
    const o = Object.fromEntries(Object.keys(settings({})).map((key) => [key, undefined]));
    delete o.schemes;
    delete o.heapPages;
    expect(settings(o as Options)).toEqual(settings({}));
  });
});

describe('what is said', () => {
  test('off and every negative number switch automatic collection off', () => {
    expect([
      settings({ gogc: 'off' }).gogc,
      settings({ gogc: -1 }).gogc,
      settings({ gogc: -100 }).gogc,
      settings({ gogc: 0 }).gogc,
    ]).toEqual([-1, -1, -1, 0]);
  });

  test('a scheme is not watched twice', () => {
    expect(settings({ scheme: 'cycle', watch: ['naive', 'cycle', 'naive'] }).schemes).toEqual(['cycle', 'naive']);
  });

  test('the bounds are allowed', () => {
    expect(settings({ procs: 256 }).procs).toBe(256);
    expect(settings({ seed: -(2 ** 53 - 1) }).seed).toBe(-(2 ** 53 - 1));
    expect(settings({ heapBytes: 8192 }).heapPages).toBe(1);
    expect(settings({ heapBytes: 1 << 30 }).heapPages).toBe(131072);
    const chooser = new FairChooser(1);
    expect(settings({ chooser }).chooser).toBe(chooser);
  });

  test('the smallest machine runs a program that needs no heap, and says when it is too small for more', () => {
    const rt = new Runtime({ heapBytes: 8192, maxGoroutines: 1 });
    let ran = false;
    rt.run(function* main() {
      ran = true;
    });
    expect(ran).toBe(true);
    expect(() =>
      new Runtime({ heapBytes: 8192, maxGoroutines: 1 }).run(function* main(go) {
        go.chan(host(), 1);
      }),
    ).toThrow('out of memory');
  });
});
