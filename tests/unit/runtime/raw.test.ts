// The raw layer's own bad input: what would corrupt the heap or a stack is refused with nothing changed, in every mode; in
// checked mode each broken rule of raw.ts is named at once.
import { describe, expect, test } from 'vitest';
import { type Go, heapFindings, i32, type Options, Runtime, self, struct } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('raw.Node', { v: i32, next: self });
const nil = 'invalid memory address or nil pointer dereference';

/** Runs a body in a goroutine; the heap walker finds nothing afterwards. */
function raw(body: (go: Go) => void, options: Options = {}): Runtime {
  const { rt } = run(function* main(go) {
    body(go);
  }, options);
  expect(heapFindings(rt.machine.heap)).toEqual([]);
  return rt;
}

describe.each([{ checked: false }, { checked: true }])('in every mode, here %o', (options) => {
  test.each([NaN, -1, 1.5, Infinity, 2 ** 28, '3' as never, undefined as never])(
    'array of %o values: refused, and nothing has changed',
    (n) => {
      raw((go) => {
        const type = go.raw.type(Node);
        const before = go.readMemStats();
        expect(() => go.raw.array(type, n)).toThrow(RangeError);
        expect(() => go.raw.array(type, n)).toThrow(`raw.array of raw.Node: got ${String(n)}, wanted a natural number of values`);
        expect(() => go.raw.array(type, n)).toThrow(RangeError);
        expect(go.readMemStats()).toMatchObject({ mallocs: before.mallocs, heapAlloc: before.heapAlloc, heapInuse: before.heapInuse });
      }, options);
    },
  );

  test('array takes 0 and more, and a type', () => {
    raw((go) => {
      const type = go.raw.type(Node);
      expect(go.raw.array(type, 0)).toBe(go.raw.array(type, 0));
      expect(go.raw.array(type, 3)).toBeGreaterThan(0);
      expect(() => go.raw.array(undefined as never, 3)).toThrow(
        new TypeError('raw.array: got undefined, wanted a type made by raw.type or raw.defineType'),
      );
    }, options);
  });

  test.each([-1, 65536, 70000, 1.5, NaN, '2' as never])('enter with %o slots: refused, no frame is pushed', (n) => {
    raw((go) => {
      const pc = go.raw.pc('main.f');
      const before = go.stack();
      expect(() => go.raw.enter(pc, n)).toThrow(new RangeError(`raw.enter: got ${String(n)} slots, wanted a whole number from 0 to 65535`));
      expect(go.stack()).toBe(before);
      go.raw.enter(pc, 65535);
      go.raw.leave();
    }, options);
  });

  test('defineType wants a name and a list of words', () => {
    raw((go) => {
      expect(() => go.raw.defineType(5 as never, 8, [])).toThrow(new TypeError('type name: got 5, wanted a text that is not empty'));
      expect(() => go.raw.defineType('', 8, [])).toThrow(new TypeError("type name: got '', wanted a text that is not empty"));
      expect(() => go.raw.defineType('raw.T', 8, null as never)).toThrow(
        new TypeError('type raw.T: pointer words: got null, wanted a list of numbers'),
      );
    }, options);
  });
});

describe('the largest bad size that got past the API', () => {
  test('mallocgc refuses NaN, which no size class takes', () => {
    const { machine } = new Runtime({ heapBytes: 1 << 20 });
    const type = machine.heap.types.define('raw.Words', 8, [0]);
    expect(() => machine.mutator.mallocgc(NaN, type)).toThrow(new RangeError('mallocgc: got NaN bytes, wanted a whole number'));
    expect(heapFindings(machine.heap)).toEqual([]);
  });
});

