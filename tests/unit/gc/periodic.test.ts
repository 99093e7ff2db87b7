// The cycle that the clock asks for: two minutes after the last one ended, whether the heap has grown or not. Time is virtual.
import { describe, expect, test } from 'vitest';
import { Phase } from '../../../gc/mgc.ts';
import { type GoFunc, type Options, Runtime, self, struct } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { checkedOptions } from '../../support/run.ts';

const Node = struct('periodic.Node', { next: self });
const second = 1e9;

function run(main: GoFunc<[]>, options: Options = {}): { rt: Runtime; lines: string[] } {
  const lines: string[] = [];
  const rt = new Runtime({ ...checkedOptions, output: (line) => lines.push(line), ...options });
  rt.run(main);
  return { rt, lines };
}

/** Sleeps for `seconds`, one at a time; sysmon asks for cycles meanwhile. Returns when cycles began after `before`, in seconds. */
function watch(
  seconds: number,
  options: Options = {},
  before: GoFunc<[]> = function* (go) {
    yield* go.gc();
  },
): { began: number[]; rt: Runtime; lines: string[] } {
  const began: number[] = [];
  const ran = run(function* main(go) {
    const { gc } = go.runtime.machine;
    yield* before(go);
    go.runtime.machine.subscribe((kind, phase) => {
      if (kind === Ev.gcPhase && phase === Phase.mark) began.push(Math.floor(go.now() / second));
    });
    for (let i = 0; i < seconds; i++) {
      yield* go.sleep(second);
      while (gc.marking) yield* go.gosched();
    }
  }, options);
  return { began, ...ran };
}

describe('periodic', () => {
  test('a cycle begins two minutes after the last has ended, and again', () => {
    const { began, rt } = watch(400);
    expect(began).toEqual([120, 241, 362]); // sysmon looks round when the sleeper wakes, once a second
    expect(rt.readMemStats()).toMatchObject({ numGC: 4, numForcedGC: 1 }); // runtime.GC was one of them; the clock's do not count as forced
  });

  test('a collection in between puts it off', () => {
    const { began } = watch(200, {}, function* (go) {
      yield* go.gc();
      yield* go.sleep(90 * second);
      yield* go.gc();
    });
    expect(began).toEqual([210]);
  });

  test('never before the first cycle', () => {
    expect(watch(300, {}, function* () {}).began).toEqual([]);
  });

  test('GOGC=off stops the clock as well', () => {
    expect(watch(300, { gogc: 'off' }).began).toEqual([]);
  });

  test('not while a cycle is marking', () => {
    run(function* main(go) {
      const { gc } = go.runtime.machine;
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      yield* go.gc();
      yield* go.sleep(second);
      gc.forcePeriod = 0;
      gc.start(false);
      expect(gc.marking).toBe(true);
      expect(gc.periodicDue(go.now())).toBe(false);
      expect(gc.periodic(go.now())).toBe(false);
      expect(gc.cycle).toBe(2);
    });
  });

  test('with gctrace=1 it is announced in Go’s words; the line of the cycle is not marked as forced', () => {
    const { lines } = watch(130, { godebug: 'gctrace=1' });
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^gc 1 .* \(forced\)$/);
    expect(lines[1]).toBe('GC forced');
    expect(lines[2]).toMatch(/^gc 2 @120\.\d+s .* 1 P$/);
  });

  test('idle Ps do not mark for it: at most one, so that somebody does', () => {
    run(
      function* main(go) {
        const { gc } = go.runtime.machine;
        yield* go.gc();
        yield* go.sleep(second);
        gc.forcePeriod = 0;
        expect(gc.periodic(go.now())).toBe(true);
        const { workers } = gc.pacer;
        expect(workers.needsIdle()).toBe(false); // four Ps have a dedicated worker
      },
      { procs: 4 },
    );
  });

  test('garbage is freed by it', () => {
    const { rt } = watch(130, {}, function* (go) {
      yield* go.gc();
      for (let i = 0; i < 100; i++) go.new(Node);
    });
    while (!rt.machine.gc.idle) rt.machine.gc.step(1);
    expect(rt.stats()).toMatchObject({ mallocs: 100, frees: 100 });
  });
});
