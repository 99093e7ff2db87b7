// Random programs over channels, selects, mutexes, semaphores and timers against naive models: what was sent arrives once and in
// order, what excludes excludes, each select serves one case, timers fire in order and not before their time. Under random
// schedules (a goroutine may be preempted at every operation), with collections in between and all checks of the heap on.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Chan, type Go, type GoFunc, host, i32, type Options, RandomChooser, Runtime, self, struct } from '../../runtime/index.ts';
import { HChannel } from '../../sched/chan.ts';
import { checkedOptions } from '../support/run.ts';

const Value = struct('blocking.Value', { id: i32, next: self });
const runs = { numRuns: 60, seed: 20260131 };

/** Runs main under a schedule of the seed; everySched false: the fair one with one P. */
function play(main: GoFunc<[]>, seed: number, options: Options = {}): Runtime {
  const chooser = seed === 0 ? undefined : new RandomChooser(seed);
  const rt = new Runtime({ ...checkedOptions, seed, procs: 1 + (seed % 3), ...(chooser && { chooser }), ...options });
  rt.run(main);
  expect(rt.machine.sched.timers.findings()).toEqual([]);
  return rt;
}

const schedule = fc.nat(1000);

// --- channels and selects --------------------------------------------------------------------------------------------------

interface ChannelProgram {
  readonly kind: 'pointers' | 'numbers' | 'hosts';
  readonly capacities: readonly number[];
  /** For each sender: the channels that it sends on, in turn. */
  readonly senders: readonly (readonly { on: number; select: boolean; gc: boolean }[])[];
  /** Receivers that select over all channels; each channel has one of its own besides, so that nothing waits for ever. */
  readonly selecting: number;
}

const channelProgram: fc.Arbitrary<ChannelProgram> = fc.record({
  kind: fc.constantFrom('pointers', 'numbers', 'hosts'),
  capacities: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
  senders: fc.array(fc.array(fc.record({ on: fc.nat(2), select: fc.boolean(), gc: fc.boolean() }), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  }),
  selecting: fc.nat(3),
});

/** What receivers got: by channel, in the order in which each receiver got it. */
interface Got {
  readonly receiver: number;
  readonly on: number;
  readonly sender: number;
  readonly nth: number;
}

/** Sends and receives everything that the program says, and checks the channels' invariants at every step. */
function playChannels(p: ChannelProgram, seed: number, era: '2014' | '1.19'): void {
  const sent: Got[] = [];
  const got: Got[] = [];
  play(
    function* main(go) {
      const elem = { pointers: Value, numbers: i32, hosts: host<number>() }[p.kind];
      const channels = p.capacities.map((n) => go.chan(elem as typeof i32, n) as Chan<unknown>);
      const look = () => {
        if (era === '2014') return;
        for (const c of channels) if (c.c instanceof HChannel) expect(c.c.findings()).toEqual([]);
      };
      const unwrap = (v: unknown): number => (p.kind === 'pointers' ? (v as { id: number }).id : (v as number));
      const [sending, receiving] = [go.waitGroup(), go.waitGroup()];
      sending.add(p.senders.length);
      receiving.add(channels.length + p.selecting);
      p.senders.forEach((steps, s) => {
        go.go(function* sender(go: Go) {
          const f = go.locals({ v: Value });
          for (const [nth, { on, select, gc }] of steps.entries()) {
            if (gc) yield* go.gc();
            const n = s * 1000 + nth + 1;
            let at = on % channels.length;
            if (p.kind === 'pointers') {
              f.v = go.new(Value);
              f.v.id = n;
            }
            const value = p.kind === 'pointers' ? f.v : n;
            if (select) at = (yield* go.select(channels.map((c) => c.sendCase(value)))).index;
            else yield* channels[at]!.send(value);
            f.v = null;
            sent.push({ receiver: 0, on: at, sender: s, nth });
            look();
          }
          sending.done();
        });
      });
      const receives = (go: Go, receiver: number) => {
        const mine = receiver < channels.length ? [receiver] : channels.map((_, k) => k);
        return go.call(function* (go) {
          for (let open = mine; open.length > 0; ) {
            const r =
              mine.length > 1
                ? yield* go.select(channels.map((c, k) => (open.includes(k) ? c.recvCase() : null)))
                : { index: mine[0]!, ...(yield* receiveOne(channels[mine[0]!]!)) };
            if (!r.ok) open = open.filter((k) => k !== r.index);
            else {
              const n = unwrap(r.value);
              got.push({ receiver, on: r.index, sender: Math.floor(n / 1000), nth: (n % 1000) - 1 });
            }
            look();
          }
          receiving.done();
        });
      };
      for (let k = 0; k < channels.length + p.selecting; k++) go.go(receives, k);
      yield* sending.wait();
      for (const c of channels) c.close();
      yield* receiving.wait();
    },
    seed,
    { era, heapBytes: 2 << 20 },
  );
  const key = ({ on, sender, nth }: Got) => `${on}/${sender}/${nth}`;
  expect(got.map(key).sort(), 'each value arrives once, where it was sent').toEqual(sent.map(key).sort());
  if (era === '2014') return; // who is woken for nothing goes to the end of the queue
  // One receiver sees the values that one sender sent on one channel in the order of sending.
  for (const a of got.keys()) {
    const first = got[a]!;
    for (const later of got.slice(a + 1)) {
      if (later.receiver === first.receiver && later.on === first.on && later.sender === first.sender) {
        expect(later.nth, `values of sender ${first.sender} on channel ${first.on}`).toBeGreaterThan(first.nth);
      }
    }
  }
}

