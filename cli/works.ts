// works: what worker threads do, by the kind of a campaign's tasks. They run the same bundle as the command.
import type { Work } from '../campaign/workers.ts';
import { experimentKind, measureAt } from '../experiment/runner.ts';
import { exploreBlock, exploreKind } from './explore.ts';

export const works: Readonly<Record<string, Work>> = {
  [experimentKind]: measureAt,
  [exploreKind]: exploreBlock,
};
