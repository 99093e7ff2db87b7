// The short roads (sched/park.ts, "usual") do what the long ones do: a random program over channels, mutexes and goroutines that
// come and go, with timers, GOMAXPROCS and the block profile changing, runs the same with them, with somebody listening to events,
// from the beginning or from somewhere on (which closes them), and when it asks first (sendNow, recvNow, lockNow): the same results in
// the same order, the same turns, the same virtual time.
//
// A failure prints the program, shrunk. SEED=n runs other programs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Chan, f64, type Go, host, type Mutex, Runtime, type RWMutex, type WaitGroup } from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import { schedFindings } from '../../sched/check.ts';

const seed = Number(process.env.SEED ?? 20140901);

type Step =
  | { do: 'send' | 'recv' | 'recvOr'; chan: number; value: number | null }
  | { do: 'lock' | 'write' | 'read'; mutex: number; yields: number }
  | { do: 'gosched' | 'select' | 'close' | 'start' | 'gc'; chan: number }
  | { do: 'procs' | 'profile' | 'listen' | 'wait' | 'later' | 'sleep'; n: number };

interface Program {
  /** Capacities; every second channel carries values of JavaScript, null among them. */
  chans: number[];
  workers: Step[][];
  /** GOGC: small collections come often. */
  gogc: number;
  /** GOMAXPROCS at the beginning. */
  procs: number;
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('send', 'recv', 'recvOr'), chan: fc.nat(3), value: fc.option(fc.nat(9)) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('lock', 'write', 'read'), mutex: fc.nat(1), yields: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('gosched', 'select', 'start'), chan: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close', 'gc'), chan: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('procs', 'profile', 'listen', 'wait', 'later', 'sleep'), n: fc.nat(2) }) },
) as fc.Arbitrary<Step>;
const programs: fc.Arbitrary<Program> = fc.record({
  chans: fc.array(fc.constantFrom(0, 0, 1, 2, 5), { minLength: 4, maxLength: 4 }),
  workers: fc.array(fc.array(steps, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 6 }),
  gogc: fc.constantFrom(100, 1),
  procs: fc.constantFrom(1, 1, 1, 2),
});

interface How {
  /** The program asks first. */
  now: boolean;
  /** Somebody listens: from the beginning, or from the first step on that says so. */
  heard: boolean | 'later';
}

interface Shared {
  chans: Chan<unknown>[];
  mutexes: Mutex[];
  rw: RWMutex;
  group: WaitGroup;
  log: string[];
  how: How;
  listen(): void;
}

function* worker(go: Go, s: Shared, list: readonly Step[], name: string, counts = false): Generator<void, void, void> {
  for (const step of list) {
    try {
      yield* act(go, s, step, name);
    } catch (error) {
      s.log.push(`${name} ${String((error as Error).message)}`);
    }
  }
  s.log.push(`${name} ends at ${go.now()}`);
  if (counts) s.group.done();
}

function* act(go: Go, s: Shared, step: Step, name: string): Generator<void, void, void> {
  const { now } = s.how;
  switch (step.do) {
    case 'send': {
      const c = s.chans[step.chan]!;
      const value = step.chan % 2 === 0 ? (step.value ?? 0.5) : step.value;
      if (!(now && c.sendNow(value))) yield* c.send(value);
      s.log.push(`${name} sent ${value}`);
      return;
    }
    case 'recv': {
      const c = s.chans[step.chan]!;
      s.log.push(`${name} got ${now ? (c.recvNow() ?? (yield* c.recv())) : yield* c.recv()}`);
      return;
    }
    case 'recvOr': {
      const c = s.chans[step.chan]!;
      s.log.push(`${name} got ${now ? (c.recvNow() ?? (yield* c.recvOr('closed'))) : yield* c.recvOr('closed')}`);
      return;
    }
    case 'lock': {
      const mu = s.mutexes[step.mutex]!;
      if (!(now && mu.lockNow())) yield* mu.lock();
      s.log.push(`${name} locked`);
      for (let i = 0; i < step.yields; i++) yield* go.gosched();
      mu.unlock();
      return;
    }
    case 'write': {
      if (!(now && s.rw.lockNow())) yield* s.rw.lock();
      s.log.push(`${name} writes`);
      for (let i = 0; i < step.yields; i++) yield* go.gosched();
      s.log.push(`${name} has written`);
      s.rw.unlock();
      return;
    }
    case 'read':
      yield* s.rw.rLock();
      s.log.push(`${name} reads`);
      for (let i = 0; i < step.yields; i++) yield* go.gosched();
      s.rw.rUnlock();
      return;
    case 'gosched':
      yield* go.gosched();
      return;
    case 'gc':
      yield* go.gc();
      return;
    case 'close':
      s.chans[step.chan]!.close();
      return;
    case 'start':
      go.go(worker, s, [{ do: 'recv', chan: step.chan, value: null }], `${name}.${go.numGoroutine()}`);
      return;
    case 'select': {
      const other = s.chans[(step.chan + 1) % 4]!;
      const got = yield* go.select([s.chans[step.chan]!.recvCase(), other.sendCase(7)]);
      s.log.push(`${name} selected ${got.index} ${String(got.value)} ${got.ok}`);
      return;
    }
    case 'procs':
      s.log.push(`${name} had ${go.gomaxprocs(step.n + 1)} Ps`);
      return;
    case 'profile':
      go.setBlockProfileRate(step.n);
      go.setMutexProfileFraction(step.n);
      return;
    case 'listen':
      if (s.how.heard === 'later') s.listen();
      return;
    case 'wait':
      s.group.add(1);
      go.go(
        worker,
        s,
        [
          { do: 'recvOr', chan: step.n, value: null },
          { do: 'gosched', chan: 0 },
        ],
        `${name}+${go.numGoroutine()}`,
        true,
      );
      yield* s.group.wait();
      s.log.push(`${name} has waited`);
      return;
    case 'later':
      go.afterFunc(step.n * 50, worker, s, [{ do: 'send', chan: step.n, value: 5 }], `${name}@${go.numGoroutine()}`);
      return;
    case 'sleep':
      yield* go.sleep(step.n * 100);
  }
}

