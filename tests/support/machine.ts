// Machines for tests: small, odd-sized, with every check switched on unless a test says otherwise.
import { checkHeap } from '../../heap/check.ts';
import { Machine } from '../../runtime/machine.ts';
import { type Options, settings } from '../../runtime/options.ts';

/** A raw machine with a 1 MiB heap on a plain shared buffer, 3 Ps, checks on; options override. */
export function testMachine(options: Options = {}): Machine {
  return new Machine(
    settings({
      heapBytes: 1 << 20,
      procs: 3,
      maxGoroutines: 64,
      memProfileRate: 1,
      checkHeap: true,
      checkMark: true,
      backing: 'shared',
      ...options,
    }),
  );
}

/** Checks every invariant of the machine's heap; throws with all findings. */
export function check(m: Machine): void {
  checkHeap(m.heap);
}
