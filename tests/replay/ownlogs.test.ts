// There and back: a program of ours under GODEBUG=allocfreetrace=1, its log replayed, and the profile that the replay publishes at
// each mark is the one that the program got there. What `gorena replay` does with logs of real Go, it does with ours.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { replay } from '../../replay/replay.ts';
import {
  array,
  type Era,
  func,
  type Go,
  i32,
  inUseBytes,
  inUseObjects,
  type Ref,
  Runtime,
  type SchemeName,
  self,
  struct,
} from '../../runtime/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'gorena-ownlogs-'));
afterAll(() => rmSync(dir, { recursive: true }));

const Node = struct('main.Node', { value: i32, next: self, pad: array(i32, 100) });
const keep = func('main.keep', { n: Node }, (f, list: { head: Ref<typeof Node> | null }) => {
  f.n = f.new(Node);
  f.n.next = list.head;
  list.head = f.n;
});
const drop = func('main.drop', { n: Node }, (f) => void (f.n = f.new(Node)));
const inner = func('main.inner', { n: Node }, (f) => drop(f));

/** Runs a program with natural and forced collections, and writes its log and its profiles at three moments. */
function record(name: string, options: { procs: number; scheme: SchemeName; era: Era }): string {
  const log: string[] = [];
  const profiles = join(dir, name);
  mkdirSync(profiles);
  const rt = new Runtime({
    ...options,
    memProfileRate: 1,
    heapBytes: 8 << 20,
    gogc: 5,
    godebug: 'allocfreetrace=1',
    output: (line) => log.push(line),
  });
  const { symtab } = rt.machine;
  const snapshot = (go: Go, at: string) => {
    log.push(`# snapshot begin ${at}`);
    const records = go.memProfile(true).map((r) => ({
      inuseObjects: inUseObjects(r),
      inuseBytes: inUseBytes(r),
      allocObjects: r.allocObjects,
      allocBytes: r.allocBytes,
      stack: r.stack.map((pc) => symtab.text(pc)),
    }));
    writeFileSync(join(profiles, `${at}.jsonl`), records.map((r) => `${JSON.stringify(r)}\n`).join(''));
    log.push(`# snapshot end ${at}`);
  };
  log.push('# profile start');
  const { numGC } = rt.run(function* main(go) {
    const done = go.waitGroup();
    done.add(3);
    for (let k = 0; k < 3; k++) {
      go.go(function* works(go: Go) {
        const f = go.locals({ head: Node });
        for (let i = 0; i < 1200; i++) {
          if (i % 10 === k) keep(go, f);
          else if (i % 2 === 0) drop(go);
          else inner(go);
          if (i % 600 === 599) f.head = null;
          yield* go.gosched();
        }
        done.done();
      });
    }
    yield* go.sleep(1e5);
    snapshot(go, 'early');
    yield* done.wait();
    snapshot(go, 'worked');
    log.push('# gc begin');
    yield* go.gc();
    log.push('# gc end');
    snapshot(go, 'collected');
  });
  log.push('# profile end');
  expect(numGC).toBeGreaterThan(2);
  const path = join(dir, `${name}.log`);
  writeFileSync(path, `${log.join('\n')}\n`);
  return path;
}

test.each([
  [1, 'three-stage'],
  [3, 'cycle'],
] as const)(
  'on %d Ps, scheme %s',
  async (procs, scheme) => {
    const name = `${scheme}-${procs}`;
    const report = await replay(record(name, { procs, scheme, era: '1.19' }), { scheme, seed: 1, compareWith: join(dir, name) });
    expect(report.objectsReplayed).toBeGreaterThan(3600);
    expect(report.snapshots.map((s) => s.name)).toEqual(['early', 'worked', 'collected']);
    for (const { name, comparison } of report.snapshots) {
      expect(comparison!.different, name).toEqual([]);
      expect(comparison!.equal, name).toBeGreaterThan(2);
      expect(
        comparison!.leftOut.map((l) => l.count),
        name,
      ).toEqual([0, 0, 0]);
    }
  },
  120_000,
);
