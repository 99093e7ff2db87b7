// Structs and references: where fields lie, what they hold, who is who, and what a reference says when its object is gone.
import { describe, expect, test } from 'vitest';
import { bool, deref, f64, func, i32, ptr, type Ref, Runtime, self, struct } from '../../../runtime/index.ts';
import { checkedOptions, run } from '../../support/run.ts';

describe('layout', () => {
  const cases: [what: string, fields: Parameters<typeof struct>[1], bytes: number, words: Record<string, number>, ptrWords: number[]][] = [
    ['one word', { a: i32 }, 4, { a: 0 }, []],
    ['words in the order of their declaration', { a: i32, b: bool, c: self }, 12, { a: 0, b: 1, c: 2 }, [2]],
    ['a double on a multiple of eight, and the whole rounded up', { a: i32, d: f64, b: i32 }, 24, { a: 0, d: 2, b: 4 }, []],
    ['no padding where none is needed', { d: f64, a: i32, b: i32 }, 16, { d: 0, a: 2, b: 3 }, []],
    ['pointers between numbers', { p: self, d: f64, q: self, r: self }, 24, { p: 0, d: 2, q: 4, r: 5 }, [0, 4, 5]],
  ];
  for (const [what, fields, bytes, words, ptrWords] of cases) {
    test(what, () => {
      const s = struct(`layout.${what}`, fields);
      expect([s.bytes, s.wordOf, s.ptrWords]).toEqual([bytes, words, ptrWords]);
    });
  }

  test('a struct of more words than a page mask has', () => {
    const names = Array.from({ length: 40 }, (_, i) => `f${i}`);
    const wide = struct('layout.Wide', Object.fromEntries(names.map((name, i) => [name, i % 3 === 0 ? self : i32])));
    expect(wide.bytes).toBe(160);
    expect(wide.ptrWords).toEqual(names.flatMap((_, i) => (i % 3 === 0 ? [i] : [])));
  });

  test('names that every reference has are refused, and so is a struct of nothing', () => {
    for (const name of ['addr', 'ctx', 'is', 'live', 'constructor', 'toString', 'hasOwnProperty'])
      expect(() => struct('layout.Bad', { [name]: i32 }), name).toThrow(
        new TypeError(`struct layout.Bad: a field cannot be called '${name}'`),
      );
    expect(() => struct('layout.Empty', {})).toThrow(new TypeError('struct layout.Empty: no fields'));
  });
});

describe('fields', () => {
  const All = struct('fields.All', { i: i32, d: f64, b: bool, p: self, q: self });

  test('are zero in a new object, also where another one lay before', () => {
    run(function* main(go) {
      for (let round = 0; round < 3; round++) {
        for (let k = 0; k < 100; k++) {
          const n = go.new(All);
          expect([n.i, n.d, n.b, n.p, n.q]).toEqual([0, 0, false, null, null]);
          n.i = -1;
          n.d = NaN;
          n.b = true;
        }
        yield* go.gc();
      }
    });
  });

  test('hold what was stored: int32 wraps, doubles are exact, truth values are truth values', () => {
    run(function* main(go) {
      const f = go.locals({ n: All });
      f.n = go.new(All);
      const { n } = f;
      const ints = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
      for (const v of ints) {
        n.i = v;
        expect(n.i).toBe(v);
      }
      n.i = 2 ** 31;
      expect(n.i).toBe(-(2 ** 31));
      for (const v of [0.1, -0, Infinity, NaN, 2 ** 53 + 2]) {
        n.d = v;
        expect(n.d).toBe(v);
      }
      n.b = true;
      expect([n.b, n.i, n.d]).toEqual([true, -(2 ** 31), 2 ** 53 + 2]);
      n.b = false;
      expect(n.b).toBe(false);
    });
  });

  test('point to the object that was stored, and to nil after null was', () => {
    run(function* main(go) {
      const f = go.locals({ a: All, b: All });
      f.a = go.new(All);
      f.b = go.new(All);
      f.a.p = f.b;
      f.b.p = f.a;
      f.a.q = f.a;
      expect(f.a.p.p?.is(f.a)).toBe(true);
      expect(f.a.q?.is(f.a)).toBe(true);
      f.a.p = null;
      expect(f.a.p).toBe(null);
      expect(f.b.p?.is(f.a)).toBe(true);
    });
  });

  test('take references only', () => {
    run(function* main(go) {
      const f = go.locals({ a: All });
      f.a = go.new(All);
      const a = f.a as unknown as { p: unknown };
      for (const wrong of [5, 'x', {}, undefined]) {
        expect(() => {
          a.p = wrong;
        }).toThrow(TypeError);
      }
      expect(f.a.p).toBe(null);
    });
  });

  test('may point to a struct that is declared later, by name; an undeclared one is reported when it is followed', () => {
    const Early = struct('fields.Early', { later: ptr('fields.Later'), never: ptr('fields.Never') });
    const Later = struct('fields.Later', { id: i32 });
    run(function* main(go) {
      const f = go.locals({ e: Early, l: Later });
      f.e = go.new(Early);
      f.l = go.new(Later);
      f.l.id = 6;
      f.e.later = f.l as never;
      expect((f.e.later as unknown as { id: number }).id).toBe(6);
      const { e, l } = f;
      expect(() => {
        e.never = l as never;
      }).toThrow('a pointer field names fields.Never, which is not declared');
    });
  });
});