function* receiveOne(c: Chan<unknown>) {
  const [value, ok] = yield* c.recv2();
  return { value, ok };
}

describe('channels and selects', () => {
  test('every value arrives once and in order; the queues are as they should be', () => {
    fc.assert(
      fc.property(channelProgram, schedule, (p, seed) => playChannels(p, seed, '1.19')),
      runs,
    );
  });

  test('in the era 2014 as well, but for the order', () => {
    fc.assert(
      fc.property(channelProgram, schedule, (p, seed) => playChannels(p, seed, '2014')),
      runs,
    );
  });

  test('one goroutine that never waits sees a channel as a queue with a limit', () => {
    const step = fc.oneof(
      fc.constant('send' as const),
      fc.constant('recv' as const),
      fc.constant('gc' as const),
      fc.constant('close' as const),
    );
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom('pointers', 'numbers'),
        schedule,
        (capacity, steps, kind, seed) => {
          const queue: number[] = [];
          let closed = false;
          play(function* main(go) {
            const f = go.locals({ v: Value });
            const c = (kind === 'pointers' ? go.chan(Value, capacity) : go.chan(i32, capacity)) as Chan<unknown>;
            for (const [n, what] of steps.entries()) {
              if (what === 'gc') yield* go.gc();
              else if (what === 'close') {
                if (!closed) c.close();
                closed = true;
              } else if (what === 'send') {
                if (closed) continue;
                f.v = go.new(Value);
                f.v.id = n;
                const could = c.trySend(kind === 'pointers' ? f.v : n);
                f.v = null;
                expect(could).toBe(queue.length < capacity);
                if (could) queue.push(n);
              } else {
                const r = c.tryRecv();
                if (queue.length > 0) expect(kind === 'pointers' ? (r!.value as { id: number }).id : r!.value).toBe(queue.shift());
                else if (closed) expect(r).toEqual({ value: kind === 'pointers' ? null : 0, ok: false });
                else expect(r).toBe(null);
              }
              expect([c.length, c.capacity]).toEqual([queue.length, capacity]);
            }
          }, seed);
        },
      ),
      runs,
    );
  });
});

// --- locks -----------------------------------------------------------------------------------------------------------------

