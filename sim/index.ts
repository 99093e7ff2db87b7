// sim: exploring schedules. A program on our goroutines, channels, locks and timers is run under many orders of its steps, and
// what goes wrong in one of them is found, named and can be run again. docs/exploring.md explains; types.ts has the words. This is
// the overview of the folder.
//
// One schedule: at each point a decider says who takes the next step.
//   loop.ts           from main's first step until nothing can happen any more; `World`, which runs one schedule after the other
//   sched.ts          the scheduler: who can go on, a point before each operation
//   explored.ts       what every thing of a schedule has: things.ts channels, selects; locks.ts; variables.ts cells, atomics
//   async.ts          goroutines that are async functions
//   faults.ts         what may go wrong besides the order of steps
//   verdict.ts        what the end means, and what makes two failures the same; eventually.ts, livelock.ts
//   races.ts          data races, with clocks.ts and shadow.ts; racetext.ts says them
//
// Deciders, for one schedule or for many:
//   strategy.ts       everybody in turn, the random walk; pct.ts, pos.ts, surw.ts; portfolio.ts takes turns among all of them
//   estimate.ts       what those must know of the program; random.ts what they draw
//   directed.ts       by hand; again.ts the same once more; replay.ts from a string
//   treedecider.ts    every schedule once: tree.ts has the search, dependence.ts which steps could change places
//
// Many schedules:
//   explore.ts        explore(), by a strategy; parallel.ts on several threads, worker.ts one of them, module.ts programs for them
//   exhaust.ts        all there are: fewest preemptions first
//   options.ts        what they are told, checked
//   failures.ts       what was found so far, and when that is enough; tally.ts how many schedules were different
//   uncontrolled.ts   what a program asks of the host
//
// What is told of a failure:
//   diagnosis.ts      from a schedule that went wrong to a Failure: made small by shrink.ts, as a string by schedule.ts
//   describe.ts       what a report says; naming.ts what things and goroutines are called in it; report.ts its text
//   look.ts           inside a schedule: stopped at a step, or as a trace
export { SameAgain } from './again.ts';
export { type AsyncFunc, asyncFunc, exploreAsync, replayAsync, wait } from './async.ts';
export { failureJson, reportOf, type Told } from './describe.ts';
export { programName, type Replay } from './diagnosis.ts';
export { Directed } from './directed.ts';
export { eventually } from './eventually.ts';
export { explore, exploreSync, replay } from './explore.ts';
export { checkFaults, group, unreliable } from './faults.ts';
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
