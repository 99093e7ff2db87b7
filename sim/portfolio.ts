// portfolio: which strategy answers which schedule. No one of them finds everything, so by default they take turns; the schedule's
// number says whose turn it is. Those that need an estimate begin with the schedules that make it: a fair one, then random walks.
import { Estimate, Estimating } from './estimate.ts';
import { Pct } from './pct.ts';
import { Pos } from './pos.ts';
import { Fair, RandomWalk, type Searcher } from './strategy.ts';
import { Surw } from './surw.ts';
import type { Outcome, Strategy } from './types.ts';

/** Schedules that make the estimate. */
export const estimating = 4;

/** The strategies of one exploration. */
export class Portfolio {
  readonly estimate = new Estimate();
  private readonly first = new Estimating(this.estimate);
  private readonly walk = new RandomWalk();
  /** The estimate is made: the schedules that make it are as any others. */
  known = false;
  private readonly turns: readonly Searcher[];
  /** Schedules at the beginning that every worker must run, in their order, before any other. */
  readonly preliminary: number;

  constructor(strategy: Strategy) {
    this.turns = this.searchers(strategy);
    this.preliminary = strategy === 'fair' || strategy === 'random' ? 0 : estimating;
  }

  private searchers(strategy: Strategy): readonly Searcher[] {
    const { estimate } = this;
    if (typeof strategy === 'object') {
      if ('pct' in strategy) return [new Pct(strategy.pct, estimate)];
      throw new RangeError('option strategy: exhaustive search is not one of those that draw');
    }
    switch (strategy) {
      case 'fair':
        return [new Fair()];
      case 'random':
        return [this.walk];
      case 'pct':
        return [new Pct(3, estimate)];
      case 'pos':
        return [new Pos()];
      case 'surw':
        return [new Surw(estimate, true)];
      case 'portfolio': {
        const [pct2, pct3, pos] = [new Pct(2, estimate), new Pct(3, estimate), new Pos()];
        const [surw, urw] = [new Surw(estimate, true), new Surw(estimate, false)];
        return [this.walk, pct2, pos, surw, this.walk, pct3, pos, surw, pct2, urw];
      }
      case 'exhaustive':
        throw new RangeError('option strategy: exhaustive search is not one of those that draw');
    }
  }

  /** Who answers the schedule of this number. */
  of(schedule: number): Searcher {
    if (schedule >= this.preliminary) return this.turns[(schedule - this.preliminary) % this.turns.length]!;
    if (schedule > 0) return this.walk;
    return this.known ? new Fair() : this.first;
  }

  /** A schedule has ended: what it tells about the next ones. */
  ended(schedule: number, outcome: Pick<Outcome, 'points'>): void {
    if (this.known || schedule >= this.preliminary) return;
    if (schedule === 0) this.first.ended();
    this.estimate.seen(outcome);
  }
}
