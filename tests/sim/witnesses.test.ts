// Witnesses: for ten cases a schedule by hand that must fail, with the state in which it ends. They tie each program to the
// bug that it was made for, and the engine to what a step is: `add×2` resumes the goroutine add twice; the first time it begins
// and stands before its first operation, each further time it performs an operation and goes on to the next. An operation that
// had to wait takes one more. ⏱ fires the next timer. Names are those of the goroutines' functions; worker#2 is the second.
import { expect, test } from 'vitest';
import { Directed, opNames, runSchedule } from '../../sim/index.ts';
import { caseNamed } from './cases/index.ts';

interface Witness {
  readonly name: string;
  readonly schedule: string;
  /** Who is blocked at the end, and in what. */
  readonly blocked?: Readonly<Record<string, string>>;
  /** What the assertion says. */
  readonly says?: string;
}

const witnesses: readonly Witness[] = [
  {
    name: 'kubernetes58107',
    schedule: 'main×2 signaller×13 worker×3 writer×2 worker#2×2',
    blocked: { main: 'wait', worker: 'cond wait', 'worker#2': 'rLock', writer: 'lock' },
  },
  { name: 'cockroach1055', schedule: 'main×2 worker×2 stopper×4 worker', blocked: { main: 'wait', worker: 'lock', stopper: 'wait' } },
  {
    name: 'etcd7443',
    schedule: 'main×2 watcher×7 reset×4 reset#2×4 watcher×5 closer1×2 closer2×3 reset#3×3',
    blocked: { main: 'wait', watcher: 'send', closer1: 'lock', closer2: 'lock', 'watcher/reset#3': 'lock' },
  },
  { name: 'grpc3017', schedule: 'main×3 ⏱ main timer×2 main', blocked: { main: 'lock' } },
  {
    name: 'kubernetes11298',
    schedule: 'main×2 closer×2 service×4 ⏱ closer notifier×3 service×2 waiter×2',
    blocked: { main: 'wait', service: 'recv', 'service/waiter': 'cond wait' },
  },
  {
    name: 'serving2137',
    schedule: 'main×3 req main×3 req#2×4 main×2 req×2',
    blocked: { main: 'recv', req: 'send', 'req#2': 'lock' },
  },
  { name: 'twostage_2', schedule: 'main setter×2 checker×3', says: 'the second stage is still to come' },
  { name: 'bluetooth', schedule: 'main add×2 stopper×6 add×2', says: 'used after stop' },
  { name: 'treiber_aba', schedule: 'main popper×3 recycler×10 popper×4', says: 'node 1 popped twice' },
  {
    name: 'lease_without_fencing',
    schedule: 'main client×3 client#2×3 ⏱ ⏱ client#2×3 ⏱ client#2×2 client×2',
    says: 'a write with an old token',
  },
];

test.each(witnesses)('$name fails under its witness: $schedule', ({ name, schedule, blocked, says }) => {
  const directed = new Directed(schedule);
  const outcome = runSchedule(caseNamed(name).buggy, directed);
  if (says !== undefined) {
    expect([outcome.verdict, outcome.message.split('\n')[0]]).toEqual(['assertion', says]);
    return;
  }
  expect(outcome.verdict).toBe('deadlock');
  const waiting = outcome.blocked.map(({ g, op }) => [g.replace(/^main\//, ''), opNames[op]]);
  expect(Object.fromEntries(waiting)).toEqual(blocked);
});

test('what comes after a witness is not needed: the assertions fail in its last step', () => {
  for (const { name, schedule, says } of witnesses) {
    if (says === undefined) continue;
    const steps = [...schedule.matchAll(/\S+?(?:×(\d+))?(?=\s|$)/g)].reduce((n, [, times]) => n + Number(times ?? 1), 0);
    expect(runSchedule(caseNamed(name).buggy, new Directed(schedule)).steps, name).toBe(steps);
  }
});

test('a witness that does not fit its program says at which step, and who could go on', () => {
  const schedule = 'main×2 worker×2 stopper×9';
  expect(() => runSchedule(caseNamed('cockroach1055').buggy, new Directed(schedule))).toThrow(
    "directed schedule: 'stopper' cannot go on at step 8; those who can: main/worker",
  );
});