describe('identity', () => {
  const Node = struct('identity.Node', { next: self });

  test('is() compares objects, whatever references lead there', () => {
    run(function* main(go) {
      const f = go.locals({ a: Node, b: Node, c: Node });
      f.a = go.new(Node);
      f.b = go.new(Node);
      f.c = f.a;
      f.a.next = f.a;
      expect([f.a.is(f.a), f.a.is(f.c), f.a.is(f.a.next), f.a.is(f.b), f.a.is(null)]).toEqual([true, true, true, false, false]);
    });
  });

  test('deref passes a reference on, and panics for nil as Go does', () => {
    const rt = new Runtime(checkedOptions);
    expect(() =>
      rt.run(function* main(go) {
        const f = go.locals({ a: Node });
        f.a = go.new(Node);
        const { a } = f;
        expect(deref(a)).toBe(a);
        deref(a.next);
      }),
    ).toThrow('panic: runtime error: invalid memory address or nil pointer dereference');
  });

  test('one struct serves many runtimes at once', () => {
    const a = new Runtime(checkedOptions);
    const b = new Runtime(checkedOptions);
    let inA: Ref<typeof Node> | null = null;
    a.run(function* main(go) {
      const f = go.locals({ n: Node });
      f.n = go.new(Node);
      inA = f.n;
      b.run(function* main(go) {
        const f = go.locals({ n: Node, m: Node });
        f.m = go.new(Node);
        f.n = go.new(Node);
        f.n.next = f.m;
        expect(f.n.next.is(f.m)).toBe(true);
      });
      expect(f.n.next).toBe(null);
    });
    expect(inA).not.toBe(null);
  });
});

describe('checked mode', () => {
  const Node = struct('checked.Node', { id: i32, next: self });
  const message =
    /^stale reference: the object at 0x[0-9a-f]+ was freed by the collector, or by go\.free\. .* declared local .* a plain JavaScript variable is no root\.$/;

  test('a reference that nobody rooted says so when it is used after a collection, and tells the rule', () => {
    run(function* main(go) {
      const f = go.locals({ kept: Node, n: Node });
      f.kept = go.new(Node);
      f.n = go.new(Node);
      const stale = f.n;
      const { kept } = f;
      f.n = null;
      yield* go.gc();
      expect(() => stale.id).toThrow(message);
      expect(() => {
        stale.id = 1;
      }).toThrow(message);
      expect(() => stale.next).toThrow(message);
      expect(() => {
        stale.next = null;
      }).toThrow(message);
      expect(() => {
        kept.next = stale;
      }).toThrow(message);
      expect(() => {
        f.n = stale;
      }).toThrow(message);
      kept.id = 1;
    });
  });

  test('also when another object lives there meanwhile', () => {
    run(function* main(go) {
      const f = go.locals({ n: Node, other: Node });
      f.n = go.new(Node);
      const stale = f.n;
      f.n = null;
      yield* go.gc();
      for (let i = 0; f.other === null || f.other.addr !== stale.addr; i++) {
        f.other = go.new(Node);
        if (i > 5000) throw new Error('the address was not handed out again');
      }
      expect(() => stale.id).toThrow(message);
      expect(f.other.id).toBe(0);
    });
  });

  test('as an argument, to a function or a goroutine, it is refused and leaves nothing behind', () => {
    const read = func('checked.read', { n: Node }, (_f, n: Ref<typeof Node>) => n.id);
    const pcs = new Int32Array(8);
    const { rt } = run(
      function* main(go) {
        const f = go.locals({ n: Node });
        f.n = go.new(Node);
        const stale = f.n;
        f.n = null;
        yield* go.gc();
        const { sched } = go.runtime.machine;
        const before = [sched.callers(pcs, 8), sched.live];
        for (let i = 0; i < 5; i++) {
          expect(() => read(go, stale)).toThrow(message);
          expect(() => go.go(function* child(_go, _n: typeof stale) {}, stale)).toThrow(message);
        }
        expect([sched.callers(pcs, 8), sched.live]).toEqual(before);
        f.n = go.new(Node);
        expect(read(go, f.n)).toBe(0);
      },
      { maxGoroutines: 2 },
    );
    expect(rt.machine.sched.live).toBe(0);
  });

  test('a channel does not take one', () => {
    run(function* main(go) {
      const f = go.locals({ n: Node });
      const ch = go.chan(Node, 1);
      f.n = go.new(Node);
      const stale = f.n;
      f.n = null;
      yield* go.gc();
      expect(() => ch.send(stale)).toThrow(message);
      expect(ch.length).toBe(0);
    });
  });
});
