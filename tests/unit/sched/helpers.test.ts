// The runtime's own goroutines: rows of the table with Go's ids, names and wait reasons, apart from those of the program.
import { describe, expect, test } from 'vitest';
import { type Go, i32, Runtime, type RuntimeError, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { type G, waitReasonNames } from '../../../sched/g.ts';
import type { P } from '../../../sched/p.ts';
import { schedTrace } from '../../../sched/schedtrace.ts';
import { checkedOptions, run } from '../../support/run.ts';

const Node = struct('main.Node', { value: i32, next: self });

/** The runtime's own goroutines as `id name [wait reason]`, by id. */
function own({ machine: { sched, symtab } }: Runtime): string[] {
  const { gt } = sched;
  const gs = [...sched.goroutines(true)].filter((g) => gt.system[g] !== 0).sort((a, b) => gt.goid[a] - gt.goid[b]);
  return gs.map((g: G) => `${gt.goid[g]} ${symtab.frame(gt.goPc[g]).func} [${waitReasonNames[sched.ops[g]!.waitReason]}]`);
}

const threeHelpers = [
  '2 runtime.forcegchelper [force gc (idle)]',
  '3 runtime.bgsweep [GC sweep wait]',
  '4 runtime.bgscavenge [GC scavenge wait]',
];

describe('goroutines of the runtime', () => {
  test('three are there from the beginning; the program sees none of them', () => {
    run(function* main(go) {
      expect(own(go.runtime)).toEqual(threeHelpers);
      expect(go.id).toBe(1);
      expect(go.numGoroutine()).toBe(1);
      expect(go.stack(true)).toMatch(/^goroutine 1 \[running\]:\nmain\.main\(\.\.\.\)\n\t\S+\n$/);
    });
  });

  test('a cycle makes a mark worker for each P, with ids of the goroutine’s P; the finalizer goroutine comes with the first finalizer', () => {
    const ids: number[] = [];
    run(
      function* main(go) {
        const f = go.locals({ n: Node });
        function* worker(go: Go) {
          ids.push(go.id);
        }
        f.n = go.new(Node);
        yield* go.gc();
        yield* go.gc();
        expect(own(go.runtime)).toEqual([...threeHelpers, ...[5, 6, 7, 8].map((id) => `${id} runtime.gcBgMarkWorker [GC worker (idle)]`)]);
        go.go(worker);
        go.setFinalizer(f.n, () => {});
        yield* go.sleep(1e6);
        expect(own(go.runtime).at(-1)).toMatch(/^\d+ runtime\.runfinq \[finalizer wait\]$/);
      },
      { procs: 4 },
    );
    expect(ids[0]).toBeGreaterThan(8);
  });

  test('they take no room from the program', () => {
    const { rt } = run(
      function* main(go) {
        yield* go.gc();
        function* worker(go: Go) {
          yield* go.sleep(1e3);
        }
        for (let i = 0; i < 7; i++) go.go(worker);
        expect(() => go.go(worker)).toThrow(new RangeError('too many goroutines: 8 (raise the option maxGoroutines)'));
        yield* go.sleep(1e6);
        for (let i = 0; i < 7; i++) go.go(worker);
        yield* go.sleep(1e6);
      },
      { maxGoroutines: 8, procs: 3 },
    );
    expect(rt.machine.sched.live).toBe(0);
  });

  test('in scheddetail they are goroutines like others: a dedicated worker runs on an M while marking goes on', () => {
    const reports: string[][] = [];
    const rt = new Runtime({ ...checkedOptions, procs: 4, maxGoroutines: 8, heapBytes: 8 << 20, checkHeap: false, oracle: false });
    const { sched, gc } = rt.machine;
    rt.run(function* main(go) {
      const f = go.locals({ n: Node, m: Node });
      for (let i = 0; i < 20_000; i++) {
        f.m = go.new(Node);
        f.m.next = f.n;
        f.n = f.m;
      }
      while (gc.marking || !gc.sweeper.isDone) yield* go.gosched();
      gc.start(false);
      while (gc.marking) {
        yield* go.gosched();
        reports.push(schedTrace(sched, true));
      }
    });
    const running = reports.flatMap((lines) => lines.filter((l) => /^ {2}G[5678]: status=2\(.*\) m=\d+ lockedm=-1$/.test(l)));
    expect(running.length).toBeGreaterThan(0);
    expect(
      reports[0]!.filter((l) => /^ {2}G[234]: status=4\((force gc \(idle\)|GC sweep wait|GC scavenge wait)\) m=-1/.test(l)),
    ).toHaveLength(3);
  });

  test('bgsweep is woken by the end of the marking, runs in slices and parks when all is swept; a worker starts and stops', () => {
    const rt = new Runtime({ ...checkedOptions, oracle: false, procs: 2, gogc: 'off' });
    const { sched } = rt.machine;
    const seen = new Map<number, number[]>();
    const note = (goid: number, kind: number) => seen.get(goid)?.push(kind) ?? seen.set(goid, [kind]);
    rt.machine.subscribe((kind, a, b) => {
      if (kind === Ev.workerStart || kind === Ev.workerStop) note(b, kind);
      else if (kind >= Ev.goStart && kind <= Ev.goYield) note(a, kind);
    });
    rt.run(function* main(go) {
      const f = go.locals({ n: Node, m: Node });
      for (let i = 0; i < 2000; i++) {
        f.m = go.new(Node);
        f.m.next = f.n;
        f.n = f.m;
      }
      rt.machine.gc.start(false);
      while (!rt.machine.gc.idle) yield* go.gosched();
      yield* go.gosched();
    });
    const sweeper = seen.get(3)!;
    expect(sweeper.slice(0, 4)).toEqual([Ev.goStart, Ev.goPark, Ev.goReady, Ev.goStart]);
    expect(sweeper.filter((kind) => kind === Ev.goStart)).toHaveLength(1 + sweeper.filter((kind) => kind === Ev.goYield).length + 1);
    expect(sweeper.at(-1)).toBe(Ev.goPark);
    const marked = [5, 6].flatMap((goid) => seen.get(goid) ?? []).filter((kind) => kind === Ev.workerStart);
    expect(marked.length).toBeGreaterThan(0);
    expect([0, 1].map((p) => sched.pt.worker[p as P])).toEqual([0, 0]); // all of them have stopped
  });
});

describe('dumps', () => {
  test('a finalizer that runs the program’s code is shown, and not counted', () => {
    let text = '';
    run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      go.setFinalizer(f.n, () => {
        expect(go.numGoroutine()).toBe(1);
        text = go.stack(true);
      });
      f.n = null;
      yield* go.gc();
      yield* go.sleep(1e6);
      expect(go.stack(true)).not.toContain('runtime.runfinq');
    });
    expect(text).toMatch(
      /^goroutine \d+ \[running\]:\nruntime\.runfinq\(\.\.\.\)\n\tmfinal\.go:\d+\n[\s\S]*\n\ngoroutine 1 \[(sleep|runnable)\]:\nmain\.main/,
    );
  });

  test('a bug of the runtime shows its goroutines too', () => {
    const rt = new Runtime({ ...checkedOptions });
    rt.machine.faults.keepMarkBits = true;
    let error: unknown;
    try {
      rt.run(function* main(go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        yield* go.gc();
        yield* go.gc();
      });
    } catch (caught) {
      error = caught;
    }
    expect((error as RuntimeError).kind).toBe('throw');
    expect((error as RuntimeError).message).toMatch(
      /\n\ngoroutine 2 \[force gc \(idle\)\]:\nruntime\.forcegchelper\(\.\.\.\)\n\tproc\.go:\d+\n\n/,
    );
    expect((error as RuntimeError).message).toContain('goroutine 4 [GC scavenge wait]:\nruntime.bgscavenge(...)');
  });
});
