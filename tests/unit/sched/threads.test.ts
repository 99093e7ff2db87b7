// Threads and processors: the invariants Q2 to Q5, each shown a scheduler that somebody has broken.
import { describe, expect, test } from 'vitest';
import { schedFindings } from '../../../sched/check.ts';
import { GStatus } from '../../../sched/g.ts';
import type { M } from '../../../sched/m.ts';
import type { P } from '../../../sched/p.ts';
import { StealOrder } from '../../../sched/steal.ts';
import { testMachine } from '../../support/machine.ts';

const p0 = 0 as P;
const p1 = 1 as P;

describe('broken on purpose', () => {
  test('Q2: a P that has an M is not given to another', () => {
    const { ms } = testMachine().sched;
    expect(() => ms.start(p0, false, 0)).toThrow('Q2: acquirep: M2 has P-1, P0 has M0');
  });

  test('Q2: a P that is in no list and runs nothing cannot be given up', () => {
    const { ms } = testMachine().sched;
    expect(() => ms.release(p1)).toThrow('Q2: releasep: P1, status 0');
  });

  test('Q3: an M does not go to sleep with a P, nor while it looks for work', () => {
    const { ms, pt } = testMachine().sched;
    const m0 = pt.m[p0] as M;
    expect(() => ms.stop(m0)).toThrow('Q3: M0 goes to sleep with P0');
    ms.release(p0);
    ms.beginSpinning(m0);
    expect(() => ms.stop(m0)).toThrow('Q3: M0 goes to sleep while it spins');
  });

  test('Q4: the M of a locked goroutine that is not waiting for it cannot be given a P', () => {
    const { sched } = testMachine();
    const g = sched.newG(0);
    sched.gt.lockedM[g] = sched.ms.lastRow; // sysmon
    expect(() => sched.locks.handTo(p0, g)).toThrow('Q4: startlockedm: M1 has status 5');
  });

  test('Q5: a goroutine that does not wait cannot be woken', () => {
    const { sched } = testMachine();
    const g = sched.newG(0);
    sched.start(g, (function* () {})());
    expect(sched.ops[g]!.status).toBe(GStatus.runnable);
    expect(() => sched.ready(sched.ops[g]!, true)).toThrow('Q5: goroutine 1 is runnable, wanted waiting');
  });
});

describe('waking', () => {
  test('one P at a time: while an M looks for work, nobody else is woken', () => {
    const { sched } = testMachine({ procs: 4 });
    const { ms } = sched;
    expect([ms.idlePs, ms.spinning, ms.count]).toEqual([3, 0, 2]);
    sched.wakep();
    sched.wakep();
    expect([ms.idlePs, ms.spinning, ms.count]).toEqual([2, 1, 3]);
  });

  test('the last one to go to sleep is woken first', () => {
    const { ms } = testMachine({ procs: 4 }).sched;
    const woken = [ms.takeIdleP(), ms.takeIdleP(), ms.takeIdleP(), ms.takeIdleP()];
    expect(woken).toEqual([1, 2, 3, -1]);
    ms.putIdleP(p1);
    ms.putIdleP(3 as P);
    expect(ms.takeIdleP()).toBe(3);
  });
});

// Go's TestStealOrder.
test('a thief sees each P once, whichever order it takes', () => {
  for (let procs = 1; procs <= 64; procs++) {
    const order = new StealOrder(procs);
    for (let r = 0; r < order.orders; r++) {
      const seen = new Set<number>();
      for (let k = 0, p = order.first(r); k < procs; k++, p = (p + order.step(r)) % procs) seen.add(p);
      expect(seen.size, `${procs} Ps, order ${r}`).toBe(procs);
    }
  }
});

describe('the check of a whole scheduler', () => {
  const broken: [name: string, harm: (s: ReturnType<typeof testMachine>['sched']) => void, finding: string][] = [
    [
      'a goroutine in two queues',
      (s) => {
        const g = s.newG(0);
        s.start(g, (function* () {})());
        s.runq.put(p0, s.ops[g]!, false);
      },
      'Q1: goroutine 1 is runnable and in 2 run queues',
    ],
    [
      'a goroutine that nobody will run',
      (s) => {
        s.ops[s.newG(0)]!.status = GStatus.runnable;
      },
      'Q1: goroutine 1 is runnable and in 0 run queues',
    ],
    [
      'work on an idle P',
      (s) => {
        const g = s.newG(0);
        s.ops[g]!.status = GStatus.runnable;
        s.runq.put(p1, s.ops[g]!, false);
      },
      'Q2: P1 is idle and has goroutines to run',
    ],
    [
      'an idle P that is in no list',
      (s) => {
        s.ms.takeIdleP();
      },
      'Q2: P1 has status 0 and is 0 times in the idle list',
    ],
    [
      'a spinning M that is not counted',
      (s) => {
        s.mt.spinning[s.pt.m[p0] as M] = 1;
      },
      'Q3: 1 Ms spin, counted 0',
    ],
    [
      'an M locked to a goroutine that does not know',
      (s) => {
        s.mt.lockedG[1 as M] = s.newG(0);
      },
      'Q4: M0 is locked to goroutine 1, which is locked to M-1',
    ],
  ];
  test.each(broken)('finds %s', (_name, harm, finding) => {
    const { sched } = testMachine();
    expect(schedFindings(sched)).toEqual([]);
    harm(sched);
    expect(schedFindings(sched)).toContain(finding);
  });
});
