// Goroutines that are async functions: their awaits are points, what fails is found and comes back, and an await of something else is
// told.
import { describe, expect, test } from 'vitest';
import { type Go, i32, Runtime } from '../../runtime/index.ts';
import { asyncFunc, exploreAsync, exploreSync, replayAsync, wait } from '../../sim/index.ts';

/** Two updates of a balance, with a helper between them; a lock makes them right. */
const account = (locked: boolean) =>
  asyncFunc(async function account(go: Go) {
    const balance = go.cell(0, 'balance');
    const mu = go.mutex();
    const done = go.waitGroup();
    done.add(2);
    const read = async () => await wait(balance.get()); // an await within an await takes several microtasks
    const deposit = asyncFunc(async function deposit(_go: Go, amount: number) {
      if (locked) await wait(mu.lock());
      const old = await read();
      await wait(balance.set(old + amount));
      if (locked) mu.unlock();
      done.done();
    });
    go.go(deposit, 1);
    go.go(deposit, 2);
    await wait(done.wait());
    expect(balance.peek()).toBe(3);
  });

test('an update that is lost between two awaits is found, and a lock mends it', async () => {
  const { failure, warnings } = await exploreAsync(account(false), { schedules: 300 });
  expect(failure).toMatchObject({ verdict: 'assertion' });
  expect(new Set(failure!.steps.map(({ g }) => g)).size).toBe(3);
  expect(warnings).toEqual([]);
  expect(await exploreAsync(account(true), { schedules: 300 })).toMatchObject({ failure: null, schedules: 300 });
});

test('it is the same again each time: by seed and by replay string', async () => {
  const [a, b] = [await exploreAsync(account(false)), await exploreAsync(account(false))];
  expect(b.failure!.order).toEqual(a.failure!.order);
  for (let k = 0; k < 20; k++) {
    expect(await replayAsync(account(false), a.failure!.replay)).toMatchObject({
      divergence: null,
      failure: { identity: a.failure!.identity, order: a.failure!.order },
    });
  }
});

test('channels, selects, timers and generators among async functions', async () => {
  const main = asyncFunc(async function main(go: Go) {
    const q = go.chan(i32);
    const once = go.once();
    let times = 0;
    go.go(function* producer(go) {
      yield* go.sleep(10);
      yield* q.send(7);
    });
    await wait(once.do(() => times++)); // a generator behind it, not one operation
    const r = await wait(go.select([q.recvCase(), go.after(1_000_000).recvCase()]));
    await wait(once.do(() => times++));
    expect(times).toBe(1);
    if (r.index === 0) expect(r.value).toBe(7);
  });
  expect((await exploreAsync(main, { schedules: 100, leaks: false })).failure).toBeNull();
});

test('a deadlock of two async functions names who waits for whom', async () => {
  const main = asyncFunc(async function main(go: Go) {
    const [a, b] = [go.mutex(), go.mutex()];
    go.go(
      asyncFunc(async function left() {
        await wait(a.lock());
        await wait(b.lock());
        b.unlock();
        a.unlock();
      }),
    );
    await wait(b.lock());
    await wait(a.lock());
    a.unlock();
    b.unlock();
  });
  const { failure } = await exploreAsync(main, { schedules: 200 });
  expect(failure).toMatchObject({
    verdict: 'deadlock',
    blocked: [
      { g: 'main', holder: 'main/left' },
      { g: 'main/left', holder: 'main' },
    ],
  });
});

test('a panic where it is awaited can be caught there', async () => {
  const main = asyncFunc(async function main(go: Go) {
    const q = go.chan(i32, 1);
    q.close();
    await expect(wait(q.send(1))).rejects.toThrow('send on closed channel');
  });
  expect((await exploreAsync(main, { schedules: 5 })).failure).toBeNull();
});

test('a promise of the host is waited for, and told', async () => {
  const main = asyncFunc(async function main(go: Go) {
    const c = go.cell(0, 'c');
    await new Promise((resolve) => setTimeout(resolve, 1));
    await wait(c.set(1));
  });
  const { failure, warnings } = await exploreAsync(main, { schedules: 3 });
  expect(failure).toBeNull();
  expect(warnings).toEqual([
    expect.stringMatching(/^main\d* awaited a promise that is not gorena's, 3 times: what comes of it is not controlled$/),
  ]);
});

describe('what cannot be is told', () => {
  test('two operations at once', async () => {
    const main = asyncFunc(async function main(go: Go) {
      const [a, b] = [go.mutex(), go.mutex()];
      await Promise.all([wait(a.lock()), wait(b.lock())]);
    });
    const { failure } = await exploreAsync(main, { schedules: 1 });
    expect(failure?.message).toMatch(/^wait: main\d* waits for two operations at once; await the first before the second$/);
  });

  test('wait in a generator, an async goroutine where nobody pumps', async () => {
    expect(() => wait([] as never)).toThrow('wait: only in an async goroutine');
    expect(() => exploreSync(account(false))).toThrow('a goroutine is an async function: explore it with exploreAsync');
    expect(() => new Runtime().run(account(false))).toThrow(/^go account\d*: async goroutines are for exploring: gorena\/sim$/);
  });
});
