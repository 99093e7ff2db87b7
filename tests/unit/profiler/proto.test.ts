// profile.proto, byte by byte where it matters, and read back for random profiles by a reader that trusts nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../profiler/bytewriter.ts';
import type { ProfileData } from '../../../profiler/profile.ts';
import { encodeProfile } from '../../../profiler/proto.ts';
import { exp } from '../../../profiler/protomem.ts';
import { SymTab } from '../../../profiler/symtab.ts';
import { readProfile } from '../../support/pprof.ts';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const head = { timeNanos: 0, comments: [] };

function data(samples: ProfileData['samples'], types = ['inuse_space']): ProfileData {
  const sampleTypes = types.map((type) => ({ type, unit: 'bytes' }));
  return { name: 'heap', sampleTypes, defaultSampleType: types.length - 1, periodType: sampleTypes[0]!, period: 1, samples };
}

describe('numbers', () => {
  test.each<[number, string]>([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [0x7fffffff, 'ffffffff07'],
    [0x80000000, '8080808008'],
    [2 ** 53, '8080808080808010'],
    [-1, 'ffffffffffffffffff01'],
    [-2, 'feffffffffffffffff01'],
    [-128, '80ffffffffffffffff01'],
    [-(2 ** 53), '80808080808080f0ff01'],
  ])('%d', (n, hex) => {
    const out = new ByteWriter();
    out.varint(n);
    expect(hexOf(out.bytes())).toBe(hex);
  });

  test('any of them is the 64-bit number that BigInt makes', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => {
        const out = new ByteWriter(1);
        out.varint(n);
        let wanted = '';
        let rest = BigInt.asUintN(64, BigInt(n));
        for (; rest >= 0x80n; rest >>= 7n) wanted += (Number(rest & 0x7fn) | 0x80).toString(16).padStart(2, '0');
        expect(hexOf(out.bytes())).toBe(wanted + Number(rest).toString(16).padStart(2, '0'));
      }),
    );
  });

  test('exp is Math.exp to the last bit or the one beside it', () => {
    for (let i = 0; i <= 20_000; i++) {
      const x = -(i / 1000) * (1 + (i % 7));
      const [ours, theirs] = [exp(x), Math.exp(x)];
      expect(Math.abs(ours - theirs), String(x)).toBeLessThanOrEqual(theirs * 2.3e-16);
    }
    expect([exp(0), exp(-1e6), exp(-1e-320)]).toEqual([1, 0, 1]);
  });
});

describe('a profile', () => {
  test('of one sample, byte for byte', () => {
    const symtab = new SymTab();
    const pc = symtab.pc('f', 'a', 3);
    const bytes = encodeProfile(data([{ stack: [pc], values: [5], labels: [{ key: 'bytes', value: 8 }] }]), head, symtab);
    const wanted = [
      '0a04 0801 1002', // sample_type inuse_space, bytes
      '120c 0a0101 120105 1a04 0802 1808', // sample: location 1, value 5, label bytes = 8
      '1a04 0801 3801', // mapping 1, which has functions
      '220f 0801 1001 1880a08002 2204 0801 1003', // location 1, in mapping 1, at 0x401000: function 1, line 3
      '2a08 0801 1003 1803 2004', // function 1: name and system name f, file a
      '5a04 0801 1002 6001', // period type, period 1
      '3200 320b 696e7573655f7370616365 3205 6279746573 3201 66 3201 61',
    ];
    expect(hexOf(bytes)).toBe(wanted.join('').replaceAll(' ', ''));
  });

  test('a message longer than 127 bytes, and one longer than 16383', () => {
    const symtab = new SymTab();
    const stack = Array.from({ length: 9000 }, (_, i) => symtab.pc(`main.f${i}`, 'main.go', i + 1));
    for (const n of [60, 200, 9000]) {
      const [sample] = readProfile(encodeProfile(data([{ stack: stack.slice(0, n), values: [n], labels: [] }]), head, symtab)).samples;
      expect(sample!.stack).toHaveLength(n);
      expect(sample!.stack.at(-1)).toBe(`main.f${n - 1} main.go:${n}`);
    }
  });

  test('a function on two lines is one function with two locations: at its entry, and before the return', () => {
    const symtab = new SymTab();
    const [a, b] = [symtab.pc('main.f', 'main.go', 3), symtab.pc('main.f', 'main.go', 9)];
    const read = readProfile(encodeProfile(data([{ stack: [a, b], values: [1], labels: [] }]), head, symtab));
    expect(read.samples[0]).toMatchObject({ stack: ['main.f main.go:3', 'main.f main.go:9'], addresses: [0x401000, 0x40100f] });
    expect(read.strings.filter((s) => s === 'main.f')).toHaveLength(1);
  });

  test('a pc that stands for nothing has no location', () => {
    const symtab = new SymTab();
    const a = symtab.pc('main.f', 'main.go', 3);
    const read = readProfile(encodeProfile(data([{ stack: [a, 0x77, a], values: [1], labels: [] }]), head, symtab));
    expect(read.samples[0]!.stack).toEqual(['main.f main.go:3', 'main.f main.go:3']);
  });

  const label = fc.record({ key: fc.string({ minLength: 1 }), value: fc.oneof(fc.string({ minLength: 1 }), fc.integer({ min: 1 })) });
  const name = fc.string({ unit: 'binary', maxLength: 40 });
  const random = fc.record({
    types: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 }),
    places: fc.array(fc.tuple(name, name, fc.nat()), { maxLength: 12 }),
    samples: fc.array(
      fc.record({
        stack: fc.array(fc.nat(11), { maxLength: 32 }),
        values: fc.array(fc.maxSafeInteger(), { minLength: 5, maxLength: 5 }),
        labels: fc.uniqueArray(label, { maxLength: 3, selector: (l) => l.key }),
      }),
      { maxLength: 20 },
    ),
    comments: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }),
    timeNanos: fc.nat(2 ** 40),
    first: fc.nat(4),
  });
  const wellFormed = (s: string) => Buffer.from(s, 'utf8').toString('utf8');

  test('any one, read back', () => {
    fc.assert(
      fc.property(random, ({ types, places, samples, comments, timeNanos, first }) => {
        const symtab = new SymTab();
        const pcs = places.map(([func, file, line]) => symtab.pc(func, file, line));
        const written = samples.map((s) => ({
          ...s,
          stack: pcs.length === 0 ? [] : s.stack.map((i) => pcs[i % pcs.length]!),
          values: s.values.slice(0, types.length),
        }));
        const p = { ...data(written, types), defaultSampleType: first % types.length };
        const read = readProfile(encodeProfile(p, { timeNanos, comments }, symtab));
        expect(read.sampleTypes).toEqual(types.map((t) => `${wellFormed(t)}/bytes`));
        expect(read.comments).toEqual(comments.map(wellFormed));
        expect(read.timeNanos).toBe(timeNanos);
        expect(read.defaultSampleType).toBe(p.defaultSampleType === types.length - 1 ? '' : wellFormed(types[p.defaultSampleType]!));
        expect(read.samples.map(({ stack, values }) => ({ stack, values }))).toEqual(
          written.map(({ stack, values }) => ({ stack: stack.map((pc) => wellFormed(symtab.text(pc))), values })),
        );
        expect(read.samples.map(({ labels }) => labels)).toEqual(
          written.map(({ labels }) =>
            Object.fromEntries(labels.map(({ key, value }) => [wellFormed(key), typeof value === 'string' ? wellFormed(value) : value])),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });
});
