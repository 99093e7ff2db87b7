// Binary trees on the built bundle: raw (addresses, explicit frames) or typed (the README's API). Work as in ../peers/go/trees.go.
import { emit, loadGorena } from '../lib/side.mjs';
import { rawTrees, shortLived } from './programs.mjs';

const [layer, depthText] = process.argv.slice(2);
const depth = Number(depthText);
const { Runtime, func, self, struct } = await loadGorena();
const Tree = struct('main.Tree', { left: self, right: self });
const rt = new Runtime({ heapBytes: 256 << 20 });

/** Builds, keeps and counts with the two verbs of a layer; returns the number of nodes visited. */
function rawProgram({ raw }) {
  const trees = rawTrees(raw, raw.type(Tree));
  const { bottomUp, check } = trees;
  const frame = raw.enter(raw.pc('main.main'), 1);
  let nodes = check(bottomUp(depth + 1));
  raw.set(frame, 0, bottomUp(depth));
  nodes += shortLived(trees, depth);
  nodes += check(raw.get(frame, 0));
  raw.leave();
  return nodes;
}

function typedProgram(go) {
  const build = func('main.bottomUp', { t: Tree }, (f, d) => {
    f.t = f.new(Tree);
    if (d > 0) {
      f.t.left = build(f, d - 1);
      f.t.right = build(f, d - 1);
    }
    return f.t;
  });
  const bottomUp = (d) => build(go, d);
  const check = (t) => {
    const { left } = t;
    return left === null ? 1 : 1 + check(left) + check(t.right);
  };
  const f = go.locals({ long: Tree });
  let nodes = check(bottomUp(depth + 1));
  f.long = bottomUp(depth);
  nodes += shortLived({ bottomUp, check }, depth);
  return nodes + check(f.long);
}

rt.run(function* main(go) {
  const start = performance.now();
  const nodes = layer === 'raw' ? rawProgram(go) : typedProgram(go);
  emit('trees', performance.now() - start, nodes, { gcs: rt.stats().numGC });
});
