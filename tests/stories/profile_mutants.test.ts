// The profiler's mutants, each with the shortest row of events that exposes it: no beginning of the row is noticed, and with
// nothing broken the whole row is silent. The letters are those of tests/support/mutants/directed.ts.
import { describe, expect, test } from 'vitest';
import { type Go, i32, Runtime } from '../../runtime/index.ts';
import { mutants } from '../support/mutants/catalogue.ts';
import { play } from '../support/mutants/directed.ts';
import type { Mutant } from '../support/mutants/mutant.ts';
import { published } from '../support/profile.ts';
import { checkedOptions } from '../support/run.ts';
import { WaitIntegral } from '../support/waits.ts';

const mutantOf = (id: string): Mutant => mutants.find((m) => m.id === id)!;

describe('on one P, by hand', () => {
  test.each([
    ['W01', 'am', /^P7: three-stage: 1 frees more than mallocs/], // the free of what died before MT 1 comes before its malloc
    ['W02', 'af', /^P6: three-stage: 1 in use, wanted 0 as of mark termination 1/],
    ['W04', 'am', /^P6: three-stage: 1 in use, wanted 0 as of mark termination 0/], // nothing is known of MT 1 yet
    ['W06', 'af', /W3: span 1 has sweepgen 3, heap 2, and the sweep is done/],
    ['W08', 'Amm', /broken invariants/], // the full span waits to be swept when it is marked again
    ['W10', 'af', /^P6: three-stage: 1 in use, wanted 0 as of mark termination 1/],
    ['W11', 'af', /^P7: three-stage: 1 frees more than mallocs/],
    ['W12', 'am', /^P3: sampled object 0x[0-9a-f]+ of bucket \d+ has a special of bucket 0/],
    ['W13', 'af', /^P6: three-stage: 1 in use, wanted 0 as of mark termination 1/], // the record is still in the list of the empty span
    ['W14', 'kmm', /^P6: cycle: none in use, wanted 1 as of mark termination 1/],
    ['W15', 'am', /^lock: profMemFutureLock\[2\] \(rank 34\) taken while holding profMemFutureLock\[1\]/],
  ])('%s: %s', (id, script, words) => {
    const mutant = mutantOf(id);
    for (let n = 0; n < script.length; n++) expect(play(script.slice(0, n), mutant), script.slice(0, n)).toBe(null);
    expect(play(script, mutant)).toMatch(words);
    expect(play(script, null), 'with nothing broken').toBe(null);
  });

  test('E5 is silent: what each sweep publishes when it ends is never too early', () => {
    for (const script of ['amm', 'kmswm', 'Amswdmf', 'kkafadmmf', 'AkBmwmwff']) expect(play(script, mutantOf('E5')), script).toBe(null);
  });

  test('long rows of everything are silent with nothing broken', () => {
    for (const script of ['kakmasakmwdamf', 'AkmsBmskmwdBf', 'fkfkdfaf', 'mmmkmmdmm']) expect(play(script, null), script).toBe(null);
  });
});

test('W09: runtime.GC() returns when the next marking has ended already: its cycle is published by that, not by itself', () => {
  const wrong = (mutant: Mutant | null): boolean => {
    const rt = new Runtime({ ...checkedOptions, gogc: 'off', checked: false, sweep: 'lazy' });
    mutant?.breaks(rt);
    const { machine } = rt;
    const { gc } = machine;
    let inUse = -1;
    rt.run(function* main(go) {
      const type = machine.heap.types.define('main.Page', 8192, [0]);
      for (let i = 0; i < 40; i++) machine.mutator.mallocgc(8192, type); // more spans than GC() sweeps at one go
      go.go(function* hasty(go: Go) {
        while (gc.numGC === 0) yield* go.gosched();
        for (let i = 0; i < 3; i++) machine.mutator.mallocgc(8192, type); // of the next cycle; the last one is swept at once, cached as it is
        gc.start(false);
        while (gc.marking) gc.step(1 << 20);
      });
      yield* go.gc(); // lets the other one run while it sweeps
      inUse = [...published(machine, 'three-stage').values()].reduce((sum, { objects }) => sum + objects, 0);
    });
    expect(gc.numGC).toBe(2);
    return inUse !== 0; // as of MT 1: all dead
  };
  expect([wrong(null), wrong(mutantOf('W09'))]).toEqual([false, true]);
});

test.each([
  ['W16a', 'two goroutines wait, one after the other'],
  ['W16b', 'one goroutine waits twice'],
])('%s: %s', (id) => {
  const finding = (mutant: Mutant | null): string | null => {
    const rt = new Runtime({ ...checkedOptions, blockProfileRate: 1 });
    const waits = new WaitIntegral(rt.machine);
    mutant?.breaks(rt);
    rt.run(function* main(go) {
      const ch = go.chan(i32);
      const times = id === 'W16a' ? 1 : 2;
      for (let k = 0; k < 3 - times; k++) {
        go.go(function* waiter() {
          for (let i = 0; i < times; i++) yield* ch.recv();
        });
        yield* go.sleep(1000);
      }
      for (let i = 0; i < 2; i++) {
        yield* ch.send(i);
        yield* go.sleep(1000);
      }
    });
    if (mutant === null) expect(waits.waits).toBe(2);
    return waits.finding();
  };
  expect(finding(null)).toBe(null);
  expect(finding(mutantOf(id))).toMatch(/^P8: the block profile has 2 waits of /);
});
