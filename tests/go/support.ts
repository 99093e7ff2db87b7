// support: what the ports of Go's test programs share. A port is a program that runs on a small heap with the checks on that
// would notice what its original is after; most of it is Go's `runtime.GC()`, then a look at what is still there.
import type { Go, GoFunc, Options, Runtime } from '../../runtime/index.ts';
import { run } from '../support/run.ts';

/** Runs main on one P with 16 MiB of heap, dead objects overwritten and marking checked; options override. */
export function goRun(main: GoFunc<[]>, options: Options = {}): Runtime {
  return run(main, { heapBytes: 16 << 20, godebug: 'clobberfree=1', oracle: false, ...options }).rt;
}

/** Options of a program that allocates much: nothing is checked and nothing sampled. */
export const busy: Options = { heapBytes: 64 << 20, memProfileRate: 0, checked: false, checkHeap: false, checkMark: false, godebug: '' };

/** runtime.GC(), and a time.Sleep in which due finalizers run. */
export function* collect(go: Go): Generator<void, void, void> {
  yield* go.gc();
  yield* go.sleep(1e6);
}

/** Whether the object at an address is allocated. */
export function isObject({ machine }: Pick<Runtime, 'machine'>, addr: number): boolean {
  machine.heap.writeBack();
  return machine.heap.isObject(addr);
}
