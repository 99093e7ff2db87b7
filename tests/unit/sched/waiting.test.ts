// Each finding of K1 to K5 (docs/invariants.md), shown on a machine that was damaged on purpose.
import { expect, test } from 'vitest';
import { type Go, i32 } from '../../../runtime/index.ts';
import { HChan, type HChannel } from '../../../sched/chan.ts';
import { waitFindings } from '../../../sched/check.ts';
import { Sudog } from '../../../sched/sudog.ts';
import { death, run } from '../../support/run.ts';

/** A program with a goroutine that waits on a channel; damage gets the word index of the hchan and of the sudog. */
function findingsAfter(way: 'send' | 'recv', capacity: number, damage: (go: Go, hchan: number, sudog: number) => void): string[] {
  let findings: string[] = [];
  run(function* main(go) {
    const { sched } = go.runtime.machine;
    const ch = go.chan(i32, capacity);
    for (let i = 0; way === 'send' && i < capacity; i++) yield* ch.send(i);
    go.go(function* waits() {
      if (way === 'send') yield* ch.send(9);
      else yield* ch.recv();
    });
    yield* go.gosched();
    expect(waitFindings(sched)).toEqual([]);
    const hchan = (ch.c as HChannel).addr >>> 2;
    const queue = hchan + (way === 'send' ? HChan.sendq : HChan.recvq);
    const before = sched.heap.w.slice(hchan, hchan + HChan.words);
    const sudog = sched.heap.w[queue]! >>> 2;
    const record = sched.heap.w.slice(sudog, sudog + Sudog.words);
    damage(go, hchan, sudog);
    findings = waitFindings(sched);
    sched.heap.w.set(before, hchan);
    sched.heap.w.set(record, sudog);
  });
  return findings;
}

test('K1: waiters in both queues', () => {
  const findings = findingsAfter('recv', 0, (go, hchan, sudog) => {
    const { w } = go.runtime.machine.heap;
    const other = go.runtime.machine.sched.sudogs.acquire(1 as never, hchan << 2);
    go.runtime.machine.sched.gt.waiting[1 as never] = 0;
    w[hchan + HChan.sendq] = other;
    void sudog;
  });
  expect(findings).toContain('K1: both queues of a channel have waiters');
});

test('K2: a waiter that need not wait, and a buffer that holds more than it can', () => {
  const set = (values: number) => (go: Go, hchan: number) => {
    go.runtime.machine.heap.w[hchan + HChan.qcount] = values;
  };
  expect(findingsAfter('recv', 2, set(1))).toEqual(['K2: a receiver waits although 1 values are in the buffer']);
  expect(findingsAfter('send', 2, set(1))).toEqual(['K2: a sender waits although 1 places are free']);
  expect(findingsAfter('send', 2, set(3))).toContain('K2: 3 values in a buffer of 2');
});

test('K3: a waiter in no queue, and one whose goroutine does not wait', () => {
  expect(
    findingsAfter('recv', 0, (go, hchan) => {
      go.runtime.machine.heap.w[hchan + HChan.recvq] = 0;
    }),
  ).toEqual(['K3: a sudog of goroutine 5 is in no queue']);
  expect(
    findingsAfter('recv', 0, (go, _hchan, sudog) => {
      go.runtime.machine.heap.w[sudog + Sudog.g] = 1;
    }),
  ).toEqual(['K3: a sudog in the list of goroutine 5 belongs to row 1']);
});

test('K4: a record that was freed under its waiters', () => {
  const error = death(
    function* main(go) {
      go.runtime.machine.faults.skipStackScan = true;
      const ch = go.chan(i32);
      go.go(function* waits() {
        yield* ch.recv();
      });
      yield* go.gosched();
      yield* go.gc();
      yield* go.gc();
    },
    { checkMark: false, checkHeap: false, checked: false },
  );
  expect(error.message).toMatch(/^fatal error: K4: record 0x[0-9a-f]+ was freed while a goroutine waits on it\n/);
  expect([error.kind, error.exitCode]).toEqual(['throw', 70]);
});

test('K5: a timer that does not know its place, and one that is earlier than its parent', () => {
  run(function* main(go) {
    const { sched, heap } = go.runtime.machine;
    const timers = [3, 1, 2].map((k) => go.newTimer(k * 1e6));
    expect(waitFindings(sched)).toEqual([]);
    const block = (sched.timers as unknown as { heaps: { at: number }[] }).heaps[0]!.at;
    const [a, b] = [heap.w[block]!, heap.w[block + 1]!];
    heap.w.set([b, a], block);
    expect(waitFindings(sched).sort()).toEqual([
      'K5: timer 0 of P0 names slot 1',
      'K5: timer 1 of P0 names slot 0',
      'K5: timer 2 of P0 is earlier than its parent',
    ]);
    heap.w.set([a, b], block);
    for (const t of timers) t.stop();
    yield* go.gosched();
  });
});
