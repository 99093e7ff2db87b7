// Faults: each kind finds a program that does not reckon with it, and nothing in its twin that does; without the fault both hold.
// What happened is in the replay string; names and rates that cannot be are refused.
import { describe, expect, test } from 'vitest';
import { type Chan, type Go, host, i32, struct } from '../../runtime/index.ts';
import { exploreSync, type FaultOptions, group, type Program, replay, unreliable } from '../../sim/index.ts';

/** What to expect of a case under its fault. */
interface Case {
  readonly faults: FaultOptions;
  readonly broken: Program;
  readonly fixed: Program;
  readonly verdict: string;
}

/** A client sends requests and waits for answers; a careful one asks again when none comes. */
function rpc(careful: boolean): Program {
  return function* main(go) {
    const request = unreliable(go, go.chan(i32, 4), 'request');
    const answer = go.chan(i32, 4);
    const stop = go.chan(i32);
    go.go(function* server(go) {
      for (;;) {
        const r = yield* go.select([request.recvCase(), stop.recvCase()]);
        if (r.index === 1) return;
        yield* answer.send(r.value);
      }
    });
    for (let left = 5; left > 0; left--) {
      yield* request.send(left);
      if (!careful) {
        yield* answer.recv();
        break;
      }
      const r = yield* go.select([answer.recvCase(), go.after(1000).recvCase()]);
      if (r.index === 0) break;
    }
    stop.close();
  };
}

/** A consumer that must not do a thing twice. */
function queue(idempotent: boolean): Program {
  return function* main(go) {
    const orders = unreliable(go, go.chan(i32, 8), 'orders');
    const done = new Set<number>();
    let shipped = 0;
    go.go(function* consumer() {
      for (let [id, ok] = yield* orders.recv2(); ok && id !== 0; [id, ok] = yield* orders.recv2()) {
        if (idempotent && done.has(id)) continue;
        done.add(id);
        shipped++;
        if (shipped > 2) throw new Error('an order was shipped twice');
      }
    });
    yield* orders.send(1);
    yield* orders.send(2);
    yield* go.sleep(1_000_000);
    yield* go.gosched();
  };
}

/** The last update wins, whichever comes last; or the one with the highest version. */
function updates(versioned: boolean): Program {
  return function* main(go) {
    const ch = unreliable(go, go.chan(i32, 4), 'updates');
    let value = 0;
    let seen = 0;
    go.go(function* replica() {
      for (; seen < 2; seen++) {
        const v = yield* ch.recv();
        if (!versioned || v > value) value = v;
      }
      if (value !== 2) throw new Error(`the replica has ${value}`);
    });
    yield* ch.send(1);
    yield* ch.send(2);
  };
}

/** A node votes once; a careful one writes its vote down before it sends it. */
function vote(persisted: boolean): Program {
  return function* main(go) {
    const disk = { vote: '' };
    const votes: Chan<string> = go.chan(host<string>(), 16);
    let candidate = 0;
    group(go, 'node', function* (go) {
      const mine = persisted && disk.vote !== '' ? disk.vote : `candidate${++candidate}`;
      if (persisted) disk.vote = mine;
      yield* go.gosched();
      yield* votes.send(mine);
      yield* go.gosched();
    });
    yield* go.sleep(100_000);
    const all = new Set<string>();
    for (let v = votes.tryRecv(); v !== null; v = votes.tryRecv()) all.add(v.value);
    if (all.size > 1) throw new Error('the node has voted twice');
  };
}

const Node = struct('faults.Node', { value: i32 });

/** An allocation under a lock; a careful one unlocks whatever happens. */
function allocation(deferred: boolean): Program {
  return function* main(go) {
    const mu = go.mutex();
    function* add(go: Go): Generator<void, void, void> {
      go.defer(() => go.recover());
      yield* mu.lock();
      if (deferred) go.defer(() => mu.unlock());
      go.new(Node);
      if (!deferred) mu.unlock();
    }
    yield* go.call(add);
    yield* go.call(add);
  };
}

/** A lease is checked, and written under; a careful one is checked by whoever writes. */
function leased(checked: boolean): Program {
  return function* main(go) {
    const expires = go.now() + 1000;
    yield* go.point();
    yield* go.point();
    if (go.now() > expires) {
      if (checked) return;
      throw new Error('written after the lease has run out');
    }
  };
}

