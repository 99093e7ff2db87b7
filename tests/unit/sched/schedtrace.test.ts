// GODEBUG=schedtrace and scheddetail: Go's lines, one report every so many milliseconds of virtual time.
import { expect, test } from 'vitest';
import { type Go, Runtime } from '../../../runtime/index.ts';

/** The lines of a program on two Ps: three goroutines that compute, and one that is locked to its thread and sleeps. */
function lines(godebug: string): string[] {
  const out: string[] = [];
  const rt = new Runtime({ procs: 2, heapBytes: 1 << 20, godebug, output: (line) => out.push(line) });
  rt.run(function* main(go) {
    function* spin(go: Go) {
      for (;;) yield* go.sleep(0);
    }
    for (let i = 0; i < 3; i++) go.go(spin);
    go.go(function* locked(go) {
      go.lockOSThread();
      yield* go.sleep(1e9);
    });
    yield* go.sleep(12e6);
  });
  return out;
}

test('schedtrace: one line a report', () => {
  const out = lines('schedtrace=5');
  const times = out.map((line) => Number(/^SCHED (\d+)ms: /.exec(line)?.[1]));
  expect(times[0]).toBe(0);
  expect(times.length).toBeGreaterThanOrEqual(2);
  for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(5);
  for (const line of out) {
    expect(line).toMatch(/^SCHED \d+ms: gomaxprocs=2 idleprocs=\d threads=\d spinningthreads=\d idlethreads=\d runqueue=\d+ \[\d+ \d+\]$/);
  }
  expect(out.at(-1)).toMatch(/gomaxprocs=2 idleprocs=0 threads=\d spinningthreads=0 /);
});

test('scheddetail: every P, M and G as well', () => {
  const out = lines('schedtrace=5,scheddetail=1');
  const starts = out.flatMap((line, i) => (line.startsWith('SCHED') ? [i] : []));
  const last = out.slice(starts.at(-1)!);
  expect(last[0]).toMatch(/ runqueue=\d+ gcwaiting=0 nmidlelocked=1 stopwait=0 sysmonwait=0$/);
  const kinds = last.slice(1).map((line) => line.replace(/-?\d+/g, 'N'));
  expect(new Set(kinds.filter((line) => line.startsWith('  PN')))).toEqual(
    new Set(['  PN: status=N schedtick=N syscalltick=N m=N runqsize=N gfreecnt=N timerslen=N']),
  );
  for (const line of kinds.filter((k) => k.startsWith('  MN'))) {
    expect(line).toMatch(
      /^ {2}MN: p=N curg=N mallocing=N throwing=N preemptoff= locks=N dying=N spinning=(true|false) blocked=(true|false) lockedg=N$/,
    );
  }
  expect(last.filter((line) => /^ {2}G\d+: status=4\(sleep\) m=-1 lockedm=\d+$/.test(line))).toHaveLength(1);
  expect(last.filter((line) => /^ {2}M\d+: .* blocked=true lockedg=[1-9]\d*$/.test(line))).toHaveLength(1);
});
