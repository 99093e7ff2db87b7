// The raw programs that several benchmarks run: binary trees, and live heaps in five shapes (drawn in ../peers/go/mark.go). Work and
// random numbers are those of the peers.
import { treeDepth, xorshift } from '../lib/side.mjs';

/** Binary trees: bottomUp(depth) builds one and returns its address, check(tree) counts its nodes. */
export function rawTrees(raw, type) {
  const pc = raw.pc('main.bottomUp');
  const bottomUp = (d) => {
    if (d === 0) return raw.new(type);
    const frame = raw.enter(pc, 2);
    raw.set(frame, 0, bottomUp(d - 1));
    raw.set(frame, 1, bottomUp(d - 1));
    const t = raw.new(type);
    raw.store(t, 0, raw.get(frame, 0));
    raw.store(t, 1, raw.get(frame, 1));
    raw.leave();
    return t;
  };
  const check = (t) => {
    const left = raw.load(t, 0);
    return left === 0 ? 1 : 1 + check(left) + check(raw.load(t, 1));
  };
  return { bottomUp, check };
}

/** The short-lived trees of the program: every second depth up to maxDepth, divided by 2^fewer. Returns the nodes counted. */
export function shortLived({ bottomUp, check }, maxDepth, fewer = 0) {
  let nodes = 0;
  for (let d = 4; d <= maxDepth; d += 2) {
    for (let i = 0; i < 1 << (maxDepth - d + 4 - fewer); i++) nodes += check(bottomUp(d));
  }
  return nodes;
}

/** Allocates n objects of `size` bytes, each of which replaces the last in slot 0 of `frame`. Objects of 1024 bytes have no pointers. */
export function allocLoop(raw, frame, size) {
  const type = raw.defineType(`main.o${size}`, size, size === 1024 ? [] : [0, 1]);
  return (n) => {
    for (let i = 0; i < n; i++) raw.set(frame, 0, raw.new(type));
  };
}

/**
 * Builds a live heap of about `wanted` nodes. Slot 0 of `frame` holds its root in the end, slot 1 is scratch and nil again.
 * Returns how many objects there are.
 */
export function buildShape({ self, struct, i32 }, raw, frame, shape, wanted) {
  const node = raw.type(struct('main.Node', { a: self, b: self, v: i32 }));
  const pointer = raw.defineType('[]*main.Node', 4, [0]);
  const random = xorshift();
  let count = wanted;
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
      return rawTrees(raw, node).bottomUp(depth);
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
  return count;
}
