// runtime/pprof/protomem_test.go: what was sampled, scaled up, in the file.
import { expect, test } from 'vitest';
import { encodeProfile } from '../../profiler/proto.ts';
import { heapProfile, scaleHeapSample } from '../../profiler/protomem.ts';
import { SymTab } from '../../profiler/symtab.ts';
import { readProfile } from '../support/pprof.ts';

const rate = 512 * 1024;

test.each([
  ['heap', ''],
  ['allocs', 'alloc_space'],
] as const)('TestConvertMemProfile/%s', (name, defaultSampleType) => {
  const symtab = new SymTab();
  const pc = (line: number) => symtab.pc('main.f', 'main.go', line);
  const entry = pc(1);
  const record = (stack: number[], allocObjects: number, allocBytes: number, freeObjects: number, freeBytes: number) => {
    return { stack, allocObjects, allocBytes, freeObjects, freeBytes, size: allocBytes / allocObjects };
  };
  const records = [
    record([pc(2), pc(3)], 4, 4096, 1, 1024),
    record([pc(4), pc(5)], 1, 512 * 1024, 0, 0),
    record([pc(6), pc(7), pc(8)], 1, 512 * 1024, 1, 512 * 1024),
  ];
  const read = readProfile(encodeProfile(heapProfile(name, records, rate, symtab), { timeNanos: 1, comments: [] }, symtab));
  expect(read).toMatchObject({ period: rate, periodType: 'space/bytes', defaultSampleType, mappings: [true] });
  expect(read.sampleTypes).toEqual(['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes']);
  const callAt = (line: number) => entry + (line - 1) * 16 - 1; // stacks have return pcs, locations the calls before them
  const at = (line: number) => ({ text: `main.f main.go:${line}`, address: callAt(line) });
  const found = read.samples.map((s) => ({ ...s, stack: s.stack.map((text, i) => ({ text, address: s.addresses[i] })) }));
  expect(found).toMatchObject([
    { values: [2050, 2099200, 1537, 1574400], stack: [at(2), at(3)], labels: { bytes: 1024 } },
    { values: [1, 829411, 1, 829411], stack: [at(4), at(5)], labels: { bytes: 512 * 1024 } },
    { values: [1, 829411, 0, 0], stack: [at(6), at(7), at(8)], labels: { bytes: 512 * 1024 } },
  ]);
});

// Our own: what Go's test leaves out.
test('nothing is scaled at rates 1 and 0; figures below zero keep their sign', () => {
  expect(scaleHeapSample(3, 3072, 1)).toEqual([3, 3072]);
  expect(scaleHeapSample(3, 3072, 0)).toEqual([3, 3072]);
  expect(scaleHeapSample(0, 3072, rate)).toEqual([0, 0]);
  expect(scaleHeapSample(-4, -4096, rate)).toEqual([-2050, -2099200]);
});

test("the runtime's frames at the leaf are left out, unless there are no others", () => {
  const symtab = new SymTab();
  const [newobject, main, start] = ['runtime.newobject', 'main.main', 'runtime.main'].map((f) => symtab.pc(f, 'x.go', 1));
  const record = (stack: number[]) => ({ stack, allocObjects: 1, allocBytes: 8, freeObjects: 0, freeBytes: 0, size: 8 });
  const { samples } = heapProfile('heap', [record([newobject!, main!, start!]), record([newobject!, start!])], 1, symtab);
  expect(samples.map((s) => s.stack)).toEqual([
    [main, start],
    [newobject, start],
  ]);
});
