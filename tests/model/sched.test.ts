// Random programs of goroutines that do whatever makes the scheduler move, on one to five Ps and under several strategies. Between
// any two rounds the invariants Q1 to Q4 hold; no clock goes back; and nobody who is runnable waits for long: that is the
// fairness that Go's queues promise.
//
// A failure prints the program, shrunk. SEED=n runs other programs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { i32, type Options, RandomChooser, Runtime } from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import { schedFindings } from '../../sched/check.ts';
import type { P } from '../../sched/p.ts';
import { type Program, programs, worker } from '../support/scheduling.ts';

const seed = Number(process.env.SEED ?? 20140901);

interface Ran {
  turns: number;
  longestWait: number;
  preempted: number;
  stolenPs: number;
}

/** Runs a program and checks it between all rounds. main sleeps until everybody had the time to end or to block for ever. */
function runChecked(program: Program, options: Options): Ran {
  const rt = new Runtime({ heapBytes: 1 << 20, maxGoroutines: 400, procs: program.procs, ...options });
  const { sched } = rt.machine;
  const { pt, gt } = sched;
  const ran: Ran = { turns: 0, longestWait: 0, preempted: 0, stolenPs: 0 };
  const waits = new Map<number, number>(); // runnable goroutines: turns of others since
  rt.machine.subscribe((kind, g) => {
    if (kind === Ev.goCreate || kind === Ev.goReady || kind === Ev.goYield || kind === Ev.goPreempt) waits.set(g, 0);
    if (kind === Ev.goSysBlock) ran.stolenPs++;
    if (kind === Ev.goPreempt) ran.preempted++;
    if (kind !== Ev.goStart) return;
    waits.delete(g);
    ran.turns++;
    for (const [other, n] of waits) {
      waits.set(other, n + 1);
      ran.longestWait = Math.max(ran.longestWait, n + 1);
    }
  });
  const clocks = new Float64Array(5);
  const inner = sched as unknown as { step(p: P): void };
  const round = inner.step.bind(sched);
  inner.step = (p) => {
    round(p);
    const findings = schedFindings(sched);
    if (findings.length > 0) throw new Error(findings.join('; '));
    for (let q = 0; q < clocks.length; q++) {
      if (pt.clock[q as P] < clocks[q]!) throw new Error(`the clock of P${q} went back from ${clocks[q]} to ${pt.clock[q as P]}`);
      clocks[q] = pt.clock[q as P];
    }
  };
  rt.run(function* main(go) {
    const ch = go.chan(i32, 1);
    for (const steps of program.workers) go.go(worker, steps, ch);
    for (let i = 0; i < 20; i++) yield* go.sleep(100e6);
    const late: number[] = [];
    for (const g of sched.goroutines()) if (sched.ops[g]!.status === 1) late.push(gt.goid[g]);
    expect(late, 'after two seconds nobody is runnable').toEqual([]);
  });
  return ran;
}

const strategies: [name: string, options: () => Options, bound: number][] = [
  ['the fair strategy', () => ({}), 61 * 16],
  ['the rules of 2014', () => ({ era: '2014' as const }), 61 * 16],
  ['any order', () => ({ chooser: new RandomChooser(seed, false) }), 2000],
  ['any order and a choice at every operation', () => ({ chooser: new RandomChooser(seed) }), 2000],
];

test.each(strategies)('nobody is runnable and never run, and every list is right between two rounds: %s', (_name, options, bound) => {
  const total: Ran = { turns: 0, longestWait: 0, preempted: 0, stolenPs: 0 };
  fc.assert(
    fc.property(programs, (program) => {
      const ran = runChecked(program, options());
      expect(ran.longestWait).toBeLessThan(bound);
      for (const key of ['turns', 'preempted', 'stolenPs'] as const) total[key] += ran[key];
      total.longestWait = Math.max(total.longestWait, ran.longestWait);
    }),
    { seed, numRuns: 150 },
  );
  // The runs were worth something.
  expect(total.turns).toBeGreaterThan(1000);
  expect(total.preempted).toBeGreaterThan(0);
  expect(total.stolenPs).toBeGreaterThan(0);
  expect(total.longestWait).toBeGreaterThan(3);
});
