// A machine runs schedule after schedule, and none can see what ran before it: the same schedule is the same in a machine of its
// own and after thousands of others, of the same program and of others, failed ones and ones that have used the heap.
import { expect, test } from 'vitest';
import { host, i32, map, struct } from '../../../runtime/index.ts';
import { type Outcome, Portfolio, type Program } from '../../../sim/index.ts';
import { inWorld, World } from '../../../sim/loop.ts';
import { runSettings } from '../../../sim/options.ts';

const Node = struct('main.Node', { value: i32 });

/** Programs that use all kinds of things, with whatever of the past they could see: ids, addresses, clocks, numbers of things. */
const programs: Record<string, Program> = {
  *locks(go) {
    const [a, b] = [go.mutex(), go.rwMutex()];
    for (let k = 0; k < 2; k++) {
      go.go(function* worker() {
        yield* a.lock();
        yield* b.rLock();
        b.rUnlock();
        a.unlock();
        yield* b.lock();
        if (k === 1) yield* a.lock();
        b.unlock();
      });
    }
  },
  *channels(go) {
    const [numbers, hosts] = [go.chan(i32, 2), go.chan(host<object>())];
    go.go(function* sender() {
      for (let k = 0; k < 3; k++) yield* numbers.send(k);
      numbers.close();
    });
    go.go(function* other() {
      yield* hosts.send({ go: go.id });
    });
    for (let k = 0; k < 3; k++) yield* go.select([numbers.recvCase(), hosts.recvCase()]);
  },
  *time(go) {
    const ticker = go.newTicker(5);
    const seen = go.cell(0, 'seen');
    go.afterFunc(7, function* late() {
      yield* seen.set(go.now());
      ticker.stop();
    });
    yield* ticker.c.recv();
    yield* go.sleep(3);
    if (go.now() > 12) throw new Error(`it is ${go.now()}`);
  },
  *panics(go) {
    const done = go.chan(i32);
    go.go(function* worker() {
      go.defer(() => go.recover());
      yield* done.send(1);
      go.panic('on purpose');
    });
    go.go(function* closer() {
      yield* go.gosched();
      done.close();
    });
    yield* done.recv();
  },
  *heap(go) {
    const table = go.make(map(i32, i32));
    for (let k = 0; k < 20; k++) table.set(k, k);
    const first = [...table][0]![0]; // where iterations begin is drawn
    const node = go.new(Node);
    const text = go.string(`${first} ${node.addr}`);
    const lock = go.mutex();
    go.go(function* worker() {
      yield* lock.lock();
    });
    yield* lock.lock();
    yield* go.gc();
    if (first % 3 === 0) throw new Error(`begins at ${text}`);
  },
};
function what(o: Outcome): unknown {
  return [o.verdict, o.message, o.identity, o.order, o.selects, o.hash, o.clock, o.paths, o.blocked];
}

test.each(Object.keys(programs))('schedules of %s are the same in a new machine and after 10,000 others', (name) => {
  const program = programs[name]!;
  const settings = runSettings({});
  const portfolio = new Portfolio('portfolio');
  const picked = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 50, 77, 99];
  const fresh = new Map<number, unknown>();
  for (const n of picked) {
    const searcher = portfolio.of(n);
    searcher.begin(1, n);
    const world = new World(settings);
    world.run(program, searcher, {});
    portfolio.ended(n, world);
    fresh.set(n, what(world.outcome()));
  }
  inWorld(settings, (world) => {
    const others = Object.values(programs);
    for (let n = 0; n < 10_000; n++) {
      const searcher = portfolio.of(4 + n);
      searcher.begin(2, n);
      world.run(
        n % 50 === 0 ? others[(n / 50) % others.length]! : n % 2 === 0 || name === 'heap' ? programs.locks! : program,
        searcher,
        {},
      );
    }
    for (const n of picked) {
      if (n < portfolio.preliminary) continue; // they make the estimate that the others use
      const searcher = portfolio.of(n);
      searcher.begin(1, n);
      world.run(program, searcher, {});
      expect(what(world.outcome()), `schedule ${n}`).toEqual(fresh.get(n));
    }
  });
});
