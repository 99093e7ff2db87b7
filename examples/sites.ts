// sites: many call stacks. Two functions call each other down to a depth at which something is allocated; each way down is a
// stack of its own, so the profile gets a bucket for each. So a profile looks that has seen hours of work.
import { array, type Caller, func, type GoFunc, i32, type Ref, self, struct, u8 } from '../runtime/index.ts';

const Item = struct('main.Item', { site: i32, next: self });

const allocate = func('main.allocate', { i: Item }, (f, site: number): Ref<typeof Item> => {
  f.i = f.new(Item);
  f.i.site = site;
  return f.i;
});

type Step = (caller: Caller, site: number, depth: number) => Ref<typeof Item>;

/** One bit of the site's number for each call. */
const down: Step = (caller, site, depth) => {
  if (depth < 0) return allocate(caller, site);
  return site & (1 << depth) ? left(caller, site, depth) : right(caller, site, depth);
};
const left: Step = func('main.left', {}, (f, site: number, depth: number): Ref<typeof Item> => down(f, site, depth - 1));
const right: Step = func('main.right', {}, (f, site: number, depth: number): Ref<typeof Item> => down(f, site, depth - 1));

const Garbage = struct('main.Garbage', { bytes: array(u8, 32 << 10) });

/** Rounds over all stacks, and how much garbage comes after each, so that the collector runs. */
const rounds = 4;
const garbageBlocks = 256;

/** The program: allocates once a round from each of `sites` stacks, and keeps what every fourth of them made last. */
export function sites(sites: number): GoFunc<[]> {
  return function* main(go) {
    const f = go.locals({ i: Item, list: Item });
    const depth = Math.ceil(Math.log2(sites)) - 1;
    for (let round = 0; round < rounds; round++) {
      f.list = null;
      for (let site = 0; site < sites; site++) {
        f.i = down(go, site, depth);
        if (site % 4 !== 0) continue;
        f.i.next = f.list;
        f.list = f.i;
      }
      for (let i = 0; i < garbageBlocks; i++) {
        go.new(Garbage);
        yield* go.gosched();
      }
    }
  };
}
