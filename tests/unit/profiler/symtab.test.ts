// Names for pcs.
import { expect, test } from 'vitest';
import { SymTab } from '../../../profiler/symtab.ts';

test('a place has one pc, and a pc leads back to its place', () => {
  const t = new SymTab();
  const pcs = [
    t.pc('main.main', 'main.go', 10),
    t.pc('main.main', 'main.go', 11),
    t.pc('main.f', 'main.go', 10),
    t.pc('main.main', 'a.go', 10),
  ];
  expect(new Set(pcs).size).toBe(4);
  expect(t.pc('main.main', 'main.go', 11)).toBe(pcs[1]);
  expect(t.frame(pcs[3]!)).toEqual({ func: 'main.main', file: 'a.go', line: 10 });
  expect(t.text(pcs[2]!)).toBe('main.f main.go:10');
});

test('pcs read like code addresses: from 0x401000 on', () => {
  const t = new SymTab();
  expect([t.pc('a', 'a.go', 1), t.pc('b', 'b.go', 1)]).toEqual([0x401000, 0x401010]);
});

test('an unknown pc reads as Go prints one', () => {
  const t = new SymTab();
  t.pc('a', 'a.go', 1);
  expect([0, 0x400ff0, 0x401001, 0x401010].map((pc) => t.text(pc))).toEqual(Array(4).fill('unknown ??:0'));
});
