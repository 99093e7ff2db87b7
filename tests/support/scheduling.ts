// Random programs of goroutines that do whatever makes the scheduler move. tests/model checks the scheduler under them, and
// tests/go gives their traces to Go's own reader.
import fc from 'fast-check';
import type { Chan, Go } from '../../runtime/index.ts';

type Step =
  | { readonly do: 'gosched' | 'send' | 'recv' | 'spawn' }
  | { readonly do: 'lock' | 'unlock' }
  | { readonly do: 'gc' }
  | { readonly do: 'sleep' | 'syscall' | 'spin'; readonly micros: number }
  | { readonly do: 'procs'; readonly n: number };

const micros = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(200, 15_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('gosched' as const, 'send' as const, 'recv' as const, 'spawn' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lock' as const, 'unlock' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('sleep' as const, 'syscall' as const, 'spin' as const), micros }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('procs' as const), n: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gc' as const) }) },
);
/** Programs of goroutines, and the Ps that they begin with. */
export const programs = fc.record({
  procs: fc.integer({ min: 1, max: 5 }),
  workers: fc.array(fc.array(step, { maxLength: 20 }), { minLength: 1, maxLength: 8 }),
});
export type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

/** A goroutine of such a program. */
export function* worker(go: Go, steps: readonly Step[], ch: Chan<number>): Generator<void, void, void> {
  for (const s of steps) {
    if (s.do === 'gosched') yield* go.gosched();
    else if (s.do === 'send') yield* ch.send(1);
    else if (s.do === 'recv') yield* ch.recv();
    else if (s.do === 'lock') go.lockOSThread();
    else if (s.do === 'unlock') go.unlockOSThread();
    else if (s.do === 'gc') yield* go.gc();
    else if (s.do === 'spawn')
      go.go(
        worker,
        steps.slice(0, 2).filter((t) => t.do !== 'spawn'),
        ch,
      );
    else if (s.do === 'sleep') yield* go.sleep(s.micros * 1e3);
    else if (s.do === 'syscall') yield* go.syscall(s.micros * 1e3);
    else if (s.do === 'procs') go.gomaxprocs(s.n);
    else if (s.do === 'spin') yield* spin(go, s.micros);
  }
}

/** Computes, with a yield point every microsecond: were they as near to each other as can be, the machine would do nothing else. */
function* spin(go: Go, micros: number): Generator<void, void, void> {
  for (const end = go.now() + micros * 1e3; go.now() < end; ) {
    go.runtime.machine.mutator.nanos += 1000;
    yield* go.sleep(0);
  }
}
