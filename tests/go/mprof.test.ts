// runtime/pprof/mprof_test.go: with every malloc sampled, the profile says to the byte what is in use and what was allocated.
import { expect, test } from 'vitest';
import { func, type Go, inUseBytes, inUseObjects, type Machine } from '../../runtime/index.ts';
import { readProfile } from '../support/pprof.ts';
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

/** The same out of the text of debug=1, and of what a reader finds in profile.proto (rate 1: nothing is scaled). */
function files(go: Go): string[][] {
  const p = go.profile('heap');
  const { symtab } = go.runtime.machine;
  const ours = (stack: string[]) => stack.filter((name) => name.startsWith('pprof.')).join(' ');
  const text = [...p.text().matchAll(/^(-?\d+: -?\d+ \[\d+: \d+\] @) (.*)$/gm)].map(
    ([, figures, pcs]) => `${figures} ${ours(pcs!.split(' ').map((pc) => symtab.frame(Number(pc)).func))}`,
  );
  const proto = readProfile(p.proto()).samples.map(({ values: [allocs, allocBytes, objects, bytes], stack }) => {
    return `${objects}: ${bytes} [${allocs}: ${allocBytes}] @ ${ours(stack.map((frame) => frame.split(' ')[0]!))}`;
  });
  return [text, proto].map((lines) => lines.filter((line) => line.includes('pprof.')).sort());
}

test.each(['three-stage', 'cycle', 'two-stage', 'naive'] as const)('TestMemoryProfiler: scheme %s', (scheme) => {
  goRun(
    function* main(go) {
      const { machine } = go.runtime;
      const sink = machine.globals(1);
      for (let run = 1; run <= 2; run++) {
        program(go, machine, sink);
        yield* go.gc(); // one collection materializes the statistics
        const records = profile(go);
        expect(files(go)).toEqual([records, records]);
        expect(records).toEqual([
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
