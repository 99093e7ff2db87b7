// Random programs over channels, selects, mutexes, semaphores and timers against naive models: what was sent arrives once and in
// order, what excludes excludes, each select serves one case, timers fire in order and not before their time. Under random
// schedules (a goroutine may be preempted at every operation), with collections in between and all checks of the heap on.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Chan, type Go, i32, self, struct } from '../../runtime/index.ts';
import { waitFindings } from '../../sched/check.ts';
import { channelProgram, play, playChannels, schedule } from '../support/blocking.ts';

const Value = struct('blocking.Value', { id: i32, next: self });
const runs = { numRuns: 60, seed: 20260131 };

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

  test('who waits is served in the order of coming, by itself or in a select, for each end and each kind of lock', () => {
    const way = fc.record({ select: fc.boolean(), gc: fc.boolean() });
    const what = fc.constantFrom('recv', 'send', 'mutex', 'sema', 'cond');
    fc.assert(
      fc.property(what, fc.array(way, { minLength: 2, maxLength: 12 }), (what, waiters) => {
        const served: number[] = [];
        play(function* main(go) {
          const [c, never, mu, sema] = [go.chan(i32), go.chan(i32), go.mutex(), go.semaphore()];
          const cond = go.cond(mu);
          if (what === 'mutex') yield* mu.lock();
          for (const [k, { select, gc }] of waiters.entries()) {
            go.go(function* waits(go: Go) {
              if (what === 'mutex') yield* mu.lock();
              else if (what === 'sema') yield* sema.acquire();
              else if (what === 'cond') {
                yield* mu.lock();
                yield* cond.wait();
              } else if (what === 'recv') {
                const got = select ? (yield* go.select([never.recvCase(), c.recvCase(), null])).value : yield* c.recv();
                expect(got).toBe(k);
              } else if (select) yield* go.select([c.sendCase(k), never.recvCase()]);
              else yield* c.send(k);
              served.push(k);
              if (what === 'mutex' || what === 'cond') mu.unlock();
            });
            yield* go.sleep(1e6); // it waits before the next one comes
            if (gc) yield* go.gc();
          }
          if (what === 'mutex') mu.unlock();
          for (const k of waiters.keys()) {
            if (what === 'recv') yield* c.send(k);
            else if (what === 'send') expect(yield* c.recv()).toBe(k);
            else if (what === 'sema') sema.release();
            else if (what === 'cond') cond.signal();
            yield* go.sleep(1e6); // it runs before the next one is served
          }
        }, 0);
        expect(served).toEqual([...waiters.keys()]);
      }),
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
            expect(waitFindings(go.runtime.machine.sched)).toEqual([]);
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
