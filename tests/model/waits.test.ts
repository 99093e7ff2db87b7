// P8: at rate 1 the block profile is the integral of the number of goroutines that wait for each other, over virtual time. For
// channels and selects, and for everything of sync, under random schedules of one to three Ps and in both eras; and the mutex profile
// never charges a moment twice.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Go } from '../../runtime/index.ts';
import type { Machine } from '../../runtime/machine.ts';
import { channelProgram, play, playChannels, schedule } from '../support/blocking.ts';
import { WaitIntegral } from '../support/waits.ts';

const runs = { numRuns: 60, seed: 20141020 };
const era = fc.constantFrom('1.19' as const, '2014' as const);

/** Watches a machine with the profile on; the result is to be read after the run. */
function watch(): { tamper: (m: Machine) => void; result: () => { wrong: string | null; waits: number } } {
  let integral: WaitIntegral;
  return {
    tamper: (m) => {
      m.sched.contention.setBlockProfileRate(1);
      integral = new WaitIntegral(m);
    },
    result: () => ({ wrong: integral.finding(), waits: integral.waits }),
  };
}

const step = fc.record({
  do: fc.constantFrom('lock', 'rlock', 'wlock', 'sema', 'cond', 'group', 'signal', 'gosched'),
  hold: fc.constantFrom(0, 0, 500, 20_000, 3_000_000),
});

/** Goroutines that lock, hold and unlock; a helper signals now and then, so that nobody waits for ever. */
function playLocks(
  workers: readonly (readonly { do: string; hold: number }[])[],
  seed: number,
  age: '1.19' | '2014',
  tamper: (m: Machine) => void,
) {
  return play(
    function* main(go) {
      const [mu, rw, sema, all] = [go.mutex(), go.rwMutex(), go.semaphore(1), go.waitGroup()];
      const cond = go.cond(mu);
      all.add(workers.length);
      let live = workers.length;
      for (const steps of workers) {
        go.go(function* worker(go: Go) {
          for (const { do: what, hold } of steps) {
            const rest = function* (go: Go) {
              if (hold > 0) yield* go.sleep(hold);
              else yield* go.gosched();
            };
            if (what === 'lock') {
              yield* mu.lock();
              yield* go.call(rest);
              mu.unlock();
            } else if (what === 'rlock') {
              yield* rw.rLock();
              yield* go.call(rest);
              rw.rUnlock();
            } else if (what === 'wlock') {
              yield* rw.lock();
              yield* go.call(rest);
              rw.unlock();
            } else if (what === 'sema') {
              yield* sema.acquire();
              yield* go.call(rest);
              sema.release(hold > 500);
            } else if (what === 'cond') {
              yield* mu.lock();
              yield* cond.wait();
              mu.unlock();
            } else if (what === 'group') {
              const one = go.waitGroup();
              one.add(1);
              go.go(function* helper(go: Go) {
                yield* go.call(rest);
                one.done();
              });
              yield* one.wait();
            } else if (what === 'signal') cond.signal();
            else yield* go.gosched();
          }
          live--;
          all.done();
        });
      }
      go.go(function* signals(go: Go) {
        while (live > 0) {
          yield* go.sleep(1e6);
          cond.broadcast();
        }
      });
      yield* all.wait();
    },
    seed,
    { era: age, heapBytes: 2 << 20, ...(age === '1.19' && { mutexProfileFraction: 1 }) },
    tamper,
  );
}

describe('the block profile adds up', () => {
  test('for channels and selects', () => {
    let waits = 0;
    fc.assert(
      fc.property(channelProgram, schedule, era, (p, seed, age) => {
        const { tamper, result } = watch();
        playChannels(p, seed, age, tamper);
        expect(result().wrong).toBe(null);
        waits += result().waits;
      }),
      runs,
    );
    expect(waits).toBeGreaterThan(500);
  });

  test('for mutexes, conditions, groups and semaphores', () => {
    let waits = 0;
    let charged = 0;
    const workers = fc.array(fc.array(step, { minLength: 1, maxLength: 10 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(workers, schedule, era, (p, seed, age) => {
        const { tamper, result } = watch();
        const rt = playLocks(p, seed, age, tamper);
        expect(result().wrong).toBe(null);
        waits += result().waits;
        const inLocks = rt.blockProfile().filter((r) => r.stack.some((pc) => /Lock$/.test(rt.machine.symtab.frame(pc).func)));
        const mutex = rt.mutexProfile().reduce((sum, r) => sum + r.cycles, 0);
        charged += mutex;
        expect(mutex, 'what unlockers are charged with was waited for').toBeLessThanOrEqual(inLocks.reduce((sum, r) => sum + r.cycles, 0));
      }),
      runs,
    );
    expect(waits).toBeGreaterThan(300);
    expect(charged).toBeGreaterThan(1e6);
  });
});
