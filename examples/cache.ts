// cache: a cache with eviction, Go's container/list beside a map. Keys are asked for by popularity, so an entry that is liked
// lives long and the others are evicted after a while: an object's age says nothing about how long it will live.
import { func, type GoFunc, i32, map, ptr, type Ref, self, slice, struct, u8 } from '../runtime/index.ts';
import { random } from './random.ts';

const Entry = struct('main.Entry', { key: i32, hits: i32, value: slice(u8), newer: self, older: self });
const Cache = struct('main.Cache', { byKey: map(i32, ptr(Entry)), newest: ptr(Entry), oldest: ptr(Entry), capacity: i32 });

const unlink = func('main.unlink', {}, (_f, c: Ref<typeof Cache>, e: Ref<typeof Entry>) => {
  if (e.newer === null) c.newest = e.older;
  else e.newer.older = e.older;
  if (e.older === null) c.oldest = e.newer;
  else e.older.newer = e.newer;
  e.newer = null;
  e.older = null;
});

const pushNewest = func('main.pushNewest', {}, (_f, c: Ref<typeof Cache>, e: Ref<typeof Entry>) => {
  e.older = c.newest;
  if (c.newest === null) c.oldest = e;
  else c.newest.newer = e;
  c.newest = e;
});

const load = func('main.load', { e: Entry }, (f, key: number): Ref<typeof Entry> => {
  f.e = f.new(Entry);
  f.e.key = key;
  f.e.value = f.make(slice(u8), 64 << (key % 5)); // 64 bytes to 1 KiB
  return f.e;
});

const get = func('main.get', { e: Entry }, (f, c: Ref<typeof Cache>, key: number) => {
  f.e = c.byKey.get(key);
  if (f.e !== null) {
    f.e.hits++;
    unlink(f, c, f.e);
    pushNewest(f, c, f.e);
    return;
  }
  f.e = load(f, key);
  c.byKey.set(key, f.e);
  pushNewest(f, c, f.e);
  if (c.byKey.length <= c.capacity) return;
  f.e = c.oldest!;
  unlink(f, c, f.e);
  c.byKey.delete(f.e.key);
});

/** The program: `gets` look-ups in a cache of 1,000 entries, of 8,000 keys. */
export function cache(gets: number, seed = 1): GoFunc<[]> {
  return function* main(go) {
    const f = go.locals({ c: Cache });
    const rnd = random(seed);
    f.c = go.new(Cache);
    f.c.byKey = go.make(map(i32, ptr(Entry)), 1000);
    f.c.capacity = 1000;
    for (let i = 0; i < gets; i++) {
      get(go, f.c, rnd.below(1 + rnd.below(8000))); // small keys are popular
      if (i % 16 === 0) yield* go.gosched();
    }
  };
}
