// The real `go tool trace` of Go 1.19 reads our traces. Its parser follows every goroutine, P, cycle and stop through the states
// that they may take, so each file that it accepts is an independent check of the scheduler's events.
//
// TRACES=n: so many random programs under each of three strategies (200 without it); SEED=n: others. Without Go 1.19 the tests are skipped, and say so.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { churn } from '../../examples/churn.ts';
import { faulty } from '../../examples/faulty.ts';
import { programs as builtIn } from '../../examples/index.ts';
import { trees } from '../../examples/trees.ts';
import { type GoFunc, i32, type Options, panic, RandomChooser, Runtime, RuntimeError, self, struct } from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import { type Program, programs, worker } from '../support/scheduling.ts';

const seed = Number(process.env.SEED ?? 20140901);
const many = Number(process.env.TRACES ?? 200);

/** The program behind `go tool trace`, if this is Go 1.19; else null. */
function findTool(): string | null {
  const go = spawnSync('go', ['env', 'GOVERSION', 'GOTOOLDIR'], { encoding: 'utf8' });
  const [version, folder] = (go.stdout ?? '').trim().split('\n');
  const tool = join(folder ?? '', 'trace');
  return go.status === 0 && /^go1\.19\b/.test(version!) && existsSync(tool) ? tool : null;
}

const tool = findTool();
if (tool === null) console.log('skipped: no Go 1.19 here, whose `go tool trace` would read our traces');
const Node = struct('main.Node', { value: i32, next: self });
const folder = mkdtempSync(join(tmpdir(), 'gorena-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** What `go tool trace -d` prints: a line for each event. Rejects with its complaint. */
function dump(bytes: Uint8Array, name = `${++files}.trace`): Promise<string[]> {
  const file = join(folder, name); // of its own: what is left of a test that took too long disturbs nobody
  writeFileSync(file, bytes);
  return new Promise((resolve, reject) => {
    const child = spawn(tool!, ['-d', file]);
    let [out, complaint] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out.trimEnd().split('\n')) : reject(new Error(complaint.trim() || `exit code ${code}`)),
    );
  });
}

/** Runs a traced program. Counts the events of the stream by kind. */
function traced(main: GoFunc<[]>, options: Options) {
  const rt = new Runtime(options);
  const trace = rt.trace();
  const counts = new Map<number, number>();
  rt.machine.subscribe((kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1));
  rt.run(main);
  return { trace, counts: (kind: Ev) => counts.get(kind) ?? 0 };
}

/** Lines of a dump with an event. */
const having = (lines: readonly string[], event: string) => lines.filter((l) => l.split(' ')[1] === event);

function play(program: Program, options: Options) {
  return traced(
    function* main(go) {
      const ch = go.chan(i32, 1);
      for (const steps of program.workers) go.go(worker, steps, ch);
      for (let i = 0; i < 20; i++) yield* go.sleep(100e6);
    },
    { heapBytes: 1 << 20, maxGoroutines: 400, procs: program.procs, ...options },
  );
}

/** A program that waits for everything there is. */
const everything: GoFunc<[]> = function* main(go) {
  const f = go.locals({ n: Node });
  const [ch, mu, wg] = [go.chan(i32), go.mutex(), go.waitGroup()];
  const cond = go.cond(mu);
  const apart = (fn: GoFunc<[]>) => {
    wg.add(1);
    go.go(function* part(go) {
      yield* fn(go);
      wg.done();
    });
  };
  f.n = go.new(Node);
  go.setFinalizer(f.n, () => {});
  f.n = null;
  go.go(function* forever(go) {
    yield* go.nilChan(i32).recv();
  });
  apart(function* sender(go) {
    yield* go.sleep(1e5);
    yield* ch.send(1);
    yield* ch.send(3); // nobody receives yet
  });
  apart(function* receiver(go) {
    yield* go.select([ch.recvCase(), go.after(5e9).recvCase()]);
    for (let i = 0; i < 2; i++) yield* ch.recv();
  });
  apart(function* waiter() {
    yield* mu.lock();
    yield* cond.wait();
    mu.unlock();
  });
  yield* go.sleep(1e6);
  yield* ch.send(2);
  yield* mu.lock();
  apart(function* locker() {
    yield* mu.lock();
    mu.unlock();
  });
  yield* go.sleep(1e6);
  cond.signal();
  mu.unlock();
  yield* go.syscall(30e6);
  yield* go.await(Promise.resolve());
  go.gomaxprocs(3);
  for (let i = 0; i < 40_000; i++) {
    const n = go.new(Node);
    n.next = f.n;
    f.n = i % 100 === 0 ? null : n;
    if (i % 5000 === 0) yield* go.gosched();
  }
  yield* wg.wait();
  yield* go.gc();
  go.gomaxprocs(1);
  yield* go.sleep(130e9); // two minutes without a collection: forcegc runs
};