/** All that can be seen of a run. Its end is a deadlock or main's return; channels are closed after a while. */
function run(program: Program, how: How, broken: ((rt: Runtime) => void) | null = null): unknown {
  const rt = new Runtime({ heapBytes: 1 << 20, gogc: program.gogc, procs: program.procs });
  const listen = () => rt.machine.subscribe(() => {});
  if (how.heard === true) listen();
  broken?.(rt);
  const { sched } = rt.machine;
  const log: string[] = [];
  rt.run(function* main(go) {
    const chans = program.chans.map(
      (capacity, k) => (k % 2 === 0 ? go.chan(f64, capacity) : go.chan(host<unknown>(), capacity)) as Chan<unknown>,
    );
    const s: Shared = { chans, mutexes: [go.mutex(), go.mutex()], rw: go.rwMutex(), group: go.waitGroup(), log, how, listen };
    for (const [k, list] of program.workers.entries()) go.go(worker, s, list, String(k));
    for (let i = 0; i < 3; i++) {
      yield* go.sleep(1e6);
      expect(schedFindings(sched)).toEqual([]);
    }
    const [numbers, values] = [chans[0]!, chans[1]!];
    for (const c of [numbers, values]) {
      try {
        c.close();
      } catch {} // a worker was faster
    }
    yield* go.sleep(1e6);
    log.push(...chans.map((c) => `${c.length}`), `${go.numGoroutine()}`);
  });
  const { nanos, turns, mallocs } = rt.stats();
  return { log, nanos, turns, mallocs };
}

describe('with the short roads, without them, and asking first', () => {
  test('random programs run the same', () => {
    fc.assert(
      fc.property(programs, (program) => {
        const usual = run(program, { now: false, heard: false });
        expect(run(program, { now: false, heard: true })).toEqual(usual);
        expect(run(program, { now: true, heard: false })).toEqual(usual);
        expect(run(program, { now: true, heard: true })).toEqual(usual);
        expect(run(program, { now: true, heard: 'later' })).toEqual(usual);
      }),
      { seed, numRuns: 150 },
    );
  });

  test('story: a short road that costs nothing is found', () => {
    const program: Program = {
      chans: [1, 0, 0, 0],
      workers: [[{ do: 'send', chan: 0, value: 1 }], [{ do: 'recv', chan: 0, value: null }]],
      gogc: 100,
      procs: 1,
    };
    const usual = run(program, { now: false, heard: true });
    expect(run(program, { now: false, heard: false })).toEqual(usual);
    const broken = run(program, { now: false, heard: false }, (rt) => {
      const sched = rt.machine.sched as unknown as { wentOn(): void; cur: { brought: number } };
      sched.wentOn = () => {
        sched.cur.brought = 0;
      };
    });
    expect(broken).not.toEqual(usual);
  });
});

describe('who begins to listen in the middle', () => {
  /** How often goroutines park after main has begun to listen; early: somebody listens from the beginning, and counts only then. */
  function parks(early: boolean, broken: boolean): number {
    const rt = new Runtime();
    const { machine } = rt;
    let counting = early;
    let n = 0;
    const count = (kind: number) => {
      if (counting && kind === Ev.goPark) n++;
    };
    if (early) machine.subscribe(count);
    if (broken) machine.sched.findUsual = () => {};
    rt.run(function* main(go) {
      const c = go.chan(f64);
      go.go(function* echo(_go: Go) {
        for (;;) yield* c.send((yield* c.recv()) + 1);
      });
      for (let i = 0; i < 10; i++) {
        if (i === 5) {
          n = 0;
          counting = true;
          if (!early) machine.subscribe(count);
        }
        yield* c.send(i);
        yield* c.recv();
      }
    });
    return n;
  }

  test('hears all that happens from then on', () => {
    expect(parks(true, false)).toBeGreaterThan(5);
    expect(parks(false, false)).toBe(parks(true, false));
  });

  test('story: a machine that does not look again is found', () => {
    expect(parks(false, true)).not.toBe(parks(true, false));
  });
});

test('a value that is null is not taken by recvNow, and the next operation gets it', () => {
  const got: unknown[] = [];
  new Runtime().run(function* main(go) {
    const c = go.chan(host<number | null>(), 2);
    yield* c.send(null);
    yield* c.send(4);
    got.push(c.recvNow(), c.length, yield* c.recv(), c.recvNow(), c.recvNow(), c.length);
  });
  expect(got).toEqual([undefined, 2, null, 4, undefined, 0]);
});

test('an operation that was not awaited closes the short roads, and the next one says so', () => {
  new Runtime().run(function* main(go) {
    const c = go.chan(f64, 2);
    const mu = go.mutex();
    const forgotten = c.send(1);
    expect([c.sendNow(2), c.recvNow(), mu.lockNow(), c.length]).toEqual([false, undefined, false, 1]);
    expect(() => c.send(2)).toThrow('not awaited');
    yield* forgotten;
    expect(c.recvNow()).toBe(1);
  });
});
