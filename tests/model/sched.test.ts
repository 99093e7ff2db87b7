// Random programs of goroutines that do whatever makes the scheduler move, on one to five Ps and under several strategies. Between
// any two rounds the invariants Q1 to Q4 hold; no clock goes back; and nobody who is runnable waits for long: that is the
// fairness that Go's queues promise.
//
// A failure prints the program, shrunk. SEED=n runs other programs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chan, type Go, i32, type Options, RandomChooser, Runtime } from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import { schedFindings } from '../../sched/check.ts';
import type { P } from '../../sched/p.ts';

const seed = Number(process.env.SEED ?? 20140901);

type Step =
  | { readonly do: 'gosched' | 'send' | 'recv' | 'spawn' }
  | { readonly do: 'lock' | 'unlock' }
  | { readonly do: 'gc' }
  | { readonly do: 'sleep' | 'syscall' | 'spin'; readonly micros: number }
  | { readonly do: 'procs'; readonly n: number };

const micros = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(200, 15_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('gosched' as const, 'send' as const, 'recv' as const, 'spawn' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lock' as const, 'unlock' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('sleep' as const, 'syscall' as const, 'spin' as const), micros }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('procs' as const), n: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gc' as const) }) },
);
const programs = fc.record({
  procs: fc.integer({ min: 1, max: 5 }),
  workers: fc.array(fc.array(step, { maxLength: 20 }), { minLength: 1, maxLength: 8 }),
});
type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

function* worker(go: Go, steps: readonly Step[], ch: Chan<number>): Generator<void, void, void> {
  for (const s of steps) {
    if (s.do === 'gosched') yield* go.gosched();
    else if (s.do === 'send') yield* ch.send(1);
    else if (s.do === 'recv') yield* ch.recv();
    else if (s.do === 'lock') go.lockOSThread();
    else if (s.do === 'unlock') go.unlockOSThread();
    else if (s.do === 'gc') yield* go.gc();
    else if (s.do === 'spawn')
      go.go(
        worker,
        steps.slice(0, 2).filter((t) => t.do !== 'spawn'),
        ch,
      );
    else if (s.do === 'sleep') yield* go.sleep(s.micros * 1e3);
    else if (s.do === 'syscall') yield* go.syscall(s.micros * 1e3);
    else if (s.do === 'procs') go.gomaxprocs(s.n);
    else if (s.do === 'spin') for (const end = go.now() + s.micros * 1e3; go.now() < end; ) yield* go.sleep(0); // computes, with yield points
  }
}

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
    for (const g of sched.goroutines()) if (gt.status[g] === 1) late.push(gt.goid[g]);
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
