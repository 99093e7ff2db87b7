// The replayer is a judge: it holds what our sweeper frees against what the log says was freed. Here one of the two is made
// wrong on purpose, in each direction, and the error names the object by its address in the log and its number.
//
//   alloc 0x10   alloc 0x20   tracegc 1   free 0x10   tracegc 2   free 0x20        deathCycle = [1, 2]
import { describe, expect, test } from 'vitest';
import { LogParser, StackTable } from '../../replay/logreader.ts';
import { Planner, type ReplayPlan } from '../../replay/plan.ts';
import { Replayer } from '../../replay/replayer.ts';
import { Machine } from '../../runtime/machine.ts';
import { settings } from '../../runtime/options.ts';
import { alloc, free, gc } from '../unit/replay/support.ts';

const log = `# profile start\n${alloc('0x10', '0x10')}${alloc('0x20', '0x20')}${gc}${free('0x10', '0x10')}${gc}${free('0x20', '0x20')}`;

function planOf(text: string): ReplayPlan {
  const planner = new Planner();
  const parser = new LogParser(planner, null);
  parser.push(Buffer.from(text));
  return planner.finish(parser.end());
}

function replayed(change: (replayer: Replayer, plan: ReplayPlan, m: Machine) => void): Machine {
  const m = new Machine(settings({ gogc: 'off', memProfileRate: 0, oracle: true, heapBytes: 1 << 20, maxGoroutines: 16 }));
  const plan = planOf(log);
  const stacks = new StackTable();
  const replayer = new Replayer(m, plan, stacks);
  change(replayer, plan, m);
  const parser = new LogParser(replayer, stacks);
  parser.push(Buffer.from(log));
  replayer.finish(parser.end().lines);
  return m;
}

/** Calls `act` once, when the log's n-th allocation has been replayed. */
function afterAlloc(replayer: Replayer, n: number, act: () => void): void {
  const { alloc } = replayer;
  let seen = 0;
  replayer.alloc = (...args) => {
    alloc.apply(replayer, args);
    if (++seen === n) act();
  };
}

describe('the two agree', () => {
  test('the objects go in the sweeps in which they went in reality', () => {
    const m = replayed((_r, plan) => expect([...plan.deathCycle]).toEqual([1, 2]));
    expect(m.heap.stats.totals()).toMatchObject({ mallocs: 2, frees: 2 });
    expect(m.gc.numGC).toBe(2);
  });
});

describe('our collector frees an object that the log has longer', () => {
  test('a plan that takes the root of 0x20 away a cycle early', () => {
    const act = () => replayed((_replayer, plan) => (plan.deathCycle[1] = 1));
    expect(act).toThrow(
      /^line \d+: our collector freed the object at 0x20 \(allocation 2 of the log\) in cycle 1; the log did not free it after tracegc 1$/,
    );
  });

  test('a marking that lost its marks: the object at 0x20 dies a cycle early', () => {
    const act = () =>
      replayed((replayer, _plan, m) => afterAlloc(replayer, 2, () => m.gc.onMarkTermination(() => m.heap.markBits.fill(0))));
    expect(act).toThrow('our collector freed the object at 0x20 (allocation 2 of the log) in cycle 1');
  });
});

describe('our marking keeps an object that the log frees', () => {
  test.each([2, 0])('a plan that holds the root of 0x10 longer (%i)', (cycle) => {
    const act = () => replayed((_replayer, plan) => (plan.deathCycle[0] = cycle));
    expect(act).toThrow(/^line \d+: the log freed the object at 0x10 \(allocation 1 of the log\) after tracegc 1; our marking kept it$/);
  });

  test('mark bits of the last cycle stay set: the object at 0x20 is taken for live', () => {
    const act = () =>
      replayed((_replayer, _plan, m) => {
        m.faults.keepMarkBits = true;
      });
    expect(act).toThrow(/^line \d+: the log freed the object at 0x20 \(allocation 2 of the log\) after tracegc 2; our marking kept it$/);
  });
});
