// examples: the built-in programs of the command. A program has a size, which says how much it does; those that draw random
// numbers take them from the seed of the run.
import type { GoFunc } from '../runtime/index.ts';
import { cache } from './cache.ts';
import { churn } from './churn.ts';
import { generations } from './generations.ts';
import { pipeline } from './pipeline.ts';
import { search } from './search.ts';
import { sites } from './sites.ts';
import { trees } from './trees.ts';
import { waits } from './waits.ts';

/** A built-in program. */
export interface Program {
  /** For the help. */
  readonly summary: string;
  /** Its size when nobody says one, and the largest that makes sense in a heap of 256 MiB. */
  readonly size: number;
  readonly largest: number;
  make(size: number, seed: number): GoFunc<[]>;
}

/** All of them, in the order of the help. */
export const programs: Readonly<Record<string, Program>> = {
  churn: {
    summary: 'two goroutines and a channel: a steady live set, much garbage',
    ...{ size: 400_000, largest: 1e8, make: (size) => churn(size) },
  },
  trees: {
    summary: 'binary trees of the benchmarks game, up to depth 14',
    ...{ size: 14, largest: 20, make: (size) => trees(size) },
  },
  generations: {
    summary: 'a server: requests die young, sessions in the middle, routes never',
    ...{ size: 40_000, largest: 1e8, make: generations },
  },
  cache: {
    summary: 'a cache with eviction: popular entries live long, at any age',
    ...{ size: 60_000, largest: 1e8, make: cache },
  },
  pipeline: {
    summary: 'stages connected by channels: an object lives while it is under way',
    ...{ size: 40_000, largest: 1e8, make: pipeline },
  },
  waits: {
    summary: 'one goroutine waits seldom and long, another often and short',
    ...{ size: 200, largest: 1e6, make: waits },
  },
  search: {
    summary: 'requests with deadlines, each to several backends at once: context and errgroup',
    ...{ size: 8000, largest: 1e7, make: (size, seed) => search(size, seed) },
  },
  sites: {
    summary: 'allocation from 4,096 call stacks: a profile with many buckets',
    ...{ size: 4096, largest: 1 << 18, make: (size) => sites(size) },
  },
};
