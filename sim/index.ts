// sim: exploring schedules. A program on our goroutines, channels, locks and timers is run under many orders of its steps, and
// what goes wrong in one of them is found, named and can be run again. docs/exploring.md explains; types.ts has the words.
export { Directed } from './directed.ts';
export { eventually } from './eventually.ts';
export { explore, exploreSync, SameAgain } from './explore.ts';
export { runSchedule } from './loop.ts';
export { opNames, thingName } from './naming.ts';
export { Pct } from './pct.ts';
export { Portfolio } from './portfolio.ts';
export { Pos } from './pos.ts';
export { Fair, RandomWalk, type Searcher } from './strategy.ts';
export { Surw } from './surw.ts';
export {
  type Blocked,
  clockTask,
  type Decider,
  type Exploration,
  type ExploreOptions,
  type Failure,
  type Finding,
  type Listener,
  OpKind,
  type Outcome,
  type Point,
  type Program,
  type ProgramModule,
  type Progress,
  type RunOptions,
  Spin,
  type Step,
  type Strategy,
  type StrategyFigures,
  type StrategyName,
  type Task,
  type Thing,
  type TimeMode,
  type Verdict,
} from './types.ts';