describe.skipIf(tool === null)('go tool trace -d', () => {
  const examples: [name: string, main: () => GoFunc<[]>][] = [
    ['churn', () => churn(60_000)],
    ['trees', () => trees(10)],
  ];
  for (const [name, main] of examples) {
    test.each<Options>([
      {},
      { procs: 2, gogc: 20 },
      { procs: 4, gogc: 10 },
      { procs: 2, era: '2014' },
      { procs: 3, godebug: 'gcstoptheworld=2' },
    ])(`${name} %j`, async (options) => {
      const { trace, counts } = traced(main(), { heapBytes: 16 << 20, gogc: 10, ...options });
      const lines = await dump(trace.go());
      expect(having(lines, 'GoCreate')).toHaveLength(counts(Ev.goCreate));
      expect(having(lines, 'GoEnd')).toHaveLength(counts(Ev.goEnd));
      expect(having(lines, 'ProcStop')).toHaveLength(counts(Ev.procStop));
      expect(having(lines, 'GCDone').length).toBeGreaterThan(0);
      expect(having(lines, 'GCMarkAssistStart')).toHaveLength(counts(Ev.assistStart));
      expect(having(lines, 'GCMarkAssistDone')).toHaveLength(counts(Ev.assistStart));
      if (Object.keys(options).length === 0) expect(counts(Ev.assistStart)).toBeGreaterThan(0);
      expect(having(lines, 'GCSTWDone').length).toBeGreaterThanOrEqual(having(lines, 'GCDone').length);
    });
  }

  test.each(Object.entries(builtIn))('the built-in program %s, whole', async (_name, program) => {
    const { trace, counts } = traced(program.make(program.size, 1), { procs: 2 });
    const lines = await dump(trace.go());
    const starts = having(lines, 'GoStart').length + having(lines, 'GoStartLabel').length;
    expect(starts).toBeGreaterThanOrEqual(counts(Ev.goStart)); // who gave way to a worker starts again
  });

  test.each(Object.entries(faulty))('the built-in program %s, in the fair schedule', async (_name, { program }) => {
    const { trace, counts } = traced(program, { procs: 2 });
    expect(having(await dump(trace.go()), 'GoEnd')).toHaveLength(counts(Ev.goEnd));
  });

  test('a program that dies leaves a trace that ends there', async () => {
    const deaths: GoFunc<[]>[] = [
      function* panics(go) {
        go.go(function* waits(go) {
          yield* go.select([]);
        });
        yield* go.sleep(1e6);
        go.defer(() => panic('second'));
        panic('first');
      },
      function* exits(go) {
        go.goexit();
      },
      function* asleep(go) {
        go.lockOSThread();
        yield* go.syscall(1e6);
        yield* go.chan(i32).recv();
      },
    ];
    for (const main of deaths) {
      const rt = new Runtime({ procs: 2 });
      const trace = rt.trace();
      expect(() => rt.run(main)).toThrow(RuntimeError);
      expect(having(await dump(trace.go()), 'GoCreate').length).toBeGreaterThanOrEqual(4);
    }
  });

  test('whatever a goroutine may wait for has its own event, and so have workers, sweeps and the size of the heap', async () => {
    const rt = new Runtime({ procs: 2, heapBytes: 8 << 20, gogc: 10 });
    const trace = rt.trace();
    await rt.runAsync(everything);
    const lines = await dump(trace.go(), 'everything.trace');
    const kinds = new Set(lines.map((l) => l.split(' ')[1]));
    const wanted = ['Send', 'Recv', 'Select', 'Sync', 'Cond', ''].map((what) => `GoBlock${what}`);
    wanted.push('GoSleep', 'GoStop', 'GoSched', 'GoSysCall', 'GoSysBlock', 'GoSysExit', 'GoUnblock', 'GoEnd', 'GoCreate');
    wanted.push('GoStart', 'GoStartLabel', 'ProcStart', 'ProcStop', 'Gomaxprocs', 'HeapAlloc', 'HeapGoal', 'GCSweepStart', 'GCSweepDone');
    wanted.push('GCStart', 'GCDone', 'GCSTWStart', 'GCSTWDone');
    expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([]);
    for (const line of having(lines, 'GoStartLabel')) expect(line).toMatch(/ label=GC \((dedicated|fractional|idle)\)$/);
    // Stacks arrive: the dump has none, but a profile that go tool trace makes of the trace has the functions' names.
    const { stdout } = spawnSync(tool!, ['-pprof=sync', join(folder, 'everything.trace')]);
    expect(gunzipSync(stdout).toString('latin1')).toContain('main.part');
  });

  // A choice at every operation makes a turn of each step of a computation: there they are short.
  const short = ({ procs, workers }: Program): Program => ({
    procs,
    workers: workers.map((steps) => steps.map((s) => ('micros' in s ? { ...s, micros: Math.min(s.micros, 50) } : s))),
  });
  test.each<[string, (p: Program, n: number) => ReturnType<typeof play>]>([
    ['the fair strategy', (p) => play(p, {})],
    ['any order', (p, n) => play(p, { chooser: new RandomChooser(n, false) })],
    ['any order and a choice at every operation', (p, n) => play(short(p), { chooser: new RandomChooser(n) })],
  ])(
    `accepts ${many} random programs: %s`,
    async (_name, run) => {
      const total = { preempted: 0, blocked: 0, cycles: 0, stopped: 0 };
      let n = 0;
      await fc.assert(
        fc.asyncProperty(programs, async (program) => {
          const { trace, counts } = run(program, ++n);
          const lines = await dump(trace.go());
          expect(having(lines, 'GoEnd')).toHaveLength(counts(Ev.goEnd));
          expect(having(lines, 'GoSysBlock')).toHaveLength(counts(Ev.goSysBlock));
          total.preempted += counts(Ev.goPreempt);
          total.blocked += counts(Ev.goSysBlock);
          total.cycles += having(lines, 'GCDone').length;
          total.stopped += having(lines, 'ProcStop').length;
        }),
        { seed, numRuns: many },
      );
      for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(0);
    },
    Math.max(240_000, many * 1200),
  );
});
