// directed: a schedule by hand. `add×2 stop×6 clock add` resumes the goroutine add twice, stop six times, fires the next timer and
// resumes add once more; after that whoever ran last goes on while it can. Witnesses of known bugs are written so.
import { clockTask, type Decider, type Point, type Task } from './types.ts';

/** Follows a schedule by hand. A name is a path or its last part. */
export class Directed implements Decider {
  readonly everyStep = true;
  private readonly script: string[] = [];
  private at = 0;

  /** Throws RangeError for what is no name, or no name×count. selects: answers to select, 0 when they are used up. */
  constructor(
    text: string,
    private readonly selects: readonly number[] = [],
  ) {
    for (const part of text.split(/\s+/).filter((word) => word !== '')) {
      const [name, count = '1', ...more] = part.split(/[×*]/);
      if (name === '' || more.length > 0 || !/^[1-9]\d*$/.test(count)) {
        throw new RangeError(`directed schedule: got '${part}', wanted a goroutine's name, or name×count`);
      }
      for (let k = 0; k < Number(count); k++) this.script.push(name!);
    }
  }

  /** Throws RangeError when the goroutine whose turn it is cannot go on. */
  next(point: Point): Task {
    const name = this.script[this.at++];
    if (name === undefined) return this.goOn(point);
    if (name === 'clock' || name === '⏱') {
      if (point.timer) return clockTask;
    } else {
      for (let k = 0; k < point.n; k++) {
        const path = point.path(point.tasks[k]!);
        if (path === name || path.endsWith(`/${name}`)) return point.tasks[k]!;
      }
    }
    const could = Array.from({ length: point.n }, (_, k) => point.path(point.tasks[k]!));
    if (point.timer) could.push('clock');
    throw new RangeError(`directed schedule: '${name}' cannot go on at step ${point.step}; those who can: ${could.join(', ')}`);
  }

  private goOn(point: Point): Task {
    for (let k = 0; k < point.n; k++) if (point.tasks[k] === point.last) return point.last;
    return point.n > 0 ? point.tasks[0]! : clockTask;
  }

  private selected = 0;
  select(): number {
    return this.selects[this.selected++] ?? 0;
  }
}
