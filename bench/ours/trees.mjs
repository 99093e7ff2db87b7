// Binary trees on the built bundle: raw (addresses, explicit frames) or typed (the README's API). Work as in ../peers/go/trees.go.
import { emit, loadGorena } from '../lib/side.mjs';

const [layer, depthText, rateText] = process.argv.slice(2);
const depth = Number(depthText);
const { Runtime, func, self, struct } = await loadGorena();
const Tree = struct('main.Tree', { left: self, right: self });
const rt = new Runtime({ heapBytes: 256 << 20, ...(rateText !== undefined && { memProfileRate: Number(rateText) }) });

/** Builds, keeps and counts with the two verbs of a layer; returns the number of nodes visited. */
function rawProgram(go) {
  const { raw } = go;
  const type = raw.type(Tree);
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
  const frame = raw.enter(raw.pc('main.main'), 1);
  let nodes = check(bottomUp(depth + 1));
  raw.set(frame, 0, bottomUp(depth));
  for (let d = 4; d <= depth; d += 2) {
    for (let i = 0; i < 1 << (depth - d + 4); i++) nodes += check(bottomUp(d));
  }
  nodes += check(raw.get(frame, 0));
  raw.leave();
  return nodes;
}

function typedProgram(go) {
  const bottomUp = func('main.bottomUp', { t: Tree }, (f, d) => {
    f.t = f.new(Tree);
    if (d > 0) {
      f.t.left = bottomUp(f, d - 1);
      f.t.right = bottomUp(f, d - 1);
    }
    return f.t;
  });
  const check = (t) => {
    const { left } = t;
    return left === null ? 1 : 1 + check(left) + check(t.right);
  };
  const f = go.locals({ long: Tree });
  let nodes = check(bottomUp(go, depth + 1));
  f.long = bottomUp(go, depth);
  for (let d = 4; d <= depth; d += 2) {
    for (let i = 0; i < 1 << (depth - d + 4); i++) nodes += check(bottomUp(go, d));
  }
  return nodes + check(f.long);
}

rt.run(function* main(go) {
  const start = performance.now();
  const nodes = layer === 'raw' ? rawProgram(go) : typedProgram(go);
  emit('trees', performance.now() - start, nodes, { gcs: rt.stats().numGC });
});
