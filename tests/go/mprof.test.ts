// runtime/pprof/mprof_test.go: with every malloc sampled, the profile says to the byte what is in use and what was allocated.
import { expect, test } from 'vitest';
import { func, type Go, inUseBytes, inUseObjects, type Machine } from '../../runtime/index.ts';
import { goRun } from './support.ts';

const bytesOf = (m: Machine) => m.heap.types.define('byte', 4, []);
const transient1M = func('pprof.allocateTransient1M', {}, (_, m: Machine) => {
  for (let i = 0; i < 1024; i++) m.mutator.mallocgc(1024, bytesOf(m));
});
const transient2M = func('pprof.allocateTransient2M', {}, (_, m: Machine) => {
  m.mutator.mallocgc(2 << 20, bytesOf(m));
});
const reflectTransient = func('pprof.allocateReflectTransient', {}, (_, m: Machine) => {
  m.mutator.mallocgc(2 << 20, bytesOf(m));
});
const reflect = func('pprof.allocateReflect', {}, (f, m: Machine) => Reflect.apply(reflectTransient, undefined, [f, m]));
/** 32 objects of 32 bytes, in a list that hangs on the global at sink. */
const persistent1K = func('pprof.allocatePersistent1K', {}, (_, m: Machine, sink: number) => {
  const obj32 = m.heap.types.define('pprof.Obj32', 32, [0]);
  for (let i = 0; i < 32; i++) {
    const obj = m.mutator.newObject(obj32);
    m.mutator.storePointer(obj >>> 2, m.heap.w[sink >>> 2]!);
    m.mutator.storePointer(sink >>> 2, obj);
  }
});
const program = func('pprof.TestMemoryProfiler', {}, (f, m: Machine, sink: number) => {
  transient1M(f, m);
  transient2M(f, m);
  persistent1K(f, m, sink);
  reflect(f, m);
});

/** The records as the text format has them, each with the functions of its stack. */
function profile(go: Go): string[] {
  const { symtab } = go.runtime.machine;
  return go
    .memProfile(true)
    .map((r) => {
      const stack = r.stack.map((pc) => symtab.frame(pc).func).filter((name) => name.startsWith('pprof.'));
      return `${inUseObjects(r)}: ${inUseBytes(r)} [${r.allocObjects}: ${r.allocBytes}] @ ${stack.join(' ')}`;
    })
    .filter((line) => line.includes('pprof.'))
    .sort();
}

test.each(['three-stage', 'cycle', 'two-stage', 'naive'] as const)('TestMemoryProfiler: scheme %s', (scheme) => {
  goRun(
    function* main(go) {
      const { machine } = go.runtime;
      const sink = machine.globals(1);
      for (let run = 1; run <= 2; run++) {
        program(go, machine, sink);
        yield* go.gc(); // one collection materializes the statistics
        expect(profile(go)).toEqual([
          `0: 0 [${1024 * run}: ${(1 << 20) * run}] @ pprof.allocateTransient1M pprof.TestMemoryProfiler`,
          `0: 0 [${run}: ${(2 << 20) * run}] @ pprof.allocateReflectTransient pprof.allocateReflect pprof.TestMemoryProfiler`,
          `0: 0 [${run}: ${(2 << 20) * run}] @ pprof.allocateTransient2M pprof.TestMemoryProfiler`,
          `${32 * run}: ${1024 * run} [${32 * run}: ${1024 * run}] @ pprof.allocatePersistent1K pprof.TestMemoryProfiler`,
        ]);
      }
    },
    { scheme, gogc: 'off' },
  );
});
