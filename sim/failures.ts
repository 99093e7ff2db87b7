// failures: what an exploration has found so far, and when that is enough.
import type { World } from './loop.ts';
import type { Failure } from './types.ts';

/**
 * The failures of one exploration. A data race alone does not end it: it says nothing of what it leads to, which the schedules to
 * come may show. One is remembered, and no other is looked for.
 */
export class Failures {
  private readonly list: Failure[] = [];
  private race: Failure | null = null;

  constructor(
    private readonly world: World,
    private readonly keepGoing: boolean,
  ) {}

  add(failure: Failure): void {
    if (failure.verdict !== 'race' || this.keepGoing) {
      this.list.push(failure);
      return;
    }
    this.race = failure;
    this.world.settings = { ...this.world.settings, races: false };
  }

  /** No schedule more is needed. */
  get enough(): boolean {
    return this.list.length > 0 && !this.keepGoing;
  }

  get all(): readonly Failure[] {
    return this.list.length === 0 && this.race !== null ? [this.race] : this.list;
  }
}
