// runtime/pprof/pprof_test.go: who blocks where, who makes others wait, and that short waits weigh what they last.
import { expect, test } from 'vitest';
import { type Go, gofunc, i32, type RecvChan, type Runtime } from '../../runtime/index.ts';
import { goRun } from './support.ts';

const second = 1e9;
const delay = 10e6; // Go waits until the other one is seen to block; here a moment of virtual time does

/** Starts a goroutine that does something after a while. */
function afterDelay(go: Go, what: () => void): void {
  go.go(function* helper(go: Go) {
    yield* go.sleep(delay);
    what();
  });
}

const blockChanRecv = gofunc('runtime/pprof.blockChanRecv', {}, function* (go) {
  const c = go.chan(i32);
  afterDelay(go, () => c.trySend(1));
  yield* c.recv();
});
const blockChanSend = gofunc('runtime/pprof.blockChanSend', {}, function* (go) {
  const c = go.chan(i32);
  afterDelay(go, () => c.tryRecv());
  yield* c.send(1);
});
const blockChanClose = gofunc('runtime/pprof.blockChanClose', {}, function* (go) {
  const c = go.chan(i32);
  afterDelay(go, () => c.close());
  yield* c.recv();
});
const blockSelectRecvAsync = gofunc('runtime/pprof.blockSelectRecvAsync', {}, function* (go) {
  const numTries = 3;
  const [c, c2] = [go.chan(i32, 1), go.chan(i32, 1)];
  go.go(function* helper(go: Go) {
    for (let i = 0; i < numTries; i++) {
      yield* go.sleep(delay);
      yield* c.send(1);
    }
  });
  for (let i = 0; i < numTries; i++) yield* go.select([c.recvCase(), c2.recvCase()]);
});
const blockSelectSendSync = gofunc('runtime/pprof.blockSelectSendSync', {}, function* (go) {
  const [c, c2] = [go.chan(i32), go.chan(i32)];
  afterDelay(go, () => c.tryRecv());
  yield* go.select([c.sendCase(1), c2.sendCase(1)]);
});
const blockMutex = gofunc('runtime/pprof.blockMutex', {}, function* (go) {
  const mu = go.mutex();
  yield* mu.lock();
  go.go(unlocks, mu);
  yield* mu.lock(); // recovers only when the goroutine unlocks it
});
function* unlocks(go: Go, mu: { unlock(): void }): Generator<void, void, void> {
  yield* go.sleep(delay);
  mu.unlock();
}
const blockCond = gofunc('runtime/pprof.blockCond', {}, function* (go) {
  const mu = go.mutex();
  const c = go.cond(mu);
  yield* mu.lock();
  go.go(function* helper(go: Go) {
    yield* go.sleep(delay);
    yield* mu.lock();
    c.signal();
    mu.unlock();
  });
  yield* c.wait();
  mu.unlock();
});

/** The stacks of a profile, each as the names of its functions. */
const stacks = (rt: Runtime, profile: 'block' | 'mutex') =>
  rt.profile(profile).data.samples.map((s) => s.stack.map((pc) => rt.machine.symtab.frame(pc).func).join(' '));

test('TestBlockProfile', () => {
  const cases = [
    ['runtime.chanrecv1', 'runtime/chan.go', blockChanRecv, 'blockChanRecv', 1],
    ['runtime.chansend1', 'runtime/chan.go', blockChanSend, 'blockChanSend', 1],
    ['runtime.chanrecv1', 'runtime/chan.go', blockChanClose, 'blockChanClose', 1],
    ['runtime.selectgo', 'runtime/select.go', blockSelectRecvAsync, 'blockSelectRecvAsync', 3],
    ['runtime.selectgo', 'runtime/select.go', blockSelectSendSync, 'blockSelectSendSync', 1],
    ['sync.(*Mutex).Lock', 'sync/mutex.go', blockMutex, 'blockMutex', 1],
    ['sync.(*Cond).Wait', 'sync/cond.go', blockCond, 'blockCond', 1],
  ] as const;
  const rt = goRun(
    function* main(go) {
      for (const [, , block] of cases) yield* block(go);
    },
    { blockProfileRate: 1 },
  );
  const text = rt.profile('block').text();
  expect(text.startsWith('--- contention:\ncycles/second=1000000000\n')).toBe(true);
  expect(text).not.toContain('#\t0x0'); // no useless frames of a goroutine's end
  for (const [leaf, file, , name, times] of cases) {
    expect(stacks(rt, 'block')).toContain(`${leaf} runtime/pprof.${name} main.main`);
    const quoted = leaf.replace(/[().*]/g, '\\$&');
    const record = new RegExp(
      `\\n(\\d+) (\\d+) @( 0x[0-9a-f]+)+\\n#\\t0x[0-9a-f]+\\t${quoted}\\+0x[0-9a-f]+\\t+${file}:\\d+\\n#\\t0x[0-9a-f]+\\truntime/pprof\\.${name}\\+0x[0-9a-f]+\\t+\\S*blockprof\\.test\\.ts:\\d+\\n`,
    ).exec(text);
    expect(record, `${name} in\n${text}`).not.toBe(null);
    expect(Number(record![2])).toBe(times);
    expect(Number(record![1])).toBeGreaterThan(times * (delay - 1000));
    expect(Number(record![1])).toBeLessThan(times * (delay + 100_000));
  }
});

