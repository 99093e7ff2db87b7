// Pointers to the inside of objects: they load and store, they keep the whole object, and they are typed.
import { expect, test } from 'vitest';
import { addrOf, append, array, f64, func, i32, map, Ptr, ptr, self, slice, string, struct, u8 } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Point = struct('pointers.Point', { x: i32, y: i32 });
const Thing = struct('pointers.Thing', {
  flag: u8,
  count: i32,
  mid: Point,
  row: array(f64, 3),
  name: string,
  next: self,
  link: ptr(i32),
  far: ptr(array(f64, 3)),
});

test('&x.f loads and stores the field', () => {
  run(function* main(go) {
    const f = go.locals({ t: Thing, p: ptr(i32), q: ptr(u8), r: ptr(Point), a: array(f64, 3), n: ptr(ptr(Thing)), s: ptr(string) });
    f.t = go.new(Thing);
    expect([f.p, f.t.link]).toEqual([null, null]);
    f.p = addrOf(f.t, 'count');
    f.p.value = 5;
    f.p.value++;
    expect([f.t.count, f.p.addr]).toEqual([6, f.t.addr + Thing.offsetOf.count!]);
    f.q = addrOf(f.t, 'flag');
    f.q.value = 257;
    expect(f.t.flag).toBe(1);
    f.r = addrOf(f.t, 'mid');
    f.r.x = 3;
    f.a = addrOf(f.t, 'row');
    f.a.set(2, 0.5);
    f.n = addrOf(f.t, 'next');
    f.n.value = f.t;
    f.s = addrOf(f.t, 'name');
    f.s.value = go.string('hi');
    f.t.link = f.p;
    f.t.far = f.a;
    yield* go.gc();
    expect([f.t.mid.x, f.t.row.toArray(), f.t.next!.is(f.t), `${f.t.name}`]).toEqual([3, [0, 0, 0.5], true, 'hi']);
    expect([f.t.link.is(f.p), f.t.far.get(2), addrOf(f.t, 'count').is(addrOf(f.t, 'count')), f.p.is(null)]).toEqual([
      true,
      0.5,
      true,
      false,
    ]);
  });
});

test('the pointer alone keeps the whole object and what it holds', () => {
  run(
    function* main(go) {
      const f = go.locals({ t: Thing, q: ptr(u8) });
      f.t = go.new(Thing);
      f.t.next = go.new(Thing);
      f.t.next.count = 8;
      f.q = addrOf(f.t, 'flag');
      const { t } = f;
      f.t = null;
      for (let i = 0; i < 3; i++) yield* go.gc();
      expect(t.next?.count).toBe(8);
      const { q } = f;
      f.q = null;
      yield* go.gc();
      expect(() => q.value).toThrow(/stale reference/);
      expect(() => {
        q.value = 1;
      }).toThrow(/stale reference/);
    },
    { godebug: 'clobberfree=1' },
  );
});

test('&a[i] leads into the array of a slice, which grows away from it', () => {
  run(function* main(go) {
    const f = go.locals({ xs: slice(i32), p: ptr(i32), ps: slice(Point), r: Point });
    f.xs = append(f.xs, 1, 2, 3, 4);
    f.p = addrOf(f.xs, 1);
    f.p.value = 20;
    expect(f.xs.toArray()).toEqual([1, 20, 3, 4]);
    f.xs = append(f.xs, 5);
    f.p.value = 30;
    yield* go.gc();
    expect([f.xs.get(1), f.p.value]).toEqual([20, 30]);
    f.ps = go.make(slice(Point), 2);
    f.r = addrOf(f.ps, 1);
    f.r.x = 9;
    expect(f.ps.get(1).x).toBe(9);
    expect(() => addrOf(f.xs, 5)).toThrow('runtime error: index out of range [5] with length 5');
  });
});

test('new of any type gives a pointer to its zero value', () => {
  run(function* main(go) {
    const f = go.locals({ p: ptr(i32), s: ptr(slice(i32)), m: ptr(map(i32, i32)) });
    f.p = go.new(i32);
    f.s = go.new(slice(i32));
    f.m = go.new(map(i32, i32));
    expect(f.p).toBeInstanceOf(Ptr);
    expect([f.p.value, f.s.value.isNil, f.m.value.isNil]).toEqual([0, true, true]);
    f.s.value = append(f.s.value, 4);
    f.m.value = go.make(map(i32, i32));
    f.m.value.set(1, 2);
    yield* go.gc();
    expect([f.s.value.toArray(), f.m.value.get(1)]).toEqual([[4], 2]);
  });
});

test('what is no such pointer is refused, and nil panics', () => {
  run(function* main(go) {
    const f = go.locals({ t: Thing, p: ptr(i32) });
    f.t = go.new(Thing);
    const { t } = f;
    for (const wrong of [addrOf(t, 'flag'), t, 4096, undefined, addrOf(t, 'row')]) {
      expect(() => {
        t.link = wrong as never;
      }).toThrow('a value of type *int32 takes such a pointer or null, got');
      expect(() => {
        f.p = wrong as never;
      }).toThrow('a value of type *int32 takes such a pointer or null, got');
    }
    expect(t.link).toBe(null);
    expect(() => addrOf(t, 'no' as never)).toThrow("addrOf: struct pointers.Thing has no field 'no'");
    expect(() => addrOf(t, 'constructor' as never)).toThrow('has no field');
    expect(() => addrOf(null as never, 'x' as never)).toThrow('invalid memory address or nil pointer dereference');
    expect(() => addrOf(5 as never, 'x' as never)).toThrow('addrOf: wanted a reference, an array or a slice, got number');
  });
});

test('a pointer is an argument, and is rooted as one', () => {
  const add = func('pointers.add', { t: Thing }, (f, p: Ptr<number>, n: number) => {
    for (let i = 0; i < 100; i++) f.t = f.new(Thing);
    p.value += n;
    return p.value;
  });
  run(
    function* main(go) {
      expect(add(go, go.new(i32), 3)).toBe(3);
      expect(add(go, addrOf(go.new(Thing), 'count'), 4)).toBe(4);
    },
    { heapBytes: 1 << 17, godebug: 'clobberfree=1' },
  );
});

test('a weak pointer may lead to an element or a nested struct, and lives as long as what is around it', () => {
  run(
    function* main(go) {
      const f = go.locals({ xs: slice(Point), t: Thing });
      f.xs = go.make(slice(Point), 4);
      f.t = go.new(Thing);
      const [element, nested] = [go.weak(f.xs.get(1)), go.weak(f.t.mid)];
      f.xs.get(1).x = 7;
      yield* go.gc();
      expect([element.value()?.x, nested.value()?.addr]).toEqual([7, f.t.addr + Thing.offsetOf.mid!]);
      f.t = null;
      yield* go.gc();
      expect([element.value()?.x, nested.value()]).toEqual([7, null]);
      f.xs = go.make(slice(Point), 0);
      yield* go.gc();
      expect(element.value()).toBe(null);
    },
    { checkHeap: true, checkMark: true },
  );
});
