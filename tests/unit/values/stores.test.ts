// Stores of values of several words: the collector does not run in the middle of one, so a value that is in no local any more
// is stored whole. The explorer, which may run the collector at every operation, tries.
import { describe, expect, test } from 'vitest';
import { array, type Go, host, i32, map, ptr, RandomChooser, self, slice, struct } from '../../../runtime/index.ts';
import { checkedOptions, run } from '../../support/run.ts';

const Node = struct('stores.Node', { value: i32, next: self });
const count = 24; // pointers: the collector needs a few stores for a cycle
const Many = struct('stores.Many', { nodes: array(ptr(Node), count) });
const Tagged = struct('stores.Tagged', { a: ptr(Node), tag: host<string>(), b: ptr(Node) });

/** Runs main under many schedules of the collector. */
function explore(main: (go: Go) => Generator<void, void, void>): void {
  for (let seed = 0; seed < 200; seed++) {
    const options = {
      ...checkedOptions,
      checkHeap: false,
      heapBytes: 256 << 10,
      godebug: 'clobberfree=1',
      chooser: new RandomChooser(seed),
    };
    try {
      run(function* stores(go) {
        yield* main(go);
      }, options);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}

describe('a value that is in no local any more', () => {
  test('is whole after a store into a slice, a map, an array and a field', () => {
    const Box = struct('stores.Box', { many: Many });
    explore(function* main(go) {
      const f = go.locals({ q: Many, n: Node, xs: slice(Many), m: map(i32, Many), ys: array(Many, 1), box: Box });
      f.xs = go.make(slice(Many), 1);
      f.m = go.make(map(i32, Many));
      f.ys = go.new(array(Many, 1));
      f.box = go.new(Box);
      const fill = () => {
        f.q = go.new(Many);
        for (let i = 0; i < count; i++) {
          f.n = go.new(Node);
          f.n.value = i;
          f.q.nodes.set(i, f.n);
        }
        const made = f.q;
        f.q = null;
        f.n = null;
        return made;
      };
      f.q = go.new(Many);
      f.m.set(0, f.q);
      f.xs.set(0, fill());
      f.m.set(0, fill());
      f.ys.set(0, fill());
      f.box.many = fill();
      yield* go.gc();
      for (const { nodes } of [f.xs.get(0), f.m.get(0), f.ys.get(0), f.box.many]) {
        expect(nodes.toArray().map((n) => n!.value)).toEqual(Array.from({ length: count }, (_, i) => i));
      }
    });
  });

  test('is whole with its host values, and so is an array', () => {
    explore(function* main(go) {
      const f = go.locals({ q: Tagged, n: Node, xs: slice(Tagged), p: array(ptr(Node), 8), ps: slice(array(ptr(Node), 8)) });
      f.xs = go.make(slice(Tagged), 1);
      f.ps = go.make(slice(array(ptr(Node), 8)), 1);
      f.q = go.new(Tagged);
      f.q.tag = 'tag';
      f.q.a = go.new(Node);
      f.q.b = go.new(Node);
      f.p = go.new(array(ptr(Node), 8));
      for (let i = 0; i < 8; i++) {
        f.n = go.new(Node);
        f.n.value = i;
        f.p.set(i, f.n);
      }
      f.n = null;
      const tagged = f.q;
      f.q = null;
      f.xs.set(0, tagged);
      const nodes = f.p;
      f.p = null;
      f.ps.set(0, nodes);
      yield* go.gc();
      const got = f.xs.get(0);
      expect([got.tag, got.a!.value, got.b!.value]).toEqual(['tag', 0, 0]);
      expect(
        f.ps
          .get(0)
          .toArray()
          .map((n) => n!.value),
      ).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });
  });
});
