// runtime/sema_test.go: who is handed a semaphore runs before whoever handed it over goes on.
import { expect, test } from 'vitest';
import { type Blocking, type Go, i32, type Semaphore } from '../../runtime/index.ts';
import { run } from '../support/run.ts';

test('TestSemaHandoff', () => handsOver(4));
test('TestSemaHandoff1', () => handsOver(1));
test('TestSemaHandoff2', () => handsOver(2));

function handsOver(procs: number): void {
  const first = (handOff: (s: Semaphore) => Blocking<void>) => {
    let res = '';
    run(
      function* main(go) {
        const [s, wg, done] = [go.semaphore(), go.waitGroup(), go.chan(i32)];
        wg.add(procs + 1);
        for (let p = 0; p < procs; p++) {
          go.go(function* busy(go: Go) {
            while (go.trySelect([done.recvCase()]).index < 0) yield* go.gosched();
            wg.done();
          });
        }
        go.go(function* waiter() {
          yield* s.acquire();
          res ||= 'the waiter';
          yield* handOff(s);
          done.close();
          wg.done();
        });
        while (s.waiting === 0) yield* go.gosched();
        yield* handOff(s);
        res ||= 'who released';
        yield* wg.wait();
      },
      { procs },
    );
    return res;
  };
  expect(first((s) => s.handOff())).toBe('the waiter');
  function* release(s: Semaphore): Generator<void, void, void> {
    s.release(true);
  }
  expect(first(release)).toBe('who released'); // a plain function cannot yield
}

test('who unlocks a starving mutex hands it over and yields: the other runs at the next yield point, even one that need not wait', () => {
  const log: string[] = [];
  run(function* main(go) {
    const mu = go.mutex();
    yield* mu.lock();
    go.go(function* starves() {
      yield* mu.lock();
      log.push('the other');
      mu.unlock();
    });
    yield* go.sleep(100);
    yield* go.syscall(2e6);
    mu.unlock();
    yield* mu.lock(); // first again: the other has waited for 2 ms when it runs
    yield* go.syscall(1e6);
    mu.unlock();
    log.push('unlocked');
    yield* go.sleep(0);
    log.push('yielded');
    yield* go.sleep(0);
  });
  expect(log).toEqual(['unlocked', 'the other', 'yielded']);
});
