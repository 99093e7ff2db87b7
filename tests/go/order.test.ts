// Who runs when, asked of Go itself: random programs over channels, selects and package sync are played by Go 1.19 with
// GOMAXPROCS=1 (order/main.go) and here, and must log the same. Every 61st round of the scheduler is another one, and nobody
// knows in which round a program of Go begins: so each is played from all of them, and the sets of logs are compared.
//
// PROGRAMS=n: so many programs (100 without it); SEED=n: others. Without Go 1.19 the test is skipped, and says so.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bool, type Chan, FairChooser, type Go, i32, Runtime } from '../../runtime/index.ts';

const seed = Number(process.env.SEED ?? 20140901);
const many = Number(process.env.PROGRAMS ?? 100);
/** Rounds of the scheduler before the global queue is looked at first. */
const rounds = 61;

const ops = [
  ...['send', 'send', 'recv', 'recv', 'select', 'select', 'lock', 'lock', 'unlock', 'unlock', 'gosched', 'gosched', 'spawn', 'spawn'],
  ...['trySend', 'tryRecv', 'close', 'tryLock', 'rLock', 'rUnlock', 'wLock', 'wUnlock', 'add', 'done', 'wait', 'cond', 'signal'],
  ...['broadcast', 'once', 'goexit'],
] as const;
type StepOp = (typeof ops)[number];
interface Step {
  readonly op: StepOp;
  /** Channel or mutex; another channel, for a select. */
  readonly a: number;
  readonly b: number;
}
interface Program {
  readonly caps: readonly number[];
  readonly scripts: readonly (readonly Step[])[];
}

/** Programs that keep to a few kinds of steps, so that goroutines meet. The two channels of a select differ. */
const programs: fc.Arbitrary<Program> = fc.array(fc.constantFrom(...ops), { minLength: 3, maxLength: 10 }).chain((kinds) => {
  const step = fc.record({ op: fc.constantFrom(...kinds), a: fc.nat(3), other: fc.nat(2) });
  return fc.record({
    caps: fc.tuple(fc.constant(0), fc.constant(0), fc.nat(2), fc.integer({ min: 1, max: 2 })),
    scripts: fc.array(
      fc.array(
        step.map(({ op, a, other }): Step => ({ op, a, b: (a + 1 + other) % 4 })),
        { minLength: 1, maxLength: 8 },
      ),
      { minLength: 3, maxLength: 8 },
    ),
  });
});

/** What the goroutines of one program share. */
class World {
  readonly log: string[] = [];
  private readonly chans: Chan<number>[];
  private readonly mutexes;
  private readonly rw;
  private readonly wg;
  private readonly cond;
  private readonly once;
  private pending = 0;
  private next = 0;

  constructor(
    go: Go,
    private readonly program: Program,
  ) {
    this.chans = program.caps.map((n) => go.chan(i32, n));
    this.mutexes = [go.mutex(), go.mutex()] as const;
    this.rw = go.rwMutex();
    this.wg = go.waitGroup();
    this.cond = go.cond(this.mutexes[0]);
    this.once = go.once();
  }

  /** Starts the next script that nobody has started. */
  start(go: Go): void {
    if (this.next < this.program.scripts.length) go.go(script, this, this.next++);
  }

  *run(go: Go, id: number): Generator<void, void, void> {
    const held = { mutexes: [false, false], writes: false, reads: 0 };
    go.defer(() => {
      const r = go.recover();
      if (r !== null) this.log.push(`${id} panic: ${String(r)}`);
      this.log.push(`${id} ends`);
    });
    for (const [k, step] of this.program.scripts[id]!.entries()) {
      const result = yield* this.do(go, step, id * 100 + k, held);
      this.log.push(`${id}.${k} ${step.op} ${result}`);
    }
  }

