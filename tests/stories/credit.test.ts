// Assist credit that is never used up (M25). In Go the cycle would not end; here the workers' quarter of the time ends it, and what
// is lost is the goal: allocation no longer pays for marking, and the heap of a steady program outgrows it in every cycle.
import { expect, test } from 'vitest';
import { i32, Runtime, self, struct } from '../../runtime/index.ts';

const Node = struct('credit.Node', { value: i32, next: self, other: self });

/** The largest heap at mark termination, as a share of the goal, of a program with much live data that only makes garbage. */
function overshoot(broken: boolean): number {
  const rt = new Runtime({ seed: 1, gogc: 20, heapBytes: 64 << 20 });
  const { gc } = rt.machine;
  const { pacer } = gc;
  if (broken) {
    const pay = pacer.payFromCredit.bind(pacer);
    pacer.payFromCredit = (account) => {
      const left = pay(account);
      pacer.bgScanCredit = 1 << 24; // as if nobody had taken anything, and more
      return left;
    };
  }
  const shares: number[] = [];
  gc.onMarkTermination(() => shares.push(pacer.lastCycle!.heapLive / pacer.lastCycle!.goal));
  rt.run(function* main(go) {
    const f = go.locals({ list: Node, n: Node });
    for (let i = 0; i < 300_000; i++) {
      f.n = go.new(Node);
      f.n.next = f.list;
      f.list = f.n;
    }
    for (let i = 0; i < 1_000_000; i++) f.n = go.new(Node);
  });
  const steady = shares.slice(-3);
  expect(shares.length, 'cycles').toBeGreaterThan(6);
  return Math.max(...steady);
}

test('assists keep a steady heap at its goal', () => {
  expect(overshoot(false)).toBeLessThan(1.03);
});

test('with credit that is never used up it outgrows the goal in every cycle', () => {
  expect(overshoot(true)).toBeGreaterThan(1.08);
});
