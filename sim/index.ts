// sim: exploring schedules. A program on our goroutines, channels, locks and timers is run under many orders of its steps, and
// what goes wrong in one of them is found, named and can be run again. docs/exploring.md explains; types.ts has the words.
export { SameAgain } from './again.ts';
export { type AsyncFunc, asyncFunc, exploreAsync, replayAsync, wait } from './async.ts';
export { failureJson, reportOf, type Told } from './describe.ts';
export { Directed } from './directed.ts';
export { eventually } from './eventually.ts';
export { explore, exploreSync, replay } from './explore.ts';
export { checkFaults, group, unreliable } from './faults.ts';
export { programName, type Replay } from './found.ts';
export { type Standstill, standAt, traceOf } from './look.ts';
export { runSchedule } from './loop.ts';
export { opNames, thingName } from './naming.ts';
export { Pct } from './pct.ts';
export { Portfolio } from './portfolio.ts';
export { Pos } from './pos.ts';
export { type Divergence, divergenceText } from './replay.ts';
export { type Layout, type Report, reportText } from './report.ts';
export { parseSchedule, type Schedule, ScheduleError, scheduleText } from './schedule.ts';
export { Fair, RandomWalk, type Searcher } from './strategy.ts';
export { Surw } from './surw.ts';
export {
  type Blocked,
  clockTask,
  type Decider,
  type Exploration,
  type ExploreOptions,
  type Failure,
  type FaultOptions,
  type Finding,
  type Listener,
  OpKind,
  type Outcome,
  type Point,
  type Program,
  type ProgramModule,
  type Progress,
  type RunOptions,
  type Size,
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
