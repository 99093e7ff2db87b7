// Never run, only compiled by `make check`: what the types of gorena/sim and gorena/vitest must refuse. See tests/types/fields.ts.
import fc from 'fast-check';
import { i32 } from 'gorena';
import { explore, exploreSync, replay } from 'gorena/sim';
import { simTest } from 'gorena/vitest';
import { expect } from 'vitest';

export async function types() {
  // What is right must stay right.
  simTest('plain', function* (go) {
    const q = go.chan(i32, 1);
    yield* q.send(1);
  });
  simTest('options', { schedules: 10, time: { maxSkew: 5 }, strategy: { pct: 3 }, timeout: 1000 }, function* () {});
  simTest.only('inputs', { inputs: [fc.nat(), fc.array(fc.string())] }, (n, words) => {
    const text: string[] = words;
    return function* (go) {
      yield* go.sleep(n + text.length);
    };
  });
  const exploration = await explore(function* () {}, { schedules: 3, shrink: false, name: 'x' });
  const text: string = exploration.failure?.replay ?? '';
  const { failure, divergence } = replay(function* () {}, text);
  const where: [string | undefined, string | undefined] = [failure?.steps[0]?.g, divergence?.expected];
  expect(exploration).toHoldOnAllSchedules();
  await expect(function* () {}).toHoldOnAllSchedules({ schedules: 5 });

  // @ts-expect-error no program
  simTest('none', { schedules: 1 });
  // @ts-expect-error no such strategy
  simTest('strategy', { strategy: 'pct2' }, function* () {});
  // @ts-expect-error an option of vitest's test is none of ours
  simTest('retry', { retry: 3 }, function* () {});
  // @ts-expect-error the input is a number
  simTest('input', { inputs: [fc.nat()] }, (word: string) => function* (_go) { word.trim(); }); // biome-ignore format: one line
  // @ts-expect-error with inputs, a function that makes the program
  simTest('made', { inputs: [fc.nat()] }, (n) => n);
  // @ts-expect-error a string, not a failure
  replay(function* () {}, exploration.failure);
  // @ts-expect-error exploring gives no number
  const wrong: number = exploreSync(function* () {});
  return [where, wrong];
}
