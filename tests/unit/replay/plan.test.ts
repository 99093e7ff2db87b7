// The first pass: in which sweep each object died, and what a log must not say.
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LogError, LogParser } from '../../../replay/logreader.ts';
import { Planner, type PlanOptions, planLog } from '../../../replay/plan.ts';
import { alloc, free, gc, messageOf, scratchFolder } from './support.ts';

const folder = scratchFolder();
afterAll(() => folder.remove());

function plan(log: string, options?: PlanOptions) {
  const planner = new Planner(options);
  const parser = new LogParser(planner, null);
  parser.push(Buffer.from(log));
  return planner.finish(parser.end());
}

describe('the plan', () => {
  test('an object dies in the collection before its free; an address may be used again', () => {
    //            #0                     1     #0 dies               #1                     2    #1 dies                #2
    const log =
      alloc('0x10', '0x10') + gc + free('0x10', '0x10') + alloc('0x10', '0x20') + gc + free('0x10', '0x20') + alloc('0x10', '0x20');
    const { deathCycle, allocs, frees, gcs, peakObjects, peakBytes, stats } = plan(log);
    expect([...deathCycle]).toEqual([1, 2, 0]);
    expect({ allocs, frees, gcs, peakObjects, peakBytes }).toEqual({ allocs: 3, frees: 2, gcs: 2, peakObjects: 1, peakBytes: 32 });
    expect(stats.bytes).toBe(Buffer.byteLength(log));
  });

  test('frees of addresses that were never allocated are counted, before the first collection too', () => {
    const { unknownFrees, frees } = plan(free('0x10', '0x8') + gc + free('0x18', '0x8') + alloc('0x10', '0x8'));
    expect({ unknownFrees, frees }).toEqual({ unknownFrees: 2, frees: 2 });
  });

  test('snapshots, early allocations and odd sizes', () => {
    const log = `${alloc('0x10', '0x10')}# profile start\n${alloc('0x20', '0x11')}# snapshot begin round0\n# snapshot end round0\n# snapshot begin last\n`;
    const { snapshots, earlyAllocs, oddSizes } = plan(log, { isOddSize: (bytes) => bytes % 8 !== 0 });
    expect(snapshots).toEqual([
      { name: 'round0', line: 20 },
      { name: 'last', line: 22 },
    ]);
    expect({ earlyAllocs, oddSizes }).toEqual({ earlyAllocs: 1, oddSizes: 1 });
    expect(plan(log).oddSizes).toBe(0);
  });

  test('a file, plain or gzip, with progress', async () => {
    const log = alloc('0x10', '0x10') + gc + free('0x10', '0x10');
    for (const data of [log, gzipSync(log)]) {
      let last = 0;
      const { deathCycle } = await planLog(folder.write('log', data), { progress: (read, total) => (last = read / total) });
      expect([...deathCycle]).toEqual([1]);
      expect(last).toBe(1);
    }
  });

  test('equals a plain Map on random logs (property)', () => {
    const step = fc.oneof(
      { weight: 12, arbitrary: fc.nat(3000).map((slot) => 0xc000000000 + slot * 16) },
      { weight: 1, arbitrary: fc.constant('gc' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6000, size: 'max' }), (steps) => {
        const planner = new Planner();
        const live = new Map<number, number>();
        const born: number[] = [];
        const death: number[] = [];
        let cycle = 0;
        steps.forEach((what, line) => {
          if (what === 'gc') {
            cycle++;
            planner.gc(line);
            return;
          }
          const index = live.get(what);
          if (index === undefined) {
            live.set(what, death.push(0) - 1);
            born.push(cycle);
            planner.alloc(what, 16, 0, line);
          } else if (cycle > born[index]) {
            // only a sweep after a later mark termination frees it
            live.delete(what);
            death[index] = cycle;
            planner.free(what, 16, line);
          }
        });
        const stats = { lines: 0, bytes: 0, allocs: 0, frees: 0, gcs: 0, marks: 0, skipped: 0 };
        expect([...planner.finish(stats).deathCycle]).toEqual(death);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what a log must not say', () => {
  const twice = alloc('0xc000010000', '0x10') + alloc('0xc000010000', '0x10');
  const cases: [name: string, log: string, line: number, message: string][] = [
    [
      'an address allocated twice',
      twice,
      10,
      'line 10: allocation at 0xc000010000, which is still live since line 1; wanted a tracefree between',
    ],
    [
      'a free of another size',
      alloc('0x10', '0x10') + gc + free('0x10', '0x20'),
      22,
      'line 22: free of 0x10 with size 0x20, wanted 0x10 as line 1 allocated it',
    ],
    [
      'a second free',
      alloc('0x10', '0x10') + gc + free('0x10', '0x10') + free('0x10', '0x10'),
      27,
      'line 27: free of 0x10, which line 22 freed already; wanted a tracealloc between',
    ],
    [
      'a free before any collection',
      alloc('0x10', '0x10') + free('0x10', '0x10'),
      10,
      'line 10: free of 0x10, allocated on line 1, before any tracegc(); wanted a collection first',
    ],
  ];
  test('the lines are right after the table of addresses has grown many times', async () => {
    const planner = new Planner();
    for (let i = 0; i < 100_000; i++) planner.alloc(0xc000000000 + i * 16, 16, 0, i + 1);
    for (let i = 0; i < 100_000; i += 777) {
      const message = await messageOf(() => planner.alloc(0xc000000000 + i * 16, 16, 0, 200_000));
      expect(message).toContain(`still live since line ${i + 1};`);
    }
  });

  test.each(cases)('%s', async (_name, log, line, message) => {
    expect(await messageOf(() => plan(log))).toBe(message);
    const error = await planLog(folder.write('bad', log)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LogError);
    expect(error).toMatchObject({ line, message });
  });
});