test('TestBlockProfileBias', () => {
  const rate = 1000;
  const rt = goRun(function* main() {}, { blockProfileRate: rate });
  const { blocks, symtab } = rt.machine;
  const pcOf = (name: string) => [symtab.pc(`runtime/pprof.${name}`, 'pprof_test.go', 1)];
  for (let i = 0; i < 100_000; i++) blocks.blockEvent(rate / 10, pcOf('blockFrequentShort'), 1);
  for (let i = 0; i < 10_000; i++) blocks.blockEvent(rate, pcOf('blockInfrequentLong'), 1);
  const delayOf = (name: string) => rt.profile('block').data.samples.find((s) => s.stack[0] === pcOf(name)[0])!.values[1]!;
  const long = delayOf('blockInfrequentLong');
  expect(Math.abs(long - delayOf('blockFrequentShort')) / long).toBeLessThan(0.2);
});

test('TestMutexProfile', () => {
  const rt = goRun(function* main(go) {
    expect(go.setMutexProfileFraction(1)).toBe(0);
    yield* blockMutex(go);
    expect(go.setMutexProfileFraction(0)).toBe(1);
  });
  const lines = rt.profile('mutex').text().trim().split('\n');
  expect(lines.slice(0, 2)).toEqual(['--- mutex:', 'cycles/second=1000000000']);
  expect(lines[2]).toMatch(/^sampling period=\d+$/);
  expect(lines[3]).toMatch(/^\d+ 1 @(?: 0x[0-9a-f]+)+$/);
  expect(lines[4]).toMatch(/^#\t0x[0-9a-f]+\tsync\.\(\*Mutex\)\.Unlock\+0x[0-9a-f]+\t+sync\/mutex\.go:223$/);
  expect(lines).toHaveLength(6);
  expect(stacks(rt, 'mutex')).toEqual(['sync.(*Mutex).Unlock main.unlocks']);
});

function* func1(_go: Go, c: RecvChan<number>): Generator<void, void, void> {
  yield* c.recv();
}
function* func2(_go: Go, c: RecvChan<number>): Generator<void, void, void> {
  yield* c.recv();
}
function* func3(_go: Go, c: RecvChan<number>): Generator<void, void, void> {
  yield* c.recv();
}

test('TestGoroutineCounts', () => {
  let text = '';
  let counts: number[] = [];
  goRun(
    function* main(go) {
      const c = go.chan(i32);
      for (let i = 0; i < 100; i++) {
        go.go(i % 10 === 0 ? func1 : i % 2 === 0 ? func2 : func3, c);
        for (let j = 0; j < 5; j++) yield* go.gosched();
      }
      text = go.profile('goroutine').text();
      counts = go.profile('goroutine').data.samples.map((s) => s.values[0]!);
      c.close();
      yield* go.sleep(second);
    },
    { maxGoroutines: 200 },
  );
  expect(text).toMatch(/^goroutine profile: total 101\n50 @ [\s\S]*\n40 @ [\s\S]*\n10 @ [\s\S]*\n1 @ /);
  expect(counts).toEqual([50, 40, 10, 1]);
});

test('TestEmptyStack', () => {
  const rt = goRun(function* main() {}, { blockProfileRate: 1 });
  rt.machine.blocks.blockEvent(5, [], 0);
  expect(rt.blockProfile()).toEqual([{ count: 1, cycles: 5, stack: [] }]);
  expect(rt.profile('block').text()).toContain('\n5 1 @\n');
  expect(rt.profile('block').proto().length).toBeGreaterThan(20);
});