describe('checked mode', () => {
  test('a load or a store through nil panics as in Go, and the arena’s first words stand', () => {
    raw((go) => {
      const a = go.raw.new(go.raw.type(Node));
      const magic = go.raw.words[0];
      expect(() => go.raw.store(0, 0, a)).toThrow(nil);
      expect(() => go.raw.load(0, 1)).toThrow(nil);
      expect(() => go.raw.load(8, 0)).toThrow(nil); // a field of nil
      expect(go.raw.words[0]).toBe(magic);
      expect(() => go.raw.load(undefined as never, 0)).toThrow(new TypeError("raw.load: got undefined, wanted an object's address"));
    });
  });

  test('a number that is no object is not stored', () => {
    raw((go) => {
      const a = go.raw.new(go.raw.type(Node));
      for (const bad of [12345, a + 8, -8, 1.5, NaN, undefined as never]) {
        expect(() => go.raw.store(a, 1, bad), String(bad)).toThrow(/^raw\.store: /);
        expect(go.raw.load(a, 1)).toBe(0);
      }
      go.raw.store(a, 1, a);
      go.raw.store(a, 1, 0);
      go.raw.store(a, 1, go.raw.array(go.raw.type(Node), 0));
    });
  });

  test('a word outside the object', () => {
    raw((go) => {
      const a = go.raw.new(go.raw.type(Node));
      expect(() => go.raw.load(a, 2)).toThrow(
        new RangeError(`raw.load: word 2 at 0x${a.toString(16)} is outside the object, 8 bytes at 0x${a.toString(16)}`),
      );
      expect(() => go.raw.store(a, -1, 0)).toThrow(new RangeError('raw.store: got word -1, wanted a whole number, 0 or more'));
      expect(go.raw.load(a + 4, 0)).toBe(0); // inside is well
    });
  });

  test('an object that was freed: R1 was broken', () => {
    run(function* main(go) {
      const { raw } = go;
      const stale = raw.new(raw.type(Node));
      const pc = raw.pc('main.f');
      const frame = raw.enter(pc, 1);
      const kept = raw.new(raw.type(Node));
      raw.set(frame, 0, kept);
      yield* go.gc();
      expect(raw.get(frame, 0)).toBe(kept);
      expect(raw.load(kept, 1)).toBe(0);
      expect(() => raw.load(stale, 0)).toThrow(
        /^raw\.load: no object is at 0x[0-9a-f]+; it was freed, or never made \(R1: an address that must survive/,
      );
      expect(() => raw.store(stale, 1, 0)).toThrow('R1');
      expect(() => raw.store(kept, 1, stale)).toThrow('R1');
      expect(() => raw.set(frame, 0, stale)).toThrow('R1');
      raw.leave();
    });
  });

  test('globals and pins may be read and stored to', () => {
    raw((go) => {
      const global = go.runtime.machine.globals(2);
      const a = go.raw.new(go.raw.type(Node));
      go.raw.store(global, 1, a);
      expect(go.raw.load(global, 1)).toBe(a);
      expect(() => go.raw.store(global, 2, a)).toThrow('is neither in the heap nor in a global');
    });
  });

  test('leave once too often: R3 was broken, and the goroutine’s own frames stand', () => {
    raw((go) => {
      const pc = go.raw.pc('main.f');
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      const before = go.stack();
      go.raw.enter(pc, 1);
      go.raw.leave();
      for (let i = 0; i < 3; i++)
        expect(() => go.raw.leave()).toThrow(/^raw\.leave: the innermost frame was not pushed by raw\.enter \(R3: /);
      expect(go.stack()).toBe(before);
      f.n.v = 1;
    });
  });

  test('a slot beyond the frame, a frame that was left, no frame', () => {
    raw((go) => {
      const { raw } = go;
      const pc = raw.pc('main.f');
      const outer = raw.enter(pc, 2);
      const inner = raw.enter(pc, 1);
      expect(() => raw.set(outer, 50, 0)).toThrow(/^raw\.set: slot 50 of a frame with 2 slots \(R3: /);
      expect(() => raw.get(inner, -1)).toThrow(RangeError);
      raw.leave();
      expect(() => raw.get(inner, 0)).toThrow(/ is no frame, or one that was left \(R3: /);
      expect(() => raw.set(1000, 0, 0)).toThrow('1000 is no frame');
      expect(raw.get(outer, 1)).toBe(0);
      raw.leave();
      expect(() => raw.enter(NaN, 1)).toThrow(new RangeError('raw.enter: got pc NaN, wanted one made by raw.pc'));
    });
  });

  test('a frame of another goroutine, though its number would fit', () => {
    run(function* main(go) {
      const { raw } = go;
      const pc = raw.pc('main.f');
      const mine = raw.enter(pc, 1);
      let seen: unknown;
      go.go(function* other(go) {
        const theirs = go.raw.enter(pc, 1);
        try {
          go.raw.set(mine, 0, 0);
        } catch (error) {
          seen = error;
        }
        go.raw.set(theirs, 0, 0);
        go.raw.leave();
      });
      yield* go.gosched();
      expect(String(seen)).toMatch(/^TypeError: raw\.set: frame \d+ is goroutine 1's, and goroutine \d+ runs \(R3: /);
      raw.leave();
    });
  });

  test('a wrong type', () => {
    raw((go) => {
      expect(() => go.raw.new(undefined as never)).toThrow(
        new TypeError('raw.new: got undefined, wanted a type made by raw.type or raw.defineType'),
      );
    });
  });
});
