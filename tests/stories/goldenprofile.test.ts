// What real Go 1.19.8 printed, step by step, of one allocation site with every malloc sampled: 64 KiB objects that are kept, natural
// collections forced by garbage with time for the background sweep, and runtime.GC(). Three runs of Go gave the same table; a fourth
// kind, which made its slice of records inside, did not: whoever looks must not allocate (so our records are no objects of the heap).
//
// The profile of a natural collection is as of the one before it: a malloc and a free show two collections later; runtime.GC()
// publishes at once. The scheme `cycle` must print Go's table. `three-stage` (Go 1.4) prints the same; `seed` needs a second
// collection for runtime.GC() as well.
import { describe, expect, test } from 'vitest';
import { func, type Go, inUseObjects, type Machine, type SchemeName } from '../../runtime/index.ts';
import { goRun } from '../go/support.ts';

const bytesOf = (m: Machine) => m.heap.types.define('byte', 4, []);
const site = func('main.site', {}, (_, m: Machine, keep: number) => {
  m.mutator.storePointer(keep, m.mutator.mallocgc(64 << 10, bytesOf(m)));
});
const garbage = func('main.garbage', {}, (_, m: Machine) => {
  m.mutator.mallocgc(256 << 10, bytesOf(m));
});

/** The table under one scheme: `step: NumGC, truth, allocs/frees/inuse`. */
function table(scheme: SchemeName): string[] {
  const out: string[] = [];
  goRun(
    function* main(go) {
      const { machine } = go.runtime;
      const keep = machine.globals(1000) >>> 2;
      let kept = 0;
      const more = (n: number) => {
        for (let i = 0; i < n; i++) site(go, machine, keep + kept++);
      };
      const drop = () => {
        for (; kept > 0; kept--) machine.mutator.storePointer(keep + kept - 1, 0);
      };
      const natural = function* (go: Go) {
        for (const n = machine.gc.numGC; machine.gc.numGC === n; ) {
          garbage(go, machine);
          yield* go.gosched();
        }
        yield* go.sleep(20e6); // the background sweep ends
      };
      const show = (step: string) => {
        const r = go.memProfile(true).find(({ stack }) => machine.symtab.frame(stack[0]!).func === 'main.site')!;
        out.push(`${step}: ${machine.gc.numGC}, ${kept}, ${r.allocObjects}/${r.freeObjects}/${inUseObjects(r)}`);
      };
      yield* go.setGCPercent(-1);
      more(10);
      show('GC off, 10 objects kept');
      yield* go.setGCPercent(100);
      for (let i = 0; i < 2; i++) {
        yield* natural(go);
        show('natural');
      }
      more(10);
      show('+10 kept');
      for (let i = 0; i < 2; i++) {
        yield* natural(go);
        show('natural');
      }
      yield* natural(go);
      drop();
      show('drop all');
      for (let i = 0; i < 3; i++) {
        if (i > 0) show('natural');
        yield* natural(go);
      }
      more(5);
      show('+5 kept');
      yield* go.gc();
      show('runtime.GC');
      drop();
      yield* go.gc();
      show('drop, runtime.GC');
    },
    { scheme, memProfileRate: 1, heapBytes: 64 << 20, oracle: true },
  );
  return out;
}

const go119 = [
  'GC off, 10 objects kept: 0, 10, 10/0/10', // no collection yet: everything is reported
  'natural: 1, 10, 10/0/10',
  'natural: 2, 10, 10/0/10',
  '+10 kept: 2, 20, 10/0/10',
  'natural: 3, 20, 10/0/10', // still old
  'natural: 4, 20, 20/0/20', // published after two
  'drop all: 5, 0, 20/0/20',
  'natural: 6, 0, 20/0/20', // found dead, swept, not published
  'natural: 7, 0, 20/20/0',
  '+5 kept: 8, 5, 20/20/0',
  'runtime.GC: 9, 5, 25/20/5',
  'drop, runtime.GC: 10, 0, 25/25/0',
];

describe('ten, twenty, none, five objects', () => {
  test.each(['cycle', 'three-stage'] as const)('%s prints what Go 1.19.8 printed', (scheme) => {
    expect(table(scheme)).toEqual(go119);
  });

  test('seed: one runtime.GC() does not publish what was allocated before it, and a second one would', () => {
    const want = [...go119];
    want[10] = 'runtime.GC: 9, 5, 20/20/0';
    expect(table('seed')).toEqual(want);
  });

  test('naive: mallocs at once, frees with the sweep', () => {
    const naive = table('naive');
    expect([naive[3], naive[6], naive[7]]).toEqual(['+10 kept: 2, 20, 20/0/20', 'drop all: 5, 0, 20/0/20', 'natural: 6, 0, 20/20/0']);
  });
});

// golang/go#13463: "where is my memory?" 500 slices of 1 MiB, all kept, and the profile knew of 225. Go 1.19.8: 129 MiB after the
// loop, at NumGC 7; 500 MiB after one runtime.GC().
test.each(['cycle', 'three-stage'] as const)('500 slices of 1 MiB: %s', (scheme) => {
  goRun(
    function* main(go) {
      const { machine } = go.runtime;
      const keep = machine.globals(500) >>> 2;
      const slices = func('main.slices', {}, (_, m: Machine, i: number) => {
        m.mutator.storePointer(keep + i, m.mutator.mallocgc(1 << 20, bytesOf(m)));
      });
      const published = () => go.memProfile().reduce((sum, r) => sum + inUseObjects(r), 0);
      for (let i = 0; i < 500; i++) {
        slices(go, machine, i);
        yield* go.gosched();
      }
      expect(machine.gc.numGC).toBe(7);
      expect(published(), 'as of the sixth, wherever the pacer has put it').toBeGreaterThan(100);
      expect(published()).toBeLessThan(225);
      yield* go.gc();
      expect(published()).toBe(500);
    },
    { scheme, memProfileRate: 1, heapBytes: 600 << 20 },
  );
});
