// One forced full collection of a live heap, on the built bundle, five times; then one that finds everything dead. Shapes and
// random numbers as in ../peers/go/mark.go. Automatic collections are off, as there.
import { emit, loadGorena, treeDepth, xorshift } from '../lib/side.mjs';

const [, shape, countText] = process.argv.slice(2);
let count = Number(countText);
const { Runtime, self, struct, i32 } = await loadGorena();
const Node = struct('main.Node', { a: self, b: self, v: i32 });
const rt = new Runtime({ heapBytes: 512 << 20, gogc: 'off' });

rt.run(function* main(go) {
  const { raw } = go;
  const node = raw.type(Node);
  const pointer = raw.defineType('[]*main.Node', 4, [0]);
  const frame = raw.enter(raw.pc('main.main'), 2);
  const random = xorshift();
  /** An array of count new nodes, kept in slot 1. */
  const nodes = () => {
    raw.set(frame, 1, raw.array(pointer, count));
    for (let i = 0; i < count; i++) {
      const n = raw.new(node);
      raw.words[(n >>> 2) + 2] = i;
      raw.store(raw.get(frame, 1), i, n);
    }
    return raw.get(frame, 1);
  };
  const bottomUp = (d) => {
    if (d === 0) return raw.new(node);
    const f = raw.enter(0, 2);
    raw.set(f, 0, bottomUp(d - 1));
    raw.set(f, 1, bottomUp(d - 1));
    const t = raw.new(node);
    raw.store(t, 0, raw.get(f, 0));
    raw.store(t, 1, raw.get(f, 1));
    raw.leave();
    return t;
  };
  const build = {
    graph() {
      const all = nodes();
      for (let i = 0; i < count; i++) {
        raw.store(raw.load(all, i), 0, raw.load(all, random() % count));
        raw.store(raw.load(all, i), 1, raw.load(all, random() % count));
      }
      return all;
    },
    tree() {
      const depth = treeDepth(count);
      count = 2 * 2 ** depth - 1;
      return bottomUp(depth);
    },
    list() {
      for (let i = 0; i < count; i++) {
        const n = raw.new(node);
        raw.words[(n >>> 2) + 2] = i;
        raw.store(n, 0, raw.get(frame, 0));
        raw.set(frame, 0, n);
      }
      return raw.get(frame, 0);
    },
    rlist() {
      const all = nodes();
      for (let i = count - 1; i > 0; i--) {
        const j = random() % (i + 1);
        const x = raw.load(all, i);
        raw.store(all, i, raw.load(all, j));
        raw.store(all, j, x);
      }
      for (let i = 0; i + 1 < count; i++) raw.store(raw.load(all, i), 0, raw.load(all, i + 1));
      return raw.load(all, 0);
    },
    wide() {
      raw.set(frame, 0, raw.array(pointer, count / 1000));
      for (let i = 0; i < count / 1000; i++) {
        raw.set(frame, 1, raw.array(pointer, 1000));
        raw.store(raw.get(frame, 0), i, raw.get(frame, 1));
        for (let j = 0; j < 1000; j++) raw.store(raw.get(frame, 1), j, raw.new(node));
      }
      return raw.get(frame, 0);
    },
  }[shape];
  raw.set(frame, 0, build());
  raw.set(frame, 1, 0);
  yield* go.gc();
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    yield* go.gc();
    emit('mark', performance.now() - start, count);
  }
  raw.set(frame, 0, 0);
  const start = performance.now();
  yield* go.gc();
  emit('sweep-all', performance.now() - start, count);
});