describe('locks', () => {
  const worker = fc.array(
    fc.record({ lock: fc.constantFrom('mutex', 'read', 'write', 'try', 'sema'), hold: fc.nat(3), sleeps: fc.boolean(), gc: fc.boolean() }),
    { minLength: 1, maxLength: 10 },
  );
  test('exclude what they should, and everybody gets its turn', () => {
    fc.assert(
      fc.property(fc.array(worker, { minLength: 2, maxLength: 5 }), schedule, fc.constantFrom('2014', '1.19'), (workers, seed, era) => {
        const inside = { mutex: 0, readers: 0, writers: 0, sema: 0 };
        let done = 0;
        play(
          function* main(go) {
            const [mu, rw, sema, wg] = [go.mutex(), go.rwMutex(), go.semaphore(2), go.waitGroup()];
            wg.add(workers.length);
            for (const steps of workers) {
              go.go(function* works(go: Go) {
                const held = function* (which: keyof typeof inside, { hold, sleeps }: (typeof steps)[number]) {
                  inside[which]++;
                  for (let k = 0; k < hold; k++) {
                    expect(inside.mutex).toBeLessThan(2);
                    expect(inside.sema).toBeLessThan(3);
                    expect(inside.writers === 0 || inside.writers + inside.readers === 1).toBe(true);
                    if (sleeps)
                      yield* go.sleep(700_000); // the mutex starves after a millisecond
                    else yield* go.gosched();
                  }
                  inside[which]--;
                };
                for (const step of steps) {
                  if (step.gc) yield* go.gc();
                  if (step.lock === 'mutex') {
                    yield* mu.lock();
                    yield* held('mutex', step);
                    mu.unlock();
                  } else if (step.lock === 'try' && mu.tryLock()) {
                    yield* held('mutex', step);
                    mu.unlock();
                  } else if (step.lock === 'read') {
                    yield* rw.rLock();
                    yield* held('readers', step);
                    rw.rUnlock();
                  } else if (step.lock === 'write') {
                    yield* rw.lock();
                    yield* held('writers', step);
                    rw.unlock();
                  } else if (step.lock === 'sema') {
                    yield* sema.acquire();
                    yield* held('sema', step);
                    sema.release();
                  }
                }
                done++;
                wg.done();
              });
            }
            yield* wg.wait();
            expect([mu.tryLock(), rw.tryLock()], 'all are free in the end').toEqual([true, true]);
          },
          seed,
          { era },
        );
        expect(done).toBe(workers.length);
      }),
      runs,
    );
  });
});

// --- timers ----------------------------------------------------------------------------------------------------------------

describe('timers', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('set' as const), timer: fc.nat(5), nanos: fc.nat(5_000_000) }),
    fc.record({ what: fc.constant('stop' as const), timer: fc.nat(5) }),
    fc.record({ what: fc.constant('sleep' as const), nanos: fc.nat(3_000_000) }),
    fc.record({ what: fc.constant('gc' as const) }),
  );
  test('fire once, in order, not before their time, and not when they were stopped', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), schedule, (steps, seed) => {
        play(function* main(go) {
          /** When each timer is set to fire; absent: it is not set. */
          const due = new Map<number, number>();
          const timers = Array.from({ length: 6 }, (_, k) =>
            go.afterFunc(1e15, function* fires(go: Go) {
              const when = due.get(k);
              expect(when, `timer ${k} fires although it is not set`).not.toBe(undefined);
              expect(go.now()).toBeGreaterThanOrEqual(when!);
              due.delete(k);
            }),
          );
          for (const t of timers) expect(t.stop()).toBe(true);
          for (const s of steps) {
            if (s.what === 'gc') yield* go.gc();
            else if (s.what === 'sleep') yield* go.sleep(s.nanos);
            else if (s.what === 'stop') {
              if (timers[s.timer]!.stop()) due.delete(s.timer);
            } else {
              const now = go.now();
              timers[s.timer]!.reset(s.nanos);
              due.set(s.timer, now + s.nanos);
            }
            expect(go.runtime.machine.sched.timers.findings()).toEqual([]);
          }
          yield* go.sleep(20_000_000);
          expect([...due.keys()], 'all that were set have fired').toEqual([]);
        }, seed);
      }),
      runs,
    );
  });

  test('sleepers wake in the order of their times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 2, maxLength: 40 }), (times) => {
        const woken: number[] = [];
        play(function* main(go) {
          const begin = go.now();
          for (const t of times) {
            go.go(function* sleeps(go: Go) {
              yield* go.sleep(Math.max(1, begin + 1e6 + t * 1000 - go.now())); // a round of all takes less than 1,000 ns each
              woken.push(t);
            });
          }
          yield* go.sleep(10e9);
        }, 0);
        expect(woken).toEqual([...times].sort((a, b) => a - b));
      }),
      runs,
    );
  });
});
