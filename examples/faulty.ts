// faulty: small programs that are wrong in some schedules only, for `gorena explore NAME`.
import type { Go, GoFunc } from '../runtime/index.ts';

/** A program to be explored. */
export interface Faulty {
  /** For the help. */
  readonly summary: string;
  readonly program: GoFunc<[]>;
}

/** Two accounts, and two transfers that lock them in opposite orders. */
function* bank(go: Go) {
  const [ann, bob] = [go.mutex(), go.mutex()];
  const done = go.waitGroup();
  done.add(2);
  go.go(function* toBob() {
    yield* ann.lock();
    yield* bob.lock();
    bob.unlock();
    ann.unlock();
    done.done();
  });
  go.go(function* toAnn() {
    yield* bob.lock();
    yield* ann.lock();
    ann.unlock();
    bob.unlock();
    done.done();
  });
  yield* done.wait();
}

/** Three deposits of two coins each, read and written without a lock. */
function* deposits(go: Go) {
  const balance = go.cell(0, 'balance');
  const done = go.waitGroup();
  done.add(3);
  for (let i = 0; i < 3; i++) {
    go.go(function* deposit() {
      for (let coin = 0; coin < 2; coin++) {
        const old = yield* balance.get();
        yield* balance.set(old + 1);
      }
      done.done();
    });
  }
  yield* done.wait();
  if (balance.peek() !== 6) throw new Error(`${balance.peek()} of 6 coins are there`);
}

/** A lease of 10 ns, held for 9, and written under without looking whether it has run out. */
function* lease(go: Go) {
  const mu = go.mutex();
  let [expires, token, newest] = [0, 0, 0];
  function* client(go: Go) {
    yield* mu.lock();
    if (go.now() < expires) {
      mu.unlock();
      return;
    }
    expires = go.now() + 10;
    const mine = ++token;
    mu.unlock();
    yield* go.sleep(9);
    yield* go.point();
    if (mine < newest) throw new Error(`token ${mine} writes after token ${newest}`);
    newest = mine;
  }
  go.go(client);
  yield* go.sleep(11);
  go.go(client);
}

/** All of them. */
export const faulty: Readonly<Record<string, Faulty>> = {
  bank: { summary: 'two locks that are taken in two orders', program: bank },
  deposits: { summary: 'a balance that is read, and written later', program: deposits },
  lease: { summary: 'a lease that runs out between the check and the write', program: lease },
};
