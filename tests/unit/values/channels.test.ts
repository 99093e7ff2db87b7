// Channels of every kind of value: what is sent is received, the collector sees it on its way, and a wrong value is refused.
import { expect, test } from 'vitest';
import { append, array, bool, type Field, type Go, i32, i64, map, ptr, self, slice, string, struct, u64 } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Node = struct('chans.Node', { id: i32, next: self });

/** For each element type: how to make the k-th value, and what it reads as. */
const kinds: [type: Field<unknown>, make: (go: Go, k: number) => unknown, read: (value: never) => unknown, zero: unknown][] = [
  [slice(i32), (go, k) => append(go.zero(slice(i32)), k, k * 2), (v: { toArray(): number[] }) => v.toArray().join(), ''],
  [string, (go, k) => go.string(`text ${k} ${'x'.repeat(k)}`), String, ''],
  [bool, (_, k) => k % 2 === 0, Boolean, false],
  [i64, (_, k) => BigInt(k) << 40n, (v: bigint) => v, 0n],
  [u64, (_, k) => BigInt(k), (v: bigint) => v, 0n],
  [i32, (_, k) => k, (v: number) => v, 0],
  [array(i32, 3), (go, k) => filled(go, k), (v: { toArray(): number[] } | null) => v?.toArray().join() ?? null, null],
  [map(string, i32), (go, k) => entry(go, k), (v: { get(key: string): number }) => v.get('k'), 0],
  [ptr(i32), (go, k) => pointer(go, k), (v: { value: number } | null) => v?.value ?? null, null],
  [ptr(Node), (go, k) => node(go, k), (v: { id: number } | null) => v?.id ?? null, null],
  [Node, (go, k) => node(go, k), (v: { id: number } | null) => v?.id ?? null, null],
];
function filled(go: Go, k: number) {
  const a = go.new(array(i32, 3));
  a.set(1, k);
  return a;
}
function entry(go: Go, k: number) {
  const m = go.make(map(string, i32), 0);
  m.set('k', k);
  return m;
}
function pointer(go: Go, k: number) {
  const p = go.new(i32);
  p.value = k;
  return p;
}
function node(go: Go, k: number) {
  const n = go.new(Node);
  n.id = k;
  return n;
}

for (const [type, make, read, zero] of kinds) {
  test(`${(type as { name?: string }).name ?? type.kind}: arrives, through a buffer and from hand to hand, while the collector runs`, () => {
    for (const capacity of [0, 3]) {
      run(
        function* main(go) {
          const ch = go.chan(type, capacity);
          const want: unknown[] = [];
          go.go(function* sender(go) {
            for (let k = 0; k < 10; k++) {
              const value = make(go, k);
              want.push(read(value as never));
              yield* ch.send(value as never);
            }
            ch.close();
          });
          const got: unknown[] = [];
          for (let k = 0; k < 10; k++) {
            const [value, ok] = yield* ch.recv2();
            expect(ok).toBe(true);
            got.push(read(value as never));
            yield* go.gc();
          }
          expect(got).toEqual(want);
          expect(read((yield* ch.recv()) as never)).toEqual(zero);
          expect((yield* ch.recv2())[1]).toBe(false);
        },
        { godebug: 'clobberfree=1' },
      );
    }
  });

  test(`${(type as { name?: string }).name ?? type.kind}: a wrong value is refused, and nothing is sent`, () => {
    run(function* main(go) {
      const ch = go.chan(type, 2);
      const other = struct('chans.Other', { x: i32 });
      for (const wrong of [undefined, Symbol('x'), {}, go.new(other), go.make(slice(ptr(Node)), 1)])
        expect(() => ch.send(wrong as never)).toThrow(/ takes .*, got /);
      expect(ch.length).toBe(0);
      yield* go.gosched();
    });
  });
}

test('a select cannot send what has to be put into an object first, and says so', () => {
  run(function* main(go) {
    expect(() => go.chan(string, 1).sendCase(go.string('x'))).toThrow('a select cannot send a slice or a string');
    const ch = go.chan(ptr(string), 1);
    const f = go.locals({ p: ptr(string) });
    f.p = go.new(string);
    f.p.value = go.string('by pointer');
    yield* go.select([ch.sendCase(f.p)]);
    expect((yield* ch.recv())!.value.toString()).toBe('by pointer');
  });
});

test('what is no type is refused', () => {
  run(function* main(go) {
    for (const wrong of [undefined, null, 5, {}])
      expect(() => go.chan(wrong as never)).toThrow(/^chan: wanted a type such as i32 or a struct/);
    yield* go.gosched();
  });
});
