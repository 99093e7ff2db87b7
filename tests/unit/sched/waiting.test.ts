// Each finding of K1 to K6 (docs/invariants.md), shown on a machine that was damaged on purpose.
import { expect, test } from 'vitest';
import { type Go, i32 } from '../../../runtime/index.ts';
import { HChan, type HChannel } from '../../../sched/chan.ts';
import { waitFindings, writtenFindings } from '../../../sched/check.ts';
import { GStatus } from '../../../sched/g.ts';
import type { Op } from '../../../sched/op.ts';
import { SudogRecord } from '../../../sched/sudog.ts';
import { death, run } from '../../support/run.ts';

/** A program with a goroutine that waits on a channel; damage gets the channel and the goroutine. undo: repairs it. */
function findingsAfter(way: 'send' | 'recv', capacity: number, damage: (ch: HChannel, waiter: Op, go: Go) => () => void): string[] {
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
    const c = ch.c as HChannel;
    const undo = damage(c, (way === 'send' ? c.sendq : c.recvq).first!.op, go);
    findings = waitFindings(sched);
    undo();
  });
  return findings;
}

test('K1: waiters in both queues', () => {
  const findings = findingsAfter('recv', 0, (ch, _, go) => {
    ch.sendq.enqueue(go.runtime.machine.sched.cur);
    return () => ch.sendq.shift(ch.sendq.first!);
  });
  expect(findings).toContain('K1: both queues of a channel have waiters');
});

test('K2: a waiter that need not wait, and a buffer that holds more than it can', () => {
  const set = (values: number) => (ch: HChannel) => {
    const before = ch['count'];
    ch['count'] = values;
    return () => {
      ch['count'] = before;
    };
  };
  expect(findingsAfter('recv', 2, set(1))).toEqual(['K2: a receiver waits although 1 values are in the buffer']);
  expect(findingsAfter('send', 2, set(1))).toEqual(['K2: a sender waits although 1 places are free']);
  expect(findingsAfter('send', 2, set(3))).toContain('K2: 3 values in a buffer of 2');
});

test('K3: a waiter in no queue, and one whose goroutine does not wait', () => {
  expect(
    findingsAfter('recv', 0, ({ recvq }, waiter) => {
      recvq.first = null;
      return () => {
        recvq.first = waiter;
      };
    }),
  ).toEqual(['K3: a sudog of goroutine 5 is in no queue']);
  expect(
    findingsAfter('recv', 0, (_ch, waiter) => {
      waiter.status = GStatus.runnable;
      return () => {
        waiter.status = GStatus.waiting;
      };
    }),
  ).toContain('K3: goroutine 5 has sudogs and does not wait');
});

test('K6: what somebody reads in the arena after writing back is what the fields say', () => {
  const findings = (damage: (w: Int32Array, ch: HChannel, waiter: Op) => void) => {
    let found: string[] = [];
    findingsAfter('send', 2, (ch, waiter, go) => {
      const { heap, sched } = go.runtime.machine;
      heap.writeBack();
      expect(writtenFindings(sched)).toEqual([]);
      damage(heap.w, ch, waiter);
      found = writtenFindings(sched);
      return () => heap.writeBack();
    });
    return found;
  };
  expect(
    findings((w, ch) => {
      w[ch.i + HChan.qcount] = 1;
    }),
  ).toEqual(['K6: word 0 of a record is 1, its field says 2']);
  expect(
    findings((w, _, { record }) => {
      w[(record >>> 2) + SudogRecord.number] = 1;
    }),
  ).toEqual(['K6: goroutine 5 has fields that its row or its sudogs do not say']);
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