  private *do(
    go: Go,
    { op, a, b }: Step,
    v: number,
    held: { mutexes: boolean[]; writes: boolean; reads: number },
  ): Generator<void, string, void> {
    const { chans, rw } = this;
    const m = a % 2;
    const mutex = this.mutexes[m as 0 | 1];
    if (op === 'send') yield* chans[a]!.send(v);
    else if (op === 'recv') return (yield* chans[a]!.recv2()).join(' ');
    else if (op === 'trySend') return chans[a]!.trySend(v) ? 'yes' : 'no';
    else if (op === 'tryRecv') {
      const r = chans[a]!.tryRecv();
      return r === null ? 'no' : `${r.value} ${r.ok}`;
    } else if (op === 'close') chans[a]!.close();
    else if (op === 'select') {
      const r = yield* go.select([chans[a]!.recvCase(), chans[b]!.sendCase(v)]);
      return r.index === 0 ? `${r.value} ${r.ok}` : 'sent';
    } else if (op === 'lock') {
      if (!held.mutexes[m]) yield* mutex.lock();
      held.mutexes[m] = true;
    } else if (op === 'tryLock') {
      if (held.mutexes[m]) return '';
      held.mutexes[m] = mutex.tryLock();
      return String(held.mutexes[m]);
    } else if (op === 'unlock') {
      if (held.mutexes[m]) mutex.unlock();
      held.mutexes[m] = false;
    } else if (op === 'rLock') {
      if (held.writes) return '';
      yield* rw.rLock();
      held.reads++;
    } else if (op === 'rUnlock') {
      if (held.reads > 0) rw.rUnlock();
      held.reads = Math.max(held.reads - 1, 0);
    } else if (op === 'wLock') {
      if (held.writes || held.reads > 0) return '';
      yield* rw.lock();
      held.writes = true;
    } else if (op === 'wUnlock') {
      if (held.writes) rw.unlock();
      held.writes = false;
    } else if (op === 'add') {
      this.pending++;
      this.wg.add(1);
    } else if (op === 'done') {
      if (this.pending > 0) this.wg.done();
      this.pending = Math.max(this.pending - 1, 0);
    } else if (op === 'wait') yield* this.wg.wait();
    else if (op === 'cond') {
      if (held.mutexes[0]) return '';
      yield* this.mutexes[0].lock();
      yield* this.cond.wait();
      this.mutexes[0].unlock();
    } else if (op === 'signal') this.cond.signal();
    else if (op === 'broadcast') this.cond.broadcast();
    else if (op === 'once') {
      let result = '';
      yield* this.once.do(function* () {
        yield* go.gosched();
        result = 'did';
      });
      return result;
    } else if (op === 'gosched') yield* go.gosched();
    else if (op === 'spawn') this.start(go);
    else go.goexit();
    return '';
  }
}

/** Lets all others come to their end, or to where they block for ever. */
function* waits(go: Go, quiet: Chan<boolean>): Generator<void, void, void> {
  for (let i = 0; i < 60; i++) yield* go.gosched();
  yield* quiet.send(true);
}

function* script(go: Go, world: World, id: number): Generator<void, void, void> {
  yield* world.run(go, id);
}

/** Counts what Go would leave to chance. */
class Chances extends FairChooser {
  n = 0;
  override choose(kind: number, n: number, fair: number): number {
    this.n++;
    return super.choose(kind, n, fair);
  }
}

/** The different logs of a program, sorted; null: a select drew among several cases. */
function logsOf(program: Program): string[] | null {
  const logs = new Set<string>();
  const chooser = new Chances(1);
  new Runtime({ gogc: 'off', heapBytes: 16 << 20, chooser, maxGoroutines: 2000 }).run(function* main(go) {
    const { runq, curp } = go.runtime.machine.sched;
    for (let n = 0; n < rounds; n++) {
      while (runq.tick(curp) % rounds !== n) yield* go.gosched();
      const world = new World(go, program);
      for (let i = 0; i < 4; i++) world.start(go);
      const quiet = go.chan(bool);
      go.go(waits, quiet);
      world.start(go);
      yield* quiet.recv();
      logs.add(world.log.splice(0).join('\n'));
    }
  });
  return chooser.n > 0 ? null : [...logs].sort();
}

/** The same from Go, for all programs. */
function logsOfGo(all: readonly Program[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'gorena-order-'));
  try {
    writeFileSync(join(folder, 'programs.json'), JSON.stringify(all));
    execFileSync('go', ['build', '-o', join(folder, 'order'), '.'], { cwd: join(import.meta.dirname, 'order') });
    const env = { ...process.env, GOGC: 'off', GODEBUG: 'asyncpreemptoff=1' };
    const out = execFileSync(join(folder, 'order'), [join(folder, 'programs.json')], { env, encoding: 'utf8', maxBuffer: 1 << 30 });
    return JSON.parse(out) as string[][];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout ?? '';
const hasGo = /^go1\.19\b/.test(version);
if (!hasGo) console.log('skipped: no Go 1.19 here, which would say who runs when');

test.skipIf(!hasGo)(
  `${many} random programs run in the order in which Go runs them`,
  () => {
    const all = fc.sample(programs, { seed, numRuns: many });
    const theirs = logsOfGo(all);
    let compared = 0;
    let several = 0;
    for (const [i, program] of all.entries()) {
      const ours = logsOf(program);
      if (ours === null) continue;
      expect(ours, `program ${i} of seed ${seed}: ${JSON.stringify(program)}`).toEqual(theirs[i]);
      compared++;
      if (ours.length > 1) several++;
    }
    expect(compared, 'programs without a draw').toBeGreaterThan(many / 2);
    expect(several, 'programs that it matters for when they begin').toBeGreaterThan(many / 10);
  },
  240_000,
);
