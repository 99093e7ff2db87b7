// naming: what the things and goroutines of a schedule are called in reports. Nothing here runs while schedules are explored,
// only when something is to be said about one.
import type { SymTab } from '../profiler/symtab.ts';
import { placeIn, sourceOf } from '../runtime/callsite.ts';
import { type G, GStatus } from '../sched/g.ts';
import type { ExploringSched } from './sched.ts';
import { type Blocked, clockTask, OpKind, type Step, type Task, type Thing } from './types.ts';

/** The words for what a goroutine does. */
export const opNames: Readonly<Record<OpKind, string>> = {
  [OpKind.start]: 'start',
  [OpKind.point]: 'point',
  [OpKind.gosched]: 'gosched',
  [OpKind.sleep]: 'sleep',
  [OpKind.syscall]: 'syscall',
  [OpKind.send]: 'send',
  [OpKind.recv]: 'recv',
  [OpKind.select]: 'select',
  [OpKind.lock]: 'lock',
  [OpKind.rLock]: 'rLock',
  [OpKind.wait]: 'wait',
  [OpKind.condWait]: 'cond wait',
  [OpKind.once]: 'once',
  [OpKind.acquire]: 'acquire',
  [OpKind.get]: 'get',
  [OpKind.set]: 'set',
  [OpKind.load]: 'load',
  [OpKind.store]: 'store',
  [OpKind.update]: 'update',
  [OpKind.runtime]: 'runtime',
};

/** By task: its path, `main/worker#2`: who started it, the name of its function, and which one of those it is. */
export function pathsOf(sched: ExploringSched, symtab: SymTab): string[] {
  const paths = ['clock'];
  const seen = new Map<string, number>();
  const byGoid = new Map<number, Task>();
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    byGoid.set(sched.gt.goid[g], g);
    const name = symtab.frame(sched.gt.goPc[g]).func.replace(/^main\./, '');
    const parent = sched.gt.parent[g];
    const above = g === 1 ? '' : parent === 0 ? 'clock/' : `${paths[byGoid.get(parent)!]!}/`;
    const path = above + name;
    const n = (seen.get(path) ?? 0) + 1;
    seen.set(path, n);
    paths.push(n === 1 ? path : `${path}#${n}`);
  }
  return paths;
}

/** `mutex#1`, `cell x`. */
export function thingName(thing: Thing): string {
  return thing.name === '' ? `${thing.what}#${thing.id}` : `${thing.what} ${thing.name}`;
}

/** What task g is about to do, or waits in, in words. */
function operation(sched: ExploringSched, g: Task): string {
  const object = objectOf(sched, g);
  return object === '' ? opNames[sched.kinds[g]!] : `${opNames[sched.kinds[g]!]} ${object}`;
}

function objectOf(sched: ExploringSched, g: Task): string {
  const operand = sched.operands[g]!;
  if (operand === null) return '';
  if (operand.eachThing === undefined) return thingName(operand);
  const names: string[] = [];
  operand.eachThing(sched.ops[g]!, (thing, sends) => names.push(`${thingName(thing)}${sends ? '!' : '?'}`));
  return names.join(' ');
}

/** Goroutines of the program that wait, and for which `which` is true: all of them when nothing can happen any more. */
export function blockedForEver(sched: ExploringSched, paths: readonly string[], which: (task: Task) => boolean = () => true): Blocked[] {
  const blocked: Blocked[] = [];
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    if (sched.ops[g]!.status !== GStatus.waiting || sched.gt.system[g] !== 0 || !which(g)) continue;
    const holder = sched.operands[g]?.holder ?? 0;
    blocked.push({
      ...{ g: paths[g]!, on: operation(sched, g), op: sched.kinds[g]!, site: siteIn(sched.sites[g] ?? '') },
      ...(holder !== 0 && { holder: paths[holder]! }),
    });
  }
  return blocked;
}

/** The step that a task is about to take. */
export function stepOf(sched: ExploringSched, task: Task, path: string): Step {
  if (task === clockTask) return { g: 'clock', op: OpKind.sleep, object: '', after: 'goes on', site: '', clock: sched.now() };
  const [op, object, site] = [sched.kinds[task]!, objectOf(sched, task), siteIn(sched.sites[task] ?? '')];
  return { g: path, op, object, after: 'goes on', site, clock: sched.now() };
}

/** A place of the program in a stack of JavaScript: the innermost one that is neither ours nor a library's. `file:line`. */
export function siteIn(stack: string): string {
  return framesIn(stack)[0]?.site ?? '';
}

/** The frames of the program in a stack of JavaScript, innermost first. */
export function framesIn(stack: string): { func: string; site: string }[] {
  const frames: { func: string; site: string }[] = [];
  for (const line of stack.split('\n').slice(1)) {
    const [, func = 'func1', file = ''] = /^at (?:(.*?) \()?(\S+?):\d+:\d+\)?$/.exec(line.trim()) ?? [];
    const site = file === '' ? '' : ownerOf(line);
    if (site !== '') frames.push({ func: func.replace(/^.*\.(?=\w)/, ''), site });
  }
  return frames;
}

/** The place that a line of a stack names, `file:line`, if it is one of the program; else ''. */
export function ownerOf(line: string): string {
  const file = /\(?(\S+?):(\d+):\d+\)?$/.exec(line.trim());
  if (file === null || foreign.test(file[1]!)) return '';
  const builtIn = sourceOf(file[1]!, Number(file[2]))?.file.startsWith('examples/') === true;
  if (!builtIn && isOurs(file[1]!)) return '';
  const place = placeIn(line.trim());
  return place === null ? '' : `${place.file}:${place.line}`;
}

/** Files of libraries and of the host. */
const foreign = /[\\/]node_modules[\\/]|^node:|^native |<anonymous>/;

/** Whether a file is one of this package: it lies where this one lies, in its sources, in what was built of them, or in a bundle. */
const isOurs = ((): ((file: string) => boolean) => {
  const here = /\(?(\S+?):\d+:\d+\)?$/.exec((new Error().stack ?? '').split('\n')[1]?.trim() ?? '')?.[1] ?? '';
  const [, sources] = /^(.*[\\/])sim[\\/]naming\.ts/.exec(here) ?? [];
  if (sources !== undefined) {
    return (file) => file.startsWith(sources) && /^(?:sim|sched|runtime|gc|heap|profiler|testing)[\\/]/.test(file.slice(sources.length));
  }
  const [, built] = /^(.*[\\/]dist[\\/])[\w-]+\.js$/.exec(here) ?? [];
  return (file) => file === here || (built !== undefined && file.startsWith(built)); // a bundle of the program's own: it has no places
})();
