// waits: two goroutines that wait for the same time in all, one of them seldom and long, the other often and short. A block profile
// that is right shows them as equals.
import { type Go, type GoFunc, i32, type SendChan } from '../runtime/index.ts';
import { random } from './random.ts';

/** Virtual nanoseconds: seldom waits for `long`, often waits `parts` times for a part of it. */
const long = 100_000;
const parts = 10;

/** The program: `rounds` rounds of one long wait and ten short ones, each of which is longer or shorter by up to a tenth. */
export function waits(rounds: number, seed = 1): GoFunc<[]> {
  return function* main(go) {
    const done = go.waitGroup();
    done.add(2);
    const seldomTold = go.chan(i32);
    const oftenTold = go.chan(i32);
    go.go(function* seldom(_go) {
      for (let i = 0; i < rounds; i++) yield* seldomTold.recv();
      done.done();
    });
    go.go(function* often(_go) {
      for (let i = 0; i < rounds * parts; i++) yield* oftenTold.recv();
      done.done();
    });
    go.go(teller, seldomTold, rounds, long, seed);
    go.go(teller, oftenTold, rounds * parts, long / parts, seed + 1);
    yield* done.wait();
  };
}

/** Sends `times` numbers, about `nanos` apart. */
function* teller(go: Go, told: SendChan<number>, times: number, nanos: number, seed: number) {
  const rnd = random(seed);
  for (let i = 0; i < times; i++) {
    yield* go.sleep(nanos * 0.9 + rnd.below(nanos / 5));
    yield* told.send(i);
  }
}
