// program: what runs at a point: the built-in program and, if the point says so, somebody who calls runtime.GC() again and again, as
// people do who want an up-to-date profile.
import { programs } from '../examples/index.ts';
import type { GoFunc } from '../runtime/index.ts';
import type { Point } from './spec.ts';

/** The main function of a point. */
export function programAt({ program, size, seed, force }: Pick<Point, 'program' | 'size' | 'seed' | 'force'>): GoFunc<[]> {
  const main = programs[program]!.make(size, seed);
  if (force === 0) return main;
  return function* mainAndCollections(go) {
    go.go(function* collections(go) {
      for (;;) {
        yield* go.sleep(force * 1e3);
        yield* go.gc();
      }
    });
    yield* main(go);
  };
}
