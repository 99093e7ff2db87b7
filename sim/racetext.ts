// racetext: a data race in words: one line while schedules are explored, and Go's report once stacks are known.
//
//   WARNING: DATA RACE
//   Write at cell interval by goroutine 2 (main/test):
//     main.test()
//         interval.ts:12
//
//   Previous read at cell interval by goroutine 4 (main/server/timer):
//     main.timer()
//         interval.ts:16
//
//   Goroutine 2 (running) created at:
//     main.main()
//         interval.ts:24
//   …
import { type G, GStatus } from '../sched/g.ts';
import { framesIn } from './naming.ts';
import type { ExploringSched } from './sched.ts';
import type { Access, Race } from './shadow.ts';
import { clockTask, type Finding, type Task } from './types.ts';

/** What is wrong with a schedule that has a race. paths: by task. */
export function raceFinding(race: Race, sched: ExploringSched, paths: readonly string[]): Finding {
  const { place, now, before } = race;
  const both = [now, before].map((access) => `${paths[access.task]!.replace(/#\d+/g, '')} ${verb(access)}`);
  const identity = `race: ${place}: ${both.sort().join(', ')}`;
  const short = `data race on ${place}: ${paths[now.task]} ${verb(now)}, ${paths[before.task]} has ${participle(before)}, and nothing orders the two`;
  const message = now.stack === '' ? short : report(race, sched, paths);
  return { verdict: 'race', message, identity, error: undefined };
}

const verb = ({ writes, atomic }: Access) => `${writes ? 'writes' : 'reads'}${atomic ? ' atomically' : ''}`;
const participle = ({ writes, atomic }: Access) => `${writes ? 'written' : 'read'}${atomic ? ' atomically' : ''}`;

/** Source: ThreadSanitizer's report as Go prints it. */
function report({ place, now, before }: Race, sched: ExploringSched, paths: readonly string[]): string {
  const who = (task: Task) =>
    task === 1 ? 'main goroutine' : task === clockTask ? 'a timer' : `goroutine ${sched.gt.goid[task as G]} (${paths[task]})`;
  const what = ({ writes, atomic }: Access) => `${atomic ? 'atomic ' : ''}${writes ? 'write' : 'read'}`;
  const lines = ['WARNING: DATA RACE', `${capital(what(now))} at ${place} by ${who(now.task)}:`, ...stackLines(now.stack)];
  lines.push('', `Previous ${what(before)} at ${place} by ${who(before.task)}:`, ...stackLines(before.stack));
  for (const { task } of [now, before]) if (task > 1) lines.push('', ...creation(task, sched));
  return lines.join('\n');
}

const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1);

function stackLines(stack: string): string[] {
  const frames = framesIn(stack);
  return frames.length === 0 ? ['  (a timer)'] : frames.flatMap(({ func, site }) => [`  main.${func}()`, `      ${site}`]);
}

/** Where a goroutine was started. */
function creation(task: Task, sched: ExploringSched): string[] {
  const g = task as G;
  const state = sched.ops[g]!.status === GStatus.dead ? 'finished' : 'running';
  return [`Goroutine ${sched.gt.goid[g]} (${state}) created at:`, ...stackLines(sched.births[task]!)];
}
