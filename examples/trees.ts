// trees: the binary-trees program of the benchmarks game. One long-lived tree, and many short-lived ones that are built,
// counted and dropped. Every depth of the recursion is a call stack, so the profile has a bucket for each.
import { func, type GoFunc, type Ref, self, struct } from '../runtime/index.ts';

const Tree = struct('main.Tree', { left: self, right: self });

const bottomUp: (caller: Parameters<typeof count>[0], depth: number) => Ref<typeof Tree> = func(
  'main.bottomUp',
  { t: Tree },
  (f, depth: number): Ref<typeof Tree> => {
    f.t = f.new(Tree);
    if (depth > 0) {
      f.t.left = bottomUp(f, depth - 1);
      f.t.right = bottomUp(f, depth - 1);
    }
    return f.t;
  },
);

const count = func('main.count', {}, (f, t: Ref<typeof Tree>): number => {
  const { left, right } = t;
  return left === null || right === null ? 1 : 1 + count(f, left) + count(f, right);
});

/** The program up to trees of `depth`; calls `report` with the number of nodes counted. */
export function trees(depth = 12, report: (nodes: number) => void = () => {}): GoFunc<[]> {
  return function* main(go) {
    const f = go.locals({ long: Tree, t: Tree });
    f.t = bottomUp(go, depth + 1);
    let nodes = count(go, f.t);
    f.t = null;
    f.long = bottomUp(go, depth);
    for (let d = 4; d <= depth; d += 2) {
      for (let i = 0; i < 1 << (depth - d + 4); i++) {
        f.t = bottomUp(go, d);
        nodes += count(go, f.t);
      }
      yield* go.gosched();
    }
    nodes += count(go, f.long);
    report(nodes);
  };
}
