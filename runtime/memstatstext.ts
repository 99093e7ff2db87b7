// memstatstext: the lines of statistics that end a heap profile of debug=1. Source: writeHeapInternal of runtime/pprof/pprof.go,
// and the same of 2014. Go adds MaxRSS where the system tells it; an arena has no such figure.
import type { Era } from './internal/era.ts';
import type { MemStats } from './memstats.ts';

/** What the list of 2014 had not yet, and what it had instead. */
const since2014 = new Set(['HeapReleased', 'HeapObjects', 'GCSys', 'OtherSys', 'LastGC', 'PauseEnd', 'NumForcedGC', 'GCCPUFraction']);
const until2014 = new Set(['EnableGC']);

/** `# Name = value` lines. */
export function memStatsText(s: MemStats, era: Era): string {
  const rows: [name: string, value: string | number | boolean][] = [
    ['Alloc', s.alloc],
    ['TotalAlloc', s.totalAlloc],
    ['Sys', s.sys],
    ['Lookups', s.lookups],
    ['Mallocs', s.mallocs],
    ['Frees', s.frees],
    ['HeapAlloc', s.heapAlloc],
    ['HeapSys', s.heapSys],
    ['HeapIdle', s.heapIdle],
    ['HeapInuse', s.heapInuse],
    ['HeapReleased', s.heapReleased],
    ['HeapObjects', s.heapObjects],
    ['Stack', `${s.stackInuse} / ${s.stackSys}`],
    ['MSpan', `${s.mspanInuse} / ${s.mspanSys}`],
    ['MCache', `${s.mcacheInuse} / ${s.mcacheSys}`],
    ['BuckHashSys', s.buckHashSys],
    ['GCSys', s.gcSys],
    ['OtherSys', s.otherSys],
    ['NextGC', s.nextGC === Infinity ? '18446744073709551615' : Math.floor(s.nextGC)],
    ['LastGC', Math.floor(s.lastGC)],
    ['PauseNs', integers(s.pauseNs)],
    ['PauseEnd', integers(s.pauseEnd)],
    ['NumGC', s.numGC],
    ['NumForcedGC', s.numForcedGC],
    ['GCCPUFraction', floatText(s.gcCPUFraction)],
    ['EnableGC', s.enableGC],
    ['DebugGC', s.debugGC],
  ];
  const leftOut = era === '2014' ? since2014 : until2014;
  return rows.map(([name, value]) => (leftOut.has(name) ? '' : `# ${name} = ${value}\n`)).join('');
}

const integers = (list: readonly number[]) => `[${list.map(Math.floor).join(' ')}]`;

/** A number from 0 to 1 as Go's %v prints it: the shortest digits, with an exponent below 1e-4. */
function floatText(x: number): string {
  if (x === 0 || x >= 1e-4) return String(x);
  return x.toExponential().replace(/e-(\d)$/, 'e-0$1');
}