const cases: Readonly<Record<string, Case>> = {
  drop: { faults: { drop: 0.3 }, broken: rpc(false), fixed: rpc(true), verdict: 'deadlock' },
  duplicate: { faults: { duplicate: 0.5 }, broken: queue(false), fixed: queue(true), verdict: 'assertion' },
  reorder: { faults: { reorder: 0.5 }, broken: updates(false), fixed: updates(true), verdict: 'assertion' },
  crash: { faults: { crash: 0.3 }, broken: vote(false), fixed: vote(true), verdict: 'assertion' },
  alloc: { faults: { alloc: 0.5 }, broken: allocation(false), fixed: allocation(true), verdict: 'deadlock' },
  clock: { faults: { clock: { rate: 0.3, nanos: 5000 } }, broken: leased(false), fixed: leased(true), verdict: 'assertion' },
};

describe.each(Object.entries(cases))('%s', (kind, { faults, broken, fixed, verdict }) => {
  const options = { schedules: 400, leaks: false };

  test('is found', () => {
    const { failure } = exploreSync(broken, { ...options, faults });
    expect(failure?.verdict).toBe(verdict);
    expect(failure!.faults.split(';').every((fault) => fault.startsWith(`${kind} `))).toBe(true);
  });

  test('is part of the schedule: a replay has the same fault at the same place', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { failure } = exploreSync(broken, { ...options, faults, seed });
      const again = replay(broken, failure!.replay);
      expect(again).toMatchObject({
        divergence: null,
        failure: { identity: failure!.identity, faults: failure!.faults, order: failure!.order },
      });
    }
  });

  test('is nothing to a program that reckons with it', () => {
    expect(exploreSync(fixed, { ...options, faults }).failure).toBeNull();
  });

  test('does not happen unless it is asked for', () => {
    expect(exploreSync(broken, { ...options, time: 'idle' }).failure).toBeNull();
  });
});

test('all kinds together: each schedule has some of them, and some schedule none', () => {
  const seen = new Set<string>();
  let quiet = 0;
  const all: FaultOptions = { drop: 0.5, duplicate: 0.5, reorder: 0.5, crash: 0.5, alloc: 0.5, clock: { rate: 0.5, nanos: 10 } };
  const program: Program = function* main(go) {
    const ch = unreliable(go, go.chan(i32, 64), 'ch');
    group(go, 'node', function* (go) {
      for (let i = 0; i < 4; i++) {
        yield* ch.send(i);
        go.new(Node);
      }
    });
    yield* go.sleep(1e6);
    throw new Error('told');
  };
  for (let seed = 1; seed <= 60; seed++) {
    const { failure } = exploreSync(program, { schedules: 1, seed: seed * 1000, faults: all, shrink: false, strategy: 'random' });
    if (failure!.faults === '') quiet++;
    for (const fault of failure!.faults.split(';')) seen.add(fault.split(' ')[0]!);
  }
  for (const kind of ['drop', 'duplicate', 'reorder', 'crash', 'alloc', 'clock']) expect(seen).toContain(kind);
  expect(quiet).toBeGreaterThan(0);
});

test('of many faults, those are told that the failure needs', () => {
  const program: Program = function* main(go) {
    const ch = unreliable(go, go.chan(i32, 16), 'ch');
    for (let i = 0; i < 10; i++) yield* ch.send(i);
    if (ch.length > 0 && (yield* ch.recv()) !== 0) throw new Error('the first message is lost');
  };
  for (let seed = 1; seed <= 5; seed++) {
    const { failure } = exploreSync(program, { seed, schedules: 500, faults: { drop: 0.9 }, leaks: false });
    expect(failure!.faults).toBe('drop ch 1');
  }
});

test('the same seed, the same faults', () => {
  const { faults, broken } = cases.crash!;
  const [a, b] = [1, 2].map(() => exploreSync(broken, { faults, leaks: false }).failure!);
  expect(b).toMatchObject({ schedule: a!.schedule, faults: a!.faults, replay: a!.replay });
});

describe('what is wrong is told at once', () => {
  const fine: Program = function* () {};
  test.each<[object, string]>([
    [{ drop: 2 }, 'option faults.drop: got 2, wanted a rate from 0 to 1'],
    [{ drops: 0.1 }, 'option faults.drops: there is no such fault, there are: drop, duplicate, reorder, crash, alloc, clock'],
    [{ clock: { rate: 0.1, nanos: 0 } }, 'option faults.clock.nanos: got 0, wanted nanoseconds, 1 or more'],
    [{ clock: 0.1 }, 'option faults.clock: got undefined, wanted a rate from 0 to 1'],
  ])('%j', (faults, message) => {
    expect(() => exploreSync(fine, { faults: faults as FaultOptions })).toThrow(message);
  });

  test('a name that cannot stand in a replay string', () => {
    const { failure } = exploreSync(function* (go) {
      unreliable(go, go.chan(i32), 'my channel');
    });
    expect(failure?.message).toBe('unreliable: got the name "my channel", wanted one without blanks, semicolons and slashes');
  });
});
