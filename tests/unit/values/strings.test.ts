// Strings: bytes and text, sharing, comparison, and what keeps the bytes.
import { describe, expect, test } from 'vitest';
import { append, func, type GoString, i32, slice, string, struct, u8 } from '../../../runtime/index.ts';
import { utf8Length, utf8Read, utf8Write } from '../../../runtime/internal/utf8.ts';
import { run } from '../../support/run.ts';

const Person = struct('strings.Person', { age: i32, name: string });

describe('UTF-8', () => {
  test('is what TextEncoder and TextDecoder make of it', () => {
    const texts = [
      '',
      'abc',
      'héllo',
      'Ω≈ç√',
      '日本語',
      '😀 𝄞',
      'a\0b',
      '\u07ff\u0800\uffff\u{10000}\u{10ffff}',
      '\ud800',
      'x\udc00y',
      '\udc00\ud800',
    ];
    for (const text of texts) {
      const want = new TextEncoder().encode(text);
      const bytes = new Uint8Array(want.length + 2);
      utf8Write(text, bytes, 1);
      expect([utf8Length(text), ...bytes.slice(1, -1)], JSON.stringify(text)).toEqual([want.length, ...want]);
      expect(utf8Read(bytes, 1, bytes.length - 1)).toBe(new TextDecoder().decode(want));
    }
  });

  test('of wrong bytes is U+FFFD for each, as in Go’s range', () => {
    const cases: [bytes: number[], text: string][] = [
      [[0x80], '\ufffd'],
      [[0xff, 0x41], '\ufffdA'],
      [[0xc3], '\ufffd'],
      [[0xc3, 0x41], '\ufffdA'],
      [[0xe2, 0x82], '\ufffd\ufffd'],
      [[0xc0, 0x80], '\ufffd\ufffd'],
      [[0xe0, 0x80, 0x80], '\ufffd\ufffd\ufffd'],
      [[0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'],
      [[0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'],
      [[0xf0, 0x9f, 0x98, 0x80], '😀'],
    ];
    for (const [bytes, text] of cases) expect(utf8Read(Uint8Array.from(bytes), 0, bytes.length), bytes.join()).toBe(text);
  });
});

describe('a string', () => {
  test('is bytes, and reads as text', () => {
    run(function* main(go) {
      const f = go.locals({ s: string, p: Person, bytes: slice(u8) });
      expect([f.s.length, f.s.toString()]).toEqual([0, '']);
      f.s = go.string('héllo');
      expect([f.s.length, `${f.s}`, f.s.at(1)]).toEqual([6, 'héllo', 0xc3]);
      f.p = go.new(Person);
      expect(f.p.name.length).toBe(0);
      f.p.name = f.s;
      f.s = go.string('');
      yield* go.gc();
      expect(f.p.name.toString()).toBe('héllo');
      f.bytes = f.p.name.bytes();
      f.bytes.set(0, 'j'.charCodeAt(0));
      f.s = go.string(f.bytes);
      f.bytes.set(0, 0);
      expect([f.s.toString(), f.p.name.toString()]).toEqual(['jéllo', 'héllo']);
      f.bytes = append(go.string('').bytes(), 104, 105);
      expect(go.string(f.bytes).toString()).toBe('hi');
    });
  });

  test('shares its bytes with its parts, which keep them', () => {
    run(function* main(go) {
      const f = go.locals({ s: string, t: string });
      f.s = go.string(`${'x'.repeat(500)}needle${'y'.repeat(500)}`);
      f.t = f.s.slice(500, 506);
      expect(f.t.addr - f.s.addr).toBe(500);
      f.s = go.string('');
      yield* go.gc();
      for (let i = 0; i < 50; i++) go.string('z'.repeat(1000));
      expect(f.t.toString()).toBe('needle');
      expect([f.t.slice(2, 4).toString(), f.t.slice(6).length, f.t.slice().equals(f.t)]).toEqual(['ed', 0, true]);
    });
  });

  test('compares by bytes', () => {
    run(function* main(go) {
      const words = ['', 'a', 'aa', 'ab', 'b', 'z', 'é', '日', '\u{1f600}'];
      const f = go.locals({ all: slice(string) });
      for (const word of words) f.all = append(f.all, go.string(word));
      for (let i = 0; i < words.length; i++) {
        for (let k = 0; k < words.length; k++) {
          expect(Math.sign(f.all.get(i).compare(f.all.get(k)))).toBe(Math.sign(i - k));
          expect(f.all.get(i).equals(f.all.get(k))).toBe(i === k);
        }
      }
    });
  });

  test('joins others; alone it is itself', () => {
    run(
      function* main(go) {
        const f = go.locals({ s: string, t: string, empty: string });
        f.s = go.string('ab');
        f.t = go.string('cd');
        f.s = f.s.concat(f.t, f.empty, f.t.slice(1));
        expect(f.s.toString()).toBe('abcdd');
        expect(f.empty.concat(f.s, f.empty).addr).toBe(f.s.addr);
        expect(f.empty.concat().length).toBe(0);
      },
      { godebug: 'clobberfree=1' },
    );
  });

  test('keeps the parts that it is joined from or copied out of, though they are in no local', () => {
    run(
      function* main(go) {
        const f = go.locals({ s: string, t: string, bytes: slice(u8) });
        f.s = go.string('a'.repeat(20));
        f.t = go.string('b'.repeat(20));
        const { s, t } = f;
        f.s = go.zero(string);
        f.t = go.zero(string);
        f.s = s.concat(t, s);
        expect(f.s.toString()).toBe('a'.repeat(20) + 'b'.repeat(20) + 'a'.repeat(20));
        const long = f.s;
        f.s = go.zero(string);
        f.bytes = long.bytes();
        const { bytes } = f;
        f.bytes = go.zero(slice(u8));
        f.s = go.string(bytes);
        expect(f.s.toString()).toBe('a'.repeat(20) + 'b'.repeat(20) + 'a'.repeat(20));
      },
      { godebug: 'gceverymalloc=1,clobberfree=1' },
    );
  });

  test('panics out of range in Go’s words, and takes strings of the heap only', () => {
    run(function* main(go) {
      const f = go.locals({ s: string, p: Person });
      f.s = go.string('abc');
      f.p = go.new(Person);
      const { p } = f;
      expect(() => f.s.at(3)).toThrow('runtime error: index out of range [3] with length 3');
      expect(() => f.s.slice(2, 9)).toThrow('runtime error: slice bounds out of range [:9] with length 3');
      expect(() => f.s.slice(2, 1)).toThrow('runtime error: slice bounds out of range [2:1]');
      for (const wrong of ['abc', null, 5, go.make(slice(u8), 2)]) {
        expect(() => {
          p.name = wrong as never;
        }).toThrow('a value of type string takes a string of the heap, made by go.string(text), got');
        expect(() => {
          f.s = wrong as never;
        }).toThrow('a value of type string takes a string of the heap');
      }
      expect(() => go.string(5 as never)).toThrow("a string takes JavaScript's string or a slice of u8, got number");
      expect(f.s.toString()).toBe('abc');
    });
  });

  test('as an argument is rooted while the call runs', () => {
    const twice = func('strings.twice', { s: string }, (f, s: GoString, t: GoString) => {
      for (let i = 0; i < 20; i++) f.s = f.string('x'.repeat(40));
      return s.concat(t, s);
    });
    run(
      function* main(go) {
        expect(twice(go, go.string('-'.repeat(30)), go.string('+'.repeat(30))).toString()).toBe(
          '-'.repeat(30) + '+'.repeat(30) + '-'.repeat(30),
        );
      },
      { heapBytes: 1 << 18, godebug: 'clobberfree=1' },
    );
  });
});
